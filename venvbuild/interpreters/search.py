"""Finds the Python that an environment is made for, by running the candidates."""

from __future__ import annotations

import json
import os
import platform
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path

import uv
from packaging import markers, tags

from venvbuild.errors import IndexUnavailable, UsageError
from venvbuild.interpreters.installing import is_fetchable, ways_to_install
from venvbuild.process import CommandFailed, clean_environment, run

# Runs on every Python since 3.8. The names of the marker environment are those of PEP 508.
_PROBE = r"""
import json, os, platform, sys, sysconfig
v = sys.implementation.version
kind = v.releaselevel
implementation_version = "%d.%d.%d" % v[:3] + ("" if kind == "final" else kind[0] + str(v.serial))
print(json.dumps({
    "executable": os.path.realpath(getattr(sys, "_base_executable", None) or sys.executable),
    "prefix": sys.base_prefix,
    "version": platform.python_version(),
    "soabi": sysconfig.get_config_var("SOABI") or "",
    "marker_environment": {
        "implementation_name": sys.implementation.name, "implementation_version": implementation_version,
        "os_name": os.name, "platform_machine": platform.machine(), "platform_release": platform.release(),
        "platform_system": platform.system(), "platform_version": platform.version(),
        "python_full_version": platform.python_version(),
        "platform_python_implementation": platform.python_implementation(),
        "python_version": ".".join(platform.python_version_tuple()[:2]), "sys_platform": sys.platform}}))
"""


@dataclass(frozen=True)
class Interpreter:
    """A Python on this host, as it described itself."""

    path: Path
    """Its base executable, never a virtual environment's link or a pyenv shim."""
    prefix: Path
    full_version: str
    """X.Y.Z, with a suffix for pre-releases."""
    soabi: str
    """`cpython-311-x86_64-linux-gnu`."""
    marker_environment: Mapping[str, str]
    platforms: tuple[str, ...] = ()
    """The platform tags that it takes, best first; empty: those of this host."""

    @property
    def version(self) -> str:
        """X.Y."""
        return self.marker_environment["python_version"]

    @property
    def platform(self) -> str:
        """`linux_x86_64`."""
        return f"{self.marker_environment['sys_platform']}_{self.marker_environment['platform_machine']}"

    @property
    def abi(self) -> str:
        """As wheels' tags have it: `cp311`, of a free-threaded one `cp314t`; the soabi where that does not tell."""
        return "cp" + self.soabi.split("-")[1] if "-" in self.soabi else self.soabi

    @property
    def is_free_threaded(self) -> bool:
        """Whether it was built without the GIL (PEP 703): its packages lie in `lib/python3.14t`, and are others."""
        return bool(re.fullmatch(r"cp[0-9]+[a-z]*t[a-z]*", self.abi))

    @cached_property
    def supported_tags(self) -> tuple[str, ...]:
        """The wheel tags it can install, best first (PEP 425, PEP 600)."""
        major, minor = (int(part) for part in self.version.split("."))
        platforms = self.platforms or None
        if self.marker_environment["implementation_name"] == "cpython":
            # `t` of a free-threaded Python, `d` of a debug build: wheels for others do not fit.
            flags = self.abi.removeprefix("cp").lstrip("0123456789") if "-" in self.soabi else ""
            specific = tags.cpython_tags((major, minor), abis=[f"cp{major}{minor}{flags}"], platforms=platforms)
        else:
            specific = tags.generic_tags(platforms=platforms)
        generic = tags.compatible_tags((major, minor), interpreter=f"cp{major}{minor}", platforms=platforms)
        return tuple(str(tag) for tag in (*specific, *generic))

    @cached_property
    def ranks(self) -> dict[str, int]:
        """Each supported tag with its place: 0 is best."""
        return {tag: rank for rank, tag in enumerate(self.supported_tags)}


@dataclass(frozen=True)
class Found:
    """An interpreter, and what to tell the user about how it was chosen."""

    interpreter: Interpreter
    note: str = ""


class NoInterpreter(UsageError):
    """The wanted Python is not on this machine; the fix tells what an administrator can do."""

    def __init__(self, wanted: str, why: str, fix: str, *, is_fetchable: bool) -> None:
        super().__init__(
            f"Python {wanted} is not installed here", where="PYTHON_VERSION", why=why, fix=fix, rule="NO_INTERPRETER"
        )
        self.is_fetchable = is_fetchable
        """Whether uv knows where to fetch it."""


def find(
    wanted: str, *, anything_will_do: bool, environ: Mapping[str, str], uv: Path, allow_download: bool = False
) -> Found:
    """The Python for `wanted` (`3.11` or `3.11.7`): pyenv's versions, then the PATH, then uv's own.

    With `anything_will_do` (nobody asked for a version) and no such Python, the `python3` of the PATH, noted.

    Raises:
        NoInterpreter: there is none; says which ones there are and where they were looked for.
        IndexUnavailable: it was to be fetched, and could not be.
    """
    # The exact path of each goes to uv: by a name, it would trip over a dead pyenv shim on the PATH.
    for interpreter in _candidates(wanted, environ):
        if is_cpython(interpreter, wanted):
            return Found(interpreter)
    # One that nobody offers is no failure of the network, and fails below.
    managed = _of_uv(wanted, uv, environ, allow_download and is_fetchable(wanted, uv))
    if managed:
        return Found(managed)
    if anything_will_do:
        for path in _on_path(environ, ["python3"]):
            fallback = probe(path)
            # As numbers: as text 3.10 comes before 3.8.
            is_old = fallback is None or tuple(map(int, fallback.version.split("."))) < (3, 8)
            if fallback and not is_old and not fallback.is_free_threaded:
                return Found(
                    fallback,
                    f"there is no Python {wanted} here; using {fallback.path} "
                    f"({fallback.full_version}), the python3 of the PATH",
                )
    may_fetch = is_fetchable(wanted, uv)
    ways = ways_to_install(wanted, environ, uv if may_fetch else None)
    fix = f"an administrator installs it: {', or '.join(ways)}"
    raise NoInterpreter(wanted, _found_instead(environ), fix, is_fetchable=may_fetch)


def find_interpreter(python_version: str) -> Interpreter:
    """The Python X.Y of this machine that an environment is re-homed to.

    Raises:
        UsageError: as `find`.
    """
    return find(python_version, anything_will_do=False, environ=os.environ, uv=Path(uv.find_uv_bin())).interpreter


def matching(python_version: str) -> Iterator[Interpreter]:
    """Each Python X.Y of this machine, in the order in which `find` takes them."""
    yield from (one for one in _candidates(python_version, os.environ) if is_cpython(one, python_version))
    managed = _of_uv(python_version, Path(uv.find_uv_bin()), os.environ, allow_download=False)
    if managed:
        yield managed


def assumed(full_version: str) -> Interpreter:
    """A CPython of this version for this platform, as its packages are judged; it need not be on this machine."""
    major, minor = full_version.split(".")[:2]
    machine = f"{platform.machine()}-{sys.platform}"
    versions = {
        "python_version": f"{major}.{minor}",
        "python_full_version": full_version,
        "implementation_version": full_version,
        "implementation_name": "cpython",
        "platform_python_implementation": "CPython",
    }
    here = {name: str(value) for name, value in markers.default_environment().items()}
    name = Path(f"python{major}.{minor}")
    return Interpreter(name, name, full_version, f"cpython-{major}{minor}-{machine}", {**here, **versions})


def on_linux(python_version: str, machine: str, platforms: tuple[str, ...]) -> Interpreter:
    """A CPython X.Y on a Linux that is not here, as its packages are judged; `platforms` as in `Interpreter`.

    Its micro version nobody knows: markers see the first of X.Y, as uv's do.
    """
    full_version = f"{python_version}.0"
    marker_environment = {
        "implementation_name": "cpython",
        "implementation_version": full_version,
        "os_name": "posix",
        "platform_machine": machine,
        "platform_python_implementation": "CPython",
        "platform_release": "",
        "platform_system": "Linux",
        "platform_version": "",
        "python_full_version": full_version,
        "python_version": python_version,
        "sys_platform": "linux",
    }
    name = Path(f"python{python_version}")
    soabi = f"cpython-{python_version.replace('.', '')}-{machine}-linux-gnu"
    return Interpreter(name, name, full_version, soabi, marker_environment, platforms)


def installed(environ: Mapping[str, str]) -> tuple[Interpreter, ...]:
    """Every Python that is found where `find` looks, except uv's own; oldest first, each once."""
    by_path = {interpreter.path: interpreter for interpreter in _candidates("", environ)}
    return tuple(sorted(by_path.values(), key=lambda interpreter: (_key(interpreter.full_version), interpreter.path)))


def probe(path: Path) -> Interpreter | None:
    """What the Python at `path` says of itself; None when it does not run (a dead pyenv shim) or is older than 3.8.

    It is asked once, and again when the file was replaced since.
    """
    try:
        facts = path.stat()
    except OSError:
        return None
    return _asked(path, (facts.st_ino, facts.st_size, facts.st_mtime_ns))


@lru_cache
def _asked(path: Path, _look: tuple[int, int, int]) -> Interpreter | None:
    try:
        # -I and -S run no code of any package. -B: what belongs to somebody else gets no __pycache__ from us.
        said = run([path, "-I", "-S", "-B", "-c", _PROBE], env=clean_environment(), timeout_s=20).stdout
        facts = json.loads(said)
    # A dead shim, a program that is called python and is none: the next candidate may be one.
    except (CommandFailed, OSError, ValueError):
        return None
    return Interpreter(
        Path(facts["executable"]), Path(facts["prefix"]), facts["version"], facts["soabi"], facts["marker_environment"]
    )


def is_cpython(interpreter: Interpreter, wanted: str) -> bool:
    """Whether it is a CPython of this version, X.Y or X.Y.Z; a free-threaded one has an ABI and folders of its own."""
    return (
        wanted in (interpreter.version, interpreter.full_version)
        and interpreter.marker_environment["implementation_name"] == "cpython"
        and not interpreter.is_free_threaded
    )


def _key(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", version)[:3])


def _candidates(wanted: str, environ: Mapping[str, str]) -> Iterator[Interpreter]:
    """Each Python once, the newest patch of pyenv's first; with `wanted` only those whose name does not exclude it."""
    minor = ".".join(wanted.split(".")[:2])
    names = (
        # The most exact name first: python3 of a PATH with several Pythons may be any.
        [f"python{minor}", "python3", "python"]
        if wanted
        else [*(f"python3.{number}" for number in range(8, 30)), "python3", "python"]
    )
    seen: set[Path] = set()
    for path in (*_in_pyenv(environ), *_on_path(environ, names)):
        # /bin and /usr/bin may be one folder, python3 and python3.11 one file.
        target = path.resolve()
        if target in seen:
            continue
        seen.add(target)
        interpreter = probe(path)
        if interpreter:
            yield interpreter


def _in_pyenv(environ: Mapping[str, str]) -> list[Path]:
    versions = Path(environ.get("PYENV_ROOT") or os.devnull, "versions")
    try:
        names = os.listdir(versions)
    except OSError:  # it is not there, or we may not enter it
        return []
    return [
        versions / name / "bin" / "python3"
        for name in sorted(names, key=lambda name: (_key(name), name), reverse=True)
        if os.path.exists(versions / name / "bin" / "python3") and _key(name)[:2] >= (3, 8)
    ]


def _on_path(environ: Mapping[str, str], names: list[str]) -> list[Path]:
    folders = [Path(part) for part in environ.get("PATH", "").split(":") if part]
    # A folder that we may not enter has none for us; Path.is_file raises.
    return [folder / name for name in names for folder in folders if os.path.isfile(folder / name)]


def _of_uv(wanted: str, uv: Path, environ: Mapping[str, str], allow_download: bool) -> Interpreter | None:
    """The one that uv installed, where the user's settings say it does; fetched now if that is allowed.

    Raises:
        IndexUnavailable: it was to be fetched, and could not be.
    """
    # Where uv keeps its Pythons, and what fetching one needs: nothing that chooses another one.
    passed = ("XDG_DATA_HOME", "XDG_CACHE_HOME", "UV_CACHE_DIR", "UV_PYTHON_INSTALL_DIR", "UV_PYTHON_INSTALL_MIRROR")
    env = clean_environment(None, **{name: environ[name] for name in passed if environ.get(name)})
    # A uv.toml may set a python-preference; the CAs of this machine may be those of a company's proxy.
    always = ["--no-config", "--system-certs"]
    if allow_download:
        try:
            run([uv, "python", "install", "--no-progress", *always, wanted], env=env, timeout_s=600)
        except CommandFailed as failure:
            raise IndexUnavailable(
                f"uv could not fetch Python {wanted}",
                where="--allow-python-download",
                why=" ".join(failure.output.split())[-500:],
                fix="try again; or set UV_PYTHON_INSTALL_MIRROR, or install that Python yourself",
            ) from failure
    try:
        find: list[str | Path] = [uv, "python", "find", "--managed-python", "--no-python-downloads", *always, wanted]
        found = run(find, env=env, timeout_s=60)
    except CommandFailed:
        return None
    managed = probe(Path(found.stdout.strip()))
    # uv takes a free-threaded one too, when there is no other.
    return None if managed is None or managed.is_free_threaded else managed


def _found_instead(environ: Mapping[str, str]) -> str:
    there = installed(environ)
    versions = {one.full_version for one in there if is_cpython(one, one.version)}
    threaded = sorted({f"{one.full_version} (free-threaded)" for one in there if one.is_free_threaded}, key=_key)
    pyenv = f"{environ['PYENV_ROOT']}/versions and " if environ.get("PYENV_ROOT") else ""
    listed = ", ".join([*sorted(versions, key=_key), *threaded]) or "none"
    return f"found {listed} in {pyenv}the PATH, and it is not among uv's own Pythons"
