"""How a closure stands on the index: who is asked, and what is known of a wheel."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.index_server import IndexServer
from tests.support.supplies import supply
from tests.support.wheels import wheel
from venvbuild.environment import PackageSource, standing
from venvbuild.environment.closure import Closure, LockedDistribution
from venvbuild.environment.standing import Wheel
from venvbuild.package_index import PackageIndex, WheelContents


def closure_of(*files: Path) -> Closure:
    locked = [
        LockedDistribution(file.name.split("-")[0], "1.0", (f"sha256:{hashlib.sha256(file.read_bytes()).hexdigest()}",))
        for file in files
    ]
    return Closure(tuple(locked), (), is_forced=False)


def pages_of(index: IndexServer) -> list[str]:
    return [path for path, _ in index.requests if "/simple/" in path]


def anew(source: PackageSource, mode: str = "json", index: IndexServer | None = None) -> PackageSource:
    """As another process has it, which has read no page yet."""
    return replace(source, index=PackageIndex(index.url(mode) if index else source.index.url))


def test_each_release_is_asked_for_once_and_then_known(index: IndexServer, tmp_path: Path) -> None:
    locked = closure_of(*(wheel(index.folder, name, "1.0") for name in ("aa", "bb", "cc")))
    source = supply(index, tmp_path, mode="json")
    first = standing.of_closure(locked, source)
    assert sorted(pages_of(index)) == [f"/json/simple/{name}/" for name in ("aa", "bb", "cc")]
    assert standing.of_closure(locked, anew(source)) == first
    assert len(pages_of(index)) == 3
    # but for one that somebody has doubts about
    standing.of_closure(locked, anew(source), doubted=["bb"])
    assert pages_of(index)[3:] == ["/json/simple/bb/"]


def test_an_answer_that_does_not_know_the_file_is_asked_for_again(index: IndexServer, tmp_path: Path) -> None:
    first = wheel(index.folder, "aa", "1.0")
    source = supply(index, tmp_path, mode="json")
    standing.of_closure(closure_of(first), source)
    more = closure_of(wheel(index.folder, "aa", "1.0", tag="py2.py3-none-any"))
    assert len(standing.of_closure(more, anew(source)).releases["aa"].files) == 2


def test_a_file_that_only_the_installer_can_read_is_asked_for_once(index: IndexServer, tmp_path: Path) -> None:
    locked = closure_of(wheel(index.folder, "aa", "1.0"))
    [one] = locked.distributions
    odd = Closure((replace(one, hashes=(*one.hashes, f"sha256:{'0' * 64}")),), (), is_forced=False)
    source = supply(index, tmp_path, mode="json")
    standing.of_closure(odd, source)
    standing.of_closure(odd, anew(source))
    assert len(pages_of(index)) == 1


def test_an_index_that_is_away_is_asked_once_and_fails_nothing(
    index: IndexServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(standing, "_WORKERS", 1)
    locked = closure_of(*(wheel(index.folder, name, "1.0") for name in ("aa", "bb", "cc")))
    found = standing.of_closure(locked, supply(index, tmp_path, mode="status-503"))
    assert (found.releases, len(pages_of(index))) == ({}, 1)
    assert "unavailable" in str(found.failure)
    assert standing.wheels_of(locked, {}, found)["aa"] == Wheel()


def test_of_a_wheel_is_known_what_the_index_tells_of_this_file(index: IndexServer, tmp_path: Path) -> None:
    file, other = wheel(index.folder, "aa", "1.0"), wheel(index.folder, "aa", "1.0", tag="py2.py3-none-any")
    index.uploaded |= {file.name: "2026-11-20T10:11:12Z", other.name: "2026-11-29T00:00:00Z"}
    index.yanked[other.name] = "the wrong file"
    index.statuses["aa"] = ("active", "")
    locked, held = closure_of(file), WheelContents.read(file)
    found = standing.of_closure(locked, supply(index, tmp_path, mode="json"))
    assert standing.wheels_of(locked, {"aa": held}, found)["aa"] == Wheel(
        file.name, held.sha256, file.stat().st_size, "2026-11-20T10:11:12Z", is_yanked=False, project_status="active"
    )
    # of a file that nobody knows, what holds for all
    unknown = standing.wheels_of(locked, {}, found)["aa"]
    assert unknown == Wheel(project_status="active")
    index.yanked[file.name] = ""
    withdrawn = standing.of_closure(locked, anew(supply(index, tmp_path / "again", mode="json"), index=index))
    told = standing.wheels_of(locked, {"aa": held}, withdrawn)["aa"]
    assert (told.is_yanked, told.yanked_reason) == (True, "")
