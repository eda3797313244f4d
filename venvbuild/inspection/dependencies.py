"""Which requirements of the installed distributions count on the target: markers true, extras asked for.

Source: requirements and markers PEP 508.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from venvbuild.inspection.findings import Finding, about
from venvbuild.installed import Distribution
from venvbuild.interpreters import Target
from venvbuild.redaction import strip_credentials
from venvbuild.text import printable


@dataclass(frozen=True)
class Root:
    """A pin of the requirements file that holds on the target."""

    canonical_name: str
    extras: tuple[str, ...] = ()


@dataclass(frozen=True)
class Dependency:
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
        url = f" @ {without_credentials(self.requirement.url)}" if self.requirement.url else ""
        return printable(self.text_without_url + url)

    @property
    def text_without_url(self) -> str:
        """`name[extras]>=1`."""
        extras = f"[{','.join(sorted(self.requirement.extras))}]" if self.requirement.extras else ""
        return f"{self.requirement.name}{extras}{self.requirement.specifier}"


def dependencies(
    distributions: Collection[Distribution], roots: Iterable[Root], target: Target
) -> tuple[Dependency, ...]:
    """Every requirement that counts on the target: markers true, extras asked for; in the order of `distributions`."""
    return DependencyWalk(distributions, roots, target).needs


class DependencyWalk:
    """Which extras are asked for, and so which requirements count."""

    def __init__(self, distributions: Collection[Distribution], roots: Iterable[Root], target: Target) -> None:
        self._environment = dict(target.marker_environment)
        self._roots = sorted(set(roots), key=lambda root: (root.canonical_name, root.extras))
        self.by_name: dict[str, list[Distribution]] = {}
        for distribution in sorted(distributions, key=lambda one: (one.canonical_name, one.dist_info)):
            self.by_name.setdefault(distribution.canonical_name, []).append(distribution)
        self.findings: list[Finding] = []
        # By identity: two folders of one name may say the same.
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

    @property
    def root_names(self) -> frozenset[str]:
        """What the requirements file names, in PEP 503 form."""
        return frozenset(root.canonical_name for root in self._roots)

    def _walked(self) -> Iterator[Dependency]:
        # Everything that is installed, needed by anybody or not, has needs of its own.
        for name in self.by_name:
            self._ask(name, "")
        for root in self._roots:
            self._ask_as_root(root)
        while self._asked:
            name, extra = self._asked.popleft()
            for dependent in self.by_name[name]:
                for requirement in self._requirements[id(dependent)]:
                    if self._counts(dependent, requirement, extra):
                        need = Dependency(dependent, requirement, extra)
                        for wanted in sorted(map(canonicalize_name, requirement.extras)):
                            self._ask(need.name, wanted, need)
                        yield need

    def _ask(self, name: str, extra: str, need: Dependency | None = None) -> None:
        same = self.by_name.get(name)
        if not same:
            return
        # Requirements go in circles (kedro and kedro-telemetry, a[all] and a[b]).
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
            # A marker of a thousand brackets.
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
            about(
                distribution,
                "metadata",
                found=without_credentials(what),
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


def without_credentials(text: str) -> str:
    """Any text without the user info of the URLs in it."""
    return re.sub(r"[\w+.-]+://\S+", lambda url: strip_credentials(url[0]), text)


def _provides(same: Sequence[Distribution], extra: str) -> bool:
    return any(extra == canonicalize_name(known) for one in same for known in one.provides_extras)


def _unknown_extra(need: Dependency, same: Sequence[Distribution]) -> Finding:
    return about(
        need.dependent, "unknown-extra", requirement=need.text, found=same[0].label, fix=_fix_unknown_extra(same)
    )


def _fix_unknown_extra(same: Sequence[Distribution]) -> str:
    known = ", ".join(sorted({extra for one in same for extra in one.provides_extras}))
    return f"nothing, unless something is missing at run time; {same[0].label} has " + (known or "no extras")
