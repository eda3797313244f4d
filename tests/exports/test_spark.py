"""What is pasted into Spark; that it runs there: tests/end_to_end/test_spark.py."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from tests.support.exported import build_of
from venvbuild.exports import Build
from venvbuild.exports.spark import SPARK


@pytest.fixture(scope="module")
def build(tmp_path_factory: pytest.TempPathFactory) -> Build:
    return build_of(tmp_path_factory.mktemp("built") / "build")


def pasted(build: Build, made: str, number: int) -> dict[str, str]:
    words = shlex.split(SPARK.settings(build, Path(made))[number].text)
    assert set(words[::2]) == {"--conf"}
    return dict(word.split("=", 1) for word in words[1::2])


def test_in_client_mode_the_driver_has_a_python_of_its_own(build: Build) -> None:
    assert pasted(build, "/srv/sales.tar.gz", 0) == {
        "spark.archives": "/srv/sales.tar.gz#environment",
        "spark.pyspark.python": "./environment/bin/python",
        "spark.pyspark.driver.python": "python3.11",
    }


def test_in_cluster_mode_it_has_the_one_of_the_archive(build: Build) -> None:
    assert pasted(build, "/srv/sales.tar.gz", 1) == {
        "spark.archives": "/srv/sales.tar.gz#environment",
        "spark.pyspark.python": "./environment/bin/python",
    }


def test_emr_serverless_has_variables_of_its_own(build: Build) -> None:
    found = pasted(build, "/srv/sales.tar.gz", 2)
    assert found.pop("spark.archives") == "s3://BUCKET/PREFIX/sales.tar.gz#environment"
    assert set(found.values()) == {"./environment/bin/python"}


def test_emr_on_eks_takes_it_from_a_bucket_by_a_name_that_nobody_cuts(build: Build) -> None:
    for name in ("sales.tar.gz", "a,b #.tar.gz"):
        assert pasted(build, f"/srv/{name}", 3) == {
            "spark.archives": "s3://BUCKET/PREFIX/sales.tar.gz#environment",
            "spark.pyspark.python": "./environment/bin/python",
        }


def test_a_name_that_spark_would_cut_is_an_address(build: Build) -> None:
    assert pasted(build, "/srv/a,b #.tar.gz", 0)["spark.archives"] == "file:///srv/a%2Cb%20%23.tar.gz#environment"
