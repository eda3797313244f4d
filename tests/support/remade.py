"""Environments made of tiny wheels by a cache of their own, and what was damaged of it."""

from __future__ import annotations

import hashlib
import logging
import os
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from tests.support.index_server import IndexServer
from tests.support.supplies import supply
from venvbuild.environment.closure import Closure, LockedDistribution
from venvbuild.environment.package_source import PackageSource
from venvbuild.environment.venv import create
from venvbuild.files import walk
from venvbuild.installed import promise_of
from venvbuild.package_index import PackageIndex, WheelCache


@dataclass
class Made:
    """A first environment, and the cache that it came from."""

    closure: Closure
    source: PackageSource
    first: dict[str, str]

    def again(self, folder: Path) -> dict[str, str]:
        folder.mkdir(exist_ok=True)
        return contents(create(self.closure, self.source, folder / "venv", wait=lambda _: None).path)

    def cached(self, name: str) -> Path:
        [found] = (self.cache / "archive-v0").glob(f"*/{name}")
        return found

    @property
    def cache(self) -> Path:
        return Path(self.source.installer.inherited["UV_CACHE_DIR"])


AWAY = PackageIndex("http://127.0.0.1:9/simple", timeout_s=5)


def without_index(one: Made, folder: Path) -> Made:
    """With an index that is away, and no wheel known."""
    return replace(one, source=replace(one.source, index=AWAY, wheel_cache=WheelCache(folder / "none")))


def rows(files: Mapping[str, str]) -> str:
    """Of a RECORD."""
    return "".join(f"{name},{promise_of(sha256(body.encode()))},{len(body)}\n" for name, body in files.items())


def sha256(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()


def contents(venv: Path) -> dict[str, str]:
    """sha256 of each file, where each link leads."""
    found = {}
    for name, _ in walk(venv):
        path = venv / name
        if path.is_symlink():
            found[name] = os.readlink(path)
        elif path.is_file():
            found[name] = sha256(path.read_bytes())
    return found


def locked(*wheels: Path) -> Closure:
    ones = []
    for path in sorted(wheels):
        name, version = path.name.split("-")[:2]
        ones.append(LockedDistribution(name, version, ("sha256:" + sha256(path.read_bytes()),)))
    return Closure(tuple(ones), (), is_forced=False)


def made(index: IndexServer, folder: Path, *wheels: Path) -> Made:
    source = supply(index, folder / "scratch")
    source = replace(source, installer=source.installer.with_cache(folder / "uv"))
    closure = locked(*wheels)
    return Made(closure, source, contents(create(closure, source, folder / "first").path))


@contextmanager
def damaged(file: Path, damage: Callable[[bytes], bytes]) -> Iterator[None]:
    body = file.read_bytes()
    file.write_bytes(damage(body))
    try:
        yield
    finally:
        file.write_bytes(body)


def warned(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [one.getMessage() for one in caplog.records if one.levelno >= logging.WARNING]


def with_record(path: Path, change: Callable[[str], str]) -> Path:
    """The wheel, with another RECORD."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name).decode() for name in archive.namelist()}
    with zipfile.ZipFile(path, "w") as archive:
        for name, body in members.items():
            archive.writestr(name, change(body) if name.endswith("RECORD") else body)
    return path
