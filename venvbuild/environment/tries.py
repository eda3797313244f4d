"""Questions to the resolver while a refusal is explained: few, short, and each asked once.

What is said of pins that cannot be resolved together, and what is advised, was tried here before.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from venvbuild.environment.package_source import PackageSource
from venvbuild.process import CommandFailed

# Each takes a tenth of a second where the index's answers are in uv's cache.
_LIMIT = 40


class OutOfTries(Exception):
    """There is no time left, or too much was asked: what was not tried is not known."""


@dataclass(frozen=True)
class Answer:
    """What became of one try."""

    versions: Mapping[str, str] | None
    """Canonical name -> version of everything; None when these lines cannot be resolved."""
    said: str = field(default="", repr=False)
    """The resolver's words where it failed; for people, and as a hint where to look first."""


class Tries:
    """The tries of one explanation, `seconds` in all."""

    def __init__(self, source: PackageSource, seconds: float) -> None:
        self.scratch = source.scratch
        """For what is needed to try."""
        self._source, self._left = source, _LIMIT
        self._ends = time.monotonic() + seconds
        self._stand_ins: tuple[Path, ...] = ()
        self._answers: dict[tuple[object, ...], Answer] = {}

    def stand_in(self, folder: Path) -> None:
        """From now on the wheels in this folder are there too."""
        self._stand_ins = (*self._stand_ins, folder)

    def ask(self, lines: Sequence[str], *, overrides: Sequence[str] = (), lowest: bool = False) -> Answer:
        """Resolve these lines for the target; with `lowest`, those that leave a version open get the oldest.

        Raises:
            OutOfTries: there is no time for it.
        """
        key = (frozenset(lines), frozenset(overrides), lowest, self._stand_ins)
        if key not in self._answers:
            self._answers[key] = self._asked(lines, overrides, lowest)
        return self._answers[key]

    def _asked(self, lines: Sequence[str], overrides: Sequence[str], lowest: bool) -> Answer:
        seconds = self._ends - time.monotonic()
        self._left -= 1
        if self._left < 0 or seconds <= 0:
            raise OutOfTries
        with tempfile.TemporaryDirectory(prefix=".try-", dir=self._source.scratch) as folder:
            wanted, forced = Path(folder, "wanted.in"), Path(folder, "forced.txt")
            wanted.write_text("".join(f"{line}\n" for line in lines), "utf-8")
            forced.write_text("".join(f"{line}\n" for line in overrides), "utf-8")
            try:
                text = self._source.installer.attempt(
                    wanted,
                    self._source.interpreter,
                    timeout_s=seconds,
                    lowest=lowest,
                    overrides=forced if overrides else None,
                    find_links=(*self._source.wheels, *self._stand_ins),
                )
            except CommandFailed as failure:
                if failure.exit_code is None:
                    raise OutOfTries from failure
                return Answer(None, failure.output)
        pairs = (line.split(";")[0].strip().partition("==") for line in text.splitlines())
        return Answer({name: version for name, equal, version in pairs if equal})
