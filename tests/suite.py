"""What bin/test does: the tools of locks/test.txt into the cache, then lint, types, and every test with coverage.

bin/test [TIER] [PYTEST ARGUMENT ...]

With arguments of pytest it runs only pytest, with them. Without a tier the slow tests are left out. `--all` runs them
too; `--fast`, before a push, runs only those that start no server, JVM or browser, and measures no coverage. An `-m` of
your own counts instead of either.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(REPOSITORY))

from venvbuild import bootstrap  # noqa: E402  # needs the path above

USUAL = "not slow"
"""Which tests run when no tier is named, for pytest's `-m`. What it leaves out is deselected, which is no skip."""
TIERS = {"--all": "", "--fast": "fast"}
"""The word that names a tier -> which tests are in it; "": every one."""


def main() -> int:
    """Run all of it, or only pytest when it has arguments. The exit code of the first that fails."""
    cache = bootstrap.cache_folder().with_name("venvbuild-tests")
    try:
        python = bootstrap.set_up(REPOSITORY / "locks" / "test.txt", cache)
    except bootstrap.SetUpFailed as failure:
        print(f"the tests cannot be set up: {failure}", file=sys.stderr)
        return failure.exit_code
    for command in commands(sys.argv[1:]):
        print(f"+ python {' '.join(command)}", file=sys.stderr, flush=True)
        env = _environment(python, cache, is_fast="--fast" in sys.argv[1:])
        code = subprocess.run([python, *command], cwd=REPOSITORY, env=env, check=False).returncode
        if code:
            return code
    return 0


def commands(arguments: Sequence[str]) -> list[list[str]]:
    """What `python` is to run, one after another, when bin/test gets these arguments."""
    given = [word for word in arguments if word not in TIERS]
    chosen = next((TIERS[word] for word in arguments if word in TIERS), USUAL)
    pytest = ["-m", "pytest", *(["-m", chosen] if chosen else [])]
    if given:
        return [[*pytest, *given]]  # of several -m pytest takes the last
    lint = [["-m", "ruff", "check", "."], ["-m", "ruff", "format", "--check", "."], ["-m", "mypy"]]
    # one more than there are cores: at any time some tests wait for a retry, a time-out or a server
    pytest += ["-n", str(len(os.sched_getaffinity(0)) + 1), "--dist", "loadgroup", "-q", "-rsfE", "--durations", "15"]
    if "--fast" in arguments:
        return [*lint, pytest]
    return [
        *lint,
        ["-m", "coverage", "erase"],
        ["-m", "coverage", "run", *pytest],
        ["-m", "coverage", "combine", "-q"],
        ["-m", "coverage", "report"],
    ]


def _environment(python: Path, cache: Path, *, is_fast: bool) -> dict[str, str]:
    """Ours, with the tools' own programs first on the PATH and without what would change how packages are found."""
    env = {
        name: value for name, value in os.environ.items() if name not in ("PIP_FIND_LINKS", "PYTHONDONTWRITEBYTECODE")
    }
    env.setdefault("MYPY_CACHE_DIR", str(cache / "mypy"))  # a new clone has what the last one found out: a minute less
    if is_fast:
        env["VENVBUILD_TEST_FAST"] = "1"  # a test that then starts a server fails: it is in the wrong tier
    return {**env, "PATH": f"{python.parent}{os.pathsep}{env.get('PATH', '')}", "PYTHONPATH": str(REPOSITORY)}


if __name__ == "__main__":
    sys.exit(main())
