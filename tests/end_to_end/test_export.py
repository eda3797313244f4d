"""`venvbuild export` as its users run it: what is said where, and that its advice helps."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from tests.support.tool import Ended, Tool
from tests.support.wheels import wheel
from venvbuild.exports import CONSUMERS

PIN = re.compile(r"fix: write (\S+) into requirements\.txt, and build it ")
UNPINNED = re.compile(r"fix: pin (\S+) in requirements\.txt, and build it again")
COMMAND = re.compile(r"build it so: venvbuild (.*)")


@pytest.fixture
def filled(tool: Tool) -> Tool:
    wheel(tool.index.folder, "good", "1.0")
    wheel(tool.index.folder, "awsgluedataplanepython", "6.0.0")
    wheel(tool.index.folder, "ipykernel", "7.1.0")
    tool.requirements("good==1.0")
    return tool


def built(tool: Tool, *flags: str) -> None:
    done = tool.run("build", "-r", "requirements.txt", "--env-name", "sales", *flags)
    assert done.code == 0, done.stderr


def exported(tool: Tool, consumer: str, *more: str | Path) -> Ended:
    return tool.run("export", "sales@latest", "--for", consumer, *more)


def test_settings_are_on_stdout_and_rules_on_stderr(filled: Tool) -> None:
    built(filled)
    done = exported(filled, "spark")
    assert done.code == 0, done.stderr
    assert done.stdout.startswith("# spark-submit in client mode")
    assert re.findall("^(met|NOT CHECKED) ", done.stderr, re.MULTILINE) == ["met", *["NOT CHECKED"] * 3, "met"]
    assert (filled.folder / "sales.tar.gz.sha256").is_file()
    for absent in ("gone/", "gone/."):
        refused = exported(filled, "spark", "-o", absent)
        assert (refused.code, "the folder is not there" in refused.stderr) == (2, True)
    again = exported(filled, "spark", "--json", "--force")
    assert again.json["file"] == str(filled.folder / "sales.tar.gz")
    assert [one["state"] for one in again.json["rules"]] == ["met", *["NOT CHECKED"] * 3, "met"]
    assert again.json["settings"][0]["text"] in done.stdout


def test_a_broken_rule_ends_with_11_and_its_document_says_so(filled: Tool) -> None:
    built(filled)
    done = exported(filled, "glue", "--json")
    assert done.code == 11
    assert (done.json["file"], done.json["settings"]) == (None, [])
    assert {one["rule"]: one["state"] for one in done.json["rules"]}["packages"] == "broken"
    assert "write awsgluedataplanepython==5.1.0" in done.json["problems"][0]["fix"]
    assert not list(filled.folder.glob("*.tar.gz*"))


def test_the_list_has_every_rule(tool: Tool) -> None:
    done = tool.run("export", "--list")
    for one in CONSUMERS.values():
        assert f"{one.name}: {one.takes}\n" in done.stdout
        for rule in one.rules:
            assert f"  {rule.name}: {rule.wants} ({rule.source.page}, {rule.source.read_on})\n" in done.stdout
    assert "\nrun --bundle-python: " in done.stdout
    assert "  python: the interpreter is inside (https://" in done.stdout.partition("\nrun --bundle-python: ")[2]
    listed = tool.run("export", "--list", "--json").json
    assert [one["consumer"] for one in listed] == [*CONSUMERS, "run"]
    assert [one["flags"] for one in listed] == [*([] for _ in CONSUMERS), ["--bundle-python"]]
    assert listed[-1]["rules"][0]["wants"] == "the interpreter is inside"


@pytest.mark.parametrize(
    "arguments", [[], ["sales@latest"], ["--for", "spark"], ["--list", "--force"], ["--list", "sales@latest"]], ids=str
)
def test_what_is_missing_is_said(tool: Tool, arguments: list[str]) -> None:
    done = tool.run("export", *arguments)
    assert done.code == 2
    assert "fix: venvbuild export" in done.stderr


@pytest.mark.parametrize(
    ("consumer", "python"),
    [("spark", "3.9"), ("spark", "3.13"), ("glue", "3.9"), ("lambda", "3.9"), ("docker", "3.9"), ("jupyter", "3.9")],
)
def test_who_follows_the_advice_once_is_done(filled: Tool, consumer: str, python: str) -> None:
    """One build breaks a rule of each; what is advised is done to the letter, in the store that was named."""
    there = ("--store", str(filled.folder / "another store"))
    last = ("build", "-r", "requirements.txt", "--env-name", "sales", "--python", python, "--python-path", "none")
    filled.run(*last, *there)
    refused = exported(filled, consumer, *there)
    assert refused.code == 11
    pins = [*PIN.findall(refused.stderr), *(f"{name}==7.1.0" for name in UNPINNED.findall(refused.stderr))]
    commands = {tuple(shlex.split(words)) for words in COMMAND.findall(refused.stderr)} or {(*last, *there)}
    filled.requirements("good==1.0", *pins)
    [command] = commands
    again = filled.run(*command)
    assert again.code == 0, again.stderr
    done = exported(filled, consumer, *there)
    assert done.code == 0, done.stderr
    if consumer == "spark":
        assert f"/usr/bin/python{python}" in done.stderr
        assert f"driver must be of Python {python}" in done.stderr
