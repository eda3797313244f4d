"""What the command line may ask for."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from venvbuild.errors import RequirementsRefused, UsageError
from venvbuild.snowflake import Wish

WISH = Wish(Path("requirements.txt"), None, "3.11", "x86_64", "refuse", None, None, "top", (), False)


@pytest.mark.parametrize("name", ["app_packages.zip", "release_v1.zip", "a.b-c.zip", "_.zip"])
def test_a_name_of_a_zip(name: str) -> None:
    replace(WISH, zip_name=name).judge()


@pytest.mark.parametrize(
    "name", ["", "app", "../app.zip", "a/b.zip", ".zip", ".a.zip", "a b.zip", "a'.zip", "ä.zip", "-a.zip"]
)
def test_what_cannot_be_one_is_refused(name: str) -> None:
    with pytest.raises(UsageError, match=r"app_packages\.zip"):
        replace(WISH, zip_name=name).judge()


def test_a_file_or_a_build_is_wanted_and_not_both() -> None:
    replace(WISH, requirements=None, build="sales@prod").judge()
    for wish in (replace(WISH, build="sales@prod"), replace(WISH, requirements=None)):
        with pytest.raises(UsageError, match="one of the two"):
            wish.judge()


def test_a_build_has_no_extras_to_choose_from() -> None:
    replace(WISH, extras=("web",), groups=("dev",)).judge()
    of_build = replace(WISH, requirements=None, build="sales@prod")
    web, dev = replace(of_build, extras=("web",)), replace(of_build, groups=("dev",))
    for wish, flag in ((web, "--extra"), (dev, "--group")):
        with pytest.raises(UsageError, match=f"leave {flag} out") as caught:
            wish.judge()
        assert caught.value.problems[0].where == flag


def test_the_python_and_the_machine_are_snowflakes() -> None:
    with pytest.raises(RequirementsRefused):
        replace(WISH, python="3.9").judge()
    with pytest.raises(UsageError):
        replace(WISH, platform="amd64").judge()
