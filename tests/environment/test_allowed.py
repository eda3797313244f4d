"""A hash of another kind than the index tells is held against the bytes, in whichever of the two it is sha256."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.index_server import IndexServer
from tests.support.supplies import here, own_pip, pinned, supply
from tests.support.wheels import sdist, wheel
from venvbuild.environment import build_sdists, closure, create
from venvbuild.environment.package_source import PackageSource
from venvbuild.errors import IntegrityError
from venvbuild.package_index import PackageIndex

TAG = f"cp{here().version.replace('.', '')}"
WRONG = {"sha256": "sha256:" + "0" * 64, "sha512": "sha512:" + "0" * 128}


def hashed(file: Path, kind: str = "sha256") -> str:
    return f"{kind}:{hashlib.new(kind, file.read_bytes()).hexdigest()}"


def locked(given: PackageSource, index: IndexServer, name: str, *hashes: str) -> closure.Closure:
    """Of a pin with these hashes, and of the pip that comes with it."""
    [pip] = index.folder.glob(f"{own_pip().replace('==', '-')}-*.whl")
    pins = (f"{name}==1.0{''.join(f' --hash={one}' for one in hashes)}", f"{own_pip()} --hash={hashed(pip)}")
    return closure.lock(pinned(*pins), given, fail_on_conflicts=True, locked=False)


def of(found: closure.Closure, name: str) -> tuple[str, ...]:
    return next(one.hashes for one in found.distributions if one.name == name)


def read(index: IndexServer, name: str) -> list[str]:
    """The files of a package that the tool itself read."""
    return [path.rpartition("/")[2] for path in index.ours if f"/files/{name}" in path]


@pytest.mark.parametrize(("told", "given", "mode"), [
    ("sha256", "sha512", "json"), ("sha256", "sha384", "ok"), ("md5", "sha256", "ok"), ("sha512", "sha256", "json"),
])  # fmt: skip
def test_the_file_that_has_the_hash_is_locked_by_its_sha256_and_installed(
    told: str, given: str, mode: str, index: IndexServer, tmp_path: Path
) -> None:
    file = wheel(index.folder, "tiny", "1.0", files={"tiny.py": f"x = {str(tmp_path)!r}\n"})
    index.hash_kind = told
    source = supply(index, tmp_path / "work", mode=mode)
    found = locked(source, index, "tiny", hashed(file, given), WRONG[given] if given in WRONG else hashed(file, given))
    assert of(found, "tiny") == (hashed(file),)
    create(found, source, tmp_path / "venv")
    assert list((tmp_path / "venv").glob("lib/python*/site-packages/tiny.py"))


@pytest.mark.parametrize(("told", "given"), [("sha256", "sha512"), ("md5", "sha256"), ("sha512", "sha256")])
def test_a_file_with_other_bytes_is_refused_and_what_it_has_can_be_compared(
    told: str, given: str, index: IndexServer, tmp_path: Path
) -> None:
    file = wheel(index.folder, "tiny", "1.0")
    index.hash_kind = told
    with pytest.raises(IntegrityError, match=r"no file of tiny 1\.0 has one of the hashes given") as caught:
        locked(supply(index, tmp_path / "work", mode="json"), index, "tiny", WRONG[given])
    [problem] = caught.value.problems
    assert problem.why == f"the index has {file.name} with {hashed(file, given)}"
    assert (problem.where, problem.line, problem.rule) == ("pins.txt:1", 1, "WRONG_BYTES")


def test_of_several_wheels_the_best_that_is_allowed_counts_and_those_of_others_are_not_read(
    index: IndexServer, tmp_path: Path
) -> None:
    tags = (f"{TAG}-none-any", "py3-none-any", "cp27-cp27m-win32")
    best, plain, foreign = (wheel(index.folder, "many", "1.0", tag=tag, files={"m.py": tag}) for tag in tags)
    source = supply(index, tmp_path / "work", mode="json")
    all_of_them = [hashed(file, "sha512") for file in (best, plain, foreign)]
    assert of(locked(source, index, "many", *all_of_them), "many") == (hashed(best),)
    assert read(index, "many") == [best.name]
    assert of(locked(source, index, "many", *all_of_them[1:]), "many") == (hashed(plain),)
    with pytest.raises(IntegrityError) as caught:
        locked(source, index, "many", all_of_them[2])
    said = [f"{file.name} with {hashed(file, 'sha512')}" for file in (best, plain)]
    assert caught.value.problems[0].why == f"the index has {', '.join(said)}"
    assert foreign.name not in read(index, "many")


def test_where_the_wheel_and_other_files_have_hashes_of_two_kinds_the_wheel_is_read(
    index: IndexServer, tmp_path: Path
) -> None:
    file, source = wheel(index.folder, "tiny", "1.0"), sdist(index.folder, "tiny", "1.0")
    found = locked(supply(index, tmp_path / "work"), index, "tiny", hashed(file, "sha512"), hashed(source))
    assert of(found, "tiny") == tuple(sorted((hashed(file), hashed(source))))


@pytest.mark.parametrize(("kind", "told"), [("sha256", "sha256"), ("sha512", "sha256"), ("sha256", "sha512")])
def test_where_the_hash_is_that_of_the_source_the_advice_to_allow_it_helps(
    kind: str, told: str, index: IndexServer, tmp_path: Path
) -> None:
    wheel(index.folder, "tiny", "1.0")
    source = sdist(index.folder, "tiny", "1.0")
    index.hash_kind = told
    given = supply(index, tmp_path / "work", mode="json")
    with pytest.raises(IntegrityError, match=r"no file of tiny 1\.0 has one of the hashes given") as caught:
        create(locked(given, index, "tiny", hashed(source, kind)), given, tmp_path / "venv")
    [problem] = caught.value.problems
    assert (problem.where, problem.line, problem.rule) == ("pins.txt:1", 1, "WRONG_BYTES")
    assert problem.fix.startswith("they are of its source: add the hash of the wheel, or build it")
    assert problem.fix.endswith(": --allow-sdist tiny")
    more = supply(index, tmp_path / "more", mode="json", sdists=["tiny"])
    built = build_sdists(pinned(f"tiny==1.0 --hash={hashed(source, kind)}"), more)
    assert built.built.keys() == {"tiny"}


def test_where_the_hash_is_that_of_a_wheel_for_others_this_is_said(index: IndexServer, tmp_path: Path) -> None:
    wheel(index.folder, "many", "1.0", tag=f"{TAG}-none-any")
    foreign = wheel(index.folder, "many", "1.0", tag="cp27-cp27m-win32")
    given = supply(index, tmp_path / "work", mode="json")
    with pytest.raises(IntegrityError) as caught:
        create(locked(given, index, "many", hashed(foreign)), given, tmp_path / "venv")
    [problem] = caught.value.problems
    assert (problem.where, problem.line) == ("pins.txt:1", 1)
    assert problem.fix == "they are of wheels for other Pythons or platforms: add the hash of the wheel for this one"


@pytest.mark.parametrize("kind", ["sha256", "sha512"])
def test_of_two_files_of_one_name_that_of_the_hash_is_taken_be_it_of_the_folder_or_of_the_index(
    kind: str, index: IndexServer, tmp_path: Path
) -> None:
    paths = (index.folder, tmp_path / "links")
    files = [wheel(path, "tiny", "1.0", files={"tiny.py": f"x = {str(path)!r}\n"}) for path in paths]
    given, links = supply(index, tmp_path / "work"), str(tmp_path / "links")
    installer = replace(given.installer, find_links=(links,))
    given = replace(given, installer=installer, index=PackageIndex(index.url(), find_links=(links,)))
    for file in files:
        found = locked(given, index, "tiny", hashed(file, kind))
        assert of(found, "tiny") == (hashed(file),)
        create(found, given, tmp_path / f"venv-{file.parent.name}")
        [module] = (tmp_path / f"venv-{file.parent.name}").glob("lib/python*/site-packages/tiny.py")
        assert module.read_text() == f"x = {str(file.parent)!r}\n"


def test_where_the_index_tells_no_hash_the_bytes_count(index: IndexServer, tmp_path: Path) -> None:
    file = wheel(index.folder, "tiny", "1.0")
    index.hashless = True
    given = supply(index, tmp_path / "work")
    for kind in ("sha256", "sha512"):
        assert of(locked(given, index, "tiny", hashed(file, kind)), "tiny") == (hashed(file),)
        with pytest.raises(IntegrityError):
            locked(given, index, "tiny", WRONG[kind])


def test_nothing_is_read_where_what_the_index_tells_is_enough(index: IndexServer, tmp_path: Path) -> None:
    file = wheel(index.folder, "tiny", "1.0")
    given = supply(index, tmp_path / "work", mode="json")
    for hashes in ((hashed(file),), (hashed(file), hashed(file, "sha512"))):
        assert of(locked(given, index, "tiny", *hashes), "tiny") == (hashed(file),)
    with pytest.raises(IntegrityError):
        locked(given, index, "tiny", WRONG["sha256"])
    index.hash_kind = "sha512"
    assert of(locked(supply(index, tmp_path / "more", mode="json"), index, "tiny", hashed(file, "sha512")), "tiny")
    assert read(index, "tiny") == []


def test_source_is_built_by_a_hash_of_another_kind(index: IndexServer, tmp_path: Path) -> None:
    file = sdist(index.folder, "sourced", "1.0")
    given = supply(index, tmp_path / "work", sdists=["sourced"])
    assert build_sdists(pinned(f"sourced==1.0 --hash={hashed(file, 'sha512')}"), given).built
    with pytest.raises(IntegrityError, match=r"sourced-1\.0\.tar\.gz has none of the hashes given") as caught:
        build_sdists(pinned(f"sourced==1.0 --hash={WRONG['sha512']}"), given)
    assert hashed(file, "sha512")[:60] in caught.value.problems[0].why
    other = wheel(index.folder, "sourced", "1.0")
    given = supply(index, tmp_path / "more", sdists=["sourced"])
    assert build_sdists(pinned(f"sourced==1.0 --hash={hashed(file, 'sha512')}"), given).built
    assert not build_sdists(pinned(f"sourced==1.0 --hash={hashed(other, 'sha512')}"), replace(given, built={})).built
