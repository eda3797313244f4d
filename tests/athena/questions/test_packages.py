"""Packages that are asked for, read and compared."""

from __future__ import annotations

import pytest

from athena.questions import packages, parse_packages
from venvbuild.errors import RequirementsRefused


@pytest.mark.parametrize("name", ["Kedro_Viz", "kedro.viz", "KEDRO--VIZ", " kedro-viz "])
def test_names_are_compared_in_pep_503_form(name: str) -> None:
    assert parse_packages([name])[0].name == "kedro-viz"


def test_two_conditions_on_one_name_hold_together() -> None:
    [wanted] = parse_packages(["kedro>=0.18", "Kedro<0.19"])
    assert [wanted.fits(version) for version in ("0.17", "0.18.1", "0.19")] == [False, True, False]


@pytest.mark.parametrize(
    ("text", "version", "fits"),
    [
        ("a>=0.9", "1.0rc1", True),
        ("a>=1.0", "1.0rc1", False),
        ("a>=1.0.dev0", "1.0rc1", True),
        ("a==1.0", "1.0+cu118", True),
        ("a==1.0+cu118", "1.0", False),
        ("a>1.0", "1.0.post1", False),
        ("a>=1.0", "1.0.post1", True),
        ("a<2", "1!0.1", False),
        ("a>=1!0", "1!0.1", True),
        ("a~=1.2", "1.10", True),
        ("a~=1.2", "2.0", False),
        ("a==1.*", "1.99.dev3", True),
        ("a===1.0", "1.0.0", False),
        ("a===2004d", "2004D", True),
        ("a===2004d", "2004e", False),
        ("a>=0", "2004d", False),
        ("a!=1.0", "2004d", False),
        ("a", "2004d", True),
        ("a", "1.0rc1", True),
        ("a<1", "not a version at all", False),
    ],
)
def test_versions_fit_as_pep_440_says(text: str, version: str, fits: bool) -> None:
    assert parse_packages([text])[0].fits(version) is fits


@pytest.mark.parametrize(
    "text",
    [
        "",
        "kedro>=x",
        "kedro=1",
        "kedro>=1 pandas",
        "[",
        "-r x",
        "a[b]",
        "a; python_version>'3'",
        "a @ file:///x",
        "a'--",
    ],
)
def test_what_is_no_package_is_refused(text: str) -> None:
    with pytest.raises(RequirementsRefused):
        parse_packages([text])


def test_every_wrong_package_is_told_at_once() -> None:
    with pytest.raises(RequirementsRefused) as caught:
        parse_packages(["good>=1", "[", "a[b]", "\x1b[31m"])
    assert len(caught.value.problems) == 3
    assert "\x1b" not in str(caught.value)


def test_the_newest_version_comes_first_and_what_pep_440_cannot_read_last() -> None:
    versions = ["1.9", "0.1dev-r123", "1.10rc1", "2004d", "1.10", "1!0.1", "1.10.post1", "1.10+cu118"]
    newest = ["1!0.1", "1.10.post1", "1.10+cu118", "1.10", "1.10rc1", "1.9", "0.1dev-r123", "2004d"]
    assert packages.newest_first(versions) == newest


def test_unreadable_versions_are_told_apart() -> None:
    assert packages.unreadable(["1.0", "2004d", "1!2.0", "0.1dev-r123"]) == ("2004d", "0.1dev-r123")
