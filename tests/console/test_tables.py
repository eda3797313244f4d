"""Tables: whole lines that fit the terminal, and all of it where there is none."""

from __future__ import annotations

import csv
import io
import sys
import unicodedata
from pathlib import Path

import pytest

from tests.support.terminal import at_a_terminal
from venvbuild.console import tables

COLUMNS = ["venv_version", "python_version", "is_conflict_free", "matches"]
ROWS = [
    {
        "venv_version": f"venv_20250722_08300{number}",
        "python_version": "3.11",
        "is_conflict_free": True,
        "matches": ["kedro==0.19.14", "pandas==2.2.3"][: number + 1],
    }
    for number in range(2)
]


def shown_at(width: int | None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> list[str]:
    monkeypatch.setattr("venvbuild.console.tables._terminal_width", lambda: width)
    tables.print_rows(COLUMNS, ROWS, "table")
    return capsys.readouterr().out.splitlines()


def test_where_there_is_no_terminal_nothing_is_cut(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert shown_at(None, monkeypatch, capsys) == [
        "venv_version          python_version  is_conflict_free  matches",
        "venv_20250722_083000  3.11            true              kedro==0.19.14",
        "venv_20250722_083001  3.11            true              kedro==0.19.14 pandas==2.2.3",
    ]


def test_what_is_wide_enough_is_as_it_would_be_anywhere(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert shown_at(84, monkeypatch, capsys) == shown_at(None, monkeypatch, capsys)


def test_names_give_way_before_values_and_the_first_column_last(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert shown_at(66, monkeypatch, capsys) == [
        "venv_version          pytho…  is_co…  matches",
        "venv_20250722_083000  3.11    true    kedro==0.19.14",
        "venv_20250722_083001  3.11    true    kedro==0.19.14 pandas==2.2.3",
    ]
    assert shown_at(52, monkeypatch, capsys)[2] == "venv_20250722_083001  3.11    true    kedro==0.19.1…"
    assert shown_at(16, monkeypatch, capsys)[2] == "venv_2…  …  …  …"


@pytest.mark.parametrize("width", [16, 30, 52, 66, 80, 84, 200])
def test_no_line_is_wider_than_the_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], width: int
) -> None:
    assert max(map(len, shown_at(width, monkeypatch, capsys))) <= width


@pytest.mark.parametrize(
    "text",
    [
        "=1+1",
        "+1",
        "-1",
        "@SUM(A1)",
        "\t=1",
        "\r=1",
        "\n=1",
        " =1",
        "  -1",
        '"=1',
        "'=1",
        '" +1',
        "\xa0=1",
        "\u200d=1",
        "\uff1d1",
    ],
)
def test_no_text_is_a_formula_to_a_spreadsheet(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    tables.print_rows(["=name", "n"], [{"=name": text, "n": -1}, {"=name": "kept", "n": -1.5}], "csv")
    head, first, second = csv.reader(io.StringIO(capsys.readouterr().out))
    assert head == ["'=name", "n"]
    assert first == [f"'{text}".replace("\r", "\\r"), "-1"]
    assert second == ["kept", "-1.5"]


@pytest.mark.parametrize("text", ["a=1", "1-2", "kedro==0.19.14", "me@example.com", "x\ny,z", 'say "x"', "", "1e-5"])
def test_other_text_is_in_csv_as_it_is(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    tables.print_rows(["name", "n"], [{"name": text, "n": 1}], "csv")
    assert list(csv.reader(io.StringIO(capsys.readouterr().out))) == [["name", "n"], [text, "1"]]


def test_a_credential_in_one_cell_masks_nothing_in_the_next(capsys: pytest.CaptureFixture[str]) -> None:
    row = {"a": "https://host:x", "b": "me@example.com", "c": "https://u:pass-word@host/x"}
    tables.print_rows(list(row), [row], "csv")
    assert capsys.readouterr().out == "a,b,c\nhttps://host:x,me@example.com,https://****@host/x\n"


def test_a_row_is_a_line_whatever_is_in_its_cells(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("venvbuild.console.tables._terminal_width", lambda: None)
    rows = [{"na\nme": "\x1b[31ma\nb\tc", "n": 1}, {"na\nme": "👩\u200d💻 می\u200cخواهم", "n": 2}]
    tables.print_rows(["na\nme", "n"], rows, "table")
    lines = capsys.readouterr().out.splitlines()
    assert [line.split("  ")[0] for line in lines] == [r"na\nme", r"\x1b[31ma\nb\tc", "👩\u200d💻 می\u200cخواهم"]


def columns_of(text: str) -> int:
    """As a terminal counts them (UAX #11)."""
    return sum(2 if unicodedata.east_asian_width(one) in "WF" else not unicodedata.combining(one) for one in text)


@pytest.mark.parametrize("width", [None, 24, 14, 13, 12, 9])
def test_wide_characters_and_marks_stand_in_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], width: int | None
) -> None:
    monkeypatch.setattr("venvbuild.console.tables._terminal_width", lambda: width)
    rows = [{"name": name, "n": 1} for name in ("plain", "販売環境", "cafe\u0301", "😀")]
    tables.print_rows(["name", "n"], rows, "table")
    lines = capsys.readouterr().out.splitlines()
    assert len({columns_of(line.removesuffix("n").removesuffix("1").removesuffix("…")) for line in lines}) == 1
    assert width is None or max(map(columns_of, lines)) <= width


@pytest.mark.parametrize("shape", ["json", "csv"])
def test_what_programs_read_is_never_cut(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], shape: str
) -> None:
    monkeypatch.setattr("venvbuild.console.tables._terminal_width", lambda: 20)
    tables.print_rows(COLUMNS, ROWS, shape)
    assert "…" not in capsys.readouterr().out


@pytest.mark.parametrize("columns", [0, 40, 66, 120])
def test_a_real_terminal_is_asked_for_its_width(tmp_path: Path, columns: int) -> None:
    script = f"from venvbuild.console import tables; tables.print_rows({COLUMNS!r}, {ROWS!r}, 'table')"
    root = str(Path(tables.__file__).parents[2])
    code, said = at_a_terminal([sys.executable, "-c", script], {"PYTHONPATH": root}, tmp_path, columns=columns)
    assert code == 0
    assert len(said.splitlines()) == 3
    assert max(map(len, said.splitlines())) == {0: 84, 40: 40, 66: 66, 120: 84}[columns]


class Alive(dict[str, object]):
    """A row that counts those like it which are there."""

    now = most = 0

    def __init__(self, number: int) -> None:
        super().__init__(name=f"n{number}", n=number)
        Alive.now += 1
        Alive.most = max(Alive.most, Alive.now)

    def __del__(self) -> None:
        Alive.now -= 1


@pytest.mark.parametrize("shape", ["json", "csv"])
def test_rows_are_held_one_at_a_time(shape: str, capsys: pytest.CaptureFixture[str]) -> None:
    Alive.most = 0
    tables.print_rows(["name", "n"], map(Alive, range(1000)), shape)
    assert Alive.most < 5
    assert "n999" in capsys.readouterr().out
