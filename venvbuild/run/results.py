"""The records of a work dir, by type: the run as `check` accepted it, and what each step leaves for those after it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, TypeVar

from venvbuild.builds import Metadata, RequiresEntry

R = TypeVar("R")


@dataclass(frozen=True)
class Recorded:
    """A run as it was accepted; holds no secret."""

    env_name: str
    python_version: str
    """X.Y."""
    fail_on_conflicts: bool
    installer: str
    timeout_s: int
    min_age_days: int
    min_age_except: tuple[str, ...]
    """`name: reason`."""
    yanked: str
    level: int
    bytecode: bool
    python_path: str | None
    bundle_python: bool
    layout: str
    index_url: str
    """Without credentials, as the two after it."""
    extra_index_urls: tuple[str, ...]
    find_links: tuple[str, ...]
    requirements: str
    """The file, as it was named."""
    build_url: str | None
    source_revision: str | None
    requirements_sha256: str
    """Of the file that was given: the build's requirements.txt, or its pylock.given.toml."""
    requirements_parts: tuple[tuple[int, str, int], ...]
    """Of which lines of which files that one was joined: `requirements.Part`; empty when it is one file."""
    locked: bool
    extras: tuple[str, ...]
    """Of a pylock.toml, as they were asked for; the next too."""
    groups: tuple[str, ...]
    allow_sdist: tuple[str, ...]
    """PEP 503 names."""
    interpreter: str
    """Its path."""
    python_full_version: str


@dataclass(frozen=True)
class Checked:
    """What `check` found."""

    pins: int
    warnings: int
    started_at: str = ""
    """When the run began: by that ages count; `2025-07-22T08:30:00Z`."""
    said: tuple[str, ...] = ()
    """The warnings, a line each, without secrets."""


@dataclass(frozen=True)
class Created:
    """What `create` made."""

    installer: str
    """Name and version: `uv 0.13.8`."""
    not_pinned: tuple[str, ...]
    """PEP 503 names of the closure that the file does not pin."""
    is_forced: bool
    overlaps: Mapping[str, tuple[str, ...]]
    """Paths, relative to the venv, that several distributions own."""
    reproducible: bool
    said: tuple[str, ...] = ()
    """What was warned of beside what `check` said already, a line each, without secrets."""


@dataclass(frozen=True)
class Inspected:
    """What `inspect` found."""

    installed_packages: tuple[str, ...]
    conflicts: tuple[str, ...]
    requires: RequiresEntry
    yanked_packages: tuple[str, ...] | None = ()
    """Of the installed ones those that were yanked, as the index told `create`; None where it was not asked of all."""


@dataclass(frozen=True)
class Packed:
    """What `pack` made."""

    sha256: str
    size_bytes: int
    content_sha256: str
    archive_root: str
    base_requires: RequiresEntry | None
    """Of the bundled interpreter."""


@dataclass(frozen=True)
class Described:
    """What `describe` found: nothing that is not in metadata.json."""


@dataclass(frozen=True)
class Uploaded:
    """What `upload` committed."""

    metadata: Metadata
    store: str
    """Its URL."""


@dataclass(frozen=True)
class Registered:
    """What `register` wrote."""

    row: str
    """Its key."""


StepResult = Checked | Created | Inspected | Packed | Described | Uploaded | Registered
STEP_OF: Mapping[type, str] = {
    Checked: "check",
    Created: "create",
    Inspected: "inspect",
    Packed: "pack",
    Described: "describe",
    Uploaded: "upload",
    Registered: "register",
}
"""Which step's result it is."""


def from_json(record: type[R], values: Any) -> R:
    """The record that was written as JSON.

    Raises:
        ValueError: it has other fields, as one of another version of the tool has.
    """
    names = {field.name for field in fields(record)}  # type: ignore[arg-type]  # every record here is a dataclass
    if not isinstance(values, dict) or set(values) != names:
        raise ValueError(f"this is no {record.__name__}")
    return record(**{name: _with_tuples(value) for name, value in values.items()})


def _with_tuples(value: Any) -> Any:
    # JSON has none, and every field with several values is one
    return tuple(map(_with_tuples, value)) if isinstance(value, list) else value
