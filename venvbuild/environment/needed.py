"""What was resolved held against what the installed packages need: the resolver asks a cache what a package needs."""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence

from packaging.utils import canonicalize_name

from venvbuild.environment.closure import Closure
from venvbuild.environment.contradictions import needed_by
from venvbuild.installed import Distribution
from venvbuild.interpreters import Interpreter

log = logging.getLogger(__name__)

_NAME = re.compile(r"\s*([A-Za-z0-9._-]+)")


def tell_of_misled(closure: Closure, installed: Sequence[Distribution], interpreter: Interpreter) -> None:
    """Warn where the metadata of what is `installed` (the closure's own distributions) names none of what the resolver
    added, or something that it left out: it was told otherwise.
    """
    if closure.is_forced:  # against what the metadata says
        return
    named = {(one.canonical_name, text): _name_of(text) for one in installed for text in one.requires}
    needless = sorted({*closure.not_pinned}.difference(named.values()))
    if needless:
        _warn(f"nothing that is installed needs {', '.join(needless)}", [one.name for one in closure.distributions])
    there = {one.name for one in closure.distributions}
    for (owner, text), name in named.items():
        if name not in there and needed_by(text, "", interpreter.marker_environment):
            _warn(f"{owner} needs {name}, which the resolver left out", [owner])


def _warn(what: str, names: Sequence[str]) -> None:
    fix = " --package ".join(["venvbuild cache prune", *names])
    log.warning(
        "%s: the installer's cache may say wrong things of packages; `%s` mends it; then build again", what, fix
    )


def _name_of(text: str) -> str:
    found = _NAME.match(text)
    return canonicalize_name(found[1]) if found else ""
