"""Secrets in whatever form, through whatever sink: none is left."""

from __future__ import annotations

import base64
import logging
from pathlib import Path
from urllib.parse import quote

import pytest

from venvbuild import logs
from venvbuild.errors import UsageError
from venvbuild.redaction import MASK, Lines, Redactor, strip_credentials

SECRET = "p@ss/w0rd+&=?x"


def redactor(*secrets: str) -> Redactor:
    made = Redactor()
    made.hide(*secrets)
    return made


@pytest.mark.parametrize(
    "text",
    [
        SECRET,
        quote(SECRET, safe=""),
        quote(SECRET),
        base64.b64encode(SECRET.encode()).decode(),
        base64.urlsafe_b64encode(SECRET.encode()).decode().rstrip("="),
    ],
)
def test_a_known_secret_is_masked_in_every_form(text: str) -> None:
    assert redactor(SECRET).redact(f"before {text} after") == f"before {MASK} after"


def test_user_and_password_of_a_url_are_hidden_alone_and_together() -> None:
    made = Redactor()
    made.hide_url("https://robot:" + quote(SECRET, safe="") + "@host/simple")
    together = base64.b64encode(f"robot:{SECRET}".encode()).decode()
    assert made.redact(f"{SECRET} {together}") == f"{MASK} {MASK}"


@pytest.mark.parametrize("url", ["http://[host]/x", "http://[x/simple", "http://a:b:c@h/", "://", "http://"])
def test_what_only_looks_like_a_url_is_no_obstacle(url: str) -> None:
    made = Redactor()
    made.hide_environment({"CHANGE_TITLE": url})
    made.redact(strip_credentials(url))


def test_netrc_passwords_are_hidden_and_a_bad_netrc_is_no_error(tmp_path: Path) -> None:
    path = tmp_path / "netrc"
    path.write_text("machine host login robot password s3cretword\n")
    made = Redactor()
    made.hide_netrc(path)
    made.hide_netrc(tmp_path / "absent")
    (tmp_path / "bad").write_text("machine")
    made.hide_netrc(tmp_path / "bad")
    assert made.redact("s3cretword") == MASK


def test_the_log_is_redacted(tmp_path: Path) -> None:
    from venvbuild.redaction import REDACTOR

    REDACTOR.hide("log-canary-4711")
    logs.configure()
    logging.getLogger("venvbuild.test").info("early log-canary-4711")
    logs.follow(tmp_path / "build.log")
    try:
        raise UsageError("bad log-canary-4711")
    except UsageError:
        logging.getLogger("venvbuild.test").exception("failed")
    text = (tmp_path / "build.log").read_text()
    assert "early ****" in text
    assert "log-canary" not in text


@pytest.mark.parametrize(
    ("secret", "is_told"),
    [
        pytest.param("testing", False, id="a word"),
        pytest.param("password", False, id="a word of eight letters"),
        pytest.param("swordfish", False, id="a word that nobody has for a default"),
        pytest.param("123456", False, id="a number"),
        pytest.param("ab1", False, id="too short"),
        pytest.param("abc123", True, id="letters and digits"),
        pytest.param("correct-horse", True, id="twelve or more"),
    ],
)
def test_only_a_secret_that_means_something_is_looked_for_in_packages(secret: str, is_told: bool) -> None:
    assert [known.value for known in redactor(secret).secrets] == ([secret] if is_told else [])
    assert redactor(secret).finds_for_sure(f"# {secret}\n") is is_told


def test_a_word_is_hidden_where_it_stands_alone() -> None:
    made = redactor("swordfish")
    assert (
        made.redact("swordfish, swordfishes, my_swordfish \\nswordfish") == rf"{MASK}, swordfishes, my_{MASK} \n{MASK}"
    )


def test_a_default_shreds_no_message() -> None:
    made = Redactor()
    made.hide_url("https://ci:password@host/simple")
    made.hide_environment({"DB_PASSWORD": "testing"})
    assert made.redact("testing the password") == "testing the password"
    assert made.redact("ci:password") == MASK


def test_a_listed_name_is_hidden_whatever_it_is_called() -> None:
    made = Redactor()
    made.hide_environment(
        {"VENVBUILD_SECRET_NAMES": "colour, MY_*", "COLOUR": "blue-", "MY_X": "testing", "YOUR_X": "green-1"}
    )
    assert made.redact("blue- testing green-1") == f"{MASK} {MASK} green-1"


@pytest.mark.parametrize("value", ["!@#$%^&*()_+", "\\" * 30 + "x1", "a" * 5000, "0" * 5000 + "1"])
@pytest.mark.parametrize("line", ["\\" * 65_536, "&amp;" * 13_000, "%25" * 21_000, "a" * 65_536, "x\n" * 30_000])
def test_an_odd_secret_makes_no_line_slow(value: str, line: str) -> None:
    """With backtracking each of these takes minutes or for ever."""
    made = Redactor()
    made.hide_environment({"ODD_KEY": value})
    lines = Lines(made)
    assert [*lines.feed(line.encode()), *lines.close()]
