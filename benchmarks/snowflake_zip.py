"""Prints how much less `venvbuild snowflake zip` costs than wheels unpacked and zipped again, both with warm caches.

python -m benchmarks.snowflake_zip FOLDER [RUNS]

The other way is that of Snowflake's own command line and of scripts: `pip wheel --no-deps`, `unzip` of each wheel,
`zip -r` (level 6), of requirements-150.txt on Python 3.11. Native packages go into both. Ours is the whole process,
from uv's lock to the finished ZIP; the import check is a row of its own, since the other way has none. Each row is the
best of RUNS (2), after one that fills the caches. FOLDER is where all of it is written. Asserts nothing.
"""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from venvbuild import interpreters

REPOSITORY = Path(__file__).resolve().parents[1]
REQUIREMENTS = Path(__file__).with_name("requirements-150.txt")


@dataclass(frozen=True)
class Cost:
    """Of a command and of all that it starts."""

    wall_s: float
    cpu_s: float

    def plus(self, other: Cost) -> Cost:
        return Cost(self.wall_s + other.wall_s, self.cpu_s + other.cpu_s)


def main() -> None:
    """One table."""
    place = Path(sys.argv[1]).resolve()
    runs = int(sys.argv[2]) if len(sys.argv) > 2 else 2
    place.mkdir(parents=True, exist_ok=True)
    python = next(one.path for one in interpreters.installed(os.environ) if one.version == "3.11")
    rows: dict[str, Cost] = {}
    for number in range(runs + 1):
        found = {
            **_other_way(python, place / "other"),
            "zip": _ours(place / "ours.zip", "none"),
            "zip, with the import check": _ours(place / "checked.zip", "top"),
        }
        for name, cost in found.items():
            best = rows.get(name)
            if number and (best is None or cost.cpu_s < best.cpu_s):
                rows[name] = cost
    whole = rows["pip wheel"].plus(rows["unzip"]).plus(rows["zip -r -6"])
    rows["the other way in all"] = whole
    print(f"{'':<28}   wall s    CPU s")
    for name, cost in rows.items():
        print(f"{name:<28} {cost.wall_s:>8.1f} {cost.cpu_s:>8.1f}")
    ours = rows["zip"]
    print(f"{'ratio':<28} {whole.wall_s / ours.wall_s:>7.1f}x {whole.cpu_s / ours.cpu_s:>7.1f}x")
    for name in ("ours.zip", "other/out.zip"):
        print(f"{name:<28} {(place / name).stat().st_size / 1e6:>8.1f} MB")


def _ours(target: Path, import_check: str) -> Cost:
    flags: list[str | Path] = ["--native", "ship", "--import-check", import_check, "-r", REQUIREMENTS, "-o", target]
    return _cost([sys.executable, "-m", "venvbuild", "snowflake", "zip", *flags], REPOSITORY, may_fail=True)


def _other_way(python: Path, folder: Path) -> dict[str, Cost]:
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "all").mkdir(parents=True)
    wheels = _cost([python, "-m", "pip", "wheel", "-q", "--no-deps", "-w", "wheels", "-r", REQUIREMENTS], folder)
    unpacked = _cost(["sh", "-c", "for wheel in wheels/*.whl; do unzip -qo $wheel -d all; done"], folder)
    packed = _cost(["sh", "-c", "cd all && zip -qr -6 ../out.zip ."], folder)
    return {"pip wheel": wheels, "unzip": unpacked, "zip -r -6": packed}


def _cost(command: list[str | Path], folder: Path, *, may_fail: bool = False) -> Cost:
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    wall_s, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode and not (may_fail and done.returncode == 11):  # what imports nowhere is told, and costs the same
        raise SystemExit(done.stderr)
    return Cost(wall_s, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)


if __name__ == "__main__":
    main()
