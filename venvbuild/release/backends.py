"""The kinds of package index: where each is written to and read from, and who we are there.

Read in the vendors' documentation and tried on devpi and pypiserver. Artifactory, CodeArtifact, GitLab and Azure were
never asked: docs/releases.md, "What was tried".
"""

from __future__ import annotations

import urllib.parse
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from venvbuild.errors import Problem, UsageError
from venvbuild.redaction import REDACTOR
from venvbuild.release import codeartifact
from venvbuild.release.codeartifact import AwsClient, Repository
from venvbuild.release.configuration import PAIR, Configuration, fault_of
from venvbuild.settings import azure
from venvbuild.text import shown


@dataclass(frozen=True)
class Backend:
    """A kind of package index."""

    name: str
    title: str
    variable: str
    """The first that its address is made of."""
    tokens: tuple[str, ...]
    """The variables of the token or password, the first that is set counts."""
    users: tuple[str, ...]
    """The variables of the user's name, before PYPI_USERNAME."""
    user: str = ""
    """Who we are where nobody is named; empty: that has to be told."""
    root: str = ""
    """How the address of the index ends, and that of uploads does not: `/+simple/`."""
    has_root_page: bool = True
    """Whether an index without the project still answers for itself."""
    taken: str = ""
    """What else 403 means there."""


_KINDS = (
    Backend(
        "devpi", "devpi", "DEVPI_INDEX_URL", ("DEVPI_TOKEN",), ("DEVPI_USER",), root="/+simple/",
        taken="devpi: 403 also means that this user may not upload to this index",
    ),
    Backend(
        "artifactory", "Artifactory", "ARTIFACTORY_PYPI_URL", ("ARTIFACTORY_TOKEN",), ("ARTIFACTORY_USER",),
        root="/simple/", has_root_page=False,
        taken="Artifactory: 403 also means: no right to overwrite what is there",
    ),
    Backend(
        "aws_codeartifact", "AWS CodeArtifact", "CODEARTIFACT_DOMAIN",
        ("AWS_CODEARTIFACT_TOKEN", "CODEARTIFACT_AUTH_TOKEN"), (), codeartifact.USER, "/simple/", has_root_page=False,
    ),
    Backend(
        "gitlab", "GitLab", "GITLAB_URL", ("GITLAB_TOKEN", "CI_JOB_TOKEN"), ("GITLAB_USER",), "venvbuild", "/simple/",
        has_root_page=False,
    ),
    Backend(
        "azure_artifacts", "Azure Artifacts", "AZURE_ORG", ("AZURE_ARTIFACTS_TOKEN", "SYSTEM_ACCESSTOKEN"),
        ("AZURE_ARTIFACTS_USER",), "venvbuild", "/simple/", has_root_page=False,
    ),
    Backend(
        "pypiserver", "pypiserver", "PYPISERVER_URL", ("PYPISERVER_TOKEN",), ("PYPISERVER_USER",), root="/simple/",
        taken="pypiserver: 403 means a wrong password, or a user that it does not know",
    ),
    Backend("pypi", "PyPI", "", ("PYPI_TOKEN",), (), "__token__", "/simple/"),
    Backend(PAIR, "the index", "", (), ()),
)  # fmt: skip
BY_NAME = {one.name: one for one in _KINDS}
_USER, _PASSWORD = "PYPI_USERNAME", "PYPI_PASSWORD"
"""Read for each of them, after its own."""
_PYPI = ("https://upload.pypi.org/legacy/", "https://pypi.org/simple/")
_OF_PYPI = (_PYPI, ("https://test.pypi.org/legacy/", "https://test.pypi.org/simple/"))


@dataclass(frozen=True)
class Addresses:
    """Both addresses of an index."""

    upload_url: str
    index_url: str
    notes: tuple[str, ...] = ()
    """How they were made of what was given, where somebody may wonder."""


@dataclass(frozen=True)
class Credentials:
    """Who we are there."""

    user: str
    token: str = field(repr=False)
    origin: str
    """The variable of the token, or what was asked for it."""
    user_origin: str
    """The variable of the user's name, or why it is this one."""

    def __str__(self) -> str:
        return f"user {shown(self.user)} ({self.user_origin}), {self.origin}"


@dataclass(frozen=True)
class Target:
    """One index that a release goes to."""

    backend: Backend
    addresses: Addresses
    credentials: Credentials | None
    """None where files are only read, and none are set."""
    ca_file: Path | None = None
    """Certificates that the index's is judged by, beside the machine's."""

    @property
    def upload_url(self) -> str:
        """Where files are sent to."""
        return self.addresses.upload_url

    @property
    def index_url(self) -> str:
        """Where they are read and installed from; ends in one slash, or none."""
        return self.addresses.index_url

    @property
    def host(self) -> str:
        """Who answers, for messages."""
        return urllib.parse.urlsplit(self.upload_url).netloc


def target_of(
    configuration: Configuration,
    environ: Mapping[str, str],
    *,
    is_staging: bool = False,
    is_read_only: bool = False,
    aws: AwsClient | None = None,
) -> Target:
    """The index that a release goes to, or the one before it.

    `is_read_only`: nothing is to be sent, and credentials may be missing.

    Raises:
        UsageError: a variable of the address, or the token, is not set; all of them, and nothing was asked.
        IndexUnavailable: AWS does not answer.
    """
    environ = azure.defined(environ)
    problems: list[Problem] = []
    addresses: Addresses | None = None
    credentials: Credentials | None = None
    try:
        addresses = addresses_of(configuration, environ, is_staging=is_staging, aws=aws)
    except UsageError as error:
        problems += error.problems
    try:
        credentials = credentials_of(configuration, environ, addresses, aws=aws)
    except UsageError as error:
        if not is_read_only or any(one.rule != "NO_TOKEN" for one in error.problems):
            problems += error.problems
    if problems or addresses is None:
        raise UsageError.of(dict.fromkeys(problems))
    # What requests, and so twine and pip, are told to trust, we trust too.
    told = environ.get("REQUESTS_CA_BUNDLE")
    ca_file = configuration.ca_file or (Path(told) if told and Path(told).is_file() else None)
    return Target(BY_NAME[configuration.backend], addresses, credentials, ca_file)


def addresses_of(
    configuration: Configuration, environ: Mapping[str, str], *, is_staging: bool = False, aws: AwsClient | None = None
) -> Addresses:
    """Both addresses: those that were given, else those that the variables of the backend tell; one of them makes the
    other.

    Raises:
        UsageError: a variable is not set, or what it says is no URL that may be used. IndexUnavailable: as `target_of`.
    """
    backend = BY_NAME[configuration.backend]
    if is_staging:
        if not configuration.staging:
            fix = "set staging to the index that a release goes to first, or leave it out"
            raise UsageError("there is no staging index", where=configuration.origins["staging"], fix=fix)
        return _both(backend, configuration.staging, configuration.origins["staging"])
    given = {key: url for key in _KEYS if (url := getattr(configuration, key))}
    # The environment is stronger than a file.
    if all(configuration.origins[key] in ("pyproject.toml", "setup.cfg", "default") for key in _KEYS):
        found = _of_variables(backend, azure.defined(environ), aws, is_needed=not given)
        if found and not (given and backend.name == "pypi"):
            return _judged(found, backend, configuration)
    if len(given) == len(_KEYS):
        _refuse_for_installing(backend, given["upload_url"], configuration.origins["upload_url"])
        return Addresses(_of_uploads(backend, given["upload_url"]), given["index_url"])
    key, url = next(iter(given.items()), ("index_url", ""))
    return _both(backend, url, configuration.origins[key])


_KEYS = ("upload_url", "index_url")


def _refuse_for_installing(backend: Backend, upload_url: str, origin: str) -> None:
    """The commonest mistake, which a server answers with 404 or 405."""
    end = backend.root.strip("/") or "simple"
    if upload_url.rstrip("/").endswith(f"/{end}"):
        raise UsageError(
            "this address is for installing, and not for uploads",
            where=f"{origin}: {shown(upload_url, 200)}",
            fix=f"leave out its end, {end}/",
            rule="WRONG_UPLOAD_URL",
        )


def _judged(addresses: Addresses, backend: Backend, configuration: Configuration) -> Addresses:
    for url in (addresses.upload_url, addresses.index_url):
        fault = fault_of(url, may_http=configuration.may_http)
        if fault:
            raise UsageError(fault[0], where=backend.variable, fix=fault[1], rule="URL")
    return addresses


def _of_variables(
    backend: Backend, environ: Mapping[str, str], aws: AwsClient | None, *, is_needed: bool
) -> Addresses | None:
    """What the backend's own variables say; None where none is set and none `is_needed`."""
    if backend.name == "pypi":
        return Addresses(*_PYPI)
    if backend.name == "gitlab":
        return _of_gitlab(environ, is_needed=is_needed)
    if backend.name == "azure_artifacts":
        return _of_azure(environ, is_needed=is_needed)
    if backend.name == "aws_codeartifact":
        return _of_aws(environ, aws, is_needed=is_needed)
    if backend.name == PAIR:
        return None
    variable = backend.variable
    found = _required(environ, {variable: (variable,)}, is_needed=is_needed)
    return _both(backend, found[variable], variable) if found else None


def _required(
    environ: Mapping[str, str], variables: Mapping[str, tuple[str, ...]], *, is_needed: bool
) -> dict[str, str] | None:
    """Name -> value of the first of its variables that is set; None where one is not, and is not needed."""
    found = {name: next((environ[one] for one in names if one in environ), "") for name, names in variables.items()}
    missing = [name for name, value in found.items() if not value.strip()]
    if missing and is_needed:
        raise UsageError.of(
            Problem(
                f"{name} is not set, and nothing else says where the index is",
                name,
                fix=f"set {name}, or give both addresses: --index-url URL --upload-url URL",
                rule="NO_URL",
            )
            for name in missing
        )
    return None if missing else {name: value.strip() for name, value in found.items()}


def _both(backend: Backend, url: str, origin: str) -> Addresses:
    """Of the one address, both."""
    for pair in _OF_PYPI if backend.name == "pypi" else ():
        if url.rstrip("/") in (one.rstrip("/") for one in pair):
            return Addresses(*pair)
    if not backend.root or backend.name == "pypi":
        raise UsageError(
            "one address of the index does not tell the other",
            where=origin,
            fix="give both: --index-url URL --upload-url URL, or name the backend",
            rule="NO_URL",
        )
    # Azure's differ in both ends.
    base = url.rstrip("/").removesuffix("/upload") if backend.name == "azure_artifacts" else url.rstrip("/")
    end = backend.root.rstrip("/")
    addresses = Addresses(_of_uploads(backend, base.removesuffix(end)), base.removesuffix(end) + backend.root)
    if base.endswith(end):
        note = f"{origin} is where packages are installed from; uploads go to {addresses.upload_url}"
        return Addresses(addresses.upload_url, addresses.index_url, (note,))
    return addresses


def _of_uploads(backend: Backend, url: str) -> str:
    """As each wants it to end. What was given for it is changed in nothing else: a wrong one is told by the server."""
    base = url.rstrip("/")
    if backend.name == "azure_artifacts":
        return base + ("/" if base.endswith("/upload") else "/upload/")
    return base if backend.name in ("artifactory", "gitlab") else base + "/"


def _of_gitlab(environ: Mapping[str, str], *, is_needed: bool) -> Addresses | None:
    names = {"GITLAB_URL": ("GITLAB_URL", "CI_SERVER_URL"), "GITLAB_PROJECT_ID": ("GITLAB_PROJECT_ID", "CI_PROJECT_ID")}
    found = _required(environ, names, is_needed=is_needed)
    if not found:
        return None
    # It may be a path, group/project, which is one part of the URL then.
    project = urllib.parse.quote(urllib.parse.unquote(found["GITLAB_PROJECT_ID"]), safe="")
    base = f"{found['GITLAB_URL'].rstrip('/').removesuffix('/api/v4')}/api/v4/projects/{project}/packages/pypi"
    return Addresses(base, f"{base}/simple/")


def _of_azure(environ: Mapping[str, str], *, is_needed: bool) -> Addresses | None:
    names = ("AZURE_ORG", "AZURE_PROJECT", "AZURE_FEED")
    found = _required(environ, {name: (name,) for name in names}, is_needed=is_needed)
    if not found:
        return None
    org, project, feed = (urllib.parse.quote(urllib.parse.unquote(found[name]), safe="") for name in names)
    base = f"https://pkgs.dev.azure.com/{org}/{project}/_packaging/{feed}/pypi"
    return Addresses(f"{base}/upload/", f"{base}/simple/")


def _of_aws(environ: Mapping[str, str], aws: AwsClient | None, *, is_needed: bool) -> Addresses | None:
    repository = repository_of(environ, aws, is_needed=is_needed)
    if not repository:
        return None
    base = repository.endpoint()
    return Addresses(f"{base}/", f"{base}/simple/")


def repository_of(environ: Mapping[str, str], aws: AwsClient | None, *, is_needed: bool) -> Repository | None:
    """The repository of CodeArtifact that the variables name; None where they do not, and it is not needed."""
    found = _required(environ, {name: (name,) for name in codeartifact.NEEDED}, is_needed=is_needed)
    return Repository.of(found, environ, aws) if found else None


def credentials_of(
    configuration: Configuration,
    environ: Mapping[str, str],
    addresses: Addresses | None = None,
    *,
    aws: AwsClient | None = None,
) -> Credentials:
    """Who we are: by the backend's own variables, then PYPI_USERNAME and PYPI_PASSWORD. Nothing is asked for.

    Raises:
        UsageError: no variable has a token, or no name for it; names them. IndexUnavailable: as `target_of`.
    """
    environ = azure.defined(environ)
    backend = BY_NAME[configuration.backend]
    names = (*backend.tokens, _PASSWORD)
    variable = next((name for name in names if environ.get(name, "").strip()), None)
    if variable is None and backend.name == "aws_codeartifact":
        repository = repository_of(environ, aws, is_needed=False)
        if repository:
            origin = "a token of CodeArtifact for an hour"
            return Credentials(codeartifact.USER, repository.token(), origin, f"as {backend.title} wants it")
    if variable is None:
        more = f" (or {', '.join(names[1:])})" if names[1:] else ""
        raise UsageError(
            f"there is no token for {backend.title}",
            where=names[0],
            fix=f"set {names[0]}{more} in the environment; never in a file or on the command line",
            rule="NO_TOKEN",
        )
    token = environ[variable].strip()
    REDACTOR.hide(token)
    user, origin = _user(backend, variable, environ, addresses)
    return Credentials(user, token, variable, origin)


def _user(backend: Backend, variable: str, environ: Mapping[str, str], addresses: Addresses | None) -> tuple[str, str]:
    """The name, and where it came from."""
    if (backend.name, variable) in _FIXED:
        return _FIXED[backend.name, variable], f"as {backend.title} wants it for {variable}"
    if backend.name == "aws_codeartifact":
        return backend.user, f"as {backend.title} wants it"
    wanted = (*backend.users, _USER)
    named = next((name for name in wanted if environ.get(name, "").strip()), None)
    if named and environ[named].strip() == "__token__" and not backend.user:
        raise UsageError(
            f"the user __token__ is PyPI's, and {backend.title} has none of that name",
            where=named,
            fix=f"set {wanted[0]} to the name that {variable} belongs to",
            rule="NO_TOKEN",
        )
    if named:
        return environ[named].strip(), named
    if backend.name == "devpi" and addresses and (owner := _owner_of_devpi(addresses)):
        return owner, "the owner of the index; DEVPI_USER names another"
    if backend.user and backend.name != "pypi":
        return backend.user, "any will do"
    raise UsageError(
        f"there is no user for {backend.title}: {variable} is the password of one",
        where=wanted[0],
        fix=f"set {' or '.join(wanted)} to the name that {variable} belongs to",
        rule="NO_TOKEN",
    )


_FIXED = {("pypi", "PYPI_TOKEN"): "__token__", ("gitlab", "CI_JOB_TOKEN"): "gitlab-ci-token"}
"""Backend and variable of the token -> the user that it is for."""


def _owner_of_devpi(addresses: Addresses) -> str:
    """`https://H/USER/INDEX/`, which may stand below a path of a proxy."""
    parts = urllib.parse.urlsplit(addresses.upload_url).path.strip("/").split("/")
    return urllib.parse.unquote(parts[-2]) if len(parts) >= 2 else ""
