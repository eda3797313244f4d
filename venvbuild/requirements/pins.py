"""One line of a requirements file as an exact pin, or the reason why it is none.

Source: PEP 503 (names), PEP 440 (versions), PEP 508 (the line), pip's requirements file format (`--hash`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from packaging.markers import Marker, UndefinedComparison, UndefinedEnvironmentName
from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from venvbuild.requirements.faults import (
    COMPILE,
    FILE_WANTED,
    MAX_VERSION_LENGTH,
    NAME,
    Fault,
    bad_version,
    marker_fault,
    unpinned,
    unreadable,
    version_fault,
)
from venvbuild.requirements.foreign_lines import foreign_line, variable
from venvbuild.requirements.lines import Line
from venvbuild.requirements.locations import direct_url, location
from venvbuild.requirements.markers import meaning_fault, shape_fault
from venvbuild.requirements.options import OptionLine, of_requirement, read_options
from venvbuild.requirements.system_packages import python_line, system_package
from venvbuild.text import shown

MAX_NAME_LENGTH = 214
HASH_DIGITS = {"sha256": 64, "sha384": 96, "sha512": 128}  # pip's STRONG_HASHES; md5 and sha1 it refuses


@dataclass(frozen=True)
class Pin:
    """One requirement."""

    name: str
    """As written."""
    canonical_name: str
    """PEP 503."""
    extras: tuple[str, ...]
    """PEP 503, sorted, each once."""
    version: str
    """PEP 440, normalised (`v1.0-1` is `1.0.post1`); trailing zeros stay."""
    marker: str | None
    """PEP 508, as `packaging` writes it."""
    hashes: tuple[str, ...]
    """`sha256:...`, lower case, sorted, each once."""
    line: int
    """Its first physical line, from 1."""
    holds: bool
    """Whether the marker is true on the target."""
    file: str = ""
    """The file that the line is of, as messages show it."""

    @property
    def where(self) -> str:
        """`requirements.txt:7`."""
        return f"{self.file}:{self.line}"

    @property
    def bare(self) -> str:
        """`name[extra]==1.0`: neither marker nor hashes."""
        extras = f"[{','.join(self.extras)}]" if self.extras else ""
        return f"{self.canonical_name}{extras}=={self.version}"

    def as_requirement(self) -> str:
        """The pin on one line that pip and uv read alike, hashes included."""
        marker = f" ; {self.marker}" if self.marker else ""
        hashes = "".join(f" --hash={digest}" for digest in self.hashes)
        return f"{self.bare}{marker}{hashes}"


# The line that nearly every line is; `packaging` would say the same of it, much slower (a test holds this). Without
# leading zeros and with 18 digits at most a version is in its normal form, and within uv's 64 bits.
_PLAIN = re.compile(
    rf"(?P<name>{NAME})==(?P<version>(?:0|[1-9]\d{{0,17}})(?:\.(?:0|[1-9]\d{{0,17}})){{0,11}})"
    r"(?P<hashes>(?:[ \t]+--hash=sha256:[0-9a-f]{64})*)",
    re.ASCII,
)

_BARE_PIN = re.compile(rf"(?P<name>{NAME})[ \t]*+==[ \t]*+(?P<version>[^\s;]+)")
# as pip parts them from the requirement: at the first word that begins with a dash
_OPTIONS = re.compile(r"(?<![ \t])[ \t]++(?=--?[A-Za-z])")
_HASH = re.compile(r"--hash(?:=|[ \t]+)(?P<algorithm>[A-Za-z0-9_]+):(?P<digest>\S+)")
_LONG_WORD = re.compile(rf"[\w.!+-]{{{MAX_NAME_LENGTH + 1},}}")


def judge_line(line: Line, environment: Mapping[str, str]) -> Pin | OptionLine | Fault:
    """The pin that `line` is, its options, or why it is neither."""
    return _plain_pin(line) or _any_pin(line, environment)


def _plain_pin(line: Line) -> Pin | None:
    found = _PLAIN.fullmatch(line.text)
    if not found or len(found["name"]) > MAX_NAME_LENGTH:
        return None
    hashes = tuple(sorted({option.removeprefix("--hash=") for option in found["hashes"].split()}))
    name = found["name"]
    return Pin(name, canonicalize_name(name), (), found["version"], None, hashes, line.number, True, line.file)


def _any_pin(line: Line, environment: Mapping[str, str]) -> Pin | OptionLine | Fault:
    fault = python_line(line.text) or foreign_line(line.text)
    if fault:
        return fault
    if line.text[0] == "-":
        return OptionLine(line, read_options(line.text))
    # a path or a URL may hold a variable
    fault = location(line.text) or variable(line.text)
    if fault:
        return fault
    # `packaging` knows requirements as of PEP 508, which have no options
    text, *options = _OPTIONS.split(line.text, maxsplit=1)
    fault = _limit_fault(text)
    if fault:
        return fault
    try:
        requirement = Requirement(text)
    except InvalidRequirement:
        found = _BARE_PIN.fullmatch(text)
        return (system_package(found["name"], found["version"]) if found else None) or unreadable(line.text)
    hashes = _hashes(options[0], text) if options else ()
    if isinstance(hashes, Fault):
        return hashes
    return (
        _specifier_fault(text, requirement)
        or _marker_fault(text, requirement, environment)
        or Pin(
            name=requirement.name,
            canonical_name=canonicalize_name(requirement.name),
            extras=tuple(sorted({canonicalize_name(extra) for extra in requirement.extras})),
            # the only one: _specifier_fault has refused every other set
            version=str(Version(next(iter(requirement.specifier)).version)),
            marker=str(requirement.marker) if requirement.marker else None,
            hashes=hashes,
            line=line.number,
            file=line.file,
            holds=requirement.marker is None or _holds(requirement.marker, environment),
        )
    )


def _limit_fault(text: str) -> Fault | None:
    # What is too long must not reach the parser: it recurses, and int() refuses more than 4,300 digits.
    head, _, marker = text.partition(";")
    found = _LONG_WORD.search(head)
    if found and "=" not in head[: found.start()]:
        return Fault(
            "TOO_LONG",
            f"the name {shown(found[0])} has {len(found[0])} characters",
            f"names have at most {MAX_NAME_LENGTH}",
            "check the line",
        )
    if found and len(found[0]) > MAX_VERSION_LENGTH:
        return Fault(
            "BAD_VERSION",
            f"{shown(text)} has a version of {len(found[0])} characters",
            f"versions have at most {MAX_VERSION_LENGTH}",
            "check the line",
        )
    why = shape_fault(marker) or ("it holds a very long word" if _LONG_WORD.search(marker) else "")
    return marker_fault(shown(text), why) if why else None


def _hashes(options: str, requirement: str) -> tuple[str, ...] | Fault:
    hashes = set()
    for option in _OPTIONS.split(options):
        if not option.startswith("--hash"):
            return of_requirement(option, requirement)
        found = _HASH.fullmatch(option)
        algorithm, digest = (found["algorithm"], found["digest"].lower()) if found else ("", "")
        # 1,000: no digest is so long, so an algorithm that pip does not take fits nothing
        if not re.fullmatch(rf"[0-9a-f]{{{HASH_DIGITS.get(algorithm, 1_000)}}}", digest):
            return Fault(
                "BAD_HASH",
                f"{shown(option)} is not a hash that pip takes",
                "it takes sha256 (64 hex digits), sha384 (96) and sha512 (128)",
                f"make the hashes again: {COMPILE} -o {FILE_WANTED} {FILE_WANTED}",
            )
        hashes.add(f"{algorithm}:{digest}")
    return tuple(sorted(hashes))


def _specifier_fault(text: str, requirement: Requirement) -> Fault | None:
    name, specifier = requirement.name, requirement.specifier
    extras = f"[{','.join(sorted(requirement.extras))}]" if requirement.extras else ""
    if requirement.url:
        is_version = not version_fault(requirement.url)  # `numpy@1.26`, as npm writes it
        return unreadable(text) if is_version else direct_url(name + extras)
    exact = [item for item in specifier if item.operator in ("==", "===") and not item.version.endswith(".*")]
    if not exact:
        is_wildcard = any(item.operator == "==" for item in specifier)
        return unpinned(name, extras, str(specifier), "WILDCARD_PIN" if is_wildcard else "UNPINNED")
    pin = exact[0]
    why = version_fault(pin.version)
    if why:
        return system_package(name, pin.version) or bad_version(name, pin.version, why)
    has_more = "," in re.sub(r"\[.*?\]", "", text.partition(";")[0])  # `==1.0,==1.0` is one in the set
    if pin.operator == "==" and not has_more:
        return None
    fix = f"write {shown(name + extras, 300)}=={Version(pin.version)}"
    # said, not left open: what it is by default changed with packaging 26
    if not all(item.contains(pin.version, prereleases=True) for item in specifier):
        return Fault("IMPOSSIBLE", f"{shown(text)} admits no version", "its conditions contradict each other", fix)
    if has_more:
        return Fault("REDUNDANT_SPECIFIER", f"{shown(text)} has more than one specifier", "a pin has one `==`", fix)
    return Fault("ARBITRARY_EQUALITY", f"{shown(text)} compares text", "`==` says it, and compares versions", fix)


def _marker_fault(text: str, requirement: Requirement, environment: Mapping[str, str]) -> Fault | None:
    pin, _, marker = text.partition(";")
    why = meaning_fault(marker) if requirement.marker else ""
    if not requirement.marker or not why:
        return None
    fault = marker_fault(shown(text), why)
    try:
        holds = _holds(requirement.marker, environment)
    except (UndefinedComparison, UndefinedEnvironmentName, InvalidVersion):
        return fault
    # A build is for one Python and platform, where the line either counts or does not.
    fix = f"write {shown(pin.strip(), 300)}; for this Python pip takes the marker for true"
    return replace(fault, fix=fix if holds else "remove the line: for this Python pip takes its marker for false")


def _holds(marker: Marker, environment: Mapping[str, str]) -> bool:
    # the file itself is nobody's extra, and pip asks with this too
    return marker.evaluate({**environment, "extra": ""})
