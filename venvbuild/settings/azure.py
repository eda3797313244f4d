"""What Azure Pipelines makes of variables that nobody has defined."""

from __future__ import annotations

import re
from collections.abc import Mapping

# Source: "Define variables", macro syntax: it stays as it is. Names have letters, digits, dots and underscores there.
_MACRO = re.compile(r"\$\([\w.-]+\)")


def is_undefined(text: str) -> bool:
    """Whether it is the `$(NAME)` that is left of a variable that is not defined."""
    return _MACRO.fullmatch(text) is not None


def defined(environ: Mapping[str, str]) -> dict[str, str]:
    """The variables that have a value: not empty, nor left so by Azure."""
    return {name: value for name, value in environ.items() if value and not is_undefined(value)}
