"""A kernel of Jupyter that runs in a restored environment: the kernel.json by which Jupyter finds it.

It names the environment by an absolute path, as Jupyter starts `python` alone with its own Python.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import stat
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from venvbuild.errors import Problem, UsageError, of_disk
from venvbuild.files import write_whole
from venvbuild.installed import site_packages_folders

IPYKERNEL = "ipykernel"
PIN_IPYKERNEL = f"pin {IPYKERNEL} in requirements.txt, and build it again"
"""What helps a build that has none."""
NATIVE_KERNEL = "python3"
"""The kernel that every Jupyter brings itself (jupyter_client, kernelspec.py, NATIVE_KERNEL_NAME)."""
_FILE = "kernel.json"
_MADE_BY = "venvbuild get"
# jupyter_client, kernelspec.py, takes these in any case and makes them small. `..` would lead out of the folder.
_NAME = re.compile(r"[a-z0-9_][a-z0-9._-]{0,99}")
# jupyter_client, manager.py: for these words in an argument Jupyter puts values of its own.
_FIELD = re.compile(r"\{[A-Za-z0-9_]+\}")
_LEFT_BY_KILLED = re.compile(rf"\.{re.escape(_FILE)}-[0-9a-f]{{8}}")
_MAX_BYTES = 1 << 16  # of a kernel.json, which may be an enemy's
_USUAL = {
    "argv": ["python", "-m", "ipykernel_launcher", "-f", "{connection_file}"],
    "metadata": {"debugger": True},
}


def data_folder(environment: Mapping[str, str]) -> Path:
    """Where Jupyter keeps the user's kernels and other data.

    Source: jupyter_core, paths.py, `jupyter_data_dir`; an empty variable counts as unset there.
    """
    if environment.get("JUPYTER_DATA_DIR"):
        return Path(os.path.abspath(environment["JUPYTER_DATA_DIR"]))
    home = Path(os.path.realpath(os.path.expanduser("~")))
    if sys.platform == "darwin":
        return home / "Library" / "Jupyter"
    return Path(os.path.abspath(environment.get("XDG_DATA_HOME") or home / ".local" / "share")) / "jupyter"


@dataclass(frozen=True)
class Kernel:
    """A kernel that is to be."""

    name: str
    """As Jupyter has it, in small letters."""
    folder: Path
    """Of all kernels; this one is in a folder of its name there."""

    @classmethod
    def of(cls, name: str, environment: Mapping[str, str]) -> Kernel:
        """The kernel `name` of whoever has these variables.

        Raises:
            UsageError: Jupyter would not take the name, or it is that of its own kernel.
        """
        small = name.lower()
        if small == NATIVE_KERNEL:
            raise UsageError(
                f"{NATIVE_KERNEL} is the kernel that each Jupyter brings itself",
                where="--kernel",
                why="one of that name here would take its place in every Jupyter of this user",
                fix="give another name, such as that of the environment",
                rule="KERNEL_NAME",
            )
        if not _NAME.fullmatch(small):
            raise UsageError(
                f"{name!r} is no name of a kernel",
                where="--kernel",
                why="Jupyter takes letters, digits, `.`, `_` and `-`; here the first is none of `.` and `-`",
                fix="give another name, such as that of the environment",
                rule="KERNEL_NAME",
            )
        return cls(small, data_folder(environment) / "kernels")

    @property
    def place(self) -> Path:
        """The folder of this kernel."""
        return self.folder / self.name

    def check(self, target: Path) -> None:
        """Refuse, before anything is fetched, a place that is not ours or cannot be written, and a target whose path
        Jupyter would read as another one.

        Raises:
            UsageError: says which.
        """
        field = _FIELD.search(str(target))
        if field:
            raise UsageError(
                f"no kernel can run in a folder of this name: Jupyter puts a value of its own for {field[0]}",
                where=str(target),
                fix="give another target, or leave out --kernel",
            )
        self._refuse_others()
        above = next(one for one in (self.place, *self.place.parents) if os.path.lexists(one))
        if not above.is_dir() or not os.access(above, os.W_OK | os.X_OK):
            raise UsageError(
                "the kernel cannot be written there",
                where=str(above),
                why="it is no folder" if not above.is_dir() else "this user has no right to",
                fix="name a folder of Jupyter's data that you may write to by JUPYTER_DATA_DIR, or leave out --kernel",
            )

    def _refuse_others(self) -> None:
        try:
            there = os.listdir(self.folder)
        except OSError:  # what that means, writing tells
            there = []
        for name in sorted(there):
            # Jupyter makes all names small, so that of `Sales` and `sales` one is not seen.
            if name.lower() == self.name and (name != self.name or not self._is_free_or_ours()):
                raise UsageError(
                    f"there is a kernel {name} already, not made by `{_MADE_BY}`; nothing was touched",
                    where=str(self.folder / name),
                    fix=f"give another name, or remove it: rm -r {shlex.quote(str(self.folder / name))}",
                    rule="NOT_OURS",
                )

    def _is_free_or_ours(self) -> bool:
        if self.place.is_symlink() or not self.place.is_dir():
            return False
        names = [name for name in os.listdir(self.place) if not _LEFT_BY_KILLED.fullmatch(name)]
        return not names or _ours(self.place / _FILE) is not None

    def refuse_without_ipykernel(self, packages: Iterable[str], where: str) -> None:
        """Refuse an environment in which no kernel starts; `packages` are its pins, `name==version`.

        Raises:
            UsageError: says what to pin.
        """
        if not any(pin.partition("==")[0] == IPYKERNEL for pin in packages):
            raise UsageError(
                f"the environment has no {IPYKERNEL}, and Jupyter starts no kernel without it",
                where=where,
                fix=f"{PIN_IPYKERNEL}, or leave out --kernel",
                rule="NO_IPYKERNEL",
            )

    def refuse_unable(self, venv: Path, python_version: str, where: str) -> None:
        """The same of an environment by its files, which is at `venv` and as yet nowhere else."""
        folders = site_packages_folders(venv, python_version)
        is_there = any((folder / "ipykernel_launcher.py").is_file() for folder in folders)
        self.refuse_without_ipykernel([f"{IPYKERNEL}=="] if is_there else [], where)

    def write(self, target: Path, python_version: str, venv_version: str | None) -> tuple[Path, Problem | None]:
        """Write the kernel of the environment at `target`, whole or not at all; where, and what to know of it.

        Raises:
            UsageError, StoreUnavailable: it cannot be written; the environment stands.
        """
        path = self.place / _FILE
        try:
            self._refuse_others()  # again: somebody may have made one meanwhile
            before = _ours(path)
            self.place.mkdir(parents=True, exist_ok=True)
            for name in os.listdir(self.place):
                if _LEFT_BY_KILLED.fullmatch(name):
                    (self.place / name).unlink(missing_ok=True)
            # ASCII: a path that is no UTF-8 is read back as it was.
            write_whole(path, (json.dumps(self._text(target, python_version, venv_version), indent=1) + "\n").encode())
        except OSError as error:
            raise of_disk(error, str(path)) or UsageError(
                f"the kernel cannot be written: {error.strerror}; the environment is at {target}",
                where=str(error.filename or path),
                fix="name a folder of Jupyter's data that you may write to by JUPYTER_DATA_DIR, and get it again",
            ) from error
        return path, _moved(self.name, path, before, target)

    def _text(self, target: Path, python_version: str, venv_version: str | None) -> dict[str, Any]:
        own = _of_environment(target)
        bin_folder = str(target / "bin").replace("$", "$$")
        return {
            # Its other words as ipykernel has them, of whatever version.
            "argv": [str(target / "bin" / "python"), *own["argv"][1:]],
            # IPython takes packages of another environment that is activated where Jupyter was started into its path,
            # unless this names the one that it runs in; and `!pip` is to be the one of this environment.
            "env": {"VIRTUAL_ENV": str(target).replace("$", "$$"), "PATH": f"{bin_folder}:${{PATH}}"},
            "display_name": f"{self.name} (Python {python_version})",
            "language": "python",
            **{name: own[name] for name in ("interrupt_mode", "kernel_protocol_version") if name in own},
            "metadata": {
                **own["metadata"],
                "venvbuild": {"made_by": _MADE_BY, "venv_version": venv_version, "target": str(target)},
            },
        }


def _moved(name: str, path: Path, before: Mapping[str, Any] | None, target: Path) -> Problem | None:
    old = before.get("target") if before else None
    if old in (None, str(target)):
        return None
    return Problem(
        f"the kernel {name} started another environment until now",
        str(path),
        f"that was {old}",
        "give each its own name by --kernel, where both are wanted",
        "KERNEL_MOVED",
    )


def _ours(path: Path) -> Mapping[str, Any] | None:
    """What `write` noted in a kernel.json; None for one of somebody else."""
    try:
        found = _read(path)["metadata"]["venvbuild"]
        return found if found["made_by"] == _MADE_BY else None
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None


def _read(path: Path) -> dict[str, Any]:
    # Never through a link: it lets somebody else's pass for ours, and in an archive's environment it leads anywhere.
    facts = path.lstat()
    if not stat.S_ISREG(facts.st_mode) or facts.st_size > _MAX_BYTES:
        raise ValueError(path)
    found: dict[str, Any] = json.loads(path.read_bytes())
    return found


def _of_environment(venv: Path) -> Mapping[str, Any]:
    """How the ipykernel of the environment describes itself, as far as it is what one may be."""
    try:
        found = _read(venv / "share" / "jupyter" / "kernels" / NATIVE_KERNEL / _FILE)
        words, about = found["argv"], found["metadata"]
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return _USUAL
    is_usual = isinstance(words, list) and all(isinstance(word, str) for word in words) and isinstance(about, dict)
    return found if is_usual and "{connection_file}" in words else _USUAL
