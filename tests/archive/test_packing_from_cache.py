"""The cache makes packing fast and never makes it wrong: whatever changed since, the archive is as the disk."""

from __future__ import annotations

import multiprocessing
import os
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.support.packing import NOTHING, Packable, files_of
from venvbuild.archive import compression
from venvbuild.archive.compression import Compressed, Piece
from venvbuild.archive.fragment_cache import FragmentCache
from venvbuild.archive.layout import Known
from venvbuild.archive.leaks import Gate
from venvbuild.errors import IntegrityError
from venvbuild.installed import distributions_of
from venvbuild.redaction.forms import Secret

CODE = {"good.py": "x = 1\n", "good_more/__init__.py": ""}


@pytest.fixture
def env(tmp_path: Path) -> Packable:
    """Two distributions, packed once: the cache knows both."""
    made = Packable(tmp_path)
    made.install("good", files=CODE)
    made.install("other")
    made.installer_ended()
    made.pack("first.tar.gz")
    return made


@pytest.fixture
def compressed(monkeypatch: pytest.MonkeyPatch) -> list[str | None]:
    """The distribution of each fragment that is really compressed, from now on."""
    seen: list[str | None] = []
    real = compression.compress

    def spy(piece: Piece, *rest: Any) -> Compressed:
        seen.append(piece.distribution)
        return real(piece, *rest)

    monkeypatch.setattr(compression, "compress", spy)
    return seen


def site(env: Packable, name: str) -> str:
    return str((env.site / name).relative_to(env.venv))


def test_what_was_packed_before_is_not_compressed_again(env: Packable, compressed: list[str | None]) -> None:
    warm = env.pack()
    assert set(compressed) == {None}
    assert warm.path.read_bytes() == (env.folder / "first.tar.gz").read_bytes()


def test_the_cache_is_right_without_a_manifest_too(env: Packable, compressed: list[str | None]) -> None:
    env.manifest = None
    env.pack()
    assert set(compressed) == {None}


def test_an_untouched_file_is_not_even_read(env: Packable, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    real = os.open

    def spy(path: str, flags: int) -> int:
        opened.append(os.fspath(path))
        return real(path, flags)

    gate = Gate.of([Path("/build/place")], (), distributions_of(env.venv, "3.11"))
    monkeypatch.setattr(os, "open", spy)
    env.pack(gate=gate)
    assert [path for path in opened if path.endswith("RECORD")]
    assert not [path for path in opened if path.endswith(".py")]


def edit(env: Packable) -> None:
    """Same size, and mtime put back: only ctime tells."""
    path = env.site / "good.py"
    before = path.stat()
    path.write_bytes(b"x = 2\n")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def make_executable(env: Packable) -> None:
    (env.site / "good.py").chmod(0o755)


def put_another_in_its_place(env: Packable) -> None:
    (env.folder / "another").write_bytes(b"x = 3\n")
    (env.folder / "another").rename(env.site / "good.py")


def make_it_a_link(env: Packable) -> None:
    (env.site / "good.py").unlink()
    (env.site / "good.py").symlink_to("other.py")


def remove(env: Packable) -> None:
    (env.site / "good.py").unlink()


CHANGES = [edit, make_executable, put_another_in_its_place, make_it_a_link, remove]


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("cache", ["warm", "none"])
def test_what_was_changed_since_it_was_read_is_not_packed(
    env: Packable, change: Callable[[Packable], None], cache: str
) -> None:
    change(env)
    with pytest.raises(IntegrityError, match=r"good\.py was changed since `create`") as caught:
        env.pack("again.tar.gz", **({"cache": None} if cache == "none" else {}))
    assert len(caught.value.problems) == 1
    assert not (env.folder / "again.tar.gz").exists()


def test_what_was_only_touched_is_packed(env: Packable) -> None:
    (env.site / "good.py").touch()
    assert env.pack("again.tar.gz").path.read_bytes() == (env.folder / "first.tar.gz").read_bytes()


@pytest.mark.parametrize("change", CHANGES)
def test_a_changed_file_of_which_nobody_knew_is_packed_as_it_is(
    env: Packable, compressed: list[str | None], change: Callable[[Packable], None]
) -> None:
    change(env)
    env.manifest = None
    made = env.pack()
    assert set(compressed) == {None, "good"}
    assert made.path.read_bytes() == env.pack("without.tar.gz", cache=None, known=Known()).path.read_bytes()


def test_an_extra_file_in_a_packages_folder_goes_to_the_part_of_nobody(
    env: Packable, compressed: list[str | None]
) -> None:
    (env.site / "good_more/extra.py").write_text("extra")
    assert files_of(env.pack().path)[site(env, "good_more/extra.py")] == b"extra"
    assert set(compressed) == {None}


def test_a_path_that_two_claim_is_never_cached(tmp_path: Path) -> None:
    cache = FragmentCache(tmp_path / "cache")
    for names in (["one"], ["two"], ["one", "two"], ["two", "one"]):
        env = Packable(tmp_path / "-".join(names))
        for name in names:
            env.install(name, files={"shared.py": name, f"{name}.py": ""})
        env.installer_ended()
        assert files_of(env.pack(cache=cache).path)[site(env, "shared.py")] == names[-1].encode()


def test_a_lie_that_comes_first_is_stored_under_what_is_true(tmp_path: Path) -> None:
    cache = FragmentCache(tmp_path / "cache")
    for name, content in (("lying", "x = 2\n"), ("honest", "x = 1\n")):
        env = Packable(tmp_path / name)
        env.install("good", files=CODE)
        env.hashes["good"] = ("sha256:one lock line for both",)
        (env.site / "good.py").write_text(content)
        env.installer_ended()
        made = env.pack(cache=cache)
        assert files_of(made.path)[site(env, "good.py")] == content.encode()
        assert made.content_sha256 == env.pack(cache=None, known=Known()).content_sha256


def test_another_wheel_of_the_same_name_and_hashes_has_another_key(env: Packable, compressed: list[str | None]) -> None:
    env.hashes["good"] = ("sha256:another",)
    env.pack()
    assert set(compressed) == {None, "good"}


@pytest.mark.parametrize(
    ("name", "value"), [("CODEC", "zlib-ng 9.9"), ("FORMAT_VERSION", 2), ("PIECE_BYTES", 31_000_000)]
)
def test_another_codec_or_format_starts_afresh(
    env: Packable, compressed: list[str | None], monkeypatch: pytest.MonkeyPatch, name: str, value: object
) -> None:
    monkeypatch.setattr(compression, name, value)
    env.pack()
    assert set(compressed) == {None, "good", "other"}


def test_another_level_starts_afresh(env: Packable, compressed: list[str | None]) -> None:
    env.pack(level=6)
    assert set(compressed) == {None, "good", "other"}


def test_another_python_starts_afresh(env: Packable, tmp_path: Path, compressed: list[str | None]) -> None:
    newer = Packable(tmp_path / "newer", python_version="3.12")
    newer.install("good", files=CODE)
    newer.pack(cache=env.cache)
    assert set(compressed) == {None, "good"}


@pytest.mark.parametrize("damage", [lambda body: body[:-1], lambda body: bytes(len(body)), lambda _: b""])
def test_a_damaged_entry_is_made_again_and_never_used(
    env: Packable, compressed: list[str | None], damage: Callable[[bytes], bytes]
) -> None:
    for path in (env.folder / "cache").rglob("*"):
        if path.is_file():
            path.write_bytes(damage(path.read_bytes()))
    assert env.pack().path.read_bytes() == (env.folder / "first.tar.gz").read_bytes()
    assert set(compressed) == {None, "good", "other"}
    compressed.clear()
    env.pack()
    assert set(compressed) == {None}


def test_a_fragment_that_is_gone_is_made_again_alone(env: Packable, compressed: list[str | None]) -> None:
    next((env.folder / "cache/fragments").rglob("?" * 64)).unlink()
    env.pack()
    assert len([name for name in compressed if name]) == 1


def test_a_cache_that_cannot_be_written_is_done_without(env: Packable, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    made = env.pack(cache=FragmentCache(tmp_path / "file" / "cache"))
    assert made.path.read_bytes() == (env.folder / "first.tar.gz").read_bytes()


def test_a_secret_is_found_in_what_comes_from_the_cache(env: Packable, tmp_path: Path) -> None:
    with pytest.raises(IntegrityError, match=r"good\.py holds a secret"):
        env.pack(gate=Gate((), (Secret("x = 1"),), {}))


def test_a_path_of_the_build_is_found_in_what_the_installer_wrote_and_the_cache_has(tmp_path: Path) -> None:
    env = Packable(tmp_path)
    (env.install("good") / "direct_url.json").write_text("/build/place")
    with next(env.site.glob("*.dist-info/RECORD")).open("a") as record:
        record.write("good-1.0.dist-info/direct_url.json,,\n")
    env.installer_ended()
    env.pack()
    with pytest.raises(IntegrityError, match=r"direct_url\.json holds a path"):
        env.pack(gate=Gate((b"/build/place",), (), {}))


def test_what_was_refused_is_not_kept(env: Packable, tmp_path: Path) -> None:
    cache = FragmentCache(tmp_path / "fresh")
    with pytest.raises(IntegrityError):
        env.pack(cache=cache, gate=Gate((), (Secret("x = 1"),), {}))
    kept = [path.read_bytes() for path in (tmp_path / "fresh/fragments").rglob("?" * 64)]
    assert not any(b"x = 1" in zlib.decompress(body + b"\x03\x00", -15) for body in kept)


def test_two_processes_pack_at_once_with_one_cache(env: Packable, tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    cache = tmp_path / "common"
    started = [context.Process(target=pack_alone, args=(tmp_path / name, cache)) for name in ("left", "right")]
    for process in started:
        process.start()
    for process in started:
        process.join(60)
    assert [process.exitcode for process in started] == [0, 0]
    assert len({(tmp_path / name / "venv.tar.gz").read_bytes() for name in ("left", "right")}) == 1
    assert not [path for path in cache.rglob(".*") if path.is_file()]


def pack_alone(folder: Path, cache: Path) -> None:
    """In a process of its own."""
    env = Packable(folder)
    for number in range(20):
        env.install(f"package{number}", files={f"package{number}.py": f"x = {number}\n" * 1000})
    env.installer_ended()
    env.pack(cache=FragmentCache(cache))


def test_cold_and_warm_one_thread_and_three_give_the_same_bytes(env: Packable) -> None:
    cold = env.pack(cache=None, threads=1).sha256
    assert {env.pack(cache=None, threads=3).sha256, env.pack(threads=1).sha256, env.pack(gate=NOTHING).sha256} == {cold}
