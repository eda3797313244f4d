"""The options that say which ZIP is wanted, and how they become a `Wish`."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import click

from venvbuild.console import options, output
from venvbuild.console.options import F, Given
from venvbuild.settings import Settings, azure
from venvbuild.snowflake import Bundle, Wish, runtimes, with_index

_path = click.Path(path_type=Path)

_OPTIONS = (
    click.option(
        "-r",
        "--requirements",
        type=_path,
        metavar="FILE",
        help="The pinned requirements; requirements.txt when neither this nor --from is given.",
    ),
    *options.SELECTION,
    click.option("--from", "build", metavar="BUILD", help="The pins of this build and its lock: VERSION or ENV@ALIAS."),
    click.option("--python", "python", metavar="X.Y", help=f"Snowflake's Python; {runtimes.DEFAULT} unless given."),
    click.option(
        "--platform",
        type=click.Choice(runtimes.MACHINES),
        default=runtimes.MACHINES[0],
        show_default=True,
        help="The machines of the warehouse.",
    ),
    click.option(
        "--native",
        type=click.Choice(runtimes.NATIVE),
        default=runtimes.NATIVE[0],
        show_default=True,
        help="What becomes of packages with native code: end with 4, leave them to Snowflake, or put them in.",
    ),
    click.option("--zip-name", metavar="NAME", help="Name the ZIP so, and not by its content."),
    click.option("--download-dir", type=_path, metavar="DIR", help="Put the wheels there, too, by their names."),
    click.option(
        "--import-check",
        type=click.Choice(["top", "all", "none"]),
        default="top",
        show_default=True,
        help="Import the packages from the ZIP, or every module of them, or nothing.",
    ),
    click.option("--allow-host", "allowed_hosts", multiple=True, metavar="HOST", help="Take wheels from there, too."),
    click.option("--allow-http", is_flag=True, help="Ask the index without TLS."),
)


def with_wish(command: F) -> F:
    """All that says which ZIP is wanted and where its packages come from."""
    command = options.with_snowflake_source(options.with_config(command))
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def wish_of(given: Given) -> Wish:
    """What the command line asks for."""
    requirements = given["requirements"]
    if requirements is None and given["build"] is None:
        requirements = Path("requirements.txt")
    return Wish(
        requirements=requirements,
        build=given["build"],
        python=runtimes.DEFAULT if given["python"] is None else given["python"],
        platform=given["platform"],
        native=given["native"],
        zip_name=given["zip_name"],
        download_dir=given["download_dir"],
        import_check=given["import_check"],
        allowed_hosts=given["allowed_hosts"],
        may_http=given["allow_http"],
        is_default_python=given["python"] is None,
        extras=given["extras"],
        groups=given["groups"],
    )


def settings_of(given: Given, environ: Mapping[str, str] = os.environ) -> Settings:
    """The settings, with the index that counts and its credentials."""
    environ = azure.defined(environ)
    settings = with_index(options.load(given, environ), environ)
    for note in settings.notes:
        say("warning", note)
    return settings


def say(step: str, text: str) -> None:
    """A line on stderr about a step: `lock      6 distributions, ...`."""
    output.say(f"warning: {text}" if step == "warning" else f"{step:<9} {text}")


def as_json(bundle: Bundle) -> dict[str, object]:
    """What of a ZIP each command prints with --json."""
    return {
        "zip": bundle.name,
        "sha256": bundle.sha256,
        "content_sha256": bundle.content_sha256,
        "size_bytes": bundle.size,
        "python_version": bundle.python,
        "platform": bundle.platform,
        "native": bundle.native,
        "distributions": [vars(one) for one in bundle.distributions],
        "packages": list(bundle.packages),
        "warnings": list(bundle.warnings),
    }
