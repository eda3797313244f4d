"""What an account has to become what the file says: a comparison of facts, object by object. It knows no SQL.

A key that the file does not have is not compared and left as it is, and so is an object that it does not name; of
functions all is compared. The value of a secret is shown to nobody: one that is there counts as unchanged, unless it is
to be set again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from venvbuild.errors import UsageError
from venvbuild.snowflake.repository import facts, state
from venvbuild.snowflake.repository.description import (
    Default,
    Description,
    Integration,
    Repository,
    Secret,
    exact_parts,
)
from venvbuild.snowflake.repository.facts import Facts, Record, Value
from venvbuild.snowflake.repository.state import Seen, State
from venvbuild.text import shown, there_are

CREATE, ALTER, REPLACE, UNCHANGED, UNKNOWN = "create", "alter", "replace", "unchanged", "cannot compare"
DROP, ABSENT, KEPT = "drop", "absent", "kept"
"""Of a removal."""
_NOT_SHOWN = "whether other repositories use it is not shown to this role"
Users = Mapping[str, tuple[str, ...] | None]
_LOST = {
    "secret": "the grants on it are lost",
    "integration": "the grants on it are lost, and repositories that use it may have to be made again",
    "repository": "the grants on it are lost, and the copies of packages that it retains",
}
# The flag comes last: a word behind it would be hidden as what it is given.
_ITS_VALUE = "exists (its value cannot be compared; set it again with --rotate-secret)"
_IS_ROTATED = "its value is set again"


@dataclass(frozen=True)
class Difference:
    """Of one property."""

    field: str
    old: Value
    new: Value

    def __str__(self) -> str:
        if isinstance(self.old, tuple) and isinstance(self.new, tuple):
            gone = [f"- {one}" for one in self.old if one not in self.new]
            return f"{self.field}: {', '.join([*(f'+ {one}' for one in self.new if one not in self.old), *gone])}"
        if self.field == "body":
            return "body: another text"
        # A name behind `secret:` would be hidden as its value.
        colon = "" if self.field == "secret" else ":"
        return f"{self.field}{colon} {facts.told(self.old)} -> {facts.told(self.new)}"


@dataclass(frozen=True)
class Change:
    """What becomes of one object, or of one grant."""

    action: str
    kind: str
    """`secret`, `integration`, `repository`, `grant`, `packages_policy`, `default`, `function`, `procedure`."""
    name: str
    """Whole; of a default, what it is the default of."""
    record: Record
    differences: tuple[Difference, ...] = ()
    told: str = ""
    """What else is to be said of it."""
    role: str = ""
    """Of a grant."""
    is_rotated: bool = False
    """Whether a secret gets its value again."""
    unknown: tuple[str, ...] = ()
    """Of what is altered: what cannot be compared, and stays as it is."""

    def __str__(self) -> str:
        return "; ".join([*map(str, self.differences), *([self.told] if self.told else [])])


@dataclass(frozen=True)
class Plan:
    """All changes, in the order in which they can be made."""

    changes: tuple[Change, ...]
    state: State

    @property
    def pending(self) -> tuple[Change, ...]:
        """Those that do something."""
        return tuple(one for one in self.changes if one.action in (CREATE, ALTER, REPLACE, DROP))

    @property
    def unknown(self) -> tuple[Change, ...]:
        """Those of which nobody knows, or not all."""
        return tuple(one for one in self.changes if one.action == UNKNOWN or one.unknown)

    @property
    def is_blind(self) -> bool:
        """Whether nothing of all that is described could be seen."""
        return bool(self.changes) and all(one.action == UNKNOWN for one in self.changes)

    def summary(self) -> str:
        """`1 to change, 2 to create, 1 unchanged, 1 cannot be compared.`"""
        counts = Counter(one.action for one in self.changes)
        words = {
            ALTER: "to change", REPLACE: "to replace", CREATE: "to create", DROP: "to drop", UNCHANGED: "unchanged",
            ABSENT: "not there", KEPT: "left alone", UNKNOWN: "cannot be compared",
        }  # fmt: skip
        told = [f"{counts[action]} {word}" for action, word in words.items() if counts[action]]
        if partly := sum(bool(one.unknown) for one in self.changes):
            told.append(f"{partly} of these not compared in all")
        return f"{', '.join(told)}." if told else "nothing is described."

    def judge(self, *, is_replacing: bool) -> None:
        """End where something would have to be replaced, and nobody has allowed it.

        Raises:
            UsageError: so it is.
        """
        replaced = [one for one in self.pending if one.action == REPLACE]
        if replaced and not is_replacing:
            raise UsageError(
                f"{', '.join(f'{one.kind} {shown(one.name)}' for one in replaced)} would have to be replaced",
                why="; ".join(str(one) for one in replaced),
                fix="allow it with --replace, or write in the file what is there",
            )


def plan(description: Description, seen: State, rotated: Sequence[str] = ()) -> Plan:
    """What makes the account what the file says; `rotated` names secrets whose values are set again.

    Raises:
        UsageError: the file has no such secret.
    """
    wanted = [_secret_named(description, seen, name) for name in rotated]
    changes, later = list[Change](), list[Change]()
    for one in state.records_of(description):
        if not isinstance(one, Repository) and later:
            # Grants when all repositories are there.
            changes += later
            later.clear()
        found = seen.seen[state.key_of(one, seen.context)]
        made = list(_compared(one, found, seen, is_rotated=any(one is secret for secret in wanted)))
        changes += made
        if isinstance(one, Repository):
            later += _grants(one, seen, is_new=made[0].action in (CREATE, REPLACE))
    return Plan((*changes, *later), seen)


def removal(description: Description, seen: State, users: Users | None = None) -> Plan:
    """What takes away all that the file describes, in an order in which nothing is taken that is still in use.

    `users`: integration -> repositories that use it and are not the file's; None: not shown (`state.users_of`).
    """
    changes = [_removed(one, seen) for one in reversed(state.records_of(description))]
    return Plan(tuple(_kept_for_others(changes, seen, users or {})), seen)


def name_of(one: Record, seen: State) -> str:
    """Whole, for a reader; of a default, what it is the default of."""
    if isinstance(one, Default):
        return f"{one.level} {facts.plain(one.of)}" if one.of else one.level
    key = state.key_of(one, seen.context)
    return f"{key[1]}({key[2]})" if len(key) == 3 else key[1]


def _secret_named(description: Description, seen: State, name: str) -> Secret:
    parts = exact_parts(name)
    found = [one for one in description.secrets if exact_parts(seen.context.whole(one.name))[-len(parts) :] == parts]
    if len(found) != 1:
        what = f"no secret of the file is {shown(name)}" if not found else f"several secrets end in {shown(name)}"
        names = [seen.context.whole(one.name) for one in description.secrets]
        raise UsageError(what, where="--rotate-secret", why=there_are("secrets", names), fix="name one of them")
    return found[0]


def _compared(one: Record, found: Seen, seen: State, *, is_rotated: bool) -> Iterator[Change]:
    kind, name, wanted = state.kind_of(one), name_of(one, seen), facts.of_record(one, seen.context)
    if found.presence == "absent":
        told = _described(wanted) if isinstance(one, Default) else ""
        yield Change(CREATE, kind, name, one, told=told)
        return
    if found.presence == "hidden" and is_rotated:
        yield Change(ALTER, kind, name, one, told=_IS_ROTATED, is_rotated=True)
        return
    if found.presence == "hidden":
        yield Change(UNKNOWN, kind, name, one, told=found.why)
        return
    different, unknown, unsaid = differences(wanted, found)
    if any(one.field in facts.SET_ANEW.get(kind, ()) for one in different):
        told = "; ".join(
            [_LOST[kind], *([f"it has, and the file does not: {', '.join(found.lost)}"] if found.lost else [])]
        )
        yield Change(REPLACE, kind, name, one, different, told)
        return
    why = f"{', '.join(unknown)}: {found.why or 'Snowflake does not tell it'}" if unknown else ""
    if different and kind in ("function", "procedure"):
        # Whole: what was not known of it is then as the file says.
        yield Change(ALTER, kind, name, one, different, "it is made again, and the grants on it are lost")
    elif different or is_rotated:
        told = "; ".join([*([_IS_ROTATED] if is_rotated else []), *([f"cannot compare {why}"] if why else [])])
        yield Change(ALTER, kind, name, one, different, told, is_rotated=is_rotated, unknown=unknown)
    elif unknown:
        yield Change(UNKNOWN, kind, name, one, told=why)
    else:
        notes = [*([_ITS_VALUE] if isinstance(one, Secret) else []), *(f"{field} not told" for field in unsaid)]
        yield Change(UNCHANGED, kind, name, one, told="; ".join(notes))


def differences(wanted: Facts, found: Seen) -> tuple[tuple[Difference, ...], tuple[str, ...], tuple[str, ...]]:
    """What is not equal; the names of what is not known; and of what is taken for equal because nothing is told."""
    different, unknown, unsaid = list[Difference](), list[str](), list[str]()
    for name, new in wanted.items():
        if name in found.facts:
            if found.facts[name] != new:
                different.append(Difference(name, found.facts[name], new))
        elif found.facts and name not in found.unread and name in facts.UNSAID and facts.UNSAID[name] == new:
            unsaid.append(name)
        else:
            unknown.append(name)
    return tuple(different), tuple(unknown), tuple(unsaid)


def _grants(one: Repository, seen: State, *, is_new: bool) -> Iterator[Change]:
    name = seen.context.whole(one.name)
    for role in one.grant_usage_to:
        found = Seen("absent") if is_new else seen.seen[state.grant_key(one, role, seen.context)]
        action = {"absent": CREATE, "there": UNCHANGED}.get(found.presence, UNKNOWN)
        told = f"USAGE on {name} to {facts.plain(role)}"
        yield Change(action, "grant", told, one, told=found.why, role=role)


def _removed(one: Record, seen: State) -> Change:
    found, kind, name = seen.seen[state.key_of(one, seen.context)], state.kind_of(one), name_of(one, seen)
    if found.presence == "hidden":
        return Change(UNKNOWN, kind, name, one, told=found.why)
    if found.presence == "absent":
        return Change(ABSENT, kind, name, one)
    different, _, _ = differences(facts.of_record(one, seen.context), found)
    if isinstance(one, Default):
        told = f"it is {facts.told(found.facts['repository'])}, which is not the file's"
        if different:
            return Change(KEPT, kind, name, one, told=told)
        return Change(UNKNOWN, kind, name, one, told=found.why) if found.why else Change(DROP, kind, name, one)
    if isinstance(one, Integration):
        provider = found.facts.get("provider")
        if provider is None:
            return Change(UNKNOWN, kind, name, one, told=found.why or "Snowflake does not tell its provider")
        if provider != facts.PROVIDER:
            return Change(KEPT, kind, name, one, told=f"its provider is {provider}, so it is not for repositories")
    return Change(DROP, kind, name, one, different, "it is not as the file says" if different else "")


def _kept_for_others(changes: Sequence[Change], seen: State, users: Users) -> Iterator[Change]:
    """Integrations that other repositories use stay, with the secrets that they name."""
    needed = dict[str, str]()
    for one in changes:
        others = users.get(one.name, ()) if one.kind == "integration" and one.action == DROP else ()
        if others is None:
            yield replace(one, told="; ".join(filter(None, (one.told, _NOT_SHOWN))))
        elif others:
            for secret in _texts(seen.seen[state.key_of(one.record, seen.context)].facts.get("secrets")):
                needed[secret] = one.name
            yield replace(one, action=KEPT, differences=(), told=there_are("repositories", others) + " that use it")
        elif one.kind == "secret" and one.action == DROP and one.name in needed:
            told = f"integration {needed[one.name]}, which stays, names it"
            yield replace(one, action=KEPT, differences=(), told=told)
        else:
            yield one


def _texts(value: Value) -> tuple[str, ...]:
    return value if isinstance(value, tuple) else ()


def _described(wanted: Facts) -> str:
    return ", ".join(str(value) for value in wanted.values())
