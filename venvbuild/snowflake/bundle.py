"""What is asked for, and what is made of it: one judged ZIP that Snowflake's Python imports from."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Wish:
    """What the command line asks for."""

    requirements: Path | None
    """The pinned file; None: `build`."""
    build: str | None
    """VERSION or ENV@ALIAS; None: `requirements`."""
    python: str
    """X.Y, one of Snowflake's runtimes."""
    platform: str
    """`x86_64` or `aarch64`."""
    native: str
    """`refuse`, `packages` or `ship`."""
    zip_name: str | None
    """None: named by its content."""
    download_dir: Path | None
    """Where the wheels lie by name too."""
    import_check: str
    """`top`, `all` or `none`."""
    allowed_hosts: tuple[str, ...]
    """Hosts beside the index's own that wheels may come from."""
    may_http: bool
    """Whether the index may be asked without TLS."""


@dataclass(frozen=True)
class Distribution:
    """One distribution of the set."""

    name: str
    """Canonical (PEP 503)."""
    version: str
    wheel: str
    """The file's name."""
    sha256: str
    """Hex, of the wheel."""
    host: str
    """Which the wheel's URL names, with its port; `file` for a folder."""
    is_pinned: bool
    """Whether the file or the build names it."""
    is_native: bool
    is_inside: bool
    """Whether it is in the ZIP, and not left to PACKAGES."""


@dataclass(frozen=True)
class Bundle:
    """The ZIP, closed and on the disk."""

    zip: Path
    name: str
    """`app_packages-<12 hex>.zip`, or what `zip_name` asks for."""
    size: int
    """Bytes."""
    sha256: str
    """Hex, of the ZIP's bytes."""
    content_sha256: str
    """Hex, of the sorted names and plain bytes of every member but the manifest."""
    manifest: bytes
    """The same as `venvbuild-manifest.json` inside."""
    python: str
    platform: str
    native: str
    distributions: tuple[Distribution, ...]
    """Sorted by name."""
    packages: tuple[str, ...]
    """`numpy==2.2.6`, sorted: what Snowflake is to install itself."""
    is_shipping_native: bool
    """Whether the statement needs RESOURCE_CONSTRAINT, and its handler `import _venvbuild_native` first."""
    warnings: tuple[str, ...]
