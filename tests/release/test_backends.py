"""Both addresses of each kind of index, and who we are there."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.stub import Stubber

from venvbuild.errors import UsageError
from venvbuild.redaction import MASK, REDACTOR
from venvbuild.release.backends import BY_NAME, addresses_of, credentials_of, target_of
from venvbuild.release.configuration import BACKENDS, PAIR, Configuration, load

TOKEN = "tok-Canary-7f3a91"
ENDPOINT = "https://acme-123456789012.d.codeartifact.eu-west-1.amazonaws.com/pypi/python-packages/"
DOMAIN = {"CODEARTIFACT_DOMAIN": "acme", "CODEARTIFACT_REPOSITORY": "python-packages", "AWS_REGION": "eu-west-1"}


def configured(backend: str = "", /, **flags: str) -> Configuration:
    return load(Path("/nowhere"), {"backend": backend, **flags}, {})


class Aws:
    """boto3's client of CodeArtifact over botocore's Stubber: what is asked is compared, what is answered is ours."""

    def __init__(self) -> None:
        self.client = boto3.client(
            "codeartifact", region_name="eu-west-1", aws_access_key_id="a", aws_secret_access_key="b"
        )
        self.stubber = Stubber(self.client)
        self.regions: list[str | None] = []

    def __call__(self, region: str | None) -> Any:
        self.regions.append(region)
        return self.client

    def answers(self, operation: str, answer: dict[str, Any], asked: dict[str, Any]) -> None:
        self.stubber.add_response(operation, answer, asked)
        self.stubber.activate()


@pytest.mark.parametrize(
    ("backend", "environ", "upload_url", "index_url"),
    [
        pytest.param(
            "devpi",
            {"DEVPI_INDEX_URL": "https://pypi.company.com/team/prod/+simple/"},
            "https://pypi.company.com/team/prod/",
            "https://pypi.company.com/team/prod/+simple/",
            id="devpi, as the seed has it",
        ),
        pytest.param(
            "devpi",
            {"DEVPI_INDEX_URL": "https://pypi.company.com/team/prod"},
            "https://pypi.company.com/team/prod/",
            "https://pypi.company.com/team/prod/+simple/",
            id="devpi",
        ),
        pytest.param(
            "artifactory",
            {"ARTIFACTORY_PYPI_URL": "https://artifactory.company.com/artifactory/api/pypi/pypi-local"},
            "https://artifactory.company.com/artifactory/api/pypi/pypi-local",
            "https://artifactory.company.com/artifactory/api/pypi/pypi-local/simple/",
            id="artifactory",
        ),
        pytest.param(
            "gitlab",
            {"GITLAB_URL": "https://gitlab.company.com/", "GITLAB_PROJECT_ID": "12345"},
            "https://gitlab.company.com/api/v4/projects/12345/packages/pypi",
            "https://gitlab.company.com/api/v4/projects/12345/packages/pypi/simple/",
            id="gitlab",
        ),
        pytest.param(
            "gitlab",
            {"CI_SERVER_URL": "https://gitlab.company.com", "GITLAB_PROJECT_ID": "data/tools"},
            "https://gitlab.company.com/api/v4/projects/data%2Ftools/packages/pypi",
            "https://gitlab.company.com/api/v4/projects/data%2Ftools/packages/pypi/simple/",
            id="gitlab, a path in its own CI",
        ),
        pytest.param(
            "azure_artifacts",
            {"AZURE_ORG": "myorg", "AZURE_PROJECT": "my project", "AZURE_FEED": "python-packages"},
            "https://pkgs.dev.azure.com/myorg/my%20project/_packaging/python-packages/pypi/upload/",
            "https://pkgs.dev.azure.com/myorg/my%20project/_packaging/python-packages/pypi/simple/",
            id="azure",
        ),
        pytest.param(
            "pypiserver",
            {"PYPISERVER_URL": "https://h:8080"},
            "https://h:8080/",
            "https://h:8080/simple/",
            id="own",
        ),
        pytest.param("pypi", {}, "https://upload.pypi.org/legacy/", "https://pypi.org/simple/", id="pypi"),
    ],
)
def test_get_repository_url_for_each_backend(
    backend: str, environ: dict[str, str], upload_url: str, index_url: str
) -> None:
    """devpi's and pypiserver's are those that the real servers answer at, in tests/release/test_publishing.py. Those of
    Artifactory, GitLab and Azure are a contract fake: they are compared with the vendors' documentation as texts, and
    CodeArtifact's (below) comes from botocore's Stubber. None of the four was ever asked.
    """
    found = addresses_of(configured(backend), environ)
    assert (found.upload_url, found.index_url) == (upload_url, index_url)
    # Each address tells the other, as they are given by hand.
    for key, url in (("upload_url", upload_url), ("index_url", index_url)):
        other = addresses_of(configured(backend, **{key: url}), {})
        assert (other.upload_url, other.index_url) == (upload_url, index_url)


def test_the_address_of_code_artifact_is_asked_for_and_never_made_up() -> None:
    aws = Aws()
    asked = {"domain": "acme", "domainOwner": "123456789012", "repository": "python-packages", "format": "pypi"}
    aws.answers("get_repository_endpoint", {"repositoryEndpoint": ENDPOINT}, asked)
    environ = {**DOMAIN, "CODEARTIFACT_DOMAIN_OWNER": "123456789012"}
    found = addresses_of(configured("codeartifact"), environ, aws=aws)
    assert (found.upload_url, found.index_url) == (ENDPOINT, ENDPOINT + "simple/")
    assert aws.regions == ["eu-west-1"]


def test_that_an_address_for_installing_was_given_is_said() -> None:
    found = addresses_of(configured("devpi"), {"DEVPI_INDEX_URL": "https://h/team/prod/+simple/"})
    (note,) = found.notes
    assert note == "DEVPI_INDEX_URL is where packages are installed from; uploads go to https://h/team/prod/"


def test_variables_of_a_backend_are_stronger_than_a_file_and_a_flag_than_they(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text('[tool.venvbuild.release]\nindex_url = "https://file/a/b/+simple/"\n')
    environ = {"DEVPI_INDEX_URL": "https://variable/a/b/"}
    assert addresses_of(load(tmp_path, {}, {}), environ).upload_url == "https://variable/a/b/"
    assert addresses_of(load(tmp_path, {}, {}), {}).upload_url == "https://file/a/b/"
    flag = load(tmp_path, {"index_url": "https://flag/a/b/"}, {})
    assert addresses_of(flag, environ).upload_url == "https://flag/a/b/"


@pytest.mark.parametrize(
    ("backend", "variables"),
    [
        ("devpi", ["DEVPI_INDEX_URL"]),
        ("artifactory", ["ARTIFACTORY_PYPI_URL"]),
        ("gitlab", ["GITLAB_URL", "GITLAB_PROJECT_ID"]),
        ("azure_artifacts", ["AZURE_ORG", "AZURE_PROJECT", "AZURE_FEED"]),
        ("aws_codeartifact", ["CODEARTIFACT_DOMAIN", "CODEARTIFACT_REPOSITORY"]),
        ("pypiserver", ["PYPISERVER_URL"]),
    ],
)
def test_what_is_missing_is_told_at_once_with_the_token(backend: str, variables: list[str]) -> None:
    with pytest.raises(UsageError) as caught:
        target_of(configured(backend), {})
    assert [problem.where for problem in caught.value.problems] == [*variables, BY_NAME[backend].tokens[0]]


@pytest.mark.parametrize("url", ["http://pypi.company.com/team/prod/", "https://me:pw@pypi.company.com/team/prod/"])
def test_a_variable_is_judged_as_a_flag_is(url: str) -> None:
    with pytest.raises(UsageError, match="DEVPI_INDEX_URL"):
        addresses_of(configured("devpi"), {"DEVPI_INDEX_URL": url})


def test_a_pair_wants_both() -> None:
    both = configured(index_url="https://h/simple/", upload_url="https://h/up")
    assert both.backend == PAIR
    assert addresses_of(both, {}).upload_url == "https://h/up/"
    with pytest.raises(UsageError, match="DEVPI_INDEX_URL"):
        addresses_of(configured(), {})


@pytest.mark.parametrize(
    ("backend", "url", "end"),
    [
        ("devpi", "https://h/team/prod/+simple/", "+simple/"),
        ("pypiserver", "https://h/simple", "simple/"),
        ("", "https://h/simple/", "simple/"),
    ],
)
def test_an_address_for_installing_is_no_address_for_uploads(backend: str, url: str, end: str) -> None:
    with pytest.raises(UsageError, match=rf"leave out its end, {re.escape(end)}"):
        addresses_of(configured(backend, upload_url=url, index_url="https://h/x/"), {})
    followed = addresses_of(configured(backend, upload_url=url.rstrip("/").removesuffix(end[:-1]), index_url=url), {})
    assert followed.upload_url == url.partition("/simple")[0].partition("/+simple")[0] + "/"


def test_staging_is_an_index_of_the_same_kind() -> None:
    found = addresses_of(configured("devpi", staging="https://h/alice/staging/+simple/"), {}, is_staging=True)
    assert (found.upload_url, found.index_url) == ("https://h/alice/staging/", "https://h/alice/staging/+simple/")
    with pytest.raises(UsageError, match="no staging"):
        addresses_of(configured("devpi"), {}, is_staging=True)


@pytest.mark.parametrize(
    ("backend", "environ", "user", "variable"),
    [
        ("devpi", {"DEVPI_TOKEN": TOKEN, "DEVPI_USER": "alice"}, "alice", "DEVPI_TOKEN"),
        ("devpi", {"DEVPI_TOKEN": TOKEN, "DEVPI_INDEX_URL": "https://h/proxied/team/prod/"}, "team", "DEVPI_TOKEN"),
        ("artifactory", {"ARTIFACTORY_TOKEN": TOKEN, "ARTIFACTORY_USER": "ci"}, "ci", "ARTIFACTORY_TOKEN"),
        ("aws_codeartifact", {"AWS_CODEARTIFACT_TOKEN": TOKEN, "PYPI_USERNAME": "ci"}, "aws", "AWS_CODEARTIFACT_TOKEN"),
        ("aws_codeartifact", {"CODEARTIFACT_AUTH_TOKEN": TOKEN}, "aws", "CODEARTIFACT_AUTH_TOKEN"),
        ("gitlab", {"GITLAB_TOKEN": TOKEN, "GITLAB_USER": "deploy-1"}, "deploy-1", "GITLAB_TOKEN"),
        ("gitlab", {"CI_JOB_TOKEN": TOKEN, "GITLAB_USER": "deploy-1"}, "gitlab-ci-token", "CI_JOB_TOKEN"),
        ("azure_artifacts", {"AZURE_ARTIFACTS_TOKEN": TOKEN}, "venvbuild", "AZURE_ARTIFACTS_TOKEN"),
        ("azure_artifacts", {"SYSTEM_ACCESSTOKEN": TOKEN}, "venvbuild", "SYSTEM_ACCESSTOKEN"),
        ("pypiserver", {"PYPISERVER_TOKEN": TOKEN, "PYPI_USERNAME": "svc"}, "svc", "PYPISERVER_TOKEN"),
        ("pypiserver", {"PYPI_PASSWORD": TOKEN, "PYPI_USERNAME": "svc"}, "svc", "PYPI_PASSWORD"),
        ("pypi", {"PYPI_TOKEN": TOKEN, "PYPI_USERNAME": "svc"}, "__token__", "PYPI_TOKEN"),
        ("pypi", {"PYPI_PASSWORD": TOKEN, "PYPI_USERNAME": "svc"}, "svc", "PYPI_PASSWORD"),
    ],
)
def test_get_auth_token_from_environment(backend: str, environ: dict[str, str], user: str, variable: str) -> None:
    """Real for what the environment says. CodeArtifact's own token (below) is a contract fake: botocore's Stubber
    answers, and AWS was never asked.
    """
    configuration = configured(backend)
    addresses = addresses_of(configuration, environ) if "DEVPI_INDEX_URL" in environ else None
    found = credentials_of(configuration, environ, addresses)
    assert (found.user, found.token, found.origin) == (user, TOKEN, variable)
    assert TOKEN not in repr(found) + str(found)
    assert REDACTOR.redact(f"sent {TOKEN}") == f"sent {MASK}"
    # Without it the variable is named, and no value.
    with pytest.raises(UsageError) as caught:
        credentials_of(configuration, {**environ, variable: ""})
    assert BY_NAME[backend].tokens[0] in str(caught.value)
    assert TOKEN not in str(caught.value)


def test_a_token_of_code_artifact_is_asked_for_when_none_is_set() -> None:
    aws, token = Aws(), "aws-Canary-" + "z" * 40
    aws.answers("get_authorization_token", {"authorizationToken": token}, {"domain": "acme", "durationSeconds": 3600})
    found = credentials_of(configured("aws_codeartifact"), DOMAIN, aws=aws)
    assert (found.user, found.token) == ("aws", token)
    assert token not in REDACTOR.redact(f"got {token}")


@pytest.mark.parametrize("backend", ["devpi", "artifactory", "pypiserver"])
def test_the_user_of_pypi_is_nobody_elsewhere(backend: str) -> None:
    environ = {BY_NAME[backend].tokens[0]: TOKEN, "PYPI_USERNAME": "__token__"}
    with pytest.raises(UsageError, match=f"set {BY_NAME[backend].users[0]}"):
        credentials_of(configured(backend), environ)


@pytest.mark.parametrize("backend", ["artifactory", "pypiserver"])
def test_a_password_without_its_user_names_the_variable_of_the_user(backend: str) -> None:
    with pytest.raises(UsageError, match=f"{BY_NAME[backend].users[0]} or PYPI_USERNAME"):
        credentials_of(configured(backend), {BY_NAME[backend].tokens[0]: TOKEN})


def test_who_only_reads_needs_no_token() -> None:
    environ = {"DEVPI_INDEX_URL": "https://h/team/prod/"}
    assert target_of(configured("devpi"), environ, is_read_only=True).credentials is None


def test_every_backend_that_may_be_named_is_known() -> None:
    assert set(BY_NAME) == {*BACKENDS, PAIR}
