"""What is made gets its name at once, beside its sum; what is there already stays."""

from __future__ import annotations

import os
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.exported import build_of, saying
from venvbuild.errors import UsageError
from venvbuild.exports import CONSUMERS, Build, export, exporting

SPARK, DOCKER = CONSUMERS["spark"], CONSUMERS["docker"]


@pytest.fixture(scope="module")
def build(tmp_path_factory: pytest.TempPathFactory) -> Build:
    return build_of(tmp_path_factory.mktemp("built") / "build")


def is_told_by_its_sum(file: Path) -> bool:
    done = subprocess.run(["sha256sum", "-c", f"{file.name}.sha256"], cwd=file.parent, capture_output=True, check=False)
    return done.returncode == 0


def test_a_file_lies_beside_its_sum_whatever_its_name_is(build: Build, tmp_path: Path) -> None:
    made = export(SPARK, build, tmp_path / "a b\\c.tar.gz")
    assert made.file == tmp_path / "a b\\c.tar.gz"
    assert is_told_by_its_sum(made.file)
    assert sorted(os.listdir(tmp_path)) == ["a b\\c.tar.gz", "a b\\c.tar.gz.sha256"]
    assert made.file.stat().st_mode & 0o777 == 0o644


def test_without_a_name_it_has_that_of_the_environment_here(
    build: Build, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert export(SPARK, build).file == tmp_path / "sales.tar.gz"


def test_in_a_folder_it_has_that_name(build: Build, tmp_path: Path) -> None:
    assert export(CONSUMERS["lambda"], build, tmp_path).file == tmp_path / "sales-lambda.zip"


@pytest.mark.parametrize("name", ["sales.tar.gz", "sales.tar.gz.sha256"])
def test_a_file_that_is_there_stays_unless_it_is_forced(build: Build, tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("mine")
    with pytest.raises(UsageError, match="name another with -o, or --force"):
        export(SPARK, build, tmp_path / "sales.tar.gz")
    assert (tmp_path / name).read_text() == "mine"
    assert os.listdir(tmp_path) == [name]
    made = export(SPARK, build, tmp_path / "sales.tar.gz", force=True)
    assert made.file
    assert is_told_by_its_sum(made.file)


def test_what_came_meanwhile_stays(build: Build, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def comes(*given: object, **more: object) -> object:
        (tmp_path / "sales.tar.gz").write_text("mine")
        return judged(*given, **more)  # type: ignore[arg-type]

    judged = exporting._judged
    monkeypatch.setattr(exporting, "_judged", comes)
    with pytest.raises(UsageError, match="the file is there"):
        export(SPARK, build, tmp_path / "sales.tar.gz")
    assert os.listdir(tmp_path) == ["sales.tar.gz"]


def test_no_file_takes_the_place_of_what_is_none(build: Build, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "sales.tar.gz")
    with pytest.raises(UsageError, match="no place for a file"):
        export(SPARK, build, tmp_path / "sales.tar.gz", force=True)
    for place, why in (("/dev/null", "no place for a file"), ("-", "goes to stdout")):
        with pytest.raises(UsageError, match=why):
            export(SPARK, build, Path(place))


@pytest.mark.parametrize(
    ("consumer", "name", "better"),
    [("spark", "sales.zip", "sales.zip.tar.gz"), ("lambda", "sales", "sales.zip"), ("airflow", "dag", "dag.py")],
)
def test_a_name_says_what_the_file_is(build: Build, tmp_path: Path, consumer: str, name: str, better: str) -> None:
    with pytest.raises(UsageError, match=f"-o {tmp_path}/{better}") as refused:
        export(CONSUMERS[consumer], build, tmp_path / name)
    way_out = Path(refused.value.problems[0].fix.removeprefix("-o "))
    assert export(CONSUMERS[consumer], build, way_out).file == way_out


def test_a_folder_that_is_not_there_is_named(build: Build, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="the folder is not there"):
        export(SPARK, build, tmp_path / "gone/sales.tar.gz")


def test_a_folder_is_made_whole(build: Build, tmp_path: Path) -> None:
    made = export(DOCKER, build, tmp_path / "image")
    assert made.file == tmp_path / "image"
    assert sorted(os.listdir(made.file)) == ["Dockerfile", "sales.tar.gz", "sales.tar.gz.sha256"]
    assert is_told_by_its_sum(made.file / "sales.tar.gz")
    assert os.listdir(tmp_path) == ["image"]


def test_a_folder_with_something_in_it_stays_unless_it_is_forced(build: Build, tmp_path: Path) -> None:
    (tmp_path / "image").mkdir()
    (tmp_path / "image/mine").write_text("mine")
    with pytest.raises(UsageError, match="not empty"):
        export(DOCKER, build, tmp_path / "image")
    assert os.listdir(tmp_path / "image") == ["mine"]
    export(DOCKER, build, tmp_path / "image", force=True)
    assert sorted(os.listdir(tmp_path / "image")) == ["Dockerfile", "mine", "sales.tar.gz", "sales.tar.gz.sha256"]


def test_where_nothing_is_made_there_is_no_place_for_it(build: Build, tmp_path: Path) -> None:
    able = saying(build, installed_packages=["ipykernel==7.1.0"])
    with pytest.raises(UsageError, match="leave it out"):
        export(CONSUMERS["jupyter"], able, tmp_path / "x")


def test_several_broken_rules_have_one_way_out(build: Build, tmp_path: Path) -> None:
    made = export(CONSUMERS["glue"], replace(saying(build, python_version="3.12"), link=None), tmp_path)
    fixes = {problem.fix for problem in made.problems() if problem.rule in ("python", "link")}
    [fix] = fixes
    command = "venvbuild build -r requirements.txt --env-name sales --python 3.13 --python-path /usr/bin/python3.13"
    assert fix == f"build it so: {command}"


def test_the_command_that_is_advised_builds_for_the_same_python_in_the_same_store(build: Build, tmp_path: Path) -> None:
    made = export(SPARK, replace(saying(build, python_version="3.13"), link=None), tmp_path)
    [problem] = replace(made, also=("--store", "a store")).problems()
    command = "venvbuild build -r requirements.txt --env-name sales --python 3.13"
    assert problem.fix == f"build it so: {command} --python-path /usr/bin/python3.13 --store 'a store'"


@pytest.mark.parametrize("consumer", ["clean-rooms", "glue", "lambda"])
def test_a_build_with_its_python_inside_is_advised_to_have_one_again(
    build: Build, tmp_path: Path, consumer: str
) -> None:
    requires: dict[str, object] = {"abi": "none", "glibc": None, "libraries": []}
    inside = replace(saying(build, python_version="3.8", requires=requires), link=None)
    made = export(CONSUMERS[consumer], inside, tmp_path)
    [fix] = [problem.fix for problem in made.problems() if problem.rule == "python"]
    python = {"clean-rooms": "3.9"}.get(consumer, "3.13")
    assert fix.endswith(f"--env-name sales --python {python} --bundle-python")
    [flags] = [one["flags"] for one in made.as_json()["rules"] if one["rule"] == "python"]
    assert flags == ["--python", python, "--bundle-python"]
    newer = saying(inside, requires={**requires, "glibc": "2.99"})
    refused = {problem.rule: problem.fix for problem in export(CONSUMERS[consumer], newer, tmp_path).problems()}
    assert refused["python"].endswith(f"--env-name sales --python {python}")
    assert refused["glibc"].endswith("without --bundle-python")
