"""index.html: the run as a page that needs no script, shown as it is under the policy which Jenkins serves files with.

That policy allows style sheets and images from files beside the page and nothing else: no script, no `style`, neither
element nor attribute. So all looks are in report.css, and drawings are SVG with presentation attributes. The mark-up is
in `templates/`, which take all text for text; what is chosen and put in order is here.
"""

from __future__ import annotations

import shlex
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from venvbuild.builds import Metadata, places
from venvbuild.graph import tops
from venvbuild.redaction import REDACTOR, strip_credentials
from venvbuild.reports import picture, templating, words
from venvbuild.run import Outcome, Package

_FIRST = 20
"""Packages that are listed before the rest is folded away."""
_MOST_CARDS = 200
_MOST_OPEN_NOTES = 5  # more would keep a reader from the packages
_MAX_DEPTH = 50  # of packages in the tree: nobody reads deeper, and browsers nest some 500 elements only
_BESIDE = (places.BUILD_LOG, "summary.md", "junit.xml", "issues.json", "report.sarif")


def render(outcome: Outcome) -> str:
    """The file's text."""
    has_needs = any(package.needs for package in outcome.packages)
    return templating.fill(
        "page.html.j2",
        outcome=outcome,
        most_cards=_MOST_CARDS,
        most_rows=_FIRST,
        most_open_notes=_MOST_OPEN_NOTES,
        by_size=sorted(outcome.packages, key=lambda one: (-(one.size_bytes or 0), one.name)),
        picture=picture.of(outcome) if has_needs else None,
        rows=list(_tree(outcome.packages)) if has_needs else [],
        beside=[name for name in _BESIDE if name != places.BUILD_LOG or outcome.last_lines],
        stored=stored(outcome.metadata) if outcome.metadata else None,
        result=words.result(outcome),
        revision=words.revision(outcome.source_revision),
    )


@dataclass(frozen=True)
class Row:
    """A package's place in the tree; what it needs follows it, one deeper."""

    package: Package
    depth: int
    """From 1."""
    need_count: int
    is_told_elsewhere: bool
    """It is a link only: to a row before, or, where this would be too deep, after."""


def _tree(packages: Iterable[Package]) -> Iterator[Row]:
    """Every package once with what it needs, below what needs it first; other mentions are links."""
    by_name = {package.name: package for package in packages}
    told: set[str] = set()
    waiting = deque(tops(by_name.values()))
    while waiting:
        package = waiting.popleft()
        if package.name not in told:
            yield from _branch(package, by_name, told, waiting)


def _branch(top: Package, by_name: Mapping[str, Package], told: set[str], too_deep: deque[Package]) -> Iterator[Row]:
    """What is too deep in it is a link, and comes into `too_deep`, to be told at the top."""
    # without recursion: a chain may be as long as a hostile index likes
    waiting = [(top, 1)]
    while waiting:
        one, depth = waiting.pop()
        needs = [by_name[name] for name in one.needs if name in by_name]
        is_link = one.name in told or depth > _MAX_DEPTH
        yield Row(one, depth, len(needs), is_link)
        if not is_link:
            told.add(one.name)
            waiting += reversed([(need, depth + 1) for need in needs])  # from a stack they come in order again
        elif one.name not in told:
            too_deep.append(one)


@dataclass(frozen=True)
class Stored:
    """Where the build's objects are in the store."""

    folder: str
    """Its URL."""
    names: tuple[str, ...]
    command: str
    """Restores the environment, typed into a shell of whoever reaches the store."""


def stored(metadata: Metadata) -> Stored:
    """Where the build's objects are, without credentials."""
    version = metadata["venv_version"]
    # Who opens a store refuses a URL with credentials; were there one all the same, nobody reads it here.
    store = REDACTOR.redact(strip_credentials(places.store_url(metadata["venv_archive"], version)))
    command = shlex.join(["venvbuild", "get", version, "./venv", "--store", store])
    names = (places.METADATA, places.archive_name(version), *sorted(metadata["files"]))
    return Stored(f"{store}/{places.key(version, '')}", tuple(dict.fromkeys(names)), command)
