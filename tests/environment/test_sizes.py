"""A file is as large as the lock that was given says, wherever its size comes to be known."""

from __future__ import annotations

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


def test_a_source_of_another_size_is_not_built(index: IndexServer, tmp_path: Path) -> None:
    file = sdist(index.folder, "sourced", "1.0")
    given = supply(index, tmp_path / "work", sdists=["sourced"])
    with pytest.raises(IntegrityError) as caught:
        build_sdists(pinned("sourced==1.0"), replace(given, sizes=says(file, 1)))
    refused(caught, file, "so many came")
    assert build_sdists(pinned("sourced==1.0"), replace(given, sizes=says(file))).built
