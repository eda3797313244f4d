"""What of somebody else's environment becomes other in an archive, and what of it cannot move; none of it is run."""

from __future__ import annotations

import base64
import csv
import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.support.foreign import interpreter
from tests.support.wheels import unpack, wheel
from venvbuild.archive import Member
from venvbuild.foreign import conversion, environment
from venvbuild.foreign.conversion import Conversion
from venvbuild.installed import distributions_in
from venvbuild.installed.scripts import Script

SITE = "lib/python3.11/site-packages"
CONFIGURATION = "home = /opt/python/bin\nversion = 3.11.7\n"


class Theirs:
    """An environment of Python 3.11 in `folder/venv`."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.venv = folder, folder / "venv"
        self.site.mkdir(parents=True)
        (self.venv / "bin").mkdir()
        (self.venv / "bin" / "python").symlink_to("/opt/python/bin/python3.11")
        self.write("pyvenv.cfg", CONFIGURATION)

    @property
    def site(self) -> Path:
        return self.venv / SITE

    def write(self, name: str, text: str, mode: int = 0o644) -> None:
        (self.venv / name).parent.mkdir(parents=True, exist_ok=True)
        (self.venv / name).write_text(text)
        (self.venv / name).chmod(mode)

    def install(self, name: str, **of_the_wheel: str) -> Path:
        """A wheel as an installer leaves it, with these files in its dist-info too; that folder."""
        dist_info = unpack(wheel(self.folder / "wheels", name, "1.0"), self.site)
        for file, text in of_the_wheel.items():
            (dist_info / file.replace("_json", ".json")).write_text(text)
        return dist_info

    def converted(self, activation: Mapping[str, bytes] | None = None) -> Conversion:
        installed = distributions_in([self.site], with_damage=False)
        return conversion.converted(environment.recognised(self.venv), installed, activation or {})

    def member(self, name: str) -> Member:
        """What the archive has instead of this file."""
        found = self.converted().members[name]
        assert found
        return found

    def problems(self) -> list[tuple[str, str]]:
        return [(one.what, one.where) for one in self.converted().problems]


@pytest.fixture
def theirs(tmp_path: Path) -> Theirs:
    return Theirs(tmp_path)


def rows(record: bytes | None) -> dict[str, list[str]]:
    assert record is not None
    return {row[0]: row[1:] for row in csv.reader(record.decode().splitlines())}


def test_a_plain_environment_differs_only_in_its_configuration(theirs: Theirs) -> None:
    theirs.install("one")
    converted = theirs.converted()
    assert {name for name, member in converted.members.items() if member} == {"pyvenv.cfg"}
    assert converted.problems == ()


@pytest.mark.parametrize(
    ("configuration", "content"),
    [
        pytest.param(CONFIGURATION, b"version = 3.11.7\nrelocatable = true\n", id="venv"),
        pytest.param("home = /x\nversion_info = 3.11.7.final.0\nrelocatable = true\n",
                     b"version_info = 3.11.7.final.0\nrelocatable = true\n", id="relocatable"),
        pytest.param("home = /x\n", b"version_info = 3.11\nrelocatable = true\n", id="no version"),
    ],
)  # fmt: skip
def test_the_configuration_says_the_version_and_no_place(theirs: Theirs, configuration: str, content: bytes) -> None:
    theirs.write("pyvenv.cfg", configuration)
    assert theirs.member("pyvenv.cfg").content == content


# --- scripts and links


def test_a_script_that_names_its_environment_finds_the_python_beside_it(theirs: Theirs) -> None:
    theirs.write("bin/tool", f"#!{theirs.venv}/bin/python3.11 -sE\nimport one\n", 0o755)
    member, script = theirs.member("bin/tool"), theirs.member("_scripts/tool")
    assert member.content
    assert b'/python" -sE "$' in member.content
    assert str(theirs.venv).encode() not in member.content
    assert (member.mode, member.size) == (0o755, len(member.content))
    assert (script.mode, script.content) == (0o644, b"#!python -sE\nimport one\n")
    assert theirs.member("_scripts").kind == "d"


def test_a_script_that_would_mean_something_else_is_a_problem(theirs: Theirs, monkeypatch: pytest.MonkeyPatch) -> None:
    theirs.write("bin/tool", f"#!{theirs.venv}/bin/python3.11\nx = 1\n", 0o755)
    python = interpreter("3.11")
    assert list(theirs.converted().changed_scripts(python)) == []
    monkeypatch.setattr(Script, "ordinary", property(lambda script: b"#!python\n\n" + script.body))
    [problem] = theirs.converted().changed_scripts(python)
    assert problem.what == "bin/tool would not be the script that its package brings: another syntax tree"


def test_where_a_script_has_to_be_and_something_is_the_environment_cannot_move(theirs: Theirs) -> None:
    theirs.write("bin/tool", f"#!{theirs.venv}/bin/python\n", 0o755)
    theirs.write("_scripts/tool", "theirs")
    converted = theirs.converted()
    assert [(one.what, one.where) for one in converted.problems] == [
        ("_scripts/tool is there already, where the script tool has to be", "bin/tool")
    ]
    assert {"bin/tool", "_scripts", "_scripts/tool"}.isdisjoint(converted.members)


@pytest.mark.parametrize("text", ["#!/bin/sh\n", "#!/usr/bin/python3\n", "\x7fELF", "#!/elsewhere/bin/python\n"])
def test_other_scripts_stay_as_they_are(theirs: Theirs, text: str) -> None:
    theirs.write("bin/tool", text, 0o755)
    assert "bin/tool" not in theirs.converted().members


def test_a_script_that_knows_an_earlier_name_of_its_environment_is_rewritten_too(theirs: Theirs) -> None:
    theirs.write("bin/activate", 'VIRTUAL_ENV="/was/here"\n')
    theirs.write("bin/tool", "#!/was/here/bin/python\n", 0o755)
    content = theirs.member("bin/tool").content
    assert content
    assert b"/was/here" not in content


def test_a_script_that_finds_its_place_by_realpath_is_rewritten_too(theirs: Theirs) -> None:
    exec_it = """exec' "$(dirname -- "$(realpath -- "$0")")"/'python' "$0" "$@"\n'"""
    theirs.write("bin/tool", f"#!/bin/sh\n'''{exec_it} '''\nx\n", 0o755)
    assert theirs.member("_scripts/tool").content == b"#!python\nx\n"


def test_activation_is_exchanged_for_one_that_finds_its_place(theirs: Theirs) -> None:
    for name in ("activate", "activate.fish", "activate.csh", "activate.sh", "activate_this.py"):
        theirs.write(f"bin/{name}", f"# {theirs.venv}\n")
    members = theirs.converted({"activate": b"# anywhere\n"}).members
    activate = members["bin/activate"]
    assert activate
    assert activate.content == b"# anywhere\n"
    assert [members[f"bin/activate.{shell}"] for shell in ("fish", "csh", "sh")] == [None] * 3
    assert "bin/activate_this.py" not in members


@pytest.mark.parametrize(
    ("target", "link"),
    [("bin/tool", "../bin/tool"), ("", ".."), (f"{SITE}/x", f"../{SITE}/x")],
    ids=["file", "the environment", "deep"],
)
def test_an_absolute_link_that_stays_inside_is_made_relative(theirs: Theirs, target: str, link: str) -> None:
    (theirs.venv / "share").mkdir()
    (theirs.venv / "share" / "link").symlink_to(theirs.venv / target)
    assert theirs.member("share/link").link == link


def test_a_link_that_leads_out_is_left_to_the_packing_to_refuse(theirs: Theirs) -> None:
    (theirs.venv / "link").symlink_to(f"{theirs.venv}-other/x")
    assert "link" not in theirs.converted().members


def test_what_get_put_there_stays_behind(theirs: Theirs) -> None:
    theirs.write(".venvbuild.json", "{}")
    theirs.write("_base/bin/python3.11", "")
    members = theirs.converted().members
    assert [members[name] for name in (".venvbuild.json", "_base", "_base/bin/python3.11")] == [None] * 3


# --- the installers' notes and RECORD


@pytest.mark.parametrize(
    ("url", "kept"),
    [
        pytest.param("file:///home/me/one", None, id="local"),
        pytest.param("https://me:hunter22@host/one.whl", "https://host/one.whl", id="credentials"),
        pytest.param("https://host/one.whl", "as it is", id="plain"),
        pytest.param("ssh://git@host/one", "as it is", id="git's own user"),
    ],
)
def test_where_a_package_came_from_tells_nothing_of_the_machine(theirs: Theirs, url: str, kept: str | None) -> None:
    theirs.install("one", direct_url_json=json.dumps({"url": url, "archive_info": {}}))
    members = theirs.converted().members
    name = f"{SITE}/one-1.0.dist-info/direct_url.json"
    if kept == "as it is":
        assert name not in members
    else:
        member = members[name]
        assert (json.loads(member.content or b"")["url"] if member else None) == kept


def test_a_record_is_true_of_what_the_archive_holds(theirs: Theirs) -> None:
    theirs.write("bin/tool", f"#!{theirs.venv}/bin/python\n", 0o755)
    dist_info = theirs.install("one", uv_cache_json="{}")
    with (dist_info / "RECORD").open("a") as record:
        record.write(
            "../../../bin/tool,sha256=old,3\n__pycache__/one.cpython-311.pyc,,\none-1.0.dist-info/uv_cache.json,,\n"
        )
    script, listed = theirs.member("bin/tool").content, rows(theirs.member(f"{SITE}/one-1.0.dist-info/RECORD").content)
    assert script
    digest = base64.urlsafe_b64encode(hashlib.sha256(script).digest()).decode().rstrip("=")
    assert listed["../../../bin/tool"] == [f"sha256={digest}", str(len(script))]
    assert listed["../../../_scripts/tool"][1] == str(len(b"#!python\n"))
    assert not {"__pycache__/one.cpython-311.pyc", "one-1.0.dist-info/uv_cache.json"} & set(listed)
    assert "one.py" in listed


def test_a_record_that_is_true_already_stays(theirs: Theirs) -> None:
    theirs.install("one")
    assert f"{SITE}/one-1.0.dist-info/RECORD" not in theirs.converted().members


# --- what cannot move


def test_an_environment_that_uses_packages_of_its_python_cannot_move(theirs: Theirs) -> None:
    theirs.write("pyvenv.cfg", CONFIGURATION + "include-system-site-packages = True\n")
    ((what, where),) = theirs.problems()
    assert "include-system-site-packages = true" in what
    assert where == "pyvenv.cfg"


def test_an_editable_install_cannot_move_and_is_told_once(theirs: Theirs) -> None:
    dist_info = theirs.install(
        "one", direct_url_json=json.dumps({"url": "file:///home/me/one", "dir_info": {"editable": True}})
    )
    theirs.write(f"{SITE}/__editable__.one-1.0.pth", "/home/me/one\n")
    with (dist_info / "RECORD").open("a") as record:
        record.write("__editable__.one-1.0.pth,,\n")
    assert theirs.problems() == [("one 1.0 is an editable install of file:///home/me/one", "one-1.0.dist-info")]


@pytest.mark.parametrize(
    "name", ["one.egg-link", "__editable__.one-1.0.pth", "__editable___one_finder.pth", "__editable__.one-1.0.start"]
)
def test_what_is_left_of_an_editable_install_cannot_move(theirs: Theirs, name: str) -> None:
    theirs.write(f"{SITE}/{name}", "/home/me/one\n")
    assert theirs.problems() == [(f"{name} is of an editable install", f"{SITE}/{name}")]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        pytest.param("# ours\n/home/me\n", [("/home/me is outside of the environment", 2)], id="absolute"),
        pytest.param("../../../../else\n", [("../../../../else is outside of the environment", 1)], id="relative"),
        pytest.param("\ufeff/home/me\n", [("/home/me is outside of the environment", 1)], id="byte order mark"),
        pytest.param("/a\n/b\n", [("/a is outside of the environment", 1), ("/b is outside of the environment", 2)],
                     id="each line"),
        pytest.param("sub\n../other\n", [], id="inside"),
        pytest.param("import sys; sys.path.append('/x')\n# /home/me\n\n", [], id="no paths"),
    ],
)  # fmt: skip
def test_a_path_file_that_leads_out_cannot_move(theirs: Theirs, text: str, told: list[tuple[str, int]]) -> None:
    theirs.write(f"{SITE}/more.pth", text)
    assert theirs.problems() == [(what, f"{SITE}/more.pth:{line}") for what, line in told]


def test_a_start_file_leads_nowhere(theirs: Theirs) -> None:
    theirs.write(f"{SITE}/more.start", "# /home/me\nmore:begin\n../out:begin\n")
    assert theirs.problems() == []


def test_a_path_file_that_names_the_environment_is_inside(theirs: Theirs) -> None:
    theirs.write(f"{SITE}/more.pth", f"{theirs.venv}/extra\n")
    assert theirs.problems() == []


def test_each_problem_says_why_and_what_to_do(theirs: Theirs) -> None:
    theirs.write(f"{SITE}/one.egg-link", "/home/me\n")
    (problem,) = theirs.converted().problems
    assert problem.why == "it would not be there where the archive is unpacked"
    assert problem.fix.startswith("install it as a wheel: pip install ")
    assert problem.rule == "CANNOT_MOVE"


def test_nothing_of_the_environment_is_changed(theirs: Theirs) -> None:
    theirs.install("one", direct_url_json='{"url": "file:///x"}')
    theirs.write("bin/tool", f"#!{theirs.venv}/bin/python\n", 0o755)
    before = {path: os.lstat(path) for path in theirs.venv.rglob("*")}
    theirs.converted()
    assert {path: os.lstat(path).st_mtime_ns for path in theirs.venv.rglob("*")} == {
        path: facts.st_mtime_ns for path, facts in before.items()
    }


def test_a_kernel_of_jupyter_that_names_the_environments_python_finds_it_anywhere(theirs: Theirs) -> None:
    for number, program in enumerate((f"{theirs.venv}/bin/python3.11", "/usr/bin/python3", "python", 7)):
        text = json.dumps({"argv": [program, "-m", "ipykernel_launcher"], "language": "python"})
        theirs.write(f"share/jupyter/kernels/k{number}/kernel.json", text)
    theirs.write("share/jupyter/kernels/broken/kernel.json", "{")
    (theirs.venv / "share/jupyter/kernels/link").symlink_to("k0")
    members = theirs.converted().members
    assert [name for name in members if "kernel" in name] == ["share/jupyter/kernels/k0/kernel.json"]
    changed = json.loads(theirs.member("share/jupyter/kernels/k0/kernel.json").content or b"")
    assert changed == {"argv": ["python", "-m", "ipykernel_launcher"], "language": "python"}
