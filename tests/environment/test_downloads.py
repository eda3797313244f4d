"""How much there is to fetch, from what the index says of its files."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.index_server import IndexServer
from tests.support.supplies import pinned, supply
from tests.support.wheels import wheel
from venvbuild.environment import closure
from venvbuild.environment.closure import Closure
from venvbuild.environment.downloads import much_to_fetch, sizes_of
from venvbuild.environment.listing import files_of
from venvbuild.environment.package_source import PackageSource

GB = 10**9


def lock(given: PackageSource, *pins: str) -> Closure:
    return closure.lock(pinned(*pins), given, fail_on_conflicts=True, locked=False)


@pytest.fixture
def torch(index: IndexServer) -> IndexServer:
    """What is pinned is large, and what nobody pinned is larger."""
    index.sizes[wheel(index.folder, "torch", "2.0", requires=["cuda", "small"]).name] = GB
    index.sizes[wheel(index.folder, "cuda", "12.0").name] = 2 * GB
    wheel(index.folder, "small", "1.0")
    return index


def test_the_size_of_each_wheel_is_what_the_index_says(torch: IndexServer, tmp_path: Path) -> None:
    given = supply(torch, tmp_path, mode="json")
    sizes = sizes_of(files_of(lock(given, "torch==2.0"), given))
    assert (sizes["torch"], sizes["cuda"]) == (GB, 2 * GB)
    assert 0 < sizes["small"] < 10_000


def test_an_index_that_tells_no_sizes_is_no_failure(torch: IndexServer, tmp_path: Path) -> None:
    given = supply(torch, tmp_path)
    assert sizes_of(files_of(lock(given, "torch==2.0"), given)) == {}


def test_over_a_gigabyte_is_told_with_what_of_it_nobody_pinned(torch: IndexServer, tmp_path: Path) -> None:
    given = supply(torch, tmp_path, mode="json")
    locked = lock(given, "torch==2.0")
    assert much_to_fetch(locked, sizes_of(files_of(locked, given))) == (
        "up to 3.0 GB are fetched, 2.0 GB of it for packages that you did not pin: cuda (2.0 GB)"
    )


@pytest.mark.parametrize(
    ("size", "said"),
    [(GB, ""), (GB + 1, "up to 1.0 GB are fetched, nearly all of it pinned by you")],
)
def test_up_to_a_gigabyte_nothing_is_told(size: int, said: str) -> None:
    assert much_to_fetch(Closure((), (), is_forced=False), {"torch": size}) == said
