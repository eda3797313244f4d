"""Whether an index works for Snowflake, tried from here with the header that Snowflake sends.

Source: Snowflake's page *Integrate customer-hosted Python artifact repositories*, undated, as read on 2026-11-28: the
header, the codes of failures, the 20 redirects, and that each host on the way needs a prefix.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from venvbuild import builds, requirements
from venvbuild.builds import places, read_lock
from venvbuild.errors import IndexUnavailable, Problem, RequirementsRefused, UsageError
from venvbuild.interpreters import Interpreter
from venvbuild.package_index import File, Project, Walk, Walker
from venvbuild.redaction import REDACTOR
from venvbuild.settings import Settings
from venvbuild.snowflake import runtimes
from venvbuild.snowflake.repository.description import Description, Repository, Secret, exact_parts
from venvbuild.snowflake.repository.forms import listed, text
from venvbuild.snowflake.repository.rules import covers, index_fault, secret_faults
from venvbuild.snowflake.statement import SNOWPARK
from venvbuild.stores import store_of
from venvbuild.text import shown

_BUCKETS = re.compile(
    r"[^.]+\.(cloudfront\.net|azureedge\.net|azurefd\.net|blob\.core\.windows\.net|storage\.googleapis\.com"
    r"|r2\.cloudflarestorage\.com|s3[.-](?:dualstack\.)?(?:[a-z0-9-]+\.)?amazonaws\.com(?:\.cn)?)(:[0-9]+)?"
)
"""Hosts whose first label is the name of a bucket or of a distribution, and may be another tomorrow."""
_HOST = re.compile(r"[A-Za-z0-9._-]+(:[0-9]+)?|\[[0-9A-Fa-f:.]+\](:[0-9]+)?")
_REFUSED = {
    401: ("refuses the credentials", "Snowflake would tell 401"),
    403: ("forbids it", "a rule of the index or of what it stands before; Snowflake would tell 403"),
    404: ("does not have it", "Snowflake would tell 404"),
    410: ("does not have it any more", "Snowflake would tell 404"),
}


@dataclass(frozen=True)
class Wanted:
    """A package that is to be there."""

    name: str
    """Canonical."""
    version: Version | None = None
    """None: any."""
    target: Interpreter | None = field(default=None, compare=False)
    """What it needs a wheel for; None: any file does."""
    for_what: str = ""
    """Who needs it, where that is not plain."""

    def __str__(self) -> str:
        return f"{self.name}=={self.version}" if self.version else self.name


@dataclass
class Examination:
    """What was seen of an index."""

    index_url: str
    status: int = 0
    """Of the answer to the index URL itself."""
    issuer: str = ""
    """Who signed its certificate."""
    has_hashes: bool | None = None
    """Whether each link that was looked at carries its sha256; None: none was."""
    hosts: dict[str, bool | None] = field(default_factory=dict)
    """Host, with its port where that is not 443 -> whether a prefix allows it; None: the prefixes are not known."""
    prefixes: tuple[str, ...] = ()
    """Those that there are, and those that are missing."""
    packages: dict[str, bool] = field(default_factory=dict)
    """What was wanted -> whether it is there."""
    findings: list[Problem] = field(default_factory=list)


def named(described: Description, name: str | None) -> Repository:
    """The repository of this name, or the only one.

    Raises:
        UsageError: there is none, or there are several.
    """
    all_of_them = described.repositories
    asked = exact_parts(name) if name else ()
    found = [one for one in all_of_them if not name or name in one.keys[1:] or _ends(one, asked)]
    if len(found) == 1:
        return found[0]
    names = ", ".join(shown(one.name) for one in all_of_them)
    if not all_of_them:
        raise UsageError(
            "it has no repository", where=described.file, fix=f"write {described.form.table(('repository', 'NAME'))}"
        )
    what = f"it has no repository '{shown(name or '')}'" if not found else f"it has {len(found)} repositories"
    raise UsageError(what, where=described.file, fix=f"name one of {names}")


def _ends(one: Repository, asked: tuple[str, ...]) -> bool:
    return bool(asked) and exact_parts(one.name)[-len(asked) :] == asked


def header(described: Description, one: Repository, environ: Mapping[str, str]) -> str | None:
    """The value of `Authorization` that Snowflake sends; None where the repository has no secret.

    Raises:
        UsageError: a variable is not set, or the secret is not in the file.
        RequirementsRefused: the secret lacks a key.
    """
    if one.secret is None:
        return None
    form = described.form
    secret = next((s for s in described.secrets if exact_parts(s.name) == exact_parts(one.secret)), None)
    if secret is None:
        raise UsageError(
            f"the secret {shown(one.secret)} is not in this file, so what Snowflake sends is not known",
            where=described.where(*one.keys, "secret"), fix=f"describe it as {form.table(('secret', one.secret))}",
        )  # fmt: skip
    faults = [Problem(what, described.where(*keys), fix=fix) for keys, what, fix in secret_faults(secret, form)]
    if faults:
        raise RequirementsRefused.of(faults)
    sent = _sent(described, secret, environ)
    token = base64.b64encode(sent.encode("utf-8", "surrogateescape")).decode()
    REDACTOR.hide(sent, sent.partition(":")[2], token)
    return f"Basic {token}"


def _sent(described: Description, secret: Secret, environ: Mapping[str, str]) -> str:
    unset = [
        Problem(f"the variable {name} is not set", described.where(*secret.keys, key), fix=f"set {name}")
        for key in ("username_env", "password_env", "value_env")
        if (name := getattr(secret, key)) and not environ.get(name)
    ]
    if unset:
        raise UsageError.of(unset)
    if secret.kind == "generic_string":
        return environ[secret.value_env or ""]
    user = secret.username or environ[secret.username_env or ""]
    return f"{user}:{environ[secret.password_env or '']}"


def asked_for(texts: Iterable[str]) -> Iterator[Wanted]:
    """The packages that somebody named, as `p==v` or by a name alone.

    Raises:
        UsageError: one is neither.
    """
    for given in texts:
        found = re.fullmatch(r"([A-Za-z0-9][A-Za-z0-9._-]*)(?:===?([^\s;*,=]+))?", given.replace(" ", ""))
        try:
            if not found:
                raise ValueError(given)
            yield Wanted(canonicalize_name(found[1]), Version(found[2]) if found[2] else None)
        except ValueError:
            what = f"'{shown(given)}' is no package"
            raise UsageError(what, where="--package", fix="write it as in pandas==2.2.3") from None


def of_functions(described: Description, one: Repository, *, is_all: bool) -> Iterator[Wanted]:
    """What the functions of this repository list; not `is_all`: only what a procedure gets its session from."""
    ours = [f for f in described.functions if exact_parts(f.repository) == exact_parts(one.name)]
    if any(function.kind == "procedure" for function in ours):
        yield Wanted(SNOWPARK, for_what="which each procedure needs")
    for package in (package for function in ours for package in function.packages) if is_all else ():
        try:
            asked = Requirement(package)
        except InvalidRequirement:  # `check` tells of it
            continue
        pins = [spec.version for spec in asked.specifier if spec.operator in ("==", "===") and "*" not in spec.version]
        name = canonicalize_name(asked.name)
        if pins or name != SNOWPARK:
            yield Wanted(name, Version(pins[0]) if pins else None)


def of_build(build: str, settings: Settings) -> tuple[Wanted, ...]:
    """Each entry of a build's lock, with what Snowflake would need a wheel for; without a pip that nobody pinned.

    Raises:
        RequirementsRefused: Snowflake does not run its Python. Others as reading a build.
    """
    store = store_of(settings)
    found = builds.read(store, builds.find(store, build))
    python = found["python_version"]
    if python not in runtimes.running():
        raise RequirementsRefused(
            f"it is for Python {shown(python)}, which Snowflake does not run", where=found["venv_version"],
            fix=f"name a build for one of {', '.join(runtimes.running())}",
        )  # fmt: skip
    target = runtimes.target(python, runtimes.MACHINES[0])
    lock = read_lock(builds.read_file(store, found, places.LOCK).decode())
    body = builds.read_file(store, found, places.REQUIREMENTS)
    pinned = {
        pin.canonical_name for pin in requirements.reread(body, places.REQUIREMENTS, target.marker_environment).active
    }
    names = ((canonicalize_name(name), version) for name, version, _ in lock)
    return tuple(Wanted(name, Version(version), target) for name, version in names if name != "pip" or name in pinned)


def examine(
    described: Description, one: Repository, authorization: str | None, wanted: Sequence[Wanted]
) -> Examination:
    """Ask the index for each, and each host that its files are at for one byte.

    Raises:
        RequirementsRefused: its URL is none that anybody may ask with a secret.
        IndexUnavailable: it does not answer.
    """
    return _Doctor(described, one, authorization).examine(wanted)


class _Doctor:
    def __init__(self, described: Description, one: Repository, authorization: str | None) -> None:
        self.one, self.described = one, described
        self.where = described.where(*one.keys, "index_url")
        fault = index_fault(one.index_url)
        is_asked = not fault or index_fault(f"{one.index_url.rstrip('/')}/simple/") is None
        if fault and not is_asked:
            raise RequirementsRefused(fault[0], where=self.where, why=fault[1], fix=fault[2])
        integrations = (i for i in described.integrations if exact_parts(i.name) == exact_parts(one.integration))
        self.integration = next(integrations, None)
        self.walker = Walker(one.index_url, authorization)
        self.found = Examination(one.index_url)
        self.foreign = dict[str, None]()
        self.has_secret = authorization is not None
        if fault:
            self._find(*fault)

    def _find(self, what: str, why: str = "", fix: str = "", where: str = "") -> None:
        problem = Problem(what, where or self.where, why, fix)
        if problem not in self.found.findings:
            self.found.findings.append(problem)

    def examine(self, wanted: Sequence[Wanted]) -> Examination:
        base = f"{self.one.index_url.rstrip('/')}/"
        walk = self.walker.look(base)
        self._touch(walk)
        self._must_answer(walk)
        self.found.status = walk.status
        self.found.issuer = self.walker.issuers.get(urlsplit(base).hostname or "", "")
        # An index without a list of its packages may answer for each of them.
        is_open = walk.status == 200 or (wanted and walk.status in (404, 410) and not walk.fault)
        if not is_open:
            self._refusal("the index", walk)
        for one in wanted if is_open else ():
            self._package(base, one)
        self._tell_prefixes()
        if self.found.has_hashes is False and self.one.retention:
            where = self.described.where(*self.one.keys, "retention")
            fix = "let the index write hashes, or leave retention out"
            self._find("links of the index carry no #sha256=", "only what has one can be retained", fix, where)
        return self.found

    def _must_answer(self, walk: Walk) -> None:
        if walk.is_silent:
            why = walk.fault or f"HTTP {walk.status}"
            raise IndexUnavailable(
                "the index does not answer", where=_host(walk.urls[-1]), why=shown(why),
                fix="try again; if it lasts, check the network, the proxy and the index URL",
            )  # fmt: skip

    def _refusal(self, subject: str, walk: Walk) -> None:
        """What ended a walk before 200."""
        host = _host(walk.urls[-1])
        if walk.is_untrusted:
            fix = "give it one that a public authority signed, with its whole chain"
            self._find(f"{host} has no certificate that is trusted here", shown(walk.fault), fix)
        elif walk.fault or walk.is_silent:
            why = "from Snowflake it may be else" if walk.is_silent else "Snowflake would tell 502"
            told = f"does not answer: {shown(walk.fault or f'HTTP {walk.status}')}" if walk.is_silent else walk.fault
            self._find(f"{subject}{host and f', at {host}'}: {told}", why, "mend the index, or what it redirects to")
        elif walk.status == 401 and host != _host(self.one.index_url):
            why = "the credentials go to the host of index_url alone"
            self._find(f"{subject}: {host} wants credentials (HTTP 401)", why, "let index_url name that host itself")
        else:
            told, why = _REFUSED.get(walk.status, (f"answers HTTP {walk.status}", ""))
            self._find(f"{subject}: {host} {told} (HTTP {walk.status})", why, self._cure(walk.status))

    def _cure(self, status: int) -> str:
        if status != 401:
            return "let the index have it, for this user" if status in (403, 404, 410) else "correct index_url"
        if self.has_secret:
            return "correct the values of the secret's variables"
        return f"write {self.described.form.pair('secret', text('NAME'))}"

    def _package(self, base: str, one: Wanted) -> None:
        walk = self.walker.page(f"{base}{one.name}/", one.name)
        self._touch(walk)
        self._must_answer(walk)
        self.found.packages[str(one)] = False
        subject = f"{one}{one.for_what and f', {one.for_what}'}"
        if walk.status != 200:
            return self._refusal(subject, walk)
        files = _fitting(one, walk.files)
        if not files:
            fix = "upload it, or let the index get it from where it is"
            return self._find(f"{subject}: {_lack(one, walk.files)}", "Snowflake would not find it", fix)
        self.found.packages[str(one)] = True
        hashed = all(file.sha256 for file in files)
        self.found.has_hashes = hashed and self.found.has_hashes is not False
        for file in {_host(file.url): file for file in reversed(files)}.values():
            ended = self.walker.first_byte(file.url)
            self._touch(ended)
            if ended.status not in (200, 206, 416):
                self._refusal(shown(file.filename), ended)
        return None

    def _touch(self, walk: Walk) -> None:
        prefixes = self.integration.allowed_prefixes if self.integration else ()
        for url in filter(_host, walk.urls):
            is_allowed = any(covers(prefix, url) for prefix in prefixes) if self.integration else None
            host = _host(url)
            if self.found.hosts.get(host) is not False:
                self.found.hosts[host] = is_allowed
            if not is_allowed and not any(covers(prefix, url) for prefix in self.foreign):
                self._ask_for(url, host)

    def _ask_for(self, url: str, host: str) -> None:
        if urlsplit(url).scheme != "https":
            self._find(f"{host} is asked without TLS", "no prefix can allow it", "let the index name it with https://")
        elif _HOST.fullmatch(host):
            self.foreign[_prefix(host)] = None
        else:
            self._find(f"{host} is no host that a prefix can name", fix="let the index name another")

    def _tell_prefixes(self) -> None:
        given = self.integration.allowed_prefixes if self.integration else ()
        self.found.prefixes = (*given, *self.foreign)
        if self.integration and self.foreign:
            hosts = [host for host, is_allowed in self.found.hosts.items() if not is_allowed]
            # Not those that no prefix can allow: of them another finding tells.
            lacking = ", ".join(h for h in hosts if any(covers(prefix, f"https://{h}/") for prefix in self.foreign))
            self._find(
                f"no prefix allows {lacking}", "downloads would fail with HTTP 400, error code 10003",
                f"write {self.described.form.pair('allowed_prefixes', listed(self.found.prefixes))}",
                self.described.where(*self.integration.keys, "allowed_prefixes"),
            )  # fmt: skip


def _fitting(one: Wanted, files: Sequence[File]) -> list[File]:
    """The files that do, the best first where one needs a wheel."""
    of_version = [file for file in files if one.version is None or file.version == one.version]
    if one.target is None or one.version is None:
        return of_version
    python = one.target.full_version
    wheels = Project(one.name, tuple(files)).wheels(one.version, one.target.ranks)
    return [file for file in wheels if file.allows_python(python)]


def _lack(one: Wanted, files: Sequence[File]) -> str:
    if not files:
        return "the index's page lists no file of it (a login page?)"
    if any(file.version == one.version for file in files) and one.target:
        return f"the index has no wheel of it for Python {one.target.version} on {one.target.platform}"
    newest = max(file.version for file in files)
    return f"the index does not have this version; its newest is {shown(str(newest))}"


def _prefix(host: str) -> str:
    found = _BUCKETS.fullmatch(host)
    return f"https://*.{found[1]}{found[2] or ''}" if found else f"https://{host}"


def _host(url: str) -> str:
    """Host, and port where it is not that of https, of a URL that may have secrets elsewhere; empty: it has none."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return ""
    if parts.scheme not in ("http", "https") or not parts.hostname:
        return ""
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return shown(host if port in (None, 443) else f"{host}:{port}")
