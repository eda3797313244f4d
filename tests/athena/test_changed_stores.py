"""A store that somebody changed behind the tool: each way is noticed by who should, and mended or refused."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from athena import questions, rows
from athena.engines.duckdb import DuckDB
from athena.index import Compactor, last_day_covered_before
from athena.questions import Search, parse_packages
from athena.upkeep import find_problems, rows_difference, sync_rows
from tests.support.benches import Bench
from tests.support.builds import put_build, version
from tests.support.index_server import running
from tests.support.scripted import put_scripted
from tests.support.supplies import here
from tests.support.wheels import wheel
from venvbuild import builds
from venvbuild.builds import aliases, names, places
from venvbuild.errors import IntegrityError
from venvbuild.restore import verify
from venvbuild.stores.folder import FolderStore

CPYTHON = f"cp{here().version.replace('.', '')}"
_OPTIONAL = ("content_sha256", "yanked_packages")
FAR_AHEAD = 10**9
"""Of the seconds of `put_build`: 2057."""
MACHINE = here().platform.partition("_")[2]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """Three committed and registered builds: two of `sales`, the first with a conflict, and one of `risk`; an alias."""
    folder = tmp_path_factory.mktemp("whole")
    with running(folder / "index") as index, pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", str(folder / "home"))
        wheel(
            index.folder, "needy", "1.0", requires=["other==1.0"], tag=f"{CPYTHON}-{CPYTHON}-manylinux_2_17_{MACHINE}"
        )
        wheel(index.folder, "other", "1.0")
        wheel(index.folder, "other", "2.0")
        bench = Bench(folder / "bench", index.url(), {"ENV_NAME": "sales", "FAIL_ON_CONFLICTS": "false"})
        bench.run_until("register", "needy==1.0", "other==2.0")
        bench.run_until("register", "needy==1.0")
        bench.using(ENV_NAME="risk").run_until("register", "other==1.0")
        aliases.promote(bench.store, _versions(bench.store, "sales")[1], "prod")
        yield bench


def _versions(store: FolderStore, env_name: str) -> list[str]:
    return [entry.key.rpartition("/")[2] for entry in store.list(f"{places.ENVIRONMENTS}/{env_name}/")]


class Changed:
    """The store of a test: a copy, which a way of `WAYS` changes."""

    def __init__(self, store: FolderStore) -> None:
        self.store = store
        self.conflicting, self.sound = _versions(store, "sales")
        (self.foreign,) = _versions(store, "risk")

    def path(self, key: str) -> Path:
        return self.store.root / key

    def metadata(self, **fields: Any) -> None:
        self._rewrite(builds.key(self.sound, places.METADATA), **fields)

    def row(self, **fields: Any) -> None:
        self._rewrite(self.row_key, **fields)

    @property
    def row_key(self) -> str:
        return next(entry.key for entry in self.store.list(f"{places.ROWS}/") if self.sound in entry.key)

    def files(self, without: str = "") -> dict[str, dict[str, Any]]:
        """`files` of metadata.json."""
        files = builds.read(self.store, self.sound)["files"]
        return {name: dict(entry) for name, entry in files.items() if name != without}

    def _rewrite(self, key: str, **fields: Any) -> None:
        facts = {**json.loads(self.path(key).read_bytes()), **fields}
        facts = {name: value for name, value in facts.items() if value is not None or name not in _OPTIONAL}
        self.path(key).write_text(json.dumps(facts) + "\n")


@pytest.fixture
def changed(whole: Bench, tmp_path: Path) -> Changed:
    shutil.copytree(whole.folder / "store", tmp_path / "store")
    return Changed(FolderStore(tmp_path / "store"))


def rules(changed: Changed, tmp_path: Path, *, is_deep: bool = False) -> list[str]:
    return [problem.rule for problem in find_problems(changed.store, tmp_path / "cache", is_deep=is_deep)]


def test_an_unchanged_store_is_whole_for_every_command(changed: Changed, tmp_path: Path) -> None:
    for build in (changed.conflicting, changed.sound, changed.foreign):
        assert verify(changed.store, build).problems == ()
    assert rules(changed, tmp_path, is_deep=True) == []
    found = rows_difference(changed.store)
    assert not any(vars(found).values())
    sync_rows(changed.store, tmp_path / "cache", found)


_OF_IMPORT = {"archive": "x", "archive_sha256": "a" * 64, "venv_version": None, "created_at": None}
OF_METADATA: dict[str, Callable[[Changed], dict[str, Any]]] = {
    "env_name": lambda _: {"env_name": "risk"},
    "created_at of another claim": lambda to: {
        "files": {**to.files(), places.CLAIM: dict(builds.read(to.store, to.foreign)["files"][places.CLAIM])}
    },
    "installed_packages": lambda to: {"installed_packages": ["needy==1.1", *_packages(to)[1:]]},
    "a package less": lambda to: {"installed_packages": _packages(to)[:-1], "package_count": len(_packages(to)) - 1},
    "package_count": lambda _: {"package_count": 1000},
    "is_conflict_free": lambda _: {"is_conflict_free": False},
    "a conflict that is none": lambda _: {"is_conflict_free": False, "conflicts": ["needy 1.0 needs more"]},
    "requirements_sha256": lambda _: {"requirements_sha256": "a" * 64},
    "requirements_file": lambda _: {"requirements_file": "s3://elsewhere/requirements.txt"},
    "pipdeptree_output": lambda to: {"pipdeptree_output": builds.read(to.store, to.foreign)["pipdeptree_output"]},
    "venv_archive": lambda to: {"venv_archive": builds.read(to.store, to.foreign)["venv_archive"]},
    "python_version": lambda _: {"python_version": "3.99"},
    "python_full_version": lambda _: {"python_full_version": f"{here().version}.99"},
    "platform": lambda _: {"platform": "linux_sparc64"},
    "installer": lambda _: {"installer": "pip 1.0"},
    "requires.glibc": lambda _: {"requires": {"abi": CPYTHON, "glibc": "2.5"}},
    "requires.abi of another Python": lambda _: {"requires": {"abi": "cp399", "glibc": "2.17"}},
    "requires.abi": lambda _: {"requires": {"abi": "none", "glibc": "2.17"}},
    "requires of nothing": lambda _: {"requires": {"abi": "none", "glibc": None}},
    "requires.libraries": lambda _: {"requires": {"abi": CPYTHON, "glibc": "2.17", "libraries": ["libssl.so.3"]}},
    "archive_sha256": lambda _: {"archive_sha256": "a" * 64},
    "archive_size_bytes": lambda _: {"archive_size_bytes": 1},
    "content_sha256": lambda _: {"content_sha256": "a" * 64},
    "no content_sha256": lambda to: _without(to, "content_sha256"),
    "no yanked_packages": lambda to: _without(to, "yanked_packages"),
    "installer unknown": lambda _: {"installer": "unknown"},
    "installer conda": lambda _: {"installer": "conda 1"},
    "a local version of Python": lambda _: {"python_full_version": f"{here().full_version}+evil"},
    "a candidate of Python": lambda _: {"python_full_version": f"{here().full_version}rc1"},
    "another Python": lambda _: {"python_version": "3.99", "python_full_version": "3.99.1"},
    "reproducible": lambda _: {"reproducible": False},
    "imported_from": lambda _: {"imported_from": _OF_IMPORT},
    "imported_from and reproducible": lambda _: {"imported_from": _OF_IMPORT, "reproducible": False},
    "files without packages.json": lambda to: {
        "files": to.files(places.PACKAGES),
        "yanked_packages": ["other==1.0"],
    },
    "files without requirements.lock.txt": lambda to: {"files": to.files(places.LOCK)},
    "files without pylock.toml": lambda to: {"files": to.files(places.PYLOCK)},
    "files without archive_index.json": lambda to: {"files": to.files(places.ARCHIVE_INDEX)},
    "files with a name that is none": lambda to: {
        "files": {**to.files(), "../x": {"sha256": "a" * 64, "size_bytes": 1}}
    },
    "files without claim.json": lambda to: {"files": to.files(places.CLAIM)},
    "files without conflicts.json": lambda to: {"files": to.files(places.CONFLICTS)},
    "size of a file": lambda to: {
        "files": {**to.files(), "conflicts.json": {**to.files()["conflicts.json"], "size_bytes": 1}}
    },
}
ONLY_THE_ARCHIVE_TELLS = {
    "python_full_version",
    "a local version of Python",
    "a candidate of Python",
    "requires.glibc",
    "requires.abi",
    "requires of nothing",
}


def _without(to: Changed, field: str) -> dict[str, Any]:
    """As `Changed.metadata` takes it: the field is left out."""
    assert field in builds.read(to.store, to.sound)
    return {field: None}


def _packages(to: Changed) -> list[str]:
    return builds.read(to.store, to.sound)["installed_packages"]


@pytest.mark.parametrize("field", OF_METADATA)
def test_a_field_of_metadata_that_was_changed_is_noticed_and_spreads_nowhere(
    field: str, changed: Changed, tmp_path: Path
) -> None:
    before, fields = changed.path(changed.row_key).read_bytes(), OF_METADATA[field](changed)
    changed.metadata(**fields)
    assert "DAMAGED" in [problem.rule for problem in verify(changed.store, changed.sound).problems]
    if field in ONLY_THE_ARCHIVE_TELLS:
        assert rules(changed, tmp_path, is_deep=True) == ["OTHER_ROW"]
        return
    assert "DAMAGED" in rules(changed, tmp_path, is_deep=True)
    if {*fields} != {"files"}:  # which no row has
        assert "DAMAGED" in rules(changed, tmp_path)
        with pytest.raises(IntegrityError):
            sync_rows(changed.store, tmp_path / "cache", rows_difference(changed.store))
    assert changed.path(changed.row_key).read_bytes() == before


@pytest.mark.parametrize("removed", [(), (places.CLAIM, places.ARCHIVE_INDEX)], ids=["files", "entry"])
def test_a_build_that_lost_the_fields_of_ours_is_damaged_and_not_one_of_a_script(
    removed: tuple[str, ...], changed: Changed, tmp_path: Path
) -> None:
    before, key = changed.path(changed.row_key).read_bytes(), builds.key(changed.sound, places.METADATA)
    whole = changed.path(key).read_bytes()
    kept = json.loads(whole)
    for field in ("schema_version", "files", "archive_sha256", "content_sha256", "requirements_sha256"):
        del kept[field]
    changed.path(key).write_text(json.dumps(kept))
    for name in removed:
        changed.path(builds.key(changed.sound, name)).unlink()
    for is_deep in (False, True):
        (problem,) = find_problems(changed.store, tmp_path / "cache", is_deep=is_deep)
        assert (problem.rule, problem.where) == ("DAMAGED", changed.store.uri(key))
    with pytest.raises(IntegrityError, match="has lost the fields"):
        sync_rows(changed.store, tmp_path / "cache", rows_difference(changed.store))
    assert changed.path(changed.row_key).read_bytes() == before
    if not removed:
        with pytest.raises(IntegrityError, match="has lost the fields"):
            verify(changed.store, changed.sound)


def test_a_script_s_build_to_which_an_entry_leads_is_told_with_both_ways_out(changed: Changed, tmp_path: Path) -> None:
    scripted = put_scripted(changed.store)
    rows.register(changed.store, builds.read_any(changed.store, scripted))
    entry = places.environment_entry("sales", scripted)
    changed.store.put_if_absent(entry, b"")
    (problem,) = find_problems(changed.store, tmp_path / "cache")
    assert f"remove {changed.store.uri(entry)}" in problem.fix
    changed.store.remove(entry)
    assert rules(changed, tmp_path) == []


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param({"package_count": 1000}, id="package_count"),
        pytest.param({"created_at": "2025-07-22 08:30:00"}, id="created_at"),
        pytest.param({"venv_version": version(1)}, id="venv_version"),
        pytest.param({"env_name": "risk"}, id="env_name"),
        pytest.param({"is_conflict_free": False}, id="is_conflict_free"),
        pytest.param({"installed_packages": ["evil==1.0"]}, id="installed_packages"),
        pytest.param({"requires": {"abi": None, "glibc": "99.0"}}, id="requires"),
        pytest.param({"build_url": "https://elsewhere/1"}, id="build_url"),
        pytest.param({"archive_size_bytes": "no number"}, id="not readable"),
    ],
)
def test_a_row_that_was_changed_is_noticed_and_mended(fields: dict[str, Any], changed: Changed, tmp_path: Path) -> None:
    before = changed.path(changed.row_key).read_bytes()
    changed.row(**fields)
    assert len(rules(changed, tmp_path)) == 1
    sync_rows(changed.store, tmp_path / "cache", rows_difference(changed.store))
    assert rules(changed, tmp_path) == []
    assert changed.path(changed.row_key).read_bytes() == before


def test_a_lost_entry_is_noticed_and_made_again(changed: Changed, tmp_path: Path) -> None:
    entry = places.environment_entry("sales", changed.sound)
    changed.store.remove(entry)
    (problem,) = verify(changed.store, changed.sound).problems
    assert (problem.rule, problem.where) == ("NO_ENTRY", changed.store.uri(entry))
    assert rules(changed, tmp_path) == ["NO_ENTRY"]
    sync_rows(changed.store, tmp_path / "cache", rows_difference(changed.store))
    assert rules(changed, tmp_path) == []
    assert names.find(changed.store, "sales@latest") == changed.sound


@pytest.mark.parametrize("is_covered", [False, True], ids=["rows", "index of a clock that is as wrong"])
def test_a_build_of_a_time_to_come_is_taken_out_as_advised(is_covered: bool, changed: Changed, tmp_path: Path) -> None:
    late = put_build(changed.store, FAR_AHEAD)
    rows.register(changed.store, builds.read(changed.store, late))
    aliases.promote(changed.store, late, "prod")
    if is_covered:
        Compactor(changed.store, tmp_path / "cache").compact("2999-01-01")
    problem, *others = find_problems(changed.store, tmp_path / "cache")
    assert [one.rule for one in others] == (["BAD_INDEX"] if is_covered else [])
    aliases.promote(changed.store, changed.sound, "prod")
    named = re.findall(r"venv-\S+?(?=,| and)", problem.fix)
    assert named[0] == builds.key(late, places.METADATA)
    for pattern in named:
        found = [one.key for one in changed.store.list("") if fnmatchcase(one.key, pattern)]
        assert found
        for key in found:
            changed.store.remove(key)
    assert problem.fix.endswith("and run `venvbuild table sync`")
    sync_rows(changed.store, tmp_path / "cache", rows_difference(changed.store))
    for other in others:
        assert other.fix.startswith("`venvbuild table compact --rebuild`")
        before = last_day_covered_before(datetime.now(UTC))
        Compactor(changed.store, tmp_path / "cache").compact(before, is_rebuilt=True)
    assert rules(changed, tmp_path, is_deep=True) == []
    # but for the history of the alias, which stays
    assert [one.key for one in changed.store.list("") if late in one.key] == []


def test_an_entry_that_leads_to_a_build_of_another_environment_is_refused_and_removed(
    changed: Changed, tmp_path: Path
) -> None:
    changed.store.put_if_absent(places.environment_entry("sales", changed.foreign), b"")
    assert changed.foreign > changed.sound
    with pytest.raises(IntegrityError, match="a build of another environment") as caught:
        names.find(changed.store, "sales@latest")
    assert caught.value.problems[0].fix == "`venvbuild table sync` removes the entry"
    assert rules(changed, tmp_path) == ["FOREIGN_ENTRY"]
    sync_rows(changed.store, tmp_path / "cache", rows_difference(changed.store))
    assert rules(changed, tmp_path) == []
    assert names.find(changed.store, "sales@latest") == changed.sound


OF_ALIASES: dict[str, tuple[Callable[[Changed], tuple[int, dict[str, Any]]], str]] = {
    "leads to another environment's build": (lambda to: (1, {"venv_version": to.foreign}), "OF_ANOTHER"),
    "leads to no build": (lambda _: (1, {"venv_version": version(1)}), "NO_BUILD"),
    "leads nowhere": (lambda _: (1, {"venv_version": "../../x"}), "BAD_ALIAS"),
    "forged history": (lambda to: (1, {"previous": to.foreign}), "BAD_ALIAS"),
    "a move that does not follow": (lambda to: (2, {"previous": to.conflicting}), "BAD_ALIAS"),
    "a number of ten digits": (lambda to: (10**9, {"previous": to.sound}), "LOST_MOVE"),
}


@pytest.mark.parametrize("way", OF_ALIASES)
def test_an_alias_that_was_changed_is_named(way: str, changed: Changed, tmp_path: Path) -> None:
    make, rule = OF_ALIASES[way]
    number, fields = make(changed)
    path = changed.path(f"{places.ALIASES}/sales/prod/{number}.json")
    move = {"venv_version": changed.sound, "moved_at": "2026-11-21T06:30:00Z", "previous": None, **fields}
    path.write_text(json.dumps(move))
    (problem,) = find_problems(changed.store, tmp_path / "cache")
    assert (problem.rule, problem.where) == (rule, path.as_uri())
    if "remove its object" in problem.fix:
        path.unlink()
        assert rules(changed, tmp_path) == []


def test_a_name_that_no_claim_vouches_for_any_more_spreads_nowhere(changed: Changed, tmp_path: Path) -> None:
    own = changed.path(places.environment_entry("sales", changed.sound))
    changed.metadata(env_name="risk")
    changed.path(builds.key(changed.sound, places.CLAIM)).unlink()
    assert "DAMAGED" in rules(changed, tmp_path)
    with pytest.raises(IntegrityError):
        sync_rows(changed.store, tmp_path / "cache", rows_difference(changed.store))
    assert own.exists()
    assert not changed.path(places.environment_entry("risk", changed.sound)).exists()


def test_an_alias_that_leads_to_a_build_of_another_environment_is_refused_until_it_is_moved_on(
    changed: Changed, tmp_path: Path
) -> None:
    move = {"venv_version": changed.foreign, "moved_at": "2026-11-21T06:30:00Z", "previous": changed.sound}
    changed.path(f"{places.ALIASES}/sales/prod/2.json").write_text(json.dumps(move))
    with pytest.raises(IntegrityError, match="a build of another environment") as caught:
        names.find(changed.store, "sales@prod")
    assert caught.value.problems[0].fix.startswith("move it on, to a build of sales: venvbuild promote BUILD prod; ")
    aliases.promote(changed.store, changed.sound, "prod")
    assert names.find(changed.store, "sales@prod") == changed.sound


def test_a_build_of_a_time_to_come_is_named_and_is_not_the_latest(changed: Changed, tmp_path: Path) -> None:
    late = put_build(changed.store, FAR_AHEAD)
    rows.register(changed.store, builds.read(changed.store, late))
    assert rules(changed, tmp_path, is_deep=True) == ["AHEAD"]
    assert names.find(changed.store, "sales@latest") == changed.sound


def folder_with_a_file(path: Path) -> None:
    (path / "sub").mkdir(parents=True)
    (path / "sub" / "x").write_bytes(b"x")


def folder_without_files(path: Path) -> None:
    (path / "sub.json" / "sub").mkdir(parents=True)


FOLDERS_FOR_FILES: dict[str, Callable[[Path], object]] = {
    "with a file": folder_with_a_file,
    "empty": partial(Path.mkdir, parents=True),
    "of folders": folder_without_files,
}


def all_moves(changed: Changed) -> None:
    """Read them as `venvbuild aliases` does, and end at the first that is damaged."""

    def damaged(error: IntegrityError) -> None:
        raise error

    list(aliases.moves_back(changed.store, None, None, is_whole=False, damaged=damaged))


OTHERS: dict[str, Callable[[Path], object]] = {
    "a FIFO": os.mkfifo,
    "a link": lambda path: path.symlink_to("elsewhere"),
    "a file": lambda path: path.write_bytes(b"x"),
}
FOLDERS: dict[str, Callable[[Changed], str]] = {
    "builds": lambda _: places.BUILDS,
    "build": lambda to: builds.key(to.sound, "").rstrip("/"),
    "catalog": lambda _: places.CATALOG,
    "rows": lambda _: places.ROWS,
    "day": lambda to: to.row_key.rpartition("/")[0],
    "entries": lambda _: places.ENVIRONMENTS,
    "entries of one": lambda _: f"{places.ENVIRONMENTS}/sales",
    "aliases": lambda _: places.ALIASES,
    "aliases of one": lambda _: f"{places.ALIASES}/sales",
    "moves": lambda _: f"{places.ALIASES}/sales/prod",
    "index": lambda _: places.INDEX,
}
OF_ALIASES_ALONE = {"aliases", "aliases of one", "moves"}


@pytest.mark.parametrize("folder", FOLDERS)
@pytest.mark.parametrize("what", OTHERS)
def test_what_stands_in_place_of_a_folder_is_named_and_takes_nothing_with_it(
    what: str, folder: str, changed: Changed, tmp_path: Path
) -> None:
    path = changed.path(FOLDERS[folder](changed))
    aside = tmp_path / "aside"
    if path.exists():  # there is no index yet
        shutil.move(path, aside)
    OTHERS[what](path)
    before = {entry.key for entry in changed.store.list("")}
    found = [one for one in find_problems(changed.store, tmp_path / "cache") if one.rule in ("NO_FOLDER", "NO_OBJECT")]
    assert {one.where for one in found} == {path.as_uri()}
    assert len(found) == 1
    if folder in OF_ALIASES_ALONE:
        with pytest.raises(IntegrityError, match=f"{what} stands"):
            all_moves(changed)
        with pytest.raises(IntegrityError, match=f"{what} stands"):
            aliases.promote(changed.store, changed.conflicting, "prod")
    else:
        with pytest.raises(IntegrityError, match=f"{what} stands"):
            sync_rows(changed.store, tmp_path / "cache", rows_difference(changed.store))
    assert {entry.key for entry in changed.store.list("")} == before
    path.unlink()
    if aside.exists():
        shutil.move(aside, path)
    assert rules(changed, tmp_path) == []


@pytest.mark.parametrize("what", OTHERS)
def test_a_day_that_has_no_folder_is_told_of_by_every_question_and_mended(
    what: str, changed: Changed, tmp_path: Path
) -> None:
    day = changed.path(changed.row_key).parent
    shutil.rmtree(day)
    OTHERS[what](day)
    search = Search(parse_packages(["needy"]))
    for since in (None, day.name.removeprefix("dt=")):
        with DuckDB(changed.store, tmp_path / "cache") as engine:
            assert questions.count(engine, replace(search, since=since))[0] == 0
            assert list(questions.all_builds(engine)) == []
            assert engine.passed_over
            assert "the rows of a day of the catalog cannot be read" in str(engine.passed_over.error(changed.store))
    with pytest.raises(IntegrityError, match="or remove what is there: `venvbuild table sync` writes the rows anew"):
        sync_rows(changed.store, tmp_path / "cache", rows_difference(changed.store))
    day.unlink()
    sync_rows(changed.store, tmp_path / "cache", rows_difference(changed.store))
    assert rules(changed, tmp_path) == []
    with DuckDB(changed.store, tmp_path / "cache") as engine:
        assert questions.count(engine, search)[0] == 2
        assert engine.passed_over is None


@pytest.mark.parametrize("kind", FOLDERS_FOR_FILES)
def test_a_row_that_is_a_folder_is_told_of_and_mended_as_advised(kind: str, changed: Changed, tmp_path: Path) -> None:
    key = changed.row_key
    row = changed.path(key)
    row.unlink()
    FOLDERS_FOR_FILES[kind](row)
    with DuckDB(changed.store, tmp_path / "cache") as engine:
        assert len(list(questions.all_builds(engine))) == 2
        assert engine.passed_over
        assert (engine.passed_over.count, engine.passed_over.key) == (1, key)
    with pytest.raises(IntegrityError, match="remove the object; `venvbuild table sync` writes the row anew"):
        sync_rows(changed.store, tmp_path / "cache", rows_difference(changed.store))
    shutil.rmtree(row)
    sync_rows(changed.store, tmp_path / "cache", rows_difference(changed.store))
    assert rules(changed, tmp_path) == []


@pytest.mark.parametrize("kind", FOLDERS_FOR_FILES)
def test_a_row_without_a_build_that_is_a_folder_is_named_and_stays(kind: str, changed: Changed, tmp_path: Path) -> None:
    row = changed.path(f"{places.ROWS}/dt=2025-07-22/{version(0)}.json")
    FOLDERS_FOR_FILES[kind](row)
    assert "IS_FOLDER" in rules(changed, tmp_path)
    found = rows_difference(changed.store)
    assert found.without_build == ()
    with pytest.raises(IntegrityError, match="a folder stands where the store has a file"):
        sync_rows(changed.store, tmp_path / "cache", found)


@pytest.mark.parametrize("kind", FOLDERS_FOR_FILES)
def test_an_entry_that_is_a_folder_is_never_said_to_be_written(kind: str, changed: Changed, tmp_path: Path) -> None:
    entry = changed.path(places.environment_entry("sales", changed.sound))
    entry.unlink()
    FOLDERS_FOR_FILES[kind](entry)
    found = rows_difference(changed.store)
    assert found.lost_entries == ()
    with pytest.raises(IntegrityError, match="remove it; `venvbuild table sync` writes the entry anew"):
        sync_rows(changed.store, tmp_path / "cache", found)
    shutil.rmtree(entry)
    sync_rows(changed.store, tmp_path / "cache", rows_difference(changed.store))
    assert rules(changed, tmp_path) == []


@pytest.mark.parametrize("kind", FOLDERS_FOR_FILES)
def test_a_move_that_is_a_folder_is_damage_for_every_command(kind: str, changed: Changed, tmp_path: Path) -> None:
    move = changed.path(f"{places.ALIASES}/sales/prod/1.json")
    move.unlink()
    FOLDERS_FOR_FILES[kind](move)
    for call in (
        lambda: all_moves(changed),
        lambda: names.find(changed.store, "sales@prod"),
        lambda: aliases.promote(changed.store, changed.sound, "prod"),
    ):
        with pytest.raises(IntegrityError, match="a folder stands where the store has a file"):
            call()
    assert rules(changed, tmp_path) == ["BAD_ALIAS"]
    shutil.rmtree(move)
    aliases.promote(changed.store, changed.sound, "prod")
    assert rules(changed, tmp_path) == []


def test_a_row_of_forty_gigabytes_is_written_anew_and_never_read(changed: Changed, tmp_path: Path) -> None:
    row = changed.path(changed.row_key)
    before = row.read_bytes()
    os.truncate(row, 40 << 30)
    sync_rows(changed.store, tmp_path / "cache", rows_difference(changed.store))
    assert row.read_bytes() == before
    assert rules(changed, tmp_path) == []


def test_a_line_break_in_the_name_of_a_row_is_shown_as_what_it_is(changed: Changed, tmp_path: Path) -> None:
    changed.path(changed.row_key).with_name("n\nl.json").write_bytes(b"{}")
    told = [one.as_line() for one in find_problems(changed.store, tmp_path / "cache")]
    assert any("n\\nl has a row and is no committed build" in line for line in told)
    assert not any("\n" in line for line in told)
