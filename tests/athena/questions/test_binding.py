"""The files that people paste are the text that commands ask."""

from __future__ import annotations

import re
from importlib import resources
from pathlib import Path

import pytest

from athena import questions
from athena.questions import bind
from athena.statement import Scope
from venvbuild.errors import UsageError

CATALOG = (Path(__file__).resolve().parents[3] / "docs" / "catalog.md").read_text("utf-8")
SQL = (
    "SELECT a -- why\nFROM t\nWHERE name IN (/*:names*/ 'x', 'it''s')\n"
    "  -- AND n = /*:n*/ 1\n  -- AND b = /*:b*/ true\n;\n-- end\n"
)


def test_without_values_the_examples_stand() -> None:
    statement = bind(SQL, {})
    assert statement.sql == "SELECT a -- why\nFROM t\nWHERE name IN ('x', 'it''s')"
    assert statement.values == []


def test_values_are_bound_and_conditions_switched_on_by_them() -> None:
    statement = bind(SQL, {"names": ["a'b", "c", "d"], "n": 7, "b": True})
    assert statement.sql.splitlines()[2:] == ["WHERE name IN (?, ?, ?)", "  AND n = ?", "  AND b = ?"]
    assert statement.values == ["a'b", "c", "d", 7, True]
    assert statement.text.splitlines()[2:] == ["WHERE name IN ('a''b', 'c', 'd')", "  AND n = 7", "  AND b = true"]


def test_an_empty_list_equals_nothing() -> None:
    assert "IN (NULL)" in bind(SQL, {"names": []}).sql


def test_text_becomes_what_stands_in_its_place() -> None:
    assert bind(SQL, {"n": "12", "b": "false"}).values == [12, False]


@pytest.mark.parametrize("values", [{"n": "x"}, {"n": "1; DROP"}, {"b": "yes"}, {"n": "²"}])
def test_text_of_another_type_is_refused(values: dict[str, str]) -> None:
    with pytest.raises(UsageError, match="cannot stand for"):
        bind(SQL, values)


def test_a_parameter_that_is_not_there_is_named_with_those_that_are() -> None:
    with pytest.raises(UsageError, match=r"'nam'.*it has names, n, b"):
        bind(SQL, {"nam": "x"})


@pytest.mark.parametrize("end", ["", ";", " ;\n", ";\n-- done\n\n", "\n--x"])
def test_the_end_of_a_statement_is_left_out(end: str) -> None:
    assert bind(f"SELECT ';' AS a{end}", {}).sql == "SELECT ';' AS a"


def test_a_question_that_is_not_there_is_refused_with_those_that_are() -> None:
    with pytest.raises(UsageError, match="versions_in_use"):
        questions.text("nope")


def test_each_question_says_what_it_asks() -> None:
    for name in questions.names():
        first = questions.text(name).splitlines()[0]
        assert first.startswith("-- ")
        assert first.endswith("?") or "? " in first or name == "all_builds" or "newest build" in first, name


def test_each_question_is_documented_with_its_parameters() -> None:
    rows = dict(re.findall(r"^\| `(\w+)` \| [^|]+ \| ([^|]*) \|$", CATALOG, re.MULTILINE))
    listed = {name: cells for name, cells in rows.items() if name in questions.names()}
    assert sorted(listed) == list(questions.names())
    base = re.findall(r"`(\w+)`", listed["builds_with_package"])
    alike = {
        "builds_by_specifier": [*base, "versions", "packages"],
        "count_builds_with_package": [*base[:-1], "versions", "packages"],
    }
    for name, cell in listed.items():
        assert sorted(alike.get(name) or re.findall(r"`(\w+)`", cell)) == sorted(
            questions.parameters(questions.text(name))
        )


def test_the_two_ways_to_find_differ_by_the_versions_only() -> None:
    plain, exact = (questions.text(name).splitlines() for name in ("builds_with_package", "builds_by_specifier"))
    code = [[line for line in lines if not line.startswith("-- W") and line in lines[2:]] for lines in (plain, exact)]
    assert [line for line in code[1] if line not in code[0]] == [
        "  AND version IN (/*:versions*/ '0.19.13', '0.19.14')",
        "  AND name || '==' || version IN (/*:packages*/ 'kedro==0.19.13', 'kedro==0.19.14')",
    ]
    assert [line for line in code[0] if line not in code[1]] == []


def test_a_scope_goes_with_its_statement() -> None:
    assert questions.statement("all_builds", {"limit": 3, "since": None}, Scope(newest=3)).scope == Scope(newest=3)


def test_what_is_pasted_is_shipped() -> None:
    setup = (Path(__file__).resolve().parents[3] / "setup.cfg").read_text("utf-8")
    assert "sql/*.sql, sql/tables/*.sql" in setup
    assert resources.files("athena").joinpath("sql", "tables", "venv_packages.sql").is_file()
