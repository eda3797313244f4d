"""The index in readers that know nothing of it, by the examples of docs/catalog.md."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from athena.index import Compactor
from benchmarks import catalog
from tests.support import downloads, java
from tests.support.tool import REPOSITORY, Tool
from venvbuild.stores import open_store

DAY = "2025-07-{:02}".format
_DOCS = (REPOSITORY / "docs/catalog.md").read_text("utf-8").partition("## Other readers")[2]
_BLOCKS = re.findall(r"^```python\n(.*?)^```$", _DOCS, re.MULTILINE | re.DOTALL)
EXAMPLES = dict(zip(("duckdb", "polars", "pyarrow", "pyspark"), _BLOCKS, strict=True))


@pytest.fixture
def expected(tool: Tool) -> list[int]:
    """How many builds have kedro: of the days in the index, and of those after it. Another index was there before."""
    tool.store = str(tool.folder / "a store, é%20#")
    tool.env["VENVBUILD_STORE"] = tool.store
    builds = list(catalog.builds(40, seconds_apart=20_000))
    catalog.write(Path(tool.store), builds)
    store = open_store(tool.store)
    for day in (5, 8):
        current = Compactor(store, tool.folder / "cache").compact(DAY(day)).index
    assert current.retired
    for name, flags in (("files.json", ["--json"]), ("files.txt", []), ("tail.txt", ["--tail"])):
        done = tool.run("table", "files", *flags)
        assert done.code == 0, done.stderr
        (tool.folder / name).write_text(done.stdout)
    having = [one for one in builds if any(pin.startswith("kedro==") for pin in one["installed_packages"])]
    indexed = sum(one["created_at"][:10] < DAY(8) for one in having)
    return [indexed, len(having) - indexed]


def output(command: list[str], folder: Path, **env: str) -> list[int]:
    done = subprocess.run(
        command, cwd=folder, env={"PATH": "/usr/bin:/bin", "HOME": str(folder), **env},
        capture_output=True, text=True, timeout=300, check=False, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return [int(line) for line in done.stdout.splitlines()]


def test_duckdb_counts_each_build_once_and_a_pattern_does_not(tool: Tool, expected: list[int]) -> None:
    assert output([sys.executable, "-c", EXAMPLES["duckdb"]], tool.folder) == expected
    pattern = f"{tool.store}/venv-catalog/index/*/packages/*.parquet"
    [(counted,)] = duckdb.execute("SELECT count(*) FROM read_parquet(?) WHERE name = 'kedro'", [pattern]).fetchall()
    assert counted > expected[0]


def test_the_list_is_the_same_as_lines(tool: Tool, expected: list[int]) -> None:
    found = tool.run("table", "files", "--json").json
    assert (tool.folder / "files.txt").read_text().splitlines() == found["files"]
    assert (tool.folder / "tail.txt").read_text().splitlines() == found["tail"]
    said = tool.run("table", "files", "--table", "venv_builds")
    assert said.stdout.count("/builds/builds.parquet\n") == len(said.stdout.splitlines()) > 0
    assert f"builds since {DAY(8)} are not in these files, but in {len(found['tail'])} rows (--tail)" in said.stderr
    tool.env["VENVBUILD_STORE"] = str(tool.folder / "nowhere")
    assert tool.run("table", "files").code == 2


@pytest.mark.parametrize("reader", ["polars", "pyarrow"])
def test_polars_and_pyarrow_count_each_build_once(reader: str, tool: Tool, expected: list[int]) -> None:
    libraries = str(downloads.readers())
    assert output([sys.executable, "-c", EXAMPLES[reader]], tool.folder, PYTHONPATH=libraries) == expected[:1]


def test_spark_counts_each_build_once(tool: Tool, expected: list[int]) -> None:
    home = downloads.pyspark()
    (tool.folder / "job.py").write_text(EXAMPLES["pyspark"])
    submit = [str(home / "bin/spark-submit"), "--master", "local[1]", "--conf", "spark.ui.enabled=false", "job.py"]
    env = {"JAVA_HOME": str(java.home(17)), "SPARK_HOME": str(home), "SPARK_LOCAL_IP": "127.0.0.1",
           "PYSPARK_PYTHON": sys.executable, "SPARK_LOCAL_DIRS": str(tool.folder / "scratch"),
           "LC_ALL": "C.UTF-8"}  # fmt: skip
    assert output(submit, tool.folder, **env) == expected[:1]
