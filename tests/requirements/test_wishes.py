"""What is to be pinned is read without running any of it, and what cannot be pinned is refused with its place."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from packaging.markers import default_environment

from venvbuild.errors import Problem, RequirementsRefused, UsageError
from venvbuild.requirements import Reading, Sources, WishFile, read_pinned, read_wishes

HERE = {key: str(value) for key, value in default_environment().items()}
HASH = "sha256:" + "0" * 64
INDEX = "https://mirror.example/simple"
SOURCES = Sources("https://me:secret-word@mirror.example/simple/", ("https://extra.example/simple",), ("/srv/wheels",))


@pytest.fixture(autouse=True)
def _in_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def written(name: str, *lines: str) -> Path:
    path = Path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{line}\n" for line in lines), "utf-8")
    return path


def read(*files: str | Path, constraints: tuple[Path, ...] = (), extras: tuple[str, ...] = ()) -> list[WishFile]:
    reading = Reading(HERE, SOURCES, extras)
    return list(read_wishes([Path(file) for file in files], constraints, reading))


def texts(file: WishFile) -> list[str]:
    return [str(wish.requirement) for wish in file.wishes]


def problems(*files: str | Path, extras: tuple[str, ...] = ()) -> tuple[Problem, ...]:
    with pytest.raises(RequirementsRefused) as caught:
        read(*files, extras=extras)
    assert caught.value.exit_code == 3
    return caught.value.problems


def test_ranges_pins_extras_and_markers_are_wishes_with_their_places() -> None:
    written("a.in", "# all of it", "One>=1,<2", "two[x]==1.0 ; python_version < '3'", "three", "four==1.*")
    (file,) = read("a.in")
    assert texts(file) == ["One<2,>=1", 'two[x]==1.0; python_version < "3"', "three", "four==1.*"]
    assert [wish.where for wish in file.wishes] == ["a.in:2", "a.in:3", "a.in:4", "a.in:5"]
    assert [wish.holds(HERE) for wish in file.wishes] == [True, False, True, True]


def test_hashes_are_kept_beside_the_wish_and_broken_ones_are_left_out() -> None:
    written("a.in", f"a==1.0 --hash={HASH} \\", f"    --hash={HASH[:-1]}", "b==1.0 --hash=md5:0")
    (file,) = read("a.in")
    assert [(str(wish.requirement), wish.hashes) for wish in file.wishes] == [("a==1.0", (HASH,)), ("b==1.0", ())]


def test_included_files_are_read_once_from_where_they_are_named_and_circles_end() -> None:
    first = written("sub/a.in", "-r deep/b.in", "--constraint=limits.txt", "a")
    written("sub/deep/b.in", "-r ../a.in", "b", "-c ../limits.txt")
    written("sub/limits.txt", "c<2", "-r more.txt")
    written("sub/more.txt", "d<3")
    found = read(first)
    assert [(os.path.normpath(one.path), texts(one), one.is_constraint) for one in found] == [
        ("sub/a.in", ["a"], False),
        ("sub/deep/b.in", ["b"], False),
        ("sub/limits.txt", ["c<2"], True),
        ("sub/more.txt", ["d<3"], True),
    ]


def test_an_included_file_that_is_missing_is_told_by_the_line_that_names_it() -> None:
    written("a.in", "a", "-r absent.in")
    with pytest.raises(UsageError, match=r"a\.in:2: absent\.in cannot be read: No such file") as caught:
        read("a.in")
    assert caught.value.exit_code == 2


def test_no_line_is_shown_of_an_included_file_that_lies_elsewhere(tmp_path: Path) -> None:
    other = written(str(tmp_path / "elsewhere" / "private"), "a canary", "and another")
    written("sub/a.in", "-r ../elsewhere/private", "--pre")
    own, outside = problems("sub/a.in")
    assert outside.as_line() == (
        "sub/a.in:1: sub/../elsewhere/private has lines that cannot be pinned; why: it lies elsewhere, so they are not "
        "shown; fix: correct them: venvbuild compile sub/../elsewhere/private names each"
    )
    assert own.where == "sub/a.in:2"
    assert [problem.line for problem in problems(other)] == [1, 2]


def test_an_included_file_that_lies_elsewhere_is_read(tmp_path: Path) -> None:
    written(str(tmp_path / "elsewhere" / "b.in"), "b")
    written("sub/a.in", "-r ../elsewhere/b.in")
    assert [texts(file) for file in read("sub/a.in")] == [[], ["b"]]


@pytest.mark.parametrize(
    "line",
    [
        f"--index-url {INDEX}",
        f"-i {INDEX}/",
        "--extra-index-url=https://extra.example/simple",
        "--find-links /srv/wheels",
        "-f/srv/wheels",
        "--require-hashes",
        "--only-binary :all:",
        "--prefer-binary",
    ],
)
def test_an_option_that_says_what_is_so_anyway_is_no_fault(line: str) -> None:
    written("a.in", line, "a")
    assert texts(read("a.in")[0]) == ["a"]


@pytest.mark.parametrize(
    ("line", "fix"),
    [
        ("--index-url https://elsewhere/simple", "compile and build with --index-url https://elsewhere/simple"),
        ("--extra-index-url https://elsewhere/simple", "compile and build with --extra-index-urls"),
        ("-f https://elsewhere/", "compile and build with --find-links"),
        ("-e .", f"venvbuild compile --python {HERE['python_version']} a.in pyproject.toml"),
        ("-e ./libs/one", " a.in libs/one/pyproject.toml"),
        ("--editable=$(boom)", "make its wheel"),
        ("--pre", "name==1.0rc1"),
        ("-r https://elsewhere/a.in", "fetch it, and name the file"),
        ("git+https://h/o/r", "compile and build with --find-links wheels"),
        ("a @ https://h/a.whl", "write a"),
        ("- a==1.0", "write a==1.0"),
        ("pkg-resources==0.0.0", "delete the line"),
        ("[project]", "venvbuild compile --python"),
        ("./a.whl", "compile and build with --find-links wheels"),
        ("a==${VERSION}", "write the value itself"),
    ],
)
def test_what_cannot_be_pinned_is_refused_with_its_line_and_the_way_out(line: str, fix: str) -> None:
    written("a.in", "b>=1", line)
    (problem,) = problems("a.in")
    assert (problem.where, problem.line) == ("a.in:2", 2)
    assert fix in problem.fix
    assert problem.why
    assert "<" not in problem.fix


def test_all_problems_of_all_files_are_told_at_once() -> None:
    written("a.in", "-e .", "-r b.in")
    written("b.in", "--pre", "./c.whl")
    assert [problem.where for problem in problems("a.in")] == ["a.in:1", "b.in:1", "b.in:2"]


def test_a_credential_is_refused_and_not_repeated() -> None:
    written("a.in", "a", "--index-url https://me:hunter2secret@h/simple")
    (problem,) = problems("a.in")
    assert (problem.rule, problem.where) == ("CREDENTIALS", "a.in:2")
    assert "hunter2" not in problem.as_line()
    assert "stored" not in problem.why


@pytest.mark.parametrize(
    ("name", "lines", "what", "fix"),
    [
        (
            "pylock.toml",
            ('lock-version = "1.0"', "[[packages]]", 'name = "a"'),
            "a pylock.toml",
            "build -r pylock.toml",
        ),
        ("a.toml", ('lock-version = "1.0"', "[[packages]]", 'name = "a"'), "a pylock.toml", "name it pylock.toml"),
        ("uv.lock", ("version = 1", 'requires-python = ">=3.11"', "[[package]]"), "a uv.lock", "uv export"),
        ("Pipfile", ("[packages]", 'a = "*"'), "a Pipfile", "pipenv"),
        ("environment.yml", ("name: e", "dependencies:", "  - python=3.11"), "an environment file of conda", "conda"),
        ("setup.py", ("from setuptools import setup", "setup(name='a')"), "a setup.py", "venvbuild compile --python"),
        ("a.ini", ("[a]", "b = c"), "an INI or TOML file", "name the requirements file, or write one"),
    ],
)
def test_a_file_of_another_tool_is_one_problem_which_says_what_to_do(
    name: str, lines: tuple[str, ...], what: str, fix: str
) -> None:
    written(name, *lines)
    (problem,) = problems(name)
    assert problem.what.startswith(f"the file is {what}")
    assert fix in problem.fix
    assert " -r " not in problem.fix.replace("venvbuild build -r pylock.toml", "")


@pytest.mark.parametrize("lines", [(), ("# nothing",), ("-c limits.txt",)])
def test_files_without_a_requirement_are_refused(lines: tuple[str, ...]) -> None:
    written("limits.txt", "a<2")
    written("a.in", *lines)
    (problem,) = problems("a.in")
    assert problem.what == "there is nothing to pin"


@pytest.mark.parametrize("name", ["absent.in", "."])
def test_what_is_no_file_is_a_usage_error(name: str) -> None:
    with pytest.raises(UsageError):
        read(name)


def test_a_file_that_is_too_large_is_not_read(tmp_path: Path) -> None:
    with open("a.in", "wb") as file:
        file.truncate(10_000_001)
    (problem,) = problems("a.in")
    assert problem.rule == "TOO_LONG"


# --- projects


def test_a_project_gives_its_dependencies_and_those_of_the_extras_that_are_asked_for() -> None:
    written(
        "pyproject.toml",
        "[project]",
        'name = "sales"',
        'dependencies = ["a>=1"]',
        "[project.optional-dependencies]",
        'csv = ["b"]',
        'Web_UI = ["c"]',
        'all = ["Sales[csv,web-ui]"]',
    )
    assert texts(read("pyproject.toml")[0]) == ["a>=1"]
    assert texts(read("pyproject.toml", extras=("web.ui",))[0]) == ["a>=1", "c"]
    found = read("pyproject.toml", extras=("all",))[0]
    assert texts(found) == ["a>=1", "b", "c"]
    assert [wish.line for wish in found.wishes] == [3, 5, 6]


def test_an_extra_that_asks_for_itself_ends() -> None:
    written("pyproject.toml", "[project]", 'name = "s"', "[project.optional-dependencies]", 'x = ["s[x]", "a"]')
    assert texts(read("pyproject.toml", extras=("x",))[0]) == ["a"]


def test_an_extra_that_is_not_there_names_those_that_are() -> None:
    written("pyproject.toml", "[project]", 'dependencies = ["a"]', "[project.optional-dependencies]", 'csv = ["b"]')
    (problem,) = problems("pyproject.toml", extras=("cvs",))
    assert (problem.what, problem.why) == ("there is no extra cvs", "it has csv")


def test_a_setup_cfg_is_read_as_setuptools_reads_it() -> None:
    written(
        "setup.cfg",
        "[options]",
        "install_requires =",
        "    a>=1",
        "    # not this",
        "    b ; python_version < '3'",
        "[options.extras_require]",
        "csv = c",
    )
    assert texts(read("setup.cfg", extras=("csv",))[0]) == ["a>=1", 'b; python_version < "3"', "c"]


@pytest.mark.parametrize(
    ("name", "lines", "fix"),
    [
        ("pyproject.toml", ("[tool.poetry.dependencies]", 'a = "^1"'), "poetry export"),
        ("pyproject.toml", ("[build-system]",), "write [project]"),
        ("pyproject.toml", ("[project]", 'dynamic = ["dependencies"]'), "compile the file that they are written in"),
        ("pyproject.toml", ("[project]", "dependencies = [1]"), "correct it"),
        ("pyproject.toml", ("[project]", 'optional-dependencies = "a"'), "correct it"),
        ("pyproject.toml", ("[project",), "correct the file"),
        ("pyproject.toml", ("[project]", 'dependencies = ["a @ git+https://h/o/r"]'), "pip wheel --no-deps"),
        ("setup.cfg", ("[options]", "install_requires = file: a.in"), "compile the file that they are written in"),
        ("setup.cfg", ("not a section",), "correct the file"),
    ],
)
def test_a_project_that_does_not_say_what_it_needs_is_refused(name: str, lines: tuple[str, ...], fix: str) -> None:
    written(name, *lines)
    (problem,) = problems(name)
    assert fix in problem.fix


# --- a file that may be written anew


def test_pins_with_missing_and_broken_hashes_may_be_written_anew() -> None:
    path = written("r.txt", "# by hand", f"a==1.0 --hash={HASH}", "b==2.0 --hash=sha256:0", "c==3.0")
    assert [(pin.name, pin.version, pin.hashes) for pin in read_pinned(path, Reading(HERE, SOURCES)).pins] == [
        ("a", "1.0", (HASH,)),
        ("b", "2.0", ()),
        ("c", "3.0", ()),
    ]


def test_lines_that_name_an_index_in_use_stay_in_a_file_that_is_written_anew() -> None:
    path = written("r.txt", f"--index-url {INDEX}", "--require-hashes", "a==1.0")
    assert read_pinned(path, Reading(HERE, SOURCES)).options == (f"--index-url {INDEX}",)


@pytest.mark.parametrize("line", ["b>=1", "-r more.in", "--pre", "b @ https://h/b.whl", "Some prose."])
def test_a_file_with_more_than_pins_is_not_written_anew(line: str) -> None:
    path = written("r.txt", "a==1.0", line)
    with pytest.raises(UsageError, match="this line would be lost") as caught:
        read_pinned(path, Reading(HERE, SOURCES))
    assert caught.value.problems[0].where == "r.txt:2"
