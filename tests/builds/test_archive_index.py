"""archive_index.json fits its schema and the archive it tells of, and one that lies is refused."""

from __future__ import annotations

import hashlib
import json
import zlib
from pathlib import Path
from typing import Any

import pytest

from tests.support.packing import Packable
from venvbuild.archive import compression
from venvbuild.archive.packing import Archive
from venvbuild.builds import archive_index
from venvbuild.errors import IntegrityError


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Archive:
    monkeypatch.setattr(compression, "PIECE_BYTES", 10_000)
    env = Packable(tmp_path)
    env.install("good", files={"good.py": "x = 1\n", "big.bin": "0123456789" * 2500})
    env.install("other")
    return env.pack()


def test_it_comes_back_as_it_was_written(made: Archive) -> None:
    assert archive_index.parse_index(made.index.text().encode()) == made.index
    assert made.index.text().count("\n") == len(made.index.fragments) + 2


def test_each_fragment_inflates_on_its_own_to_what_the_index_says(made: Archive) -> None:
    content = made.path.read_bytes()
    for fragment in made.index.fragments:
        body = content[fragment.offset : fragment.offset + fragment.length]
        plain = zlib.decompressobj(-15).decompress(body)
        assert hashlib.sha256(body).hexdigest() == fragment.sha256
        assert (len(plain), zlib.crc32(plain)) == (fragment.plain_length, fragment.crc32)
        assert hashlib.sha256(plain).hexdigest() == fragment.plain_sha256


def test_a_distribution_after_another_and_a_large_file_over_several(made: Archive) -> None:
    shape = [(fragment.distribution, fragment.continues) for fragment in made.index.fragments]
    good = [entry for entry in shape if entry[0] == "good"]
    assert [name for name, _ in shape if name] == ["good"] * len(good) + ["other"]
    assert (shape[0][0], shape[-1][0]) == (None, None)
    assert [continues for _, continues in good].count(True) == 2


@pytest.mark.parametrize(
    ("field", "value"),
    [("offset", 11), ("length", 10**12), ("plain_length", 1), ("sha256", "x"), ("crc32", -1), ("offset", "10"),
     ("distribution", 5), ("continues", None)],
)  # fmt: skip
def test_a_fragment_that_lies_is_refused(made: Archive, field: str, value: Any) -> None:
    told = json.loads(made.index.text())
    told["fragments"][1][field] = value
    with pytest.raises(IntegrityError, match="not valid"):
        archive_index.parse_index(json.dumps(told).encode())


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b'{"schema_version": 2}', b"[" * 100_000])
def test_what_is_no_index_is_refused(content: bytes) -> None:
    with pytest.raises(IntegrityError, match="not valid"):
        archive_index.parse_index(content)


def test_unknown_fields_are_passed_over(made: Archive) -> None:
    told = json.loads(made.index.text())
    told["new"] = told["fragments"][0]["new"] = 1
    assert archive_index.parse_index(json.dumps(told).encode()) == made.index
