"""What a metadata.json of a script says, as far as it can be read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.support.scripted import DOCUMENT, VERSION
from venvbuild.importing.reading import Recorded, read
from venvbuild.stores import Store
from venvbuild.stores.folder import FolderStore


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return FolderStore(tmp_path)


def recorded(store: Store, text: str) -> Recorded:
    store.put_if_absent("any/metadata.json", text.encode())
    return read(store, "any/metadata.json")


def document(**changes: Any) -> str:
    return json.dumps({**json.loads(DOCUMENT), **changes})


def test_the_documents_own_is_read_whole(store: Store) -> None:
    found = recorded(store, DOCUMENT)
    assert found == Recorded(
        is_build=True,
        venv_version=VERSION,
        instant="2025-07-22T16:30:00Z",
        recorded_at="2025-07-22T08:30:00Z",
        venv_archive=f"s3://your-bucket/venv-builds/{VERSION}/{VERSION}.tar.gz",
        conflicts=(),
        installed_packages=("kedro==0.18.14", "numpy==1.24.4", "pandas==1.5.3"),
    )


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"venv_version": "venv_sales"}, {"venv_version": "venv_sales", "instant": None}),
        ({"venv_version": 7}, {"is_build": False, "venv_version": None}),
        ({"created_at": "last summer"}, {"recorded_at": None}),
        ({"created_at": "2025-07-22T16:30:00+08:00"}, {"recorded_at": "2025-07-22T08:30:00Z"}),
        ({"venv_archive": None}, {"venv_archive": None, "archive_names": (f"{VERSION}.tar.gz",)}),
        ({"venv_archive": "venv.tar.gz"}, {"archive_names": ("venv.tar.gz", f"{VERSION}.tar.gz")}),
        ({"venv_archive": "https://me:hunter2@h.org/a.tar.gz"}, {"venv_archive": "https://h.org/a.tar.gz"}),
        ({"installed_packages": ["PyYAML==6.0", "# odd"]}, {"installed_packages": ("pyyaml==6.0",)}),
        ({"installed_packages": {"a": "1"}}, {"installed_packages": None}),
        ({"is_conflict_free": False}, {"conflicts": None}),
        ({"is_conflict_free": False, "conflicts": ["a requires b"]}, {"conflicts": ("a requires b",)}),
        ({"conflicts": ["a requires b"]}, {"conflicts": None}),
    ],
)
def test_a_field_that_cannot_be_read_is_none(store: Store, changes: dict[str, Any], what: dict[str, Any]) -> None:
    found = recorded(store, document(**changes))
    assert {name: getattr(found, name) for name in what} == what


@pytest.mark.parametrize(
    ("text", "note"), [("[", "no JSON"), pytest.param("[" * 100_000, "no JSON", id="deep"), ("[]", "no JSON object")]
)
def test_what_is_no_metadata_leaves_the_archive_alone(store: Store, text: str, note: str) -> None:
    found = recorded(store, text)
    assert not found.is_build
    assert found.notes == (f"metadata.json is {note}, so the archive alone was read",)


def test_fields_that_are_missing_are_noted(store: Store) -> None:
    found = recorded(store, json.dumps({"venv_version": "a", "venv_archive": "s3://b/a.tar.gz"}))
    (note,) = found.notes
    assert note.startswith("metadata.json does not have created_at, python_version,")


def test_a_build_of_ours_is_told_from_one_of_a_script(store: Store) -> None:
    found = recorded(store, json.dumps({"schema_version": 1, "venv_version": "venv_20250101_000000"}))
    assert (found.is_build, found.is_ours, found.venv_version) == (True, True, "venv_20250101_000000")
