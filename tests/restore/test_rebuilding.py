"""The environment of a build made anew from its lock, against a local index: what is installed, and what is refused."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.support.builds import put_build, version
from tests.support.index_server import IndexServer
from tests.support.supplies import here, supply
from tests.support.wheels import wheel
from venvbuild.archive import FragmentCache
from venvbuild.environment import Closure, LockedDistribution
from venvbuild.errors import IntegrityError, NotInStore, Problem, RequirementsRefused, ResolutionError, UsageError
from venvbuild.restore import rebuilding
from venvbuild.restore.kernel import Kernel
from venvbuild.restore.restoring import Restored, RestoreOptions
from venvbuild.stores.folder import FolderStore


@dataclass
class Rebuilding:
    """A store, an index, and a place for the environment."""

    folder: Path
    index: IndexServer

    @property
    def store(self) -> FolderStore:
        return FolderStore(self.folder / "store")

    @property
    def target(self) -> Path:
        return self.folder / "venv"

    def put(self, *wheels: Path, pins: str, lock: str | None = None, **fields: Any) -> str:
        """A build with these pins, whose lock has these wheels."""
        named = [(file.name.split("-"), digest(file)) for file in wheels]
        entries = (LockedDistribution(parts[0], parts[1], (sha256,)) for parts, sha256 in named)
        text = lock if lock is not None else Closure(tuple(entries), (), is_forced=False).text()
        files = {"requirements.txt": f"{pins}\n".encode(), "requirements.lock.txt": text.encode()}
        return put_build(self.store, 1, files, **{"python_version": here().version, **fields})

    def run(self, build: str, kernel: Kernel | None = None) -> Restored:
        cache = FragmentCache(self.folder / "cache")
        machine = RestoreOptions(lambda wanted: here(), cache, "99.0", lambda *counts: None, kernel=kernel)
        return rebuilding.rebuild(
            self.store, build, self.target, machine, lambda interpreter, scratch: supply(self.index, scratch)
        )

    def refusal(self, build: str) -> Problem:
        """Why it is not rebuilt; nothing is left of the try."""
        before = sorted(self.folder.iterdir())
        with pytest.raises(ResolutionError) as caught:
            self.run(build)
        (problem,) = caught.value.problems
        assert sorted(self.folder.iterdir()) == before
        return problem


@pytest.fixture
def anew(tmp_path: Path, index: IndexServer) -> Rebuilding:
    return Rebuilding(tmp_path, index)


def digest(file: Path) -> str:
    return "sha256:" + hashlib.sha256(file.read_bytes()).hexdigest()


def test_it_becomes_a_kernel_if_it_can_be_one_which_is_asked_before_anything_is_installed(anew: Rebuilding) -> None:
    launcher = {"ipykernel_launcher.py": "x = 1\n"}
    files = [wheel(anew.index.folder, "ipykernel", "7.0", files=launcher), wheel(anew.index.folder, "other", "1.0")]
    kernel = Kernel.of("sales", {"JUPYTER_DATA_DIR": str(anew.folder / "data")})
    with pytest.raises(UsageError, match="has no ipykernel"):
        anew.run(anew.put(*files, pins="other==1.0", installed_packages=["other==1.0"]), kernel)
    assert not anew.target.exists()
    anew = Rebuilding(anew.folder / "again", anew.index)
    anew.folder.mkdir()
    pins = ["ipykernel==7.0", "other==1.0"]
    restored = anew.run(anew.put(*files, pins=pins[0], installed_packages=pins), kernel)
    assert restored.kernel == str(kernel.place / "kernel.json")


def test_what_the_lock_says_is_installed_and_is_ours(anew: Rebuilding) -> None:
    files = [
        wheel(anew.index.folder, "needy", "1.0", requires=["other"], scripts={"needy": "needy:main"}),
        wheel(anew.index.folder, "other", "1.0"),
    ]
    wheel(anew.index.folder, "other", "2.0")
    restored = anew.run(anew.put(*files, pins="needy==1.0"))
    site = anew.target / f"lib/python{here().version}/site-packages"
    assert {path.name for path in site.glob("*.dist-info")} == {"needy-1.0.dist-info", "other-1.0.dist-info"}
    assert (restored.rebuilt, restored.bytes_fetched, restored.target) == (True, 0, str(anew.target))
    marker = json.loads((anew.target / ".venvbuild.json").read_text())
    assert (marker["made_by"], marker["venv_version"]) == ("venvbuild get", version(1))
    assert (anew.target / "bin" / "rehome").stat().st_mode & 0o777 == 0o755
    assert str(anew.target).encode() not in (anew.target / "bin" / "needy").read_bytes()


def test_a_lock_without_hashes_is_not_believed(anew: Rebuilding) -> None:
    with pytest.raises(IntegrityError, match="the lock has no hash of one, two") as caught:
        anew.run(anew.put(pins="one==1.0", lock="one==1.0\ntwo==1.0\n"))
    (problem,) = caught.value.problems
    assert problem.where.endswith(f"/{version(1)}/requirements.lock.txt")
    assert (problem.fix, problem.rule) == ("build it again", "NOT_HASHED")


def test_a_lock_that_was_changed_is_not_believed(anew: Rebuilding) -> None:
    build = anew.put(wheel(anew.index.folder, "one", "1.0"), pins="one==1.0")
    (anew.folder / "store" / "venv-builds" / build / "requirements.lock.txt").write_text("evil==1.0\n")
    with pytest.raises(IntegrityError, match=r"is not the one that metadata\.json names"):
        anew.run(build)
    assert not anew.target.exists()


def test_a_build_that_there_is_not_is_not_found(anew: Rebuilding) -> None:
    with pytest.raises(NotInStore):
        anew.run(version(1))


def mine(target: Path) -> None:
    target.mkdir()
    (target / "mine").write_text("mine")


def ours(target: Path) -> None:
    target.mkdir()
    (target / ".venvbuild.json").write_text('{"made_by": "venvbuild get"}')
    (target / "old").write_text("")


def test_a_target_that_is_not_ours_is_left_before_anything_is_asked(anew: Rebuilding) -> None:
    build = anew.put(wheel(anew.index.folder, "one", "1.0"), pins="one==1.0")
    mine(anew.target)
    with pytest.raises(UsageError, match="nothing was touched"):
        anew.run(build)
    assert ([path.name for path in anew.target.iterdir()], anew.index.requests) == (["mine"], [])


def test_a_target_of_ours_is_replaced_whole(anew: Rebuilding) -> None:
    ours(anew.target)
    anew.run(anew.put(wheel(anew.index.folder, "one", "1.0"), pins="one==1.0"))
    assert not (anew.target / "old").exists()
    assert (anew.target / "pyvenv.cfg").exists()


def test_a_package_that_this_platform_has_no_file_of_is_told_with_the_way_out(anew: Rebuilding) -> None:
    file = wheel(anew.index.folder, "native", "1.0", tag="cp311-cp311-win_amd64")
    problem = anew.refusal(anew.put(file, pins="native==1.0"))
    assert problem.what.startswith(f"native==1.0 has no wheel for Python {here().version}")
    assert problem.where == "requirements.lock.txt"
    assert problem.fix.startswith("change the pins of the build's requirements.txt")


@pytest.mark.parametrize("told", ["sha256", "sha512"])
def test_a_lock_of_a_build_on_an_index_of_sha512_is_installed_from_any(told: str, anew: Rebuilding) -> None:
    file = wheel(anew.index.folder, "one", "1.0")
    anew.index.hash_kind = told
    right = f"one==1.0 --hash=sha512:{hashlib.sha512(file.read_bytes()).hexdigest()}\n"
    anew.run(anew.put(file, pins="one==1.0", lock=right, reproducible=False))
    assert list(anew.target.glob("lib/python*/site-packages/one.py"))


def test_a_lock_of_another_kind_than_the_index_tells_is_held_against_the_bytes(anew: Rebuilding) -> None:
    file = wheel(anew.index.folder, "one", "1.0")
    build = anew.put(file, pins="one==1.0", lock=f"one==1.0 --hash=sha512:{'0' * 128}\n", reproducible=False)
    with pytest.raises(IntegrityError, match=r"no file of one 1\.0 has one of the hashes given"):
        anew.run(build)
    assert not anew.target.exists()


def test_another_pip_is_no_way_out_where_pip_is_in_quarantine(anew: Rebuilding) -> None:
    lib = wheel(anew.index.folder, "lib", "1.0")
    build = anew.put(lib, next(anew.index.folder.glob("pip-*.whl")), pins="lib==1.0")
    anew.index.statuses |= {"lib": ("quarantined", "malware"), "pip": ("quarantined", "malware")}
    with pytest.raises(RequirementsRefused) as caught:
        anew.run(build)
    of_lib, of_pip = (problem.fix for problem in caught.value.problems)
    assert of_lib.startswith("use another package than lib: change the pins of the build's requirements.txt, and build")
    assert of_pip.endswith("VENVBUILD_INDEX_URL")


def test_a_package_that_was_built_from_source_cannot_be_made_anew(anew: Rebuilding) -> None:
    built = wheel(anew.folder / "elsewhere", "sourced", "1.0", files={"sourced.py": "built = 1\n"})
    wheel(anew.index.folder, "sourced", "1.0")
    problem = anew.refusal(anew.put(built, pins="sourced==1.0", reproducible=False))
    assert problem.what == "sourced 1.0 was built from source for that build, and cannot be rebuilt from its lock"
    assert problem.fix.endswith("venvbuild build --allow-sdist sourced")
    assert problem.rule == "BUILT_FROM_SOURCE"


@pytest.mark.parametrize("there", [None, ours], ids=["absent", "ours"])
def test_what_the_lock_lacks_for_this_platform_is_told_and_the_target_stays(
    anew: Rebuilding, there: Callable[[Path], None] | None
) -> None:
    if there:
        there(anew.target)
    file = wheel(anew.index.folder, "needy", "1.0", requires=["only-here"])
    problem = anew.refusal(anew.put(file, pins="needy==1.0", platform="linux_sparc"))
    assert problem.what == "needy 1.0 needs only-here, which is not installed"
    assert problem.why == f"the lock was made for linux_sparc, this is {here().platform}"
    assert (problem.where, problem.rule) == ("requirements.lock.txt", "INCOMPLETE")


def test_what_the_build_lacked_itself_is_no_news(anew: Rebuilding) -> None:
    file = wheel(anew.index.folder, "needy", "1.0", requires=["absent"])
    sentence = "needy 1.0 needs absent, which is not installed"
    build = anew.put(file, pins="needy==1.0", conflicts=[sentence], is_conflict_free=False)
    assert anew.run(build).rebuilt
