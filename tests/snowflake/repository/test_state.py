"""Whatever the shape of an answer: what it tells is known, and what it does not tell is not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.snowflake.repository.test_description import WHOLE, of
from tests.support.snowflake_account import SHAPES, Account, LocalSession
from venvbuild.errors import UsageError
from venvbuild.snowflake.connection import Table
from venvbuild.snowflake.refusals import About
from venvbuild.snowflake.repository import facts, sql, state
from venvbuild.snowflake.repository.description import Description, read
from venvbuild.snowflake.repository.state import Seen, listed, look, properties


@pytest.fixture
def described(tmp_path: Path) -> Description:
    text = WHOLE.replace("database.D", "database.MY_DB").replace('"D.S"', '"MY_DB.PUBLIC"')
    return read(of(tmp_path, text))


def made(described: Description, shape: str) -> Account:
    account = Account(shape)
    for one in sql.statements(described):
        answered = account.answer(one.sql)
        assert answered[0] == ("status",), (one.sql, answered)
    return account


@pytest.mark.parametrize("shape", SHAPES)
def test_what_was_made_is_seen_as_the_file_says_it(described: Description, shape: str) -> None:
    seen = look(LocalSession(made(described, shape)), described)
    for one in state.records_of(described):
        found = seen.seen[state.key_of(one, seen.context)]
        wanted = facts.of_record(one, seen.context)
        assert found.presence == "there"
        assert {name: found.facts.get(name) for name in wanted} == dict(wanted), one
    assert [one.presence for key, one in seen.seen.items() if key[0] == "grant"] == ["there"] * 2


def test_what_is_not_there_is_absent(described: Description) -> None:
    seen = look(LocalSession(Account()), described)
    assert {one.presence for key, one in seen.seen.items() if key[0] != "default"} == {"absent"}


def test_a_default_of_another_level_is_only_passed_on(described: Description) -> None:
    account = made(described, "documented")
    del account.defaults["DATABASE", ("MY_DB",)], account.defaults["SCHEMA", ("MY_DB", "PUBLIC")]
    seen = look(LocalSession(account), described)
    assert [one.presence for key, one in seen.seen.items() if key[0] == "default"] == ["there", "absent", "absent"]


def test_an_unknown_shape_tells_nothing_and_show_tells_a_part(described: Description) -> None:
    account = made(described, "odd")
    seen = look(LocalSession(account), described)
    [repository] = [one for key, one in seen.seen.items() if key[0] == "repository"]
    assert repository.facts == {"integration": "I", "comment": ""}
    assert "shape that is not known (columns section, content)" in repository.why


class Refusing(LocalSession):
    """Some statements are refused, as by rights or by anything else."""

    refused: tuple[tuple[str, str], ...] = ()

    def table(self, statement: str, about: About) -> Table:
        for pattern, rule in self.refused:
            if statement.startswith(pattern):
                raise UsageError("no", why="001003: what", rule=rule)
        return super().table(statement, about)


@pytest.mark.parametrize(
    ("pattern", "kind", "why"),
    [
        ("DESCRIBE SECRET", "secret", "DESCRIBE SECRET was refused to role DEVELOPER"),
        ("SHOW PARAMETERS", "default", "SHOW PARAMETERS was refused to role DEVELOPER"),
        ("SHOW GRANTS", "grant", "SHOW GRANTS was refused to role DEVELOPER"),
    ],
)
def test_what_is_refused_is_hidden_with_who_asked(described: Description, pattern: str, kind: str, why: str) -> None:
    session = Refusing(made(described, "documented"))
    session.refused = ((pattern, "NO_RIGHT"),)
    seen = look(session, described)
    assert {(one.presence, one.why) for key, one in seen.seen.items() if key[0] == kind} == {("hidden", why)}
    session.refused = ((pattern, ""),)
    assert {one.presence for key, one in look(session, described).seen.items() if key[0] == kind} == {"hidden"}


def test_a_repository_that_only_show_shows_is_there(described: Description) -> None:
    session = Refusing(made(described, "documented"))
    session.refused = (("DESCRIBE ARTIFACT", "NOT_THERE"), ("SHOW GRANTS", "NOT_THERE"))
    seen = look(session, described)
    [repository] = [one for key, one in seen.seen.items() if key[0] == "repository"]
    unseen = "it is not there, or role DEVELOPER cannot see it"
    why = f"DESCRIBE ARTIFACT REPOSITORY: {unseen}"
    assert (repository.presence, repository.why, "index_url" in repository.facts) == ("there", why, False)
    grants = {(one.presence, one.why) for key, one in seen.seen.items() if key[0] == "grant"}
    assert grants == {("hidden", f"SHOW GRANTS: {unseen}")}


SECRET = {
    "snowflake.toml": '[secret.s]\ntype = "password"\nusername = "a"\npassword_env = "P"\n',
    "snowflake.yaml": "secret: {s: {type: password, username: a, password_env: P}}\n",
}
CONTEXT = {
    "snowflake.toml": '[context]\ndatabase = "D"\nschema = "S"\n',
    "snowflake.yaml": "context: {database: D, schema: S}\n",
}


@pytest.mark.parametrize("name", SECRET)
def test_a_name_that_nothing_completes_ends_it_with_its_line(tmp_path: Path, name: str) -> None:
    described = read(of(tmp_path, SECRET[name], name))

    class Nowhere(LocalSession):
        def table(self, statement: str, about: About) -> Table:
            return Table(("a", "r", "d", "s"), [dict.fromkeys("ards")])

    told = rf"{name}:1: s has no database and schema.*write database and schema into the table `context` of the file"
    with pytest.raises(UsageError, match=told):
        look(Nowhere(Account()), described)
    # the advice, in either form
    look(Nowhere(Account()), read(of(tmp_path, CONTEXT[name] + SECRET[name], name)))


def test_the_name_of_a_user_that_comes_from_a_variable_is_not_kept(tmp_path: Path) -> None:
    text = '[secret."A.B.S"]\ntype = "password"\nusername_env = "U"\npassword_env = "P"\n'
    described = read(of(tmp_path, text))
    account = Account()
    account.answer("CREATE SECRET IF NOT EXISTS A.B.S\n  TYPE = PASSWORD\n  USERNAME = 'Canary'\n  PASSWORD = 'x';")
    assert list(look(LocalSession(account), described).seen.values()) == [Seen("there", {"type": "password"})]


@pytest.mark.parametrize(
    ("columns", "rows", "found"),
    [
        (("property", "property_value", "x"), [("A", "1", ""), ("b", None, "")], {"a": "1", "b": None}),
        (("key", "value"), [("A", "1")], {"a": "1"}),
        (("property", "value"), [("A", "1"), ("a", "2")], None),
        (("a", "b"), [("1", "2")], {"a": "1", "b": "2"}),
        (("info",), [('{"A": 1}',)], {"a": 1}),
        (("a", "b"), [("1", "2"), ("3", "4")], None),
        (("a", "b"), [], None),
    ],
)
def test_the_shapes(columns: tuple[str, ...], rows: list[tuple[Any, ...]], found: dict[str, Any] | None) -> None:
    assert properties(Table(columns, [dict(zip(columns, row, strict=True)) for row in rows])) == found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (None, ()), ("", ()), ("[]", ()), ("()", ()), ("a,b", ("a", "b")), ("['a', 'b']", ("a", "b")),
        ('["a", "b"]', ("a", "b")), ("('it''s', 'b\\'c')", ("it's", "b'c")), ('D."x,y".S, T', ('D."x,y".S', "T")),
        (["a"], ("a",)), ("'a", None),
    ],
)  # fmt: skip
def test_the_lists(text: object, found: tuple[str, ...] | None) -> None:
    assert listed(text) == found
