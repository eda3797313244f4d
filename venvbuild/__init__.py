"""From a pinned requirements.txt to a verified, relocatable, searchable environment.

The way of the data, one noun a module, each defining the record it makes:

    requirements.txt
      -> requirements   Requirements     every line read, every pin exact, every problem at once
      -> closure        Closure          what the pins need, resolved and locked
      -> environment    Environment      a venv with exactly that
      -> inspection     Inspection       installed packages, dependency tree, conflicts
      -> archive        Archive          a normalised, relocatable .tar.gz
      -> metadata       Description      metadata.json, checked by metadata.schema.json
      -> commit         Commit           the version claimed, every file sent, metadata.json last
      -> athena.table   catalog row      one line of JSON per build

`pipeline` runs the seven steps of `steps`; `workdir` remembers what each made; `stores` keep the builds. Imports point
one way: commands -> pipeline -> steps -> nouns -> stores -> process, settings, errors; a test holds it.

The public API, imported when it is first used:

    settings = venvbuild.load_settings({"env_name": "sales"}, os.environ)
    metadata = venvbuild.build(venvbuild.Request(Path("requirements.txt")), settings, os.environ, folder, progress)
    metadata = venvbuild.read_metadata(venvbuild.open_store("s3://bucket"), "venv_20250722_083000")
"""

from __future__ import annotations

import importlib
from typing import Any

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
    "read_metadata": "metadata.read",
    "VenvBuildError": "errors.VenvBuildError",
}
__all__ = ["__version__", *_PUBLIC]  # noqa: PLE0604  # the names of a table are strings


def __getattr__(name: str) -> Any:
    """Import what is asked for now: `venvbuild --version` must not pay for all of it."""
    if name not in _PUBLIC:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module, _, attribute = _PUBLIC[name].rpartition(".")
    return getattr(importlib.import_module(f"{__name__}.{module}"), attribute)
