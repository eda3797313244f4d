"""`get`, killed at any moment: the target is the old environment, the new one, or known to be neither; the next one
leaves nothing of it."""

from __future__ import annotations

import os
import select
import signal
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.archives import Made, archive, environment, file, folder
from tests.support.sizes import sizes
from tests.support.supplies import here
from tests.support.volumes import Mounts
from venvbuild.archive import FragmentCache
from venvbuild.files import remove
from venvbuild.restore import restoring, unpacking
from venvbuild.restore.fetching import Bodies
from venvbuild.restore.restoring import RestoreOptions

BASE = environment(here().version)
OLD = archive(BASE, [folder("lib/a"), file("lib/a/x.py", b"old")], [file("old.py")])
NEW = archive(BASE, [folder("lib/a"), file("lib/a/x.py", b"new")], [file("new.py")])
_EVENTS = (
    "open", "os.chmod", "os.chown", "os.mkdir", "os.remove", "os.rename", "os.rmdir", "os.symlink", "os.truncate",
    "fcntl.flock", "shutil.rmtree", "tempfile.mkdtemp",
)  # fmt: skip
"""Of what `get` does to the disk, as sys.audit tells it."""


def got(target: Path, made: Made) -> None:
    machine = RestoreOptions(lambda _: here(), FragmentCache(Path("/nonexistent/cache")), "99.0", lambda *_: None)
    restoring.from_archive(target.parents[1] / made.index.fragments[1].sha256 / "made.tar.gz", target, machine)


def killed_at(moment: int, call: Callable[[], None]) -> int:
    """How many moments there were when the fork that makes the call is killed at this one, counted from 1."""
    count = 0
    ours, theirs = os.pipe()
    pid = os.fork()
    if pid == 0:
        itself = os.getpid()

        def hook(event: str, _: object) -> None:
            nonlocal count
            if event in _EVENTS and os.getpid() == itself:  # it has forks, which unpack
                count += 1
                if count == moment:
                    os.kill(itself, signal.SIGKILL)

        try:
            sys.addaudithook(hook)
            call()
            os.write(theirs, str(count).encode())
        except BaseException:  # noqa: BLE001  # shown by pytest
            traceback.print_exc()
        finally:
            os._exit(0)
    os.close(theirs)
    with open(ours, "rb") as pipe:
        os.waitpid(pid, 0)
        return int(pipe.read() or moment)


def what_is_there(target: Path) -> str:
    if not (target / "pyvenv.cfg").exists():
        return "nothing"
    whole = [made for made in ("old", "new") if (target / f"{made}.py").exists()]
    assert whole == [(target / "lib" / "a" / "x.py").read_text()]
    assert (target / "bin" / "python").exists()
    return whole[0]


def prepare(target: Path, there: str) -> None:
    """Make it absent, empty, or an environment."""
    for entry in target.iterdir() if target.exists() else ():
        remove(entry)
    target.mkdir(exist_ok=True)
    if there == "ours":
        got(target, OLD)
    elif there == "absent":
        target.rmdir()


@pytest.mark.parametrize("step", sizes(12, 1))
@pytest.mark.parametrize(
    ("there", "is_mounted"),
    [("absent", False), ("empty", False), ("ours", False), ("empty", True), ("ours", True)],
    ids=["absent", "empty", "ours", "mounted", "mounted and ours"],
)
def test_the_next_get_leaves_nothing_of_one_that_was_killed(
    tmp_path: Path, mounts: Mounts, there: str, is_mounted: bool, step: int
) -> None:
    target = tmp_path / "place" / "venv"
    target.mkdir(parents=True)
    for made in (OLD, NEW):
        made.written(tmp_path / made.index.fragments[1].sha256)
    if is_mounted:
        mounts.tmpfs(target)
    got(target, NEW)  # what is imported late is here then
    prepare(target, there)
    moments = killed_at(0, lambda: got(target, NEW))
    seen = set()
    for moment in range(moments, 0, -step):
        prepare(target, there)
        assert killed_at(moment, lambda: got(target, NEW)) == moment
        seen.add(what_is_there(target))
        got(target, NEW)
        assert what_is_there(target) == "new"
        assert [path.name for path in target.parent.iterdir()] == ["venv"]
        tops = {path.name for path in target.iterdir()}
        assert tops == {".venvbuild.json", "bin", "lib", "new.py", "pyvenv.cfg"}
    before = "old" if there == "ours" else "nothing"
    assert seen >= {before, "new"}
    # half of one is there only where it cannot be otherwise
    assert seen <= {before, "new"} | ({"nothing"} if is_mounted else set())


def test_the_processes_that_unpack_end_with_the_one_that_was_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive_file = NEW.written(tmp_path / "archive")
    begun, tells = os.pipe()
    alive, held = os.pipe()  # which ends when the last one has ended that holds it
    pid = os.fork()
    if pid == 0:

        def unpacked(*_: object) -> None:
            os.write(tells, b"x")
            time.sleep(120)

        monkeypatch.setattr(unpacking, "_unpacked", unpacked)
        monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1})
        try:
            with archive_file.open("rb") as file:
                unpacking.unpack(NEW.index, Bodies(file.fileno(), frozenset()), tmp_path)
        finally:
            os._exit(1)
    os.close(held)
    os.close(tells)
    assert os.read(begun, 1) == b"x"
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    assert select.select([alive], [], [], 60)[0]
    os.close(begun)
    os.close(alive)
