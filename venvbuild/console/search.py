"""What `find`, `count` and `list` share: which builds are looked for."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from contextlib import suppress
from typing import Any, TypeVar

import click

from athena.engines import Engine
from athena.questions import Plan, Search, leaves_out_ahead, parse_packages
from venvbuild.console import output
from venvbuild.console.options import Given
from venvbuild.errors import UsageError, VenvBuildError
from venvbuild.settings import Settings, parameters
from venvbuild.stores import Store, folder_of

F = TypeVar("F", bound=Callable[..., Any])


def with_search(*, required: bool = True) -> Callable[[F], F]:
    """The packages and the conditions; at least one package is `required`."""
    metavar = "PACKAGE..." if required else "[PACKAGE]..."
    packages = click.argument("packages", metavar=metavar, nargs=-1, required=required)
    return lambda command: packages(with_conditions(command))


def with_conditions(command: F) -> F:
    """The conditions that a build meets whatever it holds."""
    for option in (
        click.option("--platform", "wanted_platform", metavar="NAME", help="Only builds for it: linux_x86_64."),
        click.option(
            "--until", type=click.DateTime(["%Y-%m-%d"]), metavar="DATE", help="Only builds until that day (UTC)."
        ),
        click.option(
            "--since", type=click.DateTime(["%Y-%m-%d"]), metavar="DATE", help="Only builds since that day (UTC)."
        ),
        click.option("--conflict-free", is_flag=True, help="Only builds without conflicts."),
        click.option("--env-name", "wanted_env_name", metavar="NAME", help="Only builds of this environment."),
        click.option("--python", "wanted_python", metavar="X.Y", help="Only builds for this Python."),
    ):
        command = option(command)
    return command


def search_of(given: Given) -> Search:
    """What the options of `with_search` or `with_conditions` ask for.

    Raises:
        RequirementsRefused: a package, the Python or the environment's name is malformed.
        UsageError: the days are none.
    """
    env_name, python = given["wanted_env_name"], given["wanted_python"]
    since, until = given["since"], given["until"]
    if since and until and until < since:
        raise UsageError(f"--until {until:%Y-%m-%d} is before --since {since:%Y-%m-%d}", fix="exchange the two days")
    is_yanked = given.get("wanted_yanked", False)
    if "packages" in given and not given["packages"] and not is_yanked:
        raise UsageError(
            "no package is named", fix="name one: venvbuild find 'kedro>=0.19'; `venvbuild list` lists all"
        )
    return Search(
        parse_packages(given.get("packages", ())),
        parameters.minor_python_version(python, "--python") if python is not None else None,
        parameters.env_name(env_name, "--env-name") if env_name is not None else None,
        given["conflict_free"],
        f"{since:%Y-%m-%d}" if since else None,
        given.get("limit"),
        f"{until:%Y-%m-%d}" if until else None,
        given["wanted_platform"],
        is_yanked,
    )


def say_notes(plan: Plan) -> None:
    """What the user should know of how the answer was found."""
    for note in plan.notes:
        output.say(f"note: {note}")


def such(search: Search) -> str:
    """The conditions, behind the word for builds: ` (of sales, for Python 3.11)`."""
    return f" ({search.conditions})" if search.conditions else ""


def say_why_nothing(settings: Settings, store: Store, what: str) -> None:
    """Of an empty answer: what there is none of, `no build has kedro`, or that there is no build at all yet; and builds
    which no question sees, with the command that mends it.
    """
    if _is_before_the_first_build(settings):
        output.say(f"there is no build yet: {store.url} is where they are kept by default; --store names another place")
        return
    output.say(f"{what} in the catalog of {store.url}")
    _say_what_is_unseen(settings, store)


def say_what_is_ahead(engine: Engine, search: Search) -> None:
    """That builds of a time to come were left out of an answer, if the engine knows of any."""
    if leaves_out_ahead(engine, search):
        output.say("note: builds of a time to come were left out; `venvbuild table check` names them")


def _is_before_the_first_build(settings: Settings) -> bool:
    folder = folder_of(settings.store)
    return folder is not None and settings.is_default("store") and not folder.is_dir()


def _say_what_is_unseen(settings: Settings, store: Store) -> None:
    """Of an empty answer: that the store has builds which no question sees, and the command that mends it."""
    from athena.rows import unseen_build  # only here: who gets an answer does without

    # The question is answered: who may read the catalog alone gets no error for what lies beside it.
    with suppress(VenvBuildError):
        problem = unseen_build(store)
        if problem:
            on = "" if settings.engine == "duckdb" else f" --engine {settings.engine}"
            sync = f"`venvbuild table sync --store {shlex.quote(store.url)}{on}`"
            output.say(f"note: {problem.what}, and others may have none either: no question sees them; {sync} mends it")
