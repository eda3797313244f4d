"""Compares every script of an environment of ours with the same one of an ordinary environment (python -m venv).

    python -m benchmarks.scripts ORDINARY OURS [--all-shells]

Of each script that names ORDINARY's Python: the syntax tree, docstring and encoding, to that Python; what `--help`
prints, and its exit code, in OURS from a folder with spaces through two links, in ORDINARY through two links too;
and, by dash, busybox and bash, the command line that Python gets. With --all-shells `--help` by each. What differs is
printed; then how long one of the scripts takes to start, as a ratio.
"""

from __future__ import annotations

import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from venvbuild.interpreters import compare_scripts, probe

SHELLS = (("dash",), ("busybox", "sh"), ("bash",))
_ENV = {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "COLUMNS": "80", "DO_NOT_TRACK": "1", "NO_COLOR": "1",
        "KEDRO_DISABLE_TELEMETRY": "1", "PYTHONDONTWRITEBYTECODE": "1"}  # fmt: skip
_TIMEOUT_S = 120


class Environment:
    """An environment, and two links to each of its scripts."""

    def __init__(self, venv: Path, folder: Path) -> None:
        self.venv, self.folder = venv.absolute(), folder
        (folder / "one").mkdir(parents=True)
        (folder / "two more").mkdir()

    def link(self, name: str) -> Path:
        first, second = self.folder / "one" / name, self.folder / "two more" / name
        if not second.is_symlink():
            first.symlink_to(self.venv / "bin" / name)
            second.symlink_to(f"../one/{name}")
        return second

    def help(self, name: str, shell: tuple[str, ...] = ()) -> tuple[object, ...]:
        """(code, stdout, stderr) with no place in it."""
        with tempfile.TemporaryDirectory() as home:
            env = {**_ENV, "HOME": home}
            try:
                done = subprocess.run([*shell, self.link(name), "--help"], env=env, cwd=home, stdin=subprocess.DEVNULL,
                                      capture_output=True, timeout=_TIMEOUT_S, check=False)  # fmt: skip
            except subprocess.TimeoutExpired:
                return ("did not end",)
        parts = (done.stdout, done.stderr)
        return (done.returncode, *(self._placeless(part, name, home) for part in parts))

    def _placeless(self, said: bytes, name: str, home: str) -> bytes:
        for place, word in ((self.folder, b"LINKS"), (self.venv, b"VENV"), (home, b"HOME")):
            said = said.replace(os.fsencode(place), word)
        # What docs/archive.md says of tracebacks and warnings.
        said = said.replace(b"VENV/_scripts/" + os.fsencode(name), b"LINKS/two more/" + os.fsencode(name))
        return re.sub(rb"\d\d:\d\d:\d\d", b"TIME", said)


def scripts(venv: Path) -> Iterator[str]:
    """Those that name its Python."""
    for path in sorted((venv / "bin").iterdir()):
        if path.is_file() and not path.is_symlink():
            head = path.read_bytes()[:4096]
            if head.startswith((b"#!" + os.fsencode(venv.absolute()), b"#!/bin/sh\n'''exec'")):
                yield path.name


def unlike_meaning(ordinary: Path, ours: Path, names: list[str]) -> dict[str, str]:
    python = probe(ordinary / "bin" / "python")
    assert python
    pairs = {}
    for name in names:
        body = ours / "_scripts" / name
        after = body.read_bytes() if body.exists() else (ours / "bin" / name).read_bytes()
        pairs[name] = ((ordinary / "bin" / name).read_bytes(), after)
    found = {name: "another " + " and ".join(what) for name, what in compare_scripts(python, pairs).items()}
    for name, (before, after) in pairs.items():
        if before.partition(b"\n")[2] != after.partition(b"\n")[2]:
            found.setdefault(name, "other bytes behind line 1")
    return found


def unlike_command_lines(ours: Path, names: list[str], folder: Path) -> dict[str, str]:
    """What Python gets, by each shell: a stand-in for Python tells it."""
    copy = Environment(folder / "a copy" / "venv", folder / "links of a copy")
    (copy.venv / "bin").mkdir(parents=True)
    (copy.venv / "bin" / "python").write_text('#!/bin/sh\nprintf \'<%s>\' "$0" "$@"\n')
    (copy.venv / "bin" / "python").chmod(0o755)
    found = {}
    for name in names:
        shutil.copy(ours / "bin" / name, copy.venv / "bin" / name)
        link = copy.link(name)
        expected = f"<{copy.venv}/bin/python><{link}><a b><>"
        for shell in SHELLS:
            said = subprocess.run([*shell, link, "a b", ""], capture_output=True, text=True, check=False, env=_ENV)
            if said.stdout != expected:
                found[name] = f"{shell[0]}: {said.stdout}{said.stderr}"
    return found


def start_times(one: Environment, other: Environment, name: str) -> tuple[float, float]:
    """Seconds that `NAME --help` takes in each, in turn; the median of ten."""
    taken: tuple[list[float], list[float]] = ([], [])
    for _ in range(10):
        for environment, times in zip((one, other), taken, strict=True):
            begun = time.monotonic()
            environment.help(name)
            times.append(time.monotonic() - begun)
    return statistics.median(taken[0]), statistics.median(taken[1])


def main(ordinary: Path, ours: Path, *, by_all: bool) -> None:
    names = list(scripts(ordinary))
    with tempfile.TemporaryDirectory(prefix="scripts ") as temporary:
        folder = Path(temporary)
        there, here = Environment(ordinary, folder / "ordinary"), Environment(ours, folder / "ours")
        absent = [name for name in names if not (ours / "bin" / name).exists()]
        names = [name for name in names if name not in absent]
        print(f"{len(names)} scripts; not in ours: {absent}")
        found = {"meaning": unlike_meaning(ordinary, ours, names),
                 "command line": unlike_command_lines(ours, names, folder)}  # fmt: skip

        def compare(name: str) -> tuple[str, str]:
            expected = there.help(name)
            for shell in SHELLS if by_all else ((),):
                said = here.help(name, shell)
                if said != expected:
                    return name, f"{' '.join(shell)}\n    ordinary: {expected!r}\n    ours:     {said!r}"[:3000]
            return name, ""

        with ThreadPoolExecutor(2) as pool:
            found["--help"] = {name: what for name, what in pool.map(compare, names) if what}
        for kind, unlike in found.items():
            print(f"{kind}: {len(names) - len(unlike)} of {len(names)} the same")
            for name, what in unlike.items():
                print(f"  {name}: {what}")
        before, after = start_times(there, here, "pip" if "pip" in names else names[0])
        print(f"start: {before * 1000:.0f} ms ordinary, {after * 1000:.0f} ms ours, {after / before:.3f} x")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), by_all="--all-shells" in sys.argv)
