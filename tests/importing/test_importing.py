"""All that a source has, in turn: done, left, not done; stopped anywhere, the same call does the rest."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from tests.support import old_script
from tests.support.builds import put_build
from tests.support.old_script import Workspace
from tests.support.scripted import DOCUMENT
from tests.support.stored import committed
from tests.support.wheels import wheel
from venvbuild import builds
from venvbuild.builds import Metadata
from venvbuild.errors import StoreUnavailable
from venvbuild.importing import Import, Imported, Known, Making, imported, open_source
from venvbuild.stores import Store, open_store
from venvbuild.stores.folder import FolderStore

OPEN = partial(open_store, cache=None)


@pytest.fixture(scope="module")
def archives(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Three archives of one environment, each with a file more."""
    folder = tmp_path_factory.mktemp("agent")
    job = old_script.small(folder / "workspace", wheel(folder, "good", "1.0"))
    return [_with_more(job, folder / f"{number}.tar.gz", number) for number in range(3)]


def _with_more(job: Workspace, archive: Path, number: int) -> Path:
    (job.venv / f"more-{number}").write_text("more")
    return job.pack(archive)


@pytest.fixture
def source(tmp_path: Path, archives: list[Path]) -> Path:
    """Three builds, the one of the last day first in the listing."""
    for number, archive in enumerate(archives):
        build = tmp_path / f"source/{9 - number}"
        build.mkdir(parents=True)
        (build / "venv.tar.gz").write_bytes(archive.read_bytes())
        (build / "metadata.json").write_text(
            json.dumps({**json.loads(DOCUMENT), "created_at": f"2025-07-0{number + 1}T00:00:00Z"})
        )
    return tmp_path / "source"


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where archives are unpacked; empty again in the end."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    yield folder
    assert list(folder.iterdir()) == []


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return FolderStore(tmp_path / "store")


class Rows:
    """Registers, as the catalog does: a row that is there stays."""

    def __init__(self) -> None:
        self.versions: list[str] = []
        self.fails_at = -1

    def __call__(self, build: Metadata) -> None:
        if len(self.versions) == self.fails_at:
            raise StoreUnavailable("the store is down", where="rows", fix="try again")
        if build["venv_version"] not in self.versions:
            self.versions.append(build["venv_version"])


def into(store: Store, register: Callable[[Metadata], object]) -> Import:
    return Import(store, Making("old", 1, None), register)


def run(source: Path, way: Import) -> list[Imported]:
    return list(imported(open_source(str(source), OPEN), way, Known.of(way.store, way.making.env_name)))


def test_each_becomes_a_build_the_oldest_first(source: Path, store: Store) -> None:
    rows = Rows()
    told = run(source, into(store, rows))
    assert [(one.outcome, one.source_version) for one in told] == [("done", "venv_20250722_163000")] * 3
    assert [one.venv_version for one in told] == sorted(committed(store)) == rows.versions
    assert [one.source.rpartition("/source/")[2] for one in told] == [
        f"{9 - number}/venv.tar.gz" for number in range(3)
    ]
    assert builds.latest(store, "old") == rows.versions[-1]


def test_stopped_between_a_build_and_its_row_the_next_run_writes_the_row_and_does_the_rest(
    source: Path, store: Store
) -> None:
    rows = Rows()
    rows.fails_at = 1
    with pytest.raises(StoreUnavailable):
        run(source, into(store, rows))
    assert len(committed(store)) == 2
    rows.fails_at = -1
    assert [one.outcome for one in run(source, into(store, rows))] == ["left", "left", "done"]
    assert rows.versions == sorted(committed(store))
    assert len(rows.versions) == 3


def test_what_another_environment_has_is_done_for_this_one(source: Path, store: Store) -> None:
    run(source, into(store, Rows()))
    other = into(store, Rows())
    told = run(source, replace(other, making=replace(other.making, env_name="other")))
    assert [one.outcome for one in told] == ["done"] * 3


def test_the_same_bytes_under_two_names_are_one_build(source: Path, store: Store) -> None:
    (source / "copy.tar.gz").write_bytes((source / "9/venv.tar.gz").read_bytes())
    told = run(source, into(store, Rows()))
    assert sorted(one.outcome for one in told) == ["done"] * 3 + ["left"]
    assert len(committed(store)) == 3


@pytest.mark.parametrize("is_known", [False, True])
def test_a_dry_run_tells_it_and_writes_nothing(source: Path, store: Store, is_known: bool) -> None:
    rows = Rows()
    if is_known:
        run(source, into(store, rows))
    before = old_script.contents(source.parent)
    (source / "copy.tar.gz").write_bytes((source / "9/venv.tar.gz").read_bytes())
    told = run(source, replace(into(store, Rows()), is_dry=True))
    expected = ["left"] * 4 if is_known else ["left", "would be done", "would be done", "would be done"]
    assert sorted(one.outcome for one in told) == expected
    (source / "copy.tar.gz").unlink()
    assert old_script.contents(source.parent) == before


def test_what_cannot_be_done_is_told_and_the_others_are_done(source: Path, store: Store) -> None:
    (source / "8/venv.tar.gz").write_bytes(b"no archive")
    (source / "7/venv.tar.gz").unlink()
    told = run(source, into(store, Rows()))
    assert [(one.outcome, one.exit_code) for one in told] == [("done", 0), ("not done", 8), ("not done", 9)]
    assert "no .tar.gz" in told[1].problems[0].what
    assert told[2].problems[0].what == "its archive is not beside its metadata.json"


def test_builds_of_ours_are_left_and_the_source_may_be_the_store_itself(
    source: Path, store: Store, tmp_path: Path
) -> None:
    put_build(store, 1)
    (source / "9").rename(tmp_path / "store/venv-builds/venv_20250722_163000")
    first, second = run(tmp_path / "store", into(store, Rows()))
    assert sorted((first.outcome, second.outcome)) == ["done", "left"]
    assert [one.outcome for one in run(tmp_path / "store", into(store, Rows()))] == ["left"] * 3


def test_known_are_the_imported_builds_of_an_environment_and_how_many_others(source: Path, store: Store) -> None:
    put_build(store, 1, env_name="old")
    put_build(store, 2, env_name="old", is_committed=False)
    told = run(source, into(store, Rows()))
    known = Known.of(store, "old")
    assert known.others == 1
    assert sorted(known.by_sha256.values()) == [one.venv_version for one in told]
