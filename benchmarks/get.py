"""Prints how much faster `venvbuild get` is than `tar -xzf`, and how much of an archive it fetches.

python -m benchmarks.get STORE VERSION [OTHER_VERSION]

The versions are builds in the folder STORE; OTHER_VERSION differs from VERSION by one package. Both sides begin with a
new process and end with their last file written; the page cache is warm, and nobody waits for the disk. Runs alternate,
each row is the best of 5. Asserts nothing.
"""

from __future__ import annotations

import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

RUNS = 5


def main() -> None:
    """A table; what was fetched; the peak memory."""
    store, versions = Path(sys.argv[1]).resolve(), sys.argv[2:]
    with tempfile.TemporaryDirectory(dir=store.parent) as folder:
        place = Path(folder)
        fetched = _get(store, versions[0], place)[1]
        taken: dict[str, list[float]] = {}
        for _ in range(RUNS):
            taken.setdefault("tar -xzf", []).append(_tar(_archive(store, versions[0]), place))
            taken.setdefault("get, bytes at hand", []).append(_get(store, versions[0], place)[0])
        peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024 / 1e6
        print(f"{f'{os.cpu_count()} cores':24}{'seconds':>9}{'faster':>10}")
        for name, seconds in taken.items():
            print(f"{name:24}{min(seconds):9.2f}{min(taken['tar -xzf']) / min(seconds):8.1f} x")
        print(f"peak memory of the largest process: {peak:.0f} MB")
        _print_fetched(store, versions[0], fetched)
        for other in versions[1:]:
            _print_fetched(store, other, _get(store, other, place)[1], since=versions[0])


def _get(store: Path, version: str, place: Path) -> tuple[float, dict[str, Any]]:
    """Seconds, and what `get --json` said; the cache is in `place` and lasts."""
    command = [sys.executable, "-m", "venvbuild", "get", "--store", str(store), "--json", version, str(place / "got")]
    begun = time.perf_counter()
    done = subprocess.run(
        command, check=True, stdout=subprocess.PIPE, env={**os.environ, "XDG_CACHE_HOME": str(place / "cache")}
    )
    seconds = time.perf_counter() - begun
    shutil.rmtree(place / "got")
    return seconds, json.loads(done.stdout)


def _tar(archive: Path, place: Path) -> float:
    (place / "unpacked").mkdir()
    begun = time.perf_counter()
    subprocess.run(["tar", "-xzf", str(archive), "-C", str(place / "unpacked")], check=True)
    seconds = time.perf_counter() - begun
    shutil.rmtree(place / "unpacked")
    return seconds


def _print_fetched(store: Path, version: str, said: dict[str, Any], since: str | None = None) -> None:
    fetched, total = said["bytes_fetched"], said["bytes_total"]
    line = f"{version}: fetched {fetched} of {total} bytes ({fetched / total:.2%})"
    if since:
        before = {(one["distribution"], one["version"]) for one in _fragments(store, since)}
        new = [one for one in _fragments(store, version) if (one["distribution"], one["version"]) not in before]
        names = sorted({f"{one['distribution']} {one['version']}" for one in new})
        line += f"; {', '.join(names)} has {sum(one['length'] for one in new)}"
    print(line)


def _fragments(store: Path, version: str) -> list[dict[str, Any]]:
    index = json.loads((store / "venv-builds" / version / "archive_index.json").read_bytes())
    return index["fragments"]  # type: ignore[no-any-return]


def _archive(store: Path, version: str) -> Path:
    return store / "venv-builds" / version / f"{version}.tar.gz"


if __name__ == "__main__":
    main()
