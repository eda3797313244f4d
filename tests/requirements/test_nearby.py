"""What is said when the requirements file is not there: which pinned files are, or how one is made."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Mapping
from pathlib import Path

import pytest
from packaging.markers import default_environment

from tests.support.tool import Tool
from tests.support.wheels import wheel
from venvbuild.errors import UsageError
from venvbuild.requirements import nearby
from venvbuild.requirements.file import read

HERE = {name: str(value) for name, value in default_environment().items()}


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "checkout"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


def write(files: Mapping[str, str]) -> None:
    for name, content in files.items():
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_text(content)


def fix(asked: str | Path = "requirements.txt") -> str:
    with pytest.raises(UsageError) as caught:
        read(Path(asked), HERE)
    [problem] = caught.value.problems
    assert (problem.what, problem.where) == ("there is no such requirements file", str(asked))
    assert (caught.value.exit_code, problem.line) == (2, None)
    return problem.fix


def named(asked: str | Path = "requirements.txt") -> list[str]:
    """The files after `-r`, as a shell reads them."""
    words = shlex.split(fix(asked).partition(" (")[0].replace(",", " "))
    return [words[at + 1] for at, word in enumerate(words) if word == "-r"]


def test_the_pinned_files_of_the_checkout_are_named_those_of_that_name_first(checkout: Path) -> None:
    write({"a.txt": "a==1\n", "examples/kedro/requirements.txt": "-r base.txt\n", "examples/kedro/base.txt": "a==1\n",
           "envs/requirements-dev.txt": "a==1\n"})  # fmt: skip
    expected = ["examples/kedro/requirements.txt", "envs/requirements-dev.txt", "a.txt", "examples/kedro/base.txt"]
    assert named() == expected
    assert fix().endswith(" (in the job's form: REQUIREMENTS_FILE)")


def test_a_pylock_of_the_checkout_is_named_too_when_it_can_be_built(checkout: Path) -> None:
    wheels = f'[{{ path = "a-1-py3-none-any.whl", hashes = {{ sha256 = "{"a" * 64}" }} }}]'
    good = f'lock-version = "1.0"\ncreated-by = "uv"\n\n[[packages]]\nname = "a"\nversion = "1"\nwheels = {wheels}\n'
    bad = good.replace("1.0", "9")
    write({"pylock.toml": good, "pylock.prod.toml": good, "lock.toml": good, "pylock.bad.toml": bad,
           "requirements-dev.txt": "a==1\n"})  # fmt: skip
    assert named() == ["requirements-dev.txt", "pylock.prod.toml", "pylock.toml"]


def test_nothing_is_compiled_into_a_pylock_that_is_not_there(checkout: Path) -> None:
    write({"requirements.in": "a\n"})
    assert fix("pylock.toml").endswith(" requirements.in -o requirements.txt, and -r requirements.txt")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        pytest.param("wishes.txt", "a>=1\n", id="not pinned"),
        pytest.param("LICENSE.txt", "Permission is hereby granted\n", id="words"),
        pytest.param("empty.txt", "", id="empty"),
        pytest.param("pins.md", "a==1\n", id="another kind"),
        pytest.param(".git/pins.txt", "a==1\n", id="hidden"),
        pytest.param("node_modules/x/pins.txt", "a==1\n", id="of npm"),
        pytest.param("1/2/3/4/pins.txt", "a==1\n", id="too deep"),
        pytest.param("large.txt", "a==1\n" + "#" * nearby.MAX_BYTES, id="too large"),
        pytest.param("-r large.txt", "a==1\n", id="a name that is an option is written as a path"),
    ],
)
def test_what_is_no_pinned_file_of_the_checkout_is_not_named(checkout: Path, name: str, content: str) -> None:
    write({name: content})
    if name.startswith("-"):
        assert named() == [f"./{name}"]
    else:
        assert fix().startswith("write one, a line name==version for each package")


@pytest.mark.parametrize("mark", ["pyvenv.cfg", "venvbuild-work.json"])
def test_environments_and_work_dirs_are_passed_over(checkout: Path, mark: str) -> None:
    write({f"x/{mark}": "", "x/requirements.txt": "a==1\n", "y/requirements.txt": "a==1\n"})
    assert named() == ["y/requirements.txt"]


def test_names_are_shown_as_a_shell_reads_them_and_hostile_ones_not_at_all(checkout: Path) -> None:
    write({"two words.txt": "a==1\n", "it's; rm -rf x.txt": "a==1\n", "new\nline.txt": "a==1\n",
           "\x1b[31mred.txt": "a==1\n", "$(touch x).txt": "a==1\n"})  # fmt: skip
    Path(os.fsdecode(b"\xff.txt")).write_text("a==1\n")
    assert sorted(named()) == ["it's; rm -rf x.txt", "two words.txt"]


def test_no_more_than_a_few_are_named(checkout: Path) -> None:
    write({f"{number}.txt": "a==1\n" for number in range(9)})
    assert len(named()) == 5
    assert ", and others" in fix()


def test_a_huge_tree_is_not_walked_to_its_end(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    looked_at: list[str] = []
    real = os.scandir
    monkeypatch.setattr("os.scandir", lambda place: looked_at.append(str(place)) or real(place))  # type: ignore[func-returns-value]
    monkeypatch.setattr(nearby, "_MAX_ENTRIES", 20)
    write({f"{letter}/{number}/x.txt": "a==1\n" for letter in "ab" for number in range(30)})
    (checkout / "a" / "loop").symlink_to(checkout)
    assert fix()
    assert len(looked_at) <= 2 + 20


def test_few_files_are_read_however_many_there_are(checkout: Path) -> None:
    write({f"{number}.txt": "a>=1\n" for number in range(100)})
    judged: list[Path] = []
    nearby.way_out(Path("requirements.txt"), lambda path: bool(judged.append(path)), "3.11")  # type: ignore[func-returns-value]
    assert len(judged) == 30


def test_a_file_elsewhere_is_looked_for_in_its_own_folder(checkout: Path, tmp_path: Path) -> None:
    write({"here.txt": "a==1\n"})
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / "pins.txt").write_text("a==1\n")
    assert named(tmp_path / "there" / "requirements.txt") == [str(tmp_path / "there" / "pins.txt")]
    assert named("gone/requirements.txt") == ["here.txt"]
    assert fix(tmp_path / "gone" / "requirements.txt") == "name a file that is there: -r FILE"


# --- what is advised is done, and helps


@pytest.fixture
def tool(tool: Tool) -> Tool:
    wheel(tool.index.folder, "tiny", "1.0")
    return tool


def check(tool: Tool, file: str = "requirements.txt") -> str:
    """The fix of what `check` says; empty when it is content."""
    done = tool.run("check", "--json", "-r", file)
    assert done.code in (0, 2), done.stdout
    return "" if done.code == 0 else str(done.json["error"]["problems"][0]["fix"])


def compiled(tool: Tool, advised: str) -> None:
    command = re.search(r"venvbuild (compile .*?)(?:, and|$)", advised)
    assert command
    assert tool.run(*shlex.split(command[1])).code == 0


def test_a_file_that_is_named_is_taken(tool: Tool) -> None:
    (tool.folder / "envs").mkdir()
    tool.requirements("tiny==1.0", name="envs/two words.txt")
    assert check(tool).startswith("name a pinned file that is here: -r 'envs/two words.txt'")
    assert check(tool, "envs/two words.txt") == ""


def test_where_none_is_pinned_one_can_be_written_or_compiled(tool: Tool) -> None:
    advised = check(tool)
    assert advised.startswith("write one, a line name==version for each package")
    tool.requirements("tiny", name="requirements.in")  # "or what you want into requirements.in, and pin that"
    compiled(tool, advised)
    assert check(tool) == ""


@pytest.mark.parametrize(
    ("source", "content"),
    [
        pytest.param("requirements.in", "tiny\n", id="requirements.in"),
        pytest.param("pyproject.toml", '[project]\nname = "x"\nversion = "1"\ndependencies = ["tiny"]\n', id="project"),
    ],
)
def test_what_is_there_to_be_pinned_is_named_with_the_command(tool: Tool, source: str, content: str) -> None:
    (tool.folder / source).write_text(content)
    advised = check(tool)
    assert advised.startswith(f"pin what {source} asks for: venvbuild compile ")
    compiled(tool, advised)
    assert check(tool) == ""


def test_a_compiled_file_goes_where_a_folder_is(tool: Tool) -> None:
    tool.requirements("tiny", name="requirements.in")
    advised = check(tool, "gone/pins.txt")
    assert advised.endswith("-o requirements.txt, and -r requirements.txt")
    compiled(tool, advised)
    assert check(tool) == ""


def test_a_project_file_without_dependencies_is_nothing_to_pin(tool: Tool) -> None:
    (tool.folder / "pyproject.toml").write_text("[tool.ruff]\nline-length = 100\n")
    assert check(tool).startswith("write one")
