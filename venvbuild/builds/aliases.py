"""Movable names for builds, `sales@prod`, and every place that each has ever pointed to.

A move is an object of its own, numbered from 1, created only if its number is free: the highest number counts, nobody
overwrites anybody, and the history stays.
"""

from __future__ import annotations

import json
import re
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from functools import partial

from venvbuild.builds import evidence, metadata, places, schemas
from venvbuild.builds.metadata import Metadata
from venvbuild.builds.places import ALIASES, ENVIRONMENTS
from venvbuild.builds.scripted import ScriptedBuild
from venvbuild.errors import IntegrityError, NotInStore, Problem, StoreUnavailable, UsageError
from venvbuild.parallel import each, in_turn
from venvbuild.settings import parameters
from venvbuild.stores import Entry, Store, folder_of
from venvbuild.text import shown, there_are

# No leading zero: 7 and 07 would be two objects of one number.
_KEY = re.compile(
    rf"{ALIASES}/(?P<env_name>[^/]+)/(?P<alias>[^/]+)/(?P<number>[1-9][0-9]*)\.json(?P<below>/.*)?", re.DOTALL
)
# Where an environment or an alias has its folder.
_FOLDER = re.compile(rf"{ALIASES}/(?P<env_name>[^/]+)(?:/(?P<alias>[^/]+))?")
# A file there that is called so is somebody's note, or what a desktop or an editor left. `Prod` and `v1.2` are none.
_NOTE = re.compile(
    r"(?i)readme.*|notes?|todo|licen[cs]e|copying|changelog|changes|history|news|authors|warning|makefile|.*sums"
    r"|.*[.][a-z][a-z0-9]*~?|.*[.][0-9]{4}-[0-9]{2}-[0-9]{2}|.*~|core[.][0-9]+"
)
_INSTANT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z")
# More losses in a row than that many rivals would explain: the store does not do what it says.
_TRIES = 100


@dataclass(frozen=True)
class Move:
    """One move of an alias."""

    env_name: str
    alias: str
    number: int
    """1 for the first; without gaps."""
    venv_version: str
    moved_at: str
    """ISO 8601, UTC."""
    previous: str | None
    """The venv_version it named before."""
    is_undo: bool = False
    """Whether it took the move before it back."""

    @property
    def name(self) -> str:
        """The alias as people name it, `sales@prod`."""
        return f"{self.env_name}@{self.alias}"

    def next(self, venv_version: str, clock: Callable[[], float], *, is_undo: bool = False) -> Move:
        """The move from here to this build."""
        number, before = self.number + 1, self.venv_version
        return Move(self.env_name, self.alias, number, venv_version, _instant(clock), before, is_undo)


def promote(
    store: Store,
    venv_version: str,
    alias: str,
    *,
    env_name: str | None = None,
    clock: Callable[[], float] = time.time,
) -> Move:
    """Let `alias`, of the build's own environment name, point to this build; the move that now counts.

    An alias that points there already stays as it is. `env_name` is for a build that has none.

    Raises:
        NotInStore: there is no such build, or its archive is gone. RequirementsRefused: a name cannot be one.
        StoreUnavailable, UsageError: the store fails, or may not be written; the build is of no environment or of
            another than `env_name`. Nothing has moved.
    """
    parameters.alias(alias)
    # Read first: an alias must not name a build that nobody can get.
    env_name = environment_of(read_gettable(store, venv_version), env_name)
    store.prepare()
    for _ in range(_TRIES):
        # Looked up at each try: a refusal means that somebody else has moved it meanwhile.
        last = current_move(store, env_name, alias)
        if last and last.venv_version == venv_version:
            return last
        first = Move(env_name, alias, 1, venv_version, _instant(clock), None)
        move = last.next(venv_version, clock) if last else first
        if create(store, move):
            return move
    raise StoreUnavailable(
        f"{env_name}@{alias} could not be moved: somebody else was first {_TRIES} times",
        where=store.url,
        fix="try again; if it stays so, look at who moves it",
    )


def read_gettable(store: Store, venv_version: str) -> Metadata | ScriptedBuild:
    """The metadata of a build, whoever made it, whose archive is there; what is in that, `verify` looks at.

    Raises:
        NotInStore: there is no such build, or what `get` reads of it is gone. IntegrityError: its metadata is damaged.
    """
    build = metadata.read_any(store, venv_version)
    archive = places.archive_name(venv_version)
    # a script's build lists no files, and has no index
    files = {archive} if isinstance(build, ScriptedBuild) else build["files"].keys()
    promised = [name for name in (archive, places.ARCHIVE_INDEX) if name in files]
    there = {entry.key for entry in store.list(places.key(venv_version, ""))} if promised else set()
    for name in promised:
        if places.key(venv_version, name) not in there:
            raise NotInStore(
                f"{venv_version} cannot be restored: its {name} is gone",
                where=store.uri(places.key(venv_version, name)),
                fix="restore the object from a backup, or name another build; `venvbuild list` shows them",
                rule="NO_SUCH_BUILD",
            )
    return build


def environment_of(build: Metadata | ScriptedBuild, asked: str | None) -> str:
    """The environment whose aliases may name a build: its own, or `asked` where it has none.

    Raises:
        UsageError: it has none and none was asked for, or it has another. RequirementsRefused: `asked` cannot be one.
    """
    if isinstance(build, ScriptedBuild):
        if asked is None:
            raise UsageError(
                f"{build.venv_version} is of no environment, and an alias is of one",
                where="--env-name",
                why="a script made it, and did not write down which",
                fix="say which environment is to have the alias: --env-name NAME",
                rule="NO_ENVIRONMENT",
            )
        return parameters.env_name(asked, "--env-name")
    if asked is not None and parameters.env_name(asked, "--env-name") != build["env_name"]:
        raise UsageError(
            f"{build['venv_version']} is a build of {build['env_name']}, not of {asked}",
            where="--env-name",
            fix="leave it out: only a build of no environment needs it",
            rule="NO_ENVIRONMENT",
        )
    return build["env_name"]


def create(store: Store, move: Move) -> bool:
    """Make the move, unless one of its number is there: then False, and theirs stays."""
    return store.put_if_absent(_key(move.env_name, move.alias, move.number), _body(move))


def current_move(store: Store, env_name: str, alias: str) -> Move | None:
    """The move that counts; None when there is no such alias."""
    numbers = _numbers_of(store, env_name, alias)
    return _read(store, env_name, alias, numbers[-1], is_last=True) if numbers else None


def move_before(store: Store, env_name: str, alias: str, back: int) -> Move:
    """The move that counted `back` moves ago; of 0 the one that counts.

    Raises:
        NotInStore: there is no such alias, or it has not moved so often; says how often it has.
    """
    numbers = require_alias(store, env_name, alias)
    if back < len(numbers):
        return _read(store, env_name, alias, numbers[-1 - back], is_last=not back)
    name, first = f"{env_name}@{alias}", len(numbers) - 1
    raise NotInStore(
        f"{name}~{back} is before the first move of {name}",
        where=store.url,
        why=f"it has moved {f'{len(numbers)} times' if first else 'once'}",
        fix=f"{name}{f'~{first}' if first else ''} is the first; `venvbuild aliases {name} --history` shows all",
        rule="NO_SUCH_MOVE",
    )


def history(store: Store, env_name: str, alias: str) -> tuple[Move, ...]:
    """Every move, the oldest first; empty when there is no such alias."""
    numbers = _numbers_of(store, env_name, alias)
    return tuple(each(lambda number: _read(store, env_name, alias, number, is_last=number == numbers[-1]), numbers))


def require_alias(store: Store, env_name: str, alias: str) -> list[int]:
    """The numbers of its moves, the oldest first.

    Raises:
        NotInStore: there is no such alias.
    """
    numbers = _numbers_of(store, env_name, alias)
    if not numbers:
        raise no_such_alias(store, env_name, alias)
    return numbers


def moves_back(
    store: Store,
    env_name: str | None,
    alias: str | None,
    *,
    is_whole: bool,
    damaged: Callable[[IntegrityError], object],
) -> Iterator[tuple[int, Move]]:
    """(how many moves ago it counted, move) of one alias or of all, of one environment or of all.

    Sorted by environment and alias, the newest first; only those that count unless `is_whole`. `damaged` is told of the
    records that are, which are passed over.
    """
    odd: list[Problem] = []
    found = _of(store, env_name, odd, alias)
    if odd:
        damaged(IntegrityError.of(odd))
    wanted = (
        (name, other, number, back)
        for (name, other), numbers in found
        for back, number in enumerate(reversed(numbers if is_whole else numbers[-1:]))
    )
    for back, move in in_turn(partial(_move_or_damage, store), wanted):
        if isinstance(move, Move):
            yield back, move
        else:
            damaged(move)


def _move_or_damage(store: Store, one: tuple[str, str, int, int]) -> tuple[int, Move | IntegrityError]:
    env_name, alias, number, back = one
    try:
        return back, _read(store, env_name, alias, number, is_last=not back)
    except IntegrityError as error:
        return back, error


def no_such_alias(store: Store, env_name: str, alias: str) -> NotInStore:
    """The error that says so, and which aliases there are."""
    return NotInStore(
        f"{env_name} has no alias {alias}",
        where=store.url,
        why=there_are("aliases", (f"{name}@{other}" for (name, other), _ in _of(store, env_name, []))),
        fix=f"venvbuild promote BUILD {alias}",
        rule="NO_SUCH_ALIAS",
    )


def _instant(clock: Callable[[], float]) -> str:
    return f"{datetime.fromtimestamp(int(clock()), UTC):%Y-%m-%dT%H:%M:%SZ}"


def _numbers_of(store: Store, env_name: str, alias: str) -> list[int]:
    """The numbers of the moves of one alias, the oldest first."""
    return sorted(_numbers(store, f"{ALIASES}/{env_name}/{alias}/").get((env_name, alias), []))


def refuse_of_another(store: Store, move: Move, build: Metadata | ScriptedBuild, fix: str = "") -> None:
    """Nothing, when the build that an alias leads to is of its environment, or of none.

    Raises:
        IntegrityError: it is of another one; advises `fix`, which for a move that counts is to move the alias on. Or
            the metadata is not what the claim of the build says.
    """
    if not isinstance(build, ScriptedBuild) and build["env_name"] != move.env_name:
        raise of_another(store, _key(move.env_name, move.alias, move.number), build, fix or _onward(move))


def of_another(store: Store, key: str, build: Metadata, fix: str) -> IntegrityError:
    """The error that says that what is at `key` leads to a build of another environment.

    Where the claim of the build does not say so too, that it is damaged: then `key` may well be right.
    """
    if doubt := evidence.doubt_of_environment(store, build):
        return IntegrityError.of([doubt])
    return IntegrityError(
        "this leads to a build of another environment",
        where=store.uri(key),
        why=f"{build['venv_version']} is a build of {build['env_name']}",
        fix=fix,
        rule="OF_ANOTHER",
    )


def alias_problems(store: Store) -> Iterator[Problem]:
    """What is wrong with the aliases: a move that is damaged or lost, does not follow the one before it, or leads to a
    build of another environment; an alias whose build is gone.

    Rules: BAD_ALIAS, LOST_MOVE, OF_ANOTHER, NO_BUILD. Reads every move, and the metadata that it leads to.

    Raises:
        StoreUnavailable, UsageError: the store fails or refuses.
    """
    odd: list[Problem] = []
    found = sorted(_numbers(store, f"{ALIASES}/", odd).items())
    yield from odd
    for problems in in_turn(lambda one: list(_problems_of(store, *one[0], sorted(one[1]))), found):
        yield from problems


def _problems_of(store: Store, env_name: str, alias: str, numbers: Sequence[int]) -> Iterator[Problem]:
    moves: dict[int, Move | None] = {0: None}
    for number in numbers:
        where, name = store.uri(_key(env_name, alias, number)), f"{env_name}@{alias}"
        is_last = number == numbers[-1]
        if number - 1 not in moves:
            why = f"this is number {number}, and {number - 1} is not there"
            restore = f"restore that object from a backup, {_anew(env_name, alias)}"
            fix = f"{restore}; if nobody made the move with this number, remove its object"
            yield Problem(f"a move of {name} is lost", where, why, fix, "LOST_MOVE")
        moves[number] = None
        try:
            moves[number] = move = _read(store, env_name, alias, number, is_last=is_last)
            if before := moves.get(number - 1):
                _refuse_unlike(store, move, before, is_last=is_last)
        except IntegrityError as error:
            yield from (replace(problem, rule="BAD_ALIAS") for problem in error.problems)
        if found := moves[number]:
            yield from _problems_of_build(store, found, is_current=is_last)


def refuse_out_of_line(store: Store, last: Move) -> None:
    """Nothing, when the move that counts follows the one before it, or nobody can tell.

    Raises:
        IntegrityError: it says something else of that than its record does.
    """
    try:
        before = _read(store, last.env_name, last.alias, last.number - 1, is_last=False)
    except (NotInStore, IntegrityError):  # told by `table check`; here the move counts, and not that one
        return
    _refuse_unlike(store, last, before, is_last=True)


def _refuse_unlike(store: Store, move: Move, before: Move, *, is_last: bool) -> None:
    if move.previous != before.venv_version:
        why = f"it says that it named {move.previous}, and the one before {before.venv_version}"
    elif move.is_undo and move.venv_version != before.previous:
        why = f"it says that it took that one back, which was from {before.previous or 'no build'}"
    else:
        return
    raise IntegrityError(
        f"a move of {move.name} does not follow the one before",
        where=store.uri(_key(move.env_name, move.alias, move.number)),
        why=why,
        fix=_mend(move.env_name, move.alias, is_last=is_last),
        rule="BAD_ALIAS",
    )


def _mend(env_name: str, alias: str, *, is_last: bool) -> str:
    """What helps where a record is damaged: without one before it, a later move would be lost itself."""
    way = "or remove it and move the alias again" if is_last else _anew(env_name, alias)
    return f"restore the object from a backup, {way}"


def _anew(env_name: str, alias: str) -> str:
    """What helps without a backup where the history of an alias has a gap; `--env-name` is for builds of scripts."""
    folder = f"{ALIASES}/{env_name}/{alias}"
    return (
        f"or give up its history: see which BUILD `venvbuild aliases` names, remove the folder {folder} of the store, "
        f"and venvbuild promote BUILD {alias} --env-name {env_name}"
    )


def _onward(move: Move) -> str:
    """What helps where an alias counts and leads to no build of its environment, which need not have one any more."""
    way = f"move it on, to a build of {move.env_name}: venvbuild promote BUILD {move.alias}"
    return (
        f"{way}; where {move.env_name} has none, remove the folder {ALIASES}/{move.env_name}/{move.alias} of the store"
    )


def _problems_of_build(store: Store, move: Move, *, is_current: bool) -> Iterator[Problem]:
    where = store.uri(_key(move.env_name, move.alias, move.number))
    try:
        build = metadata.read_any(store, move.venv_version)
    except NotInStore:
        # Its history stays, whatever becomes of the builds in it.
        if is_current:
            what, fix = f"{move.name} names a build that is not in the store", _onward(move)
            if any(store.list(places.key(move.venv_version, ""))):  # whoever moves it on would have to move it back
                fix = f"restore the metadata.json of that build from a backup, or {fix}"
            yield Problem(what, where, move.venv_version, fix, "NO_BUILD")
        return
    except IntegrityError:  # told of the build
        return
    try:
        refuse_of_another(store, move, build)
    except IntegrityError as error:
        # Where it points to now is mended by the next move; what it was moved to before is what it is.
        is_to_stay = is_current or error.problems[0].rule != "OF_ANOTHER"
        fix = _mend(move.env_name, move.alias, is_last=False)
        yield from (one if is_to_stay else replace(one, fix=fix) for one in error.problems)


def _of(
    store: Store, env_name: str | None, odd: list[Problem], alias: str | None = None
) -> list[tuple[tuple[str, str], list[int]]]:
    """The numbers of one alias, of all of one environment, or of all, sorted; what stands in the place of a folder goes
    into `odd`."""
    names = "".join(f"{name}/" for name in (env_name, alias) if name)
    return sorted(_numbers(store, f"{ALIASES}/{names}", odd).items())


def _numbers(store: Store, prefix: str, odd: list[Problem] | None = None) -> dict[tuple[str, str], list[int]]:
    """The numbers under `prefix` by environment name and alias. What stands in the place of a folder goes into `odd`.

    Raises:
        IntegrityError: there is such a thing, and nowhere to tell it.
    """
    found: dict[tuple[str, str], set[int]] = defaultdict(set)
    is_a_folder = folder_of(store.url) is not None
    for entry in store.list(prefix):
        match = _KEY.fullmatch(entry.key)
        names = (match["env_name"], match["alias"]) if match else ("", "")
        # below a folder that stands where a move has its file; S3 may have both
        if match and all(map(parameters.is_name, names)) and (is_a_folder or not match["below"]):
            # As a number: in the order of keys 10 comes before 9.
            found[names].add(int(match["number"]))
        elif is_a_folder and _stands_for_a_folder(store, entry):
            try:
                store.read(f"{entry.key}/1.json", schemas.MAX_BYTES)
            except NotInStore:  # it was one again
                pass
            except IntegrityError as error:
                if odd is None:
                    raise
                fix = "put the folder itself there; where there never was one, move this elsewhere"
                odd += (replace(problem, fix=fix) for problem in error.problems)
    return {name: sorted(numbers) for name, numbers in found.items()}


def _stands_for_a_folder(store: Store, entry: Entry) -> bool:
    match = _FOLDER.fullmatch(entry.key)
    if not match or entry.oddity:
        return match is not None
    name = match["alias"] or match["env_name"]
    if not parameters.is_name(name):
        return False
    # no note where there is an environment of that name
    return not _NOTE.fullmatch(name) or (
        not match["alias"] and any(True for _ in store.list(f"{ENVIRONMENTS}/{name}/"))
    )


def _key(env_name: str, alias: str, number: int) -> str:
    return f"{ALIASES}/{env_name}/{alias}/{number}.json"


def _body(move: Move) -> bytes:
    facts = asdict(move)
    said = ("venv_version", "moved_at", "previous", *(("is_undo",) if move.is_undo else ()))
    return (json.dumps({name: facts[name] for name in said}) + "\n").encode()


def _read(store: Store, env_name: str, alias: str, number: int, *, is_last: bool) -> Move:
    key = _key(env_name, alias, number)
    why = ""
    try:
        facts = schemas.parsed(store.read(key, schemas.MAX_BYTES).body)
        previous, is_undo = facts["previous"], facts.get("is_undo", False)
        if type(is_undo) is not bool:
            raise TypeError("is_undo is neither true nor false")
        if (number == 1) != (previous is None) or (number == 1 and is_undo):
            raise ValueError("only the first move has none before it")
        move = Move(env_name, alias, number, facts["venv_version"], facts["moved_at"], previous, is_undo)
        # What it names becomes a part of keys: a damaged record must not lead anywhere else.
        named = (move.venv_version, move.venv_version if previous is None else previous)
        if all(map(places.is_venv_version, named)) and _INSTANT.fullmatch(move.moved_at):
            datetime.fromisoformat(move.moved_at)  # which knows that there is no month 99
            return move
    except IntegrityError as error:
        why = error.problems[0].what
    except (ValueError, KeyError, TypeError) as error:
        why = shown(f"{type(error).__name__}: {error}", 200)
    raise IntegrityError(
        f"the record of {env_name}@{alias} is damaged",
        where=store.uri(key),
        why=why,
        fix=_mend(env_name, alias, is_last=is_last),
    )
