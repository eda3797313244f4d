"""A program at a terminal: what it prints there, and what is typed."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import struct
import subprocess
import termios
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

_PATIENCE_S = 120


def at_a_terminal(
    command: Sequence[str | Path], env: Mapping[str, str], cwd: Path, *, columns: int = 80, typed: bytes = b""
) -> tuple[int, str]:
    """Its exit code and all that a terminal of this width got, stdout and stderr; what is `typed` is there at once."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    running = subprocess.Popen(
        [*map(str, command)], stdin=theirs, stdout=theirs, stderr=theirs, env=env, cwd=cwd, start_new_session=True,
        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
    )  # fmt: skip
    os.close(theirs)
    os.write(ours, typed)
    said, deadline = bytearray(), time.monotonic() + _PATIENCE_S
    try:
        while chunk := _read(ours, deadline):
            said += chunk
        return running.wait(_PATIENCE_S), said.decode("utf-8", "replace").replace("\r\n", "\n")
    finally:
        running.kill()
        running.wait()
        os.close(ours)


def _read(terminal: int, deadline: float) -> bytes:
    ready, _, _ = select.select([terminal], [], [], max(0.0, deadline - time.monotonic()))
    assert ready, "it does not end"
    try:
        return os.read(terminal, 1 << 16)
    except OSError:  # the last who had it open has closed it
        return b""
