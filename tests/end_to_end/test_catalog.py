"""Asking the catalog, as users do: find, count, diff, query, list."""

from __future__ import annotations

import csv
import io
import json
import re
import shlex
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest

from athena import rows
from benchmarks import catalog
from tests.support.builds import put_build, version
from tests.support.scripted import VERSION, put_scripted
from tests.support.tool import Tool
from tests.support.trino_server import TrinoServer
from venvbuild import builds
from venvbuild.commands import show
from venvbuild.errors import IntegrityError
from venvbuild.stores import Store, open_store

pytestmark = pytest.mark.traced

ON_TRINO = pytest.param("trino", marks=pytest.mark.xdist_group("trino"))
SLOW = (
    "SELECT count(*) AS n FROM "
    + " CROSS JOIN ".join(f"venv_packages p{n}" for n in range(60))
    + " WHERE p1.name < p2.name"
)


@pytest.fixture(params=["duckdb", ON_TRINO])
def asking(request: pytest.FixtureRequest, tool: Tool) -> Tool:
    """A user whose engine is each of them, with four builds in the store."""
    if request.param == "trino":
        server: TrinoServer = request.getfixturevalue("trino_server")
        made = server.new_catalog("2025-07-22", "2025-07-23")
        tool.env |= made.environment
        tool.store = made.store.url
    store = open_store(tool.store)
    for number, (packages, fields) in enumerate(BUILDS):
        register(store, put_build(store, number, installed_packages=[*packages, "pip==25.0"], **fields))
    builds.promote(store, version(0), "prod")
    return tool


BUILDS: list[tuple[list[str], dict[str, Any]]] = [
    (["kedro==0.18.14", "kedro-viz==6.0"], {}),
    (["kedro==0.19.1", "pandas==2.2.3"], {"python_version": "3.12", "python_full_version": "3.12.1"}),
    (["kedro==2004d"], {"env_name": "risk", "is_conflict_free": False, "conflicts": ["a 1 needs b, b is missing"]}),
    (["kedro-viz==6.1"], {}),
]


def register(store: Store, venv_version: str) -> None:
    rows.register(store, builds.read(store, venv_version))


def test_find_lists_builds_newest_first(asking: Tool) -> None:
    done = asking.run("find", "kedro", "--json")
    assert done.code == 0, done.stderr
    assert [row["venv_version"] for row in done.json] == [version(2), version(1), version(0)]
    assert done.json[1] == {
        "venv_version": version(1), "created_at": "2025-07-22T08:30:01Z", "env_name": "sales",
        "python_version": "3.12", "is_conflict_free": True, "matches": ["kedro==0.19.1"],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "numbers"),
    [
        (["kedro>=0.18,<0.20"], [1, 0]),
        (["kedro", "kedro-viz"], [0]),
        (["kedro", "--conflict-free", "--limit", "1"], [1]),
        (["kedro", "--python", "3.12"], [1]),
        (["kedro", "--env-name", "risk"], [2]),
        (["kedro", "--since", "2025-07-23"], []),
        (["kedro", "--since", "2025-07-22"], [2, 1, 0]),
        (["kedro===2004d"], [2]),
        (["Kedro_VIZ>6"], [3]),
    ],
)
def test_conditions_of_find(asking: Tool, arguments: list[str], numbers: list[int]) -> None:
    done = asking.run("find", *arguments, "--json")
    assert done.code == 0, done.stderr
    assert [row["venv_version"] for row in done.json] == [version(number) for number in numbers]
    if "--limit" not in arguments:
        assert asking.run("count", *arguments, "--json").json == {"count": len(numbers)}


def test_nothing_found_is_an_empty_list_and_0(asking: Tool) -> None:
    done = asking.run("find", "kedro>=99", "--json")
    assert (done.code, done.json) == (0, [])
    assert "nothing fits kedro>=99; versions that were built: 0.19.1, 0.18.14, 2004d\n" in done.stderr
    assert "kedro===2004d asks for one of them" in done.stderr
    assert asking.run("count", "nope").stdout == "0\n"


def test_what_is_not_known_is_a_dash_at_any_depth() -> None:
    assert show._text("requires", {"abi": None, "glibc": "2.17", "libraries": ["a.so", None]}) == (
        "abi -, glibc 2.17, libraries a.so -"
    )
    assert show._text("imported_from", {"created_at": None, "is": True}) == "created_at -, is true"
    assert show._text("build_url", None) == "-"


def test_the_engine_is_no_matter_for_list(asking: Tool) -> None:
    listed = asking.run("list", "--json").json
    assert [one["venv_version"] for one in listed] == [version(number) for number in (3, 2, 1, 0)]
    for one in listed:
        whole = asking.run("show", one["venv_version"], "--json").json
        assert one == {name: value for name, value in whole.items() if name != "files"}
    assert asking.run("list", "--limit", "2", "--json").json == listed[:2]


def test_conditions_of_list(asking: Tool) -> None:
    wanted = {
        "--python 3.12": [1],
        "--env-name sales --limit 2": [3, 1],
        "--env-name risk": [2],
        "--conflict-free": [3, 1, 0],
        "--conflict-free --since 2025-07-22 --python 3.11": [3, 0],
        "--since 2025-07-23": [],
        "--until 2025-07-22 --platform linux_x86_64": [3, 2, 1, 0],
        "--until 2025-07-21": [],
        "--platform linux_riscv64 --until 2025-08-01": [],
    }
    for arguments, numbers in wanted.items():
        done = asking.run("list", *arguments.split(), "--json")
        assert done.code == 0, done.stderr
        assert [one["venv_version"] for one in done.json] == [version(number) for number in numbers], arguments
        assert ("no build (" in done.stderr) is not bool(numbers)


def test_find_and_count_know_days_and_platforms_and_name_the_conditions_where_nothing_fits(asking: Tool) -> None:
    for conditions, numbers in (
        ("--until 2025-07-22 --platform linux_x86_64", (3, 2)),
        ("--until 2025-07-21", (0, 0)),
        ("--platform linux_riscv64", (0, 0)),
    ):
        for package, number in zip(("kedro", "kedro>=0.18"), numbers, strict=True):
            assert asking.run("count", package, *conditions.split(), "--json").json["count"] == number, conditions
            assert len(asking.run("find", package, *conditions.split(), "--json").json) == number, conditions
    told = asking.run("find", "kedro", "--platform", "linux_riscv64", "--env-name", "sales", "--until", "2025-07-22")
    assert "no build (of sales, on linux_riscv64, until 2025-07-22) has kedro in the catalog of" in told.stderr
    assert asking.run("find", "kedro", "--since", "2025-07-22", "--until", "2025-07-21").code == 2


def test_one_equals_sign_is_told_with_two_which_help(asking: Tool) -> None:
    told = asking.run("find", "kedro=0.19.1")
    assert told.code == 3
    [advised] = re.findall(r"write '(.*)'", told.stderr)
    assert len(asking.run("find", advised, "--json").json) == 1


def test_a_store_that_is_not_there_is_told_from_one_before_its_first_build(tool: Tool) -> None:
    for command in (["list"], ["find", "kedro"], ["count", "kedro"], ["query", "latest_per_environment"]):
        named = tool.run(*command, "--store", str(tool.folder / "misspelt"))
        assert named.code == 2, command
        assert "there is no such store" in named.stderr
    before = tool.run("list", VENVBUILD_STORE=None)
    assert (before.code, before.stdout) == (0, "")
    assert "there is no build yet" in before.stderr


def test_list_is_a_table_with_a_header_and_csv(asking: Tool) -> None:
    header, *lines = asking.run("list").stdout.splitlines()
    assert header.split() == ["venv_version", "created_at", "env_name", "python_version", "is_conflict_free",
                              "package_count", "archive_size"]  # fmt: skip
    assert lines[1].split() == [version(2), "2025-07-22T08:30:02Z", "risk", "3.11", "false", "1", "0.0", "kB"]
    assert len(lines) == 4
    rows = list(csv.reader(io.StringIO(asking.run("list", "--env-name", "risk", "--format", "csv").stdout)))
    assert rows == [[*header.split()[:-1], "archive_size_bytes"], [*lines[1].split()[:6], "3"]]


def test_what_list_explains_gives_the_same_builds(asking: Tool) -> None:
    conditions = ("--env-name", "sales", "--conflict-free", "--limit", "2")
    explained = asking.run("list", *conditions, "--explain")
    assert "env_name = 'sales'" in explained.stdout
    (asking.folder / "explained.sql").write_text(explained.stdout)
    again = asking.run("query", "explained.sql", "--json").json
    listed = asking.run("list", *conditions, "--json").json
    assert [row["venv_version"] for row in again] == [row["venv_version"] for row in listed] == [version(3), version(1)]


def test_an_empty_answer_tells_of_builds_without_rows_and_what_mends_it(asking: Tool) -> None:
    old = put_scripted(open_store(asking.store), "venv_20250722_010000")
    questions = (["find", "numpy"], ["count", "numpy"], ["list", "--since", "2025-07-23"])
    told = [asking.run(*one) for one in questions]
    assert [one.code for one in told] == [0, 0, 0]
    [note] = {one.stderr.splitlines()[-1] for one in told}
    assert f"{old} has no row" in note
    [command] = re.findall(r"`venvbuild (.*)` mends it", note)
    assert asking.run("find", "kedro").stderr == ""
    assert asking.run(*shlex.split(command)).code == 0
    assert [row["venv_version"] for row in asking.run("find", "numpy", "--json").json] == [old]
    assert "no row" not in asking.run("find", "nope").stderr


def test_whoever_may_not_look_at_the_builds_gets_the_empty_answer_all_the_same(tool: Tool) -> None:
    Path(tool.store).mkdir()
    Path(tool.store, "venv-builds").symlink_to("venv-builds")  # which no store follows, of root neither
    with pytest.raises(IntegrityError):
        list(open_store(tool.store).list("venv-builds/"))
    done = tool.run("list", "--json")
    assert (done.code, done.json, len(done.stderr.splitlines())) == (0, [], 1), done.stderr


def test_what_a_scripts_build_does_not_say_is_an_empty_cell(asking: Tool) -> None:
    store = open_store(asking.store)
    rows.register(store, builds.read_any(store, put_scripted(store)))
    listed, found = asking.run("list", "--limit", "1"), asking.run("find", "numpy")
    assert listed.stdout.splitlines()[1].split() == [VERSION, "2025-07-22T16:30:00Z", "-", "3.10", "true", "3", "-"]
    assert found.stdout.splitlines()[1].split()[:3] == [VERSION, "2025-07-22T16:30:00Z", "-"]
    for command in (["list", "--limit", "1"], ["find", "numpy"]):
        [row] = csv.DictReader(io.StringIO(asking.run(*command, "--format", "csv").stdout))
        assert (row["env_name"], row.get("archive_size_bytes", "")) == ("", "")


def test_diff_tells_what_changed(asking: Tool) -> None:
    done = asking.run("diff", "sales@prod", version(1), "--json")
    assert done.code == 0, done.stderr
    assert done.json["changes"] == [
        {"name": "kedro", "version_before": "0.18.14", "version_after": "0.19.1"},
        {"name": "kedro-viz", "version_before": "6.0", "version_after": None},
        {"name": "pandas", "version_before": None, "version_after": "2.2.3"},
    ]
    assert done.json["before"]["venv_version"] == version(0)
    assert done.json["after"]["python_full_version"] == "3.12.1"
    assert asking.run("diff", version(1), version(1)).stderr.endswith("both have the same packages\n")


def test_diff_of_a_build_without_a_row_is_9(asking: Tool) -> None:
    put_build(open_store(asking.store), 9)
    done = asking.run("diff", version(0), version(9), "--json")
    assert done.code == 9
    assert version(9) in done.json["error"]["problems"][0]["what"]


def test_query_answers_a_question_a_file_and_stdin(asking: Tool) -> None:
    rows = asking.run("query", "versions_in_use", "--param", "name=kedro-viz", "--json").json
    assert [(row["version"], row["env_count"], row["build_count"]) for row in rows] == [("6.1", 1, 1), ("6.0", 0, 1)]
    sql = "SELECT env_name, created_at FROM venv_builds WHERE NOT is_conflict_free;\n"
    (asking.folder / "mine.sql").write_text(sql)
    wanted = [{"env_name": "risk", "created_at": "2025-07-22T08:30:02Z"}]
    assert asking.run("query", "mine.sql", "--json").json == wanted
    done = subprocess.run(asking.command("query", "-", "--format", "json"), input=sql, text=True, capture_output=True,
                          cwd=asking.folder, env=asking.environment(), check=True)  # fmt: skip
    assert json.loads(done.stdout) == wanted


def test_what_explain_prints_gives_the_same_rows(asking: Tool) -> None:
    found = asking.run("find", "kedro>=0.18", "kedro-viz", "--json").json
    explained = asking.run("find", "kedro>=0.18", "kedro-viz", "--explain")
    assert "'kedro==0.18.14'" in explained.stdout
    assert "?" not in explained.stdout.partition("SELECT")[2]
    (asking.folder / "explained.sql").write_text(explained.stdout)
    again = asking.run("query", "explained.sql", "--json").json
    assert [{**row, "matches": row["matches"].split()} for row in again] == found


def test_doctor_asks_the_engine(asking: Tool) -> None:
    assert {"name": "engine", "verdict": "ok"}.items() <= asking.run("doctor", "--json").json[-1].items()


def test_a_query_that_fails_is_10_with_the_reason(asking: Tool) -> None:
    (asking.folder / "bad.sql").write_text("SELECT nope FROM venv_builds")
    done = asking.run("query", "bad.sql", "--json")
    assert done.code == 10
    assert "nope" in done.json["error"]["problems"][0]["why"]
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupt_ends_the_query(asking: Tool, number: signal.Signals, code: int) -> None:
    (asking.folder / "slow.sql").write_text(SLOW)
    running = asking.start("query", "slow.sql")
    with pytest.raises(subprocess.TimeoutExpired):
        running.wait(6)
    running.send_signal(number)
    _, said = running.communicate(timeout=60)
    assert running.returncode == code
    assert "Traceback" not in said


@pytest.mark.xdist_group("trino")
def test_an_interrupt_ends_the_query_on_trino_too(tool: Tool, trino_server: TrinoServer) -> None:
    made = trino_server.new_catalog("2025-07-22", "2025-07-23")
    tool.env |= made.environment
    register(made.store, put_build(made.store, 1, installed_packages=[f"p{n}==1" for n in range(99)]))
    (tool.folder / "slow.sql").write_text(f"/* {made.schema} */ {SLOW}")
    running = tool.start("query", "slow.sql")
    mine = f"SELECT state FROM system.runtime.queries WHERE query LIKE '/* {made.schema}%'"
    while not (states := trino_server.ask(mine).rows) or states[0][0] != "RUNNING":
        assert running.poll() is None
    running.send_signal(signal.SIGINT)
    running.communicate(timeout=60)
    assert trino_server.ask(mine).rows == (("FAILED",),)


@pytest.fixture
def filled(tool: Tool) -> Tool:
    """A user of DuckDB with two builds of the generator."""
    catalog.write(Path(tool.store), catalog.builds(2))
    return tool


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["find"], 2),
        (["find", "kedro>=x"], 3),
        (["find", "a[b]"], 3),
        (["find", "kedro", "--python", "three"], 3),
        (["find", "kedro", "--python", "3.11.7"], 3),
        (["find", "kedro", "--env-name", "../x"], 3),
        (["find", "kedro", "--since", "yesterday"], 2),
        (["find", "kedro", "--since", "2025-02-30"], 2),
        (["find", "kedro", "--limit", "0"], 2),
        (["find", "kedro", "--format", "xml"], 2),
        (["find", "kedro", "--engine", "oracle"], 2),
        (["find", "kedro", "--engine", "trino"], 2),
        (["list", "--python", "3.11.7"], 3),
        (["list", "--env-name", "../x"], 3),
        (["list", "--since", "yesterday"], 2),
        (["list", "--format", "xml"], 2),
        (["list", "--max-bytes", "1"], 2),
        (["query", "nope"], 2),
        (["query", "."], 2),
        (["query", "versions_in_use", "--param", "nam=x"], 2),
        (["query", "versions_in_use", "--param", "name"], 2),
        (["diff", "x", "y"], 9),
    ],
)
def test_what_cannot_be_asked_is_refused_by_its_code(filled: Tool, arguments: list[str], code: int) -> None:
    done = filled.run(*arguments, "--json")
    assert done.code == code
    assert done.json["error"]["problems"][0]["what"]


def test_a_table_is_aligned_and_escaped(filled: Tool) -> None:
    (filled.folder / "odd.sql").write_text(
        "SELECT 'a' || chr(27) || '[31mred' AS x, NULL AS empty, true AS yes, ARRAY[1, 2] AS two"
    )
    done = filled.run("query", "odd.sql")
    assert done.stdout == "x             empty  yes   two\na\\x1b[31mred  -      true  1 2\n"


def test_csv_is_csv(filled: Tool) -> None:
    (filled.folder / "odd.sql").write_text("SELECT 'a,\"b\nc' AS x, NULL AS empty, false AS no")
    done = filled.run("query", "odd.sql", "--format", "csv")
    assert list(csv.reader(io.StringIO(done.stdout))) == [["x", "empty", "no"], ['a,"b\nc', "", "false"]]


def test_errors_are_json_under_either_spelling(filled: Tool) -> None:
    for spelling in (["--json"], ["--format", "json"], ["--format=json"]):
        assert filled.run("find", "kedro>=x", *spelling).json["error"]["exit_code"] == 3
