"""What was seen to get through, or to be cut although it is honest."""

from __future__ import annotations

import pytest

from venvbuild.redaction import MASK, Redactor


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ('Cookie: session="abc123def456"; csrftoken=x9', "abc123def456"),
        ('Set-Cookie: sid="s:abc123def456"; Path=/', "abc123def456"),
        ("Authorization: SSWS 00aBcD3eFgH", "00aBcD3eFgH"),
        ("Authorization: GenieKey 1234-abcd-77", "1234-abcd-77"),
        ('Authorization: Bearer "abcdef0123"', "abcdef0123"),
        ("secret_id: 8f7d0c55aa", "8f7d0c55aa"),
        ("nexus.pw=hunter22x", "hunter22x"),
    ],
)
def test_it_is_hidden(text: str, secret: str) -> None:
    shown = Redactor().redact(text)
    assert secret not in shown
    assert MASK in shown


@pytest.mark.parametrize("name", ["VAULT_SECRET_ID", "VAULT_ROLE_SECRET_ID"])
def test_the_secret_that_vault_calls_an_id_is_hidden(name: str) -> None:
    made = Redactor()
    made.hide_environment({name: "8f7d0c55-aa11"})
    assert made.redact("it is 8f7d0c55-aa11 there") == f"it is {MASK} there"


@pytest.mark.parametrize(
    "text",
    [
        "airflow/providers/google/cloud/hooks/kubernetes_engine.py",
        ".git/hooks/fsmonitor-watchman.sample",
        "https://docs.kedro.org/en/stable/hooks/common_use_cases.html",
        "foo @ https://x.de/webhooks/release-artifacts-2024/foo-1.0-py3-none-any.whl",
        "botocore/x.py,sha256=AP4fdkL3XDH7OkABCDEFGHIJKLMNOP_NKmabcdefghi,12",
        "authorization: required for uploads",
        "AWS_SECRET_ID and CLIENT_SECRET_ID are names",
    ],
)
def test_it_stays_as_it_is(text: str) -> None:
    assert Redactor().redact(text) == text
