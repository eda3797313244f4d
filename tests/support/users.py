"""Other users of this machine: a call as one of them, and a folder that all of them can come to."""

from __future__ import annotations

import multiprocessing.popen_fork  # noqa: F401  # imported where somebody forks, by who may not be allowed to read it
import os
import pickle
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.requirement import require

NOBODY = 65534


def as_user(uid: int, call: Callable[[], object], *, groups: tuple[int, ...] = ()) -> object:
    """What `call` returns when this user makes it, in a fork; what it raises is raised here as an AssertionError.

    What it needs has to be imported already: the user may not be allowed to read it.
    """
    require(os.geteuid() == 0, "only root can become somebody else")
    ours, theirs = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.setgroups(groups)
            os.setgid(uid)
            os.setuid(uid)
            tempfile.tempdir = "/var/tmp"  # TMPDIR may be closed to others
            said = (True, call())
        except BaseException as error:  # noqa: BLE001  # told to the parent
            said = (False, f"{type(error).__name__}: {error}")
        os.write(theirs, pickle.dumps(said))
        os._exit(0)
    os.close(theirs)
    with open(ours, "rb") as pipe:
        is_well, found = pickle.loads(pipe.read())
    os.waitpid(pid, 0)
    assert is_well, found
    return found


def require_open_clone() -> None:
    """For what another user reads of the project itself: a clone may lie where nobody else may look."""
    require(bool(as_user(NOBODY, lambda: os.access(__file__, os.R_OK))), "other users may not come to this clone")


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """An empty folder that everybody can come to; those of pytest are private."""
    folder = Path(tempfile.mkdtemp(prefix="venvbuild-tests-", dir="/var/tmp"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)
