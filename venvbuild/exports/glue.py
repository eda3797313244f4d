"""AWS Glue and AWS Clean Rooms, which run Spark themselves: by what their pages say, as no account has confirmed it."""

from __future__ import annotations

import shlex

from venvbuild.exports.build import Build
from venvbuild.exports.consumer import Paste
from venvbuild.exports.flat import FlatArchive, place_in_bucket
from venvbuild.exports.rules import (
    Source,
    archive_at_most,
    glibc_at_most,
    has_libraries,
    has_package,
    link_leads_to,
    not_checked,
    platform_among,
    python_among,
)

_READ_ON = "2026-11-28"
_GLUE = Source(
    "https://docs.aws.amazon.com/glue/latest/dg/aws-glue-programming-python-virtual-environments.html", _READ_ON
)
_CLEAN_ROOMS = Source(
    "https://docs.aws.amazon.com/clean-rooms/latest/userguide/pyspark-analysis-templates.html", _READ_ON
)
_CLEAN_ROOMS_VENV = Source(
    "https://docs.aws.amazon.com/clean-rooms/latest/userguide/create-virtual-environment.html", _READ_ON
)
_AL2023 = Source("https://docs.aws.amazon.com/linux/al2023/ug/python.html", _READ_ON)
_AL2023_GLIBC = Source("https://docs.aws.amazon.com/linux/al2023/ug/core-glibc.html", _READ_ON)
_GLIBC = "2.34"
_ONE_GB = 1_000_000_000
_GLUE_VERSIONS = {"3.13": ("6.0",), "3.11": ("5.1", "5.0")}
_DATAPLANE = "awsgluedataplanepython"


def _usual(python_version: str) -> tuple[str]:
    return (f"/usr/bin/python{python_version}",)


def _version_of_glue(build: Build) -> str:
    return build.packages[_DATAPLANE].rpartition(".")[0]


def _glue_settings(build: Build, archive: str) -> tuple[Paste, ...]:
    place = place_in_bucket(build, archive)
    return (
        Paste("a shell", f"aws s3 cp {shlex.quote(archive)} {shlex.quote(place)}"),
        Paste(f"parameters of a job of Glue {_version_of_glue(build)}", f"--python-virtual-env {shlex.quote(place)}"),
    )


def _clean_rooms_settings(build: Build, archive: str) -> tuple[Paste, ...]:
    place = place_in_bucket(build, archive)
    copy = f"aws s3 cp {shlex.quote(archive)} {shlex.quote(place)} --checksum-algorithm SHA256"
    return (Paste("a shell; the bucket must have versioning, as the template records version and sum", copy),)


GLUE = FlatArchive(
    "glue",
    "a .tar.gz with bin/python at its top, for --python-virtual-env of Glue 5.0, 5.1 and 6.0",
    (
        python_among(tuple(_GLUE_VERSIONS), "Python 3.11 (Glue 5.0, 5.1) or 3.13 (Glue 6.0)", _GLUE),
        link_leads_to(_usual, "the Python of Amazon Linux 2023, or one inside", _AL2023),
        platform_among(("linux_x86_64",), "linux_x86_64; the page names no other", _GLUE),
        glibc_at_most({}, _GLIBC, f"the glibc of Amazon Linux 2023, {_GLIBC}", _AL2023_GLIBC),
        has_package(
            _DATAPLANE,
            {python: tuple(f"{glue}.0" for glue in versions) for python, versions in _GLUE_VERSIONS.items()},
            "AWSGlueDataplanePython of the release: 6.0.0 for 3.13, 5.1.0 or 5.0.0 for 3.11",
            _GLUE,
        ),
        not_checked(
            "base-packages",
            "every package that the job needs is inside, those that Glue brings otherwise, too",
            "see whether boto3, numpy, pandas and what else your job imports are among its packages",
            _GLUE,
        ),
        has_libraries("its machines", _AL2023),
    ),
    _glue_settings,
)

CLEAN_ROOMS = FlatArchive(
    "clean-rooms",
    "a .tar.gz with bin/python at its top, for PySpark analysis templates of AWS Clean Rooms",
    (
        python_among(("3.9",), "Python 3.9, as of EMR 7.7", _CLEAN_ROOMS_VENV),
        link_leads_to(_usual, "the Python of Amazon Linux 2023, or one inside", _AL2023),
        platform_among(("linux_aarch64",), "linux_aarch64", _CLEAN_ROOMS_VENV),
        glibc_at_most({}, _GLIBC, f"the glibc of Amazon Linux 2023, {_GLIBC}", _AL2023_GLIBC),
        archive_at_most(_ONE_GB, "at most 1 GB", _CLEAN_ROOMS),
        not_checked(
            "together", "at most 1 GB, with the script of the template", "add the size of the script", _CLEAN_ROOMS
        ),
        has_libraries("its machines", _AL2023),
    ),
    _clean_rooms_settings,
)
