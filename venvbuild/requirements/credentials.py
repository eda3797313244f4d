"""Whether a line of a text file holds a credential, by the rules that the redactor goes by."""

from __future__ import annotations

import re

from venvbuild.redaction import REDACTOR, Redactor

_SHAPES = Redactor()
"""Knows no secret of this run, only what secrets look like."""

_PRIVATE_KEY = re.compile(r"-{4,5} ?BEGIN [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)? ?-{4,5}(?!.*-----END)")


def holds_credential(line: str) -> bool:
    """Whether `line` holds a secret that this run knows, something of a secret's shape, or a value labelled as one.

    Of the known ones only those that cannot be the name of a package, as `postgres` can.
    """
    return REDACTOR.finds_for_sure(line) or _SHAPES.finds(line)


def may_hold_credential(text: str) -> bool:
    """Whether it is worth asking of any line in `text`; false for most files, at a tenth of the cost of asking."""
    return REDACTOR.may_find_in_a_line_of(text)


def opens_private_key(line: str) -> bool:
    """Whether a private key begins in `line` and goes on in the next."""
    return _PRIVATE_KEY.search(line) is not None
