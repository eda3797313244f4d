"""Amazon Athena's API on 127.0.0.1: moto, with a real Trino that answers what is asked. Run by `athena_server`.

`python athena_api.py PORT TRINO_URL CATALOG` speaks for all of AWS that moto knows. Queries of a database
that is in Glue are asked in Trino's catalog CATALOG, which reads moto's Glue and S3; others in the catalog `hive`.

A query with a comment like `/* inject {"error": "ThrottlingException", "times": 2} */` is refused so often instead, and
one with `{"state": "FAILED", "reason": "..."}` ends like that.
"""

from __future__ import annotations

import json
import re
import sys
from collections import Counter
from concurrent.futures import Future, ThreadPoolExecutor, wait
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

import moto.server
import sqlglot
import trino
from moto.athena.models import AthenaBackend, Execution, QueryResults
from moto.athena.responses import AthenaResponse
from moto.core.responses import EmptyResult
from moto.glue.models import glue_backends
from moto.glue.responses import GlueResponse
from sqlglot import exp

_INJECTED = re.compile(r"/\* inject (\{.*?\}) \*/")
_DATABASE = re.compile(r"CREATE DATABASE IF NOT EXISTS `([^`]+)`")
_TRINO_ONLY = re.compile(r"external_location|partition_projection_enabled|\bCALL\b|\bEXECUTE\b")
_WORKERS = ThreadPoolExecutor(16)
_LONGEST_REPLY_S = 0.5
"""So that tests need not wait for the next time that PyAthena asks whether it is done."""

_HIVE = "org.apache.hadoop.hive.ql.io"
_TEXT = ("org.apache.hadoop.mapred.TextInputFormat", f"{_HIVE}.HiveIgnoreKeyTextOutputFormat")
_PARQUET = (
    f"{_HIVE}.parquet.MapredParquetInputFormat",
    f"{_HIVE}.parquet.MapredParquetOutputFormat",
    f"{_HIVE}.parquet.serde.ParquetHiveSerDe",
)

Cells = list[list[Any]]


class TrinoBehind:
    """Trino, as Athena's engine."""

    def __init__(self, url: str, glue_catalog: str) -> None:
        self._url = urlsplit(url)
        self._glue_catalog = glue_catalog
        self.cursors: dict[str, Any] = {}
        """By execution: what is being asked."""

    def ask(self, execution: Execution, database: str, glue: Any) -> tuple[list[tuple[str, str]], Cells]:
        """Columns (name, type) and rows."""
        sql = execution.query.strip()
        if sql.startswith("--") or sql.endswith(";"):
            raise ValueError("FAILED: ParseException line 1:0")  # so strict is Athena's DDL
        if _TRINO_ONLY.search(sql):
            raise ValueError("FAILED: ParseException line 1:0 this is Trino's own SQL")
        if named := _DATABASE.fullmatch(sql):
            if named[1] not in glue.databases:
                glue.create_database(named[1], {"Name": named[1]}, {})
            return [], []
        if sql.startswith("CREATE EXTERNAL TABLE"):
            _create_table(glue, database, sql)
            return [], []
        catalog = self._glue_catalog if database in glue.databases else "hive"
        columns, rows = self._ask(execution.id, sql, catalog, database)
        if sql.startswith("SHOW CREATE"):  # Athena gives a row a line
            rows = [[line] for line in str(rows[0][0]).splitlines()]
            rows += _serde_lines(glue, database, sql.rpartition(" ")[2])
        return columns, rows

    def _ask(self, execution: str, sql: str, catalog: str, schema: str) -> tuple[list[tuple[str, str]], Cells]:
        connect: Any = trino.dbapi.connect
        with connect(
            host=self._url.hostname, port=self._url.port, user="athena", catalog=catalog, schema=schema,
            timezone="UTC",
        ) as connection:  # fmt: skip
            cursor = self.cursors[execution] = connection.cursor()
            cursor.execute(sql)
            rows = cursor.fetchall()
            return [(column[0], column[1]) for column in cursor.description or ()], rows


def _create_table(glue: Any, database: str, sql: str) -> None:
    """As Athena does it: the DDL becomes an entry of Glue."""
    tree = sqlglot.parse_one(sql, read="athena")
    schema, properties = tree.this, tree.args["properties"].expressions
    name = schema.this.name
    if name in glue.databases[database].tables and tree.args["exists"]:
        return
    [location] = [one.this.name for one in properties if isinstance(one, exp.LocationProperty)]
    serdes = [one.this.name for one in properties if isinstance(one, exp.RowFormatSerdeProperty)]
    form = _PARQUET if any(isinstance(one, exp.FileFormatProperty) for one in properties) else (*_TEXT, *serdes)
    [keys] = [one.this.expressions for one in properties if isinstance(one, exp.PartitionedByProperty)]
    more = {one.name: one.args["value"].name for one in properties if type(one) is exp.Property}
    table = {
        "Name": name,
        "TableType": "EXTERNAL_TABLE",
        "Parameters": {"EXTERNAL": "TRUE", **more},
        "PartitionKeys": _columns(keys),
        "StorageDescriptor": {
            "Columns": _columns(schema.expressions),
            "Location": location,
            "InputFormat": form[0],
            "OutputFormat": form[1],
            "SerdeInfo": {"SerializationLibrary": form[2], "Parameters": _serde_properties(tree)},
        },
    }
    glue.create_table(database, name, table)


def _serde_lines(glue: Any, database: str, table: str) -> Cells:
    """What Athena shows of a table, and Trino does not."""
    entries = glue.databases[database].tables if database in glue.databases else {}
    if table not in entries:
        return []
    facts = entries[table].as_dict()["StorageDescriptor"]["SerdeInfo"].get("Parameters", {})
    told = ", ".join(f"'{name}'='{value}'" for name, value in facts.items())
    return [[f"WITH SERDEPROPERTIES ({told})"]] if told else []


def _serde_properties(tree: Any) -> dict[str, str]:
    found = tree.find(exp.SerdeProperties)
    return {one.name: one.args["value"].name for one in found.expressions} if found else {}


def _columns(defined: list[exp.ColumnDef]) -> list[dict[str, str]]:
    return [
        {"Name": one.name, "Type": re.sub(r"([,:]) ", r"\1", one.args["kind"].sql("hive").lower())} for one in defined
    ]


def _text(value: Any) -> str:
    """A value as Athena writes it."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, datetime):
        zone = f" {value.tzinfo}" if value.tzinfo else ""
        return f"{value:%Y-%m-%d %H:%M:%S}.{value.microsecond // 1000:03}{zone}"
    if isinstance(value, (list, tuple)):
        return f"[{', '.join('null' if one is None else _text(one) for one in value)}]"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{key}={_text(one)}' for key, one in value.items())}}}"
    return str(value)


def _results(columns: list[tuple[str, str]], rows: Cells, *, has_header: bool) -> QueryResults:
    info = [
        {"Name": name, "Label": name, "Type": re.sub(r"\([^()]*\)|\(.*\)", "", type_), "CatalogName": "hive",
         "SchemaName": "", "TableName": "", "Precision": 0, "Scale": 0, "Nullable": "UNKNOWN", "CaseSensitive": True}
        for name, type_ in columns
    ]  # fmt: skip
    header: Cells = [[name for name, _ in columns]] if has_header else []
    found: Any = [{"Data": [_cell(value) for value in row]} for row in header + rows]
    described: Any = info
    return QueryResults(found, described)


def _cell(value: Any) -> dict[str, str]:
    return {} if value is None else {"VarCharValue": _text(value)}


def _speak_for(behind: TrinoBehind) -> None:
    """Let moto's Athena ask, wait, fail and stop."""
    running: dict[str, Future[None]] = {}
    stopped: set[str] = set()
    refused: Counter[str] = Counter()
    start, status = AthenaBackend.start_query_execution, AthenaResponse.get_query_execution
    begin, stop = AthenaResponse.start_query_execution, AthenaBackend.stop_query_execution

    def answer(backend: AthenaBackend, execution: Execution) -> None:
        glue = glue_backends[backend.account_id][backend.region_name]
        columns, rows = behind.ask(execution, execution.context["Database"], glue)  # type: ignore[index]
        has_header = not execution.query.startswith("SHOW")
        backend.query_results[execution.id] = _results(columns, rows, has_header=has_header)

    def start_query_execution(self: AthenaBackend, **asked: Any) -> str:
        name = start(self, **asked)
        running[name] = _WORKERS.submit(answer, self, self.executions[name])
        return name

    def stop_query_execution(self: AthenaBackend, exec_id: str) -> None:
        stop(self, exec_id)
        stopped.add(exec_id)
        if exec_id in behind.cursors:
            behind.cursors[exec_id].cancel()

    def refuse_or_start(self: AthenaResponse) -> Any:
        injected = _injected(self._get_param("QueryString"))
        if "error" in injected and refused[self._get_param("QueryString")] < injected.get("times", 1):
            refused[self._get_param("QueryString")] += 1
            return json.dumps({"__type": injected["error"], "message": injected.get("reason", "")}), {"status": 400}
        return begin(self)

    def get_query_execution(self: AthenaResponse) -> str:
        told = json.loads(status(self))
        name, injected = told["QueryExecution"]["QueryExecutionId"], _injected(told["QueryExecution"]["Query"])
        if "state" in injected:
            told["QueryExecution"]["Status"] |= {"State": injected["state"], "StateChangeReason": injected["reason"]}
        else:
            told["QueryExecution"]["Status"] |= _status(running[name], is_stopped=name in stopped)
        return json.dumps(told)

    backend_class: Any = AthenaBackend
    response_class: Any = AthenaResponse
    backend_class.start_query_execution = start_query_execution
    backend_class.stop_query_execution = stop_query_execution
    response_class.start_query_execution = refuse_or_start
    response_class.get_query_execution = get_query_execution
    for name in ("delete", "update"):  # Trino keeps statistics of columns, of which moto's Glue knows nothing
        for of in ("table", "partition"):
            setattr(GlueResponse, f"{name}_column_statistics_for_{of}", lambda _self: EmptyResult())


def _injected(sql: str) -> dict[str, Any]:
    found = _INJECTED.search(sql)
    return json.loads(found[1]) if found else {}


def _status(work: Future[None], *, is_stopped: bool) -> dict[str, str]:
    if is_stopped:
        return {"State": "CANCELLED", "StateChangeReason": "Query cancelled by user"}
    if wait([work], _LONGEST_REPLY_S).not_done:
        return {"State": "RUNNING"}
    error = work.exception()
    if error is None:
        return {"State": "SUCCEEDED"}
    if isinstance(error, trino.exceptions.TrinoQueryError):
        return {"State": "FAILED", "StateChangeReason": f"{error.error_name}: {error.message}"}
    return {"State": "FAILED", "StateChangeReason": str(error)}


if __name__ == "__main__":
    port, trino_url, glue_catalog = sys.argv[1:]
    _speak_for(TrinoBehind(trino_url, glue_catalog))
    moto.server.main(["-H", "127.0.0.1", "-p", port])
