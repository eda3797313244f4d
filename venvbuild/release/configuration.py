"""What a project's releases are configured with: flag > environment > the project's own file > default.

The file is `[tool.venvbuild.release]` of pyproject.toml, or `[tool:venvbuild.release]` of setup.cfg. Where a release
goes to, and who we are there, is told by the variables of its kind of index: `backends`.
"""

from __future__ import annotations

import configparser
import difflib
import ipaddress
import re
import ssl
import tomllib
import urllib.parse
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from venvbuild.errors import Problem, UsageError
from venvbuild.redaction import REDACTOR, strip_credentials
from venvbuild.settings import azure
from venvbuild.text import first_line, shown

BACKENDS = ("devpi", "artifactory", "aws_codeartifact", "gitlab", "azure_artifacts", "pypiserver", "pypi")
"""The kinds of index that are known by name, as PYPI_BACKEND says them."""
ALIASES = {"codeartifact": "aws_codeartifact"}
PAIR = "pair"
"""The kind of an index of which only both URLs are known."""
TABLE, SECTION = "tool.venvbuild.release", "tool:venvbuild.release"

VARIABLES = {
    "backend": "PYPI_BACKEND",
    "index_url": "VENVBUILD_RELEASE_INDEX_URL",
    "upload_url": "VENVBUILD_RELEASE_UPLOAD_URL",
    "staging": "VENVBUILD_RELEASE_STAGING",
    "branch": "VENVBUILD_RELEASE_BRANCH",
    "tag_format": "VENVBUILD_RELEASE_TAG_FORMAT",
    "changelog": "VENVBUILD_RELEASE_CHANGELOG",
    "ca_file": "VENVBUILD_RELEASE_CA_FILE",
}
"""Key of the file -> its variable. The flag of `index_url` is `--index-url`."""
_DEFAULTS = {"backend": "devpi", "tag_format": "v{version}", "changelog": "CHANGELOG.md"}
_URLS = ("index_url", "upload_url", "staging")


@dataclass(frozen=True)
class Configuration:
    """How a project is released."""

    project: Path
    """The folder of pyproject.toml or setup.cfg."""
    backend: str
    """One of `BACKENDS`, or `PAIR`."""
    index_url: str | None
    """Where files are read and installed from; None: the backend's variables tell."""
    upload_url: str | None
    """Where files are sent to; None as before."""
    staging: str | None
    """The index of the same backend that a release goes to first, by the address of either use."""
    branch: str | None
    """The only branch that is released from; None: whichever is checked out."""
    tag_format: str
    """`v{version}`."""
    changelog: str
    """Relative to the project."""
    ca_file: Path | None
    """Certificates that the index's is judged by, beside the machine's."""
    may_http: bool
    """Whether the index may be asked without TLS although it is on another machine."""
    origins: Mapping[str, str]
    """Key -> where its value came from: `--backend`, `PYPI_BACKEND`, `pyproject.toml`, `default`."""

    def tag_of(self, version: str) -> str:
        """The tag of a version."""
        return self.tag_format.replace("{version}", version)

    def version_of(self, tag: str) -> str | None:
        """The version that a tag is for; None where it is no tag of a release."""
        before, _, after = self.tag_format.partition("{version}")
        if not (tag.startswith(before) and tag.endswith(after) and len(tag) > len(before) + len(after)):
            return None
        return tag[len(before) : len(tag) - len(after)]

    def is_default(self, key: str) -> bool:
        """Whether nobody asked for this value."""
        return self.origins[key] == "default"


def load(
    project: Path, flags: Mapping[str, str | None], environ: Mapping[str, str], *, may_http: bool = False
) -> Configuration:
    """The configuration of the project in this folder. An empty value counts as none, as an unset variable of a
    workflow arrives.

    Raises:
        UsageError: the file cannot be read, has unknown keys, or values that cannot stand there; all of them.
    """
    # What Azure leaves of a variable that is not defined is none.
    environ = azure.defined(environ)
    written, name = _file(project)
    values: dict[str, str | None] = {}
    origins: dict[str, str] = {}
    for key, variable in VARIABLES.items():
        flag = f"--{key.replace('_', '-')}"
        found = ((flags.get(key), flag), (environ.get(variable), variable), (written.get(key), name))
        given = [(value.strip(), origin) for value, origin in found if value and value.strip()]
        values[key], origins[key] = given[0] if given else (_DEFAULTS.get(key), "default")
    if origins["backend"] == "default" and values["index_url"] and values["upload_url"]:
        values["backend"] = PAIR
    problems = list(_problems(project, values, origins, may_http=may_http))
    if problems:
        raise UsageError.of(problems)
    kind = str(values["backend"]).lower()
    return Configuration(
        project=project,
        backend=ALIASES.get(kind, kind),
        index_url=values["index_url"],
        upload_url=values["upload_url"],
        staging=values["staging"],
        branch=values["branch"],
        tag_format=str(values["tag_format"]),
        changelog=str(values["changelog"]),
        ca_file=_ca_file(project, values["ca_file"], origins["ca_file"]),
        may_http=may_http,
        origins=origins,
    )


def _problems(
    project: Path, values: Mapping[str, str | None], origins: Mapping[str, str], *, may_http: bool
) -> Iterator[Problem]:
    kind = str(values["backend"]).lower()
    if kind not in (*BACKENDS, *ALIASES, PAIR) or (kind == PAIR and origins["backend"] != "default"):
        yield Problem(
            f"there is no backend {shown(kind)!r}",
            origins["backend"],
            fix=f"{_meant(kind, (*BACKENDS, *ALIASES))}there are {', '.join(BACKENDS)}; or give both URLs: "
            "--index-url URL --upload-url URL",
            rule="NO_SUCH_BACKEND",
        )
    for key in _URLS:
        url = values[key]
        fault = fault_of(url, may_http=may_http) if url else None
        if url and fault:
            yield Problem(fault[0], f"{origins[key]}: {shown(strip_credentials(url), 200)}", fix=fault[1], rule="URL")
    tag_format = str(values["tag_format"])
    if tag_format.count("{version}") != 1 or not _is_name_of_a_tag(tag_format.replace("{version}", "1.0.0")):
        yield Problem(
            f"{shown(tag_format)!r} makes no names of tags",
            origins["tag_format"],
            fix="write {version} in it once, and else what git takes: v{version}",
            rule="TAG_FORMAT",
        )
    changelog = Path(str(values["changelog"]))
    if changelog.is_absolute() or ".." in changelog.parts:
        fix = "write it relative to the project, without ..: CHANGELOG.md"
        where = f"{origins['changelog']}: {shown(str(changelog), 200)}"
        yield Problem("the changelog is not in the project", where, fix=fix)
    ca_file = _ca_file(project, values["ca_file"], origins["ca_file"])
    if ca_file and not _has_certificates(ca_file):
        fix = "name a file of certificates (PEM), or leave it out"
        where = f"{origins['ca_file']}: {shown(str(ca_file), 200)}"
        yield Problem("there are no certificates", where, fix=fix, rule="NO_CA_FILE")


def _has_certificates(path: Path) -> bool:
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(path)
    except OSError:  # of which what is no PEM is a kind
        return False
    return True


def fault_of(url: str, *, may_http: bool) -> tuple[str, str] | None:
    """What is wrong with the URL of an index, and what to do; None: nothing. Shows nothing of it."""
    try:
        parts = urllib.parse.urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        parts, host = urllib.parse.urlsplit(""), None
    if parts.scheme not in ("http", "https") or not host or re.search(r"[\s\x00-\x1f\x7f]", url):
        return "this is no URL of an index", "write it as in https://host/path/"
    if strip_credentials(url) != url or "@" in parts.netloc:
        REDACTOR.hide_url(url)
        return "it holds credentials", "write it without; they belong into the environment: <BACKEND>_TOKEN"
    if parts.query or parts.fragment:
        return "it has a query or a fragment", "write it up to the ? or #"
    if parts.scheme == "http" and not may_http and not _is_here(host):
        return "it has no TLS: who listens reads the token", "write https://, or --allow-http when that is meant"
    return None


def _is_here(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower().rstrip(".") == "localhost"


# What git refuses in the name of a tag: git-check-ref-format(1).
_NOT_IN_TAGS = re.compile(r"[\x00-\x20\x7f~^:?*\[\\{}]|\.\.|//|@\{|\.lock(/|$)|(^|/)\.|[./]$|^[-/]")


def _is_name_of_a_tag(text: str) -> bool:
    return bool(text) and not _NOT_IN_TAGS.search(text)


def _ca_file(project: Path, value: str | None, origin: str) -> Path | None:
    """What a file of the project names is beside it."""
    if value is None:
        return None
    return (project if origin in ("pyproject.toml", "setup.cfg") else Path()).joinpath(value).absolute()


def _file(project: Path) -> tuple[dict[str, str], str]:
    """What the project's own file says, and the name of that file."""
    found = [
        (_of_pyproject(project / "pyproject.toml"), "pyproject.toml"),
        (_of_setup(project / "setup.cfg"), "setup.cfg"),
    ]
    there = [(written, name) for written, name in found if written is not None]
    if len(there) > 1:
        raise UsageError(
            "releases are configured in two files",
            where=f"{project}: [{TABLE}] of pyproject.toml, [{SECTION}] of setup.cfg",
            fix="keep one of them",
        )
    if not there:
        return {}, ""
    written, name = there[0]
    problems = list(_of_keys(written, name))
    if problems:
        raise UsageError.of(problems)
    return {key: str(value) for key, value in written.items()}, name


def _of_keys(written: Mapping[str, object], name: str) -> Iterator[Problem]:
    for key, value in written.items():
        where = f"{name} [{TABLE if name == 'pyproject.toml' else SECTION}]"
        if key not in VARIABLES:
            # passed over, a misspelt one would silently be its default
            fix = _meant(key, tuple(VARIABLES)) + f"there are {', '.join(VARIABLES)}"
            if re.search("(?i)token|password|secret", key):
                fix = "a token never stands in a file: set it in the environment, as <BACKEND>_TOKEN"
            yield Problem(f"there is no setting {shown(str(key))!r}", where, fix=fix, rule="UNKNOWN_KEY")
        elif not isinstance(value, str):
            yield Problem(f"{key} is not a text", where, fix=f'write it in quotes: {key} = "..."', rule="NO_TEXT")


def _meant(word: str, known: tuple[str, ...]) -> str:
    near = difflib.get_close_matches(word.lower().replace("-", "_"), known, 1, 0.6)
    return f"did you mean {near[0]}? " if near else ""


def _of_pyproject(path: Path) -> Mapping[str, object] | None:
    try:
        table: object = tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise _unreadable(path, error, "correct it: it is to be TOML in UTF-8") from error
    for part in TABLE.split("."):
        if not isinstance(table, dict):
            raise UsageError(f"[{TABLE}] is no table", where=str(path), fix=f"write [{TABLE}] on a line of its own")
        if part not in table:
            return None
        table = table[part]
    if not isinstance(table, dict):
        raise UsageError(f"[{TABLE}] is no table", where=str(path), fix=f"write [{TABLE}] on a line of its own")
    return table


def _of_setup(path: Path) -> Mapping[str, object] | None:
    # raw: a % in a URL is no interpolation
    parser = configparser.RawConfigParser()
    try:
        parser.read_string(path.read_text("utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, configparser.Error) as error:
        raise _unreadable(path, error, "correct it: sections of key = value, in UTF-8") from error
    return dict(parser.items(SECTION)) if parser.has_section(SECTION) else None


def _unreadable(path: Path, error: Exception, fix: str) -> UsageError:
    why = error.strerror or "" if isinstance(error, OSError) else first_line(error)
    return UsageError("it cannot be read", where=str(path), why=shown(why, 200), fix=fix)
