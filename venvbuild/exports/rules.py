"""Rules of consumers, as data: what one asks of a build, where that is written, and when it was read there."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple

from venvbuild.archive import BASE
from venvbuild.exports.build import Build
from venvbuild.text import size_text

State = Literal["met", "broken", "NOT CHECKED"]
BUNDLE_PYTHON = "--bundle-python"
"""The flag of `build` that puts the interpreter inside."""


class Source(NamedTuple):
    """Where a rule is written."""

    page: str
    """A URL."""
    read_on: str
    """YYYY-MM-DD."""


class Finding(NamedTuple):
    """What a rule finds."""

    state: State
    saw: str
    """Of the build; of what is not checked, why not and how it can be."""
    fix: str = ""
    """Of a broken one: what to do beside the `flags`, or where no flag of `build` does it."""
    flags: tuple[str, ...] = ()
    """Of a broken one: a flag of `build` that makes what is asked for, and its value if it has one, in which `{python}`
    is the X.Y of the build that is to be."""
    without: tuple[str, ...] = ()
    """Of a broken one: flags that this build was made with, and the next one must not be."""


class SizeLimit(NamedTuple):
    """The most that something may hold, and what to do where it is more."""

    size_bytes: int
    fix: str


@dataclass(frozen=True)
class Rule:
    """One thing that a consumer asks of a build."""

    name: str
    """Unique for its consumer: `python`."""
    wants: str
    """In a line."""
    source: Source
    judge: Callable[[Build, Path | None], Finding]
    """From the build, and from what was made of it where the rule is about that."""
    is_of_what_is_made: bool = False
    """Whether it can be judged only when the file is there; before, it is not checked."""


@dataclass(frozen=True)
class Verdict:
    """A rule, judged for a build."""

    rule: Rule
    finding: Finding

    @property
    def state(self) -> State:
        """Met, broken or NOT CHECKED."""
        return self.finding.state


def python_among(versions: Sequence[str], wants: str, source: Source) -> Rule:
    """The Python X.Y is one of `versions`, the newest first."""

    def judge(build: Build, _: Path | None) -> Finding:
        saw = f"Python {build.python_version}"
        if build.python_version in versions:
            return Finding("met", saw)
        return Finding("broken", saw, flags=("--python", versions[0]))

    return Rule("python", wants, source, judge)


def link_leads_to(places: Callable[[str], Sequence[str]], wants: str, source: Source) -> Rule:
    """`bin/python` links to one of the `places` of a Python X.Y, or the interpreter is inside."""

    def judge(build: Build, _: Path | None) -> Finding:
        if build.is_bundled:
            return Finding("met", "the interpreter is inside")
        saw = f"bin/python leads to {build.link}" if build.link else "there is no bin/python"
        if build.link in places(build.python_version):
            return Finding("met", saw)
        return Finding("broken", saw, flags=("--python-path", places("{python}")[0]))

    return Rule("link", wants, source, judge)


def has_link(source: Source) -> Rule:
    """There is a `bin/python`, wherever it leads, but not to a Python that by its name has another X.Y."""

    def judge(build: Build, _: Path | None) -> Finding:
        if build.is_bundled:
            return Finding("met", "the interpreter is inside")
        saw = f"bin/python leads to {build.link}" if build.link else "there is no bin/python"
        if build.links_to_another:
            saw = f"{saw}, and the packages are for Python {build.python_version}"
        elif build.link:
            return Finding("met", saw)
        return Finding("broken", saw, flags=("--python-path", "/usr/bin/python{python}"))

    return Rule("link", "the archive has bin/python, which leads to its Python X.Y", source, judge)


def platform_among(platforms: Sequence[str], wants: str, source: Source) -> Rule:
    """The build is for one of `platforms`; also one of pure Python, which may lack what another one needs."""

    def judge(build: Build, _: Path | None) -> Finding:
        if build.platform in platforms:
            return Finding("met", build.platform)
        machine = platforms[0].partition("_")[2]
        return Finding("broken", build.platform, fix=f"build it on an agent of that architecture, {machine}")

    return Rule("platform", wants, source, judge)


def glibc_at_most(newest: Mapping[str, str], otherwise: str, wants: str, source: Source) -> Rule:
    """The build needs no newer glibc than there is: by Python X.Y, or `otherwise`."""

    def judge(build: Build, _: Path | None) -> Finding:
        return glibc_finding(build, newest.get(build.python_version, otherwise))

    return Rule("glibc", wants, source, judge)


def glibc_finding(build: Build, there: str) -> Finding:
    """Whether the glibc that is `there` will do."""
    if build.glibc is None:
        return Finding("met", "it needs none")
    saw = f"it needs {build.glibc}, and there is {there}"
    if _numbers(build.glibc) <= _numbers(there):
        return Finding("met", saw)
    without = (BUNDLE_PYTHON,) if build.is_bundled else ()
    also = "".join(f", without {flag}" for flag in without)
    fix = f"pin older versions of the packages that need it, or build on a machine with glibc {there}{also}"
    return Finding("broken", saw, fix=fix, without=without)


def archive_at_most(limit_bytes: int, wants: str, source: Source) -> Rule:
    """The archive is no larger; the stored one and one of another layout differ by some bytes only."""

    def judge(build: Build, made: Path | None) -> Finding:
        size_bytes = made.stat().st_size if made else build.archive.build["archive_size_bytes"]
        if size_bytes <= limit_bytes:
            return Finding("met", size_text(size_bytes))
        return Finding("broken", size_text(size_bytes), fix=f"leave out what is not needed: {largest(build)}")

    return Rule("size", wants, source, judge)


def has_package(name: str, versions: Mapping[str, Sequence[str]], wants: str, source: Source) -> Rule:
    """The package is inside, in one of the `versions` for the build's Python X.Y, the newest first."""

    def judge(build: Build, _: Path | None) -> Finding:
        there, fit = build.packages.get(name), versions.get(build.python_version, ())
        saw = f"{name}=={there}" if there else f"there is no {name}"
        if there in fit:
            return Finding("met", saw)
        if not fit:
            saw, (python, others) = (
                f"{saw}, and none is for Python {build.python_version}",
                next(iter(versions.items())),
            )
            fix = "" if there in others else f"write {name}=={others[0]} into requirements.txt"
            return Finding("broken", saw, fix, ("--python", python))
        fix = f"write {name}=={fit[0]} into requirements.txt, and build it again"
        return Finding("broken", saw, fix=fix)

    return Rule("packages", wants, source, judge)


def has_libraries(who: str, source: Source) -> Rule:
    """The machines have what an interpreter inside loads of theirs; nothing in a build tells."""

    def judge(build: Build, _: Path | None) -> Finding:
        if not build.libraries:
            return Finding("met", "it needs none" if build.is_bundled else "no interpreter is inside")
        return Finding("NOT CHECKED", f"they must have {', '.join(build.libraries)}")

    return Rule("libraries", f"{who} have the libraries of an interpreter inside", source, judge)


def not_checked(name: str, wants: str, why: str, source: Source, *, inside: Finding | None = None) -> Rule:
    """What nothing in a build tells; `why` says what to look at, with {python_version}, {link}, {platform}, {glibc}.

    `inside` is the finding where the build brings its interpreter, if that is another one.
    """

    def judge(build: Build, _: Path | None) -> Finding:
        if inside and build.is_bundled:
            return inside._replace(saw=inside.saw.format(**told_of(build)))
        return Finding("NOT CHECKED", why.format(**told_of(build)))

    def told_of(build: Build) -> Mapping[str, str]:
        link = build.link or "no bin/python"
        glibc = f"glibc {build.glibc} or newer" if build.glibc else "any C library"
        return {"python_version": build.python_version, "link": link, "platform": build.platform, "glibc": glibc}

    return Rule(name, wants, source, judge)


def largest(build: Build, count: int = 3) -> str:
    """Its largest distributions: `torch 1.8 GB, scipy 90.1 MB`."""
    sizes: dict[str, int] = {}
    for fragment in build.archive.index.fragments:
        if fragment.distribution not in (None, "pip", BASE):  # these nobody asked for
            sizes[fragment.distribution] = sizes.get(fragment.distribution, 0) + fragment.plain_length
    first = sorted(sizes.items(), key=lambda one: (-one[1], one[0]))[:count]
    return ", ".join(f"{name} {size_text(size)}" for name, size in first)


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"[0-9]+", version)[:2])
