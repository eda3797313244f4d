"""What AWS answers about CodeArtifact, by botocore's Stubber: a contract fake, AWS was never asked."""

from __future__ import annotations

import pytest
from botocore.exceptions import NoCredentialsError, NoRegionError

from tests.release.test_backends import DOMAIN, Aws
from venvbuild.errors import IndexUnavailable, UsageError, VenvBuildError
from venvbuild.release.codeartifact import Repository


@pytest.mark.parametrize(
    ("code", "kind", "said"),
    [
        ("AccessDeniedException", UsageError, "codeartifact:GetAuthorizationToken"),
        ("ResourceNotFoundException", UsageError, "CODEARTIFACT_DOMAIN_OWNER"),
        ("ThrottlingException", IndexUnavailable, "run it again"),
        ("InternalServerException", IndexUnavailable, "run it again"),
        ("ExpiredTokenException", UsageError, "the AWS login"),
    ],
)
def test_a_refusal_is_told_with_its_fix(code: str, kind: type[VenvBuildError], said: str) -> None:
    aws = Aws()
    aws.stubber.add_client_error("get_authorization_token", code)
    aws.stubber.activate()
    with pytest.raises(kind, match=said) as caught:
        Repository.of(DOMAIN, DOMAIN, aws).token()
    assert "domain acme, region eu-west-1" in caught.value.problems[0].where


@pytest.mark.parametrize("error", [NoCredentialsError(), NoRegionError()])
def test_what_botocore_says_before_it_asks_is_told_too(error: Exception) -> None:
    def client(region: str | None) -> None:
        raise error

    with pytest.raises(UsageError, match="AWS"):
        Repository.of(DOMAIN, {}, client).endpoint()


def test_a_version_is_unlisted_and_only_what_aws_confirms_is_done() -> None:
    asked = {
        "domain": "acme",
        "repository": "python-packages",
        "format": "pypi",
        "package": "demo",
        "versions": ["1.1.0"],
        "targetStatus": "Unlisted",
    }
    aws = Aws()
    done = {"successfulVersions": {"1.1.0": {"revision": "r", "status": "Unlisted"}}, "failedVersions": {}}
    aws.answers("update_package_versions_status", done, asked)
    failed = {"failedVersions": {"1.1.0": {"errorCode": "NOT_FOUND", "errorMessage": "none"}}}
    aws.answers("update_package_versions_status", failed, asked)
    repository = Repository.of(DOMAIN, DOMAIN, aws)
    assert repository.unlist("demo", "1.1.0")
    assert not repository.unlist("demo", "1.1.0")
