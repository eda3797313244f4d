"""What Snowflake is known to refuse, looked for before it is asked; each rule has its sentence and its fix.

Source: Snowflake's pages *Integrate customer-hosted Python artifact repositories*, *CREATE ARTIFACT REPOSITORY* and
*CREATE API INTEGRATION*, undated, as read on `READ_ON`; docs/snowflake-repositories.md has a line for each.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from urllib.parse import SplitResult, unquote, urlsplit

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from venvbuild.errors import Problem, RequirementsRefused, UsageError
from venvbuild.redaction import strip_credentials
from venvbuild.snowflake import runtimes
from venvbuild.snowflake.repository import handler
from venvbuild.snowflake.repository.description import (
    Description,
    Function,
    Integration,
    Repository,
    Secret,
    exact_parts,
)
from venvbuild.snowflake.repository.forms import Form, text
from venvbuild.snowflake.repository.misfits import variable_for
from venvbuild.snowflake.statement import SNOWPARK
from venvbuild.text import shown

READ_ON = "2026-11-28"
_PAGE = f"Integrate customer-hosted Python artifact repositories (undated, read on {READ_ON})"
NOTES = (
    f"not supported with such a repository: Streamlit, Native Apps, generic Snowpark Container Services; {_PAGE}",
    "notebooks: supported by that page; the page of the private preview (undated) says that they are not, and is older",
)
"""What holds of every description."""
_SIMPLE = "/simple/"


@dataclass(frozen=True)
class Judgement:
    """Of a description."""

    problems: tuple[Problem, ...]
    """What would fail."""
    warnings: tuple[Problem, ...]
    """What may be meant otherwise, or fails later."""
    unread: tuple[Problem, ...] = ()
    """What could not be read, and so was not judged."""

    def enforce(self) -> None:
        """End with all that is wrong.

        Raises:
            UsageError: something could not be read. RequirementsRefused: something would fail.
        """
        if self.unread:
            raise UsageError.of((*self.unread, *self.problems))
        if self.problems:
            raise RequirementsRefused.of(self.problems)


def judge(description: Description) -> Judgement:
    """What is wrong with it, in the file's order of tables."""
    judge = _Judge(description)
    rules = (judge.secrets, judge.integrations, judge.repositories, judge.policies, judge.defaults, judge.functions)
    for rule in (*rules, judge.privatelink):
        rule()
    return Judgement(tuple(judge.problems), tuple(judge.warnings), description.unread)


def covers(prefix: str, url: str) -> bool:
    """Whether the URL is under an allowed prefix: scheme, host, port, and the path by whole parts.

    `*` stands for one label or more; whether Snowflake takes more than one, no page says.
    """
    allowed, asked = _split(prefix), _split(url)
    # Who follows `..` comes to another path than the one that was compared.
    if not allowed or not asked or _has_dots(asked) or (allowed.scheme, _port(allowed)) != (asked.scheme, _port(asked)):
        return False
    host, of = allowed.hostname or "", asked.hostname or ""
    fits = of.endswith(host[1:]) and len(of) >= len(host) if host.startswith("*.") else host == of
    path = allowed.path.rstrip("/")
    return fits and (asked.path == path or asked.path.startswith(f"{path}/"))


def index_fault(url: str) -> tuple[str, str, str] | None:
    """Why Snowflake takes no index of this URL: what, why and fix; None: it does."""
    found = _split(url)
    if not found or found.scheme != "https":
        fix = "write the URL that pip uses, with https://"
        return f"'{_url_text(url)}' is no https URL", "Snowflake asks no index without TLS", fix
    plain = f"https://{found.netloc.rpartition('@')[2]}{found.path}"
    if "@" in found.netloc:
        fix = f'write "{_url_text(plain)}", and the credentials as a secret'
        return "the index URL has credentials in it", "everybody may read the URL", fix
    if found.query or found.fragment:
        return "the index URL has a query or a fragment", "", f'write "{_url_text(plain)}"'
    if _has_dots(found):
        return "the index URL has . or .. in its path", "", "write the path that it leads to"
    if not found.path.endswith(_SIMPLE):
        stem = plain.rstrip("/")
        right = f"{stem}/" if stem.endswith(_SIMPLE[:-1]) else f"{stem}{_SIMPLE}"
        return "the index URL does not end in /simple/", "", f'write "{_url_text(right)}", if that is the index'
    return None


def _split(url: str) -> SplitResult | None:
    try:
        found = urlsplit(url)
        _ = found.port
    except ValueError:
        return None
    return found if found.hostname and not re.search(r"[\s\\]", url) else None


def _has_dots(url: SplitResult) -> bool:
    return not {".", ".."}.isdisjoint(unquote(url.path).split("/"))


def _port(url: SplitResult) -> int | None:
    return url.port or {"https": 443, "http": 80}.get(url.scheme)


class _Judge:
    def __init__(self, description: Description) -> None:
        self.description = description
        self.problems: list[Problem] = [*description.refused]
        self.warnings: list[Problem] = []
        self.pair, self.table = description.form.pair, description.form.table

    def _refuse(self, keys: tuple[str, ...], what: str, why: str = "", fix: str = "") -> None:
        self.problems.append(Problem(what, self.description.where(*keys), why, fix))

    def _warn(self, keys: tuple[str, ...], what: str, why: str = "", fix: str = "") -> None:
        self.warnings.append(Problem(what, self.description.where(*keys), why, fix))

    def secrets(self) -> None:
        for one in self.description.secrets:
            for keys, what, fix in secret_faults(one, self.description.form):
                self._refuse(keys, what, fix=fix)

    def integrations(self) -> None:
        known = {exact_parts(one.name) for one in self.description.secrets}
        for one in self.description.integrations:
            for prefix in one.allowed_prefixes:
                self._prefix((*one.keys, "allowed_prefixes"), prefix)
            for secret in one.secrets or ():
                if exact_parts(secret) not in known:
                    self._elsewhere((*one.keys, "secrets"), "secret", secret)

    def _prefix(self, keys: tuple[str, ...], prefix: str) -> None:
        url = _split(prefix)
        told = f"the prefix '{_url_text(prefix)}'"
        if not url or url.scheme != "https":
            self._refuse(keys, f"{told} does not begin with https:// and a host", fix=_advised(prefix))
        elif "@" in url.netloc or url.query or url.fragment:
            self._refuse(keys, f"{told} has more than a host and a path", fix=_advised(prefix))
        elif _has_dots(url):
            self._refuse(keys, f"{told} has . or .. in its path", fix="write the path that it leads to")
        elif "*" in prefix.replace("://*.", "://", 1) or not (url.hostname or "").removeprefix("*.").strip("."):
            why = "* stands only for the first label of the host"
            self._refuse(
                keys,
                f"{told} has a * in another place, or nothing behind it",
                why,
                'write it as in "https://*.example.com"',
            )

    def repositories(self) -> None:
        by_name = {exact_parts(one.name): one for one in self.description.integrations}
        for one in self.description.repositories:
            is_url = self._index_url(one)
            integration = by_name.get(exact_parts(one.integration))
            if integration is None:
                self._elsewhere((*one.keys, "integration"), "integration", one.integration)
                continue
            if is_url:
                self._is_allowed(one, integration)
            allowed = set(map(exact_parts, integration.secrets or ()))
            if one.secret and exact_parts(one.secret) not in allowed:
                self._refuse(
                    (*one.keys, "secret"), f"{shown(one.secret)} is no secret of {shown(integration.name)}",
                    "Snowflake uses only secrets that the integration allows",
                    f"add {text(one.secret)} to secrets of {self.table(integration.keys)}",
                )  # fmt: skip

    def _index_url(self, one: Repository) -> bool:
        wrong = index_fault(one.index_url)
        if wrong:
            self._refuse((*one.keys, "index_url"), *wrong)
        return wrong is None

    def _is_allowed(self, one: Repository, integration: Integration) -> None:
        if not any(covers(prefix, one.index_url) for prefix in integration.allowed_prefixes):
            lacking, table = text(f"https://{urlsplit(one.index_url).netloc}"), self.table(integration.keys)
            self._refuse(
                (*one.keys, "index_url"), f"no prefix of {shown(integration.name)} allows it",
                "Snowflake would answer 400, error code 10003", f"add {lacking} to allowed_prefixes of {table}",
            )  # fmt: skip

    def policies(self) -> None:
        for one in self.description.policies if self.description.repositories else ():
            self._warn(
                one.keys, "a packages policy does not guard a repository that a customer hosts",
                f"so says {_PAGE}; the page of the private preview (undated) says that it does, and is older",
                "let the index itself refuse packages",
            )  # fmt: skip

    def defaults(self) -> None:
        for one in self.description.defaults:
            if len(exact_parts(one.repository)) < 3:
                both = f"{self.pair('database', text('...'))} and {self.pair('schema', text('...'))}"
                fix = f"write DATABASE.SCHEMA.NAME, or {self.table(('context',))} with {both}"
                self._refuse(one.keys, f"the default {shown(one.repository)} has no database and schema", fix=fix)
            self._repository(one.keys, one.repository)
            if one.level == "schema" and len(exact_parts(one.of)) < 2:
                self._refuse(one.keys, f"the schema {shown(one.of)} has no database", fix='write "DATABASE.SCHEMA"')

    def functions(self) -> None:
        for one in self.description.functions:
            self._repository((*one.keys, "repository"), one.repository)
            self._python(one)
            self._packages(one)
            if one.body is not None:
                self._body(one, one.body)

    def privatelink(self) -> None:
        link = self.description.privatelink
        if link and re.search(r"[:/@?#\s]", link.host):
            host = re.split(r"[:/?#\s]", link.host.rpartition("://")[2].rpartition("@")[2])[0]
            what, why = "the host has more than a name", "the endpoint is asked for by the name alone, without a port"
            self._refuse((*link.keys, "host"), what, why, f"write {self.pair('host', text(host))}")

    def _repository(self, keys: tuple[str, ...], name: str) -> None:
        if exact_parts(name) not in {exact_parts(one.name) for one in self.description.repositories}:
            self._elsewhere(keys, "repository", name)

    def _elsewhere(self, keys: tuple[str, ...], kind: str, name: str) -> None:
        what = f"the {kind} {shown(name)} is not in this file, and taken as one that is there"
        self._warn(keys, what, fix=f"describe it as {self.table((kind, name))}, unless others look after it")

    def _python(self, one: Function) -> None:
        keys = (*one.keys, "python")
        try:
            runtime = runtimes.runtime(one.python, "python")
        except RequirementsRefused as error:
            fix = f"write {self.pair('python', text(runtimes.DEFAULT))}"
            if one.python == "3.1":
                fix = f"write {self.pair('python', text('3.10'))}, if that was meant; or {text(runtimes.DEFAULT)}"
            self.problems.append(replace(error.problems[0], where=self.description.where(*keys), fix=fix))
            return
        if runtime.deprecated_on:
            what = f"Snowflake's Python {one.python} is deprecated since {runtime.deprecated_on}"
            self._warn(keys, what, fix=f"write {self.pair('python', text(runtimes.DEFAULT))}")

    def _packages(self, one: Function) -> None:
        keys, names = (*one.keys, "packages"), set[str]()
        for package in one.packages:
            try:
                wanted = Requirement(package)
            except InvalidRequirement:
                self._refuse(keys, f"'{shown(package)}' is no package", fix='write it as in "pandas==2.2.3"')
                continue
            name = canonicalize_name(wanted.name)
            wrong = tuple(_not_in_packages(wanted, is_twice=name in names))
            for what, fix in wrong:
                self._refuse(keys, f"{shown(package)} {what}", "PACKAGES takes names with versions", fix)
            names.add(name)
            is_pin = bool(wrong) or any(
                spec.operator in ("==", "===") and "*" not in spec.version for spec in wanted.specifier
            )
            if not is_pin and canonicalize_name(wanted.name) != SNOWPARK:
                why = "whoever creates it again may get another version"
                self._warn(keys, f"{shown(package)} is not pinned", why, f'write "{shown(wanted.name)}==VERSION"')
        if one.kind == "procedure" and SNOWPARK not in names:
            why = "a procedure gets its session from it, and the repository has to have it"
            self._refuse(keys, f"the procedure lacks {SNOWPARK}", why, f'add "{SNOWPARK}" to packages')

    def _body(self, one: Function, body: str) -> None:
        if "$$" in body:
            line = body[: body.index("$$")].count("\n") + 1
            fix = "keep the two apart: '$' '$' is one text to Python"
            self._at(self.problems, one, line, "the body has $$, which ends it for SQL", fix=fix)
        try:
            module = handler.parsed(body)
        except SyntaxError as error:
            here, told = "{}.{}".format(*sys.version_info), shown(error.msg)
            if tuple(map(int, re.findall(r"\d+", one.python[:9])[:2])) > sys.version_info[:2]:
                what = f"the body is NOT CHECKED: Python {here}, which runs the tool, cannot read it"
                fix = f"mend this line, unless Python {one.python} can read it"
                self._at(self.warnings, one, error.lineno, what, told, fix)
            else:
                self._at(self.problems, one, error.lineno, f"the body is no Python: {told}", fix="mend this line")
            return
        if not handler.defines(module, one.handler) and not one.imports:
            what = f"the body has no '{shown(one.handler)}', which handler names"
            self._refuse((*one.keys, "handler"), what, fix="write the name of a function or class of the body")
        for name, line in _not_imported(one, module):
            what = f"{name} is used and not imported, and a package of this name is listed"
            why = "the call would end with NameError"
            self._at(self.warnings, one, line, what, why, f"write import {name} at the top of the body")

    def _at(
        self, into: list[Problem], one: Function, line: int | None, what: str, why: str = "", fix: str = ""
    ) -> None:
        """A problem of a line of the body."""
        file = shown(one.body_file, 200) if one.body_file else self.description.file
        if one.body_line is None or line is None:
            key = "body_file" if one.body_file else "body"
            into.append(Problem(what, self.description.where(*one.keys, key), why, fix))
        else:
            into.append(Problem.at(file, one.body_line + line - 1, what, why, fix))


def secret_faults(one: Secret, form: Form) -> Iterator[tuple[tuple[str, ...], str, str]]:
    """What a secret lacks, and keys that do not go together: keys, what, fix."""
    if one.kind == "generic_string":
        if not one.value_env:
            yield one.keys, "the secret lacks value_env", variable_for("value_env")
        for key in ("username", "username_env", "password_env"):
            if getattr(one, key):
                yield (
                    (*one.keys, key),
                    f"a generic_string has no {key}",
                    f"leave it out, or write {form.pair('type', text('password'))}",
                )
        return
    if bool(one.username) == bool(one.username_env):
        what = "the secret has username and username_env" if one.username else "the secret lacks its username"
        two = form.pair("username", text("NAME")), form.pair("username_env", text("REPO_USER"))
        yield one.keys, what, f"write one of the two: {', or '.join(two)}"
    if not one.password_env:
        yield one.keys, "the secret lacks password_env", variable_for("password_env")
    if one.value_env:
        fix = f"leave it out, or write {form.pair('type', text('generic_string'))}"
        yield (*one.keys, "value_env"), "a password has no value_env", fix


def _not_in_packages(wanted: Requirement, *, is_twice: bool) -> Iterator[tuple[str, str]]:
    """What pip takes and Snowflake does not: what, fix."""
    name = shown(wanted.name)
    right = f'write it as in "{name}==VERSION"'
    if wanted.url:
        yield "names a URL", f"have it in the index, and {right}"
    if wanted.marker:
        yield "has a marker", f"the function has one Python and one machine: {right}, or leave it out"
    if any(spec.operator == "!=" for spec in wanted.specifier):
        yield "leaves a version out, which Snowflake does not know", right
    if is_twice:
        yield f"is the second line about {name}", "leave one of them out"


def _not_imported(one: Function, module: ast.Module) -> Iterator[tuple[str, int]]:
    names = {canonicalize_name(re.split(r"[\[=<>!~; ]", package)[0]).replace("-", "_") for package in one.packages}
    for name, line in handler.unbound(module).items():
        if name.lower() in names:
            yield name, line


def _url_text(url: str) -> str:
    return shown(strip_credentials(url), 2000)


def _advised(prefix: str) -> str:
    """What to write: the prefix with all that one may have, host, port and path, and nothing else."""
    rest = strip_credentials(prefix if "://" in prefix else f"https://{prefix.lstrip('/')}").partition("://")[2]
    right = f"https://{re.split('[?#]', rest)[0]}"
    return f"write {text(right)}" if _split(right) else 'write it as in "https://nexus.example.com"'
