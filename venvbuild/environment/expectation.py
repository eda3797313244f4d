"""What each file of a new environment has to be, by its wheels, and how it differs from that."""

from __future__ import annotations

import posixpath
import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from venvbuild.environment.empty import EmptyVenv
from venvbuild.environment.expected_file import OTHER_MODE, ExpectedFile
from venvbuild.environment.reading import Read
from venvbuild.environment.unpacked import Scripts
from venvbuild.installed import (
    ENVIRONMENT_LEFTOVERS,
    INSTALL_RECORDS,
    Distribution,
    RecordRow,
    Seen,
    promised_digest,
)
from venvbuild.package_index import WheelContents, WheelFile, data_of, record_of

# Of a dist-info: the installer writes them whatever the wheel has (PEP 376, PEP 610), or leaves them out.
_INSTALLERS_OWN = ("RECORD", "INSTALLER", "REQUESTED", *INSTALL_RECORDS)
# Of a dist-info that a wheel has: some installers keep them, some do not, and none writes them for what an index has.
_LEFT_OUT = ("direct_url.json", "RECORD.jws", "RECORD.p7s")
# `pip3.11`, which pip's entry points do not name and each installer makes of them.
_VERSIONED = re.compile(r"(pip|easy_install)-?[0-9.]+")
_NONE = "none"
"""A digest that nothing has."""


class Difference(NamedTuple):
    """A file that is not as the wheels have it."""

    path: str
    """Relative to the environment."""
    owner: str | None
    """Canonical name of its distribution; None when nothing tells."""
    what: str
    """`is missing`; goes on where the path ends."""


class Comparison(NamedTuple):
    """An environment, compared."""

    differences: Sequence[Difference]
    """What of it is not as it has to be, sorted."""
    read: Mapping[str, Seen]
    """By path relative to it: the files that were read whole and are as they have to be."""
    records: frozenset[Difference]
    """Those of the differences that are words of a RECORD alone."""


@dataclass
class Expectation:
    """Of one environment."""

    site_packages: str
    """Relative to the environment."""
    files: dict[str, ExpectedFile] = field(default_factory=dict)
    """By path relative to the environment; of a path that several have, the last by name."""
    of_installers: dict[str, str] = field(default_factory=dict)
    """Other files that may be there, and whose they are: what installers write."""
    records: list[Difference] = field(default_factory=list)
    """Where RECORDs differ from those of the wheels."""
    plain: dict[str, str] = field(default_factory=dict)
    """Those of them that are no programs in the wheel, and whose they are."""
    promises: list[tuple[str, str, RecordRow]] = field(default_factory=list)
    """What RECORDs say of what installers write, which no wheel tells: whose, of which file, and what."""
    of_no_wheel: dict[str, str] = field(default_factory=dict)
    """What RECORDs name that no wheel has, and whose RECORD."""
    _record_of: dict[str, str] = field(default_factory=dict)
    """Where each distribution has its RECORD, relative to the environment."""
    untold: dict[str, str] = field(default_factory=dict)
    """Files that cannot be compared, as nobody tells a digest that can be read, and whose they are."""

    @classmethod
    def of(
        cls,
        installed: Sequence[Distribution],
        wheels: Mapping[str, WheelContents],
        python_version: str,
        unpacked: Mapping[str, Scripts] | None = None,
    ) -> Expectation:
        """By the wheels of the closure's distributions; by its own RECORD for one whose wheel could not be asked, and
        what the installer's cache has `unpacked` of it, by canonical name.
        """
        expectation = cls(f"lib/python{python_version}/site-packages")
        by_name = {one.canonical_name: one for one in installed}
        for name in sorted({*by_name, *wheels}):
            wheel, one = wheels.get(name), by_name.get(name)
            rows, again = _rows_of(one, wheel) if one else ({}, [])
            if wheel:
                expectation._add_wheel(name, wheel, rows, again, python_version)
            elif one:
                expectation._add_rows(name, rows, again, one.dist_info, (unpacked or {}).get(name, {}))
        return expectation

    def is_of(self, path: str, names: Collection[str]) -> bool:
        """Whether a file belongs to one of these distributions."""
        file = self.files.get(path)
        return (file.owner if file else self.of_installers.get(path)) in names

    def displaced(self) -> set[str]:
        """The distributions in the place of whose scripts and the like RECORDs name something that no wheel has."""
        return {self.of_installers[path] for path in self.of_no_wheel.keys() & self.of_installers.keys()}

    def compared_with(self, venv: Path, read: Read) -> Comparison:
        """With what was `read` of `venv`."""
        found, as_expected = list[Difference](), dict[str, Seen]()
        for path, file in self.files.items():
            seen = read.seen.get(path)
            if path not in read.there and path not in read.base.paths:  # not where a link would lead to it either
                what = "" if file.may_lack else "is missing"
            elif seen is None or not file.is_told_by_reading:
                what = file.unlike(venv, path)
            else:
                what = file.unlike_seen(seen)
                if not what:
                    as_expected[path] = seen
            if what:
                found.append(Difference(path, file.owner, what))
        for path in self.plain.keys() & read.seen.keys():
            if read.seen[path].look.mode & 0o100:
                found.append(Difference(path, self.plain[path], OTHER_MODE))
        for path in self.changed_of(read.base, venv):
            found.append(Difference(path, self.of_no_wheel.get(path), "is not that of an empty environment"))
        records = frozenset([*self.records, *self._untrue(read)])
        return Comparison(sorted({*records, *found, *self._surplus(read)}), as_expected, records)

    def changed_of(self, base: EmptyVenv, venv: Path) -> Iterator[str]:
        """What was in `venv` before any package, and is not any more, but for what the wheels put in its place."""
        return (path for path in base.changed(venv) if path not in self.files and path not in self.of_installers)

    def _surplus(self, read: Read) -> Iterator[Difference]:
        """What nobody brought."""
        paths = read.there.difference(self.files, self.of_installers)
        owners = self._owners_of_folders() if paths else {}
        for path in paths:
            yield Difference(path, self.of_no_wheel.get(path) or _near(path, owners), "is in no wheel")

    def _untrue(self, read: Read) -> Iterator[Difference]:
        """Where RECORDs promise what is not so; of one path several do so, and one of them is right."""
        rows = defaultdict[tuple[str, str], list[RecordRow]](list)
        for name, path, row in self.promises:
            rows[path, name].append(row)
        told = Counter(path for path, _ in rows)
        for (path, name), ones in rows.items():
            seen, record = read.seen.get(path), self._record_of[name]
            if told[path] > 1 or path in self.files or path in read.base.paths:
                continue
            if path not in read.there:
                yield Difference(record, name, f"names {path}, which is not there")
            # the wheel's own row may stand beside that of the installer
            elif seen and not any(_is_true(row, seen) for row in ones):
                yield Difference(record, name, f"says of {path} what is not so")

    def _add_wheel(
        self,
        name: str,
        wheel: WheelContents,
        rows: Mapping[str, RecordRow],
        again: Sequence[tuple[str, RecordRow]],
        python_version: str,
    ) -> None:
        info = f"{self.site_packages}/{wheel.dist_info}"
        scripts, own = self._of_installer(wheel)
        optional = {f"{info}/{one}" for one in _LEFT_OUT}
        self.of_installers |= dict.fromkeys([*scripts, *own], name)
        for script in scripts:  # which takes the place of what another distribution has there
            self.files.pop(script, None)
        left = {self._path(path): row for path, row in rows.items()}
        again = [*again, *((path, row) for path, row in rows.items() if left[self._path(path)] is not row)]
        self._record_of[name] = f"{info}/RECORD"
        claims, brought = defaultdict[str, list[WheelFile]](list), dict[str, WheelFile]()
        # what is in `.data` is unpacked over the rest
        for file in sorted(wheel.files, key=lambda one: data_of(one.path)):
            path, literal = self._place(file.path, wheel, name, left, python_version), self._path(file.path)
            is_literal = path == literal
            is_wrapper = wheel.is_wrapper(file.path)
            if is_wrapper and not is_literal:  # installers make their own instead
                left.pop(literal, None)
                left.pop(path or "", None)
            elif path is not None and path not in own:
                # pip leaves a wrapper out, and RECORD as it is, from which it looks as if uv had put it there
                may_lack = path in optional or is_wrapper
                self.files[path] = ExpectedFile.of_wheel(name, file, may_lack=may_lack, is_literal=is_literal)
                if path not in optional:
                    claims[path].append(file)
            elif path is not None:
                brought[path] = file
                if file.is_executable is False:  # uv leaves RECORD the mode that the wheel has for it
                    self.plain[path] = name
        for path, files in claims.items():
            row = left.pop(path, None)
            more = [one for at, one in again if self._path(at) == path] if again else []
            if not all(any(_is_kept(file, one) for file in files) for one in (row, *more)):
                self._doubt(name, f"says of {path} what the wheel does not")
        self._add_again(name, wheel, again, brought, python_version)
        self._add_left(name, wheel, left, brought, python_version)

    def _add_again(
        self,
        name: str,
        wheel: WheelContents,
        again: Sequence[tuple[str, RecordRow]],
        brought: Mapping[str, WheelFile],
        python_version: str,
    ) -> None:
        """What RECORD names once more of what installers write: only what the wheel's own names too, or what its entry
        points name so often.
        """
        scripts, own = self._of_installer(wheel) if again else (set[str](), set[str]())
        unmet = {self._path(one) for one in wheel.unmet}
        unmet |= {self._place(one, wheel, name, (), python_version) or "" for one in wheel.unmet}
        often = Counter(f"bin/{script}" for script in wheel.scripts)
        for path, row in ((self._path(at), row) for at, row in again):
            often[path] -= 1
            if path in brought:
                if not _is_kept(brought[path], row):
                    self._expect_true(name, path, row)
            elif path in unmet or often[path] > 0:
                self._expect_true(name, path, row)
            elif path in scripts | own:
                self._doubt(name, f"names {path} twice")

    def _add_left(
        self,
        name: str,
        wheel: WheelContents,
        left: Mapping[str, RecordRow],
        brought: Mapping[str, WheelFile],
        python_version: str,
    ) -> None:
        """What RECORD names besides the files of a wheel; `brought`: those which the installer has in their place."""
        scripts, own = self._of_installer(wheel)
        optional = {f"{self.site_packages}/{wheel.dist_info}/{one}" for one in _LEFT_OUT}
        known = scripts | own | optional.intersection(self.files) | {self._path(one) for one in wheel.unmet}
        known |= {self._place(one, wheel, name, (), python_version) or "" for one in wheel.unmet}
        for path, row in left.items():
            versioned = _VERSIONED.fullmatch(path.removeprefix("bin/"))
            is_script = path in scripts or bool(versioned and f"bin/{versioned[1]}" in scripts)
            if is_script:
                self.of_installers[path] = name
            elif path not in known:
                self.of_no_wheel[path] = name
                self._doubt(name, f"names {path}, which the wheel does not have")
            if is_script or (path in own and not (path in brought and _is_kept(brought[path], row))):
                self._expect_true(name, path, row)

    def _add_rows(
        self,
        name: str,
        rows: Mapping[str, RecordRow],
        again: Sequence[tuple[str, RecordRow]],
        dist_info: str,
        unpacked: Scripts,
    ) -> None:
        info = f"{self.site_packages}/{dist_info}"
        installers = {f"{info}/{one}" for one in _INSTALLERS_OWN}
        own = {*installers, *(f"{info}/{one}" for one in _LEFT_OUT)}
        self.of_installers |= dict.fromkeys(own, name)
        self._record_of[name] = f"{info}/RECORD"
        for path, row in rows.items():
            place = self._path(path)
            algorithm, digest = promised_digest(row.hash)
            if place.startswith(("../", "/")):  # what lies elsewhere is nobody's business
                continue
            if place in unpacked:
                digests = unpacked[place]
                self.files[place] = ExpectedFile(
                    name, min(digests, default=_NONE), None, is_rewritten=True, others=digests
                )
            elif digest and place not in installers:
                self.of_installers.pop(place, None)
                self.files[place] = ExpectedFile(name, digest, row.size, is_rewritten=False, algorithm=algorithm)
            else:
                self.of_installers[place] = name
                if place not in own and "/__pycache__/" not in place:
                    self.untold[place] = name
        for path, row in (*rows.items(), *again):
            if self._path(path) in installers - {self._record_of[name]}:  # of RECORD the wheel alone could tell
                self._expect_true(name, self._path(path), row)

    def _of_installer(self, wheel: WheelContents) -> tuple[set[str], set[str]]:
        """What an installer writes itself: scripts for entry points, and of a dist-info."""
        own = {f"{self.site_packages}/{wheel.dist_info}/{one}" for one in _INSTALLERS_OWN}
        return {f"bin/{script}" for script in wheel.scripts}, own | {*ENVIRONMENT_LEFTOVERS}

    def _doubt(self, name: str, what: str) -> None:
        self.records.append(Difference(self._record_of[name], name, what))

    def _expect_true(self, name: str, path: str, row: RecordRow) -> None:
        if row.hash or row.size is not None or path != self._record_of[name]:  # as of itself it can say nothing
            self.promises.append((name, path, row))

    def _path(self, path: str) -> str:
        """Relative to the environment, of one that is relative to site-packages and normalised."""
        place = f"{self.site_packages}/{path}"
        return _in_environment(place) if path[:1] in (".", "/") else place

    def _place(
        self, path: str, wheel: WheelContents, name: str, claimed: Collection[str], python_version: str
    ) -> str | None:
        """Where a file of a wheel goes (binary distribution format, "Installing"); None: out of the environment."""
        top, _, rest = path.partition("/")
        kind, _, inner = rest.partition("/")
        literal = self._path(path)
        # Of data in a folder that is not called as the dist-info is, pip installs what is in it, and uv the folder.
        if not data_of(path) or (top != wheel.data and literal in claimed):
            place = literal
        elif kind in ("purelib", "platlib"):
            place = self._path(inner)
        elif kind == "headers":
            # installers name the folder as the metadata, the wheel or PEP 503 spell the distribution
            headers = f"include/site/python{python_version}"
            spelled = [one for one in claimed if one.startswith(headers) and one.split("/", 4)[-1] == inner]
            place = spelled[0] if spelled else f"{headers}/{name}/{inner}"
        else:
            place = _in_environment(f"bin/{inner}" if kind == "scripts" else inner)
        return None if place.startswith(("../", "/")) else place

    def _owners_of_folders(self) -> dict[str, set[str]]:
        found = defaultdict[str, set[str]](set)
        for path, file in self.files.items():
            folder = posixpath.dirname(path)
            while len(folder) > len(self.site_packages) and file.owner not in found[folder]:
                found[folder].add(file.owner)
                folder = posixpath.dirname(folder)
        return found


def _near(path: str, owners: Mapping[str, set[str]]) -> str | None:
    """The one distribution that has files in the folder of a file, or in one above."""
    folder = posixpath.dirname(path)
    while folder:
        names = owners.get(folder, set())
        if names:
            return next(iter(names)) if len(names) == 1 else None
        folder = posixpath.dirname(folder)
    return None


def _is_kept(file: WheelFile, row: RecordRow | None) -> bool:
    """Whether RECORD says of a file what the wheel's does, or what is true."""
    if file.is_rewritten:
        return row is not None
    if row is None:
        return not file.record
    promises = file.record.split("\n")
    # uv writes the size of what the wheel's RECORD does not name, or names with backslashes
    if not row.hash and row.size in (None, file.size_bytes) and ("" in promises or file.is_spelled_oddly):
        return True
    said = f"{row.hash},{'' if row.size is None else row.size}"
    return said in promises or said == record_of(file.sha256, file.size_bytes)


def _is_true(row: RecordRow, seen: Seen) -> bool:
    """Whether what it promises of a file, if anything, is so."""
    is_digest = not row.hash or promised_digest(row.hash) == ("sha256", seen.sha256)
    return is_digest and row.size in (None, seen.look.size_bytes)


def _rows_of(
    one: Distribution, wheel: WheelContents | None
) -> tuple[dict[str, RecordRow], list[tuple[str, RecordRow]]]:
    """The rows of RECORD by normalised path, and those that name one of them once more. Some wheels name folders in it;
    and some were made on Windows by hand, of which installers unpack a name with a backslash as it is.
    """
    rows = [row for row in one.record or () if row.path[-1:] != "/"]
    is_odd = any("\\" in row.path for row in rows)
    literal = {file.path for file in wheel.files if "\\" in file.path} if wheel and is_odd else ()
    found, again = dict[str, RecordRow](), list[tuple[str, RecordRow]]()
    for row in rows:
        path = row.path if row.path in literal else _normal(row.path)
        before = found.get(path)
        if before is None or row.hash:
            found[path] = row
        if before is not None:
            other = before if row.hash else row
            is_odd = path not in (before.path, row.path) or before.path != row.path
            if other.hash or not is_odd:  # pip adds an empty row to one that is spelled otherwise
                again.append((path, other))
    return found, again


def _normal(path: str) -> str:
    path = path.replace("\\", "/")
    # only where it changes something: there are tens of thousands of rows, and normpath is slow
    return posixpath.normpath(path) if "./" in path or "//" in path else path


def _in_environment(path: str) -> str:
    path = _normal(path)
    # which is a link to `lib` in every environment of uv's
    return f"lib/{path[6:]}" if path.startswith("lib64/") else path
