"""What an index tells of a release, and how long that is believed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.index_server import IndexServer
from tests.support.wheels import wheel
from venvbuild.errors import IndexUnavailable
from venvbuild.package_index import PackageIndex, Release, ReleaseCache, Status
from venvbuild.package_index.pages import read_page
from venvbuild.package_index.releases import KEPT_S


class Clock:
    """Tells what it is set to."""

    now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def tiny(index: IndexServer) -> IndexServer:
    """An index with a release of which everything is told that can be."""
    name = wheel(index.folder, "tiny", "1.0").name
    index.uploaded[name], index.yanked[name] = "2026-11-20T10:11:12.999999Z", "it bites"
    index.statuses["tiny"] = ("archived", "nobody is left")
    return index


def asked(given: IndexServer, mode: str, folder: Path, name: str = "tiny") -> Release:
    return ReleaseCache(folder).ask(PackageIndex(given.url(mode)), name, "1.0")


def test_a_page_of_json_tells_time_size_yank_and_status(tiny: IndexServer, tmp_path: Path) -> None:
    found = asked(tiny, "json", tmp_path)
    [file] = found.files
    assert (file.filename, file.uploaded_at, file.yanked) == (
        "tiny-1.0-py3-none-any.whl", "2026-11-20T10:11:12Z", "it bites",
    )  # fmt: skip
    assert file.size_bytes == (tiny.folder / file.filename).stat().st_size
    assert found.status == ("archived", "nobody is left")
    assert found.file_of(file.sha256) == file


def test_a_page_of_html_tells_the_same_but_time_and_size(tiny: IndexServer, tmp_path: Path) -> None:
    found = asked(tiny, "ok", tmp_path)
    [file] = found.files
    assert (file.size_bytes, file.uploaded_at, file.yanked) == (None, None, "it bites")
    assert found.status == ("archived", "nobody is left")


@pytest.mark.parametrize("mode", ["ok", "json"])
def test_a_project_without_files_still_has_a_status(index: IndexServer, tmp_path: Path, mode: str) -> None:
    index.statuses["bad"] = ("quarantined", "malware")
    assert asked(index, mode, tmp_path, "bad") == Release("bad", "1.0", "", Status("quarantined", "malware"), ())


@pytest.mark.parametrize(
    ("said", "read"),
    [
        ("2026-11-20T10:11:12Z", "2026-11-20T10:11:12Z"),
        ("2026-11-20T10:11:12.5+02:00", "2026-11-20T08:11:12Z"),
        ("2026-11-20T10:11:12", None),  # in nobody's zone
        ("0001-01-01T00:00:00+23:00", None),  # before the first year
        ("yesterday", None),
        ("9" * 5000, None),
        ("", None),
    ],
)
def test_what_is_no_instant_is_not_told(index: IndexServer, tmp_path: Path, said: str, read: str | None) -> None:
    index.uploaded[wheel(index.folder, "tiny", "1.0").name] = said
    assert asked(index, "json", tmp_path).files[0].uploaded_at == read


def test_an_answer_is_believed_for_an_hour(tiny: IndexServer, tmp_path: Path) -> None:
    clock = Clock()
    cache, here = ReleaseCache(tmp_path / "kept", clock), PackageIndex(tiny.url("json"))
    assert cache.get(here, "tiny", "1.0") is None
    found = cache.ask(here, "tiny", "1.0")
    # what another process finds
    again = PackageIndex(tiny.url("json"))
    for age_s, is_kept in ((0, True), (KEPT_S, True), (KEPT_S + 1, False), (-3600, False)):
        clock.now = Clock.now + age_s
        assert cache.get(again, "tiny", "1.0") == (found if is_kept else None)
    assert cache.get(again, "tiny", "2.0") is cache.get(again, "other", "1.0") is None


def test_another_index_is_not_answered_for(tiny: IndexServer, tmp_path: Path) -> None:
    cache = ReleaseCache(tmp_path / "kept")
    cache.ask(PackageIndex(tiny.url("json")), "tiny", "1.0")
    assert cache.get(PackageIndex(tiny.url("ok")), "tiny", "1.0") is None
    assert cache.get(PackageIndex(tiny.url("json"), find_links=("/wheels",)), "tiny", "1.0") is None
    with_login = tiny.url("json").replace("//", "//robot:s3cr3t-Canary-42@")
    assert cache.get(PackageIndex(with_login), "tiny", "1.0")
    assert not any(b"Canary" in path.read_bytes() for path in (tmp_path / "kept").iterdir())


def test_a_damaged_or_exchanged_entry_counts_as_none(tiny: IndexServer, tmp_path: Path) -> None:
    wheel(tiny.folder, "other", "1.0")
    cache, here = ReleaseCache(tmp_path / "kept"), PackageIndex(tiny.url("json"))
    cache.ask(here, "tiny", "1.0")
    [entry] = (tmp_path / "kept").iterdir()
    whole = entry.read_bytes()
    for bad in (b"", b"x", whole[:-1], whole.replace(b"it bites", b"it barks"), b"[" * 100_000):
        entry.write_bytes(bad)
        assert cache.get(here, "tiny", "1.0") is None
    cache.ask(here, "other", "1.0")
    [other] = {*(tmp_path / "kept").iterdir()} - {entry}
    entry.write_bytes(other.read_bytes())
    assert cache.get(here, "tiny", "1.0") is None


def test_a_folder_that_cannot_be_written_keeps_nothing(tiny: IndexServer, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    cache, here = ReleaseCache(tmp_path / "file"), PackageIndex(tiny.url("json"))
    assert cache.ask(here, "tiny", "1.0").files
    assert cache.get(here, "tiny", "1.0") is None


def test_a_failing_index_is_no_answer(tiny: IndexServer, tmp_path: Path) -> None:
    cache, here = ReleaseCache(tmp_path), PackageIndex(tiny.url("status-503"))
    with pytest.raises(IndexUnavailable):
        cache.ask(here, "tiny", "1.0")
    assert list(tmp_path.glob("*.json")) == []


@pytest.mark.parametrize(
    ("odd", "is_yanked"),
    [
        ({"yanked": 1}, True),
        ({"yanked": ["x"]}, True),
        ({"upload-time": ["x"]}, False),
        ({"upload-time": {}}, False),
        ({"hashes": ["x"]}, False),
        ({"hashes": {"sha256": 1}}, False),
        ({"requires-python": [3]}, False),
    ],
)
def test_an_odd_value_of_a_page_costs_that_value_alone(odd: dict[str, object], is_yanked: bool) -> None:
    entry = {"filename": "tiny-1.0.tar.gz", "url": "t", "hashes": {"sha256": "AB"}, "size": 3, **odd}
    [file] = read_page(json.dumps({"files": [entry]}).encode(), "application/json", "https://host/", "tiny").files
    assert (file.size_bytes, file.yanked, file.requires_python) == (3, "" if is_yanked else None, "")
    # of capitals or not: a digest is a number
    assert file.sha256 == ("" if "hashes" in odd else "ab")
