"""From a private index behind a password, as ProGet is one: who is asked, and who gets our credentials."""

from __future__ import annotations

import logging
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.snowflake.test_making import Maker
from tests.support import private_index
from tests.support.private_index import PASSWORD, USER, PrivateIndex
from tests.support.wheels import wheel
from venvbuild.errors import IntegrityError, UsageError
from venvbuild.package_index import PackageIndex, WheelCache
from venvbuild.redaction import Address
from venvbuild.snowflake.wheels import ChosenWheel, ForeignHost, Hosts, fetch, lay_out, place_of


@pytest.fixture
def private(tmp_path: Path) -> Iterator[PrivateIndex]:
    wheel(tmp_path / "wheels", "tiny", "1.0", requires=["helper"])
    wheel(tmp_path / "wheels", "helper", "2.0")
    with private_index.running(tmp_path / "wheels") as index:
        yield index


class _Place:
    """What is asked of a private index with the credentials of its URL."""

    def __init__(self, index: PrivateIndex, folder: Path, *allowed: str) -> None:
        self.hosts = Hosts.of([index.url_with_credentials], [], allowed, may_http=False)
        self.client = PackageIndex(index.url_with_credentials, judge=self.hosts.judge)
        self.cache = WheelCache(folder / "cache")
        self.scratch = folder
        project = self.client.project("tiny")
        assert project
        [found] = project.files
        self.chosen = [ChosenWheel("tiny", "1.0", found, place_of(found.address))]

    def fetch(self) -> bool:
        """Whether it came from the cache."""
        [fetched] = fetch(self.chosen, self.client, self.cache, self.scratch)
        with fetched.path.open("rb") as body:
            assert body.read(2) == b"PK"
        return fetched.was_cached


def test_a_wheel_is_fetched_once_and_a_damaged_one_again(private: PrivateIndex, tmp_path: Path) -> None:
    place = _Place(private, tmp_path)
    assert [place.fetch(), place.fetch()] == [False, True]
    assert {asked.authorization for asked in private.seen} == {private_index.authorization()}
    [kept] = (tmp_path / "cache").glob("*.whl")
    kept.write_bytes(kept.read_bytes()[:-1] + b"x")
    assert place.fetch() is False
    assert place.cache.of_distributions(["tiny"]) == [kept]
    assert place.cache.of_distributions(["other"]) == []


def test_a_cache_that_cannot_be_written_keeps_nothing(private: PrivateIndex, tmp_path: Path) -> None:
    place = _Place(private, tmp_path)
    (tmp_path / "cache").write_text("a file is in the way")
    assert [place.fetch(), place.fetch()] == [False, False]


def test_a_redirect_to_another_host_is_refused_before_it_is_followed(private: PrivateIndex, tmp_path: Path) -> None:
    place = _Place(private, tmp_path)
    private.redirects_to_other = True
    with pytest.raises(ForeignHost, match=r"the download of tiny 1\.0 leads to another host") as refused:
        place.fetch()
    assert private.other_seen == []
    assert not list((tmp_path / "cache").iterdir())
    flag = refused.value.problems[0].fix.rpartition(" ")[2]
    assert _Place(private, tmp_path, flag).fetch() is False
    # allowed, it gets no credentials all the same
    assert [asked.authorization for asked in private.other_seen] == [""]


def test_other_bytes_than_the_page_promises_are_refused(private: PrivateIndex, tmp_path: Path) -> None:
    place = _Place(private, tmp_path)
    wheel(tmp_path / "wheels", "tiny", "1.0", files={"tiny.py": "x = 2\n"})
    with pytest.raises(IntegrityError, match=r"expected sha256:.*, got sha256:"):
        place.fetch()
    assert not list((tmp_path / "cache").iterdir())


def test_the_wheels_lie_in_a_folder_too_and_nothing_else_in_it_changes(private: PrivateIndex, tmp_path: Path) -> None:
    place, folder = _Place(private, tmp_path), tmp_path / "downloaded"
    folder.mkdir()
    (folder / "mine.txt").write_text("mine")
    (folder / "tiny-1.0-py3-none-any.whl").symlink_to(folder / "mine.txt")
    lay_out(fetch(place.chosen, place.client, place.cache, tmp_path), folder)
    assert sorted(path.name for path in folder.iterdir()) == ["mine.txt", "tiny-1.0-py3-none-any.whl"]
    assert (folder / "mine.txt").read_text() == "mine"
    assert (folder / "tiny-1.0-py3-none-any.whl").read_bytes() == (
        tmp_path / "wheels" / "tiny-1.0-py3-none-any.whl"
    ).read_bytes()


def test_no_secret_is_in_what_is_told(private: PrivateIndex, tmp_path: Path) -> None:
    place = _Place(private, tmp_path)
    for shown in (str(place.chosen), str(ForeignHost("h", Address(private.url_with_credentials).shown))):
        assert USER not in shown
        assert PASSWORD not in shown


# --- the whole way


@pytest.mark.parametrize("how", ["the URL", "two variables", "netrc"])
def test_a_private_index_is_asked_with_what_the_environment_has(
    private: PrivateIndex, tmp_path: Path, caplog: pytest.LogCaptureFixture, how: str
) -> None:
    ways = {
        "the URL": {"PROGET_URL": private.url_with_credentials},
        "two variables": {
            "PROGET_URL": private.url,
            "VENVBUILD_INDEX_USERNAME": USER,
            "VENVBUILD_INDEX_PASSWORD": PASSWORD,
        },
        "netrc": {"PROGET_URL": private.url, "NETRC": str(tmp_path / "netrc")},
    }
    (tmp_path / "netrc").write_text(f"machine 127.0.0.1 login {USER} password {PASSWORD}\n")
    maker = Maker(tmp_path, "http://127.0.0.1:1/never/simple")
    with caplog.at_level(logging.DEBUG):
        made = maker.make("tiny==1.0", environ=ways[how])
    assert {one.host for one in made.distributions} == {private.place}
    # neither in the commands that were run, nor in what was told, nor in what was made
    places = [caplog.text, repr(maker.told), repr(made)]
    with zipfile.ZipFile(made.zip) as archive:
        places += [archive.read(name).decode("utf-8", "replace") for name in archive.namelist()]
    for text in places:
        assert "Canary" not in text.replace(str(tmp_path), "")


def test_refused_credentials_are_told_by_the_variable(private: PrivateIndex, tmp_path: Path) -> None:
    maker = Maker(tmp_path, "")
    wrong = private.url_with_credentials.replace("Canary-91", "Canary-92")
    with pytest.raises(UsageError, match="the credentials of PROGET_URL are not accepted") as refused:
        maker.make("tiny==1.0", environ={"PROGET_URL": wrong})
    assert "Canary" not in str(refused.value)


def test_an_index_that_redirects_to_another_host_is_refused_and_gets_no_credentials_there(
    private: PrivateIndex, tmp_path: Path
) -> None:
    private.redirects_to_other = True
    maker = Maker(tmp_path, "")
    environ = {"PROGET_URL": private.url_with_credentials}
    with pytest.raises(UsageError, match=f"--allow-host {private.other_place}"):
        maker.make("tiny==1.0", environ=environ)
    assert private.other_seen == []  # by nobody: uv's questions are judged, too
    made = maker.make("tiny==1.0", environ=environ, allowed_hosts=(private.other_place,))
    assert made.distributions[0].host == private.place
    assert not [one for one in private.other_seen if one.authorization]
