"""Running the scripts of bin/ with the tool really set up, once per lock and not once per test."""

from __future__ import annotations

import functools
import os
import subprocess
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
BIN = REPOSITORY / "bin"
_ENVIRONMENT = dict(os.environ)
"""As it was when the tests began: the first set-up needs the user's own way to the package index."""
_CACHE = Path(_ENVIRONMENT.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "venvbuild-tests" / "tool-cache"


@functools.cache
def tool_cache_with_notify() -> Path:
    """The same, with the extra `notify` set up in it too."""
    _run("notify", "failure", "--dry-run", VENVBUILD_NOTIFY_URLS="json://localhost")
    return _CACHE


@functools.cache
def tool_cache_with_snowflake() -> Path:
    """The same, with the extra `snowflake` set up in it too."""
    # It is there before the connection is looked for, which is not.
    stage = ("snowflake", "stage", "list", "--stage", "@A.B.C", "--connection", "none")
    _run(*stage, expected=2, SNOWFLAKE_HOME=os.devnull)
    return _CACHE


@functools.cache
def tool_cache() -> Path:
    """An XDG_CACHE_HOME, kept between runs, in which bin/venvbuild is set up."""
    _run("--version")
    return _CACHE


def _run(*arguments: str, expected: int = 0, **env: str) -> None:
    started = subprocess.run(
        [BIN / "venvbuild", *arguments],
        env={**_ENVIRONMENT, "XDG_CACHE_HOME": str(_CACHE), **env},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert started.returncode == expected, started.stderr
