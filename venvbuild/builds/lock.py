"""A build's requirements.lock: every package of the closure with its version and hashes, as pip reads it."""

from __future__ import annotations

import re


def read_lock(text: str) -> list[tuple[str, str, tuple[str, ...]]]:
    """(name, version, hashes) of each entry of a lock as uv and `Closure.text` write it."""
    entries = []
    for line in re.sub(r"\\\r?\n", " ", text).splitlines():
        requirement, *hashes = line.split("--hash=")
        name, separator, version = requirement.partition("==")
        if separator:
            entries.append((name.strip(), version.split(";")[0].strip(), tuple(sorted(one.strip() for one in hashes))))
    return entries
