"""What is too ordinary to be a secret."""

from __future__ import annotations

from pathlib import Path

import pytest

from venvbuild.redaction import values


@pytest.mark.parametrize(
    "value",
    ["/run/secrets/key.json", "~/.ssh/id_rsa", "./x", "certs/tls.key", "file:///x", "/etc", "/nowhere/at/all", "/"],
)
def test_a_place_is_no_secret(value: str) -> None:
    assert values.is_path(value)


@pytest.mark.parametrize("value", ["/Kb7+x/9QzT1", "/hunter2!", "abc/def/ghi", "Zq8v.W3nT", "/" + "aB3/" * 9])
def test_a_slash_makes_no_place(value: str) -> None:
    assert not values.is_path(value)


def test_what_is_there_is_a_place(tmp_path: Path) -> None:
    made = tmp_path / "Kb7+x"
    assert values.is_path(str(made))  # in a folder that is there
    assert not values.is_path("/Kb7+x")


@pytest.mark.parametrize("value", ["true", "No", "", " ", "8080", "none", "required"])
def test_a_switch_or_a_port_is_no_secret(value: str) -> None:
    assert values.is_plain(value)


@pytest.mark.parametrize("value", ["hunter2", "123456", "true-story-1"])
def test_what_may_be_a_secret_is_not_plain(value: str) -> None:
    assert not values.is_plain(value)
