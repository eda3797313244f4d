"""What the commands of a release share: the project, how it is configured, and what is said of it."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, TypeVar

import click

from venvbuild import release
from venvbuild.console import options, output
from venvbuild.errors import UsageError
from venvbuild.settings import Settings
from venvbuild.text import shown

F = TypeVar("F", bound=Callable[..., Any])

_project = click.option(
    "--project",
    "project",
    type=click.Path(path_type=Path),
    default=Path(),
    metavar="DIR",
    help="The folder of pyproject.toml or setup.cfg, else the current one.",
)
_CONFIGURED = (
    ("--branch", "NAME", "Release from this branch only. [VENVBUILD_RELEASE_BRANCH]"),
    ("--tag-format", "TEXT", "How tags are named, v{version}. [VENVBUILD_RELEASE_TAG_FORMAT]"),
    ("--changelog", "FILE", "The changelog, in the project. [VENVBUILD_RELEASE_CHANGELOG]"),
)


def with_project(command: F) -> F:
    """`--project`, how its releases are configured, and `--json`."""
    command = options.as_json(command)
    for flag, metavar, text in reversed(_CONFIGURED):
        command = click.option(flag, default=None, metavar=metavar, help=text)(command)
    return _project(command)


@dataclass(frozen=True)
class Opened:
    """A project and all that a command asks of it."""

    project: release.Project
    repository: release.Repository
    configuration: release.Configuration

    @property
    def source(self) -> release.Source:
        """What is built of it."""
        return release.Source(self.project, self.repository, self.configuration)

    def changelog(self) -> release.Changelog | None:
        """Its changelog; None: there is none, which is told."""
        found = release.Changelog.read(self.project.folder / self.configuration.changelog)
        if found is None:
            output.say(f"warning: there is no {shown(self.configuration.changelog)}: users cannot read what changes")
        return found

    def tag_of(self, version: object) -> str:
        """The tag of a version."""
        return self.configuration.tag_of(str(version))


def opened(given: Mapping[str, Any], environ: Mapping[str, str] = os.environ) -> Opened:
    """The project that the command is about.

    Raises:
        UsageError, RequirementsRefused: there is none, or it cannot be read.
    """
    folder: Path = given["project"]
    if not os.path.isdir(folder):
        fix = "name the project's folder: --project DIR"
        raise UsageError("there is no such folder", where=shown(str(folder), 200), fix=fix)
    folder = folder.resolve()
    flags = {key: given.get(key) for key in ("branch", "tag_format", "changelog")}
    configuration = release.load(folder, flags, environ)
    return Opened(release.Project.read(folder), release.Repository.of(folder), configuration)


def tools_of(given: Mapping[str, Any]) -> tuple[release.Tools, Settings]:
    """The programs of others, set up now if need be; and the settings, in which their time limit is."""
    settings = options.load(given)
    return release.Tools.of(settings), settings


def day_of(text: str | None) -> date:
    """The day of a release: as it was given, else today in UTC.

    Raises:
        UsageError: it is none.
    """
    if text is None:
        return datetime.now(UTC).date()
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise UsageError(f"{shown(text)} is no day", where="--date", fix="write it as YYYY-MM-DD") from None


def say(label: str, text: str) -> None:
    """A line of what was done."""
    output.say(f"{label:<11} {text}")


def print_line(label: str, text: str) -> None:
    """A line of what is."""
    output.print_data(f"{label:<11} {text}")


def entries(counts: Mapping[str, int]) -> str:
    """`2 entries under Added, 1 entry under Fixed`."""
    told = [
        f"{count} {'entry' if count == 1 else 'entries'}{f' under {shown(kind)}' if kind else ''}"
        for kind, count in counts.items()
    ]
    return ", ".join(told) or "no entry"
