"""The questions to AWS CodeArtifact: where a repository is, a token for it, and a version out of sight.

Source: boto3's documentation of the service. Tried against botocore's Stubber only, never against AWS.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from venvbuild.errors import IndexUnavailable, UsageError, VenvBuildError
from venvbuild.redaction import REDACTOR
from venvbuild.text import first_line, shown

if TYPE_CHECKING:
    from venvbuild.aws_errors import Meaning

AwsClient = Callable[[str | None], Any]
"""Makes boto3's client of CodeArtifact for a region; None: the one that AWS's files name."""
NEEDED = ("CODEARTIFACT_DOMAIN", "CODEARTIFACT_REPOSITORY")
USER = "aws"
_SECONDS_OF_A_TOKEN = 3600


@dataclass(frozen=True)
class Repository:
    """One of CodeArtifact."""

    domain: str
    name: str
    owner: str
    """The account of the domain; empty: the caller's."""
    region: str | None
    client: AwsClient

    @classmethod
    def of(cls, found: Mapping[str, str], environ: Mapping[str, str], client: AwsClient | None = None) -> Repository:
        """The one that the variables name; `found` has those of `NEEDED`."""
        # boto3 knows the second alone.
        region = environ.get("AWS_REGION") or environ.get("AWS_DEFAULT_REGION") or None
        owner = environ.get("CODEARTIFACT_DOMAIN_OWNER", "").strip()
        return cls(found[NEEDED[0]], found[NEEDED[1]], owner, region, client or _client)

    def endpoint(self) -> str:
        """Its address, without an end for uploads or reads.

        Raises:
            UsageError, IndexUnavailable: AWS does not tell.
        """
        with self._told():
            made = self.client(self.region)
            answer = made.get_repository_endpoint(**self._domain, repository=self.name, format="pypi")
        return str(answer["repositoryEndpoint"]).rstrip("/")

    def token(self) -> str:
        """A token for an hour; hidden from now on. Raises as `endpoint` does."""
        with self._told():
            made = self.client(self.region)
            answer = made.get_authorization_token(**self._domain, durationSeconds=_SECONDS_OF_A_TOKEN)
        token = str(answer["authorizationToken"])
        REDACTOR.hide(token)
        return token

    def unlist(self, package: str, version: str) -> bool:
        """Take a version out of what installers are shown; who pins it still gets it. Whether AWS did so.

        Raises as `endpoint` does.
        """
        with self._told():
            answer = self.client(self.region).update_package_versions_status(
                **self._domain,
                repository=self.name,
                format="pypi",
                package=package,
                versions=[version],
                targetStatus="Unlisted",
            )
        return version in answer.get("successfulVersions", {}) and not answer.get("failedVersions")

    @property
    def _domain(self) -> dict[str, str]:
        return {"domain": self.domain, **({"domainOwner": self.owner} if self.owner else {})}

    @contextmanager
    def _told(self) -> Iterator[None]:
        from botocore.exceptions import BotoCoreError, ClientError

        from venvbuild import aws_errors  # with botocore, which only CodeArtifact pays for

        try:
            yield
        except (ClientError, BotoCoreError) as error:
            where = f"CodeArtifact, domain {shown(self.domain)}, region {shown(self.region or 'of the configuration')}"
            raise _meant(aws_errors.meaning_of(error), where, shown(first_line(error), 300)) from error


def _meant(meaning: Meaning | None, where: str, why: str) -> VenvBuildError:
    from venvbuild.aws_errors import CONFIGURATION, NO_CREDENTIALS, Meaning, Sentence

    if meaning in (Meaning.BUSY, Meaning.UNREACHABLE):
        return IndexUnavailable("AWS does not answer", where=where, why=why, fix="run it again", rule="AWS")
    rights = (
        "codeartifact:GetAuthorizationToken, codeartifact:GetRepositoryEndpoint, codeartifact:PublishPackageVersion, "
        "codeartifact:UpdatePackageVersionsStatus, sts:GetServiceBearerToken"
    )
    known: dict[Meaning | None, Sentence] = {
        Meaning.NO_CREDENTIALS: NO_CREDENTIALS,
        Meaning.SIGNED_OUT: Sentence(UsageError, "the AWS login is over", "log in again: aws sso login"),
        Meaning.CONFIGURATION: CONFIGURATION,
        Meaning.NO_RIGHT: Sentence(UsageError, "AWS does not allow it", f"ask for {rights}"),
    }
    fix = "correct CODEARTIFACT_DOMAIN, CODEARTIFACT_DOMAIN_OWNER, CODEARTIFACT_REPOSITORY, AWS_REGION or the AWS login"
    return known.get(meaning, Sentence(UsageError, "AWS refuses it", fix)).about(where, why)


def _client(region: str | None) -> Any:
    import boto3

    return boto3.client("codeartifact", region_name=region)
