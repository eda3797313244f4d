"""Text that would like to be SQL: in the values of questions and in the rows of the catalog."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from athena import index, questions
from athena.engines import Engine
from athena.index import CURRENT, Compactor
from athena.questions import Search, parse_packages
from benchmarks import catalog
from tests.athena.conftest import EMBEDDED, ENGINES, embedded, engine_over
from tests.support.trino_server import TrinoServer
from venvbuild.errors import IntegrityError, RequirementsRefused
from venvbuild.stores import Store, open_store

pytestmark = pytest.mark.untraced

HOSTILE = (
    "'", "''", "';--", "\\", "\\'", "%", "_", '"', "?", "$1", ":name", "${x}", "{0}", "/*:names*/ 'x'", "--", "/*", "é",
    "\u202e", "\x1b[31m", "x' OR '1'='1", "'; DROP TABLE venv_builds_metadata; --", "\u2028", "a" * 3000, "\U0001f40d",
)  # fmt: skip
VALUES = ("' OR '1'='1", "'; DROP TABLE venv_builds_metadata; --", "\\' ? $1 %s {0} \" /* é \x1b")
PARAMETERS = [
    (name, parameter)
    for name in questions.names()
    for parameter, example in questions.parameters(questions.text(name)).items()
    if example.startswith("'")
]


@pytest.fixture(scope="module", params=ENGINES)
def engine(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """Each engine over one build with kedro."""
    [build] = catalog.builds(1, seed=1)
    build |= {"installed_packages": ["kedro==1.0"]}
    if request.param in EMBEDDED:
        folder = tmp_path_factory.mktemp("catalog")
        catalog.write(folder / "store", [build])
        yield embedded(request.param, open_store(str(folder / "store")), folder / "cache")
        return
    server: TrinoServer = request.getfixturevalue("trino_server")
    made = server.new_catalog("2025-07-01", "2025-07-02")
    catalog.write(Path(made.store.url), [build])
    with engine_over(made, request) as opened:
        yield opened


@pytest.mark.on_athena(4)
@pytest.mark.parametrize("place", PARAMETERS, ids="-".join)
def test_no_value_of_a_question_is_ever_sql(engine: Engine, place: tuple[str, str]) -> None:
    question, parameter = place

    def answer(value: str) -> object:
        return engine.run(questions.bind(questions.text(question), {parameter: value})).rows

    # What equals nothing either, and sorts as they do.
    harmless = {is_low: answer("!" if is_low else "~") for is_low in {value < "0" for value in VALUES}}
    for value in VALUES:
        assert answer(value) == harmless[value < "0"]


def test_after_all_these_values_the_build_is_still_there(engine: Engine) -> None:
    assert engine.run(questions.statement("count_builds_with_package", {})).rows == ((1,),)


@pytest.mark.parametrize("value", VALUES)
def test_no_condition_of_a_search_is_ever_sql(engine: Engine, value: str) -> None:
    kedro = parse_packages(["kedro>=0.1"])
    for search in (Search(kedro, python_version=value), Search(kedro, env_name=value)):
        assert questions.find(engine, search)[0] == []
        assert questions.count(engine, search)[0] == 0
    with pytest.raises(RequirementsRefused):
        parse_packages([value])
    assert questions.count(engine, Search(kedro))[0] == 1


@pytest.mark.parametrize("value", VALUES)
@pytest.mark.parametrize("place", ["name", "covered_before", "retired", "file"])
def test_no_text_of_the_index_is_ever_sql(tmp_path: Path, place: str, value: str) -> None:
    """Views name segments and a day, in SQL that takes no bound values."""
    store = open_store(str(tmp_path / "store"))
    catalog.write(tmp_path / "store", catalog.builds(3))
    Compactor(store, tmp_path / "cache").compact("2025-07-03")
    whole = json.loads(store.read(CURRENT).body)
    if place == "name":
        whole["segments"][0]["name"] = value
    elif place == "file":
        whole["segments"][0]["builds"]["name"] = value
    else:
        whole |= (
            {"covered_before": value, "covering_before": value} if place == "covered_before" else {place: {value: ""}}
        )
    Path(store.url, CURRENT).write_text(json.dumps(whole))
    with pytest.raises(IntegrityError, match="table compact --rebuild"):
        index.read(store)


def test_hostile_text_in_rows_comes_out_as_data(small: tuple[Engine, Store], put: Callable[..., str]) -> None:
    engine = small[0]
    empty = put(959, "pip==25.0")
    rows: dict[str, tuple[str, str]] = {}
    for number, text in enumerate(HOSTILE):
        word = text.replace(" ", "")
        fields: dict[str, Any] = {
            "installer": text,
            "build_url": text,
            "is_conflict_free": False,
            "conflicts": [text, ","],
        }
        rows[put(number, f"kedro=={word}", "pip==25.0", **fields)] = (text, word)
    for build in questions.all_builds(engine):
        if build["venv_version"] != empty:
            text, word = rows[build["venv_version"]]
            assert (build["installer"], build["build_url"], build["conflicts"]) == (text, text, [text, ","])
            assert build["installed_packages"] == [f"kedro=={word}", "pip==25.0"]
    found = {
        row["venv_version"]: row["matches"] for row in questions.find(engine, Search(parse_packages(["kedro"])))[0]
    }
    assert found == {version: [f"kedro=={word}"] for version, (_, word) in rows.items()}
    conflicts = engine.run(questions.statement("builds_with_conflicts", {})).rows
    assert {(row[0], row[4]) for row in conflicts} == {(v, one) for v, (text, _) in rows.items() for one in (text, ",")}
    for version, (_, word) in list(rows.items())[:3]:
        assert questions.difference(engine, version, empty).changes == (("kedro", word, None),)
