"""What a project's releases are configured with: which value counts, and what is refused."""

from __future__ import annotations

from pathlib import Path

import botocore
import pytest

from venvbuild.errors import UsageError
from venvbuild.release.configuration import PAIR, VARIABLES, load

TABLE = "[tool.venvbuild.release]\n"


def project(folder: Path, body: str, name: str = "pyproject.toml") -> Path:
    (folder / name).write_text(body, "utf-8")
    return folder


def refused(folder: Path, flags: dict[str, str | None] | None = None, **environ: str) -> tuple[str, ...]:
    with pytest.raises(UsageError) as caught:
        load(folder, flags or {}, environ)
    return tuple(problem.as_line() for problem in caught.value.problems)


def test_a_flag_is_stronger_than_the_environment_and_that_than_the_file(tmp_path: Path) -> None:
    project(tmp_path, TABLE + 'backend = "gitlab"\nbranch = "main"\nchangelog = "NEWS.md"\n')
    found = load(tmp_path, {"backend": "pypiserver"}, {"PYPI_BACKEND": "artifactory", VARIABLES["branch"]: "prod"})
    assert (found.backend, found.branch, found.changelog) == ("pypiserver", "prod", "NEWS.md")
    assert found.origins["backend"] == "--backend"
    assert found.origins["branch"] == "VENVBUILD_RELEASE_BRANCH"
    assert found.origins["changelog"] == "pyproject.toml"
    assert (found.tag_format, found.origins["tag_format"]) == ("v{version}", "default")


@pytest.mark.parametrize("value", ["", "  ", "$(PYPI_BACKEND)"])
def test_an_empty_backend_and_what_azure_leaves_of_one_are_unset(tmp_path: Path, value: str) -> None:
    assert load(tmp_path, {}, {"PYPI_BACKEND": value}).backend == "devpi"


def test_a_name_of_the_seed_is_taken_in_any_case_and_by_its_short_form(tmp_path: Path) -> None:
    assert load(tmp_path, {}, {"PYPI_BACKEND": "CodeArtifact"}).backend == "aws_codeartifact"
    assert load(tmp_path, {}, {"PYPI_BACKEND": "AZURE_ARTIFACTS"}).backend == "azure_artifacts"


def test_two_urls_without_a_backend_are_a_pair(tmp_path: Path) -> None:
    urls: dict[str, str | None] = {"index_url": "https://h/simple/", "upload_url": "https://h/"}
    assert load(tmp_path, urls, {}).backend == PAIR
    assert load(tmp_path, urls, {"PYPI_BACKEND": "artifactory"}).backend == "artifactory"


def test_setup_cfg_has_a_section_and_a_percent_sign_is_one(tmp_path: Path) -> None:
    project(tmp_path, "[tool:venvbuild.release]\nindex_url = https://h/a%20b/simple/\n", "setup.cfg")
    found = load(tmp_path, {}, {})
    assert found.index_url == "https://h/a%20b/simple/"
    assert found.origins["index_url"] == "setup.cfg"


def test_two_files_that_configure_it_are_one_too_many(tmp_path: Path) -> None:
    project(tmp_path, "[tool:venvbuild.release]\nbranch = main\n", "setup.cfg")
    project(tmp_path, TABLE + 'branch = "main"\n')
    assert "keep one of them" in refused(tmp_path)[0]


def test_all_that_is_wrong_in_the_file_is_told_at_once(tmp_path: Path) -> None:
    project(tmp_path, TABLE + 'tag-format = "v{version}"\nbranch = 3\ndevpi_token = "hunter2-Canary"\n')
    key, number, token = refused(tmp_path)
    assert "did you mean tag_format?" in key
    assert 'branch = "..."' in number
    assert "a token never stands in a file" in token
    assert "hunter2" not in token


@pytest.mark.parametrize(
    ("url", "said"),
    [
        pytest.param("https://ci:hunter2-Canary@h/simple/", "it holds credentials", id="credentials"),
        pytest.param("http://pypi.company.com/team/prod/", "--allow-http", id="http"),
        pytest.param("http://127.0.0.1.evil.com/x/", "--allow-http", id="like loopback"),
        pytest.param("ftp://h/x", "no URL of an index", id="scheme"),
        pytest.param("https:///x", "no URL of an index", id="no host"),
        pytest.param("https://h:port/x", "no URL of an index", id="port"),
        pytest.param("https://h/x?token=1", "a query or a fragment", id="query"),
    ],
)
def test_a_url_that_may_not_be_used_is_refused(tmp_path: Path, url: str, said: str) -> None:
    for key in ("index_url", "upload_url", "staging"):
        (line,) = refused(tmp_path, {key: url})
        assert said in line
        assert f"--{key.replace('_', '-')}" in line
        assert "hunter2" not in line


@pytest.mark.parametrize("host", ["127.0.0.1:3141", "localhost", "[::1]:80", "127.8.8.8"])
def test_http_is_taken_to_this_machine_or_when_it_is_allowed(tmp_path: Path, host: str) -> None:
    assert load(tmp_path, {"staging": f"http://{host}/x/"}, {}).staging
    assert load(tmp_path, {"staging": "http://pypi/x/"}, {}, may_http=True).staging


@pytest.mark.parametrize("tag_format", ["v1", "{version}{version}", "v {version}", "{version}.lock", "a..{version}"])
def test_a_format_that_makes_no_tags_is_refused(tmp_path: Path, tag_format: str) -> None:
    assert "v{version}" in refused(tmp_path, {"tag_format": tag_format})[0]


def test_a_tag_and_its_version_go_both_ways(tmp_path: Path) -> None:
    found = load(tmp_path, {"tag_format": "pkg/v{version}"}, {})
    assert found.tag_of("1.2.3rc1") == "pkg/v1.2.3rc1"
    assert found.version_of("pkg/v1.2.3rc1") == "1.2.3rc1"
    assert found.version_of("v1.2.3") is None
    assert found.version_of("pkg/v") is None


def test_an_unknown_backend_is_told_with_what_may_be_meant(tmp_path: Path) -> None:
    (line,) = refused(tmp_path, PYPI_BACKEND="artifactry")
    assert "did you mean artifactory?" in line
    assert "PYPI_BACKEND" in line
    assert "pair" not in refused(tmp_path, PYPI_BACKEND="pair")[0].partition("there are")[2]


@pytest.mark.parametrize("body", ["[tool", "tool = 1\n", "[tool]\nvenvbuild = 3\n", "[tool.venvbuild]\nrelease = []\n"])
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, body: str) -> None:
    project(tmp_path, body)
    assert str(tmp_path / "pyproject.toml") in refused(tmp_path)[0]


def test_a_file_of_certificates_is_beside_the_file_that_names_it_and_has_to_be_there(tmp_path: Path) -> None:
    project(tmp_path, TABLE + 'ca_file = "ca.pem"\n')
    assert "there are no certificates" in refused(tmp_path)[0]
    (tmp_path / "ca.pem").write_text("no PEM")
    assert "there are no certificates" in refused(tmp_path)[0]
    (tmp_path / "ca.pem").write_bytes(Path(botocore.__file__).with_name("cacert.pem").read_bytes())
    assert load(tmp_path, {}, {}).ca_file == tmp_path / "ca.pem"


def test_a_changelog_is_in_the_project(tmp_path: Path) -> None:
    assert "CHANGELOG.md" in refused(tmp_path, {"changelog": "../CHANGELOG.md"})[0]
