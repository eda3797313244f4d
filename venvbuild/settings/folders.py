"""The user's folders: configuration, data, cache."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Folders:
    """The user's folders (XDG Base Directory; a relative value counts as unset)."""

    config: Path
    data: Path
    cache: Path

    @classmethod
    def of(cls, environ: Mapping[str, str]) -> Folders:
        """From HOME and XDG_*; without HOME, from the password database."""
        home = Path(environ["HOME"]) if environ.get("HOME") else Path.home()

        def base(variable: str, default: str) -> Path:
            value = environ.get(variable, "")
            return Path(value) if os.path.isabs(value) else home / default

        return cls(
            base("XDG_CONFIG_HOME", ".config") / "venvbuild",
            base("XDG_DATA_HOME", ".local/share") / "venvbuild",
            base("XDG_CACHE_HOME", ".cache") / "venvbuild",
        )
