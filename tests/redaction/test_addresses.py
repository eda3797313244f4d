"""URLs with credentials in them, written well and badly."""

from __future__ import annotations

import pytest

from venvbuild.redaction import MASK, Address, Redactor, has_unescaped_password, strip_credentials


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
