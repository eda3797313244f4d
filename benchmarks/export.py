"""Prints what an export costs beside packing the same build with an empty cache, and what it costs again.

python -m benchmarks.export WORK_DIR [RUNS]

In WORK_DIR `venvbuild create` has run, say of requirements-150.txt. Each row is a process of its own, Python's start
included: `pack --venv` into the layout that a store has, with an empty fragment cache; then `export` of that build from
a folder store, with an empty cache and once more. Their CPU counts; runs alternate, each row is the best of RUNS (3).
ZIPs are made without Lambda's limit of 250 MB. Asserts nothing.
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

from tests.support.builds import put_build, version
from venvbuild.archive import FragmentCache, Gate, PackOptions, pack
from venvbuild.builds import places
from venvbuild.stores import open_store

_PACK = """
import sys
from pathlib import Path
from venvbuild.archive import FragmentCache, Gate, Known, PackOptions, pack
from venvbuild.builds import places, read_lock
from venvbuild.installed import MANIFEST, Manifest, distributions_of
work, output, cache, python = Path(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3]), sys.argv[4]
installed = distributions_of(work / "venv", python, with_damage=False)
hashes = {name: digests for name, _, digests in read_lock((work / places.LOCK).read_text("utf-8"))}
known = Known(installed, hashes, Manifest.read(work / MANIFEST))
options = PackOptions(python, 5, cache=FragmentCache(cache))
pack(work / "venv", output, options, gate=Gate.of([work], [], installed), known=known)
"""
_EXPORT = """
import sys
from pathlib import Path
from venvbuild.archive import FragmentCache
from venvbuild.exports import CONSUMERS, Build, aws_lambda, export
from venvbuild.stores import open_store
aws_lambda._UNPACKED_BYTES = 1 << 40
store, venv_version, cache, consumer, output = sys.argv[1:]
build = Build.of(open_store(store), venv_version, FragmentCache(Path(cache)))
exported = export(CONSUMERS[consumer], build, Path(output), force=True)
assert exported.file, list(exported.problems())
"""


def main() -> None:
    """A table: seconds, CPU, and the ratio of CPU to a cold pack."""
    work, runs = Path(sys.argv[1]).resolve(), int(sys.argv[2]) if len(sys.argv) > 2 else 3
    python = next((work / "venv/lib").glob("python3.*")).name.removeprefix("python")
    with tempfile.TemporaryDirectory(dir=work.parent) as folder:
        place = Path(folder)
        store, name = place / "store", _stored(work, place, python)
        taken: dict[str, list[tuple[float, float]]] = {}
        for number in range(runs):
            calls: dict[str, Callable[[], object]] = {
                "pack, empty cache": partial(_run, _PACK, work, place / "packed.tar.gz", place / f"p{number}", python)
            }
            for consumer, ending in (("spark", ".tar.gz"), ("lambda", ".zip"), ("run", ".run")):
                of = (store, name, place / f"{consumer}{number}", consumer, place / f"made{ending}")
                calls[f"export --for {consumer}"] = calls[f"{consumer} again"] = partial(_run, _EXPORT, *of)
            for row, call in calls.items():
                taken.setdefault(row, []).append(_measured(call))
        print(f"{f'{os.cpu_count()} cores':24}{'seconds':>9}{'CPU s':>9}{'of pack':>9}")
        cold = min(cpu_s for _, cpu_s in taken["pack, empty cache"])
        for row, found in taken.items():
            cpu_s = min(one[1] for one in found)
            print(f"{row:24}{min(found)[0]:9.2f}{cpu_s:9.2f}{cpu_s / cold:9.2f}")


def _stored(work: Path, place: Path, python: str) -> str:
    """A build of the environment in a folder store; its version."""
    options = PackOptions(python, 5, cache=FragmentCache(place / "first"))
    packed = pack(work / "venv", place / "first.tar.gz", options, gate=Gate((), (), {}))
    name = version(1)
    files = {
        places.REQUIREMENTS: b"",
        places.archive_name(name): packed.path.read_bytes(),
        places.ARCHIVE_INDEX: packed.index.text().encode(),
    }
    return put_build(open_store(str(place / "store")), 1, files, python_version=python)


def _run(code: str, *arguments: str | Path) -> None:
    subprocess.run([sys.executable, "-c", code, *map(str, arguments)], check=True)


def _measured(call: Callable[[], object]) -> tuple[float, float]:
    begun, before = time.perf_counter(), _cpu_s()
    call()
    return time.perf_counter() - begun, _cpu_s() - before


def _cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    main()
