"""Functions of text."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from sqlglot import exp

from athena.duck.nodes import (
    Node,
    Rule,
    call,
    cast,
    in_brackets,
    literal_number,
    literal_text,
    number,
    of_type,
    refuse,
    wrong,
)
from athena.duck.types import ARRAY, BOOLEAN, DATE, NUMBER, TEXT, family, is_integer
from venvbuild.text import shown


def _texts(*names: str) -> Rule:
    def rule(node: Any) -> None:
        for name in names:
            for one in node.args.get(name) if isinstance(node.args.get(name), list) else [node.args.get(name)]:
                if one is not None:
                    of_type(one, TEXT, what=node.sql_name().lower())

    return rule


def _joined(node: Any) -> Node | None:
    ones = [node.this, node.expression] if isinstance(node, exp.DPipe) else node.expressions
    what = "||" if isinstance(node, exp.DPipe) else "concat"
    for one in ones:
        of_type(one, TEXT, ARRAY, what=what)
    if len({family(one) for one in ones if not isinstance(one, exp.Null)}) > 1:
        wrong(f"{what} goes between texts, or between arrays")
    made = ones[0].copy()
    for one in ones[1:]:
        made = exp.DPipe(this=made, expression=one.copy())
    return in_brackets(made) if len(ones) > 1 else made


def _concat_ws(node: Any) -> None:
    for one in node.expressions:
        of_type(one, TEXT, what="concat_ws")


def _substring(node: Any) -> Node:
    of_type(node.this, TEXT, what="substr")
    length = node.args.get("length")
    if length is None:
        return call("trino_substr", node.this, node.args["start"])
    return call("trino_substr_of", node.this, node.args["start"], length)


def _split_part(node: Any) -> Node:
    of_type(node.this, TEXT, what="split_part")
    if not literal_text(node.args["delimiter"]):
        refuse("split_part by what is no literal, or by nothing")
    return call("trino_split_part", node.this, node.args["delimiter"], node.args["part_index"])


def _split(node: Any) -> Node:
    of_type(node.this, TEXT, what="split")
    if node.args.get("limit") is not None or not literal_text(node.expression):
        refuse("split with a limit, or by what is no literal")
    return call("string_split", node.this, node.expression)


def _str_position(node: Any) -> None:
    of_type(node.this, TEXT, what="strpos")
    of_type(node.args["substr"], TEXT, what="strpos")
    if node.args.get("position") is not None or node.args.get("occurrence") is not None:
        refuse("strpos of the n-th place")


def _replace(node: Any) -> None:
    of_type(node.this, TEXT, what="replace")
    if not literal_text(node.expression):
        refuse("replace of what is no literal, or of nothing")


def _pad(node: Any) -> None:
    of_type(node.this, TEXT, what="lpad")
    if not literal_text(node.args.get("fill_pattern")):
        wrong("the padding is not empty")


def _trim(node: Any) -> Node:
    of_type(node.this, TEXT, what="trim")
    if node.expression is not None:
        refuse("trim of given letters")
    name = {"LEADING": "ltrim", "TRAILING": "rtrim"}.get(str(node.args.get("position") or "").upper(), "trim")
    return call(name, node.this, exp.Literal.string(" \t\n\x0b\x0c\r\x1c\x1d\x1e\x1f"))


def _case(node: Any) -> None:
    of_type(node.this, TEXT, what=node.sql_name().lower())


def _reverse(node: Any) -> Node:
    of_type(node.this, TEXT, what="reverse")
    return call("trino_reverse", node.this)


_OPTIONAL_GROUP = re.compile(r"[|?*]|\{0")


def _pattern(node: Any, name: str) -> str:
    of_type(node.this, TEXT, what=name)
    pattern = literal_text(node.expression)
    if pattern is None:
        refuse(f"{name} with a pattern that is no literal")
    if re.search(r"\(\?[=!<]|\\[1-9GKRXbB]|[*+?}]\+|\\p\{", pattern):
        refuse(f"{name} with a pattern that looks around, back, or at words")
    return pattern


def _regexp_like(node: Any) -> None:
    _pattern(node, "regexp_like")


def _regexp_extract(node: Any) -> Node:
    pattern = _pattern(node, "regexp_extract")
    group = literal_number(node.args.get("group")) if node.args.get("group") is not None else 0
    if group is None or (group and _OPTIONAL_GROUP.search(pattern)):
        refuse("regexp_extract of a group that may be left out")
    return call("trino_regexp_extract", node.this, node.expression, number(group or 0))


def _regexp_replace(node: Any) -> Node:
    _pattern(node, "regexp_replace")
    replacement = node.args.get("replacement")
    text = "" if replacement is None else literal_text(replacement)
    if text is None or "\\" in text:
        refuse("regexp_replace by what is no plain literal")
    if "$" in re.sub(r"\$[0-9]", "", text):
        refuse("regexp_replace by a named group")
    made = exp.Literal.string(re.sub(r"\$([0-9])", r"\\\1", text))
    return call("regexp_replace", node.this, node.expression, made, exp.Literal.string("g"))


def _format(node: Any) -> Node:
    form = literal_text(node.this)
    if form is None:
        refuse("format with a pattern that is no literal")
    pieces = re.split(r"(%[^%a-zA-Z]*[%a-zA-Z])", form)
    values, made = list(node.expressions), list[Node]()
    for piece in pieces:
        if piece == "%%":
            made.append(exp.Literal.string("%"))
        elif piece in ("%s", "%d"):
            if not values:
                wrong("format has fewer values than its pattern")
            value = values.pop(0)
            of_type(value, *((NUMBER,) if piece == "%d" else (TEXT, NUMBER, BOOLEAN, DATE)), what=f"format {piece}")
            if family(value) == NUMBER and not is_integer(value):
                refuse("format of a fraction")
            made.append(exp.Coalesce(this=cast(value, "VARCHAR"), expressions=[exp.Literal.string("null")]))
        elif piece.startswith("%"):
            refuse(f"format with {shown(piece)}", "write %s or %d")
        elif piece:
            made.append(exp.Literal.string(piece))
    whole: Node = made[0] if made else exp.Literal.string("")
    for one in made[1:]:
        whole = exp.DPipe(this=whole, expression=one)
    return in_brackets(whole)


RULES: Mapping[type, Rule] = {
    **dict.fromkeys((exp.DPipe, exp.Concat), _joined),
    exp.ConcatWs: _concat_ws,
    exp.Substring: _substring,
    exp.SplitPart: _split_part,
    exp.Split: _split,
    exp.StrPosition: _str_position,
    exp.Replace: _replace,
    exp.Pad: _pad,
    exp.Trim: _trim,
    exp.Reverse: _reverse,
    **dict.fromkeys((exp.Lower, exp.Upper, exp.Length), _case),
    **dict.fromkeys((exp.StartsWith, exp.Levenshtein), _texts("this", "expression")),
    exp.RegexpLike: _regexp_like,
    exp.RegexpExtract: _regexp_extract,
    exp.RegexpReplace: _regexp_replace,
    exp.Format: _format,
}
