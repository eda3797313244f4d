"""Prints what a whole release takes, and how much of that is our own: all but the programs of others that it runs.

python -m benchmarks.release [PYTHON...]

A project as in tests/support/projects.py (hatchling, the version in two places), released as 1.1.0 after 1.0.0, to a
pypiserver on this machine; it is checked on each PYTHON (X.Y; our own unless given), and its remote is a folder. The
packages that build it come from the index that is configured, the first time. It asserts nothing.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.support import private_index, projects

_TIMED = """
import atexit, json, sys, time
began = time.monotonic()
from venvbuild import process
told = {"children_s": 0.0, "children": 0}
report = sys.argv.pop(1)
plain = process.run
def timed(*arguments, **given):
    start = time.monotonic()
    try:
        return plain(*arguments, **given)
    finally:
        told["children_s"] += time.monotonic() - start
        told["children"] += 1
process.run = timed
def tell():
    told["wall_s"] = time.monotonic() - began
    told["cpu_s"] = time.process_time()
    json.dump(told, open(report, "w"))
atexit.register(tell)
from venvbuild.main import main
main()
"""


def main() -> None:
    """A row for a release, and one for `status`."""
    pythons = sys.argv[1:] or [f"{sys.version_info[0]}.{sys.version_info[1]}"]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        repo = projects.repo(folder / "project")
        served = folder / "index" / "served"
        served.mkdir(parents=True)
        with private_index.serving(served) as environ:
            flags = [word for one in pythons for word in ("--python", one)]
            first = _run(repo.folder, environ, folder, "run", *flags, "--no-rehearsal")  # 1.0.0, which its tag is at
            made = _run(repo.folder, environ, folder, "run", "minor", *flags)
            status = _run(repo.folder, environ, folder, "status")
    print(f"{'':34}{'wall s':>8}{'children':>10}{'in them s':>11}{'our own s':>11}{'our CPU s':>11}")
    rows = {"release run, the first, no cache": first, "release run minor": made, "release status": status}
    for title, row in rows.items():
        own = row["wall_s"] - row["children_s"]
        told = f"{row['wall_s']:8.2f}{row['children']:10.0f}{row['children_s']:11.2f}{own:11.2f}{row['cpu_s']:11.2f}"
        print(f"{title:34}{told}")


def _run(project: Path, environ: dict[str, str], folder: Path, *words: str) -> dict[str, float]:
    report = folder / "report.json"
    command = [sys.executable, "-c", _TIMED, str(report), "release", *words]
    kept = {"XDG_CACHE_HOME": str(folder / "cache"), "UV_CACHE_DIR": str(folder / "uv")}
    began = time.monotonic()
    env = {**os.environ, **environ, **kept}
    done = subprocess.run(command, cwd=project, env=env, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(done.stderr)
    told: dict[str, float] = json.loads(report.read_text())
    told["wall_s"] = time.monotonic() - began  # with the start of Python
    return told


if __name__ == "__main__":
    if not shutil.which("git"):
        sys.exit("git is not installed")
    main()
