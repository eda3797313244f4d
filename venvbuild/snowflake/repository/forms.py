"""How a kind of file writes what an advice says: whoever follows one writes it to the letter."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from venvbuild.text import shown


@dataclass(frozen=True)
class Form:
    """TOML or YAML."""

    name: str
    between: str
    """What stands between a key and its value."""
    long_text: str
    """A text of several lines."""

    def pair(self, key: str, value: str) -> str:
        """A key and its value, which is written already."""
        return f"{key}{self.between}{value}"

    def table(self, keys: Sequence[str]) -> str:
        """The head of a table; in YAML all of its keys, in one line."""
        named = [key if re.fullmatch("[A-Za-z0-9_-]+", key) else text(key) for key in keys]
        if self is TOML:
            return f"[{'.'.join(named)}]"
        return f"{named[0]}: {''.join(f'{{{name}: ' for name in named[1:])}...{'}' * (len(named) - 1)}"


TOML = Form("TOML", " = ", "'''...'''")
YAML = Form("YAML", ": ", "|")
NO_PLACE = (
    "write database and schema into the table `context` of the file, or set SNOWFLAKE_DATABASE and SNOWFLAKE_SCHEMA"
)
"""What completes names, in either."""


def text(given: str) -> str:
    """A text as both have it, to be written so: cut only where it is no name or URL of a host any more."""
    told = shown(given, 2000)
    if '"' not in told and "\\" not in told:
        return f'"{told}"'
    return json.dumps(told, ensure_ascii=False) if "'" in told else f"'{told}'"


def listed(texts: Iterable[str]) -> str:
    """A list of texts as both have it."""
    return f"[{', '.join(map(text, texts))}]"
