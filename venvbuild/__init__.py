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
line, `console` is how it speaks; `library` has verbs for programs. Imports go down only, and never past a face:
tests/test_architecture.py is the table.

The public API, imported when it is first used; docs/library.md tells more:

    import os
    from pathlib import Path

    import venvbuild

    settings = venvbuild.load_settings({"env_name": "sales", "store": "./builds"}, os.environ)
    request = venvbuild.Request(Path("requirements.txt"))
    built = venvbuild.build(request, settings, os.environ, Path("work"), venvbuild.Silent())
    print(settings.env_name, built["venv_version"], built["package_count"])

    store = venvbuild.open_store(settings.store)
    for found in venvbuild.find(store, ["kedro>=0.19"], python_version=settings.python_version):
        print(found["venv_version"], found["matches"])
    print(venvbuild.get(store, "sales@latest", Path("venv")).python)
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from venvbuild.builds import read as read_metadata
    from venvbuild.errors import VenvBuildError
    from venvbuild.library import diff, find, get, list_builds, verify
    from venvbuild.pipeline import Progress, Silent, build, check, run_step
    from venvbuild.settings import Settings
    from venvbuild.settings import load as load_settings
    from venvbuild.steps import Request
    from venvbuild.stores import open_store

__all__ = [
    "Progress",
    "Request",
    "Settings",
    "Silent",
    "VenvBuildError",
    "__version__",
    "build",
    "check",
    "diff",
    "find",
    "get",
    "list_builds",
    "load_settings",
    "open_store",
    "read_metadata",
    "run_step",
    "verify",
]

__version__ = "0.1.0"

_PUBLIC = {
    "build": "pipeline.build",
    "check": "pipeline.check",
    "run_step": "pipeline.run_step",
    "Progress": "pipeline.Progress",
    "Silent": "pipeline.Silent",
    "Request": "steps.Request",
    "Settings": "settings.Settings",
    "load_settings": "settings.load",
    "open_store": "stores.open_store",
    "read_metadata": "builds.read",
    "find": "library.find",
    "list_builds": "library.list_builds",
    "diff": "library.diff",
    "get": "library.get",
    "verify": "library.verify",
    "VenvBuildError": "errors.VenvBuildError",
}

if not TYPE_CHECKING:  # a type checker that saw it would believe in any name

    def __getattr__(name: str) -> Any:
        """Import what is asked for now: `venvbuild --version` must not pay for all of it."""
        if name not in _PUBLIC:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        module, _, attribute = _PUBLIC[name].rpartition(".")
        return getattr(importlib.import_module(f"{__name__}.{module}"), attribute)
