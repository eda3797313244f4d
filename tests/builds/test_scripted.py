"""Builds that scripts made are read as far as they go."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.support.builds import put_build
from tests.support.scripted import DOCUMENT, VERSION, put_scripted
from venvbuild import builds
from venvbuild.builds import SCRIPTED_FIELDS, ScriptedBuild, places
from venvbuild.errors import IntegrityError, NotInStore, UsageError
from venvbuild.stores import Store, open_store


@pytest.fixture
def store(tmp_path: Any) -> Store:
    return open_store(str(tmp_path / "store"))


def read(store: Store, **changes: Any) -> ScriptedBuild:
    build = builds.read_any(store, put_scripted(store, **changes))
    assert isinstance(build, ScriptedBuild)
    return build


def test_that_of_the_document_is_read_word_for_word(store: Store) -> None:
    assert read(store).as_json() == {
        **json.loads(DOCUMENT),
        # That of the version, which stands for the build; what the file says stands beside it.
        "created_at": "2025-07-22T16:30:00Z",
        "recorded_at": "2025-07-22T08:30:00Z",
        "installed_packages": ["kedro==0.18.14", "numpy==1.24.4", "pandas==1.5.3"],
        "env_name": None,
        "package_count": 3,
    }
    assert store.read(builds.key(VERSION, places.METADATA)).body.decode() == DOCUMENT
    assert tuple(json.loads(DOCUMENT)) == SCRIPTED_FIELDS


@pytest.mark.parametrize(
    ("said", "instant"),
    [
        ("2025-07-22T16:30:00+08:00", "2025-07-22T08:30:00Z"),
        ("2025-07-22T08:30:00.123456", "2025-07-22T08:30:00Z"),
        ("2025-07-22 08:30:00", "2025-07-22T08:30:00Z"),
        ("Tue Jul 22 08:30:00 UTC 2025", None),
        ("0001-01-01T00:00:00+08:00", None),
        ("0001-01-01 00:00:00", "0001-01-01T00:00:00Z"),
        ("0999-05-05T08:30:00+08:00", "0999-05-05T00:30:00Z"),
        ("", None),
    ],
)
def test_when_it_says_that_it_was_made_is_an_instant_of_utc_or_unknown(
    store: Store, said: str, instant: str | None
) -> None:
    assert read(store, created_at=said).recorded_at == instant


def test_packages_are_named_as_everywhere_and_what_is_no_pin_is_left_out(store: Store) -> None:
    found = read(
        store,
        installed_packages=["PyYAML==6.0", "ruamel.yaml==0.17", "own @ file:///x", "-e git+https://h/x", "pyyaml==6.0"],
        python_version="3.10.12",
    )  # fmt: skip
    assert found.installed_packages == ("pyyaml==6.0", "ruamel-yaml==0.17")
    assert found.python_version == "3.10"


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"is_conflict_free": "true"}, "is_conflict_free"),
        ({"installed_packages": "kedro==1"}, "installed_packages"),
        ({"python_version": "three"}, "python_version"),
        ({"created_at": 1753173000}, "created_at"),
    ],
)
def test_a_field_that_is_none_is_named(store: Store, changes: dict[str, Any], field: str) -> None:
    with pytest.raises(IntegrityError, match="neither venvbuild's nor of a script") as caught:
        read(store, **changes)
    assert caught.value.problems[0].where.endswith(f"{VERSION}/metadata.json: {field}")


@pytest.mark.parametrize("left", ["files", "archive_sha256", "schema_version", "content_sha256", "requirements_sha256"])
def test_one_of_ours_that_lost_its_fields_is_no_scripts(store: Store, left: str) -> None:
    name = put_build(store, 1)
    whole = json.loads(store.read(builds.key(name, places.METADATA)).body)
    other = open_store(f"{store.url}-2")
    whole = {"content_sha256": "c" * 64, **whole}
    kept = {key: value for key, value in whole.items() if key in (*SCRIPTED_FIELDS, left)}
    other.put_if_absent(builds.key(name, places.METADATA), json.dumps(kept).encode())
    with pytest.raises(IntegrityError, match="the metadata is not valid"):
        builds.read_any(other, name)


@pytest.mark.parametrize("name", [places.CLAIM, places.ARCHIVE_INDEX])
def test_one_with_a_file_that_only_we_write_is_no_scripts_until_that_is_removed(store: Store, name: str) -> None:
    beside = builds.key(put_scripted(store), name)
    store.put_if_absent(beside, b"{}")
    with pytest.raises(IntegrityError, match="has lost the fields") as caught:
        builds.read_any(store, VERSION)
    (problem,) = caught.value.problems
    assert problem.where == store.uri(builds.key(VERSION, places.METADATA))
    assert f"remove {store.uri(beside)}" in problem.fix
    store.remove(beside)
    assert isinstance(builds.read_any(store, VERSION), ScriptedBuild)


@pytest.mark.parametrize(
    "name", ["venv_20251399_163000", "venv_09990101_000000", "venv_20250722_163000_b", "venv_sales"]
)
def test_a_name_that_is_no_instant_is_told_with_the_way_to_have_one(store: Store, name: str) -> None:
    put_scripted(store, name)
    with pytest.raises(IntegrityError, match="venvbuild import") as caught:
        builds.read_any(store, name)
    assert name in caught.value.problems[0].where


def test_a_build_whose_file_names_another_is_refused(store: Store) -> None:
    store.put_if_absent(builds.key("venv_20250101_000000", places.METADATA), DOCUMENT.encode())
    with pytest.raises(IntegrityError, match=f"of another build, {VERSION}"):
        builds.read_any(store, "venv_20250101_000000")


def test_what_needs_more_than_it_says_is_refused_with_the_way_to_have_it(store: Store) -> None:
    put_scripted(store)
    with pytest.raises(UsageError, match="was made by a script") as caught:
        builds.read(store, VERSION)
    assert f"venvbuild import {store.url}/venv-builds/{VERSION} --env-name NAME" in caught.value.problems[0].fix


def test_no_environment_has_it(store: Store) -> None:
    put_scripted(store, "venv_20260101_000000")
    store.put_if_absent(places.environment_entry("sales", "venv_20260101_000000"), b"")
    with pytest.raises(NotInStore):
        builds.find(store, "sales@latest")
    ours = put_build(store, 1)
    assert builds.find(store, "sales@latest") == ours
