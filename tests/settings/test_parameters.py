"""Parameters are judged before anything uses them."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from venvbuild.errors import Problem, RequirementsRefused
from venvbuild.settings.parameters import alias, boolean, env_name, python_version

CASES = json.loads((Path(__file__).parents[1] / "corpus" / "nasty-params.json").read_text("utf-8"))["cases"]
JUDGES: dict[str, Callable[[str], object]] = {
    "ENV_NAME": env_name,
    "PYTHON_VERSION": python_version,
    "FAIL_ON_CONFLICTS": partial(boolean, where="FAIL_ON_CONFLICTS"),
}


def refusal(judge: Callable[[str], object], value: str) -> Problem:
    with pytest.raises(RequirementsRefused) as caught:
        judge(value)
    assert caught.value.exit_code == 3
    (problem,) = caught.value.problems
    return problem


@pytest.mark.parametrize("case", CASES, ids=[f"{case['param']}={case['value']!r}" for case in CASES])
def test_the_corpus_is_judged_as_it_says(case: dict[str, str]) -> None:
    judge = JUDGES[case["param"]]
    if case["verdict"] == "accept":
        judge(case["value"])
        return
    problem = refusal(judge, case["value"])
    assert problem.where == case["param"]
    assert problem.why
    assert problem.fix
    assert problem.as_line().isprintable()


@pytest.mark.parametrize("value", ["a", "Env.1", "sales-env", "0", "x" * 64, "LATEST1", "console", "venv_2025"])
def test_a_good_name_comes_back_as_it_is(value: str) -> None:
    assert env_name(value) == alias(value) == value


@pytest.mark.parametrize("judge", [env_name, alias])
@pytest.mark.parametrize("value", [
    "", " ", "a ", " a", "a\n", "a\r", "x" * 65, "é", "a..b", "a.", "_a", ".a", "-a", "latest", "Latest", "LATEST",
    "con", "CON.txt", "nul.tar.gz", "COM1", "lpt9", "Aux", "venv_20250722_163000", "VENV_20250722_163000", "a@b", "a:b",
    "٣",
])  # fmt: skip
def test_a_name_that_some_system_would_misread_is_refused(judge: Callable[[str], str], value: str) -> None:
    refusal(judge, value)


@pytest.mark.parametrize("value", ["3.8", "3.8.0", "3.11", "3.13.1", "3.100"])
def test_a_python_of_our_range_comes_back_as_it_is(value: str) -> None:
    assert python_version(value) == value


@pytest.mark.parametrize("value", [
    "3", "2.7", "3.7", "3.7.17", "3.7.99", "4.0", "30.1", "3.011", "03.11", "3.11.", "3.11.07", "3.11 ", "3.11\n",
    "3..11", "3.11.1.1", "python3.11", "3.11rc1", "3,11", "-3.11", "3.9999999999", "latest",
])  # fmt: skip
def test_any_other_python_is_refused_with_the_range(value: str) -> None:
    assert "3.8 or newer" in refusal(python_version, value).fix


def test_a_version_that_yaml_read_as_a_number_is_asked_about() -> None:
    assert refusal(python_version, "3.1").fix == "did YAML read 3.10 as a number? write it in quotes: '3.10'"


@pytest.mark.parametrize("word", ["true", "1", "yes", "false", "0", "no"])
def test_booleans_are_read_in_any_case(word: str) -> None:
    assert {boolean(form, "X") for form in (word, word.upper(), word.title())} == {word in ("true", "1", "yes")}


@pytest.mark.parametrize("value", ["", " ", "on", "off", "t", "y", "True ", "2", "01", "ｔrue", "null"])
def test_no_other_word_is_silently_false(value: str) -> None:
    refusal(JUDGES["FAIL_ON_CONFLICTS"], value)


def test_the_place_is_named_as_its_giver_knows_it() -> None:
    with pytest.raises(RequirementsRefused, match=r"^--env-name: '\.\./x' is not an environment name"):
        env_name("../x", where="--env-name")


def test_what_is_echoed_is_escaped_and_cut() -> None:
    line = refusal(env_name, "\x1b[2J\n\u202e" + "x" * 10_000).as_line()
    assert line.isprintable()
    assert "\\x1b[2J\\n\\u202e" in line
    assert len(line) < 300


@given(st.text())
def test_any_text_is_a_value_or_a_refusal_that_can_be_printed(value: str) -> None:
    for judge in JUDGES.values():
        try:
            judge(value)
        except RequirementsRefused as refused:
            assert refused.problems[0].as_line().isprintable()  # noqa: PT017 - acceptance is as good an end


@given(st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]*", fullmatch=True))
def test_an_accepted_name_is_one_plain_path_segment(value: str) -> None:
    try:
        name = env_name(value)
    except RequirementsRefused:
        return
    assert Path("store", name).name == name
    assert 1 <= len(name) <= 64
    assert name.lower() != "latest"
