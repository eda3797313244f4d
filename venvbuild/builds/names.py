"""How people name a build: by its version, by an alias of its environment, or as the newest one.

venv_20250722_083000    the version
sales@prod              what the alias `prod` of `sales` points to
sales@prod~1            what it pointed to before its last move, which may have been one back
sales@latest            the newest committed, conflict-free build of `sales`
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress

from venvbuild.builds import aliases, metadata, places
from venvbuild.builds.ahead import horizon, last_version
from venvbuild.builds.places import ENVIRONMENTS
from venvbuild.builds.scripted import ScriptedBuild
from venvbuild.errors import NotInStore, RequirementsRefused
from venvbuild.settings import parameters
from venvbuild.stores import Store
from venvbuild.text import shown, there_are

_MOVES = re.compile(r"[0-9]{1,9}")
_SYNC = "`venvbuild table sync` removes the entry"


def find(store: Store, name: str) -> str:
    """The `venv_version` of the build that `name` stands for: `VERSION`, `ENV@ALIAS`, `ENV@latest` or `ENV@ALIAS~N`.

    A version is given back as it is: whether there is such a build, its metadata tells.

    Raises:
        NotInStore: `name` is no form of these, or stands for nothing; says what there is.
        RequirementsRefused: the environment's name, the alias or the number of moves cannot be one.
        IntegrityError: what it stands for is a build of another environment, or its metadata is damaged.
    """
    if places.is_venv_version(name):
        return name
    env_name, at, alias = name.partition("@")
    if not at:
        raise NotInStore(
            f"'{shown(name)}' names no build",
            where=store.url,
            fix="give a version like venv_20250722_083000, or sales@latest; `venvbuild list` shows the builds",
            rule="NO_SUCH_BUILD",
        )
    # Before it becomes a part of a key.
    parameters.env_name(env_name, "ENV@ALIAS")
    alias, tilde, back = alias.partition("~")
    if alias == "latest":
        if tilde:
            raise _moves_of_latest(env_name)
        return latest(store, env_name)
    parameters.alias(alias, "ENV@ALIAS")
    if tilde and not _MOVES.fullmatch(back):
        raise RequirementsRefused(
            f"'{shown(name)}' names no build",
            where="ENV@ALIAS~N",
            why="after ~ stands the number of moves to go back",
            fix=f"write {env_name}@{alias}~1 for what it pointed to before its last move",
            rule="PARAMETER",
        )
    move = aliases.move_before(store, env_name, alias, int(back or 0))
    # what it was moved to before stays, whatever it is moved to next
    fix = f"`venvbuild aliases {env_name}@{alias} --history` shows what else it has named" if int(back or 0) else ""
    with suppress(NotInStore):  # told by whoever wants to read it
        aliases.refuse_of_another(store, move, metadata.read_any(store, move.venv_version), fix)
    return move.venv_version


def latest(store: Store, env_name: str) -> str:
    """The newest committed, conflict-free build of `env_name`; none that a wrong clock put into a time to come.

    Raises:
        NotInStore: there is none; says which environments there are.
        IntegrityError: the metadata of a newer one than that is damaged, or it is of another environment.
    """
    prefix = f"{ENVIRONMENTS}/{env_name}/"
    versions = [entry.key.removeprefix(prefix) for entry in store.list(prefix)]
    last = last_version(store) if any(version > horizon(()) for version in versions) else horizon(())
    # A version is the instant of its claim, and sorts so.
    for venv_version in sorted(filter(places.is_venv_version, versions), reverse=True):
        if venv_version > last:
            continue
        try:
            build = metadata.read_any(store, venv_version)
            # of no environment: where its entry comes from nobody knows
            if isinstance(build, ScriptedBuild):
                continue
            if build["env_name"] != env_name:
                raise aliases.of_another(store, places.environment_entry(env_name, venv_version), build, _SYNC)
            if build["is_conflict_free"]:
                return venv_version
        except NotInStore:  # the entry is made just before the commit
            continue
    if versions:
        ahead = sorted(version for version in versions if version > last)
        raise NotInStore(
            f"{env_name} has no conflict-free build",
            where=store.url,
            why=f"{ahead[0]} is ahead of the clock and of the store by more than a day" if ahead else "",
            fix=f"give that version itself: {ahead[0]}"
            if ahead
            else "name one by its version; `venvbuild list` shows them",
            rule="NO_SUCH_BUILD",
        )
    raise NotInStore(
        f"there is no build of an environment named {env_name}",
        where=store.url,
        why=there_are("environments", _environments(store)),
        fix="`venvbuild list` shows the builds",
        rule="NO_SUCH_BUILD",
    )


def _environments(store: Store) -> Iterator[str]:
    """Names that have builds, one listing call each."""
    after = ""
    while True:
        entry = next(iter(store.list(f"{ENVIRONMENTS}/", after)), None)
        if entry is None:
            return
        name, is_folder, _ = entry.key.removeprefix(f"{ENVIRONMENTS}/").partition("/")
        if is_folder and parameters.is_name(name):
            yield name
        # `0` is the next after `/`: behind all that is in the folder, whatever it is called
        after = f"{ENVIRONMENTS}/{name}0" if is_folder else entry.key


def _moves_of_latest(env_name: str) -> RequirementsRefused:
    return RequirementsRefused(
        f"{env_name}@latest has no moves to go back by",
        where="ENV@ALIAS~N",
        why="it is always the newest build without conflicts; only an alias is moved",
        fix=f"name a build by its version; `venvbuild list --env-name {env_name} --conflict-free` shows them",
        rule="PARAMETER",
    )
