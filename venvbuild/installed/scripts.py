"""Scripts that name the Python of their environment, made to find the one beside them."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Iterable

# `#!/venv/bin/python`, or through sh where that is over 127 characters or has a space (distlib, pip, uv, virtualenv);
# they quote the path with `"`, with `'`, or not at all.
_SHEBANG = re.compile(rb"\A(?:#!/bin/sh\n'''exec' (?P<quoted>[^\n]+) \"\$0\" \"\$@\"\n' '''|#!(?P<plain>/[^\n]*))\n")
# What follows `/venv/bin/python`; Linux hands over one word of options (execve(2)).
_PYTHON = re.compile(r"[0-9.]*t?(?P<options> +-[A-Za-z]+)? *")
# As uv writes it: the interpreter is the one beside the script. To Python its lines are a text that nobody uses.
_RELOCATABLE_SHEBANG = (
    b"#!/bin/sh\n'''exec' \"$(dirname -- \"$(realpath -- \"$0\")\")\"/'python'%b \"$0\" \"$@\"\n' '''\n"
)


def relocatable(script: bytes, venvs: Iterable[str]) -> bytes | None:
    """A script that names the Python of one of `venvs` (absolute paths), made to use the one beside it with the same
    options (`-sE`).

    None: it names none of them.
    """
    match = _SHEBANG.match(script)
    named = _named(match) if match else ""
    for venv in venvs:
        python = os.path.join(venv, "bin", "python")
        rest = _PYTHON.fullmatch(named.removeprefix(python)) if named.startswith(python) else None
        if match and rest:
            return _RELOCATABLE_SHEBANG % (rest["options"] or "").encode() + script[match.end() :]
    return None


def _named(match: re.Match[bytes]) -> str:
    if match["plain"]:
        return os.fsdecode(match["plain"])
    try:
        words = shlex.split(os.fsdecode(match["quoted"]))
    except ValueError:
        return ""
    # The interpreter and one word of options, as behind a plain `#!`.
    return " ".join(words) if len(words) <= 2 else ""
