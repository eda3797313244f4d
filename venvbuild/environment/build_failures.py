"""Why a source distribution could not be built, out of hundreds of lines of a compiler and of Python.

What was said is anybody's text: only what is to be shown first is chosen by it, and which program or header is missing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from venvbuild.text import shown

_MOST_SHOWN = 1500
_LINE = 300
_MISSING = tuple(
    re.compile(pattern)
    for pattern in (
        r"fatal error: '?([\w./+-]+\.h(?:pp|xx)?)'?: No such file",
        r"fatal error: '([\w./+-]+\.h(?:pp|xx)?)' file not found",
        r"\b([\w.+-]+) executable (?:was |is )?not found",
        r"No such file or directory: '([\w.+-]+)'$",
        r"error: command '([\w.+/-]+)' failed: No such file",
        r"unable to execute '?([\w.+/-]+?)'?: No such file",
        r"\b(Rust compiler|rustc|cargo|cmake|CMake|ninja|swig|gfortran|pkg-config)\b[^.]*? not (?:be )?"
        r"(?:found|installed)",
        r"can't find (Rust compiler)",
        r"cannot find -l([\w.+-]+)",
    )
)  # fmt: skip
# Python's own headers, which later versions have elsewhere or no more: no package brings them back.
_OF_PYTHON = frozenset({"longintrepr.h", "pgenheaders.h", "node.h", "grammar.h", "parsetok.h", "graminit.h", "asdl.h"})
_OF_COMPILER = re.compile(r": (?:fatal )?error: ")
_OF_PYTHON_CODE = re.compile(r"(?:\w+\.)*\w*(?:Error|Exception|NotFound|Missing)\b(?:$|:)|error: ")
# The frame that uv puts around what the build said, and what compilers say after the reason.
_FRAME = re.compile(
    r"\s*(?:error: Failed to build|cause: |hint: |error: command .* failed with exit|[×╰├│]|\[std(?:err|out)\]|"
    r"subprocess\.CalledProcessError|distutils\.errors\.|setuptools\.errors\.|Building wheel from)"
)


def missing(said: str) -> str:
    """The program, header or library that the build did not find here; empty when it says none."""
    for line in said.splitlines():
        for pattern in _MISSING:
            found = pattern.search(line)
            if found and found[1] not in _OF_PYTHON:
                return shown(found[1], 60)
    return ""


def cause(said: str) -> str:
    """What it said, its reason first; at most 1,500 characters."""
    reason = next(_reasons(said), "")
    end = " ".join(said.split())
    if not reason or end.startswith(reason):
        return end[-_MOST_SHOWN:]
    room = _MOST_SHOWN - len(reason) - len("; it ended: ")
    return f"{reason}; it ended: {end[-room:]}"


def _reasons(said: str) -> Iterator[str]:
    """The lines that may be the reason, the likeliest first."""
    lines = [" ".join(line.split()) for line in said.splitlines() if line.strip() and not _FRAME.match(line)]
    yield from (line[:_LINE] for line in lines if any(pattern.search(line) for pattern in _MISSING))
    yield from (line[:_LINE] for line in lines if _OF_COMPILER.search(line))
    yield from (line[:_LINE] for line in reversed(lines) if _OF_PYTHON_CODE.match(line))
    yield from (line[:_LINE] for line in lines[-1:])
