"""`venvbuild show`: one build."""

from __future__ import annotations

from typing import Any

import click

from venvbuild import builds
from venvbuild.console import options, output
from venvbuild.stores import store_of
from venvbuild.text import size_text


@click.command("show", short_help="One build: what it is and what it holds.")
@click.argument("version", metavar="BUILD")
@options.with_store
@options.with_config
@options.as_json
def command(version: str, **given: Any) -> None:
    """One build: what it is, what it holds, what conflicts.

    BUILD is a version, ENV@ALIAS, ENV@latest or ENV@ALIAS~N.
    """
    store = store_of(options.load(given))
    found = builds.read_any(store, builds.find(store, version))
    build: dict[str, Any] = found.as_json() if isinstance(found, builds.ScriptedBuild) else dict(found)
    if given["as_json"]:
        output.print_json(build)
        return
    for name, value in build.items():
        if name not in ("installed_packages", "conflicts", "files", "warnings", "yanked_packages"):
            output.print_data(f"{name:<20} {_text(name, value)}")
    for conflict in build["conflicts"]:
        output.print_data(f"conflict             {conflict}")
    for warning in build.get("warnings") or ():
        output.print_data(f"warning              {warning}")
    for package in build.get("yanked_packages") or ():
        output.print_data(f"yanked               {package}")
    for package in build["installed_packages"]:
        output.print_data(f"package              {package}")


def _text(name: str, value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key} {_text(key, one)}" for key, one in value.items())
    if isinstance(value, list):
        return " ".join(_text(name, one) for one in value)
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "true" if value else "false"
    return size_text(value) if name == "archive_size_bytes" else str(value) or "''"
