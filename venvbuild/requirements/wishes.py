"""What somebody wants before it is pinned: requirement files with ranges, pyproject.toml and setup.cfg, as plain
requirements, each with its place. Nothing is run: what only a project's own code could tell is refused.

Source: PEP 508 (requirements), pip's requirements file format; `projects` has those of projects.
"""

from __future__ import annotations

import os
import re
import shlex
import stat
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from venvbuild.errors import Problem, RequirementsRefused, UsageError
from venvbuild.requirements.documents import recognised
from venvbuild.requirements.faults import VERSION_WANTED, Fault, with_command
from venvbuild.requirements.file import MAX_FILE_BYTES
from venvbuild.requirements.lines import Line, read_lines
from venvbuild.requirements.options import OptionLine, Options, Sources
from venvbuild.requirements.pins import HASH_DIGITS, Pin, judge_line
from venvbuild.requirements.projects import Project, read_pyproject, read_setup_cfg
from venvbuild.requirements.system_packages import system_package
from venvbuild.text import shown

# Faults of a pin that are none of a wish.
_OPEN = frozenset({"UNPINNED", "WILDCARD_PIN", "REDUNDANT_SPECIFIER", "ARBITRARY_EQUALITY"})
_HASHES = re.compile(r"[ \t]+--hash\b.*")
_KINDS = "|".join(f"{kind}:[0-9a-f]{{{digits}}}" for kind, digits in HASH_DIGITS.items())
_HASH = re.compile(rf"--hash(?:=|[ \t]+)((?:{_KINDS})(?![0-9a-f]))", re.IGNORECASE)
_NESTED = re.compile(r"(?:-(?P<short>[rc])[ \t]*=?|--(?P<long>requirement|constraint)s?(?:[ \t]+|=))[ \t]*(?P<file>.+)")
# Of `check` and `build`, where fixes name them.
_RUN_OPTION = re.compile(r"(?: with|:) -r FILE")
_BUILD_OPTION = re.compile(r"\bbuild with (?=--(?:index-url|extra-index-urls|find-links|allow-sdist)\b)")
# What compiling does anyway.
_IMPLIED = re.compile(r"--(?:require-hashes|prefer-binary|only-binary(?:[ \t]+|=):all:)")


@dataclass(frozen=True)
class Wish:
    """One requirement, in whatever range."""

    requirement: Requirement
    where: str
    """`requirements.in:3`."""
    line: int
    hashes: tuple[str, ...] = ()
    """`sha256:...`, or another that pip takes, of the files that are wanted and no others; empty: any."""
    pin: Pin | None = None
    """The same when it is exact."""

    @property
    def name(self) -> str:
        """Canonical (PEP 503)."""
        return canonicalize_name(self.requirement.name)

    def holds(self, environment: Mapping[str, str]) -> bool:
        """Whether its marker is true on the target."""
        marker = self.requirement.marker
        return marker is None or marker.evaluate({**environment, "extra": ""})


@dataclass(frozen=True)
class WishFile:
    """The wishes of one file."""

    path: Path
    """As it was named."""
    wishes: tuple[Wish, ...]
    is_constraint: bool = False
    """Whether it only limits what others ask for."""


@dataclass(frozen=True)
class Reading:
    """What reading goes by."""

    environment: Mapping[str, str]
    """The target's marker environment."""
    sources: Sources
    """Lines that name one of them say nothing new."""
    extras: tuple[str, ...] = ()
    """Of the projects that are given by their pyproject.toml or setup.cfg."""
    problems: list[Problem] = field(default_factory=list)


def read_wishes(files: Sequence[Path], constraints: Sequence[Path], reading: Reading) -> tuple[WishFile, ...]:
    """The wishes of `files`, of `constraints`, and of what they include (`-r`, `-c`), each file once.

    Raises:
        UsageError: a file is not there or cannot be read.
        RequirementsRefused: with every line that cannot be pinned.
    """
    found: dict[tuple[Path, bool], WishFile] = {}
    waiting = [*((path, False, "") for path in files), *((path, True, "") for path in constraints)]
    folders = {path.resolve().parent for path, _, _ in waiting}
    while waiting:
        path, is_constraint, where = waiting.pop(0)
        key = (path.resolve(), is_constraint)
        if key in found:
            continue
        seen = len(reading.problems)
        wishes, included = _read(path, where, reading)
        if where and not any(key[0].is_relative_to(folder) for folder in folders):
            _hide(reading.problems, seen, path, where)
        found[key] = WishFile(path, wishes, is_constraint)
        # What a constraint file includes only limits, too.
        waiting += [(file, is_constraint or limits, where) for file, limits, where in included]
    if reading.problems:
        raise RequirementsRefused.of(reading.problems)
    if not any(one.wishes for one in found.values() if not one.is_constraint):
        raise RequirementsRefused(
            "there is nothing to pin",
            where=shown(str(files[0]), 200),
            why="no file has a requirement",
            fix="write at least one name",
            rule="EMPTY",
        )
    return tuple(found.values())


def _hide(problems: list[Problem], seen: int, path: Path, where: str) -> None:
    """Let one problem, at the line that names the file, stand for those after the first `seen`."""
    # Whoever writes `-r` into a file may not be allowed to read what our messages would quote.
    if len(problems) > seen:
        name = shown(str(path), 200)
        number = where.rpartition(":")[2]
        problems[seen:] = [
            Problem(
                f"{name} has lines that cannot be pinned",
                where,
                "it lies elsewhere, so they are not shown",
                f"correct them: venvbuild compile {shlex.quote(name)} names each",
                "NESTED_FILE",
                int(number),
            )
        ]


@dataclass(frozen=True)
class PinnedFile:
    """A file that may be written anew, since it has nothing but this."""

    pins: tuple[Pin, ...] = ()
    options: tuple[str, ...] = ()
    """Lines that name an index or folder in use."""


def read_pinned(path: Path, reading: Reading) -> PinnedFile:
    """What is in a file that has pins only; wrong hashes are no harm to it.

    Raises:
        UsageError: it has other lines, which would be lost.
    """
    name = shown(str(path), 200)
    text = read_lines(_content(path, ""), name)
    lost = [(problem.line or 1, problem.what) for problem in text.problems]
    pins, options = [], []
    for line in text.lines:
        judged = judge_line(replace(line, text=_HASHES.sub("", line.text)), reading.environment)
        if isinstance(judged, Pin):
            pins.append(replace(judged, hashes=_hashes_of(line.text)))
        elif isinstance(judged, OptionLine):
            lost += [(line.number, problem.what) for problem in _of_options([judged], name, reading)]
            options += [] if _IMPLIED.fullmatch(line.text) else [line.text]
        else:
            lost.append((line.number, judged.what))
    if lost:
        number, what = min(lost)
        raise UsageError(
            f"it is there, and holds more than pins: {what}",
            where=f"{name}:{number}",
            why="this line would be lost",
            fix="name another file with -o, or remove this one",
            rule="OUTPUT",
        )
    return PinnedFile(tuple(pins), tuple(options))


_Included = list[tuple[Path, bool, str]]
"""Files that a file names: path, whether it only limits, and where it is named."""


def _read(path: Path, where: str, reading: Reading) -> tuple[tuple[Wish, ...], _Included]:
    content, name = _content(path, where), shown(str(path), 200)
    # Known by their names, since a requirements file may be called anything.
    if path.suffix == ".toml" and not path.name.startswith("pylock"):
        project = read_pyproject(content, name)
        other = recognised(content.decode("utf-8", "replace"), name) if isinstance(project, Problem) else None
        if other and "pyproject" not in other.what:
            project = _problem(1, other, name, reading)
        return _of_project(project, content, name, reading), []
    if path.suffix == ".cfg":
        return _of_project(read_setup_cfg(content, name), content, name, reading), []
    return _of_lines(path, content, name, reading)


def _content(path: Path, where: str) -> bytes:
    name = shown(str(path), 200)
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise UsageError(
                f"it is {'a folder' if stat.S_ISDIR(status.st_mode) else 'not a regular file'}",
                where=where or name,
                fix="name a file",
            )
        if status.st_size <= MAX_FILE_BYTES:
            with path.open("rb") as file:
                return file.read(MAX_FILE_BYTES)
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        raise UsageError(
            f"{name} cannot be read: {getattr(error, 'strerror', None) or error}",
            where=where,
            fix="correct its name, or check its permissions",
        ) from error
    raise RequirementsRefused(
        f"the file has {status.st_size:,} bytes",
        where=name,
        why=f"at most {MAX_FILE_BYTES:,} are read",
        fix="check that this is the right file",
        rule="TOO_LONG",
    )


def _of_lines(path: Path, content: bytes, name: str, reading: Reading) -> tuple[tuple[Wish, ...], _Included]:
    text = read_lines(content, name)
    problems, wishes, included = [*map(_of_a_source, text.problems)], list[Wish](), _Included()
    options: list[OptionLine] = []
    for line in text.lines:
        nested = _NESTED.fullmatch(line.text)
        if nested and "://" in nested["file"]:
            why, fix = "only files are read", "fetch it, and name the file"
            problems.append(Problem.at(name, line.number, "the line names a URL", why, fix, "NESTED_FILE"))
        elif nested:
            limits = (nested["short"] or nested["long"]).startswith("c")
            included.append((path.parent / nested["file"].strip("\"'"), limits, f"{name}:{line.number}"))
        elif isinstance(option := judge_line(line, reading.environment), OptionLine):
            editable = _of_editable(option, name, reading)
            problems += [editable] if editable else []
            options += [] if editable else [option]
        else:
            judged = _judged(line, name, reading)
            problems += [judged] if isinstance(judged, Problem) else []
            wishes += [judged] if isinstance(judged, Wish) else []
    problems += _of_options(options, name, reading)
    other = recognised(text.text, name) if problems else None
    problems.sort(key=lambda problem: problem.line or 0)
    if other:  # one problem for all of it
        problems, wishes, included = [_problem(problems[0].line or 1, other, name, reading)], [], _Included()
    reading.problems.extend(problems)
    return tuple(wishes), included


def _judged(line: Line, name: str, reading: Reading) -> Wish | Problem:
    where, text = f"{name}:{line.number}", _HASHES.sub("", line.text)
    judged = judge_line(replace(line, text=text), reading.environment)
    if isinstance(judged, Pin):
        system = system_package(judged.name, judged.version)
        if system:
            return _problem(line.number, system, name, reading)
        return Wish(Requirement(text), where, line.number, _hashes_of(line.text), judged)
    if isinstance(judged, OptionLine):  # in the list of a project
        return Problem.at(name, line.number, "it is an option", "requirements have none", "remove it", "OPTION")
    # Of what is not pinned, `packaging` says whether it is a requirement.
    if judged.rule in _OPEN and _is_requirement(text):
        return Wish(Requirement(text), where, line.number)
    return _problem(line.number, judged, name, reading)


def _is_requirement(text: str) -> bool:
    try:
        return Requirement(text).url is None
    except InvalidRequirement:
        return False


def _hashes_of(text: str) -> tuple[str, ...]:
    return tuple(sorted({found.lower() for found in _HASH.findall(text)}))


def _of_a_source(problem: Problem) -> Problem:
    if problem.rule != "CREDENTIALS":
        return problem
    return replace(problem, why="whoever reads the file has it")


def _of_options(lines: Sequence[OptionLine], name: str, reading: Reading) -> Iterator[Problem]:
    """What is wrong with option lines; nothing where they say what is so anyway."""
    said = [one for one in lines if not _IMPLIED.fullmatch(one.line.text)]
    for answer in Options(said, {}, reading.sources).answers():
        if not answer.is_note:
            yield _problem(answer.line.number, answer.fault, name, reading)


def _of_editable(line: OptionLine, name: str, reading: Reading) -> Problem | None:
    """A project of this machine, which can be named itself."""
    folder = next((option.value for option in line.options if option.name == "--editable"), "")
    if not re.fullmatch(r"[\w./-]+", folder, re.ASCII):
        return None
    project = os.path.normpath(f"{folder}/pyproject.toml")
    command = f"venvbuild compile {shlex.quote(name)} {project}"
    return Problem.at(
        name,
        line.line.number,
        "-e installs from a folder",
        "an editable install is no release, so nothing can pin it",
        with_command(f"remove it, and name its project: {command}", name, reading.environment["python_version"]),
        "EDITABLE",
    )


def _problem(number: int, fault: Fault, name: str, reading: Reading) -> Problem:
    # A wish needs no version.
    fix = _RUN_OPTION.sub("", fault.fix.replace(f"=={VERSION_WANTED}", ""))
    fix = with_command(_BUILD_OPTION.sub("compile and build with ", fix), name, reading.environment["python_version"])
    return Problem.at(name, number, fault.what, fault.why, fix, fault.rule)


def _of_project(project: Project | Problem, content: bytes, name: str, reading: Reading) -> tuple[Wish, ...]:
    if isinstance(project, Problem):
        reading.problems.append(project)
        return ()
    lines = content.decode("utf-8", "replace").splitlines()
    wishes: list[Wish] = []
    waiting: list[str] = [canonicalize_name(extra) for extra in reading.extras]
    texts, done = [*project.dependencies], set[str]()
    while texts or waiting:
        for text in texts:
            own = _extras_of_itself(text, project)
            judged = _judged(Line(_line_of(text, lines), text), name, reading)
            if own:
                waiting += own
            elif isinstance(judged, Problem):
                reading.problems.append(judged)
            else:
                wishes.append(judged)
        texts = []
        extra = waiting.pop(0) if waiting else ""
        if extra and extra not in project.extras:
            reading.problems.append(_no_extra(extra, project, name))
        elif extra not in done:
            done.add(extra)
            texts = [*project.extras.get(extra, ())]
    return tuple(wishes)


def _extras_of_itself(text: str, project: Project) -> list[str]:
    """`all = ["sales[csv,web]"]`: the extras that a project asks for of itself."""
    requirement = Requirement(text) if _is_requirement(text) else None
    is_own = requirement and canonicalize_name(requirement.name) == canonicalize_name(project.name)
    return sorted(map(canonicalize_name, requirement.extras)) if requirement and is_own else []


def _line_of(text: str, lines: Sequence[str]) -> int:
    """The first line with `text` alone or in quotes; else with `text` somewhere; from 1."""
    whole = re.compile(rf"(?:^\s*|[\"'=]\s*){re.escape(text)}\s*(?:[\"']|$)")
    tries: tuple[Callable[[str], object], ...] = (whole.search, lambda line: text in line)
    for found in tries:
        for number, line in enumerate(lines, 1):
            if found(line):
                return number
    return 1


def _no_extra(extra: str, project: Project, name: str) -> Problem:
    known = ", ".join(sorted(project.extras))
    return Problem(
        f"there is no extra {shown(extra, 40)}",
        name,
        f"it has {shown(known, 200)}" if known else "it has none",
        "correct --extra",
        "NO_SUCH_EXTRA",
    )
