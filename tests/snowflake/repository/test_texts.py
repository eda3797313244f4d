"""A file is read whole or not at all."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from venvbuild.snowflake.repository.texts import NoText, text_of


@pytest.mark.parametrize(
    ("body", "what"),
    [(b"12345", "has more than 4 bytes"), (b"\xe4", "is not UTF-8"), (None, "cannot be read: No such")],
)
def test_what_is_no_text_of_that_size_is_told(tmp_path: Path, body: bytes | None, what: str) -> None:
    file = tmp_path / "f"
    if body is not None:
        file.write_bytes(body)
        with pytest.raises(NoText, match=what):
            text_of(io.BytesIO(body), 4)
    with pytest.raises(NoText, match=what):
        text_of(file, 4)


def test_all_of_it_is_read_without_the_mark(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"\xef\xbb\xbf1")
    assert text_of(tmp_path / "f", 4) == text_of(io.BytesIO(b"1"), 4) == "1"
    with pytest.raises(NoText, match="none of a file"):
        text_of(tmp_path / "a\0b", 4)
