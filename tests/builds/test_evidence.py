"""metadata.json against the other files of its build. What real builds say: tests/athena/test_changed_stores.py."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.support.archives import Made, archive, file, flat
from tests.support.builds import put_build, version
from venvbuild import builds
from venvbuild.builds import evidence, places
from venvbuild.stores import StoredObject
from venvbuild.stores.folder import FolderStore

VERSION = version(0)


@pytest.fixture
def store(tmp_path: Path) -> FolderStore:
    return FolderStore(tmp_path / "store")


def said(store: FolderStore, number: int = 0) -> list[str]:
    return [problem.what for problem in builds.disagreements(store, builds.read(store, version(number)))]


def put(store: FolderStore, files: dict[str, bytes] | None = None, **fields: Any) -> str:
    usual = {places.REQUIREMENTS: b"good==1.0\n", f"{VERSION}.tar.gz": b"tar"}
    return put_build(store, 0, {**usual, **(files or {})}, **fields)


def test_a_build_agrees_with_its_files(store: FolderStore) -> None:
    put(store)
    assert said(store) == []


def test_of_a_pylock_that_was_given_it_tells_the_digest_and_not_that_of_its_pins(store: FolderStore) -> None:
    given, pins = b'lock-version = "1.0"\n', hashlib.sha256(b"good==1.0\n").hexdigest()
    put(store, {places.PYLOCK_GIVEN: given})
    assert said(store) == []
    put_build(store, 1, {places.REQUIREMENTS: b"good==1.0\n", places.PYLOCK_GIVEN: given}, requirements_sha256=pins)
    assert any(one.startswith(f"requirements_sha256 is {pins}") for one in said(store, 1))


def test_a_store_that_was_copied_keeps_what_its_builds_say(store: FolderStore, tmp_path: Path) -> None:
    put(store)
    store.root.rename(tmp_path / "elsewhere")
    assert said(FolderStore(tmp_path / "elsewhere")) == []


@pytest.mark.parametrize(
    ("name", "body", "what"),
    [
        pytest.param("installed_packages.json", b'["good==1.0", "more==1"]', "installed_packages lacks more==1, which",
                     id="more packages"),
        pytest.param("installed_packages.json", b"[]", "installed_packages has good==1.0, which", id="no packages"),
        pytest.param("conflicts.json", b'[{"is_failure": true, "sentence": "a needs b"}]', "conflicts lacks a needs b",
                     id="a conflict"),
        pytest.param("conflicts.json", b'{"a": 1}', "its conflicts.json cannot be read", id="no findings"),
        pytest.param("conflicts.json", b'[{"is_failure": true, "sentence": [3]}]', "its conflicts.json cannot be read",
                     id="no sentence"),
        pytest.param("conflicts.json", b"[" + b" " * 16_000_000 + b"]", "its conflicts.json cannot be read, as it has",
                     id="huge"),
        pytest.param("installed_packages.json", b'{"good==1.0": null}', "its installed_packages.json cannot be read",
                     id="an object of packages"),
        pytest.param("installed_packages.json", b'["good==1.0", {}]', "its installed_packages.json cannot be read",
                     id="an object among packages"),
        pytest.param("conflicts.json", b"[" * 100_000, "its conflicts.json cannot be read", id="deep"),
        pytest.param("claim.json", b"null", "its claim.json cannot be read", id="no claim"),
        pytest.param("archive_index.json", b"{}", "its archive_index.json cannot be read", id="no index"),
    ],
)  # fmt: skip
def test_a_file_that_says_something_else_is_named(store: FolderStore, name: str, body: bytes, what: str) -> None:
    put(store, {name: body})
    assert [what in one for one in said(store)] == [True]


LOCK = b"good==1.0 \\\n    --hash=sha256:" + b"a" * 64 + b"\n"
PYLOCK = b"""lock-version = "1.0"
[[packages]]
name = "good"
version = "1.0"
wheels = [{ url = "https://h/good-1.0-py3-none-any.whl", hashes = { sha256 = "%s" } }]
""" % (b"a" * 64)


@pytest.mark.parametrize(
    ("lock", "pylock", "what"),
    [
        pytest.param(LOCK, PYLOCK, [], id="whole"),
        pytest.param(LOCK.replace(b"1.0", b"1.1"), PYLOCK,
                     ["installed_packages has good==1.0, which requirements.l", "installed_packages lacks good==1.1"],
                     id="another version locked"),
        pytest.param(LOCK + LOCK.replace(b"good", b"evil"), PYLOCK, ["installed_packages lacks evil==1.0, which req"],
                     id="more locked"),
        pytest.param(LOCK, PYLOCK.replace(b'"1.0"\nwheels', b'"1.1"\nwheels'),
                     ["installed_packages has good==1.0, which pylock.toml", "installed_packages lacks good==1.1"],
                     id="another version in the pylock"),
        pytest.param(LOCK, PYLOCK.replace(b"aaaa", b"baaa", 1), ["its pylock.toml has a file of good with a hash that"],
                     id="another wheel"),
        pytest.param(LOCK, PYLOCK.replace(b"wheels = [", b"sdist =").replace(b"} }]", b"} }").replace(b"aaaa", b"baaa"),
                     ["its pylock.toml has a file of good with a hash that"], id="another sdist"),
        pytest.param(LOCK, PYLOCK.replace(b"aaaa", b"baaa", 1).replace(b"url = \"https://h/", b"path = \""), [],
                     id="built from what is locked"),
        pytest.param(LOCK.replace(b"sha256", b"sha512"), PYLOCK, [], id="other hashes"),
        pytest.param(LOCK, b"packages = 7\n", ["its pylock.toml cannot be read"], id="no packages"),
        pytest.param(LOCK, b"packages = " + b"[" * 9999, ["its pylock.toml cannot be read"], id="deep"),
        pytest.param(LOCK, b"packages = [{ name = 'good' }]\n", ["its pylock.toml cannot be read"], id="no version"),
        pytest.param(b"\xff", PYLOCK, ["its requirements.lock.txt cannot be read"], id="no text"),
    ],
)  # fmt: skip
def test_both_locks_are_of_what_is_installed(store: FolderStore, lock: bytes, pylock: bytes, what: list[str]) -> None:
    put(store, {places.LOCK: lock, places.PYLOCK: pylock})
    assert [any(one.startswith(start) for one in said(store)) for start in what] == [True] * len(what)
    assert len(said(store)) == len(what)


def record(name: str, version: str, wheel: str | None) -> dict[str, Any]:
    return {"name": name, "version": version, "wheel": wheel, "is_yanked": None}


@pytest.mark.parametrize(
    ("second", "wheel", "what"),
    [
        pytest.param("bundled==3.0", None, [], id="that another wheel brings"),
        pytest.param(
            "evil==3.0", "evil-3.0-py3-none-any.whl", ["installed_packages has evil==3.0"] * 2, id="of an index"
        ),
    ],
)  # fmt: skip
def test_what_no_wheel_of_an_index_is_nobody_locks(
    store: FolderStore, second: str, wheel: str | None, what: list[str]
) -> None:
    good = record("good", "1.0.0", "good-1.0-py3-none-any.whl")
    records = json.dumps([record("evil" if wheel else "bundled", "3.0", wheel), good]).encode()
    files = {places.LOCK: LOCK, places.PYLOCK: PYLOCK, places.PACKAGES: records}
    # 1.0 in the wheel's name and 1.0.0 in its METADATA are one version
    put(store, files, installed_packages=[second, "good==1.0.0"], package_count=2)
    assert [any(one.startswith(start) for one in said(store)) for start in what] == [True] * len(what)
    assert len(said(store)) == len(what), said(store)


def test_what_is_not_a_failure_is_no_conflict(store: FolderStore) -> None:
    put(store, {"conflicts.json": b'[{"is_failure": false, "sentence": "a and b need each other"}]'})
    assert said(store) == []


def test_few_of_many_are_named(store: FolderStore) -> None:
    put(store, {"installed_packages.json": json.dumps([f"p{number}==1" for number in range(9)]).encode()})
    assert (
        said(store)[1] == "installed_packages lacks p0==1, p1==1, p2==1 and 6 more, which installed_packages.json has"
    )


@pytest.mark.parametrize(
    ("names", "requires", "what"),
    [
        pytest.param(("good", "1.0"), None, [], id="installed"),
        pytest.param(
            ("good", "1.0.0+local"), None, ["installed_packages lacks good==1.0.0+local"], id="another version"
        ),
        pytest.param(("evil", "1.0"), None, ["installed_packages lacks evil==1.0"], id="another package"),
        pytest.param(("~ood", "1.0"), None, [], id="a leftover"),
        pytest.param(("good", "no version"), None, [], id="no version"),
        pytest.param(("_base", "3.11.7"), None, ["requires names no libraries"], id="an interpreter"),
        pytest.param(("_base", "3.11.6"), ["libc.so"], ["python_full_version is 3.11.7, and by"], id="another one"),
        pytest.param(("_base", "3.11.7"), ["libc.so"], [], id="the interpreter"),
        pytest.param(("good", "1.0"), ["libc.so"], ["requires names libraries of an interpreter"], id="no interpreter"),
    ],
)
def test_what_the_index_of_the_archive_has_is_in_metadata(
    store: FolderStore, names: tuple[str, str], requires: list[str] | None, what: list[str]
) -> None:
    made = archive(file("a.py"), [file("b.py")])
    index = json.loads(made.index.text())
    index["fragments"][1].update(zip(("distribution", "version"), names, strict=True))
    needs = {"abi": "none", "glibc": None, **({"libraries": requires} if requires else {})}
    put(store, _files(made, index), content_sha256=index["content_sha256"], requires=needs)
    assert [one.partition(", which")[0][: len(wanted)] for one, wanted in zip(said(store), what, strict=True)] == what


UNREADABLE = "its archive_index.json cannot be read: "


@pytest.mark.parametrize(
    ("change", "what"),
    [
        pytest.param(lambda one: one["fragments"][1].update(offset=one["fragments"][1]["offset"] + 1),
                     UNREADABLE + "its fragments do not lie one behind the other", id="a gap"),
        pytest.param(lambda one: one.update(plain_bytes=one["plain_bytes"] + 1),
                     UNREADABLE + "the plain lengths of its fragments are not the archive's", id="a length"),
        pytest.param(lambda one: one.update(schema_version=2),
                     UNREADABLE + "its root is 'venv', and its schema_version 2", id="a root"),
        pytest.param(lambda one: one.update(schema_version=3, fragments=[]),
                     "the index of the archive is of schema_version 3, and this venvbuild knows 2", id="a newer one"),
        pytest.param(lambda one: one.update(more=1), "", id="a field more"),
    ],
)  # fmt: skip
def test_the_index_of_the_archive_agrees_with_itself_or_is_newer(
    store: FolderStore, change: Callable[[dict[str, Any]], None], what: str
) -> None:
    made = archive(file("a.py"), [file("b.py")])
    index = json.loads(made.index.text())
    change(index)
    packages = ["good==1.0", "part-1==1.0"]
    told = {"content_sha256": index["content_sha256"], "installed_packages": packages, "package_count": 2}
    put(store, _files(made, index), **told)
    found = builds.disagreements(store, builds.read(store, VERSION))
    assert [problem.what for problem in found] == ([what] if what else [])
    if "newer" in str(found):
        key = builds.key(VERSION, places.ARCHIVE_INDEX)
        assert [(one.where, one.fix) for one in found] == [(store.uri(key), "update venvbuild")]


@pytest.mark.parametrize(("said_root", "is_flat"), [(None, False), ("venv", False), ("", True)])
def test_metadata_says_whether_the_archive_has_a_folder_at_its_top(
    store: FolderStore, said_root: str | None, is_flat: bool
) -> None:
    with flat():
        of_flat = archive(file("a.py"))
    told: dict[str, Any] = {} if said_root is None else {"archive_root": said_root, "schema_version": 1 + is_flat}
    for number, made in enumerate((archive(file("a.py")), of_flat)):
        files = {places.REQUIREMENTS: b"good==1.0\n", **made.files(version(number))}
        put_build(store, number, files, content_sha256="c" * 64, **told)
        wrong = [one for one in said(store, number) if "archive_root" in one]
        root, of_index = (repr(said_root) if is_flat else "venv"), ("''" if number else "venv")
        contradiction = f"archive_root is {root}, and by archive_index.json it is {of_index}"
        assert wrong == ([contradiction] if root != of_index else [])


def _files(made: Made, index: dict[str, Any]) -> dict[str, bytes]:
    return {**made.files(VERSION), places.ARCHIVE_INDEX: json.dumps(index).encode()}


@pytest.mark.parametrize(
    ("change", "what"),
    [
        pytest.param(lambda path: path.unlink(), "it is not in the store", id="gone"),
        pytest.param(lambda path: path.write_bytes(b"["), "it has 1 bytes, and metadata.json says", id="shorter"),
        pytest.param(lambda path: path.write_bytes(b"{]"), evidence.UNLIKE_DIGEST, id="as long"),
    ],
)
def test_a_file_that_is_not_the_promised_one_is_damaged_and_says_nothing(
    store: FolderStore, change: Any, what: str
) -> None:
    build = builds.read(store, put(store, {"conflicts.json": b"[]"}))
    change(store.root / builds.key(VERSION, "conflicts.json"))
    assert said(store) == []
    (problem,) = builds.damaged_files(store, build)
    assert problem.what.startswith(what)
    assert problem.where.endswith("/conflicts.json")


@pytest.mark.parametrize("kind", ["link", "FIFO", "folder"])
@pytest.mark.parametrize("name", ["conflicts.json", f"{VERSION}.tar.gz"])
def test_what_stands_in_the_place_of_a_file_is_told_before_a_backup_is_advised(
    store: FolderStore, kind: str, name: str
) -> None:
    build = builds.read(store, put(store))
    path = store.root / builds.key(VERSION, name)
    kept = path.read_bytes()
    path.unlink()
    if kind == "link":
        path.symlink_to(store.root / "elsewhere")
    elif kind == "FIFO":
        os.mkfifo(path)
    else:
        path.mkdir()
        (path / "x").write_bytes(kept)
    (problem,) = builds.damaged_files(store, build)
    assert (problem.what, problem.where) == (f"a {kind} stands where the store has a file", path.as_uri())
    assert problem.fix.startswith("remove it, and restore the object from a backup")


@pytest.mark.parametrize(
    "records",
    [
        pytest.param([{"name": "good", "version": "1.0", "is_yanked": None}], id="less"),
        pytest.param({"format": 2, "packages": []}, id="another form"),
        pytest.param([{"name": 1, "version": "1.0", "is_yanked": None, "wheel": None}], id="no name"),
    ],
)
def test_a_file_of_another_form_says_nothing_of_others(store: FolderStore, records: Any) -> None:
    put(store, {places.PACKAGES: json.dumps(records).encode(), places.LOCK: LOCK, places.PYLOCK: PYLOCK})
    assert said(store) == ["its packages.json cannot be read"]


@pytest.mark.parametrize(
    "name", ["packages.json", "requirements.lock.txt", "pylock.toml", "pipdeptree.svg", "build.log"]
)
def test_a_file_of_ours_that_is_there_is_named(store: FolderStore, name: str) -> None:
    put(store)
    store.put_if_absent(builds.key(VERSION, name), b"{}")
    store.put_if_absent(builds.key(VERSION, "notes.txt"), b"mine")
    assert said(store) == [f"files does not name {name}, which is there"]


def test_an_index_that_nobody_promised_is_damage(store: FolderStore) -> None:
    build = builds.read(store, put(store))
    store.put_if_absent(builds.key(VERSION, places.ARCHIVE_INDEX), b"{}")
    (problem,) = builds.disagreements(store, build)
    assert (problem.where, "would believe it" in problem.what) == (
        store.uri(builds.key(VERSION, places.ARCHIVE_INDEX)), True,
    )  # fmt: skip


@pytest.mark.parametrize("name", ["../x", "/etc/passwd", "", ".", "a\0b", "a\nb", "\ud800", "x" * 5000])
def test_a_name_that_no_file_can_have_is_told_and_asked_of_no_store(store: FolderStore, name: str) -> None:
    build = builds.read(store, put(store))
    build["files"][name] = {"sha256": "a" * 64, "size_bytes": 1}
    (problem,) = builds.disagreements(store, build)
    assert (problem.rule, problem.where) == ("DAMAGED", store.uri(builds.key(VERSION, places.METADATA)))
    assert problem.what.startswith("files names ")
    assert builds.misnamed(store, build) == (problem,)
    assert list(builds.damaged_files(store, build)) == []


OF_IMPORT = {"archive": "x", "archive_sha256": "a" * 64, "venv_version": None, "created_at": None}


@pytest.mark.parametrize(
    ("fields", "what"),
    [
        pytest.param({"installer": "pip 1"}, "installer is pip 1, which installed_packages does not", id="no such pip"),
        pytest.param({"installer": "conda 1"}, "installer is conda 1, and without", id="conda"),
        pytest.param({"installer": "unknown"}, "installer is unknown, and without", id="unknown"),
        pytest.param({"installer": "uv"}, "installer is uv, and without", id="no version"),
        pytest.param({"imported_from": OF_IMPORT}, "reproducible is true, and by imported_from", id="reproducible"),
        pytest.param({"installer": "unknown", "imported_from": OF_IMPORT, "reproducible": False}, "", id="imported"),
    ],
)
def test_who_installed_it_fits_where_it_comes_from(store: FolderStore, fields: dict[str, Any], what: str) -> None:
    put(store, **fields)
    assert [one.startswith(what) for one in said(store)] == ([True] if what else [])


@pytest.mark.parametrize(
    ("abi", "is_possible"),
    [
        (None, True),
        ("none", True),
        ("abi3t", True),
        ("cp311", True),
        ("cp311t", True),
        ("cp399", False),
        ("cp31", False),
    ],
)
def test_an_abi_is_one_of_the_python(store: FolderStore, abi: str | None, is_possible: bool) -> None:
    put(store, requires={"abi": abi, "glibc": None})
    told = f"requires asks for the ABI {abi}, which Python 3.11 does not have"
    assert said(store) == ([] if is_possible else [told])


def test_a_build_that_was_imported_has_no_lock(store: FolderStore) -> None:
    put(store, {places.LOCK: LOCK}, imported_from=OF_IMPORT, reproducible=False)
    assert said(store) == ["it has an imported_from, and files names requirements.lock.txt, which no import makes"]


@pytest.mark.parametrize(
    ("states", "told", "what"),
    [
        pytest.param([True], None, "it has no yanked_packages, and by packages.json they are good==1.0", id="yanked"),
        pytest.param([False], None, "it has no yanked_packages, and by packages.json they are none", id="none"),
        pytest.param([None], None, "", id="not known"),
        pytest.param([False], [], "", id="told"),
    ],
)
def test_what_was_yanked_is_told_where_it_is_known(
    store: FolderStore, states: list[bool | None], told: list[str] | None, what: str
) -> None:
    records = [{**record("good", "1.0", "good-1.0-py3-none-any.whl"), "is_yanked": state} for state in states]
    put(store, {places.PACKAGES: json.dumps(records).encode()}, **({} if told is None else {"yanked_packages": told}))
    assert said(store) == ([what] if what else [])


OWN_PYLOCK = b"""lock-version = "1.0"
environments = ["implementation_name == 'cpython' and sys_platform == 'linux' and platform_machine == 'x86_64'"]
requires-python = "==3.11.*"
created-by = "venvbuild"
""" + PYLOCK[len('lock-version = "1.0"\n') :]
SOURCE = OWN_PYLOCK.replace(b"wheels = [", b"sdist =").replace(b"} }]", b"} }")


@pytest.mark.parametrize(
    ("pylock", "fields", "what"),
    [
        pytest.param(OWN_PYLOCK, {}, "", id="whole"),
        pytest.param(OWN_PYLOCK, {"python_version": "3.12", "python_full_version": "3.12.1"},
                     "python_version is 3.12, and by pylock.toml it is 3.11", id="Python"),
        pytest.param(OWN_PYLOCK, {"platform": "win_amd64"},
                     "platform is win_amd64, and by pylock.toml it is linux_x86_64", id="platform"),
        pytest.param(OWN_PYLOCK, {"reproducible": False},
                     "reproducible is false, and by pylock.toml it is true", id="wheels"),
        pytest.param(SOURCE, {}, "reproducible is true, and by pylock.toml it is false", id="source"),
        pytest.param(SOURCE, {"reproducible": False}, "", id="built"),
        pytest.param(OWN_PYLOCK.replace(b'url = "https://h/', b'path = "'), {"reproducible": False}, "",
                     id="a wheel without a URL"),
        pytest.param(OWN_PYLOCK.replace(b'"venvbuild"', b'"uv"'), {"platform": "win_amd64"}, "", id="of another tool"),
    ],
)  # fmt: skip
def test_our_own_pylock_tells_what_it_was_made_for(
    store: FolderStore, pylock: bytes, fields: dict[str, Any], what: str
) -> None:
    put(store, {places.PYLOCK: pylock}, **fields)
    assert said(store) == ([what] if what else [])


def test_of_the_archive_only_the_size_is_looked_at(store: FolderStore) -> None:
    build = builds.read(store, put(store))
    path = store.root / builds.key(VERSION, f"{VERSION}.tar.gz")
    path.write_bytes(b"rat")
    assert list(builds.damaged_files(store, build)) == []
    path.write_bytes(b"rats")
    assert [problem.what for problem in builds.damaged_files(store, build)] == [
        "it has 4 bytes, and metadata.json says 3"
    ]


def test_a_large_file_is_read_in_pieces(store: FolderStore, monkeypatch: pytest.MonkeyPatch) -> None:
    build = builds.read(store, put(store, {"pipdeptree.svg": b"0123456789", "conflicts.txt": b"0123"}))
    monkeypatch.setattr(evidence, "_PIECE_BYTES", 4)
    monkeypatch.setattr(FolderStore, "read", lambda _, key, size: pytest.fail(key) if size > 4 else _read(store, key))
    assert list(builds.damaged_files(store, build)) == []
    (store.root / builds.key(VERSION, "pipdeptree.svg")).write_bytes(b"0123456780")
    assert [problem.what for problem in builds.damaged_files(store, build)] == [evidence.UNLIKE_DIGEST]


def _read(store: FolderStore, key: str) -> StoredObject:
    return StoredObject((store.root / key).read_bytes(), "")
