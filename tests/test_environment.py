"""Environments as they are put together; with real wheels in tests/end_to_end."""

from __future__ import annotations

from pathlib import Path

import pytest

from venvbuild import environment
from venvbuild.closure import Closure
from venvbuild.installer import Installer
from venvbuild.process import CommandFailed
from venvbuild.supply import Supply


def test_what_cannot_be_linked_is_copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As a wheel in the cache of which some files are another user's."""
    supply = Supply(None, Installer(Path("uv"), "", shares_cache=True), None, tmp_path)  # type: ignore[arg-type]
    tries = []

    def install(closure: Closure, supply: Supply, venv: Path, *, with_pip: bool) -> None:
        tries.append(supply.installer.shares_cache)
        if supply.installer.shares_cache:
            raise CommandFailed(["uv"], 1, "", "failed to hardlink: Operation not permitted")

    monkeypatch.setattr(environment, "_install", install)
    monkeypatch.setattr(environment, "_explain", lambda *_, **__: None)
    closure = Closure((), (), is_forced=False)
    environment._install_patiently(closure, supply, tmp_path, with_pip=False, wait=lambda _: None)
    assert tries == [True, False]
