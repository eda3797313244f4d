"""The engine that the settings name. Adding one is a file beside this and a line in `ENGINES`."""

from __future__ import annotations

import importlib
from typing import Any

from athena.engines.engine import Engine
from venvbuild.errors import UsageError
from venvbuild.settings import Settings
from venvbuild.stores import Store

ENGINES = {"duckdb": "DuckDB", "trino": "Trino", "athena": "Athena"}
"""Name -> class, in the module of that name; imported when it is opened."""


def open_engine(settings: Settings, store: Store) -> Engine:
    """The configured engine; the embedded one reads `store`, the others the tables they are configured with.

    Raises:
        UsageError: a setting is missing, or the engine's client is not installed.
    """
    name = settings.engine
    try:
        module = importlib.import_module(f"athena.engines.{name}")
    except ModuleNotFoundError as error:
        raise UsageError(
            f"the client of {name} is not installed", why=str(error), fix=f"pip install 'venvbuild[{name}]'"
        ) from error
    engine: type[Any] = getattr(module, ENGINES[name])
    return engine.of(settings, store)  # type: ignore[no-any-return]
