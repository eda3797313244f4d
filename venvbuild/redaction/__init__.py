"""Keeps secrets out of every log, file, message and notification.

Two nets: the exact values this run knows to be secret (each also URL-encoded and in base64), and the shapes that
secrets have. What passes `redact` has neither.

names, shapes -> redactor -> lines    and addresses: URLs with credentials in them
"""

from __future__ import annotations

from venvbuild.redaction.addresses import Address, has_unescaped_password, strip_credentials
from venvbuild.redaction.lines import Lines
from venvbuild.redaction.redactor import MASK, REDACTOR, Redactor
