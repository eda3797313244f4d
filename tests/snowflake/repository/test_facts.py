"""Two ways to write one thing are one; two things are two."""

from __future__ import annotations

import pytest

from venvbuild.snowflake.repository.facts import Context, imported, is_known_type, package, plain, type_of

CONTEXT = Context("XY", "R", "MY_DB", '"my schema"')


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("STRING", "VARCHAR(16777216)"), ("int", "NUMBER(38,0)"), ("NUMBER(10, 2)", "DECIMAL(10,2)"),
        ("NUMBER(10)", "number(10,0)"), ("DOUBLE PRECISION", "FLOAT"), ("TABLE (a STRING)", "table(A string)"),
    ],
)  # fmt: skip
def test_synonyms_are_one_type(one: str, other: str) -> None:
    assert type_of(one) == type_of(other)


def test_other_types_are_others_and_a_number_without_digits_is_not_known() -> None:
    assert len({type_of(text) for text in ("STRING", "INT", "NUMBER(10,2)", "FLOAT", "VARIANT", "NUMBER")}) == 6
    assert [is_known_type(text) for text in ("STRING", "NUMBER(1,0)", "NUMBER", "TABLE (a STRING)")] == [
        True, True, False, False,
    ]  # fmt: skip


def test_names_are_whole_and_exact() -> None:
    assert CONTEXT.whole("s") == 'MY_DB."my schema".S'
    assert CONTEXT.whole('x."a.b"') == 'MY_DB.X."a.b"'
    assert CONTEXT.schema_of('"a.b"') == 'MY_DB."my schema"'
    assert CONTEXT.schema_of("o.p.q") == "O.P"
    assert plain('a."B"."c d"') == 'A.B."c d"'
    assert not Context(None, None, None, None).is_whole("a.b")
    assert Context(None, None, None, None).is_whole("a.b.c")


def test_packages_and_imports() -> None:
    assert package(" Test_Whl.package == 1.2 ") == "test-whl-package==1.2"
    assert imported("@st/A/x.zip", CONTEXT) == '@MY_DB."my schema".ST/A/x.zip'
    assert imported("@~/x.zip", CONTEXT) == "@~/x.zip"
