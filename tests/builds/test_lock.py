"""A lock is read as uv and we write it."""

from __future__ import annotations

import pytest

from venvbuild.builds import read_lock


@pytest.mark.parametrize(
    ("text", "entries"),
    [
        pytest.param("a==1 \\\n    --hash=sha256:b\n", [("a", "1", ("sha256:b",))], id="one hash"),
        pytest.param("a==1 \\\r\n  --hash=y \\\r\n  --hash=x\r\n", [("a", "1", ("x", "y"))], id="sorted, CRLF"),
        pytest.param("a==1 ; sys_platform == 'linux'\n", [("a", "1", ())], id="marker"),
        pytest.param("# by uv\n\n--index-url x\n", [], id="no entry"),
    ],
)
def test_a_lock_is_read_as_it_is_written(text: str, entries: list[tuple[str, str, tuple[str, ...]]]) -> None:
    assert read_lock(text) == entries
