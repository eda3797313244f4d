"""Secrets in whatever form, through whatever sink: none is left."""

from __future__ import annotations

import base64
import logging
from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from venvbuild import logs
from venvbuild.errors import UsageError
from venvbuild.redaction import MASK, Address, Lines, Redactor, has_unescaped_password, strip_credentials

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


def test_variables_named_like_secrets_are_hidden_and_others_not() -> None:
    made = Redactor()
    made.hide_environment({"DEPLOY_TOKEN": "abcdefgh", "AWS_SECRET_ACCESS_KEY": "ijklmnop", "JOB_NAME": "nightly",
                           "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "X_URL": "http://u:qrstuvwx@h/"})  # fmt: skip
    assert made.redact("abcdefgh ijklmnop qrstuvwx nightly AKIDEXAMPLE") == f"{MASK} {MASK} {MASK} nightly AKIDEXAMPLE"


@pytest.mark.parametrize("url", ["http://[host]/x", "http://[x/simple", "http://a:b:c@h/", "://", "http://"])
def test_what_only_looks_like_a_url_is_no_obstacle(url: str) -> None:
    made = Redactor()
    made.hide_environment({"CHANGE_TITLE": url})
    made.redact(strip_credentials(url))


@pytest.mark.parametrize("host", ["host.example", "127.0.0.1:8080", "localhost:1", "nexus", "[::1]:80"])
@pytest.mark.parametrize("before", ["pa", "12", "", "p@", "12@"])
@pytest.mark.parametrize("mark", ["/", "#", "?", "[", "%2F", "@", "/@", "/a/b?c#"])
def test_a_password_that_was_not_escaped_is_hidden_and_cut_all_the_same(mark: str, before: str, host: str) -> None:
    url = f"http://ci:{before}{mark}ssCanary7@{host}/simple"
    made = Redactor()
    made.hide_url(url)
    assert "ssCanary7" not in made.redact(f"could not open {url}")
    assert strip_credentials(url) == Address(url).shown == f"http://{host}/simple"
    # By one who was told nothing, where it cannot be a port.
    if before == "pa":
        assert Redactor().redact(f"could not open {url}") == f"could not open http://{MASK}@{host}/simple"


@pytest.mark.parametrize("url", ["https://tok/enCanary7@host.example/x", "https://tok#enCanary7@host.example/x"])
def test_a_token_that_was_not_escaped_is_cut(url: str) -> None:
    assert strip_credentials(url) == "https://host.example/x"


@pytest.mark.parametrize(
    "url",
    [
        "https://host.example/simple/@scope/x.whl",
        "https://host.example:8081/repository/me@team/simple",
        "http://nexus:8081/x@1.0/x.whl",
        "http://[::1]:80/x@y/simple",
        "git+https://gitea:3000/o/r@main",
        "https://host.example/me@mail.example/simple",
        "file:///srv/me@home/simple",
        "s3://bucket/x@y",
    ],
)
def test_an_at_sign_of_a_path_is_no_end_of_credentials(url: str) -> None:
    assert strip_credentials(url) == url
    assert not has_unescaped_password(url)
    with_credentials = url.replace("://", "://ci:secret@", 1)
    if not url.startswith(("file", "s3", "http://nexus")) and "mail.example" not in url:
        assert Address(with_credentials).shown == Address(with_credentials).asked == url


def test_a_request_goes_where_a_url_is_read_to_lead() -> None:
    """What is shown leaves out too much rather than too little."""
    address = Address("http://ci:secret@nexus:8081/npm/@scope/x.whl")
    assert (address.asked, address.place) == ("http://nexus:8081/npm/@scope/x.whl", "nexus:8081")
    assert address.shown == "http://scope/x.whl"


def test_a_variable_named_like_a_secret_is_hidden_even_if_it_is_a_url() -> None:
    made = Redactor()
    made.hide_environment({"SLACK_TOKEN": "https://hooks.example/services/T/B/XX"})
    assert made.redact("posting to https://hooks.example/services/T/B/XX") == f"posting to {MASK}"


def test_netrc_passwords_are_hidden_and_a_bad_netrc_is_no_error(tmp_path: Path) -> None:
    path = tmp_path / "netrc"
    path.write_text("machine host login robot password s3cretword\n")
    made = Redactor()
    made.hide_netrc(path)
    made.hide_netrc(tmp_path / "absent")
    (tmp_path / "bad").write_text("machine")
    made.hide_netrc(tmp_path / "bad")
    assert made.redact("s3cretword") == MASK


@given(st.text("abcdefghijklmnopqrstuvwxyz0123456789/+=&%", min_size=8, max_size=40), st.data())
def test_a_secret_survives_no_way_of_cutting_the_stream(secret: str, data: st.DataObject) -> None:
    stream = f"noise {secret} noise\nmore {quote(secret, safe='')}".encode()
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=6)))
    lines = Lines(redactor(secret))
    said: list[str] = []
    for begin, end in zip([0, *cuts], [*cuts, len(stream)], strict=True):
        said += lines.feed(stream[begin:end])
    said += lines.close()
    assert secret not in "\n".join(said)


@pytest.mark.parametrize(
    "line", ["authorization:" + " " * 65_000, "-eyJ" * 16_000, "password=" * 7_000, "-----BEGIN " * 6_000]
)
def test_a_hostile_line_is_read_once(line: str) -> None:
    """With backtracking each of these takes from seconds to minutes; the limit of the whole test run would strike."""
    Redactor().redact(line)


def test_a_line_without_an_end_is_given_out_in_pieces_and_still_masked() -> None:
    lines = Lines(redactor("endless-secret-1"), limit=1000, overlap=100)
    stream = (b"x" * 990 + b"endless-secret-1") * 5
    said = [text for begin in range(0, len(stream), 37) for text in lines.feed(stream[begin : begin + 37])]
    assert "endless-secret" not in "".join([*said, *lines.close()])


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


def test_credentials_are_cut_out_of_a_url() -> None:
    assert strip_credentials("https://u:p@host:8443/simple?x=1") == "https://host:8443/simple?x=1"
    assert strip_credentials("/a/folder@home") == "/a/folder@home"


@pytest.mark.parametrize(
    ("url", "shown", "credentials", "place"),
    [
        ("https://host:8443/simple", "https://host:8443/simple", None, "host:8443"),
        ("https://me:p%40ss@host/x", "https://host/x", ("me", "p@ss"), "host"),
        ("https://token@host", "https://host", ("token", ""), "host"),
        ("/a/folder", "/a/folder", None, ""),
    ],
)
def test_an_address_tells_what_may_be_shown_and_what_is_secret(
    url: str, shown: str, credentials: tuple[str, str] | None, place: str
) -> None:
    address = Address(url)
    assert (address.shown, address.credentials, address.place) == (shown, credentials, place)
    assert "p%40ss" not in repr(address)
