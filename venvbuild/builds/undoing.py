"""The last move of an alias, taken back: a move of its own, to the build that the alias named before.

Only a move that somebody meant is taken back, once. So whoever runs it again, unsure whether it was done, or beside
somebody else who was called too, does not put the bad build back.
"""

from __future__ import annotations

import shlex
import time
from collections.abc import Callable
from dataclasses import replace

from venvbuild.builds import aliases
from venvbuild.builds.aliases import Move
from venvbuild.builds.scripted import ScriptedBuild
from venvbuild.errors import IntegrityError, NotInStore, UsageError
from venvbuild.settings import parameters
from venvbuild.stores import Store


def undo(
    store: Store,
    env_name: str,
    alias: str,
    *,
    only_from: str | None = None,
    clock: Callable[[], float] = time.time,
) -> Move:
    """Let `alias` point to the build that it named before its last move; the move that does it.

    With `only_from`, a venv_version, only while the alias names that build.

    Raises:
        NotInStore: there is no such alias, it has moved only once, or the build before is gone; says which can be got.
        UsageError: the last move took one back already, it was to another build than `only_from`, or somebody else
            moved the alias meanwhile. IntegrityError: the metadata of the build before is damaged, or it is of another
            environment; or the last move is not what the one before it says.
        RequirementsRefused: a name cannot be one. StoreUnavailable: the store fails. Nothing has moved by this call.
    """
    parameters.env_name(env_name, "ENV@ALIAS")
    parameters.alias(alias, "ENV@ALIAS")
    last = aliases.current_move(store, env_name, alias)
    if last is None:
        raise aliases.no_such_alias(store, env_name, alias)
    before = _before(store, last, only_from)
    try:
        build = aliases.read_gettable(store, before)
    except NotInStore as error:
        raise _cannot_go_back(store, last, error) from error
    try:
        aliases.refuse_of_another(store, replace(last, number=last.number - 1), build)
    except IntegrityError as error:
        if error.problems[0].rule != "OF_ANOTHER":  # it is the build that is damaged
            raise
        raise IntegrityError.of(replace(one, fix=_instead(store, last)) for one in error.problems) from error
    store.prepare()
    move = last.next(before, clock, is_undo=True)
    if aliases.create(store, move):
        return move
    # Not tried again: what stands there now is a move that nobody asked to take back.
    now = aliases.move_before(store, env_name, alias, 0)
    if now.is_undo and (now.number, now.venv_version) == (move.number, before):
        return now
    raise UsageError(
        f"somebody else has moved {now.name} meanwhile, to {now.venv_version}",
        where=store.url,
        why="what is taken back is the move that was seen, and no other",
        fix=f"look at `venvbuild aliases {now.name} --history`, and decide whether that one has to be taken back too",
        rule="MOVED_MEANWHILE",
    )


def _refuse_out_of_line(store: Store, last: Move) -> None:
    try:
        aliases.refuse_out_of_line(store, last)
    except IntegrityError as error:
        look, move = f"venvbuild aliases {last.name} --history", f"venvbuild promote BUILD {last.alias}"
        way = f"to go back, look at `{look}`, and name the build: {move}"
        raise IntegrityError.of(replace(one, fix=f"{one.fix}; {way}") for one in error.problems) from error


def _before(store: Store, last: Move, only_from: str | None) -> str:
    """The venv_version that `last` moved the alias from."""
    if last.previous is None:
        raise NotInStore(
            f"{last.name} has moved once only, to {last.venv_version}: there is nothing to go back to",
            where=store.url,
            fix=_any_other(last),
            rule="NO_SUCH_MOVE",
        )
    _refuse_out_of_line(store, last)
    if last.is_undo:
        raise UsageError(
            f"the last move of {last.name} was taken back already, at {last.moved_at}: it names {last.venv_version}",
            where=store.url,
            why="whether to go further back, or forth again, is yours to decide",
            fix=_choices(store, last),
            rule="UNDONE_ALREADY",
        )
    if only_from is not None and last.venv_version != only_from:
        raise UsageError(
            f"{last.name} does not name {only_from}, but {last.venv_version}, since {last.moved_at}",
            where=store.url,
            why="only the move to the build of the work dir is taken back",
            fix=f"look at `venvbuild aliases {last.name} --history`; "
            f"if that move is the wrong one: venvbuild promote --undo {last.name}",
            rule="MOVED_MEANWHILE",
        )
    return last.previous


def _choices(store: Store, last: Move) -> str:
    """What can follow a move that took one back: only what will succeed."""
    ways = (
        (_earlier(store, last), "for the build before it"),
        (_way_to(store, last, last.previous), "for what was taken back"),
    )
    return ", or ".join(f"`{way}` {why}" for way, why in ways if way) or _any_other(last)


def _cannot_go_back(store: Store, last: Move, error: NotInStore) -> NotInStore:
    return NotInStore(
        f"{last.name} cannot go back to {last.previous}",
        where=store.url,
        why=error.problems[0].what,
        fix=_instead(store, last),
        rule="NO_SUCH_BUILD",
    )


def _instead(store: Store, last: Move) -> str:
    """What can be done where the build before cannot be gone back to."""
    earlier = _earlier(store, last)
    if earlier:
        return f"the newest before it that can be got, if that will do: {earlier}"
    return f"no build that it named before can be got; {_any_other(last)}"


def _any_other(last: Move) -> str:
    of = f"--env-name {last.env_name}"
    shown = f"one of those that `venvbuild list {of}` shows"
    return f"venvbuild promote BUILD {last.alias}, with {shown}, or with {of} and one of no environment"


def _earlier(store: Store, last: Move) -> str | None:
    """The way to the newest build that the alias named before those of `last`, and that can be got."""
    # a damaged record is one that leads nowhere
    moves = aliases.moves_back(store, last.env_name, last.alias, is_whole=True, damaged=lambda _: None)
    builds = dict.fromkeys(move.venv_version for _, move in moves if move.number < last.number)
    others = (build for build in builds if build not in (last.venv_version, last.previous))
    return next(filter(None, (_way_to(store, last, build) for build in others)), None)


def _way_to(store: Store, last: Move, venv_version: str | None) -> str | None:
    """The command that moves the alias of `last` to a build, if it can be got."""
    if venv_version is None:
        return None
    try:
        build = aliases.read_gettable(store, venv_version)
        aliases.refuse_of_another(store, last, build)  # `promote` would move the other environment's alias
    except (NotInStore, IntegrityError):
        return None
    of = f" --env-name {last.env_name}" if isinstance(build, ScriptedBuild) else ""
    return f"venvbuild promote {venv_version} {last.alias}{of} --store {shlex.quote(store.url)}"
