"""Each option line has its own answer, and no secret is in it."""

from __future__ import annotations

from pathlib import Path

import pytest
from packaging.markers import default_environment

from venvbuild.errors import Problem, RequirementsRefused
from venvbuild.requirements.file import Requirements, parse, read
from venvbuild.requirements.options import Option, Sources, read_options

HERE = {name: str(value) for name, value in default_environment().items()} | {"python_version": "3.11"}
IN_USE = Sources("https://index.example/simple", ("https://extra.example/simple",), ("wheels",))
HASH = "--hash=sha256:" + "0" * 64


def judged(content: str, sources: Sources = IN_USE, name: str = "requirements.txt") -> Requirements:
    return parse(content.encode(), name, HERE, sources=sources)


def problems(content: str, sources: Sources = IN_USE, name: str = "requirements.txt") -> tuple[Problem, ...]:
    with pytest.raises(RequirementsRefused) as caught:
        judged(content, sources, name)
    return caught.value.problems


def the_fix(content: str) -> str:
    (problem,) = problems(content)
    assert problem.rule in ("OPTION", "NESTED_FILE", "EDITABLE")
    return problem.fix


INDEX = Option("--index-url", "https://h/s", "--index-url")


@pytest.mark.parametrize(("line", "options"), [
    ("--index-url https://h/s", [INDEX]), ("--index-url=https://h/s", [INDEX]), ("--index-url 'https://h/s'", [INDEX]),
    ("--index https://h/s", [Option("--index-url", "https://h/s", "--index")]),
    ("-i https://h/s", [Option("--index-url", "https://h/s", "-i")]),
    ("-ihttps://h/s", [Option("--index-url", "https://h/s", "-i")]),
    ("-i=https://h/s", [Option("--index-url", "https://h/s", "-i")]),
    ("-f wheels", [Option("--find-links", "wheels", "-f")]),
    ("-rbase.txt", [Option("--requirement", "base.txt", "-r")]),
    ("-r my base.txt", [Option("--requirement", "my base.txt", "-r")]),
    ("--pre --no-index", [Option("--pre", "", "--pre"), Option("--no-index", "", "--no-index")]),
    ("--extra https://h/s", [Option("--extra-index-url", "https://h/s", "--extra")]),
    ("--no x", [Option("--no", "x", "--no")]),
    ("--find-links 'open", [Option("--find-links", "'open", "--find-links")]),
])  # fmt: skip
def test_options_are_parted_from_their_values_as_pip_does(line: str, options: list[Option]) -> None:
    assert list(read_options(line)) == options


@pytest.mark.parametrize(("line", "fix"), [
    ("-i https://other.example/simple", "remove the line; to ask that index, build with --index-url https://other.example/simple"),
    ("--index-url https://${USER}:${PASS}@other.example/simple",
     "build with --index-url https://other.example/simple; its credentials belong into a netrc file"),
    ("--index-url https://other.example/simple?key=abc", "build with --index-url URL"),
    ("--index-url https://pypi.fury.io/aZ91kqpqWmZ2bXzq/me/", "build with --index-url URL"),
    ("--extra-index-url https://b.example/s", "build with --extra-index-urls 'https://extra.example/simple https://b.example/s'"),
    ("--find-links more", "build with --find-links 'wheels more'"),
    ("--find-links 'my wheels'", "build with --find-links 'wheels FOLDER'"),
    ("-f https://h.example/page.html", "build with --find-links 'wheels https://h.example/page.html'"),
    ("--no-binary idna", "remove the line and build with --allow-sdist idna"),
    ("--no-binary idna,other", "build with --allow-sdist idna; a package of this file is built from source with"),
    ("--no-binary :all:", "remove the line; a package of this file is built from source with --allow-sdist NAME"),
    ("--only-binary :all:", "remove the line: it holds for every package"), ("--prefer-binary", "it holds anyway"),
    ("--pre", "pin it: name==1.0rc1"), ("--no-index", "--index-url, folders of wheels with --find-links"),
    ("--trusted-host h", "PIP_CERT=FILE"), ("--use-feature=fast-deps", "remove it: builds have no such setting"),
    ("--config-settings=a=b", "build with --find-links FOLDER"), ("--nonsense", "remove it"),
    ("--require-hashes", "remove the line: the build checks the hashes of its lock"),
    ("-c limits.txt", "--python 3.11 requirements.txt -c limits.txt -o pinned.txt, and build with -r pinned.txt"),
    ("-c https://h/limits.txt", "fetch it into a file, and pin both into one: venvbuild compile"),
    ("-r base.txt -c limits.txt", "venvbuild compile --python 3.11 requirements.txt"),
])  # fmt: skip
def test_each_option_has_its_own_answer(line: str, fix: str) -> None:
    found = problems(f"{line}\nidna==3.6\n")
    assert fix in found[0].fix
    assert all(problem.line == 1 for problem in found)


def test_beside_limits_what_is_open_is_pinned_with_them() -> None:
    limits, opened, mended = problems("-c limits.txt\nplain\nother=1.0\n")
    assert opened.fix == limits.fix
    assert mended.fix == "did you mean ==? write other==1.0"


def test_an_option_of_a_requirement_is_told_with_its_way_out() -> None:
    assert "pip wheel --no-deps --config-settings ... -w wheels idna==3.6" in the_fix("idna==3.6 --config-settings=a=b")
    assert the_fix("Idna_X[b]==3.6 --no-binary idna") == (
        "write the line without --no-binary, and build with --allow-sdist idna-x"
    )
    assert the_fix("idna==3.6 --pre") == "write the line without --pre: builds have no such setting"


@pytest.mark.parametrize("line", [
    "-i https://index.example/simple/", "--index-url=https://INDEX.example:443/simple", "--index https://index.example/simple",
    "--extra-index-url https://extra.example/simple", "--find-links ./wheels", "-f wheels/",
])  # fmt: skip
def test_what_is_in_use_is_accepted_and_said(line: str) -> None:
    requirements = judged(f"{line}\nidna==3.6\n")
    assert [(one.rule, one.where) for one in requirements.warnings] == [("INDEX_IN_USE", "requirements.txt:1")]
    assert requirements.normalised() == "idna==3.6\n"


def test_hashes_may_be_required_of_a_file_that_has_them() -> None:
    (warning,) = judged(f"--require-hashes\nidna==3.6 {HASH}\n").warnings
    assert warning.rule == "HASHES_REQUIRED"
    assert {one.rule for one in problems(f"--require-hashes\nidna==3.6 {HASH}\nsix==1.0\n")} == {"HASH_MISSING"}


def test_a_setting_takes_the_values_of_all_lines_at_once() -> None:
    first, second = problems("--find-links a\n--find-links b\nidna==3.6\n", Sources())
    assert first.fix == second.fix == "remove the line and build with --find-links 'a b'"


def test_of_two_indexes_the_first_only_goes() -> None:
    first, second = problems("-i https://a.example/s\n-i https://b.example/s\nidna==3.6\n")
    assert "a later one names another index" in first.fix
    assert "--index-url https://b.example/s" in second.fix


def test_a_folder_is_named_from_where_the_file_was_named_from() -> None:
    (problem,) = problems("--find-links wheels\nidna==3.6\n", Sources(), name="reqs/prod.txt")
    assert problem.fix.endswith("--find-links reqs/wheels")


def test_a_folder_that_is_here_and_not_beside_the_file_is_meant(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("wheels").mkdir()
    (problem,) = problems("--find-links wheels\nidna==3.6\n", Sources(), name="reqs/prod.txt")
    assert problem.fix.endswith("--find-links wheels")


def test_an_index_with_credentials_is_not_replaced_by_one_without() -> None:
    sources = Sources("", ("https://user:hunter2@extra.example/simple",))
    (problem,) = problems("--extra-index-url https://b.example/s\nidna==3.6\n", sources)
    assert problem.fix == "remove the line and add https://b.example/s to VENVBUILD_EXTRA_INDEX_URLS"
    assert judged("--extra-index-url https://extra.example/simple\nidna==3.6\n", sources).pins


@pytest.mark.parametrize("place", ["https://ci:12/hunter2@h/s", "ci:pa/hunter2@h/s", "ci:12/hunter2@h/s"])
@pytest.mark.parametrize("option", ["--index-url", "--extra-index-url", "--find-links", "-r", "-e"])
def test_what_may_be_a_password_of_an_address_is_not_repeated(option: str, place: str) -> None:
    (problem,) = problems(f"{option} {place}\nidna==3.6\n", Sources())
    assert "hunter2" not in problem.as_line()


def test_what_is_advised_is_accepted_even_if_the_line_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("requirements.txt").write_text("-i https://b.example/s\n--find-links wheels\nidna==3.6\n")
    sources = Sources("https://b.example/s", (), ("wheels",))
    assert len(read(Path("requirements.txt"), HERE, sources=sources).pins) == 1
