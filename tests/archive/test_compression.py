"""Fragments: how members are dealt out to pieces, and what a piece becomes; whole archives are in test_packing."""

from __future__ import annotations

import hashlib
import os
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

from venvbuild.archive import compression
from venvbuild.archive.compression import Compressed, Part, Piece
from venvbuild.archive.leaks import Gate, Leak
from venvbuild.archive.members import Member
from venvbuild.errors import IntegrityError
from venvbuild.installed import Look
from venvbuild.redaction.forms import Secret

NOTHING = Gate((), (), {})
SECRET = Gate((), (Secret("s3cret-value-1"),), {})


def member(venv: Path, name: str, content: bytes) -> Member:
    """A file of the environment, as it was listed."""
    venv.mkdir(exist_ok=True)
    (venv / name).write_bytes(content)
    return Member(name, "f", 0o644, len(content), look=Look.of((venv / name).lstat()))


def whole(*members: Member) -> Piece:
    return Piece("one", "1.0", tuple(Part(one, 0, one.size) for one in members))


def plain(made: Compressed) -> bytes:
    return zlib.decompressobj(-15).decompress(made.body)


def compress(piece: Piece, venv: Path, gate: Gate = NOTHING, sha256: dict[str, str] | None = None) -> Compressed:
    return compression.compress(piece, venv, 5, gate, sha256=sha256)


# --- cutting


@pytest.fixture
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("venvbuild.archive.compression.PIECE_BYTES", 3000)


def cut(*sizes: int) -> list[list[tuple[str, int, int]]]:
    """The pieces of members of these sizes, named 0, 1, ...: (name, start, end) of each part."""
    found = compression.cut([Member(str(number), "f", 0o644, size) for number, size in enumerate(sizes)], "one", "1.0")
    return [[(part.member.name, part.start, part.end) for part in piece.parts] for piece in found]


@pytest.mark.usefixtures("small_pieces")
@pytest.mark.parametrize(
    ("sizes", "pieces"),
    [
        pytest.param([], [], id="nothing"),
        pytest.param([0], [[("0", 0, 0)]], id="empty file"),
        pytest.param([100, 200], [[("0", 0, 100), ("1", 0, 200)]], id="together"),
        pytest.param([2000, 900], [[("0", 0, 2000)], [("1", 0, 900)]], id="apart"),
        pytest.param([3000], [[("0", 0, 3000)]], id="as large as a piece"),
        pytest.param([7000], [[("0", 0, 3000)], [("0", 3000, 6000)], [("0", 6000, 7000)]], id="larger"),
        pytest.param([10, 7000, 10], [[("0", 0, 10)], [("1", 0, 3000)], [("1", 3000, 6000)],
                                      [("1", 6000, 7000), ("2", 0, 10)]], id="between small ones"),
    ],
)  # fmt: skip
def test_members_are_dealt_out_at_their_boundaries(sizes: list[int], pieces: list[list[tuple[str, int, int]]]) -> None:
    assert cut(*sizes) == pieces


@pytest.mark.usefixtures("small_pieces")
def test_a_piece_knows_whether_it_begins_inside_a_member() -> None:
    found = list(compression.cut([Member("a", "f", 0o644, 7000)], "one", "1.0"))
    assert [piece.continues for piece in found] == [False, True, True]
    assert not compression.END_OF_TAR.continues


# --- compressing


def test_a_piece_becomes_the_tar_of_its_members(tmp_path: Path) -> None:
    one, link = member(tmp_path / "venv", "a", b"abc"), Member("b", "l", 0o777, link="a")
    made = compress(whole(one, link), tmp_path / "venv")
    assert plain(made) == one.header() + b"abc" + bytes(509) + link.header()
    assert made.sha256 == {"a": hashlib.sha256(b"abc").hexdigest()}


def test_a_fragment_says_what_it_is(tmp_path: Path) -> None:
    made = compress(whole(member(tmp_path / "venv", "a", b"abc")), tmp_path / "venv")
    text, fragment = plain(made), made.fragment
    assert (fragment.distribution, fragment.version, fragment.offset) == ("one", "1.0", 0)
    assert (fragment.length, fragment.sha256) == (len(made.body), hashlib.sha256(made.body).hexdigest())
    assert (fragment.plain_length, fragment.plain_sha256) == (len(text), hashlib.sha256(text).hexdigest())
    assert fragment.crc32 == zlib.crc32(text)


def test_the_end_of_the_tar_is_two_empty_blocks(tmp_path: Path) -> None:
    assert plain(compress(compression.END_OF_TAR, tmp_path)) == bytes(1024)


def test_the_same_members_give_the_same_bytes_whatever_blocks_they_come_in(tmp_path: Path) -> None:
    big = os.urandom(1 << 20) + bytes(1 << 20)
    read = member(tmp_path / "venv", "a", big)
    written = read._replace(content=big)
    assert compress(whole(read), tmp_path / "venv").body == compress(whole(written), tmp_path / "venv").body


def test_what_the_gate_finds_is_told_with_the_member(tmp_path: Path) -> None:
    venv = tmp_path / "venv"
    made = compress(whole(member(venv, "a", b"x"), member(venv, "b", b"s3cret-value-1")), venv, SECRET)
    assert made.leaks == (Leak("b", "a secret"),)


def test_what_we_write_ourselves_goes_through_the_gate_too(tmp_path: Path) -> None:
    content = b"s3cret-value-1"
    made = compress(whole(Member("a", "f", 0o644, len(content), content=content)), tmp_path, SECRET)
    assert len(made.leaks) == 1


def test_a_file_from_elsewhere_is_read_there(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").write_bytes(b"theirs")
    made = compress(whole(Member("a", "f", 0o644, 6, source=str(tmp_path / "elsewhere"))), tmp_path / "venv")
    assert b"theirs" in plain(made)


def test_a_secret_across_two_pieces_is_found_in_the_second(tmp_path: Path) -> None:
    content = b"-" * 100 + b"s3cret-value-1" + b"-" * 100
    file = member(tmp_path / "venv", "a", content)
    first, second = (
        compress(Piece("one", "1.0", (part,)), tmp_path / "venv", SECRET)
        for part in (Part(file, 0, 107), Part(file, 107, len(content)))
    )
    assert (len(first.leaks), len(second.leaks)) == (0, 1)


def test_the_digest_of_a_large_file_is_of_all_of_it(tmp_path: Path) -> None:
    file = member(tmp_path / "venv", "a", b"abcdef")
    first = compress(Piece("one", "1.0", (Part(file, 0, 3),)), tmp_path / "venv")
    second = compress(Piece("one", "1.0", (Part(file, 3, 6),)), tmp_path / "venv")
    assert (first.sha256, second.sha256) == ({"a": hashlib.sha256(b"abcdef").hexdigest()}, {})
    assert [one.sha256 for one in (*first.parts, *second.parts)] == [
        hashlib.sha256(b"abc").hexdigest(),
        hashlib.sha256(b"def").hexdigest(),
    ]


def test_looking_through_a_file_compresses_nothing_and_tells_the_same(tmp_path: Path) -> None:
    file = member(tmp_path / "venv", "a", b"s3cret-value-1")
    digest, found = compression.looked_through(file, tmp_path / "venv", SECRET)
    assert digest == hashlib.sha256(b"s3cret-value-1").hexdigest()
    assert len(found) == 1


# --- files that change meanwhile


def written(file: Path) -> None:
    file.write_bytes(b"abd")


def shortened(file: Path) -> None:
    file.write_bytes(b"a")


def replaced(file: Path) -> None:
    file.unlink()
    file.write_bytes(b"abc")


def made_executable(file: Path) -> None:
    file.chmod(0o755)


KNOWN = {"a": hashlib.sha256(b"abc").hexdigest()}
OTHERS = {"a": hashlib.sha256(b"x").hexdigest()}


@pytest.mark.parametrize("known", [None, KNOWN], ids=["of unknown bytes", "that was read"])
@pytest.mark.parametrize("change", [written, shortened, replaced, made_executable])
def test_a_file_that_changed_since_it_was_listed_is_refused(
    tmp_path: Path, change: Callable[[Path], None], known: dict[str, str] | None
) -> None:
    file = member(tmp_path / "venv", "a", b"abc")
    change(tmp_path / "venv" / "a")
    with pytest.raises(IntegrityError, match="a file changed while it was packed") as caught:
        compress(whole(file), tmp_path / "venv", sha256=known)
    assert caught.value.problems[0].where == "a"


def test_what_was_read_of_a_file_that_looks_the_same_is_not_found_out_again(tmp_path: Path) -> None:
    file = member(tmp_path / "venv", "a", b"abc")
    made = compress(whole(file), tmp_path / "venv", sha256=OTHERS)
    assert made.sha256 == OTHERS
    assert made.body == compress(whole(file), tmp_path / "venv").body


def test_in_parts_the_whole_is_not_read_again_and_the_parts_are(tmp_path: Path) -> None:
    file = member(tmp_path / "venv", "a", b"abc")
    made = compress(Piece("one", "1.0", (Part(file, 0, 2),)), tmp_path / "venv", sha256=OTHERS)
    assert (made.sha256, made.parts[0].sha256) == (OTHERS, hashlib.sha256(b"ab").hexdigest())


def test_what_nobody_listed_is_read_whatever_is_known_of_its_name(tmp_path: Path) -> None:
    file = member(tmp_path / "venv", "a", b"abc")._replace(look=None)
    assert compress(whole(file), tmp_path / "venv", sha256=OTHERS).sha256 == KNOWN


def test_a_file_that_got_another_name_has_to_have_the_bytes_that_were_read(tmp_path: Path) -> None:
    file = member(tmp_path / "venv", "a", b"abc")
    os.link(tmp_path / "venv" / "a", tmp_path / "elsewhere")
    assert compress(whole(file), tmp_path / "venv", sha256=KNOWN).sha256 == KNOWN
    with pytest.raises(IntegrityError, match="a file changed while it was packed"):
        compress(whole(file), tmp_path / "venv", sha256=OTHERS)


def test_a_file_that_got_another_name_is_the_same_file(tmp_path: Path) -> None:
    file = member(tmp_path / "venv", "a", b"abc")
    os.link(tmp_path / "venv" / "a", tmp_path / "elsewhere")
    assert b"abc" in plain(compress(whole(file), tmp_path / "venv"))


def test_a_link_in_the_place_of_a_file_is_not_followed(tmp_path: Path) -> None:
    file = member(tmp_path / "venv", "a", b"abc")
    (tmp_path / "venv" / "a").rename(tmp_path / "b")
    (tmp_path / "venv" / "a").symlink_to(tmp_path / "b")
    with pytest.raises(OSError, match="symbolic link"):
        compress(whole(file), tmp_path / "venv")


def parts_of(venv: Path, between: Callable[[Path], object]) -> tuple[list[compression.ReadPart], dict[str, str]]:
    """Both halves of a file, between which something happens to it, and the digest of the whole."""
    file = member(venv, "a", b"abcdef")
    first = compress(Piece("one", "1.0", (Part(file, 0, 3),)), venv)
    between(venv / "a")
    second = compress(Piece("one", "1.0", (Part(file, 3, 6),)), venv)
    return [*first.parts, *second.parts], first.sha256


def linked(file: Path) -> None:
    os.link(file, file.parents[1] / "elsewhere")


def rewritten_in_disguise(file: Path) -> None:
    """With its size and its time as before; only its ctime tells."""
    facts = file.stat()
    with file.open("r+b") as opened:
        opened.write(b"ABC")
    os.utime(file, ns=(facts.st_atime_ns, facts.st_mtime_ns))


def test_parts_of_a_file_that_was_only_linked_fit_together(tmp_path: Path) -> None:
    parts, sha256 = parts_of(tmp_path / "venv", linked)
    compression.check_parts(parts, tmp_path / "venv", sha256)


def test_parts_of_two_files_do_not_become_one(tmp_path: Path) -> None:
    parts, sha256 = parts_of(tmp_path / "venv", rewritten_in_disguise)
    with pytest.raises(IntegrityError, match="a file changed while it was packed"):
        compression.check_parts(parts, tmp_path / "venv", sha256)
