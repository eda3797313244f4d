"""A plan on the disk: what is to be run, for whom, and what it saw. Values of secrets are never in it.

    {"format": 1, "account": "...", "region": "...", "role": "...", "is_replacing": false, "rotated": [],
     "statements": ["..."],
     "state": [{"key": [...], "presence": "there", "facts": {"comment": "<sha256>"}, "described": "<sha256>"}],
     "sha256": "..."}

What the account told, and what the description says, is there as a hash alone: of each fact, and of each object with
the names of its variables. Statements are for whoever reads it; credentials in their URLs are masked.

Whoever applies it looks at the account again: where anything has changed since, nothing is run.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from venvbuild.errors import UsageError, of_disk
from venvbuild.files import write_whole
from venvbuild.snowflake.repository import state
from venvbuild.snowflake.repository.applying import Step
from venvbuild.snowflake.repository.description import Description
from venvbuild.snowflake.repository.facts import Record
from venvbuild.snowflake.repository.plan import Plan
from venvbuild.snowflake.repository.texts import NoText, text_of
from venvbuild.text import masked_lines, shown

_FORMAT = 1
_MAX_BYTES = 16_000_000
_PLACES = ("keys", "body_file", "body_line")
"""Fields of a record that say where it stands, and not what it is."""


@dataclass(frozen=True)
class PlanFile:
    """What was kept."""

    account: str | None
    region: str | None
    role: str | None
    is_replacing: bool
    rotated: tuple[str, ...]
    statements: tuple[str, ...]
    """With `***` for secrets."""
    state: Mapping[tuple[str, ...], Mapping[str, Any]]
    """Key -> presence, hashes of facts, and hash of what is described."""

    @classmethod
    def of(
        cls, planned: Plan, todo: Sequence[Step], rotated: Sequence[str], described: Description, *, is_replacing: bool
    ) -> PlanFile:
        """What there is to keep of a plan."""
        who = planned.state.context
        records = {state.key_of(one, who): _sha256(_said(one)) for one in state.records_of(described)}
        seen = {
            key: {
                "presence": one.presence,
                "facts": {name: _sha256(value) for name, value in one.facts.items()},
                "described": records.get(key, ""),
            }
            for key, one in planned.state.seen.items()
        }
        statements = tuple(masked_lines(one.doing.masked) for one in todo)
        return cls(who.account, who.region, who.role, is_replacing, tuple(rotated), statements, seen)

    def write(self, path: Path) -> None:
        """Whole or not at all, instead of what stood there.

        Raises:
            UsageError, StoreUnavailable: it cannot be written.
        """
        kept: dict[str, Any] = {"format": _FORMAT, **vars(self)}
        kept["state"] = [{"key": list(key), **one} for key, one in self.state.items()]
        kept["sha256"] = _sha256(kept)
        where = shown(str(path), 200)
        try:
            write_whole(path, f"{json.dumps(kept, indent=2)}\n".encode())
        except OSError as error:
            said = UsageError(f"it cannot be written: {error.strerror}", where=where, fix="name another with --out")
            raise of_disk(error, str(path)) or said from error
        except ValueError:
            raise UsageError("that is no name of a file", where=where, fix="name another with --out") from None

    def judge(self, now: PlanFile, where: str, again: str) -> None:
        """End where the account, or the description, is not what the plan saw; `again` makes another.

        Raises:
            UsageError: so it is; with what has changed.
        """
        changed = list(self._changes(now))
        if changed:
            raise UsageError("the plan is stale", where=where, why="; ".join(changed), fix=_advice(again), rule="STALE")

    def _changes(self, now: PlanFile) -> Iterator[str]:
        for name in ("account", "region", "role"):
            before, after = getattr(self, name), getattr(now, name)
            if before != after:
                yield f"the {name} was {shown(str(before))}, and is {shown(str(after))}"
        for key in dict.fromkeys([*self.state, *now.state]):
            told = shown(" ".join(filter(None, key)))
            old, new = self.state.get(key), now.state.get(key)
            if old is None or new is None:
                yield f"{told} is {'new' if old is None else 'no more'} in the description"
            elif old["presence"] != new["presence"]:
                yield f"{told} was {old['presence']}, and is {new['presence']}"
            elif old["facts"] != new["facts"]:
                names = sorted(set(old["facts"]) | set(new["facts"]))
                fields = [name for name in names if old["facts"].get(name) != new["facts"].get(name)]
                yield f"{told} has another {', '.join(map(shown, fields))}"
            elif old["described"] != new["described"]:
                yield f"{told} is described otherwise"
        if self.statements != now.statements:
            yield "the description, or what is asked for, makes other statements"


def read(path: Path, again: str) -> PlanFile:
    """What was kept; `again` makes another.

    Raises:
        UsageError: it is no plan, or not as it was written.
    """
    where = shown(str(path), 200)
    try:
        kept = json.loads(text_of(path, _MAX_BYTES))
        if kept["format"] != _FORMAT or kept.pop("sha256") != _sha256(kept):
            raise ValueError
        made = PlanFile(
            kept["account"], kept["region"], kept["role"], kept["is_replacing"] is True,
            tuple(map(str, kept["rotated"])), tuple(map(str, kept["statements"])), _by_key(kept["state"]),
        )  # fmt: skip
    except NoText as error:
        raise UsageError(f"it {error}", where=where, fix="name another with --plan") from error.__cause__
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise UsageError("it is no plan, or was changed", where=where, fix=_advice(again)) from None
    return made


def _advice(again: str) -> str:
    return f"look at what it would do now, and keep that: {again}"


def _said(one: Record) -> Mapping[str, Any]:
    """What a record says, wherever it stands."""
    return {name: value for name, value in asdict(one).items() if name not in _PLACES}


def _by_key(kept: Any) -> dict[tuple[str, ...], Mapping[str, Any]]:
    names = ("presence", "described")
    return {
        tuple(map(str, one["key"])): {**{name: str(one[name]) for name in names}, "facts": dict(one["facts"])}
        for one in kept
    }


def _sha256(of: Any) -> str:
    return hashlib.sha256(json.dumps(of, sort_keys=True).encode()).hexdigest()
