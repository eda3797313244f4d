"""uv and pages of the index that never end: it is stopped, and the page is named."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from tests.support.index_server import IndexServer
from tests.support.supplies import here, pinned, supply
from tests.support.wheels import wheel
from venvbuild.environment import closure, endless
from venvbuild.environment.endless import PageWatch
from venvbuild.environment.package_source import PackageSource
from venvbuild.errors import IndexUnavailable, UsageError, VenvBuildError
from venvbuild.package_index import PackageIndex, client


def watched(given: IndexServer, scratch: Path, mode: str) -> PackageSource:
    """Packages of an index whose project `endless` has a page that never ends; `needy` needs that."""
    wheel(
        given.folder,
        "needy",
        "1.0",
        requires=["between[more]; python_version > '3'", "elsewhere; python_version < '3'"],
    )
    wheel(given.folder, "between", "1.0", requires=["endless>=1; extra == 'more'"])
    source = supply(given, scratch, mode=mode)
    index = PackageIndex(given.url(mode), timeout_s=1)
    # A cache of its own, where nothing is known.
    installer = replace(
        source.installer, watch=partial(PageWatch, index, here()), inherited={"UV_CACHE_DIR": str(scratch / "uv")}
    )
    return replace(source, installer=installer, index=index)


def locked(source: PackageSource) -> None:
    closure.lock(pinned("needy==1.0"), source, fail_on_conflicts=True, locked=False, wait=lambda _: None)


def pinned_anew(source: PackageSource) -> None:
    (source.scratch / "wishes.in").write_text("needy\n", "utf-8")
    source.installer.pin([source.scratch / "wishes.in"], source.scratch / "out.txt", here())


@pytest.mark.parametrize("call", [locked, pinned_anew])
@pytest.mark.parametrize(
    ("mode", "error", "what"),
    [
        ("flood", UsageError, "a page of over 8 MiB"),
        ("drip", IndexUnavailable, "it sends less than 1000 bytes a second"),
    ],
)
def test_a_page_that_never_ends_ends_uv_and_is_named(
    index: IndexServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    call: Callable[[PackageSource], None],
    mode: str,
    error: type[VenvBuildError],
    what: str,
) -> None:
    monkeypatch.setattr(endless, "_PATIENCE_S", 0.5)
    monkeypatch.setattr(client, "_PAGE_LIMIT", 8 << 20)
    with pytest.raises(error, match=what) as found:
        call(watched(index, tmp_path / "work", mode))
    assert found.value.problems[0].where == f"{index.url(mode)}/endless/"


def test_a_page_that_fills_the_memory_is_looked_for_before_it_takes_long(
    index: IndexServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(endless, "_PATIENCE_S", 3600)
    monkeypatch.setattr(endless, "_MEMORY_BYTES", 1 << 20)  # it is at work
    with pytest.raises(UsageError, match="a page of over 64 MiB"):
        locked(watched(index, tmp_path / "work", "flood"))


def looked(source: PackageSource, text: str) -> PageWatch:
    """A watch of a file with that text, which has looked once."""
    (source.scratch / "wanted.in").write_text(text, "utf-8")
    assert source.installer.watch
    watch = source.installer.watch([source.scratch / "wanted.in"])
    assert not watch(os.getpid())
    assert watch._looking
    watch._looking.join()
    return watch


def test_a_bomb_is_found_by_who_looks(index: IndexServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(endless, "_PATIENCE_S", 0)
    source = watched(index, tmp_path / "work", "bomb")
    source = replace(
        source, installer=replace(source.installer, watch=partial(PageWatch, PackageIndex(source.index.url), here()))
    )
    watch = looked(source, "needy==1.0 \\\n    --hash=sha256:00\n--find-links x\n")
    assert watch(os.getpid())
    assert "a page of over 64 MiB" in str(watch.found)


def test_what_is_only_away_is_left_to_uv(index: IndexServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(endless, "_PATIENCE_S", 0)
    watch = looked(watched(index, tmp_path / "work", "status-503"), "needy==1.0\n")
    assert index.requests, "nobody looked"
    assert not watch(os.getpid())
    # of a process that is gone nothing is known
    assert endless._resident_bytes(2**22 + 1) == 0 < endless._resident_bytes(os.getpid())
