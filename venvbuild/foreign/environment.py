"""An environment that somebody else made: is it one, for which Python, and by which names it knows itself."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from venvbuild.errors import UsageError
from venvbuild.installed import configuration_of, site_packages_folders
from venvbuild.settings.parameters import OLDEST_PYTHON

_FULL_VERSION = re.compile(r"3\.[0-9]+(?:\.[0-9]+)?(?:(?:a|b|rc)[0-9]+)?")
_LIBRARY = re.compile(r"python3\.[0-9]+t?")
_VIRTUAL_ENV = re.compile(r"^\s*(?:export\s+)?VIRTUAL_ENV=(.+)$", re.MULTILINE)


@dataclass(frozen=True)
class ForeignEnvironment:
    """A virtual environment of `python -m venv`, virtualenv or uv, as it stands."""

    path: Path
    """Resolved."""
    python_version: str
    """X.Y."""
    python_full_version: str | None
    """As its pyvenv.cfg says; None when it does not."""
    configuration: Mapping[str, str]
    """pyvenv.cfg, its keys in lower case (Python reads them so)."""
    names: tuple[str, ...]
    """Absolute paths by which it may call itself: as it was given, resolved, and as its `activate` has it."""

    @property
    def packages(self) -> tuple[Path, ...]:
        """Where its distributions lie, as far as the folders are there; resolved."""
        folders = site_packages_folders(self.path, self.python_version)
        return tuple(folder.resolve() for folder in folders if folder.is_dir())

    def inside(self, path: str) -> str | None:
        """An absolute path below the environment, under any of its names, relative to it; None for any other path."""
        for name in self.names:
            # With the slash: /srv/venv2 is not in /srv/venv.
            if os.path.isabs(path) and (os.path.normpath(path) + "/").startswith(name + "/"):
                return os.path.normpath(path)[len(name) + 1 :]
        return None

    @property
    def home(self) -> Path | None:
        """The folder of the interpreter that it was made with, which may be gone."""
        return Path(self.configuration["home"]) if self.configuration.get("home") else None


def recognised(folder: Path) -> ForeignEnvironment:
    """The environment at `folder`. Nothing of it is run, so its interpreter may be gone.

    Raises:
        UsageError: there is none: names all that is missing; or it is of a kind or a Python that cannot be packed.
    """
    if not folder.is_dir():
        raise UsageError("there is no such folder", where=str(folder), fix="give the folder of an environment")
    if (folder / "conda-meta").is_dir():
        raise UsageError("this is a conda environment", where=str(folder), fix="pack it with conda-pack")
    places = (place for place in folder.glob("lib/python3.*/site-packages") if place.is_dir())
    versions = {place.parent.name.removeprefix("python") for place in places if _LIBRARY.fullmatch(place.parent.name)}
    missing = list(_missing(folder, versions))
    if missing:
        raise UsageError(
            f"this is no virtual environment: it has no {', no '.join(missing)}",
            where=str(folder),
            fix="give the folder that has bin/python and pyvenv.cfg",
        )
    try:
        # surrogateescape: what is not UTF-8 in it is a path, and comes back byte for byte.
        configuration = configuration_of((folder / "pyvenv.cfg").read_text("utf-8", "surrogateescape"))
        activate = folder / "bin" / "activate"
        text = activate.read_text("utf-8", "surrogateescape") if activate.is_file() else ""
    except OSError as error:
        raise UsageError(
            f"the environment cannot be read: {error.strerror}", where=str(error.filename), fix="check its mode"
        ) from error
    full_version = _full_version(configuration)
    names = (os.path.abspath(folder), str(folder.resolve()), *_called(text), *_made_as(configuration))
    return ForeignEnvironment(
        folder.resolve(),
        _version(folder, full_version, versions),
        full_version,
        configuration,
        tuple(dict.fromkeys(names)),
    )


def _missing(folder: Path, versions: set[str]) -> Iterator[str]:
    if not (folder / "pyvenv.cfg").is_file():
        yield "pyvenv.cfg"
    if not (folder / "bin").is_dir():
        yield "bin"
    if not versions:
        yield "lib/pythonX.Y/site-packages"


def _full_version(configuration: Mapping[str, str]) -> str | None:
    """`version` of the venv module, `version_info` of uv and virtualenv (3.11.7.final.0)."""
    told = (_FULL_VERSION.match(configuration.get(key, "")) for key in ("version_info", "version"))
    # some versions of uv write X.Y only
    return max((found[0] for found in told if found), key=lambda version: version.count("."), default=None)


def _version(folder: Path, full_version: str | None, versions: set[str]) -> str:
    said = ".".join(full_version.split(".")[:2]) if full_version else ""
    # `t`: of a free-threaded Python, which finds no packages in lib/python3.14, and is found by no version.
    if versions and all(version.endswith("t") for version in versions):
        usual = min(versions).removesuffix("t")
        raise UsageError(
            f"the environment is for a free-threaded Python, {usual}t",
            where=str(folder),
            why="environments are packed for the usual ones, which have other packages",
            fix=f"make it with the usual Python {usual}",
        )
    versions = {version for version in versions if not version.endswith("t")}
    if said not in versions and (said or len(versions) > 1):
        raise UsageError(
            f"its pyvenv.cfg is for Python {said}" if said else "its pyvenv.cfg does not say which Python it is for",
            where=str(folder),
            why=f"lib has packages for Python {', '.join(sorted(versions))}",
            fix="make the environment again",
        )
    version = said or next(iter(versions))
    if tuple(int(number) for number in version.split(".")) < OLDEST_PYTHON:
        oldest = "{}.{}".format(*OLDEST_PYTHON)
        raise UsageError(
            f"the environment is for Python {version}", where=str(folder), fix=f"make it with {oldest} or newer"
        )
    return version


def _called(activate: str) -> Iterator[str]:
    """What `activate` takes for the environment's path: its scripts name that, wherever it was moved since."""
    for found in _VIRTUAL_ENV.finditer(activate):
        try:
            words = shlex.split(found[1])
        except ValueError:
            continue
        # With `$` or a backtick the script finds out where it is, and names no place.
        if len(words) == 1 and re.fullmatch(r"/[^$`]+", words[0]):
            yield words[0].rstrip("/")


def _made_as(configuration: Mapping[str, str]) -> Iterator[str]:
    """Where the venv module was told to make it (`command`, since Python 3.11): /usr/bin/python3 -m venv /srv/venv."""
    # The venv module writes the path in full, as the last word, unquoted.
    found = re.search(r" -m venv (?:-\S+ )*(/[^$`]*[^$`/])/*$", configuration.get("command", ""))
    if found:
        yield found[1]
