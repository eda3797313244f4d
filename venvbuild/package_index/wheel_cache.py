"""What wheels hold, each read once, and wheels themselves: `folder/<sha256>.json` and `.whl`, which any number of
processes share.

A damaged entry counts as none. A folder that cannot be written is a cache that keeps nothing.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import secrets
import time
import zipfile
from collections.abc import Callable, Collection, Iterator
from pathlib import Path

from packaging.utils import canonicalize_name

from venvbuild.files import regular, write_whole
from venvbuild.package_index.wheel_contents import WheelContents

_SHA256 = re.compile(r"[0-9a-f]{64}")


class WheelCache:
    """One folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def known(self, hashes: Collection[str]) -> Iterator[WheelContents]:
        """Those of the wheels with these digests (`sha256:...`) that were read before."""
        for one in hashes:
            algorithm, _, digest = one.partition(":")
            found = self.get(digest) if algorithm == "sha256" else None
            if found:
                yield found

    def get(self, sha256: str) -> WheelContents | None:
        """What the wheel with this digest holds; None when nobody has read it yet, or the entry is damaged."""
        path = self._path(sha256)
        try:
            with regular(path) as file:
                body = file.read()
            if body[:_REST] == _head(body[_REST:]):
                contents = WheelContents.from_json(json.loads(body))
                if contents.sha256 == sha256:  # an entry under another's name is not believed either
                    with contextlib.suppress(OSError):
                        os.utime(path)  # its mtime says when it was last used
                    return contents
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            pass
        return None

    def put(self, contents: WheelContents) -> None:
        """Keep it."""
        rest = json.dumps(contents.as_json()).encode().removeprefix(b"{")
        with contextlib.suppress(OSError):
            self._folder.mkdir(parents=True, exist_ok=True)
            write_whole(self._path(contents.sha256), _head(rest) + rest)

    def wheel(self, sha256: str) -> Path | None:
        """The wheel with this digest, compared with it just now; None when it is not here, or damaged."""
        path = self._path(sha256, ".whl")
        with contextlib.suppress(OSError), regular(path) as file:
            if hashlib.file_digest(file, "sha256").hexdigest() == sha256:
                with contextlib.suppress(OSError):
                    os.utime(path)
                return path
        return None

    def keep(self, sha256: str, fetch: Callable[[Path], None], elsewhere: Path) -> Path:
        """The wheel with this digest, which `fetch` writes and compares; in the folder `elsewhere` when the cache
        cannot be written.

        Raises:
            OSError: neither can it be written there. What `fetch` raises: nothing is kept.
        """
        path = self._path(sha256, ".whl")
        # A name that no other process has, nor another thread.
        part = f".{path.name}-{secrets.token_hex(4)}"
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            (self._folder / part).touch(exist_ok=False)
        except OSError:
            fetch(elsewhere / path.name)
            return elsewhere / path.name
        try:
            fetch(self._folder / part)
            (self._folder / part).replace(path)
        finally:
            (self._folder / part).unlink(missing_ok=True)
        return path

    def unused(self, seconds: float) -> list[Path]:
        """The entries that nobody has used for so long, and what a process that is gone left unfinished; sorted."""
        latest = time.time() - seconds
        return [path for path in self._files() if path.lstat().st_mtime <= latest]

    def of_distributions(self, names: Collection[str]) -> list[Path]:
        """The entries of wheels of these distributions (canonical names); one that cannot be read is of each."""
        return [path for path in self._files() if self._name_of(path) in ("", *names)]

    def _name_of(self, path: Path) -> str:
        """The canonical name that an entry is of; empty when it cannot be read."""
        if path.suffix == ".whl":
            with contextlib.suppress(OSError, zipfile.BadZipFile), zipfile.ZipFile(path) as archive:
                tops = {name.partition("/")[0] for name in archive.namelist()}
                info = next((top for top in sorted(tops) if top.endswith(".dist-info")), "")
                return canonicalize_name(info.partition("-")[0])
            return ""
        contents = self.get(path.stem) if _SHA256.fullmatch(path.stem) else None
        return canonicalize_name(contents.filename.partition("-")[0]) if contents else ""

    def _files(self) -> list[Path]:
        return sorted(path for path in self._folder.glob("*") if path.is_file() or path.is_symlink())

    def _path(self, sha256: str, suffix: str = ".json") -> Path:
        # Digests come out of locks that others wrote, and this one becomes a path.
        if not _SHA256.fullmatch(sha256):
            raise ValueError(f"no sha256: {sha256[:80]!r}")
        return self._folder / f"{sha256}{suffix}"


def _head(rest: bytes) -> bytes:
    """What an entry begins with: the digest of all that follows."""
    return b'{"digest": "%b", ' % hashlib.sha256(rest).hexdigest().encode()


_REST = len(_head(b""))
