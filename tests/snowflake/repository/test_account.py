"""plan, apply and destroy against an account on the loopback server, by the real connector."""

from __future__ import annotations

import functools
import json
import logging
import shlex
from pathlib import Path

import pytest

from tests.end_to_end.test_screens import EVIL, judge
from tests.snowflake.conftest import SHORT
from tests.snowflake.repository.test_commands import EXAMPLES, Call
from tests.support.snowflake_account import SHAPES, Account
from tests.support.snowflake_server import ROLE, Lost, Refusal, SnowflakeServer, Status
from venvbuild.commands.snowflake.repository import account as account_module
from venvbuild.snowflake import connected
from venvbuild.snowflake.repository import plan_file

USER, TOKEN = "repo-Canary-11'user", "repo-Canary-12\\\"'tök"
CHANGING = "(CREATE|ALTER|GRANT|DROP)"
NO_RIGHT = Refusal(
    "003001", "42501", "SQL access control error:\nInsufficient privileges to operate on schema 'PUBLIC'"
)


@pytest.fixture
def account(snowflake_server: SnowflakeServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Account:
    """What `snowflake.toml` here describes is not in it yet."""
    for name, value in {**snowflake_server.environment(), "REPO_USER": USER, "REPO_TOKEN": TOKEN}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(account_module, "connected", functools.partial(connected, timeouts=SHORT))
    text = (EXAMPLES / "public.toml").read_text("utf-8")
    text = text.replace('comment = "', 'grant_usage_to = ["ANALYST"]\ncomment = "', 1)
    more = '[context]\ndatabase = "MY_DB"\nschema = "PUBLIC"\n[default]\naccount = "my_python_repo"\n'
    (tmp_path / "snowflake.toml").write_text(more + text)
    snowflake_server.account = account = Account(database="MY_DB", schema="PUBLIC")
    return account


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Call:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    return Call(capsys)


def changing(server: SnowflakeServer) -> list[str]:
    return [one for one in server.statements if one.split()[0] in ("CREATE", "ALTER", "GRANT", "DROP")]


def test_plan_apply_plan_destroy(
    account: Account, call: Call, snowflake_server: SnowflakeServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    code, out, said = call("plan", "--ask", "--detailed-exitcode")
    assert (code, out.splitlines()[-1]) == (11, "7 to create.")
    assert out.splitlines()[0] == "  + secret          MY_DB.PUBLIC.MY_REPO_SECRET"
    assert "+ grant           USAGE on MY_DB.PUBLIC.MY_PYTHON_REPO to ANALYST" in out
    code, out, said = call("apply")
    assert (code, changing(snowflake_server)) == (0, [])
    assert said.endswith("7 statements; nothing was run: --yes does it\n")
    code, out, said = call("apply", "--yes", "--try")
    assert code == 0
    assert "[7/7] create procedure MY_DB.PUBLIC.TEST_SPROC()  " in said
    assert "SELECT MY_DB.PUBLIC.test_udf()  hello\nCALL MY_DB.PUBLIC.test_sproc()  hello\n" in said
    for shape in SHAPES:
        account.shape = shape
        code, out, said = call("plan", "--ask", "--detailed-exitcode")
        assert (code, out.splitlines()[-1]) == (0, "7 unchanged.")
    assert "exists (its value cannot be compared; set it again with --rotate-secret)" in out
    assert call("plan", "--ask", "--format", "sql")[1] == ""
    # a warehouse was asked for before the functions
    asked = snowflake_server.statements
    assert asked.index("SELECT CURRENT_WAREHOUSE()") < asked.index(next(o for o in asked if "REPLACE FUNCTION" in o))
    code, out, said = call("destroy")
    assert (code, "nothing was dropped" in said) == (0, True)
    assert call("destroy", "--yes")[0] == 0
    assert (account.objects, account.defaults) == ({}, {})
    assert [one.split()[:2] for one in changing(snowflake_server)[-6:]] == [
        ["DROP", "PROCEDURE"], ["DROP", "FUNCTION"], ["ALTER", "ACCOUNT"], ["DROP", "ARTIFACT"], ["DROP", "API"],
        ["DROP", "SECRET"],
    ]  # fmt: skip
    assert "Canary" not in caplog.text


def test_values_of_secrets_are_in_one_statement_and_nowhere_else(
    account: Account, call: Call, snowflake_server: SnowflakeServer, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    caplog.set_level(logging.DEBUG)
    # Snowflake tells the statement back
    echo = Refusal("001003", "42000", f"SQL compilation error: unexpected '{TOKEN}' in USERNAME = '{USER}'")
    snowflake_server.refuse("CREATE SECRET", echo, times=1)
    results = [call("apply", "--yes")]
    assert results[0][0] == 2
    assert "statement 1 of 7 (create secret MY_DB.PUBLIC.MY_REPO_SECRET): " in results[0][2]
    assert "why: of CREATE SECRET IF NOT EXISTS MY_DB.PUBLIC.my_repo_secret TYPE = PASSWORD" in results[0][2]
    assert "note: no account has confirmed: " in results[0][2]
    snowflake_server.statements.clear()
    results.append(call("plan", "--ask", "--out", "kept.json"))
    results.append(call("apply", "--plan", "kept.json", "--yes"))
    assert [one[0] for one in results] == [2, 0, 0]
    sent = [one for one in snowflake_server.statements if "Canary" in one]
    assert len(sent) == 1
    assert "USERNAME = 'repo-Canary-11''user'\n  PASSWORD = 'repo-Canary-12\\\\\"''tök'" in sent[0]
    snowflake_server.statements.clear()
    results += [call("apply", "--yes", "--json", "--rotate-secret", "my_repo_secret"), call("destroy", "--json")]
    assert [one for one in snowflake_server.statements if "Canary" in one] == [
        "ALTER SECRET IF EXISTS MY_DB.PUBLIC.my_repo_secret SET "
        "USERNAME = 'repo-Canary-11''user' PASSWORD = 'repo-Canary-12\\\\\"''tök'"
    ]
    written = "".join(path.read_text("utf-8", "replace") for path in tmp_path.rglob("*") if path.is_file())
    for text in (caplog.text, written, *(part for one in results for part in one[1:])):
        assert "Canary" not in text


def test_no_error_carries_the_statement_with_it(
    account: Account, call: Call, snowflake_server: SnowflakeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    from venvbuild.errors import VenvBuildError
    from venvbuild.main import cli

    snowflake_server.refuse("CREATE SECRET", Refusal("001003", "42000", f"unexpected '{TOKEN}'"))
    with pytest.raises(VenvBuildError) as caught:
        cli.main(["snowflake", "repository", "apply", "--yes"], standalone_mode=False)
    error: BaseException | None = caught.value
    while error:
        assert "Canary" not in f"{error} {error.args} {vars(error)}"
        error = error.__cause__ or error.__context__


@pytest.mark.parametrize("at", [0, 4])
def test_it_ends_where_a_statement_fails_and_goes_on_from_there(
    account: Account, call: Call, snowflake_server: SnowflakeServer, at: int
) -> None:
    snowflake_server.let_pass(CHANGING, at)
    snowflake_server.refuse(CHANGING, NO_RIGHT, times=1)
    code, _, said = call("apply", "--yes")
    assert code == 2
    assert f"statement {at + 1} of 7 (" in said
    done = ", ".join(map(str, range(1, at + 1))) or "none"
    left = ", ".join(map(str, range(at + 1, 8)))
    assert f"role {ROLE} may not " in said
    assert f"done: {done}; not done: {left}; apply goes on from there; query " in said
    assert "fix: " in said
    before = len(account.run)
    assert before == at
    assert call("apply", "--yes")[0] == 0
    assert len(account.run) - before == 7 - at


def test_the_grant_that_is_advised_is_the_one_that_helps(
    account: Account, call: Call, snowflake_server: SnowflakeServer
) -> None:
    snowflake_server.refuse("CREATE ARTIFACT REPOSITORY", NO_RIGHT)
    said = call("apply", "--yes")[2]
    advice = said.partition("fix: ")[2].strip()
    assert advice == (
        f"GRANT CREATE ARTIFACT REPOSITORY ON SCHEMA MY_DB.PUBLIC TO ROLE {ROLE}; "
        f"GRANT USAGE ON INTEGRATION PYTHON_REPO_INTEGRATION TO ROLE {ROLE};"
    )
    for grant in advice.rstrip(";").split("; "):
        assert account.answer(grant)[0] == ("status",)
    if len(account.others) == 2:
        snowflake_server.forget()
    assert call("apply", "--yes")[0] == 0


@pytest.mark.parametrize("how", [Lost(), Status(503)])
def test_a_connection_that_is_lost_leaves_open_what_was_done(
    account: Account, call: Call, snowflake_server: SnowflakeServer, how: Lost | Status
) -> None:
    snowflake_server.refuse("CREATE ARTIFACT REPOSITORY", how)
    code, _, said = call("apply", "--yes")
    assert code == 7
    assert "statement 3 of 7 (create repository MY_DB.PUBLIC.MY_PYTHON_REPO): " in said
    assert "done: 1, 2; not known: 3; not done: 4, 5, 6, 7; apply goes on from there" in said
    snowflake_server.forget()
    code, out, _ = call("apply", "--yes")
    # what was lost on its way back is there, and what came to nobody is not
    left = 4 if isinstance(how, Lost) else 5
    assert (code, out.splitlines()[-1]) == (0, f"{left} to create, {7 - left} unchanged.")


def test_what_this_role_is_not_shown_is_not_taken_for_made(
    account: Account, call: Call, snowflake_server: SnowflakeServer
) -> None:
    assert call("apply", "--yes")[0] == 0
    unseen = Refusal("002003", "02000", "Secret 'S' does not exist or not authorized.")
    snowflake_server.refuse("DESCRIBE SECRET", unseen)
    code, _, said = call("apply", "--yes")
    assert code == 2
    assert "it was there already, and is not shown to this role" in said
    assert f"GRANT OWNERSHIP ON SECRET MY_DB.PUBLIC.MY_REPO_SECRET TO ROLE {ROLE} COPY CURRENT GRANTS" in said


def test_without_a_warehouse_nothing_is_begun(account: Account, call: Call, snowflake_server: SnowflakeServer) -> None:
    snowflake_server.warehouse = None
    code, _, said = call("apply", "--yes")
    assert (code, changing(snowflake_server)) == (2, [])
    assert "fix: set SNOWFLAKE_WAREHOUSE, or `warehouse` in connections.toml" in said


def test_a_variable_that_is_not_set_ends_it_before_anything_is_sent(
    account: Account, call: Call, snowflake_server: SnowflakeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("REPO_USER")
    monkeypatch.setenv("REPO_TOKEN", "")
    code, _, said = call("apply", "--yes")
    assert (code, changing(snowflake_server)) == (2, [])
    assert "snowflake.toml:12: REPO_USER is not set; why: secret MY_DB.PUBLIC.MY_REPO_SECRET has it" in said
    assert "snowflake.toml:13: REPO_TOKEN is not set" in said
    # neither is needed for what is there already
    monkeypatch.setenv("REPO_USER", "u")
    monkeypatch.setenv("REPO_TOKEN", "a-token")
    assert call("apply", "--yes")[0] == 0
    monkeypatch.delenv("REPO_USER")
    assert call("apply", "--yes")[0] == 0


def test_an_unknown_shape_is_said_and_left_alone(account: Account, call: Call) -> None:
    account.shape = "odd"
    assert call("apply", "--yes")[0] == 0
    code, out, said = call("plan", "--ask", "--detailed-exitcode")
    assert code == 11
    assert "  ? repository      MY_DB.PUBLIC.MY_PYTHON_REPO" in out
    assert out.endswith("6 unchanged, 1 cannot be compared.\n")
    said = call("apply", "--yes")[2]
    assert "1 object cannot be compared and was left alone; `plan` alone prints the SQL of the whole file" in said
    assert "ALTER ARTIFACT REPOSITORY IF EXISTS MY_DB.PUBLIC.my_python_repo SET INDEX_URL" in call("plan")[1]


def test_a_plan_that_is_kept_is_run_as_it_was_or_not_at_all(account: Account, call: Call, tmp_path: Path) -> None:
    assert call("plan", "--ask", "--out", "kept.json")[0] == 0
    assert call("apply", "--plan", "kept.json", "--yes")[0] == 0
    assert len(account.run) == 7
    code, _, said = call("apply", "--plan", "kept.json", "--yes")
    assert code == 2
    assert "the plan is stale" in said
    assert "secret MY_DB.PUBLIC.MY_REPO_SECRET was absent, and is there" in said
    call("plan", "--ask", "--out", "kept.json")
    account.answer(
        "ALTER API INTEGRATION IF EXISTS python_repo_integration SET\n  API_ALLOWED_PREFIXES = ('https://x')"
    )
    assert "integration PYTHON_REPO_INTEGRATION has another allowed_prefixes" in call(
        "apply", "--plan", "kept.json", "--yes"
    )[2]  # fmt: skip
    text = (tmp_path / "snowflake.toml").read_text()
    # the advice
    assert call("plan", "--out", "kept.json")[0] == 0
    (tmp_path / "snowflake.toml").write_text(text.replace("==1.2", "==1.3"))
    said = call("apply", "--plan", "kept.json", "--yes")[2]
    assert "the description, or what is asked for, makes other statements" in said
    (tmp_path / "snowflake.toml").write_text(text)
    assert call("apply", "--plan", "kept.json", "--yes")[0] == 0


def test_a_replacement_is_told_and_needs_its_flag(account: Account, call: Call, tmp_path: Path) -> None:
    assert call("apply", "--yes")[0] == 0
    text = (tmp_path / "snowflake.toml").read_text()
    new = '[integration.other]\nallowed_prefixes = ["https://nexus.example.com"]\nsecrets = ["my_repo_secret"]\n'
    (tmp_path / "snowflake.toml").write_text(
        text.replace('integration = "python_repo_integration"', 'integration = "other"') + new
    )
    before = len(account.run)
    code, out, said = call("plan", "--ask", "--format", "sql")
    assert (code, "OR REPLACE" in out) == (0, False)
    assert "note: apply replaces nothing without --replace" in said
    code, out, said = call("apply", "--yes")
    assert (code, len(account.run)) == (2, before)
    assert "! repository      MY_DB.PUBLIC.MY_PYTHON_REPO  has to be replaced: integration: PYTHON_REPO" in out
    assert "the grants on it are lost, and the copies of packages that it retains" in said
    assert call("apply", "--yes", "--replace")[0] == 0
    assert [one.split("\n")[0] for one in account.run[before:]] == [
        "CREATE API INTEGRATION IF NOT EXISTS other",
        "CREATE OR REPLACE ARTIFACT REPOSITORY MY_DB.PUBLIC.my_python_repo",
        "GRANT USAGE ON ARTIFACT REPOSITORY MY_DB.PUBLIC.my_python_repo TO ROLE ANALYST",
    ]
    assert call("plan", "--ask")[1].endswith("8 unchanged.\n")


def test_json_is_one_value_with_changes_and_masked_statements(account: Account, call: Call) -> None:
    for verb in (["plan", "--ask", "--json"], ["plan", "--ask", "--format", "json"], ["apply", "--json"]):
        found = json.loads(call(*verb)[1])
        assert [one["action"] for one in found["changes"]] == ["create"] * 7
        assert "PASSWORD = '***'" in found["statements"][0]["sql"]
    assert json.loads(call("apply", "--yes", "--json")[1])["is_done"] is True
    assert (
        json.loads(call("destroy", "--json")[1])["statements"][-1]["sql"] == "DROP SECRET MY_DB.PUBLIC.my_repo_secret;"
    )


@pytest.mark.parametrize(
    ("how", "told"), [(NO_RIGHT, ([1, 2], [], [3, 4, 5, 6, 7])), (Lost(), ([1, 2], [3], [4, 5, 6, 7]))]
)
def test_json_says_of_what_fails_what_is_done(
    account: Account,
    call: Call,
    snowflake_server: SnowflakeServer,
    how: Refusal | Lost,
    told: tuple[list[int], list[int], list[int]],
) -> None:
    snowflake_server.refuse("CREATE ARTIFACT REPOSITORY", how)
    code, out, _ = call("apply", "--yes", "--json")
    found = json.loads(out)
    assert (code, found["is_done"], len(found["statements"])) == (7 if told[1] else 2, False, 7)
    assert (found["done"], found["not_known"], found["not_done"]) == told


def test_json_tells_what_was_done_before_a_function_that_fails(
    account: Account, call: Call, snowflake_server: SnowflakeServer
) -> None:
    snowflake_server.refuse("CALL", Refusal("100357", "P0000", "Python Interpreter Error"))
    code, out, _ = call("apply", "--yes", "--try", "--json")
    found = json.loads(out)
    assert (code, found["is_done"], found["not_done"], len(found["tried"])) == (2, True, [], 1)
    # nothing is tried where nothing is done
    code, out, said = call("apply", "--try")
    assert (code, out) == (2, "")
    assert "--try: nothing is tried where nothing is done; fix: add --yes, or leave --try out" in said
    found = json.loads(call("apply", "--json")[1])
    assert (found["is_done"], found["done"], found["not_done"]) == (False, [], [])


def test_an_artifact_error_while_trying_ends_it_with_its_meaning(
    account: Account, call: Call, snowflake_server: SnowflakeServer
) -> None:
    snowflake_server.refuse("SELECT MY_DB", Refusal("100357", "P0000", "pip: HTTP 400 Bad Request, error code: 10003"))
    code, _, said = call("apply", "--yes", "--try")
    assert code == 2
    assert "try function MY_DB.PUBLIC.TEST_UDF(): " in said
    assert "a host on the way is under no allowed prefix" in said
    assert len(account.run) == 7


def test_what_an_account_tells_is_harmless_on_a_screen(account: Account, call: Call) -> None:
    assert call("apply", "--yes")[0] == 0
    for found in account.objects.values():
        found.update({name: EVIL for name in ("COMMENT", "HANDLER") if name in found})
    code, out, said = call("plan", "--ask")
    assert (code, out.splitlines()[-1]) == (0, "3 to change, 4 unchanged.")
    judge(out, "plan")
    judge(said, "plan")
    assert r"comment: =cmd|'!A0\x1b[31m" in out


def test_what_is_no_plan_is_refused(account: Account, call: Call, tmp_path: Path) -> None:
    call("plan", "--ask", "--out", "kept.json")
    kept = json.loads((tmp_path / "kept.json").read_text())
    for name, text in (
        ("gone", None), ("list", "[]"), ("text", "x"), ("deep", "[" * 100_000),
        ("changed", json.dumps({**kept, "state": kept["state"][1:]})), ("old", json.dumps({**kept, "format": 0})),
    ):  # fmt: skip
        if text is not None:
            (tmp_path / name).write_text(text)
        code, _, said = call("apply", "--plan", name, "--yes")
        assert (code, said.startswith(f"{name}: it ")) == (2, True)
    assert account.run == []
    assert plan_file.read(tmp_path / "kept.json", "").statements
    assert call("plan", "--ask", "--out", "no/such/folder/x")[0] == 2


def advice(said: str) -> list[str]:
    """The command line of a message, without its program."""
    return shlex.split(said.partition("`venvbuild ")[2].partition("`")[0])[2:]


def test_a_plan_is_not_run_for_another_description_or_by_another_hand(
    account: Account, call: Call, tmp_path: Path
) -> None:
    file, kept = tmp_path / "other.toml", tmp_path / "kept.json"
    file.write_text((tmp_path / "snowflake.toml").read_text())
    (tmp_path / "snowflake.toml").unlink()
    asked = ["-f", "other.toml", "--replace", "--rotate-secret", "my_repo_secret"]
    assert call("plan", *asked, "--out", "kept.json")[0] == 0
    text = file.read_text()
    # The masked statements are the same.
    file.write_text(text.replace('password_env = "REPO_TOKEN"', 'password_env = "HOME"'))
    code, _, said = call("apply", "-f", "other.toml", "--plan", "kept.json", "--yes")
    assert (code, account.run) == (2, [])
    assert "secret MY_DB.PUBLIC.MY_REPO_SECRET is described otherwise" in said
    file.write_text(f"# a comment\n{text}")
    # to the letter
    words = advice(said)
    assert (words[0], sorted(words[1:])) == ("plan", sorted(["--file", *asked[1:], "--out", "kept.json"]))
    assert call(*words)[0] == 0
    for name, value in (("is_replacing", False), ("region", "X"), ("statements", [])):
        changed = tmp_path / "changed.json"
        changed.write_text(json.dumps({**json.loads(kept.read_text()), name: value}))
        assert call("apply", "-f", "other.toml", "--plan", "changed.json", "--yes")[0] == 2
    assert account.run == []
    code, _, said = call("apply", "-f", "other.toml", "--plan", "kept.json", "--yes")
    assert code == 0
    assert "applied again, this plan sets it again" in said


def test_a_plan_keeps_nothing_of_what_the_account_tells(account: Account, call: Call, tmp_path: Path) -> None:
    assert call("apply", "--yes")[0] == 0
    key = ("ARTIFACT REPOSITORY", ("MY_DB", "PUBLIC", "MY_PYTHON_REPO"), "")
    account.objects[key]["INDEX_URL"] = "https://bob:Canary-77x@nexus/simple/"
    account.objects[key]["COMMENT"] = "Canary-78"
    assert call("plan", "--out", "kept.json")[0] == 0
    assert "Canary" not in (tmp_path / "kept.json").read_text()
    assert call("apply", "--plan", "kept.json")[0] == 0
    account.objects[key]["COMMENT"] = "Canary-79"
    assert "MY_PYTHON_REPO has another comment" in call("apply", "--plan", "kept.json")[2]


def test_what_goes_on_is_what_failed(account: Account, call: Call, snowflake_server: SnowflakeServer) -> None:
    assert call("plan", "--out", "kept.json")[0] == 0
    snowflake_server.let_pass(CHANGING, 2)
    snowflake_server.refuse(CHANGING, NO_RIGHT, times=1)
    said = call("apply", "--plan", "kept.json", "--yes")[2]
    assert "not done: 3, 4, 5, 6, 7; make another plan, which goes on from there: `venvbuild snowflake" in said
    assert call(*advice(said))[0] == 0
    assert call("apply", "--plan", "kept.json", "--yes")[0] == 0
    snowflake_server.refuse("DROP ARTIFACT", NO_RIGHT, times=1)
    said = call("destroy", "--yes")[2]
    assert "; destroy goes on from there; " in said
    assert call("destroy", "--yes")[0] == 0
    assert account.objects == {}


def test_who_sees_nothing_is_told_so_and_it_is_no_success(
    account: Account, call: Call, snowflake_server: SnowflakeServer
) -> None:
    snowflake_server.refuse("(DESCRIBE|SHOW)", NO_RIGHT)
    for verb, done in (("apply", "done"), ("destroy", "dropped")):
        code, out, said = call(verb, "--yes")
        assert (code, out.splitlines()[-1].endswith("cannot be compared.")) == (2, True)
        assert f"nothing that the file describes can be seen, and nothing was {done}" in said
        assert "DESCRIBE SECRET was refused to role" in said
