"""A day that is over as one file: a machine without a cache fetches one object, and is told what the rows say."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import pytest

from athena import rows
from athena.index import Compactor
from athena.rows import closed_days, keep_closed_days, register, row_key
from athena.statement import Scope
from tests.athena.index.test_compaction import DAY, Watched, build, found
from tests.support.places import *  # noqa: F403  # the fixtures `place` and `store`
from tests.support.s3_servers import ENVIRONMENT, S3Server
from tests.support.tool import Tool
from venvbuild.builds import Metadata, places
from venvbuild.errors import UsageError
from venvbuild.stores import Entry, Store, open_store

FILE = f"{places.DAYS}/{DAY(3)}.jsonl.gz"
BUILDS = [build(3, second) for second in range(9)]
VERSIONS = [one["venv_version"] for one in BUILDS]


@pytest.fixture
def bucket(versitygw_server: S3Server, s3_environment: None) -> Store:
    """With nine rows of a day that is over, and the day's file."""
    made = open_store(f"s3://{versitygw_server.new_bucket()}/some", endpoint_url=versitygw_server.endpoint_url)
    for one in BUILDS:
        register(made, one)
    assert keep_closed_days(made, DAY(3)) == [DAY(3)]
    return made


def read_by_a_new_machine(store: Store, cache: Path) -> tuple[list[str], list[str]]:
    """What a question finds, and the rows that are read one by one for it."""
    watched = Watched(store)
    answer = found(cast(Store, watched), cache)
    return answer, [key for call, key in watched.calls if call == "read" and key.startswith(places.ROWS)]


def test_a_day_that_is_over_is_one_object_where_the_store_tells_digests(store: Store, tmp_path: Path) -> None:
    for one in BUILDS:
        register(store, one)
    is_s3 = store.url.startswith("s3://")
    assert keep_closed_days(store, DAY(3)) == ([DAY(3)] if is_s3 else [])
    assert keep_closed_days(store, DAY(3)) == []
    answer, one_by_one = read_by_a_new_machine(store, tmp_path)
    assert answer == VERSIONS
    assert len(one_by_one) == (0 if is_s3 else len(BUILDS))


def test_what_came_went_or_changed_since_is_read_from_the_rows(bucket: Store, tmp_path: Path) -> None:
    late, changed = build(3, 30), build(3, 8, "another==2.0")
    bucket.remove(row_key(BUILDS[0]))
    register(bucket, late)
    bucket.remove(row_key(changed))
    register(bucket, changed)
    wanted = [*VERSIONS[1:], late["venv_version"]]
    answer, one_by_one = read_by_a_new_machine(bucket, tmp_path / "one")
    assert (answer, sorted(one_by_one)) == (wanted, sorted([row_key(changed), row_key(late)]))
    assert found(bucket, tmp_path / "one", "another") == [changed["venv_version"]]
    assert keep_closed_days(bucket, DAY(3)) == [DAY(3)]
    assert read_by_a_new_machine(bucket, tmp_path / "two") == (wanted, [])
    assert found(bucket, tmp_path / "two", "another") == [changed["venv_version"]]


LIES: dict[str, Callable[[bytes], bytes]] = {
    "other rows": lambda body: gzip.compress(gzip.decompress(body).replace(b"one==1.0", b"one==6.6")),
    "more rows": lambda body: gzip.compress(b"{}\n" + gzip.decompress(body) + b"{}"),
    "rows twice": lambda body: body + body,
    "no gzip": lambda _: b"x",
    "cut": lambda body: body[: len(body) // 2],
    "more than a file": lambda body: body + b"x",
    "no end of rows": lambda _: gzip.compress(b"\n" * (closed_days._MOST_ROWS + 1), 1),
    "no end of a row": lambda _: gzip.compress(b"x" * (closed_days._MAX_BYTES + 1), 1),
    "too large": lambda _: b"x" * (closed_days._MAX_FILE_BYTES + 1),
    "empty": lambda _: b"",
}
WITH_THE_ROWS = {"more rows", "rows twice", "more than a file"}


def test_nothing_is_believed_that_the_listing_does_not_say(
    bucket: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(closed_days, "_MAX_BYTES", 100_000)
    monkeypatch.setattr(closed_days, "_MAX_FILE_BYTES", 110_000)
    body = bucket.read(FILE).body
    for lie, lying in LIES.items():
        bucket.remove(FILE)
        bucket.put_if_absent(FILE, lying(body))
        answer, one_by_one = read_by_a_new_machine(bucket, tmp_path / lie)
        assert answer == VERSIONS, lie
        assert one_by_one or lie in WITH_THE_ROWS, lie
        assert keep_closed_days(bucket, DAY(3)) == [DAY(3)], lie
        assert bucket.read(FILE).body == body, lie
    assert keep_closed_days(bucket, DAY(3)) == []


@pytest.mark.parametrize("lie", ["no end of rows", "no end of a row"])
def test_no_more_is_unpacked_than_is_of_use(lie: str) -> None:
    with pytest.raises(EOFError):
        list(closed_days._lines(LIES[lie](b"")))


def test_what_was_removed_from_the_table_goes_out_of_the_file(bucket: Store) -> None:
    bucket.remove(row_key(BUILDS[0]))
    assert keep_closed_days(bucket, DAY(3)) == [DAY(3)]
    body = bucket.read(FILE).body
    assert [json.loads(line)["venv_version"] for line in gzip.decompress(body).splitlines()] == VERSIONS[1:]
    for some in (BUILDS[1:2], BUILDS[2:]):  # of few, and of none
        for one in some:
            bucket.remove(row_key(one))
        bucket.put_if_absent(FILE, body)
        assert keep_closed_days(bucket, DAY(3)) == []
        assert list(bucket.list(places.DAYS)) == []


def test_a_day_with_more_than_a_file_may_have_is_settled_too(
    bucket: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes = [entry.size_bytes for entry in bucket.list(places.ROWS)]
    monkeypatch.setattr(closed_days, "_MAX_BYTES", sum(sizes[:6]))
    assert keep_closed_days(bucket, DAY(3)) == [DAY(3)]
    watched = Watched(bucket)
    assert keep_closed_days(cast(Store, watched), DAY(3)) == []
    assert [key for call, key in watched.calls if call != "list"] == [FILE]
    answer, one_by_one = read_by_a_new_machine(bucket, tmp_path)
    assert (answer, one_by_one) == (VERSIONS, [row_key(one) for one in BUILDS[6:]])


class Encrypted(Watched):
    """Whose ETags look like MD5s, and are none: S3 with SSE-KMS."""

    def list(self, prefix: str, start_after: str = "") -> Iterator[Entry]:
        for entry in super().list(prefix, start_after):
            yield replace(entry, stamp=f'"{hash(entry.stamp) & 0xFFFF:032x}"')


def test_where_etags_are_no_digests_no_file_is_made_or_believed(bucket: Store, tmp_path: Path) -> None:
    encrypted = Encrypted(bucket)
    assert read_by_a_new_machine(cast(Store, encrypted), tmp_path)[0] == VERSIONS
    bucket.remove(FILE)
    encrypted.calls.clear()
    assert keep_closed_days(cast(Store, encrypted), DAY(3)) == []
    assert len([key for call, key in encrypted.calls if call == "read" and key.startswith(places.ROWS)]) < len(BUILDS)
    bucket.put_if_absent(FILE, b"of before it was so")
    assert keep_closed_days(cast(Store, encrypted), DAY(3)) == []
    assert list(bucket.list(places.DAYS)) == []


def test_a_row_that_cannot_be_read_is_told_with_a_file_too(bucket: Store, tmp_path: Path) -> None:
    damaged = f"{places.ROWS}/dt={DAY(3)}/venv_20250703_000040.json"
    for body in (b"{}\n", b"{\n}\n"):
        bucket.put_if_absent(damaged, body)
        keep_closed_days(bucket, DAY(3))
        cache = rows.RowCache(bucket, tmp_path / str(len(body)))
        assert list(cache.unread(cache.days(Scope()))[DAY(3)]) == [damaged]
        bucket.remove(damaged)


def test_a_compaction_reads_the_file(bucket: Store, tmp_path: Path) -> None:
    watched = Watched(bucket)
    Compactor(cast(Store, watched), tmp_path).compact(DAY(4))
    assert [key for call, key in watched.calls if call == "read" and key.startswith(places.ROWS)] == []


def test_compact_makes_that_of_yesterday_and_removes_those_of_days_in_the_index(
    bucket: Store, versitygw_server: S3Server, tool: Tool
) -> None:
    now = datetime.now(UTC).replace(hour=0, minute=0)
    for number in range(18):
        at = now.replace(second=number) - timedelta(days=number % 2)
        name, created_at = f"venv_{at:%Y%m%d_%H%M%S}", f"{at:%Y-%m-%dT%H:%M:%SZ}"
        register(bucket, cast(Metadata, {**build(1), "venv_version": name, "created_at": created_at}))
    tool.env.update(ENVIRONMENT, VENVBUILD_STORE=bucket.url, AWS_ENDPOINT_URL=versitygw_server.endpoint_url)
    assert tool.run("table", "compact").code == 0
    assert [entry.key for entry in bucket.list(places.DAYS)] == [f"{places.DAYS}/{at:%Y-%m-%d}.jsonl.gz"]


def test_a_store_that_forbids_it_is_left_as_it_is(bucket: Store) -> None:
    def refuse(call: str, key: str) -> None:
        if call != "list" and key.startswith(places.DAYS):
            raise UsageError("no right")

    forbidding: Any = Watched(bucket, refuse)
    register(bucket, build(3, 50))
    assert keep_closed_days(forbidding, DAY(3)) == []
