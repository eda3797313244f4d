"""Prints what the first question of a new machine costs, beside plain Python over the same rows.

python -m benchmarks.catalog_first FOLDER DAYS [TIMES]

There is one build a day (benchmarks/catalog.py), the last one yesterday, and no index. Each is asked how many builds
have kedro. Plain Python lists the folders, reads each file, parses its JSON and looks into `installed_packages`: it
believes all that it finds, and keeps nothing. A second loop judges each row as we do, and keeps nothing either: what is
above that is the price of keeping the rows for the next question. Each time is of a process of its own: "asked" from
when all is imported, "process" from its start to its end. The least of TIMES (5), CPU seconds. It asserts that all say
the same.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

from benchmarks import catalog
from benchmarks.catalog_costs import processor

_PLAIN = """
import json, os, sys, time
began = time.process_time()
count, rows = 0, sys.argv[1] + "/venv-catalog/builds"
for day in sorted(os.listdir(rows)):
    for name in sorted(os.listdir(f"{rows}/{day}")):
        with open(f"{rows}/{day}/{name}", "rb") as file:
            row = json.loads(file.read())
        count += any(package.startswith("kedro==") for package in row["installed_packages"])
print(count, time.process_time() - began)
"""
_JUDGING = """
import sys, time
from athena.rows import list_days, read_row
from athena.statement import Scope
from venvbuild.stores import open_store
store = open_store(sys.argv[1])
began = time.process_time()
rows = (read_row(store, entry.key) for entries in list_days(store, Scope()).values() for entry in entries)
count = sum(any(package.startswith("kedro==") for package in row["installed_packages"]) for row in rows)
print(count, time.process_time() - began)
"""
_OURS = """
import sys, time
from pathlib import Path
import venvbuild.main, venvbuild.commands.count
from athena.engines.duckdb import DuckDB
from athena import index, questions, rows
rows.RowCache, rows.unseen_build, index.IndexCache, rows.packages_of, rows.keep_closed_days
from venvbuild.stores import open_store
began = time.process_time()
with DuckDB(open_store(sys.argv[1]), Path(sys.argv[2])) as engine:
    count, _ = questions.count(engine, questions.Search(questions.parse_packages(["kedro"])))
print(count, time.process_time() - began)
"""


def main() -> None:
    """A line each, and how many times as much ours is."""
    store, days = Path(sys.argv[1]), int(sys.argv[2])
    times = int(sys.argv[3]) if len(sys.argv) > 3 else 5
    print(processor())
    catalog.FIRST_AT = datetime.now(UTC).replace(hour=6, minute=0, second=0, microsecond=0) - timedelta(days=days)
    catalog.write(store, catalog.builds(days, seconds_apart=86_400))
    command = [sys.executable, "-m", "venvbuild", "count", "kedro", "--store", str(store)]
    texts = (_PLAIN, _JUDGING, _OURS)
    plain, judging, ours = (_least([sys.executable, "-c", text, str(store)], times) for text in texts)
    if not plain[0] == judging[0] == ours[0]:
        raise SystemExit(f"plain Python counts {plain[0]}, judging the rows {judging[0]}, and we {ours[0]}")
    whole = _least(command, times)
    print(f"{f'{days} days, a build each':34}{'asked, s':>10}{'process, s':>12}")
    print(f"{'plain Python':34}{plain[1]:10.3f}{plain[2]:12.3f}")
    print(f"{'plain Python that judges each row':34}{judging[1]:10.3f}{judging[2]:12.3f}")
    print(f"{'first question':34}{ours[1]:10.3f}{ours[2]:12.3f}")
    print(f"{'the same as a command':34}{'':10}{whole[2]:12.3f}")
    for name, other in (("plain", plain), ("judging", judging)):
        print(f"{f'times as much as {name}':34}{ours[1] / other[1]:10.1f}{whole[2] / other[2]:12.1f}")


def _least(command: list[str], times: int) -> tuple[int, float, float]:
    """What it answers, its seconds of being asked and of all; each time with a cache of its own."""
    found = []
    for _ in range(times):
        with tempfile.TemporaryDirectory() as cache:
            extra = [cache] if command[1] == "-c" else []
            child = subprocess.Popen(
                [*command, *extra], stdout=subprocess.PIPE, env={**os.environ, "XDG_CACHE_HOME": cache}
            )
            assert child.stdout
            answer = child.stdout.read().split()
            _, _, usage = os.wait4(child.pid, 0)
            asked = float(answer[1]) if len(answer) > 1 else 0.0
            found.append((int(answer[0]), asked, usage.ru_utime + usage.ru_stime))
    return found[0][0], min(asked for _, asked, _ in found), min(all_s for *_, all_s in found)


if __name__ == "__main__":
    main()
