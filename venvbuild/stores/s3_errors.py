"""What goes wrong at S3, in our words: the one place where botocore's errors become ours.

Codes: https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html; classes: botocore.exceptions. A reply
without a body has its status for a code. `tests/stores/test_s3_errors.py` gives each its exit code.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import NamedTuple

from botocore.exceptions import BotoCoreError, ClientError

from venvbuild.errors import NotInStore, StoreUnavailable, UsageError, VenvBuildError
from venvbuild.redaction import REDACTOR

REFUSED = frozenset({"PreconditionFailed", "412"})
"""The condition did not hold: somebody was first, or it was us and the reply was lost."""
CONFLICT = frozenset({"ConditionalRequestConflict", "OperationAborted"})
"""Another request on this key was under way; asking again is right."""
ABSENT = frozenset({"NoSuchKey", "404"})
DAMAGED = frozenset(
    {"BadDigest", "InvalidDigest", "XAmzContentSHA256Mismatch", "XAmzContentChecksumMismatch", "IncompleteBody"}
)
"""The server did not get the bytes that we sent and has stored nothing."""
NOT_SUPPORTED = frozenset({"NotImplemented", "501"})
_WHY_LENGTH = 200


class _Kind(NamedTuple):
    error: type[VenvBuildError]
    what: str
    fix: str


_MISSING = _Kind(NotInStore, "is not in the store", "")
_NO_BUCKET = _Kind(
    UsageError, "the bucket does not exist", "check the bucket's name in --store, and the region or endpoint"
)
_NO_RIGHT = _Kind(
    UsageError,
    "S3 refused access",
    "give this identity s3:ListBucket on the bucket, and s3:GetObject, "
    "s3:PutObject, s3:DeleteObject and s3:AbortMultipartUpload below the prefix",
)
_NO_KEY = _Kind(UsageError, "the KMS key cannot be used", "check the key's id, its state and the rights to it")
_REJECTED = _Kind(
    UsageError,
    "S3 does not accept the credentials",
    "set working ones: AWS_PROFILE, AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or a role",
)
_EXPIRED = _Kind(
    UsageError,
    "the AWS credentials have expired",
    "get fresh ones (`aws sso login`, a new session token) and run it again",
)
_NO_CREDENTIALS = _Kind(
    UsageError,
    "there are no usable AWS credentials",
    "set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or use a role",
)
_SETTINGS = _Kind(UsageError, "the AWS configuration is wrong", "correct ~/.aws/config or the AWS_* variables")
_ADDRESS = _Kind(
    UsageError, "there cannot be an S3 store at this address", "check the bucket's name, the region and the endpoint"
)
_REGION = _Kind(UsageError, "the bucket is in another region", "set AWS_REGION to the bucket's region")
_CLOCK = _Kind(StoreUnavailable, "the clock of this machine and that of S3 differ", "set the clock (NTP)")
_BUSY = _Kind(StoreUnavailable, "S3 is overloaded or failing", "run it again later")
_UNREACHABLE = _Kind(StoreUnavailable, "S3 cannot be reached", "check the network, the proxy and the endpoint")
_TLS = _Kind(StoreUnavailable, "no secure connection to S3", "check AWS_CA_BUNDLE, the proxy and the endpoint")
_BROKEN = _Kind(StoreUnavailable, "bytes were damaged between here and S3", "run it again; check the network")
_UNKNOWN = _Kind(StoreUnavailable, "S3 failed in a way we do not know", "run it again; tell us if it stays")

BY_CODE: dict[str, _Kind] = {
    **dict.fromkeys(ABSENT, _MISSING),
    **dict.fromkeys(DAMAGED, _BROKEN),
    **dict.fromkeys((*CONFLICT, "NoSuchUpload"), _BUSY),
    **dict.fromkeys(("NoSuchBucket", "AllAccessDisabled"), _NO_BUCKET),
    **dict.fromkeys(("AccessDenied", "AccessDeniedException", "AccountProblem", "403", "401"), _NO_RIGHT),
    **dict.fromkeys(
        (
            "InvalidAccessKeyId",
            "SignatureDoesNotMatch",
            "InvalidToken",
            "UnrecognizedClientException",
            "InvalidClientTokenId",
            "InvalidIdentityToken",
            "AuthorizationHeaderMalformed",
        ),
        _REJECTED,
    ),
    **dict.fromkeys(("ExpiredToken", "ExpiredTokenException", "TokenRefreshRequired", "RequestExpired"), _EXPIRED),
    **dict.fromkeys(("InvalidBucketName", "InvalidURI"), _ADDRESS),
    **dict.fromkeys(
        ("PermanentRedirect", "TemporaryRedirect", "IllegalLocationConstraintException", "301", "307"), _REGION
    ),
    **dict.fromkeys(
        (
            "KMS.DisabledException",
            "KMS.NotFoundException",
            "KMS.KMSInvalidStateException",
            "KMS.InvalidStateException",
            "InvalidArgument.KMS",
        ),
        _NO_KEY,
    ),
    "RequestTimeTooSkewed": _CLOCK,
    **dict.fromkeys(
        (
            "SlowDown",
            "Throttling",
            "ThrottlingException",
            "RequestLimitExceeded",
            "TooManyRequests",
            "ServiceUnavailable",
            "InternalError",
            "RequestTimeout",
            "429",
            "500",
            "502",
            "503",
            "504",
        ),
        _BUSY,
    ),
}

BY_CLASS: dict[str, _Kind] = {
    **dict.fromkeys(
        (
            "NoCredentialsError",
            "PartialCredentialsError",
            "NoAuthTokenError",
            "CredentialRetrievalError",
            "UnknownCredentialError",
            "MetadataRetrievalError",
            "RefreshWithMFAUnsupportedError",
        ),
        _NO_CREDENTIALS,
    ),
    **dict.fromkeys(("SSOError", "LoginError", "TokenRetrievalError"), _EXPIRED),
    **dict.fromkeys(
        (
            "ProfileNotFound",
            "ConfigParseError",
            "ConfigNotFound",
            "InvalidConfigError",
            "UnknownTokenProviderError",
            "InvalidProxiesConfigError",
            "InvalidRetryConfigurationError",
            "InvalidDefaultsMode",
            "InvalidChecksumConfigError",
            "InvalidIMDSEndpointError",
            "InvalidIMDSEndpointModeError",
            "InvalidSTSRegionalEndpointsConfigError",
            "InvalidS3UsEast1RegionalEndpointConfigError",
            "MissingDependencyException",
        ),
        _SETTINGS,
    ),
    **dict.fromkeys(
        (
            "ParamValidationError",
            "ValidationError",
            "BaseEndpointResolverError",
            "UnknownRegionError",
            "InvalidDNSNameError",
            "InvalidHostLabelError",
            "InvalidS3AddressingStyleError",
            "InvalidEndpointConfigurationError",
            "EndpointProviderError",
            "UnsupportedS3ArnError",
            "UnsupportedS3ConfigurationError",
            "UnsupportedS3AccesspointConfigurationError",
            "UnsupportedOutpostResourceError",
        ),
        _ADDRESS,
    ),
    **dict.fromkeys(("HTTPClientError", "ConnectionError", "IncompleteReadError"), _UNREACHABLE),
    **dict.fromkeys(("ChecksumError", "FlexibleChecksumError"), _BROKEN),
    "SSLError": _TLS,
}
"""By the name of the class or of the nearest class above it."""


def code_of(exc: ClientError) -> str:
    """The S3 error code; of a reply without one, its HTTP status."""
    return str(exc.response.get("Error", {}).get("Code") or _status(exc))


def was_retried(exc: ClientError) -> bool:
    """Whether an earlier try of this request may have landed without our hearing of it."""
    return bool(exc.response.get("ResponseMetadata", {}).get("RetryAttempts"))


def store_error(exc: ClientError | BotoCoreError, where: str) -> VenvBuildError:
    """Our error for botocore's. `where` is the object or the store; no secret is in any part of the message."""
    kind, why = _kind(exc), str(exc)
    if isinstance(exc, ClientError):
        error = exc.response.get("Error", {})
        why = f"{code_of(exc)}: {error.get('Message') or 'no message'}"
        if kind is _CLOCK:
            why = clock_difference(_server_time(exc), datetime.now(UTC))
    if kind is _MISSING:
        return NotInStore(f"{REDACTOR.redact(where)} is not in the store")
    why = " ".join(REDACTOR.redact(why).split())  # one line: botocore's of a bad name holds a page of pattern
    return kind.error(kind.what, where=REDACTOR.redact(where), why=why[:_WHY_LENGTH], fix=kind.fix)


def clock_difference(theirs: datetime | str, ours: datetime) -> str:
    """Both times in UTC, in words."""
    said = theirs if isinstance(theirs, str) else f"{theirs:%Y-%m-%dT%H:%M:%SZ}"
    return f"S3 says {said or 'another time'}, this machine {ours:%Y-%m-%dT%H:%M:%SZ}"


def _kind(exc: ClientError | BotoCoreError) -> _Kind:
    if isinstance(exc, ClientError):
        return BY_CODE.get(code_of(exc)) or BY_CODE.get(_status(exc), _UNKNOWN)
    return next((BY_CLASS[above.__name__] for above in type(exc).__mro__ if above.__name__ in BY_CLASS), _UNKNOWN)


def _status(exc: ClientError) -> str:
    return str(exc.response.get("ResponseMetadata", {}).get("HTTPStatusCode", ""))


def _server_time(exc: ClientError) -> str:
    return str(exc.response.get("ResponseMetadata", {}).get("HTTPHeaders", {}).get("date", ""))
