"""`venvbuild report`, as a job calls it."""

from __future__ import annotations

import html
import json
import re
import shlex
import xml.etree.ElementTree as ET

import pytest

from tests.support.outcomes import run
from tests.support.tool import Tool
from tests.support.wheels import wheel

pytestmark = pytest.mark.traced

FILES = ["build.log", "index.html", "issues.json", "junit.xml", "report.css", "report.sarif", "summary.md"]


@pytest.fixture
def tool(tool: Tool) -> Tool:
    wheel(tool.index.folder, "good", "1.0")
    tool.env.update(VENVBUILD_WORK_DIR=str(tool.work), ENV_NAME="sales")
    return tool


def test_it_writes_every_format_and_tells_the_page(tool: Tool) -> None:
    run(tool, "good==1.0", until="register")
    done = tool.run("report")
    assert (done.code, done.stdout) == (0, f"{tool.work}/report/index.html\n"), done.stderr
    assert sorted(path.name for path in (tool.work / "report").iterdir()) == FILES
    assert not list(tool.work.glob(".*"))
    assert tool.run("report", "--json").json == {"report": f"{tool.work}/report", "files": FILES}


def test_the_command_on_the_page_restores_the_environment_from_another_place(tool: Tool) -> None:
    tool.env["VENVBUILD_STORE"] = str(tool.folder / "our 'store' & more")
    run(tool, "good==1.0", until="register")
    assert tool.run("report").code == 0
    [command] = re.findall(r'<pre class="command">(.*?)</pre>', (tool.work / "report/index.html").read_text())
    program, *arguments = shlex.split(html.unescape(command))
    assert program == "venvbuild"
    assert tool.run(*arguments, VENVBUILD_STORE=None).code == 0
    assert (tool.folder / "venv/bin/python").exists()


def test_a_report_makes_no_step_stale(tool: Tool) -> None:
    run(tool, "good==1.0", until="create")
    tool.run("report")
    assert "unchanged" in tool.run("create").stderr


def test_it_has_a_report_of_a_refused_file_in_place_of_an_earlier_one(tool: Tool) -> None:
    run(tool, "good==1.0", until="check")
    tool.run("report")
    run(tool, "good", until="check", code=3)
    assert tool.run("report").code == 0
    [suite] = [one for one in ET.parse(tool.work / "report/junit.xml").getroot() if one.get("name") == "requirements"]
    assert [case.get("name") for case in suite] == [f"{tool.folder}/requirements.txt:1"]


def test_it_has_a_report_of_a_refused_parameter(tool: Tool) -> None:
    assert tool.run("check", "-r", tool.requirements("good==1.0"), ENV_NAME="x; id").code == 3
    assert tool.run("report", ENV_NAME="x; id").code == 0
    [issue] = json.loads((tool.work / "report/issues.json").read_text())["issues"]
    assert "ENV_NAME" in str(issue)


def test_without_a_run_it_says_so(tool: Tool) -> None:
    done = tool.run("report")
    assert done.code == 2
    assert f"run: venvbuild check --work-dir {tool.work}" in done.stderr
    assert not tool.work.exists()


@pytest.mark.parametrize("kind", ["file", "link", "broken link"])
def test_whatever_stands_in_place_of_the_report_is_replaced(tool: Tool, kind: str) -> None:
    run(tool, "good==1.0", until="check")
    report, elsewhere = tool.work / "report", tool.folder / "elsewhere"
    if kind == "file":
        report.write_text("mine")
    else:
        report.symlink_to(elsewhere)
    if kind == "link":
        elsewhere.mkdir()
        (elsewhere / "mine.txt").write_text("mine")
    assert tool.run("report").code == 0
    assert sorted(path.name for path in report.iterdir()) == FILES
    assert kind != "link" or (elsewhere / "mine.txt").exists()


def test_without_a_whole_record_it_says_so(tool: Tool) -> None:
    tool.work.mkdir()
    (tool.work / "venvbuild-work.json").write_text('{"schema_version": 1, "steps": {}}')
    assert "no run has begun" in tool.run("report").stderr
    done = tool.run("create")
    assert (done.code, "cannot be read" in done.stderr) == (2, True)


def test_no_file_has_what_a_screen_obeys(tool: Tool) -> None:
    run(tool, "good==1.0", until="check")
    with (tool.work / "build.log").open("ab") as log:  # by another version, or by hand
        log.write("\x1b[2J\x9b1A \u202etxt\u2028 \x07\n".encode())
    assert tool.run("report").code == 0
    for file in (tool.work / "report").iterdir():
        assert not set("\x1b\x9b\u202e\u2028\x07") & set(file.read_text("utf-8")), file.name
    assert (tool.work / "report/build.log").read_text().splitlines()[-1] == r"\x1b[2J\x9b1A \u202etxt\u2028 \x07"


def test_no_secret_is_in_any_file(tool: Tool) -> None:
    wheel(tool.index.folder, "needy", "1.0", requires=["hunter2-hunter2==1.0"])
    run(tool, "needy==1.0", until="create", code=4)
    with (tool.work / "build.log").open("a") as log:
        log.write("and hunter2-hunter2 and https://user:geheim-geheim@example.com/\n")
    assert tool.run("report", MY_TOKEN="hunter2-hunter2").code == 0
    for file in (tool.work / "report").iterdir():
        assert "hunter2-hunter2" not in file.read_text(), file.name
        assert "geheim-geheim" not in file.read_text(), file.name
    assert "****" in (tool.work / "report/index.html").read_text()
