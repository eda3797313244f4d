"""What AWS's errors mean, whichever service was asked: one table, for all who translate them into ours.

Each reader (S3, Athena with Glue) has its own sentence for a meaning, and its own table of what only it can answer.

Codes: https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html,
https://docs.aws.amazon.com/athena/latest/APIReference/CommonErrors.html; classes: botocore.exceptions.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum, auto
from typing import NamedTuple, TypeVar

from botocore.exceptions import BotoCoreError, ClientError

from venvbuild.errors import UsageError, VenvBuildError

M = TypeVar("M")


class Meaning(Enum):
    """What an error of AWS is about."""

    NO_CREDENTIALS = auto()
    SIGNED_OUT = auto()
    """A login (SSO) is over; there are no credentials until somebody logs in."""
    EXPIRED = auto()
    """The credentials were good."""
    REJECTED = auto()
    """Nobody has these credentials, or what they signed is wrong."""
    NO_RIGHT = auto()
    CONFIGURATION = auto()
    """AWS's own files and variables."""
    NO_ADDRESS = auto()
    """No endpoint can be told from the region and what else was given."""
    CLOCK = auto()
    BUSY = auto()
    """Throttled, or failing on their side; the same again may do."""
    UNREACHABLE = auto()
    INSECURE = auto()
    """No TLS that could be trusted."""


class Sentence(NamedTuple):
    """What we say of a meaning."""

    error: type[VenvBuildError]
    what: str
    fix: str

    def about(self, where: str, why: str) -> VenvBuildError:
        """Our error, to be raised."""
        return self.error(self.what, where=where, why=why, fix=self.fix)


NO_CREDENTIALS = Sentence(
    UsageError,
    "there are no usable AWS credentials",
    "set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or use a role",
)
CONFIGURATION = Sentence(UsageError, "the AWS configuration is wrong", "correct ~/.aws/config or the AWS_* variables")

_CODES: dict[Meaning, tuple[str, ...]] = {
    Meaning.NO_RIGHT: ("AccessDenied", "AccessDeniedException"),
    Meaning.REJECTED: (
        "InvalidAccessKeyId",
        "SignatureDoesNotMatch",
        "InvalidSignatureException",
        "IncompleteSignature",
        "AuthorizationHeaderMalformed",
        "InvalidToken",
        "UnrecognizedClientException",
        "InvalidClientTokenId",
        "InvalidIdentityToken",
        "MissingAuthenticationToken",
        "OptInRequired",
    ),
    Meaning.EXPIRED: ("ExpiredToken", "ExpiredTokenException", "TokenRefreshRequired", "RequestExpired"),
    Meaning.CLOCK: ("RequestTimeTooSkewed",),
    Meaning.BUSY: (
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
    ),
}
_CLASSES: dict[Meaning, tuple[str, ...]] = {
    Meaning.NO_CREDENTIALS: (
        "NoCredentialsError",
        "PartialCredentialsError",
        "NoAuthTokenError",
        "CredentialRetrievalError",
        "UnknownCredentialError",
        "MetadataRetrievalError",
        "RefreshWithMFAUnsupportedError",
    ),
    Meaning.SIGNED_OUT: ("SSOError", "LoginError", "TokenRetrievalError"),
    Meaning.CONFIGURATION: (
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
        "MissingDependencyException",
    ),
    Meaning.NO_ADDRESS: (
        "ParamValidationError",
        "ValidationError",
        "BaseEndpointResolverError",
        "UnknownRegionError",
        "InvalidDNSNameError",
        "InvalidHostLabelError",
        "InvalidEndpointConfigurationError",
        "EndpointProviderError",
    ),
    Meaning.UNREACHABLE: ("HTTPClientError", "ConnectionError", "IncompleteReadError"),
    Meaning.INSECURE: ("SSLError",),
}

BY_CODE: dict[str, Meaning] = {code: meaning for meaning, codes in _CODES.items() for code in codes}
BY_CLASS: dict[str, Meaning] = {name: meaning for meaning, names in _CLASSES.items() for name in names}
"""By the name of the class or of the nearest class above it: old versions of botocore lack some."""


def code_of(exc: ClientError) -> str:
    """The error code; of a reply without one, its HTTP status."""
    return str(exc.response.get("Error", {}).get("Code") or status_of(exc))


def status_of(exc: ClientError) -> str:
    """The HTTP status of the reply, `404`; empty when there was no reply."""
    return str(exc.response.get("ResponseMetadata", {}).get("HTTPStatusCode", ""))


def of_class(exc: BotoCoreError, by_class: Mapping[str, M]) -> M | None:
    """What `by_class` has for the class of the error or the nearest class above it; None: for none of them."""
    return next((by_class[above.__name__] for above in type(exc).__mro__ if above.__name__ in by_class), None)


def meaning_of(exc: ClientError | BotoCoreError) -> Meaning | None:
    """What the error is about; None: of its code or class only the service that was asked can tell."""
    return BY_CODE.get(code_of(exc)) if isinstance(exc, ClientError) else of_class(exc, BY_CLASS)
