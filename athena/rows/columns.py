"""The columns of `venv_builds_metadata`: the fields of metadata.json but `files`, the schema's order and types.

The first nine are those of the table that people knew before this tool; ours come after. The last, `recorded_at`, is of
builds that scripts made: when their metadata.json says that they were made, which is not the instant of their version.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from types import NoneType
from typing import Any

from venvbuild.builds import schema, schemas

_LEFT_OUT = "files"
_TIMESTAMPS = {"created_at"}
"""Text in metadata.json, instants in the table."""
_TOO_BIG = 2**63  # for `bigint`, which engines have for integers
_PLAIN = {"string": "string", "boolean": "boolean", "integer": "bigint", "number": "double"}

Rule = Mapping[str, Any]
"""A schema, or a part of one, as JSON."""
Judges = Mapping[type, Callable[[Any], bool]]
"""By type of a value of JSON what tells whether it fits; one of another type does not."""
_RECORDED_AT: Rule = {"type": ["string", "null"]}


@dataclass(frozen=True)
class Column:
    """One column of the table."""

    name: str
    type: str
    """As Athena and Hive write it: `string`, `array<string>`, `struct<abi:string,glibc:string>`."""
    is_required: bool
    """Whether the row of every build of ours has it; that of a script's build has the first nine."""
    rule: Rule
    """What JSON may hold there, in the words of JSON Schema."""

    def accepts(self, value: Any) -> bool:
        """Whether a row may hold this JSON value here, so that every engine can read it; only its type is judged."""
        judge = self._judges.get(type(value))
        return judge is not None and (judge is _any or judge(value))

    @cached_property
    def _judges(self) -> Judges:
        return _judges_of(self.rule)

    @cached_property
    def _members(self) -> frozenset[str]:
        return frozenset(self.rule.get("properties", ()))

    def known(self, value: Any) -> Any:
        """The part of an accepted value that the column has room for: without members that a later version added."""
        if isinstance(value, dict) and self._members and not self._members.issuperset(value):
            return {name: one for name, one in value.items() if name in self._members}
        return value


@cache
def columns() -> tuple[Column, ...]:
    """Every column, in the order of the table; the partition column `dt` (a string, the day) is not among them."""
    whole = schema()
    fields = {name: _resolved(rule, whole) for name, rule in whole["properties"].items() if name != _LEFT_OUT}
    of_metadata = (
        Column(
            name,
            "timestamp" if name in _TIMESTAMPS else _type(rule, whole),
            name in whole["required"],
            rule,
        )
        for name, rule in fields.items()
    )
    return (*of_metadata, Column("recorded_at", "timestamp", False, _RECORDED_AT))


def _resolved(rule: Rule, whole: Rule) -> Rule:
    reference = rule.get("$ref")
    return whole["$defs"][reference.rpartition("/")[2]] if reference else rule


def _json_types(rule: Rule) -> tuple[str, ...]:
    types = rule["type"]
    return (types,) if isinstance(types, str) else tuple(types)


def _type(rule: Rule, whole: Rule) -> str:
    rule = _resolved(rule, whole)
    name = next(name for name in _json_types(rule) if name != "null")
    if name == "array":
        return f"array<{_type(rule['items'], whole)}>"
    if name == "object" and "properties" in rule:
        fields = (f"{field}:{_type(of_field, whole)}" for field, of_field in rule["properties"].items())
        return f"struct<{','.join(fields)}>"
    if name == "object":
        return f"map<string,{_type(rule['additionalProperties'], whole)}>"
    return _PLAIN[name]


def _fits(judges: Judges, value: Any) -> bool:
    judge = judges.get(type(value))
    return judge is not None and (judge is _any or judge(value))


def _judges_of(rule: Rule) -> Judges:
    """What tells whether a value is of this type of JSON Schema, its members too: made once, asked of every row."""
    found: dict[type, Callable[[Any], bool]] = {}
    for name in _json_types(rule):
        found |= _OF_TYPE[name](rule)
    return found


def _any(_value: Any) -> bool:
    return True


def _of_array(rule: Rule) -> Judges:
    judges = _judges_of(rule["items"])
    plain = {type_ for type_, judge in judges.items() if judge is _any}
    # most of a row is a list of texts
    return {list: lambda items: set(map(type, items)) <= plain or all(_fits(judges, one) for one in items)}


def _of_object(rule: Rule) -> Judges:
    named = {name: _judges_of(of_member) for name, of_member in rule.get("properties", {}).items()}
    others = _judges_of(rule["additionalProperties"]) if rule.get("additionalProperties") else None

    def fits(members: dict[str, Any]) -> bool:
        judged = ((named.get(name, others), one) for name, one in members.items() if one is not None)
        # what a later version added may be anything
        return all(judges is None or _fits(judges, one) for judges, one in judged)

    return {dict: fits}


_OF_TYPE: Mapping[str, Callable[[Rule], Judges]] = {
    "null": lambda _: {NoneType: _any},
    "boolean": lambda _: {bool: _any},
    "string": lambda _: {str: _any},
    "integer": lambda _: {int: lambda number: abs(number) < _TOO_BIG},
    "number": lambda _: {int: schemas.is_double, float: schemas.is_double},
    "array": _of_array,
    "object": _of_object,
}
