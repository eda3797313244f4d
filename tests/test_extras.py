"""An extra is added by the first command that needs it."""

from __future__ import annotations

import hashlib
import importlib
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.index_server import IndexServer
from tests.support.wheels import wheel
from venvbuild import extras
from venvbuild.errors import IndexUnavailable, UsageError


@pytest.fixture(autouse=True)
def _path_as_it_was() -> Iterator[None]:
    before = list(sys.path)
    yield
    sys.path[:] = before
    sys.modules.pop("tiny_extra", None)


@pytest.fixture
def locks(tmp_path: Path, index: IndexServer, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Locks with the one extra `tiny`, which the index has."""
    made = wheel(index.folder, "tiny-extra", "1.0", files={"tiny_extra.py": "x = 1\n"})
    (tmp_path / "locks").mkdir()
    digest = hashlib.sha256(made.read_bytes()).hexdigest()
    (tmp_path / "locks" / "tiny.txt").write_text(f"tiny-extra==1.0 --hash=sha256:{digest}\n")
    monkeypatch.setenv("VENVBUILD_INDEX_URL", index.url())
    return tmp_path / "locks"


def test_an_extra_is_installed_once_and_can_be_imported(locks: Path, tmp_path: Path, index: IndexServer) -> None:
    extras.add("tiny", "tiny_extra", tmp_path / "cache", locks)
    assert importlib.import_module("tiny_extra").x == 1
    sys.modules.pop("tiny_extra")
    del sys.path[-1]
    for file in index.folder.iterdir():
        file.unlink()
    extras.add("tiny", "tiny_extra", tmp_path / "cache", locks)
    assert importlib.import_module("tiny_extra").x == 1


def test_what_is_there_is_not_installed(tmp_path: Path) -> None:
    before = list(sys.path)
    extras.add("tiny", "json", tmp_path / "cache", tmp_path)
    assert sys.path == before
    assert not (tmp_path / "cache").exists()


def test_without_a_lock_pip_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"pip install 'venvbuild\[tiny\]'"):
        extras.add("tiny", "tiny_extra", tmp_path / "cache", tmp_path)


def test_an_index_that_does_not_answer_is_6_and_leaves_nothing(
    locks: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VENVBUILD_INDEX_URL", "http://127.0.0.1:1/simple")
    monkeypatch.setenv("PIP_RETRIES", "0")
    with pytest.raises(IndexUnavailable):
        extras.add("tiny", "tiny_extra", tmp_path / "cache", locks)
    assert [path for path in (tmp_path / "cache").iterdir() if path.is_dir()] == []
