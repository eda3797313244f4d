"""The settings of a caller who has none."""

from __future__ import annotations

import os

from venvbuild import settings
from venvbuild.settings import Settings

# Where the caches are; what else this process was configured with, it was for others than a caller who says nothing.
_READ = ("HOME", "XDG_CACHE_HOME")


def or_default(given: Settings | None) -> Settings:
    """`given`; without it each setting's default, DuckDB among them, and the caches of this user."""
    if given is not None:
        return given
    return settings.load({}, {name: os.environ[name] for name in _READ if name in os.environ}, reads_files=False)
