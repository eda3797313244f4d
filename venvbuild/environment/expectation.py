"""What each file of a new environment has to be, by its wheels, and how it differs from that."""

from __future__ import annotations

import posixpath
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from venvbuild.environment.empty import EmptyVenv
from venvbuild.environment.expected_file import OTHER_MODE, ExpectedFile
from venvbuild.environment.reading import Read
from venvbuild.environment.recorded import (
    Account,
    Doubt,
    Promise,
    Rows,
    is_true,
    normal,
    rows_of,
    scripts_asked_by,
)
from venvbuild.environment.unpacked import Scripts
from venvbuild.environment.written_scripts import passed_over, written_scripts
from venvbuild.installed import (
    ENVIRONMENT_LEFTOVERS,
    INSTALL_RECORDS,
    Distribution,
    RecordRow,
    Seen,
    promised_digest,
)
from venvbuild.package_index import WheelContents, data_of, is_wrapper

# Of a dist-info: the installer writes them whatever the wheel has (PEP 376, PEP 610), or leaves them out.
_INSTALLERS_OWN = ("RECORD", "INSTALLER", "REQUESTED", *INSTALL_RECORDS)
# Of a dist-info that a wheel has: some installers keep them, some do not, and none writes them for what an index has.
_LEFT_OUT = ("direct_url.json", "RECORD.jws", "RECORD.p7s")
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
    promises: list[tuple[str, str, Sequence[RecordRow]]] = field(default_factory=list)
    """What RECORDs say of what installers write, which no wheel tells: whose, of which file, and what; one of the rows
    has to be so."""
    _unnamed: dict[str, str] = field(default_factory=dict)
    """Files that are named where they are, and are not, and whose they are."""
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
            rows = rows_of(one, wheel) if one else {}
            if wheel:
                expectation._add_wheel(name, wheel, rows, python_version, one.installer if one else None)
            elif one:
                expectation._add_rows(one, rows, (unpacked or {}).get(name, {}), python_version)
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
        told = Counter(path for _, path, _ in self.promises)
        for name, path, rows in self.promises:
            seen, record = read.seen.get(path), self._record_of[name]
            if told[path] > 1 or path in self.files or path in read.base.paths:
                continue
            if path not in read.there:
                yield Difference(record, name, f"names {path}, which is not there")
            elif seen and not any(is_true(row, seen) for row in rows):
                yield Difference(record, name, f"says of {path} what is not so")
        for path in self._unnamed.keys() & read.there:
            name = self._unnamed[path]
            yield Difference(self._record_of[name], name, f"does not name {path}")

    def _add_wheel(
        self, name: str, wheel: WheelContents, rows: Rows, python_version: str, installer: str | None
    ) -> None:
        info = f"{self.site_packages}/{wheel.dist_info}"
        installers = {f"{info}/{one}" for one in _INSTALLERS_OWN}
        own, optional = installers | {*ENVIRONMENT_LEFTOVERS}, frozenset(f"{info}/{one}" for one in _LEFT_OUT)
        scripts = Counter(f"bin/{script}" for script in written_scripts(wheel.scripts, python_version, installer))
        self.of_installers |= dict.fromkeys([*scripts, *own], name)
        replaced = passed_over(wheel.scripts, python_version, installer)
        for script in scripts:  # which takes the place of what another distribution has there
            self.files.pop(script, None)
        self._record_of[name] = f"{info}/RECORD"
        named = self._placed(rows)
        written = scripts + Counter(installers - {self._record_of[name]})  # to which they add no row of its own
        account = Account(written, self._unmet(name, wheel, python_version), optional)
        # what is in `.data` is unpacked over the rest
        for file in sorted(wheel.files, key=lambda one: data_of(one.path)):
            path, literal = self._place(file.path, wheel, name, named, python_version), self._path(file.path)
            wraps = is_wrapper(file.path, replaced)
            if wraps and path != literal:  # installers make their own instead
                account.add_wrapper(file, literal)
            elif path is not None and path not in own:
                # pip leaves a wrapper out, and RECORD as it is, from which it looks as if uv had put it there
                may_lack = path in optional or wraps
                self.files[path] = ExpectedFile.of_wheel(name, file, may_lack=may_lack, is_literal=path == literal)
                account.add(file, path, literal)
            elif path is not None:
                account.add(file, path, literal)
                if file.is_executable is False:  # uv leaves RECORD the mode that the wheel has for it
                    self.plain[path] = name
        self._unnamed |= dict.fromkeys(account.unnamed(named), name)
        for found in account.judge(named):
            self._add_judged(name, found)

    def _add_judged(self, name: str, found: Doubt | Promise) -> None:
        if isinstance(found, Doubt):
            self.records.append(Difference(self._record_of[name], name, found.what))
            if found.is_strange:
                self.of_no_wheel[found.path] = name
        elif (file := self.files.get(found.path)) and file.owner == name:
            # a script of an entry point and a file of `.data` in one place: pip writes the one last, uv the other
            others = frozenset(promised_digest(row.hash)[1] for row in found.rows)
            self.files[found.path] = file._replace(others=others, size_bytes=None, is_executable=None)
        else:
            self.promises.append((name, found.path, found.rows))

    def _add_rows(self, one: Distribution, rows: Rows, unpacked: Scripts, python_version: str) -> None:
        name, info = one.canonical_name, f"{self.site_packages}/{one.dist_info}"
        installers = {f"{info}/{file}" for file in _INSTALLERS_OWN}
        asked = scripts_asked_by(one)
        scripts = {f"bin/{script}" for script in written_scripts(asked, python_version, one.installer)}
        replaced = passed_over(asked, python_version, one.installer)
        own = {*installers, *(f"{info}/{file}" for file in _LEFT_OUT), *scripts}
        self.of_installers |= dict.fromkeys(own, name)
        self._record_of[name] = f"{info}/RECORD"
        for place, ones in self._placed(rows).items():
            row = next((row for row in reversed(ones) if row.hash), ones[0])
            algorithm, digest = promised_digest(row.hash)
            if place.startswith(("../", "/")):  # what lies elsewhere is nobody's business
                continue
            if place in installers | scripts:
                self.files.pop(place, None)  # it takes the place of what another distribution has there
                self.of_installers[place] = name
                if place != self._record_of[name]:  # of which the wheel alone could tell
                    self.promises.append((name, place, ones))
            elif place in unpacked:
                digests = unpacked[place]
                some = min(digests, default=_NONE)
                self.files[place] = ExpectedFile(name, some, None, is_rewritten=True, others=digests)
            elif digest and not is_wrapper(place.removeprefix(f"{self.site_packages}/"), replaced):
                self.of_installers.pop(place, None)
                self.files[place] = ExpectedFile(name, digest, row.size, is_rewritten=False, algorithm=algorithm)
            else:
                self.of_installers[place] = name
                if not (digest or place in own or "/__pycache__/" in place):
                    self.untold[place] = name

    def _unmet(self, name: str, wheel: WheelContents, python_version: str) -> dict[str, list[str]]:
        """What the wheel's RECORD says of what the wheel does not have, by each path that it may mean."""
        found = dict[str, list[str]]()
        for path, promises in wheel.unmet.items():
            for place in {self._path(path), self._place(path, wheel, name, (), python_version)}:
                if place is not None:
                    found.setdefault(place, []).extend(promises.split("\n"))
        return found

    def _placed(self, rows: Rows) -> Rows:
        """By path relative to the environment."""
        found = dict[str, Sequence[RecordRow]]()
        for path, ones in rows.items():
            place = self._path(path)
            found[place] = [*found[place], *ones] if place in found else ones
        return found

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


def _in_environment(path: str) -> str:
    path = normal(path)
    # which is a link to `lib` in every environment of uv's
    return f"lib/{path[6:]}" if path.startswith("lib64/") else path
