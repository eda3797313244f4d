"""A plan on the disk: what is to be run, for whom, and what it saw. Values of secrets are never in it.

    {"format": 1, "account": "...", "role": "...", "is_replacing": false, "rotated": [], "statements": ["..."],
     "state_sha256": "...", "state": [{"key": [...], "presence": "there", "facts": {...}}]}

Whoever applies it looks at the account again: where anything has changed since, nothing is run.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from venvbuild.errors import UsageError, of_disk
from venvbuild.files import write_whole
from venvbuild.snowflake.repository.applying import Step
from venvbuild.snowflake.repository.state import State
from venvbuild.snowflake.repository.texts import NoText, text_of
from venvbuild.text import shown

_FORMAT = 1
_MAX_BYTES = 16_000_000
_AGAIN = "look at what it would do now, and keep that: `venvbuild snowflake repository plan --out FILE`"


@dataclass(frozen=True)
class PlanFile:
    """What was kept."""

    account: str | None
    role: str | None
    is_replacing: bool
    rotated: tuple[str, ...]
    statements: tuple[str, ...]
    """With `***` for secrets."""
    state: Mapping[tuple[str, ...], Mapping[str, Any]]
    """Key -> presence and facts."""

    @classmethod
    def of(cls, state: State, todo: Sequence[Step], rotated: Sequence[str], *, is_replacing: bool) -> PlanFile:
        """What there is to keep of a plan."""
        seen = {key: {"presence": one.presence, "facts": dict(one.facts)} for key, one in state.seen.items()}
        statements = tuple(one.doing.masked for one in todo)
        who = state.context
        # As JSON has it, so that it can be compared with what was read.
        made = json.loads(json.dumps([{"key": key, **one} for key, one in seen.items()]))
        return cls(who.account, who.role, is_replacing, tuple(rotated), statements, _by_key(made))

    def write(self, path: Path) -> None:
        """Whole or not at all, instead of what stood there.

        Raises:
            UsageError, StoreUnavailable: it cannot be written.
        """
        state = [{"key": list(key), **one} for key, one in self.state.items()]
        kept = {
            "format": _FORMAT, "account": self.account, "role": self.role, "is_replacing": self.is_replacing,
            "rotated": self.rotated, "statements": self.statements, "state_sha256": _sha256(state), "state": state,
        }  # fmt: skip
        where = shown(str(path), 200)
        try:
            write_whole(path, f"{json.dumps(kept, indent=2)}\n".encode())
        except OSError as error:
            said = UsageError(f"it cannot be written: {error.strerror}", where=where, fix="name another with --out")
            raise of_disk(error, str(path)) or said from error
        except ValueError:
            raise UsageError("that is no name of a file", where=where, fix="name another with --out") from None

    def judge(self, now: PlanFile, where: str) -> None:
        """End where the account, or the description, is not what the plan saw.

        Raises:
            UsageError: so it is; with what has changed.
        """
        changed = list(self._changes(now))
        if changed:
            raise UsageError("the plan is stale", where=where, why="; ".join(changed), fix=_AGAIN, rule="STALE")

    def _changes(self, now: PlanFile) -> Iterator[str]:
        for name in ("account", "role"):
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
        if self.statements != now.statements:
            yield "the description, or what is asked for, makes other statements"


def read(path: Path) -> PlanFile:
    """What was kept.

    Raises:
        UsageError: it is no plan, or not as it was written.
    """
    where = shown(str(path), 200)
    try:
        kept = json.loads(text_of(path, _MAX_BYTES))
        if kept["format"] != _FORMAT or kept["state_sha256"] != _sha256(kept["state"]):
            raise ValueError
        state = _by_key(kept["state"])
        made = PlanFile(
            kept["account"], kept["role"], kept["is_replacing"] is True, tuple(map(str, kept["rotated"])),
            tuple(map(str, kept["statements"])), state,
        )  # fmt: skip
    except NoText as error:
        raise UsageError(f"it {error}", where=where, fix="name another with --plan") from error.__cause__
    except (ValueError, KeyError, TypeError, RecursionError):
        raise UsageError("it is no plan, or was changed", where=where, fix=_AGAIN) from None
    return made


def _by_key(state: Any) -> dict[tuple[str, ...], Mapping[str, Any]]:
    return {
        tuple(map(str, one["key"])): {"presence": str(one["presence"]), "facts": dict(one["facts"])} for one in state
    }


def _sha256(state: Any) -> str:
    return hashlib.sha256(json.dumps(state, sort_keys=True).encode()).hexdigest()
