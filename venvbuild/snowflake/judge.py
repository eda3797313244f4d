"""What of a wheel works from a ZIP, read from what it holds: native files, data that is opened by path, scripts.

How a native distribution fails is measured where a Python of the target's version is here (`failures_of`).
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from email.parser import HeaderParser
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from venvbuild.errors import Problem
from venvbuild.interpreters import Interpreter
from venvbuild.requirements import Pin
from venvbuild.snowflake.import_check import Job, Modules, import_all, unpacked
from venvbuild.snowflake.zip import WheelMembers
from venvbuild.text import count_text

_NATIVE = re.compile(r"\.so(\.[0-9]+)*$")
_NATIVE_OF_A_PLATFORM = re.compile(r"\.(so(\.[0-9]+)*|pyd|dylib|dll)$")
_CODE = (".py", ".pyi", ".pyx", ".pxd", ".pth", ".start", ".c", ".h", "py.typed")
_SHOWN = 120

KNOWN_TO_WORK = frozenset({"certifi", "python-dateutil", "text-unidecode", "tzdata", "urllib3"})
"""Whose data is read so that it works from a ZIP, or is for another system; tried on Python 3.10, 3.11 and 3.13."""


@dataclass(frozen=True)
class KnownData:
    """What became of data that a package opens by path, when it was tried in a ZIP."""

    error: str
    tried: str
    """The newest version that failed so."""
    works_from: str = ""
    """The oldest that is known to work; empty for none."""


KNOWN_DATA = {
    "babel": KnownData("NotADirectoryError: 'babel/locale-data' at the first locale", "2.19.0"),
    "botocore": KnownData("DataNotFoundError or UnknownServiceError at the first client", "1.44.8"),
    "holidays": KnownData("FileNotFoundError: No translation file found, with a language", "0.109"),
    "humanize": KnownData(
        "activate() of another language ends with IsADirectoryError (Python 3.10, 3.11) or FileNotFoundError: "
        "No translation file found (3.12, 3.13)",
        "4.17.0",
    ),
    "plotly": KnownData("FileNotFoundError: 'plotly/validators/_validators.json' at the first figure", "7.1.0"),
    "pytz": KnownData("UnknownTimeZoneError: no time zone but UTC is found", "2026.1", "2026.1.post1"),
}
"""By name. Measured on the same Pythons; of other versions the error is told as what it is, another version's."""
KNOWN_NATIVE = {
    "pyyaml": "it imports, and is silently slower: yaml.__with_libyaml__ is False",
    "markupsafe": "it imports, and is silently slower: its C part is not found",
    "google-crc32c": "it imports, and is silently slower, with a RuntimeWarning",
    "cffi": "it imports, and fails late: cffi.FFI() has no module named '_cffi_backend'",
    "cryptography": "it imports, and fails late: its bindings import as an empty namespace",
}
"""What imports from a ZIP without its native part, and what comes of that: measured on Python 3.9 to 3.13."""
_CANNOT = "Python cannot load it from a ZIP"
_NO_PROGRAM = "a program cannot be run from a ZIP"


@dataclass(frozen=True)
class Judgement:
    """What is to be known of one distribution."""

    name: str
    """Canonical (PEP 503)."""
    version: str
    native_files: tuple[str, ...]
    data_count: int
    """Files that are neither code nor metadata."""
    startup_files: tuple[str, ...]
    """`.pth` and `.start` (PEP 829): what Python reads when it starts."""
    needs: frozenset[str]
    """Canonical names, as its metadata has them for the target, extras apart."""
    requires: tuple[Requirement, ...] = ()
    """All that its metadata asks for, for whatever target and extra."""
    programs: tuple[str, ...] = ()
    """Entries of the wheel that are programs of a machine."""
    is_for_one_machine: bool = False
    """Whether its wheel's tags say so."""

    @property
    def pin(self) -> str:
        """`name==version`."""
        return f"{self.name}=={self.version}"

    @property
    def is_native(self) -> bool:
        """Whether it has what only a file system can load or run."""
        return bool(self.native_files or self.programs)

    @property
    def verdict(self) -> str:
        """For the manifest."""
        return "native" if self.is_native else "pure"

    def remarks(self, *, is_unpacked: bool) -> Iterator[str]:
        """A line for each thing but native files that may not work from a ZIP; `is_unpacked`: the loader unpacks it."""
        if not is_unpacked:
            yield from self._of_data()
        if self.programs and is_unpacked:
            yield f"{self.pin} has a program, {self.programs[0]}, which cannot be run from the ZIP, nor from its folder"
        if self.is_for_one_machine and not self.is_native:
            yield f"{self.pin} has a wheel for one machine alone, and nothing native in it: it counts as pure"
        for path in self.startup_files:
            yield f"{self.pin} has {path}, which is only read from site-packages: what it does does not happen"

    def _of_data(self) -> Iterator[str]:
        known, version = KNOWN_DATA.get(self.name), Version(self.version)
        if self.name in KNOWN_TO_WORK or (known and known.works_from and version >= Version(known.works_from)):
            return
        if known and version <= Version(known.tried):
            yield f"{self.pin} opens its data by path, and fails late: {known.error} (tried with {known.tried})"
        elif self.data_count:
            files = count_text(self.data_count, "data file")
            more = f"; {known.tried} failed late: {known.error}" if known else ""
            yield (
                f"{self.pin} has {files}: what is read with importlib.resources works, what is opened by path not{more}"
            )


def judge(wheel: WheelMembers, version: str, *, is_for_any: bool, environment: Mapping[str, str]) -> Judgement:
    """What is to be known of this wheel; `is_for_any`: its tags say that it is for any machine."""
    native = _NATIVE if is_for_any else _NATIVE_OF_A_PLATFORM
    found = [path for path in wheel.paths if native.search(path)]
    # Extension modules before the libraries that they link to, which have such names.
    native_files = tuple(sorted(found, key=lambda path: (".libs/" in path, path)))
    plain = [path for path in wheel.paths if path not in native_files and ".dist-info/" not in path]
    requires = tuple(_requires(wheel))
    return Judgement(
        wheel.name,
        version,
        native_files,
        sum(not path.endswith(_CODE) for path in plain),
        tuple(path for path in plain if path.endswith((".pth", ".start")) and "/" not in path),
        frozenset(name for name, extra in _asked(requires, "", environment) if not extra),
        requires,
        wheel.programs,
        not is_for_any,
    )


def _requires(wheel: WheelMembers) -> Iterator[Requirement]:
    text = wheel.metadata.decode("utf-8", "replace")
    for line in HeaderParser().parsestr(text).get_all("Requires-Dist") or ():
        with contextlib.suppress(InvalidRequirement):  # told by whoever installs it
            yield Requirement(str(line))


def _asked(requires: Iterable[Requirement], extra: str, environment: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """(canonical name, extra or empty) of each that is asked for with this extra."""
    for one in requires:
        with contextlib.suppress(ValueError):  # a marker that means nothing is told by whoever installs it
            if one.marker is None or one.marker.evaluate({**environment, "extra": extra}):
                name = canonicalize_name(one.name)
                yield from ((name, canonicalize_name(more) if more else "") for more in ("", *one.extras))


def reached(
    pins: Iterable[Pin],
    everything: Iterable[Judgement],
    environment: Mapping[str, str],
    *,
    without: Collection[str] = (),
) -> frozenset[str]:
    """Canonical names of the pins, and of what they need, and so on, but for what those in `without` need."""
    requires = {one.name: one.requires for one in everything if one.name not in without}
    done: set[tuple[str, str]] = set()
    todo = {(pin.canonical_name, extra) for pin in pins for extra in ("", *pin.extras)}
    while todo:
        done |= todo
        todo = {found for name, extra in todo for found in _asked(requires.get(name, ()), extra, environment)} - done
    return frozenset(name for name, _ in done)


def failures_of(
    natives: Sequence[Judgement], modules: Iterable[Modules], archive: Path, python: Interpreter | None, scratch: Path
) -> dict[str, str]:
    """How each of these fails from the ZIP at `archive`, which has them, by name; tried in `python`, told where known.

    At import, late (a module of it fails), or silently: it imports without its native part.
    """
    found = {one.name: KNOWN_NATIVE.get(one.name, _CANNOT if one.native_files else _NO_PROGRAM) for one in natives}
    if python is None:
        return found
    mine = {one.name: one for one in modules if one.name in found}
    tops = tuple(dict.fromkeys(top for one in mine.values() for top in one.top if top not in one.natives))
    first = _errors(Job(archive, tops, {}, frozenset()), python, scratch)
    for name, one in mine.items():
        error = next((first[top] for top in one.top if first.get(top)), "")
        if error:
            found[name] = f"{_CANNOT}: {error}"
    open_ones = [name for name in mine if found[name] == _CANNOT and mine[name].natives]
    deep = tuple(name for one in open_ones for name in mine[one].all)
    errors = _errors(Job(archive, deep, {}, frozenset()), python, scratch)
    failed = [name for name, error in errors.items() if error]
    anyway = _errors(Job(unpacked(archive, scratch / "whole"), tuple(failed), {}, frozenset()), python, scratch)
    for name in open_ones:
        late = next((module for module in mine[name].all if errors.get(module) and not anyway.get(module)), "")
        if late:
            found[name] = f"{_CANNOT}: it fails late, {late}: {errors[late]}"
        else:
            found[name] = f"{_CANNOT}: it imports without it, which is a silent, slower fallback at best"
    return found


def _errors(job: Job, python: Interpreter, scratch: Path) -> dict[str, str]:
    if not job.modules:
        return {}
    tried = import_all(job, python, scratch)
    return {one.module: _short(one.error, job.root) for one in tried.outcomes}


def _short(error: str, root: Path) -> str:
    return error.replace(f"{root}/", "").replace(str(root), "the ZIP")[:_SHOWN]


def native_problems(
    natives: Sequence[Judgement],
    everything: Sequence[Judgement],
    pins: Collection[Pin],
    failures: Mapping[str, str],
    warehouse: str,
) -> list[Problem]:
    """Each native distribution, those of the file first, with the two ways out; `warehouse`: what shipping wants."""
    where = {pin.canonical_name: pin for pin in pins}
    order = {name: place for place, name in enumerate(where)}
    packages = ", ".join(f"'{one.pin}'" for one in natives)
    problems = []
    for one in sorted(natives, key=lambda one: (order.get(one.name, len(order)), one.name)):
        paths, kind = (one.native_files, "file") if one.native_files else (one.programs, "program")
        files = f"{count_text(len(paths), kind)}, {paths[0]}{' ...' if len(paths) > 1 else ''}"
        shipped = f"or --native ship ({warehouse})" if one.native_files else "or leave it out"
        who = sorted(other.pin for other in everything if one.name in other.needs)
        needed = "" if one.name in where or not who else f"needed by {', '.join(who[:3])}; "
        pin = where.get(one.name)
        problems.append(
            Problem(
                f"{one.pin} is native ({needed}{files})",
                pin.where if pin else "",
                failures[one.name],
                f"--native packages (Snowflake installs it: PACKAGES = ({packages})) {shipped}",
                "NATIVE",
                line=pin.line if pin else None,
            )
        )
    return problems
