"""The real pip wheels that go into environments, for tests in which pip itself has to run."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from tests.support.downloads import fetched, run
from venvbuild.environment.wanted import pip_version


def put_into(folder: Path, python_version: str) -> str:
    """Copy the wheel of the pip for this Python (X.Y) into the index `folder`; its version."""
    version = pip_version(python_version)

    def fetch(target: Path) -> None:
        what = ["--python-version", python_version, "--dest", str(target), f"pip=={version}"]
        flags = ["--quiet", "--no-deps", "--only-binary", ":all:", "--no-input"]
        run([sys.executable, "-m", "pip", "download", *flags, *what], PIP_FIND_LINKS="")

    wheel = next(fetched("pip", version, fetch).glob("pip-*.whl"))
    shutil.copy(wheel, folder)
    return version
