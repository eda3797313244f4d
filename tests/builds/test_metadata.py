"""metadata.json: what it must hold, how it is read back, and what is not believed of it."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, NotRequired, cast, get_args, get_origin, get_type_hints

import pytest

from tests.support.builds import DESCRIPTION, put_build, version
from venvbuild.builds import Metadata, metadata, places
from venvbuild.builds.metadata import StoredFile
from venvbuild.errors import IntegrityError, NotInStore
from venvbuild.stores.folder import FolderStore

VERSION = version(0)


@pytest.fixture
def store(tmp_path: Path) -> FolderStore:
    return FolderStore(tmp_path / "store")


def stamped(store: FolderStore, **changes: Any) -> Metadata:
    """The whole metadata of a build whose description is changed like this."""
    fields = {name: value for name, value in {**DESCRIPTION, **changes}.items() if value != "left out"}
    return metadata.stamped(
        cast(metadata.DescribedMetadata, fields),
        venv_version=VERSION,
        created_at="2025-07-22T08:30:00Z",
        store=store,
        files={"b.txt": StoredFile("b" * 64, 2), "a.txt": StoredFile("a" * 64, 1)},
    )


def test_a_stamped_description_says_where_its_files_are(store: FolderStore) -> None:
    whole = stamped(store)
    assert whole["venv_archive"] == store.uri(f"venv-builds/{VERSION}/{VERSION}.tar.gz")
    assert whole["requirements_file"] == store.uri(f"venv-builds/{VERSION}/requirements.txt")
    assert whole["pipdeptree_output"].endswith("/pipdeptree.json")
    assert whole["files"]["b.txt"] == {"sha256": "b" * 64, "size_bytes": 2}


def test_the_fields_stand_in_the_order_of_the_contract(store: FolderStore) -> None:
    order = list(metadata.schema()["properties"])
    assert list(stamped(store)) == [name for name in order if name in stamped(store)]


def test_the_files_stand_in_the_order_of_their_names(store: FolderStore) -> None:
    assert list(stamped(store)["files"]) == ["a.txt", "b.txt"]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        pytest.param("env_name", "no/slash", id="name"),
        pytest.param("python_version", "3.11.7", id="patch release"),
        pytest.param("archive_sha256", "b" * 63, id="digest"),
        pytest.param("installed_packages", ["Good==1.0"], id="package that is not canonical"),
        pytest.param("is_conflict_free", "yes", id="text for a boolean"),
        pytest.param("archive_size_bytes", -1, id="negative size"),
        pytest.param("duration_s", {"check": 1}, id="steps without a duration"),
        pytest.param("requires", {"abi": "none"}, id="no glibc"),
        pytest.param("schema_version", 3, id="another schema"),
        pytest.param("schema_version", 2, id="the schema of another archive_root"),
        pytest.param("archive_root", "other", id="another root"),
        pytest.param("platform", "left out", id="missing field"),
        pytest.param("surprise", 1, id="unknown field"),
    ],
)
def test_a_description_that_breaks_the_contract_is_never_written(store: FolderStore, field: str, value: Any) -> None:
    with pytest.raises(IntegrityError, match="the metadata is not valid") as caught:
        stamped(store, **{field: value})
    (problem,) = caught.value.problems
    assert field in problem.as_line()
    assert (problem.rule, caught.value.exit_code) == ("SCHEMA", 8)


def test_a_reader_passes_over_fields_that_a_later_version_added(store: FolderStore) -> None:
    later = {**stamped(store), "surprise": 1}
    metadata.validate(later)
    with pytest.raises(IntegrityError):
        metadata.validate(later, strict=True)


def _with_content() -> metadata.Description:
    fields: dict[str, Any] = {**DESCRIPTION, "content_sha256": "c" * 64}
    del fields["schema_version"]
    return metadata.Description(**fields)


def test_an_older_build_has_no_digest_of_its_content() -> None:
    assert "content_sha256" not in DESCRIPTION
    assert _with_content().as_json()["content_sha256"] == "c" * 64


def test_only_an_archive_without_a_folder_at_its_top_needs_a_reader_who_knows_it(store: FolderStore) -> None:
    fields: dict[str, Any] = {**DESCRIPTION}
    del fields["schema_version"]
    for root, needed in ((None, 1), ("venv", 1), ("", 2)):
        described = metadata.Description(**fields, archive_root=root).as_json()
        assert (described.get("archive_root"), described["schema_version"]) == (root, needed)
        assert stamped(store, **described)["schema_version"] == needed
    with pytest.raises(IntegrityError, match="with this archive_root it is 2, not 1"):
        metadata.validate({**stamped(store), "archive_root": ""})


def test_a_description_is_what_json_makes_of_it() -> None:
    assert json.loads(json.dumps(DESCRIPTION)) == DESCRIPTION


def test_a_stored_file_is_told_by_digest_and_size(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"12345")
    assert StoredFile.of(tmp_path / "a") == StoredFile(hashlib.sha256(b"12345").hexdigest(), 5)


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        (VERSION, True),
        ("venv_20250722_08300", False),
        ("venv_20250722_083000 ", False),
        ("VENV_20250722_083000", False),
        ("venv_２0250722_083000", False),
        ("latest", False),
        ("", False),
    ],
)
def test_a_version_is_told_by_its_form(text: str, is_one: bool) -> None:
    assert places.is_venv_version(text) is is_one


# --- reading


def test_a_committed_build_is_read(store: FolderStore) -> None:
    read = metadata.read(store, put_build(store, 0, env_name="sales"))
    assert (read["venv_version"], read["env_name"]) == (VERSION, "sales")


def test_a_build_without_metadata_does_not_exist(store: FolderStore) -> None:
    put_build(store, 0, is_committed=False)
    with pytest.raises(NotInStore, match=f"there is no build {VERSION}") as caught:
        metadata.read(store, VERSION)
    (problem,) = caught.value.problems
    assert (problem.where, problem.fix) == (store.url, "`venvbuild list` shows the builds")


def change(text: str) -> Callable[[bytes], bytes]:
    before, _, after = text.partition(" -> ")
    return lambda body: body.replace(before.encode(), after.encode())


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        pytest.param(lambda body: body[:-20], "the metadata is no JSON", id="cut"),
        pytest.param(lambda body: b"[" * 100_000, "the metadata is no JSON", id="deep"),
        pytest.param(lambda body: b"[]", "the metadata is not valid", id="no object"),
        pytest.param(change("_083000 -> _083001"), "another build, venv_20250722_083001", id="another's"),
        pytest.param(change("08:30:00Z -> 08:30:01Z"), "not the instant of", id="another instant"),
        pytest.param(change('"sales" -> 7'), "not valid", id="wrong type"),
        pytest.param(change('"env_name" -> "tool_version"'), "the key 'tool_version' twice", id="a key twice"),
        pytest.param(change('"check": 0.1 -> "check": NaN'), "NaN, which is no JSON", id="NaN"),
        pytest.param(lambda body: body + b" " * 16_000_000, "bytes, more than 16000000", id="large"),
        pytest.param(
            change('"archive_size_bytes": 3 -> "archive_size_bytes": 9223372036854775808'),
            "not valid",
            id="beyond a column",
        ),
        pytest.param(change('"schema_version": 1 -> "schema_version": 3'), "fix: update venvbuild", id="newer"),
    ],
)
def test_metadata_that_was_damaged_is_not_believed(
    store: FolderStore, tmp_path: Path, damage: Callable[[bytes], bytes], said: str
) -> None:
    path = tmp_path / "store" / "venv-builds" / put_build(store, 0) / "metadata.json"
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(IntegrityError, match=said) as caught:
        metadata.read(store, VERSION)
    assert "metadata.json" in caught.value.problems[0].where


def test_what_a_later_version_added_harms_no_reader(store: FolderStore, tmp_path: Path) -> None:
    path = tmp_path / "store" / "venv-builds" / put_build(store, 0) / "metadata.json"
    whole = json.loads(path.read_bytes())
    whole["requires"]["cpu"] = {"flags": [{"name": "avx2"}]}
    whole["files"]["requirements.txt"]["signed_by"] = ["k"]
    path.write_text(json.dumps({**whole, "attested_by": {"chain": [[]]}}))
    build = metadata.read(store, VERSION)
    assert dict(build) == {**whole, "attested_by": {"chain": [[]]}}
    assert metadata.read_file(store, build, "requirements.txt") == b"good==1.0\n"


def test_a_file_is_given_as_the_metadata_promises_it(store: FolderStore) -> None:
    build = metadata.read(store, put_build(store, 0, {"requirements.txt": b"good==1.0\n"}))
    assert metadata.read_file(store, build, "requirements.txt") == b"good==1.0\n"


def test_a_file_that_no_memory_should_hold_is_not_fetched(store: FolderStore) -> None:
    build = metadata.read(store, put_build(store, 0))
    path = store.root / "venv-builds" / VERSION / "requirements.txt"
    os.truncate(path, 40 << 30)
    build["files"]["requirements.txt"]["size_bytes"] = 40 << 30
    with pytest.raises(IntegrityError, match="more than 16000000"):
        metadata.read_file(store, build, "requirements.txt")


def test_a_file_that_the_build_never_had_is_told_apart(store: FolderStore) -> None:
    build = metadata.read(store, put_build(store, 0))
    with pytest.raises(NotInStore, match=r"the build has no conflicts\.txt"):
        metadata.read_file(store, build, "conflicts.txt")


@pytest.mark.parametrize("body", [b"evil==1.0\n", b"good==1.0\n\n", b""], ids=["as long", "longer", "empty"])
def test_a_file_that_was_replaced_is_not_given(store: FolderStore, tmp_path: Path, body: bytes) -> None:
    build = metadata.read(store, put_build(store, 0, {"requirements.txt": b"good==1.0\n"}))
    (tmp_path / "store" / "venv-builds" / VERSION / "requirements.txt").write_bytes(body)
    with pytest.raises(IntegrityError, match=r"requirements\.txt is not the one that metadata\.json names") as caught:
        metadata.read_file(store, build, "requirements.txt")
    assert f"`venvbuild verify {VERSION}`" in caught.value.problems[0].fix


def test_the_type_of_metadata_is_what_the_schema_says() -> None:
    schema = metadata.schema()
    assert set(get_type_hints(Metadata)) == set(schema["properties"])
    assert set(schema["required"]) == _required(Metadata)
    for name, kind in get_type_hints(Metadata).items():
        rule = schema["properties"][name]
        kinds = {"string"} if "$ref" in rule else {"integer"} if "const" in rule else set(_listed(rule["type"]))
        assert kinds == _json_types(kind), name
    for name, entry in (("requires", metadata.RequiresEntry), ("files", metadata.FileEntry)):
        rule = schema["properties"][name].get("additionalProperties", schema["properties"][name])
        assert set(rule["properties"]) == set(get_type_hints(entry))
        assert set(rule["required"]) == _required(entry)


def _required(record: type) -> set[str]:
    hints = get_type_hints(record, include_extras=True)
    return {name for name, kind in hints.items() if get_origin(kind) is not NotRequired}


def _listed(types: str | list[str]) -> list[str]:
    return [types] if isinstance(types, str) else types


def _json_types(kind: Any) -> set[str]:
    """What JSON Schema calls a Python type."""
    if get_args(kind) and get_origin(kind) not in (list, dict):
        return {name for one in get_args(kind) for name in _json_types(one)}
    plain = {str: "string", bool: "boolean", int: "integer", type(None): "null", list: "array", dict: "object"}
    return {plain.get(get_origin(kind) or kind, "object")}
