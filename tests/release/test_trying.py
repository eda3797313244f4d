"""Which Python a clean environment is made with."""

from __future__ import annotations

import os
import sys

import pytest

from venvbuild.errors import UsageError
from venvbuild.release.trying import interpreter_for


def test_our_own_python_is_taken_where_it_fits_and_a_wanted_one_before_it() -> None:
    ours = ".".join(map(str, sys.version_info[:2]))
    assert interpreter_for(">=3.8", os.environ).version == ours
    assert interpreter_for("not a specifier", os.environ).version == ours
    assert interpreter_for("", os.environ, wanted=ours).version == ours
    with pytest.raises(UsageError, match="requires-python"):
        interpreter_for(">=4", os.environ)
    with pytest.raises(UsageError, match="--python"):
        interpreter_for(">=3.8", os.environ, wanted="3.7")
