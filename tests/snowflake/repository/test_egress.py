"""The answer about addresses, in every form that a page shows; and what is told of each range."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from venvbuild.errors import UsageError
from venvbuild.snowflake.repository.egress import parse

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
ONE = '{"ipv4_prefix": "153.45.150.0/24", "effective": "2025-06-30T23:59:59Z", "expires": "2027-08-30T23:59:59Z"}'
OTHER = ONE.replace("150", "151")
AZURE = """[ // the ranges of "West Europe"
  {
    "ipv4_prefix": "20.1.2.0/28", // one
    "published": "2026-07-01T00:00:00Z", "effective": "2026-07-15T00:00:00Z",
    "expires": "2027-07-01T00:00:00.000Z",
    "usage": "UDF // and \\"more\\""
  }
]"""


@pytest.mark.parametrize(
    ("text", "prefixes"),
    [
        (ONE, ["153.45.150.0/24"]),
        (f"{ONE},\n{OTHER}\n", ["153.45.150.0/24", "153.45.151.0/24"]),
        (f"{ONE},\n{OTHER},", ["153.45.150.0/24", "153.45.151.0/24"]),
        (f"[{ONE}, {OTHER}]", ["153.45.150.0/24", "153.45.151.0/24"]),
        (f"[[{ONE}]]", ["153.45.150.0/24"]),
        (json.dumps(AZURE), ["20.1.2.0/28"]),
        (AZURE, ["20.1.2.0/28"]),
        (AZURE.replace("\n", "\r\n"), ["20.1.2.0/28"]),
        (ONE.upper().replace("TZ", "T"), ["153.45.150.0/24"]),
        ('{"ipv4_prefix": "10.0.0.1"}', ["10.0.0.1/32"]),
        (f"{ONE}\n{OTHER}\n", ["153.45.150.0/24", "153.45.151.0/24"]),
        (json.dumps([[f"[{ONE}, {OTHER}]"]]), ["153.45.150.0/24", "153.45.151.0/24"]),
        (json.dumps([[AZURE]]), ["20.1.2.0/28"]),
        (json.dumps([{"SYSTEM$GET_SNOWFLAKE_EGRESS_IP_RANGES()": f"[{ONE}]"}]), ["153.45.150.0/24"]),
        (json.dumps({"system$get_snowflake_egress_ip_ranges()": AZURE}), ["20.1.2.0/28"]),
        (json.dumps([{"SYSTEM$GET_SNOWFLAKE_EGRESS_IP_RANGES(TRUE)": json.loads(ONE)}]), ["153.45.150.0/24"]),
    ],
)
def test_each_form_of_the_answer_is_read(text: str, prefixes: list[str]) -> None:
    assert [one.prefix for one in parse(text, "x")] == prefixes


@pytest.mark.parametrize("end", [1_819_670_399, 1_819_670_399.0, 1_819_670_399_000, "2027-08-30T23:59:59Z"])
def test_an_end_may_be_a_number_of_seconds(end: object) -> None:
    [one] = parse(json.dumps({"ipv4_prefix": "1.2.3.0/24", "expires": end}), "x")
    assert one.expires == datetime(2027, 8, 30, 23, 59, 59, tzinfo=UTC)


def test_what_looks_like_a_comment_in_a_text_stays() -> None:
    [one] = parse(AZURE, "x")
    assert one.usage == 'UDF // and "more"'
    assert one.expires == datetime(2027, 7, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("effective", "expires", "state", "warning"),
    [
        ("2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z", "in force", ""),
        ("2026-01-01T00:00:00Z", None, "in force", ""),
        ("2026-01-01T00:00:00Z", "2026-12-12T12:00:01Z", "in force", ""),
        ("2026-01-01T00:00:00Z", "2026-12-12T12:00:00Z", "expires soon", "a/28 expires on 2026-12-12: ask for the"),
        ("2026-01-01T00:00:00Z", "2026-11-28T12:00:00Z", "expired", "a/28 expired on 2026-11-28: take it out"),
        ("2026-12-24", "2027-01-01", "not yet in force", "a/28 is in force from 2026-12-24 on: let it in before"),
    ],
)
def test_a_range_that_changes_is_warned_of(effective: str, expires: str | None, state: str, warning: str) -> None:
    text = json.dumps({"ipv4_prefix": "20.1.2.0/28", "effective": effective, "expires": expires})
    [one] = parse(text, "x")
    assert one.state(NOW) == state
    assert one.warning(NOW).startswith(warning.replace("a/28", "20.1.2.0/28"))
    assert bool(one.warning(NOW)) == bool(warning)


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", "null", "5", '"x"', "[1]", '{"ipv4_prefix": 5}', '{"ipv4_prefix": "1.2.3.0/99"}', "{" * 100_000,
     "[" * 100_000, '{"ipv4_prefix": "1.2.3.0/24", "expires": true}', '{"ipv4_prefix": "1.2.3.0/24", "expires": 1e300}',
     "[1", '{"a": "b"}', '{"ipv4_prefix": "1.2.3.0/24", "expires": NaN}',
     '{"ipv4_prefix": "1.2.3.0/24", "expires": "soon"}'],
)  # fmt: skip
def test_what_is_no_answer_is_told(text: str) -> None:
    with pytest.raises(UsageError, match="fix: give what the SELECT answered, as it is"):
        parse(text, "x")
