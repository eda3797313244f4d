"""A store in which most builds are a script's: what is asked of all builds, on engines, before and after compaction."""

from __future__ import annotations

from pathlib import Path

import pytest

from athena import questions, upkeep
from athena.engines import Engine, open_engine
from athena.engines.duckdb import DuckDB
from athena.index import Compactor
from athena.questions import Search, parse_packages
from athena.tables import publish
from athena.upkeep import find_problems
from tests.support.builds import put_build
from tests.support.scripted import VERSION, put_fifty, put_scripted
from tests.support.trino_server import TrinoServer
from venvbuild import builds, settings
from venvbuild.builds import places
from venvbuild.errors import IntegrityError
from venvbuild.stores import Store, open_store


def put_ten(store: Store) -> list[str]:
    return [put_build(store, number, installed_packages=["kedro==0.19.1"], package_count=1) for number in range(10)]


def assert_all_are_found(engine: Engine, ours: list[str], scripts: list[str]) -> None:
    found, _ = questions.find(engine, Search(parse_packages(["kedro"])))
    assert [row["venv_version"] for row in found] == sorted([*ours, *scripts], reverse=True)
    assert {row["env_name"] for row in found if row["venv_version"] in scripts} == {None}
    older = Search(parse_packages(["kedro<0.18.20"]))
    assert questions.count(engine, older)[0] == len(questions.find(engine, older)[0]) == 21
    of_sales, _ = questions.find(engine, Search(parse_packages(["kedro"]), env_name="sales"))
    assert [row["venv_version"] for row in of_sales] == sorted(ours, reverse=True)
    listed = {row["venv_version"]: row for row in questions.all_builds(engine)}
    assert set(listed) == {*ours, *scripts}
    of_document = listed[VERSION]
    assert (of_document["created_at"], of_document["recorded_at"]) == ("2025-07-22T16:30:00Z", "2025-07-22T08:30:00Z")
    assert (of_document["env_name"], of_document["requires"], of_document["package_count"]) == (None, None, 3)
    assert "recorded_at" not in listed[ours[0]]
    assert len({row["recorded_at"] for row in listed.values() if "recorded_at" in row}) == 26  # in some seconds two
    changes = questions.difference(engine, VERSION, ours[0]).changes
    assert changes == (("kedro", "0.18.14", "0.19.1"), ("numpy", "1.24.4", None), ("pandas", "1.5.3", None))


@pytest.mark.xdist_group("trino")
def test_sixty_builds_are_found_by_duckdb_and_trino_before_and_after_compaction(
    trino_server: TrinoServer, tmp_path: Path
) -> None:
    made = trino_server.new_catalog("2025-07-01", "2025-07-31")
    scripts, ours = put_fifty(made.store), put_ten(made.store)
    assert {problem.rule for problem in find_problems(made.store, tmp_path)} == {"NO_ROW"}
    upkeep.sync_rows(made.store, tmp_path, upkeep.rows_difference(made.store))
    trino = open_engine(settings.load({}, made.environment), made.store)
    with DuckDB(made.store, tmp_path) as duckdb, trino:
        for before in ("", "2025-07-15", "2025-07-23"):
            if before:
                Compactor(made.store, tmp_path).compact(before)
                publish(trino, made.store)
            assert list(find_problems(made.store, tmp_path)) == []
            for engine in (duckdb, trino):
                assert_all_are_found(engine, ours, scripts)


def test_questions_about_environments_pass_over_builds_that_have_none(tmp_path: Path) -> None:
    store = open_store(str(tmp_path / "store"))
    put_fifty(store)
    ours = put_ten(store)
    upkeep.sync_rows(store, tmp_path, upkeep.rows_difference(store))
    with DuckDB(store, tmp_path) as engine:
        newest = engine.run(questions.statement("latest_per_environment", {})).as_dicts()
        assert [(row["env_name"], row["venv_version"]) for row in newest] == [("sales", ours[-1])]
        in_use = engine.run(questions.statement("versions_in_use", {"name": "kedro"})).as_dicts()
        assert {row["version"]: row["env_count"] for row in in_use if row["env_count"]} == {"0.19.1": 1}
    assert builds.find(store, "sales@latest") == ours[-1]


def test_a_build_that_can_have_no_row_is_named_by_check_and_sync_alike(tmp_path: Path) -> None:
    store = open_store(str(tmp_path / "store"))
    put_scripted(store)
    put_scripted(store, "venv_20250722_163000_b")
    put_scripted(store, "venv_20250723_163000", is_conflict_free="yes")
    store.put_if_absent(builds.key("venv_20250724_163000", places.METADATA), b"{")
    with pytest.raises(IntegrityError) as caught:
        upkeep.sync_rows(store, tmp_path, upkeep.rows_difference(store))
    named = [problem.where.removeprefix(store.uri("venv-builds/")) for problem in caught.value.problems]
    assert named == [
        "venv_20250722_163000_b/metadata.json",
        "venv_20250723_163000/metadata.json: is_conflict_free",
        "venv_20250724_163000/metadata.json",
    ]
    assert tuple(find_problems(store, tmp_path)) == caught.value.problems
    with DuckDB(store, tmp_path) as engine:
        assert [row["venv_version"] for row in questions.all_builds(engine)] == [VERSION]
