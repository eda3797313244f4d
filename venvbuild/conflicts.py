"""Finds what the installed distributions need and do not get. Pure: data in, data out.

    missing version python extra url platform duplicate metadata     the environment is not conflict free
    unknown-extra files overlap cycle                                worth knowing; never a failure

Two real packages that need each other (kedro and kedro-telemetry) are a cycle and fine.
Source: requirements and markers PEP 508, versions PEP 440, tags PEP 425 and PEP 600, direct_url.json PEP 610.
"""

from __future__ import annotations

import os
import re
from collections import deque
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any
from urllib.parse import unquote

from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from venvbuild.distributions import Distribution, owners, printable
from venvbuild.redaction import strip_credentials

FAILING = frozenset({"missing", "version", "python", "extra", "url", "platform", "duplicate", "metadata"})
REPORTED = frozenset({"unknown-extra", "files", "overlap", "cycle"})

_FILES_SHOWN = 100
"""Of one finding in `files`; a hostile RECORD can claim a million."""


@dataclass(frozen=True)
class Root:
    """A pin of the requirements file that holds on the target."""

    canonical_name: str
    extras: tuple[str, ...] = ()


@dataclass(frozen=True)
class Target:
    """The Python an environment is for; it need not be the one that runs us."""

    marker_environment: Mapping[str, str]
    """All eleven variables of PEP 508 but `extra`."""
    tags: frozenset[str]
    """The wheel tags it can install: `cp311-cp311-manylinux_2_17_x86_64`."""


@dataclass(frozen=True)
class Need:
    """A requirement that counts on the target."""

    dependent: Distribution
    requirement: Requirement
    extra: str = ""
    """The extra of `dependent` that asks for it; empty when it is always needed."""

    @cached_property
    def name(self) -> str:
        """The PEP 503 name of what is needed."""
        return canonicalize_name(self.requirement.name)

    @cached_property
    def text(self) -> str:
        """The requirement without its marker and without credentials."""
        url = f" @ {_without_credentials(self.requirement.url)}" if self.requirement.url else ""
        return printable(self.text_without_url + url)

    @property
    def text_without_url(self) -> str:
        """`name[extras]>=1`."""
        extras = f"[{','.join(sorted(self.requirement.extras))}]" if self.requirement.extras else ""
        return f"{self.requirement.name}{extras}{self.requirement.specifier}"


@dataclass(frozen=True)
class Finding:
    """One thing that is not as it should be."""

    type: str
    """One of FAILING or REPORTED."""
    distribution: str
    """PEP 503 name of the distribution it is about; empty for the requirements file itself."""
    label: str
    """How `distribution` is called in the sentence: `httpx 0.27.0`, `httpx[http2] 0.27.0`, `the requirements file`."""
    version: str | None = None
    requirement: str = ""
    """Without its marker; a version specifier when the type is python."""
    found: str = ""
    """What is there instead: `httpcore 0.18.0`."""
    chain: tuple[str, ...] = ()
    """From a pin of the requirements file to the distribution, `name version` each; empty when no pin leads there."""
    fix: str = ""
    files: tuple[str, ...] = ()
    """Paths relative to site-packages, at most 100; only for files and overlap."""
    file_count: int = 0

    @property
    def is_failure(self) -> bool:
        """Whether an environment with this finding is not conflict free."""
        return self.type in FAILING

    @property
    def sentence(self) -> str:
        """`httpx 0.27.0 needs httpcore==1.*, httpcore 0.18.0 is installed`: one line, no final stop."""
        return _SENTENCES[self.type].format(
            label=self.label, requirement=self.requirement, found=self.found, files=_few(self.files, self.file_count)
        )

    def as_json(self) -> dict[str, Any]:
        """One entry of conflicts.json."""
        return {
            "type": self.type,
            "is_failure": self.is_failure,
            "sentence": self.sentence,
            "fix": self.fix,
            "distribution": self.distribution,
            "version": self.version,
            "requirement": self.requirement,
            "found": self.found,
            "chain": list(self.chain),
            "files": list(self.files),
            "file_count": self.file_count,
        }


_SENTENCES = {
    "missing": "{label} needs {requirement}, which is not installed",
    "version": "{label} needs {requirement}, {found} is installed",
    "python": "{label} needs Python {requirement}, this is Python {found}",
    "extra": "{label} needs {requirement}, which is not installed",
    "url": "{label} needs {requirement}, {found} is installed",
    "platform": "{label} is built for {found}, which this platform does not support",
    "duplicate": "{label} is installed more than once: {found}",
    "metadata": "{label} {found}",
    "unknown-extra": "{label} needs {requirement}, {found} has no such extra",
    "files": "{label} is not as its RECORD says: {found}: {files}",
    "overlap": "{label} and {found} own the same path: {files}",
    "cycle": "{label} and {found} need each other",
}


def find_conflicts(
    distributions: Collection[Distribution], roots: Iterable[Root], target: Target
) -> tuple[Finding, ...]:
    """What the installed distributions need and do not get, and what else is odd about them.

    Requirements are judged with the target's markers; those of an extra count when somebody asks for the extra, the
    requirements file included. One finding per distribution and requirement. Sorted by distribution and type, the
    same for every order of the input; empty when all is well. Nothing raises: what cannot be understood is a finding.
    """
    walk = _Walk(distributions, roots, target)
    found: set[Finding] = {*walk.findings}
    for need in walk.needs:
        found.update(_judged(need, walk.by_name.get(need.name, [])))
    for distribution in distributions:
        found.update(_own_findings(distribution, target))
    found.update(_duplicates(walk.by_name))
    found.update(_overlaps(distributions))
    found.update(_cycles(walk))
    parents = walk.parents()
    with_chain = (replace(finding, chain=walk.chain(finding.distribution, parents)) for finding in found)
    return tuple(sorted(with_chain, key=_order))


def _order(finding: Finding) -> tuple[str, ...]:
    return finding.distribution, finding.type, finding.label, finding.requirement, finding.found


def render(findings: Iterable[Finding]) -> str:
    """A line for each finding: the sentence of conflicts.txt."""
    return "".join(f"{finding.sentence}\n" for finding in findings)


def needs(distributions: Collection[Distribution], roots: Iterable[Root], target: Target) -> tuple[Need, ...]:
    """Every requirement that counts on the target: markers true, extras asked for; in the order of `distributions`."""
    return _Walk(distributions, roots, target).needs


class _Walk:
    """Which extras are asked for, and so which requirements count."""

    def __init__(self, distributions: Collection[Distribution], roots: Iterable[Root], target: Target) -> None:
        self._environment = dict(target.marker_environment)
        self._roots = sorted(set(roots), key=lambda root: (root.canonical_name, root.extras))
        self.by_name: dict[str, list[Distribution]] = {}
        for distribution in sorted(distributions, key=lambda one: (one.canonical_name, one.dist_info)):
            self.by_name.setdefault(distribution.canonical_name, []).append(distribution)
        self.findings: list[Finding] = []
        self._requirements = {id(one): self._parsed(one) for same in self.by_name.values() for one in same}
        self._asked: deque[tuple[str, str]] = deque()
        self._seen: set[tuple[str, str]] = set()
        found = list(self._walked())
        # Of one requirement that counts several times the first stays: without an extra, where it counts without one.
        unique = {(id(need.dependent), id(need.requirement)): need for need in reversed(found)}
        self.needs = tuple(
            sorted(
                unique.values(),
                key=lambda need: (
                    need.dependent.canonical_name,
                    need.dependent.dist_info,
                    need.name,
                    need.text,
                    need.extra,
                ),
            )
        )

    def _walked(self) -> Iterator[Need]:
        for name in self.by_name:
            self._ask(name, "")
        for root in self._roots:
            self._ask_as_root(root)
        while self._asked:
            name, extra = self._asked.popleft()
            for dependent in self.by_name[name]:
                for requirement in self._requirements[id(dependent)]:
                    if self._counts(dependent, requirement, extra):
                        need = Need(dependent, requirement, extra)
                        for wanted in sorted(map(canonicalize_name, requirement.extras)):
                            self._ask(need.name, wanted, need)
                        yield need

    def _ask(self, name: str, extra: str, need: Need | None = None) -> None:
        same = self.by_name.get(name)
        if not same:
            return
        if (name, extra) not in self._seen:
            self._seen.add((name, extra))
            self._asked.append((name, extra))
        if need and not _provides(same, extra):
            self.findings.append(_unknown_extra(need, same))

    def _ask_as_root(self, root: Root) -> None:
        same = self.by_name.get(root.canonical_name)
        if not same:
            self.findings.append(
                Finding(
                    "missing",
                    "",
                    "the requirements file",
                    requirement=root.canonical_name,
                    fix=f"install {root.canonical_name} again",
                )
            )
            return
        for extra in sorted(map(canonicalize_name, root.extras)):
            self._ask(root.canonical_name, extra)
            if not _provides(same, extra):
                wanted = f"{root.canonical_name}[{extra}]"
                self.findings.append(
                    Finding(
                        "unknown-extra",
                        "",
                        "the requirements file",
                        requirement=wanted,
                        found=same[0].label,
                        fix=_fix_unknown_extra(same),
                    )
                )

    def _parsed(self, distribution: Distribution) -> list[Requirement]:
        parsed = []
        for text in distribution.requires:
            try:
                parsed.append(Requirement(text))
            except (InvalidRequirement, RecursionError):
                self._unreadable(distribution, f"says that it needs {text!r}, which PEP 508 cannot read")
        return parsed

    def _counts(self, dependent: Distribution, requirement: Requirement, extra: str) -> bool:
        marker = requirement.marker
        try:
            return marker is None or marker.evaluate({**self._environment, "extra": extra})
        except (ValueError, KeyError, TypeError, RecursionError):
            self._unreadable(
                dependent, f"needs {requirement.name} under the condition {str(marker)!r}, which cannot be judged"
            )
            return False

    def _unreadable(self, distribution: Distribution, what: str) -> None:
        self.findings.append(
            _about(
                distribution,
                "metadata",
                found=_without_credentials(what),
                fix=f"pin another version of {distribution.name}",
            )
        )

    def parents(self) -> dict[str, str]:
        """For each name that a root leads to, the name before it on a shortest way; a root has an empty one."""
        edges = self.edges()
        found = {root.canonical_name: "" for root in self._roots if root.canonical_name in self.by_name}
        waiting = deque(found)
        while waiting:
            name = waiting.popleft()
            for needed in edges[name]:
                if needed not in found:
                    found[needed] = name
                    waiting.append(needed)
        return found

    def chain(self, name: str, parents: Mapping[str, str]) -> tuple[str, ...]:
        """The labels from a root to `name`, itself included; empty when no root leads there."""
        labels = []
        while name in parents:
            labels.append(self.by_name[name][0].label)
            name = parents[name]
        return tuple(reversed(labels))

    def edges(self) -> dict[str, list[str]]:
        """Installed name -> the installed names it needs, sorted, itself left out (`a[all]` may need `a[b]`)."""
        edges: dict[str, set[str]] = {name: set() for name in self.by_name}
        for need in self.needs:
            if need.name in edges and need.name != need.dependent.canonical_name:
                edges[need.dependent.canonical_name].add(need.name)
        return {name: sorted(needed) for name, needed in edges.items()}


def _about(distribution: Distribution, kind: str, **facts: Any) -> Finding:
    facts.setdefault("label", distribution.label)
    return Finding(kind, distribution.canonical_name, version=distribution.version, **facts)


def _judged(need: Need, same: Sequence[Distribution]) -> Iterator[Finding]:
    """Whether one of the installed distributions of the needed name will do."""
    dependent, requirement = need.dependent, need.requirement
    label = dependent.label
    if need.extra:
        label = f"{dependent.name}[{need.extra}] {dependent.version or ''}".rstrip()
    if not same:
        yield _about(
            dependent,
            "extra" if need.extra else "missing",
            label=label,
            requirement=need.text,
            fix=f"add {need.name} to the requirements file",
        )
    elif requirement.url:
        if not any(_is_from(one, requirement.url) for one in same):
            yield _about(
                dependent,
                "url",
                label=label,
                requirement=need.text,
                found=_with_origin(same[0]),
                fix=f"pin a version of {dependent.name} that does not need {need.name} from a URL",
            )
    elif not any(_meets(one, requirement.specifier) for one in same):
        wanted = requirement.specifier
        yield _about(
            dependent,
            "version",
            label=label,
            requirement=need.text,
            found=same[0].label,
            fix=f"pin {need.name} to a version that meets {wanted}, or {dependent.name} to one that accepts "
            f"{same[0].label}",
        )


def _meets(distribution: Distribution, specifier: SpecifierSet) -> bool:
    """A pre-release counts, it is installed after all. An unreadable version is a finding of its own, not this one."""
    try:
        return specifier.contains(Version(distribution.version or ""), prereleases=True)
    except InvalidVersion:
        return True


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
    return unquote(_without_credentials(one)) == unquote(_without_credentials(other.partition("#")[0]))


def _same_hash(fragment: str, archive_info: object) -> bool:
    """Whether no hash in the fragment differs from a recorded one; not every installer records one."""
    wanted = dict(part.partition("=")[::2] for part in fragment.split("&"))
    recorded = archive_info.get("hashes") if isinstance(archive_info, dict) else None
    known = recorded if isinstance(recorded, dict) else {}
    return all(wanted[algorithm] == known[algorithm] for algorithm in wanted.keys() & known.keys())


def _with_origin(distribution: Distribution) -> str:
    origin = distribution.direct_url
    return f"{distribution.label} from " + (
        printable(_without_credentials(str(origin["url"]))) if origin else "the package index"
    )


def _without_credentials(text: str) -> str:
    """Any text without the user info of the URLs in it."""
    try:
        return strip_credentials(text) if re.match(r"[\w+.-]+://\S*\Z", text) else _USERINFO.sub("", text)
    except ValueError:  # not a URL after all: an unclosed [ for instance
        return _USERINFO.sub("", text)


_USERINFO = re.compile(r"(?<=://)[^\s/]+@")


def _provides(same: Sequence[Distribution], extra: str) -> bool:
    return any(extra == canonicalize_name(known) for one in same for known in one.provides_extras)


def _unknown_extra(need: Need, same: Sequence[Distribution]) -> Finding:
    return _about(
        need.dependent, "unknown-extra", requirement=need.text, found=same[0].label, fix=_fix_unknown_extra(same)
    )


def _fix_unknown_extra(same: Sequence[Distribution]) -> str:
    known = ", ".join(sorted({extra for one in same for extra in one.provides_extras}))
    return f"nothing, unless something is missing at run time; {same[0].label} has " + (known or "no extras")


def _own_findings(distribution: Distribution, target: Target) -> Iterator[Finding]:
    """What can be said of a distribution without looking at the others."""
    for problem in distribution.problems:
        yield _about(
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
            yield _about(
                distribution,
                "metadata",
                fix=f"pin another version of {distribution.name}",
                found=f"has the Requires-Python {distribution.requires_python!r}, which PEP 440 cannot read",
            )
        elif not supported.contains(python, prereleases=True):
            yield _about(
                distribution,
                "python",
                requirement=distribution.requires_python,
                found=python,
                fix=f"pin a version of {distribution.name} that supports Python {python}, "
                "or choose another PYTHON_VERSION",
            )
    if distribution.tags and target.tags.isdisjoint(distribution.tags):
        yield _about(
            distribution,
            "platform",
            found=", ".join(distribution.tags),
            fix=f"pin a version of {distribution.name} that has a wheel for this platform",
        )
    if distribution.damage:
        yield _damaged(distribution)


def _pythons(text: str) -> SpecifierSet | None:
    """What Requires-Python allows; None when it cannot be read.

    Before 2022 `>=3.6.*` was accepted everywhere and is still found in many packages; it means `>=3.6`, as uv reads
    it too (and pip takes no notice of it).
    """
    try:
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
    return _about(
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
            folders = ", ".join(printable(one.dist_info) for one in same)
            yield Finding(
                "duplicate",
                same[0].canonical_name,
                same[0].name,
                found=folders,
                fix="build the environment afresh; which of them Python sees is chance",
            )


def _overlaps(distributions: Collection[Distribution]) -> Iterator[Finding]:
    """One finding per group of distributions that share paths. Two of one name are a duplicate, not an overlap."""
    first: dict[str, Distribution] = {}
    for distribution in sorted(distributions, key=lambda one: (one.canonical_name, one.dist_info)):
        first.setdefault(distribution.canonical_name, distribution)
    groups: dict[tuple[str, ...], list[str]] = {}
    for path, names in owners(distributions).items():
        different = tuple(sorted(set(names)))
        if len(different) > 1:
            shown = printable(os.path.relpath(path, first[different[0]].site_packages))
            groups.setdefault(different, []).append(shown)
    for names, paths in groups.items():
        others = " and ".join(first[name].label for name in names[1:])
        yield _about(
            first[names[0]],
            "overlap",
            found=others,
            files=tuple(sorted(paths)[:_FILES_SHOWN]),
            file_count=len(paths),
            fix="keep only one of them; which one's file is there is a matter of order",
        )


def _cycles(walk: _Walk) -> Iterator[Finding]:
    for names in components(walk.edges()):
        if len(names) > 1:
            first, *others = (walk.by_name[name][0] for name in names)
            yield _about(first, "cycle", found=" and ".join(one.label for one in others), fix="nothing: it is allowed")


def components(edges: Mapping[str, Sequence[str]]) -> Iterator[list[str]]:
    """The strongly connected components of a graph whose every node is a key, names sorted in each.

    Kosaraju's algorithm, without recursion: chains can be long.
    """
    finished: list[str] = []
    seen: set[str] = set()
    for start in edges:
        stack = [(start, iter(edges[start]))] if start not in seen else []
        seen.add(start)
        while stack:
            name, rest = stack[-1]
            following = next((other for other in rest if other not in seen), None)
            if following is None:
                finished.append(stack.pop()[0])
            else:
                seen.add(following)
                stack.append((following, iter(edges[following])))
    backwards: dict[str, list[str]] = {name: [] for name in edges}
    for name, others in edges.items():
        for other in others:
            backwards[other].append(name)
    unassigned = set(edges)
    for start in reversed(finished):
        component, waiting = [], [start] if start in unassigned else []
        unassigned.discard(start)
        while waiting:
            component.append(waiting.pop())
            fresh = [other for other in backwards[component[-1]] if other in unassigned]
            unassigned.difference_update(fresh)
            waiting += fresh
        if component:
            yield sorted(component)


def _few(paths: Sequence[str], count: int) -> str:
    more = f" and {count - 3} more" if count > 3 else ""
    return ", ".join(paths[:3]) + more
