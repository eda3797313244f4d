"""One build of a store: brought back, or read again."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from venvbuild import builds, restore
from venvbuild.library.defaults import or_default
from venvbuild.restore import Restored, RestoreOptions, Verification
from venvbuild.settings import Settings
from venvbuild.stores import Store


def get(
    store: Store, build: str, target: Path, *, compiles: bool = False, settings: Settings | None = None
) -> Restored:
    """Restore the environment of `build` (`VERSION`, `ENV@ALIAS` or `ENV@latest`), so that `target/bin/python` runs.

    `target` must be absent, empty, or made by `get`. Only what the fragment cache lacks is fetched. With `compiles` the
    bytecode is made too.

    Raises:
        UsageError: `target` is none of these, or the environment does not fit this machine: every reason is named.
        NotInStore: there is no such build. IntegrityError: something is not what it should be; nothing is left.
        StoreUnavailable: the store or the disk fails.
    """
    machine = replace(RestoreOptions.of(or_default(settings)), compiles=compiles)
    return restore.get(store, builds.find(store, build), target, machine)


def verify(store: Store, build: str, *, restores: bool = False, settings: Settings | None = None) -> Verification:
    """Read every byte of `build` again; what is not as its metadata promises is in `problems`, empty when all is well.

    With `restores` it is also restored elsewhere, and every top-level module imported, which runs the packages' code.

    Raises:
        NotInStore: there is no such build. StoreUnavailable: the store fails. UsageError: it cannot be restored here.
    """
    machine = RestoreOptions.of(or_default(settings)) if restores else None
    return restore.verify(store, builds.find(store, build), machine=machine)
