"""Graphs of names: what hangs together in a circle, and where one begins to read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Protocol, TypeVar


class Node(Protocol):
    """One of a graph, as a report has it."""

    @property
    def name(self) -> str:
        """Its own."""

    @property
    def needs(self) -> Sequence[str]:
        """Names that an arrow leads to; some may not be in the graph."""

    @property
    def is_pinned(self) -> bool:
        """Whether somebody asked for it by name."""


N = TypeVar("N", bound=Node)


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


def tops(packages: Iterable[N]) -> tuple[N, ...]:
    """Where to begin to read: the packages that no other needs, by name; of packages that need each other in a ring
    which nothing else leads to, one: a pinned one where there is any.
    """
    by_name = {package.name: package for package in packages}
    edges = {name: [need for need in package.needs if need in by_name] for name, package in by_name.items()}
    rings = tuple(components(edges))
    ring_of = {name: number for number, names in enumerate(rings) for name in names}
    led_to = {ring_of[need] for name, ends in edges.items() for need in ends if ring_of[need] != ring_of[name]}
    found = [
        min((by_name[name] for name in names), key=lambda one: (not one.is_pinned, one.name))
        for number, names in enumerate(rings)
        if number not in led_to
    ]
    return tuple(sorted(found, key=lambda one: one.name))
