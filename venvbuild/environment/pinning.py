"""What somebody wants as exact pins: resolved by uv from copies that hold nothing else, and why that failed."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

from venvbuild import requirements
from venvbuild.environment.ages import Rules
from venvbuild.environment.allowed import Allowed, allowed, first_right
from venvbuild.environment.alternatives import ABOUT_SOURCE, newest
from venvbuild.environment.closure import lock
from venvbuild.environment.diagnosis import why_not
from venvbuild.environment.package_source import PackageSource
from venvbuild.environment.sdists import build_sdists
from venvbuild.environment.tries import without_wheels
from venvbuild.environment.wanted import Wanted
from venvbuild.errors import IntegrityError, Problem, ResolutionError, UsageError
from venvbuild.package_index import Project
from venvbuild.parallel import each
from venvbuild.process import CommandFailed
from venvbuild.requirements import Pin, Requirements, Wish, WishFile
from venvbuild.text import shown

# `    # via -r source-0.in`, or one of several lines of them; what stands before the name is our own folder.
_VIA = re.compile(r"-[rc] .*?(source-\d+\.in)$")


@dataclass(frozen=True)
class CompileRequest:
    """What is to be pinned, and where to."""

    files: tuple[Path, ...]
    output: Path
    constraints: tuple[Path, ...] = ()
    upgrade: tuple[str, ...] = ()
    """Names whose version in the output is not kept."""
    extras: tuple[str, ...] = ()
    """Of projects among `files`."""
    allow_sdist: tuple[str, ...] = ()
    allow_python_download: bool = False


@dataclass
class Entry:
    """One pin of the output."""

    name: str
    version: str
    hashes: tuple[str, ...] = ()
    comments: list[str] = field(default_factory=list)

    def text(self) -> str:
        """Its lines in the file."""
        lines = [" \\\n    --hash=".join((f"{self.name}=={self.version}", *self.hashes)), *self.comments]
        return "".join(f"{line}\n" for line in lines)


def relative(path: Path, folder: Path) -> str:
    """`path` as seen from the folder of the output: the same wherever the checkout lies."""
    return shown(os.path.relpath(path, folder), 200)


class Resolution:
    """What the tries of one resolution share."""

    def __init__(
        self,
        request: CompileRequest,
        files: Sequence[WishFile],
        existing: Sequence[Pin],
        source: PackageSource,
        rules: Rules,
        wait: Callable[[float], None],
    ) -> None:
        self._request, self._files, self._existing = request, files, existing
        self._source, self._rules, self._wait = source, rules, wait
        self._upgrade = {canonicalize_name(name) for name in request.upgrade}
        self._kept = {pin.canonical_name: pin for pin in existing if pin.canonical_name not in self._upgrade}
        environment = source.interpreter.marker_environment
        self._wishes = [wish for file in files for wish in file.wishes if wish.holds(environment)]

    def resolve(self) -> list[Entry]:
        """The pins, sorted by name."""
        self._build_what_is_allowed()
        try:
            self._pin()
        except CommandFailed as failure:
            self._explain(failure)
            # The index answers well for all that was asked for: it was away for a moment, or the reason lies deep.
            self._wait(1.0)
            try:
                self._pin()
            except CommandFailed as second:
                only_source = [*self._only_source(second)]
                if not only_source:
                    self._lock_exact_ones()
                raise ResolutionError.of([*only_source, _said_by_uv(second)]) from failure
        return [self._checked(entry) for entry in self._entries()]

    def elsewhere(self) -> str:
        """Lines of the output which hold on other machines only: pinned again in place, the file keeps them.

        Raises:
            ResolutionError: one has no hashes, and the index has none for it.
        """
        output, lines = self._request.output.resolve(), []
        for wish in (wish for file in self._files if file.path.resolve() == output for wish in file.wishes):
            pin = wish.pin
            if pin is None or pin.holds:
                continue
            hashes = wish.hashes or self._hashes(pin.canonical_name, pin.version)
            if not hashes:
                raise ResolutionError(
                    f"there are no hashes for {pin.name}=={pin.version}, which is not installed here",
                    where=wish.where,
                    line=wish.line,
                    why="the index has no such file, and all pins have hashes or none has",
                    fix="remove the line, or name another file with -o, which is then for this platform only",
                    rule="NO_SUCH_VERSION",
                )
            lines.append(f"{replace(pin, hashes=hashes).as_requirement()}\n")
        return "".join(lines)

    def _hashes(self, name: str, version: str) -> tuple[str, ...]:
        """Those of all files that the index has of this version."""
        project = self._source.index.project(name)
        files = [file for file in project.files if is_equal(str(file.version), version)] if project else []
        return tuple(sorted(f"sha256:{file.sha256}" for file in files if file.sha256))

    @property
    def _output(self) -> Path:
        return self._source.scratch / "pinned.txt"

    def _pin(self) -> None:
        copies: dict[bool, list[Path]] = {False: [], True: []}
        for number, file in enumerate(self._files):
            copy = self._source.scratch / f"source-{number}.in"
            copy.write_text("".join(f"{wish.requirement}\n" for wish in file.wishes), "utf-8")
            copies[file.is_constraint].append(copy)
        # Without their hashes, which uv would believe; they are compared in `_checked`.
        kept = "".join(f"{pin.canonical_name}=={pin.version}\n" for pin in self._existing if pin.holds)
        self._output.write_text(kept, "utf-8")
        self._source.installer.pin(
            copies[False],
            self._output,
            self._source.interpreter,
            constraints=copies[True],
            upgrade=sorted(self._upgrade),
            find_links=self._source.wheels,
        )

    def _entries(self) -> list[Entry]:
        folder = Path(os.path.abspath(self._request.output)).parent
        names = {f"source-{number}.in": relative(file.path, folder) for number, file in enumerate(self._files)}
        entries: list[Entry] = []
        for line in self._output.read_text("utf-8").splitlines():
            if line.startswith("    --hash="):
                digest = line.removeprefix("    --hash=").rstrip(" \\")
                entries[-1].hashes += (digest,)
            elif line.startswith("    #"):
                comment = _VIA.sub(lambda found: f"{found[0][:3]}{names[found[1]]}", line)
                entries[-1].comments.append(comment)
            elif "==" in line:
                name, _, version = line.rstrip(" \\").partition("==")
                entries.append(Entry(canonicalize_name(name), version))
        return entries

    def _checked(self, entry: Entry) -> Entry:
        """The entry with those of its hashes that were given, when some were: these files are wanted and no others."""
        if entry.name in self._source.built:
            # The index has no wheel of it; what is built from is to be the same.
            entry.hashes = self._hashes(entry.name, entry.version)
        before: tuple[str, ...] = ()
        for where, hashes in self._given(entry):
            found = self._allowed(entry, hashes)
            if not found.hashes or _are_others(found.hashes, before):
                raise IntegrityError(
                    f"no file of {entry.name} {entry.version} has one of the hashes given",
                    where=where,
                    line=int(where.rpartition(":")[2]),
                    why=found.text,
                    fix="compare the two; if those of the index are right, delete the line's hashes and compile again",
                    rule="WRONG_BYTES",
                )
            entry.hashes = before = found.hashes
        return entry

    def _allowed(self, entry: Entry, hashes: tuple[str, ...]) -> Allowed:
        """Which of the files these hashes allow."""
        source, sdist = self._source, self._source.sources.get(entry.name)
        if sdist is None:
            return allowed((entry.name, entry.version), entry.hashes, hashes, source.index, source.interpreter)
        kept = tuple(one for one in entry.hashes if one in hashes)
        read = first_right(() if kept else [sdist], hashes, source.index)
        return Allowed(kept or ((read.sha256,) if read.file else ()), read.seen or entry.hashes)

    def _given(self, entry: Entry) -> Iterator[tuple[str, tuple[str, ...]]]:
        """Where hashes of this very version were given, and which."""
        for wish in self._wishes:
            if wish.name == entry.name and wish.hashes and wish.pin and is_equal(wish.pin.version, entry.version):
                yield wish.where, wish.hashes
        pin = self._kept.get(entry.name)
        if pin and pin.hashes and is_equal(pin.version, entry.version):
            yield f"{shown(str(self._request.output), 200)}:{pin.line}", pin.hashes

    # --- source distributions

    def _build_what_is_allowed(self) -> None:
        """Wheels of the allowed names that have none, so that uv need not run anybody's code."""
        chosen = {}
        for name in sorted({canonicalize_name(name) for name in self._request.allow_sdist}):
            if name not in {wish.name for wish in self._wishes}:
                raise UsageError(
                    f"--allow-sdist names {shown(name, 40)}, which no file asks for",
                    where="--allow-sdist",
                    why="what is built from source must be a version you chose",
                    fix=f"write {shown(name, 40)}==<version> into {_first(self._request)}, or leave it out",
                )
            project = self._source.index.project(name)
            version = self._newest(name, project) if project else None
            if version:
                chosen[name] = version
        if chosen:
            text = "".join(f"{name}=={version}\n" for name, version in chosen.items())
            pins = requirements.parse(text.encode(), "--allow-sdist", self._source.interpreter.marker_environment)
            self._source = build_sdists(pins, replace(self._source, sdists=tuple(chosen)), self._rules)

    def _asked(self, name: str) -> SpecifierSet:
        """What all lines that hold here ask of `name` together."""
        return SpecifierSet(",".join(str(wish.requirement.specifier) for wish in self._wishes if wish.name == name))

    def _newest(self, name: str, project: Project) -> Version | None:
        """The version that is wanted of `name`: the one that is kept, or the newest that is asked for."""
        specifier = self._asked(name)
        kept = self._kept.get(name)
        if kept and specifier.contains(kept.version, prereleases=True) and Version(kept.version) in project.versions:
            return Version(kept.version)
        return newest(project, self._source.interpreter, specifier)

    # --- why it failed

    def _explain(self, failure: CommandFailed) -> None:
        """Raise what on this machine, on the index or in single lines is the reason, if it is that."""
        self._source.installer.judge_locally(failure, self._source.scratch)
        index, names = self._source.index, sorted({wish.name for wish in self._wishes})
        projects = dict(zip(names, each(index.project, names), strict=True))
        problems = [problem for wish in self._wishes for problem in self._why_not(wish, projects[wish.name])]
        problems = problems or [one for name in names for one in self._why_not_together(name, projects[name])]
        if problems:
            raise ResolutionError.of(problems) from failure
        # What cannot be read says so here.
        each(self._read_newest, [project for project in projects.values() if project])

    def _lock_exact_ones(self) -> None:
        """Raise what a build of the exact requirements alone would say: which pins contradict each other."""
        pins = [wish.pin for wish in self._wishes if wish.pin]
        files = {wish.where.rpartition(":")[0] for wish in self._wishes if wish.pin}
        if len(files) == 1:
            alone = Requirements(files.pop(), "", tuple(pins), ())
            lock(alone, self._source, fail_on_conflicts=True, locked=False, wait=self._wait)

    def _read_newest(self, project: Project) -> None:
        version = self._newest(project.name, project)
        for wheel in project.wheels(version, self._source.interpreter.ranks)[:1] if version else ():
            self._source.index.requirements_of(wheel)

    def _why_not_together(self, name: str, project: Project | None) -> Iterator[Problem]:
        """Why no version of `name` meets all lines that ask for it, although one does for each."""
        asked = [wish for wish in self._wishes if wish.name == name]
        if project and not any(True for _ in self._asked(name).filter(project.versions, prereleases=True)):
            listed = ", ".join(f"{shown(str(wish.requirement))} ({wish.where})" for wish in asked[:10])
            yield Problem(
                f"no version of {name} meets all that is asked for",
                asked[-1].where,
                listed,
                "change one of these lines",
                "UNSATISFIABLE",
                asked[-1].line,
            )

    def _why_not(self, wish: Wish, project: Project | None) -> Iterator[Problem]:
        """Why nothing meets this one requirement, whatever the others ask; nothing when something does."""
        if project and not wish.pin and not any(True for _ in self._within(wish, project)):
            best = newest(project, self._source.interpreter, SpecifierSet())
            yield Problem(
                f"no version meets {shown(str(wish.requirement))}",
                wish.where,
                f"the index has {', '.join(str(one) for one in project.versions[-5:]) or 'none'}",
                f"ask for one of those; the newest for this Python is {best}" if best else "ask for one of those",
                "NO_SUCH_VERSION",
                wish.line,
            )
            return
        # Of several versions that fail, the newest is told of.
        first: list[Problem] = []
        for version in [wish.pin.version] if wish.pin else [*self._within(wish, project)]:
            allowed = wish.name in self._source.sdists
            extras = frozenset(map(canonicalize_name, wish.requirement.extras))
            wanted = Wanted(wish.name, version, extras, wish.where, sdist_allowed=allowed, line=wish.line)
            reasons = list(why_not(wanted, project, self._source.interpreter))
            if not reasons:
                return
            first = first or reasons
        yield from first

    def _within(self, wish: Wish, project: Project | None) -> Iterator[str]:
        """The versions that a requirement admits, newest first; one, whichever, of a package that is not there."""
        versions = project.versions if project else [Version("0")]
        specifier = wish.requirement.specifier if project else SpecifierSet()
        yield from map(str, sorted(specifier.filter(versions, prereleases=True), reverse=True))

    def _only_source(self, failure: CommandFailed) -> Iterator[Problem]:
        """What somebody needs that is there as source only: uv names it, and the index tells whether it is so."""
        for found in sorted(set(without_wheels(failure.output))):
            name, specifier = canonicalize_name(found[0]), SpecifierSet(found[1])
            project = self._source.index.project(name)
            version = newest(project, self._source.interpreter, specifier) if project else None
            if project is None or version is None or name in self._source.sdists:
                continue
            files = [file for file in project.files if file.version == version]
            for problem in why_not(Wanted(name, str(version)), project, self._source.interpreter):
                line = f"write {name}=={version} into {_first(self._request)}"
                allowed = f"{line}, and allow its source, {ABOUT_SOURCE}: --allow-sdist {name}"
                has_source = problem.rule == "NO_WHEEL" and any(not file.is_wheel for file in files)
                yield replace(problem, fix=allowed) if has_source else problem


def _first(request: CompileRequest) -> str:
    """The file that a new requirement is written into."""
    return shown(str(request.files[0]), 200)


def is_equal(one: str, other: str) -> bool:
    """Whether two versions mean the same: `1.0` and `1.0.0` do."""
    return Version(one) == Version(other)


def _are_others(hashes: Sequence[str], before: Sequence[str]) -> bool:
    """Whether they are of other files than those before, as far as the two are of one kind and can be compared."""
    kinds, kinds_before = ({one.partition(":")[0] for one in some} for some in (hashes, before))
    return not kinds.isdisjoint(kinds_before) and {*hashes}.isdisjoint(before)


def _said_by_uv(failure: CommandFailed) -> Problem:
    said = " ".join(failure.output.split())
    # Its hints name options of its own.
    said = said.partition(" hint: ")[0].rpartition("cause: ")[2]
    return Problem(
        "nothing meets all that is asked for", why=said[:1500], rule="UNSATISFIABLE", fix="change one of those it names"
    )
