"""docs/from-a-script.md, followed: the builds of a script where they are."""

from __future__ import annotations

import re
import shlex

from tests.support.scripted import DOCUMENT, VERSION, put_scripted
from tests.support.tool import REPOSITORY, Tool
from venvbuild.builds import key, places
from venvbuild.stores import open_store

PAGE = (REPOSITORY / "docs" / "from-a-script.md").read_text("utf-8")


def test_the_page_names_each_command_file_field_and_practice_of_such_a_script() -> None:
    for word in (
        "grep -vE '=='", "python -m venv", "pip install --upgrade pip", "pip install -r requirements.txt",
        "pipdeptree --warn silence", "pip freeze", "pkg_resources", "tar -czf", "aws s3 cp", "tar -xzf", "rehome",
        "pipdeptree.txt", "pipdeptree.json", "installed_packages.txt", "installed_packages.json", "metadata.json",
        "LIKE 'kedro%'", "SELECT count(*)", "LOCATION", "ENV_NAME", "PYTHON_VERSION", "FAIL_ON_CONFLICTS",
        "sudo pip install", "sanitize logs", "ephemeral", "naming conventions", "Glue crawler", "notifications",
    ):  # fmt: skip
        assert word in PAGE, word


def test_builds_of_a_script_are_read_where_they_are(tool: Tool) -> None:
    section = PAGE.partition("## The builds that the script made")[2]
    block = re.search(r"```sh\n(.*?)```", section, re.DOTALL)
    assert block
    store = open_store(tool.store)
    put_scripted(store)
    done = {}
    for command in block[1].splitlines():
        program, *arguments = shlex.split(command)
        ended = tool.run(*arguments)
        assert (program, ended.code) == ("venvbuild", 0), ended.stderr
        done[arguments[0]] = ended
    assert list(done) == ["table", "list", "find", "show"]
    for command in ("list", "find", "show"):
        assert VERSION in done[command].stdout
        assert "None" not in done[command].stdout
    assert re.search(r"recorded_at +2025-07-22T08:30:00Z", done["show"].stdout)
    assert tool.run("find", "kedro", "--env-name", "sales").stdout == ""
    assert tool.run("table", "check").code == 0
    assert store.read(key(VERSION, places.METADATA)).body.decode() == DOCUMENT
