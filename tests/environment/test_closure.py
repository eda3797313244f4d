"""The closure: what the pins need, resolved by uv against a local index, and why it cannot be resolved."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.support.index_server import IndexServer
from tests.support.supplies import here, own_pip, pinned, supply
from tests.support.wheels import sdist, wheel
from venvbuild.builds import read_lock
from venvbuild.environment import closure
from venvbuild.environment.closure import Closure, LockedDistribution
from venvbuild.environment.package_source import PackageSource
from venvbuild.environment.wanted import pip_version, wanted_by
from venvbuild.errors import (
    ConflictsFound,
    IndexUnavailable,
    IntegrityError,
    RequirementsRefused,
    ResolutionError,
    StoreUnavailable,
    UsageError,
    VenvBuildError,
)
from venvbuild.process import CommandFailed
from venvbuild.requirements import Requirements


def lock(pins: Requirements, given: PackageSource, *, fails: bool = True, locked: bool = False) -> Closure:
    return closure.lock(pins, given, fail_on_conflicts=fails, locked=locked, wait=lambda seconds: None)


def versions(locked: Closure) -> list[str]:
    return [f"{one.name}=={one.version}" for one in locked.distributions]


def sha256(file: Path) -> str:
    return "sha256:" + hashlib.sha256(file.read_bytes()).hexdigest()


class Failing:
    """An installer whose first runs fail without a word, and at once where uv would try for long."""

    def __init__(self, given: PackageSource, times: int = 99) -> None:
        self._installer, self._left = given.installer, times

    def __getattr__(self, name: str) -> Any:
        return getattr(self._installer, name)

    def compile(self, *arguments: Any, **options: Any) -> str:
        self._left -= 1
        if self._left >= 0:
            raise CommandFailed(["uv"], 1, "", "")
        return self._installer.compile(*arguments, **options)


def failing(given: PackageSource, times: int = 99) -> PackageSource:
    return replace(given, installer=Failing(given, times))  # type: ignore[arg-type]


@pytest.fixture
def needy(index: IndexServer) -> IndexServer:
    """An index on which `needy` needs the first of two versions of `other`."""
    wheel(index.folder, "needy", "1.0", requires=["other==1.0"])
    wheel(index.folder, "other", "1.0")
    wheel(index.folder, "other", "2.0")
    return index


def test_what_the_pins_need_is_locked_with_them_and_a_pip(needy: IndexServer, tmp_path: Path) -> None:
    locked = lock(pinned("needy==1.0"), supply(needy, tmp_path))
    assert versions(locked) == ["needy==1.0", "other==1.0", own_pip()]
    assert (locked.not_pinned, locked.is_forced) == (("other",), False)


def test_each_line_of_the_lock_has_the_hashes_of_the_files_on_the_index(needy: IndexServer, tmp_path: Path) -> None:
    first, second = wheel(needy.folder, "tiny", "1.0"), sdist(needy.folder, "tiny", "1.0")
    locked = lock(pinned("tiny==1.0"), supply(needy, tmp_path))
    (tiny,) = (one for one in locked.distributions if one.name == "tiny")
    assert tiny.hashes == tuple(sorted((sha256(first), sha256(second))))


def test_the_same_pins_give_the_same_lock_in_whatever_order_they_stand(needy: IndexServer, tmp_path: Path) -> None:
    one = lock(pinned("needy==1.0", "other==1.0"), supply(needy, tmp_path))
    other = lock(pinned("other==1.0", "needy==1.0"), supply(needy, tmp_path))
    assert one.text() == other.text()


def test_a_pip_that_is_pinned_is_the_only_one(index: IndexServer, tmp_path: Path) -> None:
    wheel(index.folder, "pip", "20.0")
    locked = lock(pinned("pip==20.0"), supply(index, tmp_path))
    assert versions(locked) == ["pip==20.0"]


def test_a_pin_whose_marker_is_false_is_not_locked(needy: IndexServer, tmp_path: Path) -> None:
    locked = lock(pinned("other==2.0", "absent==1.0 ; python_version < '3'"), supply(needy, tmp_path))
    assert versions(locked) == ["other==2.0", own_pip()]


def test_an_extra_of_a_pin_brings_what_it_needs(needy: IndexServer, tmp_path: Path) -> None:
    wheel(needy.folder, "rich-one", "1.0", extras=["more"], requires=["other ; extra == 'more'"])
    locked = lock(pinned("rich-one[more]==1.0"), supply(needy, tmp_path))
    assert versions(locked) == ["other==2.0", own_pip(), "rich-one==1.0"]


def test_of_several_hashes_the_file_keeps_those_that_it_names(needy: IndexServer, tmp_path: Path) -> None:
    kept = sha256(wheel(needy.folder, "tiny", "1.0"))
    sdist(needy.folder, "tiny", "1.0")
    locked = lock(pinned(f"tiny==1.0 --hash={kept} --hash=sha256:{'0' * 64}"), supply(needy, tmp_path))
    assert locked.distributions[-1] == LockedDistribution("tiny", "1.0", (kept,))


def test_a_hash_that_no_file_of_the_index_has_is_told_with_its_line(needy: IndexServer, tmp_path: Path) -> None:
    lines = ("needy==1.0 --hash=sha256:" + "0" * 64, "other==1.0 --hash=sha256:" + "1" * 64)
    with pytest.raises(IntegrityError, match=r"no file of needy 1\.0 has one of the hashes given") as caught:
        lock(pinned(*lines), supply(needy, tmp_path))
    assert caught.value.problems[0].where == "pins.txt:1"
    assert sha256(needy.folder / "needy-1.0-py3-none-any.whl") in caught.value.problems[0].why


def test_what_was_built_here_has_the_hashes_of_that_wheel_and_of_its_source(index: IndexServer, tmp_path: Path) -> None:
    source = sdist(index.folder, "sourced", "1.0")
    built = wheel(tmp_path / "wheels", "sourced", "1.0")
    given = supply(index, tmp_path, sdists=["sourced"])
    project = given.index.project("sourced")
    assert project
    given = replace(
        given, built={"sourced": sha256(built)}, wheels=(built.parent,), sources={"sourced": project.files[0]}
    )
    locked = lock(pinned("sourced==1.0"), given)
    hashes = tuple(sorted([sha256(built), sha256(source)]))
    assert locked.distributions[-1] == LockedDistribution("sourced", "1.0", hashes)


def test_pins_that_contradict_each_other_are_a_conflict_with_its_line(needy: IndexServer, tmp_path: Path) -> None:
    with pytest.raises(ConflictsFound) as caught:
        lock(pinned("needy==1.0", "other==2.0"), supply(needy, tmp_path))
    (problem,) = caught.value.problems
    assert problem.what == "needy 1.0 needs other==1.0, other 2.0 is pinned"
    assert problem.where == "pins.txt:2"
    assert problem.fix == "write other==1.0; tried: with it the other pins stay as they are"


def test_contradicting_pins_are_taken_as_written_when_conflicts_are_allowed(needy: IndexServer, tmp_path: Path) -> None:
    locked = lock(pinned("needy==1.0", "other==2.0"), supply(needy, tmp_path), fails=False)
    assert versions(locked) == ["needy==1.0", "other==2.0", own_pip()]
    assert locked.is_forced


def test_forced_pins_keep_the_extras_that_others_ask_of_them(needy: IndexServer, tmp_path: Path) -> None:
    wheel(needy.folder, "base", "1.0", extras=["more"], requires=["other==2.0 ; extra == 'more'"])
    wheel(needy.folder, "asker", "1.0", requires=["base[more]==2.0"])
    locked = lock(pinned("asker==1.0", "base==1.0"), supply(needy, tmp_path), fails=False)
    assert "other==2.0" in versions(locked)


def test_pins_that_cannot_be_forced_are_told_with_both_reasons(needy: IndexServer, tmp_path: Path) -> None:
    wheel(needy.folder, "stuck", "1.0", requires=["other==1.0", "other-thing>5", "other-thing<5"])
    wheel(needy.folder, "other-thing", "1.0")
    wheel(needy.folder, "other-thing", "9.0")
    with pytest.raises(ResolutionError) as caught:
        lock(pinned("stuck==1.0", "other==2.0"), supply(needy, tmp_path), fails=False)
    alone, together = caught.value.problems
    assert (alone.rule, together.rule) == ("UNSATISFIABLE", "CONFLICT")
    assert "other-thing" in alone.why


def test_a_pin_that_no_index_has_names_the_newest_version(needy: IndexServer, tmp_path: Path) -> None:
    with pytest.raises(ResolutionError) as caught:
        lock(pinned("other==7.0"), supply(needy, tmp_path))
    (problem,) = caught.value.problems
    assert (problem.what, problem.where) == ("there is no version other==7.0", "pins.txt:1")
    assert problem.fix == "write one that exists, for instance other==2.0"


def test_what_is_only_there_as_source_needs_to_be_allowed(index: IndexServer, tmp_path: Path) -> None:
    sdist(index.folder, "sourced", "1.0")
    with pytest.raises(ResolutionError, match=r"has no wheel at all.*--allow-sdist sourced"):
        lock(pinned("sourced==1.0"), supply(index, tmp_path))


def test_a_locked_file_that_is_its_own_closure_passes(needy: IndexServer, tmp_path: Path) -> None:
    locked = lock(pinned("needy==1.0", "other==1.0"), supply(needy, tmp_path), locked=True)
    assert locked.not_pinned == ()


def test_a_locked_file_that_lacks_pins_is_refused_with_the_completed_one(needy: IndexServer, tmp_path: Path) -> None:
    with pytest.raises(RequirementsRefused, match=r"pins\.txt is not its own closure: 1 more") as caught:
        lock(pinned("needy==1.0"), supply(needy, tmp_path / "work"), locked=True)
    completed = tmp_path / "work" / "requirements.lock.txt"
    assert (caught.value.problems[0].why, caught.value.exit_code) == ("other", 3)
    assert str(completed) in caught.value.problems[0].fix
    assert "other==1.0 \\\n    --hash=sha256:" in completed.read_text()


@pytest.mark.parametrize(
    ("mode", "kind", "said"),
    [
        pytest.param("status-503", IndexUnavailable, "HTTP 503", id="away"),
        pytest.param("status-401", UsageError, "refuses access", id="refuses"),
        pytest.param("none", UsageError, "not even pip", id="no index"),
        pytest.param("login", UsageError, "not even pip", id="login page"),
    ],
)
def test_an_index_that_fails_is_the_reason_and_not_the_pins(
    mode: str, kind: type[VenvBuildError], said: str, needy: IndexServer, tmp_path: Path
) -> None:
    with pytest.raises(kind, match=said):
        lock(pinned("needy==1.0"), failing(supply(needy, tmp_path, mode=mode)))


def test_an_installer_that_fails_once_is_asked_once_more(needy: IndexServer, tmp_path: Path) -> None:
    locked = lock(pinned("needy==1.0"), failing(supply(needy, tmp_path), times=1))
    assert versions(locked)[:2] == ["needy==1.0", "other==1.0"]


def test_an_index_that_is_away_is_asked_three_times(needy: IndexServer, tmp_path: Path) -> None:
    given, waited = failing(supply(needy, tmp_path, mode="status-503")), list[float]()
    with pytest.raises(IndexUnavailable):
        closure.lock(pinned("needy==1.0"), given, fail_on_conflicts=True, locked=False, wait=waited.append)
    assert waited == [2.0, 4.0]


def test_a_full_disk_is_not_blamed_on_the_pins(
    needy: IndexServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = supply(needy, tmp_path)
    monkeypatch.setattr("shutil.disk_usage", lambda folder: type("Usage", (), {"free": 1000}))
    with pytest.raises(StoreUnavailable, match="the disk is full"):
        lock(pinned("other==7.0"), given)


def test_a_reason_that_lies_deep_is_told_in_the_words_of_uv(index: IndexServer, tmp_path: Path) -> None:
    """Something that nobody pinned has metadata that cannot be read: the walk along the newest does not see it."""
    wheel(index.folder, "top", "1.0", requires=["left", "right"])
    wheel(index.folder, "left", "1.0", requires=["shared==1.0"])
    wheel(index.folder, "right", "1.0", requires=["shared==1.0", "shared-more"])
    wheel(index.folder, "shared", "1.0", metadata="Metadata-Version: 2.1\nName: shared\nVersion: not-one\n")
    wheel(index.folder, "shared-more", "1.0")
    with pytest.raises(ResolutionError, match=r"top 1\.0 cannot be installed, whatever is chosen") as caught:
        lock(pinned("top==1.0"), supply(index, tmp_path))
    assert "shared" in caught.value.problems[0].why


def test_a_version_that_the_resolver_calls_yanked_is_doubted(index: IndexServer, tmp_path: Path) -> None:
    wheel(index.folder, "other", "1.0")
    index.yanked[wheel(index.folder, "tiny", "2.0").name] = "it bites"
    assert lock(pinned("tiny==2", "other==1.0"), supply(index, tmp_path)).doubted == ("tiny",)


def test_a_lock_that_is_written_reads_back() -> None:
    given = Closure((LockedDistribution("a", "1.0", ("sha256:1", "sha256:2")),), (), is_forced=False)
    assert read_lock(given.text()) == [("a", "1.0", ("sha256:1", "sha256:2"))]


@pytest.mark.parametrize(("python", "pip"), [("3.8", "25.0.1"), ("3.9", "26.0.1"), ("3.11", "26.3"), ("3.14", "26.3")])
def test_each_python_gets_the_newest_pip_that_runs_on_it(python: str, pip: str) -> None:
    assert pip_version(python) == pip


def test_the_pip_of_every_environment_is_wanted_too(index: IndexServer, tmp_path: Path) -> None:
    wanted = wanted_by(pinned("tiny[b,a]==1.0"), here(), ["tiny"])
    assert [(one.name, one.where, one.sdist_allowed) for one in wanted] == [
        ("tiny", "pins.txt:1", True),
        ("pip", "the pip of every environment", False),
    ]
    assert wanted[1].version == pip_version(here().version)


def test_what_an_earlier_try_resolved_has_no_say(index: IndexServer, tmp_path: Path) -> None:
    """uv prefers the versions of the file that it is to write."""
    wheel(index.folder, "needy", "1.0", requires=["other"])
    wheel(index.folder, "other", "1.0")
    given = supply(index, tmp_path)
    assert "other==1.0" in versions(lock(pinned("needy==1.0"), given))
    wheel(index.folder, "other", "2.0")
    assert "other==2.0" in versions(lock(pinned("needy==1.0"), given))
