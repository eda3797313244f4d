"""What the commands of a release share: the project, how it is configured, and what is said of it."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, TypeVar

import click
from packaging.version import Version

from venvbuild import release
from venvbuild.commands.release import place
from venvbuild.console import options, output
from venvbuild.errors import UsageError
from venvbuild.settings import Settings
from venvbuild.text import shown

_KEYS = ("branch", "tag_format", "changelog", "backend", "index_url", "upload_url", "staging", "ca_file")

say = place.say

F = TypeVar("F", bound=Callable[..., Any])

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
    return place.with_project(command)


def with_asked_index(command: F) -> F:
    """The index that the version must not be on."""
    command = place.with_address(command)
    no_index = click.option("--no-index", is_flag=True, help="Do not ask the index which versions it has.")
    older = click.option("--older-line", is_flag=True, help="It is a fix of an older X.Y: compare within that.")
    return no_index(older(command))


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

    def require_new(self) -> release.Changelog | None:
        """The changelog, before another version is asked for.

        Raises:
            UsageError: an edit was stopped before its commit; or HEAD is a release that waits for its tag or its push.
        """
        release.require_finished(self.repository, self.configuration)
        changelog = self.changelog()
        release.require_new(self.source, changelog)
        return changelog

    def tag_of(self, version: object) -> str:
        """The tag of a version."""
        return self.configuration.tag_of(str(version))


def opened(given: Mapping[str, Any], environ: Mapping[str, str] = os.environ) -> Opened:
    """The project that the command is about.

    Raises:
        UsageError, RequirementsRefused: there is none, or it cannot be read.
    """
    folder = place.project_of(given)
    flags = {key: given.get(key) for key in _KEYS}
    configuration = release.load(folder, flags, environ, may_http=bool(given.get("allow_http")))
    return Opened(release.Project.read(folder), release.Repository.of(folder), configuration)


def asked_index(
    opened: Opened, given: Mapping[str, Any], environ: Mapping[str, str] = os.environ
) -> release.AskedIndex | None:
    """The index that a version is looked for on before it is made; None where none is configured, or `--no-index`.

    Raises:
        UsageError: what is configured cannot be used. IndexUnavailable: AWS does not answer.
    """
    configuration = opened.configuration
    if given["no_index"]:
        return None
    try:
        # Here nothing is sent yet, and whoever publishes may be another machine.
        target = release.target_of(configuration, environ, is_read_only=True)
    except UsageError:
        if all(configuration.is_default(key) for key in ("backend", "index_url", "upload_url")):
            return None
        raise
    return release.IndexBefore(release.Index(target), publishes=False)


def release_of(
    opened: Opened, version: Version, changelog: release.Changelog | None, given: Mapping[str, Any], *, pushes: bool
) -> release.Release:
    """The release that is asked for, with all that preflight looks at."""
    return release.Release(
        opened.project,
        opened.repository,
        opened.configuration,
        version,
        changelog,
        pushes=pushes,
        index=asked_index(opened, given),
        older_line=given["older_line"],
    )


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


def pythons_of(given: Sequence[str]) -> tuple[str, ...]:
    """The Pythons that were asked for, X.Y each.

    Raises:
        UsageError: one is none.
    """
    if odd := [one for one in given if not re.fullmatch(r"3\.[0-9]{1,2}", one)]:
        raise UsageError(f"{shown(odd[0])} is no version", where="--python", fix="write X.Y: --python 3.12")
    return tuple(given)


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
