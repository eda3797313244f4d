"""Packages that only some commands need, added by the first command that needs them.

Each extra of setup.cfg has a lock, `locks/<extra>.txt`, of what it needs beside the base. In a checkout it is installed
as the tool itself is, into a folder of the cache named by the lock's digest.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from pathlib import Path

from venvbuild import bootstrap
from venvbuild.errors import IndexUnavailable, StoreUnavailable, UsageError

LOCKS = bootstrap.REPOSITORY / "locks"
_OF_ENGINES = {"trino": "trino"}
"""Engine, and the module that it needs -> the extra."""
_FAILURES = {6: IndexUnavailable, 7: StoreUnavailable}


def add_for_engine(engine: str, cache: Path) -> None:
    """Make the client of a query engine importable; raises as `add` does."""
    if engine in _OF_ENGINES:
        add(_OF_ENGINES[engine], engine, cache)


def add(extra: str, module: str, cache: Path, locks: Path = LOCKS) -> None:
    """Make `module` importable, by what is installed already or by the lock of `extra`, installed now if need be.

    Raises:
        UsageError: the tool was installed without it, or this machine cannot set it up.
        IndexUnavailable, StoreUnavailable: the index does not give it, the disk is full.
    """
    if importlib.util.find_spec(module):
        return
    lock = locks / f"{extra}.txt"
    if not lock.is_file():
        raise UsageError(f"this needs the extra {extra}", fix=f"pip install 'venvbuild[{extra}]'")
    try:
        python = bootstrap.set_up(lock, cache)
    except bootstrap.SetUpFailed as failure:
        raise _FAILURES.get(failure.exit_code, UsageError)(
            f"the extra {extra} cannot be set up", why=str(failure), fix="see above; or install it with pip"
        ) from failure
    # Behind everything else: what the base has stays in force.
    sys.path += map(str, python.parent.parent.glob("lib/python*/site-packages"))
    # Import remembers what it did not find (importlib), and the folder is newer than that.
    importlib.invalidate_caches()
