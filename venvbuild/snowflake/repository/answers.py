"""What a function of Snowflake answered as JSON, with whatever stands around it: comments, rows, texts, lists.

Source: the pages of SYSTEM$GET_SNOWFLAKE_EGRESS_IP_RANGES and SYSTEM$GET_PRIVATELINK_ENDPOINTS_INFO, undated, as read
on 2026-11-28, whose examples have `//` comments, and commas before a bracket.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

_STRING_OR_COMMENT = re.compile(r'"(?:[^"\\]|\\.)*"|//[^\r\n]*', re.DOTALL)
_STRING_OR_COMMA = re.compile(r'"(?:[^"\\]|\\.)*"|,(?=\s*[}\]])', re.DOTALL)
_BETWEEN = re.compile(r"[\s,]*")


def objects(text: str, column: str) -> list[Any]:
    """What it consists of, in its order; what is no object is given as it stands.

    `column`: a word in the name that a client gives the column of the answer, in capitals.

    Raises:
        ValueError, RecursionError: it is no JSON.
    """
    return list(_flat(_values(text), column))


def lower(given: Any) -> dict[str, Any]:
    """An object by its keys in lower case; empty where it is none."""
    return {str(key).lower(): value for key, value in given.items()} if isinstance(given, dict) else {}


def _values(text: str) -> list[Any]:
    """What stands in it after each other, with commas between or without."""
    clean = _without(_STRING_OR_COMMA, _without(_STRING_OR_COMMENT, text))
    decoder, found = json.JSONDecoder(), list[Any]()
    at = _after_spaces(clean, 0)
    while at < len(clean):
        value, end = decoder.raw_decode(clean, at)
        found.append(value)
        at = _after_spaces(clean, end)
    return found


def _without(pattern: re.Pattern[str], text: str) -> str:
    return pattern.sub(lambda found: found[0] if found[0].startswith('"') else "", text)


def _after_spaces(text: str, at: int) -> int:
    found = _BETWEEN.match(text, at)
    return found.end() if found else at


def _flat(values: Iterable[Any], column: str) -> Iterator[Any]:
    """A row has one column, and what a client wrote as a text is an answer itself."""
    for one in values:
        if isinstance(one, str):
            yield from _flat(_values(one), column)
        elif isinstance(one, list):
            yield from _flat(one, column)
        elif isinstance(one, dict) and len(one) == 1 and column in next(iter(one)).upper():
            yield from _flat(one.values(), column)
        else:
            yield one
