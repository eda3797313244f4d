"""Questions about the builds of a store, as plain calls.

Rows that cannot be read are in no answer; how many they are, and which is the first, is logged as a warning.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from typing import TypedDict, cast

from athena import questions
from athena.engines import Engine, Row, open_engine, refuse_unset
from athena.questions import Difference, Search, parse_packages
from venvbuild import builds, extras
from venvbuild.errors import RequirementsRefused
from venvbuild.library.defaults import or_default
from venvbuild.settings import Settings, parameters
from venvbuild.stores import Store

log = logging.getLogger(__name__)


class Found(TypedDict):
    """A build that has the packages; the columns of `venvbuild find --json`."""

    venv_version: str
    created_at: str
    """UTC, `2025-07-22T08:30:00Z`."""
    env_name: str | None
    """None of a build that a script made."""
    python_version: str
    """X.Y."""
    is_conflict_free: bool
    matches: list[str]
    """What was asked for, as installed: `["kedro==0.19.14"]`."""


def find(
    store: Store,
    packages: Sequence[str],
    *,
    python_version: str | None = None,
    env_name: str | None = None,
    conflict_free: bool = False,
    since: date | None = None,
    limit: int | None = None,
    settings: Settings | None = None,
) -> list[Found]:
    """The builds of `store` that have all these packages, newest first; empty when none has.

    `packages` are names, or names with versions (PEP 440): `["kedro>=0.19,<0.20", "pandas"]`. All conditions hold
    together: `python_version` is X.Y, `conflict_free` leaves out builds with conflicts, `since` is the first day (UTC),
    `limit` the most there are to be. The engine is the one of `settings`, DuckDB without them.

    Raises:
        RequirementsRefused: a package, the Python or the environment's name is malformed.
        StoreUnavailable, IntegrityError, QueryEngineError, UsageError: the catalog cannot be read.
    """
    if not packages:
        raise RequirementsRefused("no package is asked for", where="packages", fix="name one, or call list_builds")
    search = _search(packages, python_version, env_name, conflict_free, since, limit)
    with _engine(store, settings) as engine:
        rows, _ = questions.find(engine, search)
    return cast(list[Found], rows)


def list_builds(
    store: Store,
    *,
    python_version: str | None = None,
    env_name: str | None = None,
    conflict_free: bool = False,
    since: date | None = None,
    limit: int | None = None,
    settings: Settings | None = None,
) -> list[Row]:
    """The builds of `store`, newest first: of each the fields of metadata.json but `files`. Conditions as in `find`.

    Raises:
        RequirementsRefused: the Python or the environment's name is malformed.
        StoreUnavailable, IntegrityError, QueryEngineError, UsageError: the catalog cannot be read.
    """
    search = _search((), python_version, env_name, conflict_free, since, limit)
    with _engine(store, settings) as engine:
        return questions.all_builds(engine, search)


def diff(store: Store, before: str, after: str, *, settings: Settings | None = None) -> Difference:
    """The packages that differ between two builds, each `VERSION`, `ENV@ALIAS` or `ENV@latest`; see its `changes`.

    Raises:
        NotInStore: there is no such build, or the catalog has no row of it.
        StoreUnavailable, IntegrityError, QueryEngineError, UsageError: the catalog cannot be read.
    """
    versions = builds.find(store, before), builds.find(store, after)
    with _engine(store, settings) as engine:
        return questions.difference(engine, *versions)


def _search(
    packages: Sequence[str],
    python_version: str | None,
    env_name: str | None,
    conflict_free: bool,
    since: date | None,
    limit: int | None,
) -> Search:
    if isinstance(packages, str):  # each letter would be a package
        fix = f"write [{packages!r}]"
        raise RequirementsRefused("packages are a list of texts, not one text", where="packages", fix=fix)
    if limit is not None and limit < 1:
        raise RequirementsRefused(f"limit is {limit}", where="limit", fix="write 1 or more, or None for all")
    return Search(
        parse_packages(packages, "packages"),
        parameters.minor_python_version(python_version, "python_version") if python_version is not None else None,
        parameters.env_name(env_name, "env_name") if env_name is not None else None,
        conflict_free,
        f"{since:%Y-%m-%d}" if since else None,
        limit,
    )


@contextmanager
def _engine(store: Store, settings: Settings | None) -> Iterator[Engine]:
    chosen = or_default(settings)
    refuse_unset(chosen)
    extras.add_for_engine(chosen.engine, chosen.folders.cache)
    with open_engine(chosen, store) as engine:
        try:
            yield engine
        finally:
            if engine.passed_over:  # the answer is right for all other rows
                log.warning("%s", engine.passed_over.error(store).problems[0].as_line())
