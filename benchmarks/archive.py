"""Prints how much faster packing is than `tar -czf`, with an empty and a warm cache, and how much larger the archive.

python -m benchmarks.archive WORK_DIR [RUNS [LEVEL ...]]

In WORK_DIR `venvbuild create` has run, say of requirements-150.txt. Bytecode is only in the archives of the rows that
say so; "bytecode, cold" is with a warm cache of everything else. Everything is timed that `venvbuild pack` does beside
starting Python and writing its record; each row is the best of RUNS (3). The CPU seconds tell whether the machine was
busy with something else. Asserts nothing.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import NamedTuple

from venvbuild import archive, interpreters
from venvbuild.archive import FragmentCache, Gate, Known, PackOptions
from venvbuild.builds import places, read_lock
from venvbuild.installed import MANIFEST, Manifest, distributions_of
from venvbuild.interpreters import Interpreter


class Run(NamedTuple):
    """What one run cost, and gave."""

    seconds: float
    cpu_s: float
    size_bytes: int

    def row(self, name: str, reference: Run) -> str:
        return (
            f"{name:24}{self.seconds:9.2f}{self.cpu_s:9.2f}{self.size_bytes / 1e6:9.1f}"
            f"{reference.seconds / self.seconds:8.1f} x{self.size_bytes / reference.size_bytes - 1:9.1%}"
        )


def main() -> None:
    """One table, then the peak memory of this process."""
    work = Path(sys.argv[1]).resolve()
    runs = int(sys.argv[2]) if len(sys.argv) > 2 else 3
    version = next((work / "venv/lib").glob("python3.*")).name.removeprefix("python")
    python = interpreters.probe(work / "venv/bin/python")
    with tempfile.TemporaryDirectory(dir=work.parent) as folder:
        output = Path(folder, "venv.tar.gz")
        command = ["tar", "--exclude=__pycache__", "-czf", str(output), "-C", str(work), "venv"]
        tar = min(_measured(lambda: subprocess.run(command, check=True), output) for _ in range(runs))
        print(f"{f'{os.cpu_count()} cores':24}{'seconds':>9}{'CPU s':>9}{'MB':>9}{'faster':>10}{'larger':>9}")
        print(tar.row("tar -czf", tar))
        for level in [int(text) for text in sys.argv[3:]] or [5]:
            caches = [Path(folder, f"{level}-{number}") for number in range(runs)]
            for compiled_by in (None, python):
                call = partial(_pack, work, output, version, level, compiled_by)
                cold = min(_measured(partial(call, one), output) for one in caches)
                warm = min(_measured(partial(call, one), output) for one in caches)
                print(cold.row(f"level {level}, {'bytecode, cold' if compiled_by else 'empty cache'}", tar))
                print(warm.row(f"level {level}, {'bytecode, warm' if compiled_by else 'warm cache'}", tar))
    print(f"peak memory of this process: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6:.0f} MB")


def _pack(work: Path, output: Path, version: str, level: int, compiled_by: Interpreter | None, cache: Path) -> None:
    venv = work / "venv"
    installed = distributions_of(venv, version, with_damage=False)
    hashes = {name: digests for name, _, digests in read_lock((work / places.LOCK).read_text("utf-8"))}
    archive.pack(
        venv,
        output,
        PackOptions(version, level, cache=FragmentCache(cache), compiled_by=compiled_by),
        gate=Gate.of([work], [], installed),
        known=Known(installed, hashes, Manifest.read(work / MANIFEST)),
    )


def _measured(call: Callable[[], object], output: Path) -> Run:
    output.unlink(missing_ok=True)
    begun, cpu_s = time.perf_counter(), _cpu_s()
    call()
    return Run(time.perf_counter() - begun, _cpu_s() - cpu_s, output.stat().st_size)


def _cpu_s() -> float:
    """Of this process and of what it waited for."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


if __name__ == "__main__":
    main()
