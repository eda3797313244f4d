"""Names of stages: what is one, what it is completed by, and that SQL reads back what somebody wrote."""

from __future__ import annotations

import pytest

from venvbuild.errors import UsageError
from venvbuild.snowflake.stage_name import StageName


@pytest.mark.parametrize(
    ("text", "names", "path"),
    [
        ("@MY_DB.MY_SCHEMA.PACKAGES_STAGE", ("MY_DB", "MY_SCHEMA", "PACKAGES_STAGE"), ""),
        ("@my_db.s$1._x/", ("my_db", "s$1", "_x"), ""),
        ("@A.B.C/py311/reports.v1/", ("A", "B", "C"), "py311/reports.v1"),
        ('@A."my schema"."a/b ""c"""/x', ("A", '"my schema"', '"a/b ""c"""'), "x"),
        ("@C", ("DB", "SCH", "C"), ""),
        ("@B.C/x", ("DB", "B", "C"), "x"),
    ],
)
def test_a_stage_is_read_as_sql_writes_it(text: str, names: tuple[str, ...], path: str) -> None:
    read = StageName.parse(text, "DB", "SCH")
    assert (read.names, read.path) == (names, path)
    assert StageName.parse(str(read)) == read


@pytest.mark.parametrize(
    "text",
    ["", "@", "A.B.C", "@~", "@~/x", "@%t", "@A.B.%t", "@A.B.C.D", "@A..C", "@A.B.C/../x", "@A.B.C/a b", "@A.B.C//x",
     "@A.B.C'; DROP", "@A.B.C/x'y", '@A.B."x', "@A.B.C d", "@A.B.1x", "@A.B.C\n", '@A.B."x\ny"', "@A.B.C/x\n",
     "@A-B.C.D"],
)  # fmt: skip
def test_what_is_no_named_stage_is_refused_and_told_how_one_is_written(text: str) -> None:
    with pytest.raises(UsageError) as refused:
        StageName.parse(text, "DB", "SCH")
    [problem] = refused.value.problems
    assert problem.where == "--stage"
    assert "write @DATABASE.SCHEMA.STAGE" in problem.fix


@pytest.mark.parametrize(("text", "database", "schema"), [("@C", "DB", None), ("@C", None, "S"), ("@B.C", None, "S")])
def test_a_name_that_nothing_completes_names_the_variables(text: str, database: str | None, schema: str | None) -> None:
    with pytest.raises(UsageError, match="set SNOWFLAKE_DATABASE and SNOWFLAKE_SCHEMA"):
        StageName.parse(text, database, schema)


def test_what_has_quotes_stands_in_sql_as_it_was_written() -> None:
    name = StageName.parse('@A.B."it\'s \\"""')
    assert name.quoted("x.zip") == "'@A.B.\"it''s \\\\\"\"\"/x.zip'"
    assert name.stage == 'A.B."it\'s \\"""'
