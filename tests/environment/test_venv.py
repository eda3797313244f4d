"""Environments as they are put together; with real wheels in tests/end_to_end."""

from __future__ import annotations

from pathlib import Path

import pytest

from venvbuild.environment import venv as venv_module
from venvbuild.environment.closure import Closure
from venvbuild.environment.installer import Installer
from venvbuild.environment.package_source import PackageSource
from venvbuild.environment.venv import _install_patiently
from venvbuild.process import CommandFailed


def test_what_cannot_be_linked_is_copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As a wheel in the cache of which some files are another user's."""
    supply = PackageSource(None, Installer(Path("uv"), "", shares_cache=True), None, tmp_path, None, None)  # type: ignore[arg-type]
    tries = []

    def install(closure: Closure, supply: PackageSource, venv: Path, *, with_pip: bool) -> None:
        tries.append(supply.installer.shares_cache)
        if supply.installer.shares_cache:
            raise CommandFailed(["uv"], 1, "", "failed to hardlink: Operation not permitted")

    monkeypatch.setattr(venv_module, "_install", install)
    monkeypatch.setattr(venv_module, "_explain", lambda *_, **__: None)
    closure = Closure((), (), is_forced=False)
    _install_patiently(closure, supply, tmp_path, with_pip=False, wait=lambda _: None)
    assert tries == [True, False]
