"""What is to come into the ZIP: the pins of a file, judged as `check` does, or those of a build with its lock."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from venvbuild import builds, requirements
from venvbuild.builds import places, read_lock
from venvbuild.environment import IndexAccess, suggested
from venvbuild.interpreters import Interpreter
from venvbuild.requirements import Requirements, Selection, Sources
from venvbuild.settings import Settings
from venvbuild.snowflake import runtimes
from venvbuild.snowflake.bundle import Wish
from venvbuild.stores import store_of


@dataclass(frozen=True)
class Wanted:
    """The pins, and what holds for all else."""

    requirements: Requirements
    venv_version: str = ""
    """Of the build; empty for a file."""
    python_version: str = ""
    """Of the build, X.Y."""
    locked: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Of the build's lock: canonical name -> `sha256:...` of the files that may be taken."""
    constraints: tuple[str, ...] = ()
    """`name==version` of each entry of the lock."""

    @property
    def pinned(self) -> frozenset[str]:
        """Canonical names that the file, or the build's lock, names."""
        return frozenset(self.locked or (pin.canonical_name for pin in self.requirements.active))


def wanted_by(wish: Wish, settings: Settings, target: Interpreter, access: IndexAccess) -> Wanted:
    """The file of a wish, or its build of the settings' store, as they read for the target.

    Raises:
        UsageError: there is no such file, or a script made the build. RequirementsRefused: a line is no exact pin.
        NotInStore, IntegrityError, StoreUnavailable: as reading a build.
    """
    if wish.requirements is not None:
        sources = Sources(settings.index_url, settings.extra_index_urls, settings.find_links)
        read = requirements.read(
            wish.requirements,
            target.marker_environment,
            suggest=lambda wanted, pins: suggested(wanted, pins, access, target),
            sources=sources,
            selection=Selection(
                wish.extras,
                wish.groups,
                sdists=None,  # a ZIP holds nothing that was built here
                tags=target.supported_tags,
                pythons=runtimes.running(),
                platforms={one: runtimes.target(target.version, one).supported_tags for one in runtimes.MACHINES},
            ),
        )
        return Wanted(read)
    assert wish.build is not None
    store = store_of(settings)
    found = builds.read(store, builds.find(store, wish.build))
    body = builds.read_file(store, found, places.REQUIREMENTS)
    lock = read_lock(builds.read_file(store, found, places.LOCK).decode())
    return Wanted(
        requirements.reread(body, places.REQUIREMENTS, target.marker_environment),
        found["venv_version"],
        found["python_version"],
        {name: frozenset(hashes) for name, _, hashes in lock},
        tuple(f"{name}=={version}" for name, version, _ in lock),
    )
