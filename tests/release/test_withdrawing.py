"""A version taken back as far as its index can; else the request by which somebody can."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.release.test_backends import DOMAIN, Aws, configured
from tests.support.devpi_server import Devpi
from tests.support.fake_index import PROFILES, FakeIndex
from tests.support.releases import NAME, built, publisher, target
from venvbuild.errors import UsageError
from venvbuild.release.backends import target_of
from venvbuild.release.index import Index
from venvbuild.release.withdrawing import todo_of, withdraw

TODO = {
    "artifactory": (
        {"ARTIFACTORY_PYPI_URL": "https://a.co/artifactory/api/pypi/local", "ARTIFACTORY_USER": "ci"},
        "curl -u ci -X DELETE https://a.co/artifactory/local/vb-demo/1.1.0/",
    ),
    "gitlab": (
        {"GITLAB_URL": "https://g.co", "GITLAB_PROJECT_ID": "12"},
        "curl -H 'PRIVATE-TOKEN: ...' -X DELETE https://g.co/api/v4/projects/12/packages/ID",
    ),
    "azure_artifacts": (
        {"AZURE_ORG": "org", "AZURE_PROJECT": "pro", "AZURE_FEED": "feed"},
        "https://pkgs.dev.azure.com/org/pro/_apis/packaging/feeds/feed/pypi/packages/vb-demo/versions/1.1.0",
    ),
    "pypiserver": ({"PYPISERVER_URL": "https://p.co", "PYPISERVER_USER": "svc"}, "removes its files from the server's"),
    "pypi": ({}, "yank it at https://pypi.org/manage/project/vb-demo/release/1.1.0/"),
}


@pytest.mark.parametrize("backend", TODO)
def test_what_we_do_not_do_is_told_as_a_request_without_a_secret(backend: str) -> None:
    environ, said = TODO[backend]
    environ = {**environ, "PYPI_PASSWORD": "pw-Canary-31", "PYPI_USERNAME": "svc"}
    told = todo_of(target_of(configured(backend), environ), "VB_Demo", "1.1.0", ["vb_demo-1.1.0.tar.gz"])
    assert said in told
    assert "Canary" not in told


@pytest.mark.xdist_group("devpi")
def test_devpi_removes_from_a_volatile_index_and_tells_how_from_another(devpi: Devpi, tmp_path: Path) -> None:
    manifest = built(tmp_path, "1.1.0")
    for volatile in (True, False):
        environ = devpi.index(volatile=volatile).environment()
        publisher(environ).publish(manifest, tmp_path)
        if volatile:
            wrong = {**environ, "DEVPI_TOKEN": "wrong-Canary"}
            with pytest.raises(UsageError, match="DEVPI_TOKEN"):
                withdraw(target(wrong), NAME, "1.1.0", wrong)
        done = withdraw(target(environ), NAME, "1.1.0", environ)
        assert (done.is_done, bool(Index(target(environ)).list(NAME).files)) == (volatile, not volatile)
        assert ("volatile=True" in done.todo) == (not volatile)
        assert withdraw(target(environ), NAME, "7.0.0", environ).is_done


def test_code_artifact_unlists(tmp_path: Path) -> None:
    """A contract fake: the index is ours, and AWS's answer botocore's Stubber."""
    manifest = built(tmp_path, "1.0.0")
    with FakeIndex(PROFILES["aws_codeartifact"]) as index:
        environ = {**index.environment(), **DOMAIN}
        index.files = {one.filename: (tmp_path / one.filename).read_bytes() for one in manifest.files}
        aws = Aws()
        asked = {
            "domain": "acme", "repository": "python-packages", "format": "pypi", "package": NAME,
            "versions": ["1.0.0"], "targetStatus": "Unlisted",
        }  # fmt: skip
        done = {"successfulVersions": {"1.0.0": {"status": "Unlisted"}}, "failedVersions": {}}
        aws.answers("update_package_versions_status", done, asked)
        aws.answers("update_package_versions_status", {}, asked)
        assert withdraw(target(environ), NAME, "1.0.0", environ, aws=aws).is_done
        undone = withdraw(target(environ), NAME, "1.0.0", environ, aws=aws)
    assert (undone.is_done, "--target-status Unlisted" in undone.todo) == (False, True)
