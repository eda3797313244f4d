"""What every store promises, on a folder, on moto and on versitygw."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import product
from pathlib import Path

import pytest

from tests.stores.conftest import Place
from tests.support.sizes import HEAVY, sizes
from venvbuild.errors import IntegrityError, NotInStore, UsageError
from venvbuild.stores.store import Entry, Store

RACERS = 8
ROOT = Path(__file__).parents[2]
PUT_WHEN_TOLD = """
import sys
from venvbuild.stores import open_store
url, endpoint_url, body = sys.argv[1:]
store = open_store(url, endpoint_url=endpoint_url or None)
list(store.list(""))
print("ready", flush=True)
sys.stdin.readline()
print(store.put_if_absent("builds/claim.json", body.encode()))
"""

# In the order in which S3 lists them, which is neither a folder's nor a dictionary's: "-" < "." < "/" < "0".
KEYS = ["a", "b-c", "b.json", "b/1/x", "b/1/y", "b/10", "b/2", "b0", "c d/e+f%20", "e/é", "f/~"]


def together(what: Callable[[int], bool]) -> list[bool]:
    start = threading.Barrier(RACERS)

    def run(number: int) -> bool:
        start.wait(60)
        return what(number)

    with ThreadPoolExecutor(RACERS) as pool:
        return list(pool.map(run, range(RACERS)))


def test_what_was_put_is_read(store: Store) -> None:
    assert store.put_if_absent("builds/1/metadata.json", b"{}\n")
    assert store.read("builds/1/metadata.json").body == b"{}\n"


@pytest.mark.parametrize("size_bytes", [0, 1, 3_000_001], ids=str)
def test_a_file_is_put_whole(store: Store, file_of: Callable[[int], Path], size_bytes: int) -> None:
    file = file_of(size_bytes)
    assert store.put_if_absent("x", file)
    assert store.read("x").body == file.read_bytes()


def test_what_is_larger_than_its_reader_can_use_is_not_fetched(store: Store) -> None:
    store.put_if_absent("x", b"12345")
    assert store.read("x", 5).body == b"12345"
    with pytest.raises(IntegrityError, match="5 bytes, more than 4") as caught:
        store.read("x", 4)
    assert caught.value.problems[0].where.endswith("/x")
    assert store.read("x").body == b"12345"


def test_what_was_removed_is_gone_and_may_be_put_again(store: Store) -> None:
    for key in ("a/b", "a/bc"):
        store.put_if_absent(key, b"1")
    for _ in range(2):
        store.remove("a/b")
    store.remove("never/there")
    assert [entry.key for entry in store.list("")] == ["a/bc"]
    with pytest.raises(NotInStore):
        store.read("a/b")
    assert store.put_if_absent("a/b", b"2")
    with pytest.raises(UsageError):
        store.remove("../x")


def test_an_empty_object_is_an_object(store: Store) -> None:
    assert store.put_if_absent("envs/sales/venv_20250722_083000", b"")
    assert list(store.list("envs/")) == [Entry("envs/sales/venv_20250722_083000", 0)]


def test_the_same_bytes_again_are_success(store: Store) -> None:
    store.put_if_absent("x", b"1")
    assert store.put_if_absent("x", b"1")


@pytest.mark.parametrize("body", [b"2", b"", b"12"], ids=["same length", "empty", "longer"])
def test_other_bytes_do_not_replace_the_first(store: Store, body: bytes) -> None:
    store.put_if_absent("x", b"1")
    assert not store.put_if_absent("x", body)
    assert store.read("x").body == b"1"


def test_a_file_is_compared_with_what_is_there(store: Store, file_of: Callable[..., Path]) -> None:
    store.put_if_absent("x", file_of(2 << 20))
    assert store.put_if_absent("x", file_of(2 << 20))
    assert not store.put_if_absent("x", file_of(2 << 20, 7))


def test_a_file_that_is_not_there_is_a_usage_error(store: Store, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"gone\.tar\.gz: the file to store cannot be read; why: No such file"):
        store.put_if_absent("x", tmp_path / "gone.tar.gz")
    assert not list(store.list(""))


def test_one_of_many_threads_wins(store: Store) -> None:
    results = together(lambda number: store.put_if_absent("builds/claim.json", b"token %d" % number))
    assert results.count(True) == 1
    assert store.read("builds/claim.json").body == b"token %d" % results.index(True)


@HEAVY
@pytest.mark.parametrize("count", sizes(4, 8))
def test_one_of_many_processes_wins(store: Store, place: Place, count: int) -> None:
    command = [sys.executable, "-c", PUT_WHEN_TOLD, place.url, place.endpoint_url or ""]
    racers = [
        subprocess.Popen(
            [*command, f"token {number}"], cwd=ROOT, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        for number in range(count)
    ]
    for racer in racers:
        assert racer.stdout
        assert racer.stdout.readline() == "ready\n"
    for racer in racers:
        assert racer.stdin
        racer.stdin.write("go\n")
        racer.stdin.flush()
    said = [racer.communicate(timeout=120)[0].strip() for racer in racers]
    assert said.count("True") == 1
    assert said.count("False") == count - 1
    assert store.read("builds/claim.json").body == f"token {said.index('True')}".encode()


def test_all_of_many_threads_with_the_same_bytes_succeed(store: Store) -> None:
    assert together(lambda _: store.put_if_absent("row.json", b"same")) == [True] * RACERS


def test_an_unchanged_object_is_replaced(store: Store) -> None:
    store.put_if_absent("CURRENT.json", b"1")
    assert store.replace_if_unchanged("CURRENT.json", b"2", store.read("CURRENT.json").etag)
    assert store.read("CURRENT.json").body == b"2"


def test_a_changed_object_is_not_replaced(store: Store) -> None:
    store.put_if_absent("CURRENT.json", b"1")
    before = store.read("CURRENT.json").etag
    store.replace_if_unchanged("CURRENT.json", b"2", before)
    assert not store.replace_if_unchanged("CURRENT.json", b"3", before)
    assert store.read("CURRENT.json").body == b"2"


def test_who_comes_second_with_the_same_bytes_did_not_replace(store: Store) -> None:
    store.put_if_absent("CURRENT.json", b"1")
    before = store.read("CURRENT.json").etag
    store.replace_if_unchanged("CURRENT.json", b"2", before)
    assert not store.replace_if_unchanged("CURRENT.json", b"2", before)


def test_what_is_not_there_is_not_replaced(store: Store) -> None:
    store.put_if_absent("y", b"1")
    assert not store.replace_if_unchanged("x", b"2", store.read("y").etag)
    assert not [entry for entry in store.list("") if entry.key == "x"]


def test_one_of_many_threads_replaces(store: Store) -> None:
    store.put_if_absent("CURRENT.json", b"first")
    etag = store.read("CURRENT.json").etag
    results = together(lambda number: store.replace_if_unchanged("CURRENT.json", b"next %d" % number, etag))
    assert results.count(True) == 1
    assert store.read("CURRENT.json").body == b"next %d" % results.index(True)


def test_a_reader_never_sees_a_half_replaced_object(store: Store) -> None:
    bodies = {letter * 100_000 for letter in (b"a", b"b")}
    store.put_if_absent("x", min(bodies))
    with ThreadPoolExecutor(1) as pool:
        reads = pool.submit(lambda: [store.read("x").body for _ in range(40)])
        while not reads.done():
            now = store.read("x")
            store.replace_if_unchanged("x", (bodies - {now.body}).pop(), now.etag)
    assert set(reads.result()) <= bodies


@pytest.mark.parametrize(
    "read",
    [lambda store: store.read("no/such"), lambda store: store.read_range("no/such", 0, 9)],
    ids=["read", "read_range"],
)
def test_what_is_not_there_is_not_in_the_store(store: Store, read: Callable[[Store], object]) -> None:
    store.put_if_absent("no/suchlike", b"")
    with pytest.raises(NotInStore, match="no/such is not in the store"):
        read(store)


@pytest.mark.parametrize(
    ("offset", "length", "expected"),
    [
        (0, 3, b"012"),
        (3, 4, b"3456"),
        (8, 5, b"89"),
        (10, 5, b""),
        (99, 1, b""),
        (4, 0, b""),
        (0, 10, b"0123456789"),
    ],
    ids=str,
)
def test_a_range_is_what_was_asked_for(store: Store, offset: int, length: int, expected: bytes) -> None:
    store.put_if_absent("x", b"0123456789")
    assert store.read_range("x", offset, length) == expected


@pytest.mark.parametrize(("offset", "length"), [(-1, 2), (0, -1)], ids=str)
def test_a_negative_range_is_refused(store: Store, offset: int, length: int) -> None:
    store.put_if_absent("x", b"0123456789")
    with pytest.raises(ValueError, match="no range of bytes"):
        store.read_range("x", offset, length)


def test_a_store_without_objects_lists_none(store: Store) -> None:
    assert list(store.list("")) == []
    assert list(store.list("builds/")) == []


@pytest.fixture
def full_store(store: Store) -> Store:
    for key in reversed(KEYS):
        store.put_if_absent(key, key.encode())
    return store


def test_keys_are_listed_in_the_order_of_their_bytes(full_store: Store) -> None:
    assert list(full_store.list("")) == [Entry(key, len(key.encode())) for key in KEYS]


def test_a_listing_begins_after_and_holds_the_prefix(full_store: Store) -> None:
    prefixes = ["", "b", "b/", "b/1", "b/1/", "b/1/x", "b.", "no/", "e", "zz", "../", "/", "b//"]
    for prefix, start_after in product(prefixes, ["", "b", "b.json", "b/1", "b/1/", "b/1/x", "b/10", "b/9", "~"]):
        expected = [key for key in KEYS if key.startswith(prefix) and key > start_after]
        listed = [entry.key for entry in full_store.list(prefix, start_after)]
        assert listed == expected, f"{prefix=} {start_after=}"


def test_the_stores_own_objects_are_not_listed(store: Store) -> None:
    store.prepare()
    store.put_if_absent("x", b"1")
    store.replace_if_unchanged("x", b"2", store.read("x").etag)
    assert list(store.list("")) == [Entry("x", 1)]
    assert list(store.list(".venvbuild/")) == []


@pytest.mark.parametrize(
    "key",
    ["", "/x", "x/", "a//b", "../x", "a/../b", "a/./b", "..", "a\0b", ".venvbuild/x", "\ud800", "x" * 1025, "é" * 513],
    ids=lambda key: ascii(key[:20]),
)
def test_what_cannot_be_a_key_is_refused(store: Store, key: str) -> None:
    for call in (
        lambda: store.put_if_absent(key, b""),
        lambda: store.read(key),
        lambda: store.read_range(key, 0, 1),
        lambda: store.replace_if_unchanged(key, b"", ""),
    ):
        with pytest.raises(UsageError, match="cannot be a key in a store"):
            call()


def test_a_second_preparation_finds_all_well(store: Store) -> None:
    store.prepare()
    store.prepare()


def test_the_uri_names_the_object(store: Store, place: Place) -> None:
    root = place.url if place.endpoint_url else f"file://{place.url}"
    assert store.uri("builds/1/metadata.json") == f"{root}/builds/1/metadata.json"
    assert store.url == place.url


def test_an_object_that_was_written_again_has_another_stamp(store: Store) -> None:
    for key in ("a", "b"):
        store.put_if_absent(key, b"one")
    before = {entry.key: entry.stamp for entry in store.list("")}
    assert {entry.key: entry.stamp for entry in store.list("")} == before
    assert store.replace_if_unchanged("a", b"two", store.read("a").etag)
    after = {entry.key: entry.stamp for entry in store.list("")}
    assert after["a"] != before["a"]
    assert after["b"] == before["b"]
