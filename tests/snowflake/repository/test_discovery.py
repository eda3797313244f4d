"""What an account has, as a first file; by the real connector, in each shape of an answer."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.snowflake.repository.test_commands import EXAMPLES, Call
from tests.snowflake.repository.test_description import WHOLE, of
from tests.support.snowflake_account import SHAPES, Account
from tests.support.snowflake_server import Refusal, SnowflakeServer
from venvbuild.snowflake.repository import rules, sql
from venvbuild.snowflake.repository.description import Description, exact_parts, read

NO_RIGHT = Refusal("003001", "42501", "SQL access control error:\nInsufficient privileges")


@pytest.fixture
def call(
    capsys: pytest.CaptureFixture[str],
    snowflake_server: SnowflakeServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Call:
    monkeypatch.chdir(tmp_path)
    for name, value in snowflake_server.environment().items():
        monkeypatch.setenv(name, value)
    return Call(capsys)


def filled(server: SnowflakeServer, described: Description, shape: str) -> None:
    """An account that has all of it."""
    server.account = Account(shape=shape)
    for one in sql.statements(described, lambda variable: f"Canary-{variable}"):
        server.account.answer(one.sql)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("text", ["public", "whole"])
def test_what_an_account_shows_is_a_file_that_says_the_same(
    call: Call, snowflake_server: SnowflakeServer, tmp_path: Path, shape: str, text: str
) -> None:
    body = (EXAMPLES / "public.toml").read_text("utf-8") if text == "public" else WHOLE
    described = read(of(tmp_path, body, "given.toml"))
    filled(snowflake_server, described, shape)
    [wanted] = described.repositories
    code, out, _ = call("init", "--from-account", f"MY_DB.PUBLIC.{exact_parts(wanted.name)[-1]}")
    assert (code, out) == (0, "snowflake.toml\n")
    made = read(Path("snowflake.toml"))
    assert rules.judge(made).problems == ()
    [repository], [integration] = made.repositories, made.integrations
    assert exact_parts(repository.name)[-1] == exact_parts(wanted.name)[-1]
    assert exact_parts(repository.integration) == exact_parts(wanted.integration)
    assert repository.index_url == wanted.index_url
    assert (repository.retention, repository.comment or None) == (wanted.retention, wanted.comment or None)
    assert set(map(exact_parts, repository.grant_usage_to)) == set(map(exact_parts, wanted.grant_usage_to))
    assert set(integration.allowed_prefixes) == set(described.integrations[0].allowed_prefixes)
    assert integration.privatelink == described.integrations[0].privatelink
    assert exact_parts(repository.secret or "")[-1] == exact_parts(wanted.secret or "")[-1]
    written = Path("snowflake.toml").read_text()
    assert "# A guess: the name of the variable that is to hold" in written
    assert ("A guess: Snowflake tells the name alone" in written) == (shape == "json" or text == "public")
    assert "Canary-" not in written
    if (text, shape) != ("whole", "json"):  # there two secrets are shown as one
        code, out, _ = call("plan", "--ask")
        assert (code, "to create" in out, "to change" in out) == (0, False, False)


def test_what_is_not_told_is_a_guess_that_is_marked(
    call: Call, snowflake_server: SnowflakeServer, tmp_path: Path
) -> None:
    filled(snowflake_server, read(of(tmp_path, WHOLE, "given.toml")), "odd")
    for statement in ("DESCRIBE INTEGRATION", "DESCRIBE SECRET", "SHOW GRANTS"):
        snowflake_server.refuse(statement, NO_RIGHT)
    assert call("init", "--from-account", "my_db.public.r")[0] == 0
    text = Path("snowflake.toml").read_text()
    assert text.count("# A guess: ") == 2
    assert "# A guess: DESCRIBE does not tell it; write the URL that it has\nindex_url = " in text
    assert "# This role is not told who may use it" in text
    assert call("check")[0] == 0


def test_of_credentials_that_an_account_has_in_clear_none_comes_into_the_file(
    call: Call, snowflake_server: SnowflakeServer, tmp_path: Path
) -> None:
    filled(snowflake_server, read(of(tmp_path, (EXAMPLES / "public.toml").read_text("utf-8"), "given.toml")), "pairs")
    assert snowflake_server.account
    url = "https://bob:Canary-77x@nexus.example.com"
    for found in snowflake_server.account.objects.values():
        found.update({name: f"see {url}/" for name in ("COMMENT",) if name in found})
        found.update({name: f"{url}/simple/" for name in ("INDEX_URL",) if name in found})
        found.update({name: (url,) for name in ("API_ALLOWED_PREFIXES",) if name in found})
    assert call("init", "--from-account", "MY_DB.PUBLIC.MY_PYTHON_REPO")[0] == 0
    text = Path("snowflake.toml").read_text()
    assert "Canary" not in text
    assert 'allowed_prefixes = ["https://nexus.example.com"]' in text
    assert "# Its comment has something secret in it" in text
    assert call("check")[0] == 0
    # what is not in the file stays in the account
    assert "comment" not in call("plan", "--ask")[1]


def test_a_repository_that_is_not_there_is_told(call: Call, snowflake_server: SnowflakeServer) -> None:
    snowflake_server.account = Account()
    code, out, said = call("init", "--from-account", "MY_DB.PUBLIC.GONE")
    assert (code, out, Path("snowflake.toml").exists()) == (2, "", False)
    assert "GRANT USAGE ON ARTIFACT REPOSITORY MY_DB.PUBLIC.GONE TO ROLE SYNC_ROLE;" in said
    assert call("init", "--from-account", "R")[0] == 2
    Path("snowflake.toml").touch()
    sent = len(snowflake_server.statements)
    assert "it is there already" in call("init", "--from-account", "MY_DB.PUBLIC.GONE")[2]
    assert len(snowflake_server.statements) == sent


@pytest.mark.parametrize("arguments", [[], ["--from-settings", "--from-account", "a.b.c"]])
def test_one_of_two_places_is_named(call: Call, arguments: list[str]) -> None:
    code, _, said = call("init", *arguments)
    assert (code, said.endswith("fix: write --from-settings, or --from-account DATABASE.SCHEMA.NAME")) == (2, True)
