"""Days, instants and the time between them; every instant is in UTC."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from sqlglot import exp

from athena.duck.nodes import Node, Rule, call, cast, in_brackets, literal_text, of_type, refuse, wrong
from athena.duck.types import DATE, NUMBER, TEXT, TIMESTAMP, family, is_integer
from venvbuild.text import shown

_FORMATS = re.compile(r"(?:%-?[YmdHMSyjabAB%T]|[^%])*")
"""In the words of strftime, to which sqlglot turned MySQL's."""


_SHOWN = re.compile(r"(?:%-?[YmdHMSyjabAB%TpGIvf]|[^%])*")


def _format_of(node: Any, name: str, formats: re.Pattern[str] = _FORMATS) -> str:
    form = literal_text(node.args.get("format"))
    if form is None or not formats.fullmatch(form):
        refuse(f"{name} with this format", "write it of %Y %m %d %H %i %s %y %j %a %b %T and plain text")
    return form


def _time_to_str(node: Any) -> Node:
    of_type(node.this, DATE, TIMESTAMP, what="date_format")
    form = _format_of(node, "date_format", _SHOWN)
    return call("strftime", node.this, exp.Literal.string(form.replace("%v", "%V")))


def _str_to_time(node: Any) -> None:
    of_type(node.this, TEXT, what="date_parse")
    _format_of(node, "date_parse")


_LETTERS = {"yyyy": "%Y", "MM": "%m", "dd": "%d", "HH": "%H", "mm": "%M", "ss": "%S", "yy": "%y"}


def format_datetime(node: Node, form: Node) -> Node:
    """With a format in Joda's letters."""
    of_type(node, DATE, TIMESTAMP, what="format_datetime")
    pieces = re.findall(r"[A-Za-z]+|[^A-Za-z]+", literal_text(form) or "'")
    if any(one not in _LETTERS and re.search("[A-Za-z'%]", one) for one in pieces):
        refuse("format_datetime with this format", "write it of yyyy yy MM dd HH mm ss, or date_format")
    made = exp.Literal.string("".join(_LETTERS.get(one, one) for one in pieces))
    return call("strftime", node, made)


def year_of_week(node: Node) -> Node:
    """As ISO 8601 counts."""
    of_type(node, DATE, TIMESTAMP, what="year_of_week")
    return call("isoyear", node)


def iso8601(node: Node) -> Node:
    """Of a day; of an instant the digits behind the second depend on where it comes from."""
    if family(node) != DATE:
        refuse("to_iso8601 of what is no date", "write date_format(..., '%Y-%m-%dT%H:%i:%sZ')")
    return cast(node, "VARCHAR")


def _unit(node: Any, name: str, units: str) -> str:
    unit = str(node.args.get("unit") or "").strip("'").lower()
    if unit not in units.split():
        refuse(f"{name} by {unit or 'nothing'}", f"write one of {', '.join(units.split())}")
    return unit


_DATE_UNITS = "day week month quarter year"


_TIME_UNITS = f"second minute hour {_DATE_UNITS}"


def _truncated(node: Any) -> Node | None:
    of_type(node.this, DATE, TIMESTAMP, what="date_trunc")
    is_date = family(node.this) == DATE
    unit = _unit(node, "date_trunc", _DATE_UNITS if is_date else _TIME_UNITS)
    made = call("date_trunc", exp.Literal.string(unit), node.this)
    return cast(made, "DATE") if is_date else cast(made, "TIMESTAMP")


def _date_add(node: Any) -> Node | None:
    of_type(node.this, DATE, TIMESTAMP, what="date_add")
    is_date = family(node.this) == DATE
    unit = _unit(node, "date_add", _DATE_UNITS if is_date else _TIME_UNITS)
    if not is_integer(node.expression):
        wrong("date_add takes a whole number")
    count: Node = node.expression.copy()
    if unit in ("week", "quarter"):
        count = exp.Mul(this=in_brackets(count), expression=exp.Literal.number(7 if unit == "week" else 3))
        unit = "day" if unit == "week" else "month"
    moved = exp.Add(this=node.this.copy(), expression=call(f"to_{unit}s", cast(count, "INTEGER")))
    return cast(in_brackets(moved), "DATE" if is_date else "TIMESTAMP")


def _date_diff(node: Any) -> Node:
    for one in (node.this, node.expression):
        of_type(one, DATE, TIMESTAMP, what="date_diff")
    both_days = {family(node.this), family(node.expression)} == {DATE}
    unit = _unit(node, "date_diff", _DATE_UNITS if both_days else f"millisecond {_TIME_UNITS}")
    # full units there; DuckDB's date_diff counts boundaries, its date_sub does not
    made = [exp.Literal.string(unit), node.expression, node.this]
    if not both_days:
        made[1:] = [cast(one, "TIMESTAMP") for one in made[1:]]
    return call("date_sub", *made)


def _part_of_time(node: Any) -> None:
    of_type(node.this, DATE, TIMESTAMP, what=node.sql_name().lower())
    if family(node.this) == DATE and isinstance(node, (exp.Hour, exp.Minute, exp.Second)):
        wrong(f"a date has no {node.sql_name().lower()}")


def _extract(node: Any) -> Node:
    unit = node.this.name.lower()
    names = {"year": "year", "month": "month", "day": "day", "hour": "hour", "minute": "minute", "second": "second",
             "quarter": "quarter", "week": "weekofyear", "dow": "isodow", "day_of_week": "isodow", "doy": "dayofyear",
             "day_of_year": "dayofyear", "day_of_month": "day", "yow": "isoyear",
             "year_of_week": "isoyear"}  # fmt: skip
    if unit not in names:
        refuse(f"extract({shown(unit)} FROM ...)", f"write one of {', '.join(names)}")
    of_type(node.expression, DATE, TIMESTAMP, what="extract")
    if family(node.expression) == DATE and unit in ("hour", "minute", "second"):
        wrong(f"a date has no {unit}")
    return call(names[unit], node.expression)


def _last_day(node: Any) -> None:
    of_type(node.this, DATE, TIMESTAMP, what="last_day_of_month")


def _now(_node: Any) -> Node:
    return in_brackets(exp.AtTimeZone(this=call("now"), zone=exp.Literal.string("UTC")))


def _today(_node: Any) -> Node:
    return cast(_now(None), "DATE")


def _instant(node: Any) -> Node:
    of_type(node.this, TEXT, what="from_iso8601_timestamp")
    return call("trino_instant", node.this)


def _from_unixtime(node: Any) -> Node:
    of_type(node.this, NUMBER, what="from_unixtime")
    if len([one for one in node.args.values() if one is not None]) > 1:
        refuse("from_unixtime with a zone")
    ms = exp.Mul(this=in_brackets(cast(node.this, "DOUBLE")), expression=exp.Literal.number(1000))
    return call("epoch_ms", cast(call("round", ms), "BIGINT"))


def _unixtime(node: Any) -> None:
    of_type(node.this, DATE, TIMESTAMP, what="to_unixtime")


def at_zone(node: Node, zone: Node | None) -> Node:
    """All instants are kept in UTC, and so is what is shown: another zone is only another way to show it."""
    of_type(node, TIMESTAMP, what="AT TIME ZONE")
    if (literal_text(zone) or "").upper() not in ("UTC", "Z"):
        refuse("a time zone other than UTC", "write 'UTC'; the catalog's instants are in UTC")
    return node.copy()


RULES: Mapping[type, Rule] = {
    exp.TimeToStr: _time_to_str,
    exp.StrToTime: _str_to_time,
    **dict.fromkeys((exp.TimestampTrunc, exp.DateTrunc), _truncated),
    exp.DateAdd: _date_add,
    exp.DateDiff: _date_diff,
    exp.Extract: _extract,
    **dict.fromkeys(
        (
            exp.Year, exp.Month, exp.Day, exp.Hour, exp.Minute, exp.Second, exp.Quarter, exp.WeekOfYear,
            exp.DayOfWeekIso, exp.DayOfMonth, exp.DayOfYear, exp.YearOfWeek,
        ),
        _part_of_time,
    ),
    exp.LastDay: _last_day,
    **dict.fromkeys((exp.CurrentTimestamp, exp.Localtimestamp), _now),
    exp.CurrentDate: _today,
    exp.FromISO8601Timestamp: _instant,
    exp.UnixToTime: _from_unixtime,
    exp.TimeToUnix: _unixtime,
    exp.AtTimeZone: lambda node: at_zone(node.this, node.args.get("zone")),
}  # fmt: skip
