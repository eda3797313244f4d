"""Questions as calls: each answers as its command does, from plain values."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest

import venvbuild
from athena import rows
from tests.support.builds import put_build, version
from tests.support.scripted import VERSION, put_scripted
from venvbuild import builds
from venvbuild.errors import NotInStore, RequirementsRefused, UsageError
from venvbuild.stores import Store

BUILDS: list[tuple[list[str], dict[str, Any]]] = [
    (["kedro==0.18.14"], {"env_name": "sales"}),
    (["kedro==0.19.1", "pandas==2.2.3"], {"env_name": "sales", "python_version": "3.12"}),
    (["kedro==0.19.2"], {"env_name": "risk", "is_conflict_free": False, "conflicts": ["a needs b"]}),
]


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """Three builds: of `sales` with kedro 0.18 and 0.19, of `risk` with conflicts."""
    store = venvbuild.open_store(str(tmp_path / "store"))
    for number, (packages, fields) in enumerate(BUILDS):
        rows.register(store, builds.read(store, put_build(store, number, installed_packages=packages, **fields)))
    return store


def test_a_build_is_found_by_its_packages_newest_first(store: Store) -> None:
    found = venvbuild.find(store, ["Kedro>=0.19"])
    assert [(one["venv_version"], one["matches"]) for one in found] == [
        (version(2), ["kedro==0.19.2"]),
        (version(1), ["kedro==0.19.1"]),
    ]
    assert set(found[0]) == venvbuild.library.catalog.Found.__required_keys__
    assert venvbuild.find(store, ["kedro>=0.20"]) == []


@pytest.mark.parametrize(
    ("conditions", "expected"),
    [
        ({"python_version": "3.12"}, [1]),
        ({"env_name": "sales"}, [1, 0]),
        ({"conflict_free": True, "limit": 1}, [1]),
        ({"since": date(2025, 7, 22)}, [2, 1, 0]),
        ({"since": date(2025, 7, 23)}, []),
    ],
    ids=str,
)
def test_conditions_narrow_it(store: Store, conditions: dict[str, Any], expected: list[int]) -> None:
    found = venvbuild.find(store, ["kedro"], **conditions)
    assert [one["venv_version"] for one in found] == [version(number) for number in expected]


@pytest.mark.parametrize(
    ("packages", "conditions", "where"),
    [
        (["no name!"], {}, "packages"),
        (["kedro"], {"python_version": "3.11.7"}, "python_version"),
        (["kedro"], {"python_version": "three"}, "python_version"),
        (["kedro"], {"env_name": "a/b"}, "env_name"),
    ],
    ids=str,
)
def test_what_is_malformed_is_refused_and_named_as_the_caller_knows_it(
    store: Store, packages: list[str], conditions: dict[str, Any], where: str
) -> None:
    with pytest.raises(RequirementsRefused) as refused:
        venvbuild.find(store, packages, **conditions)
    assert [problem.where for problem in refused.value.problems] == [where]


def test_a_build_that_a_script_made_is_found_and_has_no_environment(store: Store) -> None:
    rows.register(store, builds.read_any(store, put_scripted(store)))
    found = venvbuild.find(store, ["numpy"])
    assert [(one["venv_version"], one["env_name"]) for one in found] == [(VERSION, None)]
    assert VERSION in [one["venv_version"] for one in venvbuild.list_builds(store)]


def test_builds_are_listed_with_their_fields_newest_first(store: Store) -> None:
    listed = venvbuild.list_builds(store)
    assert [one["venv_version"] for one in listed] == [version(2), version(1), version(0)]
    assert listed[0]["installed_packages"] == ["kedro==0.19.2"]
    assert venvbuild.list_builds(store, limit=1) == listed[:1]


def test_a_row_that_cannot_be_read_is_logged_and_in_no_answer(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    row = Path(store.url, rows.row_key(builds.read(store, version(1))))
    row.write_text("spoiled")
    assert [one["venv_version"] for one in venvbuild.list_builds(store)] == [version(2), version(0)]
    assert f"{row.as_uri()}: 1 row of the catalog cannot be read" in caplog.text


def test_what_changed_is_told_of_builds_by_any_name(store: Store) -> None:
    builds.promote(store, version(0), "prod")
    found = venvbuild.diff(store, "sales@prod", version(1))
    assert found.before["venv_version"] == version(0)
    assert found.changes == (("kedro", "0.18.14", "0.19.1"), ("pandas", None, "2.2.3"))
    with pytest.raises(NotInStore):
        venvbuild.diff(store, "sales@prod", "sales@nothing")


def test_the_engine_is_the_one_of_the_settings(store: Store) -> None:
    settings = venvbuild.load_settings({"engine": "trino"}, {"HOME": "/nowhere"})
    with pytest.raises(UsageError, match=r"(?i)trino"):
        venvbuild.list_builds(store, settings=settings)


def test_an_instant_counts_as_its_day(store: Store) -> None:
    day = venvbuild.list_builds(store)[-1]["created_at"][:10]
    midnight = datetime.fromisoformat(day)
    assert len(venvbuild.list_builds(store, since=midnight)) == len(venvbuild.list_builds(store, since=midnight.date()))
    assert venvbuild.list_builds(store, since=midnight)


@pytest.mark.parametrize(("packages", "fix"), [("kedro", "write ['kedro']"), ([], "call list_builds")])
def test_what_would_find_nothing_is_refused(store: Store, packages: Any, fix: str) -> None:
    with pytest.raises(RequirementsRefused) as refused:
        venvbuild.find(store, packages)
    assert fix in refused.value.problems[0].fix


def test_a_limit_is_at_least_one(store: Store) -> None:
    with pytest.raises(RequirementsRefused, match="limit is -1"):
        venvbuild.list_builds(store, limit=-1)
