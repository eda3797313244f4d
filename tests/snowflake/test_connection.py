"""Who we are to Snowflake: which way counts, what each login carries, what is told when there is none, and no leaks."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.support.snowflake_server import PASSWORD, ROLE, USER, Rows, SnowflakeServer
from tests.support.tool import REPOSITORY
from venvbuild.errors import IntegrityError, UsageError
from venvbuild.redaction import REDACTOR
from venvbuild.snowflake.connection import FOUR_WAYS, Login, Timeouts, connected
from venvbuild.snowflake.refusals import About

TOKEN, PASSPHRASE = (
    "pat-Canary-92-abcdefghij",
    "phrase-Canary-93 with spaces",
)  # secrets, so that leaks can be looked for


@pytest.fixture
def key(tmp_path: Path) -> Path:
    """A private key behind a passphrase."""
    made = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    path = tmp_path / "key.p8"
    form = serialization.PrivateFormat.PKCS8
    path.write_bytes(
        made.private_bytes(serialization.Encoding.PEM, form, serialization.BestAvailableEncryption(PASSPHRASE.encode()))
    )
    return path


def log_in(login: Login) -> None:
    with connected(login) as session:
        assert session.current("ROLE") == [ROLE]


def test_a_password_is_sent_as_one_with_a_warning_that_such_logins_have_ended(
    snowflake_server: SnowflakeServer,
) -> None:
    login = Login.of(snowflake_server.environment(SNOWFLAKE_ROLE="R2", SNOWFLAKE_WAREHOUSE="W2"))
    log_in(login)
    [sent] = snowflake_server.logins
    assert (sent["LOGIN_NAME"], sent["PASSWORD"], sent.get("AUTHENTICATOR")) == (USER, PASSWORD, None)
    assert login.by.how == "a password"
    assert "SNOWFLAKE_PRIVATE_KEY_FILE" in login.warnings[0]


def test_a_token_is_one_of_a_program_or_of_oauth(snowflake_server: SnowflakeServer) -> None:
    given = {**snowflake_server.environment(), "SNOWFLAKE_TOKEN": TOKEN}
    log_in(Login.of(given))
    log_in(Login.of({**given, "SNOWFLAKE_AUTHENTICATOR": "OAuth"}))
    assert [(sent["AUTHENTICATOR"], sent["TOKEN"]) for sent in snowflake_server.logins] == [
        ("PROGRAMMATIC_ACCESS_TOKEN", TOKEN),
        ("OAUTH", TOKEN),
    ]
    assert all("PASSWORD" not in sent for sent in snowflake_server.logins)
    with pytest.raises(UsageError, match="externalbrowser' takes no token"):
        Login.of({**given, "SNOWFLAKE_AUTHENTICATOR": "externalbrowser"})


def test_a_key_goes_before_a_token_and_a_password(snowflake_server: SnowflakeServer, key: Path) -> None:
    given = snowflake_server.environment(
        SNOWFLAKE_PRIVATE_KEY_FILE=str(key), PRIVATE_KEY_PASSPHRASE=PASSPHRASE, SNOWFLAKE_TOKEN=TOKEN
    )
    log_in(Login.of(given))
    [sent] = snowflake_server.logins
    assert sent["AUTHENTICATOR"] == "SNOWFLAKE_JWT"
    assert sent["TOKEN"].count(".") == 2
    assert "PASSWORD" not in sent
    with pytest.raises(UsageError, match="the private key is not there"):
        Login.of({**given, "SNOWFLAKE_PRIVATE_KEY_FILE": str(key.with_name("none.p8"))})


@pytest.mark.parametrize(
    ("body", "passphrase"),
    [
        (b"", None),
        (b"hello\n", None),
        (b"hello\n", PASSPHRASE),
        (bytes(range(256)), None),
        (b"-----BEGIN PUBLIC KEY-----\nMA==\n-----END PUBLIC KEY-----\n", None),
        (None, None),
        (None, "another"),
    ],
    ids=["empty", "no key", "no key, a passphrase", "bytes", "a public key", "no passphrase", "a wrong passphrase"],
)
def test_a_key_that_cannot_be_used_is_named_and_mended_as_told(
    snowflake_server: SnowflakeServer, key: Path, body: bytes | None, passphrase: str | None
) -> None:
    """`body` None: the right key."""
    wrong = key.with_name("wrong.p8")
    wrong.write_bytes(key.read_bytes() if body is None else body)
    given = snowflake_server.environment(SNOWFLAKE_PRIVATE_KEY_FILE=str(wrong))
    with_passphrase = {} if passphrase is None else {"PRIVATE_KEY_PASSPHRASE": passphrase}
    with pytest.raises(UsageError) as refused, connected(Login.of({**given, **with_passphrase})):
        pass
    [problem] = refused.value.problems
    assert problem.what == "the private key cannot be used"
    assert problem.where == str(wrong)
    assert "private_key_password" not in problem.why
    assert ("PRIVATE_KEY_PASSPHRASE" in problem.fix) == (body is None or passphrase is not None)
    assert "PEM, PKCS#8" in problem.fix
    assert PASSPHRASE not in str(refused.value)
    assert snowflake_server.logins == []
    wrong.write_bytes(key.read_bytes())
    log_in(Login.of({**given, "PRIVATE_KEY_PASSPHRASE": PASSPHRASE}))


def connections(folder: Path, server: SnowflakeServer) -> Path:
    """The folder of a connections.toml with the connection `prod`."""
    folder.mkdir()
    file = folder / "connections.toml"
    file.write_text(
        f'[prod]\naccount = "a"\nuser = "of_the_file"\npassword = "file-Canary-94"\n'
        f'host = "127.0.0.1"\nport = {server.port}\nprotocol = "http"\nrole = "FILE_ROLE"\n'
    )
    file.chmod(0o600)
    return folder


@pytest.mark.parametrize("way", ["flag", "variable"])
def test_a_named_connection_goes_before_all(snowflake_server: SnowflakeServer, tmp_path: Path, way: str) -> None:
    """In a process of its own: the connector looks for the file when it is imported."""
    home = connections(tmp_path / "snowflake", snowflake_server)
    name = {"SNOWFLAKE_DEFAULT_CONNECTION_NAME": "prod"} if way == "variable" else {}
    code = (
        "import os; from venvbuild.snowflake.connection import *\n"
        f"with connected(Login.of(os.environ, {'prod' if way == 'flag' else None!r})): pass"
    )
    env = {
        **os.environ,
        **snowflake_server.environment(**name),
        "SNOWFLAKE_HOME": str(home),
        "PYTHONPATH": str(REPOSITORY),
    }
    ran = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], env=env, capture_output=True, text=True, check=False
    )
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "", "")
    [sent] = snowflake_server.logins
    assert (sent["LOGIN_NAME"], sent["PASSWORD"]) == ("of_the_file", "file-Canary-94")


def test_a_connection_that_is_not_there_is_told_with_the_four_ways(
    snowflake_server: SnowflakeServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SNOWFLAKE_HOME", str(connections(tmp_path / "snowflake", snowflake_server)))
    with pytest.raises(UsageError) as refused, connected(Login.of({}, "none")):
        pass
    [problem] = refused.value.problems
    assert "the connection none cannot be used" in problem.what
    assert problem.fix == FOUR_WAYS


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({}, "nothing says who asks Snowflake"),
        ({"SNOWFLAKE_ACCOUNT": "a", "SNOWFLAKE_USER": "u"}, "nothing says who asks Snowflake"),
        ({"SNOWFLAKE_PASSWORD": "p", "SNOWFLAKE_ACCOUNT": "a"}, "SNOWFLAKE_USER is not set"),
        ({"SNOWFLAKE_PASSWORD": "p", "SNOWFLAKE_USER": "u"}, "SNOWFLAKE_ACCOUNT is not set"),
        # what Azure puts there for a variable that nobody has defined
        ({"SNOWFLAKE_PASSWORD": "$(SNOWFLAKE_PASSWORD)", "SNOWFLAKE_USER": "u"}, "nothing says who asks Snowflake"),
        ({"SNOWFLAKE_PASSWORD": "", "SNOWFLAKE_TOKEN": ""}, "nothing says who asks Snowflake"),
    ],
)
def test_what_is_not_set_is_named_with_the_four_ways(given: dict[str, str], named: str) -> None:
    with pytest.raises(UsageError) as refused:
        Login.of(given)
    [problem] = refused.value.problems
    assert problem.what == named
    for way in ("--connection", "SNOWFLAKE_PRIVATE_KEY_FILE", "SNOWFLAKE_TOKEN", "SNOWFLAKE_PASSWORD"):
        assert way in problem.fix


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ({"SNOWFLAKE_PROTOCOL": "http"}, "in clear"),
        ({"SNOWFLAKE_PROTOCOL": "http", "SNOWFLAKE_HOST": "example.com"}, "in clear"),
        ({"SNOWFLAKE_PROTOCOL": "ftp"}, "is no protocol"),
        ({"SNOWFLAKE_PORT": "x"}, "is no port"),
        ({"SNOWFLAKE_PORT": "70000"}, "is no port"),
    ],
)
def test_an_address_that_is_wrong_or_not_safe_is_refused(wrong: dict[str, str], why: str) -> None:
    given = {"SNOWFLAKE_ACCOUNT": "a", "SNOWFLAKE_USER": "u", "SNOWFLAKE_PASSWORD": "p"}
    assert Login.of(given).by.host == "a.snowflakecomputing.com"
    with pytest.raises(UsageError, match=why):
        Login.of({**given, **wrong})


def test_a_login_shows_no_secret_of_its_own(snowflake_server: SnowflakeServer, key: Path) -> None:
    given = snowflake_server.environment(PRIVATE_KEY_PASSPHRASE=PASSPHRASE)
    for more in ({}, {"SNOWFLAKE_TOKEN": TOKEN}, {"SNOWFLAKE_PRIVATE_KEY_FILE": str(key)}):
        assert "Canary" not in repr(Login.of({**given, **more}))
    for secret in (PASSWORD, TOKEN, PASSPHRASE):
        assert secret not in REDACTOR.redact(f"he said: {secret}")


def test_the_connector_writes_no_secret_into_any_log(
    snowflake_server: SnowflakeServer, caplog: pytest.LogCaptureFixture, key: Path
) -> None:
    caplog.set_level(logging.DEBUG)
    ways: tuple[dict[str, str], ...] = (
        {},
        {"SNOWFLAKE_TOKEN": TOKEN},
        {"SNOWFLAKE_PRIVATE_KEY_FILE": str(key), "PRIVATE_KEY_PASSPHRASE": PASSPHRASE},
    )
    for more in ways:
        log_in(Login.of({**snowflake_server.environment(), **more}))
    assert caplog.records
    assert "Canary" not in caplog.text


def test_nothing_of_a_login_is_kept_on_the_disk_and_nothing_is_printed(
    snowflake_server: SnowflakeServer, tmp_path: Path
) -> None:
    code = (
        "import os; from venvbuild.snowflake.connection import *\n"
        "with connected(Login.of(os.environ)) as session: session.current('ROLE')"
    )
    env = {**os.environ, **snowflake_server.environment(), "HOME": str(tmp_path), "PYTHONPATH": str(REPOSITORY)}
    ran = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], env=env, capture_output=True, text=True, check=False
    )
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "", "")
    assert [path for path in tmp_path.rglob("*") if "Canary" in path.read_text(errors="replace")] == []


def test_a_session_ends_with_its_block_also_when_something_fails(snowflake_server: SnowflakeServer) -> None:
    login = Login.of(snowflake_server.environment())
    with pytest.raises(KeyError), connected(login, Timeouts()):
        raise KeyError("of the caller")
    assert snowflake_server.requests[-1] == "/session"
    assert snowflake_server.statements == []


@pytest.mark.parametrize("rows", [(), (("R", "A", "x"),), (("R", "A"),) * 2])
def test_an_answer_of_another_form_is_8(snowflake_server: SnowflakeServer, rows: tuple[tuple[str, ...], ...]) -> None:
    columns = ("r", "a", "x") if rows and len(rows[0]) == 3 else ("r", "a")
    snowflake_server.answer("SELECT", Rows(columns, rows))
    with (
        connected(Login.of(snowflake_server.environment())) as session,
        pytest.raises(IntegrityError, match="does not tell who we are"),
    ):
        session.current("ROLE", "ACCOUNT")


def test_rows_have_the_names_of_their_columns(snowflake_server: SnowflakeServer) -> None:
    with connected(Login.of(snowflake_server.environment())) as session:
        assert session.rows("SELECT CURRENT_ROLE(), CURRENT_ACCOUNT()", About("asking")) == [
            {"current_role()": ROLE, "current_account()": "XY12345"}
        ]
        assert session.role == ROLE
