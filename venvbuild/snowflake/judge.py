"""What of a wheel works from a ZIP, read from what it holds: native files, data that is opened by path, scripts.

How a native distribution fails is measured where a Python of the target's version is here (`failures_of`).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from email.parser import HeaderParser
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from venvbuild.errors import Problem
from venvbuild.interpreters import Interpreter
from venvbuild.requirements import Pin
from venvbuild.snowflake.import_check import Job, Modules, import_all, unpacked
from venvbuild.snowflake.zip import WheelMembers
from venvbuild.text import count_text

_NATIVE = re.compile(r"\.so(\.[0-9]+)*$")
_NATIVE_OF_A_PLATFORM = re.compile(r"\.(so(\.[0-9]+)*|pyd|dylib|dll)$")
_CODE = (".py", ".pyi", ".pyx", ".pxd", ".pth", ".c", ".h", "py.typed")
_SHOWN = 120

KNOWN_TO_WORK = frozenset({"certifi", "python-dateutil", "text-unidecode", "tzdata", "urllib3"})
"""Whose data is read so that it works from a ZIP, or is for another system; tried on Python 3.10, 3.11 and 3.13."""
KNOWN_DATA = {
    "babel": "NotADirectoryError: 'babel/locale-data' at the first locale",
    "botocore": "UnknownServiceError: no service is found",
    "holidays": "FileNotFoundError: No translation file found, with a language",
    "humanize": "activate() of another language ends with IsADirectoryError (Python 3.10, 3.11) or FileNotFoundError: "
    "No translation file found (3.12, 3.13)",
    "plotly": "FileNotFoundError: 'plotly/validators/_validators.json' at the first figure",
    "pytz": "UnknownTimeZoneError: no time zone but UTC is found",
}
"""What opens its data by path, with the error that was measured, on the same Pythons."""
KNOWN_NATIVE = {
    "pyyaml": "it imports, and is silently slower: yaml.__with_libyaml__ is False",
    "markupsafe": "it imports, and is silently slower: its C part is not found",
    "google-crc32c": "it imports, and is silently slower, with a RuntimeWarning",
    "cffi": "it imports, and fails late: cffi.FFI() has no module named '_cffi_backend'",
    "cryptography": "it imports, and fails late: its bindings import as an empty namespace",
}
"""What imports from a ZIP without its native part, and what comes of that: measured on Python 3.9 to 3.13."""
_CANNOT = "Python cannot load it from a ZIP"


@dataclass(frozen=True)
class Judgement:
    """What is to be known of one distribution."""

    name: str
    """Canonical (PEP 503)."""
    version: str
    native_files: tuple[str, ...]
    data_count: int
    """Files that are neither code nor metadata."""
    pth_files: tuple[str, ...]
    needs: frozenset[str]
    """Canonical names, as its metadata has them for the target, extras apart."""

    @property
    def pin(self) -> str:
        """`name==version`."""
        return f"{self.name}=={self.version}"

    @property
    def is_native(self) -> bool:
        """Whether it has what only a file system can load."""
        return bool(self.native_files)

    @property
    def verdict(self) -> str:
        """For the manifest."""
        return "native" if self.is_native else "pure"

    def remarks(self, *, is_unpacked: bool) -> Iterator[str]:
        """A line for each thing but native files that may not work from a ZIP; `is_unpacked`: the loader unpacks it."""
        if is_unpacked:
            pass
        elif self.name in KNOWN_DATA:
            yield f"{self.pin} opens its data by path, and fails late: {KNOWN_DATA[self.name]}"
        elif self.data_count and self.name not in KNOWN_TO_WORK:
            files = count_text(self.data_count, "data file")
            yield f"{self.pin} has {files}: what is read with importlib.resources works, what is opened by path not"
        for path in self.pth_files:
            yield f"{self.pin} has {path}, which is only read from site-packages: what it does does not happen"


def judge(wheel: WheelMembers, version: str, *, is_for_any: bool, environment: Mapping[str, str]) -> Judgement:
    """What is to be known of this wheel; `is_for_any`: its tags say that it is for any machine."""
    native = _NATIVE if is_for_any else _NATIVE_OF_A_PLATFORM
    found = [path for path in wheel.paths if native.search(path)]
    # Extension modules before the libraries that they link to, which have such names.
    native_files = tuple(sorted(found, key=lambda path: (".libs/" in path, path)))
    plain = [path for path in wheel.paths if path not in native_files and ".dist-info/" not in path]
    return Judgement(
        wheel.name,
        version,
        native_files,
        sum(not path.endswith(_CODE) for path in plain),
        tuple(path for path in plain if path.endswith(".pth") and "/" not in path),
        _needs(wheel, environment),
    )


def _needs(wheel: WheelMembers, environment: Mapping[str, str]) -> frozenset[str]:
    text = wheel.metadata.decode("utf-8", "replace")
    found = set()
    for line in HeaderParser().parsestr(text).get_all("Requires-Dist") or ():
        try:
            requirement = Requirement(str(line))
            marker = requirement.marker
            if marker is None or marker.evaluate({**environment, "extra": ""}):
                found.add(canonicalize_name(requirement.name))
        except (InvalidRequirement, ValueError):  # told by whoever installs it
            continue
    return frozenset(found)


def failures_of(
    natives: Sequence[Judgement], modules: Iterable[Modules], archive: Path, python: Interpreter | None, scratch: Path
) -> dict[str, str]:
    """How each of these fails from the ZIP at `archive`, which has them, by name; tried in `python`, told where known.

    At import, late (a module of it fails), or silently: it imports without its native part.
    """
    found = {one.name: KNOWN_NATIVE.get(one.name, _CANNOT) for one in natives}
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
        files = f"{count_text(len(one.native_files), 'file')}, {one.native_files[0]}"
        files += " ..." if len(one.native_files) > 1 else ""
        who = sorted(other.pin for other in everything if one.name in other.needs)
        needed = "" if one.name in where or not who else f"needed by {', '.join(who[:3])}; "
        pin = where.get(one.name)
        problems.append(
            Problem(
                f"{one.pin} is native ({needed}{files})",
                pin.where if pin else "",
                failures[one.name],
                f"--native packages (Snowflake installs it: PACKAGES = ({packages})) or --native ship ({warehouse})",
                "NATIVE",
                line=pin.line if pin else None,
            )
        )
    return problems
