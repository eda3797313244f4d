"""Which Pythons and machines Snowflake has, and which wheels fit them."""

from __future__ import annotations

import pytest

from venvbuild.errors import RequirementsRefused, UsageError
from venvbuild.snowflake import runtimes


@pytest.mark.parametrize(
    ("version", "said"),
    [
        ("3.9", "Snowflake's Python 3.9 ended on 2026-04-30"),
        ("3.8", "ended on 2025-04-30"),
        ("3.15", "'3.15' is no Python of Snowflake"),
        ("3.1", "write it in quotes: --python '3.10'"),
        ("3.11.7", "it has 3.10 (deprecated), 3.11, 3.12, 3.13, 3.14"),
        ("", "3.9 ended on 2026-04-30"),
    ],
)
def test_what_snowflake_does_not_run_is_refused_with_what_it_runs_and_the_dates(version: str, said: str) -> None:
    with pytest.raises(RequirementsRefused, match="as read on 20") as refused:
        runtimes.runtime(version)
    assert said in str(refused.value)


def test_the_python_that_is_advised_runs() -> None:
    assert not runtimes.runtime(runtimes.DEFAULT).deprecated_on
    assert runtimes.runtime("3.10").deprecated_on == "2026-10-04"


def test_a_machine_that_is_none_is_refused() -> None:
    with pytest.raises(UsageError, match="write x86_64 or aarch64"):
        runtimes.machine("arm64")


@pytest.mark.parametrize(
    ("tag", "fits"),
    [
        ("cp311-cp311-manylinux_2_28_x86_64", True),
        ("cp311-cp311-manylinux2014_x86_64", True),
        ("cp39-abi3-manylinux_2_17_x86_64", True),
        ("cp311-cp311-linux_x86_64", True),
        ("py3-none-any", True),
        ("cp311-cp311-manylinux_2_34_x86_64", False),
        ("cp311-cp311-manylinux_2_28_aarch64", False),
        ("cp311-cp311-musllinux_1_2_x86_64", False),
        ("cp312-cp312-manylinux_2_28_x86_64", False),
    ],
)
def test_wheels_fit_the_target_and_not_this_machine(tag: str, fits: bool) -> None:
    target = runtimes.target("3.11", "x86_64")
    assert (tag in target.ranks) is fits
    assert target.platform == "linux_x86_64"
    assert target.marker_environment["python_version"] == "3.11"


def test_the_other_machine_has_its_own_wheels() -> None:
    ranks = runtimes.target("3.12", "aarch64").ranks
    assert ranks["cp312-cp312-manylinux_2_28_aarch64"] < ranks["cp312-cp312-manylinux2014_aarch64"]
    assert "cp312-cp312-manylinux_2_5_aarch64" not in ranks
