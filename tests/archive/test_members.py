"""What goes into an archive and what never can: one member for each folder, file and link."""

from __future__ import annotations

import io
import os
import tarfile
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from venvbuild.archive import members
from venvbuild.archive.members import Member
from venvbuild.errors import Problem
from venvbuild.installed import is_python_link, neutral

OURS = ("", "bin/python", "bin/python3", "bin/python3.11", "bin/rehome", "pyvenv.cfg")


@pytest.fixture
def venv(tmp_path: Path) -> Path:
    made = tmp_path / "venv"
    (made / "bin").mkdir(parents=True)
    (made / "bin" / "python").symlink_to("/opt/python/bin/python3.11")
    (made / "pyvenv.cfg").write_text("home = /opt/python/bin\nversion_info = 3.11.7\n")
    return made


def listed(venv: Path, instead: Mapping[str, Member | None] | None = None) -> tuple[dict[str, Member], list[Problem]]:
    found, problems = members.members(venv, "3.11", "/usr/bin/python3.11", instead or {})
    return {member.name: member for member in found}, problems


def test_an_empty_environment_consists_of_what_we_write(venv: Path) -> None:
    found, problems = listed(venv)
    assert (set(found), problems) == ({*OURS, "bin"}, [])
    assert (found["bin/python"].link, found["bin/python3.11"].link) == ("/usr/bin/python3.11", "python")
    assert found["bin/rehome"].content


def test_members_come_in_the_order_of_the_bytes_of_their_names(venv: Path) -> None:
    for name in ("B", "a.b", "a", "é"):
        (venv / name).mkdir()
    (venv / "a" / "x").write_text("")
    found, _ = members.members(venv, "3.11", "/p", {})
    names = [member.name for member in found]
    assert names == sorted(names, key=os.fsencode)
    assert names.index("a.b") < names.index("a/x")


@pytest.mark.parametrize(("mode", "packed"), [(0o600, 0o644), (0o666, 0o644), (0o700, 0o755), (0o755, 0o755)])
def test_a_file_has_one_of_two_modes(venv: Path, mode: int, packed: int) -> None:
    (venv / "file").write_text("12345")
    (venv / "file").chmod(mode)
    member = listed(venv)[0]["file"]
    assert (member.kind, member.mode, member.size) == ("f", packed, 5)


def test_a_folder_has_one_mode(venv: Path) -> None:
    (venv / "folder").mkdir(mode=0o700)
    assert listed(venv)[0]["folder"] == Member("folder", "d", 0o755)


@pytest.mark.parametrize("name", [".lock", ".gitignore", "CACHEDIR.TAG", "__pycache__/a.pyc", "lib/__pycache__/b.pyc"])
def test_what_is_nobodys_package_stays_behind(venv: Path, name: str) -> None:
    (venv / name).parent.mkdir(parents=True, exist_ok=True)
    (venv / name).write_text("")
    assert set(listed(venv)[0]) - {"lib"} == {*OURS, "bin"}


@pytest.mark.parametrize("target", ["file", "../lib/file", "../lib", ".", "..data/x", "../..data", "../..."])
def test_a_link_that_stays_inside_is_kept_as_it_is(venv: Path, target: str) -> None:
    (venv / "bin" / "link").symlink_to(target)
    found, problems = listed(venv)
    assert (found["bin/link"].link, problems) == (target, [])


def leading_out(place: Path) -> None:
    place.symlink_to("../../elsewhere")


def absolute(place: Path) -> None:
    place.symlink_to("/usr/bin/env")


@pytest.mark.parametrize(
    ("make", "what"),
    [
        pytest.param(leading_out, "bin/odd is a link that leads out of the environment", id="link out"),
        pytest.param(absolute, "bin/odd is a link that leads out of the environment", id="absolute link"),
        pytest.param(os.mkfifo, "bin/odd is no file, folder or link", id="pipe"),
    ],
)
def test_what_cannot_move_is_named(venv: Path, make: Callable[[Path], object], what: str) -> None:
    make(venv / "bin" / "odd")
    found, (problem,) = listed(venv)
    assert (problem.what, problem.rule) == (what, "CANNOT_MOVE")
    assert "bin/odd" not in found


def test_a_folder_where_a_bundled_interpreter_would_be_cannot_move(venv: Path) -> None:
    (venv / "_base").mkdir()
    assert [one.what for one in listed(venv)[1]] == ["_base is where a bundled interpreter would be"]


def test_without_a_path_for_python_there_is_none_of_its_names(venv: Path) -> None:
    (venv / "bin/python3.11").symlink_to("python")
    found, problems = members.members(venv, "3.11", None, {})
    assert {one.name for one in found if one.name.startswith("bin/")} == {"bin/rehome"}
    assert problems == []


def test_what_get_would_not_restore_is_not_packed(venv: Path) -> None:
    deep = venv.joinpath(*["d"] * 101)
    deep.mkdir(parents=True)
    problems = listed(venv)[1]
    assert {one.rule for one in problems} == {"CANNOT_MOVE"}
    assert "lies below more than" in problems[0].what


def test_a_name_that_get_would_not_restore_is_not_packed(venv: Path) -> None:
    long = Member("/".join(["n" * 250] * 17), "f", 0o644, content=b"")
    (problem,) = listed(venv, {long.name: long})[1]
    assert "has a name of over" in problem.what


def test_more_members_than_get_restores_are_not_packed(venv: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("venvbuild.archive.members.MAX_MEMBERS", 6)
    (problem,) = listed(venv)[1]
    assert problem.what == "the environment has 7 files and folders; an archive holds at most 6"


def test_what_the_archive_has_instead_is_taken_and_what_it_must_not_have_left_out(venv: Path) -> None:
    for name in ("changed", "gone"):
        (venv / name).write_text("as it is")
    other = Member("changed", "f", 0o644, 5, content=b"other")
    found, _ = listed(venv, {"changed": other, "gone": None})
    assert found["changed"] == other
    assert "gone" not in found


@pytest.mark.parametrize(
    "name", ["bin/python", "bin/python3", "bin/python3.12", "bin/python3.14t", "bin/\U0001d70bthon"]
)
def test_the_names_of_the_interpreter_are_no_ones_but_ours(name: str) -> None:
    assert is_python_link(name)
    assert not is_python_link(f"{name}-config")


@pytest.mark.parametrize(
    ("member", "is_nobodys"),
    [
        (Member("lib", "d", 0o755), True),
        (Member("bin/activate.fish", "f", 0o644), True),
        (Member("bin/rehome", "f", 0o755), True),
        (Member("pyvenv.cfg", "f", 0o644), True),
        (Member("bin/activate-global", "f", 0o755), False),
        (Member("lib/pyvenv.cfg", "f", 0o644), False),
    ],
    ids=lambda value: value.name if isinstance(value, Member) else "",
)
def test_what_belongs_to_the_environment_belongs_to_no_package(member: Member, is_nobodys: bool) -> None:
    assert member.is_of_no_distribution is is_nobodys


def test_only_files_and_links_are_of_the_bundled_interpreter() -> None:
    kinds = [Member("_base/bin", "d", 0o755), Member("_base/x", "f", 0o644), Member("_base/y", "l", 0o777)]
    assert [one.is_of_base for one in kinds] == [False, True, True]
    assert not Member("_basement", "f", 0o644).is_of_base


@pytest.mark.parametrize(
    "member",
    [
        pytest.param(Member("lib/a.py", "f", 0o644, 7), id="file"),
        pytest.param(Member("bin/tool", "f", 0o755, 0), id="empty"),
        pytest.param(Member("n" * 95, "f", 0o644, 7), id="name as long as the field"),
        pytest.param(Member("n" * 96, "f", 0o644, 7), id="longer name"),
        pytest.param(Member("é", "f", 0o644, 7), id="not ASCII"),
        pytest.param(Member("big", "f", 0o644, 8**11 - 1), id="size as large as the field"),
        pytest.param(Member("big", "f", 0o644, 8**11), id="larger size"),
        pytest.param(Member("", "d", 0o755), id="the folder itself"),
        pytest.param(Member("bin/python", "l", 0o777, link="/usr/bin/python3.11"), id="link"),
    ],
)
def test_a_header_is_the_one_that_tarfile_writes_and_reads(member: Member) -> None:
    header = member.header()
    read = tarfile.TarFile(fileobj=io.BytesIO(header + bytes(1024))).next()
    assert read
    assert (read.name, read.size, read.mode, read.linkname) == (
        f"venv/{member.name}".rstrip("/"), member.size, member.mode, member.link,
    )  # fmt: skip
    assert (read.mtime, read.uid, read.gid, read.uname, read.gname) == (0, 0, 0, "", "")
    assert header == read.tobuf(tarfile.PAX_FORMAT, "utf-8", "surrogateescape")


def test_the_digest_of_the_content_is_over_every_fact_of_a_member() -> None:
    one = Member("a", "f", 0o644, 1)
    others = [one._replace(name="b"), one._replace(kind="d"), one._replace(mode=0o755), one._replace(link="x")]
    lines = [one.line("0"), one.line("1"), *(other.line("0") for other in others)]
    assert lines[0] == "venv/a\0f\x00644\0\x000\n"
    assert len(set(lines)) == 6


@pytest.mark.parametrize(
    ("configuration", "kept"),
    [
        pytest.param("home = /opt\nversion_info=3.11.7\n", b"version_info = 3.11.7\n", id="home"),
        pytest.param("Home = /opt\nEXECUTABLE = /x\ncommand = y\n", b"", id="any case"),
        pytest.param("prompt = a = b\nnonsense\n", b"prompt = a = b\n", id="no pair"),
        pytest.param("base-prefix = /a\nbase-exec-prefix = /a\nbase-executable = /a\nimplementation = CPython\n",
                     b"implementation = CPython\n", id="virtualenv"),
    ],
)  # fmt: skip
def test_the_configuration_names_no_machine(tmp_path: Path, configuration: str, kept: bytes) -> None:
    (tmp_path / "pyvenv.cfg").write_text(configuration)
    assert neutral(tmp_path / "pyvenv.cfg") == kept
