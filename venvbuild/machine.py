"""What an environment asks of a machine: told by its wheels and its interpreter; and whether this machine has it."""

from __future__ import annotations

import os
import platform
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from venvbuild.builds import RequiresEntry
from venvbuild.errors import Problem
from venvbuild.installed import Distribution
from venvbuild.interpreters import Interpreter, Target
from venvbuild.process import clean_environment, run

_WAY_OUT = "build it here from its lock, with the same pins: venvbuild get VERSION TARGET --rebuild"
# PEP 513, PEP 571, PEP 599: from before PEP 600 the name does not tell.
_GLIBC_BY_YEAR = {"manylinux1": (2, 5), "manylinux2010": (2, 12), "manylinux2014": (2, 17)}
_TIMEOUT_S = 60
# The stable ABI, and that of free-threaded Pythons (PEP 803), from Python 3.15 on.
_STABLE, _STABLE_THREADED = "abi3", "abi3t"
# A soname has no slash: the loader then looks in the folders of this machine only, whoever wrote the name.
_SONAME = re.compile(r"[A-Za-z0-9._+-]+")
_PROBE = """
import ctypes, sys
for name in sys.argv[1:]:
    try:
        ctypes.CDLL(name)
    except OSError:
        print(name)
"""


@dataclass(frozen=True)
class Requires:
    """What an environment asks of a machine, or what a part of it does. What nobody knows, or asks, is None."""

    abi: str | None = None
    """`cp311`, `abi3`, `none`; of a free-threaded Python `cp314t`, `abi3t`."""
    glibc: str | None = None
    """The oldest that will do: `2.17`."""
    libraries: tuple[str, ...] | None = None
    """Sonames that the interpreter inside needs, sorted, without glibc's own; None when there is none inside."""
    platform: str | None = None
    """`linux_x86_64`."""

    @classmethod
    def of(cls, entry: RequiresEntry, platform: str | None = None) -> Requires:
        """As metadata.json has them."""
        libraries = tuple(entry["libraries"]) if "libraries" in entry else None
        return cls(entry["abi"], entry["glibc"], libraries, platform)

    def with_base(self, base: Requires | None) -> Requires:
        """Together with those of a bundled interpreter, which may need a newer glibc; without one, the same."""
        if base is None:
            return self
        versions = [version for version in (self.glibc, base.glibc) if version]
        return replace(self, glibc=max(versions, key=_numbers, default=None), libraries=base.libraries)

    def as_json(self) -> RequiresEntry:
        """`requires` of metadata.json."""
        entry = RequiresEntry(abi=self.abi, glibc=self.glibc)
        if self.libraries is not None:
            entry["libraries"] = list(self.libraries)
        return entry


def of_wheels(distributions: Iterable[Distribution], target: Target) -> Requires:
    """What the installed wheels ask of a machine besides Python X.Y, which always must match (`lib/pythonX.Y`).

    `abi`: `cp311` when a wheel has compiled code for that ABI, `abi3` when the stable ABI is the most that any asks
    for, `none` when there is no compiled extension; of a free-threaded Python `cp314t` and `abi3t`. `glibc`: the
    highest version that any needs (`2.17`); None when none needs one. A wheel that names several tags asks for the
    least of those that `target` supports; one built on the spot (`linux_x86_64`) asks for the glibc of the target,
    which it was built on.

    Source: PEP 425, PEP 513, PEP 571, PEP 599, PEP 600, PEP 803.
    """
    # The tags of manylinux that a Python supports end with its own glibc (PEP 600).
    own_glibc = max((_glibc(tag, (0, 0)) for tag in target.tags), default=(0, 0))
    abis, glibcs = {"none"}, {(0, 0)}
    for distribution in distributions:
        tags = [tag for tag in distribution.tags if tag in target.tags]
        if tags:
            abis.add(min((tag.split("-")[1] for tag in tags), key=_demand))
            glibcs.add(min(_glibc(tag, own_glibc) for tag in tags))
    glibc = max(glibcs)
    return Requires(max(abis, key=_demand), f"{glibc[0]}.{glibc[1]}" if any(glibc) else None)


def _demand(abi: str) -> tuple[int, str]:
    return {"none": 0, _STABLE: 1, _STABLE_THREADED: 1}.get(abi, 2), abi


def _glibc(tag: str, own: tuple[int, int]) -> tuple[int, int]:
    """What the platform of a wheel tag needs; (0, 0) for one that needs none (`any`, musllinux, macOS)."""
    platform = tag.rpartition("-")[2]
    if platform.startswith("linux_"):
        return own
    numbered = re.match(r"manylinux_([0-9]+)_([0-9]+)_", platform)
    if numbered:
        return int(numbered[1]), int(numbered[2])
    return _GLIBC_BY_YEAR.get(platform.partition("_")[0], (0, 0))


def misfits(needs: Requires, interpreter: Interpreter, glibc: str | None) -> Iterator[Problem]:
    """Why the environment cannot run here with `interpreter`; `glibc` is this machine's, None where it has none."""
    yield from _platform_misfit(needs, interpreter.platform)
    # What is no ABI of CPython nobody here can judge; `none` runs on any Python of this X.Y.
    is_known = re.fullmatch(r"cp[0-9]+[a-z]*|abi3t?", needs.abi or "")
    if needs.abi and is_known and needs.abi not in (interpreter.abi, _stable_abi(interpreter)):
        why = f"{interpreter.path} has {interpreter.abi}"
        yield Problem(f"the environment needs a Python with the ABI {needs.abi}", "requires.abi", why, _WAY_OUT)
    yield from _glibc_misfit(needs, glibc)


def inside_misfits(needs: Requires, glibc: str | None) -> Iterator[Problem]:
    """Why an environment that brings its interpreter cannot run here."""
    yield from _platform_misfit(needs, f"{sys.platform}_{platform.machine()}")
    yield from _glibc_misfit(needs, glibc)
    for soname in missing_libraries(needs.libraries or ()):
        yield Problem(
            f"the interpreter inside needs the library {soname}",
            "requires.libraries",
            "this machine does not have it",
            "install the package that brings it, or build without --bundle-python",
        )


def _platform_misfit(needs: Requires, here: str) -> Iterator[Problem]:
    if needs.platform and here != needs.platform:
        yield Problem(f"the environment is for {needs.platform}", "platform", f"this machine is {here}", _WAY_OUT)


def _glibc_misfit(needs: Requires, glibc: str | None) -> Iterator[Problem]:
    if needs.glibc and (glibc is None or _numbers(glibc) < _numbers(needs.glibc)):
        why = f"this machine has glibc {glibc}" if glibc else "this machine has another C library"
        yield Problem(f"the environment needs glibc {needs.glibc} or newer", "requires.glibc", why, _WAY_OUT)


def wheels_of_others(distributions: Iterable[Distribution], interpreter: Interpreter, where: str) -> Iterator[Problem]:
    """Why an environment of which only its files are known cannot run here: wheels for another machine or ABI.

    `where` is the environment.
    """
    tags = frozenset(interpreter.supported_tags)
    for one in distributions:
        if one.tags and tags.isdisjoint(one.tags):
            why = f"this machine is {interpreter.platform}, and {interpreter.path} is Python {interpreter.full_version}"
            fix = "unpack it on a machine like the one that it was made on, or build one here from its requirements"
            yield Problem(f"{one.label} is for {', '.join(one.tags[:3])}", where, why, fix)


def glibc_here() -> str | None:
    """The version of this machine's glibc; None where there is another C library."""
    try:
        name, _, version = (os.confstr("CS_GNU_LIBC_VERSION") or "").partition(" ")
    except (AttributeError, ValueError, OSError):
        return None
    return version if name == "glibc" else None


def _stable_abi(interpreter: Interpreter) -> str:
    return _STABLE_THREADED if interpreter.is_free_threaded else _STABLE


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"[0-9]+", version)[:2])


def missing_libraries(sonames: Sequence[str]) -> tuple[str, ...]:
    """Those that cannot be loaded here, in order."""
    # The loader itself is asked, which knows its folders best; in a process of its own, as libraries run code.
    sane = [name for name in sonames if _SONAME.fullmatch(name)]
    said = run([sys.executable, "-I", "-S", "-c", _PROBE, *sane], env=clean_environment(), timeout_s=_TIMEOUT_S).stdout
    absent = set(said.split())
    return tuple(name for name in sonames if name in absent or name not in sane)
