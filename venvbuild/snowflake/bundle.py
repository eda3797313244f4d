"""What is asked for, and what is made of it: one judged ZIP that Snowflake's Python imports from."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from venvbuild.errors import CheckFoundSomething, Problem, UsageError
from venvbuild.snowflake import runtimes
from venvbuild.text import shown

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,199}\.zip")


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
    is_default_python: bool = False
    """Whether nobody asked for `python`."""
    extras: tuple[str, ...] = ()
    """Of a pylock.toml, as the next."""
    groups: tuple[str, ...] = ()

    def judge(self) -> None:
        """Nothing, or why it cannot be met.

        Raises:
            UsageError: neither a file nor a build, or both; a name or a choice that is none.
            RequirementsRefused: Snowflake has no such Python.
        """
        if (self.requirements is None) == (self.build is None):
            raise UsageError(
                "it takes a requirements file or a build, one of the two",
                where="--from",
                fix="venvbuild snowflake zip -r requirements.txt -o FILE, or --from ENV@ALIAS",
            )
        for flag, names in (("--extra", self.extras), ("--group", self.groups)):
            if names and self.build is not None:
                raise UsageError(
                    f"{flag} chooses of a file, and a build has what it has",
                    where=flag,
                    fix=f"leave {flag} out, or name the build's file with -r in place of --from",
                )
        runtimes.runtime(self.python)
        runtimes.machine(self.platform)
        if self.zip_name is not None and not _NAME.fullmatch(self.zip_name):
            raise UsageError(
                f"'{shown(self.zip_name)}' cannot be the ZIP's name",
                where="--zip-name",
                fix="write letters, digits, . _ and -, with .zip at the end: app_packages.zip",
            )


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
    """Said already."""


class ImportFailed(CheckFoundSomething):
    """What was judged pure does not import from the ZIP, which is there all the same."""

    bundle: Bundle

    @classmethod
    def from_bundle(cls, bundle: Bundle, problems: Sequence[Problem]) -> ImportFailed:
        """The error of this ZIP."""
        error = cls.of(problems)
        error.bundle = bundle
        return error
