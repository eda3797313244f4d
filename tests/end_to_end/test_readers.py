"""The index in readers that know nothing of it, by the examples of docs/catalog.md."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from athena.index import Compactor
from athena.rows import register
from benchmarks import catalog
from tests.support import downloads, java
from tests.support.builds import put_build, version
from tests.support.tool import REPOSITORY, Tool
from venvbuild.builds import read
from venvbuild.stores import open_store

DAY = "2025-07-{:02}".format
_DOCS = (REPOSITORY / "docs/catalog.md").read_text("utf-8").partition("## Other readers")[2]
_BLOCKS = re.findall(r"^```python\n(.*?)^```$", _DOCS, re.MULTILINE | re.DOTALL)
EXAMPLES = dict(zip(("duckdb", "polars", "pyarrow", "pyspark"), _BLOCKS, strict=True))


@pytest.fixture
def expected(tool: Tool) -> list[int]:
    """How many builds have kedro: of the days in the index, and of those after it. Another index was there before."""
    return put(tool, "a store, é%20#")


def put(tool: Tool, name: str) -> list[int]:
    """The same of a store of this name, in which the builds are."""
    tool.store = str(tool.folder / name)
    tool.env["VENVBUILD_STORE"] = tool.store
    builds = list(catalog.builds(40, seconds_apart=20_000))
    catalog.write(Path(tool.store), builds)
    store = open_store(tool.store)
    for day in (5, 8):
        current = Compactor(store, tool.folder / "cache").compact(DAY(day)).index
    assert current.retired
    for file, flags in (("files.json", ["--json"]), ("files.txt", []), ("tail.txt", ["--tail"])):
        done = tool.run("table", "files", *flags)
        assert done.code == 0, done.stderr
        (tool.folder / file).write_text(done.stdout)
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


def test_in_a_store_whose_name_is_a_pattern_duckdb_counts_each_build_once(tool: Tool) -> None:
    expected = put(tool, "a*b[1]")
    shutil.copytree(tool.store, tool.folder / "a-b1")
    assert output([sys.executable, "-c", EXAMPLES["duckdb"]], tool.folder) == expected
    said = tool.run("table", "files").stderr
    assert "warning: DuckDB and Spark take * [ in these names for a pattern" in said


@pytest.mark.parametrize("is_indexed", [False, True])
def test_nothing_is_no_error(is_indexed: bool, tool: Tool) -> None:
    store = open_store(tool.store)
    catalog.write(Path(tool.store), list(catalog.builds(4, seconds_apart=20_000)))
    if is_indexed:
        Compactor(store, tool.folder / "cache").compact("2025-08-01")
    found = tool.run("table", "files", "--json")
    assert (bool(found.json["files"]), bool(found.json["tail"])) == (is_indexed, not is_indexed)
    (tool.folder / "files.json").write_text(found.stdout)
    assert 0 in output([sys.executable, "-c", EXAMPLES["duckdb"]], tool.folder)
    if not is_indexed:
        for reader in ("polars", "pyarrow"):
            libraries = str(downloads.readers())
            assert output([sys.executable, "-c", EXAMPLES[reader]], tool.folder, PYTHONPATH=libraries) == []


def test_builds_of_a_time_to_come_in_the_files_are_told(tool: Tool) -> None:
    store = open_store(tool.store)
    for number in (0, 40 * 366 * 86_400):
        register(store, read(store, put_build(store, number)))
    Compactor(store, tool.folder / "cache").compact("2999-01-01")
    found = tool.run("table", "files", "--json")
    assert f"ask WHERE build_no < {found.json['end_build_no']}; `venvbuild table check` names them" in found.stderr
    counted = "SELECT count(DISTINCT build_no) FROM read_parquet(?) WHERE build_no < ?"
    assert duckdb.execute(counted, [found.json["files"], found.json["end_build_no"]]).fetchall() == [(1,)]
    assert version(40 * 366 * 86_400) in tool.run("table", "check").stderr


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
