"""The engine that the settings name. Adding one is a file beside this and a line in `ENGINES`."""

from __future__ import annotations

import importlib
from typing import Any

from athena.engines.engine import Engine
from venvbuild.errors import UsageError
from venvbuild.settings import BY_NAME, Settings
from venvbuild.stores import Store

ENGINES = {"duckdb": "DuckDB", "trino": "Trino", "athena": "Athena"}
"""Name -> class, in the module of that name; imported when it is opened."""


_NEEDED = {"trino": ("trino_url", "trino_catalog", "trino_schema", "trino_user")}
"""Settings without which there is nothing to ask; of the other engines each says itself what it lacks."""


def refuse_unset(settings: Settings) -> None:
    """Refuse an engine that is not configured, before its client is installed.

    Raises:
        UsageError: settings are missing; all that are, at once.
    """
    missing = [BY_NAME[name].env for name in _NEEDED.get(settings.engine, ()) if getattr(settings, name) is None]
    if missing:
        raise UsageError(
            f"for the engine {settings.engine} set {', '.join(missing)}", fix="`venvbuild config` shows what is set"
        )


def open_engine(settings: Settings, store: Store) -> Engine:
    """The configured engine; the embedded one reads `store`, the others the tables they are configured with.

    Raises:
        UsageError: a setting is missing, or the engine's client is not installed.
    """
    refuse_unset(settings)
    name = settings.engine
    try:
        module = importlib.import_module(f"athena.engines.{name}")
    except ModuleNotFoundError as error:
        raise UsageError(
            f"the client of {name} is not installed", why=str(error), fix=f"pip install 'venvbuild[{name}]'"
        ) from error
    engine: type[Any] = getattr(module, ENGINES[name])
    return engine.of(settings, store)  # type: ignore[no-any-return]
