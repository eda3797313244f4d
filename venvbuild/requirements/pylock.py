"""A pylock.toml (PEP 751) taken apart: whom it is for, its packages with their lines, and all that is wrong with it.

    bytes -> text -> table -> what it says of itself, entries

What of it is wanted for a target is judged by `selection`. Nothing that it names is opened here or later: packages
come from the index that is configured, and are believed for their hashes. What is wrong with a package or with a file
of it stays with that: it matters where that is wanted. Only what is never taken is told at once: secrets, hidden
characters, paths that lead out, markers that nobody can read.
Source: PEP 751, version 1.0. Types, markers and specifiers are judged by `packaging.pylock`, one key or package at a
time, as it stops at the first fault of what it is given.
"""

from __future__ import annotations

import contextlib
import re
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from pathlib import PurePosixPath, PureWindowsPath
from typing import Any
from urllib.parse import unquote, urlsplit

from packaging import pylock
from packaging.markers import InvalidMarker, Marker
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name, parse_sdist_filename, parse_wheel_filename
from packaging.version import Version

from venvbuild.errors import Problem, RequirementsRefused
from venvbuild.requirements.documents import is_pylock, recognised
from venvbuild.requirements.faults import version_fault
from venvbuild.requirements.lines import read_lines
from venvbuild.requirements.markers import shape_fault
from venvbuild.requirements.pins import HASH_DIGITS
from venvbuild.text import shown

OURS = "venvbuild"
"""What `created-by` is in those that builds keep."""
SOURCES = ("vcs", "directory", "archive")
"""Where a package may come from that is no file of an index."""
_VERSION = "1.0"
_LIST = re.compile(r"^[ \t]*\[\[[ \t]*(?:packages|\"packages\"|'packages')[ \t]*\]\]")
_AT_LINE = re.compile(r"\s*\(at line (\d+), column \d+\)$")
# Of what lines hold; a comment or a backslash means something else here.
_OF_TEXT = frozenset({"CREDENTIALS", "ENCODING", "TOO_LONG", "HIDDEN_LINE_BREAK", "BIDI_CONTROL", "CONTROL_CHAR"})


_OF_FILE = re.compile(r"^(?:wheels\[0\]|sdist)[.:] ?")
"""Where `packaging` finds a fault in a package that we make of one file."""
_KINDS: Mapping[str, type] = {"name": str, "url": str, "path": str, "size": int, "upload-time": datetime}
"""Of what a file has."""
_parse_wheel = lru_cache(1 << 14)(parse_wheel_filename)
_CHANGING = ("\\", '"""', "'''")
"""Without one of these a text of TOML says what its line shows."""


@dataclass(frozen=True)
class LockedFile:
    """A wheel or sdist of a package."""

    name: str
    digest: str
    """`sha256:...`: the strongest of those that everybody knows, else the next. Empty where there is a fault."""
    tags: frozenset[str] = frozenset()
    """What a wheel fits; empty for an sdist, and for a wheel whose name cannot be read."""
    size_bytes: int | None = None
    """As the file says."""
    fault: Problem | None = None
    """Why it cannot be taken."""


@dataclass(frozen=True)
class Entry:
    """One `[[packages]]`."""

    name: str
    """Canonical (PEP 503), unless that is the fault."""
    version: str
    """Empty where the source has to be built to know it."""
    line: int
    """Of its `[[packages]]`; 1 where the file is written so that it has none."""
    marker: str
    """PEP 508, parsed once; empty: it always holds."""
    requires_python: SpecifierSet | None
    source: str
    """One of `SOURCES`; empty: files of an index."""
    wheels: tuple[LockedFile, ...]
    sdist: LockedFile | None
    faults: tuple[Problem, ...] = ()
    """Of what it says of itself; where there is one, nothing else of it is to be believed."""
    leads_out: Problem | None = None
    """Of its archive or repository, which is told where it is not wanted: else it is refused for what it is."""


@dataclass(frozen=True)
class Pylock:
    """The file."""

    name: str
    """As messages show it."""
    text: str
    created_by: str
    requires_python: SpecifierSet | None
    environments: tuple[Marker, ...]
    extras: tuple[str, ...]
    dependency_groups: tuple[str, ...]
    default_groups: tuple[str, ...]
    unread: frozenset[str]
    """The keys of the file whose value cannot be read, so that nobody knows what they say."""
    entries: tuple[Entry, ...]
    problems: tuple[Problem, ...]
    """Of the format, and what is never taken; a package without a marker that can be read is in no other field."""

    @property
    def again(self) -> str:
        """How to make another."""
        if self.created_by == OURS:
            return "take that of a build for this target: venvbuild lock BUILD"
        return f"lock again with {shown(self.created_by, 40) or 'the tool that wrote it'}"


def read_pylock(content: bytes, name: str) -> Pylock:
    """The pylock.toml of these bytes; `name` is the file as messages show it.

    Raises:
        RequirementsRefused: it is no pylock.toml of a version that is known.
    """
    text = _decoded(content, name)
    problems = list(_hidden(content, name))
    lines = text.split("\n")
    try:
        table = _table(text, name)
    except RequirementsRefused as error:
        raise RequirementsRefused.of([*problems, *error.problems]) from error
    reader = _Reader(name, lines, table)
    if not problems and any(sign in text for sign in _CHANGING):
        problems += reader.escaped()
    problems += reader.header()
    entries: list[Entry] = []
    for number, package in enumerate(reader.packages()):
        fault = reader.marker_fault(number, package)
        entry = reader.entry(number, package) if fault is None else None
        problems += reader.escapes(number, package)
        problems += [fault] if fault else []
        entries += [entry] if entry else []
    said = reader.said
    return Pylock(
        name,
        text,
        said.get("created-by", ""),
        SpecifierSet(said["requires-python"]) if "requires-python" in said else None,
        tuple(map(Marker, said.get("environments", ()))),
        tuple(said.get("extras", ())),
        tuple(said.get("dependency-groups", ())),
        tuple(said.get("default-groups", ())),
        frozenset(reader.unread),
        tuple(entries),
        tuple(sorted(problems, key=lambda problem: problem.line or 0)),
    )


def _decoded(content: bytes, name: str) -> str:
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise _refused(name, "it is not UTF-8", "TOML is", "save it as UTF-8", "ENCODING", line) from None
    if text.startswith("\ufeff"):
        why = "TOML has none"
        raise _refused(name, "it begins with a byte order mark", why, "save it as UTF-8 without one", "BOM", 1)
    return text.replace("\r\n", "\n")


def _hidden(content: bytes, name: str) -> Iterator[Problem]:
    """What a reader does not see, and what nobody is to see."""
    for problem in read_lines(content, name).problems:
        if problem.rule == "TOO_LONG":
            yield replace(problem, why="nobody can read it", fix="write each file of a package on a line of its own")
        elif problem.rule in _OF_TEXT:
            yield problem


def _table(text: str, name: str) -> dict[str, Any]:
    try:
        table = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError, ValueError) as error:
        other = recognised(text, name)
        if other and not is_pylock(text):
            raise _refused(name, other.what, other.why, other.fix, other.rule) from None
        found = _AT_LINE.search(str(error))
        why = shown(_AT_LINE.sub("", str(error)), 200)
        fix = "restore it, or lock again"
        raise _refused(name, "it is not TOML", why, fix, "SYNTAX", int(found[1]) if found else None) from None
    version = table.get("lock-version")
    if version is None:
        other = recognised(text, name)
        if other and not is_pylock(text):
            raise _refused(name, other.what, other.why, other.fix, other.rule)
        fix = "name the file that is meant, or lock again"
        raise _refused(name, "it has no lock-version", "every pylock.toml has (PEP 751)", fix, "LOCK_VERSION")
    if not isinstance(version, str):
        line = _line_of_key(text.split("\n"), "lock-version")
        fix = f'write lock-version = "{_VERSION}"'
        raise _refused(name, "its lock-version is no text", "PEP 751 has it so", fix, "LOCK_VERSION", line)
    if version != _VERSION:
        what = f"its lock-version is {shown(str(version), 40) or 'empty'}"
        fix = f"lock again with a tool that writes {_VERSION}"
        line = _line_of_key(text.split("\n"), "lock-version")
        raise _refused(name, what, f"{_VERSION} is read (PEP 751)", fix, "LOCK_VERSION", line)
    return table


def _refused(name: str, what: str, why: str, fix: str, rule: str, line: int | None = None) -> RequirementsRefused:
    where = f"{name}:{line}" if line else name
    return RequirementsRefused(what, where=where, why=why, fix=fix, rule=rule, line=line)


def _line_of_key(lines: list[str], key: str) -> int | None:
    """Where a key of the top table stands: before the first `[`."""
    for number, line in enumerate(lines, 1):
        if re.match(rf"[ \t]*[\"']?{key}[\"']?[ \t]*=", line):
            return number
        if line.lstrip(" \t").startswith("["):
            return None
    return None


class _Reader:
    """Judges a table, key by key and package by package."""

    def __init__(self, name: str, lines: list[str], table: Mapping[str, Any]) -> None:
        self._name, self._lines, self._table = name, lines, table
        self._packages = [*_packages_of(table)]
        self._starts = [number for number, line in enumerate(lines, 1) if _LIST.match(line)]
        self.said: dict[str, Any] = {}
        """What the file says of itself, as far as it can be believed."""
        self.unread: set[str] = set()
        """Of which keys it cannot."""

    def header(self) -> Iterator[Problem]:
        """The faults of what the file says of itself."""
        if "created-by" not in self._table:
            yield self._problem(None, "it has no created-by", "every pylock.toml has (PEP 751)", "lock again", "PYLOCK")
        for key in ("created-by", "requires-python", "environments", "extras", "dependency-groups", "default-groups"):
            if key in self._table:
                value = self._table[key]
                said = _judged({"created-by": "x", "packages": [], key: value})
                if said:
                    self.unread.add(key)
                    line = _line_of_key(self._lines, key)
                    yield self._problem(line, f"its {key} cannot be read", said, "correct it, or lock again", "PYLOCK")
                else:
                    self.said[key] = value
        packages = self._table.get("packages")
        if not isinstance(packages, list) or not all(isinstance(one, dict) for one in packages):
            why = "they are a list of tables (PEP 751)"
            yield self._problem(None, "its packages cannot be read", why, "correct it, or lock again", "PYLOCK")

    def escaped(self) -> Iterator[Problem]:
        """What no line shows, as it is written with escapes or over several lines; at the package that has it."""
        head = {key: value for key, value in self._table.items() if key != "packages"}
        for line, table in [(None, head), *((self._start(at), one) for at, one in enumerate(self.packages()))]:
            said = "\n".join(_texts(table)).encode("utf-8", "backslashreplace")
            found = next((one for one in read_lines(said, self._name).problems if one.rule in _OF_TEXT), None)
            if found and found.rule != "TOO_LONG":
                what = found.what.replace("the line", "a text in it")
                yield self._problem(line, what, found.why, found.fix, found.rule)

    def packages(self) -> list[dict[str, Any]]:
        """The tables of the packages."""
        return self._packages

    def marker_fault(self, number: int, package: Mapping[str, Any]) -> Problem | None:
        """Why nobody can read for whom a package is."""
        marker = package.get("marker")
        if marker is None:
            return None
        why = "it is no text" if not isinstance(marker, str) else shape_fault(marker) or _unreadable(marker)
        if not why:
            return None
        what = f"the marker of {_called(number, package)} cannot be read"
        return self._problem(self._start(number), what, why, "correct it, or lock again", "PYLOCK")

    def escapes(self, number: int, package: Mapping[str, Any]) -> Iterator[Problem]:
        """The files of a package that lead out of the folder of this one."""
        for key, one in _files(package):
            if _leads_out(one):
                fix = "put it on the index, or into the folder of this file, and lock again"
                yield self._escape(number, one, self._file_called(number, package, key, one), fix)

    def _source_escape(self, number: int, package: Mapping[str, Any]) -> Problem | None:
        """The same of an archive or repository; folders beside that of this file are those of a workspace."""
        for source in ("archive", "vcs"):
            if isinstance(one := package.get(source), dict) and _leads_out(one):
                fix = "leave it out, or release it to the index as a version, ask for that, and lock again"
                return self._escape(number, one, f"{_called(number, package)}: its {source}", fix)
        return None

    def _escape(self, number: int, file: Mapping[str, Any], called: str, fix: str) -> Problem:
        what = f"{called} has a path that leads out of the folder of this file"
        why = "others who install from this file would read there"
        return self._problem(self._line_within(number, file), what, why, fix, "ESCAPES")

    def entry(self, number: int, package: Mapping[str, Any]) -> Entry:
        """The package, whose marker can be read, with what is wrong with it and with each of its files."""
        start, called = self._start(number), _called(number, package)
        files = [(key, self._file(number, package, key, one)) for key, one in _files(package)]
        said = _judged({"created-by": "x", "packages": [_without_files(package)]})
        faults = []
        if said:
            faults.append(self._problem(start, f"{called} cannot be read", said, "correct it, or lock again", "PYLOCK"))
        version = "" if said else _version(package)
        if version and (why := version_fault(version)):
            what = f"{called} has no readable version"
            faults.append(self._problem(start, what, why, "lock again with another version", "BAD_VERSION"))
        requires_python = package.get("requires-python") if not said else None
        return Entry(
            called,
            version,
            start or 1,
            package.get("marker", ""),
            SpecifierSet(requires_python) if requires_python is not None else None,
            next((source for source in SOURCES if source in package), ""),
            tuple(file for key, file in files if key != "sdist"),
            next((file for key, file in files if key == "sdist"), None),
            tuple(faults),
            self._source_escape(number, package),
        )

    def _file(self, number: int, package: Mapping[str, Any], key: str, file: Mapping[str, Any]) -> LockedFile:
        tags = _tags(_filename(file)) if key != "sdist" else frozenset[str]()
        if _leads_out(file):
            return LockedFile(_filename(file), "", tags)  # told already, whoever wants it
        found = _file_fault(file, package.get("name"), package.get("version"), is_wheel=key != "sdist")
        fault = None
        if found:
            what, why, fix, rule = found
            line = self._line_within(number, file)
            fault = self._problem(line, f"{self._file_called(number, package, key, file)} {what}", why, fix, rule)
        digest, size = ("", None) if fault else (_digest(file["hashes"]), file.get("size"))
        return LockedFile(_filename(file), digest, tags, size, fault)

    def _file_called(self, number: int, package: Mapping[str, Any], key: str, file: Mapping[str, Any]) -> str:
        name = shown(_filename(file), 120) or ("its sdist" if key == "sdist" else "a wheel")
        return f"{_called(number, package)}: {name}"

    def _start(self, number: int) -> int | None:
        # Of a list that is written inline nobody can tell.
        return self._starts[number] if len(self._starts) == len(self.packages()) else None

    def _line_within(self, number: int, file: Mapping[str, Any]) -> int | None:
        """The line of a file of the package, by its name or address; where that is not found, of the package."""
        start = self._start(number)
        if start is None:
            return None
        end = self._starts[number + 1] - 1 if number + 1 < len(self._starts) else len(self._lines)
        values = [value for key in ("url", "path", "name") if isinstance(value := file.get(key), str) and value]
        marks = [*values, *(value.replace("\\", r"\\") for value in values)]
        for line, text in enumerate(self._lines[start:end], start + 1):
            if any(mark in text for mark in marks):
                return line
        return start

    def _problem(self, line: int | None, what: str, why: str, fix: str, rule: str) -> Problem:
        if line is None:
            return Problem(what, self._name, why, fix, rule)
        return Problem.at(self._name, line, what, why, fix, rule)


def _packages_of(table: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    packages = table.get("packages")
    yield from (one for one in packages if isinstance(one, dict)) if isinstance(packages, list) else ()


def _texts(value: Any) -> Iterator[str]:
    """Every text in a value of TOML, names of keys included."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            yield key
            yield from _texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner)


def _judged(table: Mapping[str, Any]) -> str:
    """What `packaging` says against the table; empty when nothing."""
    try:
        pylock.Pylock.from_dict({"lock-version": _VERSION, **table})
    except pylock.PylockValidationError as error:
        place = (error.context or "").replace("packages[0]", "").lstrip(".")
        message = on_one_line(error.message)
        return shown(f"{place}: {message}" if place else message, 200)
    except RecursionError:
        return "it is nested too deeply"
    return ""


def _files(package: Mapping[str, Any]) -> list[tuple[str, Mapping[str, Any]]]:
    """Its wheels and its sdist, as far as they are tables: what is none, `packaging` tells."""
    wheels, sdist = package.get("wheels"), package.get("sdist")
    listed = [("wheels", one) for one in wheels] if isinstance(wheels, list) else []
    return [(key, one) for key, one in (*listed, ("sdist", sdist)) if isinstance(one, dict)]


def _without_files(package: Mapping[str, Any]) -> dict[str, Any]:
    """The package with one wheel that is right in place of all its files, which are judged one by one."""
    if not _files(package):
        return {**package}
    wheels, sdist = package.get("wheels", []), package.get("sdist")
    name = f"{str(package.get('name')).replace('-', '_')}-{_version(package) or '0'}-py3-none-any.whl"
    right = {"path": name, "hashes": {"sha256": "x"}}
    left = {key: value for key, value in package.items() if key != "sdist" or not isinstance(sdist, dict)}
    is_list = isinstance(wheels, list)
    return {**left, "wheels": [*(one for one in wheels if not isinstance(one, dict)), right] if is_list else wheels}


def _called(number: int, package: Mapping[str, Any]) -> str:
    """What a package is called in messages."""
    name = package.get("name")
    return shown(name, 60) if isinstance(name, str) and name else f"package {number + 1}"


_Fault = tuple[str, str, str, str]
"""What, why, fix, rule."""


def _leads_out(file: Mapping[str, Any]) -> bool:
    url = file.get("url")
    is_of_here = isinstance(url, str) and url.lower().startswith("file:")
    return is_of_here or any(_escapes(value) for key in ("path", "name") if isinstance(value := file.get(key), str))


def _file_fault(file: Mapping[str, Any], name: object, version: object, *, is_wheel: bool) -> _Fault | None:
    """What is wrong with a file of the package `name`, as it alone shows; `what` goes on after its name."""
    hashes = file.get("hashes")
    if not isinstance(hashes, dict) or not hashes:
        why = "what is installed is known by its hash, and by nothing else"
        return "has no hash", why, "lock again with hashes", "HASH_MISSING"
    if not _digest(hashes):
        why = "sha256 (64 hex digits), sha384 (96) and sha512 (128) are taken"
        return "has no hash that pip takes", why, "lock again with sha256", "BAD_HASH"
    filename = _filename(file)
    try:
        if is_wheel:
            owner, own_version, _, _ = _parse_wheel(filename)
        else:
            owner, own_version = parse_sdist_filename(filename)
    except ValueError:
        return "is no name of a file of an index", "names say version and tags", "lock again", "BAD_FILE"
    alone = {"wheels": [file]} if is_wheel else {"sdist": file}
    said = "" if _is_plain(file) else _judged({"created-by": "x", "packages": [{"name": owner, **alone}]})
    if said:
        return "cannot be read", _OF_FILE.sub("", said), "correct it, or lock again", "PYLOCK"
    if (size := file.get("size")) is not None and size < 0:
        return f"has a size of {size}", "no file has", "correct it, or lock again", "PYLOCK"
    if not isinstance(name, str) or name != canonicalize_name(name):
        return None  # which is told of the package
    if owner != name or (isinstance(version, str) and not _is_equal(own_version, version)):
        of = f"{shown(name, 60)} {shown(version, 40)}" if isinstance(version, str) else shown(name, 60)
        return f"is no file of {of}", "its name says so", "correct it, or lock again", "BAD_FILE"
    return None


def _is_plain(file: Mapping[str, Any]) -> bool:
    """Whether it is what nearly every file is; `packaging` would say the same of it, slower (a test holds this)."""
    is_right = all(type(file[key]) is kind for key, kind in _KINDS.items() if key in file)
    return (
        is_right
        and bool(file.get("url") or file.get("path"))
        and all(type(one) is str for one in file["hashes"].values())
    )


def _is_equal(version: Version, text: str) -> bool:
    try:
        return version == Version(text)
    except ValueError:
        return True  # that it is no version is told of the package


def _filename(file: Mapping[str, Any]) -> str:
    """Its `name`, or the last part of its path or URL (PEP 751)."""
    name, path, url = (value if isinstance(value := file.get(key), str) else "" for key in ("name", "path", "url"))
    try:
        return name or re.split(r"[/\\]", path)[-1] or unquote(urlsplit(url).path.rpartition("/")[2])
    except ValueError:  # `http://[`
        return ""


def _escapes(path: str) -> bool:
    windows = PureWindowsPath(path)
    is_absolute = PurePosixPath(path).is_absolute() or bool(windows.drive or windows.root)
    return is_absolute or ".." in windows.parts or path.startswith("~")


def _digest(hashes: Mapping[str, Any]) -> str:
    """`sha256:...`, or the next that pip takes; empty when there is none, or it is none."""
    for algorithm, digits in HASH_DIGITS.items():
        value = hashes.get(algorithm)
        if value is not None:
            is_right = isinstance(value, str) and re.fullmatch(rf"[0-9a-f]{{{digits}}}", value.lower())
            return f"{algorithm}:{value.lower()}" if is_right else ""
    return ""


def _tags(filename: str) -> frozenset[str]:
    try:
        return frozenset(map(str, _parse_wheel(filename)[3]))
    except ValueError:
        return frozenset()


def _version(package: Mapping[str, Any]) -> str:
    """Its version, or the one that the names of all its files say; empty when there is none."""
    if "version" in package:
        with contextlib.suppress(ValueError, TypeError):
            return str(Version(package["version"]))
        return ""
    parsers: Mapping[str, Callable[[str], tuple[Any, ...]]] = {
        "wheels": _parse_wheel,
        "sdist": parse_sdist_filename,
    }
    versions = set()
    for key, file in _files(package):
        with contextlib.suppress(ValueError):  # what has an odd name, or another package's, is told of by itself
            owner, version, *_ = parsers[key](_filename(file))
            versions |= {str(version)} if owner == package.get("name") else set()
    return versions.pop() if len(versions) == 1 else ""


def _unreadable(marker: str) -> str:
    """Why it is no marker; empty when it is one."""
    try:
        Marker(marker)
    except InvalidMarker as error:
        return shown(on_one_line(str(error)), 200)
    except RecursionError:
        return "it is nested too deeply"
    return ""


def on_one_line(message: str) -> str:
    """What `packaging` says on three lines (what, the text, a mark below it), with the text from the mark on."""
    what, _, rest = message.partition("\n    ")
    text, _, mark = rest.rpartition("\n    ")
    if "^" in mark and not mark.strip(" ~^"):
        left = " ".join(text[len(mark) - len(mark.lstrip()) :].split())
        return f"{what}: {left}" if left else f"{what} at the end of: {' '.join(text.split())}"
    return " ".join(message.split())
