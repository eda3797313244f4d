"""Where keys stand in a TOML file: what tomllib reads, the scan finds, each on its line."""

from __future__ import annotations

import json
import tomllib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from venvbuild.snowflake.repository.positions import Place, places

ALL = '''\
# [not.a.table]
[secret."MY_DB.PUBLIC.S"]   # "quoted"
type = "password" # x = 1
'a.b'."c\\"d".e = 'it''s'
long = """
[no.table]
x = 1 \\""" still
"""
after = 1
many = [
  "a]", # ]
  ['b'],
]
inline = { x = 1, "y.z" = { w = [2] } }
at = 1979-05-27 07:32:00
raw = \'\'\'one line\'\'\'
[[array]]
lost = 1
[ last . one ]
k=true
'''.replace("'it''s'", "'its'")


@pytest.mark.parametrize("text", [ALL, ALL.replace("\n", "\r\n")], ids=["unix", "windows"])
def test_each_key_stands_on_its_line(text: str) -> None:
    assert tomllib.loads(text)
    secret = ("secret", "MY_DB.PUBLIC.S")
    assert places(text) == {
        ("secret",): Place(2, 2),
        secret: Place(2, 2),
        (*secret, "type"): Place(3, 3),
        (*secret, "a.b"): Place(4, 4),
        (*secret, "a.b", 'c"d'): Place(4, 4),
        (*secret, "a.b", 'c"d', "e"): Place(4, 4),
        (*secret, "long"): Place(5, 6),
        (*secret, "after"): Place(9, 9),
        (*secret, "many"): Place(10, 10),
        (*secret, "inline"): Place(14, 14),
        (*secret, "inline", "x"): Place(14, 14),
        (*secret, "inline", "y.z"): Place(14, 14),
        (*secret, "inline", "y.z", "w"): Place(14, 14),
        (*secret, "at"): Place(15, 15),
        (*secret, "raw"): Place(16, 16),
        ("array",): Place(17, 17),
        ("last",): Place(19, 19),
        ("last", "one"): Place(19, 19),
        ("last", "one", "k"): Place(20, 20),
    }


KEYS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=8)
VALUES = st.one_of(st.text(st.characters(exclude_categories=["Cs"]), max_size=12), st.integers(0, 9), st.booleans())


@given(st.dictionaries(KEYS, st.dictionaries(KEYS, VALUES, max_size=3), max_size=4))
def test_what_tomllib_reads_is_found(document: dict[str, dict[str, Any]]) -> None:
    def quoted(text: str) -> str:
        return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'

    def valued(value: Any) -> str:
        if not isinstance(value, str):
            return json.dumps(value)
        return '"' + "".join(f"\\U{ord(one):08x}" if ord(one) < 32 or one in '"\\\x7f' else one for one in value) + '"'

    lines, wanted = list[str](), dict[tuple[str, ...], int]()
    for table, pairs in document.items():
        lines.append(f"[{quoted(table)}]")
        wanted[(table,)] = len(lines)
        for key, value in pairs.items():
            lines.append(f"{quoted(key)} = {valued(value)}")
            wanted[table, key] = len(lines)
    text = "\n".join(lines)
    assert tomllib.loads(text) == document
    assert {path: place.line for path, place in places(text).items()} == wanted


@pytest.mark.parametrize("text", ["", "\n", "[", "a", "a =", "[x", "a = [", 'a = """', "= 1", "a = {b = 1"])
def test_what_is_no_toml_is_lost_and_no_error(text: str) -> None:
    places(text)
