"""Prints what commands cost that ask the catalog: CPU of the process, its peak memory, and what it asks of the store.

python -m benchmarks.catalog_costs FOLDER COUNT...

Each number of builds (benchmarks/catalog.py, one every 301 seconds) is asked without an index and with one that leaves
the last two days as rows; on a new machine, whose cache is empty, then a second time, which sorts the packages that the
first time fetched, and then once more (warm). The store is a folder; a LIST is counted for each 1,000 keys of a listing
that was begun, as S3 pages it. FOLDER is a new one, and stays. It asserts nothing.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from datetime import date, timedelta
from pathlib import Path

from athena.index import Compactor
from benchmarks import catalog
from venvbuild.stores import open_store

COMMANDS = (["count", "kedro"], ["find", "kedro", "--json"], ["list", "--limit", "10"], ["list", "--json"])
_SECONDS_APART = 301
_ASKED = """
import atexit, json, sys
from venvbuild.stores.folder import FolderStore
counts = {"lists": 0, "gets": 0, "bytes": 0}
report = open(sys.argv.pop(1), "w")
memory = lambda: next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM"))
atexit.register(lambda: print(json.dumps({**counts, "peak_kb": int(memory())}), file=report, flush=True))
read, listing = FolderStore.read, FolderStore.list
def counted(self, key, max_bytes=None):
    found = read(self, key, max_bytes)
    counts["gets"] += 1
    counts["bytes"] += len(found.body)
    return found
def paged(self, prefix, start_after=""):
    counts["lists"] += 1
    for number, entry in enumerate(listing(self, prefix, start_after)):
        counts["lists"] += bool(number and number % 1000 == 0)
        yield entry
FolderStore.read, FolderStore.list = counted, paged
from venvbuild.main import main
main()
"""


def main() -> None:
    """A table for each number of builds."""
    folder = Path(sys.argv[1])
    print(processor())
    for count in map(int, sys.argv[2:]):
        store = folder / str(count) / "store"
        catalog.write(store, catalog.builds(count, seconds_apart=_SECONDS_APART))
        print(f"\n{f'{count} builds':36}{'CPU s':>8}{'peak MB':>9}{'LIST':>7}{'GET':>9}{'MB':>8}", flush=True)
        _print_costs(folder / str(count), store, "no index")
        last = max(path.name for path in (store / "venv-catalog/builds").iterdir()).removeprefix("dt=")
        before = (date.fromisoformat(last) - timedelta(days=1)).isoformat()
        Compactor(open_store(str(store)), folder / str(count) / "compacting").compact(before)
        _print_costs(folder / str(count), store, "index")


def _print_costs(folder: Path, store: Path, title: str) -> None:
    for command in COMMANDS:
        cache = folder / "cache"
        shutil.rmtree(cache, ignore_errors=True)
        for machine in ("new", "second", "warm"):
            cpu_s, found = _cost([*command, "--store", str(store)], cache, folder / "report")
            name = f"{' '.join(command)}, {title}, {machine}"
            print(
                f"{name:36}{cpu_s:8.2f}{found['peak_kb'] / 1024:9.0f}{found['lists']:7}{found['gets']:9}"
                f"{found['bytes'] / 1e6:8.2f}",
                flush=True,
            )


def _cost(arguments: list[str], cache: Path, report: Path) -> tuple[float, dict[str, int]]:
    environment = {**os.environ, "XDG_CACHE_HOME": str(cache)}
    command = [sys.executable, "-c", _ASKED, str(report), *arguments]
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL, env=environment)
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise SystemExit(f"{arguments} ended with {child.returncode}")
    return usage.ru_utime + usage.ru_stime, json.loads(report.read_text())


def processor() -> str:
    """What the figures are of."""
    found = re.search(r"^model name\s*: (.*)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    return f"{os.cpu_count()} cores, {found[1] if found else 'unknown'}, Python {sys.version.split()[0]}"


if __name__ == "__main__":
    main()
