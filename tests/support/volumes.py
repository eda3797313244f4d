"""Folders on a mount of their own: as a container has one from outside, where a run of Jenkins may have its store; and
a disk that is full."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.requirement import require

_MOUNTED = Path("/dev/shm")  # every Linux, and every container, has it on a mount of its own


@pytest.fixture
def volume() -> Iterator[Path]:
    """An empty one."""
    assert os.path.ismount(_MOUNTED)
    with tempfile.TemporaryDirectory(prefix="venvbuild-tests-", dir=_MOUNTED) as folder:
        yield Path(folder)


@pytest.fixture
def full_disk(tmp_path: Path) -> Iterator[Path]:
    """A folder on a disk that takes no more byte."""
    folder = tmp_path / "full disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=16k", "none", folder], capture_output=True, text=True, check=False
    )
    require(mounted.returncode == 0, f"a tmpfs cannot be mounted here: {mounted.stderr.strip()}")
    try:
        (folder / "all of it").write_bytes(bytes(os.statvfs(folder).f_bavail * os.statvfs(folder).f_frsize))
        yield folder
    finally:
        subprocess.run(["umount", folder], check=True)
