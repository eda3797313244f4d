"""Whose turn it is, in an object of S3: `held by <random>`, or `free`.

It is replaced only as it was read, never removed, so that it needs no right to delete, and a bucket with versions gets
no delete markers. Of a holder that was killed it stays `held`, until somebody has waited long enough and takes it.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from venvbuild.aws_errors import code_of
from venvbuild.errors import VenvBuildError
from venvbuild.redaction import REDACTOR
from venvbuild.stores.s3_errors import ABSENT, CONFLICT, REFUSED
from venvbuild.stores.turns import await_turn

_LOG = logging.getLogger(__name__)
_FREE = b"free\n"
_PAUSE_S = 0.3
_ERRORS = (ClientError, BotoCoreError, VenvBuildError)


class Lease:
    """One object, by what gets it (its bytes and the reply) and what puts it under a condition."""

    def __init__(self, get: Callable[[], tuple[bytes, dict[str, Any]]], put: Callable[..., dict[str, Any]]) -> None:
        self._get, self._put = get, put
        self._ours = f"held by {secrets.token_hex(16)}\n".encode()
        self._etag = ""
        """Of the object while it is ours."""

    def take(self, wait: Callable[[float], None]) -> None:
        """Wait until it is ours; without it when the store forbids it, or it cannot be had."""
        try:
            await_turn(self._ask, wait, _PAUSE_S)
        except _ERRORS as exc:
            _LOG.debug("going on without a turn: %s", REDACTOR.redact(str(exc)))

    def give_back(self) -> None:
        """Free it, unless somebody has taken it from us."""
        if self._etag:
            with suppress(*_ERRORS):
                self._put(_FREE, IfMatch=self._etag)

    def _ask(self, waited_for: str) -> str:
        try:
            body, reply = self._get()
        except ClientError as exc:
            if code_of(exc) not in ABSENT:
                raise
            return self._taken(IfNoneMatch="*")
        etag = str(reply.get("ETag", ""))
        # ours: it landed, and the reply was lost
        if body in (_FREE, self._ours) or (waited_for and etag == waited_for):
            return self._taken(IfMatch=etag)
        return etag or "somebody"

    def _taken(self, **condition: str) -> str:
        try:
            self._etag = str(self._put(self._ours, **condition).get("ETag", ""))
        except ClientError as exc:
            if code_of(exc) in REFUSED | CONFLICT | ABSENT:
                return "somebody"
            raise
        return ""
