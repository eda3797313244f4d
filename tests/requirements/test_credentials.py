"""Which lines hold a credential: stricter than the redactor, and wider."""

from __future__ import annotations

import pytest

from venvbuild.redaction import Redactor
from venvbuild.requirements import credentials


@pytest.fixture(autouse=True)
def known(monkeypatch: pytest.MonkeyPatch) -> Redactor:
    """What this run knows to be secret: nothing that another test told."""
    redactor = Redactor()
    monkeypatch.setattr("venvbuild.requirements.credentials.REDACTOR", redactor)
    return redactor


@pytest.mark.parametrize(
    "line",
    [
        pytest.param("--index-url https://user:hunter2@host/simple", id="URL"),
        pytest.param("--index-url https://abcdef0123456789@host/simple", id="token in a URL"),
        pytest.param("https://user:pass/word@host/simple", id="URL with a slash in the password"),
        pytest.param("# password = swordfish", id="blanks around the sign"),
        pytest.param("# password: swordfish", id="one word after a colon"),
        pytest.param("# Passwd='hunter2'", id="quoted"),
        pytest.param("# api-key=4f2a9c", id="api key"),
        pytest.param("# aws_secret_access_key = wJalrXUtnFEMI/K7MDENG", id="AWS"),
        pytest.param("# AKIAABCDEFGHIJKLMNOP", id="AWS key id"),
        pytest.param("# token: 9f8e7d6c5b4a", id="token"),
        pytest.param("# authorization: basic dXNlcjpwYXNz", id="basic"),
        pytest.param("# authorization: Bearer abc", id="bearer"),
        pytest.param("# cookie: session=abc", id="cookie"),
        pytest.param("# ghp_abcdefghijklmnopqrst", id="GitHub"),
        pytest.param("-----BEGIN RSA PRIVATE KEY-----", id="private key"),
        pytest.param('# "credentials": "u/p"', id="JSON"),
    ],
)
def test_a_line_with_a_credential_is_told(line: str) -> None:
    assert credentials.holds_credential(line)


@pytest.mark.parametrize(
    "line",
    [
        pytest.param("tiktoken==0.7", id="a name that ends like a label"),
        pytest.param("token==1.0", id="a package called token"),
        pytest.param("passwords=1.0.2", id="a version"),
        pytest.param("secret: 12", id="a small number"),
        pytest.param("# token: rotate", id="an order"),
        pytest.param("# token: rotate in May", id="prose"),
        pytest.param("# password: see vault", id="prose of a password"),
        pytest.param("# password: <yours>", id="placeholder"),
        pytest.param("# password=${PASSWORD}", id="variable"),
        pytest.param("# password = $PASSWORD", id="shell variable"),
        pytest.param("# secret=****", id="masked"),
        pytest.param("# secret = xxxx", id="crossed out"),
        pytest.param("# token = None", id="none"),
        pytest.param("https://host:8443/simple", id="port"),
        pytest.param("git+ssh://git@github.com/o/r", id="git's own user"),
        pytest.param("https://:@host/simple", id="empty user info"),
        pytest.param("https://${USER}:${PASS}@host/simple", id="URL of variables"),
        pytest.param("https://host/a/b", id="plain URL"),
        pytest.param("numpy==1.0", id="pin"),
        pytest.param("", id="nothing"),
    ],
)
def test_an_honest_line_holds_no_credential(line: str) -> None:
    assert not credentials.holds_credential(line)


@pytest.mark.parametrize(
    ("line", "is_one"),
    [
        pytest.param("# api: rotate", False, id="api, with nothing like a key"),
        pytest.param("# token: rotation", False, id="short lower-case word"),
        pytest.param("# token: Rotation", True, id="capital"),
        pytest.param("# token: rotationplans", True, id="long word"),
        pytest.param("# password: rotate", True, id="a person's word may be any word"),
        pytest.param("# password:rotate", True, id="no blank, no prose"),
        pytest.param("# password=rotate it", True, id="an equals sign is no prose"),
    ],
)
def test_one_word_after_a_label_is_judged_by_who_makes_such_secrets(line: str, is_one: bool) -> None:
    assert credentials.holds_credential(line) is is_one


def test_a_secret_that_the_run_knows_is_found_anywhere(known: Redactor) -> None:
    assert not credentials.holds_credential("# correct-horse-battery")
    known.hide("correct-horse-battery")
    assert credentials.holds_credential("# correct-horse-battery")


def test_a_known_secret_that_may_be_a_name_is_not_looked_for(known: Redactor) -> None:
    known.hide("pytest")
    assert not credentials.holds_credential("pytest==8.0")


@pytest.mark.parametrize("text", ["numpy==1.0\npandas==2.0\n", "# made by uv\n", ""])
def test_most_texts_are_not_worth_asking_line_by_line(text: str) -> None:
    assert not credentials.may_hold_credential(text)


@pytest.mark.parametrize("text", ["a==1\n# https://host", "a==1\n# token: x", "a==1\n# ghp_abcdefghijklmnopqrst"])
def test_a_text_with_a_url_a_label_or_a_shape_is_worth_asking(text: str) -> None:
    assert credentials.may_hold_credential(text)


def test_a_text_with_a_known_secret_is_worth_asking(known: Redactor) -> None:
    known.hide("correct-horse-battery")
    assert credentials.may_hold_credential("a==1\n# correct-horse-battery\n")


@pytest.mark.parametrize(
    ("line", "opens"),
    [
        ("-----BEGIN PRIVATE KEY-----", True),
        ("-----BEGIN OPENSSH PRIVATE KEY-----", True),
        ("-----BEGIN PRIVATE KEY-----abc-----END PRIVATE KEY-----", False),
        ("-----BEGIN CERTIFICATE-----", False),
    ],
)
def test_a_private_key_goes_on_unless_it_ends_in_the_line(line: str, opens: bool) -> None:
    assert credentials.opens_private_key(line) is opens
