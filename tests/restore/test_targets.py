"""The folder that an environment is restored to; what `get` does with it is in test_restoring."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from tests.support.requirement import require
from tests.support.volumes import Mounts
from venvbuild.archive import MARKER
from venvbuild.errors import StoreUnavailable, UsageError
from venvbuild.restore import staging, targets


def made(folder: Path, name: str = "made") -> Path:
    """An environment as `get` leaves it, with a file that tells which."""
    folder.mkdir()
    (folder / MARKER).write_text(json.dumps({"made_by": "venvbuild get"}))
    (folder / name).write_text("")
    return folder


def put(target: Path, name: str, *, meanwhile: Callable[[], object] = lambda: None) -> str:
    """Put an environment there that has this file; why it was filled in place, if it was."""
    with targets.staged(target) as place:
        meanwhile()
        return targets.put_in_place(made(place.folder / "new", name), place)


def names(folder: Path) -> set[str]:
    return {entry.name for entry in folder.iterdir()}


@pytest.mark.parametrize(
    "there",
    [
        pytest.param(lambda target: None, id="absent"),
        pytest.param(lambda target: target.mkdir(), id="empty"),
        pytest.param(made, id="made by get"),
    ],
)
def test_what_is_absent_empty_or_ours_may_be_replaced(tmp_path: Path, there: Callable[[Path], object]) -> None:
    there(tmp_path / "venv")
    targets.check(tmp_path / "venv")


@pytest.mark.parametrize(
    "there",
    [
        pytest.param(lambda target: target.write_text("mine"), id="file"),
        pytest.param(lambda target: target.symlink_to("nowhere"), id="dangling link"),
        pytest.param(lambda target: target.symlink_to(made(target.parent / "other")), id="link to ours"),
        pytest.param(lambda target: (target.mkdir(), (target / "x").mkdir()), id="full folder"),
    ],
)
def test_what_is_somebodys_may_not_be_replaced(tmp_path: Path, there: Callable[[Path], object]) -> None:
    there(tmp_path / "venv")
    with pytest.raises(UsageError, match="not made by `venvbuild get`; nothing was touched") as caught:
        targets.check(tmp_path / "venv")
    (problem,) = caught.value.problems
    assert (problem.where, problem.rule) == (str(tmp_path / "venv"), "NOT_OURS")


def test_a_target_whose_folder_is_not_there_comes_with_the_command_that_makes_it(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        targets.check(tmp_path / "a b" / "venv")
    assert caught.value.problems[0].fix == f"mkdir -p '{tmp_path}/a b'"


@pytest.mark.parametrize(
    "marker", ['{"made_by": "me"}', "{}", "[]", "no JSON", ""], ids=["another", "nobody", "list", "text", "empty"]
)
def test_a_marker_that_does_not_say_so_makes_nothing_ours(tmp_path: Path, marker: str) -> None:
    (tmp_path / MARKER).write_text(marker)
    assert not targets.is_ours(tmp_path)


def test_what_the_disk_has_no_room_for_is_refused_with_both_sizes(tmp_path: Path) -> None:
    targets.check_room(tmp_path / "venv", 1)
    with pytest.raises(StoreUnavailable, match=r"restoring takes 1000000000000000000 bytes, \d+ are free") as caught:
        targets.check_room(tmp_path / "venv", 10**18)
    assert caught.value.problems[0].where == str(tmp_path)


def test_the_folder_beside_the_target_is_private_and_goes(tmp_path: Path) -> None:
    with targets.staged(tmp_path / "venv") as place:
        assert (place.folder.parent, place.folder.stat().st_mode & 0o777) == (tmp_path, 0o700)
        (place.folder / "half").mkdir()
    assert names(tmp_path) == set()


@pytest.mark.parametrize(
    ("error", "kind", "what"),
    [
        pytest.param(OSError(errno.ENOSPC, "Full", "/a"), StoreUnavailable, "the disk fails: Full", id="full"),
        pytest.param(OSError(errno.EACCES, "Denied", "/a"), UsageError, "no access: Denied", id="no right"),
        pytest.param(
            OSError(errno.ENAMETOOLONG, "Long", "/a"), UsageError, "the target cannot be written: Long", id="another"
        ),
    ],
)
def test_a_failure_of_the_disk_is_named_and_leaves_nothing(
    tmp_path: Path, error: OSError, kind: type[Exception], what: str
) -> None:
    with pytest.raises(kind, match=what), targets.staged(tmp_path / "venv"):
        raise error
    assert names(tmp_path) == set()


@pytest.mark.parametrize("exchanges", [True, False], ids=["at once", "in two steps"])
@pytest.mark.parametrize(
    "there",
    [
        pytest.param(lambda target: None, id="absent"),
        pytest.param(lambda target: target.mkdir(), id="empty"),
        pytest.param(lambda target: made(target, "old"), id="ours"),
    ],
)
def test_the_new_environment_gets_the_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, there: Callable[[Path], object], exchanges: bool
) -> None:
    if not exchanges:
        monkeypatch.setattr("venvbuild.restore.targets._exchange", lambda one, other: False)
    there(tmp_path / "venv")
    assert put(tmp_path / "venv", "new") == ""
    assert names(tmp_path / "venv") == {MARKER, "new"}
    assert names(tmp_path) == {"venv"}


def test_a_target_that_somebody_filled_meanwhile_stays(tmp_path: Path) -> None:
    (tmp_path / "venv").mkdir()
    with pytest.raises(UsageError, match="not empty"):
        put(tmp_path / "venv", "new", meanwhile=lambda: (tmp_path / "venv" / "mine").write_text(""))
    assert names(tmp_path / "venv") == {"mine"}


def test_the_old_environment_comes_back_when_the_new_one_cannot_take_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("venvbuild.restore.targets._exchange", lambda one, other: False)
    made(tmp_path / "venv", "old")
    with pytest.raises(FileNotFoundError):
        targets._rename(tmp_path / "absent", tmp_path / "venv", tmp_path / "aside")
    assert names(tmp_path / "venv") == {MARKER, "old"}


def test_a_link_is_refused_with_what_it_leads_to_which_is_taken(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "venv").symlink_to("real")
    with pytest.raises(UsageError, match="is a symbolic link") as caught:
        targets.check(tmp_path / "venv")
    advised = caught.value.problems[0].fix.partition(": ")[2].strip("'")
    assert advised == str(tmp_path / "real")
    targets.check(Path(advised))


@pytest.mark.parametrize(("name", "goes_on"), [("0", False), ("zzzzzzzzz", True)])
def test_of_two_that_fill_one_folder_in_place_one_gives_up_and_the_other_goes_on(
    tmp_path: Path, mounts: Mounts, monkeypatch: pytest.MonkeyPatch, name: str, goes_on: bool
) -> None:
    (tmp_path / "venv").mkdir()
    venv, other = mounts.tmpfs(tmp_path / "venv"), tmp_path / "venv" / f".venvbuild-get-{name}"
    waits: list[float] = []

    def give_up(wait_s: float) -> None:
        waits.append(wait_s)
        if len(waits) == len(targets._WAIT_S):  # the other one has given up before
            held.close()

    monkeypatch.setattr(time, "sleep", give_up)
    with contextlib.ExitStack() as held:
        held.enter_context(staging.made_in(venv)).rename(other)
        held.callback(other.rename, other.with_name("mine"))
        if goes_on:
            with targets.staged(venv) as place:
                assert place.in_place
        else:
            with pytest.raises(UsageError, match="another `venvbuild get` is at work") as caught, targets.staged(venv):
                pass
            assert caught.value.problems[0].where == str(other)


def test_somebodys_environment_that_came_meanwhile_stands(tmp_path: Path) -> None:
    for old in (None, "old"):
        target = tmp_path / f"venv of {old}"
        if old:
            made(target, old)
            os.utime(target / MARKER, ns=(1, 1))
        with pytest.raises(UsageError, match="another `venvbuild get` put") as caught:
            put(target, "slower", meanwhile=partial(put, target, "faster"))
        assert caught.value.problems[0].rule == "IN_USE"
        assert names(target) == {MARKER, "faster"}


@pytest.mark.parametrize(
    ("mode", "owner", "reached"),
    [
        (0o755, 0, True),
        (0o700, 0, False),
        (0o710, 0, True),
        (0o701, 0, True),
        (0o700, 1234, True),
        (0o600, 1234, False),
    ],
)
def test_who_else_than_root_can_come_to_the_target(open_folder: Path, mode: int, owner: int, reached: bool) -> None:
    require(os.geteuid() == 0, "only root can give a folder away")
    (open_folder / "a").mkdir()
    os.chown(open_folder / "a", owner, 0)
    (open_folder / "a").chmod(mode)
    assert targets.others_reach(open_folder / "a" / "venv") is reached
    assert targets.others_reach(open_folder / "a") is reached
