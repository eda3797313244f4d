"""Where packages come from: what this process is configured with reaches whoever needs it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.index_server import PASSWORD, USER, IndexServer
from tests.support.logged import listening
from tests.support.supplies import here
from tests.support.wheels import wheel
from venvbuild import parallel, settings
from venvbuild.environment import package_source
from venvbuild.environment.package_source import IndexAccess, IndexAddresses, PackageSource
from venvbuild.errors import IndexUnavailable, UsageError
from venvbuild.settings import Settings


@pytest.fixture
def environ(index: IndexServer, tmp_path: Path) -> dict[str, str]:
    wheel(index.folder, "tiny", "1.0")
    return {"HOME": str(tmp_path), "VENVBUILD_INDEX_URL": index.url()}


@pytest.fixture
def said() -> Iterator[list[str]]:
    with listening() as said:
        yield said


def loaded(environ: dict[str, str]) -> Settings:
    return settings.load({}, environ)


def asked(environ: dict[str, str], name: str = "tiny") -> list[str]:
    """The versions that our own questions find."""
    index = package_source.package_index(IndexAccess.of(loaded(environ), environ))
    project = index.project(name)
    return [str(version) for version in project.versions] if project else []


def given(environ: dict[str, str], scratch: Path) -> PackageSource:
    return PackageSource.of(IndexAccess.of(loaded(environ), environ), here(), timeout_s=7, scratch=scratch)


def netrc(path: Path) -> Path:
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"machine 127.0.0.1 login {USER} password {PASSWORD}\n")
    path.chmod(0o600)
    return path


def test_the_sources_are_those_of_the_settings(environ: dict[str, str]) -> None:
    more = {"VENVBUILD_EXTRA_INDEX_URLS": "https://a/x https://b/x", "VENVBUILD_FIND_LINKS": "/wheels"}
    assert IndexAddresses.of(loaded({**environ, **more})) == IndexAddresses(
        environ["VENVBUILD_INDEX_URL"], ("https://a/x", "https://b/x"), ("/wheels",)
    )


def test_the_installer_and_our_own_questions_go_to_the_same_places(environ: dict[str, str], tmp_path: Path) -> None:
    wheel(tmp_path / "wheels", "linked", "3.0")
    made = given({**environ, "VENVBUILD_FIND_LINKS": str(tmp_path / "wheels")}, tmp_path)
    assert made.installer.index_url == made.index.url == environ["VENVBUILD_INDEX_URL"]
    assert made.installer.find_links == (str(tmp_path / "wheels"),)
    linked = made.index.project("linked")
    assert linked
    assert [str(version) for version in linked.versions] == ["3.0"]


def test_nothing_is_built_until_something_is(environ: dict[str, str], tmp_path: Path) -> None:
    made = given(environ, tmp_path)
    assert (made.built, made.wheels, made.sdists) == ({}, (), ())
    assert (made.installer.timeout_s, made.installer.shares_cache) == (7, False)


def test_a_ca_bundle_of_pip_is_for_uv_too(environ: dict[str, str], tmp_path: Path) -> None:
    assert given({**environ, "PIP_CERT": "/ca.pem"}, tmp_path).installer.cafile == Path("/ca.pem")


def test_a_folder_for_uvs_cache_is_passed_on(environ: dict[str, str], tmp_path: Path) -> None:
    made = given({**environ, "UV_CACHE_DIR": "/cache", "UV_INDEX": "https://other"}, tmp_path)
    assert made.installer.inherited == {"UV_CACHE_DIR": "/cache"}


def test_a_further_index_is_asked_first(environ: dict[str, str], index: IndexServer) -> None:
    asked({**environ, "VENVBUILD_EXTRA_INDEX_URLS": index.url("none")})
    assert [path for path, _ in index.requests] == ["/none/simple/tiny/", "/ok/simple/tiny/"]


@pytest.mark.parametrize(
    ("environ", "file"),
    [
        pytest.param({"NETRC": "/etc/netrc", "HOME": "/home/me"}, Path("/etc/netrc"), id="NETRC"),
        pytest.param({"HOME": "/home/me"}, Path("/home/me/.netrc"), id="home"),
        pytest.param({"NETRC": "", "HOME": "/home/me"}, Path("/home/me/.netrc"), id="empty"),
        pytest.param({}, None, id="no home"),
    ],
)
def test_the_users_netrc_is_where_they_say(environ: dict[str, str], file: Path | None) -> None:
    assert package_source.netrc_file(environ) == file


def test_an_index_is_asked_with_the_credentials_of_netrc(
    environ: dict[str, str], index: IndexServer, tmp_path: Path
) -> None:
    closed = {**environ, "VENVBUILD_INDEX_URL": index.url("auth")}
    with pytest.raises(UsageError, match="refuses access"):
        asked(closed)
    netrc(tmp_path / ".netrc")
    assert asked(closed) == ["1.0"]
    assert asked({**closed, "HOME": "/nowhere", "NETRC": str(netrc(tmp_path / "another"))}) == ["1.0"]


def hanging(environ: dict[str, str], index: IndexServer, timeout_s: float | None = None) -> None:
    """Ask an index that never answers, for at most 10 s."""
    silent = {**environ, "VENVBUILD_INDEX_URL": index.url("hang")}
    configured = loaded(silent)
    asking = package_source.package_index(IndexAccess.of(configured, silent), timeout_s)
    parallel.each(asking.project, ["tiny"], timeout_s=10)


@pytest.mark.parametrize("variable", ["UV_HTTP_TIMEOUT", "PIP_DEFAULT_TIMEOUT"])
def test_an_index_is_waited_for_as_long_as_the_user_says(
    environ: dict[str, str], index: IndexServer, variable: str
) -> None:
    with pytest.raises(IndexUnavailable, match="timed out"):
        hanging({**environ, variable: "1"}, index)


def test_who_is_in_a_hurry_waits_for_less(environ: dict[str, str], index: IndexServer) -> None:
    with pytest.raises(IndexUnavailable, match="timed out"):
        hanging({**environ, "UV_HTTP_TIMEOUT": "3600"}, index, timeout_s=0.1)


@pytest.mark.parametrize("value", ["soon", "1.5"])
def test_a_time_that_is_no_number_is_passed_over(environ: dict[str, str], value: str) -> None:
    assert asked({**environ, "UV_HTTP_TIMEOUT": value}) == ["1.0"]


def test_a_warning_of_the_installer_is_passed_on_and_nothing_else(
    environ: dict[str, str], tmp_path: Path, said: list[str]
) -> None:
    on_line = given(environ, tmp_path).installer.on_line
    assert on_line
    for line in ("Resolved 3 packages", "warning: `tiny==1.0` is yanked", "a warning within", "warning: a bad mirror"):
        on_line(line)
    assert said == ["WARNING: a bad mirror"]
