"""What an account has to become what the file says: a comparison of facts, object by object. It knows no SQL.

What the file does not say of an object is left as it is, and so is an object that it does not name. The value of a
secret is shown to nobody: one that is there counts as unchanged, unless it is to be set again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from venvbuild.errors import UsageError
from venvbuild.snowflake.repository import facts, state
from venvbuild.snowflake.repository.description import Default, Description, Repository, Secret, exact_parts
from venvbuild.snowflake.repository.facts import Facts, Record, Value
from venvbuild.snowflake.repository.state import Seen, State
from venvbuild.text import shown, there_are

CREATE, ALTER, REPLACE, UNCHANGED, UNKNOWN = "create", "alter", "replace", "unchanged", "cannot compare"
DROP, ABSENT, KEPT = "drop", "absent", "kept"
"""Of a removal."""
_SET_ANEW = {
    "secret": ("type",), "integration": ("provider", "privatelink"), "repository": ("integration",),
}  # fmt: skip
"""What no ALTER changes."""
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
        return f"{self.field}{colon} {_told(self.old)} -> {_told(self.new)}"


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
        """Those of which nobody knows."""
        return tuple(one for one in self.changes if one.action == UNKNOWN)

    def summary(self) -> str:
        """`1 to change, 2 to create, 1 unchanged, 1 cannot be compared.`"""
        counts = Counter(one.action for one in self.changes)
        words = {
            ALTER: "to change", REPLACE: "to replace", CREATE: "to create", DROP: "to drop", UNCHANGED: "unchanged",
            ABSENT: "not there", KEPT: "left alone", UNKNOWN: "cannot be compared",
        }  # fmt: skip
        told = [f"{counts[action]} {word}" for action, word in words.items() if counts[action]]
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


def removal(description: Description, seen: State) -> Plan:
    """What takes away all that the file describes, in an order in which nothing is taken that is still in use."""
    changes = [_removed(one, seen) for one in reversed(state.records_of(description))]
    return Plan(tuple(changes), seen)


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
    different, unknown = _differences(wanted, found.facts)
    if any(one.field in _SET_ANEW.get(kind, ()) for one in different):
        yield Change(REPLACE, kind, name, one, different, _LOST[kind])
        return
    if different or is_rotated:
        told = _IS_ROTATED if is_rotated else ""
        if kind in ("function", "procedure"):
            told = "it is made again, and the grants on it are lost"
        yield Change(ALTER, kind, name, one, different, told, is_rotated=is_rotated)
    if unknown:
        told = f"{', '.join(unknown)}: {found.why or 'Snowflake does not tell it'}"
        yield Change(UNKNOWN, kind, name, one, told=told)
    elif not different and not is_rotated:
        yield Change(UNCHANGED, kind, name, one, told=_ITS_VALUE if isinstance(one, Secret) else "")


def _differences(wanted: Facts, shown_facts: Facts) -> tuple[tuple[Difference, ...], tuple[str, ...]]:
    """What is not equal, and what is not known."""
    different, unknown = list[Difference](), list[str]()
    for name, new in wanted.items():
        if name in shown_facts:
            if shown_facts[name] != new:
                different.append(Difference(name, shown_facts[name], new))
        elif not (shown_facts and name in facts.UNSAID and facts.UNSAID[name] == new):
            unknown.append(name)
    return tuple(different), tuple(unknown)


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
    wanted = facts.of_record(one, seen.context)
    if isinstance(one, Default) and found.facts != wanted:
        return Change(KEPT, kind, name, one, told=f"it is {_told(found.facts['repository'])}, which is not the file's")
    return Change(DROP, kind, name, one)


def _described(wanted: Facts) -> str:
    return ", ".join(str(value) for value in wanted.values())


def _told(value: Value) -> str:
    if isinstance(value, tuple):
        return ", ".join(value) or "none"
    return {True: "true", False: "false", None: "none", "": "none"}.get(value, str(value))
