"""From a pinned requirements.txt to a verified, relocatable, searchable environment.

The way of the data, one room a noun, each with a face (its `__init__`) that hands on what others may use:

    requirements.txt
      -> requirements   Requirements     every line read, every pin exact, every problem at once
      -> environment    Environment      the closure resolved and locked, a venv with exactly that
      -> inspection     Inspection       installed packages, dependency tree, conflicts
      -> archive        Archive          a reproducible, relocatable .tar.gz and its index
      -> builds         Description      metadata.json, checked by its schema; the claim, the commit, aliases
      -> stores         object keys      a folder or S3; metadata.json is written last: it commits the build
      -> athena         catalog row      one line of JSON per build; SQL finds it
    and back:
      -> restore        Restored         fetched, unpacked, re-homed; or rebuilt from the lock; verified

`pipeline` is the whole job: the seven `steps` over the work dir of one `run`. `commands` are the verbs of the command
line, `console` is how it speaks. Imports go down only, and never past a face: tests/test_architecture.py is the table.

The public API, imported when it is first used:

    settings = venvbuild.load_settings({"env_name": "sales"}, os.environ)
    metadata = venvbuild.build(venvbuild.Request(Path("requirements.txt")), settings, os.environ, folder, progress)
    metadata = venvbuild.read_metadata(venvbuild.open_store("s3://bucket"), "venv_20250722_083000")
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from venvbuild.builds import read as read_metadata
    from venvbuild.errors import VenvBuildError
    from venvbuild.pipeline import Progress, build, check, run_step
    from venvbuild.settings import Settings
    from venvbuild.settings import load as load_settings
    from venvbuild.steps import Request
    from venvbuild.stores import open_store

__all__ = [
    "Progress",
    "Request",
    "Settings",
    "VenvBuildError",
    "__version__",
    "build",
    "check",
    "load_settings",
    "open_store",
    "read_metadata",
    "run_step",
]

__version__ = "0.1.0"

_PUBLIC = {
    "build": "pipeline.build",
    "check": "pipeline.check",
    "run_step": "pipeline.run_step",
    "Progress": "pipeline.Progress",
    "Request": "steps.Request",
    "Settings": "settings.Settings",
    "load_settings": "settings.load",
    "open_store": "stores.open_store",
    "read_metadata": "builds.read",
    "VenvBuildError": "errors.VenvBuildError",
}

if not TYPE_CHECKING:  # a type checker that saw it would believe in any name

    def __getattr__(name: str) -> Any:
        """Import what is asked for now: `venvbuild --version` must not pay for all of it."""
        if name not in _PUBLIC:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        module, _, attribute = _PUBLIC[name].rpartition(".")
        return getattr(importlib.import_module(f"{__name__}.{module}"), attribute)
