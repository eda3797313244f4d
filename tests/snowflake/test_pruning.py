"""Which old ZIPs go: only ours, never the newest, never what is seen to be imported; what was not asked is told."""

from __future__ import annotations

import itertools
import time

import pytest

from tests.support.snowflake_server import Refusal, Rows, SnowflakeServer
from venvbuild.snowflake import pruning
from venvbuild.snowflake.stage import Stage

NAMES = [f"app_packages-{digit * 12}.zip" for digit in "abcd"]
OTHERS = (
    "app.zip",
    "app_packages.zip",
    f"app_packages-{'e' * 11}.zip",
    f"app_packages-{'f' * 12}.zip.bak",
    "x.manifest.json",
)
FUNCTION = ("function_catalog", "function_schema", "function_name", "imports")
PROCEDURE = ("procedure_catalog", "procedure_schema", "procedure_name", "imports")
WITHOUT = PROCEDURE[:3]
NO_PROCEDURES = Rows(PROCEDURE, ())
SHOWS = "SHOW DATABASES"
DATABASES = (("MY_DB", "STANDARD"), ("odd db", None), ("SNOWFLAKE", "APPLICATION"), ("SHARED", "IMPORTED DATABASE"))


def rows_of(kind: str, database: str) -> str:
    return rf"SELECT \* FROM {database}\.INFORMATION_SCHEMA\.{kind}S WHERE {kind}_LANGUAGE = 'PYTHON'"


@pytest.fixture
def filled(snowflake_server: SnowflakeServer, monkeypatch: pytest.MonkeyPatch) -> SnowflakeServer:
    """Four ZIPs of ours with manifests, a manifest alone, and files of others; one database with nothing in it."""
    for name in NAMES:
        snowflake_server.store(f"py311/{name}", b"zip")
        snowflake_server.store(f"py311/{name}.manifest.json", b"{}")
    snowflake_server.store(f"py311/app_packages-{'9' * 12}.zip.manifest.json", b"{}")
    for name in OTHERS:
        snowflake_server.store(f"py311/{name}", b"theirs")
    snowflake_server.store(f"other/{NAMES[0]}", b"zip")
    snowflake_server.answer(SHOWS, Rows(("name", "kind"), DATABASES))
    return snowflake_server


def see(
    server: SnowflakeServer, *functions: tuple[str | None, ...], procedures: Rows | Refusal = NO_PROCEDURES
) -> None:
    server.answer(rows_of("FUNCTION", "MY_DB"), Rows(FUNCTION, functions))
    server.answer(rows_of("PROCEDURE", "MY_DB"), procedures)
    server.answer(rows_of("FUNCTION", '"odd db"'), Rows(FUNCTION, ()))
    server.answer(rows_of("PROCEDURE", '"odd db"'), Rows(PROCEDURE, ()))


def planned(stage: Stage, keep: int, monkeypatch: pytest.MonkeyPatch) -> pruning.Plan:
    """With a second between the ZIPs, which were all stored in one."""
    listed, ages = stage.files, itertools.count(int(time.time()))
    files = {name: file.__class__(name, file.size, float(next(ages))) for name, file in sorted(listed().items())}
    monkeypatch.setattr(
        stage, "files", lambda beginning="": {k: v for k, v in files.items() if k.startswith(beginning)}
    )
    made = pruning.plan(stage, keep)
    monkeypatch.setattr(stage, "files", listed)
    return made


def test_the_newest_stay_with_their_manifests_and_nothing_of_others_is_touched(
    stage: Stage, filled: SnowflakeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    see(filled)
    made = planned(stage, 2, monkeypatch)
    assert made.kept == (NAMES[3], NAMES[2])
    assert made.not_checked == ()
    gone = {*NAMES[:2], *(f"{name}.manifest.json" for name in NAMES[:2]), f"app_packages-{'9' * 12}.zip.manifest.json"}
    assert {file.name for file in made.removed} == gone
    before = filled.files()
    pruning.remove(stage, made)
    assert {path: body for path, body in before.items() if path.removeprefix("py311/") not in gone} == filled.files()
    assert f"other/{NAMES[0]}" in filled.files()


def test_what_a_function_of_any_database_imports_stays(
    stage: Stage, filled: SnowflakeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    see(filled, ("MY_DB", "S", "F", f"[@MY_DB.S.ST/x.py, @MY_DB.MY_SCHEMA.PACKAGES_STAGE/py311/{NAMES[0]}]"))
    made = planned(stage, 2, monkeypatch)
    assert made.in_use == {NAMES[0]: ("MY_DB.S.F",)}
    assert not {NAMES[0], f"{NAMES[0]}.manifest.json"} & {file.name for file in made.removed}
    assert NAMES[1] in {file.name for file in made.removed}


@pytest.mark.parametrize(
    ("procedures", "why"),
    [
        (Rows(WITHOUT, (("MY_DB", "S", "P"),)), "does not tell what they import"),
        (Rows(WITHOUT, ()), "does not tell what they import"),
        (Rows(PROCEDURE, (("MY_DB", "S", "P", None),)), "does not tell this role what MY_DB.S.P imports"),
        (
            Rows(PROCEDURE, (("MY_DB", "S", "P", ""), ("MY_DB", "S", "Q", "[]"), ("MY_DB", "S", "R", None))),
            "does not tell this role what MY_DB.S.P and 1 more import",
        ),
        (Refusal("000606", "57P03", "No active warehouse selected in the current session."), "No active warehouse"),
        (
            Refusal("002003", "02000", "Schema 'MY_DB.INFORMATION_SCHEMA' does not exist or not authorized."),
            "not authorized",
        ),
    ],
)
def test_what_cannot_be_asked_is_not_checked(
    stage: Stage, filled: SnowflakeServer, monkeypatch: pytest.MonkeyPatch, procedures: Rows | Refusal, why: str
) -> None:
    see(filled, procedures=procedures)
    [told] = planned(stage, 2, monkeypatch).not_checked
    assert told.startswith("the procedures of MY_DB: ")
    assert why in told


def test_where_several_databases_are_not_told_of_they_stand_in_one_line(
    stage: Stage, filled: SnowflakeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    for database in ("MY_DB", '"odd db"'):
        filled.answer(rows_of("FUNCTION", database), Rows(FUNCTION, ()))
        filled.answer(rows_of("PROCEDURE", database), Rows(WITHOUT, ()))
    [told] = planned(stage, 2, monkeypatch).not_checked
    assert told.startswith("the procedures of MY_DB, the procedures of odd db: ")


@pytest.mark.parametrize("rows", [(), (("OTHER", "STANDARD"),), (("my_db", "STANDARD"),), (("MY_DB", "APPLICATION"),)])
def test_a_listing_without_the_stages_own_database_proves_nothing(
    stage: Stage, filled: SnowflakeServer, monkeypatch: pytest.MonkeyPatch, rows: tuple[tuple[str, str], ...]
) -> None:
    filled.forget()
    filled.answer(SHOWS, Rows(("name", "kind"), rows))
    for database in ("OTHER", '"my_db"'):
        filled.answer(rows_of("FUNCTION", database), Rows(FUNCTION, ()))
        filled.answer(rows_of("PROCEDURE", database), Rows(PROCEDURE, ()))
    [told] = planned(stage, 2, monkeypatch).not_checked
    assert told.startswith("the stage's own database MY_DB: SHOW DATABASES")


def test_what_has_no_date_is_not_known_to_be_old(
    stage: Stage, filled: SnowflakeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    see(filled)
    for name in NAMES[:3]:
        filled.dated[f"py311/{name}"] = "some day"
    made = pruning.plan(stage, 1)
    assert set(made.kept) == set(NAMES)


def test_where_nothing_is_old_nobody_is_asked(
    stage: Stage, filled: SnowflakeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = planned(stage, 4, monkeypatch)
    assert [file.name for file in made.removed] == [f"app_packages-{'9' * 12}.zip.manifest.json"]
    assert not [one for one in filled.statements if one.startswith(("SHOW", "SELECT"))]
