"""Pages of the index that never end, or that fill the memory when they are inflated, while uv reads them.

uv reads a page to its end, however large it is and for as long as a byte comes now and then; only we have a limit. So
where uv takes long, or much memory, we ask for the same pages ourselves, and end it with what we found.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from venvbuild.environment.contradictions import needed_by, serving
from venvbuild.errors import VenvBuildError
from venvbuild.interpreters import Interpreter
from venvbuild.package_index import ENDLESS, PackageIndex
from venvbuild.parallel import each

# Far beyond what uv takes for 150 packages, 3 s and 134 MB; a look costs a request or two a package.
_PATIENCE_S = 20.0
_MEMORY_BYTES = 1 << 30
# Projects looked at before giving up, as in `contradictions`.
_LIMIT = 1000


class PageWatch:
    """Looks for an endless page while a run of uv is at what `sources` name; called every second with its pid."""

    def __init__(self, index: PackageIndex, interpreter: Interpreter, sources: Sequence[Path]) -> None:
        self._index, self._interpreter, self._sources = index, interpreter, sources
        self._begun = time.monotonic()
        self._due_s, self._due_bytes = _PATIENCE_S, _MEMORY_BYTES
        self._looking: threading.Thread | None = None
        self.found: VenvBuildError | None = None
        """What to raise instead of that the run did not end."""

    def __call__(self, pid: int) -> bool:
        """Whether the run is to be ended."""
        seconds, size = time.monotonic() - self._begun, _resident_bytes(pid)
        is_due = seconds >= self._due_s or size >= self._due_bytes
        if is_due and not (self._looking and self._looking.is_alive()):
            # Less and less often, where nothing is found.
            self._due_s, self._due_bytes = max(self._due_s, 3 * seconds), max(self._due_bytes, 2 * size)
            self._looking = threading.Thread(target=self._look, daemon=True)
            self._looking.start()
        return self.found is not None

    def _look(self) -> None:
        """Read what the sources name, and what that needs, level by level."""
        asked: set[str] = set()
        todo = {canonicalize_name(one.name): one for one in _named(self._sources)}
        while todo and not self.found and len(asked) < _LIMIT:
            asked |= todo.keys()
            needed = [one for needs in each(self._needs, todo.values()) for one in needs]
            todo = {name: one for one in needed if (name := canonicalize_name(one.name)) not in asked}

    def _needs(self, wish: Requirement) -> list[Requirement]:
        """What the newest version that fits needs; nothing where that cannot be known."""
        try:
            return list(self._asked(wish))
        except VenvBuildError as error:
            # Of all else uv learns for itself, and tries again.
            if any(problem.rule == ENDLESS for problem in error.problems):
                self.found = error
            return []

    def _asked(self, wish: Requirement) -> Iterator[Requirement]:
        project = self._index.project(canonicalize_name(wish.name))
        version = serving(project, wish.specifier or SpecifierSet(), self._interpreter) if project else None
        wheels = project.wheels(version, self._interpreter.ranks) if project and version else []
        lines = self._index.requirements_of(wheels[0]) if wheels else []
        for extra in ("", *map(canonicalize_name, wish.extras)):
            for line in lines:
                needed = needed_by(line, extra, self._interpreter.marker_environment)
                if needed:
                    yield needed


def _named(sources: Iterable[Path]) -> Iterator[Requirement]:
    """The requirements of files of ours: a line each, or a line and its hashes."""
    for source in sources:
        for line in source.read_text("utf-8").splitlines():
            try:
                yield Requirement(line.removesuffix("\\").partition(" --hash")[0])
            except InvalidRequirement:
                continue


def _resident_bytes(pid: int) -> int:
    """What a process holds in memory (proc(5), statm); 0 where nobody says."""
    try:
        return int(Path(f"/proc/{pid}/statm").read_text("ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, IndexError, ValueError):
        return 0
