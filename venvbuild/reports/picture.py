"""The dependencies as a picture: what needs stands left of what is needed, with lines that can be followed.

Graphviz only says where to put the boxes: it is given numbers and sizes, no name, and what is drawn is drawn here. To
keep 150 packages readable, a line that another way makes plain is left out, what very many need is named inside their
boxes instead of being drawn, and packages without any line are left to the list.
"""

from __future__ import annotations

import logging
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from venvbuild.process import CommandFailed, Completed, clean_environment, run
from venvbuild.run import Outcome, Package

log = logging.getLogger(__name__)

HUB = 6
"""What so many packages need is not drawn."""
_MAX_BOXES = 400  # more than this nobody follows, and Graphviz takes minutes
_TIMEOUT_S = 60
_POINTS = 72  # Graphviz' inch
_LETTER, _SMALL = 6.8, 5.6  # width of a letter of the two sizes of text, in points: there is no font to measure with
_HEIGHT, _LINE = 20, 13
_SHOWN_HUBS = 3


@dataclass(frozen=True)
class Graph:
    """What is to be drawn."""

    boxes: Mapping[str, Package]
    lines: frozenset[tuple[str, str]]
    """(needs, is needed)."""
    hubs: Mapping[str, int]
    """Packages that are not drawn, and how many need each."""
    alone: tuple[str, ...]
    """Packages that have no line."""

    @property
    def hubs_by_need(self) -> tuple[tuple[str, int], ...]:
        """The hubs, what most need first."""
        return tuple(sorted(self.hubs.items(), key=lambda item: (-item[1], item[0])))

    def hubs_of(self, name: str) -> tuple[str, ...]:
        """The hubs that a box needs, the rarest first: these tell most about it."""
        found = [need for need in self.boxes[name].needs if need in self.hubs]
        return tuple(sorted(found, key=lambda hub: (self.hubs[hub], hub)))


@dataclass(frozen=True)
class Line:
    """From what needs to what is needed."""

    curve: str
    """As SVG writes a path."""
    is_suspect: bool
    """Whether a conflict is about both ends."""


@dataclass(frozen=True)
class Box:
    """A package; x and y are its middle."""

    name: str
    kind: str
    """`suspect` where a conflict is about it, `pinned` or `other`."""
    x: float
    y: float
    width: float
    height: float
    label: str
    label_y: float
    hubs: str
    """Those that it needs, as text; may be empty."""
    hubs_y: float


@dataclass(frozen=True)
class Picture:
    """Where to draw what could be drawn, in points."""

    width: float
    height: float
    lines: tuple[Line, ...]
    boxes: tuple[Box, ...]
    graph: Graph


def of(outcome: Outcome, run: Callable[..., Completed] = run) -> Picture | None:
    """The picture; None where Graphviz is absent or fails, or when there is no line, or far too many boxes, to draw."""
    env = clean_environment()
    program = shutil.which("dot", path=env.get("PATH", ""))
    # Before lines are left out, which costs the square of their number and leaves every box that has one a line.
    boxes = _joined(_lines(outcome.packages, _hubs(outcome.packages)))
    if program is None or not 0 < len(boxes) <= _MAX_BOXES:
        return None
    graph = graph_of(outcome.packages)
    names = sorted(graph.boxes)
    try:
        with tempfile.NamedTemporaryFile("w", suffix=".dot") as source:
            source.write(_dot(graph, names))
            source.flush()
            plan = run([program, "-Tplain", source.name], env=env, timeout_s=_TIMEOUT_S).stdout
    except (CommandFailed, OSError) as error:
        log.warning("no picture of the dependencies: %s", error)
        return None
    suspects = {name for conflict in outcome.conflicts for name in conflict.packages}
    return _drawn(plan, graph, names, suspects)


def graph_of(packages: Iterable[Package]) -> Graph:
    """The packages without hubs, and the lines between them that no other way makes plain."""
    by_name = {package.name: package for package in packages}
    hubs = _hubs(by_name.values())
    reduced = _reduced(_lines(by_name.values(), hubs))
    joined = _joined(reduced)
    boxes = {name: package for name, package in by_name.items() if name in joined}
    return Graph(boxes, frozenset(reduced), hubs, tuple(sorted(by_name.keys() - joined - hubs.keys())))


def _hubs(packages: Iterable[Package]) -> dict[str, int]:
    # a package needs itself where one extra of it asks for another
    needed = Counter(need for package in packages for need in package.needs if need != package.name)
    return {name: count for name, count in needed.items() if count >= HUB}


def _lines(packages: Iterable[Package], hubs: Mapping[str, int]) -> set[tuple[str, str]]:
    return {
        (package.name, need)
        for package in packages
        for need in package.needs
        if package.name not in hubs and need not in hubs and need != package.name
    }


def _joined(lines: Iterable[tuple[str, str]]) -> set[str]:
    return {name for line in lines for name in line}


def _reduced(lines: Iterable[tuple[str, str]]) -> set[tuple[str, str]]:
    """Without the lines whose end is reached without them."""
    left: dict[str, set[str]] = {}
    for start, end in lines:
        left.setdefault(start, set()).add(end)
    # one at a time: in a ring each line has another way until the last one is gone
    for start, end in sorted(lines):
        left[start].discard(end)
        if end not in _reachable(start, left):
            left[start].add(end)
    return {(start, end) for start, ends in left.items() for end in ends}


def _reachable(start: str, lines: Mapping[str, set[str]]) -> set[str]:
    waiting, reached = list(lines[start]), set(lines[start])
    while waiting:
        for name in lines.get(waiting.pop(), ()):
            if name not in reached and name != start:
                reached.add(name)
                waiting.append(name)
    return reached


def _label(name: str, graph: Graph) -> tuple[str, str]:
    hubs = graph.hubs_of(name)
    more = f" +{len(hubs) - _SHOWN_HUBS}" if len(hubs) > _SHOWN_HUBS else ""
    return f"{name} {graph.boxes[name].version}", ("+ " + ", ".join(hubs[:_SHOWN_HUBS]) + more) if hubs else ""


def _size(name: str, graph: Graph) -> tuple[float, float]:
    first, second = _label(name, graph)
    return max(len(first) * _LETTER, len(second) * _SMALL) + 16, _HEIGHT + (_LINE if second else 0)


def _dot(graph: Graph, names: list[str]) -> str:
    # numbers for names: nothing that a package is called reaches Graphviz, which would obey some of it
    text = ['digraph{rankdir=LR;ranksep=0.5;nodesep=0.1;node[shape=box,fixedsize=true,label=""];edge[arrowhead=none]']
    for number, name in enumerate(names):
        width, height = _size(name, graph)
        text.append(f"n{number}[width={width / _POINTS:.3f},height={height / _POINTS:.3f}]")
    place = {name: number for number, name in enumerate(names)}
    text += [f"n{place[start]}->n{place[end]}" for start, end in sorted(graph.lines)]
    return ";".join(text) + "}\n"


def _drawn(plan: str, graph: Graph, names: list[str], suspects: set[str]) -> Picture:
    rows = [line.split() for line in plan.splitlines()]
    width, height = (float(number) * _POINTS for number in rows[0][2:4])
    lines, boxes = [], []
    for row in rows:
        if row[0] == "edge":
            ends = {names[int(row[1][1:])], names[int(row[2][1:])]}
            numbers = [float(number) for number in row[4 : 4 + 2 * int(row[3])]]
            lines.append(Line(_curve(numbers, height), ends <= suspects))
        elif row[0] == "node":
            name = names[int(row[1][1:])]
            # Graphviz counts from the bottom, SVG from the top
            x, y = float(row[2]) * _POINTS, height - float(row[3]) * _POINTS
            boxes.append(_box(name, graph, x, y, is_suspect=name in suspects))
    return Picture(width, height, tuple(lines), tuple(boxes), graph)


def _curve(numbers: list[float], height: float) -> str:
    points = [f"{x * _POINTS:.1f} {height - y * _POINTS:.1f}" for x, y in zip(numbers[::2], numbers[1::2], strict=True)]
    return f"M {points[0]} C {' '.join(points[1:])}"


def _box(name: str, graph: Graph, x: float, y: float, *, is_suspect: bool) -> Box:
    width, height = _size(name, graph)
    label, hubs = _label(name, graph)
    kind = "suspect" if is_suspect else "pinned" if graph.boxes[name].is_pinned else "other"
    label_y = y + 4 - (_LINE / 2 if hubs else 0)
    return Box(name, kind, x, y, width, height, label, label_y, hubs, label_y + _LINE)
