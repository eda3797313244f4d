"""The foreign errors we know, each with the exit code it must give."""

from __future__ import annotations

import inspect

import botocore.exceptions
import pytest
from botocore.exceptions import BotoCoreError, ClientError

from venvbuild.redaction import REDACTOR
from venvbuild.stores.s3_errors import BY_CLASS, BY_CODE, store_error

EXIT_CODES = {
    2: [
        "NoSuchBucket",
        "AllAccessDisabled",
        "AccessDenied",
        "AccessDeniedException",
        "AccountProblem",
        "401",
        "403",
        "InvalidAccessKeyId",
        "SignatureDoesNotMatch",
        "InvalidToken",
        "UnrecognizedClientException",
        "InvalidClientTokenId",
        "InvalidIdentityToken",
        "AuthorizationHeaderMalformed",
        "InvalidSignatureException",
        "IncompleteSignature",
        "MissingAuthenticationToken",
        "OptInRequired",
        "ExpiredToken",
        "ExpiredTokenException",
        "TokenRefreshRequired",
        "RequestExpired",
        "InvalidBucketName",
        "InvalidURI",
        "PermanentRedirect",
        "TemporaryRedirect",
        "IllegalLocationConstraintException",
        "301",
        "307",
        "KMS.DisabledException",
        "KMS.NotFoundException",
        "KMS.KMSInvalidStateException",
        "KMS.InvalidStateException",
        "InvalidArgument.KMS",
    ],
    7: [
        "SlowDown",
        "Throttling",
        "ThrottlingException",
        "RequestLimitExceeded",
        "TooManyRequests",
        "TooManyRequestsException",
        "ServiceUnavailable",
        "ServiceUnavailableException",
        "InternalError",
        "InternalFailure",
        "InternalServerException",
        "RequestTimeout",
        "429",
        "500",
        "502",
        "503",
        "504",
        "BadDigest",
        "InvalidDigest",
        "XAmzContentSHA256Mismatch",
        "XAmzContentChecksumMismatch",
        "IncompleteBody",
        "ConditionalRequestConflict",
        "OperationAborted",
        "NoSuchUpload",
        "RequestTimeTooSkewed",
    ],
    9: ["NoSuchKey", "404"],
}


def client_error(code: str, status: int = 400, message: str = "words") -> ClientError:
    return ClientError(
        {
            "Error": {"Code": code, "Message": message},
            "ResponseMetadata": {
                "HTTPStatusCode": status,
                "RequestId": "",
                "HostId": "",
                "HTTPHeaders": {},
                "RetryAttempts": 0,
            },
        },
        "PutObject",
    )


@pytest.mark.parametrize(
    ("exit_code", "code"), [(exit_code, code) for exit_code, codes in EXIT_CODES.items() for code in codes]
)
def test_each_known_code_has_its_exit_code(exit_code: int, code: str) -> None:
    assert store_error(client_error(code), "s3://bucket/x").exit_code == exit_code


def test_no_known_code_is_missing_here() -> None:
    assert set(BY_CODE) == {code for codes in EXIT_CODES.values() for code in codes}


@pytest.mark.parametrize(("status", "exit_code"), [(403, 2), (404, 9), (503, 7), (418, 7)], ids=str)
def test_an_unknown_code_is_judged_by_its_status_and_shown(status: int, exit_code: int) -> None:
    error = store_error(client_error("Teapot", status), "s3://bucket/x")
    assert error.exit_code == exit_code
    assert exit_code == 9 or "why: Teapot: words" in str(error)


CLASSES_WITH_EXIT_CODE_7 = {
    "HTTPClientError",
    "ConnectionError",
    "IncompleteReadError",
    "ChecksumError",
    "FlexibleChecksumError",
    "SSLError",
}


def bare(name: str) -> BotoCoreError:
    kind = getattr(botocore.exceptions, name)
    error: BotoCoreError = kind.__new__(kind)
    return error


@pytest.mark.parametrize("name", sorted(BY_CLASS))
def test_each_known_class_has_its_exit_code(name: str) -> None:
    assert store_error(bare(name), "s3://bucket/x").exit_code == (7 if name in CLASSES_WITH_EXIT_CODE_7 else 2)


@pytest.mark.parametrize(
    "name",
    [
        "EndpointConnectionError",
        "ConnectTimeoutError",
        "ReadTimeoutError",
        "ConnectionClosedError",
        "ProxyConnectionError",
        "ResponseStreamingError",
    ],
)
def test_a_class_below_a_known_one_is_known(name: str) -> None:
    assert store_error(bare(name), "s3://bucket/x").exit_code == 7


# Of botocore 1.44: what cannot come from the calls that this store makes, or is our own mistake.
NOT_EXPECTED = {
    "AliasConflictParameterError",
    "ApiVersionNotFoundError",
    "AwsChunkedWrapperError",
    "BotoCoreError",
    "CapacityNotAvailableError",
    "DataNotFoundError",
    "InvalidEndpointDiscoveryConfigurationError",
    "InvalidExpressionError",
    "MD5UnavailableError",
    "MissingParametersError",
    "OperationNotPageableError",
    "PaginationError",
    "ServiceNotInRegionError",
    "StubAssertionError",
    "StubResponseError",
    "UnStubbedResponseError",
    "UnknownClientMethodError",
    "UnknownServiceError",
    "UnknownServiceStyle",
    "UnknownSignatureVersionError",
    "UnseekableStreamError",
    "UnsupportedS3ControlArnError",
    "UnsupportedS3ControlConfigurationError",
    "UnsupportedServiceProtocolsError",
    "UnsupportedSignatureVersionError",
    "WaiterConfigError",
    "WaiterError",
}


def test_botocore_has_no_error_that_we_have_not_judged() -> None:
    known = {
        name
        for name, kind in vars(botocore.exceptions).items()
        if inspect.isclass(kind)
        and issubclass(kind, BotoCoreError)
        and any(above.__name__ in BY_CLASS for above in kind.__mro__)
    }
    every = {
        name
        for name, kind in vars(botocore.exceptions).items()
        if inspect.isclass(kind) and issubclass(kind, BotoCoreError)
    }
    assert every - known <= NOT_EXPECTED


def test_no_secret_of_a_foreign_message_is_shown() -> None:
    REDACTOR.hide("hunter22-the-secret")
    error = store_error(client_error("AccessDenied", message="AKIAABCDEFGHIJKLMNOP hunter22-the-secret"), "s3://b/x")
    assert "AccessDenied: **** ****" in str(error)
