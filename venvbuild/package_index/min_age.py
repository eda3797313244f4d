"""How old a file of an index has to be before anything is built of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True)
class MinAge:
    """What is too new for a build; all instants are as `2025-07-22T08:30:00Z`."""

    days: int
    """From 1."""
    started_at: str
    """When the build began."""
    reasons: Mapping[str, str]
    """Canonical name -> why it may be newer."""

    @classmethod
    def of(cls, days: int, exceptions: Iterable[str], started_at: str) -> MinAge | None:
        """The one of the settings, exceptions as `name: reason`; None where no age is asked for."""
        pairs = (one.partition(": ") for one in exceptions)
        return cls(days, started_at, {name: reason for name, _, reason in pairs}) if days else None

    @property
    def latest(self) -> str:
        """What came by then is old enough."""
        return _moved(self.started_at, timedelta(days=-self.days))

    @property
    def before(self) -> str:
        """The second after that: what came before it is old enough, of times that have fractions too."""
        return _moved(self.latest, timedelta(seconds=1))

    def is_old_enough(self, uploaded_at: str | None) -> bool:
        """Whether a file is, which came at that time; one of which nobody knows it is not."""
        # as texts, which have one form
        return uploaded_at is not None and uploaded_at <= self.latest

    def admits(self, name: str, uploaded_at: str | None) -> bool:
        """Whether a file of this project (canonical name) may be built: it is old enough, or excepted."""
        return name in self.reasons or self.is_old_enough(uploaded_at)

    def old_enough_at(self, uploaded_at: str) -> str:
        """When a file is that came at that time."""
        return _moved(uploaded_at, timedelta(days=self.days))


def _moved(instant: str, by: timedelta) -> str:
    try:
        return (datetime.fromisoformat(instant) + by).isoformat().removesuffix("+00:00") + "Z"
    except OverflowError:  # an index may tell of the year 9999
        return instant
