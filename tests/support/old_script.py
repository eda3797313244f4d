"""The script that teams had before this tool, command by command as its document has it, and what it leaves in a store.

python -m venv venv/ ; pip install -r requirements.txt ; pipdeptree ; pip freeze ; tar -czf venv_<version>.tar.gz venv/
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import uv

from tests.support import foreign

LIST = (
    "import json\n"
    "from importlib.metadata import distributions\n"
    "print(json.dumps(sorted('%s==%s' % (d.metadata['Name'], d.version) for d in distributions())))"
)
"""What the document asks pkg_resources, which newer Pythons do not have."""


@dataclass(frozen=True)
class Workspace:
    """Where the script runs: an environment `venv` that it made, to be packed as often as one likes."""

    folder: Path
    python_version: str

    @property
    def venv(self) -> Path:
        """The environment."""
        return self.folder / "venv"

    def list_packages(self) -> list[str]:
        """What installed_packages.json would hold now."""
        said = foreign.run([self.venv / "bin/python", "-c", LIST])
        return json.loads(said)  # type: ignore[no-any-return]

    def write(self, store: Path, venv_version: str, **changes: Any) -> Path:
        """The build `venv_version` in a store, all of its files; its folder."""
        build = store / "venv-builds" / venv_version
        build.mkdir(parents=True)
        packages = self.list_packages()
        tree = [sys.executable, "-m", "pipdeptree", "--python", str(self.venv / "bin/python"), "--warn", "silence"]
        (build / "pipdeptree.txt").write_text(foreign.run([*tree]))
        (build / "pipdeptree.json").write_text(foreign.run([*tree, "--json"]))
        freeze = [pin for pin in packages if pin.partition("==")[0] not in ("pip", "setuptools", "wheel")]
        (build / "installed_packages.txt").write_text("".join(f"{pin}\n" for pin in freeze))
        (build / "installed_packages.json").write_text(json.dumps(packages))
        (build / "requirements.txt").write_text("".join(f"{pin}\n" for pin in freeze))
        self.pack(build / f"{venv_version}.tar.gz")
        place = f"s3://your-bucket/venv-builds/{venv_version}"
        metadata = {
            "venv_version": venv_version,
            "created_at": "2025-07-22T08:30:00Z",
            "python_version": self.python_version,
            "requirements_file": f"{place}/requirements.txt",
            "pipdeptree_output": f"{place}/pipdeptree.json",
            "venv_archive": f"{place}/{venv_version}.tar.gz",
            "is_conflict_free": True,
            "conflicts": [],
            "installed_packages": packages,
        }
        (build / "metadata.json").write_text(json.dumps({**metadata, **changes}, indent=2))
        return build

    def pack(self, archive: Path, *names: str) -> Path:
        """`tar -czf ARCHIVE venv/`."""
        subprocess.run(["tar", "-czf", archive, *(names or ("venv/",))], cwd=self.folder, check=True)
        return archive

    def copy(self, folder: Path) -> Workspace:
        """Another one with the same environment, which still knows itself by the first path."""
        shutil.copytree(self.folder, folder, symlinks=True)
        return Workspace(folder, self.python_version)

    def forget(self) -> None:
        """Remove it, as an agent does after the run: nothing is at that place any more."""
        shutil.rmtree(self.folder)


def workspace(folder: Path, wheels: Sequence[Path], *, python_version: str = "3.11", maker: str = "venv") -> Workspace:
    """A workspace whose environment has these wheels."""
    foreign.make(maker, python_version, folder / "venv", *wheels)
    return Workspace(folder, python_version)


def small(folder: Path, *wheels: Path, python_version: str = "3.11") -> Workspace:
    """The same without pip, which is most of such an environment, for tests that make many."""
    python = foreign.interpreter(python_version).path
    foreign.run([python, "-m", "venv", "--without-pip", folder / "venv"])
    options: list[str | Path] = [
        "--quiet",
        "--no-config",
        "--no-index",
        "--no-deps",
        "--python",
        folder / "venv/bin/python",
    ]
    foreign.run([uv.find_uv_bin(), "pip", "install", *options, *wheels])
    return Workspace(folder, python_version)


def described(build: Path, **fields: Any) -> Path:
    """The folder of a build, its metadata.json with these fields."""
    metadata = build / "metadata.json"
    metadata.write_text(json.dumps({**json.loads(metadata.read_text()), **fields}, indent=2))
    return build


def contents(folder: Path) -> dict[str, bytes]:
    """Every file below a folder: nothing of it may change."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and os.path.relpath(path, folder).partition("/")[0] != ".venvbuild"
    }
