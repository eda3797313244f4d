"""Who uses a package, as an account answers the real connector in each of the shapes that pages show."""

from __future__ import annotations

import json
from collections.abc import Sequence

import pytest

from tests.snowflake.repository.test_commands import Call
from tests.support.snowflake_server import Refusal, Rows, SnowflakeServer
from venvbuild.errors import UsageError
from venvbuild.snowflake.repository.uses import Wanted

_COLUMNS = ("catalog", "schema", "name")


def rows(kind: str, *found: Sequence[str | None], more: Sequence[str] = ("INSTALLED_PACKAGES",)) -> Rows:
    """Name, signature, and `more`, of functions in MY_DB.PUBLIC."""
    columns = [f"{kind}_{part}".upper() for part in _COLUMNS]
    whole = [("MY_DB", "PUBLIC", *row) for row in found]
    return Rows((*columns, "ARGUMENT_SIGNATURE", *more), whole)


@pytest.fixture
def call(
    capsys: pytest.CaptureFixture[str], snowflake_server: SnowflakeServer, monkeypatch: pytest.MonkeyPatch
) -> Call:
    for name, value in snowflake_server.environment().items():
        monkeypatch.setenv(name, value)
    return Call(capsys)


def test_all_that_has_the_package_and_nothing_that_is_named_alike(
    call: Call, snowflake_server: SnowflakeServer
) -> None:
    pattern = r"WHERE DELETED IS NULL AND INSTALLED_PACKAGES ILIKE '%test_whl_package%'$"
    snowflake_server.answer(rf"SELECT \* FROM SNOWFLAKE.ACCOUNT_USAGE.FUNCTIONS {pattern}", rows(
        "function",
        ("F", "(A VARCHAR, B NUMBER(38,0))", "['test_whl_package==1.2','numpy==2.0']"),
        ("g", "()", '["Test.Whl-Package==1.3"]'),
        ("OLD", "()", "['test-whl-package-extra==1.2']"),
    ))  # fmt: skip
    snowflake_server.answer(r"SELECT \* FROM SNOWFLAKE.ACCOUNT_USAGE.PROCEDURES", rows(
        "procedure", ("P", "()", "['test_whl_package==1.2']")
    ))  # fmt: skip
    code, out, said = call("uses", "test-whl_package", "--json")
    assert (code, "two hours late" in said) == (0, True)
    assert [(one["name"], one["kind"], one["package"]) for one in json.loads(out)] == [
        ("MY_DB.PUBLIC.F(VARCHAR, NUMBER(38,0))", "function", "test_whl_package==1.2"),
        ('MY_DB.PUBLIC."g"()', "function", "Test.Whl-Package==1.3"),
        ("MY_DB.PUBLIC.P()", "procedure", "test_whl_package==1.2"),
    ]
    assert len(json.loads(call("uses", "test-whl-package<1.3", "--json")[1])) == 2
    code, out, said = call("uses", "test-whl-package==9", "--json")
    assert (code, json.loads(out), "nothing that this role is shown uses" in said) == (0, [], True)


@pytest.mark.parametrize(
    ("told", "package"),
    [
        ("[pandas==2.1.4, numpy==1]", "pandas==2.1.4"), ("pandas==2.1.4", "pandas==2.1.4"),
        ("numpy==1,'pandas==2.1.4'", "pandas==2.1.4"), ("""["numpy==1",'pandas==2.1.4']""", "pandas==2.1.4"),
        ('{"pandas":"2.1.4","numpy":"1"}', "pandas==2.1.4"), ("['pandas = 2.1.4']", "pandas = 2.1.4"),
        ('[{"name":"pandas","version":"2.1.4"}]', None), ("pandas 2.1.4", None), ("{pandas: 2.1.4}", None),
    ],
)  # fmt: skip
def test_each_form_of_a_list_is_read_or_told(
    call: Call, snowflake_server: SnowflakeServer, told: str, package: str | None
) -> None:
    for kind, found in (("function", [("F", "()", told)]), ("procedure", [])):
        snowflake_server.answer(rf"SELECT \* FROM SNOWFLAKE.ACCOUNT_USAGE.{kind.upper()}S", rows(kind, *found))
    code, out, said = call("uses", "pandas", "--json")
    assert (code, [one["package"] for one in json.loads(out)]) == (0, [package] if package else [])
    unread = "NOT CHECKED: MY_DB.PUBLIC.F(): installed_packages is in a form that is not known"
    assert (unread in said) == (package is None)
    assert json.loads(call("uses", "pandas<2", "--json")[1]) == []


MORE = ("RUNTIME_VERSION", "ARTIFACT_REPOSITORY", "PACKAGES", "INSTALLED_PACKAGES")


@pytest.mark.parametrize(
    "described",
    [
        Rows(("property", "value"), (("packages", "[]"), ("artifact_repository_packages", "['a==1']"))),
        Rows(("property", "value"), (("packages", "['a==1']"),)),
        Rows(("PACKAGES", "ARTIFACT_REPOSITORY_PACKAGES"), ((None, "['a==1']"),)),
        Rows(("PROPERTY", "PROPERTY_VALUE"), (("PACKAGES", "[a==1]"),)),
        Rows(("X",), (('{"packages": ["a==1"]}',),)),
    ],
    ids=["with-repository", "without", "one-row", "pairs", "json"],
)  # fmt: skip
def test_of_a_repository_what_the_row_does_not_tell_is_described(
    call: Call, snowflake_server: SnowflakeServer, described: Rows
) -> None:
    view = r"SELECT \* FROM my_db.INFORMATION_SCHEMA"
    snowflake_server.answer(rf"{view}.FUNCTIONS WHERE ARTIFACT_REPOSITORY = 'MY_REPO'$", rows(
        "function", ("F", "(A VARCHAR)", "3.11", "MY_REPO", None, None),
        ("G", "()", "3.12", "MY_REPO", "['a==2']", None),
        ("H", "()", "3.12", "MY_REPO", None, None), more=MORE,
    ))  # fmt: skip
    snowflake_server.answer(rf"{view}.PROCEDURES WHERE", rows("procedure", more=MORE))
    snowflake_server.answer(r"DESCRIBE FUNCTION MY_DB.PUBLIC.F\(VARCHAR\)$", described)
    snowflake_server.answer("DESCRIBE FUNCTION MY_DB.PUBLIC.H", Refusal("003001", "42501", "Insufficient privileges"))
    code, out, said = call("uses", "a", "--repository", "my_db.public.my_repo", "--json")
    assert code == 0
    assert [(one["name"], one["package"], one["python"]) for one in json.loads(out)] == [
        ("MY_DB.PUBLIC.F(VARCHAR)", "a==1", "3.11"), ("MY_DB.PUBLIC.G()", "a==2", "3.12"),
    ]  # fmt: skip
    assert said.splitlines()[-1:] == ["NOT CHECKED: MY_DB.PUBLIC.H(): Snowflake does not tell this role its packages"]
    # it told, and nobody can read it
    odd = Rows(("property", "value"), (("packages", "a 1"),))
    for answered in (odd, Rows(("X", "Y"), ())):
        snowflake_server.forget()
        snowflake_server.answer(
            rf"{view}.FUNCTIONS WHERE", rows("function", ("F", "()", "3.11", "R", None, None), more=MORE)
        )
        snowflake_server.answer(rf"{view}.PROCEDURES WHERE", rows("procedure", more=MORE))
        snowflake_server.answer("DESCRIBE FUNCTION MY_DB.PUBLIC.F", answered)
        said = call("uses", "a", "--repository", "my_db.public.my_repo")[2]
        assert "NOT CHECKED: MY_DB.PUBLIC.F(): " in said
        assert said.splitlines()[-2].endswith("packages is in a form that is not known")


def test_the_database_is_that_of_the_name_or_of_the_session(call: Call, snowflake_server: SnowflakeServer) -> None:
    code, _, said = call("uses", "a", "--repository", "r")
    assert (code, "fix: write --repository DATABASE.SCHEMA.NAME, or set SNOWFLAKE_DATABASE" in said) == (2, True)
    snowflake_server.answer(r"SELECT CURRENT_DATABASE\(\)", Rows(("X",), (("my db",),)))
    view = r'SELECT \* FROM "my db".INFORMATION_SCHEMA'
    for kind in ("FUNCTION", "PROCEDURE"):
        snowflake_server.answer(rf"{view}.{kind}S WHERE ARTIFACT_REPOSITORY = 'it''s'$", rows(kind))
    assert call("uses", "a", "--repository", '"it\'s"', "--json")[:2] == (0, "[]\n")


def test_a_role_that_may_not_ask_is_told(call: Call, snowflake_server: SnowflakeServer) -> None:
    snowflake_server.answer(r"SELECT \* FROM SNOWFLAKE", Refusal("002003", "02000", "does not exist or not authorized"))
    code, out, said = call("uses", "a")
    assert (code, out) == (2, "")
    assert "fix: GRANT DATABASE ROLE SNOWFLAKE.OBJECT_VIEWER TO ROLE SYNC_ROLE; or --repository NAME" in said


@pytest.mark.parametrize(
    ("asked", "entry", "fits"),
    [
        ("a", "a==1", True), ("a", "A", True), ("a", "a[x]==1", True), ("a", "ab==1", False), ("a==1", "a==1.0", True),
        ("a==1", "a==2", False), ("a<2", "a>=1", True), ("a<2", "a==odd version", True), ("a>=1", "a==2.0rc1", True),
        ("a-b", "a_b==1", True), ("a-b", "a.b==1", True), ("a-b", "axb==1", False),
    ],
)  # fmt: skip
def test_a_package_is_compared_by_its_canonical_name(asked: str, entry: str, fits: bool) -> None:
    assert Wanted.of(asked).fits(entry) == fits


def test_what_is_no_package_is_told() -> None:
    with pytest.raises(UsageError, match="PACKAGE: 'a b' is no package; fix: write it as in pandas"):
        Wanted.of("a b")
