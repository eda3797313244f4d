"""A file is as large as the lock that was given says, wherever its size comes to be known."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.index_server import IndexServer
from tests.support.supplies import pinned, supply
from tests.support.wheels import sdist, wheel
from venvbuild.environment import build_sdists, closure, create, files_of
from venvbuild.environment.package_source import PackageSource
from venvbuild.errors import IntegrityError
from venvbuild.requirements import SaidSize


def says(file: Path, more_bytes: int = 0) -> dict[str, SaidSize]:
    return {file.name: SaidSize(file.stat().st_size + more_bytes, "pylock.toml:7", 7)}


def refused(caught: pytest.ExceptionInfo[IntegrityError], file: Path, why: str) -> None:
    [problem] = caught.value.problems
    size = file.stat().st_size
    assert problem.what == f"{file.name} has {size:,} bytes, and the lock says {size + 1:,}"
    assert (problem.why, problem.where, problem.line, problem.rule) == (why, "pylock.toml:7", 7, "WRONG_SIZE")


def taken(given: PackageSource, tmp_path: Path) -> None:
    """Locked, listed and installed, as a build does it."""
    locked = closure.lock(pinned("tiny==1.0"), given, fail_on_conflicts=True, locked=False)
    files_of(locked, given)
    create(locked, given, tmp_path / "venv")


@pytest.mark.parametrize(("mode", "why"), [("json", "the index tells so"), ("ok", "so many came")])
def test_a_wheel_of_another_size_is_refused_where_that_is_told_or_seen(
    mode: str, why: str, index: IndexServer, tmp_path: Path
) -> None:
    file = wheel(index.folder, "tiny", "1.0", files={"tiny.py": f"x = {str(tmp_path)!r}\n"})
    given = supply(index, tmp_path / "work", mode=mode)
    with pytest.raises(IntegrityError) as caught:
        taken(replace(given, sizes=says(file, 1)), tmp_path)
    refused(caught, file, why)
    assert not (tmp_path / "venv").exists()
    taken(replace(given, sizes=says(file)), tmp_path)
    with pytest.raises(IntegrityError) as caught:  # what is in caches now is no excuse
        taken(replace(given, sizes=says(file, 1)), tmp_path)
    refused(caught, file, why)


def test_a_wheel_that_was_read_by_an_older_tool_is_measured_now(index: IndexServer, tmp_path: Path) -> None:
    file = wheel(index.folder, "tiny", "1.0", files={"tiny.py": f"x = {str(tmp_path)!r}\n"})
    given = supply(index, tmp_path / "work")
    taken(given, tmp_path)
    [known] = given.wheel_cache.known([f"sha256:{hashlib.sha256(file.read_bytes()).hexdigest()}"])
    given.wheel_cache.put(replace(known, size_bytes=None))
    index.ours.clear()
    (tmp_path / "more").mkdir()
    taken(given, tmp_path / "more")
    assert [path for path in index.ours if "/files/tiny" in path] == []
    with pytest.raises(IntegrityError) as caught:
        taken(replace(given, sizes=says(file, 1)), tmp_path)
    refused(caught, file, "so many came")


def test_the_size_that_an_index_without_sha256_tells_is_compared(index: IndexServer, tmp_path: Path) -> None:
    file = wheel(index.folder, "tiny", "1.0", files={"tiny.py": f"x = {str(tmp_path)!r}\n"})
    index.hash_kind = "sha512"
    given = supply(index, tmp_path / "work", mode="json")
    digest = hashlib.sha512(file.read_bytes()).hexdigest()
    pins = pinned(f"tiny==1.0 --hash=sha512:{digest}")
    locked = closure.lock(pins, given, fail_on_conflicts=True, locked=False)
    with pytest.raises(IntegrityError) as caught:
        files_of(locked, replace(given, sizes=says(file, 1)))
    refused(caught, file, "the index tells so")
    files_of(locked, replace(given, sizes=says(file)))


def test_a_source_of_another_size_is_not_built(index: IndexServer, tmp_path: Path) -> None:
    file = sdist(index.folder, "sourced", "1.0")
    given = supply(index, tmp_path / "work", sdists=["sourced"])
    with pytest.raises(IntegrityError) as caught:
        build_sdists(pinned("sourced==1.0"), replace(given, sizes=says(file, 1)))
    refused(caught, file, "so many came")
    assert build_sdists(pinned("sourced==1.0"), replace(given, sizes=says(file))).built
