"""A .pypirc for one upload, for those who need one; the user's own is never opened.

It is nobody else's from its first moment, and goes when the upload ends, however it ends: SIGTERM is an exception here
(`errors.Terminated`). After SIGKILL it lies in the temporary folder, never in HOME, until the next run (`scratch`).
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from venvbuild.errors import UsageError
from venvbuild.release import scratch
from venvbuild.release.backends import Credentials

SERVER = "private"
"""The name of the one server in it."""


@contextmanager
def written(upload_url: str, credentials: Credentials) -> Iterator[Path]:
    """The file, to be given as `--config-file FILE --repository private`, until this block ends.

    Raises:
        UsageError: a value would end its line, and the rest be read as another setting.
    """
    for value, origin in ((credentials.user, credentials.user_origin), (credentials.token, credentials.origin)):
        if not value.isprintable() or value != value.strip():
            raise UsageError(
                "a .pypirc cannot hold it: it has a line break or another control character",
                where=origin,
                fix=f"correct {origin}, or leave out --pypirc",
                rule="NOT_FOR_PYPIRC",
            )
    # twine reads it raw: a % is no interpolation (RawConfigParser).
    text = (
        f"[distutils]\nindex-servers =\n    {SERVER}\n\n"
        f"[{SERVER}]\nrepository = {upload_url}\nusername = {credentials.user}\npassword = {credentials.token}\n"
    )
    with scratch.made() as folder:
        path = folder / ".pypirc"
        with os.fdopen(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w", encoding="utf-8") as file:
            file.write(text)
        yield path
