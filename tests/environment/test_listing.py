"""The files of a closure that fit: those that the lock has, of the index first, the one that is installed first."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

from tests.support.index_server import IndexServer
from tests.support.supplies import here, own_pip, pinned, supply
from tests.support.wheels import sdist, wheel
from venvbuild.environment import build_sdists, closure
from venvbuild.environment.closure import Closure
from venvbuild.environment.listing import Listing, files_of
from venvbuild.environment.package_source import PackageSource

TAG = f"cp{here().version.replace('.', '')}"


def lock(given: PackageSource, *pins: str) -> Closure:
    return closure.lock(pinned(*pins), given, fail_on_conflicts=True, locked=False)


def names(listing: Listing) -> dict[str, list[str]]:
    return {name: [one.file.filename for one in wheels] for name, wheels in listing.wheels.items()}


def test_the_wheels_that_fit_are_listed_best_first_without_asking_again(index: IndexServer, tmp_path: Path) -> None:
    for tag in ("py3-none-any", f"{TAG}-none-any", "cp27-cp27m-win32"):
        wheel(index.folder, "many", "1.0", tag=tag, files={"many.py": f"x = {tag!r}\n"})
    given = supply(index, tmp_path / "work", mode="json")
    locked = lock(given, "many==1.0")
    asked = len(index.requests)
    listing = files_of(locked, given)
    assert names(listing) == {
        "many": [f"many-1.0-{TAG}-none-any.whl", "many-1.0-py3-none-any.whl"],
        "pip": [f"{own_pip().replace('==', '-')}-py3-none-any.whl"],
    }
    assert len(index.requests) == asked
    first = listing.wheels["many"][0].file
    path = index.folder / first.filename
    assert (first.size_bytes, first.sha256) == (path.stat().st_size, hashlib.sha256(path.read_bytes()).hexdigest())


def test_only_files_with_a_hash_of_the_lock_are_listed(index: IndexServer, tmp_path: Path) -> None:
    plain = wheel(index.folder, "many", "1.0")
    wheel(index.folder, "many", "1.0", tag=f"{TAG}-none-any", files={"many.py": "x = 2\n"})
    given = supply(index, tmp_path / "work")
    digest = hashlib.sha256(plain.read_bytes()).hexdigest()
    listing = files_of(lock(given, f"many==1.0 --hash=sha256:{digest}", f"{own_pip()}{_hash_of_pip(index)}"), given)
    assert names(listing)["many"] == [plain.name]


def _hash_of_pip(index: IndexServer) -> str:
    [path] = index.folder.glob(f"{own_pip().replace('==', '-')}-*.whl")
    return f" --hash=sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}"


def test_what_was_built_here_and_what_lies_in_a_folder_is_local(index: IndexServer, tmp_path: Path) -> None:
    sdist(index.folder, "sourced", "1.0")
    both = wheel(index.folder, "both", "1.0")
    wheel(tmp_path / "folder", "both", "1.0")
    wheel(tmp_path / "folder", "mine", "1.0")
    assert (tmp_path / "folder" / both.name).read_bytes() == both.read_bytes()
    given = supply(index, tmp_path / "work", sdists=["sourced"])
    linked = replace(given.installer, find_links=(str(tmp_path / "folder"),))
    pins = "sourced==1.0", "both==1.0", "mine==1.0"
    given = build_sdists(pinned(*pins), replace(given, installer=linked))
    wheels = files_of(lock(given, *pins), given).wheels
    assert {name: [one.is_local for one in wheels[name]] for name in ("sourced", "both", "mine")} == {
        "sourced": [True], "both": [False], "mine": [True],
    }  # fmt: skip


def test_where_the_index_gives_no_hashes_they_are_found_out(index: IndexServer, tmp_path: Path) -> None:
    wheel(index.folder, "tiny", "1.0")
    index.hashless = True
    given = supply(index, tmp_path / "work")
    locked = lock(given, "tiny==1.0")
    assert names(files_of(locked, given))["tiny"] == ["tiny-1.0-py3-none-any.whl"]


def test_an_index_that_is_gone_ends_nothing(index: IndexServer, tmp_path: Path) -> None:
    wheel(index.folder, "tiny", "1.0")
    given = supply(index, tmp_path / "work")
    locked = lock(given, "tiny==1.0")
    cold = replace(given.installer, index_url="http://127.0.0.1:1/simple").with_cache(tmp_path / "cold")
    assert files_of(locked, replace(given, installer=cold)) == Listing({})
