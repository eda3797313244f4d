"""Makes an unpacked environment one of this machine: its interpreter, its activate scripts, its bytecode.

`bin/rehome` in the archive does the middle part for those who have only `tar`. Nothing of the archive is run here, but
for an interpreter that came in it, when bytecode is to be made.
"""

from __future__ import annotations

import contextlib
import os
import platform
import secrets
import stat
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from importlib import resources
from pathlib import Path

from venvbuild import parallel
from venvbuild.archive import BASE, bundled_executable
from venvbuild.files import walk, write_whole
from venvbuild.installed import full_version_in
from venvbuild.interpreters import Compiler, Interpreter
from venvbuild.restore.tar import refused

_MAX_CONFIGURATION_BYTES = 1 << 16  # it is read whole, and may be an enemy's


def python_version_of(venv: Path) -> str:
    """X.Y of an unpacked environment, as its pyvenv.cfg says.

    Raises:
        IntegrityError: it has none, or it does not say.
    """
    version = full_version_in(_configuration(venv))
    if version is None:
        raise refused("its pyvenv.cfg does not say which Python it is for", b"pyvenv.cfg")
    return ".".join(version.split(".")[:2])


def interpreter_inside(venv: Path, target: Path, python_version: str) -> Interpreter | None:
    """The interpreter that `venv` has of its own, as it will be when `venv` is at `target`; None when it has none.

    Raises:
        IntegrityError: in its place is something else than a folder.
    """
    place = bundled_executable(python_version)
    base = _mode(venv / BASE)
    if base and not stat.S_ISDIR(base):
        raise refused("it is where an interpreter would be, and is no folder", BASE.encode())
    # from the top: below a file or a link there is nothing to look at
    if not stat.S_ISDIR(_mode(venv / os.path.dirname(place))) or not stat.S_ISREG(_mode(venv / place)):
        return None
    marker_environment = {
        "python_version": python_version,
        "sys_platform": sys.platform,
        "platform_machine": platform.machine(),
    }
    full_version = full_version_in(_configuration(venv)) or python_version
    return Interpreter(target / place, target / BASE, full_version, "", marker_environment)


def rehome(venv: Path, target: Path, interpreter: Interpreter) -> None:
    """Link `venv` to `interpreter` and write the scripts that need to know where it will be, which is `target`.

    Raises:
        IntegrityError: what was unpacked is no environment.
    """
    if not stat.S_ISDIR(_mode(venv / "bin")):
        raise refused("it has no folder bin", b"bin")
    # in any case, as CPython reads the keys (site.py); as bytes, since a path need not be UTF-8
    kept = [line for line in _configuration(venv).splitlines() if line.partition(b"=")[0].strip().lower() != b"home"]
    home = b"home = " + os.fsencode(interpreter.path.parent)
    write(venv / "pyvenv.cfg", b"".join(line + b"\n" for line in (home, *kept)))
    path, is_inside = interpreter.path, interpreter.path.is_relative_to(target)
    # an interpreter inside moves with the environment, so the link to it is relative
    link(venv / "bin" / "python", os.path.relpath(path, target / "bin") if is_inside else os.fspath(path))
    for name in ("python3", f"python{interpreter.version}"):
        link(venv / "bin" / name, "python")
    for name, quote in _ACTIVATION.items():
        text = resources.files("venvbuild.restore").joinpath(name).read_text("utf-8")
        filled = text.replace("@NAME@", quote(target.name)).replace("@PATH@", quote(str(target)))
        write(venv / "bin" / name, os.fsencode(filled))


def compile_bytecode(venv: Path, target: Path, interpreter: Interpreter) -> None:
    """Compile every module of `venv`, as it will be at `target`, and of the interpreter inside where there is one; runs
    no code of any package.

    `checked-hash`: bytecode of a file that is edited later is not used. Files that are no Python (templates) are left.

    Raises:
        OSError: the disk is full, or fails. UsageError: it takes too long.
    """
    folders = ["lib", "lib64"]
    if interpreter.path.is_relative_to(target):
        # where it is until the last rename
        interpreter = replace(interpreter, path=venv / interpreter.path.relative_to(target))
        folders.append(f"{BASE}/lib")
    # lib64 is mostly a link to lib; and others may have packed a file of that name
    there = [folder for folder in folders if stat.S_ISDIR(_mode(venv / folder))]
    names = sorted(name for folder in there for name in _modules(venv, folder))
    compiler = Compiler(interpreter, venv, str(target), threading.Event())
    count = os.cpu_count() or 1
    try:
        parallel.each(partial(compiler.compile, venv), [names[number::count] for number in range(count)], count)
    except BaseException:
        compiler.stop.set()  # or the other threads would compile on after Ctrl-C
        raise


def _modules(venv: Path, folder: str) -> Iterator[str]:
    for path, facts in walk(venv / folder):
        if stat.S_ISREG(facts.st_mode) and os.path.splitext(path)[1] == ".py":
            yield f"{folder}/{path}"


def write(path: Path, content: bytes) -> None:
    """Put a file of ours there, whatever stood there; never through a link.

    Raises:
        IntegrityError: a folder is in the way.
    """
    with _no_folder_in_the_way(path):
        # whatever the umask: where others cannot read pyvenv.cfg, Python does not start for them
        write_whole(path, content, mode=0o644)


def link(path: Path, target: str) -> None:
    """Put a symbolic link there, whatever stood there.

    Raises:
        IntegrityError: a folder is in the way.
    """
    # symlink(2) refuses a name that is taken, and nobody should see it gone; rename replaces it at once
    building = path.with_name(f".{path.name}-{secrets.token_hex(4)}")
    building.symlink_to(target)
    with _no_folder_in_the_way(path):
        building.replace(path)


@contextlib.contextmanager
def _no_folder_in_the_way(path: Path) -> Iterator[None]:
    try:
        yield
    except IsADirectoryError as error:
        raise refused("it is a folder where a file belongs", os.fsencode(path.name)) from error


def _configuration(venv: Path) -> bytes:
    path = venv / "pyvenv.cfg"
    if not stat.S_ISREG(_mode(path)) or path.stat().st_size > _MAX_CONFIGURATION_BYTES:
        raise refused("it has no pyvenv.cfg", b"pyvenv.cfg")
    return path.read_bytes()


def _mode(path: Path) -> int:
    try:
        return path.lstat().st_mode  # a link of the archive may lead anywhere
    except FileNotFoundError:
        return 0


def _quoted_for_sh(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"


def _quoted_for_csh(text: str) -> str:
    # csh expands `!` even between single quotes, and a line ends there too
    return _quoted_for_sh(text).replace("!", "\\!").replace("\n", "\\\n")


# The variables of activate.csh are those of CPython's own (Lib/venv/scripts/posix), so that one may be activated over
# the other. No command of it fails, for csh -e; what needs a variable that may be unset stands in an `if` of lines.
_ACTIVATION = {"activate.sh": _quoted_for_sh, "activate.csh": _quoted_for_csh}
"""The shipped scripts that name the folder they are in, and how a path is written in each."""
