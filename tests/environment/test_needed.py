"""What was resolved, held against what the installed packages need."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from tests.support.supplies import here
from tests.support.wheels import unpack, wheel
from venvbuild.environment.closure import Closure, LockedDistribution
from venvbuild.environment.needed import tell_of_misled
from venvbuild.installed import distributions_of

NAMES = ("needy", "good", "pip")


@pytest.mark.parametrize(
    ("requires", "not_pinned", "said"),
    [
        (["good"], ["good"], []),
        (["Good>=1"], ["good"], []),
        (["good; extra == 'more'"], ["good"], []),
        (["good", "far ; sys_platform == 'win32'", "far; extra == 'more'", "no requirement;"], ["good"], []),
        ([], ["good"], ["nothing that is installed needs good: "]),
        (["good", "bad"], ["good"], ["needy needs bad, which the resolver left out: "]),
    ],
)
@pytest.mark.parametrize("is_forced", [False, True])
def test_what_was_added_is_needed_and_what_is_needed_was_added(
    tmp_path: Path,
    requires: list[str],
    not_pinned: list[str],
    said: list[str],
    is_forced: bool,
    caplog: pytest.LogCaptureFixture,
) -> None:
    site = tmp_path / "lib" / "python3.11" / "site-packages"
    unpack(wheel(tmp_path / "wheels", "needy", "1.0", requires=requires), site)
    unpack(wheel(tmp_path / "wheels", "good", "1.0"), site)
    closure = Closure(
        tuple(LockedDistribution(name, "1.0", ()) for name in NAMES), tuple(not_pinned), is_forced=is_forced
    )
    with caplog.at_level(logging.WARNING):
        tell_of_misled(closure, distributions_of(tmp_path, "3.11"), here())
    words = [one.getMessage() for one in caplog.records]
    assert [word.partition(": ")[0] + ": " for word in words] == ([] if is_forced else said)
