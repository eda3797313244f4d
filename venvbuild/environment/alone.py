"""Some distributions of a closure, installed once more in an environment of their own, for their files to be taken.

To install them again over the first one would start the Python of an environment that is not empty any more, which runs
the packages' `.pth` and `.start` files.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Callable, Collection, Iterator
from dataclasses import replace
from pathlib import Path

from venvbuild.environment.closure import Closure
from venvbuild.files import write_whole


@contextlib.contextmanager
def installed_alone(
    names: Collection[str], closure: Closure, venv: Path, install: Callable[..., object]
) -> Iterator[Path]:
    """An environment beside `venv` with these distributions, and with the pip that may have to install them; gone
    afterwards.
    """
    kept = tuple(one for one in closure.distributions if one.name in names or one.name == "pip")
    with tempfile.TemporaryDirectory(prefix=".alone-", dir=venv.parent) as folder:
        alone = Path(folder, "venv")
        alone.mkdir()
        install(replace(closure, distributions=kept), venv=alone)
        yield alone


def take(name: str, alone: Path, venv: Path) -> None:
    """Give `venv` the file at `name` (relative) with bytes and mode; where a script names its environment, that is the
    new one. What is no file there is left.
    """
    source, target = alone / name, venv / name
    if source.is_file() and not source.is_symlink():  # else a RECORD claims what its wheel does not have
        content = source.read_bytes()
        if source.parent == alone / "bin":
            content = content.replace(os.fsencode(alone), os.fsencode(venv))  # its first line names the other
        target.parent.mkdir(parents=True, exist_ok=True)
        write_whole(target, content, mode=source.stat().st_mode)
