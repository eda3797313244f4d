"""Verifying a build: every byte that changed in the store is noticed, and what cannot be imported."""

from __future__ import annotations

import json
import os
import sys
import tarfile
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.archives import Made, archive, environment, file, flat, folder, link, member
from tests.support.builds import put_build, version
from tests.support.places import *  # noqa: F403  # the fixtures `place` and `store`
from venvbuild import builds
from venvbuild.archive import FragmentCache
from venvbuild.builds import evidence, places
from venvbuild.errors import NotInStore
from venvbuild.installed.scripts import Script
from venvbuild.interpreters import Interpreter, probe
from venvbuild.restore import verification
from venvbuild.restore.restoring import RestoreOptions
from venvbuild.stores import Store
from venvbuild.stores.folder import FolderStore

PYTHON = f"{sys.version_info[0]}.{sys.version_info[1]}"
PACKAGES = f"lib/python{PYTHON}/site-packages"


def with_modules(**modules: str) -> Made:
    """An environment with one distribution of these modules."""
    record = "".join(f"{name}.py,,\n" for name in modules) + "good-1.0.dist-info/RECORD,,\n"
    files = [file(f"{PACKAGES}/{name}.py", body.encode()) for name, body in modules.items()]
    metadata = b"Metadata-Version: 2.1\nName: good\nVersion: 1.0\n"
    dist_info = f"{PACKAGES}/good-1.0.dist-info"
    more = [file(f"{dist_info}/RECORD", record.encode()), file(f"{dist_info}/METADATA", metadata)]
    return of("good", archive(environment(PYTHON), folder(f"lib/python{PYTHON}"), [*files, *more]))


def of(name: str | None, made: Made) -> Made:
    """The archive, its fragments those of this distribution or of none."""
    fragments = (replace(one, distribution=name and one.distribution and name) for one in made.index.fragments)
    return replace(made, index=replace(made.index, fragments=tuple(fragments))).with_content_sha256()


def put(store: Store, made: Made, **fields: object) -> str:
    files = {"requirements.txt": b"good==1.0\n", **made.files(version(1))}
    told = {"content_sha256": made.index.content_sha256, **made.facts(), **fields}
    return put_build(store, 1, files, python_version=PYTHON, python_full_version=f"{PYTHON}.9", **told)


NOTHING = {"installed_packages": [], "package_count": 0}


def find(python_version: str) -> Interpreter:
    found = probe(Path(sys.executable))
    assert found
    return found


@pytest.fixture
def machine(tmp_path: Path) -> RestoreOptions:
    return RestoreOptions(find, FragmentCache(tmp_path / "cache"), "99.0", lambda *counts: None)


def problems(store: Store, machine: RestoreOptions | None = None) -> str:
    return "\n".join(problem.as_line() for problem in verification.verify(store, version(1), machine=machine).problems)


def test_an_untouched_build_is_whole(store: Store) -> None:
    put(store, with_modules(good="x = 1"))
    found = verification.verify(store, version(1))
    assert (found.problems, found.file_count, found.fragment_count, found.imported) == ((), 7, 3, None)
    assert found.bytes_read == sum(
        entry.size_bytes for entry in store.list("venv-builds/") if "metadata" not in entry.key
    )


def flip(at: int) -> Callable[[bytes], bytes]:
    return lambda body: body[:at] + bytes([body[at] ^ 1]) + body[at + 1 :]


@pytest.mark.parametrize("name", ["requirements.txt", "archive_index.json", "VERSION.tar.gz"])
@pytest.mark.parametrize(
    "change",
    [flip(3), flip(-3), lambda body: body[:-1], lambda body: body + b"x", lambda body: b""],
    ids=["first", "last", "shorter", "longer", "empty"],
)
def test_a_file_that_changed_is_named(name: str, change: Callable[[bytes], bytes], tmp_path: Path) -> None:
    store = FolderStore(tmp_path)
    build = put(store, with_modules(good="x = 1"))
    path = tmp_path / "venv-builds" / build / name.replace("VERSION", build)
    path.write_bytes(change(path.read_bytes()))
    assert path.as_uri() in problems(store)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    store = FolderStore(tmp_path)
    path = tmp_path / "venv-builds" / put(store, with_modules(good="x = 1")) / "requirements.txt"
    path.unlink()
    assert f"{path.as_uri()}: it is not in the store" in problems(store)


def test_every_damaged_file_is_named_at_once(tmp_path: Path) -> None:
    store = FolderStore(tmp_path)
    folder = tmp_path / "venv-builds" / put(store, with_modules(good="x = 1"))
    for name in ("requirements.txt", f"{folder.name}.tar.gz"):
        (folder / name).write_bytes(flip(20)(bytes(30) + (folder / name).read_bytes())[30:] + b"!")
    assert problems(store).count("metadata.json says") == 2


def test_a_damaged_fragment_is_named(tmp_path: Path) -> None:
    store, made = FolderStore(tmp_path), with_modules(good="x = 1")
    path = tmp_path / "venv-builds" / put(store, made) / f"{version(1)}.tar.gz"
    path.write_bytes(flip(made.index.fragments[1].offset + 5)(path.read_bytes()))
    assert f"the fragment of good at byte {made.index.fragments[1].offset}" in problems(store)


def test_an_index_of_another_archive_is_noticed_though_all_hashes_are_right(tmp_path: Path) -> None:
    store, made, other = FolderStore(tmp_path), with_modules(good="x = 1"), with_modules(good="x = 2")
    put(store, Made(made.body, other.index))
    assert "fragment" in problems(store)


@pytest.mark.parametrize("who", ["metadata.json", "archive_index.json"])
def test_members_that_are_not_those_of_content_sha256_are_noticed_though_all_hashes_are_right(
    who: str, tmp_path: Path
) -> None:
    store, made = FolderStore(tmp_path), with_modules(good="x = 1")
    lies = replace(made, index=replace(made.index, content_sha256="c" * 64)) if who == "archive_index.json" else made
    put(store, lies, content_sha256="c" * 64 if who == "metadata.json" else made.index.content_sha256)
    assert f"what it holds is not what content_sha256 in {who} says" in problems(store)


@pytest.mark.parametrize("layout", [nullcontext, flat], ids=["venv", "flat"])
def test_every_kind_and_mode_of_member_counts_for_content_sha256(
    store: Store, layout: Callable[[], AbstractContextManager[None]]
) -> None:
    with layout():
        more = [
            file("bin/run", mode=0o755),
            link("lib/alias", "a" * 200),
            member("lib/\udcff", tarfile.REGTYPE, b"odd"),
            file("lib/" + "n" * 200),
            file("lib/e", b""),
        ]
        made = of(None, archive(environment(PYTHON), more))
    put(store, made, **NOTHING, **({"archive_root": "", "schema_version": 2} if layout is flat else {}))
    assert problems(store) == ""


@pytest.mark.parametrize(
    ("hostile", "what"),
    [
        pytest.param(member("x", tarfile.FIFOTYPE), "holds what no archive of ours does", id="a pipe"),
        pytest.param(file("!elsewhere/x"), "holds what no archive of ours does", id="another root"),
        pytest.param(b"\xff" * 512, "not what content_sha256 in metadata.json says", id="no header"),
        pytest.param(file("x", b"1" * 5000)[:1024], "its tar cannot be read", id="cut"),
    ],
)
def test_an_archive_that_no_venvbuild_made_is_told(hostile: bytes, what: str, tmp_path: Path) -> None:
    store = FolderStore(tmp_path)
    put(store, archive(environment(PYTHON), [hostile]))
    assert what in problems(store)


def test_a_file_that_nobody_promised_is_told_and_is_no_problem(store: Store) -> None:
    build = put(store, with_modules(good="x = 1"))
    store.put_if_absent(f"venv-builds/{build}/notes.txt", b"mine")
    found = verification.verify(store, build)
    assert (found.problems, found.foreign) == ((), ("notes.txt",))


def test_an_index_that_nobody_promised_is_a_problem(store: Store) -> None:
    made = with_modules(good="x = 1")
    build = put_build(store, 1, {f"{version(1)}.tar.gz": made.body}, python_version=PYTHON, **made.facts())
    store.put_if_absent(f"venv-builds/{build}/archive_index.json", made.index.text().encode())
    assert "archive_index.json: metadata.json does not name it" in problems(store)


@pytest.mark.parametrize(("is_promised", "fix"), [(True, "update venvbuild"), (False, evidence.MEND)])
def test_an_index_that_a_later_version_wrote_is_damage_only_where_it_is_not_the_promised_one(
    store: Store, is_promised: bool, fix: str
) -> None:
    made = with_modules(good="x = 1")
    newer = {places.ARCHIVE_INDEX: json.dumps({**json.loads(made.index.text()), "schema_version": 3}).encode()}
    files = {"requirements.txt": b"good==1.0\n", **made.files(version(1)), **(newer if is_promised else {})}
    put_build(store, 1, files, content_sha256=made.index.content_sha256, **made.facts())
    key = builds.key(version(1), places.ARCHIVE_INDEX)
    store.remove(key)
    store.put_if_absent(key, newer[places.ARCHIVE_INDEX])
    found = verification.verify(store, version(1)).problems
    assert [(one.where, one.fix) for one in found] == [(store.uri(key), fix)]


@pytest.mark.parametrize("at", [-1, -8])
def test_a_wrong_end_of_the_archive_is_noticed_though_all_hashes_are_right(at: int, tmp_path: Path) -> None:
    store, made = FolderStore(tmp_path), with_modules(good="x = 1")
    put(store, Made(flip(len(made.body) + at)(made.body), made.index))
    assert "does not end as" in problems(store)


def test_restored_elsewhere_every_module_is_imported(store: Store, machine: RestoreOptions) -> None:
    put(store, with_modules(good="x = 1", better="import good"))
    found = verification.verify(store, version(1), machine=machine)
    assert (found.problems, found.imported) == ((), ("better", "good"))


def test_a_module_that_cannot_be_imported_is_named_with_its_reason(tmp_path: Path, machine: RestoreOptions) -> None:
    store = FolderStore(tmp_path / "store")
    put(store, with_modules(bad="import nowhere", crash="import os; os._exit(3)", good="", leave="raise SystemExit(0)"))
    found = verification.verify(store, version(1), machine=machine)
    said = "\n".join(problem.as_line() for problem in found.problems)
    assert "bad cannot be imported; why: ModuleNotFoundError: No module named 'nowhere'" in said
    assert "crash cannot be imported; why: the interpreter ended with 3" in said
    assert "leave cannot be imported; why: SystemExit" in said
    assert found.imported == ("good",)


OLD = """#!/bin/sh\n'''exec' "$(dirname -- "$(realpath -- "$0")")"/'python' "$0" "$@"\n' '''\n"""
FUTURE = '"""Doc."""\nfrom __future__ import annotations\n'


@pytest.mark.parametrize(
    ("script", "what"),
    [
        pytest.param(OLD + FUTURE, "bin/app cannot be started; why: with the lines of sh", id="no Python any more"),
        pytest.param(OLD + '"""Doc."""\n', "bin/app is not as its package brings it; why: its docstring", id="no help"),
        pytest.param(OLD + "# coding: cp437\nx = '\u00e9'\n", "why: its encoding", id="another encoding"),
        pytest.param(OLD + "import sys\n", "", id="an entry point"),
        pytest.param(OLD + "print 2\n", "", id="Python 2"),
        pytest.param("#!/usr/bin/env python\n", "", id="of another Python"),
    ],
)
def test_a_script_that_an_earlier_version_made_and_that_does_not_start_is_named(
    tmp_path: Path, machine: RestoreOptions, script: str, what: str
) -> None:
    store = FolderStore(tmp_path)
    put(store, of(None, archive(environment(PYTHON), file("bin/app", script.encode(), 0o755))), **NOTHING)
    said = problems(store, machine)
    assert (what in said) if what else (said == ""), said


def test_a_launcher_without_its_script_is_named(tmp_path: Path, machine: RestoreOptions) -> None:
    store = FolderStore(tmp_path)
    launcher = file("bin/app", Script("", b"").launcher, 0o755)
    put(store, of(None, archive(environment(PYTHON), launcher, folder("_scripts"), file("_scripts/other"))), **NOTHING)
    assert "bin/app starts _scripts/app, which is not there" in problems(store, machine)


def test_what_a_module_does_to_the_process_is_no_fault_of_another(tmp_path: Path, machine: RestoreOptions) -> None:
    store = FolderStore(tmp_path / "store")
    put(
        store, with_modules(first="import sys; sys.spoiled = 1", later="import sys; assert not hasattr(sys, 'spoiled')")
    )
    assert problems(store, machine) == ""


def test_imported_code_sees_no_secret_and_an_empty_home(
    tmp_path: Path, machine: RestoreOptions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hunter2")
    body = "import os; assert 'hunter2' not in str(os.environ) and os.listdir(os.environ['HOME']) == []"
    store = FolderStore(tmp_path / "store")
    put(store, with_modules(good=body))
    assert problems(store, machine) == ""
    assert os.environ["AWS_SECRET_ACCESS_KEY"] == "hunter2"


def test_a_damaged_build_is_not_restored(tmp_path: Path, machine: RestoreOptions) -> None:
    store = FolderStore(tmp_path / "store")
    path = tmp_path / "store" / "venv-builds" / put(store, with_modules(good="")) / "requirements.txt"
    path.write_bytes(b"")
    assert verification.verify(store, version(1), machine=machine).imported is None


def test_a_build_that_is_not_there_is_not_found(store: Store) -> None:
    with pytest.raises(NotInStore):
        verification.verify(store, version(1))
