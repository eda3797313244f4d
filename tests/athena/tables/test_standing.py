"""A table of ours that does not answer is told of, and made anew, never kept in silence."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from athena.engines import Answer
from athena.index import Compactor
from athena.rows import register
from athena.statement import Statement
from athena.tables import refuse_to_drop, standing
from tests.athena.rows.test_columns import FIRST
from tests.support.builds import put_build, version
from tests.support.scripted import VERSION, put_scripted
from tests.support.tool import Tool
from tests.support.trino_server import TrinoServer
from venvbuild.builds import places, read
from venvbuild.errors import QueryEngineError, UsageError
from venvbuild.stores import open_store

TABLES = Path(__file__).resolve().parents[3] / "athena" / "sql" / "tables"
OF_ATHENA = """CREATE EXTERNAL TABLE `venv_builds_metadata`(
  `venv_version` string COMMENT 'from deserializer',
  `created_at` timestamp COMMENT 'from deserializer')
ROW FORMAT SERDE
  'org.openx.data.jsonserde.JsonSerDe'
STORED AS INPUTFORMAT
  'org.apache.hadoop.mapred.TextInputFormat'
OUTPUTFORMAT
  'org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat'
LOCATION
  's3://mine/venv-builds'
TBLPROPERTIES (
  'classification'='json',
  'transient_lastDdlTime'='1753173000')"""
"""What Athena answers to SHOW CREATE TABLE, line by line."""


class Shows:
    """An engine that has the table so."""

    name, keeps_tables = "trino", True
    passed_over = left_out_ahead = None

    def __init__(self, text: str | None) -> None:
        self._text = text

    def run(self, statement: Statement) -> Answer:
        if self._text is None:
            raise QueryEngineError("there is none")
        if statement.sql == 'SELECT * FROM "venv_builds_metadata$properties"':
            found = re.search(r"extra_properties = MAP\(ARRAY\['(.*)'\], ARRAY\['(.*)'\]\)", self._text)
            return Answer.of([found[1] if found else "external"], [(found[2] if found else "TRUE",)])
        assert statement.sql == "SHOW CREATE TABLE venv_builds_metadata"
        return Answer.of(["createtab_stmt"], [(line,) for line in self._text.splitlines()])

    def pieces(self, statement: Statement) -> Iterator[Answer]:
        yield self.run(statement)

    def __enter__(self) -> Shows:
        return self

    def __exit__(self, *_: object) -> None:
        pass


def shown(name: str, **changes: str) -> str:
    text = (TABLES / f"{name}.sql").read_text("utf-8")
    for old, new in changes.items():
        text = re.sub(rf"^  {old} .*\n", new, text, flags=re.MULTILINE)
    return text[text.index("CREATE") :].replace("IF NOT EXISTS ", "")


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        pytest.param(None, None, id="no table"),
        pytest.param(shown("venv_builds_metadata"), None, id="ours, Athena"),
        pytest.param(shown("venv_builds_metadata.trino"), None, id="ours, Trino"),
        pytest.param(shown("venv_builds_metadata").replace("builds/'", "builds'"), None, id="without a final slash"),
        pytest.param(FIRST, "FOREIGN_TABLE", id="the document's"),
        pytest.param(OF_ATHENA, "FOREIGN_TABLE", id="the document's, as Athena shows it"),
        pytest.param(OF_ATHENA.replace("venv-builds", "other"), "FOREIGN_TABLE", id="of something else"),
        pytest.param(shown("venv_builds_metadata", recorded_at=""), "OLD_TABLE", id="an older one, Athena"),
        pytest.param(shown("venv_builds_metadata.trino", recorded_at=""), "OLD_TABLE", id="an older one, Trino"),
        pytest.param(shown("venv_builds_metadata", imported_from=""), "OLD_TABLE", id="from before imports, Athena"),
        pytest.param(shown("venv_builds_metadata", archive_root=""), "OLD_TABLE", id="from before layouts"),
        pytest.param(shown("venv_builds_metadata", yanked_packages=""), "OLD_TABLE", id="from before yanks"),
        pytest.param(
            shown("venv_builds_metadata.trino", imported_from=""), "OLD_TABLE", id="from before imports, Trino"
        ),
        pytest.param(re.sub("\nWITH SERDE.*", "", shown("venv_builds_metadata")), "OLD_TABLE", id="strict, Athena"),
        pytest.param(shown("venv_builds_metadata.trino", extra_properties=""), "OLD_TABLE", id="strict, Trino"),
        pytest.param(shown("venv_builds_metadata").replace("+1DAYS", ""), "OLD_TABLE", id="to today, Athena"),
        pytest.param(shown("venv_builds_metadata.trino").replace("+1DAYS", ""), "OLD_TABLE", id="to today, Trino"),
    ],
)
def test_what_does_not_answer_is_told_with_what_mends_it(text: str | None, rule: str | None) -> None:
    found = standing(Shows(text))
    problem = found.problem() if found else None
    assert (problem.rule if problem else None) == rule
    assert problem is None or problem.fix == "venvbuild table create --replace"
    refuse_to_drop(found)


@pytest.mark.parametrize(
    "text", [FIRST.replace("EXTERNAL ", ""), "CREATE TABLE x.venv_builds_metadata (\n   a bigint\n)"]
)
def test_what_would_take_its_files_along_is_not_dropped(text: str) -> None:
    with pytest.raises(UsageError, match="to drop it removes its files"):
        refuse_to_drop(standing(Shows(text)))


def test_the_documents_table_is_named_by_create_check_and_doctor_and_replaced(
    tool: Tool, trino_server: TrinoServer
) -> None:
    schema = "by_the_document"
    home = trino_server.data / schema
    trino_server.ask(f"CREATE SCHEMA hive.{schema}")
    store = open_store(str(home))
    put_scripted(store)
    put_build(store, 1, installed_packages=["kedro==0.19.1"])
    (home / places.INDEX).mkdir(parents=True)  # unlike a prefix of S3, a folder must be there
    (home / places.ROWS).mkdir(parents=True)
    trino_server.ask(
        "CREATE TABLE venv_builds_metadata (venv_version varchar, installed_packages array(varchar)) "
        f"WITH (format = 'OPENX_JSON', external_location = 'local:///{schema}/{places.BUILDS}/')",
        schema,
    )
    tool.env |= {**trino_server.environment(schema), "VENVBUILD_STORE": str(home)}
    assert tool.run("table", "sync", "--engine", "duckdb").code == 0
    create = ["table", "create", "--location", f"local:///{schema}"]
    for command, code in ((create, 2), (["table", "check"], 11), (["doctor"], 11)):
        done = tool.run(*command)
        assert done.code == code
        said = done.stdout + done.stderr
        assert "the table venv_builds_metadata reads local:///by_the_document/venv-builds" in said
        assert "fix: venvbuild table create --replace" in said
    done = tool.run(*create, "--replace")
    assert done.code == 0, done.stderr
    found = tool.run("find", "kedro", "--json").json
    assert [row["venv_version"] for row in found] == [VERSION, version(1)]
    assert tool.run("table", "check").code == 0
    assert tool.run("list", "--json").json[0]["recorded_at"] == "2025-07-22T08:30:00Z"


def test_a_table_of_an_older_version_is_named_by_who_asks_it(tool: Tool, trino_server: TrinoServer) -> None:
    made = trino_server.new_catalog("2025-07-01", "2025-07-31")
    tool.env |= made.environment
    text = str(trino_server.ask("SHOW CREATE TABLE venv_builds_metadata", made.schema).rows[0][0])
    trino_server.ask("DROP TABLE venv_builds_metadata", made.schema)
    trino_server.ask(re.sub(r"\n   recorded_at [^\n]*", "", text), made.schema)
    asked = tool.run("list")
    assert asked.code == 10
    assert "`venvbuild table check` tells whether the table is of an older version" in asked.stderr
    checked = tool.run("table", "check")
    assert (checked.code, "lacks recorded_at" in checked.stderr) == (11, True)
    location = f"local:///{made.schema}"
    assert tool.run("table", "create", "--location", location).code == 2
    assert tool.run("table", "create", "--replace", "--location", location).code == 0
    assert tool.run("list").code == 0


def test_a_table_over_another_place_is_told_and_stays_whole(tool: Tool, trino_server: TrinoServer) -> None:
    made = trino_server.new_catalog("2025-07-01", "2025-07-31")
    other = trino_server.new_catalog()  # a prefix of S3 need not be there at all
    tool.env |= made.environment
    register(made.store, read(made.store, put_build(made.store, 1)))
    Compactor(made.store, tool.folder / "cache").compact("2025-08-01")
    here, there = (f"local:///{one.schema}" for one in (made, other))
    assert tool.run("table", "create", "--location", f"{here}/").code == 0
    refused = tool.run("table", "create", "--location", there)
    assert refused.code == 2
    assert f"the table venv_builds_metadata is there, over {here}" in refused.stderr
    assert f"where that is this store too, `--location {here}`; else `" in refused.stderr
    assert tool.run("table", "create", "--location", here).code == 0
    assert tool.run("count", "good", "--json").json["count"] == 1
    [replace] = re.findall(r"else `venvbuild (.*)`", refused.stderr)
    assert tool.run(*replace.split()).code == 0
    assert f"external_location = '{there}/venv-catalog/builds" in tool.run("table", "show").stdout
    assert f"external_location = '{here}/" not in tool.run("table", "show").stdout


pytestmark = pytest.mark.xdist_group("trino")
