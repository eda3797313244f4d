"""The archive of an environment: an ordinary .tar.gz, the same bytes for the same environment, which runs anywhere.

What a machine adds is left out: times, owners, umask, order, bytecode, hard links. `bin/python` points to where a
Python usually is, `pyvenv.cfg` names no home, and `bin/rehome` links the Python of the machine it is unpacked on.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
import re
import secrets
import stat
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import IO

from zlib_ng import zlib_ng

from venvbuild.errors import IntegrityError, Problem, UsageError, of_disk
from venvbuild.installer import ENVIRONMENT_LEFTOVERS
from venvbuild.leaks import Gate, problem

ROOT = "venv"
"""The one folder at the top of every archive."""
_CHUNK = 1 << 20
_PYTHON_LINK = re.compile(r"bin/python(3(\.[0-9]+)?)?")
# RFC 1952: deflate, no name, no time, no extra flags, unknown system.
_GZIP_HEADER = bytes((0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 255))


@dataclass(frozen=True)
class Archive:
    """A packed environment."""

    path: Path
    sha256: str
    size_bytes: int
    """Compressed."""
    plain_bytes: int
    """Of the tar inside."""
    member_count: int


def pack(
    venv: Path, output: Path, *, python_version: str, level: int, gate: Gate, python_path: str | None = None
) -> Archive:
    """Write the archive of `venv` to `output`, which appears when it is whole.

    `python_version` is X.Y; `level` 1 (fast) to 9 (small); `python_path` is what `bin/python` links to in the archive
    (default `/usr/bin/pythonX.Y`). Never holds more than one piece of one file in memory.

    Raises:
        IntegrityError: a file holds what `gate` looks for, or the venv has what cannot be moved (links that lead out,
            devices); every such file is named.
        StoreUnavailable: the disk is full or failing. UsageError: a file or folder cannot be read or written.
    """
    building = output.with_name(f".{output.name}-{secrets.token_hex(4)}")
    try:
        with building.open("xb") as raw:
            sink = _Gzip(raw, level)
            target = python_path or f"/usr/bin/python{python_version}"
            count, problems = _write_members(sink, venv, python_version, target, gate)
            sink.close()
        if problems:
            raise IntegrityError.of(problems)
        building.chmod(0o644)
        building.rename(output)
    except OSError as error:
        raise of_disk(error, str(output)) or UsageError(
            f"the archive cannot be written: {error.strerror}",
            where=str(error.filename or output),
            fix="give another folder",
        ) from error
    finally:
        with contextlib.suppress(OSError):
            building.unlink()
    return Archive(output, sink.sha256, sink.size_bytes, sink.plain_bytes, count)


class _Gzip:
    """One gzip member, written in pieces, hashed on the way."""

    def __init__(self, raw: IO[bytes], level: int) -> None:
        self._raw, self._digest, self._crc = raw, hashlib.sha256(), 0
        self._deflate = zlib_ng.compressobj(level, zlib_ng.DEFLATED, -15)
        self.size_bytes = self.plain_bytes = 0
        self._emit(_GZIP_HEADER)

    def write(self, piece: bytes) -> None:
        self._crc = zlib_ng.crc32(piece, self._crc)
        self.plain_bytes += len(piece)
        self._emit(self._deflate.compress(piece))

    def close(self) -> None:
        self._emit(self._deflate.flush())
        self._emit(self._crc.to_bytes(4, "little") + (self.plain_bytes & 0xFFFFFFFF).to_bytes(4, "little"))

    @property
    def sha256(self) -> str:
        return self._digest.hexdigest()

    def _emit(self, piece: bytes) -> None:
        self._raw.write(piece)
        self._digest.update(piece)
        self.size_bytes += len(piece)


def _write_members(
    sink: _Gzip, venv: Path, python_version: str, python_path: str, gate: Gate
) -> tuple[int, list[Problem]]:
    """Every member in order of its name, then the end of the tar; how many, and what must not be there."""
    problems: list[Problem] = []
    ours = {
        "bin/rehome": resources.files("venvbuild").joinpath("rehome").read_bytes(),
        "pyvenv.cfg": _neutral(venv / "pyvenv.cfg"),
    }
    links = {f"bin/python{suffix}": "python" for suffix in ("3", python_version)} | {"bin/python": python_path}
    entries = dict(_entries(venv))
    count = 0
    for name in sorted({*entries, *ours, *links, ""}, key=os.fsencode):
        count += 1
        header = tarfile.TarInfo(f"{ROOT}/{name}".rstrip("/"))
        if name in ours:
            _write_file(
                sink, header, io.BytesIO(ours[name]), len(ours[name]), 0o755 if name.startswith("bin/") else 0o644
            )
        elif name in links:
            _write_link(sink, header, links[name])
        else:
            problems += _write_entry(sink, header, name, venv, entries.get(name), gate)
    sink.write(bytes(2 * tarfile.BLOCKSIZE))
    return count, problems


def _write_entry(
    sink: _Gzip, header: tarfile.TarInfo, name: str, venv: Path, entry: os.stat_result | None, gate: Gate
) -> list[Problem]:
    path = venv / name
    if entry is None or stat.S_ISDIR(entry.st_mode):
        header.type, header.mode = tarfile.DIRTYPE, 0o755
        sink.write(_header_bytes(header))
    elif stat.S_ISLNK(entry.st_mode):
        target = os.readlink(path)
        if os.path.isabs(target) or os.path.normpath(os.path.join(os.path.dirname(name), target)).startswith(".."):
            return [
                Problem(
                    f"{name} is a link that leads out of the environment",
                    "venv.tar.gz",
                    rule="CANNOT_MOVE",
                    fix="find out which package made it, and ask its publisher",
                )
            ]
        _write_link(sink, header, target)
    elif stat.S_ISREG(entry.st_mode):
        searching = _Searching(gate, path)
        with path.open("rb") as file:
            _write_file(sink, header, file, entry.st_size, 0o755 if entry.st_mode & 0o100 else 0o644, searching)
        return [problem(name, what) for what in sorted(searching.found)]
    else:
        return [
            Problem(
                f"{name} is no file, folder or link",
                "venv.tar.gz",
                rule="CANNOT_MOVE",
                fix="find out which package made it, and ask its publisher",
            )
        ]
    return []


class _Searching:
    """Shows the leak gate every byte of a file, with an overlap where the pieces meet."""

    def __init__(self, gate: Gate, path: Path) -> None:
        self._gate, self._path, self._tail = gate, path, b""
        self.found: set[str] = set()

    def see(self, piece: bytes) -> None:
        self.found.update(self._gate.search([self._tail, piece] if self._tail else [piece], self._path))
        self._tail = piece[-self._gate.longest :] if self._gate.longest else b""


def _write_file(
    sink: _Gzip, header: tarfile.TarInfo, content: IO[bytes], size: int, mode: int, searching: _Searching | None = None
) -> None:
    header.size, header.mode = size, mode
    sink.write(_header_bytes(header))
    left = size
    while left:
        piece = content.read(min(_CHUNK, left))
        if not piece:
            raise IntegrityError(
                "a file became shorter while it was packed",
                where=header.name,
                fix="let nothing change the environment while it is packed",
            )
        left -= len(piece)
        if searching:
            searching.see(piece)
        sink.write(piece)
    sink.write(bytes(-size % tarfile.BLOCKSIZE))


def _write_link(sink: _Gzip, header: tarfile.TarInfo, target: str) -> None:
    header.type, header.linkname, header.mode = tarfile.SYMTYPE, target, 0o777
    sink.write(_header_bytes(header))


def _header_bytes(header: tarfile.TarInfo) -> bytes:
    """mtime, uid, gid and owner names are tarfile's zeros; PAX holds long, large and non-ASCII (POSIX.1-2001)."""
    return header.tobuf(tarfile.PAX_FORMAT, "utf-8", "surrogateescape")


def _entries(venv: Path) -> Iterator[tuple[str, os.stat_result]]:
    """(name relative to the venv, lstat) of what goes in; bytecode and the installer's leftovers do not."""
    for folder, folders, files in os.walk(venv):
        relative = os.path.relpath(folder, venv)
        folders[:] = [name for name in folders if name != "__pycache__"]
        for name in (*folders, *files):
            path = os.path.normpath(os.path.join(relative, name))
            if (
                path in ENVIRONMENT_LEFTOVERS
                or path == "bin/rehome"
                or _PYTHON_LINK.fullmatch(path)
                or path == "pyvenv.cfg"
            ):
                continue
            yield path, os.lstat(os.path.join(folder, name))


def _neutral(configuration: Path) -> bytes:
    """pyvenv.cfg without what names this machine (PEP 405: `home`; `executable` and `command` by the venv module)."""
    lines = configuration.read_text("utf-8").splitlines()
    kept = [
        line
        for line in lines
        if line.partition("=")[0].strip()
        not in ("home", "executable", "command", "base-prefix", "base-exec-prefix", "base-executable")
    ]
    return "".join(f"{line}\n" for line in kept).encode()
