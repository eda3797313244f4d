"""What goes wrong at Athena, in our words: the one place where PyAthena's and botocore's errors become ours.

Codes: https://docs.aws.amazon.com/athena/latest/APIReference/CommonErrors.html and the errors of StartQueryExecution.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    CredentialRetrievalError,
    NoAuthTokenError,
    NoCredentialsError,
    PartialCredentialsError,
    SSOError,
    TokenRetrievalError,
)

from venvbuild.errors import QueryEngineError, UsageError, VenvBuildError

_WHY_LENGTH = 500


class _Kind(NamedTuple):
    error: type[VenvBuildError]
    what: str
    fix: str


_NO_RIGHT = _Kind(UsageError, "{service} refuses access", "give this identity the rights that docs/catalog.md lists")
_EXPIRED = _Kind(
    UsageError, "the AWS credentials have expired", "get fresh ones (`aws sso login`, a new session token)"
)
_REJECTED = _Kind(UsageError, "{service} does not accept the credentials", "set working ones: AWS_PROFILE, or a role")
_NO_CREDENTIALS = _Kind(
    UsageError,
    "there are no usable AWS credentials",
    "set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or use a role",
)
_SETTINGS = _Kind(
    UsageError,
    "{service} cannot be asked with these settings",
    "correct VENVBUILD_ATHENA_WORKGROUP, VENVBUILD_ATHENA_OUTPUT and VENVBUILD_ATHENA_REGION",
)
_BUSY = _Kind(QueryEngineError, "{service} is overloaded or failing", "run it again later")
_UNREACHABLE = _Kind(
    QueryEngineError, "{service} does not answer", "check VENVBUILD_ATHENA_REGION, the network and the proxy"
)
_CUT_OFF = _Kind(
    QueryEngineError,
    "the work group's limit of bytes per query stopped the query",
    "ask for less (--since), or let the work group's BytesScannedCutoffPerQuery be raised",
)
_NO_TABLE = _Kind(
    QueryEngineError,
    "{service} cannot answer",
    "`venvbuild table create` makes the table and its views; or correct VENVBUILD_ATHENA_DATABASE",
)
_FAILED = _Kind(QueryEngineError, "{service} cannot answer", "correct what was asked")

BY_CODE: dict[str, _Kind] = {
    **dict.fromkeys(("AccessDeniedException", "AccessDenied"), _NO_RIGHT),
    **dict.fromkeys(("ExpiredTokenException", "ExpiredToken", "RequestExpired"), _EXPIRED),
    **dict.fromkeys(
        (
            "UnrecognizedClientException",
            "InvalidClientTokenId",
            "InvalidSignatureException",
            "SignatureDoesNotMatch",
            "IncompleteSignature",
            "MissingAuthenticationToken",
            "OptInRequired",
        ),
        _REJECTED,
    ),
    **dict.fromkeys(
        (
            "ThrottlingException",
            "TooManyRequestsException",
            "InternalServerException",
            "InternalFailure",
            "ServiceUnavailable",
            "ServiceUnavailableException",
        ),
        _BUSY,
    ),
}
_BY_REASON = (
    (re.compile(r"bytes scanned limit", re.IGNORECASE), _CUT_OFF),
    (re.compile(r"(access|permission) denied|insufficient.* permission|not authorized", re.IGNORECASE), _NO_RIGHT),
    (re.compile(r"work ?group|output ?(location|bucket)", re.IGNORECASE), _SETTINGS),
    (re.compile(r"\A(TABLE|SCHEMA)_NOT_FOUND|(Table|Database) not found", re.IGNORECASE), _NO_TABLE),
    (re.compile(r"resources at this scale|internal error|throttl|rate exceeded", re.IGNORECASE), _BUSY),
)
_NAMED = re.compile(r"\A(?P<name>[A-Z][A-Z_]+): (?P<message>.*)")
_NO_LOGIN = (
    NoCredentialsError,
    PartialCredentialsError,
    CredentialRetrievalError,
    NoAuthTokenError,
    TokenRetrievalError,
    SSOError,
)


def engine_error(error: Exception, where: str, service: str = "Athena") -> VenvBuildError:
    """Our error for one of PyAthena's or botocore's; `where` names the query, `service` who was asked.

    No secret is in any part.
    """
    cause = error.__cause__ or error
    if isinstance(cause, ClientError):
        said = cause.response.get("Error", {})
        code, message = str(said.get("Code", "")), _one_line(str(said.get("Message", "")))
        return _told(BY_CODE.get(code) or _by_reason(message), service, where, f"{code}: {message}")
    if isinstance(cause, BotoCoreError):
        kind = _NO_CREDENTIALS if isinstance(cause, _NO_LOGIN) else _UNREACHABLE
        return _told(kind, service, where, _one_line(str(cause)))
    reason = _one_line(str(error.args[0] or "") if error.args else "")
    kind, named = _by_reason(reason), _NAMED.match(reason)
    if named and kind.error is QueryEngineError:
        return _told(kind._replace(what=f"{kind.what}: {named['name']}"), service, where, named["message"])
    return _told(kind, service, where, reason or "the query was cancelled, without a reason")


def glue_error(error: Exception) -> VenvBuildError:
    """Our error for botocore's when Glue was asked."""
    return engine_error(error, "AWS Glue", "Glue")


def configuration_error(error: Exception) -> UsageError:
    """Our error when AWS's own configuration stands in the way of any query."""
    return UsageError(
        "the AWS configuration is wrong", why=_one_line(str(error)), fix="correct ~/.aws/config or the AWS_* variables"
    )


def _by_reason(reason: str) -> _Kind:
    return next((kind for pattern, kind in _BY_REASON if pattern.search(reason)), _FAILED)


def _told(kind: _Kind, service: str, where: str, why: str) -> VenvBuildError:
    return kind.error(kind.what.replace("{service}", service), where=where, why=why, fix=kind.fix)


def _one_line(text: str) -> str:
    """The first line; AWS puts the signed request, with its token, behind that of a wrong signature."""
    return text.strip().partition("\n")[0][:_WHY_LENGTH]
