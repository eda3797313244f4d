"""Writes the build's row into the catalog. The one step that knows of the catalog."""

from __future__ import annotations

import logging

from athena import index, rows
from venvbuild import extras
from venvbuild.builds import Metadata
from venvbuild.errors import IntegrityError, UsageError
from venvbuild.retrying import retried
from venvbuild.run import Registered, Uploaded
from venvbuild.settings import Settings
from venvbuild.steps.job import Job, Made, lasting_store_of
from venvbuild.stores import Store

log = logging.getLogger(__name__)


def run(job: Job) -> Made:
    """The build's row in the catalog, and in the index where that covers its day."""
    store, uploaded = lasting_store_of(job), job.work.result(Uploaded)
    if uploaded.store != store.url:
        raise UsageError(
            "the build is in another store",
            where=store.url,
            why=f"upload sent it to {uploaded.store}",
            fix=f"give --store {uploaded.store}, or upload to this one first",
        )
    key = registered(store, uploaded.metadata, job.settings)
    return Made((), Registered(key), key)


def registered(store: Store, metadata: Metadata, settings: Settings) -> str:
    """The key of the row of a committed build, which is written, and is in the index where that covers its day."""
    # committed already: a store that is down for a moment should not leave a build that nobody finds
    key = retried(lambda: rows.register(store, metadata))
    retried(lambda: _bring_into_index(store, metadata["created_at"][:10], settings))
    return key


def _bring_into_index(store: Store, day: str, settings: Settings) -> None:
    try:
        # of later days the rows themselves are read
        if day >= index.read(store).covering_before:
            return
    except IntegrityError as error:  # the build and its row are whole, and no build would end well any more
        log.warning("the build is not in the index: %s", error.problems[0].as_line())
        return
    # With DuckDB and engines, which no other step needs.
    from athena.engines import open_engine, refuse_unset
    from athena.index import Compactor
    from athena.tables import publish

    Compactor(store, settings.folders.cache / "catalog").cover(day)
    name = settings.engine
    # DuckDB reads the index from the store; the others have views that name its segments
    if name != "duckdb":
        refuse_unset(settings)
        extras.add_for_engine(name, settings.folders.cache)
        with open_engine(settings, store) as engine:
            publish(engine, store)
