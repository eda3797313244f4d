"""Environment markers that mean the same to pip and to uv.

PEP 508 allows more than both agree on; such markers are refused, with the reason.
"""

from __future__ import annotations

import re
from functools import lru_cache

from packaging.version import InvalidVersion, Version

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
