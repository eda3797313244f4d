"""The wheels of the set: of each distribution the one that works from a ZIP, from hosts that may give it.

Nothing is fetched before every host is known to be allowed; a redirect's is judged before it is followed.
"""

from __future__ import annotations

import contextlib
import ipaddress
import re
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

from packaging.utils import parse_wheel_filename

from venvbuild.environment import Offered
from venvbuild.errors import (
    IndexUnavailable,
    ResolutionError,
    UsageError,
    of_disk,
)
from venvbuild.files import write_whole
from venvbuild.interpreters import Interpreter
from venvbuild.package_index import File, PackageIndex, WheelCache
from venvbuild.parallel import each
from venvbuild.redaction import Address
from venvbuild.retrying import retried

# PyPI's pages name files of another host of its own.
_OF_ONE_INDEX = {"pypi.org": ("files.pythonhosted.org",)}
_PORTS = {"https": 443, "http": 80}
_HOST = re.compile(r"(?i)[a-z0-9_.-]+(:[0-9]{1,5})?|\[[0-9a-f:.]+\](:[0-9]{1,5})?")


@dataclass(frozen=True)
class ChosenWheel:
    """A distribution as one wheel."""

    name: str
    """Canonical (PEP 503)."""
    version: str
    file: File
    host: str
    """`pypi.org`, `127.0.0.1:8080`; `file` for a folder."""


class ForeignHost(UsageError):
    """Somebody leads to a host that nobody allowed."""

    def __init__(self, host: str, shown_url: str, whose: str = "") -> None:
        self.host, self.shown_url = host, shown_url
        super().__init__(
            f"{whose or 'the index'} leads to another host: {host}",
            where=shown_url,
            why="who may answer for that host decides which bytes go into the ZIP",
            fix="ask who runs the index why a page of it leads to a file of this machine"
            if host == "file"
            else f"if you trust it, allow it: --allow-host {host}",
            rule="FOREIGN_HOST",
        )


@dataclass(frozen=True)
class Hosts:
    """Who may be asked for wheels."""

    places: frozenset[str]
    """`host` or `host:port`, lower case, without a scheme's own port."""
    allowed: frozenset[str]
    """The same of what was allowed beside them; without a port it is for any."""
    may_http: bool
    """Whether without TLS, beyond this machine."""
    has_folders: bool
    """Whether files of this machine may be taken."""

    @classmethod
    def of(cls, urls: Iterable[str], find_links: Iterable[str], allowed: Iterable[str], *, may_http: bool) -> Hosts:
        """Those of the indexes `urls` and of places of links, with what was `allowed`.

        Raises:
            UsageError: what was allowed is no host, or an index is asked over plain http and may not be.
        """
        links = list(find_links)
        addresses = [Address(url) for url in (*urls, *(place for place in links if "://" in place))]
        places = {place_of(address) for address in addresses}
        more = {other for place in places for other in _OF_ONE_INDEX.get(place, ())}
        has_folders = "file" in places or any("://" not in place for place in links)
        hosts = cls(frozenset(places | more), frozenset(map(_allowed, allowed)), may_http, has_folders)
        for address in addresses:
            hosts.judge(address)
        return hosts

    def judge(self, address: Address) -> None:
        """Nothing, or why this address is not asked.

        Raises:
            ForeignHost: its host is none of these. UsageError: without TLS, and that is not allowed.
        """
        scheme, place = urlsplit(address.url).scheme.lower(), place_of(address)
        if scheme == "file":
            if not self.has_folders:
                raise ForeignHost("file", address.shown)
            return
        host = urlsplit(address.url).hostname or ""
        if place not in self.places and self.allowed.isdisjoint({place, host}):
            raise ForeignHost(place, address.shown)
        if scheme != "https" and not self.may_http and not _is_here(host):
            raise UsageError(
                "the index is asked without TLS",
                where=address.shown,
                why="anybody on the way can read the credentials and replace what comes",
                fix="write https://, or allow it: --allow-http",
                rule="PLAIN_HTTP",
            )


def place_of(address: Address) -> str:
    """`host`, or `host:port` where the port is not the scheme's own; `file` for a file of this machine."""
    parts = urlsplit(address.url)
    scheme = parts.scheme.lower()
    if scheme == "file":
        return "file"
    place = address.place.lower()
    return place.removesuffix(f":{_PORTS[scheme]}") if scheme in _PORTS else place


def _allowed(host: str) -> str:
    if not _HOST.fullmatch(host):
        raise UsageError(
            f"{host[:80]!a} is no host", where="--allow-host", fix="write its name alone: files.example.com"
        )
    return host.lower().strip("[]") if host.endswith("]") else host.lower()


def _is_here(host: str) -> bool:
    with contextlib.suppress(ValueError):
        return ipaddress.ip_address(host).is_loopback
    return host == "localhost"


def choose(
    offered: Sequence[Offered], target: Interpreter, hosts: Hosts, locked: Mapping[str, frozenset[str]]
) -> list[ChosenWheel]:
    """One wheel of each: the one for any machine where there is one, since that works from a ZIP; else the best.

    `locked` has by name the hashes (`sha256:...`) that a build's lock allows.

    Raises:
        UsageError: a wheel lies on a foreign host; every such distribution is named.
        ResolutionError: no wheel fits. IntegrityError: none has a hash of the lock.
    """
    chosen, foreign = [], []
    for one in offered:
        file = _best(one, target, locked.get(one.name))
        try:
            hosts.judge(file.address)
        except ForeignHost as error:
            foreign.append(ForeignHost(error.host, error.shown_url, f"the index's page of {one.name} {one.version}"))
            continue
        chosen.append(ChosenWheel(one.name, one.version, file, place_of(file.address)))
    if foreign:
        raise UsageError.of(problem for error in foreign for problem in error.problems)
    return chosen


def _best(one: Offered, target: Interpreter, locked: Collection[str] | None) -> File:
    wheels = [file for file in one.wheels if locked is None or f"sha256:{file.sha256}" in locked]
    if not wheels:
        raise ResolutionError(
            f"no wheel of {one.name} {one.version} for the target has a hash of the build's lock",
            why="the build was made for another Python or machine, or from source, or the index changed",
            fix="take the file instead: -r FILE",
            rule="NOT_IN_LOCK",
        )
    ranks = target.ranks

    def preference(file: File) -> tuple[bool, int, tuple[int, str] | tuple[()]]:
        rank = min((ranks[str(tag)] for tag in file.tags if str(tag) in ranks), default=None)
        build = parse_wheel_filename(file.filename)[2]
        return is_for_any(file), -len(ranks) if rank is None else -rank, build

    best = max(wheels, key=preference)
    if best.rank(ranks) is None:
        raise ResolutionError(
            f"{one.name}=={one.version} has no wheel for Python {target.version} on {target.platform}",
            fix="pin another version, or choose another Python or platform",
            rule="NO_WHEEL",
        )
    return best


def is_for_any(file: File) -> bool:
    """Whether a wheel is `py3-none-any`, or says so among others."""
    return any(tag.abi == "none" and tag.platform == "any" for tag in file.tags)


@dataclass(frozen=True)
class Fetched:
    """A wheel at hand, compared with its sha256."""

    wheel: ChosenWheel
    path: Path
    size_bytes: int
    was_cached: bool


def fetch(
    wheels: Sequence[ChosenWheel],
    index: PackageIndex,
    cache: WheelCache,
    scratch: Path,
    *,
    wait: Callable[[float], None] = time.sleep,
) -> list[Fetched]:
    """Each wheel from the cache, or from its URL into it, several at once.

    Raises:
        IntegrityError: other bytes than the lock has. ForeignHost: a redirect leads to one; names the distribution.
        IndexUnavailable, UsageError, ResolutionError: as `PackageIndex.download`.
    """

    def take(wheel: ChosenWheel) -> Fetched:
        cached = cache.wheel(wheel.file.sha256)
        if cached:
            return Fetched(wheel, cached, cached.stat().st_size, was_cached=True)
        download = partial(_download, index, wheel)
        path = retried(lambda: cache.keep(wheel.file.sha256, download, scratch), wait, curable=IndexUnavailable)
        return Fetched(wheel, path, path.stat().st_size, was_cached=False)

    return each(take, wheels)


def _download(index: PackageIndex, wheel: ChosenWheel, target: Path) -> None:
    try:
        index.download(wheel.file, target)
    except ForeignHost as error:
        whose = f"the download of {wheel.name} {wheel.version}"
        raise ForeignHost(error.host, error.shown_url, whose) from error


def lay_out(fetched: Iterable[Fetched], folder: Path) -> None:
    """The wheels by their names in `folder`, made if absent; what else is there stays as it is.

    Raises:
        UsageError, StoreUnavailable: it cannot be written.
    """
    for one in fetched:
        path = folder / one.wheel.file.filename
        try:
            folder.mkdir(parents=True, exist_ok=True)
            body = one.path.read_bytes()
            if not (path.is_file() and not path.is_symlink() and path.read_bytes() == body):
                write_whole(path, body)
        except OSError as error:
            raise of_disk(error, str(path)) or UsageError(
                f"it cannot be written: {error.strerror}", where=str(path), fix="name another with --download-dir"
            ) from error
