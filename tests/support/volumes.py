"""Folders on a mount of their own: as a container has one from outside, where a run of Jenkins may have its store; and
disks that are full."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
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


@dataclass
class Mounts:
    """Mounts things on folders, which are there."""

    points: list[Path] = field(default_factory=list)

    def tmpfs(self, point: Path, options: str = "size=64m,mode=755") -> Path:
        """An empty file system of its own."""
        return self._mount(point, "-t", "tmpfs", "-o", options, "none")

    def bind(self, source: Path, point: Path) -> Path:
        """Another folder, also of the same file system."""
        return self._mount(point, "--bind", str(source))

    def layered(self, lower: Path, point: Path) -> Path:
        """A folder as a container sees what its image has; what is written lies beside `lower`, on a tmpfs."""
        written = lower.with_name(f"{lower.name}-written")
        written.mkdir()
        self.tmpfs(written)
        (written / "upper").mkdir()
        (written / "work").mkdir()
        options = f"lowerdir={lower},upperdir={written}/upper,workdir={written}/work"
        return self._mount(point, "-t", "overlay", "-o", options, "none")

    def _mount(self, point: Path, *what: str) -> Path:
        done = subprocess.run(["mount", *what, point], capture_output=True, text=True, check=False)
        require(done.returncode == 0, f"nothing can be mounted here: {done.stderr.strip()}")
        self.points.append(point)
        return point


@pytest.fixture
def mounts() -> Iterator[Mounts]:
    """What is mounted by it is unmounted at the end."""
    made = Mounts()
    yield made
    for point in reversed(made.points):
        subprocess.run(["umount", "--lazy", point], capture_output=True, check=False)  # the test may have done so


@pytest.fixture
def few_inodes(tmp_path: Path, mounts: Mounts) -> Callable[[int], Path]:
    """Makes a folder on a disk that has room for bytes, and for so many files and folders."""
    folder = tmp_path / "few inodes"
    folder.mkdir()

    # one is the folder's own
    return lambda count: mounts.tmpfs(folder, f"size=64m,nr_inodes={count + 1}")
