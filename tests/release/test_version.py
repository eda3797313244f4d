"""Versions of releases: what is taken, what is refused and why, and which one comes next."""

from __future__ import annotations

import re

import pytest
from packaging.version import Version

from venvbuild.errors import RequirementsRefused, UsageError
from venvbuild.release.version import PARTS, final_of, in_the_way, next_version, read_version, wanted_version


@pytest.mark.parametrize(
    ("text", "stored"),
    [
        ("1.2.3", "1.2.3"),
        ("0.0.0", "0.0.0"),
        ("1.2.3-rc.1", "1.2.3rc1"),
        ("1.2.3-rc1", "1.2.3rc1"),
        ("1.2.3rc1", "1.2.3rc1"),
        ("1.2.3-alpha.2", "1.2.3a2"),
        ("1.2.3a2", "1.2.3a2"),
        ("1.2.3-beta.0", "1.2.3b0"),
        ("1.2.3-dev.4", "1.2.3.dev4"),
        ("1.2.3.dev4", "1.2.3.dev4"),
    ],
)
def test_semver_is_stored_as_pep_440_has_it(text: str, stored: str) -> None:
    assert str(read_version(text)) == stored


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("1.2.3-1", r"1\.2\.3\.post1, which comes after 1\.2\.3"),
        ("1.2.3.post1", "make a patch version"),
        ("1.2.3+build.5", "local version"),
        ("1!1.2.3", "epoch"),
        ("v1.2.3", r"the version is 1\.2\.3"),
        ("1.2", "2 numbers"),
        ("1.2.3.4", "4 numbers"),
        ("01.2.3", "leading zeros"),
        ("1.2.3-SNAPSHOT", "no snapshots"),
        ("1.2.3-nightly.20260101", "no snapshots"),
        ("1.2.3-rc.1.2", "cannot read it"),
        ("1.2.3-beta", "1.2.3b0"),
        ("1.2.3-pre.1", "1.2.3rc1"),
        ("1.2.3rc1.dev2", "1.2.3rc1.dev2"),
        ("", "cannot read it"),
        ("1.2.3\n", "no version of a release"),
        ("١.2.3", "no version of a release"),
    ],
)
def test_what_no_release_has_is_refused_with_its_reading(text: str, why: str) -> None:
    with pytest.raises(RequirementsRefused, match=why):
        read_version(text)


@pytest.mark.parametrize(
    ("current", "asked", "pre", "following"),
    [
        ("1.0.0", "major", None, "2.0.0"),
        ("1.2.3", "minor", None, "1.3.0"),
        ("1.2.3rc1", "patch", None, "1.2.4"),
        ("1.2.3", "minor", "rc", "1.3.0rc1"),
        ("1.2.3", "patch", "dev", "1.2.4.dev0"),
        ("1.3.0rc1", "rc", None, "1.3.0rc2"),
        ("1.3.0b4", "rc", None, "1.3.0rc1"),
        ("1.3.0.dev4", "alpha", None, "1.3.0a1"),
        ("1.3.0rc9", "final", None, "1.3.0"),
        ("1.2.3", "1.2.3", None, "1.2.3"),
        ("1.2.3", "1.10.0-rc.2", None, "1.10.0rc2"),
        ("1.2", "patch", None, "1.2.1"),
        ("0.2rc1", "final", None, "0.2.0"),
        ("0.2rc1", "rc", None, "0.2.0rc2"),
        ("1.2.3.post1", "patch", None, "1.2.4"),
        ("1.2.3+mine", "patch", None, "1.2.4"),
    ],
)
def test_the_next_version_is(current: str, asked: str, pre: None, following: str) -> None:
    assert str(wanted_version(asked, Version(current), pre)) == following


@pytest.mark.parametrize(
    ("current", "asked", "pre"),
    [("1.2.3", "final", None), ("1.2.3", "rc", None), ("1.3.0rc1", "beta", None), ("1.2.3", "1.2.2", None),
     ("1.2.3", "1.2.3-rc.1", None), ("1.2.3rc1", "final", "rc")],
)  # fmt: skip
def test_a_step_back_is_refused_and_its_advice_works(current: str, asked: str, pre: None) -> None:
    with pytest.raises(RequirementsRefused) as refused:
        wanted_version(asked, Version(current), pre)
    words = refused.value.problems[0].fix.split("`")[1].split()
    assert words[:3] == ["venvbuild", "release", "bump"]
    more = words[words.index("--pre") + 1] if "--pre" in words else None
    assert wanted_version(words[3], Version(current), more) > Version(current)


@pytest.mark.parametrize(
    ("current", "asked"),
    [("1!2.0.0", "patch"), ("1!2.0.0rc1", "rc"), ("1!2.0.0", "major"), ("1!2.0.0rc1", "final"), ("1!2.0.0", "3.0.0")],
)
def test_what_an_epoch_makes_lower_is_refused_and_its_advice_works(current: str, asked: str) -> None:
    with pytest.raises(RequirementsRefused, match="is lower than 1!") as refused:
        wanted_version(asked, Version(current))
    [written] = re.findall(r"write (\S+) where", refused.value.problems[0].fix)
    assert wanted_version("patch", read_version(written)) == Version("2.0.1")


@pytest.mark.parametrize("pre", ["xx", "RC", "", "rc "])
def test_a_pre_release_that_is_none_is_refused(pre: str) -> None:
    with pytest.raises(UsageError, match="is no pre-release"):
        wanted_version("minor", Version("0.2.0"), pre)


def test_every_step_leads_upwards() -> None:
    for text in ("0.0.1", "1.2.3", "1.2.3rc1", "1.2.3.dev0", "9.9.9b3"):
        version = Version(text)
        for pre in (None, "rc", "dev"):
            assert all(next_version(version, part, pre) > version for part in PARTS)
        if version.is_prerelease:
            assert final_of(version) > version


def test_a_fix_of_an_older_line_is_compared_within_it() -> None:
    others = frozenset(map(Version, ("1.2.3", "2.0.0rc1")))
    assert in_the_way(Version("1.2.4"), others) == Version("2.0.0rc1")
    assert in_the_way(Version("1.2.4"), others, older_line=True) is None
    assert in_the_way(Version("1.2.3"), others, older_line=True) == Version("1.2.3")
    assert in_the_way(Version("2.0.0"), others) is None
