"""Processes of this machine, as /proc has them (proc(5)); a zombie is none."""

from __future__ import annotations

from pathlib import Path


def is_running(pid: int) -> bool:
    """Whether the process is there and does something."""
    return _facts(pid)[:1] not in ([], ["Z"], ["X"])


def children_of(pid: int) -> list[int]:
    """Those that it started and that still run, sorted."""
    numbers = sorted(int(path.name) for path in Path("/proc").iterdir() if path.name.isdecimal())
    return [one for one in numbers if _facts(one)[1:2] == [str(pid)] and is_running(one)]


def name_of(pid: int) -> str:
    """What it runs, without the folder; empty when it is gone."""
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return ""


def has_socket(pid: int) -> bool:
    """Whether it has a connection, or something that may become one."""
    try:
        return any(str(link.readlink()).startswith("socket:") for link in Path(f"/proc/{pid}/fd").iterdir())
    except OSError:
        return False


def _facts(pid: int) -> list[str]:
    """State, parent and so on; nothing when it is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []
