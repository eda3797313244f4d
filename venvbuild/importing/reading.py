"""metadata.json of a build that a script made, read as far as it goes: a field that cannot be read is noted."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from venvbuild import builds
from venvbuild.builds import SCRIPTED_FIELDS, schemas, scripted
from venvbuild.errors import IntegrityError
from venvbuild.redaction import strip_credentials
from venvbuild.stores import Store
from venvbuild.text import shown

_MAX_SHOWN = 200


@dataclass(frozen=True)
class Recorded:
    """What a metadata.json says. What it does not say, or not so that it can be read, is None."""

    is_build: bool
    """Whether it is of a build at all; other programs have files of this name, too."""
    is_ours: bool = False
    """Whether it is of a build of this tool."""
    venv_version: str | None = None
    instant: str | None = None
    """That of its version, `2025-07-22T16:30:00Z`."""
    recorded_at: str | None = None
    """When it was made, an instant of UTC."""
    venv_archive: str | None = None
    """Where its archive was, without credentials; its file's name is what counts here."""
    conflicts: tuple[str, ...] | None = None
    """None too where it says that there are some, and not which."""
    installed_packages: tuple[str, ...] | None = None
    """`name==version`, as builds of ours have them."""
    notes: tuple[str, ...] = ()
    """What could not be read."""

    @property
    def archive_names(self) -> tuple[str, ...]:
        """What its archive may be called: as it says, or as the script names archives."""
        named = self.venv_archive.rpartition("/")[2] if self.venv_archive else ""
        return tuple(filter(None, (named, f"{self.venv_version}.tar.gz" if self.venv_version else "")))


def read(store: Store, key: str) -> Recorded:
    """What the object at `key` says; it is there.

    Raises:
        StoreUnavailable, UsageError: the store fails, or lets nobody in.
    """
    try:
        found = schemas.parsed(store.read(key, schemas.MAX_BYTES).body)
    except (ValueError, IntegrityError):
        return Recorded(is_build=False, notes=("metadata.json is no JSON, so the archive alone was read",))
    if not isinstance(found, dict):
        return Recorded(is_build=False, notes=("metadata.json is no JSON object, so the archive alone was read",))
    if not scripted.is_scripted(found):
        return Recorded(is_build=True, is_ours=True, venv_version=_text(found, "venv_version"))
    missing = [name for name in SCRIPTED_FIELDS if name not in found]
    notes = [f"metadata.json does not have {', '.join(missing)}"] if missing else []
    packages, conflicts = _texts(found, "installed_packages"), _texts(found, "conflicts")
    notes += [
        f"{name} in metadata.json is no list of texts"
        for name, value in (("installed_packages", packages), ("conflicts", conflicts))
        if value is None and name in found
    ]
    venv_version, archive = _text(found, "venv_version"), _text(found, "venv_archive")
    instant = None
    with suppress(ValueError):
        instant = f"{builds.instant_of(venv_version or ''):%Y-%m-%dT%H:%M:%SZ}"
    # `false` without a sentence cannot be told, and sentences beside `true` contradict it.
    is_sound = found.get("is_conflict_free") is (not conflicts)
    return Recorded(
        is_build=venv_version is not None,
        venv_version=venv_version,
        instant=instant,
        recorded_at=scripted.recorded(_text(found, "created_at") or ""),
        venv_archive=shown(strip_credentials(archive)) if archive else None,
        conflicts=tuple(shown(one, _MAX_SHOWN) for one in conflicts) if conflicts is not None and is_sound else None,
        installed_packages=scripted.normalised(packages) if packages is not None else None,
        notes=tuple(notes),
    )


def _text(found: dict[str, Any], name: str) -> str | None:
    value = found.get(name)
    return value if isinstance(value, str) else None


def _texts(found: dict[str, Any], name: str) -> list[str] | None:
    value = found.get(name)
    return value if isinstance(value, list) and all(isinstance(one, str) for one in value) else None
