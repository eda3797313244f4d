"""Many processes at one catalog, and processes that are killed in the middle of their work."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from athena import index, questions, upkeep
from athena.engines.duckdb import DuckDB
from athena.index import CURRENT, Compactor
from athena.questions import Search, parse_packages
from athena.rows import register
from athena.upkeep import find_problems, sync
from benchmarks import catalog
from tests.stores.conftest import Place
from tests.support.builds import put_metadata
from tests.support.places import *  # noqa: F403  # the fixtures `place` and `store`
from tests.support.sizes import HEAVY, sizes
from tests.support.tool import Tool
from venvbuild import builds
from venvbuild.builds import Metadata, places
from venvbuild.stores import Store, open_store

pytestmark = [HEAVY, pytest.mark.untraced]

ROOT = Path(__file__).parents[2]
_BEGIN = """
import sys
from pathlib import Path
from athena import index, rows
from athena.index import Compactor
from venvbuild import builds
from venvbuild.stores import open_store
url, endpoint_url, cache, *more = sys.argv[1:]
store = open_store(url, endpoint_url=endpoint_url or None)
print("ready", flush=True)
sys.stdin.readline()
"""
REGISTER = f"""{_BEGIN}
for number, version in enumerate(more):
    if number == len(more) // 2:
        sys.stdin.readline()
    build = builds.read(store, version)
    rows.register(store, build)
    if build["created_at"][:10] < index.read(store).covering_before:
        Compactor(store, Path(cache)).cover(build["created_at"][:10])
    print(version, flush=True)
"""
COMPACT = f"""{_BEGIN}
for day in more:
    Compactor(store, Path(cache)).compact(day)
    print(day, flush=True)
"""


@dataclass(frozen=True)
class Race:
    """How many processes register how many builds of how many days."""

    writers: int
    builds_each: int
    days: int


def committed(store: Store, count: int, days: int = 10) -> list[str]:
    """Builds of so many days in the past, as far as register needs them."""
    some = list(catalog.builds(count, seconds_apart=days * 86_400 // count))

    def commit(build: Metadata) -> str:
        return put_metadata(store, {**build, "installed_packages": ["one==1.0", *build["installed_packages"][:5]]})

    with ThreadPoolExecutor(16) as pool:
        return list(pool.map(commit, some))


@contextmanager
def process(script: str, place: Place, cache: Path, *more: str) -> Iterator[subprocess.Popen[str]]:
    """One that waits until it is told to begin."""
    command = [sys.executable, "-c", script, place.url, place.endpoint_url or "", str(cache), *more]
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as one:
        try:
            yield one
        finally:
            one.kill()


def told(one: subprocess.Popen[str], said: Callable[[str], None]) -> threading.Thread:
    """Hears what a process says, line by line."""
    assert one.stdout
    stdout = one.stdout

    def hear() -> None:
        for line in stdout:
            said(line.strip())

    hearing = threading.Thread(target=hear)
    hearing.start()
    return hearing


def await_ready(some: list[subprocess.Popen[str]]) -> None:
    for one in some:
        assert one.stdout
        assert one.stdout.readline() == "ready\n", one.stderr and one.stderr.read()


def begin(some: list[subprocess.Popen[str]]) -> None:
    for one in some:
        assert one.stdin
        one.stdin.write("\n")
        one.stdin.flush()


def found(engine: DuckDB) -> list[str]:
    rows, _ = questions.find(engine, Search(parse_packages(["one"])))
    return [row["venv_version"] for row in rows]


@pytest.mark.parametrize("race", sizes(Race(4, 8, 4), Race(8, 100, 10)))
def test_nothing_is_lost_or_twice_while_many_register_and_two_compact(place: Place, tmp_path: Path, race: Race) -> None:
    store = place.open()
    versions = committed(store, race.writers * race.builds_each, race.days)
    days = sorted({f"{v[5:9]}-{v[9:11]}-{v[11:13]}" for v in versions})
    registered: list[str] = []
    seen: list[int] = []
    covered: set[str] = set()
    # Half of them come from the newest day, into days that are not covered yet, towards the compactors.
    writing = [versions[number :: race.writers][:: -1 if number % 2 else 1] for number in range(race.writers)]
    with (
        DuckDB(store, tmp_path / "asking") as engine,
        _all(process(REGISTER, place, tmp_path / f"w{n}", *some) for n, some in enumerate(writing)) as writers,
        _all(process(COMPACT, place, tmp_path / f"c{n}", *days) for n in range(2)) as compactors,
    ):
        assert found(engine) == []  # and from now on it answers fast
        await_ready([*writers, *compactors])
        begin(compactors)
        while not index.read(store).covering_before:  # from here on writers and compactors are in each other's way
            assert not any(one.poll() for one in compactors)
            time.sleep(0.01)
        begin(writers)
        hearing = [told(one, registered.append) for one in writers] + [told(one, covered.add) for one in compactors]
        while any(one.is_alive() for one in hearing):
            before = set(registered)
            now = found(engine)
            covered.add(index.read(store).covered_before)
            assert len(set(now)) == len(now)
            assert before <= set(now)
            if now and not any(seen):
                begin(writers)  # the second half: however fast they are, one question was asked in the middle
            seen.append(len(now))
        for one in [*writers, *compactors]:
            assert one.wait(60) == 0, one.stderr and one.stderr.read()
        assert sorted(found(engine)) == versions
    assert sorted(registered) == versions
    assert seen == sorted(seen)
    assert len(set(seen)) > 2
    assert days[-1] in covered
    Compactor(store, tmp_path / "asking").compact("2026-01-01")
    assert list(find_problems(store, tmp_path / "checking")) == []
    assert sum(one.build_count for one in index.read(store).segments) == len(versions)


@contextmanager
def _all(some: Iterator[Any]) -> Iterator[list[subprocess.Popen[str]]]:
    from contextlib import ExitStack

    with ExitStack() as stack:
        yield [stack.enter_context(one) for one in some]


def killed_when(tool: Tool, is_seen: Callable[[], bool], *arguments: str) -> None:
    """Run a command, and kill it as soon as that is seen."""
    with subprocess.Popen(
        tool.command(*arguments), env=tool.environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as one:
        while not is_seen():
            assert one.poll() is None
            time.sleep(0.001)
        one.send_signal(signal.SIGKILL)
        assert one.wait() == -signal.SIGKILL


def test_a_compaction_that_was_killed_is_done_by_the_next(tool: Tool) -> None:
    store = open_store(tool.store)
    versions = committed(store, 40)
    for version in versions:
        register(store, builds.read(store, version))
    moments: list[Callable[[], bool]] = [
        lambda: Path(tool.store, CURRENT).exists(),
        lambda: any(Path(tool.store, places.INDEX).glob("*/builds/*")),
        lambda: any(Path(tool.store, places.INDEX).glob("*/packages/*")),
    ]
    for is_seen in moments:
        killed_when(tool, is_seen, "table", "compact")
        assert len(tool.run("find", "one", "--json").json) == len(versions)
    assert tool.run("table", "compact", "--json").json["build_count"] == len(versions)
    assert len(tool.run("find", "one", "--json").json) == len(versions)
    assert tool.run("table", "check").code == 0


def test_a_sync_that_was_killed_is_done_by_the_next(tool: Tool, tmp_path: Path) -> None:
    store = open_store(tool.store)
    versions = committed(store, 400)
    for version in versions[:5]:
        register(store, builds.read(store, version))
    Compactor(store, tmp_path / "cache").compact("2025-12-01")

    def rows() -> int:
        return sum(1 for _ in store.list(f"{places.ROWS}/"))

    killed_when(tool, lambda: rows() > 10, "table", "sync")
    assert 10 < rows() < len(versions)
    assert tool.run("table", "check").code == 11
    assert tool.run("table", "sync").code == 0
    assert upkeep.rows_difference(store) == sync.Difference((), ())
    assert len(tool.run("find", "one", "--json").json) == len(versions)
    assert tool.run("table", "check").code == 0
