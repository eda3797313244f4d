"""Spark, wherever it runs: YARN, Kubernetes, standalone, EMR Serverless, EMR on EKS."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

from venvbuild.exports.build import Build
from venvbuild.exports.consumer import Paste
from venvbuild.exports.flat import FlatArchive, place_in_bucket
from venvbuild.exports.rules import Finding, Source, has_libraries, has_link, not_checked

_MANUAL = Source("https://spark.apache.org/docs/3.5.9/api/python/user_guide/python_packaging.html", "2026-11-28")
_EMR = Source(
    "https://docs.aws.amazon.com/emr/latest/EMR-Serverless-UserGuide/using-python-libraries.html", "2026-11-28"
)
_ENVIRONMENT = "environment"
_PYTHON = f"./{_ENVIRONMENT}/bin/python"
_PLAIN = re.compile(r"[A-Za-z0-9._/+@=-]+")


def _settings(build: Build, archive: str) -> tuple[Paste, ...]:
    # A comma ends an archive's name there, and a `#` its path.
    address = archive if _PLAIN.fullmatch(archive) else Path(archive).absolute().as_uri()
    place, executors = f"spark.archives={address}#{_ENVIRONMENT}", f"spark.pyspark.python={_PYTHON}"
    driver = f"spark.pyspark.driver.python=python{build.python_version}"
    bucket = f"spark.archives={place_in_bucket(build, archive)}#{_ENVIRONMENT}"
    both = [f"spark.emr-serverless.driverEnv.{name}={_PYTHON}" for name in ("PYSPARK_DRIVER_PYTHON", "PYSPARK_PYTHON")]
    return (
        Paste(
            f"spark-submit in client mode, whose driver has a Python {build.python_version} of its own",
            _options(place, executors, driver),
        ),
        Paste(
            "spark-submit in cluster mode (YARN; Kubernetes with spark.kubernetes.file.upload.path)",
            _options(place, executors),
        ),
        Paste(
            "sparkSubmitParameters of EMR Serverless, once the archive is in a bucket",
            _options(bucket, *both, f"spark.executorEnv.PYSPARK_PYTHON={_PYTHON}"),
        ),
        Paste("sparkSubmitParameters of EMR on EKS, once the archive is in a bucket", _options(bucket, executors)),
    )


def _options(*settings: str) -> str:
    return " ".join(f"--conf {shlex.quote(one)}" for one in settings)


SPARK = FlatArchive(
    "spark",
    "a .tar.gz with bin/python at its top, for spark.archives; also EMR Serverless, EMR on EKS, YARN",
    (
        has_link(_MANUAL),
        not_checked(
            "executors",
            "each executor has the interpreter that bin/python leads to",
            "each executor, and the driver in cluster mode, must have {link}",
            _MANUAL,
            inside=Finding("met", "the interpreter is inside"),
        ),
        not_checked(
            "driver",
            "driver and executors have one Python X.Y",
            "in client mode the driver must be of Python {python_version}",
            _MANUAL,
        ),
        not_checked(
            "platform",
            "the executors' machines fit the build",
            "they must be {platform} and have {glibc}",
            _EMR,
        ),
        has_libraries("the executors", _MANUAL),
    ),
    _settings,
)
