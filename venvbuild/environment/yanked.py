"""Versions that their publisher withdrew (PEP 592) and that somebody asks for exactly, so that they are installed."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Sequence

from packaging.version import Version

from venvbuild.environment.alternatives import other_versions
from venvbuild.environment.wanted import Wanted
from venvbuild.errors import Problem, VenvBuildError
from venvbuild.interpreters import Interpreter
from venvbuild.package_index import PackageIndex
from venvbuild.text import shown

_MAX_REASON = 300


def yanked(closure: Iterable[Wanted], said: str, index: PackageIndex, interpreter: Interpreter) -> list[Problem]:
    """A warning for each of the closure that is yanked, with its reason; `said` are the resolver's words.

    Only what these words name is asked for, and then the index is believed, not they.
    """
    found = []
    for one in closure:
        if one.at(one.version) in said:
            with contextlib.suppress(VenvBuildError):  # a warning is worth no failure
                project = index.project(one.name)
                files = project.files_of(Version(one.version)) if project else []
                found += judged(one, [file.yanked for file in files], index, interpreter)
    return found


def judged(one: Wanted, reasons: Sequence[str | None], index: PackageIndex, interpreter: Interpreter) -> list[Problem]:
    """That it is yanked, where all its files are, by the reasons of these (None: it is not); and what to write."""
    if not reasons or None in reasons:
        return []
    try:
        project = index.project(one.name)
        nearest = other_versions(one, project, interpreter) if project else ""
        fix = f"write {nearest}, the nearest that is not" if nearest else f"use another package than {one.name}"
    except VenvBuildError:  # a hint is worth no failure
        fix = f"pin another version of {one.name}; the index does not answer now, so which there are is not known"
    return [
        Problem(
            f"{one.at(one.version)} is yanked",
            one.where,
            _on_one_line(next(filter(None, reasons), "")) or "its publisher withdrew it, and gives no reason",
            fix,
            "YANKED",
            line=one.line,
        )
    ]


def _on_one_line(reason: str) -> str:
    """Its publisher's words, which may be many."""
    return shown(" ".join(reason.split()), _MAX_REASON)
