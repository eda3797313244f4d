"""What a test needs from the machine: without it the test is skipped, unless everything is said to be there."""

from __future__ import annotations

import os

import pytest


def require(condition: object, reason: str, *, is_of_others: bool = False) -> None:
    """Skip the test when `condition` is falsy, saying why and what would lift it; fail it under
    `VENVBUILD_TEST_REQUIRE=all`, unless it `is_of_others`: no machine can be set up so that it is always there."""
    if condition:
        return
    if is_of_others:
        pytest.skip(f"{reason}; it runs on a day on which that is there")
    if os.environ.get("VENVBUILD_TEST_REQUIRE") == "all":
        pytest.fail(f"{reason} (VENVBUILD_TEST_REQUIRE=all)", pytrace=False)
    pytest.skip(f"{reason}; it runs where that is put right, and .ci/run as root installs what Debian has")
