"""Every rule of every consumer, broken once: nothing is made, and the way out is named."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.exported import PACKAGES, build_of, packable, saying, stored
from venvbuild.archive import FragmentCache
from venvbuild.errors import Problem
from venvbuild.exports import CONSUMERS, Build, aws_lambda, export, zipping

Change = Callable[[Build], Build]


def linked(link: str | None) -> Change:
    return lambda build: replace(build, link=link)


def told(**fields: object) -> Change:
    return lambda build: saying(build, **fields)


def needing(glibc: str) -> Change:
    return told(requires={"abi": "cp311", "glibc": glibc})


LINK_OUT = "--python-path /usr/bin/python3.11"
AGENT = "build it on an agent of that architecture, "
OLDER = "pin older versions of the packages that need it, or build on a machine with glibc 2."
BROKEN: dict[tuple[str, str], tuple[Change, str]] = {
    ("spark", "link"): (linked(None), LINK_OUT),
    ("glue", "python"): (told(python_version="3.12"), "--python 3.13"),
    ("glue", "link"): (linked("/opt/python/bin/python3.11"), LINK_OUT),
    ("glue", "platform"): (told(platform="linux_aarch64"), f"{AGENT}x86_64"),
    ("glue", "glibc"): (needing("2.35"), f"{OLDER}34"),
    ("glue", "packages"): (told(installed_packages=PACKAGES), "write awsgluedataplanepython==5.1.0 into requirements"),
    ("clean-rooms", "python"): (told(python_version="3.11"), "--python 3.9"),
    ("clean-rooms", "link"): (linked("/usr/local/bin/python3.9"), "--python-path /usr/bin/python3.9"),
    ("clean-rooms", "platform"): (told(platform="linux_x86_64"), f"{AGENT}aarch64"),
    ("clean-rooms", "glibc"): (needing("2.39"), f"{OLDER}34"),
    ("clean-rooms", "size"): (told(archive_size_bytes=1_000_000_001), "leave out what is not needed: other "),
    ("docker", "link"): (linked("/opt/python3.11"), "--python-path /usr/local/bin/python3.11"),
    ("docker", "platform"): (told(platform="linux_riscv64"), f"{AGENT}x86_64"),
    ("docker", "glibc"): (needing("2.37"), f"{OLDER}36"),
    ("jupyter", "packages"): (told(installed_packages=PACKAGES), "pin ipykernel in requirements.txt"),
}  # fmt: skip
for one in ("lambda", "lambda-layer"):
    BROKEN |= {
        (one, "python"): (told(python_version="3.9"), "--python 3.13"),
        (one, "platform"): (told(platform="linux_riscv64"), f"{AGENT}x86_64"),
        (one, "glibc"): (needing("2.28"), f"{OLDER}26"),
    }
SHOWN_BY_MAKING = {(one, rule) for one in ("lambda", "lambda-layer") for rule in ("files", "unpacked")}
"""Broken in the tests below."""
_OF_ZIPS = ("upload", "start_files", "outside", "together")
TELLS_ONLY = {(one, rule) for one in ("lambda", "lambda-layer") for rule in _OF_ZIPS} | {
    ("spark", "executors"), ("spark", "driver"), ("spark", "platform"), ("glue", "base-packages"),
    ("clean-rooms", "together"), ("airflow", "path"), ("airflow", "platform"), ("airflow", "values"),
    ("docker", "image"), ("jupyter", "platform"),
    *((one, "libraries") for one in ("spark", "glue", "clean-rooms", "airflow", "docker", "jupyter")),
    ("run", "python"), ("run", "platform"), ("run", "libraries"), ("run", "tools"),
}  # fmt: skip
"""Of what nothing in a build tells, or where there is a way in any case."""


@pytest.fixture(scope="module")
def build(tmp_path_factory: pytest.TempPathFactory) -> Build:
    built = build_of(tmp_path_factory.mktemp("built") / "build")
    return saying(built, installed_packages=[*PACKAGES, "awsgluedataplanepython==5.0.0", "ipykernel==7.1.0"])


def fitting(build: Build, consumer: str) -> Build:
    """The build as this consumer takes it."""
    if consumer != "clean-rooms":
        return build
    return replace(saying(build, python_version="3.9", platform="linux_aarch64"), link="/usr/bin/python3.9")


def pairs() -> Iterator[tuple[str, str]]:
    return ((one.name, rule.name) for one in CONSUMERS.values() for rule in one.rules)


def test_every_rule_is_broken_here_or_only_tells() -> None:
    assert {*BROKEN, *SHOWN_BY_MAKING, *TELLS_ONLY} == {*pairs()}


def test_every_rule_has_a_page_and_a_date() -> None:
    for rule in (rule for one in CONSUMERS.values() for rule in one.rules):
        assert rule.source.page.startswith("https://")
        assert rule.source.read_on.startswith("2026-")


@pytest.mark.parametrize("consumer", CONSUMERS)
def test_a_build_that_fits_breaks_no_rule_and_gives_the_same_bytes_twice(
    build: Build, tmp_path: Path, consumer: str
) -> None:
    sums = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        usual = CONSUMERS[consumer].file_name(build)
        output = tmp_path / name / usual if CONSUMERS[consumer].makes != "answer" else None
        made = export(CONSUMERS[consumer], fitting(build, consumer), output)
        assert not list(made.problems())
        assert made.settings
        sums.append(made.sha256)
    assert sums[0] == sums[1]


@pytest.mark.parametrize(("consumer", "rule"), BROKEN)
def test_a_broken_rule_is_named_with_the_way_out_and_nothing_is_made(
    build: Build, tmp_path: Path, consumer: str, rule: str
) -> None:
    change, way_out = BROKEN[consumer, rule]
    [problem] = problems_of(consumer, rule, change(fitting(build, consumer)), tmp_path)
    assert way_out in problem.fix
    assert "https://" in problem.why


def problems_of(consumer: str, rule: str, build: Build, folder: Path) -> list[Problem]:
    made = export(CONSUMERS[consumer], build, folder / CONSUMERS[consumer].file_name(build))
    assert made.file is None
    assert made.settings == ()
    assert list(folder.iterdir()) == []
    return [one for one in made.problems() if one.rule == rule]


@pytest.mark.parametrize(("consumer", "rule"), sorted(TELLS_ONLY))
def test_what_nothing_tells_is_said_not_to_be_checked(build: Build, tmp_path: Path, consumer: str, rule: str) -> None:
    output = tmp_path / CONSUMERS[consumer].file_name(build) if CONSUMERS[consumer].makes != "answer" else None
    made = export(CONSUMERS[consumer], fitting(build, consumer), output)
    [verdict] = [one for one in made.verdicts if one.rule.name == rule]
    assert verdict.state == ("met" if rule in ("upload", "start_files", "outside", "libraries") else "NOT CHECKED")


@pytest.mark.parametrize("consumer", ["spark", "glue", "clean-rooms", "airflow", "docker", "jupyter", "run"])
def test_of_a_build_with_an_interpreter_libraries_are_named_and_no_python_is_asked_for(
    build: Build, consumer: str
) -> None:
    inside = saying(build, requires={"abi": "none", "glibc": None, "libraries": ["libssl.so.3"]})
    found = {one.name: one.judge(inside, None) for one in CONSUMERS[consumer].rules if not one.is_of_what_is_made}
    assert found["libraries"].state == "NOT CHECKED"
    assert "libssl" in found["libraries"].saw
    for name in ("executors", "platform", "image"):
        assert "Python" not in found[name].saw if name in found else True
        assert "interpreter" not in found[name].saw or found[name].state == "met" if name in found else True


@pytest.mark.parametrize("consumer", ["lambda", "lambda-layer"])
def test_a_zip_that_would_be_too_large_is_not_made(
    tmp_path: Path, build: Build, monkeypatch: pytest.MonkeyPatch, consumer: str
) -> None:
    monkeypatch.setattr(aws_lambda, "_UNPACKED_BYTES", 100)
    build = kept_nowhere(build, tmp_path)
    [problem] = problems_of(consumer, "unpacked", build, empty(tmp_path))
    assert problem.fix.startswith("leave out what is not needed (other ")


@pytest.mark.parametrize("consumer", ["lambda", "lambda-layer"])
def test_a_zip_of_too_many_files_is_not_made(
    tmp_path: Path, build: Build, monkeypatch: pytest.MonkeyPatch, consumer: str
) -> None:
    monkeypatch.setattr(zipping, "MOST_FILES", 2)
    [problem] = problems_of(consumer, "files", kept_nowhere(build, tmp_path), empty(tmp_path))
    assert "more than 2 files" in problem.what


@pytest.mark.parametrize("consumer", ["lambda", "lambda-layer"])
def test_a_zip_holds_no_link(tmp_path: Path, consumer: str) -> None:
    (tmp_path / "packed").mkdir()
    one = packable(tmp_path / "packed")
    (one.site / "shortcut").symlink_to("good")
    [problem] = problems_of(consumer, "files", stored(one), empty(tmp_path))
    assert "shortcut is a link" in problem.what


def kept_nowhere(build: Build, folder: Path) -> Build:
    """With a cache that has nothing made."""
    return replace(build, archive=replace(build.archive, cache=FragmentCache(folder / "cache")))


def empty(folder: Path) -> Path:
    (folder / "empty").mkdir()
    return folder / "empty"
