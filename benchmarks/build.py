"""Prints how much faster `venvbuild build` is than the script that it replaces, both with warm caches.

python -m benchmarks.build FOLDER [RUNS]

The script is the one of "Virtual Environment Build & Metadata Management Pipeline": `python -m venv`, pip, pipdeptree
inside, freeze, `tar -czf`, on requirements-150.txt with Python 3.11 and a warm pip cache. Its archive holds bytecode,
since pip compiles; ours does not. So the build is also timed with --bytecode, which is like for like. venv-pack packs
the environment that the script made. FOLDER is where all of it is written. Each row is the best of RUNS (2). Asserts
nothing.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

from venvbuild import interpreters

REQUIREMENTS = Path(__file__).with_name("requirements-150.txt")
SCRIPT = r"""
set -e
"$PYTHON" -m venv venv
. venv/bin/activate
pip install -q --upgrade pip
pip install -q -r "$REQUIREMENTS"
pip install -q pipdeptree
pipdeptree --warn silence > pipdeptree.txt
pipdeptree --warn silence --json > pipdeptree.json
pip freeze > installed_packages.txt
python -c "$AS_JSON" > installed_packages.json
tar -czf venv.tar.gz venv/
"""
# The script's own line uses pkg_resources, which new versions of setuptools no longer have.
AS_JSON = """
import importlib.metadata, json
print(json.dumps(sorted("%s==%s" % (one.name, one.version) for one in importlib.metadata.distributions())))
"""


def main() -> None:
    """One table."""
    place = Path(sys.argv[1]).resolve()
    runs = int(sys.argv[2]) if len(sys.argv) > 2 else 2
    shutil.rmtree(place, ignore_errors=True)
    (place / "tools").mkdir(parents=True)
    python = next(one.path for one in interpreters.installed(os.environ) if one.version == "3.11")
    env = {**os.environ, "PYTHON": str(python), "REQUIREMENTS": str(REQUIREMENTS), "AS_JSON": AS_JSON}
    env["PYTHONPATH"] = str(REQUIREMENTS.parents[1])
    _run([python, "-m", "venv", place / "tools"], env, place)
    _run([place / "tools/bin/pip", "install", "-q", "venv-pack", "setuptools<81"], env, place)
    seconds: dict[str, float] = {}
    sizes: dict[str, int] = {}
    for _ in range(runs + 1):  # the first fills the caches
        folder = place / "script"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        taken = {"the script": _run(["bash", "-c", SCRIPT], env, folder)}
        sizes["the script"] = (folder / "venv.tar.gz").stat().st_size
        pack = [place / "tools/bin/venv-pack", "-q", "-p", folder / "venv", "-o", folder / "packed.tar.gz"]
        taken["venv-pack alone"] = _run(pack, env, folder)
        sizes["venv-pack alone"] = (folder / "packed.tar.gz").stat().st_size
        for name, more in {"build": [], "build --bytecode": ["--bytecode"]}.items():
            shutil.rmtree(place / "store", ignore_errors=True)
            command = [sys.executable, "-m", "venvbuild", "build", "-r", REQUIREMENTS, "--python", "3.11"]
            taken[name] = _run([*command, "--store", place / "store", *more], env, place)
            sizes[name] = next((place / "store/venv-builds").glob("*/*.tar.gz")).stat().st_size
        seconds = {name: min(taken[name], seconds.get(name, taken[name])) for name in taken}
    print(f"{f'{os.cpu_count()} cores':24}{'seconds':>9}{'MB':>9}{'faster':>10}")
    for name, best in seconds.items():
        print(f"{name:24}{best:9.2f}{sizes[name] / 1e6:9.1f}{seconds['the script'] / best:8.1f} x")


def _run(command: list[object], env: dict[str, str], folder: Path) -> float:
    begun = time.perf_counter()
    done = subprocess.run([str(word) for word in command], env=env, cwd=folder, capture_output=True, check=False)
    seconds = time.perf_counter() - begun
    if done.returncode:
        sys.exit(f"{command[:3]} ended with {done.returncode}: {done.stderr.decode()[-2000:]}")
    return seconds


if __name__ == "__main__":
    main()
