"""What a clean environment is given, and which Python it is made with."""

from __future__ import annotations

import netrc
import os
import sys
from pathlib import Path

import pytest

from venvbuild.errors import UsageError
from venvbuild.release.trying import _in_netrc, interpreter_for


@pytest.mark.parametrize("value", ["plain", 'q"uo\\te', "p@ss/w:rd %#x", "#hash", "two words"])
def test_a_password_is_read_from_a_netrc_as_it_is(value: str, tmp_path: Path) -> None:
    text = _in_netrc(value, has_quotes=sys.version_info >= (3, 11))
    (tmp_path / "netrc").write_text(f"machine h login u password {text}\n")
    found = netrc.netrc(str(tmp_path / "netrc")).authenticators("h")
    assert found
    assert found[2] == value


def test_an_older_pip_is_given_it_unquoted_and_no_white_space() -> None:
    assert _in_netrc('q"uo\\te', has_quotes=False) == 'q"uo\\te'
    with pytest.raises(UsageError, match=r"3\.11"):
        _in_netrc("two words", has_quotes=False)


def test_our_own_python_is_taken_where_it_fits_and_a_wanted_one_before_it() -> None:
    ours = ".".join(map(str, sys.version_info[:2]))
    assert interpreter_for(">=3.8", os.environ).version == ours
    assert interpreter_for("not a specifier", os.environ).version == ours
    assert interpreter_for("", os.environ, wanted=ours).version == ours
    with pytest.raises(UsageError, match="requires-python"):
        interpreter_for(">=4", os.environ)
    with pytest.raises(UsageError, match="--python"):
        interpreter_for(">=3.8", os.environ, wanted="3.7")
