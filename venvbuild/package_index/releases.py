"""What an index tells of a release: its files, when they came, whether they are withdrawn, how the project stands.

Some of it may change at any time, so an answer is kept for an hour: `folder/<digest of place, name, version>.json`,
which any number of processes share. A damaged entry counts as none. A folder that cannot be written keeps nothing.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

from venvbuild.files import write_whole
from venvbuild.package_index.client import PackageIndex
from venvbuild.package_index.project import File, Project, Status
from venvbuild.redaction import REDACTOR

KEPT_S = 3600
"""How old an answer may be."""
_AHEAD_S = 60
"""What another machine's clock may be ahead that shares the folder."""


class ReleasedFile(NamedTuple):
    """One file of a release, as the index tells."""

    filename: str
    sha256: str
    """Hex; empty when it does not say."""
    size_bytes: int | None
    uploaded_at: str | None
    """`2025-07-22T08:30:00Z`."""
    yanked: str | None
    """None: not yanked; otherwise the reason, often empty."""


@dataclass(frozen=True)
class Release:
    """One version of a project."""

    name: str
    """PEP 503."""
    version: str
    """As it was asked for."""
    found: str
    """As the index has it: of `1.0` it may be `1.0+cpu`; empty when it has no such version."""
    status: Status | None
    """Of the project; None when the index does not say."""
    files: tuple[ReleasedFile, ...]
    """None when it has no such version."""
    asked_about: tuple[str, ...] = ()
    """`sha256:...`, sorted: those that whoever asked knew of."""

    def knows(self, hashes: Collection[str]) -> bool:
        """Whether the answer is about these files (`sha256:...`): one may have come since."""
        named = {f"sha256:{one.sha256}" for one in self.files if one.sha256}
        # some have names that only an installer can read, and asked again the index would say the same
        return len(named) < len(self.files) or named.union(self.asked_about).issuperset(hashes)

    def file_of(self, sha256: str) -> ReleasedFile | None:
        """The file with this digest."""
        return next((file for file in self.files if file.sha256 == sha256), None)


class ReleaseCache:
    """One folder."""

    def __init__(self, folder: Path, clock: Callable[[], float] = time.time) -> None:
        self._folder, self._clock = folder, clock

    def get(self, index: PackageIndex, name: str, version: str) -> Release | None:
        """What the index told within the last hour; None when nobody asked it, or the entry is damaged."""
        path = self._path(index, name, version)
        try:
            digest, _, body = path.read_bytes().partition(b"\n")
            if hashlib.sha256(body).hexdigest().encode() == digest:
                found = json.loads(body)
                release = _release(found)
                age_s = self._clock() - found["asked_at"]
                if -_AHEAD_S <= age_s <= KEPT_S and (release.name, release.version) == (name, version):
                    return release
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            pass
        return None

    def ask(self, index: PackageIndex, name: str, version: str, hashes: Collection[str] = ()) -> Release:
        """What the index tells now, asked because of `hashes`. It is kept. Raises as `PackageIndex.told` does."""
        project = index.told(name)
        release = replace(release_of(name, version, project), asked_about=tuple(sorted(hashes)))
        if project:  # what is not there yet may come at any time
            body = json.dumps({"asked_at": self._clock(), **_as_json(release)}).encode()
            with contextlib.suppress(OSError):
                self._folder.mkdir(parents=True, exist_ok=True)
                sealed = hashlib.sha256(body).hexdigest().encode() + b"\n" + body
                write_whole(self._path(index, name, version), sealed)
        return release

    def unused(self, seconds: float) -> list[Path]:
        """The entries that are so old; sorted."""
        latest = time.time() - seconds
        return [path for path in self._files() if path.lstat().st_mtime <= latest]

    def of_distributions(self, names: Collection[str]) -> list[Path]:
        """The entries about these distributions (canonical names); one that cannot be read is about each."""
        return [path for path in self._files() if _name_of(path) in ("", *names)]

    def _files(self) -> list[Path]:
        return sorted(path for path in self._folder.glob("*") if path.is_file() or path.is_symlink())

    def _path(self, index: PackageIndex, name: str, version: str) -> Path:
        key = json.dumps([*index.places, name, version]).encode()
        return self._folder / f"{hashlib.sha256(key).hexdigest()}.json"


def release_of(name: str, version: str, project: Project | None) -> Release:
    """What a project has of a version."""
    meant = project.meant_by(version) if project else None
    files = [_redacted(one) for one in project.files_of(meant)] if project and meant else []
    # of a copy in a folder of find-links the index tells more
    copies = {(one.filename, one.sha256) for one in files if one.sha256 and _tells(one)}
    files = [one for one in files if _tells(one) or (one.filename, one.sha256) not in copies]
    status = project.status if project else None
    return Release(
        name,
        version,
        str(meant) if meant else "",
        status and Status(status.word, REDACTOR.redact(status.reason)),
        tuple(files),
    )


def _redacted(file: File) -> ReleasedFile:
    """What is kept of a file, and may come into many builds."""
    reason = REDACTOR.redact(file.yanked) if file.yanked else file.yanked
    return ReleasedFile(file.filename, file.sha256, file.size_bytes, file.uploaded_at, reason)


def _tells(file: ReleasedFile) -> bool:
    return file.uploaded_at is not None or file.yanked is not None or file.size_bytes is not None


def _as_json(release: Release) -> dict[str, object]:
    head = {"name": release.name, "version": release.version, "found": release.found, "status": release.status}
    return {**head, "files": release.files, "asked_about": release.asked_about}


def _release(found: dict[str, Any]) -> Release:
    status = Status(*found["status"]) if found["status"] else None
    files = tuple(ReleasedFile(*one) for one in found["files"])
    return Release(found["name"], found["version"], found["found"], status, files, tuple(found["asked_about"]))


def _name_of(path: Path) -> str:
    """The canonical name that an entry is about; empty when it cannot be read."""
    try:
        return str(json.loads(path.read_bytes().partition(b"\n")[2])["name"]) if not os.path.islink(path) else ""
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return ""
