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
    named,
    number,
    of_type,
    refuse,
    wrong,
)
from athena.duck.types import ARRAY, BOOLEAN, DATE, NUMBER, OF_KIND, TEXT, decimal_of, family, is_integer
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
    if not any(family(one) == ARRAY for one in ones):
        for one in ones:
            of_type(one, TEXT, what=what)
    arrays = [one for one in ones if family(one) == ARRAY]
    if arrays and len(arrays) < len(ones):
        ones = [one if family(one) == ARRAY else _as_array(one, arrays[0], what) for one in ones]
    made = ones[0].copy()
    for one in ones[1:]:
        made = exp.DPipe(this=made, expression=one.copy())
    return in_brackets(made) if len(ones) > 1 else made


def _as_array(one: Node, array: Node, what: str) -> Node:
    """An element that is put before or behind an array."""
    element = array.type.expressions[0] if array.type and array.type.expressions else None
    if isinstance(one, exp.Null) or not isinstance(element, exp.DataType) or OF_KIND.get(element.this) != family(one):
        refuse(f"{what} of an array and what is no element of it", "write ARRAY[...] around the element")
    return exp.Array(expressions=[one.copy()])


def _concat_ws(node: Any) -> Node | None:
    if len(node.expressions) == 2 and family(node.expressions[1]) == ARRAY:
        return call("trino_joined", node.expressions[1], node.expressions[0])
    for one in node.expressions:
        of_type(one, TEXT, what="concat_ws")
    return None


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
    name = {"LEADING": "ltrim", "TRAILING": "rtrim"}.get(str(node.args.get("position") or "").upper(), "trim")
    if node.expression is not None:
        of_type(node.expression, TEXT, what="trim")
        return call(name, node.this, node.expression)
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


def _regexp_extract_all(node: Any) -> Node:
    pattern = _pattern(node, "regexp_extract_all")
    group = literal_number(node.args.get("group")) if node.args.get("group") is not None else 0
    if group is None or (group and _OPTIONAL_GROUP.search(pattern)):
        refuse("regexp_extract_all of a group that may be left out")
    return call("regexp_extract_all", node.this, node.expression, number(group or 0))


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
            if piece == "%d":
                of_type(value, NUMBER, what="format %d")
            elif family(value) not in (TEXT, NUMBER, BOOLEAN, DATE):
                refuse(f"format %s of {named(value)}")
            if family(value) == NUMBER and not is_integer(value):
                refuse("format of a fraction")
            made.append(exp.Coalesce(this=cast(value, "VARCHAR"), expressions=[exp.Literal.string("null")]))
        elif re.fullmatch(r"%(,d|,?\.[0-9]f|0?[1-9][0-9]?d|-?[1-9][0-9]?s)", piece):
            if not values:
                wrong("format has fewer values than its pattern")
            made.append(_formatted(piece, values.pop(0)))
        elif piece.startswith("%"):
            refuse(f"format with {shown(piece)}", "write %s, %d, %,d, %05d, %10s or %.2f")
        elif piece:
            made.append(exp.Literal.string(piece))
    whole: Node = made[0] if made else exp.Literal.string("")
    for one in made[1:]:
        whole = exp.DPipe(this=whole, expression=one)
    return in_brackets(whole)


def _formatted(piece: str, value: Node) -> Node:
    """`%,d`, `%05d`, `%-10s` or `%.2f`."""
    null = exp.Literal.string("null")
    if piece.endswith("f"):
        return _fraction(piece, value)
    if piece.endswith("s"):
        of_type(value, TEXT, what=f"format {piece}")
        return call("trino_padded", exp.Coalesce(this=value.copy(), expressions=[null]),
                    number(int(piece.strip("%-s"))), exp.true() if piece.startswith("%-") else exp.false())  # fmt: skip
    of_type(value, NUMBER, what=f"format {piece}")
    if not is_integer(value):
        wrong("format %d takes a whole number")
    made = call("format", exp.Literal.string("{:,}"), value) if piece == "%,d" else call(
        "printf", exp.Literal.string(piece), cast(value, "BIGINT"))  # fmt: skip
    return exp.Coalesce(this=made, expressions=[null])


def _fraction(piece: str, value: Node) -> Node:
    of_type(value, NUMBER, what=f"format {piece}")
    if is_integer(value):
        wrong(f"format {piece} takes a fraction", "CAST the whole number AS double or decimal")
    if "," in piece:
        refuse(f"format with {piece}", "write %.2f")
    # Java rounds the decimal digits that are shown of a double half up; so does DuckDB's CAST of them
    text = cast(value, "VARCHAR") if decimal_of(value) is None else value
    made = cast(cast(text, f"DECIMAL(38, {piece[2:-1]})"), "VARCHAR")
    # Java cuts "null" to as many letters as there are to be digits
    return exp.Coalesce(this=made, expressions=[exp.Literal.string("null"[: int(piece[2:-1])])])


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
    exp.RegexpExtractAll: _regexp_extract_all,
    exp.RegexpReplace: _regexp_replace,
    exp.Format: _format,
}
