"""Options that several commands share, and how they become `Settings`."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import click

from venvbuild import settings
from venvbuild.errors import RequirementsRefused, UsageError
from venvbuild.redaction import REDACTOR
from venvbuild.settings import BY_NAME, Settings

F = TypeVar("F", bound=Callable[..., Any])
Given = Mapping[str, Any]
"""What a command was given, by the names of its parameters, as click hands it over."""

DEFAULT_WORK_DIR = "venvbuild-work"

as_json = click.option("--json", "as_json", is_flag=True, help="One JSON value on stdout.")
again = click.option("--again", is_flag=True, help="Run although nothing has changed.")
max_bytes = click.option(
    "--max-bytes",
    type=click.IntRange(min=1),
    metavar="N",
    help="Ask only what reads at most so many bytes of the catalog's rows.",
)
strict = click.option(
    "--strict", is_flag=True, help="End with 8 where a row cannot be read, which else is passed over."
)
_config = click.option(
    "--config",
    "config",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Read this configuration file instead of the user's.",
)


def _option(name: str, **more: Any) -> Callable[[F], F]:
    setting = BY_NAME[name]
    # No default and no variable here: click's would hide that nobody gave it, and then the configuration file counts.
    return click.option(
        setting.flag, name, default=None, help=f"{setting.help[0].upper()}{setting.help[1:]}. [{setting.env}]", **more
    )


# What is applied last stands first in the help.
_SOURCE_BUILDS = (
    click.option("--allow-python-download", is_flag=True, help="Let uv fetch the Python when it is not here."),
    click.option("--allow-sdist", multiple=True, metavar="NAME", help="Build this package from source if need be."),
)


def _places() -> tuple[Callable[[F], F], ...]:
    """Where packages come from."""
    return (
        _option("find_links", metavar="PLACES"),
        _option("extra_index_urls", metavar="URLS"),
        _option("index_url", metavar="URL"),
    )


def with_config(command: F) -> F:
    """`--config`, for every command that has settings."""
    return _config(command)


def with_store(command: F) -> F:
    """`--store` and how to reach S3."""
    return _option("store", metavar="URL")(command)


def with_env_name(command: F) -> F:
    """`--env-name`, for those who make builds of one without a run."""
    return _option("env_name", metavar="NAME")(command)


def with_engine(command: F) -> F:
    """Who answers questions about the catalog, and where its rows are."""
    return _option("engine", metavar="duckdb|trino|athena")(with_store(command))


def with_shape(command: F) -> F:
    """`--format` and its short form `--json`."""
    shapes = click.Choice(["table", "json", "csv"])
    shape = click.option(
        "--format", "shape", type=shapes, default="table", show_default=True, help="How rows are printed."
    )
    return shape(as_json(command))


def with_format(command: F) -> F:
    """The same of what SQL answers; and `--explain`."""
    return with_shape(click.option("--explain", is_flag=True, help="Print the SQL, and do not ask it.")(command))


def with_index(command: F) -> F:
    """`--index-url`."""
    return _option("index_url", metavar="URL")(command)


def with_snowflake_source(command: F) -> F:
    """Where `venvbuild snowflake` gets packages and builds from."""
    for option in (_option("timeout_s", metavar="SECONDS"), _option("store", metavar="URL")):
        command = option(command)
    return _option("proget_url", metavar="URL")(command)


def with_work_dir(command: F) -> F:
    """`--work-dir`, for the steps."""
    return _option("work_dir", metavar="DIR")(command)


def with_pack_options(command: F) -> F:
    """What decides on the archive's bytes."""
    switches = (
        click.option(
            "--bundle-python/--no-bundle-python",
            "bundle_python",
            default=None,
            help="Put the interpreter into the archive, or not. [VENVBUILD_BUNDLE_PYTHON]",
        ),
        click.option(
            "--bytecode/--no-bytecode",
            "bytecode",
            default=None,
            help="Put bytecode (checked-hash) into the archive, or not. [VENVBUILD_BYTECODE]",
        ),
    )
    # What is applied last stands first in the help.
    layout = _option("layout", metavar="venv|flat")
    for option in (*switches, layout, _option("python_path", metavar="PATH"), _option("level", metavar="1-9")):
        command = option(command)
    return command


SELECTION = (
    click.option("--extra", "extras", multiple=True, metavar="NAME", help="With this extra of a pylock.toml."),
    click.option("--group", "groups", multiple=True, metavar="NAME", help="With this group of a pylock.toml."),
)
"""What of a pylock.toml is wanted."""


def with_target(command: F) -> F:
    """What packages are for and where they come from, without a run."""
    for option in (
        *_SOURCE_BUILDS,
        _option("min_age_days", metavar="DAYS"),
        _option("timeout_s", metavar="SECONDS"),
        *_places(),
        _option("python_version", metavar="X.Y"),
    ):
        command = option(command)
    return command


def with_build_options(command: F) -> F:
    """Everything that `check` judges or writes down, which is all that `build` takes but the store."""
    conflicts = click.option(
        "--fail-on-conflicts/--no-fail-on-conflicts",
        "fail_on_conflicts",
        default=None,
        help="End with 5 when dependencies conflict, or build all the same. [FAIL_ON_CONFLICTS]",
    )
    for option in (
        *_SOURCE_BUILDS,
        click.option("--locked", is_flag=True, help="Refuse a file that is not its own closure."),
        *reversed(SELECTION),
        _option("min_age_days", metavar="DAYS"),
        _option("timeout_s", metavar="SECONDS"),
        *_places(),
        _option("installer", metavar="uv|pip"),
        conflicts,
        _option("python_version", metavar="X.Y"),
        _option("env_name", metavar="NAME"),
        click.option(
            "-r",
            "--requirements",
            type=click.Path(path_type=Path),
            default=Path("requirements.txt"),
            show_default=True,
            metavar="FILE",
            help="The pinned requirements: a requirements file, or a pylock.toml.",
        ),
    ):
        command = option(command)
    return with_pack_options(command)


_OF_REQUEST = ("requirements", "locked", "allow_sdist", "allow_python_download", "extras", "groups")


def of_request(given: Given) -> dict[str, Any]:
    """What of `with_build_options` is no setting, by the fields of `Request`."""
    return {name: given[name] for name in _OF_REQUEST}


def work_dir(given: Given) -> Path:
    """The work dir of the steps, which is known even where other settings are refused."""
    return Path(given["work_dir"] or os.environ.get("VENVBUILD_WORK_DIR") or DEFAULT_WORK_DIR)


def load_of_any_run(given: Given) -> Settings:
    """The settings, for those who tell of a run: of one whose parameters or settings were refused, too."""
    try:
        return load(given)
    except (RequirementsRefused, UsageError):
        # These are why most runs are refused; without them the rest is as the run had it.
        parameters = ("ENV_NAME", "PYTHON_VERSION", "FAIL_ON_CONFLICTS")
        try:
            return load(given, {name: value for name, value in os.environ.items() if name not in parameters})
        except UsageError:
            # Only what telling needs; the rest counts as unset.
            needed = ("PATH", "HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME", "VENVBUILD_NOTIFY_URLS", "VENVBUILD_WORK_DIR")
            environ = {name: os.environ[name] for name in needed if name in os.environ}
            # A file may be what cannot be read.
            return load({**given, "config": None, "store": None}, environ, reads_files=False)


def load(given: Given, environ: Mapping[str, str] = os.environ, *, reads_files: bool = True) -> Settings:
    """The settings of this run, from the options of the command, the environment and the configuration file."""
    flags = {name: given[name] for name in BY_NAME if given.get(name) is not None}
    loaded = settings.load(flags, environ, given.get("config"), reads_files=reads_files)
    # Before anybody can put them into a log.
    for url in (loaded.index_url, *loaded.extra_index_urls, *loaded.find_links):
        REDACTOR.hide_url(url)
    for one in (loaded.trino_url, loaded.proget_url):
        REDACTOR.hide_url(one or "")
    return loaded
