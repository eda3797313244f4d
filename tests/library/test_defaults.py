"""What counts for a caller who says nothing."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from venvbuild import settings
from venvbuild.library.defaults import or_default


def test_a_caller_without_settings_gets_duckdb_and_the_users_caches_whatever_the_process_is_configured_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VENVBUILD_ENGINE", "trino")
    monkeypatch.setenv("ENV_NAME", "")  # which a command refuses
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    found = or_default(None)
    assert (found.engine, found.env_name, found.folders.cache) == ("duckdb", "default", tmp_path / "venvbuild")


def test_settings_that_are_given_count() -> None:
    given = settings.load({"engine": "athena"}, os.environ)
    assert or_default(given) is given
