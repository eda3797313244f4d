"""RECORD: what its rows promise, and how they are written."""

from __future__ import annotations

import base64
import hashlib
import os

import pytest

from venvbuild.installed import record


@pytest.mark.parametrize(
    ("row", "is_the_wheels"),
    [
        ("good/module.py", True),
        ("good-1.0.dist-info/METADATA", True),
        ("good/RECORD", True),
        ("good-1.0.dist-info/RECORD", False),
        ("good-1.0.dist-info/INSTALLER", False),
        ("good-1.0.dist-info/REQUESTED", False),
        ("good-1.0.dist-info/direct_url.json", False),
        ("../../../bin/good", False),
        ("../../../_scripts/good", False),
    ],
)
def test_what_the_installer_wrote_is_no_promise_of_the_wheel(row: str, is_the_wheels: bool) -> None:
    assert record.is_of_the_wheel(row) is is_the_wheels


def test_a_promise_is_a_digest_in_another_spelling() -> None:
    sha256 = hashlib.sha256(b"bytes").hexdigest()
    assert (
        record.promise_of(sha256) == "sha256=J39rwg3fN4tTzGgpa7q6ZkEIiCnBHITU4yX0fJR-DBk"
        or len(record.promise_of(sha256)) == 50
    )
    assert record.promised_digest(record.promise_of(sha256)) == ("sha256", sha256)


@pytest.mark.parametrize("promise", ["", "md5=abc", "sha256=", "sha256=" + "*" * 43, "sha256=" + "a" * 44])
def test_what_is_no_promise_of_a_sha256_tells_nothing(promise: str) -> None:
    assert record.promised_digest(promise) == ("", "")


def test_a_record_without_a_row_to_correct_stays_as_it_is() -> None:
    assert record.corrected("a.py,sha256=x,1\n", {}, set()) is None


def test_a_dropped_file_has_no_row_and_a_written_one_a_new_promise() -> None:
    corrected = record.corrected("a.py,,\nb.py,sha256=x,1\n", {"b.py": b"new"}, {"a.py"})
    assert corrected == f"b.py,{record.promise_of(hashlib.sha256(b'new').hexdigest())},3\n"


def test_a_record_is_corrected_in_the_rows_that_matter_only() -> None:
    text = 'good.py,sha256=x,1\n"odd,name.py",,\n../../../bin/app,sha256=old,9\ngone.json,sha256=y,2\n'
    promise = record.promise_of(hashlib.sha256(b"new").hexdigest())
    assert record.corrected(text, {"../../../bin/app": b"new"}, {"gone.json"}) == (
        f'good.py,sha256=x,1\n"odd,name.py",,\n../../../bin/app,{promise},3\n'
    )
    assert record.corrected(text, {"absent": b""}, {"absent too"}) is None


@pytest.mark.parametrize("there", ["", "../../../_scripts/app,sha256=old,9\n"], ids=["new", "claimed already"])
def test_who_claims_a_script_claims_what_came_to_it_once(there: str) -> None:
    app, other = "../../../bin/app", "../../../_scripts/app"
    written = {app: b"new", other: b"body"}
    promises = [record.promise_of(hashlib.sha256(content).hexdigest()) for content in written.values()]
    assert record.corrected(f"a.py,,\n{app},,\n{there}", written, set(), {app: other, "absent": "too"}) == (
        f"a.py,,\n{app},{promises[0]},3\n{other},{promises[1]},4\n"
    )


def test_who_promised_other_bytes_than_those_that_were_there_claims_the_path_and_promises_nothing() -> None:
    app, other = "../../../bin/app", "../../../_scripts/app"
    theirs = record.promise_of(hashlib.sha256(b"theirs").hexdigest())
    mine = record.promise_of(hashlib.sha256(b"mine").hexdigest())
    written = {app: b"launcher", other: b"body"}
    loser = record.corrected(f"{app},{mine},4\n", written, set(), {app: other}, {app: b"theirs"})
    winner = record.corrected(f"{app},{theirs},6\n", written, set(), {app: other}, {app: b"theirs"})
    assert loser == f"{app},,\n{other},,\n"
    assert winner == record.corrected(f"{app},,\n", written, set(), {app: other})


def test_the_same_of_a_script_that_stays_as_it_is() -> None:
    app = "../../../bin/app"
    theirs, mine = (record.promise_of(hashlib.sha256(content).hexdigest()) for content in (b"theirs", b"mine"))
    replaced = {app: b"theirs"}
    assert record.corrected(f"{app},{mine},4\na.py,,\n", {}, set(), None, replaced) == f"{app},,\na.py,,\n"
    assert record.corrected(f"{app},{theirs},6\n", {}, set(), None, replaced) is None


@pytest.mark.parametrize(
    "promise",
    [
        record.promise_of(hashlib.sha256(b"theirs").hexdigest()) + "=",
        "sha512=" + base64.urlsafe_b64encode(hashlib.sha512(b"theirs").digest()).decode().rstrip("="),
        "md5=of-which-nobody-can-tell",
    ],
)
def test_a_true_promise_is_kept_however_it_is_spelled(promise: str) -> None:
    app = "../../../bin/app"
    assert record.corrected(f"{app},{promise},6\n", {}, set(), None, {app: b"theirs"}) is None


def test_names_that_are_not_utf_8_survive() -> None:
    name = os.fsdecode(b"caf\xe9.py")
    assert record.corrected(f"{name},,\ngone,,\n", {}, {"gone"}) == f"{name},,\n"
