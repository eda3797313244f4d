"""Fragments from the cache and the store: which are asked for, how, and what is believed of them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from tests.support.archives import Made, archive, changed, file, folder
from venvbuild.archive import FragmentCache
from venvbuild.builds import ArchiveIndex, Fragment
from venvbuild.errors import IntegrityError, StoreUnavailable
from venvbuild.restore import fetching
from venvbuild.restore.fetching import Bodies, Evicted

ONE = archive(folder(""), [file("a", b"a" * 900)], [file("b", b"b" * 900)], [file("c", b"c" * 900)])
FRAGMENTS = ONE.index.fragments


@dataclass
class Reading:
    """An archive that is read by ranges, and which ranges those were."""

    body: bytes = ONE.body
    ranges: list[tuple[int, int]] = field(default_factory=list)

    def __call__(self, offset: int, length: int) -> bytes:
        self.ranges.append((offset, length))
        return self.body[offset : offset + length]


@pytest.fixture
def cache(tmp_path: Path) -> FragmentCache:
    return FragmentCache(tmp_path / "cache")


@pytest.fixture
def scratch(tmp_path: Path) -> Iterator[int]:
    descriptor = os.open(tmp_path / "scratch", os.O_RDWR | os.O_CREAT)
    yield descriptor
    os.close(descriptor)


def body_of(fragment: Fragment, made: Made = ONE) -> bytes:
    return made.body[fragment.offset : fragment.offset + fragment.length]


def fetch(
    wanted: tuple[Fragment, ...], reading: Callable[[int, int], bytes], scratch: int, cache: FragmentCache
) -> int:
    """Get them; how many bytes it was told of."""
    counts: list[int] = []
    fetching.fetch(wanted, reading, scratch, cache, counts.append)
    return sum(counts)


def test_each_fragment_lies_at_its_own_offset_and_in_the_cache(scratch: int, cache: FragmentCache) -> None:
    assert fetch(FRAGMENTS, Reading(), scratch, cache) == sum(one.length for one in FRAGMENTS)
    for fragment in FRAGMENTS:
        assert os.pread(scratch, fragment.length, fragment.offset) == body_of(fragment)
        assert cache.get(fragment.sha256) == body_of(fragment)


def test_neighbours_are_read_in_one_range_and_others_in_their_own(scratch: int, cache: FragmentCache) -> None:
    reading = Reading()
    fetch((FRAGMENTS[0], FRAGMENTS[1], FRAGMENTS[3]), reading, scratch, cache)
    assert sorted(reading.ranges) == [
        (FRAGMENTS[0].offset, FRAGMENTS[0].length + FRAGMENTS[1].length),
        (FRAGMENTS[3].offset, FRAGMENTS[3].length),
    ]


def test_a_range_holds_only_so_many_bytes(scratch: int, cache: FragmentCache, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("venvbuild.restore.fetching._RANGE_BYTES", FRAGMENTS[1].length + FRAGMENTS[2].length)
    reading = Reading()
    fetch(FRAGMENTS[1:4], reading, scratch, cache)
    assert [length for _, length in sorted(reading.ranges)] == [
        FRAGMENTS[1].length + FRAGMENTS[2].length,
        FRAGMENTS[3].length,
    ]


@pytest.mark.parametrize(
    "body",
    [ONE.body[: FRAGMENTS[1].offset] + b"?" + ONE.body[FRAGMENTS[1].offset + 1 :], ONE.body[: FRAGMENTS[1].offset + 3]],
    ids=["other bytes", "too few"],
)
def test_what_came_wrong_is_neither_kept_nor_written(scratch: int, cache: FragmentCache, body: bytes) -> None:
    with pytest.raises(IntegrityError, match="a fragment is not what the index says") as caught:
        fetch(FRAGMENTS[1:2], Reading(body), scratch, cache)
    assert caught.value.problems[0].where == f"the fragment of part-1 at byte {FRAGMENTS[1].offset}"
    assert os.fstat(scratch).st_size == 0
    assert cache.get(FRAGMENTS[1].sha256) is None


def test_a_store_that_fails_is_told_as_it_fails(scratch: int, cache: FragmentCache) -> None:
    def reading(offset: int, length: int) -> bytes:
        raise StoreUnavailable("away")

    with pytest.raises(StoreUnavailable, match="away"):
        fetch(FRAGMENTS, reading, scratch, cache)


def test_nothing_is_kept_after_somebody_stopped_listening() -> None:
    kept: list[int] = []

    def keep(item: int, body: bytes) -> int:
        kept.append(item)
        return item

    listening = fetching.in_threads(lambda item: b"", keep, [1])
    assert next(listening) == 1
    with pytest.raises(StopIteration):
        next(listening)
    assert kept == [1]


# --- what the cache has


def test_only_what_the_cache_lacks_is_missing(cache: FragmentCache) -> None:
    cache.put(body_of(FRAGMENTS[1]))
    for thorough in (True, False):
        assert fetching.missing(ONE.index, cache, thorough=thorough) == [FRAGMENTS[0], *FRAGMENTS[2:]]


def test_what_the_cache_has_damaged_is_missing_to_who_looks_closely(cache: FragmentCache, tmp_path: Path) -> None:
    for fragment in FRAGMENTS:
        cache.put(body_of(fragment))
    path = next((tmp_path / "cache").rglob(FRAGMENTS[2].sha256))
    path.write_bytes(bytes(FRAGMENTS[2].length))
    assert fetching.missing(ONE.index, cache, thorough=False) == []
    assert fetching.missing(ONE.index, cache, thorough=True) == [FRAGMENTS[2]]


def test_a_fragment_is_taken_from_the_file_or_else_from_the_cache(scratch: int, cache: FragmentCache) -> None:
    fetch(FRAGMENTS[:1], Reading(), scratch, FragmentCache(Path("/nonexistent")))
    cache.put(body_of(FRAGMENTS[1]))
    bodies = Bodies(scratch, frozenset({FRAGMENTS[0].offset}), cache)
    assert bodies.plain(FRAGMENTS[1]) == file("a", b"a" * 900)
    assert len(bodies.plain(FRAGMENTS[0])) == FRAGMENTS[0].plain_length


@pytest.mark.parametrize("has_cache", [True, False])
def test_a_fragment_that_is_gone_is_told_as_such(scratch: int, cache: FragmentCache, has_cache: bool) -> None:
    with pytest.raises(Evicted):
        Bodies(scratch, frozenset(), cache if has_cache else None).plain(FRAGMENTS[0])


def test_what_is_in_the_file_is_compared_unless_it_was(scratch: int) -> None:
    wrong = replace(FRAGMENTS[1], sha256="0" * 64)
    os.pwrite(scratch, body_of(FRAGMENTS[1]), FRAGMENTS[1].offset)
    with pytest.raises(IntegrityError):
        Bodies(scratch, frozenset({wrong.offset})).plain(wrong)
    assert Bodies(scratch, frozenset({wrong.offset}), is_file_checked=True).plain(wrong) == file("a", b"a" * 900)


# --- inflating


@pytest.mark.parametrize(
    ("change", "said"),
    [
        pytest.param({"plain_length": 1}, "does not end where it should", id="more than said"),
        pytest.param({"plain_length": 99_999}, "does not hold the plain bytes", id="less than said"),
        pytest.param({"plain_sha256": "0" * 64}, "does not hold the plain bytes", id="other bytes"),
        pytest.param({"length": 1}, "is not what the index says", id="another length"),
    ],
)
def test_a_fragment_that_holds_something_else_is_refused(change: dict[str, Any], said: str) -> None:
    lying = ONE.lying(1, changed(**change)).index.fragments[1]
    with pytest.raises(IntegrityError, match=said):
        fetching.inflated(lying, body_of(FRAGMENTS[1]), is_checked=True)


def test_bytes_that_are_no_deflate_stream_are_refused() -> None:
    body = b"\xff" * FRAGMENTS[1].length
    with pytest.raises(IntegrityError, match="cannot be inflated"):
        fetching.inflated(FRAGMENTS[1], body, is_checked=True)


# --- limits


def index(**changes: Any) -> ArchiveIndex:
    return replace(ONE.index, **changes)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        pytest.param(index(plain_bytes=(1 << 30) + 1), "bytes cannot be in an archive of", id="bomb"),
        pytest.param(index(fragments=FRAGMENTS * 20_001), "more than 100000 fragments", id="fragments"),
        pytest.param(index(fragments=(replace(FRAGMENTS[1], plain_length=1 << 28),)), "a fragment has more than",
                     id="large plain"),
        pytest.param(index(fragments=(replace(FRAGMENTS[1], length=1 << 28),)), "a fragment has more than",
                     id="large"),
        pytest.param(index(fragments=(replace(FRAGMENTS[1], continues=True),)), "first fragment continues", id="first"),
    ],
)  # fmt: skip
def test_numbers_that_no_archive_of_ours_has_are_refused(given: ArchiveIndex, said: str) -> None:
    with pytest.raises(IntegrityError, match=said):
        fetching.check_limits(given)


def test_an_archive_of_ours_is_within_the_limits() -> None:
    fetching.check_limits(ONE.index)
    fetching.check_limits(index(plain_bytes=1 << 30))


def test_a_large_archive_may_hold_two_hundred_times_its_size() -> None:
    assert fetching.plain_limit(10) == 1 << 30
    assert fetching.plain_limit(10 << 30) == 2000 << 30


def test_a_member_that_goes_on_is_read_in_its_order() -> None:
    first, second, third = FRAGMENTS[0], replace(FRAGMENTS[1], continues=True), FRAGMENTS[2]
    assert fetching.groups([first, second, third]) == [[first, second], [third]]
