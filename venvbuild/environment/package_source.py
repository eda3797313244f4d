"""Where the packages of one environment come from: what locking, building and installing share."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import NamedTuple

import uv

from venvbuild import interpreters
from venvbuild.environment.endless import PageWatch
from venvbuild.environment.installer import Installer
from venvbuild.errors import UsageError
from venvbuild.interpreters import Interpreter, NoInterpreter
from venvbuild.package_index import File, MinAge, PackageIndex, Project, ReleaseCache, WheelCache
from venvbuild.redaction import Address
from venvbuild.requirements import SaidSize
from venvbuild.settings import Settings, certificates, jenkins

log = logging.getLogger(__name__)


def target(settings: Settings, environ: Mapping[str, str], *, allow_download: bool) -> Interpreter:
    """The Python that the settings name; what is to be known of it and of the settings is warned of.

    Raises:
        UsageError: it is not here.
    """
    try:
        found = interpreters.find(
            settings.python_version,
            anything_will_do=settings.is_default("python_version"),
            environ=environ,
            uv=Path(uv.find_uv_bin()),
            allow_download=allow_download,
        )
    except NoInterpreter as missing:
        [problem] = missing.problems
        fix = "; or ".join([*_instead(environ, is_fetchable=missing.is_fetchable), problem.fix])
        raise UsageError.of([replace(problem, fix=fix)]) from missing
    for note in (found.note, *settings.notes):
        if note:
            log.warning("%s", note)
    return found.interpreter


def _instead(environ: Mapping[str, str], *, is_fetchable: bool) -> Iterator[str]:
    """What who asked for a Python that is not here can do without an administrator."""
    if jenkins.is_run(environ):
        yield "choose a PYTHON_VERSION that is here, or an agent that has it (in the job's form: AGENT_LABEL)"
        return
    yield "choose one that is here: --python X.Y"
    if is_fetchable:
        yield "let uv fetch it: --allow-python-download"


class IndexAddresses(NamedTuple):
    """Where packages come from, with credentials."""

    index_url: str
    extra_index_urls: tuple[str, ...]
    find_links: tuple[str, ...]

    @classmethod
    def of(cls, settings: Settings) -> IndexAddresses:
        """As this process is configured."""
        return cls(settings.index_url, settings.extra_index_urls, settings.find_links)


class IndexAccess(NamedTuple):
    """The indexes, and what this process has to ask them with."""

    addresses: IndexAddresses
    settings: Settings
    environ: Mapping[str, str]
    """For certificates, netrc and what installers are told by variables."""
    known: dict[str, Project | None] | None = None
    """What whoever asked these indexes before has read there; `package_index` adds to it."""
    min_age: MinAge | None = None
    """What is too new to be looked at."""

    @classmethod
    def of(cls, settings: Settings, environ: Mapping[str, str]) -> IndexAccess:
        """As this process is configured."""
        return cls(IndexAddresses.of(settings), settings, environ)

    @property
    def cafile(self) -> Path | None:
        """The user's certificates; None: the system's."""
        return certificates(self.environ, self.settings.folders)


@dataclass(frozen=True)
class PackageSource:
    """The interpreter that packages are for, who installs them, whom to ask, and what was built here."""

    interpreter: Interpreter
    installer: Installer
    index: PackageIndex
    scratch: Path
    """A folder for files on the way; the work dir."""
    wheel_cache: WheelCache
    """What wheels hold, as far as we have read them."""
    release_cache: ReleaseCache
    """What the index told within the hour."""
    sdists: tuple[str, ...] = ()
    """Canonical names that may be built from source."""
    built: Mapping[str, str] = field(default_factory=dict)
    """Those that were: canonical name -> `sha256:...` of the wheel."""
    sizes: Mapping[str, SaidSize] = field(default_factory=dict)
    """What the lock that was given says of files, by file name."""
    wheels: tuple[Path, ...] = ()
    """The folder which those wheels are in; none when nothing was built."""
    sources: Mapping[str, File] = field(default_factory=dict)
    """What they were built of, by the same names; each with its digest."""
    tools: frozenset[str] = frozenset()
    """Canonical names of what they were built with."""

    @classmethod
    def of(
        cls,
        access: IndexAccess,
        interpreter: Interpreter,
        *,
        timeout_s: int,
        scratch: Path,
        sdists: tuple[str, ...] = (),
        shares_cache: bool = False,
        judge: Callable[[Address], None] | None = None,
    ) -> PackageSource:
        """The one that this process is configured for, with nothing built yet; `shares_cache` as in `Installer`,
        `judge` as in `PackageIndex`.
        """
        index = package_index(access, judge=judge)
        installer = Installer(
            # The one that came with us, at our version; the PATH may have any.
            Path(uv.find_uv_bin()),
            *access.addresses,
            cafile=access.cafile,
            timeout_s=timeout_s,
            inherited=Installer.variables_of(access.environ),
            on_line=_pass_on_warnings,
            watch=partial(PageWatch, index, interpreter),
            shares_cache=shares_cache,
            min_age=access.min_age,
        )
        cache = access.settings.folders.cache
        kept = WheelCache(cache / "wheels"), ReleaseCache(cache / "releases")
        return cls(interpreter, installer, index, scratch, *kept, sdists)


def package_index(
    access: IndexAccess, timeout_s: float | None = None, judge: Callable[[Address], None] | None = None
) -> PackageIndex:
    """What we ask ourselves; with the user's CA file, netrc and time-out (uv's or pip's variable; default 20 s)."""
    addresses, environ = access.addresses, access.environ
    configured = environ.get("UV_HTTP_TIMEOUT") or environ.get("PIP_DEFAULT_TIMEOUT") or ""
    return PackageIndex(
        addresses.index_url,
        timeout_s=timeout_s or (float(configured) if configured.isdigit() else 20.0),
        cafile=access.cafile,
        netrc_file=netrc_file(environ),
        extra_urls=addresses.extra_index_urls,
        find_links=addresses.find_links,
        judge=judge,
    ).sharing(access.known, access.min_age)


def netrc_file(environ: Mapping[str, str]) -> Path | None:
    """Where the user's netrc is: NETRC, or ~/.netrc."""
    if environ.get("NETRC"):
        return Path(environ["NETRC"])
    return Path(environ["HOME"], ".netrc") if environ.get("HOME") else None


def _pass_on_warnings(line: str) -> None:
    # Yanked versions are told once, with their place in the file (`yanked`); the rest is in the log.
    kind, _, said = line.partition(":")
    if kind.lower() == "warning" and " is yanked" not in said:
        log.warning("%s", said.strip())
