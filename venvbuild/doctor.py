"""Tries what a build will need, for real, and tells what would fail."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import uv

from venvbuild import interpreters, text
from venvbuild.builds import places, problems_ahead
from venvbuild.environment import IndexAccess, package_index
from venvbuild.errors import Problem, VenvBuildError, of_disk
from venvbuild.process import CommandFailed, clean_environment, run
from venvbuild.redaction import strip_credentials
from venvbuild.settings import Settings
from venvbuild.stores import Store, Surroundings, in_container, refuse_ephemeral, store_of, way_out

OK, WARNING, PROBLEM = "ok", "warning", "problem"
_LOW_SPACE_BYTES = 2_000_000_000


@dataclass(frozen=True)
class Examined:
    """One thing that was tried."""

    name: str
    verdict: str
    """`ok`, `warning` (a build may still go well) or `problem` (it will not)."""
    what: str
    why: str = ""
    fix: str = ""


def examine(
    settings: Settings,
    environ: Mapping[str, str],
    ask_engine: Callable[[], object],
    find_unseen: Callable[[Store], Problem | None],
) -> tuple[Examined, ...]:
    """Every examination, in the order in which a build would meet its subject; none stops the others.

    `ask_engine` asks the configured query engine something, or raises. `find_unseen` tells of a build of the store that
    no question sees.
    """
    subjects: tuple[tuple[str, Callable[[], Iterator[Examined]]], ...] = (
        ("user", _user),
        ("pythons", lambda: _pythons(settings, environ)),
        ("uv", _uv),
        ("index", lambda: _index(settings, environ)),
        ("disk", _disk),
        ("store", lambda: _store(settings, environ, find_unseen)),
        ("engine", lambda: _engine(settings, ask_engine)),
    )
    found: list[Examined] = []
    for name, subject in subjects:
        try:
            found += subject()
        # One at a time is no help: the next would be found only when this one is mended.
        except (VenvBuildError, OSError) as error:
            told = of_disk(error) if isinstance(error, OSError) else error
            if told is None:
                raise
            found += [
                Examined(name, PROBLEM, one.what, f"{one.where}: {one.why}".strip(": "), one.fix)
                for one in told.problems
            ]
    return tuple(found)


def _user() -> Iterator[Examined]:
    if os.geteuid() == 0:
        yield Examined(
            "user",
            WARNING,
            "running as root",
            "package code that runs here could do anything to this machine",
            "build as an ordinary user, or in a container of its own",
        )
    else:
        yield Examined("user", OK, f"user {os.geteuid()}")


def _pythons(settings: Settings, environ: Mapping[str, str]) -> Iterator[Examined]:
    there = interpreters.installed(environ)
    kinds = ["free-threaded, " if one.is_free_threaded else "" for one in there]
    here = ", ".join(f"{one.full_version} ({kind}{one.path})" for one, kind in zip(there, kinds, strict=True))
    found = interpreters.find(
        settings.python_version,
        anything_will_do=settings.is_default("python_version"),
        environ=environ,
        uv=Path(uv.find_uv_bin()),
    )
    verdict = WARNING if found.note else OK
    yield Examined("pythons", verdict, f"builds use {found.interpreter.full_version}; here are {here}", found.note)


def _uv() -> Iterator[Examined]:
    binary = uv.find_uv_bin()
    try:
        yield Examined("uv", OK, run([binary, "--version"], env=clean_environment(), timeout_s=20).stdout.strip())
    except (CommandFailed, OSError) as error:
        yield Examined(
            "uv", PROBLEM, "uv does not run", str(error)[:300], "set the tool up again: remove its cache folder"
        )


def _index(settings: Settings, environ: Mapping[str, str]) -> Iterator[Examined]:
    index = package_index(IndexAccess.of(settings, environ))
    # The one package that every environment needs, whatever is in the file.
    project = index.project("pip")
    origin = settings.origins["index_url"]
    if project is None or not project.files:
        yield Examined(
            "index",
            PROBLEM,
            f"{index.url} does not have pip",
            f"from {origin}; every environment gets a pip",
            "correct the index URL, or let the index mirror PyPI",
        )
    else:
        yield Examined("index", OK, f"{index.url} answers, from {origin}; newest pip {project.versions[-1]}")
    for note in settings.notes:
        yield Examined("index", WARNING, note)


def _disk() -> Iterator[Examined]:
    folder = tempfile.gettempdir()
    free = shutil.disk_usage(folder).free
    verdict = WARNING if free < _LOW_SPACE_BYTES else OK
    fix = "make room, or set TMPDIR to another folder" if verdict == WARNING else ""
    yield Examined("disk", verdict, f"{text.size_text(free)} free in {folder}", fix=fix)


def _store(
    settings: Settings, environ: Mapping[str, str], find_unseen: Callable[[Store], Problem | None]
) -> Iterator[Examined]:
    """Writes and reads, as a claim would."""
    surroundings = Surroundings.here(environ)
    refuse_ephemeral(settings, surroundings)
    # Without the cache, so that the store has to prove itself now.
    store = store_of(settings, remember=False)
    store.prepare()
    holds = "has builds" if next(iter(store.list(f"{places.BUILDS}/")), None) else "is empty"
    yield Examined("store", OK, f"{strip_credentials(store.url)} can be written and {holds}")
    unseen = find_unseen(store)
    if unseen:
        what = f"{unseen.what}, and others may have none either: no question sees them"
        yield Examined("store", WARNING, what, "scripts wrote them, or the catalog is gone", "venvbuild table sync")
    for problem in problems_ahead(store):
        yield Examined("store", WARNING, problem.what, problem.why, problem.fix)
    why = in_container(settings.store, surroundings)
    if why:
        what = "the store goes with this container; a run of Jenkins is refused here"
        yield Examined("store", WARNING, what, why, way_out(settings.origins["store"]))


def _engine(settings: Settings, ask: Callable[[], object]) -> Iterator[Examined]:
    ask()
    yield Examined("engine", OK, f"{settings.engine} answers")
