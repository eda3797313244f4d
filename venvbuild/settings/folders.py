"""The user's folders: configuration, data, cache."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Folders:
    """The user's folders."""

    config: Path
    data: Path
    cache: Path

    @classmethod
    def of(cls, environ: Mapping[str, str]) -> Folders:
        """From HOME and XDG_*."""
        # without HOME, as in many a service, from the password database
        home = Path(environ["HOME"]) if environ.get("HOME") else Path.home()

        def base(variable: str, default: str) -> Path:
            value = environ.get(variable, "")
            # XDG Base Directory: a relative path is invalid and to be ignored
            return Path(value) if os.path.isabs(value) else home / default

        return cls(
            base("XDG_CONFIG_HOME", ".config") / "venvbuild",
            base("XDG_DATA_HOME", ".local/share") / "venvbuild",
            base("XDG_CACHE_HOME", ".cache") / "venvbuild",
        )
