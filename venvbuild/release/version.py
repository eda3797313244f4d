"""Versions as releases have them: SemVer in, PEP 440 stored, and the next one."""

from __future__ import annotations

import re
from typing import Literal, get_args

from packaging.version import InvalidVersion, Version

from venvbuild.errors import RequirementsRefused, UsageError
from venvbuild.text import shown

Part = Literal["major", "minor", "patch"]
Pre = Literal["alpha", "beta", "rc", "dev"]
PARTS: tuple[Part, ...] = get_args(Part)
PRES: tuple[Pre, ...] = get_args(Pre)

_LETTERS: dict[str, str] = {"alpha": "a", "beta": "b", "rc": "rc", "dev": ".dev"}
_NAMES = {letter: name for name, letter in _LETTERS.items()} | {"dev": "dev"}
_NUMBER = "(0|[1-9][0-9]{0,8})"
# SemVer's 1.2.3-rc.1 and PEP 440's 1.2.3rc1; other spellings of PEP 440 (1.2.3-c1) nobody needs.
_RELEASE = re.compile(
    rf"{_NUMBER}\.{_NUMBER}\.{_NUMBER}(?:-(?P<word>alpha|beta|rc|dev)\.?(?P<count>{_NUMBER})"
    rf"|(?P<short>a|b|rc|\.dev)(?P<number>{_NUMBER}))?"
)
_SEMVER = "write MAJOR.MINOR.PATCH, or MAJOR.MINOR.PATCH-rc.1 (alpha, beta, rc or dev, with a number)"


def read_version(text: str) -> Version:
    """The version that `text` means, which is SemVer or its PEP 440 form: `1.2.3`, `1.2.3-rc.1`, `1.2.3rc1`.

    Raises:
        RequirementsRefused: it is none that a release may have; says how PEP 440 reads it.
    """
    found = _RELEASE.fullmatch(text)
    if not found:
        raise RequirementsRefused(
            f"{shown(text)} is no version of a release", why=_why_not(text), fix=_SEMVER, rule="VERSION"
        )
    end = ""
    if found["word"]:
        end = _LETTERS[found["word"]] + found["count"]
    elif found["short"]:
        end = found["short"] + found["number"]
    return Version(f"{found[1]}.{found[2]}.{found[3]}{end}")


def _why_not(text: str) -> str:
    if text[:1] in ("v", "V") and _RELEASE.fullmatch(text[1:]):
        return f"the v is of the tag only: the version is {text[1:]}"
    try:
        version = Version(text)
    except InvalidVersion:
        if re.search(r"(?i)-(snapshot|nightly)", text):
            return "PEP 440 knows no snapshots, and an index refuses such a name"
        return "PEP 440 cannot read it, and an index refuses such a name"
    for is_so, why in (
        (version.epoch, "an epoch puts it above every version that ever was"),
        (version.local, "a local version (+) is of one machine, and an index refuses it"),
        (
            version.post is not None,
            f"PEP 440 reads it as {version}, which comes after {version.base_version}; SemVer reads it as before"
            if "-" in text
            else "a post-release changes what has been released; make a patch version",
        ),
        (len(version.release) != 3, f"it has {len(version.release)} numbers: PEP 440, but not SemVer"),
    ):
        if is_so:
            return why
    if re.search(r"(?:^|\.)0[0-9]", text):
        return f"PEP 440 reads it as {version}: SemVer has no leading zeros"
    return f"PEP 440 reads it as {version}; a release is written in one of two ways only"


def next_version(current: Version, part: Part, pre: Pre | None = None) -> Version:
    """The version after `current` whose `part` is one higher; with `pre`, the first such pre-release of it.

    Of a pre-release too: 1.2.3rc1 gives 1.2.4, for 1.2.3 itself is what `final_of` makes.
    """
    major, minor, patch = (*current.release, 0, 0)[:3]
    numbers = {"major": (major + 1, 0, 0), "minor": (major, minor + 1, 0), "patch": (major, minor, patch + 1)}[part]
    base = ".".join(map(str, numbers))
    return Version(f"{base}{_LETTERS[pre]}{0 if pre == 'dev' else 1}" if pre else base)


def next_pre_of(current: Version, pre: Pre = "rc") -> Version:
    """The next pre-release of the same number: 1.2.3rc1 gives 1.2.3rc2, 1.2.3b4 gives 1.2.3rc1.

    Raises:
        RequirementsRefused: `current` is final, or further than `pre`.
    """
    own = _pre_of(current)
    if own is None:
        raise RequirementsRefused(
            f"{current} is final, and has no next {pre}",
            fix=f"`venvbuild release bump minor --pre {pre}` makes {next_version(current, 'minor', pre)}, "
            f"`patch --pre {pre}` {next_version(current, 'patch', pre)}",
            rule="VERSION",
        )
    name, number = own
    following = Version(f"{_numbers(current)}{_LETTERS[pre]}{number + 1 if name == pre else 0 if pre == 'dev' else 1}")
    if following <= current and not current.epoch:  # of which `wanted_version` tells
        raise RequirementsRefused(
            f"{following} comes before {current}",
            fix=f"`venvbuild release bump {name}` makes {_numbers(current)}{_LETTERS[name]}{number + 1}, "
            f"`final` {_numbers(current)}",
            rule="VERSION",
        )
    return following


def final_of(current: Version) -> Version:
    """1.2.3 of 1.2.3rc1.

    Raises:
        RequirementsRefused: `current` is final already.
    """
    if not current.is_prerelease:
        raise RequirementsRefused(
            f"{current} is final already",
            fix=f"`venvbuild release bump patch` makes {next_version(current, 'patch')}",
            rule="VERSION",
        )
    return Version(_numbers(current))


def wanted_version(asked: str, current: Version, pre: str | None = None) -> Version:
    """The version that `bump ASKED [--pre PRE]` makes of `current`.

    Raises:
        UsageError: `pre` is none. RequirementsRefused: it is no version, or lower than `current`.
    """
    if pre is not None and pre not in PRES:
        raise UsageError(f"{shown(pre)} is no pre-release", where="--pre", fix=f"write one of {', '.join(PRES)}")
    new = _asked(asked, current, pre)
    # What the project has may be none of ours: the numbers of 1!2.0.0 lead to 2.0.1, which comes before it.
    if new < current:
        following = next_version(current, "patch")
        fix = f"write a higher one: `venvbuild release bump patch` makes {following}"
        if current.epoch:
            fix = f"no release has an epoch: write {_numbers(current)} where the project says its version"
        raise RequirementsRefused(f"{new} is lower than {current}, which the project has", fix=fix, rule="VERSION")
    return new


def _asked(asked: str, current: Version, pre: Pre | None) -> Version:
    if asked in PARTS:
        return next_version(current, asked, pre)
    if pre is not None:
        raise RequirementsRefused(
            f"--pre is for major, minor and patch, and not for {shown(asked)}",
            fix=f"leave --pre out, or write `venvbuild release bump minor --pre {pre}`",
            rule="VERSION",
        )
    if asked in PRES:
        return next_pre_of(current, asked)
    return final_of(current) if asked == "final" else read_version(asked)


def in_the_way(version: Version, others: frozenset[Version], *, older_line: bool = False) -> Version | None:
    """The highest of `others` that `version` is not greater than; with `older_line`, of its own X.Y only."""
    line = version.release[:2]
    compared = [one for one in others if not older_line or one.release[:2] == line]
    highest = max(compared, default=None)
    return highest if highest is not None and version <= highest else None


def _numbers(version: Version) -> str:
    """Its three, as SemVer has them: 0.2.0 of 0.2rc1."""
    return ".".join(map(str, (*version.release, 0, 0)[:3]))


def _pre_of(version: Version) -> tuple[str, int] | None:
    if version.pre:
        return _NAMES[version.pre[0]], version.pre[1]
    return ("dev", version.dev) if version.dev is not None else None
