"""Files that several distributions own: installers let either win, here it is always the last by name."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path

from venvbuild.environment.alone import installed_alone, take
from venvbuild.environment.closure import Closure
from venvbuild.installed import Distribution, owners


def settle_overlaps(
    venv: Path, installed: Sequence[Distribution], closure: Closure, install: Callable[..., object]
) -> dict[str, tuple[str, ...]]:
    """Installers unpack side by side, so of two owners of a path either may win; make it the last by name, always.

    By path, relative to `venv`: who owns it.
    """
    shared = owners(installed)
    locked = {one.name for one in closure.distributions}
    of_winners: dict[str, list[Path]] = {}
    for path, names in shared.items():
        winner = next((name for name in reversed(names) if name in locked), None)
        # A RECORD may claim any path; what lies outside is not ours to change.
        if winner and path.is_relative_to(venv):
            of_winners.setdefault(winner, []).append(path)
    for name, paths in of_winners.items():
        with installed_alone([name], closure, venv, install) as alone:
            for path in paths:
                take(os.path.relpath(path, venv), alone, venv)
    return {os.path.relpath(path, venv): names for path, names in shared.items()}
