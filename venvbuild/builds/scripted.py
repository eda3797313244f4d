"""Builds that a script made before there was this tool: metadata.json has nine fields and no `schema_version`.

Such a version is the second on the clock of the machine, in its own time zone; `created_at` is the same moment in UTC,
or what the script took for it. As builds are named, sorted and found by their versions, the instant of such a build is
that of its version, read as UTC, and what its file says is `recorded_at`. The file in the store stays as it is.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from venvbuild.builds.places import archive_name, instant_of, key
from venvbuild.errors import NotInStore
from venvbuild.redaction import strip_credentials
from venvbuild.stores import Entry, Store
from venvbuild.text import shown

SCHEMA = "builds/scripted.schema.json"
FIELDS = (
    "venv_version",
    "created_at",
    "python_version",
    "requirements_file",
    "pipdeptree_output",
    "venv_archive",
    "is_conflict_free",
    "conflicts",
    "installed_packages",
)
"""The nine, in their order; every build has them."""
_OURS = ("schema_version", "files", "archive_sha256", "content_sha256", "requirements_sha256")
"""What a build of this tool has: one that lost its `schema_version` is damaged, and no script's."""
_PACKAGE = re.compile(r"(?P<name>[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)==(?P<version>\S+)")


@dataclass(frozen=True)
class ScriptedBuild:
    """A build that a script made, read as far as it goes."""

    venv_version: str
    created_at: str
    """The instant of the version, `2025-07-22T16:30:00Z`."""
    recorded_at: str | None
    """What its file says, as an instant of UTC; None when that is none. Without a zone it is taken for UTC."""
    python_version: str
    """X.Y."""
    requirements_file: str
    pipdeptree_output: str
    venv_archive: str
    """These three as the file has them: the store may have been copied from where they lead."""
    is_conflict_free: bool
    conflicts: tuple[str, ...]
    installed_packages: tuple[str, ...]
    """`name==version`, PEP 503 names, sorted; what is not of this form (`name @ file:///...`) is left out."""

    @classmethod
    def of(cls, metadata: Mapping[str, Any]) -> ScriptedBuild:
        """From metadata.json, which fits `SCHEMA` and whose version is an instant."""
        return cls(
            metadata["venv_version"],
            f"{instant_of(metadata['venv_version']):%Y-%m-%dT%H:%M:%SZ}",
            recorded(metadata["created_at"]),
            ".".join(metadata["python_version"].split(".")[:2]),
            metadata["requirements_file"],
            metadata["pipdeptree_output"],
            metadata["venv_archive"],
            metadata["is_conflict_free"],
            tuple(metadata["conflicts"]),
            normalised(metadata["installed_packages"]),
        )

    def as_json(self) -> dict[str, Any]:
        """What there is to say of it, in the fields and forms of metadata.json, and `recorded_at`; no environment."""
        fields: dict[str, Any] = {name: getattr(self, name) for name in FIELDS}
        fields |= {"conflicts": list(self.conflicts), "installed_packages": list(self.installed_packages)}
        return {
            **fields,
            "env_name": None,
            "package_count": len(self.installed_packages),
            "recorded_at": self.recorded_at,
        }


def is_scripted(metadata: Any) -> bool:
    """Whether metadata.json, as it was parsed, is not one of this tool."""
    return isinstance(metadata, dict) and not any(name in metadata for name in _OURS)


def archive_of(store: Store, build: ScriptedBuild) -> Entry:
    """The archive of a build, in this store: its metadata may name another one, from which it was copied.

    Raises:
        NotInStore: it is not there; says where the metadata has it.
    """
    expected = key(build.venv_version, archive_name(build.venv_version))
    named = key(build.venv_version, build.venv_archive.rpartition("/")[2])
    there = {entry.key: entry for entry in store.list(key(build.venv_version, ""))}
    found = there.get(expected) or there.get(named)
    if found is None:
        said = shown(strip_credentials(build.venv_archive), 200)
        raise NotInStore(
            f"the archive of {build.venv_version} is not in this store",
            where=store.uri(expected),
            why=f"its metadata.json says that it is at {said}",
            fix="copy it to that place, or copy it here and name the file: venvbuild get --from-archive FILE TARGET",
            rule="NO_ARCHIVE",
        )
    return found


def recorded(text: str) -> str | None:
    """An instant as a script wrote it, in UTC and our form; None when it is none."""
    with suppress(ValueError, OverflowError):
        said = datetime.fromisoformat(text.strip())
        said = said.astimezone(UTC) if said.tzinfo else said
        # Not `%Y`, which the C library writes as it likes: the year 999 has three digits on Linux.
        return f"{said.replace(tzinfo=None).isoformat(timespec='seconds')}Z"
    return None


def normalised(packages: list[str]) -> tuple[str, ...]:
    """`name==version` as builds of ours have them, sorted; what is not of this form is left out."""
    from packaging.utils import canonicalize_name  # only here: who reads a build of ours does without

    found = filter(None, (_PACKAGE.fullmatch(one.strip()) for one in packages))
    return tuple(sorted({f"{canonicalize_name(one['name'])}=={one['version']}" for one in found}))
