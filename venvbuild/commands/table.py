"""`venvbuild table`: looks after the catalog's table."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import click

from athena import index, rows, tables, upkeep
from athena.engines import Engine
from athena.index import Compactor
from athena.statement import Statement
from athena.tables import TABLE, Workflow
from athena.upkeep import find_problems
from venvbuild.console import engine, options, output
from venvbuild.errors import CheckFoundSomething, UsageError
from venvbuild.settings import Settings
from venvbuild.stores import Store, store_of
from venvbuild.text import on_a_line


@click.group("table", short_help="Look after the catalog's table.")
def command() -> None:
    """Look after the table that `list`, `find` and SQL editors read."""


_dry_run = click.option("--dry-run", is_flag=True, help="Print the SQL, and do nothing.")
_with_workflow = click.option(
    "--with-workflow", is_flag=True, help="Glue's daily crawler of partitions too; Athena does not need it."
)


@command.command("create", short_help="Make the table and its views on the engine, unless they are there.")
@click.option("--location", metavar="URI", help="The store as the engine sees it; that of --store unless given.")
@click.option("--replace", is_flag=True, help="Drop what is there first: another's table, or an older one of ours.")
@_with_workflow
@click.option("--crawler-role", metavar="ROLE", help="The IAM role of the crawler: its ARN or name.")
@_dry_run
@options.with_engine
@options.with_config
def create(
    location: str | None, replace: bool, with_workflow: bool, crawler_role: str | None, dry_run: bool, **given: Any
) -> None:
    """Make the table and its views on the engine, unless they are there. Rows stay as they are.

    A table of this name that does not read the rows, lacks a column, or reads those of another --location is refused:
    --replace drops it first. Its files stay where they are.
    """
    settings = options.load(given)
    store = store_of(settings)
    # Each day from there on is a partition that a query without a date lists: so not earlier than the rows.
    since = tables.first_day(store, f"{datetime.now(UTC):%Y-%m-%d}")
    # Athena's is made, too: nobody else would.
    database = settings.athena_database if settings.engine == "athena" else None
    # An engine may reach the store by another address than we do.
    place = location or store.url
    statements = tables.creation(settings.engine, place, since, index.read(store), database)
    wanted = _workflow(settings, crawler_role) if with_workflow else None
    if dry_run:
        _print((*(_removal(settings) if replace else ()), *statements))
    else:
        if replace:
            _remove(settings)
        else:
            _refuse_what_stays(settings, place)
        with engine.opened(settings, store) as opened:
            _run(opened, statements)
        engine.publish(settings, store)
    if wanted and dry_run:
        # As a comment, so that the whole output is SQL to paste.
        output.print_text("\n".join(f"-- {line}" for line in json.dumps(wanted.definitions(), indent=2).splitlines()))
    elif wanted:
        made = tables.create_workflow(wanted, settings.athena_region)
        output.say(f"Glue: {wanted.name}: {', '.join(made) or 'everything was there'}")


def _refuse_what_stays(settings: Settings, place: str) -> None:
    """A table that is there, and from which no question about the store at `place` is answered."""
    with engine.opened(settings, store_of(settings)) as opened:
        found = tables.standing(opened)
    if found:
        if problem := found.problem():
            raise UsageError.of([problem])
        tables.refuse_elsewhere(found, place)


def _workflow(settings: Settings, role: str | None) -> Workflow:
    database = _glue_database(settings)
    if role is None:
        raise UsageError("the crawler needs a role", where="--crawler-role", fix="name one that reads the rows")
    return Workflow(database, TABLE, role)


def _glue_database(settings: Settings) -> str:
    if settings.engine != "athena" or not settings.athena_database:
        raise UsageError(
            "a Glue workflow is for Athena's table",
            where="--with-workflow",
            fix="set VENVBUILD_ENGINE=athena and VENVBUILD_ATHENA_DATABASE",
        )
    return settings.athena_database


@command.command("show", short_help="The table and its views, as the engine has them.")
@options.with_engine
@options.with_config
def show(**given: Any) -> None:
    """The table and its views as SQL, as the engine has them."""
    settings = options.load(given)
    with engine.opened(settings, store_of(settings)) as opened:
        output.print_text(";\n\n".join(tables.definitions_on(opened)) + ";")


@command.command("drop", short_help="Drop the table and its views; rows and builds stay.")
@_with_workflow
@_dry_run
@options.with_engine
@options.with_config
def drop(with_workflow: bool, dry_run: bool, **given: Any) -> None:
    """Drop the table and its views from the engine. Rows and builds stay where they are."""
    settings = options.load(given)
    if with_workflow:
        database = _glue_database(settings)
        if dry_run:
            output.print_data(f"-- and Glue's trigger, workflow and crawler {tables.workflow_name(database)}")
        else:
            # Before the table, which is the crawler's target.
            tables.remove_workflow(database, settings.athena_region)
    if dry_run:
        _print(_removal(settings))
    else:
        _remove(settings)


def _removal(settings: Settings) -> tuple[Statement, ...]:
    """What drops the table and its views, but for what the engine would have to be asked."""
    views = tables.removal_of_views(settings.engine)
    output.print_data("-- and each table of the index: `SHOW TABLES` lists them, venv_index_...")
    return (*views, *tables.removal_of_tables())


def _remove(settings: Settings) -> None:
    views = tables.removal_of_views(settings.engine)
    with engine.opened(settings, store_of(settings)) as opened:
        tables.refuse_to_drop(tables.standing(opened))  # with its files
        _run(opened, views)
        # listed only now, so that none stays of somebody who published meanwhile
        _run(opened, tables.removal_of_tables(tables.there(opened)))


def _print(statements: Sequence[Statement]) -> None:
    output.print_text(";\n\n".join(one.text for one in statements) + ";")


def _run(opened: Engine, statements: Sequence[Statement]) -> None:
    for one in statements:
        opened.run(one)
        output.say(_first_line(one))


def _first_line(statement: Statement) -> str:
    """What a statement does, without its comment."""
    # SQL files begin with what they are for.
    lines = (line for line in statement.text.splitlines() if not line.startswith("--"))
    return next(lines).removesuffix(" (").removesuffix(" AS")


@command.command("compact", short_help="Bring the index up to date, so that questions read little.")
@click.option("--rebuild", is_flag=True, help="Make the whole index anew from the rows.")
@options.strict
@options.with_engine
@options.with_config
@options.as_json
def compact(rebuild: bool, strict: bool, **given: Any) -> None:
    """Put the rows of all days but the last two into the index, so that questions read little.

    Only days that are new are read. Several may do so at once, and what was interrupted is done by the next. On Trino
    and Athena the views are made to read it.
    """
    settings = options.load(given)
    store = store_of(settings)
    store.prepare()
    # The last days stay rows: a build of them may still be on its way to the catalog.
    before = index.last_day_covered_before(datetime.now(UTC))
    # The index first and the views then: a view must not name what is not there yet.
    done = Compactor(store, engine.cache_of(settings), is_strict=strict).compact(before, is_rebuilt=rebuild)
    engine.say_unread(store, done.index.unread_in_all)
    engine.publish(settings, store)
    rows.keep_closed_days(store, done.index.covered_before)
    if given["as_json"]:
        output.print_json(
            {
                "generation": done.index.generation,
                "covered_before": done.index.covered_before,
                "build_count": sum(one.build_count for one in done.index.segments),
                "added": done.added,
                "removed": done.removed,
            }
        )
    else:
        output.say(
            f"the index of {store.url} covers the days before {done.index.covered_before}: "
            f"{done.added} builds came in, {done.removed} went out"
        )


@command.command("files", short_help="The files of the index, for other readers of Parquet.")
@click.option("--table", type=click.Choice(index.VIEWS), default="venv_packages", show_default=True, help="Of which.")
@click.option("--tail", is_flag=True, help="The rows that are not in the index yet, instead: JSON, a file each.")
@options.with_store
@options.with_config
@options.as_json
def files_command(table: str, tail: bool, **given: Any) -> None:
    """The Parquet files that the index consists of now, one a line, for DuckDB, polars, pyarrow, Spark and others: what
    a pattern like index/*/packages/*.parquet finds counts builds twice.

    They hold the builds before a day that is said; --tail names the rows from that day on. --json has both. What is
    named stays for seven days.
    """
    settings = options.load(given)
    engine.refuse_absent(settings)
    store = store_of(settings)
    found = index.table_files(store, table, engine.cache_of(settings))
    engine.say_unread(store, found.unread)
    _say_what_is_odd(store, found)
    if given["as_json"]:
        names = ("table", "covered_before", "end_build_no", "files", "tail")
        output.print_json({name: getattr(found, name) for name in names})
        return
    for name in found.tail if tail else found.files:
        output.print_data(name)
    if not found.covered_before:
        others = f"but {len(found.tail)} rows (--tail)" if found.tail else "and no row that counts"
        output.say(f"there is no index yet, {others}; `venvbuild table compact` makes it")
    elif not tail:
        output.say(
            f"builds since {found.covered_before} are not in these files, but in {len(found.tail)} rows (--tail)"
        )


def _say_what_is_odd(store: Store, found: index.TableFiles) -> None:
    """What readers do not see, so that they would count otherwise than our questions."""
    if found.end_build_no is not None:
        output.say(
            f"warning: the files hold builds of a time to come, which count nowhere: ask WHERE build_no < "
            f"{found.end_build_no}; `venvbuild table check` names them"
        )
    if found_in := sorted(set("*?[{") & set(store.url)):
        output.say(f"warning: DuckDB and Spark take {' '.join(found_in)} in these names for a pattern")


@command.command("sync", short_help="Write rows that are missing or wrong, remove those without a build.")
@click.option("--dry-run", is_flag=True, help="Say what would be done, and do nothing.")
@options.with_engine
@options.with_config
@options.as_json
def sync_command(dry_run: bool, **given: Any) -> None:
    """Make the rows agree with the builds: one for each committed build, as its metadata.json has it, and none beside.
    The same of the entries by which ENV@latest is found.

    A build whose metadata.json is not what its other files say is named (8), and what there is of it stays.
    The index is brought into agreement with the rows of the days that it covers; on Trino and Athena the views are made
    to read it.
    """
    settings = options.load(given)
    store = store_of(settings)
    found = upkeep.rows_difference(store)
    if not dry_run:
        # Only now: it writes a probe, and a dry run needs no right to write.
        store.prepare()
        upkeep.sync_rows(store, engine.cache_of(settings), found)
        engine.publish(settings, store)
    if given["as_json"]:
        output.print_json({name: list(names) for _, name, names in _done(found)})
        return
    for what, _, names in _done(found):
        for name in names:
            output.say(f"{'not done: ' if dry_run else ''}{what}: {on_a_line(name)}")
    for problem in found.problems:  # else they were raised
        output.say(f"cannot be done: {problem.as_line()}")
    if not any(names for _, _, names in _done(found)):
        output.say(f"{store.url} has a row for each build, and no others")


def _done(found: upkeep.Difference) -> tuple[tuple[str, str, Sequence[str]], ...]:
    """In words, the field of JSON, and what it was done with."""
    return (
        ("row written", "written", found.without_row),
        ("row removed", "removed", found.without_build),
        ("row written anew", "rewritten", found.with_another_row),
        ("entry written", "entries_written", found.lost_entries),
        ("entry removed", "entries_removed", found.foreign_entries),
    )


@command.command("check", short_help="Is there a right row for each build, and nothing else?")
@click.option("--deep", is_flag=True, help="Read all files of the builds too, but the archives.")
@options.with_engine
@options.with_config
@options.as_json
def check(deep: bool, **given: Any) -> None:
    """Name what would spoil a query: objects that are no rows, damaged rows, rows that are not what metadata.json says,
    rows without builds, builds without rows, days whose index is not what their rows say; on Trino and Athena also a
    table that does not read the rows. And entries and aliases that are lost, damaged, or lead to another
    environment's build, and builds of a time to come.

    With --deep, each build also as `verify` does, without its archive. Ends with 11 when there is something.
    """
    settings = options.load(given)
    store = store_of(settings)
    problems = (*engine.table_problems(settings, store), *find_problems(store, engine.cache_of(settings), is_deep=deep))
    if problems:
        raise CheckFoundSomething.of(problems)
    if given["as_json"]:
        output.print_json([])
    else:
        output.say(f"the table of {store.url} is whole")
