"""Questions to the resolver while a refusal is explained: few, short, and each asked once.

What is said of pins that cannot be resolved together, and what is advised, was tried here before.
"""

from __future__ import annotations

import contextlib
import re
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from venvbuild.environment.package_source import PackageSource
from venvbuild.parallel import each
from venvbuild.process import CommandFailed

T = TypeVar("T")

# Each takes a tenth of a second where the index's answers are in uv's cache.
_LIMIT = 60
# Hundreds of versions of a package may have to be looked at for one answer.
_SECONDS_EACH = 5.0
# `logbook>=1.5.1,<=1.5.3 has no usable wheels`, `all versions of docopt have no usable wheels`
_NO_WHEELS = re.compile(
    r"(?<![\w.-])([A-Za-z0-9][\w.-]*?)((?:(?:[<>]=?|==)[\w.!+*]+,?)*) (?:has|have) no (?:usable )?wheels", re.ASCII
)


class OutOfTries(Exception):
    """There is no time left, or too much was asked: what was not tried is not known."""


@dataclass(frozen=True)
class Question:
    """What is to be resolved."""

    lines: tuple[str, ...]
    overrides: tuple[str, ...] = ()
    constraints: tuple[str, ...] = ()
    lowest: bool = False
    """Whether what the lines leave open is to be as old as may be."""


@dataclass(frozen=True)
class Answer:
    """What became of one try."""

    versions: Mapping[str, str] | None
    """Canonical name -> version of everything; None when these lines cannot be resolved."""
    needers: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Canonical name -> the names of those that need it."""
    said: str = field(default="", repr=False)
    """The resolver's words where it failed; for people, and as a hint where to look first."""


class Tries:
    """The tries of one explanation, `seconds` in all."""

    def __init__(self, source: PackageSource, seconds: float) -> None:
        self._source, self._left = source, _LIMIT
        self._ends = time.monotonic() + seconds
        self._stand_ins: tuple[Callable[[Path], None], ...] = ()
        self._answers: dict[tuple[Question, tuple[Callable[[Path], None], ...]], Answer] = {}

    def stand_in(self, put: Callable[[Path], None]) -> None:
        """From now on the wheels are there too that `put` puts into a folder."""
        self._stand_ins = (*self._stand_ins, put)

    def ask(self, question: Question) -> Answer:
        """Resolve it for the target.

        Raises:
            OutOfTries: there is no time for it.
        """
        return self._ask(question, self._seconds_left())

    def ask_each(self, questions: Sequence[Question]) -> list[Answer | None]:
        """Several side by side, each for a few seconds; None: what is not known by then."""

        def asked(question: Question) -> Answer | None:
            with contextlib.suppress(OutOfTries):
                return self._ask(question, min(_SECONDS_EACH, self._seconds_left()))
            return None

        return each(asked, questions, workers=4)

    def _seconds_left(self) -> float:
        return self._ends - time.monotonic()

    def _ask(self, question: Question, seconds: float) -> Answer:
        key = (question, self._stand_ins)
        if key not in self._answers:
            self._left -= 1
            if self._left < 0 or seconds <= 0:
                raise OutOfTries
            self._answers[key] = self._asked(question, seconds)
        return self._answers[key]

    def _asked(self, question: Question, seconds: float) -> Answer:
        with tempfile.TemporaryDirectory(prefix=".try-", dir=self._source.scratch) as folder:
            wanted, forced, limits, wheels = (
                Path(folder, name) for name in ("wanted.in", "forced.txt", "limits.txt", "stand-ins")
            )
            wheels.mkdir()
            for put in self._stand_ins:
                put(wheels)
            wanted.write_text("".join(f"{line}\n" for line in question.lines), "utf-8")
            forced.write_text("".join(f"{line}\n" for line in question.overrides), "utf-8")
            limits.write_text("".join(f"{line}\n" for line in question.constraints), "utf-8")
            try:
                text = self._source.installer.attempt(
                    wanted,
                    self._source.interpreter,
                    timeout_s=seconds,
                    lowest=question.lowest,
                    overrides=forced if question.overrides else None,
                    constraints=limits if question.constraints else None,
                    find_links=(*self._source.wheels, *([wheels] if self._stand_ins else [])),
                )
            except CommandFailed as failure:
                if failure.exit_code is None:
                    raise OutOfTries from failure
                return Answer(None, said=failure.output)
        return _read(text)


def _read(text: str) -> Answer:
    """uv's `name==version`, each with lines `# via needer` below, or `# via` and then `#   needer`."""
    versions: dict[str, str] = {}
    needers: dict[str, list[str]] = {}
    for line in text.splitlines():
        if line.lstrip().startswith("#"):
            needer = line.strip("# ").removeprefix("via").strip()
            if needer and not needer.startswith("-") and versions:
                needers.setdefault([*versions][-1], []).append(needer)
            continue
        name, equal, version = line.split(";")[0].strip().partition("==")
        if equal:
            versions[name] = version
    return Answer(versions, needers)


def fewest(items: Sequence[T], fails: Callable[[Sequence[T]], bool]) -> list[T]:
    """The fewest of `items` that fail together, where all of them do: without any one of these nothing fails.

    By halves, so that of a hundred items with a cause of two some fifteen sets are tried (QuickXplain, Junker 2004).
    """

    def within(background: list[T], added: list[T], some: list[T]) -> list[T]:
        if added and fails(background):
            return []
        if len(some) <= 1:
            return some
        first, second = some[: len(some) // 2], some[len(some) // 2 :]
        of_second = within([*background, *first], first, second)
        return [*within([*background, *of_second], of_second, first), *of_second]

    return within([], [], list(items))


def without_wheels(said: str) -> list[tuple[str, str]]:
    """(name, specifier) of what the resolver says it has no wheels of: where to look first, and no more."""
    return _NO_WHEELS.findall(said)
