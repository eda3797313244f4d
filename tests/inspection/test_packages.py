"""packages.json: what is said of each installed distribution."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.inspection.test_reports import Made
from venvbuild.builds import schemas
from venvbuild.inspection.dependencies import Root
from venvbuild.inspection.reports import inspect

NOTHING: dict[str, Any] = {
    "wheel": None, "sha256": None, "size_bytes": None, "uploaded_at": None, "is_yanked": None, "yanked_reason": None,
    "project_status": None, "license_expression": None, "classifiers": [],
}  # fmt: skip
METADATA = """Metadata-Version: 2.4
Name: {name}
Version: 1.0
License-Expression: MIT OR Apache-2.0
Classifier: Programming Language :: Python :: 3
Classifier: License :: OSI Approved :: MIT License
Requires-Dist: {name}[more]
Provides-Extra: more
"""


@pytest.fixture
def made(tmp_path: Path) -> Made:
    return Made(tmp_path)


def entries_of(made: Made, folder: Path, *roots: str, wheels: dict[str, Any] | None = None) -> list[dict[str, Any]]:
    inspect(made.folder, [Root(name) for name in roots], made.target, folder, wheels=wheels)
    found: list[dict[str, Any]] = json.loads((folder / "packages.json").read_bytes())
    assert faults_of(found) == []
    return found


def faults_of(found: list[dict[str, Any]]) -> list[tuple[str, str]]:
    """Each entry against the schema, strictly: its fields are all there, and no other."""
    import jsonschema

    schema = schemas.load("inspection/packages.schema.json")
    schema["items"]["additionalProperties"] = False
    errors = jsonschema.Draft202012Validator(schema).iter_errors(found)
    return [("/".join(map(str, error.path)), error.message) for error in errors]


def test_who_asked_for_it_and_who_needs_it_is_told(made: Made, tmp_path: Path) -> None:
    made.put("Top", requires=["low", "gone; python_version < '3'"])
    made.put("mid", requires=["low"])
    made.put("low")
    assert entries_of(made, tmp_path / "out", "top") == [
        {"name": "low", "version": "1.0", **NOTHING, "is_requested": False, "needed_by": ["mid", "top"]},
        {"name": "mid", "version": "1.0", **NOTHING, "is_requested": False, "needed_by": []},
        {"name": "top", "version": "1.0", **NOTHING, "is_requested": True, "needed_by": []},
    ]


def test_licence_and_classifiers_are_those_of_the_metadata_and_nobody_needs_itself(made: Made, tmp_path: Path) -> None:
    made.put("aa", metadata=METADATA.format(name="aa"))
    [entry] = entries_of(made, tmp_path / "out")
    assert (entry["license_expression"], entry["needed_by"]) == ("MIT OR Apache-2.0", [])
    assert entry["classifiers"] == ["Programming Language :: Python :: 3", "License :: OSI Approved :: MIT License"]


def test_what_is_known_of_a_wheel_is_in_its_record_without_secrets(made: Made, tmp_path: Path) -> None:
    made.put("aa")
    told = {
        "wheel": "aa-1.0-py3-none-any.whl", "sha256": "0" * 64, "size_bytes": 7, "uploaded_at": "2026-11-20T10:11:12Z",
        "is_yanked": True, "yanked_reason": "see https://me:s3cr3t-Canary-42@host/x", "project_status": "active",
    }  # fmt: skip
    [entry] = entries_of(made, tmp_path / "out", wheels={"aa": told})
    assert {name: entry[name] for name in told} == {**told, "yanked_reason": "see https://****@host/x"}


def test_there_is_a_record_for_each_installed_package_and_no_other(made: Made, tmp_path: Path) -> None:
    for name in ("a-b", "a", "a.c"):
        made.put(name)
    (made.site / "a-1.0.dist-info").rename(made.site / "A-1.0.dist-info")
    made.put("a")
    made.put("broken", metadata="Name: broken\n")
    names = [f"{one['name']}=={one['version']}" for one in entries_of(made, tmp_path / "out")]
    assert names == json.loads((tmp_path / "out" / "installed_packages.json").read_bytes())


def test_equal_environments_give_equal_bytes(made: Made, tmp_path: Path) -> None:
    for name in ("bb", "aa"):
        made.put(name, requires=["cc"])
    made.put("cc")
    entries_of(made, tmp_path / "one")
    entries_of(made, tmp_path / "other")
    assert (tmp_path / "one" / "packages.json").read_bytes() == (tmp_path / "other" / "packages.json").read_bytes()
