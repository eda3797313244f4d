"""A description as plain values, with the place of each: what TOML and YAML have in common."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from venvbuild.errors import Problem, UsageError
from venvbuild.snowflake.repository import positions, yaml_nodes
from venvbuild.snowflake.repository.forms import TOML, YAML, Form
from venvbuild.snowflake.repository.positions import Keys, Place
from venvbuild.text import shown


@dataclass(frozen=True)
class Document:
    """What a file says, and where."""

    file: str
    """As messages name it."""
    given: dict[str, Any]
    places: Mapping[Keys, Place]
    form: Form
    problems: tuple[Problem, ...] = ()
    """What the form itself forbids; what stands there was left out of `given`."""

    def where(self, keys: Keys) -> str:
        """`FILE:LINE` of a key, or of the table that would have it."""
        return positions.where(self.file, self.places, keys)


def toml_document(text: str, file: str) -> Document:
    """Of TOML.

    Raises:
        UsageError: it is none.
    """
    try:
        given = tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # the second: brackets in brackets; a number may be too long, too
        line = re.search(r"at line (\d+)", str(error))
        at = f"{file}:{line[1]}" if line else file
        raise UsageError(
            f"it is not TOML: {shown(str(error))}", where=at, fix="write text in quotes, and each key once"
        ) from None
    return Document(file, given, positions.places(text), TOML)


def yaml_document(text: str, file: str) -> Document:
    """Of YAML.

    Raises:
        UsageError: it is none.
    """
    found = yaml_nodes.read(text, file)
    return Document(file, found.given, found.places, YAML, found.problems)
