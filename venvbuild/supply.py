"""Where the packages of one environment come from: what locking, building and installing share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from venvbuild.installer import Installer
from venvbuild.interpreters import Interpreter
from venvbuild.package_index import PackageIndex


@dataclass(frozen=True)
class Supply:
    """The interpreter that packages are for, who installs them, whom to ask, and what was built here."""

    interpreter: Interpreter
    installer: Installer
    index: PackageIndex
    scratch: Path
    """A folder for files on the way; the work dir."""
    sdists: tuple[str, ...] = ()
    """Canonical names that may be built from source."""
    built: Mapping[str, str] = field(default_factory=dict)
    """Those that were: canonical name -> `sha256:...` of the wheel."""
    wheels: tuple[Path, ...] = ()
    """The folder which those wheels are in; none when nothing was built."""
