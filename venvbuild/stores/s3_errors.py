"""What goes wrong at S3, in our words: the one place where botocore's errors become ours.

What every service of AWS may answer is in `venvbuild.aws_errors`, here what only S3 does. A reply without a body has
its status for a code. `tests/stores/test_s3_errors.py` gives each its exit code.
"""

from __future__ import annotations

from datetime import UTC, datetime

from botocore.exceptions import BotoCoreError, ClientError

from venvbuild import aws_errors
from venvbuild.aws_errors import Meaning, Sentence, code_of, of_class, status_of
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

_MISSING = Sentence(NotInStore, "is not in the store", "")
_NO_BUCKET = Sentence(
    UsageError, "the bucket does not exist", "check the bucket's name in --store, and the region or endpoint"
)
_NO_RIGHT = Sentence(
    UsageError,
    "S3 refused access",
    "give this identity s3:ListBucket on the bucket, and s3:GetObject, "
    "s3:PutObject, s3:DeleteObject and s3:AbortMultipartUpload below the prefix",
)
_NO_KEY = Sentence(UsageError, "the KMS key cannot be used", "check the key's id, its state and the rights to it")
_EXPIRED = Sentence(
    UsageError,
    "the AWS credentials have expired",
    "get fresh ones (`aws sso login`, a new session token) and run it again",
)
_ADDRESS = Sentence(
    UsageError, "there cannot be an S3 store at this address", "check the bucket's name, the region and the endpoint"
)
_REGION = Sentence(UsageError, "the bucket is in another region", "set AWS_REGION to the bucket's region")
_CLOCK = Sentence(StoreUnavailable, "the clock of this machine and that of S3 differ", "set the clock (NTP)")
_BUSY = Sentence(StoreUnavailable, "S3 is overloaded or failing", "run it again later")
_BROKEN = Sentence(StoreUnavailable, "bytes were damaged between here and S3", "run it again; check the network")
_UNKNOWN = Sentence(StoreUnavailable, "S3 failed in a way we do not know", "run it again; tell us if it stays")

_SAID: dict[Meaning, Sentence] = {
    Meaning.NO_CREDENTIALS: aws_errors.NO_CREDENTIALS,
    Meaning.SIGNED_OUT: _EXPIRED,
    Meaning.EXPIRED: _EXPIRED,
    Meaning.REJECTED: Sentence(
        UsageError,
        "S3 does not accept the credentials",
        "set working ones: AWS_PROFILE, AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or a role",
    ),
    Meaning.NO_RIGHT: _NO_RIGHT,
    Meaning.CONFIGURATION: aws_errors.CONFIGURATION,
    Meaning.NO_ADDRESS: _ADDRESS,
    Meaning.CLOCK: _CLOCK,
    Meaning.BUSY: _BUSY,
    Meaning.UNREACHABLE: Sentence(
        StoreUnavailable, "S3 cannot be reached", "check the network, the proxy and the endpoint"
    ),
    Meaning.INSECURE: Sentence(
        StoreUnavailable, "no secure connection to S3", "check AWS_CA_BUNDLE, the proxy and the endpoint"
    ),
}

BY_CODE: dict[str, Sentence] = {
    **{code: _SAID[meaning] for code, meaning in aws_errors.BY_CODE.items()},
    **dict.fromkeys(ABSENT, _MISSING),
    **dict.fromkeys(DAMAGED, _BROKEN),
    **dict.fromkeys((*CONFLICT, "NoSuchUpload", "429", "500", "502", "503", "504"), _BUSY),
    **dict.fromkeys(("NoSuchBucket", "AllAccessDisabled"), _NO_BUCKET),
    **dict.fromkeys(("AccountProblem", "403", "401"), _NO_RIGHT),
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
}

BY_CLASS: dict[str, Sentence] = {
    **{name: _SAID[meaning] for name, meaning in aws_errors.BY_CLASS.items()},
    "InvalidS3UsEast1RegionalEndpointConfigError": aws_errors.CONFIGURATION,
    **dict.fromkeys(
        (
            "InvalidS3AddressingStyleError",
            "UnsupportedS3ArnError",
            "UnsupportedS3ConfigurationError",
            "UnsupportedS3AccesspointConfigurationError",
            "UnsupportedOutpostResourceError",
        ),
        _ADDRESS,
    ),
    **dict.fromkeys(("ChecksumError", "FlexibleChecksumError"), _BROKEN),
}


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
    return kind.about(REDACTOR.redact(where), why[:_WHY_LENGTH])


def clock_difference(theirs: datetime | str, ours: datetime) -> str:
    """Both times in UTC, in words."""
    said = theirs if isinstance(theirs, str) else f"{theirs:%Y-%m-%dT%H:%M:%SZ}"
    return f"S3 says {said or 'another time'}, this machine {ours:%Y-%m-%dT%H:%M:%SZ}"


def _kind(exc: ClientError | BotoCoreError) -> Sentence:
    if isinstance(exc, ClientError):
        return BY_CODE.get(code_of(exc)) or BY_CODE.get(status_of(exc), _UNKNOWN)
    return of_class(exc, BY_CLASS) or _UNKNOWN


def _server_time(exc: ClientError) -> str:
    return str(exc.response.get("ResponseMetadata", {}).get("HTTPHeaders", {}).get("date", ""))
