"""Questions by the engines, against plain Python over the same builds."""

from __future__ import annotations

import gc
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.version import InvalidVersion, Version

from athena import questions
from athena.engines import Answer, Engine, open_engine
from athena.engines.duckdb import DuckDB
from athena.index import Compactor
from athena.questions import Search, parse_packages
from athena.statement import Statement
from athena.tables import publish
from benchmarks import catalog
from tests.athena.conftest import ON_TRINO, YANKED
from tests.support.sizes import sizes
from venvbuild import settings
from venvbuild.builds import Metadata
from venvbuild.errors import NotInStore
from venvbuild.stores import Store, open_store

Build = Metadata
Small = tuple[Engine, Store]
WANTED = [
    ["kedro"],
    ["kedro>=0.19,<0.20"],
    ["Kedro_Viz"],
    ["kedro~=0.18.3", "kedro-viz", "numpy"],
    ["kedro>=0.18", "kedro!=0.19.0"],
    ["kedro>=0.18.dev0"],
    ["kedro==0.19.*"],
    ["odd"],
    ["odd===2004d"],
    ["odd===0.1DEV-R123"],
    ["odd>=1!1"],
    ["odd==2.0"],
    ["odd==2.0+cu118"],
    ["odd!=2.0"],
    ["odd>2.0"],
    ["odd<=2.1"],
    ["rare"],
    ["rare", "kedro"],
    ["package-9999"],
    ["kedro>=99"],
    ["odd<0"],
]


def meets(version: str, requirement: Requirement) -> bool:
    """PEP 440 by packaging, a version at a time; what it cannot read only by no specifier or by `===`."""
    if not str(requirement.specifier):
        return True
    try:
        Version(version)
    except InvalidVersion:
        return all(one.operator == "===" and one.version.lower() == version.lower() for one in requirement.specifier)
    return requirement.specifier.contains(version, prereleases=True)


def expected(builds: Sequence[Build], wanted: Sequence[str]) -> list[tuple[str, list[str]]]:
    """The venv_versions that have all of it, and the packages that were asked for."""
    asked: dict[str, list[Requirement]] = defaultdict(list)
    for text in wanted:
        requirement = Requirement(text)
        asked[requirement.name.lower().replace("_", "-")].append(requirement)
    found = []
    for build in builds:
        split = [installed.split("==", 1) for installed in build["installed_packages"]]
        has = [f"{n}=={v}" for n, v in split if n in asked and all(meets(v, one) for one in asked[n])]
        if len(has) == len(asked):
            found.append((build["venv_version"], sorted(has)))
    return found


@pytest.mark.on_athena(4)
@pytest.mark.parametrize("wanted", WANTED, ids=" ".join)
def test_find_gives_the_builds_that_plain_python_finds(engine: Engine, builds: list[Build], wanted: list[str]) -> None:
    found, _ = questions.find(engine, Search(parse_packages(wanted)))
    assert [(row["venv_version"], row["matches"]) for row in found] == expected(builds, wanted)


@pytest.mark.on_athena(2)
@pytest.mark.parametrize("wanted", WANTED[:9], ids=" ".join)
def test_count_is_how_many_find_gives(engine: Engine, builds: list[Build], wanted: list[str]) -> None:
    assert questions.count(engine, Search(parse_packages(wanted)))[0] == len(expected(builds, wanted))


def test_a_question_leaves_pythons_search_for_cycles_to_the_process(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(self: object, statement: object) -> None:
        assert gc.isenabled()
        raise KeyboardInterrupt

    monkeypatch.setattr(type(engine), "pieces", fail)
    with pytest.raises(KeyboardInterrupt):
        questions.find(engine, Search(parse_packages(["kedro"])))


class Answering:
    """An engine that knows one answer."""

    name, keeps_tables = "duckdb", False
    passed_over = left_out_ahead = None

    def __init__(self, answer: Answer) -> None:
        self._answer = answer

    def pieces(self, statement: Statement) -> Iterator[Answer]:
        yield self._answer


def test_many_rows_bring_no_containers_but_their_own() -> None:
    count = 2000
    rows = [(f"venv_{number}", f"a==1.{number % 2} b==2") for number in range(count)]
    engine = Answering(Answer.of(["venv_version", "matches"], rows))
    gc.collect()
    before = len(gc.get_objects())
    found, _ = questions.find(engine, Search(parse_packages(["a", "b"])))  # type: ignore[arg-type]
    made = len(gc.get_objects()) - before
    assert found[:2] == [
        {"venv_version": "venv_0", "matches": ["a==1.0", "b==2"]},
        {"venv_version": "venv_1", "matches": ["a==1.1", "b==2"]},
    ]
    assert made < count * 3 // 2, "one a row, its dict"


def test_a_name_is_not_the_beginning_of_others(engine: Engine, builds: list[Build]) -> None:
    counts = [questions.count(engine, Search(parse_packages([name])))[0] for name in ("kedro", "kedro-viz", "kedr")]
    by_prefix = sum(any(one.startswith("kedro") for one in build["installed_packages"]) for build in builds)
    assert counts[0] < by_prefix
    assert counts == [len(expected(builds, ["kedro"])), len(expected(builds, ["kedro-viz"])), 0]


def test_all_conditions_hold_together(engine: Engine, builds: list[Build]) -> None:
    search = Search(parse_packages(["kedro>=0.18"]), "3.11", "sales-prod", is_conflict_free=True, since="2025-07-11")
    chosen = [
        build
        for build in builds
        if build["python_version"] == "3.11"
        and build["env_name"] == "sales-prod"
        and build["is_conflict_free"]
        and build["created_at"] >= "2025-07-11"
    ]
    wanted = [version for version, _ in expected(chosen, ["kedro>=0.18"])]
    found, _ = questions.find(engine, search)
    assert [row["venv_version"] for row in found] == wanted
    assert questions.count(engine, search)[0] == len(wanted) > 0


def test_what_is_found_has_the_facts_of_the_build(engine: Engine, builds: list[Build]) -> None:
    found, _ = questions.find(engine, Search(parse_packages(["kedro"]), limit=3))
    by_version = {build["venv_version"]: build for build in builds}
    assert len(found) == 3
    for row in found:
        build = by_version[row["venv_version"]]
        for field in ("created_at", "env_name", "python_version", "is_conflict_free"):
            assert row[field] == build[field]


def test_all_builds_are_the_metadata_newest_first(engine: Engine, builds: list[Build]) -> None:
    assert questions.all_builds(engine, Search(limit=7)) == builds[:7]
    assert len(questions.all_builds(engine)) == len(builds)


def test_all_builds_that_meet_all_conditions(engine: Engine, builds: list[Build]) -> None:
    chosen = [
        build
        for build in builds
        if build["python_version"] == "3.11"
        and build["env_name"] == "sales-prod"
        and build["is_conflict_free"]
        and build["created_at"] >= "2025-07-11"
    ]
    search = Search((), "3.11", "sales-prod", is_conflict_free=True, since="2025-07-11")
    assert questions.all_builds(engine, search) == chosen != []


@pytest.mark.on_athena(1)
@pytest.mark.parametrize(
    "search", [Search(env_name="sales-prod"), Search(python_version="3.9"), Search(since="2025-07-20")]
)
def test_the_newest_builds_are_the_newest_of_those_that_meet_the_conditions(
    engine: Engine, builds: list[Build], search: Search
) -> None:
    """More than the last day has: its rows alone would not do."""
    limited = questions.all_builds(engine, replace(search, limit=8))
    assert [build["venv_version"] for build in limited] == [
        build["venv_version"]
        for build in builds
        if search.env_name in (None, build["env_name"])
        and search.python_version in (None, build["python_version"])
        and build["created_at"] >= (search.since or "")
    ][:8]


def test_of_what_nothing_fits_the_newest_ten_versions_are_named(small: Small, put: Callable[..., str]) -> None:
    for number, version in enumerate(("1.9", "1.10", "2004d", "1!0.1", "1.10rc1")):
        put(number, f"odd=={version}", *(f"odd==0.{minor}" for minor in range(8)))
    search = Search(parse_packages(["odd>9!1"]))
    [note] = questions.find(small[0], search)[1].notes[1:]
    wanted = "1!0.1, 1.10, 1.10rc1, 1.9, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2 and 3 more"
    assert note == f"nothing fits odd>9!1; versions that were built: {wanted}"
    assert questions.count(small[0], search)[1].notes[1:] == (note,)
    [other] = questions.count(small[0], Search(parse_packages(["nope>1"]), since="2025-07-01"))[1].notes
    assert other == "nothing fits nope>1; no version of it was built since 2025-07-01"


def test_a_difference_is_what_was_added_removed_and_changed(engine: Engine, builds: list[Build]) -> None:
    older, newer = builds[150], builds[3]
    before, after = (dict(one.split("==", 1) for one in build["installed_packages"]) for build in (older, newer))
    wanted = tuple(
        (name, before.get(name), after.get(name))
        for name in sorted({*before, *after})
        if before.get(name) != after.get(name)
    )
    found = questions.difference(engine, older["venv_version"], newer["venv_version"])
    assert found.changes == wanted
    assert (found.before, found.after) == (older, newer)


def test_a_build_does_not_differ_from_itself(engine: Engine, builds: list[Build]) -> None:
    assert questions.difference(engine, builds[0]["venv_version"], builds[0]["venv_version"]).changes == ()


def test_a_difference_from_what_is_not_in_the_catalog_is_refused(engine: Engine, builds: list[Build]) -> None:
    with pytest.raises(NotInStore, match="venv_20250722_000001"):
        questions.difference(engine, builds[0]["venv_version"], "venv_20250722_000001")


def answer_to(engine: Engine, question: str, **values: Any) -> list[tuple[Any, ...]]:
    return list(engine.run(questions.statement(question, values)).rows)


def test_versions_in_use_are_those_of_newest_builds(engine: Engine, builds: list[Build]) -> None:
    newest: dict[str, str] = {}
    for build in reversed(builds):
        newest[build["env_name"]] = build["venv_version"]
    rows: dict[str, list[Build]] = defaultdict(list)
    for build in builds:
        for one in build["installed_packages"]:
            if one.startswith("kedro=="):
                rows[one.removeprefix("kedro==")].append(build)
    wanted = {
        (
            version,
            len({build["env_name"] for build in having if newest[build["env_name"]] == build["venv_version"]}),
            len({build["env_name"] for build in having}),
            len(having),
            having[0]["created_at"],
        )
        for version, having in rows.items()
    }
    assert set(answer_to(engine, "versions_in_use", name="kedro")) == wanted


def test_the_newest_build_of_each_environment(engine: Engine, builds: list[Build]) -> None:
    wanted = []
    for name in sorted({build["env_name"] for build in builds}):
        of_name = [build for build in builds if build["env_name"] == name]
        newest, clean = of_name[0], next(build for build in of_name if build["is_conflict_free"])
        wanted.append((name, newest["venv_version"], newest["created_at"], newest["python_version"],
                       newest["is_conflict_free"], clean["venv_version"], len(of_name)))  # fmt: skip
    assert answer_to(engine, "latest_per_environment") == wanted
    assert answer_to(engine, "latest_per_environment", env_name="web-dev") == [
        one for one in wanted if one[0] == "web-dev"
    ]


def test_builds_with_conflicts_and_their_sentences(engine: Engine, builds: list[Build]) -> None:
    wanted = [
        (build["venv_version"], build["created_at"], build["env_name"], build["python_version"], conflict)
        for build in builds
        for conflict in sorted(build["conflicts"])
    ]
    assert answer_to(engine, "builds_with_conflicts") == wanted
    since = answer_to(engine, "builds_with_conflicts", since="2025-07-20", env_name="risk-test")
    assert since == [one for one in wanted if one[1] >= "2025-07-20" and one[2] == "risk-test"]


def test_how_a_package_spreads(engine: Engine, builds: list[Build]) -> None:
    wanted = []
    for month in ("2025-07",):
        those = [build for build in builds if build["created_at"].startswith(month)]
        having = [build for build in those if any(one.startswith("rare==") for one in build["installed_packages"])]
        envs = [len({build["env_name"] for build in some}) for some in (having, those)]
        wanted.append((month, len(having), envs[0], len(those), envs[1]))
    assert answer_to(engine, "package_growth", name="rare") == wanted


def test_how_environments_grow(engine: Engine, builds: list[Build]) -> None:
    counts: dict[str, list[int]] = defaultdict(list)
    for build in builds:
        counts[build["env_name"]].append(build["package_count"])
    wanted = [
        ("2025-07", name, len(some), min(some), max(some), pytest.approx(sum(some) / len(some)))
        for name, some in sorted(counts.items())
    ]
    assert answer_to(engine, "environment_growth") == wanted


def test_the_versions_of_a_package(engine: Engine, builds: list[Build]) -> None:
    seen = Counter(one for build in builds for one in build["installed_packages"] if one.startswith("odd=="))
    assert {version for _, version in answer_to(engine, "package_versions", names=["odd"])} == {
        one.removeprefix("odd==") for one in seen
    }


@pytest.mark.on_athena(2)
@pytest.mark.parametrize(
    ("wanted", "matches"),
    [
        ([], {5: YANKED[::-1], 7: YANKED[:1]}),
        (["odd"], {5: YANKED[:1], 7: YANKED[:1]}),
        (["odd", "odd-one"], {5: YANKED[::-1]}),
        (["kedro"], {}),  # which every one of them has
    ],
)
def test_builds_with_what_was_yanked_when_they_were_built(
    engine: Engine, builds: list[Build], wanted: list[str], matches: dict[int, list[str]]
) -> None:
    """A row that does not say it, or says that there was none, has none."""
    found, _ = questions.find(engine, Search(parse_packages(wanted), is_yanked=True))
    assert [(row["venv_version"], sorted(row["matches"])) for row in found] == [
        (builds[number]["venv_version"], sorted(some)) for number, some in matches.items()
    ]


def test_a_yanked_version_is_found_by_its_specifier(small: Small, put: Callable[..., str]) -> None:
    old = put(1, "odd==1.0", "tiny==3.0", yanked_packages=["odd==1.0"])
    new = put(2, "odd==2.0", "tiny==3.0", yanked_packages=["odd==2.0", "tiny==3.0"])
    put(3, "odd==1.0")

    def found(*wanted: str, **more: Any) -> list[str]:
        search = Search(parse_packages(wanted), is_yanked=True, **more)
        return [row["venv_version"] for row in questions.find(small[0], search)[0]]

    assert found("odd<2") == [old]
    assert found("odd", "tiny>=3") == [new]
    assert found("odd>2") == []
    assert found(limit=1) == [new]


@pytest.mark.on_athena(3)
@pytest.mark.parametrize("name", questions.names())
def test_each_question_runs_as_it_is_pasted(engine: Engine, name: str) -> None:
    assert engine.run(questions.bind(questions.text(name), {})).columns


def test_an_empty_catalog_has_an_empty_answer(small: Small) -> None:
    engine, _ = small
    assert questions.find(engine, Search(parse_packages(["kedro>=1"])))[0] == []
    assert questions.count(engine, Search(parse_packages(["kedro"])))[0] == 0
    assert questions.all_builds(engine) == []


def test_a_package_that_is_there_twice_is_one_build(small: Small, put: Callable[..., str]) -> None:
    version = put(1, "twice==1.0", "twice==2.0", "pip==25.0")
    search = Search(parse_packages(["twice", "pip"]))
    assert questions.count(small[0], search)[0] == 1
    assert questions.find(small[0], search)[0][0]["matches"] == ["pip==25.0", "twice==1.0", "twice==2.0"]
    other = put(2, "twice==2.0", "pip==25.0")
    assert questions.difference(small[0], version, other).changes == (("twice", "1.0, 2.0", "2.0"),)


@pytest.mark.parametrize("name", ["duckdb", "indexed", ON_TRINO])
@pytest.mark.untraced
@pytest.mark.parametrize("count", sizes(1_000, 10_000))
def test_thousands_of_builds(request: pytest.FixtureRequest, tmp_path: Path, name: str, count: int) -> None:
    builds = list(catalog.builds(count, seconds_apart=3_010_000 // count))[::-1]
    folder = tmp_path / "store"
    if name == "trino":
        made = request.getfixturevalue("trino_server").new_catalog("2025-08-03", "2025-08-05")
        folder = Path(made.store.url)
    catalog.write(folder, builds)
    store = open_store(str(folder))
    engine: Engine = DuckDB(store, tmp_path / "cache")
    if name != "duckdb":
        assert Compactor(store, tmp_path / "cache").compact("2025-08-03").added > 0.9 * count
    if name == "trino":
        engine = open_engine(settings.load({}, made.environment), store)
        publish(engine, store)
    for wanted in (["kedro"], ["kedro>=0.18.5,<0.19", "kedro-viz"], ["odd<=2.1"], ["rare"]):
        found, _ = questions.find(engine, Search(parse_packages(wanted)))
        assert [(row["venv_version"], row["matches"]) for row in found] == expected(builds, wanted)
