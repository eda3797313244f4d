from __future__ import annotations

import json
import logging
import threading
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.stores.conftest import Bucket
from tests.support.recording_proxy import (
    Fault,
    answer,
    flip_down,
    flip_up,
    leave_out,
    lose_reply,
    reset_download,
    reset_upload,
    shift_date,
    stall,
    strip_header,
)
from venvbuild.errors import NotInStore, StoreUnavailable, UsageError
from venvbuild.stores import s3
from venvbuild.stores.opening import open_store
from venvbuild.stores.s3 import S3Store

MIB = 1 << 20
FileOf = Callable[..., Path]


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(s3, "_CONFLICT_DELAYS_S", (0.0, 0.0))


# --- what is sent ---


def test_a_put_is_conditional_and_carries_its_checksum(on_versitygw: Bucket) -> None:
    assert on_versitygw.store().put_if_absent("x", b"1")
    assert [(one.method, one.conditions, one.status) for one in on_versitygw.proxy.seen] == [
        ("PUT", {"If-None-Match": "*"}, 200)
    ]
    stored = on_versitygw.server.client().head_object(Bucket=on_versitygw.name, Key="x", ChecksumMode="ENABLED")
    assert stored["ChecksumSHA256"] == "a4ayc/80/OGda4BO/1o/V0etpOqiLx1JwB5S3beHW0s="


def test_a_large_file_goes_in_parts_and_is_committed_conditionally(bucket: Bucket, file_of: FileOf) -> None:
    file = file_of(11 * MIB)
    assert bucket.store().put_if_absent("x", file)
    assert bucket.body("x") == file.read_bytes()
    assert len(bucket.proxy.requests("PUT", "partNumber=[123]$")) == 3
    assert bucket.proxy.seen[-1].conditions == {"If-None-Match": "*"}
    assert bucket.unfinished_uploads() == []


def test_a_large_file_that_is_there_is_not_sent_again(bucket: Bucket, file_of: FileOf) -> None:
    bucket.store().put_if_absent("x", file_of(6 * MIB))
    bucket.proxy.seen.clear()
    assert bucket.store().put_if_absent("x", file_of(6 * MIB))
    assert {one.method for one in bucket.proxy.seen} == {"GET"}


def test_of_two_large_files_sent_at_once_one_wins(on_versitygw: Bucket, file_of: FileOf) -> None:
    # Not on moto: it looks at the condition of a completion and assembles the object in two steps, without a lock.
    files, results = [file_of(6 * MIB, 0), file_of(6 * MIB, 50)], [False, False]
    both = threading.Barrier(2)

    def put(number: int) -> None:
        both.wait(60)
        results[number] = on_versitygw.store().put_if_absent("x", files[number])

    threads = [threading.Thread(target=put, args=(number,)) for number in (0, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results.count(True) == 1
    assert on_versitygw.body("x") == files[results.index(True)].read_bytes()
    assert on_versitygw.unfinished_uploads() == []


def test_the_part_size_grows_when_there_would_be_too_many(
    on_moto: Bucket, file_of: FileOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(s3, "_MAX_PARTS", 2)
    on_moto.store().put_if_absent("x", file_of(15 * MIB))
    assert len(on_moto.proxy.requests("PUT", "partNumber")) == 2


def test_a_large_file_is_never_whole_in_memory(versitygw_server: Any, s3_environment: None, tmp_path: Path) -> None:
    large = tmp_path / "large"
    with large.open("wb") as file:
        file.truncate(300 * MIB)
    store = S3Store(versitygw_server.new_bucket(), endpoint_url=versitygw_server.endpoint_url)
    tracemalloc.start()
    try:
        assert store.put_if_absent("x", large)
        assert store.put_if_absent("x", large)
        peak_bytes = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak_bytes < 64 * MIB


def test_kms_is_asked_for_by_every_kind_of_put(on_moto: Bucket, file_of: FileOf) -> None:
    store = S3Store(
        on_moto.name,
        endpoint_url=on_moto.proxy.endpoint_url,
        sse_kms_key_id="alias/ours",
        limits=on_moto.store()._limits,
    )
    store.put_if_absent("small", b"1")
    store.put_if_absent("large", file_of(6 * MIB))
    store.replace_if_unchanged("small", b"2", store.read("small").etag)
    for key in ("small", "large"):
        stored = on_moto.server.client().head_object(Bucket=on_moto.name, Key=key)
        assert stored["ServerSideEncryption"] == "aws:kms"
        assert stored["SSEKMSKeyId"].endswith("alias/ours")


def test_the_endpoint_may_come_from_the_environment(on_moto: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", on_moto.proxy.endpoint_url)
    assert open_store(f"s3://{on_moto.name}/prefix").put_if_absent("x", b"1")
    assert on_moto.keys() == ["prefix/x"]


def test_amazon_itself_is_addressed_by_host(s3_environment: None) -> None:
    client = S3Store("some-bucket")._client
    url = client.generate_presigned_url("get_object", Params={"Bucket": "some-bucket", "Key": "x"})
    assert url.startswith("https://some-bucket.s3.")
    assert "X-Amz-Algorithm=AWS4-HMAC-SHA256" in url


@pytest.mark.parametrize("by", ["argument", "environment"])
def test_another_endpoint_is_addressed_by_path(s3_environment: None, monkeypatch: pytest.MonkeyPatch, by: str) -> None:
    if by == "environment":
        monkeypatch.setenv("AWS_ENDPOINT_URL", "http://s3.example.com:9000")
    client = S3Store("some-bucket", endpoint_url="http://s3.example.com:9000" if by == "argument" else None)._client
    url = client.generate_presigned_url("get_object", Params={"Bucket": "some-bucket", "Key": "x"})
    assert url.startswith("http://s3.example.com:9000/some-bucket/x?")


def test_a_listing_goes_over_pages_and_skips_what_is_no_key(bucket: Bucket) -> None:
    client = bucket.server.client()
    for key in ("a", "b/", "b/1", "b/2", "c", ".venvbuild/probe-1"):
        client.put_object(Bucket=bucket.name, Key=key, Body=b"")
    assert [entry.key for entry in bucket.store().list("")] == ["a", "b/1", "b/2", "c"]
    assert len(bucket.proxy.requests("GET", "list-type=2")) == 3


# --- lost replies ---


@pytest.mark.parametrize("fault", [lose_reply(), stall()], ids=["lost", "stalled"])
def test_a_put_whose_reply_is_lost_is_success(bucket: Bucket, fault: Fault) -> None:
    bucket.proxy.spoil("PUT", "/x", fault, times=1)
    assert bucket.store(read_timeout_s=2).put_if_absent("x", b"1")
    assert [one.status for one in bucket.proxy.requests("PUT")] == [None, 412]


def test_a_put_over_others_bytes_whose_reply_is_lost_is_no_success(bucket: Bucket) -> None:
    bucket.store().put_if_absent("x", b"1")
    bucket.proxy.spoil("PUT", "/x", lose_reply(), times=1)
    assert not bucket.store().put_if_absent("x", b"2")


def test_a_replacement_whose_reply_is_lost_is_success(bucket: Bucket) -> None:
    store = bucket.store()
    store.put_if_absent("x", b"1")
    etag = store.read("x").etag
    bucket.proxy.spoil("PUT", "/x", lose_reply(), times=1)
    assert store.replace_if_unchanged("x", b"2", etag)
    assert bucket.body("x") == b"2"


@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", "uploadId="), ("POST", "uploads"), ("PUT", "partNumber=2")],
    ids=["completion", "creation", "part"],
)
def test_an_upload_in_parts_survives_a_lost_reply(bucket: Bucket, file_of: FileOf, method: str, path: str) -> None:
    file = file_of(6 * MIB)
    bucket.proxy.spoil(method, path, lose_reply(), times=1)
    assert bucket.store().put_if_absent("x", file)
    assert bucket.body("x") == file.read_bytes()


def test_a_completion_whose_reply_is_lost_and_that_is_then_unknown_is_success(bucket: Bucket, file_of: FileOf) -> None:
    bucket.proxy.spoil("POST", "uploadId=", lose_reply(), times=1)
    bucket.proxy.spoil("POST", "uploadId=", answer(404, "NoSuchUpload"), times=1)
    assert bucket.store().put_if_absent("x", file_of(6 * MIB))
    assert len(bucket.proxy.requests("POST", "uploads")) == 1


def test_a_key_that_begins_like_another_is_another(bucket: Bucket, file_of: FileOf) -> None:
    bucket.store().put_if_absent("x.sig", b"1")
    assert bucket.store().put_if_absent("x", file_of(6 * MIB))


# --- faults that a retry cures ---


def test_two_503_are_retried(bucket: Bucket) -> None:
    bucket.proxy.spoil("PUT", "/x", answer(503, "SlowDown"), times=2)
    assert bucket.store().put_if_absent("x", b"1")
    assert [one.status for one in bucket.proxy.requests("PUT")] == [503, 503, 200]


def test_a_conflicting_put_is_asked_again(bucket: Bucket) -> None:
    bucket.proxy.spoil("PUT", "/x", answer(409, "ConditionalRequestConflict"), times=1)
    assert bucket.store().put_if_absent("x", b"1")
    assert bucket.body("x") == b"1"


def test_a_conflicting_put_that_lost_is_no_success(bucket: Bucket) -> None:
    bucket.store().put_if_absent("x", b"1")
    bucket.proxy.spoil("PUT", "/x", answer(409, "ConditionalRequestConflict"), times=1)
    assert not bucket.store().put_if_absent("x", b"2")


def test_a_conflicting_completion_is_done_anew(bucket: Bucket, file_of: FileOf) -> None:
    bucket.proxy.spoil("POST", "uploadId=", answer(409, "ConditionalRequestConflict"), times=1)
    assert bucket.store().put_if_absent("x", file_of(6 * MIB))
    assert bucket.body("x") == file_of(6 * MIB).read_bytes()
    assert bucket.unfinished_uploads() == []


def test_a_conflicting_replacement_is_asked_again(bucket: Bucket) -> None:
    store = bucket.store()
    store.put_if_absent("x", b"1")
    bucket.proxy.spoil("PUT", "/x", answer(409, "ConditionalRequestConflict"), times=1)
    assert store.replace_if_unchanged("x", b"2", store.read("x").etag)


def test_endless_conflict_is_for_a_later_run(bucket: Bucket) -> None:
    bucket.proxy.spoil("PUT", "/x", answer(409, "ConditionalRequestConflict"))
    with pytest.raises(StoreUnavailable, match="ConditionalRequestConflict"):
        bucket.store().put_if_absent("x", b"1")
    assert len(bucket.proxy.requests("PUT")) == 3


def test_a_part_cut_off_is_sent_again(bucket: Bucket, file_of: FileOf) -> None:
    file = file_of(6 * MIB)
    bucket.proxy.spoil("PUT", "partNumber=1", reset_upload(MIB), times=1)
    assert bucket.store().put_if_absent("x", file)
    assert bucket.body("x") == file.read_bytes()


@pytest.mark.parametrize(("size_bytes", "path"), [(3, "/x"), (6 * MIB, "partNumber=2")], ids=["put", "part"])
def test_a_flipped_bit_on_the_way_up_is_sent_again(
    on_versitygw: Bucket, file_of: FileOf, size_bytes: int, path: str
) -> None:
    file = file_of(size_bytes)
    on_versitygw.proxy.spoil("PUT", path, flip_up(at=2), times=2)
    assert on_versitygw.store().put_if_absent("x", file)
    assert on_versitygw.body("x") == file.read_bytes()
    assert [one.status for one in on_versitygw.proxy.requests("PUT", path)] == [400, 400, 200]


@pytest.mark.parametrize("fault", [flip_down(at=1), reset_download(after_bytes=2)], ids=["flipped", "cut off"])
def test_a_damaged_download_is_fetched_again(on_versitygw: Bucket, fault: Fault) -> None:
    on_versitygw.store().put_if_absent("x", b"12345")
    on_versitygw.proxy.spoil("GET", "/x", fault, times=2)
    assert on_versitygw.store().read("x").body == b"12345"


def test_a_range_cut_off_is_fetched_again(bucket: Bucket) -> None:
    bucket.store().put_if_absent("x", b"12345")
    bucket.proxy.spoil("GET", "/x", reset_download(after_bytes=1), times=2)
    assert bucket.store().read_range("x", 1, 3) == b"234"


# --- faults that stay ---


@pytest.mark.parametrize(
    ("fault", "why"),
    [
        (answer(503, "SlowDown"), "SlowDown"),
        (answer(500, "InternalError"), "InternalError"),
        (reset_upload(0), "S3 cannot be reached"),
    ],
    ids=["503", "500", "reset"],
)
def test_what_stays_after_all_attempts_is_store_unavailable(bucket: Bucket, fault: Fault, why: str) -> None:
    bucket.proxy.spoil("PUT", "/x", fault)
    with pytest.raises(StoreUnavailable, match=why):
        bucket.store().put_if_absent("x", b"1")
    assert len(bucket.proxy.requests("PUT")) == 3
    assert bucket.keys() == []


@pytest.mark.parametrize(
    ("method", "path", "fault", "expected"),
    [
        ("PUT", "partNumber=2", reset_upload(MIB), StoreUnavailable),
        ("PUT", "partNumber=2", answer(400, "ExpiredToken"), UsageError),
        ("POST", "uploadId=", answer(503, "SlowDown"), StoreUnavailable),
        ("POST", "uploadId=", answer(403, "AccessDenied"), UsageError),
    ],
    ids=["part reset", "token expired", "completion busy", "completion denied"],
)
def test_a_failed_upload_in_parts_leaves_nothing(
    bucket: Bucket, file_of: FileOf, method: str, path: str, fault: Fault, expected: type[Exception]
) -> None:
    bucket.proxy.spoil(method, path, fault)
    with pytest.raises(expected):
        bucket.store().put_if_absent("x", file_of(6 * MIB))
    assert bucket.unfinished_uploads() == []
    assert bucket.keys() == []


@pytest.mark.parametrize("part", [1, 2])
def test_a_part_that_is_answered_without_etag_fails_the_upload_and_leaves_nothing(
    bucket: Bucket, file_of: FileOf, part: int
) -> None:
    bucket.proxy.spoil("PUT", f"partNumber={part}", leave_out("ETag"))
    with pytest.raises(StoreUnavailable, match=rf"^s3://{bucket.name}/a/x: S3 answered without ETag; why: .*gateway"):
        bucket.store().put_if_absent("a/x", file_of(6 * MIB))
    assert bucket.unfinished_uploads() == []
    assert bucket.keys() == []


def test_an_object_that_is_answered_without_etag_is_not_believed(bucket: Bucket) -> None:
    bucket.store().put_if_absent("x", b"1")
    bucket.proxy.spoil("GET", "/x", leave_out("ETag"))
    with pytest.raises(StoreUnavailable, match="S3 answered without ETag"):
        bucket.store().read("x")


def test_an_interrupted_upload_in_parts_leaves_nothing(
    bucket: Bucket, file_of: FileOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = bucket.store(parts_at_once=1)

    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(store._client, "complete_multipart_upload", interrupt)
    with pytest.raises(KeyboardInterrupt):
        store.put_if_absent("x", file_of(6 * MIB))
    assert bucket.unfinished_uploads() == []


def test_an_upload_that_cannot_be_aborted_is_told(
    on_moto: Bucket, file_of: FileOf, caplog: pytest.LogCaptureFixture
) -> None:
    on_moto.proxy.spoil("PUT", "partNumber=2", answer(400, "ExpiredToken"))
    on_moto.proxy.spoil("DELETE", "uploadId", answer(400, "ExpiredToken"))
    with caplog.at_level(logging.WARNING), pytest.raises(UsageError, match="credentials have expired"):
        on_moto.store().put_if_absent("x", file_of(6 * MIB))
    assert f"an unfinished upload of s3://{on_moto.name}/x stays" in caplog.text


def test_bits_that_flip_for_ever_are_store_unavailable(on_versitygw: Bucket) -> None:
    on_versitygw.proxy.spoil("PUT", "/x", flip_up(at=0))
    with pytest.raises(StoreUnavailable, match="bytes were damaged"):
        on_versitygw.store().put_if_absent("x", b"1")
    assert on_versitygw.keys() == []


@pytest.mark.parametrize("fault", [strip_header("Range"), answer(200, "")], ids=["range ignored", "something else"])
def test_an_answer_that_is_not_the_range_is_refused(on_moto: Bucket, fault: Fault) -> None:
    on_moto.store().put_if_absent("x", b"12345")
    on_moto.proxy.spoil("GET", "/x", fault)
    with pytest.raises(StoreUnavailable, match="did not send the bytes that were asked for"):
        on_moto.store().read_range("x", 1, 3)


def test_a_closed_port_is_store_unavailable(on_moto: Bucket) -> None:
    store = S3Store("some-bucket", endpoint_url="http://127.0.0.1:1", limits=on_moto.store(attempts=1)._limits)
    with pytest.raises(StoreUnavailable, match="S3 cannot be reached"):
        store.read("x")


def test_a_bucket_that_is_not_there_is_a_usage_error(bucket: Bucket) -> None:
    store = S3Store("no-such-bucket-here", endpoint_url=bucket.server.endpoint_url)
    for call in (
        store.prepare,
        lambda: store.put_if_absent("x", b"1"),
        lambda: store.read("x"),
        lambda: list(store.list("")),
    ):
        with pytest.raises(UsageError, match=r"s3://no-such-bucket-here.*the bucket does not exist"):
            call()


def test_a_wrong_secret_key_is_a_usage_error(on_versitygw: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong-secret")
    with pytest.raises(UsageError, match="does not accept the credentials; why: SignatureDoesNotMatch"):
        on_versitygw.store().prepare()


def test_no_credentials_are_a_usage_error(on_moto: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    with pytest.raises(UsageError, match="there are no usable AWS credentials"):
        on_moto.store().prepare()


def test_an_unknown_profile_is_a_usage_error(on_moto: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    with pytest.raises(UsageError, match="AWS configuration is wrong; why: The config profile"):
        on_moto.store().prepare()


@pytest.mark.parametrize(
    ("bucket_name", "endpoint_url"),
    [("no bucket", "http://127.0.0.1:1"), ("bucket", "nonsense")],
    ids=["bucket", "endpoint"],
)
def test_an_address_that_is_none_is_a_usage_error(s3_environment: None, bucket_name: str, endpoint_url: str) -> None:
    with pytest.raises(UsageError) as caught:
        S3Store(bucket_name, endpoint_url=endpoint_url).read("x")
    assert "\n" not in str(caught.value)


# --- prepare ---


def test_preparing_proves_and_leaves_nothing(bucket: Bucket) -> None:
    bucket.store().prepare()
    assert [(tuple(one.conditions), one.status) for one in bucket.proxy.requests("PUT")] == [
        (("If-None-Match",), 200),
        (("If-None-Match",), 412),
        (("If-Match",), 412),
    ]
    assert bucket.keys() == []


def test_a_proven_store_is_not_probed_again(bucket: Bucket, tmp_path: Path) -> None:
    bucket.store(cache=tmp_path / "cache").prepare()
    bucket.proxy.seen.clear()
    bucket.store(cache=tmp_path / "cache").prepare()
    assert [one.method for one in bucket.proxy.seen] == ["GET"]


def test_the_proof_is_kept_per_store(bucket: Bucket, tmp_path: Path) -> None:
    bucket.store(cache=tmp_path).prepare()
    S3Store(bucket.name, "other", endpoint_url=bucket.proxy.endpoint_url, cache=tmp_path).prepare()
    kept = [json.loads(file.read_text()) for file in (tmp_path / "stores").iterdir()]
    assert {proof["url"] for proof in kept} == {f"s3://{bucket.name}", f"s3://{bucket.name}/other"}
    assert len(bucket.proxy.requests("PUT")) == 6


def test_a_cache_that_cannot_be_written_costs_a_probe_only(on_moto: Bucket, tmp_path: Path) -> None:
    (tmp_path / "cache").write_bytes(b"")
    on_moto.store(cache=tmp_path / "cache").prepare()
    on_moto.store(cache=tmp_path / "cache").prepare()
    assert len(on_moto.proxy.requests("PUT")) == 6


@pytest.mark.parametrize("header", ["If-None-Match", "If-Match"])
def test_an_s3_that_ignores_conditions_is_refused_every_time(on_moto: Bucket, tmp_path: Path, header: str) -> None:
    on_moto.proxy.spoil("PUT", "/.venvbuild/probe-", strip_header(header))
    for _ in range(2):
        with pytest.raises(
            StoreUnavailable,
            match=f"commits would race; why: it accepted a put with {header.replace('-', '')} that it had to refuse",
        ):
            on_moto.store(cache=tmp_path).prepare()
    assert on_moto.keys() == []
    assert not (tmp_path / "stores").exists()


def test_an_s3_that_does_not_know_conditions_is_refused(on_moto: Bucket) -> None:
    on_moto.proxy.spoil("PUT", "/.venvbuild/probe-", answer(501, "NotImplemented"))
    with pytest.raises(StoreUnavailable, match="commits would race; why: it answered NotImplemented"):
        on_moto.store().prepare()


def test_a_probe_whose_reply_is_lost_proves_nevertheless(bucket: Bucket) -> None:
    bucket.proxy.spoil("PUT", "/.venvbuild/probe-", lose_reply(), times=1)
    bucket.store().prepare()
    assert bucket.keys() == []


def test_a_probe_that_may_not_be_removed_is_no_failure(on_moto: Bucket) -> None:
    on_moto.proxy.spoil("DELETE", "/.venvbuild/probe-", answer(403, "AccessDenied"))
    on_moto.store().prepare()
    assert list(on_moto.store().list("")) == []


@pytest.mark.parametrize("by_s", [-120, 120], ids=str)
def test_clocks_that_differ_are_refused_even_in_a_proven_store(bucket: Bucket, tmp_path: Path, by_s: int) -> None:
    bucket.store(cache=tmp_path).prepare()
    bucket.proxy.spoil("GET", "list-type=2", shift_date(by_s))
    with pytest.raises(
        StoreUnavailable,
        match=r"differ by over 60 s; why: S3 says \d{4}-\d\d-\d\dT[\d:]{8}Z, "
        r"this machine \d{4}-\d\d-\d\dT[\d:]{8}Z; fix: set the clock",
    ):
        bucket.store(cache=tmp_path).prepare()


@pytest.mark.parametrize("by_s", [-30, 30], ids=str)
def test_clocks_may_differ_a_little(on_moto: Bucket, by_s: int) -> None:
    on_moto.proxy.spoil("GET", "list-type=2", shift_date(by_s))
    on_moto.store().prepare()


def test_a_reply_without_a_date_is_not_judged(on_moto: Bucket) -> None:
    on_moto.proxy.spoil("GET", "list-type=2", Fault(on_reply=lambda reply: reply.without("Date")))
    on_moto.store().prepare()


def test_a_probe_that_is_not_allowed_is_a_usage_error(on_moto: Bucket, tmp_path: Path) -> None:
    on_moto.proxy.spoil("PUT", "/.venvbuild/probe-", answer(403, "AccessDenied"))
    with pytest.raises(UsageError, match="S3 refused access"):
        on_moto.store(cache=tmp_path).prepare()
    assert not (tmp_path / "stores").exists()


def test_a_signature_refused_for_the_time_names_both_times(on_moto: Bucket) -> None:
    on_moto.proxy.spoil("GET", "", answer(403, "RequestTimeTooSkewed"))
    with pytest.raises(StoreUnavailable, match=r"clock of this machine.*S3 says \w{3}, .* GMT, this machine \d{4}"):
        on_moto.store().prepare()


def test_a_missing_object_names_its_uri(on_moto: Bucket) -> None:
    with pytest.raises(NotInStore, match=f"^s3://{on_moto.name}/x is not in the store$"):
        on_moto.store().read("x")
