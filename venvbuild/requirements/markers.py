"""Environment markers that mean the same to pip and to uv, and those of a lock, which one reader has to decide.

PEP 508 allows more than pip and uv agree on; such markers are refused, with the reason. Of a lock those are refused
that are decided by a comparison which means nothing: as false it would leave its package out without a word.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from functools import lru_cache

from packaging.markers import Marker
from packaging.specifiers import InvalidSpecifier, Specifier
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from venvbuild.text import shown

MAX_MARKER_LENGTH = 4096
_MAX_DEPTH = 32  # parsers recurse at each parenthesis; the deepest marker a resolver writes has two or three

_STRING = r"\"[^\"]*\"|'[^']*'"
_COMPARISON = re.compile(
    rf"(?P<left>{_STRING}|[A-Za-z_.]+)\s*(?P<op><=|>=|===|==|!=|~=|<|>|\bnot\s+in\b|\bin\b)\s*(?P<right>{_STRING}|[A-Za-z_.]+)"
)
# What a quoted value may hold: pip takes ` -x` for an option and ` #` for a comment, quoted or not.
_TEXT = re.compile(r"(?!.*\s-)[A-Za-z0-9_.,+*!~ -]*")

_VERSIONS = frozenset({"python_version", "python_full_version", "implementation_version"})
_TEXTS = frozenset(
    {
        "os_name",
        "sys_platform",
        "platform_machine",
        "platform_python_implementation",
        "platform_system",
        "implementation_name",
        "os.name",
        "sys.platform",
        "platform.machine",
        "platform.python_implementation",
        "python_implementation",
    }
)
_KERNEL = frozenset({"platform_release", "platform_version", "platform.version"})
_EXTRAS = frozenset({"extra", "extras", "dependency_groups"})
_SETS = {"extras": "extra", "dependency_groups": "group"}
"""What a lock has sets of (PEP 751), and what one of them is called."""
_FALSE, _TRUE = "python_version < '0'", "python_version >= '0'"
"""What stands for a comparison that means nothing."""
_MINORS = re.compile(r"\d+\.\d+(?: +\d+\.\d+)*")  # uv splits at blanks only, and ignores what has a comma


def shape_fault(marker: str) -> str:
    """Why `marker` should not even be parsed; empty when it may be."""
    if len(marker) > MAX_MARKER_LENGTH:
        return f"it has {len(marker)} characters; {MAX_MARKER_LENGTH} are read"
    depth = deepest = 0
    for character in marker:
        depth += (character == "(") - (character == ")")
        deepest = max(deepest, depth)
    return f"its parentheses are nested {deepest} deep; {_MAX_DEPTH} are read" if deepest > _MAX_DEPTH else ""


@lru_cache(maxsize=256)
def meaning_fault(marker: str) -> str:
    """Why pip and uv may disagree about `marker`, which PEP 508 allows; empty when they agree."""
    for comparison in _COMPARISON.finditer(marker):
        fault = _comparison_fault(comparison["left"], re.sub(r"\s+", " ", comparison["op"]), comparison["right"])
        if fault:
            return fault
    return ""


def _comparison_fault(left: str, op: str, right: str) -> str:
    # two names, or two values: uv ignores the comparison and takes the marker for true, pip compares text
    if (left[0] in "\"'") == (right[0] in "\"'"):
        return "a comparison needs one name and one quoted value; uv ignores any other"
    is_reversed = left[0] in "\"'"
    variable, value = (right, left[1:-1]) if is_reversed else (left, right[1:-1])
    if variable in _EXTRAS:
        return f"nobody asks a requirements file for `{variable}`"
    if variable in _KERNEL:
        return f"`{variable}` is the kernel of one machine, and pip and uv compare it differently"
    if not _TEXT.fullmatch(value):
        return f"pip cannot read the value of `{variable}`"
    if op == "===":
        return "`===` in a marker means different things to pip and to uv"
    if variable in _VERSIONS:
        return _version_comparison_fault(variable, op, value, is_reversed)
    if op not in ("==", "!=", "in", "not in"):
        return f"`{variable}` is text, which has no order: use == or !="
    return ""


def _version_comparison_fault(variable: str, op: str, value: str, is_reversed: bool) -> str:
    if op in ("in", "not in"):
        if variable == "python_version" and not is_reversed and _MINORS.fullmatch(value):
            return ""
        return f"pip searches the text of `{variable}`, uv compares versions: use ==, !=, < or >="
    version = value
    if not is_reversed and op in ("==", "!=") and value.endswith(".*"):
        version = value[:-2]
    if op == "~=" and (is_reversed or "." not in version):
        return "`~=` needs a version of at least two numbers on its right"
    try:
        parsed = Version(version)
    except InvalidVersion:
        # uv ignores such a comparison and takes the marker for true, pip compares text
        return f"`{variable}` is compared with something that is no version"
    is_plain = str(parsed) == ".".join(map(str, parsed.release))
    return "" if is_plain else f"`{variable}` is compared with more than numbers and dots, where pip and uv differ"


class Undecidable(ValueError):
    """Nobody can say whether a marker holds; the text is the reason."""


def holds_in_lock(
    marker: str, environment: Mapping[str, str | frozenset[str]], known: Mapping[str, Collection[str] | None]
) -> bool:
    """Whether a marker of a pylock.toml holds; `known` has the names of all its `extras` and `dependency_groups`,
    None where these cannot be read, so that any may be one.

    Raises:
        Undecidable: a comparison that means nothing decides it. One that changes nothing is passed over, as in
            `sys_platform == 'win32' and platform_release >= '10'` on Linux, whose kernel's release is no version.
        RecursionError: it is nested too deeply.
    Source: PEP 508 and 751; there is no `not`, so that what is the same for all of them false and all true is certain.
    """
    text, reasons = str(Marker(marker)), dict[str, str]()
    for found in _COMPARISON.finditer(text):
        operator = re.sub(r"\s+", " ", found["op"])
        if why := _undecidable(found["left"], operator, found["right"], environment, known):
            reasons[found[0]] = why

    def answer(solid: str) -> bool:
        certain = _COMPARISON.sub(lambda found: solid if found[0] in reasons else found[0], text)
        return Marker(certain).evaluate({**environment}, context="lock_file")

    at_least, at_most = answer(_FALSE), answer(_TRUE)
    if at_least != at_most:
        raise Undecidable("; ".join(dict.fromkeys(reasons.values())))
    return at_least


def _undecidable(
    left: str,
    op: str,
    right: str,
    environment: Mapping[str, str | frozenset[str]],
    known: Mapping[str, Collection[str] | None],
) -> str:
    """Why a comparison means nothing there; empty when it does."""
    if (left[0] in "\"'") == (right[0] in "\"'"):
        return "a comparison needs one name and one quoted value"
    is_reversed = left[0] in "\"'"
    variable, value = (right, left[1:-1]) if is_reversed else (left, right[1:-1])
    if variable == "extra":
        return f"`extra` is of what a package says it needs; in a lock it is {shown(value, 40)!r} in extras"
    if variable in _SETS:
        return _set_fault(variable, op, value, known[variable]) if is_reversed else _of_set(variable)
    here = environment.get(variable)
    if not isinstance(here, str) or not here:  # empty where nobody could say (`platform` of Python)
        return f"`{variable}` is not known of the target"
    if op in ("in", "not in"):
        return ""
    if variable in _VERSIONS or variable == "platform_release":
        return _version_fault(variable, op, value, here, is_reversed)
    return "" if op in ("==", "!=") else f"`{variable}` is text, which has no order: it can be == or !="


def _set_fault(variable: str, op: str, value: str, names: Collection[str] | None) -> str:
    if op not in ("in", "not in"):
        return _of_set(variable)
    if names is None or canonicalize_name(value) in map(canonicalize_name, names):
        return ""
    there = f"it has {shown(', '.join(sorted(names)), 200)}" if names else "it has none"
    return f"the file has no {_SETS[variable]} {shown(value, 40)}, so that nobody can ask for it; {there}"


def _of_set(variable: str) -> str:
    return f"`{variable}` is a set of names: it can be asked with 'name' in {variable}"


def _version_fault(variable: str, op: str, value: str, here: str, is_reversed: bool) -> str:
    if variable == "python_full_version":
        here = here.rstrip("+")  # of one that somebody built between two releases; `packaging` knows that
    left, right = (value, here) if is_reversed else (here, value)
    is_specifier = _can_be(Specifier, f"{op}{right}")
    # PEP 508: as text where it is no version. Where only the left one is none, `packaging` says false, of `!=` too.
    is_text = is_specifier if op == "===" else op in ("==", "!=") and not is_specifier
    if (variable == "platform_release" and is_text) or (is_specifier and _can_be(Version, left)):
        return ""
    asked = f"{value!r} {op}" if is_reversed else f"{op} {value!r}"
    return f"`{variable}`, which is {shown(here, 60)}, cannot be compared as a version with {shown(asked, 60)}"


def _can_be(kind: type[Specifier | Version], text: str) -> bool:
    try:
        kind(text)
    except (InvalidSpecifier, InvalidVersion):
        return False
    return True
