"""What passes to stdout and stderr: nothing that a terminal obeys, no password of a URL, no line but our own."""

from __future__ import annotations

import ast
import io
import json
import os
import sys
from pathlib import Path

import pytest

from venvbuild.console import output

EVIL = "\x1b[31m\x9b1A\u202e\rx\nFORGED\ty"
URL = "https://robot:hunter2-pass@host/x"
HOUSE = Path(output.__file__).parents[2]


def test_data_is_one_line_whatever_is_in_it(capsys: pytest.CaptureFixture[str]) -> None:
    output.print_data(EVIL + URL)
    assert capsys.readouterr().out == r"\x1b[31m\x9b1A\u202e\rx\nFORGED\tyhttps://****@host/x" "\n"


def test_text_keeps_its_lines(capsys: pytest.CaptureFixture[str]) -> None:
    output.print_text(f"SELECT\n\t1 -- \x1b[0m {URL}")
    assert capsys.readouterr().out == "SELECT\n\t1 -- \\x1b[0m https://****@host/x\n"


def test_json_is_exact_but_for_credentials(capsys: pytest.CaptureFixture[str]) -> None:
    value = {"a": [EVIL, None, 1.5, "token=abcdef-ghijkl"], "b": {"url": URL, "n": True}, "c": ("\x7f\udce9",)}
    output.print_json(value)
    said = capsys.readouterr().out
    assert said.replace("\n", "").isascii()
    assert said.replace("\n", "").isprintable()
    assert json.loads(said) == {**value, "b": {"url": "https://****@host/x", "n": True}, "c": ["\x7f\udce9"]}


def test_no_line_of_a_message_begins_as_another_message_does(capsys: pytest.CaptureFixture[str]) -> None:
    output.say(f"warning: {EVIL}", f"  where: {URL}")
    assert capsys.readouterr().err == (
        "warning: \\x1b[31m\\x9b1A\\u202e\\rx\n    FORGED\ty\n  where: https://****@host/x\n"
    )


def test_a_bar_is_cleared_by_us_and_not_by_what_is_in_it(capsys: pytest.CaptureFixture[str]) -> None:
    output.show_bar("[##..] \r\x1b[K")
    output.say("done", clears=True)
    output.show_bar()
    assert capsys.readouterr().err == "\r\x1b[K[##..] \\r\\x1b[K\r\x1b[Kdone\n\r\x1b[K"


def test_a_screen_that_has_no_such_letter_gets_its_number(monkeypatch: pytest.MonkeyPatch) -> None:
    latin = io.TextIOWrapper(io.BytesIO(), "latin-1")
    monkeypatch.setattr(sys, "stdout", latin)
    output.print_data("é日")
    assert latin.buffer.getvalue() == b"\xe9\\u65e5\n"


def test_nobody_else_writes_to_a_screen() -> None:
    own = {"console/output.py", "logs.py"}
    # stdlib alone, before there is a redactor; in another process; click's own answers to a shell
    own |= {
        "bootstrap.py",
        "interpreters/compile_modules.py",
        "interpreters/compare_scripts.py",
        "console/completion.py",
    }
    asks = {"isatty", "fileno", "flush", "encoding"}
    found = set()
    for path in [*HOUSE.glob("venvbuild/**/*.py"), *HOUSE.glob("athena/**/*.py")]:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            called = ast.unparse(node.func) if isinstance(node, ast.Call) else ""
            is_stream = called.startswith(("sys.stdout.", "sys.stderr.")) and called.split(".")[2] not in asks
            if is_stream or called in ("print", "click.echo", "click.secho"):
                found.add(os.path.relpath(path, HOUSE / "venvbuild"))
    assert found == own


@pytest.mark.parametrize(
    "value",
    [
        [],
        [1],
        [{"a": ["x\ny", URL], "b": {}}, {"a": [], "b": None}],
        [{1: {True: 1, 2.5: [{None: URL}]}, "é": {-0.0: {}}}],
    ],
)
def test_a_list_in_parts_is_the_list(value: list[object], capsys: pytest.CaptureFixture[str]) -> None:
    output.print_json(value)
    assert "".join(output.json_items(iter(value))) == capsys.readouterr().out


def test_of_an_answer_that_fails_on_its_way_nothing_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    def failing() -> None:
        with output.whole() as add:
            add("x" * 3_000_000)
            raise ValueError("midway")

    with pytest.raises(ValueError, match="midway"):
        failing()
    assert capsys.readouterr().out == ""
    with output.whole() as add:
        add("é\udce9\r\n" * 400_000)
    assert capsys.readouterr().out == "é\\udce9\r\n" * 400_000, "as it is, also beyond what is held in memory"
