"""The tags of a wheel are read as installers read them."""

from __future__ import annotations

import pytest
from packaging.tags import parse_tag

from venvbuild.wheel_tags import expanded


@pytest.mark.parametrize(
    "tag", ["py3-none-any", "py2.py3-none-any", "cp39.cp310-abi3-linux_x86_64.Any", "CP311-cp311-any"]
)
def test_a_compressed_set_is_what_installers_make_of_it(tag: str) -> None:
    assert sorted(expanded(tag)) == sorted(map(str, parse_tag(tag)))


@pytest.mark.parametrize("tag", ["", "py3-none", "py3-none-any-more", "-".join([".".join(map(str, range(2_000)))] * 3)])
def test_what_is_no_tag_or_stands_for_too_many_stays_as_it_is(tag: str) -> None:
    assert expanded(tag) == (tag,)
