"""What a release built: `venvbuild-release.json` beside the files, by which every later step knows their bytes."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, cast

from packaging.utils import InvalidSdistFilename, InvalidWheelFilename, parse_sdist_filename, parse_wheel_filename
from packaging.version import InvalidVersion, Version

from venvbuild.errors import IntegrityError, Problem, UsageError
from venvbuild.files import write_whole
from venvbuild.text import shown, size_text

FILE = "venvbuild-release.json"
SCHEMA_VERSION = 1
Kind = Literal["wheel", "sdist"]

_MAX_BYTES = 1 << 20
"""Of a manifest: it names two files."""
_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?")
_FILENAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+!-]*\.(?:whl|tar\.gz)")
_REQUIREMENT = re.compile(rf"{_NAME.pattern}==[A-Za-z0-9.!+_-]+")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_COMMIT = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
# git-check-ref-format(1), and narrower: it is given to git as an argument, and stands in messages.
_TAG = re.compile(r"(?!.*(?:\.\.|//|\.lock$))[A-Za-z0-9][A-Za-z0-9._/+-]*")
_BUILD_ANEW = "`venvbuild release build` makes the files and the manifest anew"


@dataclass(frozen=True)
class BuiltFile:
    """A file that was built, and its bytes."""

    filename: str
    """Without a folder."""
    size: int
    """Bytes."""
    sha256: str
    """Hex."""
    kind: Kind

    def as_line(self) -> str:
        """`a-1.0.tar.gz sha256 0123...`, whole."""
        return f"{self.filename} sha256 {self.sha256}"


@dataclass(frozen=True)
class Manifest:
    """One release: what it was built from, with what, and the files."""

    name: str
    """As the metadata has it."""
    version: str
    """PEP 440, as the metadata has it."""
    commit: str
    """The whole hash."""
    tag: str
    """Its name; empty where there was none when it was built."""
    build_requirements: tuple[str, ...]
    """`name==version` of all that was in the environments that built it, sorted."""
    files: tuple[BuiltFile, ...]
    """The wheels first, for that is how they are published."""

    @classmethod
    def read(cls, dist: Path) -> Manifest:
        """The manifest in `dist`; everything in it is judged.

        Raises:
            UsageError: there is none, or it cannot be read.
            IntegrityError: it is none of this schema, or says what no build writes.
        """
        path = dist / FILE
        where = shown(str(path), 200)
        try:
            with path.open("rb") as file:
                text = file.read(_MAX_BYTES + 1)
        except FileNotFoundError:
            raise UsageError("nothing is built", where=where, fix="run `venvbuild release build` first") from None
        except OSError as error:
            raise UsageError(f"it cannot be read: {error.strerror}", where=where, fix=_BUILD_ANEW) from error
        try:
            if len(text) > _MAX_BYTES:
                raise ValueError("it is too large")
            return _manifest_of(json.loads(text))
        except (ValueError, RecursionError) as error:  # what is no JSON, or no text, is a ValueError too
            why = shown(str(error), 200)
            raise IntegrityError("it is no manifest of a release", where=where, why=why, fix=_BUILD_ANEW) from None

    def write(self, dist: Path) -> None:
        """Put it into `dist`, whole or not at all.

        Raises:
            OSError: it cannot be written.
        """
        body = {"schema_version": SCHEMA_VERSION, **asdict(self)}
        _manifest_of(json.loads(json.dumps(body)))  # what is written can be read
        write_whole(dist / FILE, (json.dumps(body, indent=2) + "\n").encode(), durable=True)

    def require(self, dist: Path) -> None:
        """Make sure that `dist` holds the files with these bytes.

        Raises:
            IntegrityError: one is gone, is a link, or has other bytes; all of them are told, with both sha256.
        """
        if problems := tuple(problem for one in self.files for problem in _wrong(dist / one.filename, one)):
            raise IntegrityError.of(problems)

    def of_kind(self, kind: Kind) -> tuple[BuiltFile, ...]:
        """Its wheels, or its sdist."""
        return tuple(one for one in self.files if one.kind == kind)


def described(path: Path, kind: Kind) -> BuiltFile:
    """The file at `path` by its bytes.

    Raises:
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        return BuiltFile(path.name, file.tell(), digest, kind)


def line_of(file: BuiltFile) -> str:
    """`demo-1.0.tar.gz 38.0 kB sha256 dcdacad0...`, for people."""
    return f"{file.filename} {size_text(file.size)} sha256 {file.sha256[:8]}..."


def identity(file: BuiltFile) -> tuple[str, Version]:
    """Its project, normalized, and its version, as its name has them.

    Raises:
        ValueError: it is no name of such a file.
    """
    if file.kind == "wheel":
        name, version, *_ = parse_wheel_filename(file.filename)
    else:
        name, version = parse_sdist_filename(file.filename)
    return str(name), version


def _wrong(path: Path, wanted: BuiltFile) -> Iterator[Problem]:
    where = shown(str(path), 200)
    if not path.is_file() or path.is_symlink():
        what = "a file of the release is gone" if not path.is_symlink() else "a file of the release is a link now"
        yield Problem(what, where, f"the manifest has {wanted.as_line()}", _BUILD_ANEW, "OTHER_BYTES")
        return
    try:
        found = described(path, wanted.kind)
    except OSError as error:
        yield Problem(f"it cannot be read: {error.strerror}", where, fix=_BUILD_ANEW, rule="OTHER_BYTES")
        return
    if (found.sha256, found.size) != (wanted.sha256, wanted.size):
        why = f"the manifest has sha256 {wanted.sha256}, the file {found.sha256}"
        yield Problem("a file of the release has other bytes", where, why, _BUILD_ANEW, "OTHER_BYTES")


def _manifest_of(body: Any) -> Manifest:
    if not isinstance(body, dict) or body.get("schema_version") != SCHEMA_VERSION:
        raise ValueError(f"its schema_version is not {SCHEMA_VERSION}")
    version = _text(body, "version", None)
    try:
        if str(Version(version)) != version:
            raise ValueError(f"version {version!r} is not in its normal form")
    except InvalidVersion:
        raise ValueError(f"version {version!r} is none of PEP 440") from None
    requirements, files = body.get("build_requirements"), body.get("files")
    if not isinstance(requirements, list) or not isinstance(files, list) or not files:
        raise ValueError("it has no lists of build_requirements and files")
    made = tuple(_file_of(one, version) for one in files)
    if len({one.filename for one in made}) != len(made):
        raise ValueError("it names a file twice")
    return Manifest(
        _text(body, "name", _NAME),
        version,
        _text(body, "commit", _COMMIT),
        _text(body, "tag", _TAG) if body.get("tag") != "" else "",
        tuple(_text({"build_requirements": one}, "build_requirements", _REQUIREMENT) for one in requirements),
        tuple(sorted(made, key=lambda one: (one.kind != "wheel", one.filename))),
    )


def _file_of(body: Any, version: str) -> BuiltFile:
    if not isinstance(body, dict):
        raise ValueError("a file of it is no object")
    filename, size, kind = _text(body, "filename", _FILENAME), body.get("size"), body.get("kind")
    if isinstance(size, bool) or not isinstance(size, int) or size < 0:
        raise ValueError(f"the size of {filename} is no number of bytes")
    if kind != ("wheel" if filename.endswith(".whl") else "sdist"):
        raise ValueError(f"{filename} is no {kind!r}")
    try:
        own = parse_wheel_filename(filename)[1] if kind == "wheel" else parse_sdist_filename(filename)[1]
    except (InvalidWheelFilename, InvalidSdistFilename, InvalidVersion) as error:
        raise ValueError(str(error)) from None
    if own != Version(version):
        raise ValueError(f"{filename} is not of version {version}")
    return BuiltFile(filename, size, _text(body, "sha256", _SHA256), cast(Kind, kind))


def _text(body: Mapping[str, Any], key: str, pattern: re.Pattern[str] | None) -> str:
    value = body.get(key)
    if not isinstance(value, str) or len(value) > 300 or (pattern and not pattern.fullmatch(value)):
        raise ValueError(f"{key} is {value!r}")
    return value
