"""Records beside builds: one a place, content and target; the newest of a place counts, and many are read fast."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest

from tests.snowflake.conftest import BundleOf
from venvbuild.snowflake.records import Record, read_all, remember, whereabouts
from venvbuild.snowflake.uploading import Uploaded
from venvbuild.stores import Store, open_store

VERSION = "venv_20261129_060000"


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_store(str(tmp_path / "store"))


def record(
    content: str = "a", at: str = "2026-11-29T06:00:00Z", file: str = "app.zip", pin: str = "kedro==0.19.3"
) -> Record:
    return Record(
        VERSION, "@D.S.ST/py311", file, "XY1", "R", at, content * 64, content * 64, "3.11", "x86_64",
        (pin, "six==1.17.0"), ("numpy==2.2.6",),
    )  # fmt: skip


def anything(_version: str) -> bool:
    return True


def test_a_record_is_read_as_it_was_written(store: Store, bundle_of: BundleOf) -> None:
    bundle = bundle_of()
    made = Record.of(bundle, Uploaded("uploaded", "@D.S.ST/a/app.zip", "b" * 64), VERSION, ("XY1", None), "2026")
    assert (made.stage, made.file, made.role, made.sha256) == ("@D.S.ST/a", "app.zip", "", "b" * 64)
    assert made.distributions == ("tiny==1.0",)
    remember(store, made)
    assert read_all(store) == ([made], [])
    assert made.key.startswith(f"venv-catalog/snowflake/{VERSION}/")


def test_what_is_synced_again_gets_the_new_time(store: Store) -> None:
    remember(store, record())
    again = dataclasses.replace(record(), synced_at="2026-11-29T08:00:00Z")
    remember(store, again)
    remember(store, again)
    assert read_all(store) == ([again], [])


def test_only_the_newest_of_a_place_says_what_is_there(store: Store) -> None:
    old, new = record("a", "2026-11-29T06:00:00Z"), record("b", "2026-11-29T07:00:00Z", pin="kedro==1.0")
    other = record("a", "2026-11-29T05:00:00Z", file="other.zip")
    for one in (old, new, other):
        remember(store, one)
    records, _ = read_all(store)
    found = [(one.version, one.record.file) for one in whereabouts(records, "kedro", anything)]
    assert found == [("1.0", "app.zip"), ("0.19.3", "other.zip")]
    # and back again
    remember(store, dataclasses.replace(old, synced_at="2026-11-29T08:00:00Z"))
    records, _ = read_all(store)
    assert [one.version for one in whereabouts(records, "kedro", anything)] == ["0.19.3", "0.19.3"]


def test_what_was_sent_for_two_pythons_is_told_for_each_as_long_as_it_is_there(store: Store) -> None:
    first = record("a", "2026-11-29T06:00:00Z")
    changes: tuple[dict[str, Any], ...] = (
        {"python_version": "3.12", "synced_at": "2026-11-29T07:00:00Z"},
        {"platform": "aarch64", "synced_at": "2026-11-29T08:00:00Z"},
        {"venv_version": "venv_20261129_090000", "synced_at": "2026-11-29T09:00:00Z"},  # another build, the same ZIP
        {},
    )
    for more in changes:
        remember(store, dataclasses.replace(first, **more))
    records, _ = read_all(store)
    found = [(one.record.target, one.record.synced_at[11:13]) for one in whereabouts(records, "kedro", anything)]
    assert found == [(("3.11", "x86_64"), "09"), (("3.11", "aarch64"), "08"), (("3.12", "x86_64"), "07")]
    remember(store, record("b", "2026-11-29T10:00:00Z"))
    records, _ = read_all(store)
    assert [one.record.synced_at[11:13] for one in whereabouts(records, "kedro", anything)] == ["10"]


def test_a_package_is_found_by_its_whole_name_and_what_snowflake_installs_is_told_apart(store: Store) -> None:
    records = [record(pin="kedro-viz==1.0")]
    assert whereabouts(records, "kedro", anything) == []
    assert [one.is_inside for one in whereabouts(records, "numpy", anything)] == [False]
    assert whereabouts(records, "six", lambda version: version == "1.16.0") == []


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{}", b'{"venv_version": 1}', json.dumps({"venv_version": "x"}).encode()]
)
def test_a_damaged_record_is_named_and_the_others_are_answered(store: Store, body: bytes) -> None:
    remember(store, record())
    store.put_if_absent(f"venv-catalog/snowflake/{VERSION}/damaged.json", body)
    records, problems = read_all(store)
    assert records == [record()]
    [problem] = problems
    assert problem.where.endswith("damaged.json")


def test_unknown_fields_are_read_over() -> None:
    body = json.dumps({**dataclasses.asdict(record()), "later": 1}).encode()
    assert Record.parse(body) == record()
