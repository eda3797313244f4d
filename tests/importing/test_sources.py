"""Which builds and archives a source has."""

from __future__ import annotations

import json
import os
from functools import partial
from pathlib import Path

import pytest

from tests.support.scripted import DOCUMENT
from venvbuild.errors import NotInStore, UsageError
from venvbuild.importing.sources import Candidate, candidates, open_source
from venvbuild.stores import open_store

OPEN = partial(open_store, cache=None)


def put(folder: Path, *names: str, metadata: str | None = None) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        (folder / name).write_bytes(b"x")
    if metadata is not None:
        (folder / "metadata.json").write_text(metadata)


def document(**changes: object) -> str:
    return json.dumps({**json.loads(DOCUMENT), **changes})


def found(source: Path | str) -> list[Candidate]:
    return candidates(open_source(str(source), OPEN))


def archives(source: Path | str) -> list[str | None]:
    return [one.archive.key if one.archive else None for one in found(source)]


@pytest.mark.parametrize("below", ["", "venv-builds", "store/venv-builds", "venv-builds/any name-1/"])
def test_builds_lie_at_any_depth(tmp_path: Path, below: str) -> None:
    build = tmp_path / "store/venv-builds/any name-1"
    put(build, "venv_20250722_163000.tar.gz", metadata=DOCUMENT)
    source = {"": tmp_path, "venv-builds": build.parent, "store/venv-builds": tmp_path / "store"}.get(below, build)
    (one,) = found(f"{source}/" if below.endswith("/") else source)
    assert one.archive
    assert one.where == f"{(build / 'venv_20250722_163000.tar.gz').as_uri()}"
    assert one.recorded
    assert (one.recorded.venv_version, one.recorded.recorded_at) == ("venv_20250722_163000", "2025-07-22T08:30:00Z")


def test_the_archive_of_a_build_is_the_named_one_or_bears_its_folders_name_or_is_the_only_one(tmp_path: Path) -> None:
    put(tmp_path / "a", "named.tar.gz", "a.tar.gz", metadata=document(venv_archive="s3://b/named.tar.gz"))
    put(tmp_path / "b", "b.tar.gz", "other.tar.gz", metadata=document(venv_archive="s3://b/gone.tar.gz"))
    put(tmp_path / "c", "whatever.tgz", metadata=document(venv_archive="s3://b/gone.tar.gz"))
    put(tmp_path / "d", metadata=document())
    of_builds = {one.folder: one.archive.key if one.archive else None for one in found(tmp_path) if one.recorded}
    assert of_builds == {"a/": "a/named.tar.gz", "b/": "b/b.tar.gz", "c/": "c/whatever.tgz", "d/": None}


def test_other_archives_are_lone_ones_and_other_files_are_nothing(tmp_path: Path) -> None:
    put(tmp_path, "one.tar.gz", "two.tgz", "three.zip", "README")
    put(tmp_path / "docs", metadata='{"title": "a page"}')
    put(tmp_path / "venv-catalog/builds", "x.tar.gz")
    assert archives(tmp_path) == ["one.tar.gz", "two.tgz"]
    assert archives(tmp_path / "one.tar.gz") == ["one.tar.gz"]


def test_of_the_one_archive_the_metadata_beside_it_is_read_when_it_is_of_that_archive(tmp_path: Path) -> None:
    put(tmp_path, "venv_20250722_163000.tar.gz", "other.tar.gz", "requirements.txt", metadata=DOCUMENT)
    (own,) = found(tmp_path / "venv_20250722_163000.tar.gz")
    (other,) = found(tmp_path / "other.tar.gz")
    assert own.recorded
    assert "requirements.txt" in own.names
    assert other.recorded is None


def test_the_oldest_comes_first(tmp_path: Path) -> None:
    for day in (3, 1, 2):
        put(tmp_path / f"{9 - day}", "x.tar.gz", metadata=document(created_at=f"2025-07-0{day}T00:00:00Z"))
    assert archives(tmp_path) == ["8/x.tar.gz", "7/x.tar.gz", "6/x.tar.gz"]


def test_a_build_of_this_tool_is_known_and_its_archive_is_no_lone_one(tmp_path: Path) -> None:
    put(tmp_path / "ours", "ours.tar.gz", metadata='{"schema_version": 1, "venv_version": "venv_20250722_163000"}')
    (one,) = found(tmp_path)
    assert one.recorded
    assert one.recorded.is_ours


def test_metadata_is_read_as_far_as_it_goes(tmp_path: Path) -> None:
    put(tmp_path / "a", "x.tar.gz", metadata="{torn")
    put(tmp_path / "b", "x.tar.gz", metadata=document(installed_packages="kedro", created_at=None))
    torn, odd = sorted((one.recorded for one in found(tmp_path) if one.recorded), key=lambda one: one.is_build)
    assert torn.notes == ("metadata.json is no JSON, so the archive alone was read",)
    assert odd.notes == ("installed_packages in metadata.json is no list of texts",)
    assert (odd.venv_version, odd.recorded_at, odd.installed_packages) == ("venv_20250722_163000", None, None)


@pytest.mark.parametrize(("name", "what"), [("absent", "no such file or folder"), ("README", "no archive")])
def test_what_is_no_source_is_refused(tmp_path: Path, name: str, what: str) -> None:
    put(tmp_path, "README")
    with pytest.raises(UsageError, match=what):
        found(tmp_path / name)


def test_where_nothing_is_to_be_imported_it_is_said(tmp_path: Path) -> None:
    with pytest.raises(NotInStore, match="nothing to import"):
        found(tmp_path)


def test_of_lone_archives_the_one_that_was_written_first_is_the_oldest(tmp_path: Path) -> None:
    put(tmp_path, "sales-9.tar.gz", "sales-10.tar.gz")
    os.utime(tmp_path / "sales-9.tar.gz", (1_000_000_000, 1_000_000_000))
    assert archives(tmp_path) == ["sales-9.tar.gz", "sales-10.tar.gz"]


def test_an_archive_may_be_named_by_a_link(tmp_path: Path) -> None:
    put(tmp_path / "archives", "sales-9.tar.gz")
    (tmp_path / "latest").symlink_to(tmp_path / "archives" / "sales-9.tar.gz")
    assert archives(tmp_path / "latest") == ["sales-9.tar.gz"]
