"""What it costs to register late builds, many at once, while two compact.

python -m benchmarks.catalog_writers STORE [WRITERS] [BUILDS_EACH]

STORE is an empty folder or bucket (AWS_ENDPOINT_URL says where). Each writer registers builds of days that the index
covers; the compactors cover a day after the other meanwhile, as long as they have some. A *try* looks what the index
has to have, and makes the segments unless it has it (a *merge*); one is *in vain* when somebody else changed the index
meanwhile. At the end everything is compared: each build is in the index once.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

from athena import index, rows
from athena.duck import all_rows, scan
from athena.index import Compactor, IndexCache
from athena.index import compaction as module
from benchmarks import catalog
from venvbuild.builds import Metadata
from venvbuild.parallel import in_turn
from venvbuild.stores import Store, open_store

COVERED_DAYS, LATER_DAYS, BUILDS_A_LATER_DAY = 10, 10, 20


def main() -> None:
    url, writers, each = sys.argv[1], *(int(number) for number in (*sys.argv[2:], "8", "25")[:2])
    store, count = open_store(url), writers * each
    late = list(catalog.builds(count, seconds_apart=COVERED_DAYS * 86_400 // count))
    first = list(catalog.builds(COVERED_DAYS, seconds_apart=86_399, seed=1))
    later = [
        one
        for one in catalog.builds((COVERED_DAYS + LATER_DAYS) * BUILDS_A_LATER_DAY, 86_400 // BUILDS_A_LATER_DAY, 2)
        if one["created_at"] > f"{late[-1]['created_at']:.10}~"
    ]
    for _ in in_turn(partial(rows.register, store), [*first[1:], *later], 16):
        pass
    days = sorted({one["created_at"][:10] for one in later})
    with tempfile.TemporaryDirectory() as folder:
        Compactor(store, Path(folder, "first")).compact(days[0])
        Path(folder, "builds").write_text("\n".join(map(json.dumps, late)))
        begun = time.perf_counter()
        with ExitStack() as stack:
            some = [_start(stack, url, folder, "write", number, writers) for number in range(writers)]
            some += [_start(stack, url, folder, "compact", number, *days[1:]) for number in range(2)]
            told = [json.loads(one.communicate()[0]) for one in some]
        seconds = time.perf_counter() - begun
        _report(told[:writers], told[writers:], count, seconds)
        _check(store, Path(folder, "check"), [*first[1:], *later, *late], days[-1])


def _start(stack: ExitStack, url: str, folder: str, kind: str, number: int, *more: object) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "benchmarks.catalog_writers", f"--{kind}", url, folder, number, *more]
    return stack.enter_context(subprocess.Popen([str(part) for part in command], stdout=subprocess.PIPE))


def _report(writers: Sequence[Any], compactors: Sequence[Any], count: int, seconds: float) -> None:
    print(f"{len(writers)} writers, {count} late builds, two that compact: {seconds:.1f} s")
    for name, some in (("writers", writers), ("compactors", compactors)):
        sums = Counter[str]()
        for one in some:
            sums.update(one)
        what = ", ".join(f"{sums[kind]:.0f} {kind}" for kind in ("calls", "tries", "merges", "in vain"))
        print(f"  {name + ':':12}{what}; {sums['cpu_s']:.1f} s of CPU, {sums['import_s']:.1f} s of it to start")
        if some is writers:
            tries, cpu = sums["tries"] / count, (sums["cpu_s"] - sums["import_s"]) / count
            longest = max(one["longest_s"] for one in some)
            print(f"  {'a build:':12}{tries:.2f} tries, {sums['merges'] / count:.2f} merges, {cpu:.2f} s of CPU;"
                  f" the longest took {longest:.1f} s")  # fmt: skip


def _check(store: Store, cache: Path, wanted: Sequence[Metadata], before: str) -> None:
    Compactor(store, cache).compact(before)
    files = IndexCache(store, cache).builds(index.read(store).segments)
    found = sorted(number for (number,) in all_rows(f"SELECT build_no FROM {scan(files)}"))
    numbers = sorted(index.build_no(one["venv_version"]) for one in wanted if one["created_at"] < before)
    if found != numbers:
        raise SystemExit(f"of {len(numbers)} builds the index has {len(found)}, {len(set(found))} different ones")
    print(f"  each of {len(found)} builds is in the index once")


def _counted(counts: Counter[str]) -> None:
    """Count what compactors of this process do."""
    replaced, make = Compactor._replaced, vars(module)["make"]

    def count_tries(self: Compactor, *arguments: Any, **options: Any) -> Any:
        counts["tries"] += 1
        done = replaced(self, *arguments, **options)
        counts["in vain"] += done is None
        return done

    def count_merges(*arguments: Any) -> Any:
        counts["merges"] += 1
        return make(*arguments)

    Compactor._replaced, vars(module)["make"] = count_tries, count_merges  # type: ignore[method-assign]


def _work(kind: str, url: str, folder: str, number: str, *more: str) -> None:
    """In a process of its own: registers, or compacts; tells what that took as JSON."""
    counts, longest_s = Counter[str](), 0.0
    _counted(counts)
    store, cache, import_s = open_store(url), Path(folder, f"{kind}-{number}"), time.process_time()
    if kind == "write":
        late = [json.loads(line) for line in Path(folder, "builds").read_text().splitlines()]
        for build in late[int(number) :: int(more[0])]:
            begun = time.perf_counter()
            rows.register(store, build)
            Compactor(store, cache).cover(build["created_at"][:10])
            longest_s = max(longest_s, time.perf_counter() - begun)
            counts["calls"] += 1
    for day in more if kind == "compact" else ():
        Compactor(store, cache).compact(day)
        counts["calls"] += 1
    used = resource.getrusage(resource.RUSAGE_SELF)
    told = {**counts, "cpu_s": used.ru_utime + used.ru_stime, "import_s": import_s, "longest_s": longest_s}
    print(json.dumps(told))


if __name__ == "__main__":
    if sys.argv[1] in ("--write", "--compact"):
        _work(sys.argv[1].strip("-"), *sys.argv[2:])
    else:
        main()
