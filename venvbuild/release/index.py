"""What the index has of one project, read anew each time, and what of ours is among it.

Whether a file is there is told by its sha256 on the index, never by what an upload was answered: for equal bytes devpi
says 200 and pypiserver 400, as for others.
"""

from __future__ import annotations

import base64
import re
import tempfile
import urllib.parse
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum, auto
from pathlib import Path

from packaging.utils import canonicalize_name
from packaging.version import Version

from venvbuild.errors import UsageError
from venvbuild.package_index import File, PackageIndex, Walk, Walker
from venvbuild.release.backends import Target
from venvbuild.release.devpi import DevpiIndex
from venvbuild.release.manifest import BuiltFile
from venvbuild.release.refusals import refused, silent, untrusted
from venvbuild.text import shown

_TIMEOUT_S = 20


class Presence(Enum):
    """What the index has under the name of a file of ours."""

    ABSENT = auto()
    SAME = auto()
    """Our bytes."""
    OTHER = auto()
    """Other bytes: this version is taken."""


@dataclass(frozen=True)
class Found:
    """What the index has under one name."""

    presence: Presence
    sha256: str = ""
    """Of what is there; empty when it is absent."""


@dataclass(frozen=True)
class Listing:
    """What the index has of one project, at one moment."""

    name: str
    """Canonical."""
    files: tuple[File, ...]
    note: str = ""
    """What was seen and does not count: that it sends to another host for what it does not have."""

    @property
    def versions(self) -> tuple[Version, ...]:
        """Each that has a file, oldest first."""
        return tuple(sorted({file.version for file in self.files}))

    def of(self, version: Version) -> tuple[File, ...]:
        """The files of one version."""
        return tuple(file for file in self.files if file.version == version)

    def older_than(self, version: Version, python: str) -> Version | None:
        """The newest version below this one that a Python X.Y.Z can have: a final one where there is one, and no yanked
        one."""
        fitting = {
            file.version
            for file in self.files
            if file.version < version and file.yanked is None and file.allows_python(python)
        }
        return max((one for one in fitting if not one.is_prerelease), default=max(fitting, default=None))

    def is_newest(self, version: Version) -> bool:
        """Whether an installer takes it when it is told the name alone."""
        finals = [one.version for one in self.files if one.yanked is None and not one.version.is_prerelease]
        return version == max(finals, default=None)


class Index:
    """One index, asked as who publishes there."""

    def __init__(self, target: Target, *, timeout_s: float = _TIMEOUT_S) -> None:
        self.target = target
        self.root = target.index_url.rstrip("/")
        """Without the slash that comes before a name: devpi answers 404 for two of them."""
        self.where = shown(f"{self.root}/", 200)
        self._timeout_s = timeout_s
        self._walker = Walker(target.index_url, self._authorization, timeout_s=timeout_s, cafile=target.ca_file)

    @property
    def _credentials(self) -> tuple[str, str] | None:
        found = self.target.credentials
        # PyPI is read by everybody, and by another name than it is written to.
        return (found.user, found.token) if found and self.target.backend.name != "pypi" else None

    @property
    def _authorization(self) -> str | None:
        found = self._credentials
        return "Basic " + base64.b64encode(":".join(found).encode()).decode() if found else None

    def list(self, name: str) -> Listing:
        """What is there of this project; a project without files is as one that is not there.

        Raises:
            UsageError: it is no index, does not take our credentials, or has a certificate of an unknown authority.
            IndexUnavailable: it does not answer.
        """
        name = canonicalize_name(name)
        if canonicalize_name(self.root.rpartition("/")[2]) == name:
            raise UsageError(
                "this is the address of one project, and no index",
                where=self.where,
                fix="write it without the name of the project at its end",
                rule="WRONG_INDEX",
            )
        walk = self._walker.page(f"{self.root}/{name}/", name, is_fresh=True)
        self._judge(walk)
        if walk.status in (404, 410):
            self._judge_root()
            return Listing(name, ())
        host, home = (urllib.parse.urlsplit(url).hostname for url in (walk.urls[-1], self.root))
        if host != home:
            # What it does not have it sends to PyPI for, where somebody else may own the name.
            return Listing(name, (), f"{home} sends to {host} for what it does not have, and that does not count")
        return Listing(name, walk.files)

    def page(self, name: str) -> Walk:
        """The page of a project as an installer sees it: what another host has under the name counts, too.

        Raises:
            IndexUnavailable: it breaks off. UsageError: it is larger than any page.
        """
        return self._walker.page(f"{self.root}/{name}/", name, is_fresh=True)

    def find(self, files: Iterable[BuiltFile], listing: Listing) -> dict[BuiltFile, Found]:
        """What the listing has under the name of each.

        Raises:
            IndexUnavailable, IntegrityError, ResolutionError: a file that is listed without its sha256 was read, and
            does not come.
        """
        return {file: self._find(file, listing) for file in files}

    def _find(self, built: BuiltFile, listing: Listing) -> Found:
        there = [self.sha256_of(file) for file in listing.files if _plain(file.filename) == _plain(built.filename)]
        if built.sha256 in there:
            return Found(Presence.SAME, built.sha256)
        return Found(Presence.OTHER, there[0]) if there else Found(Presence.ABSENT)

    def sha256_of(self, file: File) -> str:
        """As the index says; where it does not, by reading the file. Raises as `find` does."""
        if file.sha256:
            return file.sha256.lower()
        with tempfile.TemporaryDirectory(prefix="venvbuild-release-") as folder:
            return self.download(file, Path(folder, "file"))

    def download(self, file: File, target: Path) -> str:
        """Write a file of a listing to `target`; its sha256. Raises as `find` does."""
        root = self.root
        if found := self._credentials:
            user, token = (urllib.parse.quote(part, safe="") for part in found)
            # In memory alone, and for its own host alone.
            root = root.replace("://", f"://{user}:{token}@", 1)
        return PackageIndex(root, timeout_s=self._timeout_s, cafile=self.target.ca_file).download(file, target)

    def check_access(self) -> None:
        """That the credentials are taken, as far as the index tells before something is sent: devpi does.

        Raises:
            UsageError: they are not, or there are none.
        """
        if self.target.backend.name == "devpi" and not DevpiIndex(self.target).knows_us():
            raise refused(self.target, 0, "a login", self.where)

    def _judge(self, walk: Walk) -> None:
        status = walk.status
        if walk.is_untrusted:
            raise untrusted(self.target, walk.fault)
        if walk.is_silent:
            raise silent(self.target, walk.fault or f"HTTP {status}")
        if status in (401, 403, 407):
            raise refused(self.target, status, "reading the index", self.where)
        if status not in (200, 404, 410):
            raise UsageError(
                "this is no package index",
                where=self.where,
                why=shown(walk.fault or f"HTTP {status}", 200),
                fix="correct the address of the index",
                rule="WRONG_INDEX",
            )

    def _judge_root(self) -> None:
        """That it is an index at all: one that is none has no project either, and everything would be new to it."""
        backend = self.target.backend
        if not backend.has_root_page:
            return
        # Its list may hold all of PyPI: devpi is asked otherwise.
        status = DevpiIndex(self.target).status() if backend.name == "devpi" else self._root_status()
        if status != 200:
            raise UsageError(
                "there is no package index",
                where=self.where,
                why=f"HTTP {status}",
                fix="correct its address"
                + (": https://HOST/USER/INDEX/ of an index that is there" if backend.name == "devpi" else ""),
                rule="WRONG_INDEX",
            )

    def _root_status(self) -> int:
        walk = self._walker.look(f"{self.root}/")
        self._judge(walk)
        return walk.status


def _plain(filename: str) -> str:
    """`Vb.Demo-1.0.tar.gz` and `vb_demo-1.0.tar.gz` are one file to an index (PEP 503, 625)."""
    return re.sub(r"[-_.]+", "-", filename.lower())
