"""A file of YAML as plain values: what it says, where, and nothing that is more than that.

Read from its nodes, none of which is made an object: a tag asks for no class, an alias for no copy, a key is the text
that stands there. Source of the rules: YAML 1.2.2, as ruamel.yaml reads it.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from venvbuild.errors import Problem, UsageError
from venvbuild.snowflake.repository.positions import Keys, Place
from venvbuild.text import shown

Node = Any
"""Of ruamel.yaml, which is imported where a file is YAML, and tells no types of its nodes."""
_TAG = "tag:yaml.org,2002:"
_MERGE = f"{_TAG}merge"
_PLAIN = ("str", "int", "float", "bool", "null", "timestamp", "map", "seq")
_FIX = "write texts in quotes, and all of a table below its key, further in"


@dataclass(frozen=True)
class Nodes:
    """What was read."""

    given: dict[str, Any]
    places: Mapping[Keys, Place]
    problems: tuple[Problem, ...]
    """Of tags, aliases and keys; what stands there is not in `given`."""


def read(text: str, file: str) -> Nodes:
    """The whole file.

    Raises:
        UsageError: it is no YAML, or no table.
    """
    from ruamel.yaml import YAML
    from ruamel.yaml.error import MarkedYAMLError, YAMLError

    lines = [at for at, character in enumerate(text) if character == "\n"]
    try:
        root = YAML(typ="safe", pure=True).compose(text)
        reading = _Reading(file, text, lines)
        given = None if root is None else reading.value(root, ())
        given = {} if given is None else given
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        at = f"{file}:{_line(lines, mark.index)}" if mark else file
        what = f"it is not YAML: {shown(' '.join(str(error.problem or error.context).split()))}"
        raise UsageError(what, where=at, fix=_FIX) from None
    except YAMLError as error:
        why = shown(str(error).partition("\n")[0])
        raise UsageError(f"it is not YAML: {why}", where=file, fix="leave that character out") from None
    except (ValueError, RecursionError):  # a version or a number that is none; brackets in brackets
        raise UsageError("it is not YAML that can be read", where=file, fix=_FIX) from None
    if not isinstance(given, dict):
        raise UsageError("it is no table", where=f"{file}:1", fix="write it as in `secret:`, with a table below")
    return Nodes(given, reading.places, tuple(reading.problems))


def _line(lines: list[int], index: int) -> int:
    # Not the mark's own: it counts other characters as ends of lines, too, and no editor does.
    return bisect_right(lines, index - 1) + 1


class _Reading:
    def __init__(self, file: str, text: str, lines: list[int]) -> None:
        self.file, self.text, self.lines = file, text, lines
        self.places: dict[Keys, Place] = {}
        self.problems: list[Problem] = []
        self.seen = set[int]()

    def value(self, node: Node, keys: Keys | None, of: Node | None = None) -> Any:
        """`keys`: the way to it; None: it is in a list. `of`: what it is the value of."""
        if id(node) in self.seen:  # its place is that of what it stands for
            return self._tell(of or node, "an alias (*) stands for what is written elsewhere", "write it here, too")
        self.seen.add(id(node))
        tag = str(node.tag)
        if not tag.startswith(_TAG) or tag.removeprefix(_TAG) not in _PLAIN:
            told = shown(tag.replace(_TAG, "!!"))
            if "!" not in self.text[node.start_mark.index : node.end_mark.index]:
                # `=` and `<<`, which have a tag without one being written.
                return self._tell(node, f"{shown(node.value)} alone is no text", f'write "{shown(node.value)}"')
            return self._tell(node, f"the tag {told} asks for more than a text", "leave the tag out")
        if node.id == "mapping":
            return self._table(node, keys)
        if node.id == "sequence":
            return [self.value(one, None, of) for one in node.value]
        return _scalar(tag.removeprefix(_TAG), str(node.value))

    def _table(self, node: Node, keys: Keys | None) -> dict[str, Any]:
        found = dict[str, Any]()
        for key_node, value_node in node.value:
            key = key_node.value if isinstance(key_node.value, str) else None
            if key is None:
                self._tell(key_node, "a key is no text", "write a text there")
                continue
            if str(key_node.tag) == _MERGE:
                self._tell(key_node, "<< stands for what is written elsewhere", "write it here, too")
                continue
            if key in found:
                self._tell(key_node, f"the key {shown(key)} is there twice", "leave one of them out")
                continue
            inner = None if keys is None else (*keys, key)
            if inner:
                self.places[inner] = Place(self._at(key_node), self._text_line(value_node))
            found[key] = self.value(value_node, inner, key_node)
        return found

    def _tell(self, node: Node, what: str, fix: str) -> None:
        self.problems.append(Problem.at(self.file, self._at(node), what, fix=fix))

    def _at(self, node: Node) -> int:
        return _line(self.lines, node.start_mark.index)

    def _text_line(self, node: Node) -> int:
        """Of the first line of a text; 0 where its lines are not those of the file."""
        if node.id != "scalar" or node.style == ">":
            return 0
        first, last = self._at(node), _line(self.lines, node.end_mark.index)
        if node.style == "|":
            return first + 1
        return first if first == last and "\n" not in node.value else 0


def _scalar(kind: str, written: str) -> Any:
    """A value of the kind; of a number or an instant that a schema takes nowhere, what it is matters to no one else."""
    if kind == "str":
        return written
    if kind == "bool":
        return written.lower() in ("true", "yes", "on", "y")
    if kind in ("int", "float"):
        try:
            return float(written)
        except ValueError:
            return math.nan
    return None
