"""What a commit holds, and nothing else, in a folder of its own: what lies about in the user's tree is no release."""

from __future__ import annotations

import os
from pathlib import Path

from venvbuild.errors import UsageError
from venvbuild.process import CommandFailed
from venvbuild.release.git import Repository
from venvbuild.text import shown

_OF_SETUP_CFG = '[build-system]\nrequires = ["setuptools>=40.8.0"]\nbuild-backend = "setuptools.build_meta"\n'


def checked_out(repository: Repository, commit: str, folder: Path) -> Path:
    """Make `folder`, a clone at `commit` with the repository's tags; where the project lies in it.

    It shares the objects, so that it takes no time; it goes with the folder, and leaves no trace in the repository.

    Raises:
        UsageError: git says no.
    """
    try:
        plain = ("-c", "core.hooksPath=/dev/null", "-c", "advice.detachedHead=false")
        repository.run(*plain, "clone", "--quiet", "--shared", "--no-checkout", "--", repository.top, folder)
        repository.run(*plain, "-C", folder, "checkout", "--quiet", "--detach", commit, "--")
        if (folder / ".gitmodules").is_file():
            repository.run(
                *plain, "-C", folder, "-c", "protocol.file.allow=always", "submodule", "update", "--init", "--recursive"
            )
    except CommandFailed as failure:
        raise UsageError(
            f"git does not check {shown(commit[:12])} out",
            where=shown(str(repository.top), 200),
            why=shown(" ".join(failure.output.split()), 300),
            fix="`git fsck` tells what is wrong with the repository",
            rule="CHECKOUT",
        ) from failure
    project = folder / os.path.relpath(repository.folder.resolve(), Path(repository.top).resolve())
    # What has setup.cfg alone nothing builds, and nothing installs from its sdist.
    if not any((project / name).exists() for name in ("pyproject.toml", "setup.py")):
        (project / "pyproject.toml").write_text(_OF_SETUP_CFG, "utf-8")
    return project
