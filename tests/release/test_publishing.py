"""Files brought to an index: sent once, read back, and told apart from what is there by their bytes."""

from __future__ import annotations

import threading
import urllib.parse
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support import fake_index
from tests.support.devpi_server import Devpi
from tests.support.fake_index import PROFILES, FakeIndex
from tests.support.receivers import self_signed
from tests.support.recording_proxy import RecordingProxy, lose_reply
from tests.support.recording_proxy import answer as answering
from tests.support.releases import NAME, PATIENCE, built, publisher, target
from venvbuild.errors import IndexUnavailable, IntegrityError, RequirementsRefused, UsageError, VenvBuildError
from venvbuild.release.index import Index, Presence
from venvbuild.release.manifest import Manifest

ON_DEVPI = pytest.param("devpi", marks=pytest.mark.xdist_group("devpi"))
VENDORS = [name for name in PROFILES if name != "pypiserver"]


@pytest.fixture
def index(request: pytest.FixtureRequest) -> dict[str, str]:
    """The variables of a real index: of pypiserver, or a new one of devpi, which is not volatile."""
    if request.param == "devpi":
        devpi: Devpi = request.getfixturevalue("devpi")
        return devpi.index().environment()
    environ: dict[str, str] = request.getfixturevalue("pypiserver")
    return environ


on_both = pytest.mark.parametrize("index", ["pypiserver", ON_DEVPI], indirect=True)


@pytest.fixture
def proxied(index: dict[str, str]) -> Iterator[tuple[dict[str, str], RecordingProxy]]:
    """The same index behind a proxy that can spoil what it answers."""
    key = next(name for name in index if name.endswith("_URL"))
    parts = urllib.parse.urlsplit(index[key])
    with RecordingProxy(f"{parts.scheme}://{parts.netloc}") as proxy:
        yield {**index, key: proxy.endpoint_url + parts.path}, proxy


def presences(environ: dict[str, str], manifest: Manifest) -> set[Presence]:
    asked = Index(target(environ))
    return {one.presence for one in asked.find(manifest.files, asked.list(NAME)).values()}


@on_both
def test_files_are_sent_once_and_stand_on_the_index_with_their_bytes(
    proxied: tuple[dict[str, str], RecordingProxy], tmp_path: Path
) -> None:
    environ, proxy = proxied
    manifest, said = built(tmp_path, "1.0.0"), list[str]()
    done = publisher(environ, said).publish(manifest, tmp_path)
    assert [(one.file.kind, one.was_there) for one in done] == [("wheel", False), ("sdist", False)]
    assert presences(environ, manifest) == {Presence.SAME}
    again = publisher(environ, said).publish(manifest, tmp_path)
    assert [one.was_there for one in again] == [True, True]
    assert len(proxy.requests("POST")) == 2
    assert said[-1] == "vb_demo-1.0.0.tar.gz already there"


@on_both
def test_other_bytes_are_refused_with_both_hashes_before_anything_is_sent(
    proxied: tuple[dict[str, str], RecordingProxy], tmp_path: Path
) -> None:
    environ, proxy = proxied
    first = built(tmp_path / "a", "1.0.0")
    publisher(environ).publish(first, tmp_path / "a")
    sent = len(proxy.requests("POST"))
    second = built(tmp_path / "b", "1.0.0", "other = 1\n")
    with pytest.raises(IntegrityError) as caught:
        publisher(environ).publish(second, tmp_path / "b")
    assert len(caught.value.problems) == 2
    for ours, theirs, problem in zip(second.files, first.files, caught.value.problems, strict=True):
        assert problem.why == f"the index has sha256 {theirs.sha256}, ours is {ours.sha256}"
        assert "venvbuild release bump" in problem.fix
    assert len(proxy.requests("POST")) == sent


@on_both
@pytest.mark.parametrize("is_equal", [True, False], ids=["equal", "other"])
def test_what_an_upload_is_answered_does_not_tell_equal_from_other_bytes_and_the_index_does(
    proxied: tuple[dict[str, str], RecordingProxy], tmp_path: Path, is_equal: bool
) -> None:
    """Somebody else publishes between our look and our upload: 400 from pypiserver for both, 200 or 409 from devpi."""
    environ, proxy = proxied
    theirs = built(tmp_path / "a", "1.0.0")
    publisher(environ).publish(theirs, tmp_path / "a")
    ours = theirs if is_equal else built(tmp_path / "b", "1.0.0", "other = 1\n")
    proxy.spoil("GET", f"/{NAME}/", answering(404, "NoSuchKey"), times=1)
    sent, said = len(proxy.requests("POST")), list[str]()
    if is_equal:
        done = publisher(environ, said).publish(ours, tmp_path / "a")
        assert [one.file for one in done] == list(ours.files)
    else:
        with pytest.raises(IntegrityError, match=ours.files[0].sha256):
            publisher(environ, said).publish(ours, tmp_path / "b")
    statuses = {one.status for one in proxy.requests("POST")[sent:]}
    expected = {400} if environ["PYPI_BACKEND"] == "pypiserver" else {200 if is_equal else 409}
    assert statuses == expected
    assert presences(environ, ours) == {Presence.SAME if is_equal else Presence.OTHER}


@on_both
def test_a_connection_that_is_cut_after_the_body_is_already_there(
    proxied: tuple[dict[str, str], RecordingProxy], tmp_path: Path
) -> None:
    environ, proxy = proxied
    manifest, said = built(tmp_path, "1.0.0"), list[str]()
    proxy.spoil("POST", "", lose_reply(), times=1)
    done = publisher(environ, said).publish(manifest, tmp_path)
    assert [one.status for one in done] == [0, 200]
    assert "already there: the upload ended with the connection was cut" in said[0]
    assert len(proxy.requests("POST")) == 2


@on_both
def test_a_wrong_password_names_its_variable_and_user_and_sends_no_file(index: dict[str, str], tmp_path: Path) -> None:
    manifest = built(tmp_path, "1.0.0")
    token = f"{index['PYPI_BACKEND'].upper()}_TOKEN"
    with pytest.raises(UsageError) as caught:
        publisher({**index, token: "wrong-Canary"}).publish(manifest, tmp_path)
    (problem,) = caught.value.problems
    assert token in problem.why
    assert index[token.replace("TOKEN", "USER")] in problem.why
    assert "Canary-" not in str(caught.value).replace("svc-Canary", "")
    assert presences(index, manifest) == {Presence.ABSENT}


@pytest.mark.parametrize("backend", VENDORS)
def test_each_vendor_takes_a_release_once_and_equal_bytes_are_told_from_others(backend: str, tmp_path: Path) -> None:
    """Contract fakes: what Artifactory, CodeArtifact, GitLab and Azure are documented to answer."""
    first = built(tmp_path / "a", "1.0.0")
    second = built(tmp_path / "b", "1.0.0", "other = 1\n")
    with FakeIndex(PROFILES[backend]) as index:
        environ = index.environment()
        publisher(environ).publish(first, tmp_path / "a")
        assert index.posts == [one.filename for one in first.files]
        assert set(index.users) == {PROFILES[backend].user or "venvbuild"}
        assert all(one.was_there for one in publisher(environ).publish(first, tmp_path / "a"))
        with pytest.raises(IntegrityError):
            publisher(environ).publish(second, tmp_path / "b")
        # And where the page does not show it yet, so that the upload meets what is there: the status is one for both.
        for manifest, folder in ((first, "a"), (second, "b")):
            index.hidden_polls, index._hidden = 1, set(index.files)
            if manifest is first:
                publisher(environ).publish(manifest, tmp_path / folder)
            else:
                with pytest.raises(IntegrityError, match=second.files[0].sha256):
                    publisher(environ).publish(manifest, tmp_path / folder)


def of_fake(tmp_path: Path, index: FakeIndex, **more: bool) -> list[str]:
    """What is said while a release is published there."""
    said: list[str] = []
    publisher(index.environment(), said, **more).publish(built(tmp_path, "1.0.0"), tmp_path)
    return said


@pytest.mark.parametrize(
    ("status", "kind", "said"),
    [
        (401, UsageError, "PYPISERVER_TOKEN"),
        (403, UsageError, "pypiserver: 403 means a wrong password"),
        (404, UsageError, "--upload-url URL"),
        (405, UsageError, "--upload-url URL"),
        (413, RequirementsRefused, "too large"),
        (400, RequirementsRefused, "release check"),
        (409, IntegrityError, "this version is taken"),
        (429, IndexUnavailable, "run it again"),
        (500, IndexUnavailable, "run it again"),
        (503, IndexUnavailable, "run it again"),
    ],
)
def test_a_status_without_the_file_is_told_in_our_words(
    status: int, kind: type[VenvBuildError], said: str, tmp_path: Path
) -> None:
    """What is public already is told, too. twine sends 5xx five times."""
    manifest = built(tmp_path, "1.0.0")
    wheel = manifest.files[0].filename
    with FakeIndex(replace(PROFILES["pypiserver"], said="<html>their words</html>")) as index:
        index.statuses = [status] * 9
        index.files[wheel] = (tmp_path / wheel).read_bytes()
        with pytest.raises(kind, match=said) as caught:
            publisher(index.environment(), patience=replace(PATIENCE, index_s=0.3)).publish(manifest, tmp_path)
    assert f"already public: {wheel}" in str(caught.value)
    assert "their words" not in str(caught.value)


def test_a_success_is_no_proof(tmp_path: Path) -> None:
    with FakeIndex(PROFILES["pypiserver"]) as index:
        index.forgets = True
        with pytest.raises(IndexUnavailable, match=r"is not on the index within 0\.3 s"):
            publisher(index.environment(), patience=replace(PATIENCE, index_s=0.3)).publish(
                built(tmp_path, "1.0.0"), tmp_path
            )


def test_an_index_that_shows_files_late_is_waited_for(tmp_path: Path) -> None:
    with FakeIndex(PROFILES["pypiserver"]) as index:
        index.hidden_polls = 5
        said = of_fake(tmp_path, index)
    assert "on the index after" in said[0]


def test_an_upload_that_never_ends_is_ended(tmp_path: Path) -> None:
    with FakeIndex(PROFILES["pypiserver"]) as index:
        index.hangs = threading.Event()
        patience = replace(PATIENCE, upload_s=4, index_s=0.2)
        with pytest.raises(IndexUnavailable, match="no end within 4 s"):
            publisher(index.environment(), patience=patience).publish(built(tmp_path, "1.0.0"), tmp_path)


def test_nobody_who_listens_is_6(tmp_path: Path) -> None:
    with FakeIndex(PROFILES["pypiserver"]) as index:
        environ = index.environment()
    with pytest.raises(IndexUnavailable, match="does not answer"):
        publisher(environ).publish(built(tmp_path, "1.0.0"), tmp_path)


def test_a_proxy_that_refuses_is_named_and_its_login_is_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By urllib's variables; the advice lets the index be asked itself."""
    manifest = built(tmp_path, "1.0.0")
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with FakeIndex(PROFILES["pypiserver"]) as index, FakeIndex(replace(PROFILES["pypiserver"], wrong=407)) as proxy:
        proxy.token = "another"
        for host, kind in (("127.0.0.1:9", IndexUnavailable), (proxy.url.removeprefix("http://"), UsageError)):
            monkeypatch.setenv("http_proxy", f"http://someone:login-Canary@{host}")
            with pytest.raises(kind) as caught:
                publisher(index.environment()).missing(manifest)
            (problem,) = caught.value.problems
            assert host in problem.what + problem.where
            assert "login-Canary" not in str(caught.value)
            assert problem.fix.startswith("correct http_proxy, or leave this host out: no_proxy=127.0.0.1")
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        assert publisher(index.environment()).missing(manifest) == manifest.files


def test_an_unknown_authority_is_told_with_its_flag_and_with_it_all_works(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate, other = self_signed(tmp_path / "a.pem"), self_signed(tmp_path / "b.pem")
    manifest = built(tmp_path, "1.0.0")
    with FakeIndex(PROFILES["pypiserver"], tls=certificate) as index:
        with pytest.raises(UsageError, match="--ca-file FILE"):
            publisher(index.environment()).publish(manifest, tmp_path)
        assert index.posts == []
        # twine passes over --cert while this is set.
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(other))
        environ = {**index.environment(), "VENVBUILD_RELEASE_CA_FILE": str(certificate)}
        publisher(environ).publish(manifest, tmp_path)
        assert len(index.posts) == 2


def test_files_that_changed_since_they_were_built_are_not_sent(tmp_path: Path) -> None:
    manifest = built(tmp_path, "1.0.0")
    (tmp_path / manifest.files[1].filename).write_bytes(b"other")
    with FakeIndex(PROFILES["pypiserver"]) as index:
        with pytest.raises(IntegrityError, match=manifest.files[1].sha256):
            publisher(index.environment()).publish(manifest, tmp_path)
        assert index.requests == []


def test_a_token_with_odd_characters_gets_through_both_ways(tmp_path: Path) -> None:
    assert set("%:@/ ") <= set(fake_index.TOKEN)
    for with_pypirc in (False, True):
        with FakeIndex(PROFILES["pypiserver"]) as index:
            of_fake(tmp_path, index, with_pypirc=with_pypirc)
            assert len(index.posts) == 2
