"""What there is to import: builds of the first layout at any depth, and lone archives of environments.

A folder with a metadata.json is a build, whatever it is called; its archive is the one that the metadata names, or that
bears the folder's name, or the only one there. Every other .tar.gz is a lone archive.
"""

from __future__ import annotations

import os
import posixpath
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from venvbuild.builds import places
from venvbuild.errors import NotInStore, UsageError
from venvbuild.importing.reading import Recorded, read
from venvbuild.redaction import REDACTOR, strip_credentials
from venvbuild.stores import Entry, Store, is_key

_ARCHIVE = re.compile(r".+\.(?:tar\.gz|tgz)")
_OF_THE_CATALOG = "venv-catalog/"


class OpenStore(Protocol):
    """Opens the store of an address."""

    def __call__(self, url: str) -> Store:
        """Nothing is read yet."""
        ...


@dataclass(frozen=True)
class Source:
    """Where to import from."""

    store: Store
    only: str = ""
    """The key of the one archive; empty for all that is there."""


@dataclass(frozen=True)
class Candidate:
    """A build or a lone archive, as it lies there."""

    store: Store
    folder: str
    """Prefix of its files' keys; empty or with a final slash."""
    archive: Entry | None
    """None when there is none where it should be."""
    recorded: Recorded | None
    """What its metadata.json says; None for a lone archive."""
    names: frozenset[str]
    """Of the files beside the archive that are of the build."""

    @property
    def where(self) -> str:
        """As messages name it."""
        key = self.archive.key if self.archive else f"{self.folder}{places.METADATA}"
        return REDACTOR.redact(strip_credentials(self.store.uri(key)))

    @property
    def order(self) -> tuple[str, str]:
        """The oldest first, so that the newest of them gets the newest version."""
        told = (self.recorded.recorded_at or self.recorded.instant) if self.recorded else None
        if told is None and self.archive:  # of one that says nothing, when it was put there
            told = f"{datetime.fromtimestamp(int(self.archive.modified_at), UTC):%Y-%m-%dT%H:%M:%SZ}"
        return (told or "", self.where)


def open_source(text: str, open_store: OpenStore) -> Source:
    """A folder, a store, an s3 prefix, the folder of one build, or one archive.

    Raises:
        UsageError: it is none of these, or not there.
    """
    is_archive = _ARCHIVE.fullmatch(text) is not None
    if "://" in text:
        head, _, name = text.rpartition("/")
        return Source(open_store(head), name) if is_archive else Source(open_store(text))
    path = Path(os.path.realpath(os.path.expanduser(text)))
    is_archive = is_archive or _ARCHIVE.fullmatch(path.name) is not None
    if path.is_dir():
        return Source(open_store(str(path)))
    if path.is_file() and is_archive:
        return Source(open_store(str(path.parent)), path.name)
    raise UsageError(
        "this is no archive" if path.exists() else "there is no such file or folder",
        where=str(path),
        fix="give a folder, s3://BUCKET/PREFIX, or a .tar.gz that holds one environment",
    )


def candidates(source: Source) -> list[Candidate]:
    """All there is to import, the oldest first; builds of this tool are among them, so that they can be told.

    Raises:
        NotInStore: there is nothing. StoreUnavailable, UsageError: the store fails, or lets nobody in.
    """
    found = list(_only(source) if source.only else _in_folders(source.store, source.store.list("")))
    if not found:
        raise NotInStore(
            "there is nothing to import",
            where=REDACTOR.redact(
                strip_credentials(source.store.uri(source.only) if source.only else source.store.url)
            ),
            why="neither a metadata.json of a build nor a .tar.gz is there",
            fix="name the folder or prefix that holds them, at any depth",
            rule="NOTHING_TO_IMPORT",
        )
    return sorted(found, key=lambda one: one.order)


def _only(source: Source) -> Iterator[Candidate]:
    """The one archive, with the metadata beside it where that is of this archive."""
    store, name = source.store, source.only
    wanted = (name, places.METADATA, places.REQUIREMENTS)
    files = {entry.key: entry for key in wanted for entry in store.list(key) if entry.key == key}
    if name not in files:
        return
    recorded = read(store, places.METADATA) if places.METADATA in files else None
    if recorded and recorded.is_build and name in recorded.archive_names:
        yield Candidate(store, "", files[name], recorded, frozenset(files))
    else:
        yield _lone(store, files[name])


def _in_folders(store: Store, entries: Iterable[Entry]) -> Iterator[Candidate]:
    folders: dict[str, dict[str, Entry]] = defaultdict(dict)
    for entry in entries:
        folder, slash, name = entry.key.rpartition("/")
        # an archive that cannot be read is told as such
        is_of_use = is_key(entry.key) or name != places.METADATA
        if is_of_use and not entry.key.startswith(_OF_THE_CATALOG):
            folders[folder + slash][name] = entry
    for folder, files in folders.items():
        archives = {name: entry for name, entry in files.items() if _ARCHIVE.fullmatch(name)}
        if places.METADATA in files:
            recorded = read(store, files[places.METADATA].key)
            archive = _own_archive(recorded, posixpath.basename(folder.rstrip("/")), archives)
            if recorded.is_build or archive:
                yield Candidate(store, folder, archive, recorded, frozenset(files))
            if recorded.is_ours:
                continue
            archives = {name: entry for name, entry in archives.items() if entry is not archive}
        for entry in archives.values():
            yield _lone(store, entry)


def _own_archive(recorded: Recorded, folder_name: str, archives: dict[str, Entry]) -> Entry | None:
    """The one that belongs to the metadata beside it."""
    named, *usual = recorded.archive_names or ("",)
    for name in (named, f"{folder_name}.tar.gz", *usual):
        if name in archives:
            return archives[name]
    return next(iter(archives.values())) if len(archives) == 1 else None


def _lone(store: Store, entry: Entry) -> Candidate:
    folder, slash, _ = entry.key.rpartition("/")
    return Candidate(store, folder + slash, entry, None, frozenset())
