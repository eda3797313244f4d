"""What bin/test does: the tools of locks/test.txt into the cache, then lint, types, and every test with coverage."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(REPOSITORY))

from venvbuild import bootstrap  # noqa: E402  # needs the path above


def main() -> int:
    """Run all of it; with arguments only pytest, with them. The exit code of the first that fails."""
    cache = bootstrap.cache_folder().with_name("venvbuild-tests")
    try:
        python = bootstrap.set_up(REPOSITORY / "locks" / "test.txt", cache)
    except bootstrap.SetUpFailed as failure:
        print(f"the tests cannot be set up: {failure}", file=sys.stderr)
        return failure.exit_code
    arguments = sys.argv[1:]
    whole = [
        ["-m", "ruff", "check", "."],
        ["-m", "ruff", "format", "--check", "."],
        ["-m", "mypy"],
        ["-m", "coverage", "erase"],
        ["-m", "coverage", "run", "-m", "pytest", "-n", "2", "--dist", "loadgroup", "-q", "-rsfE", "--durations", "15"],
        ["-m", "coverage", "combine", "-q"],
        ["-m", "coverage", "report"],
    ]
    for command in [["-m", "pytest", *arguments]] if arguments else whole:
        print(f"+ python {' '.join(command)}", file=sys.stderr, flush=True)
        code = subprocess.run([python, *command], cwd=REPOSITORY, env=_environment(python), check=False).returncode
        if code:
            return code
    return 0


def _environment(python: Path) -> dict[str, str]:
    """Ours, with the tools' own programs first on the PATH and without what would change how packages are found."""
    env = {
        name: value for name, value in os.environ.items() if name not in ("PIP_FIND_LINKS", "PYTHONDONTWRITEBYTECODE")
    }
    return {**env, "PATH": f"{python.parent}{os.pathsep}{env.get('PATH', '')}", "PYTHONPATH": str(REPOSITORY)}


if __name__ == "__main__":
    sys.exit(main())
