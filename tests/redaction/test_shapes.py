"""What looks like a secret, and what only looks a little like one."""

from __future__ import annotations

import pytest

from venvbuild.redaction import Redactor


@pytest.mark.parametrize(
    ("text", "gone"),
    [
        ("https://robot:hunter2@host/simple", "hunter2"),
        ("https://ghp_abc@host/simple", "ghp_abc"),
        ("Authorization: Basic cm9ib3Q6aHVudGVyMg==", "cm9ib3Q6aHVudGVyMg=="),
        ("authorization: bearer abcdef", "abcdef"),
        ("AKIAIOSFODNN7EXAMPLE", "AKIAIOSFODNN7EXAMPLE"),
        ("https://b.s3.amazonaws.com/k?X-Amz-Signature=deadbeef&x=1", "deadbeef"),
        ("ghp_0123456789abcdefghijABCDEFGHIJ012345", "ghp_0123456789abcdefghijABCDEFGHIJ012345"),
        ("pypi-AgEIcHlwaS5vcmcCJDAwMDAwMDAwLTAwMDAtMDAwMA", "AgEIcHlwaS5vcmcC"),
        ("xoxb-1234567890-abcdef", "1234567890"),
        ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abcdefgh", "eyJzdWIiOiIxIn0"),
        ("password=hunter2 and more", "hunter2"),
        ("-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----", "MIIE"),
    ],
)
def test_what_looks_like_a_secret_is_masked(text: str, gone: str) -> None:
    assert gone not in Redactor().redact(text)


@pytest.mark.parametrize(
    "text",
    [
        "requirements.txt:14: pandas>=1.2 is not pinned; fix: write pandas==2.3.1",
        "s3://bucket/venv-builds/venv_20250722_083000/requirements.txt",
        "git+ssh://git@github.com/o/r",
        "sha256:4721f391ed90541fddacab5acf947aa0d3dc7d27b2e1e8eda2be8970586c3274",
        "https://pypi.org/simple/six/",
        "tiktoken==0.5.1",
        "client-secret==1.0 and get_password == 3",
    ],
)
def test_ordinary_text_stays_as_it_is(text: str) -> None:
    assert Redactor().redact(text) == text


@pytest.mark.parametrize(
    "line", ["authorization:" + " " * 65_000, "-eyJ" * 16_000, "password=" * 7_000, "-----BEGIN " * 6_000]
)
def test_a_hostile_line_is_read_once(line: str) -> None:
    """With backtracking each of these takes from seconds to minutes; the limit of the whole test run would strike."""
    Redactor().redact(line)
