"""The shared libraries of this machine: does the loader find those that something needs."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence

from venvbuild.process import clean_environment, run

_TIMEOUT_S = 60
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


def missing(sonames: Sequence[str]) -> tuple[str, ...]:
    """Those that cannot be loaded here, in order. The loader itself is asked, in a process of its own."""
    sane = [name for name in sonames if _SONAME.fullmatch(name)]
    said = run([sys.executable, "-I", "-S", "-c", _PROBE, *sane], env=clean_environment(), timeout_s=_TIMEOUT_S).stdout
    absent = set(said.split())
    return tuple(name for name in sonames if name in absent or name not in sane)
