"""Statements made from a seed by a grammar in words."""

from __future__ import annotations

import random
import re

_DEPTH = 4
_TABLES = {"venv_builds": 5, "venv_packages": 3, "venv_builds_metadata": 3}
_NAME = re.compile(r"\{(\w+)\}")
_RULE = re.compile(r"(\w+(?: of \w+)?) = ?(.*)")


class Statements:
    """A stream of them, the same for the same grammar and seed.

    A line `text = lower({text})` and the lines `| ...` behind it say what may stand for `{text}`, those of `text of
    venv_builds` where the statement is about this table; of `statement`, `3 times` says how often. A line that is
    neither goes on with the one before. Deep inside, only what needs nothing more is taken, or a column or literal.
    """

    def __init__(self, grammar: str, seed: int) -> None:
        self._random = random.Random(seed)
        self._table = ""
        self._lines = _read(grammar)
        self._leaves = {name: [one for one in lines if _is_leaf(one)] or lines for name, lines in self._lines.items()}

    def next(self) -> str:
        """One more."""
        [self._table] = self._random.choices(list(_TABLES), list(_TABLES.values()))
        forms = [one.partition(" times ") for one in self._lines["statement"]]
        [form] = self._random.choices([form for *_, form in forms], [int(times) for times, *_ in forms])
        if " venv_builds" in form:
            self._table = "venv_builds"
        return self._expanded(form, _DEPTH)

    def _expanded(self, form: str, depth: int) -> str:
        return _NAME.sub(lambda found: self._one(found[1], depth - 1), form)

    def _one(self, name: str, depth: int) -> str:
        if name == "table":
            return self._table
        lines = self._lines if depth > 0 else self._leaves
        form = self._random.choice([*lines.get(name, ()), *lines.get(f"{name} of {self._table}", ())])
        if name == "other" and "venv_builds_metadata" in form:
            self._table = "venv_builds_metadata"
        return self._expanded(form, depth)


def _is_leaf(form: str) -> bool:
    return form in ("{column}", "{literal}") or not _NAME.search(form)


def _read(grammar: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    lines: list[str] = []
    for line in grammar.splitlines():
        begun = _RULE.fullmatch(line)
        if begun:
            lines = found[begun[1]] = [begun[2]]
        elif line.strip() == "|" or line.lstrip().startswith("| "):
            lines.append(line.strip().removeprefix("|").strip())
        elif line.strip() and lines:
            lines[-1] += f" {line.strip()}"
    return found
