from __future__ import annotations

import errno
import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.requirement import require
from tests.support.sizes import HEAVY, sizes
from venvbuild.errors import IntegrityError, NotInStore, StoreUnavailable, UsageError
from venvbuild.stores.folder import FolderStore
from venvbuild.stores.opening import open_store
from venvbuild.stores.store import Entry

ROOT = Path(__file__).parents[2]
PUT_FOR_EVER = """
import sys
from pathlib import Path
from venvbuild.stores import open_store
store = open_store(sys.argv[1])
print("ready", flush=True)
for number in range(100000):
    store.put_if_absent(f"builds/{sys.argv[3]}-{number}", Path(sys.argv[2]))
"""


@pytest.fixture
def store(tmp_path: Path) -> FolderStore:
    return FolderStore(tmp_path / "store")


def leftovers(store: FolderStore) -> list[str]:
    return os.listdir(store.root / ".venvbuild" / "tmp")


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("/srv/store", "/srv/store"),
        ("/srv/store/", "/srv/store"),
        ("/srv/../store", "/store"),
        ("file:///srv/my%20store", "/srv/my store"),
        ("FILE:///srv/100%25", "/srv/100%"),
        ("file://localhost/srv", "/srv"),
        ("~/store", "{home}/store"),
        ("store", "{cwd}/store"),
        ("/srv/my%20store", "/srv/my%20store"),
    ],
    ids=str,
)
def test_a_folder_can_be_named_in_many_ways(
    url: str, path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    assert open_store(url).url == path.format(home=tmp_path / "home", cwd=tmp_path)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "gs://bucket/x",
        "https://host/x",
        "file://host/x",
        "file://x",
        "file:///a%00b",
        "s3://",
        "s3:///prefix",
        "s3://bucket/../x",
        "s3://bucket//x",
        "~nobody-has-this/x",
    ],
    ids=str,
)
def test_what_names_no_store_is_a_usage_error(url: str) -> None:
    with pytest.raises(UsageError):
        open_store(url)


@pytest.mark.parametrize("url", ["s3://AKIAABCDEFGHIJKLMNOP:hunter22@bucket/x", "https://u:hunter22@host/x"], ids=str)
def test_credentials_in_a_url_are_refused_and_not_shown(url: str) -> None:
    with pytest.raises(UsageError) as caught:
        open_store(url)
    assert "hunter22" not in str(caught.value)


def test_a_strange_path_survives_its_uri(tmp_path: Path) -> None:
    store = open_store(str(tmp_path / "a b#c?d%20é"))
    store.put_if_absent("k k#%2F", b"1")
    uri = store.uri("k k#%2F")
    assert uri.isascii()
    assert open_store(uri.removesuffix("/k%20k%23%252F")).read("k k#%2F").body == b"1"


def test_reading_makes_no_folder(store: FolderStore) -> None:
    assert list(store.list("")) == []
    with pytest.raises(NotInStore):
        store.read("x/y")
    assert not store.replace_if_unchanged("x/y", b"", "etag")
    assert not store.root.exists()


def test_a_put_leaves_the_object_and_nothing_else(store: FolderStore, tmp_path: Path) -> None:
    store.put_if_absent("a/b", b"1")
    store.put_if_absent("a/b", b"2")
    files = [str(path.relative_to(store.root)) for path in store.root.rglob("*") if path.is_file()]
    assert files == ["a/b"]


@pytest.mark.parametrize(
    ("umask", "file_mode", "folder_mode"),
    [(0o022, 0o644, 0o755), (0o002, 0o644, 0o775), (0o077, 0o600, 0o700)],
    ids=oct,
)
def test_modes_follow_the_umask(store: FolderStore, umask: int, file_mode: int, folder_mode: int) -> None:
    before = os.umask(umask)
    try:
        store.put_if_absent("a/b", b"1")
        store.replace_if_unchanged("a/b", b"2", store.read("a/b").etag)
    finally:
        os.umask(before)
    assert stat.S_IMODE((store.root / "a/b").stat().st_mode) == file_mode
    assert stat.S_IMODE((store.root / "a").stat().st_mode) == folder_mode


def test_the_given_file_is_copied_not_linked(store: FolderStore, file_of: Callable[[int], Path]) -> None:
    file = file_of(10)
    store.put_if_absent("x", file)
    file.write_bytes(b"changed")
    assert store.read("x").body != b"changed"
    assert (store.root / "x").stat().st_nlink == 1


def test_a_large_file_is_never_whole_in_memory(store: FolderStore, tmp_path: Path) -> None:
    large = tmp_path / "large"
    with large.open("wb") as file:
        file.truncate(300 << 20)
    tracemalloc.start()
    try:
        assert store.put_if_absent("x", large)
        assert store.put_if_absent("x", large)
        peak_bytes = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert (store.root / "x").stat().st_size == 300 << 20
    assert peak_bytes < 16 << 20


def test_a_link_that_fails_because_another_was_first_compares(
    store: FolderStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.link

    def link_late(source: Path, target: Path) -> None:
        Path(target).write_bytes(b"theirs")
        real(source, target)

    monkeypatch.setattr(os, "link", link_late)
    assert not store.put_if_absent("x", b"ours")
    assert store.read("x").body == b"theirs"
    assert leftovers(store) == []


@HEAVY
@pytest.mark.parametrize("kills", sizes(8, 25))
def test_a_killed_writer_leaves_no_torn_object(store: FolderStore, file_of: Callable[[int], Path], kills: int) -> None:
    file = file_of(1 << 20)
    for round_ in range(kills):
        command = [sys.executable, "-c", PUT_FOR_EVER, str(store.root), str(file), str(round_)]
        with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) as writer:
            assert writer.stdout
            writer.stdout.readline()
            time.sleep(round_ / kills * 0.05)
            writer.send_signal(signal.SIGKILL)
    whole = file.read_bytes()
    written = list(store.list(""))
    assert len(written) > 0.4 * kills
    assert all(store.read(entry.key).body == whole for entry in written)


def test_a_folder_is_no_object(store: FolderStore) -> None:
    store.put_if_absent("a/b", b"1")
    for call in (
        lambda: store.put_if_absent("a", b""),
        lambda: store.remove("a"),
        lambda: store.read("a"),
        lambda: store.read_range("a", 0, 1),
        lambda: store.replace_if_unchanged("a", b"", "etag"),
    ):
        with pytest.raises(IntegrityError, match="a folder stands where the store has a file"):
            call()
    assert store.read("a/b").body == b"1"


def test_a_folder_that_is_called_as_an_object_and_holds_none_is_listed_as_what_it_is(store: FolderStore) -> None:
    for folder in ("x.json", "y.json/sub", "empty/sub"):
        (store.root / "a" / folder).mkdir(parents=True)
    for key in ("a/x.json-1", "a/z.json/one"):
        store.put_if_absent(key, b"x")
    listed = list(store.list("a/"))
    assert [entry.key for entry in listed] == ["a/x.json", "a/x.json-1", "a/y.json", "a/z.json/one"]
    assert [entry.oddity for entry in listed] == ["a folder", "", "a folder", ""]
    assert [entry.key for entry in store.list("a/", "a/x.json-1")] == ["a/y.json", "a/z.json/one"]
    assert [entry.key for entry in store.list("a/x.json/")] == []


def test_a_name_too_long_for_the_file_system_is_a_usage_error(store: FolderStore) -> None:
    with pytest.raises(UsageError, match="File name too long"):
        store.put_if_absent("x" * 300, b"")
    with pytest.raises(NotInStore):
        store.read("x" * 300)


@pytest.mark.parametrize(
    "call",
    [
        lambda store: store.prepare(),
        lambda store: store.put_if_absent("x", b""),
        lambda store: store.read("x"),
        lambda store: list(store.list("")),
        lambda store: store.replace_if_unchanged("x", b"", ""),
    ],
    ids=["prepare", "put", "read", "list", "replace"],
)
def test_a_store_that_is_a_file_is_a_usage_error(store: FolderStore, call: Callable[[FolderStore], object]) -> None:
    store.root.write_bytes(b"")
    with pytest.raises(UsageError, match="store: the store cannot have an object here; why: it is a file"):
        call(store)


def test_a_store_that_is_a_fifo_has_not_no_objects(store: FolderStore) -> None:
    os.mkfifo(store.root)
    with pytest.raises(UsageError, match="store: the store cannot have an object here; why: it is a FIFO"):
        list(store.list(""))


@pytest.mark.parametrize(
    "call",
    [FolderStore.prepare, lambda store: store.read("x"), lambda store: list(store.list(""))],
    ids=["prepare", "read", "list"],
)
def test_a_store_below_a_file_is_a_usage_error(tmp_path: Path, call: Callable[[FolderStore], object]) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(UsageError, match="Not a directory"):
        call(FolderStore(tmp_path / "file" / "store"))


def test_entries_that_vanish_while_listing_are_left_out(store: FolderStore) -> None:
    for key in ("a/1", "b/1", "c/1", "c/2"):
        store.put_if_absent(key, b"")
    listing = store.list("")
    assert next(listing) == Entry("a/1", 0)
    (store.root / "b/1").unlink()
    (store.root / "b").rmdir()
    assert next(listing) == Entry("c/1", 0)
    (store.root / "c/2").unlink()
    assert list(listing) == []


def test_a_listing_opens_only_folders_that_can_match(store: FolderStore, monkeypatch: pytest.MonkeyPatch) -> None:
    for day in ("01", "02", "03"):
        store.put_if_absent(f"builds/dt=2025-01-{day}/x.json", b"")
    store.put_if_absent("envs/sales/x", b"")
    opened: list[str] = []
    real = os.scandir

    def scandir(path: Path) -> os.PathLike[str]:
        opened.append(str(Path(path).relative_to(store.root)))
        return real(path)  # type: ignore[return-value]

    with monkeypatch.context() as watched:
        watched.setattr(os, "scandir", scandir)
        listed = list(store.list("builds/dt=", "builds/dt=2025-01-02/x.json"))
    assert [entry.key for entry in listed] == ["builds/dt=2025-01-03/x.json"]
    assert opened == ["builds", "builds/dt=2025-01-02", "builds/dt=2025-01-03"]


def test_what_is_no_key_is_not_listed(store: FolderStore) -> None:
    store.put_if_absent("x", b"")
    with open(os.fsencode(store.root) + b"/\xff", "wb"):
        pass
    assert [entry.key for entry in store.list("")] == ["x"]


def link_to(target: str) -> Callable[[Path], None]:
    return lambda path: path.symlink_to(target)


def bound_to(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(os.path.relpath(path))  # a socket's full path may have 107 bytes


@pytest.mark.parametrize(
    ("make", "what"),
    [
        pytest.param(link_to("../x"), "a link", id="link to an object"),
        pytest.param(link_to("../f"), "a link", id="link to a folder"),
        pytest.param(link_to("odd"), "a link", id="loop"),
        pytest.param(link_to("nowhere"), "a link", id="dangling"),
        pytest.param(link_to("/dev/zero"), "a link", id="link to a device"),
        pytest.param(os.mkfifo, "a FIFO", id="FIFO"),
        pytest.param(bound_to, "a socket", id="socket"),
    ],
)
def test_what_is_no_file_is_listed_and_neither_followed_nor_waited_for(
    make: Callable[[Path], None], what: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    store = FolderStore(tmp_path / "s")
    for key in ("x", "f/y", "g/z"):
        store.put_if_absent(key, b"1")
    make(store.root / "g/odd")
    assert [(entry.key, entry.size_bytes) for entry in store.list("g/")] == [("g/odd", 0), ("g/z", 1)]
    for call in (lambda: store.read("g/odd"), lambda: store.read_range("g/odd", 0, 1)):
        with pytest.raises(IntegrityError, match=f"{what} stands where the store has a file") as caught:
            call()
        assert caught.value.problems[0].where.endswith("s/g/odd")
    assert not store.put_if_absent("g/odd", b"1")
    store.remove("g/odd")
    assert [entry.key for entry in store.list("")] == ["f/y", "g/z", "x"]
    assert store.read("x").body == b"1"


@pytest.mark.parametrize(
    ("make", "what"),
    [
        pytest.param(link_to("nowhere"), "a link", id="link"),
        pytest.param(os.mkfifo, "a FIFO", id="FIFO"),
        pytest.param(bound_to, "a socket", id="socket"),
        pytest.param(lambda path: path.write_bytes(b"x"), "a file", id="file"),
    ],
)
def test_what_stands_in_place_of_a_folder_is_never_an_empty_one(
    make: Callable[[Path], None], what: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    store = FolderStore(tmp_path / "s")
    store.put_if_absent("a/b/c", b"1")
    shutil.rmtree(store.root / "a/b")
    make(store.root / "a/b")
    for call in (
        lambda: store.read("a/b/c"),
        lambda: store.read_range("a/b/c", 0, 1),
        lambda: list(store.list("a/b/")),
        lambda: list(store.list("a/b/c/")),
        lambda: store.put_if_absent("a/b/d", b""),
        lambda: store.replace_if_unchanged("a/b/c", b"", "etag"),
        lambda: store.remove("a/b/c"),
    ):
        with pytest.raises(IntegrityError, match=f"{what} stands where the store has a folder") as caught:
            call()
        assert caught.value.problems[0].where.endswith("s/a/b")
    assert [entry.key for entry in store.list("a/")] == ["a/b"]


def test_a_link_in_place_of_a_folder_leads_nowhere(store: FolderStore, tmp_path: Path) -> None:
    store.put_if_absent("x", b"1")
    other = FolderStore(tmp_path / "other")
    other.put_if_absent("y/z", b"2")
    (store.root / "a").symlink_to(other.root)
    assert [entry.key for entry in store.list("")] == ["a", "x"]
    for call in (
        lambda: store.read("a/y/z"),
        lambda: list(store.list("a/y/")),
        lambda: store.put_if_absent("a/new", b""),
        lambda: store.remove("a/y/z"),
    ):
        with pytest.raises(IntegrityError, match="a link stands where the store has a folder"):
            call()
    assert [entry.key for entry in other.list("")] == ["y/z"]
    (tmp_path / "linked").symlink_to(store.root)  # how people come to a store is their own affair
    assert FolderStore(tmp_path / "linked").read("x").body == b"1"


def test_an_interrupted_put_leaves_no_temporary_file(store: FolderStore, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "link", interrupted)
    with pytest.raises(KeyboardInterrupt):
        store.put_if_absent("x", b"1")
    assert leftovers(store) == []


@pytest.mark.parametrize("code", [errno.EPERM, errno.ENOTSUP, errno.EXDEV], ids=errno.errorcode.__getitem__)
def test_a_file_system_without_hard_links_is_refused(
    store: FolderStore, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    def link(*_: object) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, "link", link)
    for call in (store.prepare, lambda: store.put_if_absent("x", b"1")):
        with pytest.raises(UsageError, match="cannot make hard links"):
            call()
    assert leftovers(store) == []
    assert list(store.list("")) == []


def test_a_failing_disk_may_be_tried_again(store: FolderStore, monkeypatch: pytest.MonkeyPatch) -> None:
    def fsync(_: int) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(os, "fsync", fsync)
    with pytest.raises(StoreUnavailable, match=r"the store's disk failed \(4 bytes were to be written\)"):
        store.put_if_absent("x", b"1234")
    assert list(store.list("")) == []


def test_every_folder_on_the_way_is_on_the_disk_before_success(
    store: FolderStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[str] = []
    real = os.fsync

    def fsync(descriptor: int) -> None:
        synced.append(os.readlink(f"/proc/self/fd/{descriptor}"))
        real(descriptor)

    require(Path("/proc/self/fd").is_dir(), "the test reads /proc")
    monkeypatch.setattr(os, "fsync", fsync)
    store.put_if_absent("a/b/c", b"1")
    assert str(store.root.parent) in synced  # the store itself was made
    assert synced[-3:] == [str(store.root / "a/b"), str(store.root / "a"), str(store.root)]
    assert "/.venvbuild/tmp/" in next(path for path in synced if not Path(path).is_dir())


@pytest.fixture
def mount(tmp_path: Path) -> Iterator[Callable[[str], Path]]:
    mounted: list[Path] = []

    def mount(options: str) -> Path:
        folder = tmp_path / "mount"
        folder.mkdir(exist_ok=True)
        done = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", options, "none", str(folder)], capture_output=True, text=True, check=False
        )
        require(done.returncode == 0, f"a tmpfs cannot be mounted here: {done.stderr.strip()}")
        mounted.append(folder)
        return folder

    yield mount
    for folder in reversed(mounted):
        subprocess.run(["umount", str(folder)], check=True)


def test_a_full_disk_says_how_many_bytes_are_needed(
    mount: Callable[[str], Path], file_of: Callable[[int], Path]
) -> None:
    store = FolderStore(mount("size=2m") / "store")
    store.put_if_absent("small", b"1")
    with pytest.raises(StoreUnavailable, match=rf"^{store.root}/builds/large: .*disk is full.*at least 4194304 bytes"):
        store.put_if_absent("builds/large", file_of(4 << 20))
    assert leftovers(store) == []
    assert list(store.list("")) == [Entry("small", 1)]


def test_a_disk_without_inodes_says_so(mount: Callable[[str], Path]) -> None:
    store = FolderStore(mount("size=2m,nr_inodes=12") / "store")
    puts = (store.put_if_absent(f"builds/a/{number}", b"1") for number in range(12))
    with pytest.raises(StoreUnavailable, match=r"builds/a/[0-9]+: the disk takes no more files.*no inodes left"):
        list(puts)
    assert leftovers(store) == []


def test_a_file_over_the_limit_of_the_process_is_a_full_disk(store: FolderStore) -> None:
    script = (
        "import sys, resource; from venvbuild.stores import open_store\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))\n"
        "open_store(sys.argv[1]).put_if_absent('x', b'.' * 10000)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(store.root)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert "StoreUnavailable" in done.stderr
    assert "File too large" in done.stderr
    assert leftovers(store) == []


def test_a_read_only_store_can_be_read_and_not_written(mount: Callable[[str], Path]) -> None:
    store = FolderStore(mount("size=2m") / "store")
    store.put_if_absent("x", b"1")
    mount_again = ["mount", "-o", "remount,ro", str(store.root.parent)]
    subprocess.run(mount_again, check=True)
    assert store.read("x").body == b"1"
    assert store.put_if_absent("x", b"1")
    for call in (store.prepare, lambda: store.put_if_absent("y", b"2")):
        with pytest.raises(UsageError, match="does not let us in; why: Read-only file system; fix: give this user"):
            call()


def test_a_store_without_rights_is_a_usage_error(tmp_path: Path) -> None:
    require(os.geteuid() == 0, "only root can become somebody who has no rights")
    (tmp_path / "store").mkdir(mode=0o700)
    reach_it = (
        "import os, sys; from venvbuild.stores import open_store; store = open_store(sys.argv[1])\n"
        # what is imported when something is told, while the house can still be read
        "from venvbuild.redaction import REDACTOR; REDACTOR.redact('x')\n"
        "os.chdir(sys.argv[1] + '/..'); os.setuid(65534)\n"
        "from venvbuild.stores.folder import FolderStore; from pathlib import Path\n"
        "FolderStore(Path('store')).put_if_absent('x', b'')"
    )
    done = subprocess.run(
        [sys.executable, "-c", reach_it, str(tmp_path / "store")], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert "UsageError" in done.stderr
    assert "Permission denied" in done.stderr
