"""The columns of `venv_builds_metadata`: the fields of metadata.json but `files`, the schema's order and types.

The first nine are those of the table that people knew before this tool; ours come after. The last, `recorded_at`, is of
builds that scripts made: when their metadata.json says that they were made, which is not the instant of their version.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from venvbuild.builds import schema, schemas

_LEFT_OUT = "files"
_TIMESTAMPS = {"created_at"}
"""Text in metadata.json, instants in the table."""
_TOO_BIG = 2**63  # for `bigint`, which engines have for integers
_PLAIN = {"string": "string", "boolean": "boolean", "integer": "bigint", "number": "double"}

Rule = Mapping[str, Any]
"""A schema, or a part of one, as JSON."""
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
        return _accepts(self.rule, value)

    def known(self, value: Any) -> Any:
        """The part of an accepted value that the column has room for: without members that a later version added."""
        members = self.rule.get("properties")
        if members and isinstance(value, dict):
            return {name: one for name, one in value.items() if name in members}
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
    if "const" in rule:  # a schema_version of tomorrow is a number too
        return ("integer",)
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


def _accepts(rule: Rule, value: Any) -> bool:
    return any(_is(name, rule, value) for name in _json_types(rule))


def _is(name: str, rule: Rule, value: Any) -> bool:
    """Whether a value is of this type of JSON Schema, its members too."""
    if isinstance(value, dict):
        # what a later version added may be anything
        rules = {**dict.fromkeys(value, rule.get("additionalProperties")), **rule.get("properties", {})}
        known = ((rules[key], one) for key, one in value.items() if rules[key] and one is not None)
        return name == "object" and all(_accepts(of_member, one) for of_member, one in known)
    if isinstance(value, list):
        if name == "array" and _json_types(rule["items"]) == ("string",):  # most of a row is such a list
            return set(map(type, value)) <= {str}
        return name == "array" and all(_accepts(rule["items"], one) for one in value)
    # before int, of which bool is a kind
    if isinstance(value, bool) or value is None:
        return name == ("null" if value is None else "boolean")
    if isinstance(value, int) and name == "integer":
        return abs(value) < _TOO_BIG
    return schemas.is_double(value) if name == "number" else isinstance(value, str) and name == "string"
