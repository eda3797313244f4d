"""The options that say which index a release goes to, and how they become a `Target`."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import click
from packaging.utils import canonicalize_name

from venvbuild import logs, release
from venvbuild.console import options, output
from venvbuild.errors import UsageError, VenvBuildError
from venvbuild.files import write_whole
from venvbuild.settings import Settings
from venvbuild.text import shown

F = TypeVar("F", bound=Callable[..., Any])

_KEYS = {
    "backend": ("NAME", "The kind of index: devpi, artifactory, aws_codeartifact, ...; devpi. [PYPI_BACKEND]"),
    "index_url": ("URL", "Where packages are installed from. [VENVBUILD_RELEASE_INDEX_URL]"),
    "upload_url": ("URL", "Where files are sent to. [VENVBUILD_RELEASE_UPLOAD_URL]"),
    "staging": ("URL", "The index of the same kind that is meant by --to-staging. [VENVBUILD_RELEASE_STAGING]"),
    "ca_file": ("FILE", "Trust these certificates too, of the index. [VENVBUILD_RELEASE_CA_FILE]"),
}


_project = click.option(
    "--project",
    type=click.Path(path_type=Path),
    default=Path(),
    metavar="DIR",
    help="The folder of pyproject.toml or setup.cfg, else the current one.",
)


def with_project(command: F) -> F:
    """`--project`."""
    return _project(command)


def with_address(command: F) -> F:
    """The index and how it is reached."""
    allow_http = click.option("--allow-http", is_flag=True, help="Reach the index without TLS, on another machine too.")
    command = allow_http(command)
    for key, (metavar, text) in reversed(_KEYS.items()):
        command = click.option(f"--{key.replace('_', '-')}", key, default=None, metavar=metavar, help=text)(command)
    return command


def with_index(command: F) -> F:
    """`--project`, the index and how it is reached, and `--json`."""
    command = options.as_json(options.with_config(command))
    to_staging = click.option("--to-staging", is_flag=True, help="The staging index is meant, and not the last one.")
    return with_project(with_address(to_staging(command)))


def project_of(given: Mapping[str, Any]) -> Path:
    """The folder that is meant.

    Raises:
        UsageError: there is none.
    """
    folder: Path = given["project"]
    if not os.path.isdir(folder):
        fix = "name the project's folder: --project DIR"
        raise UsageError("there is no such folder", where=shown(str(folder), 200), fix=fix)
    return folder.resolve()


@contextmanager
def project_held(folder: Path) -> Iterator[release.Repository | None]:
    """Hold the project, so that nobody builds meanwhile; its repository. None where the files alone are: there is
    nobody to hold it against, and nothing to hold them against.

    Raises:
        UsageError: somebody else holds it, or git says no.
    """
    is_project = any((folder / name).exists() for name in ("pyproject.toml", "setup.cfg"))
    if not is_project or not any(os.path.lexists(one / ".git") for one in (folder, *folder.parents)):
        yield None
        return
    repository = release.Repository.of(folder)
    with release.held(repository):
        yield repository


def configuration_of(given: Mapping[str, Any], environ: Mapping[str, str] = os.environ) -> release.Configuration:
    """How the project is released."""
    flags = {key: given[key] for key in _KEYS}
    return release.load(project_of(given), flags, environ, may_http=given["allow_http"])


def target_of(
    given: Mapping[str, Any], environ: Mapping[str, str] = os.environ, *, is_read_only: bool = False
) -> release.Target:
    """The index that is meant; what may be wondered about is said."""
    configuration = configuration_of(given, environ)
    found = release.target_of(configuration, environ, is_staging=given["to_staging"], is_read_only=is_read_only)
    for note in found.addresses.notes:
        output.say(f"note: {note}")
    return found


def say(label: str, text: str) -> None:
    """A line of what was done."""
    output.say(f"{label:<11} {text}")


@contextmanager
def log_kept(settings: Settings, name: str) -> Iterator[None]:
    """What twine and pip say goes into a file of the cache, redacted; where something fails, that file is named.

    `name` is the package's.
    """
    path = settings.folders.cache / "release" / f"{canonicalize_name(name)}.log"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, b"", mode=0o600)  # of this run alone
        logs.follow(path)
    except OSError as error:
        output.say(f"warning: there is no log: {error.strerror}")
    try:
        yield
    except VenvBuildError:
        if kept := logs.followed():
            output.say(f"log: {kept}")
        raise


def install_line(name: str, version: str, target: release.Target) -> str:
    """What users type."""
    return f"pip install {name}=={version} --index-url {target.index_url}"


def note_of_caches(name: str) -> str:
    """For who has just asked the index: pip (since 26.2) and uv keep what it answered."""
    return f"note: who has just asked the index may need --no-cache-dir; with uv, --refresh-package {shown(name)}"
