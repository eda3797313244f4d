"""What a record has as marks, in words: what became of a run, a moment, how long it took, a revision."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from venvbuild.errors import ConflictsFound, RequirementsRefused
from venvbuild.run import Outcome
from venvbuild.text import count_text

_REVISION = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_STORED = {"upload": "", "register": " The build is stored, but not in the catalog."}
"""What the store has of a run, by the step at which it stopped; of an upload nobody knows before it is done again."""
_SHORT = 12  # of a revision's digits: what git itself shows of the largest repositories


def result(outcome: Outcome) -> str:
    """`Failed at the step create: 1 conflict, and this run allows none. Nothing was stored.`: whole sentences."""
    stopped_at = outcome.summary.stopped_at
    if stopped_at is None:
        return f"Built and stored {_soundness(outcome)}."
    return f"{_stop(outcome, stopped_at)}.{_STORED.get(stopped_at, ' Nothing was stored.')}"


def _soundness(outcome: Outcome) -> str:
    if outcome.conflicts:
        return f"with {count_text(len(outcome.conflicts), 'conflict')}, which this run allows"
    return "without conflicts"


def _stop(outcome: Outcome, step: str) -> str:
    status = next((one.status for one in outcome.steps if one.name == step), "not run")
    if status == "not run":
        return f"Not finished: the step {step} has not been run"
    if status == "not ended":
        return f"Not finished: the step {step} was cut short, or is still at work"
    if outcome.exit_code == RequirementsRefused.exit_code:
        return "Refused before anything was built"
    if outcome.exit_code == ConflictsFound.exit_code:
        return f"Failed at the step {step}: {count_text(len(outcome.conflicts), 'conflict')}, and this run allows none"
    return f"Failed at the step {step}"


def moment(text: str) -> str:
    """`22 July 2025, 08:30 UTC` of `2025-07-22T08:30:00Z`; another text as it is."""
    try:
        read = datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    except ValueError:
        return text
    return f"{read.day} {read:%B %Y, %H:%M} UTC"


def duration(seconds: float) -> str:
    """`2 minutes 5 seconds`, `1 hour 5 minutes`; nothing is told more exactly than to a second."""
    if seconds < 1:
        return "less than a second"
    minutes, second = divmod(round(seconds), 60)
    hours, minute = divmod(minutes, 60)
    parts = ((hours, "hour"), (minute, "minute"), (0 if hours else second, "second"))
    return " ".join(count_text(number, unit) for number, unit in parts if number)


def revision(text: str) -> str:
    """The first digits of a whole digest of git's; another text as it is."""
    return text[:_SHORT] if _REVISION.fullmatch(text) else text
