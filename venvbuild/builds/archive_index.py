"""What an archive consists of: its fragments, where each lies and how to check it; `archive_index.json` as a record."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

from venvbuild.builds import places, schemas
from venvbuild.errors import IntegrityError
from venvbuild.text import shown

SCHEMA_VERSION = 1
FLAT_SCHEMA_VERSION = 2
"""Of an index whose root is empty: who knows the first one alone would look for a folder at the top."""
HEADER_BYTES = 10
"""Of the gzip header before the first fragment."""
TRAILER_BYTES = 10
"""After the last one: the empty final block, the CRC, the length."""


@dataclass(frozen=True)
class Fragment:
    """A part of the archive that can be inflated on its own. Field names are archive_index.json's."""

    distribution: str | None
    """Canonical name; `_base` for the bundled interpreter; None for what belongs to no single distribution."""
    version: str | None
    offset: int
    """Of its first byte in the archive."""
    length: int
    """Compressed."""
    sha256: str
    """Of the compressed bytes."""
    plain_length: int
    plain_sha256: str
    crc32: int
    """Of the plain bytes."""
    continues: bool
    """Whether its plain bytes begin inside a member that an earlier fragment began."""


@dataclass(frozen=True)
class ArchiveIndex:
    """All fragments of one archive, in order, without a gap. Field names are archive_index.json's."""

    root: str
    """The one folder at the top of the archive; empty: there is none, and the environment's `bin` is at the top."""
    codec: str
    """Who compressed it: `zlib-ng 1.1.0`."""
    level: int
    archive_size_bytes: int
    plain_bytes: int
    content_sha256: str
    fragments: tuple[Fragment, ...]

    @property
    def schema_version(self) -> int:
        """What a reader has to know."""
        return SCHEMA_VERSION if self.root else FLAT_SCHEMA_VERSION

    def text(self) -> str:
        """archive_index.json: a fragment a line."""
        fields = {name: value for name, value in asdict(self).items() if name != "fragments"}
        head = json.dumps({"schema_version": self.schema_version, **fields})[:-1]
        lines = ",\n".join(json.dumps(asdict(fragment)) for fragment in self.fragments)
        return f'{head}, "fragments": [\n{lines}\n]}}\n'


def parse_index(content: bytes, where: str = places.ARCHIVE_INDEX) -> ArchiveIndex:
    """The index in an archive_index.json, with its sums done: what it says of one archive agrees with itself.

    Unknown fields are passed over.

    Raises:
        IntegrityError: it is no JSON, does not fit archive_index.schema.json, its fragments leave a gap, or a later
            version wrote it, in which fields that we know mean something else.
    """
    try:
        read = schemas.parsed(content)
    except ValueError as error:
        raise _refused(f"it is no JSON that can be read: {shown(str(error), 200)}", where) from error
    _refuse_newer(read, where)
    _validate(read, where)
    fragments = tuple(Fragment(**_known(one, Fragment)) for one in read["fragments"])
    index = ArchiveIndex(**{**_known(read, ArchiveIndex), "fragments": fragments})
    # No JSON schema can say these: a reader that fetches by range would join bytes that do not belong together.
    for gap in _gaps(index):
        raise _refused(gap, where)
    if index.schema_version != read["schema_version"]:
        raise _refused(f"its root is {index.root!r}, and its schema_version {read['schema_version']}", where)
    return index


def placed(fragments: Iterable[Fragment]) -> tuple[Fragment, ...]:
    """The fragments with the offsets they have in an archive that consists of them."""
    offset, found = HEADER_BYTES, []
    for fragment in fragments:
        found.append(Fragment(**{**asdict(fragment), "offset": offset}))
        offset += fragment.length
    return tuple(found)


def _gaps(index: ArchiveIndex) -> Iterable[str]:
    if placed(index.fragments) != index.fragments:
        yield "its fragments do not lie one behind the other"
    if sum(fragment.length for fragment in index.fragments) != index.archive_size_bytes - HEADER_BYTES - TRAILER_BYTES:
        yield "the lengths of its fragments are not the archive's"
    if sum(fragment.plain_length for fragment in index.fragments) != index.plain_bytes:
        yield "the plain lengths of its fragments are not the archive's"


def _refuse_newer(read: Any, where: str) -> None:
    version = read.get("schema_version") if isinstance(read, dict) else None
    if type(version) is int and version > FLAT_SCHEMA_VERSION:
        raise IntegrityError(
            f"the index of the archive is of schema_version {version}, and this venvbuild knows {FLAT_SCHEMA_VERSION}",
            where=where,
            why="a newer venvbuild packed the archive",
            fix="update venvbuild",
            rule="NEWER",
        )


def _validate(read: Any, where: str) -> None:
    for field, what in schemas.faults(read, "builds/archive_index.schema.json"):
        raise _refused(f"{field}: {what}", where)


def _known(fields: dict[str, Any], record: type) -> dict[str, Any]:
    # A later version may write more: `schema_version` is raised only where an old reader would read wrongly.
    return {name: value for name, value in fields.items() if name in record.__dataclass_fields__}  # type: ignore[attr-defined]


def _refused(what: str, where: str) -> IntegrityError:
    return IntegrityError(
        f"the index of the archive is not valid: {what}",
        where=where,
        rule="INDEX",
        fix="get the archive whole, with tar, or restore the index from a backup",
    )
