"""Files that `-r` includes are read as one, and only those that lie with the first."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from packaging.markers import default_environment

from venvbuild.errors import Problem, RequirementsRefused
from venvbuild.requirements import joined
from venvbuild.requirements.file import Requirements, read, reread

HERE = {name: str(value) for name, value in default_environment().items()}
FIRST = Path("requirements.txt")


@pytest.fixture(autouse=True)
def _in_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "project").mkdir()
    monkeypatch.chdir(tmp_path / "project")


def write(files: Mapping[str, str | bytes]) -> None:
    for name, content in files.items():
        path = Path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())


def accepted(files: Mapping[str, str | bytes]) -> Requirements:
    write(files)
    return read(FIRST, HERE)


def refused(files: Mapping[str, str | bytes]) -> tuple[Problem, ...]:
    write(files)
    with pytest.raises(RequirementsRefused) as caught:
        read(FIRST, HERE)
    return caught.value.problems


def test_the_lines_of_an_included_file_count_as_lines_of_the_first() -> None:
    write({"more/base.txt": "# base\nc==1\n-r deep.txt", "more/deep.txt": "d==1 \\\n    # last \\\n"})
    found = accepted({"requirements.txt": "a==1\n-r more/base.txt\nb==1\n"})
    assert [pin.where for pin in found.pins] == [
        "requirements.txt:1", "more/base.txt:2", "more/deep.txt:1", "requirements.txt:3",
    ]  # fmt: skip
    assert [(one.rule, one.where) for one in found.warnings] == [("JOINED", "requirements.txt")]
    assert "more/base.txt, more/deep.txt" in found.warnings[0].what


def test_the_build_keeps_the_joined_file_which_reads_as_the_files_did() -> None:
    found = accepted({"requirements.txt": "a==1\n-r base.txt\nb==1\n", "base.txt": "c==1\n"})
    assert found.sha256 == hashlib.sha256(found.content).hexdigest()
    assert [line for line in found.content.decode().splitlines() if not line.startswith("#")] == [
        "a==1",
        "c==1",
        "b==1",
    ]
    again = reread(found.content, "requirements.txt", HERE, found.parts)
    assert again.pins == found.pins
    alone = reread(found.content, "requirements.txt", HERE)
    assert alone.normalised() == found.normalised()


LINES = st.lists(st.sampled_from([
    "a==1", "b==2 \\", "c==3 --hash=sha256:" + "0" * 64, "# note \\", "", "d==4; python_version < '3'", "\\",
    "-r x.txt", "-r y.txt", "-r \\", "  -r z/z.txt # why", "-i https://h/s", "# coding: latin-1", "e==5\r",
]), max_size=7).map("\n".join)  # fmt: skip


@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(LINES, LINES, LINES, LINES)
def test_whatever_was_accepted_reads_the_same_when_it_is_joined(first: str, x: str, y: str, z: str) -> None:
    write({"requirements.txt": first, "x.txt": x, "y.txt": y, "z/z.txt": z})
    try:
        found = read(FIRST, HERE)
    except RequirementsRefused:
        return
    assert reread(found.content, "requirements.txt", HERE, found.parts).pins == found.pins


def test_a_file_without_includes_is_kept_byte_for_byte() -> None:
    found = accepted({"requirements.txt": b"\xef\xbb\xbfa==1\r\n"})
    assert (found.content, found.parts) == (b"\xef\xbb\xbfa==1\r\n", ())


def test_each_problem_has_its_own_place_in_the_order_of_the_files() -> None:
    found = refused({"requirements.txt": "a>1\n-r base.txt\nb==1\nc==2\n", "base.txt": "c==1\n\nd\n# caf\u00e9\nb==2\n"
                     .encode("latin-1")})  # fmt: skip
    assert [(one.where, one.rule) for one in found] == [
        ("requirements.txt:1", "UNPINNED"), ("requirements.txt:3", "DUPLICATE_CONFLICT"),
        ("requirements.txt:4", "DUPLICATE_CONFLICT"), ("base.txt:3", "UNPINNED"), ("base.txt:4", "ENCODING"),
    ]  # fmt: skip
    assert "on base.txt:1" in found[2].what


def test_encodings_are_each_files_own() -> None:
    write({"base.txt": "# coding: latin-1\n# caf\u00e9\na==1\n".encode("latin-1")})
    found = accepted({"requirements.txt": "# caf\u00e9\n-r base.txt\n"})
    assert [(one.rule, one.where) for one in found.warnings][1:] == [("ENCODING", "base.txt:1")]
    assert found.content.decode().count("caf\u00e9") == 2
    assert reread(found.content, "requirements.txt", HERE).pins[0].version == "1"


def test_a_file_that_is_included_twice_counts_once() -> None:
    found = accepted({"requirements.txt": "-r a.txt\n-r b.txt\n", "a.txt": "-r c.txt\n", "b.txt": "-r c.txt\nx==1\n",
                      "c.txt": "y==1\n"})  # fmt: skip
    assert [pin.name for pin in found.pins] == ["y", "x"]


SECRET = "never shown == 1"


@pytest.mark.parametrize(("line", "why"), [
    ("-r ../outside.txt", "only files in the folder"), ("-r sub/../../outside.txt", "only files in the folder"),
    ("-r /etc/passwd", "only files in the folder"), ("-r link.txt", "only files in the folder"),
    ("-r folderlink/outside.txt", "only files in the folder"),
    ("-r https://h.example/base.txt", "what lies at a URL"), ("-r file:///etc/passwd", "what lies at a URL"),
    ("-r requirements.txt", "it includes this line itself"), ("-r ./sub/../requirements.txt", "it includes this line"),
    ("-r circle.txt", "no such file"), ("-r ${HOME}/x", "the value of a variable"), ("-r", "its name is missing"),
    ("-r absent.txt", "it is included here"), ("-r sub", "it is included here"), ("-r fifo", "it is included here"),
])  # fmt: skip
def test_no_other_file_is_read(line: str, why: str) -> None:
    write({"../outside.txt": SECRET, "sub/x": ""})
    Path("link.txt").symlink_to("../outside.txt")
    Path("folderlink").symlink_to("..")
    Path("circle.txt").symlink_to("circle.txt")
    os.mkfifo("fifo")
    (problem,) = refused({"requirements.txt": f"a==1\n{line}\n"})
    assert (problem.where, problem.rule) == ("requirements.txt:2", "NESTED_FILE")
    assert why in problem.why
    assert problem.fix
    assert "never" not in problem.as_line()
    assert "root:" not in problem.as_line()


def test_a_circle_is_told_at_the_line_that_closes_it() -> None:
    (problem,) = refused({"requirements.txt": "-r a.txt\n", "a.txt": "-r b.txt\n", "b.txt": "x==1\n-r a.txt\n"})
    assert problem.where == "b.txt:2"


def test_a_chain_without_end_comes_to_one() -> None:
    chain: dict[str, str | bytes] = {f"{n}.txt": f"-r {n + 1}.txt\n" for n in range(2_000)}
    (problem,) = refused({"requirements.txt": "-r 0.txt\n", **chain})
    assert "at most 100 files" in problem.why


def test_all_files_together_have_ten_megabytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(joined, "MAX_BYTES", 60)
    (problem,) = refused({"requirements.txt": "-r a.txt\n-r b.txt\n", "a.txt": "a==1\n" * 4, "b.txt": "b==1\n" * 5})
    assert (problem.where, problem.rule) == ("requirements.txt:2", "TOO_LONG")


def test_what_is_advised_for_a_file_outside_helps() -> None:
    (problem,) = refused({"requirements.txt": "-r ../outside.txt\n", "../outside.txt": "a==1\n"})
    assert problem.fix == "copy it into the folder of requirements.txt, and write: -r outside.txt"
    assert accepted({"requirements.txt": "-r outside.txt\n", "outside.txt": "a==1\n"}).pins[0].name == "a"


def test_a_credential_in_an_included_file_is_told_there() -> None:
    (problem,) = refused({"requirements.txt": "-r a.txt\n", "a.txt": "x==1\n# password: hunter2\n"})
    assert (problem.where, problem.rule) == ("a.txt:2", "CREDENTIALS")


def test_an_included_file_of_another_tool_is_one_problem() -> None:
    (problem,) = refused(
        {"requirements.txt": "x==1\n-r env.yml\n", "env.yml": "name: a\ndependencies:\n- python=3.11\n"}
    )
    assert problem.where == "env.yml:1"
