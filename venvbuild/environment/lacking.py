"""What pins need, nobody pinned, and no wheel is there of: who needs it, and the lines to add.

The walk comes upon such names on the way of the newest versions, where a resolver may go another. So one is told of
only where a pin itself needs it, or where the pin at the start cannot be resolved without a stand-in of it
(`Conflicts`).
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from packaging.specifiers import SpecifierSet
from packaging.version import Version

from venvbuild.environment.alternatives import ABOUT_SOURCE, buildable, choice, other_pythons
from venvbuild.environment.contradictions import Ask, Walk, merged, serving, unique
from venvbuild.environment.wanted import Wanted
from venvbuild.errors import Problem
from venvbuild.interpreters import Interpreter
from venvbuild.package_index import Project
from venvbuild.parallel import each


@dataclass(frozen=True)
class Lack:
    """A name of which nothing fits that somebody needs."""

    name: str
    """Canonical (PEP 503)."""
    ask: Ask
    """One that no version meets, whatever the others ask for."""
    chain: tuple[Ask, ...]
    """From the pin at the start to it."""
    root: Wanted
    """That pin."""
    asked: SpecifierSet
    """What all who ask allow."""
    project: Project | None


def lacking(walk: Walk) -> list[Lack]:
    """What a walk came upon."""
    found = []
    each(walk.index.project, walk.asked)  # only to have asked all at once
    for name, asks in sorted(walk.asked.items()):
        if name in walk.pins or walk.chosen(name) is not None:
            continue
        project = walk.index.project(name)
        for ask in unique(asks):
            if project is None or serving(project, ask.requirement.specifier, walk.interpreter) is None:
                chain = tuple(walk.chain(name))
                found.append(Lack(name, ask, chain, walk.pins[chain[0].who], merged(asks), project))
                break
    return found


def put_stand_ins(folder: Path, lacks: Iterable[Lack], interpreter: Interpreter) -> None:
    """A wheel of nothing for each of them into `folder`: only to try whether they are all that is lacking."""
    for lack in lacks:
        version = _stand_in_version(lack, interpreter)
        stem = f"{lack.name.replace('-', '_')}-{version}"
        metadata = f"Metadata-Version: 2.1\nName: {lack.name}\nVersion: {version}\n"
        with zipfile.ZipFile(folder / f"{stem}-py3-none-any.whl", "w") as archive:
            archive.writestr(f"{stem}.dist-info/METADATA", metadata)
            archive.writestr(f"{stem}.dist-info/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
            archive.writestr(f"{stem}.dist-info/RECORD", "")


def _stand_in_version(lack: Lack, interpreter: Interpreter) -> Version:
    specifier = lack.ask.requirement.specifier
    there = list(specifier.filter(lack.project.versions)) if lack.project else []
    asked = [Version(f"{one.version.removesuffix('.*')}{more}") for one in specifier for more in ("", ".1")]
    source = buildable(lack.project, interpreter, lack.asked) if lack.project else []
    return next(reversed([*specifier.filter([Version("1"), *asked]), *there, *source]), Version("1"))


def problem_of(lack: Lack, interpreter: Interpreter) -> Problem:
    """Who needs it, from the pin at the start, and what helps."""
    root = lack.root
    target = f"Python {interpreter.version} on {interpreter.platform}"
    way = ", ".join(f"{ask.label} needs {ask.needs}" for ask in lack.chain) if len(lack.chain) > 1 else ""
    needs = f"{lack.ask.label} needs {lack.ask.needs}"
    if lack.project is None:
        return Problem(
            f"{needs}, and the index has no package {lack.name!r}",
            root.where,
            way,
            "is this the right index? does it mirror PyPI? name the one that has it: --extra-index-urls URL",
            "NO_SUCH_PROJECT",
            line=root.line,
        )
    within = list(lack.ask.requirement.specifier.filter(lack.project.versions, prereleases=True))
    if not within:
        return Problem(
            f"{needs}, and the index has no such version",
            root.where,
            way or f"the newest of {lack.name} is {max(lack.project.versions, default='too new')}",
            f"another version of {root.name} may need another; or name the index that has it: --extra-index-urls URL",
            "NO_SUCH_VERSION",
            line=root.line,
        )
    return Problem(
        f"{needs}, and no such version has a wheel for {target}",
        root.where,
        way,
        choice(list(_ways(lack, lack.project, interpreter)))
        or f"no other Python and no source of {lack.name} helps; another version of {root.name} may not need it",
        "NO_WHEEL",
        line=root.line,
    )


def _ways(lack: Lack, project: Project, interpreter: Interpreter) -> Iterator[str]:
    source = buildable(project, interpreter, lack.asked) or buildable(
        project, interpreter, lack.ask.requirement.specifier
    )
    if source:
        hashes = _hash_of_source(project, source[-1]) if lack.root.hashes else ""
        yield (
            f"add the line {lack.name}=={source[-1]}{hashes} and allow its source, {ABOUT_SOURCE}: "
            f"--allow-sdist {lack.name}"
        )
    files = [
        file
        for version in lack.ask.requirement.specifier.filter(project.versions)
        for file in project.files_of(version)
        if file.yanked is None
    ]
    pythons = other_pythons(files, interpreter)
    if pythons:
        yield f"use another Python that it has a wheel for: --python {pythons[0]}"


def _hash_of_source(project: Project, version: Version) -> str:
    """A file with hashes has one on every line."""
    return next(
        (f" --hash=sha256:{file.sha256}" for file in project.files_of(version) if not file.is_wheel and file.sha256), ""
    )
