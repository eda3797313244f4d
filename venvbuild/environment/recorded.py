"""What the RECORD of an installed distribution may say of each path, by its wheel and by what installers write.

Installers take over the rows of the wheel's RECORD and add some of their own; of those, no wheel tells the bytes.
"""

from __future__ import annotations

import posixpath
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from venvbuild.files import regular
from venvbuild.installed import Distribution, RecordRow, Seen, promised_digest
from venvbuild.package_index import EntryScripts, WheelContents, WheelFile, entry_scripts_in, record_of

_MAX_ENTRY_POINTS_BYTES = 16 << 20
_NOTHING = ","
"""What a row says that promises nothing."""

Rows = Mapping[str, Sequence[RecordRow]]
"""Of one RECORD, by normalised path: all that name it, in order."""


class Doubt(NamedTuple):
    """Something of a RECORD that neither the wheel nor an installer can have put there."""

    path: str
    what: str
    """Of RECORD: `names bin/x twice`."""
    is_strange: bool
    """Whether no wheel has the path, and no installer writes there."""


class Promise(NamedTuple):
    """Rows of what an installer wrote, of which one has to be so: it may have written a script for each of two."""

    path: str
    rows: Sequence[RecordRow]


class _Claim(NamedTuple):
    """A file of the wheel, and what RECORD has to say of it."""

    file: WheelFile
    is_literal: bool
    """Whether it is what the wheel's RECORD says, also where an installer rewrites the file."""

    @property
    def promises(self) -> list[str]:
        return self.file.record.split("\n")

    @property
    def is_silent(self) -> bool:
        """Whether the wheel's RECORD leaves it out."""
        return "" in self.promises

    def is_kept_by(self, row: RecordRow) -> bool:
        """Whether a row says of it what the wheel's RECORD does, or what is true."""
        if self.file.is_rewritten and not self.is_literal:
            return True
        said = _said(row)
        if said in self.promises or (said == _NOTHING and (self.is_silent or self.file.is_spelled_oddly)):
            return True
        # uv writes the size of what the wheel's RECORD does not name, or names with backslashes
        is_told_by_uv = not row.hash and (self.is_silent or _NOTHING in self.promises or self.file.is_spelled_oddly)
        if self.file.is_rewritten:  # of which the wheel's contents tell the size of what is behind the first line
            return is_told_by_uv
        is_so = said == record_of(self.file.sha256, self.file.size_bytes)
        return is_so or (is_told_by_uv and row.size == self.file.size_bytes)


@dataclass
class Account:
    """Of one distribution, by path relative to the environment."""

    written: Counter[str]
    """How often an installer writes there."""
    unmet: dict[str, list[str]] = field(default_factory=dict)
    """What the wheel's RECORD says of what the wheel does not have: uv leaves it out, pip takes it over."""
    optional: frozenset[str] = frozenset()
    """What has to be named only where it is."""
    _claims: dict[str, list[_Claim]] = field(default_factory=lambda: defaultdict(list))
    _standing: dict[str, list[_Claim]] = field(default_factory=lambda: defaultdict(list))

    def add(self, file: WheelFile, path: str, literal: str) -> None:
        """A file of the wheel that is installed at `path`, and is at `literal` by its path in the wheel."""
        self._claims[path].append(_Claim(file, path == literal))
        if path != literal and (file.is_spelled_oddly or "\n" in file.record):
            self._standing[literal].append(_Claim(file, is_literal=True))  # pip takes over just one of such rows

    def add_wrapper(self, file: WheelFile, literal: str) -> None:
        """A script for an entry point: installers make their own and leave the wheel's row as it is."""
        self._claims[literal].append(_Claim(file, is_literal=True))

    def judge(self, rows: Rows) -> Iterator[Doubt | Promise]:
        """What of the `rows` cannot be so, and what has to be looked at."""
        for path in self._claims:
            if path not in rows and path not in self.optional and self._has_to_be_named(path):
                yield Doubt(path, f"does not name {path}", is_strange=False)
        for path, ones in rows.items():
            claims = self._claims.get(path, ())
            if len(ones) == len(claims) == 1 and claims[0].is_kept_by(ones[0]):
                continue
            yield from self._judge(path, ones, [*claims, *self._standing.get(path, ())])

    def unnamed(self, rows: Rows) -> list[str]:
        """Those of the optional files which the wheel's RECORD names and this one does not."""
        return [path for path in self.optional if path not in rows and self._has_to_be_named(path)]

    def _has_to_be_named(self, path: str) -> bool:
        claims = self._claims.get(path)
        return bool(claims) and not any(one.is_silent for one in claims or ())

    def _judge(self, path: str, rows: Sequence[RecordRow], claims: Sequence[_Claim]) -> Iterator[Doubt | Promise]:
        unmet, written = self.unmet.get(path, []), self.written[path]
        kept = [row for row in rows if any(claim.is_kept_by(row) for claim in claims)]
        rest = [row for row in rows if row not in kept and _said(row) not in unmet]
        if not claims and not unmet and not written:
            yield Doubt(path, f"names {path}, which the wheel does not have", is_strange=True)
        elif not kept and self._has_to_be_named(path):
            yield Doubt(path, f"says of {path} what the wheel does not", is_strange=False)
        elif len(rest) > written:
            what = f"names {path} twice" if written else f"says of {path} what the wheel does not"
            yield Doubt(path, what, is_strange=False)
        elif len(rows) > written + len(unmet) + sum(len(claim.promises) for claim in claims):
            yield Doubt(path, f"names {path} twice", is_strange=False)
        if rest and written:
            yield Promise(path, rest)


def is_true(row: RecordRow, seen: Seen) -> bool:
    """Whether what it promises of a file, if anything, is so."""
    is_digest = not row.hash or promised_digest(row.hash) == ("sha256", seen.sha256)
    return is_digest and row.size in (None, seen.look.size_bytes)


def rows_of(one: Distribution, wheel: WheelContents | None) -> Rows:
    """Those of RECORD, relative to site-packages. Some wheels name folders in it; and some were made on Windows by
    hand, of which installers unpack a name with a backslash as it is.
    """
    rows = [row for row in one.record or () if wheel or row.path[-1:] != "/"]
    is_odd = any("\\" in row.path for row in rows)
    literal = {file.path for file in wheel.files if "\\" in file.path} if wheel and is_odd else ()
    found = dict[str, list[RecordRow]]()
    for row in rows:
        path = row.path if row.path in literal else normal(row.path)
        found.setdefault(path, []).append(row)
    odd = {file.path for file in wheel.files if file.is_spelled_oddly} if wheel and one.installer != "pip" else found
    for path, ones in found.items():
        # pip adds an empty row to one of another spelling
        if len(ones) > 1 and path in odd and any(row.path != path for row in ones):
            found[path] = [row for row in ones if row.hash or row.size is not None] or ones[:1]
    return found


def scripts_asked_by(one: Distribution) -> EntryScripts:
    """By its entry points, as they are installed."""
    try:
        with regular(one.site_packages / one.dist_info / "entry_points.txt") as file:
            return entry_scripts_in(file.read(_MAX_ENTRY_POINTS_BYTES).decode("utf-8", "surrogateescape"))
    except (OSError, ValueError):  # it has none, or none that can be read, which is told elsewhere
        return EntryScripts()


def normal(path: str) -> str:
    """Of a path of a RECORD."""
    path = path.replace("\\", "/").removesuffix("/") or "."
    # only where it changes something: there are tens of thousands of rows, and normpath is slow
    return posixpath.normpath(path) if "./" in path or "//" in path else path


def _said(row: RecordRow) -> str:
    """What it says besides the path."""
    return f"{row.hash},{'' if row.size is None else row.size}"
