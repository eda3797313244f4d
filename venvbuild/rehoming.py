"""Makes an unpacked environment one of this machine: does it fit, its interpreter, its activate scripts.

`bin/rehome` in the archive does the middle part for those who have only `tar`. Nothing of the archive is run here, but
for an interpreter that came in it, when bytecode is to be made.
"""

from __future__ import annotations

import os
import platform
import re
import secrets
import stat
import sys
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from venvbuild import bundle, libraries, parallel
from venvbuild.errors import Problem
from venvbuild.files import walk
from venvbuild.interpreters import Compiler, Interpreter
from venvbuild.members import BASE
from venvbuild.unpacking import refused

_MAX_CONFIGURATION_BYTES = 1 << 16
_WAY_OUT = "build it here from its lock, with the same pins: venvbuild get VERSION TARGET --rebuild"
_VERSION = re.compile(r"version(?:_info)?\s*=\s*(3\.[0-9]{1,3}(?:\.[0-9]{1,3})?)(?:[^0-9].*)?")

_ACTIVATE_SH = """\
# Activates this environment in a POSIX shell such as dash:  . bin/activate.sh
# Written by `venvbuild get` for the folder that it restored into.
deactivate() {
    if [ -n "${_OLD_VIRTUAL_PATH+set}" ]; then PATH=$_OLD_VIRTUAL_PATH; export PATH; unset _OLD_VIRTUAL_PATH; fi
    if [ -n "${_OLD_VIRTUAL_PYTHONHOME+set}" ]; then
        PYTHONHOME=$_OLD_VIRTUAL_PYTHONHOME; export PYTHONHOME; unset _OLD_VIRTUAL_PYTHONHOME
    fi
    if [ -n "${_OLD_VIRTUAL_PS1+set}" ]; then PS1=$_OLD_VIRTUAL_PS1; unset _OLD_VIRTUAL_PS1; fi
    unset VIRTUAL_ENV VIRTUAL_ENV_PROMPT
    if [ "${1:-}" != nondestructive ]; then unset -f deactivate; fi
    hash -r 2>/dev/null || :
}
deactivate nondestructive
VIRTUAL_ENV=@PATH@
VIRTUAL_ENV_PROMPT=@NAME@
export VIRTUAL_ENV VIRTUAL_ENV_PROMPT
_OLD_VIRTUAL_PATH=${PATH-}
PATH=$VIRTUAL_ENV/bin:${PATH-}
export PATH
if [ -n "${PYTHONHOME+set}" ]; then _OLD_VIRTUAL_PYTHONHOME=$PYTHONHOME; unset PYTHONHOME; fi
if [ -z "${VIRTUAL_ENV_DISABLE_PROMPT-}" ] && [ -n "${PS1+set}" ]; then
    _OLD_VIRTUAL_PS1=$PS1
    PS1="($VIRTUAL_ENV_PROMPT) $PS1"
fi
hash -r 2>/dev/null || :
"""

# Its variables are those of CPython's Lib/venv/scripts/posix/activate.csh, so that one may be activated over the other.
# No command of it fails, for csh -e; what needs a variable that may be unset stands in an `if` of lines.
_ACTIVATE_CSH = """\
# Activates this environment in csh and tcsh:  source bin/activate.csh
# Written by `venvbuild get` for the folder that it restored into.
if ($?_OLD_VIRTUAL_PATH) then
    setenv PATH "$_OLD_VIRTUAL_PATH:q"
endif
if ($?_OLD_VIRTUAL_PROMPT) then
    set prompt = "$_OLD_VIRTUAL_PROMPT:q"
    unset _OLD_VIRTUAL_PROMPT
endif
setenv VIRTUAL_ENV @PATH@
setenv VIRTUAL_ENV_PROMPT @NAME@
set _OLD_VIRTUAL_PATH = "$PATH:q"
setenv PATH "$VIRTUAL_ENV:q/bin:$PATH:q"
alias deactivate 'setenv PATH "$_OLD_VIRTUAL_PATH:q"; unset _OLD_VIRTUAL_PATH; rehash; \
unsetenv VIRTUAL_ENV; unsetenv VIRTUAL_ENV_PROMPT; unalias deactivate'
if ($?prompt && ! $?VIRTUAL_ENV_DISABLE_PROMPT) then
    set _OLD_VIRTUAL_PROMPT = "$prompt:q"
    set prompt = "($VIRTUAL_ENV_PROMPT:q) $prompt:q"
    alias deactivate 'set prompt = "$_OLD_VIRTUAL_PROMPT:q"; unset _OLD_VIRTUAL_PROMPT; \
setenv PATH "$_OLD_VIRTUAL_PATH:q"; unset _OLD_VIRTUAL_PATH; rehash; \
unsetenv VIRTUAL_ENV; unsetenv VIRTUAL_ENV_PROMPT; unalias deactivate'
endif
rehash
"""


@dataclass(frozen=True)
class Needs:
    """What an environment asks of a machine."""

    python_version: str
    """X.Y."""
    platform: str | None = None
    """`linux_x86_64`; None when nobody knows."""
    abi: str | None = None
    """As `requires` in metadata.json: `cp311`, `abi3`, `none`."""
    glibc: str | None = None
    libraries: tuple[str, ...] | None = None
    """Sonames that the interpreter inside needs; None when there is none inside."""

    @classmethod
    def of(cls, metadata: Mapping[str, Any]) -> Needs:
        """Those of a build."""
        requires = metadata["requires"]
        libraries = tuple(requires["libraries"]) if "libraries" in requires else None
        return cls(metadata["python_version"], metadata["platform"], requires["abi"], requires["glibc"], libraries)


def misfits(needs: Needs, interpreter: Interpreter, glibc: str | None) -> Iterator[Problem]:
    """Why the environment cannot run here with `interpreter`; `glibc` is this machine's, None where it has none."""
    yield from _platform_misfit(needs, interpreter.platform)
    if needs.abi and re.fullmatch(r"cp[0-9]+[a-z]*", needs.abi) and needs.abi != _abi(interpreter):
        why = f"{interpreter.path} has {_abi(interpreter)}"
        yield Problem(f"the environment needs a Python with the ABI {needs.abi}", "requires.abi", why, _WAY_OUT)
    yield from _glibc_misfit(needs, glibc)


def inside_misfits(needs: Needs, glibc: str | None) -> Iterator[Problem]:
    """Why an environment that brings its interpreter cannot run here."""
    yield from _platform_misfit(needs, f"{sys.platform}_{platform.machine()}")
    yield from _glibc_misfit(needs, glibc)
    for soname in libraries.missing(needs.libraries or ()):
        yield Problem(
            f"the interpreter inside needs the library {soname}",
            "requires.libraries",
            "this machine does not have it",
            "install the package that brings it, or build without --bundle-python",
        )


def _platform_misfit(needs: Needs, here: str) -> Iterator[Problem]:
    if needs.platform and here != needs.platform:
        yield Problem(f"the environment is for {needs.platform}", "platform", f"this machine is {here}", _WAY_OUT)


def _glibc_misfit(needs: Needs, glibc: str | None) -> Iterator[Problem]:
    if needs.glibc and (glibc is None or _numbers(glibc) < _numbers(needs.glibc)):
        why = f"this machine has glibc {glibc}" if glibc else "this machine has another C library"
        yield Problem(f"the environment needs glibc {needs.glibc} or newer", "requires.glibc", why, _WAY_OUT)


def glibc_here() -> str | None:
    """The version of this machine's glibc; None where there is another C library."""
    try:
        name, _, version = (os.confstr("CS_GNU_LIBC_VERSION") or "").partition(" ")
    except (AttributeError, ValueError, OSError):
        return None
    return version if name == "glibc" else None


def python_version_of(venv: Path) -> str:
    """X.Y of an unpacked environment, as its pyvenv.cfg says.

    Raises:
        IntegrityError: it has none, or it does not say.
    """
    version = _full_version_of(venv)
    if version is None:
        raise refused("its pyvenv.cfg does not say which Python it is for", b"pyvenv.cfg")
    return ".".join(version.split(".")[:2])


def _full_version_of(venv: Path) -> str | None:
    """As much of X.Y.Z as pyvenv.cfg says."""
    for line in _configuration(venv).decode("utf-8", "replace").splitlines():
        found = _VERSION.fullmatch(line.strip())
        if found:
            return found[1]
    return None


def interpreter_inside(venv: Path, target: Path, python_version: str) -> Interpreter | None:
    """The interpreter that `venv` has of its own, as it will be when `venv` is at `target`; None when it has none."""
    place = bundle.executable(python_version)
    if not stat.S_ISREG(_mode(venv / place)) or not stat.S_ISDIR(_mode(venv / os.path.dirname(place))):
        return None
    marker_environment = {
        "python_version": python_version,
        "sys_platform": sys.platform,
        "platform_machine": platform.machine(),
    }
    full_version = _full_version_of(venv) or python_version
    return Interpreter(target / place, target / BASE, full_version, "", marker_environment)


def rehome(venv: Path, target: Path, interpreter: Interpreter) -> None:
    """Link `venv` to `interpreter` and write the scripts that need to know where it will be, which is `target`.

    Raises:
        IntegrityError: what was unpacked is no environment.
    """
    if not stat.S_ISDIR(_mode(venv / "bin")):
        raise refused("it has no folder bin", b"bin")
    kept = [line for line in _configuration(venv).splitlines() if line.partition(b"=")[0].strip().lower() != b"home"]
    home = b"home = " + os.fsencode(interpreter.path.parent)
    write(venv / "pyvenv.cfg", b"".join(line + b"\n" for line in (home, *kept)))
    path, is_inside = interpreter.path, interpreter.path.is_relative_to(target)
    link(venv / "bin" / "python", os.path.relpath(path, target / "bin") if is_inside else os.fspath(path))
    for name in ("python3", f"python{interpreter.version}"):
        link(venv / "bin" / name, "python")
    for name, text, quote in (
        ("activate.sh", _ACTIVATE_SH, _quoted_for_sh),
        ("activate.csh", _ACTIVATE_CSH, _quoted_for_csh),
    ):
        filled = text.replace("@NAME@", quote(target.name)).replace("@PATH@", quote(str(target)))
        write(venv / "bin" / name, os.fsencode(filled))


def compile_bytecode(venv: Path, target: Path, interpreter: Interpreter) -> None:
    """Compile every module of `venv`, as it will be at `target`, and of the interpreter inside where there is one; runs
    no code of any package.

    `checked-hash`: bytecode of a file that is edited later is not used. Files that are no Python (templates) are left.

    Raises:
        OSError: the disk is full, or fails. UsageError: it takes too long.
    """
    folders = ["lib"]
    if interpreter.path.is_relative_to(target):
        interpreter = replace(interpreter, path=venv / interpreter.path.relative_to(target))
        folders.append(f"{BASE}/lib")
    names = sorted(name for folder in folders for name in _modules(venv, folder))
    compiler = Compiler(interpreter, venv, str(target), threading.Event())
    count = os.cpu_count() or 1
    try:
        parallel.each(partial(compiler.compile, venv), [names[number::count] for number in range(count)], count)
    except BaseException:
        compiler.stop.set()
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
    building = path.with_name(f".{path.name}-{secrets.token_hex(4)}")
    with building.open("xb") as file:
        file.write(content)
        os.fchmod(file.fileno(), 0o644)
    _replace(building, path)


def link(path: Path, target: str) -> None:
    """Put a symbolic link there, whatever stood there.

    Raises:
        IntegrityError: a folder is in the way.
    """
    building = path.with_name(f".{path.name}-{secrets.token_hex(4)}")
    building.symlink_to(target)
    _replace(building, path)


def _replace(building: Path, path: Path) -> None:
    try:
        building.replace(path)
    except IsADirectoryError as error:
        raise refused("it is a folder where a file belongs", os.fsencode(path.name)) from error


def _configuration(venv: Path) -> bytes:
    path = venv / "pyvenv.cfg"
    if not stat.S_ISREG(_mode(path)) or path.stat().st_size > _MAX_CONFIGURATION_BYTES:
        raise refused("it has no pyvenv.cfg", b"pyvenv.cfg")
    return path.read_bytes()


def _mode(path: Path) -> int:
    try:
        return path.lstat().st_mode
    except FileNotFoundError:
        return 0


def _abi(interpreter: Interpreter) -> str:
    """`cp311`, `cp313t`: from `cpython-313t-x86_64-linux-gnu`."""
    return "cp" + interpreter.soabi.split("-")[1] if "-" in interpreter.soabi else interpreter.soabi


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"[0-9]+", version)[:2])


def _quoted_for_sh(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"


def _quoted_for_csh(text: str) -> str:
    """csh expands `!` even between single quotes, and a line ends there too."""
    return _quoted_for_sh(text).replace("!", "\\!").replace("\n", "\\\n")
