"""What an index has of a project: read in both forms, and never taken for what it is not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from packaging.version import Version

from tests.support.devpi_server import Devpi
from tests.support.fake_index import PROFILES, FakeIndex
from tests.support.releases import NAME, built, target
from venvbuild.errors import IndexUnavailable, UsageError
from venvbuild.package_index import File
from venvbuild.release.index import Index, Listing, Presence
from venvbuild.release.preflight import AskedIndex, IndexBefore


def listing(*names: str, yanked: str = "", python: str = "") -> Listing:
    files = [
        File(f"a-{name}.tar.gz", "", Version(name), frozenset(), "0", python, "" if name == yanked else None)
        for name in names
    ]
    return Listing("a", tuple(files))


@pytest.fixture(params=["pypiserver", "aws_codeartifact"], ids=["html", "json"])
def fake(request: pytest.FixtureRequest) -> Iterator[FakeIndex]:
    with FakeIndex(PROFILES[request.param]) as index:
        yield index


def put(index: FakeIndex, folder: Path, version: str) -> None:
    for file in built(folder / version, version).files:
        index.files[file.filename] = (folder / version / file.filename).read_bytes()


def test_versions_and_hashes_are_read_and_names_are_normal(fake: FakeIndex, tmp_path: Path) -> None:
    put(fake, tmp_path, "1.0.0")
    put(fake, tmp_path, "1.1.0rc1")
    found = Index(target(fake.environment())).list("VB.Demo")
    assert [str(one) for one in found.versions] == ["1.0.0", "1.1.0rc1"]
    manifest = built(tmp_path / "again", "1.0.0")
    there = Index(target(fake.environment())).find(manifest.files, found)
    assert {one.presence for one in there.values()} == {Presence.SAME}


def test_a_listing_without_hashes_is_judged_by_the_bytes(tmp_path: Path) -> None:
    manifest = built(tmp_path, "1.0.0")
    with FakeIndex(PROFILES["pypiserver"]) as fake:
        put(fake, tmp_path, "1.0.0")
        index = Index(target(fake.environment()))
        bare = Listing(NAME, tuple(replace(file, sha256="") for file in index.list(NAME).files))
        assert {one.presence for one in index.find(manifest.files, bare).values()} == {Presence.SAME}
        fake.spoils = b"x"
        assert {one.presence for one in index.find(manifest.files, bare).values()} == {Presence.OTHER}


def test_an_address_that_is_no_index_is_not_an_index_without_the_project() -> None:
    with FakeIndex(PROFILES["pypiserver"]) as fake:
        wrong = {**fake.environment(), "VENVBUILD_RELEASE_INDEX_URL": f"{fake.url}/smple/"}
        with pytest.raises(UsageError, match="there is no package index"):
            Index(target(wrong)).list(NAME)
        project = {**fake.environment(), "VENVBUILD_RELEASE_INDEX_URL": f"{fake.index_url}vb_demo/"}
        with pytest.raises(UsageError, match="without the name of the project at its end"):
            Index(target(project)).list(NAME)
        assert Index(target(fake.environment())).list(NAME) == Listing(NAME, ())


def test_a_server_that_is_down_is_another_thing_than_an_empty_one() -> None:
    with FakeIndex(PROFILES["pypiserver"]) as fake:
        environ = fake.environment()
    with pytest.raises(IndexUnavailable, match="run it again"):
        Index(target(environ)).list(NAME)


def test_what_is_had_from_another_host_does_not_count(tmp_path: Path) -> None:
    """As pypiserver does unless told otherwise: what it does not have it sends to PyPI for."""
    with FakeIndex(PROFILES["pypiserver"]) as fake:
        put(fake, tmp_path, "9.9.9")
        fake.redirects = f"http://localhost:{fake.port}"
        found = Index(target(fake.environment())).list(NAME)
    assert found.files == ()
    assert found.note == "127.0.0.1 sends to localhost for what it does not have, and that does not count"


@pytest.mark.parametrize(
    ("there", "version", "older"),
    [
        (listing("1.0", "1.1", "2.0"), "1.2", "1.1"),
        (listing("1.0", "1.1rc1"), "1.1", "1.0"),
        (listing("1.1rc1"), "1.1", "1.1rc1"),
        (listing("1.0", "1.1", yanked="1.1"), "1.2", "1.0"),
        (listing("1.0", python=">=3.13"), "1.2", None),
        (listing("2.0"), "1.0", None),
    ],
)
def test_the_version_before_is_the_newest_that_can_be_had(there: Listing, version: str, older: str | None) -> None:
    found = there.older_than(Version(version), "3.11.7")
    assert (str(found) if found else None) == older


def test_only_the_highest_final_version_is_what_a_name_alone_gives() -> None:
    there = listing("1.0", "1.1", "2.0rc1")
    assert there.is_newest(Version("1.1"))
    assert not there.is_newest(Version("2.0rc1"))
    assert not there.is_newest(Version("1.0"))


def test_it_tells_what_is_asked_before_a_release(tmp_path: Path) -> None:
    with FakeIndex(PROFILES["pypiserver"]) as fake:
        put(fake, tmp_path, "1.0.0")
        environ = fake.environment()
        asked: AskedIndex = IndexBefore(Index(target(environ)))
        assert asked.shown == f"pypiserver {fake.index_url}"
        assert asked.versions_on_index(NAME) == {Version("1.0.0")}
        assert asked.lacks_credentials() is None
        nobody = IndexBefore(Index(replace(target(environ), credentials=None))).lacks_credentials()
        assert nobody
        assert nobody.where == "PYPISERVER_TOKEN or PYPI_PASSWORD"


@pytest.mark.xdist_group("devpi")
def test_devpi_tells_that_it_does_not_know_us(devpi: Devpi) -> None:
    environ = devpi.index().environment()
    assert IndexBefore(Index(target(environ))).lacks_credentials() is None
    refused = IndexBefore(Index(target({**environ, "DEVPI_TOKEN": "wrong"}))).lacks_credentials()
    assert refused
    assert "DEVPI_TOKEN" in refused.why
