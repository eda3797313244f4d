"""kedro and pandas, built on a machine that is gone and used on another, at as odd a place as there is."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from packaging.utils import canonicalize_name

from tests.support import newer_pythons, shells
from tests.support.requirement import require
from tests.support.shells import Shell
from tests.support.sizes import ends
from tests.support.tool import REPOSITORY
from venvbuild import interpreters

PINS = {
    "3.15": ("kedro==1.7.0", "pandas==3.1.1", "dynaconf==3.2.9"),  # later ones say that they are for 3.14 at most
    "3.14": ("kedro==1.7.0", "pandas==3.1.1"),
    "3.13": ("kedro==0.19.14", "pandas==3.1.1"),
    "3.12": ("kedro==0.19.14", "pandas==3.1.1"),
    "3.11": ("kedro==0.19.14", "pandas==3.1.1"),
    "3.10": ("kedro==0.19.14", "pandas==2.3.3"),
    "3.9": ("kedro==0.19.14", "pandas==2.3.3"),
    "3.8": ("kedro==0.18.14", "pandas==2.0.3"),
}
"""The newest of each that has wheels for the Python. Each takes half a minute; test_pythons has small ones for each."""
BUILT_BY_PIP = ("3.12",)
NAME = "ein Ordner für Müller & Söhne, 日本 "
CLEAN = {"PATH": shells.PATH, "LANG": "C.UTF-8", "DO_NOT_TRACK": "1", "KEDRO_DISABLE_TELEMETRY": "1",
         "PYTHONWARNINGS": "default:Kedro is not yet fully compatible"}  # fmt: skip
USE_THEM = """
import json, os, sys
import kedro, kedro.io, kedro.pipeline, pandas
frame = pandas.DataFrame({"who": ["a", "b", "a"], "sum": [1, 2, 3]})
add = kedro.pipeline.node(lambda frame: frame.groupby("who")["sum"].sum(), "frame", "sums")
sums = add.run({"frame": frame})["sums"]
files = {line.split(None, 5)[5].rstrip("\\n") for line in open("/proc/self/maps", encoding="utf-8") if "/" in line}
names = [getattr(module, "__file__", None) for module in list(sys.modules.values())]
files |= {os.path.realpath(name) for name in names if name}
print(json.dumps({"versions": ["kedro==" + kedro.__version__, "pandas==" + pandas.__version__], "prefix": sys.prefix,
                  "sums": sums.to_dict(), "path": sys.path, "files": sorted(files)}))
"""


@dataclass(frozen=True)
class Shipped:
    """What left the machine that built it, which is gone since."""

    python: Path
    """The interpreter of the machine that it came to."""
    venv_version: str
    packages: list[str]
    folder: Path
    """Of the new machine; `store` in it is what came."""
    gone: tuple[Path, ...]
    """Folders of the building machine; none of their files may be used."""


@pytest.fixture(params=ends(list(PINS)))
def shipped(
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    real_index_url: str,
    real_index: dict[str, str],
    real_cache: Path,
) -> Shipped:
    """A build from the package index, by a machine of which nothing is left but the store."""
    python: str = request.param
    newer_pythons.put_on_path(python, monkeypatch)
    found = [one for one in interpreters.installed(os.environ) if one.version == python]
    require(found, f"there is no Python {python} here")
    builder = tmp_path / "the building machine"
    builder.mkdir()
    (real_cache / "uv-cache").mkdir(parents=True, exist_ok=True)
    (builder / "uv").symlink_to(real_cache / "uv-cache")  # downloads are kept; the name by which it is known is not
    (builder / "requirements.txt").write_text("".join(f"{pin}\n" for pin in PINS[python]))
    installer = "pip" if python in BUILT_BY_PIP else "uv"
    done = venvbuild(
        builder, "build", "--json", "-r", "requirements.txt", "--work-dir", builder / "work", "--python", python,
        "--installer", installer, **real_index, VENVBUILD_INDEX_URL=real_index_url, UV_CACHE_DIR=str(builder / "uv"),
    )  # fmt: skip
    build = json.loads(done)
    there = tmp_path / "the other machine"
    there.mkdir()
    (builder / "store").rename(there / "store")
    shutil.rmtree(builder)
    assert build["installer"].split()[0] == installer
    gone = (builder, real_cache / "uv-cache")
    return Shipped(found[-1].path, build["venv_version"], build["installed_packages"], there, gone)


def venvbuild(machine: Path, *arguments: str | Path, **env: str) -> str:
    """What venvbuild says on a machine with this folder."""
    own = {"PYTHONPATH": str(REPOSITORY), "HOME": str(machine), "VENVBUILD_STORE": str(machine / "store")}
    done = subprocess.run(
        [sys.executable, "-m", "venvbuild", *map(str, arguments)], cwd=machine, env={**os.environ, **own, **env},
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=600, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def of_200_characters(folder: Path, below: str = "") -> Path:
    """A folder, not there yet, so that what lies `below` it has a path of so many characters."""
    return folder / (NAME + "x" * (200 - len(str(folder / NAME / below))))


def by_tar(shipped: Shipped) -> Path:
    """The environment, by plain tar and rehome."""
    place = of_200_characters(shipped.folder, "venv")
    place.mkdir()
    archive = shipped.folder / "store/venv-builds" / shipped.venv_version / f"{shipped.venv_version}.tar.gz"
    subprocess.run(["tar", "-xzf", archive, "-C", place], check=True)
    subprocess.run(["sh", place / "venv/bin/rehome", shipped.python], check=True, capture_output=True)
    return place / "venv"


def by_get(shipped: Shipped) -> Path:
    """The environment, by `venvbuild get`."""
    place = of_200_characters(shipped.folder)
    venvbuild(shipped.folder, "get", shipped.venv_version, place)
    return place


WAYS: dict[Callable[[Shipped], Path], tuple[Shell, ...]] = {
    by_tar: shells.OF_THE_ARCHIVE,
    by_get: (*shells.OF_THE_ARCHIVE, *shells.WRITTEN_BY_GET),
}
"""How it comes to its place, and the shells that it then serves."""


def test_it_works_at_an_odd_place_of_another_machine(shipped: Shipped, tmp_path: Path) -> None:
    for restore, for_shells in WAYS.items():
        place = restore(shipped)
        assert len(str(place)) == 200
        kedro_and_pandas_work_and_use_no_file_of_the_building_machine(shipped, place)
        console_scripts_run_unactivated_and_through_a_link(shipped, place, tmp_path / restore.__name__)
        its_pip_lists_what_was_built(shipped, place)
        no_file_names_the_building_machine(shipped, place)
        for shell in for_shells:
            done = shell.session(place)
            assert (done.stdout, done.stderr, done.returncode) == (shell.expected(place), "", 0), shell.name


def said(*command: str | Path) -> str:
    done = subprocess.run(command, env=CLEAN, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def kedro_and_pandas_work_and_use_no_file_of_the_building_machine(shipped: Shipped, place: Path) -> None:
    found = json.loads(said(place / "bin/python", "-c", USE_THEM))
    assert found["sums"] == {"a": 4, "b": 2}
    assert set(found["versions"]) < set(shipped.packages)
    assert found["prefix"] == str(place)
    assert any(file.startswith(f"{place}/lib/") and file.endswith(".so") for file in found["files"])
    for gone in map(str, shipped.gone):
        assert [path for path in (*found["path"], *found["files"]) if path.startswith(gone)] == []


def console_scripts_run_unactivated_and_through_a_link(shipped: Shipped, place: Path, elsewhere: Path) -> None:
    version = next(pin.partition("==")[2] for pin in shipped.packages if pin.startswith("kedro=="))
    elsewhere.mkdir()
    (elsewhere / "kedro").symlink_to(place / "bin/kedro")
    for script in (place / "bin/kedro", elsewhere / "kedro"):
        assert said(script, "--version").splitlines()[-1] == f"kedro, version {version}"


def its_pip_lists_what_was_built(shipped: Shipped, place: Path) -> None:
    listed = json.loads(said(place / "bin/pip", "list", "--format", "json", "--disable-pip-version-check"))
    found = sorted(f"{canonicalize_name(one['name'])}=={one['version']}" for one in listed)
    assert found == sorted(shipped.packages)
    assert f"from {place}/" in said(place / "bin/pip", "--version")


def no_file_names_the_building_machine(shipped: Shipped, place: Path) -> None:
    builder = os.fsencode(shipped.gone[0])
    assert [path for path in place.rglob("*") if path.is_file() and builder in path.read_bytes()] == []
