"""A secret of a test, looked for in the command line of every process while something runs."""

from __future__ import annotations

import base64
import contextlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

_PAUSE_S = 0.01


def forms(user: str, secret: str) -> tuple[str, ...]:
    """As it is, as a URL has it, and as a header has it."""
    return secret, quote(secret, safe=""), base64.b64encode(f"{user}:{secret}".encode()).decode()


@contextmanager
def watched(*needles: str) -> Iterator[tuple[list[str], set[str]]]:
    """The command lines that had one of them, and the names of all programs that ran, of all of this machine."""
    found, programs, ended = list[str](), set[str](), threading.Event()

    def look() -> None:
        while not ended.wait(_PAUSE_S):
            for process in Path("/proc").iterdir():
                if process.name.isdecimal():
                    with contextlib.suppress(OSError):
                        line = (process / "cmdline").read_bytes().decode(errors="replace")
                        programs.update(line.split("\0"))
                        found.extend([line] if any(one in line for one in needles) else [])

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield found, programs
    finally:
        ended.set()
        thread.join()
