"""What the files of a script's build tell of each other."""

from __future__ import annotations

import gzip
import json
import os
from pathlib import Path
from typing import Any

import pytest

from tests.support.archives import END, environment, file, folder
from tests.support.places import *  # noqa: F403  # the fixtures `place` and `store`
from tests.support.scripted import VERSION, put_scripted
from venvbuild import builds
from venvbuild.builds import ScriptedBuild
from venvbuild.errors import Problem
from venvbuild.restore import scripted_build
from venvbuild.restore.scripted_build import Compared
from venvbuild.stores import Store
from venvbuild.stores.folder import FolderStore

PINS = ["kedro==0.18.14", "pandas==1.5.3", "numpy==1.24.4"]
SITE = "lib/python3.11/site-packages"
ARCHIVE = gzip.compress(environment() + folder(SITE) + file(f"{SITE}/kedro.py") + END)
NESTED = [{"key": "kedro", "package_name": "kedro", "installed_version": "0.18.14", "dependencies": [
    {"package_name": "pandas", "installed_version": "1.5.3", "dependencies": [
        {"package_name": "numpy", "installed_version": "1.24.4", "dependencies": []}]}]}]  # fmt: skip
FLAT = [{"package": {"key": name, "package_name": name, "installed_version": version}, "dependencies": []}
        for name, version in (pin.split("==") for pin in PINS)]  # fmt: skip
FILES: dict[str, bytes] = {
    "requirements.txt": b"kedro==0.18.14\n",
    "pipdeptree.txt": b"kedro==0.18.14\n",
    "pipdeptree.json": json.dumps(FLAT).encode(),
    "installed_packages.txt": "\n".join(PINS).encode(),
    "installed_packages.json": json.dumps(PINS).encode(),
    f"{VERSION}.tar.gz": ARCHIVE,
}


@pytest.fixture
def local(tmp_path: Path) -> Store:
    """Of one kind; the others differ in nothing that counts here but how an archive's end is read."""
    return FolderStore(tmp_path / "store")


def compared(store: Store, **changed: Any) -> tuple[Compared, list[str]]:
    """What was read of the document's build, whose files (`pipdeptree_json`) have these bytes, or are not there."""
    put_scripted(store)
    changes = {name.replace("__", "."): body for name, body in changed.items()}
    for name, body in {**FILES, **changes}.items():
        if body is not None:
            store.put_if_absent(builds.key(VERSION, name), body)
    build = builds.read_any(store, VERSION)
    assert isinstance(build, ScriptedBuild)
    problems: list[Problem] = []
    read = scripted_build.compare(store, build, problems)
    return read, [problem.as_line() for problem in problems]


def test_a_whole_one_agrees_and_what_nothing_tells_is_not_checked(store: Store) -> None:
    read, problems = compared(store)
    assert problems == []
    assert (read.file_count, read.bytes_read) == (6, sum(map(len, FILES.values())))
    assert [what.partition(":")[0] for what in read.not_checked] == [
        "the sha256 of its files",
        "is_conflict_free and conflicts",
    ]


def test_the_tree_may_be_nested(local: Store) -> None:
    assert compared(local, pipdeptree__json=json.dumps(NESTED).encode())[1] == []


def test_lists_that_are_not_there_are_not_checked(local: Store) -> None:
    read, problems = compared(local, installed_packages__json=None, installed_packages__txt=None, pipdeptree__txt=None)
    assert problems == []
    assert {"installed_packages.json: it is not there", "pipdeptree.txt: it is not there"} <= {*read.not_checked}


@pytest.mark.parametrize(
    ("changed", "what"),
    [
        ({"pipdeptree__json": None}, "metadata.json names it"),
        ({"pipdeptree__json": b"[1]"}, "it cannot be read"),
        pytest.param({"pipdeptree__json": b"[" * 100_000}, "it cannot be read", id="deep"),
        ({"installed_packages__json": b'["kedro==0.18.14"]'},
         "installed_packages.json does not have, and metadata.json names, numpy 1.24.4; pandas 1.5.3"),
        ({"installed_packages__json": b"{}"}, "it cannot be read"),
        ({"installed_packages__txt": b"kedro==0.18.14\nmore==1\n"}, "and metadata.json does not name, more 1"),
        ({"installed_packages__txt": b"\xff"}, "it cannot be read"),
    ],
)  # fmt: skip
def test_a_list_that_differs_is_a_problem_with_what_differs(local: Store, changed: Any, what: str) -> None:
    _, (problem,) = compared(local, **changed)
    assert what in problem


def test_a_list_that_is_too_large_is_not_read_and_told(local: Store, tmp_path: Path) -> None:
    compared(local)
    for name in ("requirements.txt", "pipdeptree.json"):
        os.truncate(tmp_path / "store" / builds.key(VERSION, name), 40 << 30)
    read, problems = compared(local)
    assert problems == []
    assert {"requirements.txt: it is too large", "pipdeptree.json: it is too large"} <= {*read.not_checked}


@pytest.mark.parametrize(
    "freeze",
    [b"Kedro==0.18.14\n", b"-e git+https://h.org/kedro@abc#egg=kedro\npandas @ file:///srv/pandas.whl\n# numpy==9\n"],
)
def test_pip_freeze_need_not_list_what_cannot_be_installed_again(local: Store, freeze: bytes) -> None:
    assert compared(local, installed_packages__txt=freeze)[1] == []


def test_installers_and_equal_versions_are_no_difference(local: Store) -> None:
    more = json.dumps([*PINS[:2], "NumPy==1.24.4.0", "pip==23.0.1", "setuptools==65.5.0"]).encode()
    assert compared(local, installed_packages__json=more)[1] == []


@pytest.mark.parametrize(
    ("body", "what"),
    [
        (ARCHIVE[:-20], "it is cut off"),
        (b"", "it is cut off"),
        (gzip.compress(file("readme") + END), "no pyvenv.cfg"),
        (gzip.compress(environment() + file("!/etc/x") + END), "not a plain path"),
        (gzip.compress(environment() + file("bin/x") + file("bin/x") + END), "twice"),
        (None, f"the archive of {VERSION} is not in this store"),
    ],
    ids=["cut", "empty", "no environment", "hostile", "twice", "gone"],
)
def test_an_archive_that_is_not_whole_is_a_problem_at_its_place(local: Store, body: bytes | None, what: str) -> None:
    _, (problem,) = compared(local, **{f"{VERSION}__tar__gz": body})
    assert what in problem
    assert local.uri(builds.key(VERSION, f"{VERSION}.tar.gz")) in problem


def test_an_archive_under_the_name_that_the_metadata_has_is_found(local: Store) -> None:
    put_scripted(local, venv_archive="s3://elsewhere/x/venv.tar.gz")
    for name, body in FILES.items():
        local.put_if_absent(builds.key(VERSION, "venv.tar.gz" if name.endswith(".gz") else name), body)
    build = builds.read_any(local, VERSION)
    assert isinstance(build, ScriptedBuild)
    problems: list[Problem] = []
    assert scripted_build.compare(local, build, problems).file_count == 6
    assert problems == []


@pytest.mark.parametrize(
    ("told", "pins", "expected"),
    [
        (["a==1"], ["A==1.0"], []),
        (["a==1", "b==1"], ["a==2", "c==1"], ["says a 1, and X 2", "names, b 1", "name, c 1"]),
        ([f"p{number}==1" for number in range(9)], [], ["p4 1 and 4 more"]),
        (["a==odd version"], ["a==odd version"], []),
    ],
)
def test_packages_are_compared_by_name_and_version(told: list[str], pins: list[str], expected: list[str]) -> None:
    found = [problem.what for problem in scripted_build.unlike(told, pins, "X", "")]
    assert len(found) == len(expected)
    assert all(part in what for part, what in zip(expected, found, strict=True))
