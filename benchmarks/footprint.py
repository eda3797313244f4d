"""Prints what the tool itself costs: CPU of `--version`, and the peak memory of its own process during a build.

python3 benchmarks/footprint.py [REQUIREMENTS]

Children (uv, pipdeptree) are not counted. Needs the package index; asserts nothing.
"""

from __future__ import annotations

import os
import re
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(REPOSITORY))

from venvbuild import bootstrap  # noqa: E402  # needs the path above

_RUNS = 10
_IN_PROCESS = """
import atexit, sys
sys.path.insert(0, sys.argv.pop(1))
report = open(sys.argv.pop(1), "w")
atexit.register(lambda: report.write(open("/proc/self/status").read()))
from venvbuild.main import main
main()
"""


def main() -> None:
    requirements = Path(sys.argv[1] if len(sys.argv) > 1 else REPOSITORY / "benchmarks" / "requirements-150.txt")
    python = bootstrap.set_up(REPOSITORY / "locks" / "base.txt", bootstrap.cache_folder())
    own = ["-I", "-c", _IN_PROCESS, str(REPOSITORY), os.devnull, "--version"]
    print(f"CPU of `venvbuild --version`, median of {_RUNS}:")
    print(f"  the tool's process      {_cpu_ms([str(python), *own]):6.0f} ms")
    print(f"  bin/venvbuild --version {_cpu_ms([str(REPOSITORY / 'bin' / 'venvbuild'), '--version']):6.0f} ms")
    print(f"  python -c pass          {_cpu_ms([str(python), '-I', '-c', 'pass']):6.0f} ms")
    print(f"peak memory of the tool's own process, `venvbuild build -r {requirements.name}`:")
    print(f"  {_peak_mb(python, requirements):.0f} MB")


def _cpu_ms(command: list[str]) -> float:
    """User and system time of `command` and of what it waited for."""
    taken = []
    for _ in range(_RUNS):
        child = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        taken.append((usage.ru_utime + usage.ru_stime) * 1000)
    return statistics.median(taken)


def _peak_mb(python: Path, requirements: Path) -> float:
    """`VmHWM`, not `ru_maxrss`: that one also remembers the process from which this one was forked."""
    with tempfile.TemporaryDirectory() as folder:
        status, store, work = (Path(folder, name) for name in ("status", "store", "work"))
        build = ["build", "-r", str(requirements), "--store", str(store), "--work-dir", str(work)]
        subprocess.run([python, "-I", "-c", _IN_PROCESS, str(REPOSITORY), str(status), *build], check=True)
        found = re.search(r"^VmHWM:\s+([0-9]+) kB", status.read_text(), re.MULTILINE)
    if not found:
        raise SystemExit("this kernel does not tell VmHWM")
    return int(found[1]) * 1024 / 1e6


if __name__ == "__main__":
    main()
