"""On call: a bad build is found, taken back and looked at; docs/rollback.md to the letter."""

from __future__ import annotations

import csv
import io
import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.builds import put_build
from tests.support.scripted import put_whole
from tests.support.tool import REPOSITORY, Ended, Tool
from tests.support.wheels import wheel
from venvbuild import builds
from venvbuild.stores import open_store

pytestmark = pytest.mark.traced

PAGE = (REPOSITORY / "docs" / "rollback.md").read_text("utf-8")
SET_UP = "Before it breaks"
PINS = (("pandas==2.2.2", "numpy==1.26.4"), ("pandas==2.2.3", "numpy==1.26.4"), ("pandas==3.0.0", "numpy==2.3.1"))
"""Of three builds: one of long ago, the one that ran, the one that broke."""


def blocks(section: str) -> Iterator[tuple[list[str], str]]:
    """The commands of each block of a section, and what the page says that they print; empty when it says nothing."""
    text = re.split(rf"^## {re.escape(section)}$", PAGE, flags=re.MULTILINE)[1].split("\n## ")[0]
    for found in re.finditer(r"^```sh\n(.*?)^```\n(?:\n^```\n(.*?)^```\n)?", text, re.MULTILINE | re.DOTALL):
        yield found[1].splitlines(), found[2] or ""


def alike(text: str) -> str:
    """The text with its versions as 1, 2, 3 by their age, its instants all alike, and the sizes of archives too."""
    ages = {version: f"venv_{age:15}" for age, version in enumerate(sorted(set(re.findall(r"venv_\d{8}_\d{6}", text))))}
    text = re.sub(r"venv_\d{8}_\d{6}", lambda found: ages[found[0]], text)
    return re.sub(r"\d+ files, .* fragments", "SIZES", re.sub(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", "INSTANT", text))


def run(tool: Tool, line: str) -> Ended:
    words = shlex.split(line)
    if words[0] == "venvbuild":
        done = tool.run(*words[1:])
    else:
        ended = subprocess.run(words, cwd=tool.folder, text=True, capture_output=True, check=False)
        done = Ended(ended.returncode, ended.stdout, ended.stderr)
    assert done.code == 0, (line, done.stderr)
    return done


@pytest.fixture
def on_call(tool: Tool) -> Tool:
    """A store with these builds, each promoted and fetched as the page says."""
    for pin in {pin for pins in PINS for pin in pins}:
        name, _, version = pin.partition("==")
        wheel(tool.index.folder, name, version, files={f"{name}.py": f"__version__ = {version!r}\n"})
    for pins in PINS:
        assert tool.build(*pins, ENV_NAME="sales").code == 0
        for lines, _ in blocks(SET_UP):
            for line in lines:
                run(tool, line)
    tool.requirements(*PINS[1])  # the pins, corrected
    return tool


def test_the_page_leads_back_and_forth_and_prints_what_it_says(on_call: Tool) -> None:
    sections = re.findall(r"^## (.*)$", PAGE, re.MULTILINE)
    shown, printed, ran = "", "", []
    for section in sections:
        for lines, wanted in blocks(section) if section != SET_UP else ():
            output = "".join(run(on_call, line).stdout for line in lines)
            ran += lines
            if wanted:
                shown, printed = shown + wanted, printed + output
    assert alike(printed) == alike(shown)
    assert len(ran) == len(re.findall(r"^(?:venvbuild|\./)", PAGE, re.MULTILINE)) - 2  # but the set-up
    moves = on_call.run("aliases", "sales@prod", "--history", "--json").json
    newest = on_call.run("show", "sales@latest", "--json").json["venv_version"]
    first, good, bad = (move["venv_version"] for move in moves[:-4:-1])
    assert [move["venv_version"] for move in moves] == [newest, first, good, bad, good, first]
    assert [move["is_undo"] for move in moves] == [False, False, True, False, False, False]


def test_a_run_takes_its_own_move_back_and_no_other(tool: Tool) -> None:
    wheel(tool.index.folder, "tiny", "1.0")
    file = tool.requirements("tiny==1.0")
    early = tool.run("promote", "--undo", "prod")
    assert (early.code, "promote --undo ENV@ALIAS" in early.stderr) == (2, True)
    first, second = (
        tool.run("build", "--json", "-r", file, "--work-dir", name, ENV_NAME="sales").json["venv_version"]
        for name in ("one", "two")
    )
    for name in ("one", "two"):
        assert tool.run("promote", "--work-dir", name, "prod").code == 0
    refused = tool.run("promote", "--undo", "--work-dir", "one", "prod")
    assert (refused.code, f"does not name {first}, but {second}" in refused.stderr) == (2, True)
    undone = tool.run("promote", "--undo", "--work-dir", "two", "prod", "--json").json
    assert {**undone, "moved_at": ""} == {
        "env_name": "sales", "alias": "prod", "number": 3, "venv_version": first, "moved_at": "", "previous": second,
        "is_undo": True,
    }  # fmt: skip
    again = tool.run("promote", "--undo", "--work-dir", "two", "prod", "--json")
    assert (again.code, "already" in again.json["error"]["problems"][0]["what"]) == (2, True)
    for arguments in (["two", "prod"], ["prod", "--env-name", "sales"]):
        wrong = tool.run("promote", "--undo", *arguments)
        assert (wrong.code, "promote --undo ENV@ALIAS" in wrong.stderr) == (2, True)


@pytest.fixture
def moved(tool: Tool) -> tuple[Tool, list[str]]:
    """Two builds without archives, `sales@prod` moved to each, and `sales@test` to one; their versions."""
    store = open_store(tool.store)
    versions = [put_build(store, number) for number in (1, 2)]
    for one in versions:
        builds.promote(store, one, "prod")
    builds.promote(store, versions[0], "test")
    return tool, versions


def test_a_history_is_a_table_json_and_csv(moved: tuple[Tool, list[str]]) -> None:
    tool, (first, second) = moved
    whole = [("sales@prod", second, first), ("sales@prod~1", first, None), ("sales@test", first, None)]
    listed = tool.run("aliases", "sales", "--history", "--json").json
    assert [(move["name"], move["venv_version"], move["previous"]) for move in listed] == whole
    assert tool.run("aliases", "--history", "--json").json == listed
    assert tool.run("aliases", "sales@prod", "--history", "--json").json == listed[:2]
    assert tool.run("aliases", "sales", "--json").json == [listed[0], listed[2]]
    header, *rows = csv.reader(io.StringIO(tool.run("aliases", "sales", "--history", "--format", "csv").stdout))
    assert header == ["name", "venv_version", "moved_at", "previous", "is_undo"]
    assert [(row[0], row[1], row[3] or None) for row in rows] == whole
    table = tool.run("aliases", "sales@test").stdout.splitlines()
    assert [line.split()[:2] for line in table] == [header[:2], ["sales@test", first]]


def test_a_build_that_a_script_made_is_promoted_as_one_of_an_environment_and_named_by_it(
    moved: tuple[Tool, list[str]],
) -> None:
    tool, (_, ours) = moved
    old = put_whole(open_store(tool.store))
    refused = tool.run("promote", old, "prod")
    assert (refused.code, "--env-name NAME" in refused.stderr) == (2, True)
    other = tool.run("promote", ours, "prod", "--env-name", "risk")
    assert (other.code, f"{ours} is a build of sales, not of risk" in other.stderr) == (2, True)
    done = tool.run("promote", old, "prod", "--env-name", "sales", "--json")
    assert (done.json["env_name"], done.json["previous"]) == ("sales", ours)
    assert tool.run("aliases", "sales@prod", "--json").json[0]["venv_version"] == old
    assert tool.run("show", "sales@prod", "--json").json["venv_version"] == old
    assert tool.run("promote", "--undo", "sales@prod", "--json").json["venv_version"] == ours
    assert tool.run("show", "sales@prod~1", "--json").json["venv_version"] == old


def test_every_command_that_takes_a_build_counts_moves_back(tool: Tool, tmp_path: Path) -> None:
    for number in ("1.0", "2.0"):
        wheel(tool.index.folder, "tiny", number)
        built = tool.build(f"tiny=={number}", ENV_NAME="sales").json["venv_version"]
        assert tool.run("promote", built, "prod").code == 0
    name = "sales@prod~1"
    first = tool.run("aliases", "sales@prod", "--json").json[0]["previous"]
    assert tool.run("show", name, "--json").json["venv_version"] == first
    assert tool.run("verify", name, "--json").json["venv_version"] == first
    assert tool.run("get", name, tmp_path / "got", "--json").json["venv_version"] == first
    assert tool.run("diff", name, "sales@prod", "--json").json["before"]["venv_version"] == first
    assert tool.run("promote", name, "old", "--json").json["venv_version"] == first


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["aliases", "sales@nope", "--history"], 9, "sales@prod"),
        (["aliases", "sales@../x"], 3, "an alias"),
        (["aliases", "../x@prod"], 3, "environment"),
        (["promote", "--undo", "sales@nope"], 9, "sales@prod"),
        (["promote", "--undo", "sales@test"], 9, "once only"),
        (["promote", "--undo", "sales@latest"], 3, "newest"),
        (["show", "sales@prod~2"], 9, "2 times"),
        (["show", "sales@prod~x"], 3, "sales@prod~1"),
        (["show", "sales@latest~1"], 3, "venvbuild list --env-name sales --conflict-free"),
    ],
)
def test_what_cannot_be_gone_back_to_is_said_with_its_code(
    moved: tuple[Tool, list[str]], arguments: list[str], code: int, words: str
) -> None:
    done = moved[0].run(*arguments, "--json")
    assert (done.code, words in done.stderr) == (code, True), done.stderr
    assert done.json["error"]["exit_code"] == code
    empty = moved[0].run("aliases", "nobody", "--history")
    assert (empty.code, empty.stdout, "no aliases of nobody" in empty.stderr) == (0, "", True)
