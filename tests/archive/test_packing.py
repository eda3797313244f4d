"""The archive's bytes: the same for the same environment, readable by anything, with nothing of this machine."""

from __future__ import annotations

import base64
import gzip
import hashlib
import io
import os
import secrets
import subprocess
import tarfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from zlib_ng import zlib_ng

from tests.support.archives import content_sha256
from tests.support.packing import Packable
from tests.support.wheels import unpack, wheel
from venvbuild.archive import PackOptions, compression, gzip_member, packing
from venvbuild.archive.compression import Compressed, Part
from venvbuild.archive.format import MAX_DEPTH
from venvbuild.archive.leaks import Gate
from venvbuild.archive.members import Member
from venvbuild.archive.packing import Archive
from venvbuild.builds.archive_index import Fragment
from venvbuild.errors import IntegrityError, StoreUnavailable, UsageError
from venvbuild.installed import distributions_in
from venvbuild.redaction.forms import Secret
from venvbuild.restore.tar import Unpacker

NOTHING = Gate((), (), {})


@pytest.fixture
def venv(tmp_path: Path) -> Path:
    """Something that looks like an environment."""
    made = tmp_path / "venv"
    (made / "bin").mkdir(parents=True)
    (made / "pyvenv.cfg").write_text("home = /opt/python/bin\nversion_info = 3.11.7\nrelocatable = true\n")
    (made / "bin/python").symlink_to("/opt/python/bin/python3.11")
    (made / "bin/python3").symlink_to("python")
    (made / "bin/tool").write_text("#!/bin/sh\n")
    (made / "bin/tool").chmod(0o700)
    unpack(wheel(tmp_path, "good", "1.0", files={"good.py": "x = 1\n"}), site(made))
    return made


def site(venv: Path) -> Path:
    return venv / "lib/python3.11/site-packages"


def pack(venv: Path, gate: Gate = NOTHING, level: int = 5, name: str = "venv.tar.gz") -> Archive:
    return packing.pack(venv, venv.parent / name, PackOptions("3.11", level), gate=gate)


def test_digest_and_sizes_are_those_of_the_file(venv: Path) -> None:
    made = pack(venv)
    content = made.path.read_bytes()
    assert (made.sha256, made.size_bytes) == (hashlib.sha256(content).hexdigest(), len(content))
    assert made.plain_bytes == len(gzip.decompress(content))
    assert oct(made.path.stat().st_mode)[-3:] == "644"


def test_gzip_tar_and_python_read_all_of_it(venv: Path) -> None:
    made = pack(venv)
    subprocess.run(["gzip", "-t", made.path], check=True)
    listed = subprocess.run(["tar", "-tzf", made.path], check=True, capture_output=True, text=True).stdout.splitlines()
    for mode in ("r:gz", "r|gz"):
        with tarfile.open(made.path, mode) as opened:
            assert len(opened.getnames()) == len(listed) == made.member_count


def test_times_owners_modes_order_and_hard_links_of_the_machine_leave_no_trace(venv: Path, tmp_path: Path) -> None:
    first = pack(venv)
    os.utime(site(venv) / "good.py", (1, 1))
    (site(venv) / "good.py").chmod(0o600)
    os.link(site(venv) / "good.py", tmp_path / "another name")
    (site(venv) / "__pycache__").mkdir()
    (site(venv) / "__pycache__/good.cpython-311.pyc").write_bytes(b"bytecode")
    (venv / "CACHEDIR.TAG").write_text("")
    assert pack(venv, name="again.tar.gz").sha256 == first.sha256


def test_a_change_of_content_or_of_the_executable_bit_shows(venv: Path) -> None:
    first = pack(venv).sha256
    (site(venv) / "good.py").chmod(0o755)
    second = pack(venv).sha256
    (site(venv) / "good.py").write_text("x = 2\n")
    assert len({first, second, pack(venv).sha256}) == 3


def test_long_and_non_ascii_names_and_big_files_survive(venv: Path, tmp_path: Path) -> None:
    odd = {"d" * 100 + "/" + "f" * 200: b"deep", "näme ☃.txt": b"snow", "big.bin": os.urandom(3_000_000), "empty": b""}
    for name, content in odd.items():
        path = site(venv) / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)
    with open(os.fsencode(site(venv)) + b"/latin-\xe9", "wb") as file:
        file.write(b"bytes")
    subprocess.run(["tar", "-xzf", pack(venv).path, "-C", tmp_path / "venv" / ".."], check=True)
    there = tmp_path / "out"
    there.mkdir()
    subprocess.run(["tar", "-xzf", tmp_path / "venv.tar.gz", "-C", there], check=True)
    for name, content in odd.items():
        assert (site(there / "venv") / name).read_bytes() == content
    assert os.path.exists(os.fsencode(site(there / "venv")) + b"/latin-\xe9")


def test_python_links_to_the_usual_place_or_the_one_that_is_named(venv: Path, tmp_path: Path) -> None:
    def link(made: Archive) -> str:
        with tarfile.open(made.path) as opened:
            return opened.getmember("venv/bin/python").linkname

    assert link(pack(venv)) == "/usr/bin/python3.11"
    there = packing.pack(venv, tmp_path / "x.tar.gz", PackOptions("3.11", 1, "/opt/py"), gate=NOTHING)
    assert link(there) == "/opt/py"


@pytest.mark.parametrize(
    ("name", "target"), [("lib/out", "../../../etc/passwd"), ("lib/absolute", "/etc/passwd"), ("bin/up", "../..")]
)
def test_a_link_that_leads_out_is_refused_by_name(venv: Path, name: str, target: str) -> None:
    (venv / name).symlink_to(target)
    with pytest.raises(IntegrityError, match=name):
        pack(venv)
    assert not (venv.parent / "venv.tar.gz").exists()


def test_a_link_inside_is_kept(venv: Path) -> None:
    (venv / "lib64").symlink_to("lib")
    with tarfile.open(pack(venv).path) as opened:
        assert opened.getmember("venv/lib64").linkname == "lib"


def test_a_pipe_is_refused(venv: Path) -> None:
    os.mkfifo(venv / "lib/pipe")
    with pytest.raises(IntegrityError, match="no file, folder or link"):
        pack(venv)


def test_a_path_of_the_build_is_found_also_across_pieces(venv: Path) -> None:
    gate = Gate((b"/secret/build/place",), (), {})
    (site(venv) / "leak.py").write_bytes(b"\n" * ((1 << 20) - 7) + b"/secret/build/place" + b"\n")
    with pytest.raises(IntegrityError, match=r"leak\.py holds a path of this build"):
        pack(venv, gate)


@pytest.mark.parametrize("text", ["operations/build/wheel.py", "/build-2/x", "/builder", "x/build.py"])
def test_the_end_of_another_path_is_no_leak(venv: Path, text: str) -> None:
    (site(venv) / "honest.py").write_text(text)
    pack(venv, Gate((b"/build",), (), {}))


@pytest.mark.parametrize("text", ["#!/build/venv/bin/python\n", '"file:///build"', "home = /build", "x=/build\n"])
def test_a_path_is_found_in_whatever_stands_around_it(venv: Path, text: str) -> None:
    (venv / "bin/leak").write_text(text)
    with pytest.raises(IntegrityError, match="bin/leak"):
        pack(venv, Gate((b"/build",), (), {}))


def test_every_leak_is_named_and_none_is_shown(venv: Path) -> None:
    gate = Gate((b"/build/place",), (Secret("s3cret-value-1"),), {})
    (site(venv) / "one.py").write_text("s3cret-value-1")
    (venv / "bin/two").write_text("#!/build/place/bin/python\n")
    with pytest.raises(IntegrityError) as caught:
        pack(venv, gate)
    assert [problem.what.split(" holds ")[0] for problem in caught.value.problems] == [
        "bin/two", "lib/python3.11/site-packages/one.py"]  # fmt: skip
    assert "s3cret" not in str(caught.value)


def test_a_secret_in_a_name_is_found_and_not_shown(venv: Path) -> None:
    gate = Gate((), (Secret("s3cret-value-1"),), {})
    (site(venv) / "a-s3cret-value-1.txt").touch()
    (venv / "lib/link").symlink_to("s3cret-value-1")
    (venv / "lib/s3cret-value-1").mkdir()
    (venv / "lib/s3cret-value-1/x").touch()
    with pytest.raises(IntegrityError) as caught:
        pack(venv, gate)
    assert [problem.what.split(" holds ")[0] for problem in caught.value.problems] == [
        "a name in its folder too", "a name in lib", "a name in lib", f"a name in {site(venv).relative_to(venv)}",
    ]  # fmt: skip
    assert "s3cret" not in str(caught.value)


def test_what_get_would_refuse_is_not_packed(venv: Path, tmp_path: Path) -> None:
    allowed = venv / "lib" / "/".join("d" * (MAX_DEPTH - 2))
    allowed.mkdir(parents=True)
    (allowed / "file").touch()
    (tmp_path / "got").mkdir()
    unpacker = Unpacker(tmp_path / "got", "venv", limit_bytes=1 << 30)
    unpacker.feed(gzip.decompress(pack(venv).path.read_bytes()))
    assert os.fsencode(allowed.relative_to(venv)) in unpacker.finish(is_end_of_tar=True).folders
    (allowed / "deeper").mkdir()
    (allowed / "deeper" / "file").touch()
    with pytest.raises(IntegrityError, match="lies below more than 100 folders"):
        pack(venv)


def test_what_the_wheel_itself_holds_may_name_paths_but_no_secrets(venv: Path, tmp_path: Path) -> None:
    unpack(wheel(tmp_path, "pathy", "1.0", files={"pathy.py": "/build/place s3cret-value-1"}), site(venv))
    installed = distributions_in([site(venv)])
    pack(venv, Gate.of([Path("/build/place")], [], installed))
    with pytest.raises(IntegrityError, match=r"pathy\.py holds a secret"):
        pack(venv, Gate.of([], [Secret("s3cret-value-1")], installed))
    (site(venv) / "pathy.py").write_text("changed: /build/place")
    with pytest.raises(IntegrityError, match=r"pathy\.py holds a path"):
        pack(venv, Gate.of([Path("/build/place")], [], installed))


def test_a_record_row_is_no_promise_for_what_the_installer_wrote(venv: Path, tmp_path: Path) -> None:
    dist_info = site(venv) / "good-1.0.dist-info"
    content = b'{"url": "file:///build/place"}'
    (dist_info / "direct_url.json").write_bytes(content)
    digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).decode().rstrip("=")
    with (dist_info / "RECORD").open("a") as record:
        record.write(f"good-1.0.dist-info/direct_url.json,sha256={digest},{len(content)}\n")
    with pytest.raises(IntegrityError, match=r"direct_url\.json"):
        pack(venv, Gate.of([Path("/build/place")], [], distributions_in([site(venv)])))


def test_a_folder_that_cannot_be_written_is_told(venv: Path) -> None:
    with pytest.raises((StoreUnavailable, UsageError)):
        packing.pack(venv, Path("/proc/no/venv.tar.gz"), PackOptions("3.11", 1), gate=NOTHING)


def test_the_folder_that_is_named_first_holds_every_folder(venv: Path) -> None:
    made = pack(venv)
    with tarfile.open(made.path) as opened:
        kinds = [member.isdir() for member in opened]
    assert kinds[0]
    assert made.index.fragments[0].distribution is None
    assert made.member_count == len(kinds)


def test_two_folders_two_umasks_give_the_same_bytes(tmp_path: Path) -> None:
    digests = set()
    for name, umask in (("one", 0o022), ("with a space", 0o077)):
        before = os.umask(umask)
        try:
            env = Packable(tmp_path / name)
            env.install("good", files={"good.py": "x = 1\n"})
        finally:
            os.umask(before)
        digests.add(env.pack().sha256)
    assert len(digests) == 1


def test_content_sha256_is_that_of_the_tar_alone_whatever_the_level(venv: Path) -> None:
    small, fast = pack(venv, level=9), pack(venv, level=1, name="fast.tar.gz")
    assert small.sha256 != fast.sha256
    assert small.content_sha256 == fast.content_sha256 == content_sha256(small.path.read_bytes())
    (site(venv) / "good.py").chmod(0o755)
    assert pack(venv).content_sha256 not in (small.content_sha256, "")


@pytest.mark.parametrize("size", [0, 1, 8**11 - 1])
@pytest.mark.parametrize("name", ["a", "lib/" + "n" * 91, "lib/" + "n" * 92, "näme", "b" * 300, "with\nline"])
def test_a_header_is_the_one_that_tarfile_makes(name: str, size: int) -> None:
    ours = tarfile.TarInfo(f"venv/{name}")
    ours.size, ours.mode = size, 0o755
    assert Member(name, "f", 0o755, size).header() == ours.tobuf(tarfile.PAX_FORMAT, "utf-8", "surrogateescape")


def test_a_file_from_8_gib_on_has_its_size_in_a_pax_header() -> None:
    header = Member("big", "f", 0o644, 9 << 30).header()
    read = tarfile.TarFile(fileobj=io.BytesIO(header + bytes(1024))).next()
    assert read is not None
    assert read.size == 9 << 30


def test_a_file_over_8_gib_is_cut_at_every_piece(tmp_path: Path) -> None:
    pieces = list(compression.cut([Member("big", "f", 0o644, 9 << 30), Member("after", "f", 0o644, 1)], "good", "1.0"))
    parts = [part for piece in pieces for part in piece.parts]
    assert [part.start for part in parts[1:-1]] == [part.end for part in parts[:-2]]
    assert parts[-2].end == 9 << 30
    assert max(part.end - part.start for part in parts) == compression.PIECE_BYTES
    assert [piece.continues for piece in pieces] == [False] + [True] * (len(pieces) - 1)


def test_the_length_of_more_than_4_gib_is_told_modulo_2_to_the_32() -> None:
    raw = io.BytesIO()
    out = gzip_member.GzipMember(raw)
    fragment = Fragment("good", "1.0", 0, 3, "a" * 64, 5 << 30, "b" * 64, zlib.crc32(b"x"), continues=False)
    out.append(Compressed(fragment, b"abc"))
    out.close()
    assert out.plain_bytes == 5 << 30
    assert raw.getvalue()[-4:] == (1 << 30).to_bytes(4, "little")


@given(st.lists(st.binary(max_size=200), max_size=5))
def test_the_crc_of_the_whole_is_combined_from_those_of_its_parts(parts: list[bytes]) -> None:
    raw = io.BytesIO()
    out = gzip_member.GzipMember(raw)
    for part in parts:
        out.append(Compressed(Fragment(None, None, 0, 0, "", len(part), "", zlib.crc32(part), continues=False), b""))
    out.close()
    assert raw.getvalue()[-8:-4] == zlib.crc32(b"".join(parts)).to_bytes(4, "little")


def test_a_crc_is_combined_right_past_4_gib() -> None:
    zeros, length, parts = zlib.crc32(bytes(1 << 20)), 1 << 20, 1
    while length < 1 << 33:
        zeros, length, parts = zlib_ng.crc32_combine(zeros, zeros, length), length * 2, parts * 2
    one_by_one = zlib.crc32(b"head")
    for _ in range(parts):
        one_by_one = zlib_ng.crc32_combine(one_by_one, zlib.crc32(bytes(1 << 20)), 1 << 20)
    assert zlib_ng.crc32_combine(zlib.crc32(b"head"), zeros, length) == one_by_one


def test_a_file_that_changes_while_it_is_packed_is_told(venv: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = compression.compress

    def late(*arguments: Any) -> Compressed:
        (site(venv) / "good.py").write_text("x = 12\n")
        return real(*arguments)

    monkeypatch.setattr(compression, "compress", late)
    with pytest.raises(IntegrityError, match=r"good\.py: a file changed while it was packed"):
        pack(venv)
    assert [path.name for path in venv.parent.iterdir() if "tar" in path.name] == []


@pytest.mark.parametrize("piece_bytes", [compression.PIECE_BYTES, 1000], ids=["whole", "in parts"])
def test_size_and_mtime_put_back_while_it_is_packed_deceive_nobody(
    venv: Path, monkeypatch: pytest.MonkeyPatch, piece_bytes: int
) -> None:
    file = site(venv) / "large"
    file.write_bytes(b"a" * 3500)
    monkeypatch.setattr(compression, "PIECE_BYTES", piece_bytes)
    real, waiting = compression._blocks, [file]

    def changed_when_read(descriptor: int, part: Part) -> Iterator[bytes]:
        yield from real(descriptor, part)
        if waiting and part.end == 3500 and os.path.samestat(os.fstat(descriptor), file.stat()):
            facts = waiting.pop().stat()
            file.write_bytes(b"b" * 500 + b"a" * 2500 + b"b" * 500)
            os.utime(file, ns=(facts.st_atime_ns, facts.st_mtime_ns))

    monkeypatch.setattr(compression, "_blocks", changed_when_read)
    with pytest.raises(IntegrityError, match="large: a file changed while it was packed"):
        pack(venv)


@pytest.mark.parametrize("piece_bytes", [compression.PIECE_BYTES, 1000], ids=["whole", "in parts"])
def test_files_that_get_and_lose_names_while_they_are_packed_are_as_they_were(
    venv: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, piece_bytes: int
) -> None:
    (site(venv) / "large").write_bytes(b"a" * 3500)
    monkeypatch.setattr(compression, "PIECE_BYTES", piece_bytes)
    expected = pack(venv).sha256
    real = compression._blocks

    def linked_when_read(descriptor: int, part: Part) -> Iterator[bytes]:
        yield from real(descriptor, part)
        os.link(os.readlink(f"/proc/self/fd/{descriptor}"), tmp_path / secrets.token_hex())

    monkeypatch.setattr(compression, "_blocks", linked_when_read)
    assert pack(venv).sha256 == expected


def test_a_leak_across_the_cut_between_two_pieces_is_found(venv: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compression, "PIECE_BYTES", 1000)
    (site(venv) / "large").write_bytes(b"x" * 995 + b"s3cret-value-1" + b"x" * 3000)
    with pytest.raises(IntegrityError, match="large holds a secret"):
        pack(venv, Gate((), (Secret("s3cret-value-1"),), {}))


def test_activate_and_pyvenv_are_nobodys_whatever_a_record_claims(tmp_path: Path) -> None:
    env = Packable(tmp_path)
    (env.venv / "bin/activate").write_text("activate")
    env.install("greedy", files={"greedy.py": "", "../../../bin/activate": "no", "../../../pyvenv.cfg": "no"})
    made = env.pack()
    plain = gzip.decompress(made.path.read_bytes())[: made.index.fragments[0].plain_length]
    assert b"venv/bin/activate" in plain
    assert b"venv/pyvenv.cfg" in plain
