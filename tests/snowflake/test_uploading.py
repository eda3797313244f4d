"""What comes to a stage, what is left alone there, and how the next run goes on after a killed one."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from pathlib import Path

import pytest

from tests.snowflake.conftest import BundleOf
from tests.support.recording_proxy import answer
from tests.support.snowflake_server import Refusal, Rows, SnowflakeServer
from venvbuild.errors import IntegrityError, StoreUnavailable, UsageError
from venvbuild.snowflake import Bundle
from venvbuild.snowflake.connection import Session
from venvbuild.snowflake.stage import Stage
from venvbuild.snowflake.stage_name import StageName
from venvbuild.snowflake.uploading import Manifest, Uploaded, upload


def send(stage: Stage, bundle: Bundle, *, overwrite: bool = False, verify: bool = False) -> Uploaded:
    return upload(stage, bundle, is_overwriting=overwrite, verifies=verify)


def test_a_zip_and_its_manifest_come_there_and_the_second_time_nothing_is_sent(
    stage: Stage, bundle_of: BundleOf, snowflake_server: SnowflakeServer
) -> None:
    bundle = bundle_of()
    first = send(stage, bundle)
    assert first.status == "uploaded"
    assert first.place == f"@MY_DB.MY_SCHEMA.PACKAGES_STAGE/py311/{bundle.name}"
    there = snowflake_server.files()
    assert set(there) == {f"py311/{bundle.name}", f"py311/{bundle.name}.manifest.json"}
    assert there[f"py311/{bundle.name}"] == bundle.zip.read_bytes()
    assert Manifest.parse(there[f"py311/{bundle.name}.manifest.json"]) == Manifest.of(bundle)
    sent = len(snowflake_server.object_puts())
    assert send(stage, bundle).status == "unchanged"
    assert len(snowflake_server.object_puts()) == sent == 2


def test_the_same_content_compressed_otherwise_is_unchanged(stage: Stage, bundle_of: BundleOf) -> None:
    before, after = bundle_of("x = 1\n" * 99), bundle_of("x = 1\n" * 99, level=0)
    assert before.name == after.name
    assert before.sha256 != after.sha256
    send(stage, before)
    again = send(stage, after, verify=True)
    assert (again.status, again.sha256, again.is_verified) == ("unchanged", before.sha256, True)


def test_a_fixed_name_with_other_content_is_left_alone_unless_it_may_be_overwritten(
    stage: Stage, bundle_of: BundleOf, snowflake_server: SnowflakeServer
) -> None:
    old, new = bundle_of("x = 1\n", "app.zip"), bundle_of("x = 2\n", "app.zip")
    send(stage, old)
    with pytest.raises(UsageError, match=f"another app.zip is there.*content sha256 {old.content_sha256[:12]}"):
        send(stage, new)
    assert snowflake_server.files()["py311/app.zip"] == old.zip.read_bytes()
    assert send(stage, new, overwrite=True).status == "replaced"
    assert snowflake_server.files()["py311/app.zip"] == new.zip.read_bytes()
    assert send(stage, new).status == "unchanged"


@pytest.mark.parametrize("size", ["same", "other"])
def test_a_zip_that_no_manifest_tells_of_is_not_ours_to_replace(
    stage: Stage, bundle_of: BundleOf, snowflake_server: SnowflakeServer, size: str
) -> None:
    bundle = bundle_of(name="app.zip")
    theirs = bytes(bundle.size) if size == "same" else b"theirs"
    snowflake_server.store("py311/app.zip", theirs)
    with pytest.raises(UsageError, match="no manifest tells"):
        send(stage, bundle)
    assert snowflake_server.files() == {"py311/app.zip": theirs}


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"zip": {"sha256": "x", "size": -1}}'])
def test_a_manifest_that_cannot_be_read_counts_as_none(
    stage: Stage, bundle_of: BundleOf, snowflake_server: SnowflakeServer, body: bytes
) -> None:
    bundle = bundle_of(name="app.zip")
    send(stage, bundle)
    snowflake_server.store("py311/app.zip.manifest.json", body)
    assert send(stage, bundle).status == "unchanged"
    assert Manifest.parse(snowflake_server.files()["py311/app.zip.manifest.json"]) == Manifest.of(bundle)


def test_a_zip_that_somebody_replaced_after_its_manifest_is_unknown(
    stage: Stage, bundle_of: BundleOf, snowflake_server: SnowflakeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle = bundle_of(name="app.zip")
    send(stage, bundle)
    snowflake_server.store("py311/app.zip", bytes(bundle.size))
    files = stage.files()
    later = dataclasses.replace(files["app.zip"], modified_at=(files["app.zip"].modified_at or 0) + 60)
    monkeypatch.setattr(stage, "files", lambda _="": {**files, "app.zip": later})
    with pytest.raises(UsageError, match="no manifest tells"):
        send(stage, bundle)


# --- killed on the way


def test_what_a_run_left_that_was_killed_before_the_manifest_is_finished(
    stage: Stage, bundle_of: BundleOf, snowflake_server: SnowflakeServer
) -> None:
    bundle = bundle_of(name="app.zip")
    snowflake_server.store("py311/app.zip", bundle.zip.read_bytes())
    assert send(stage, bundle).status == "unchanged"
    assert Manifest.parse(snowflake_server.files()["py311/app.zip.manifest.json"]) == Manifest.of(bundle)


def test_killed_while_it_replaces_the_old_zip_is_unknown_and_replaced_by_the_next(
    stage: Stage, bundle_of: BundleOf, snowflake_server: SnowflakeServer
) -> None:
    old, new = bundle_of("x = 1\n", "app.zip"), bundle_of("x = 2\n", "app.zip")
    send(stage, old)
    snowflake_server.transfers.spoil("PUT", r"app\.zip\?", answer(403, "AccessDenied"), times=1)
    with pytest.raises(StoreUnavailable, match="run it again"):
        send(stage, new, overwrite=True)
    assert snowflake_server.files() == {"py311/app.zip": old.zip.read_bytes()}  # and no manifest that lies about it
    assert send(stage, new, overwrite=True).status == "replaced"
    assert snowflake_server.files()["py311/app.zip"] == new.zip.read_bytes()


# --- what is not believed


def test_a_size_that_list_shows_otherwise_is_8_with_both(
    stage: Stage, bundle_of: BundleOf, snowflake_server: SnowflakeServer
) -> None:
    bundle = bundle_of()
    snowflake_server.answer("LIST", Rows(("name", "size", "md5", "last_modified"), ()), times=1)
    row = (f"packages_stage/py311/{bundle.name}", "7", "x", "Wed, 29 Nov 2026 05:00:00 GMT")
    snowflake_server.answer("LIST", Rows(("name", "size", "md5", "last_modified"), (row,)), times=1)
    with pytest.raises(IntegrityError, match=f"LIST shows 7 bytes, {bundle.size} were sent"):
        send(stage, bundle)
    # as the hint says
    assert send(stage, bundle, overwrite=True).status == "replaced"


@pytest.mark.parametrize("rows", [0, 2])
def test_an_upload_that_is_not_answered_with_one_row_is_8_and_running_it_again_ends_right(
    stage: Stage, bundle_of: BundleOf, snowflake_server: SnowflakeServer, rows: int
) -> None:
    bundle = bundle_of()
    snowflake_server.answer("PUT", Rows(("source", "status"), (("a", "UPLOADED"),) * rows), times=1)
    with pytest.raises(IntegrityError, match=f"the upload ended with {rows} answers"):
        send(stage, bundle)
    assert send(stage, bundle).status == "uploaded"


@pytest.mark.parametrize("size", [None, "", "much"])
def test_a_size_that_is_none_is_8(stage: Stage, snowflake_server: SnowflakeServer, size: str | None) -> None:
    row = ("packages_stage/py311/app.zip", size, "x", "Wed, 29 Nov 2026 05:00:00 GMT")
    snowflake_server.answer("LIST", Rows(("name", "Size", "md5", "last_modified"), (row,)))
    with pytest.raises(IntegrityError, match=r"app\.zip: LIST tells no size"):
        stage.files()


@pytest.mark.parametrize("when", [None, "", "some day"])
def test_a_date_that_is_none_is_not_known(stage: Stage, snowflake_server: SnowflakeServer, when: str | None) -> None:
    row = ("packages_stage/py311/app.zip", "7", "x", when)
    snowflake_server.answer("LIST", Rows(("name", "size", "md5", "last_modified"), (row,)))
    assert stage.files()["app.zip"].modified_at is None


def test_verify_fetches_the_zip_and_tells_both_digests_and_overwriting_mends_it(
    stage: Stage, bundle_of: BundleOf, snowflake_server: SnowflakeServer
) -> None:
    bundle = bundle_of()
    assert send(stage, bundle, verify=True).is_verified
    damaged = bytes(bundle.size)
    snowflake_server.store(f"py311/{bundle.name}", damaged)
    body = snowflake_server.files()[f"py311/{bundle.name}.manifest.json"]
    snowflake_server.store(f"py311/{bundle.name}.manifest.json", body)  # not older than the ZIP
    with pytest.raises(IntegrityError) as refused:
        send(stage, bundle, verify=True)
    assert hashlib.sha256(damaged).hexdigest() in str(refused.value)
    assert bundle.sha256 in str(refused.value)
    assert send(stage, bundle, overwrite=True, verify=True).status == "replaced"
    assert snowflake_server.files()[f"py311/{bundle.name}"] == bundle.zip.read_bytes()


def test_who_comes_a_moment_later_finds_the_same(
    stage: Stage, bundle_of: BundleOf, snowflake_server: SnowflakeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between our LIST and our PUT somebody else sends the same."""
    bundle = bundle_of()
    empty = Rows(("name", "size", "md5", "last_modified"), ())
    send(stage, bundle)
    snowflake_server.answer("LIST", empty, times=1)
    assert send(stage, bundle).status == "unchanged"


def test_two_that_overwrite_at_once_do_not_stop_each_other(
    stage: Stage, bundle_of: BundleOf, snowflake_server: SnowflakeServer
) -> None:
    old, new = bundle_of("x = 1\n", "app.zip"), bundle_of("x = 2\n", "app.zip")
    # between our LIST and our PUT another comes
    snowflake_server.store("py311/app.zip", old.zip.read_bytes())
    snowflake_server.answer("LIST", Rows(("name", "size", "md5", "last_modified"), ()), times=1)
    assert send(stage, new, overwrite=True).status == "uploaded"
    assert snowflake_server.files()["py311/app.zip"] == new.zip.read_bytes()
    # between our LIST and our GET another takes the manifest away
    gone = stage.files()
    snowflake_server.remove("py311/app.zip.manifest.json")
    rows = [(f"packages_stage/py311/{one.name}", str(one.size), "x", "some day") for one in gone.values()]
    snowflake_server.answer("LIST", Rows(("name", "size", "md5", "last_modified"), rows), times=1)
    assert send(stage, old, overwrite=True).status == "replaced"


def test_a_name_is_never_taken_for_the_beginning_of_others(
    stage: Stage, bundle_of: BundleOf, snowflake_server: SnowflakeServer
) -> None:
    others = {"py311/app.zip.old": b"1", "py311/app.zip.manifest.json.bak": b"2", "py311/sub/app.zip": b"3",
              "py3110/app.zip": b"4"}  # fmt: skip
    for path, body in others.items():
        snowflake_server.store(path, body)
    assert send(stage, bundle_of("x = 1\n", "app.zip")).status == "uploaded"
    assert send(stage, bundle_of("x = 2\n", "app.zip"), overwrite=True).status == "replaced"
    assert stage.remove("app.zip")
    assert not stage.remove("app.zip")
    there = snowflake_server.files()
    assert {path: there.get(path) for path in others} == others
    assert "py311/app.zip" not in there


def test_a_stage_with_an_odd_name_is_read_like_others(
    session: Session, bundle_of: BundleOf, snowflake_server: SnowflakeServer
) -> None:
    odd = StageName.parse('@"my db"."S"."a/b c"/x')
    snowflake_server.stages.add('"my db".S."a/b c"')
    stage = Stage(session, odd)
    assert [send(stage, bundle_of()).status for _ in range(2)] == ["uploaded", "unchanged"]
    assert set(stage.files()) == {bundle_of().name, f"{bundle_of().name}.manifest.json"}


def test_a_zip_of_another_name_here_gets_its_name_there(
    stage: Stage, bundle_of: BundleOf, snowflake_server: SnowflakeServer
) -> None:
    bundle = dataclasses.replace(bundle_of(name="app.zip"), name="release_v1.zip")
    assert send(stage, bundle).place.endswith("/py311/release_v1.zip")
    assert snowflake_server.files()["py311/release_v1.zip"] == bundle.zip.read_bytes()


def test_the_manifest_says_what_is_in_it(stage: Stage, bundle_of: BundleOf, snowflake_server: SnowflakeServer) -> None:
    bundle = bundle_of()
    send(stage, bundle)
    read = json.loads(snowflake_server.files()[f"py311/{bundle.name}.manifest.json"])
    assert read["zip"]["name"] == bundle.name
    assert read["content"]["distributions"] == [{"name": "tiny", "version": "1.0"}]


def test_a_folder_with_wildcards_cannot_be_sent_from_and_the_fix_is_told(stage: Stage, tmp_path: Path) -> None:
    (tmp_path / "a[1]").mkdir()
    file = tmp_path / "a[1]" / "app.zip"
    file.write_bytes(b"x")
    with pytest.raises(UsageError, match="set TMPDIR to a folder without them"):
        stage.put(file, is_overwriting=False)


def test_no_right_to_the_stage_is_2_with_the_grant(
    stage: Stage, bundle_of: BundleOf, snowflake_server: SnowflakeServer
) -> None:
    for verb in ("LIST", "PUT"):
        denied = Refusal("003001", "42501", "SQL access control error:\nInsufficient privileges to operate on stage")
        snowflake_server.refuse(verb, denied, times=1)
        with pytest.raises(UsageError) as refused:
            send(stage, bundle_of())
        [problem] = refused.value.problems
        assert problem.fix == "GRANT READ, WRITE ON STAGE MY_DB.MY_SCHEMA.PACKAGES_STAGE TO ROLE SYNC_ROLE;"
        assert "Insufficient privileges" in problem.why
