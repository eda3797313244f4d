"""What a run asks for that the last good build of its environment did not."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice

from venvbuild import builds
from venvbuild.builds import Metadata, is_venv_version, places
from venvbuild.errors import IntegrityError, NotInStore, RequirementsRefused
from venvbuild.run import Outcome, pinned
from venvbuild.stores import Store

_LOOKED_AT = 20  # builds that are looked at for a good one; further back it says nothing about today


@dataclass(frozen=True)
class Changes:
    """The pins that differ."""

    since: str
    """The `venv_version` of the good build; empty when even that cannot be told."""
    lines: tuple[str, ...]
    """`pandas 2.2.2 -> 2.2.3`, `+ rich 14.0`, `- toml 0.10.2`, by name."""
    unknown: str = ""
    """Why they cannot be told: something in the store is damaged. Empty when they can."""


def changes_since_last_good(run: Outcome, store: Store) -> Changes | None:
    """The pins of the run against those of the newest conflict-free build of its environment, itself apart.

    None when there is no such build, or when the run's own file was refused.
    """
    if not run.pins or not run.summary.env_name:
        return None
    version = ""
    try:
        good = next(_good(store, run.summary.env_name, run.summary.venv_version), None)
        if good is None:
            return None
        version = good["venv_version"]
        before = pinned(builds.read_file(store, good, places.REQUIREMENTS), good["python_full_version"])
    except (IntegrityError, NotInStore, RequirementsRefused) as error:
        first = error.problems[0]
        return Changes(version, (), f"{first.where}: {first.what}")
    now = {pin.name: pin.version for pin in run.pins if pin.status != "not meant"}
    return Changes(version, tuple(differences(before, now)))


def differences(before: Mapping[str, str], now: Mapping[str, str]) -> Iterator[str]:
    """A line for each name whose version differs."""
    for name in sorted({*before, *now}):
        old, new = before.get(name), now.get(name)
        if old is None:
            yield f"+ {name} {new}"
        elif new is None:
            yield f"- {name} {old}"
        elif old != new:
            yield f"{name} {old} -> {new}"


def _good(store: Store, env_name: str, own: str | None) -> Iterator[Metadata]:
    prefix = f"{places.ENVIRONMENTS}/{env_name}/"
    # a version is an instant, so the order of the text is that of time
    versions = sorted((entry.key.removeprefix(prefix) for entry in store.list(prefix)), reverse=True)
    for version in islice(versions, _LOOKED_AT):
        # a run that recovered is itself the newest good build by now
        if is_venv_version(version) and version != own:
            try:
                build = builds.read(store, version)
            except NotInStore:  # the entry is made just before the commit
                continue
            if build["is_conflict_free"]:
                yield build
