"""What shows of pins only when they are beside each other, and what is said of those that are accepted."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence

from packaging.version import Version

from venvbuild.requirements.faults import COMPILE, FILE_WANTED, Fault
from venvbuild.requirements.pins import Pin
from venvbuild.text import shown

_TOOLS = frozenset({"pip", "setuptools", "wheel", "distribute"})


def missing_hashes(pins: Sequence[Pin], joined_from: str) -> Iterator[tuple[Pin, Fault]]:
    """Pins without hashes in a file that has some."""
    # Whatever their markers: a hash on any line makes pip ask for one on every line it installs, uv only checks those
    # that are there; and the verdict on a file should not depend on the target.
    hashed = next((pin for pin in pins if pin.hashes), None)
    anew = f"{COMPILE} -o {FILE_WANTED} {FILE_WANTED}"
    if joined_from:  # what the pins of one of the files need may be pinned in another
        anew = f"{COMPILE} -o pinned.txt {shlex.quote(joined_from)}, and build with -r pinned.txt"
    for pin in pins:
        if hashed and not pin.hashes:
            yield (
                pin,
                Fault(
                    "HASH_MISSING",
                    f"{shown(pin.as_requirement())} has no hash",
                    f"{_beside(hashed, pin)} has one, and all have or none has",
                    f"add all hashes: {anew}",
                ),
            )


def contradictions(pins: Sequence[Pin]) -> Iterator[tuple[Pin, Fault]]:
    """Pins of one name that hold together on the target and differ, each told against the first of its name."""
    firsts: dict[str, Pin] = {}
    for pin in pins:
        # a pin that does not hold here meets nobody: `a==1; python_version<"3.9"` beside `a==2` is how it is meant
        first = firsts.setdefault(pin.canonical_name, pin) if pin.holds else pin
        if first is pin:
            continue
        if Version(first.version) != Version(pin.version):
            yield (
                pin,
                Fault(
                    "DUPLICATE_CONFLICT",
                    f"{_written(pin)} contradicts {_written(first)} on {_beside(first, pin)}",
                    "one environment has one version of a package",
                    "keep one of the two lines",
                ),
            )
        elif first.hashes and pin.hashes and first.hashes != pin.hashes:
            # seen: pip checks the list of the first line, uv that of the last
            yield (
                pin,
                Fault(
                    "HASH_CONFLICT",
                    f"{_written(pin)} has other hashes than on {_beside(first, pin)}",
                    "pip checks the first list, uv the last",
                    "keep one of the two lines, with all hashes",
                ),
            )


def _beside(pin: Pin, other: Pin) -> str:
    """Where `pin` stands, for a message about `other`."""
    return f"line {pin.line}" if pin.file == other.file else pin.where


def remarks(pins: Sequence[Pin]) -> Iterator[tuple[Pin, Fault]]:
    """What is said of accepted pins, and refuses nothing; a repeated one is told once, at its second line."""
    equal: dict[tuple[str, Version, tuple[str, ...], str | None], list[Pin]] = {}
    for pin in pins:
        version = Version(pin.version)
        equal.setdefault((pin.canonical_name, version, pin.extras, pin.marker), []).append(pin)
        if not pin.holds:
            yield (
                pin,
                Fault(
                    "MARKER_FALSE",
                    f"{_written(pin)} is not installed here",
                    shown(f"false is: {pin.marker}"),
                    "nothing to do if that is meant",
                ),
            )
        if version.is_prerelease:
            yield (
                pin,
                Fault(
                    "PRERELEASE",
                    f"{_written(pin)} is a pre-release",
                    "it was not meant for production",
                    "pin a final release if there is one",
                ),
            )
        if pin.canonical_name in _TOOLS:
            yield (
                pin,
                Fault(
                    "TOOL_PIN",
                    f"{_written(pin)} pins an installer",
                    "it changes the environment only",
                    "remove it unless your code imports it",
                ),
            )
    for (name, version, *_), same in equal.items():
        if len(same) > 1:
            is_one_file = len({pin.file for pin in same}) == 1
            listed = shown(", ".join(str(pin.line) if is_one_file else pin.where for pin in same[:20]))
            yield (
                same[1],
                Fault(
                    "DUPLICATE",
                    f"{shown(name)}=={version} stands on {len(same)} lines: {listed}",
                    "once is enough",
                    "keep one of them",
                ),
            )


def _written(pin: Pin) -> str:
    return f"{shown(pin.name)}=={pin.version}"
