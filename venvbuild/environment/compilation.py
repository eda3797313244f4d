"""A pinned file from what somebody wants: resolved once by uv, for one Python and platform, with hashes.

    wishes -> copies that hold nothing else -> uv -> entries -> the file, whole or not at all

uv never sees the files themselves: an option line in one of them could change where packages come from. What is
written is read first as `check` would read it.
"""

from __future__ import annotations

import logging
import os
import shlex
import stat
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from packaging.utils import canonicalize_name

from venvbuild import requirements
from venvbuild.environment.ages import Rules, Verdict, judge_pins
from venvbuild.environment.alternatives import NEW_HASHES
from venvbuild.environment.barred import refused_needs
from venvbuild.environment.package_source import IndexAccess, PackageSource, target
from venvbuild.environment.pinning import CompileRequest, Entry, Resolution, is_equal, relative
from venvbuild.errors import IndexUnavailable, Problem, RequirementsRefused, ResolutionError, UsageError, of_disk
from venvbuild.files import write_whole
from venvbuild.interpreters import Interpreter
from venvbuild.requirements import (
    Pin,
    PinnedFile,
    Reading,
    Requirements,
    Sources,
    Wish,
    WishFile,
    read_pinned,
    read_wishes,
)
from venvbuild.retrying import retried
from venvbuild.settings import Settings
from venvbuild.text import shown

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Compilation:
    """What was pinned."""

    output: str
    python_version: str
    """X.Y."""
    platform: str
    packages: tuple[str, ...]
    """`name==version`, sorted."""
    added: tuple[str, ...]
    """Names that the output did not have."""
    changed: tuple[str, ...]
    """Names that it had at another version."""
    removed: tuple[str, ...]
    """Names that it had and nothing needs."""


def compile_files(
    request: CompileRequest, settings: Settings, environ: Mapping[str, str], wait: Callable[[float], None] = time.sleep
) -> Compilation:
    """Pin what the files of `request` ask for into its output, for the Python of `settings` and this platform.

    Versions that the output has already are kept where they serve, but for those of `upgrade`.

    Raises:
        UsageError: a file, the Python or the index is not there; the output holds more than pins.
        RequirementsRefused: the files ask for what cannot be pinned. ResolutionError: nothing meets what they ask for.
        ConflictsFound: exact pins of a file contradict each other.
        IndexUnavailable: the index is away. IntegrityError: it has other files than the hashes that were given.
    """
    interpreter = target(settings, environ, allow_download=request.allow_python_download)
    now = f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
    rules = Rules.of(settings.min_age_days, settings.min_age_except, settings.yanked, now)
    access = IndexAccess.of(settings, environ)._replace(min_age=rules.min_age)
    sources = Sources(settings.index_url, settings.extra_index_urls, settings.find_links)
    reading = Reading(interpreter.marker_environment, sources, request.extras)
    files = read_wishes(request.files, request.constraints, reading)
    existing = _existing(request, reading)
    with _scratch() as folder:
        source = PackageSource.of(access, interpreter, timeout_s=settings.timeout_s, scratch=Path(folder))
        resolution = Resolution(request, files, existing.pins, source, rules, wait)
        try:
            entries = retried(resolution.resolve, wait, curable=IndexUnavailable)
        except ResolutionError as error:
            _refuse_what_is_too_new(files, source, rules, error)
            raise
        elsewhere = resolution.elsewhere()
    _refuse_unknown(request, entries)
    options = "".join(f"{line}\n" for line in existing.options)
    text = (
        _header(request, interpreter, settings.min_age_days)
        + options
        + "".join(entry.text() for entry in entries)
        + elsewhere
    )
    # A promise: what compile writes, check accepts.
    name = shown(str(request.output), 200)
    read = requirements.parse(text.encode(), name, interpreter.marker_environment, None, sources)
    sdists = [canonicalize_name(one) for one in request.allow_sdist]
    _judge(judge_pins(read, access, interpreter, rules, sdists), read, _wishes(files, interpreter))
    _write(request.output, text)
    return _compilation(request, interpreter, entries, existing.pins)


def _refuse_what_is_too_new(
    files: Sequence[WishFile], source: PackageSource, rules: Rules, error: ResolutionError
) -> None:
    """Raise that it is its age that keeps something from being pinned, if it is that."""
    wishes = _wishes(files, source.interpreter)
    lines = [str(wish.requirement) for file, wish in wishes if not file.is_constraint]
    constraints = [str(wish.requirement) for file, wish in wishes if file.is_constraint]
    places = {wish.name: wish.where for _, wish in reversed(wishes)}
    if refused := refused_needs(lines, source, rules, constraints=constraints, places=places):
        raise RequirementsRefused.of(refused) from error


def _wishes(files: Sequence[WishFile], interpreter: Interpreter) -> list[tuple[WishFile, Wish]]:
    """Those that hold, with the file of each."""
    environment = interpreter.marker_environment
    return [(file, wish) for file in files for wish in file.wishes if wish.holds(environment)]


def _judge(verdict: Verdict, read: Requirements, wishes: Sequence[tuple[WishFile, Wish]]) -> None:
    """Refuse what `check` would refuse, and warn of what it would; at the lines of the wishes, for those of the output
    nobody has seen yet.
    """
    names: Mapping[int | None, str] = {pin.line: pin.canonical_name for pin in read.active}
    wished = {wish.name: wish for _, wish in reversed(wishes)}

    def placed(one: Problem) -> Problem:
        wish = wished.get(names.get(one.line, ""))
        if wish is None:
            return replace(one, where="", line=None)
        fix = one.fix if wish.hashes else one.fix.replace(NEW_HASHES, "")
        return replace(one, where=wish.where, line=wish.line, fix=fix)

    if verdict.refused:
        raise RequirementsRefused.of(map(placed, verdict.refused))
    for one in verdict.warnings:
        log.warning("%s", placed(one).as_line())


def _scratch() -> tempfile.TemporaryDirectory[str]:
    try:
        return tempfile.TemporaryDirectory(prefix="venvbuild-compile-")
    except OSError as error:
        raise UsageError(
            f"there is no temporary folder: {error.strerror or error}",
            where=str(error.filename or "TMPDIR"),
            fix="set TMPDIR to a folder that can be written",
        ) from error


def _existing(request: CompileRequest, reading: Reading) -> PinnedFile:
    """The output as it is; empty when there is no such file."""
    output, name = request.output, shown(str(request.output), 200)
    if name == "-":
        raise UsageError("the output is a file", where="-o", why="it is written whole or not at all", fix="name one")
    if output.resolve() in [path.resolve() for path in request.constraints]:
        raise UsageError("the output is one of the constraints", where=name, fix="name another file with -o")
    if not output.parent.is_dir():
        raise UsageError("the folder of the output is not there", where=name, fix="make it, or name another with -o")
    try:
        mode = output.lstat().st_mode
    except OSError:
        return PinnedFile()
    if not stat.S_ISREG(mode):
        raise UsageError("it is there, and no regular file", where=name, fix="name another file with -o")
    return read_pinned(output, reading)


def _refuse_unknown(request: CompileRequest, entries: Sequence[Entry]) -> None:
    known = {entry.name for entry in entries}
    for flag, names in (("--upgrade", request.upgrade), ("--allow-sdist", request.allow_sdist)):
        for name in names:
            if canonicalize_name(name) not in known:
                raise UsageError(
                    f"{flag} names {shown(name, 40)}, which nothing needs",
                    where=flag,
                    fix="correct it, or leave it out",
                )


def _header(request: CompileRequest, interpreter: Interpreter, min_age_days: int) -> str:
    """Who wrote this, and the command that does it again: no folder of this machine, no index."""
    folder = Path(os.path.abspath(request.output)).parent
    words = ["venvbuild", "compile", "--python", interpreter.version]
    words += ["--min-age-days", str(min_age_days)] if min_age_days else []
    for flag, values in (
        ("--extra", request.extras),
        ("--allow-sdist", request.allow_sdist),
        ("-c", [relative(path, folder) for path in request.constraints]),
    ):
        for value in values:
            words += [flag, value]
    words += ["-o", request.output.name, *(relative(path, folder) for path in request.files)]
    return (
        f"# Pinned by venvbuild for Python {interpreter.version} on {interpreter.platform}. Again, in this folder:\n"
        f"#    {shown(shlex.join(words), 2000)}\n"
    )


def _write(output: Path, text: str) -> None:
    try:
        mode = stat.S_IMODE(output.stat().st_mode) if output.exists() else None
        write_whole(output, text.encode(), mode=mode)
    except OSError as error:
        raise of_disk(error, str(output)) or UsageError(
            f"it cannot be written: {error.strerror}",
            where=shown(str(output), 200),
            fix="name another file with -o",
        ) from error


def _compilation(
    request: CompileRequest, interpreter: Interpreter, entries: Sequence[Entry], existing: Sequence[Pin]
) -> Compilation:
    before = {pin.canonical_name: pin.version for pin in existing if pin.holds}
    now = {entry.name: entry.version for entry in entries}
    return Compilation(
        shown(str(request.output), 200),
        interpreter.version,
        interpreter.platform,
        tuple(f"{name}=={version}" for name, version in sorted(now.items())),
        tuple(sorted(now.keys() - before.keys())),
        tuple(sorted(name for name in now.keys() & before.keys() if not is_equal(now[name], before[name]))),
        tuple(sorted(before.keys() - now.keys())),
    )
