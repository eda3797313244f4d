"""What goes wrong at Athena, in our words: the one place where PyAthena's and botocore's errors become ours.

What every service of AWS may answer is in `venvbuild.aws_errors`, here what only a query meets: the reasons that Athena
gives in words.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import Enum, auto

from botocore.exceptions import BotoCoreError, ClientError

from athena.engines.engine import BAD_ROW_ERRORS, BAD_ROW_FIX, NO_COLUMN_FIX
from venvbuild import aws_errors
from venvbuild.aws_errors import Meaning, Sentence, code_of, meaning_of
from venvbuild.errors import QueryEngineError, UsageError, VenvBuildError

_WHY_LENGTH = 500


class _Own(Enum):
    """What an error of a query may be about, beside what every service of AWS may answer."""

    SETTINGS = auto()
    CUT_OFF = auto()
    NO_TABLE = auto()
    NO_COLUMN = auto()
    BAD_ROW = auto()
    FAILED = auto()


_Kind = Meaning | _Own


def _said_by(service: str) -> Mapping[_Kind, Sentence]:
    """What we say of each when it was `service` that was asked."""
    return {
        Meaning.NO_RIGHT: Sentence(
            UsageError, f"{service} refuses access", "give this identity the rights that docs/catalog.md lists"
        ),
        Meaning.EXPIRED: Sentence(
            UsageError, "the AWS credentials have expired", "get fresh ones (`aws sso login`, a new session token)"
        ),
        Meaning.REJECTED: Sentence(
            UsageError, f"{service} does not accept the credentials", "set working ones: AWS_PROFILE, or a role"
        ),
        Meaning.NO_CREDENTIALS: aws_errors.NO_CREDENTIALS,
        Meaning.SIGNED_OUT: aws_errors.NO_CREDENTIALS,
        Meaning.BUSY: Sentence(QueryEngineError, f"{service} is overloaded or failing", "run it again later"),
        Meaning.UNREACHABLE: Sentence(
            QueryEngineError, f"{service} does not answer", "check VENVBUILD_ATHENA_REGION, the network and the proxy"
        ),
        _Own.SETTINGS: Sentence(
            UsageError,
            f"{service} cannot be asked with these settings",
            "correct VENVBUILD_ATHENA_WORKGROUP, VENVBUILD_ATHENA_OUTPUT and VENVBUILD_ATHENA_REGION",
        ),
        _Own.CUT_OFF: Sentence(
            QueryEngineError,
            "the work group's limit of bytes per query stopped the query",
            "ask for less (--since), or let the work group's BytesScannedCutoffPerQuery be raised",
        ),
        _Own.NO_TABLE: Sentence(
            QueryEngineError,
            f"{service} cannot answer",
            "`venvbuild table create` makes the table and its views; or correct VENVBUILD_ATHENA_DATABASE",
        ),
        _Own.NO_COLUMN: Sentence(QueryEngineError, f"{service} cannot answer", NO_COLUMN_FIX),
        _Own.BAD_ROW: Sentence(QueryEngineError, f"{service} cannot answer", BAD_ROW_FIX),
        _Own.FAILED: Sentence(QueryEngineError, f"{service} cannot answer", "correct what was asked"),
    }


_ATHENA, _GLUE = _said_by("Athena"), _said_by("Glue")
# why a query failed, Athena tells in a sentence and in no code
_BY_REASON: tuple[tuple[re.Pattern[str], _Kind], ...] = (
    (re.compile(r"bytes scanned limit", re.IGNORECASE), _Own.CUT_OFF),
    (
        re.compile(r"(access|permission) denied|insufficient.* permission|not authorized", re.IGNORECASE),
        Meaning.NO_RIGHT,
    ),
    (re.compile(r"work ?group|output ?(location|bucket)", re.IGNORECASE), _Own.SETTINGS),
    (re.compile(r"\A(TABLE|SCHEMA)_NOT_FOUND|(Table|Database) not found", re.IGNORECASE), _Own.NO_TABLE),
    (re.compile(r"\ACOLUMN_NOT_FOUND"), _Own.NO_COLUMN),
    (re.compile(rf"\A({'|'.join(BAD_ROW_ERRORS)})\b"), _Own.BAD_ROW),
    (re.compile(r"resources at this scale|internal error|throttl|rate exceeded", re.IGNORECASE), Meaning.BUSY),
)
_NAMED = re.compile(r"\A(?P<name>[A-Z][A-Z_]+): (?P<message>.*)")


def engine_error(error: Exception, where: str) -> VenvBuildError:
    """Our error for one of PyAthena's or botocore's; `where` names the query. No secret is in any part."""
    return _told(error, where, _ATHENA)


def glue_error(error: Exception) -> VenvBuildError:
    """Our error for botocore's when Glue was asked."""
    return _told(error, "AWS Glue", _GLUE)


def configuration_error(error: Exception) -> VenvBuildError:
    """Our error when AWS's own configuration stands in the way of any query."""
    return aws_errors.CONFIGURATION.about("", _one_line(str(error)))


def _told(error: Exception, where: str, said: Mapping[_Kind, Sentence]) -> VenvBuildError:
    # PyAthena puts its own error around botocore's, which has the code
    cause = error.__cause__ or error
    if isinstance(cause, ClientError):
        message = _one_line(str(cause.response.get("Error", {}).get("Message", "")))
        sentence = _known(cause, said) or said[_by_reason(message)]
        return sentence.about(where, f"{code_of(cause)}: {message}")
    if isinstance(cause, BotoCoreError):
        sentence = _known(cause, said) or said[Meaning.UNREACHABLE]
        return sentence.about(where, _one_line(str(cause)))
    reason = _one_line(str(error.args[0] or "") if error.args else "")
    sentence, named = said[_by_reason(reason)], _NAMED.match(reason)
    if named and sentence.error is QueryEngineError:
        return sentence._replace(what=f"{sentence.what}: {named['name']}").about(where, named["message"])
    return sentence.about(where, reason or "the query was cancelled, without a reason")


def _known(cause: ClientError | BotoCoreError, said: Mapping[_Kind, Sentence]) -> Sentence | None:
    meaning = meaning_of(cause)
    return said.get(meaning) if meaning else None


def _by_reason(reason: str) -> _Kind:
    return next((kind for pattern, kind in _BY_REASON if pattern.search(reason)), _Own.FAILED)


def _one_line(text: str) -> str:
    # the first line: AWS puts the signed request, with its token, behind that of a wrong signature
    return text.strip().partition("\n")[0][:_WHY_LENGTH]
