"""What pins need and may not get: refused by name with the way out, and nothing that is not in the way."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import Any

import pytest

from tests.environment.test_ages import PIP, ago, locked, refused
from tests.support.benches import Bench
from tests.support.index_server import IndexServer
from tests.support.wheels import sdist, wheel
from venvbuild.environment import CompileRequest, compile_files
from venvbuild.errors import RequirementsRefused, ResolutionError


@pytest.fixture
def bitten(index: IndexServer) -> IndexServer:
    """An index where `dep` 1.0 and 0.9 are yanked and 2.0 is not; `exact` 1.0 needs the first, 2.0 does not."""
    for version in ("0.9", "1.0"):
        index.yanked[wheel(index.folder, "dep", version).name] = "it bites"
    wheel(index.folder, "dep", "2.0")
    wheel(index.folder, "exact", "1.0", requires=["dep==1.0"])
    for file in index.folder.glob("*.whl"):
        index.uploaded[file.name] = ago(30)
    return index


@pytest.fixture
def strict(bitten: IndexServer, tmp_path: Path) -> Bench:
    return Bench(tmp_path / "bench", bitten.url("json"), {"VENVBUILD_YANKED": "refuse"})


def let_in(strict: Bench, fix: str, *lines: str) -> None:
    """Do what the fix says last: a hint is a promise."""
    found = re.search(r"let it be built, with VENVBUILD_(YANKED)=(warn) and a line that pins it: write (\S+)$", fix)
    assert found, fix
    strict.using(VENVBUILD_YANKED=found[2]).run_until("create", *lines, found[3])
    assert found[3] in locked(strict)


@pytest.mark.parametrize("form", ["pin", "extra", "chain", "arbitrary", "range"])
def test_a_need_that_is_yanked_is_refused_with_who_needs_it_and_the_way_out(
    strict: Bench, bitten: IndexServer, form: str
) -> None:
    needs = {"pin": "dep==1.0", "extra": "dep[x]==1.0", "chain": "exact", "arbitrary": "dep===1.0", "range": "dep<2"}[
        form
    ]
    wheel(bitten.folder, "top", "1.0", requires=[needs])
    [problem] = refused(RequirementsRefused, strict, "top==1.0", until="create")
    needer = "exact" if form == "chain" else "top"
    assert (problem.what, problem.where, problem.why, problem.rule) == (
        "dep==1.0 is yanked", f"needed by {needer}", "it bites", "YANKED",
    )  # fmt: skip
    let_in(strict, problem.fix, "top==1.0")


def test_another_version_of_the_pin_that_does_not_need_it_is_advised(strict: Bench, bitten: IndexServer) -> None:
    wheel(bitten.folder, "exact", "1.5", requires=["dep==0.9"])
    wheel(bitten.folder, "exact", "2.0", requires=["dep==2.0"])
    wheel(bitten.folder, "exact", "1.9", python="<3")  # which the resolver does not look at
    [problem] = refused(RequirementsRefused, strict, "exact==1.0", until="create")
    assert problem.fix.startswith("write exact==2.0; tried: with it the other pins stay as they are; or let it be")
    strict.run_until("create", "exact==2.0")


@pytest.mark.parametrize(
    ("version", "more", "requires", "told"),
    [
        ("1.5", {"python": "<3"}, ["dep<2"], "1.0"),  # not for this Python
        ("1.0+cu", {}, ["dep<2"], "1.0+cu"),
        ("1.5rc1", {}, ["dep<2"], "1.0"),
        ("1.5rc1", {}, ["dep>1,<2"], "1.5rc1"),
        ("1.5", {}, ["dep<2", "exact"], "1.0"),  # exact needs that
        ("1.5", {"requires": ["exact==7.0"]}, ["dep<2"], "1.0"),
    ],
)
def test_of_several_that_are_yanked_the_one_that_does_is_told(
    strict: Bench, bitten: IndexServer, version: str, more: dict[str, Any], requires: list[str], told: str
) -> None:
    bitten.yanked[wheel(bitten.folder, "dep", version, **more).name] = "it bites"
    wheel(bitten.folder, "top", "1.0", requires=requires)
    [problem] = refused(RequirementsRefused, strict, "top==1.0", until="create")
    assert problem.what == f"dep=={told} is yanked"
    let_in(strict, problem.fix, "top==1.0")


def test_in_a_file_with_hashes_the_advice_tells_how_to_get_the_new_ones(strict: Bench, bitten: IndexServer) -> None:
    wheel(bitten.folder, "exact", "2.0", requires=["dep==2.0"])
    names = [PIP, "exact-1.0-py3-none-any.whl"]
    digests = [hashlib.sha256((bitten.folder / name).read_bytes()).hexdigest() for name in names]
    pip, exact = (
        f"{'=='.join(name.split('-')[:2])} --hash=sha256:{digest}" for name, digest in zip(names, digests, strict=True)
    )
    [problem] = refused(RequirementsRefused, strict, pip, exact, until="create")
    how = r" without its hashes \(the next run gives the command that adds the new ones\)"
    found = re.fullmatch(
        rf"write (\S+){how}; tried: .*; or let .* VENVBUILD_YANKED=warn and a line that pins it: write (\S+){how}",
        problem.fix,
    )
    assert found
    lenient = strict.using(VENVBUILD_YANKED="warn")
    for bench, lines in ((strict, (pip, found[1])), (lenient, (pip, exact, found[2]))):
        [unhashed] = refused(RequirementsRefused, bench, *lines)
        command = re.search(r"add all hashes: venvbuild compile --python \S+ -o (\S+) (\S+)$", unhashed.fix)
        assert command
        request = CompileRequest((Path(command[2]),), Path(command[1]))
        compile_files(request, bench.settings(), bench.environ, lambda _: None)
        bench.run_until("create", *Path(command[1]).read_text().splitlines())


def test_two_of_them_are_told_at_once_and_what_is_not_in_the_way_is_not(strict: Bench, bitten: IndexServer) -> None:
    bitten.yanked[wheel(bitten.folder, "other", "1.0").name] = "it stings"
    wheel(bitten.folder, "both", "1.0", requires=["dep==1.0", "other==1.0"])
    wheel(bitten.folder, "free", "1.0", requires=["dep>=0.9"])
    problems = refused(RequirementsRefused, strict, "both==1.0", until="create")
    assert [(one.what, one.why) for one in problems] == [
        ("dep==1.0 is yanked", "it bites"),
        ("other==1.0 is yanked", "it stings"),
    ]
    strict.run_until("create", "free==1.0")
    assert "dep==2.0" in locked(strict)


def test_where_it_is_not_refused_it_cannot_be_resolved(strict: Bench, bitten: IndexServer) -> None:
    wheel(bitten.folder, "more", "1.0", requires=["dep[x]==1.0"])
    for line, said in (("exact==1.0", "pin dep==1.0 beside it"), ("more==1.0", "pin dep[x]==1.0 beside it")):
        [problem] = refused(ResolutionError, strict.using(VENVBUILD_YANKED="warn"), line, until="create")
        assert said in problem.fix


@pytest.mark.parametrize("why", ["dep==7.0 was yanked", "nobody>=1,< were yanked", "x==1.*,<=! was yanked (reason"])
def test_words_that_look_like_those_of_the_resolver_name_nothing(strict: Bench, bitten: IndexServer, why: str) -> None:
    bitten.yanked["dep-1.0-py3-none-any.whl"] = why
    [problem] = refused(RequirementsRefused, strict, "exact==1.0", until="create")
    assert (problem.what, problem.why) == ("dep==1.0 is yanked", why)


def test_what_is_yanked_and_too_new_is_both(strict: Bench, bitten: IndexServer) -> None:
    bitten.uploaded["dep-1.0-py3-none-any.whl"] = ago(1)
    week = strict.using(VENVBUILD_MIN_AGE_DAYS="7")
    problems = refused(RequirementsRefused, week, "exact==1.0", until="create")
    assert [one.rule for one in problems] == ["YANKED", "TOO_NEW"]
    assert {one.what.split()[0] for one in problems} == {"dep==1.0"}
    excepted = re.search(r"VENVBUILD_MIN_AGE_EXCEPT='(.*)'$", problems[1].fix)
    assert excepted
    let_in(week.using(VENVBUILD_MIN_AGE_EXCEPT=excepted[1]), problems[0].fix, "exact==1.0")


def test_of_what_is_new_only_that_is_told_without_which_there_is_no_answer(index: IndexServer, tmp_path: Path) -> None:
    for name, version, days, requires in (
        ("dep", "1.0", 1, []), ("other", "1.0", 30, []), ("other", "2.0", 1, []),
        ("exact", "1.0", 30, ["dep==1.0", "other"]),
    ):  # fmt: skip
        index.uploaded[wheel(index.folder, name, version, requires=requires).name] = ago(days)
    index.uploaded[PIP] = ago(300)
    week = Bench(tmp_path / "bench", index.url("json"), {"VENVBUILD_MIN_AGE_DAYS": "7"})
    [problem] = refused(RequirementsRefused, week, "exact==1.0", until="create")
    assert problem.what.startswith("dep==1.0 was uploaded ")
    excepted = re.search(r"VENVBUILD_MIN_AGE_EXCEPT='(.*)'$", problem.fix)
    assert excepted
    week.using(VENVBUILD_MIN_AGE_EXCEPT=excepted[1]).run_until("create", "exact==1.0")
    assert "other==1.0" in locked(week)


def test_compile_tells_it_too(strict: Bench, tmp_path: Path) -> None:
    wanted, output = tmp_path / "wanted.in", tmp_path / "pinned.txt"
    wanted.write_text("exact\n")
    request = CompileRequest((wanted,), output)
    with pytest.raises(RequirementsRefused) as caught:
        compile_files(request, strict.settings(), strict.environ, lambda _: None)
    [problem] = caught.value.problems
    assert (problem.what, problem.where) == ("dep==1.0 is yanked", "needed by exact")
    wanted.write_text("exact\ndep==1.0\n")
    with pytest.raises(RequirementsRefused) as caught:
        compile_files(request, strict.settings(), strict.environ, lambda _: None)
    [problem] = caught.value.problems
    assert (problem.where, problem.line) == (f"{wanted}:2", 2)
    assert problem.fix == "write dep==2.0, the nearest that is not"
    lenient = strict.using(VENVBUILD_YANKED="warn")
    compile_files(request, lenient.settings(), lenient.environ, lambda _: None)
    assert "dep==1.0" in output.read_text()


@pytest.mark.parametrize(
    ("requires", "fix"),
    [
        ("dep==1.0", "let it be used all the same: VENVBUILD_YANKED=warn; or choose a version with wheels"),
        ("exact==1.0", "choose a version with wheels, or one that is built otherwise"),
    ],
)
def test_of_what_a_source_is_built_with_no_line_is_advised(
    strict: Bench, bitten: IndexServer, requires: str, fix: str
) -> None:
    backend = '\n[build-system]\nrequires = ["%s"]\nbuild-backend = "_backend"\nbackend-path = ["."]\n'
    sdist(bitten.folder, "sourced", "1.0", pyproject=backend % requires)
    strict.check("sourced==1.0", allow_sdist=("sourced",))
    with pytest.raises(RequirementsRefused) as caught:
        strict.run("create")
    [problem] = caught.value.problems
    assert (problem.what, problem.fix) == ("dep==1.0 is yanked", fix)
    assert problem.where == "sourced-1.0.tar.gz: [build-system] requires"
