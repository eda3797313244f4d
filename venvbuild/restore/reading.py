"""The archive of a stored build in parts, not unpacked: its index by metadata.json, its fragments by the index."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import IO

from venvbuild import builds
from venvbuild.archive import ROOT, FragmentCache
from venvbuild.builds import ArchiveIndex, Fragment, Metadata, archive_name, parse_index, places
from venvbuild.errors import IntegrityError, UsageError
from venvbuild.restore import fetching
from venvbuild.restore.fetching import ReadRange
from venvbuild.stores import Store

_PIECE_BYTES = 8 << 20
# It stays in a processor's own memory while it is hashed, maybe twice, and written.
_PART_BYTES = 1 << 18


@dataclass(frozen=True)
class StoredArchive:
    """The archive of a committed build of ours; nothing of it is handed out before it was compared."""

    build: Metadata
    index: ArchiveIndex
    where: str
    """As messages name it."""
    store_url: str
    read_range: ReadRange
    cache: FragmentCache

    @classmethod
    def of(cls, store: Store, venv_version: str, cache: FragmentCache) -> StoredArchive:
        """That of a build of `store`; what of it is in `cache` is not fetched.

        Raises:
            NotInStore: there is no such build, or a file of it is gone. IntegrityError: something is not what it should
                be. UsageError: a script made the build, or it has no index.
        """
        build = builds.read(store, venv_version)
        key = builds.key(venv_version, archive_name(venv_version))
        index = stored_index(store, build)
        if index is None:
            raise UsageError(
                f"{venv_version} has no archive_index.json, by which its archive is read in parts",
                where=store.uri(key),
                fix="build it again from its requirements.txt",
                rule="NO_INDEX",
            )
        fetching.check_limits(index)
        read_range: ReadRange = lambda offset, length: store.read_range(key, offset, length)  # noqa: E731
        return cls(build, index, store.uri(key), store.url, read_range, cache)

    def plain(self, fragment: Fragment) -> bytes:
        """What a fragment holds. Any number of threads may ask.

        Raises:
            IntegrityError: it is not what the index says. StoreUnavailable, NotInStore: by the store.
        """
        body = self.cache.get(fragment.sha256)
        if body is not None:
            return fetching.inflated(fragment, body, is_checked=True)
        body = self.read_range(fragment.offset, fragment.length)
        plain = fetching.inflated(fragment, body)
        self.cache.put(body, fragment.sha256)
        return plain

    def copy_to(self, raw: IO[bytes], *others: hashlib._Hash) -> str:
        """Write the archive as it is, byte for byte; its sha256. `others` are told each byte too, so that a file that
        holds more than the archive has its sum by the same pass.

        Raises:
            IntegrityError: it is not the one that metadata.json names. StoreUnavailable, NotInStore: by the store.
        """
        digest, size, offset = hashlib.sha256(), self.build["archive_size_bytes"], 0
        while offset < size:
            piece = memoryview(self.read_range(offset, min(_PIECE_BYTES, size - offset)))
            if not piece:
                break
            for start in range(0, len(piece), _PART_BYTES):
                part = piece[start : start + _PART_BYTES]
                for one in (digest, *others):
                    one.update(part)
                raw.write(part)
            offset += len(piece)
        if digest.hexdigest() != self.build["archive_sha256"]:
            raise IntegrityError(
                "the archive is not the one that metadata.json names",
                where=self.where,
                fix=f"nothing was made of it; `venvbuild verify {self.build['venv_version']}` looks at the whole build",
            )
        return digest.hexdigest()


def stored_index(store: Store, build: Metadata) -> ArchiveIndex | None:
    """The index of a build, which must be the one its metadata names; None for a build that has none.

    Raises:
        NotInStore: it is gone. IntegrityError: it is another one, or of another archive.
    """
    if places.ARCHIVE_INDEX not in build["files"]:
        return None
    key = builds.key(build["venv_version"], places.ARCHIVE_INDEX)
    index = parse_index(builds.read_file(store, build, places.ARCHIVE_INDEX), store.uri(key))
    if index.archive_size_bytes != build["archive_size_bytes"]:
        raise IntegrityError("the index is of an archive of another size", where=store.uri(key), fix="build it again")
    refuse_another_root(index, build, store.uri(key), "restore what was changed from a backup, or build it again")
    return index


def refuse_another_root(index: ArchiveIndex, build: Metadata, where: str, fix: str) -> None:
    """Refuse an index that has another root than metadata.json says.

    Raises:
        IntegrityError: says both.
    """
    said = build.get("archive_root", ROOT)
    if index.root != said:
        raise IntegrityError(
            f"root is {index.root!r}, and archive_root of metadata.json is {said!r}", where=where, fix=fix
        )
