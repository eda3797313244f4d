"""What wheels hold, each read once: `folder/<sha256>.json`, which any number of processes share.

A damaged entry counts as none. A folder that cannot be written is a cache that keeps nothing.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import time
from collections.abc import Collection, Iterator
from pathlib import Path

from packaging.utils import canonicalize_name

from venvbuild.files import write_whole
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
            body = path.read_bytes()
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

    def unused(self, seconds: float) -> list[Path]:
        """The entries that nobody has used for so long, and what a process that is gone left unfinished; sorted."""
        latest = time.time() - seconds
        return [path for path in self._files() if path.lstat().st_mtime <= latest]

    def of_distributions(self, names: Collection[str]) -> list[Path]:
        """The entries of wheels of these distributions (canonical names); one that cannot be read is of each."""
        found = []
        for path in self._files():
            contents = self.get(path.stem) if _SHA256.fullmatch(path.stem) else None
            if contents is None or canonicalize_name(contents.filename.partition("-")[0]) in names:
                found.append(path)
        return found

    def _files(self) -> list[Path]:
        return sorted(path for path in self._folder.glob("*") if path.is_file() or path.is_symlink())

    def _path(self, sha256: str) -> Path:
        # Digests come out of locks that others wrote, and this one becomes a path.
        if not _SHA256.fullmatch(sha256):
            raise ValueError(f"no sha256: {sha256[:80]!r}")
        return self._folder / f"{sha256}.json"


def _head(rest: bytes) -> bytes:
    """What an entry begins with: the digest of all that follows."""
    return b'{"digest": "%b", ' % hashlib.sha256(rest).hexdigest().encode()


_REST = len(_head(b""))
