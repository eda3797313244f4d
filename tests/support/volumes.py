"""A folder as a container has it from outside, on a mount of its own: where a run of Jenkins may have its store."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

_MOUNTED = Path("/dev/shm")  # every Linux, and every container, has it on a mount of its own


@pytest.fixture
def volume() -> Iterator[Path]:
    """An empty one."""
    assert os.path.ismount(_MOUNTED)
    with tempfile.TemporaryDirectory(prefix="venvbuild-tests-", dir=_MOUNTED) as folder:
        yield Path(folder)
