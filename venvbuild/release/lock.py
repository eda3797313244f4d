"""One release of a project at a time: a file in the repository's own folder, held by whoever makes one."""

from __future__ import annotations

import contextlib
import fcntl
from collections.abc import Iterator
from pathlib import Path

from venvbuild.errors import UsageError, of_disk
from venvbuild.release.git import Repository
from venvbuild.text import shown

FILE = "venvbuild-release.lock"


@contextlib.contextmanager
def held(repository: Repository) -> Iterator[None]:
    """Hold the project, also in its other worktrees; it is let go when the process ends, however it ends.

    Raises:
        UsageError: somebody else holds it.
    """
    path = Path(repository.folder, repository.ask("rev-parse", "--git-common-dir"), FILE)
    where = shown(str(path), 200)
    try:
        # It stays: to remove it would let a third one hold another file of this name.
        file = path.open("ab")
    except OSError as error:
        raise of_disk(error, str(path)) or UsageError(
            f"the release cannot be held: {error.strerror}", where=where, fix="check the folder"
        ) from error
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UsageError(
                "another release of this project is being made",
                where=where,
                fix="wait until it has ended, then run it again; `venvbuild release status` shows what it has done",
                rule="HELD",
            ) from None
        yield
