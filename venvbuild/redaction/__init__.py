"""Keeps secrets out of every log, file, message and notification.

Two nets: the exact values this run knows to be secret, in every form in which they may be written, and the shapes that
secrets have. What passes `redact` has neither. The leak gate and the check of requirements go by the same.

names, values -> forms, labels, tokens -> shapes -> nets, which the redactor loads when it is first asked
redactor -> lines                                      addresses: URLs with credentials in them
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from venvbuild.redaction.addresses import Address, has_unescaped_password, strip_credentials
from venvbuild.redaction.lines import Lines
from venvbuild.redaction.redactor import MASK, REDACTOR, Redactor

if TYPE_CHECKING:
    from venvbuild.redaction.forms import Secret  # with the rules, which who says nothing does not pay for
