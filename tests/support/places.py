"""Fixtures for tests outside `tests/stores`: a fresh, empty store of each kind."""

from __future__ import annotations

from tests.stores.conftest import Place, place, store

__all__ = ["Place", "place", "store"]
