"""The index of the catalog: Parquet files that answer for whole days, so that a question need not read their rows.

    venv-catalog/index/CURRENT.json                      which files, and which days they cover
    venv-catalog/index/<segment>/builds/builds.parquet   build_no and facts, sorted by build_no
    venv-catalog/index/<segment>/packages/000.parquet    name, version, build_no and facts, sorted so; 001 goes on

A build is in exactly one segment; together they hold the builds of all days before `covered_before`, and no others. The
files of a segment never change. CURRENT.json is replaced only as it was read, so of several writers one wins.
`build_no` is the instant of a version in unix seconds.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

from athena.rows import Unread, is_day, is_row, last_day
from venvbuild.builds import places, schemas
from venvbuild.errors import IntegrityError, NotInStore
from venvbuild.stores import Store
from venvbuild.text import shown

TURN = "index"
"""The turn (`Store.turn`) of those who change it."""
CURRENT = f"{places.INDEX}/CURRENT.json"
REBUILD = "`venvbuild table compact --rebuild` makes the index anew from the rows"
REBUILD_WITHOUT = f"remove what stands there; {REBUILD}"
VIEWS = ("venv_builds", "venv_packages")
"""What is made of the files of the index, and of the rows that it does not have yet."""
INSTANT = "%Y-%m-%dT%H:%M:%SZ"
_FORMAT = 1
_NAME = re.compile(r"[0-9a-f]{16}")
_DT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")  # as in a row's key, which need be no day
_FILE = re.compile(r"builds/builds|packages/[0-9]{3}")
_SHA256 = re.compile(r"[0-9a-f]{64}")
# Of what cannot be read as a whole: with the format first, or behind members that are plain.
_FORMAT_FIRST = re.compile(
    rb'(?:\xef\xbb\xbf)?\s*\{(?:\s*"[^"\\]*"\s*:\s*(?:"[^"\\]*"|[-+.\w]+)\s*,)*\s*"format"\s*:\s*([0-9]{1,18})'
)
_MOST = 2**63 - 1
_MOST_FILE_BYTES = 1 << 30
"""Of a file of a segment, which is read at once: a hundred times what its million rows have."""
_MOST_SEEN_BYTES = 64_000_000
"""Of a CURRENT.json that is too large: so much is read to see whether a later version wrote it."""
_HEAD_BYTES = 4096
_SECONDS = (-62_135_596_800, 253_402_300_799)
"""The first and the last build_no that is an instant: of the years 1 to 9999."""


@dataclass(frozen=True)
class IndexFile:
    """One Parquet file of a segment."""

    name: str
    """`builds/builds` or `packages/000`."""
    size_bytes: int
    sha256: str
    first_name: str = ""
    """Of packages: the names in it lie between these two, in the order of their UTF-8 bytes, both included."""
    last_name: str = ""

    def has_any(self, names: tuple[str, ...] | None) -> bool:
        """Whether one of these packages may be in it; None: any package."""
        return names is None or any(self.first_name <= name <= self.last_name for name in names)


@dataclass(frozen=True)
class Segment:
    """Some builds, in a few files."""

    name: str
    """Random, so that no two writers ever mean the same files."""
    build_count: int
    first_build_no: int
    last_build_no: int
    builds: IndexFile
    packages: tuple[IndexFile, ...]
    """In the order of names."""

    @property
    def files(self) -> tuple[IndexFile, ...]:
        """All of them."""
        return (self.builds, *self.packages)

    def files_of(self, view: str) -> tuple[IndexFile, ...]:
        """Those of which one of `VIEWS` is made."""
        return self.packages if view == "venv_packages" else (self.builds,)

    def key(self, file: IndexFile) -> str:
        """Where a file of this segment is in the store."""
        return f"{places.INDEX}/{self.name}/{file.name}.parquet"

    def overlaps(self, first_build_no: int, end_build_no: int) -> bool:
        """Whether builds from the first on, and before the end, may be in it."""
        return self.first_build_no < end_build_no and first_build_no <= self.last_build_no


@dataclass(frozen=True)
class Index:
    """What CURRENT.json says."""

    generation: int = 0
    """One more with each change, and 1 after the largest; 0: there is no index."""
    covered_before: str = ""
    """`YYYY-MM-DD`: the builds of earlier days are in the segments; the rows from this day on are the tail."""
    covering_before: str = ""
    """The same of the compaction that is under way, or was killed; never earlier than `covered_before`."""
    segments: tuple[Segment, ...] = ()
    retired: Mapping[str, str] = field(default_factory=dict)
    """Segments that are no longer read, and since when: `2025-07-22T08:30:00Z`."""
    unread: Mapping[str, Unread] = field(default_factory=dict)
    """Of the covered days those with rows that could not be read, and so are not in it."""

    @property
    def next_generation(self) -> int:
        """That of the index which replaces it."""
        return self.generation % _MOST + 1

    @property
    def unread_in_all(self) -> Unread | None:
        """Of all covered days together."""
        return Unread.in_all(self.unread) if self.unread else None

    def unread_since(self, day: str | None) -> dict[str, Unread]:
        """The same of this day and later ones."""
        return {one: unread for one, unread in self.unread.items() if one >= (day or "")}

    def as_json(self) -> bytes:
        """CURRENT.json."""
        whole = {
            "format": _FORMAT,
            "generation": self.generation,
            "covered_before": self.covered_before,
            "covering_before": self.covering_before,
            "segments": [_as_json(segment) for segment in self.segments],
            "retired": dict(sorted(self.retired.items())),
            "unread": {day: vars(one) for day, one in sorted(self.unread.items())},
        }
        return (json.dumps(whole, indent=1) + "\n").encode()


def read(store: Store) -> Index:
    """The index as it is now; one of generation 0 when there is none.

    Raises:
        IntegrityError: CURRENT.json cannot be read. StoreUnavailable, UsageError: the store fails or refuses.
    """
    return read_with_etag(store)[0]


def read_with_etag(store: Store, *, is_rebuilt: bool = False) -> tuple[Index, str]:
    """The index and what `replace_current` needs; "" when there is none.

    `is_rebuilt` takes a damaged one for an empty one; one of a later version of the tool is not ours to replace.
    """
    try:
        stored = store.read(CURRENT, _MOST_SEEN_BYTES)
    except NotInStore:
        return Index(), ""
    except IntegrityError as error:
        if error.problems[0].rule in ("NO_OBJECT", "IS_FOLDER"):
            raise _unreadable(store, error.problems[0].what, REBUILD_WITHOUT) from error
        if error.problems[0].rule != "TOO_LARGE":
            raise
        _refuse_a_newer(store.read_range(CURRENT, 0, _HEAD_BYTES), store, is_whole=False)
        if not is_rebuilt:
            raise _unreadable(store, error.problems[0].what) from error
        # whoever asks until there is a new one reads the rows
        store.remove(CURRENT)
        return Index(), ""
    try:
        return _parsed(schemas.parsed(stored.body)), stored.etag
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        _refuse_a_newer(stored.body, store)
        if is_rebuilt:
            return Index(), stored.etag
        raise _unreadable(store, f"{type(error).__name__}: {error}"[:200]) from error


def _unreadable(store: Store, why: str, fix: str = REBUILD) -> IntegrityError:
    what = "the index of the catalog cannot be read"
    return IntegrityError(what, where=store.uri(CURRENT), why=why, fix=fix, rule="BAD_INDEX")


def refuse_unreadable(store: Store, new: Index) -> None:
    """Look at an index that was made of files of another one, before it is published.

    Raises:
        IntegrityError: nobody could read it again, as a file has other builds than CURRENT.json said.
    """
    try:
        _parsed(schemas.parsed(new.as_json()))
    except ValueError as error:
        what, why = "a file of the index has other builds than CURRENT.json says", f"made anew from it, {error}"
        raise IntegrityError(what, where=store.uri(CURRENT), why=why, fix=REBUILD, rule="BAD_INDEX") from error


def replace_current(store: Store, new: Index, etag: str) -> bool:
    """Make this the index if it is still what `etag` names; False when somebody else was faster.

    Raises:
        ValueError: nobody could read it again, and so it is not made the index.
    """
    body = new.as_json()
    _parsed(schemas.parsed(body))
    # of several first ones only one wins, too
    return store.replace_if_unchanged(CURRENT, body, etag) if etag else store.put_if_absent(CURRENT, body)


def is_name(text: str) -> bool:
    """Whether a segment can have this name."""
    return _NAME.fullmatch(text) is not None


def build_no(venv_version: str) -> int:
    """`venv_20250722_083000` -> 1753173000.

    Raises:
        ValueError: it is no version.
    """
    return int(places.instant_of(venv_version).timestamp())


def build_no_of_day(day: str) -> int:
    """The first that a build of this day, `YYYY-MM-DD`, can have."""
    parsed = date.fromisoformat(day)
    return int(datetime(parsed.year, parsed.month, parsed.day, tzinfo=UTC).timestamp())


def day_of(number: int) -> str:
    """The day of a build, `YYYY-MM-DD`, by its number."""
    return f"{datetime.fromtimestamp(number, UTC):%Y-%m-%d}"


def end_build_no(store: Store, segments: Iterable[Segment]) -> int | None:
    """Before which builds of these segments count, where some are of a time to come; None where all count."""
    newest = max((day_of(one.last_build_no) for one in segments), default="")
    last = last_day(store, newest)
    return build_no_of_day(last) + 86_400 if newest > last else None


def _as_json(segment: Segment) -> dict[str, Any]:
    return {
        "name": segment.name,
        "build_count": segment.build_count,
        "first_build_no": segment.first_build_no,
        "last_build_no": segment.last_build_no,
        "builds": vars(segment.builds),
        "packages": [vars(file) for file in segment.packages],
    }


def _refuse_a_newer(body: bytes, store: Store, *, is_whole: bool = True) -> None:
    """Of JSON that a later version may have written, by rules of its own, or that was cut off; all else is damage."""
    made_by = max(_formats(body, is_whole), default=0)
    if made_by > _FORMAT:
        raise IntegrityError(
            f"the index of the catalog is of format {shown(str(made_by))}, and this venvbuild knows {_FORMAT}",
            where=store.uri(CURRENT),
            why="a newer venvbuild made it",
            fix="update venvbuild",
            rule="NEWER_INDEX",
        )


def _formats(body: bytes, is_whole: bool) -> list[int]:
    try:
        top = json.loads(body, object_pairs_hook=_Pairs) if is_whole else None
    except (ValueError, RecursionError):  # it ends early, or has a number, or a depth, that Python does not read
        top = None
    if isinstance(top, _Pairs):
        return [value for name, value in top if name == "format" and type(value) is int]
    first = _FORMAT_FIRST.match(body[:_HEAD_BYTES])
    return [int(first[1])] if first else []


class _Pairs(list[tuple[str, Any]]):
    """An object of JSON, with keys that come twice."""


def _parsed(found: Any) -> Index:
    if found["format"] != _FORMAT:
        raise ValueError(f"its format is {str(found['format'])[:60]!a}")
    made = Index(
        _number(found["generation"]),
        _day(found["covered_before"]),
        _day(found["covering_before"]),
        tuple(map(_segment, found["segments"])),
        {_matching(_NAME, name): _since(since) for name, since in found["retired"].items()},
        {_matching(_DT, day): _unread(one) for day, one in found.get("unread", {}).items()},
    )
    names = [segment.name for segment in made.segments]
    # what is retired is removed one day
    if len({*names, *made.retired}) < len(names) + len(made.retired) or made.covered_before > made.covering_before:
        raise ValueError("it contradicts itself")
    end = build_no_of_day(made.covered_before) if made.covered_before else _SECONDS[0]
    if any(segment.last_build_no >= end for segment in made.segments):
        raise ValueError("it has builds of days that it does not cover")
    return made


def _segment(found: Any) -> Segment:
    first, last = (_number(found[name], *_SECONDS) for name in ("first_build_no", "last_build_no"))
    if first > last:
        raise ValueError("the first build of a segment is later than its last")
    return Segment(
        _matching(_NAME, found["name"]),
        _number(found["build_count"], 1),
        first,
        last,
        _file(found["builds"]),
        tuple(map(_file, found["packages"])),
    )


def _file(found: Any) -> IndexFile:
    names = (str(found["first_name"]), str(found["last_name"]))
    size_bytes = _number(found["size_bytes"], 0, _MOST_FILE_BYTES)
    return IndexFile(_matching(_FILE, found["name"]), size_bytes, _matching(_SHA256, found["sha256"]), *names)


def _unread(found: Any) -> Unread:
    if not (is_row(found["key"]) or is_day(found["key"])):
        raise ValueError(f"{found['key'][:60]!a} is no row")
    return Unread(_number(found["count"], 1), found["key"], str(found["why"]))


def _number(value: Any, first: int = 0, last: int = _MOST) -> int:
    # bool is a kind of int
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError(f"{str(value)[:60]!a} is no number")
    if not first <= value <= last:
        raise ValueError(f"{str(value)[:60]} is not between {first} and {last}")
    return value


def _day(value: Any) -> str:
    # in one form, as days are compared as text; fromisoformat also takes `20250722`
    return date.fromisoformat(value).isoformat() if value else ""


def _since(value: Any) -> str:
    # compared as text, too
    if datetime.strptime(value, INSTANT).replace(tzinfo=UTC).strftime(INSTANT) != value:
        raise ValueError(f"{value[:60]!a} is no instant")
    return str(value)


def _matching(pattern: re.Pattern[str], value: Any) -> str:
    # names become keys and paths
    if not pattern.fullmatch(value):
        raise ValueError(f"{value[:60]!a} is no name of the index")
    return str(value)
