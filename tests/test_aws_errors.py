"""What AWS's errors mean, and that S3, Athena and Glue say it each in its own words."""

from __future__ import annotations

import botocore.exceptions
import pytest
from botocore.exceptions import BotoCoreError, ClientError, EndpointConnectionError, NoCredentialsError

from athena.engines import glue_error
from athena.engines.athena_errors import engine_error
from venvbuild.aws_errors import BY_CLASS, BY_CODE, Meaning, code_of, meaning_of
from venvbuild.errors import VenvBuildError
from venvbuild.stores.s3_errors import store_error


def client_error(code: str, status: int = 400) -> ClientError:
    return ClientError(
        {"Error": {"Code": code, "Message": "words"}, "ResponseMetadata": {"HTTPStatusCode": status}},  # type: ignore[typeddict-item]
        "Ask",
    )


def bare(name: str) -> BotoCoreError:
    kind = getattr(botocore.exceptions, name)
    error: BotoCoreError = kind.__new__(kind)
    return error


@pytest.mark.parametrize(
    ("code", "meaning"),
    [
        ("AccessDenied", Meaning.NO_RIGHT),
        ("ExpiredTokenException", Meaning.EXPIRED),
        ("InvalidSignatureException", Meaning.REJECTED),
        ("RequestTimeTooSkewed", Meaning.CLOCK),
        ("ThrottlingException", Meaning.BUSY),
        ("NoSuchBucket", None),
    ],
)
def test_a_code_means_the_same_whoever_was_asked(code: str, meaning: Meaning | None) -> None:
    assert meaning_of(client_error(code)) == meaning


@pytest.mark.parametrize(
    ("name", "meaning"),
    [
        ("NoCredentialsError", Meaning.NO_CREDENTIALS),
        ("SSOTokenLoadError", Meaning.SIGNED_OUT),
        ("ProfileNotFound", Meaning.CONFIGURATION),
        ("EndpointConnectionError", Meaning.UNREACHABLE),
        ("SSLError", Meaning.INSECURE),
        ("WaiterError", None),
    ],
)
def test_a_class_means_what_the_nearest_known_one_above_it_means(name: str, meaning: Meaning | None) -> None:
    assert meaning_of(bare(name)) == meaning


def test_every_meaning_has_a_code_or_a_class() -> None:
    assert {*BY_CODE.values(), *BY_CLASS.values()} == set(Meaning)


def test_every_class_is_one_of_botocore() -> None:
    assert [name for name in BY_CLASS if not hasattr(botocore.exceptions, name)] == []


def test_a_reply_without_a_code_is_known_by_its_status() -> None:
    assert code_of(client_error("", 503)) == "503"


def said(error: VenvBuildError) -> tuple[int, str, str]:
    [problem] = error.problems
    return error.exit_code, problem.what, problem.fix


ROLE = "or a role"
LOG_IN = "set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or use a role"
NO_LOGIN = (2, "there are no usable AWS credentials", LOG_IN)
FRESH = "get fresh ones (`aws sso login`, a new session token)"
EXPIRED = "the AWS credentials have expired"
REGION = "check VENVBUILD_ATHENA_REGION, the network and the proxy"
RIGHTS = "give this identity the rights that docs/catalog.md lists"


@pytest.mark.parametrize(
    ("error", "by_s3", "by_athena", "by_glue"),
    [
        (
            client_error("SignatureDoesNotMatch"),
            (
                2,
                "S3 does not accept the credentials",
                f"set working ones: AWS_PROFILE, AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, {ROLE}",
            ),
            (2, "Athena does not accept the credentials", f"set working ones: AWS_PROFILE, {ROLE}"),
            (2, "Glue does not accept the credentials", f"set working ones: AWS_PROFILE, {ROLE}"),
        ),
        (
            client_error("AccessDeniedException"),
            (
                2,
                "S3 refused access",
                "give this identity s3:ListBucket on the bucket, and s3:GetObject, s3:PutObject, s3:DeleteObject and "
                "s3:AbortMultipartUpload below the prefix",
            ),
            (2, "Athena refuses access", RIGHTS),
            (2, "Glue refuses access", RIGHTS),
        ),
        (
            client_error("ExpiredToken"),
            (2, EXPIRED, f"{FRESH} and run it again"),
            (2, EXPIRED, FRESH),
            (2, EXPIRED, FRESH),
        ),
        (
            client_error("ThrottlingException"),
            (7, "S3 is overloaded or failing", "run it again later"),
            (10, "Athena is overloaded or failing", "run it again later"),
            (10, "Glue is overloaded or failing", "run it again later"),
        ),
        (
            EndpointConnectionError(endpoint_url="https://aws"),
            (7, "S3 cannot be reached", "check the network, the proxy and the endpoint"),
            (10, "Athena does not answer", REGION),
            (10, "Glue does not answer", REGION),
        ),
        (NoCredentialsError(), NO_LOGIN, NO_LOGIN, NO_LOGIN),
        (bare("SSOTokenLoadError"), (2, EXPIRED, f"{FRESH} and run it again"), NO_LOGIN, NO_LOGIN),
        (
            client_error("RequestTimeTooSkewed"),
            (7, "the clock of this machine and that of S3 differ", "set the clock (NTP)"),
            (10, "Athena cannot answer", "correct what was asked"),
            (10, "Glue cannot answer", "correct what was asked"),
        ),
    ],
    ids=lambda one: getattr(one, "response", {}).get("Error", {}).get("Code") or type(one).__name__,
)
def test_each_service_has_its_own_words(
    error: ClientError | BotoCoreError,
    by_s3: tuple[int, str, str],
    by_athena: tuple[int, str, str],
    by_glue: tuple[int, str, str],
) -> None:
    assert said(store_error(error, "s3://bucket/x")) == by_s3
    assert said(engine_error(error, "Athena in eu-central-1")) == by_athena
    assert said(glue_error(error)) == by_glue
