"""The stores under test: a fresh, empty one of each kind."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.support.recording_proxy import RecordingProxy
from tests.support.s3_servers import S3Server
from venvbuild.stores.opening import open_store
from venvbuild.stores.s3 import Limits, S3Store
from venvbuild.stores.store import Store

SMALL_PARTS = Limits(multipart_above_bytes=5 << 20, part_bytes=5 << 20, range_bytes=1 << 20, page_keys=2)
"""So that a file of 6 MiB goes in two parts, the smallest that S3 allows, and three keys make two pages."""


@dataclass(frozen=True)
class Place:
    """Where a store is; a second process can open it too."""

    url: str
    endpoint_url: str | None = None

    def open(self) -> Store:
        return open_store(self.url, endpoint_url=self.endpoint_url)


@pytest.fixture(params=["folder", "moto", "versitygw"])
def place(request: pytest.FixtureRequest, tmp_path: Path, s3_environment: None) -> Place:
    if request.param == "folder":
        return Place(str(tmp_path / "store"))
    server: S3Server = request.getfixturevalue(f"{request.param}_server")
    return Place(f"s3://{server.new_bucket()}/some/prefix", server.endpoint_url)


@pytest.fixture
def store(place: Place) -> Store:
    return place.open()


@dataclass(frozen=True)
class Bucket:
    """A bucket of a real server, reached by the store through a proxy and by the test directly."""

    name: str
    server: S3Server
    proxy: RecordingProxy

    def store(self, cache: Path | None = None, **limits: Any) -> S3Store:
        """A store in this bucket without a prefix, patient for a moment only."""
        quick: dict[str, Any] = {**vars(SMALL_PARTS), "attempts": 3, "read_timeout_s": 5, **limits}
        return S3Store(self.name, endpoint_url=self.proxy.endpoint_url, cache=cache, limits=Limits(**quick))

    def keys(self) -> list[str]:
        return [item["Key"] for item in self.server.client().list_objects_v2(Bucket=self.name).get("Contents", ())]

    def body(self, key: str) -> bytes:
        return self.server.client().get_object(Bucket=self.name, Key=key)["Body"].read()

    def unfinished_uploads(self) -> list[str]:
        uploads = self.server.client().list_multipart_uploads(Bucket=self.name).get("Uploads", ())
        return [upload["Key"] for upload in uploads]


@pytest.fixture
def on_moto(moto_server: S3Server, s3_environment: None) -> Iterator[Bucket]:
    with RecordingProxy(moto_server.endpoint_url) as proxy:
        yield Bucket(moto_server.new_bucket(), moto_server, proxy)


@pytest.fixture
def on_versitygw(versitygw_server: S3Server, s3_environment: None) -> Iterator[Bucket]:
    with RecordingProxy(versitygw_server.endpoint_url) as proxy:
        yield Bucket(versitygw_server.new_bucket(), versitygw_server, proxy)


@pytest.fixture(params=["moto", "versitygw"])
def bucket(request: pytest.FixtureRequest) -> Bucket:
    """On each of the two servers in turn."""
    found: Bucket = request.getfixturevalue(f"on_{request.param}")
    return found


@pytest.fixture
def file_of(tmp_path: Path) -> Callable[[int], Path]:
    """Makes a file of so many bytes, no two MiB of it alike."""

    def make(size_bytes: int, first: int = 0) -> Path:
        path = tmp_path / f"file-{size_bytes}-{first}"
        with path.open("wb") as file:
            for number in range(first, first + -(-size_bytes // (1 << 20))):
                file.write(number.to_bytes(8, "big") * (1 << 17))
            file.truncate(size_bytes)
        return path

    return make
