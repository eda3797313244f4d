"""Documents judged by the schemas that we ship."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.support.archives import archive, file
from tests.support.builds import put_build
from venvbuild import builds
from venvbuild.builds import schemas
from venvbuild.stores.folder import FolderStore

METADATA, INDEX = "builds/metadata.schema.json", "builds/archive_index.schema.json"


@pytest.fixture
def whole(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    store = FolderStore(tmp_path_factory.mktemp("store"))
    return dict(builds.read(store, put_build(store, 0)))


@pytest.mark.parametrize("name", [METADATA, INDEX])
def test_every_field_of_a_schema_is_required_or_optional_by_name(name: str) -> None:
    schema = schemas.load(name)
    assert set(schema["required"]) <= set(schema["properties"])


def test_a_whole_document_has_no_fault(whole: dict[str, Any]) -> None:
    assert schemas.faults(whole, METADATA, strict=True) == []


@pytest.mark.parametrize(
    ("change", "field"),
    [
        pytest.param({"env_name": 7}, "env_name", id="top"),
        pytest.param({"files": {"requirements.txt": {"sha256": "x", "size_bytes": 1}}}, "files/requirements.txt/sha256",
                     id="deep"),
        pytest.param({"installed_packages": ["good==1.0", 7]}, "installed_packages/1", id="in a list"),
    ],
)  # fmt: skip
def test_a_fault_is_told_with_the_way_to_its_field(whole: dict[str, Any], change: dict[str, Any], field: str) -> None:
    ((found, what),) = schemas.faults({**whole, **change}, METADATA)
    assert found == field
    assert what


@pytest.mark.parametrize("field", ["env_name", "python_version", "platform", "archive_sha256", "venv_version"])
def test_a_name_has_no_line_break_at_its_end(whole: dict[str, Any], field: str) -> None:
    [(told, what)] = schemas.faults({**whole, field: f"{whole[field]}\n"}, METADATA)
    assert (told, "does not match" in what) == (field, True)


def test_faults_are_sorted_by_field(whole: dict[str, Any]) -> None:
    spoiled = {**whole, "venv_version": "x", "env_name": 7, "archive_size_bytes": -1}
    assert [field for field, _ in schemas.faults(spoiled, METADATA)] == [
        "archive_size_bytes", "env_name", "venv_version",
    ]  # fmt: skip


def test_a_missing_field_is_a_fault_of_the_whole(whole: dict[str, Any]) -> None:
    del whole["env_name"]
    assert schemas.faults(whole, METADATA) == [("(the whole)", "'env_name' is a required property")]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        pytest.param({"later": 1}, "(the whole)", id="at the top"),
        pytest.param({"requires": {"abi": None, "glibc": None, "later": 1}}, "requires", id="inside"),
        pytest.param({"files": {"a": {"sha256": "a" * 64, "size_bytes": 1, "later": 1}}}, "files/a", id="of each"),
    ],
)
def test_an_unknown_field_is_a_fault_only_for_the_strict(
    whole: dict[str, Any], change: dict[str, Any], field: str
) -> None:
    assert schemas.faults({**whole, **change}, METADATA) == []
    ((found, what),) = schemas.faults({**whole, **change}, METADATA, strict=True)
    assert (found, "'later' was unexpected" in what) == (field, True)


@pytest.mark.parametrize("uri", ["", "nowhere", "s3:/x", "://x", "s3://", "s3://a\nb"])
def test_what_is_no_uri_is_a_fault_only_for_the_strict(whole: dict[str, Any], uri: str) -> None:
    assert schemas.faults({**whole, "venv_archive": uri}, METADATA) == []
    assert [field for field, _ in schemas.faults({**whole, "venv_archive": uri}, METADATA, strict=True)] == [
        "venv_archive"
    ]


def test_a_store_may_have_a_prefix_with_a_blank(whole: dict[str, Any]) -> None:
    assert schemas.faults({**whole, "venv_archive": "s3://bucket/my team/x"}, METADATA, strict=True) == []


def test_a_field_that_is_not_there_yet_must_not_be(whole: dict[str, Any]) -> None:
    without = {name: value for name, value in whole.items() if name != "files"}
    assert schemas.faults(without, METADATA, strict=True, without=["files"]) == []
    assert schemas.faults(whole, METADATA, strict=True, without=["files"])[0][0] == "(the whole)"


@pytest.mark.parametrize("value", [10.0, True, "10"], ids=["float", "boolean", "text"])
def test_a_number_of_bytes_is_an_integer(whole: dict[str, Any], value: object) -> None:
    assert schemas.faults({**whole, "archive_size_bytes": value}, METADATA)[0][0] == "archive_size_bytes"


def test_what_a_document_holds_is_told_cut_and_what_is_wrong_with_it_is_not(whole: dict[str, Any]) -> None:
    ((_, what),) = schemas.faults({**whole, "env_name": ["x"] * 10_000}, METADATA)
    assert (len(what) < 200, what.endswith("... is not of type 'string'")) == (True, True)
    [(field, what)] = schemas.faults({**whole, "duration_s": {**whole["duration_s"], "check": 10**400}}, METADATA)
    assert (field, what) == ("duration_s/check", f"1{'0' * 79}... is not of type 'number'")


@pytest.mark.parametrize("document", [[], None, "text", 7])
def test_what_is_no_object_has_one_fault(document: object) -> None:
    assert [field for field, _ in schemas.faults(document, INDEX)] == ["(the whole)"]


def test_an_index_of_an_archive_fits_its_schema() -> None:
    assert schemas.faults(json.loads(archive(file("a.py")).index.text()), INDEX, strict=True) == []


@pytest.mark.parametrize(
    ("body", "why"),
    [
        pytest.param(b"", "Expecting value", id="empty"),
        pytest.param(b"{", "Expecting property", id="cut"),
        pytest.param(b"\xff", "can't decode", id="no UTF-8"),
        pytest.param("{}".encode("utf-16"), "can't decode", id="UTF-16"),
        pytest.param(b"[" * 65 + b"]" * 65, "more than 64 deep", id="deep"),
        pytest.param(b'{"a":' * 65 + b"1" + b"}" * 65, "more than 64 deep", id="deep objects"),
        pytest.param(b"[" * 1_000_000, "more than 64 deep", id="very deep"),
        pytest.param(b" " * 16_000_000 + b"1", "16000001 bytes, more than 16000000", id="large"),
        pytest.param(b"[NaN]", "NaN, which is no JSON", id="NaN"),
        pytest.param(b"[-Infinity]", "-Infinity, which is no JSON", id="Infinity"),
        pytest.param(b"[1e400]", "the number 1e400, which is too large", id="a large number"),
        pytest.param(b"1" * 5000, "limit", id="a long number"),
        pytest.param(b'[{"a": 1, "b": 2, "a": 1}]', "the key 'a' twice", id="a key twice"),
        pytest.param(
            b"{" + b"".join(b'"%d": 1, ' % number for number in range(200_000)) + b'"7": 1}',
            "the key '7' twice",
            id="a key twice among many",
        ),
        pytest.param(rb'["\ud800"]', "half of a surrogate pair", id="half a pair"),
        pytest.param(rb'{"\uDC00": 1}', "half of a surrogate pair", id="half a pair in a key"),
    ],
)
def test_what_some_reader_would_not_understand_is_refused(body: bytes, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        schemas.parsed(body)


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (b"[" * 63 + b"{}" + b"]" * 63, None),
        (b"\xef\xbb\xbf[1]", [1]),
        (rb'["\ud83d\ude00 \\ud800"]', ["\N{GRINNING FACE} \\ud800"]),
        (b'{"a": [1.5, -0, 1e3, null, true], "b": {"a": 9223372036854775808}}',
         {"a": [1.5, 0, 1000.0, None, True], "b": {"a": 2**63}}),
    ],
    ids=["64 deep", "byte order mark", "a whole pair", "values"],
)  # fmt: skip
def test_everything_else_is_read(body: bytes, value: Any) -> None:
    assert schemas.parsed(body) == (value if value is not None else json.loads(body))


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"archive_size_bytes": 2**63}, "archive_size_bytes"),
        ({"package_count": 10**30}, "package_count"),
        ({"files": {"x": {"sha256": "a" * 64, "size_bytes": 2**63}}}, "files/x/size_bytes"),
        ({"duration_s": dict.fromkeys(("check", "create", "inspect", "pack", "describe"), float("nan"))},
         "duration_s/check"),
        ({"duration_s": dict.fromkeys(("check", "create", "inspect", "pack", "describe"), float("inf"))},
         "duration_s/check"),
        ({"duration_s": dict.fromkeys(("check", "create", "inspect", "pack", "describe"), 10**400)},
         "duration_s/check"),
    ],
    ids=["size", "count", "size of a file", "NaN", "Infinity", "beyond a double"],
)  # fmt: skip
def test_a_number_that_no_column_can_hold_is_not_written(
    whole: dict[str, Any], change: dict[str, Any], field: str
) -> None:
    assert schemas.faults({**whole, **change}, METADATA, strict=True)[0][0] == field
    largest = {**whole, "archive_size_bytes": 2**63 - 1, "package_count": 2**63 - 1}
    assert schemas.faults(largest, METADATA, strict=True) == []
