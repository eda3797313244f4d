"""Prints how long `venvbuild snowflake repository check` and `plan` take, which ask nobody.

python -m benchmarks.snowflake_repository [RUNS]

The whole process, of examples/snowflake/public.toml and of the same as YAML: median of RUNS (15), after one that fills
the caches of the disk. Asserts nothing.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import tomllib
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
EXAMPLE = REPOSITORY / "examples" / "snowflake" / "public.toml"


def main() -> None:
    """One table."""
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 15
    with tempfile.TemporaryDirectory() as folder:
        same = Path(folder, "public.yaml")
        same.write_text(json.dumps(tomllib.loads(EXAMPLE.read_text("utf-8"))))
        print(f"{'':<14} wall ms   CPU ms")
        for verb in ("check", "plan"):
            for file in (EXAMPLE, same):
                taken = [_cost_ms(verb, file) for _ in range(runs + 1)][1:]
                wall, cpu = (statistics.median(one[at] for one in taken) for at in (0, 1))
                print(f"{verb} {file.suffix[1:]:<{13 - len(verb)}} {wall:>7.0f}  {cpu:>7.0f}")


def _cost_ms(verb: str, file: Path) -> tuple[float, float]:
    began = time.perf_counter()
    command = [sys.executable, "-m", "venvbuild", "snowflake", "repository", verb, "-f", str(file)]
    child = subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise SystemExit(f"{' '.join(command)} ended with {child.returncode}")
    return (time.perf_counter() - began) * 1000, (usage.ru_utime + usage.ru_stime) * 1000


if __name__ == "__main__":
    main()
