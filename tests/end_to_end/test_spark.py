"""A real Spark job whose executors run in the environment that they were sent as an archive."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.support import java
from tests.support.downloads import pyspark
from tests.support.requirement import require
from tests.support.tool import Tool
from tests.support.wheels import wheel
from venvbuild import interpreters

PYTHON = "3.11"
JAVA = 17
PANDAS = ("pandas==2.2.3", "numpy==2.2.6", "python-dateutil==2.9.0.post0", "pytz==2025.2", "six==1.17.0",
          "tzdata==2025.2")  # fmt: skip
JOB = """
import importlib.util, json
from pyspark.sql import SparkSession
from pyspark.sql.functions import udf

session = SparkSession.builder.getOrCreate()

@udf("string")
def look(number):
    import sys, only_there
    return json.dumps([only_there.__file__, sys.prefix, sys.executable])

rows = session.range(4).repartition(2).select(look("id").alias("seen")).collect()
found = sorted({tuple(json.loads(row.seen)) for row in rows})
print(json.dumps({"executors": found, "driver_has_it": importlib.util.find_spec("only_there") is not None}))
"""

PANDAS_JOB = """
import importlib.util, json
from pyspark.sql import SparkSession

session = SparkSession.builder.getOrCreate()

def look(number):
    import sys, time, pandas
    time.sleep(1)
    return pandas.__version__, int(pandas.Series([number, 1]).sum()), sys.prefix

seen = session.sparkContext.parallelize(range(8), 8).map(look).collect()
found = {"versions": sorted({one[0] for one in seen}), "sums": [one[1] for one in seen]}
found["prefixes"] = sorted({one[2] for one in seen})
print(json.dumps({**found, "driver_has_it": importlib.util.find_spec("pandas") is not None}))
"""


@dataclass(frozen=True)
class Cluster:
    """Spark in a folder of its own, in which its workers keep what they are sent."""

    home: Path
    python: Path
    """Of the driver."""

    def submit(self, folder: Path, python: str, *options: str | Path, job: str = JOB) -> Any:
        """What the job prints, with `python` for the executors."""
        (folder / "job.py").write_text(job)
        env = {
            "PATH": f"{self.python.parent}:/usr/bin:/bin", "HOME": str(folder), "JAVA_HOME": str(java.home(JAVA)),
            "SPARK_HOME": str(self.home), "SPARK_LOCAL_DIRS": str(folder / "scratch"), "SPARK_LOCAL_IP": "127.0.0.1",
            "PYSPARK_PYTHON": python, "PYSPARK_DRIVER_PYTHON": str(self.python),
        }  # fmt: skip
        few = ["spark.ui.enabled=false", "spark.sql.shuffle.partitions=2"]
        settings = [word for one in few for word in ("--conf", one)]
        done = subprocess.run(
            [self.home / "bin/spark-submit", *options, *settings, folder / "job.py"], cwd=folder, env=env,
            capture_output=True, text=True, timeout=900, check=False, stdin=subprocess.DEVNULL,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        return json.loads(done.stdout.splitlines()[-1])


@pytest.fixture
def cluster(tmp_path: Path) -> Cluster:
    found = [one for one in interpreters.installed(os.environ) if one.version == PYTHON]
    require(found, f"there is no Python {PYTHON} here")
    java.home(JAVA)
    home = tmp_path / "spark"
    home.mkdir()
    for entry in pyspark().iterdir():
        (home / entry.name).symlink_to(entry)
    return Cluster(home, found[-1].path)


@pytest.fixture(params=["venv"])
def built(request: pytest.FixtureRequest, tool: Tool, cluster: Cluster) -> str:
    """A build in the layout that is the parameter."""
    wheel(tool.index.folder, "only_there", "1.0")
    done = tool.run("build", "--json", "-r", tool.requirements("only_there==1.0"), "--python", PYTHON,
                    "--python-path", cluster.python, "--layout", request.param)  # fmt: skip
    assert done.code == 0, done.stderr
    version: str = done.json["venv_version"]
    return version


@pytest.mark.parametrize(
    ("built", "place"),
    [("venv", "environment/venv"), ("flat", "environment")],
    indirect=["built"],
    ids=["venv", "flat"],
)
def test_executors_of_a_cluster_run_in_the_archive_that_they_are_sent(
    tool: Tool, cluster: Cluster, built: str, place: str
) -> None:
    archive = tool.stored(built) / f"{built}.tar.gz"
    said = cluster.submit(tool.folder, f"./{place}/bin/python", "--master", "local-cluster[1,1,1024]",
                          "--archives", f"{archive}#environment")  # fmt: skip
    assert said["driver_has_it"] is False
    (module, prefix, executable), *others = said["executors"]
    assert others == []
    assert prefix.startswith(str(cluster.home / "work" / "app-"))  # Spark's folder of an executor
    assert prefix.endswith(f"/{place}")
    assert executable == f"{prefix}/bin/python"
    assert module == f"{prefix}/lib/python{PYTHON}/site-packages/only_there.py"


def test_spark_without_a_cluster_runs_in_what_get_restored(tool: Tool, cluster: Cluster, built: str) -> None:
    target = tool.folder / "restored"
    assert tool.run("get", built, target).code == 0
    said = cluster.submit(tool.folder, str(target / "bin/python"), "--master", "local[1]")
    assert [prefix for _, prefix, _ in said["executors"]] == [str(target)]


@pytest.mark.slow
def test_what_export_prints_runs_a_job_with_pandas_on_two_executors(real_tool: Tool, cluster: Cluster) -> None:
    done = real_tool.run("build", "-r", real_tool.requirements(*PANDAS), "--env-name", "sales", "--python", PYTHON,
                         "--python-path", cluster.python)  # fmt: skip
    assert done.code == 0, done.stderr
    exported = real_tool.run("export", "sales@latest", "--for", "spark", "-o", "for spark.tar.gz")
    assert exported.code == 0, exported.stderr
    pasted = shlex.split(exported.stdout.splitlines()[1])
    both = ["--conf", "spark.scheduler.minRegisteredResourcesRatio=1.0"]
    said = cluster.submit(real_tool.folder, "/nonexistent", "--master", "local-cluster[2,1,1024]", *both, *pasted,
                          job=PANDAS_JOB)  # fmt: skip
    assert said["versions"] == ["2.2.3"]
    assert said["sums"] == [number + 1 for number in range(8)]
    assert said["driver_has_it"] is False
    one, other = said["prefixes"]
    assert {Path(prefix).name for prefix in (one, other)} == {"environment"}
    assert Path(one).parent != Path(other).parent
