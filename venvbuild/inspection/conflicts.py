"""Finds what the installed distributions need and do not get. Pure: data in, data out.

    missing version python extra url platform duplicate metadata     the environment is not conflict free
    unknown-extra files overlap cycle                                worth knowing; never a failure

Two real packages that need each other (kedro and kedro-telemetry) are a cycle and fine.
Source: requirements and markers PEP 508, versions PEP 440, tags PEP 425 and PEP 600, direct_url.json PEP 610.
"""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from urllib.parse import unquote

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import InvalidVersion, Version

from venvbuild.graph import components
from venvbuild.inspection.dependencies import Dependency, DependencyWalk, Root, without_credentials
from venvbuild.inspection.findings import Finding, about
from venvbuild.installed import Distribution, owners
from venvbuild.interpreters import Target
from venvbuild.text import printable

# Of one finding in `files`; a hostile RECORD can claim a million.
_FILES_SHOWN = 100


def find_conflicts(
    distributions: Collection[Distribution], roots: Iterable[Root], target: Target
) -> tuple[Finding, ...]:
    """What the installed distributions need and do not get, and what else is odd about them.

    Requirements are judged with the target's markers; those of an extra count when somebody asks for the extra, the
    requirements file included. One finding per distribution and requirement. Sorted by distribution and type, the
    same for every order of the input; empty when all is well. Nothing raises: what cannot be understood is a finding.
    """
    walk = DependencyWalk(distributions, roots, target)
    found: set[Finding] = {*walk.findings}
    for need in walk.needs:
        found.update(_judged(need, walk.by_name.get(need.name, [])))
    for distribution in distributions:
        found.update(_own_findings(distribution, target))
    found.update(_duplicates(walk.by_name))
    found.update(_overlaps(distributions, walk))
    found.update(_cycles(walk))
    parents = walk.parents()
    with_chain = (replace(finding, chain=walk.chain(finding.distribution, parents)) for finding in found)
    return tuple(sorted(with_chain, key=_order))


def _order(finding: Finding) -> tuple[str, ...]:
    return finding.distribution, finding.type, finding.label, finding.requirement, finding.found


def _judged(need: Dependency, same: Sequence[Distribution]) -> Iterator[Finding]:
    """Whether one of the installed distributions of the needed name will do."""
    dependent, requirement = need.dependent, need.requirement
    label = dependent.label
    if need.extra:
        label = f"{dependent.name}[{need.extra}] {dependent.version or ''}".rstrip()
    if not same:
        yield about(
            dependent,
            "extra" if need.extra else "missing",
            label=label,
            requirement=need.text,
            fix=f"add {need.name} to the requirements file",
        )
    elif requirement.url:
        if not any(_is_from(one, requirement.url) for one in same):
            yield about(
                dependent,
                "url",
                label=label,
                requirement=need.text,
                found=_with_origin(same[0]),
                fix=f"pin a version of {dependent.name} that does not need {need.name} from a URL",
            )
    elif not any(_meets(one, requirement.specifier) for one in same):
        wanted = requirement.specifier
        yield about(
            dependent,
            "version",
            label=label,
            requirement=need.text,
            found=same[0].label,
            fix=f"pin {need.name} to a version that meets {wanted}, or {dependent.name} to one that accepts "
            f"{same[0].label}",
        )


def _meets(distribution: Distribution, specifier: SpecifierSet) -> bool:
    try:
        # A pre-release counts: it is installed after all.
        return specifier.contains(Version(distribution.version or ""), prereleases=True)
    except InvalidVersion:
        return True  # a finding of its own, not this one


def _is_from(distribution: Distribution, url: str) -> bool:
    """Whether the distribution was installed from `url` (PEP 610); credentials and `#name=` parts do not matter."""
    origin = distribution.direct_url
    if origin is None:
        return False
    wanted, _, fragment = url.partition("#")
    vcs, plus, repository = wanted.partition("+")
    is_vcs = bool(plus) and "/" not in vcs
    if is_vcs:
        where, at, revision = repository.rpartition("@")
        if not at or "/" not in where.partition("://")[2]:
            where, revision = repository, ""  # the @ belongs to user@host, or there is none
        of_vcs = origin.get("vcs_info")
        installed = of_vcs if isinstance(of_vcs, dict) else {}
        return (
            installed.get("vcs") == vcs
            and _same_url(where, str(origin["url"]))
            and (not revision or revision in (installed.get("requested_revision"), installed.get("commit_id")))
        )
    return _same_url(wanted, str(origin["url"])) and _same_hash(fragment, origin.get("archive_info"))


def _same_url(one: str, other: str) -> bool:
    return unquote(without_credentials(one)) == unquote(without_credentials(other.partition("#")[0]))


def _same_hash(fragment: str, archive_info: object) -> bool:
    """Whether no hash in the fragment differs from a recorded one; not every installer records one."""
    wanted = dict(part.partition("=")[::2] for part in fragment.split("&"))
    recorded = archive_info.get("hashes") if isinstance(archive_info, dict) else None
    # uv records no hashes for a local wheel.
    known = recorded if isinstance(recorded, dict) else {}
    return all(wanted[algorithm] == known[algorithm] for algorithm in wanted.keys() & known.keys())


def _with_origin(distribution: Distribution) -> str:
    origin = distribution.direct_url
    return f"{distribution.label} from " + (
        printable(without_credentials(str(origin["url"]))) if origin else "the package index"
    )


def _own_findings(distribution: Distribution, target: Target) -> Iterator[Finding]:
    """What can be said of a distribution without looking at the others."""
    for problem in distribution.problems:
        yield about(
            distribution,
            "metadata",
            label=printable(distribution.dist_info),
            found=problem,
            fix=f"pin another version of {distribution.name}, or build the environment afresh",
        )
    python = target.marker_environment["python_full_version"].rstrip("+")  # 3.14.0a1+ is a build from a checkout
    if distribution.requires_python:
        supported = _pythons(distribution.requires_python)
        if supported is None:
            yield about(
                distribution,
                "metadata",
                fix=f"pin another version of {distribution.name}",
                found=f"has the Requires-Python {distribution.requires_python!r}, which PEP 440 cannot read",
            )
        # uv itself takes no notice of an upper bound such as <3.8.
        elif not supported.contains(python, prereleases=True):
            yield about(
                distribution,
                "python",
                requirement=distribution.requires_python,
                found=python,
                fix=f"pin a version of {distribution.name} that supports Python {python}, "
                "or choose another PYTHON_VERSION",
            )
    if distribution.tags and target.tags.isdisjoint(distribution.tags):
        yield about(
            distribution,
            "platform",
            found=", ".join(distribution.tags),
            fix=f"pin a version of {distribution.name} that has a wheel for this platform",
        )
    if distribution.damage:
        yield _damaged(distribution)


def _pythons(text: str) -> SpecifierSet | None:
    """What Requires-Python allows; None when it cannot be read."""
    try:
        # Before 2022 `>=3.6.*` was accepted everywhere and is still found in many packages; it means `>=3.6`, as uv
        # reads it too (and pip takes no notice of it).
        return SpecifierSet(re.sub(r"([<>]=?\s*[\d.]+)\.\*", r"\1", text))
    except InvalidSpecifier:
        return None


def _damaged(distribution: Distribution) -> Finding:
    counts: dict[str, int] = {}
    for _, what in distribution.damage:
        counts[what] = counts.get(what, 0) + 1
    words = {"missing": "missing", "changed": "of another size", "outside": "outside the environment"}
    found = ", ".join(f"{counts[what]} {words[what]}" for what in words if what in counts)
    paths = sorted(printable(path) for path, _ in distribution.damage)
    return about(
        distribution,
        "files",
        found=found,
        files=tuple(paths[:_FILES_SHOWN]),
        file_count=len(paths),
        fix=f"install {distribution.name} again",
    )


def _duplicates(by_name: Mapping[str, Sequence[Distribution]]) -> Iterator[Finding]:
    for same in by_name.values():
        if len(same) > 1:
            # The folders, since two of one name may be of one version, too.
            folders = ", ".join(printable(one.dist_info) for one in same)
            yield Finding(
                "duplicate",
                same[0].canonical_name,
                same[0].name,
                found=folders,
                fix="build the environment afresh; which of them Python sees is chance",
            )


def _overlaps(distributions: Collection[Distribution], walk: DependencyWalk) -> Iterator[Finding]:
    """One finding per group of distributions that share paths. Two of one name are a duplicate, not an overlap."""
    first: dict[str, Distribution] = {}
    for distribution in sorted(distributions, key=lambda one: (one.canonical_name, one.dist_info)):
        # Sorted before, so that the sentence is the same whatever the order of the folder.
        first.setdefault(distribution.canonical_name, distribution)
    groups: dict[tuple[str, ...], list[Path]] = {}
    for path, names in owners(distributions).items():
        different = tuple(sorted(set(names)))
        if len(different) > 1:
            groups.setdefault(different, []).append(path)
    for names, paths in groups.items():
        sharing = [first[name] for name in names]
        shown = sorted(printable(os.path.relpath(path, sharing[0].site_packages)) for path in paths)
        yield about(
            sharing[0],
            "overlap",
            found=" and ".join(one.label for one in sharing[1:]),
            files=tuple(shown[:_FILES_SHOWN]),
            file_count=len(paths),
            fix=_fix_overlap(sharing, {*paths}, walk),
        )


def _fix_overlap(sharing: Sequence[Distribution], paths: Collection[Path], walk: DependencyWalk) -> str:
    """Which of them can be left out, so that no path has two owners any more."""
    promised = [{(one.path_of(row), row.hash) for row in one.record or ()} for one in sharing]
    of_paths = [{(path, digest) for path, digest in rows if path in paths} for rows in promised]
    if all(rows == of_paths[0] for rows in of_paths) and all(digest for _, digest in of_paths[0]):
        return "nothing: what they bring is the same"
    names = {one.canonical_name for one in sharing}
    needs = [need for need in walk.needs if need.name in names and need.dependent.canonical_name not in names]
    needed = {need.name for need in needs}
    free = [one for one in sharing if one.canonical_name in walk.root_names and one.canonical_name not in needed]
    if len(free) == len(sharing):
        return f"keep one of them in the requirements file: {' or '.join(one.name for one in free)}"
    who = ", ".join(dict.fromkeys(f"{need.dependent.label} needs {need.text}" for need in needs))
    if free and len(free) == len(sharing) - 1:
        return f"remove {' and '.join(one.name for one in free)} from the requirements file, since {who}"
    return (
        f"you decide whether that matters, since none can be left out: {who}; the files are those of {sharing[-1].name}"
    )


def _cycles(walk: DependencyWalk) -> Iterator[Finding]:
    for names in components(walk.edges()):
        if len(names) > 1:
            first, *others = (walk.by_name[name][0] for name in names)
            yield about(first, "cycle", found=" and ".join(one.label for one in others), fix="nothing: it is allowed")
