"""The real pip wheels that go into environments, for tests in which pip itself has to run."""

from __future__ import annotations

import shutil
import subprocess
import sys
import sysconfig
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


def environment(folder: Path) -> Path:
    """The bin folder of a new environment, with the pip of the tests, by a link: to install one takes seconds."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    (folder / "linked").mkdir()
    (folder / "linked" / "pip").symlink_to(Path(sysconfig.get_path("purelib"), "pip"))
    # Not among the packages: pip removes a folder whole when it removes all that it sees in it, and sees no links.
    [packages] = folder.glob("lib/python*/site-packages")
    (packages / "linked.pth").write_text(f"{folder / 'linked'}\n")
    pip = folder / "bin" / "pip"
    pip.write_text(f'#!/bin/sh\nexec "{folder}/bin/python" -m pip "$@"\n')
    pip.chmod(0o755)
    return folder / "bin"
