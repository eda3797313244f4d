"""Redirects, followed by hand."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.hosts import Hosts, hosts
from venvbuild.package_index import Walker

SECRET = "Basic Y2FuYXJ5OmNhbmFyeQ=="


@pytest.fixture
def three() -> Iterator[Hosts]:
    with hosts() as running:
        yield running


def test_each_host_is_named_and_only_the_index_gets_the_secret(three: Hosts) -> None:
    first, second, third = three.urls
    three.answers = {
        "/a": (302, f"{second}/b"), "/b": (307, f"{third}/c"), "/c": (308, f"{first}/d"), "/d": (200, "")
    }  # fmt: skip
    walk = Walker(f"{first}/simple/", SECRET).look(f"{first}/a")
    assert (walk.status, walk.fault, len(walk.urls)) == (200, "", 4)
    # the last one is the index again, at a place that another chose
    assert three.seen == [("127.0.0.1", "/a", SECRET), ("127.0.0.2", "/b", ""), ("127.0.0.3", "/c", ""),
                          ("127.0.0.1", "/d", "")]  # fmt: skip


@pytest.mark.parametrize("status", [301, 303])
def test_the_index_gets_the_secret_after_its_own_redirect(three: Hosts, status: int) -> None:
    three.answers = {"/a": (status, "b#part"), "/b": (200, "")}
    assert Walker(three.urls[0], SECRET).look(f"{three.urls[0]}/a").status == 200
    assert [authorization for _, _, authorization in three.seen] == [SECRET, SECRET]


def test_twenty_redirects_are_followed_and_no_more(three: Hosts) -> None:
    three.answers = {f"/{at}": (302, f"/{at + 1}") for at in range(21)} | {"/21": (200, "")}
    walker = Walker(three.urls[0], None)
    assert walker.look(f"{three.urls[0]}/1").status == 200
    walk = walker.look(f"{three.urls[0]}/0")
    assert (walk.fault, len(walk.urls)) == ("it redirects more than 20 times", 21)


@pytest.mark.parametrize(
    ("target", "fault"),
    [
        ("/a", "its redirects go round in a circle of 1"),
        ("", "it redirects without saying where to"),
        ("file:///etc/passwd", "it redirects to what is no URL of the web"),
        ("http://[x/", "it redirects to what is no URL of the web"),
    ],
)
def test_a_redirect_that_leads_nowhere_is_told(three: Hosts, target: str, fault: str) -> None:
    three.answers = {"/a": (302, target)}
    assert Walker(three.urls[0], None).look(f"{three.urls[0]}/a").fault == fault


def test_a_circle_over_two_hosts_is_told(three: Hosts) -> None:
    first, second, _ = three.urls
    three.answers = {"/a": (302, f"{second}/b"), "/b": (302, f"{first}/a")}
    assert Walker(first, None).look(f"{first}/a").fault == "its redirects go round in a circle of 2"


def test_who_does_not_answer_is_silent_and_no_file_is_opened(three: Hosts) -> None:
    three.answers = {"/a": (302, "http://127.0.0.1:1/x"), "/b": (503, "")}
    walker = Walker(three.urls[0], None)
    assert walker.look(f"{three.urls[0]}/a").is_silent
    assert walker.look(f"{three.urls[0]}/b").is_silent
    assert walker.first_byte("file:///etc/hostname").fault == "it is no URL of the web"
