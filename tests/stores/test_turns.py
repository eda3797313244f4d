"""Turns, on a folder, on moto and on versitygw: one after the other, and nobody waits for ever."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.stores.conftest import Place
from tests.support.s3_servers import S3Server
from venvbuild.stores import Store, turns
from venvbuild.stores.s3 import S3Store

ROOT = Path(__file__).parents[2]
HOLD = """
import sys
from venvbuild.stores import open_store
url, endpoint_url = sys.argv[1:]
with open_store(url, endpoint_url=endpoint_url or None).turn("index"):
    print("ours", flush=True)
    sys.stdin.readline()
"""


@pytest.fixture(autouse=True)
def only_pauses_count(monkeypatch: pytest.MonkeyPatch) -> None:
    """However slow this machine is; and nobody is waited for as long as elsewhere, with as many requests."""
    monkeypatch.setattr(turns, "time", SimpleNamespace(monotonic=lambda: 0.0))
    monkeypatch.setattr(turns, "MOST_OF_ONE_S", 2.0)


class Pauses:
    """What somebody would wait."""

    def __init__(self) -> None:
        self.sum_s = 0.0

    def __call__(self, pause_s: float) -> None:
        self.sum_s += pause_s


def waited_for(store: Store, within: Callable[[], object] = lambda: None) -> float:
    """How long somebody would wait for a turn, in seconds; what is to be done in it is done."""
    pauses, done = Pauses(), []
    with store.turn("index", pauses):
        done.append(within())
    assert len(done) == 1
    return pauses.sum_s


@contextmanager
def held_by_another(place: Place) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-c", HOLD, place.url, place.endpoint_url or ""]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as one:
        try:
            assert one.stdout
            assert one.stdout.readline() == "ours\n"
            yield one
        finally:
            one.kill()


def test_of_many_one_is_at_it_at_a_time(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "MOST_OF_ONE_S", float("inf"))  # however slow this machine is
    at_it, seen = list[int](), list[int]()

    def work(number: int) -> None:
        with place.open().turn("index"):
            at_it.append(number)
            seen.append(len(at_it))
            threading.Event().wait(0.02)
            at_it.remove(number)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for one in threads:
        one.start()
    for one in threads:
        one.join(120)
    assert seen == [1] * 4


def test_an_error_ends_a_turn_and_comes_through(store: Store) -> None:
    def fail() -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        waited_for(store, fail)
    assert waited_for(store) == 0


def test_turns_of_other_names_are_others(store: Store) -> None:
    with store.turn("other"):
        assert waited_for(store) == 0


def test_who_has_it_for_too_long_is_waited_for_no_longer(store: Store) -> None:
    with store.turn("index"):
        assert turns.MOST_OF_ONE_S <= waited_for(store) < turns.MOST_OF_ONE_S + 1
    assert waited_for(store) == 0


def test_a_holder_that_was_killed_stops_nobody(place: Place) -> None:
    with held_by_another(place) as one:
        one.send_signal(signal.SIGKILL)
        one.wait()
    # S3 cannot see it, so the first has to wait
    assert waited_for(place.open()) < (turns.MOST_OF_ONE_S + 1 if place.endpoint_url else 0.001)
    assert waited_for(place.open()) == 0


def test_a_holder_that_was_stopped_stops_nobody(place: Place) -> None:
    with held_by_another(place) as one:
        one.send_signal(signal.SIGSTOP)
        assert waited_for(place.open()) < turns.MOST_OF_ONE_S + 1
        one.send_signal(signal.SIGCONT)
        one.communicate("\n")
        assert one.returncode == 0
    assert waited_for(place.open()) == 0


def test_holders_that_change_are_waited_for_but_not_for_ever_and_not_in_haste() -> None:
    pauses, asked = Pauses(), list[str]()

    def ask(waited_for: str) -> str:
        asked.append(waited_for)
        return f"{len(asked)}"

    turns.await_turn(ask, pauses, 1.0)
    assert turns.MOST_S <= pauses.sum_s < turns.MOST_S + 2
    assert turns.MOST_S / 1.5 < len(asked) < turns.MOST_S * 4
    assert set(asked) == {""}


@pytest.mark.parametrize("others", [0, 50], ids=["the first", "after many others"])
def test_the_time_of_asking_counts(monkeypatch: pytest.MonkeyPatch, others: int) -> None:
    now, asked = [0.0], list[str]()

    def ask(waited_for: str) -> str:
        now[0] += 1.0
        asked.append(waited_for)
        return f"{min(len(asked), others + 1)}"

    monkeypatch.setattr(turns, "time", SimpleNamespace(monotonic=lambda: now[0]))
    turns.await_turn(ask, lambda _: None, 0.01)
    # the last one is seen, waited for, and is there still
    assert asked == [""] * (others + round(turns.MOST_OF_ONE_S)) + [f"{others + 1}"]


def test_a_turn_is_taken_from_who_was_waited_for_and_from_no_other(store: Store) -> None:
    pauses, first, second = Pauses(), ExitStack(), ExitStack()
    changed = list[float]()

    def wait(pause_s: float) -> None:
        pauses(pause_s)
        if pauses.sum_s >= turns.MOST_OF_ONE_S and not changed:
            first.close()
            second.enter_context(store.turn("index"))
            changed.append(pauses.sum_s)

    first.enter_context(store.turn("index"))
    with second, store.turn("index", wait):
        assert pauses.sum_s >= changed[0] + turns.MOST_OF_ONE_S


@pytest.mark.parametrize(("umask", "closed"), [(0o022, 0o600), (0o002, 0o660), (0o027, 0o600), (0, 0o666)])
def test_who_may_only_read_a_folder_cannot_lock_it(tmp_path: Path, umask: int, closed: int) -> None:
    before = os.umask(umask)
    try:
        store = Place(str(tmp_path / "store")).open()
        store.put_if_absent("x", b"1")
        etag = store.read("x").etag
        locks = tmp_path / "store" / ".venvbuild" / "locks"
        locks.mkdir()
        (locks / "turn-index").touch(0o644)  # as it was made before
        assert waited_for(store) == 0
        assert store.replace_if_unchanged("x", b"2", etag)
    finally:
        os.umask(before)
    modes = {path.name: path.stat().st_mode & 0o777 for path in locks.iterdir()}
    assert len(modes) == 2
    assert set(modes.values()) <= {closed, 0o600}


@pytest.mark.parametrize("spoil", ["a file", "a folder", "a link", "closed"])
def test_a_folder_that_has_no_locks_stops_nobody(tmp_path: Path, spoil: str) -> None:
    store = Place(str(tmp_path / "store")).open()
    store.put_if_absent("x", b"")
    locks = tmp_path / "store" / ".venvbuild" / "locks"
    if spoil == "a file":
        locks.write_text("")
    else:
        locks.mkdir(exist_ok=True)
    if spoil == "a folder":
        (locks / "turn-index").mkdir()
    elif spoil == "a link":
        (locks / "turn-index").symlink_to(tmp_path / "elsewhere")
    elif spoil == "closed":
        locks.chmod(0o500)
    assert waited_for(store) == 0
    assert not (tmp_path / "elsewhere").exists()


def test_a_bucket_that_is_not_there_or_closed_stops_nobody(
    moto_server: S3Server, s3_environment: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    endpoint_url: str = moto_server.endpoint_url
    assert waited_for(S3Store("no-such-bucket", endpoint_url=endpoint_url)) == 0
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    assert waited_for(S3Store("no-such-bucket", endpoint_url=endpoint_url)) == 0


@pytest.mark.parametrize("body", [b"", b"held by nobody\n", b"x" * 2000, b"\xff"], ids=["empty", "old", "large", "odd"])
def test_whatever_stands_where_a_bucket_has_turns_stops_nobody(
    versitygw_server: S3Server, s3_environment: None, body: bytes
) -> None:
    server = versitygw_server
    bucket = server.new_bucket()
    client = server.client()
    client.put_object(Bucket=bucket, Key=".venvbuild/turns/index", Body=body)
    store = S3Store(bucket, endpoint_url=server.endpoint_url)
    assert waited_for(store) < turns.MOST_OF_ONE_S + 1
    assert waited_for(store) == 0
