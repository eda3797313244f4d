"""Hostile archives and indexes that lie: refused, with nothing of them left anywhere."""

from __future__ import annotations

import os
import re
import stat
import sys
import tarfile
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support import archives
from tests.support.archives import END, Made, archive, changed, environment, file, folder, link, member, of_plain
from venvbuild.archive import FragmentCache
from venvbuild.errors import IntegrityError, VenvBuildError
from venvbuild.interpreters import Interpreter, probe
from venvbuild.restore import restoring
from venvbuild.restore.restoring import RestoreOptions

PYTHON = f"{sys.version_info[0]}.{sys.version_info[1]}"
BASE = environment(PYTHON)
MIB = 1 << 20


def find(python_version: str) -> Interpreter:
    found = probe(Path(sys.executable))
    assert found
    return found


@pytest.fixture
def machine(tmp_path: Path) -> RestoreOptions:
    return RestoreOptions(find, FragmentCache(tmp_path / "cache"), "99.0", lambda *counts: None)


def everything(place: Path) -> dict[str, tuple[int, bytes]]:
    """Each path below `place` with its mode and bytes, or where a link leads."""
    found = {}
    for path in sorted(place.rglob("*")):
        body = os.readlink(path).encode() if path.is_symlink() else b"" if path.is_dir() else path.read_bytes()
        found[str(path.relative_to(place))] = (stat.S_IMODE(path.lstat().st_mode), body)
    return found


def refusal(made: Made, tmp_path: Path, machine: RestoreOptions, *, with_index: bool) -> VenvBuildError:
    """How the archive was refused, after a look at everything around: nothing has changed."""
    place = tmp_path / "place"
    source = made.written(place / "source", with_index=with_index)
    (place / "precious").write_text("mine")
    before = everything(place)
    with pytest.raises(IntegrityError) as caught:
        restoring.from_archive(source, place / "target", machine)
    assert everything(place) == before
    return caught.value


def sized(field: bytes) -> bytes:
    """A file whose header has this field for its size."""
    header = bytearray(file("lib/x")[:512])
    header[124:136], header[148:156] = field, b" " * 8
    header[148:156] = b"%06o\0 " % sum(header)
    return bytes(header) + bytes(512)


def pax(**records: str) -> bytes:
    """A file whose pax header has these records."""
    return member("x", tarfile.REGTYPE, pax_headers=records)


def enemies() -> dict[str, tuple[list[bytes], str]]:
    """What an enemy would put into an archive, and how it is refused."""
    return {
        "a name that climbs": ([file("../../escaped")], "not a plain path"),
        "a name that climbs in the middle": ([file("lib/../../../escaped")], "not a plain path"),
        "an empty part": ([file("lib//x")], "not a plain path"),
        "a dot": ([file("lib/./x")], "not a plain path"),
        "a name twice": ([file("lib/x", b"1"), file("lib/x", b"2")], "twice"),
        "a folder twice": ([folder("lib/x"), folder("lib/x")], "twice"),
        "a file and a folder": ([file("lib/x"), folder("lib/x")], "twice"),
        "a file below a file": ([file("lib/x"), file("lib/x/y")], "twice"),
        "a link over a file": ([file("lib/x"), link("lib/x", "y")], "twice"),
        "two links of one name": ([link("lib/x", "a"), link("lib/x", "b")], "twice"),
        "writing through a link": ([link("lib/out", "../.."), file("lib/out/escaped")], "twice|leads out"),
        "a link below a link": ([folder("lib/d"), link("lib/a", "d"), link("lib/a/b", "x")], "below a link"),
        "an absolute link": ([link("lib/x", "/etc/passwd")], "leads out"),
        "a link that climbs": ([link("lib/x", "../../../etc/passwd")], "leads out"),
        "links that climb together": (
            [folder("lib/a"), folder("lib/a/b"), link("lib/a/b/up", "../../.."), link("lib/a/b/out", "up/../x")],
            "leads out",
        ),
        "a link to nothing": ([link("lib/x", "")], "link to nothing"),
        "a hard link": ([member("lib/x", tarfile.LNKTYPE, link="/etc/passwd")], "type b'1'"),
        "a device": ([member("lib/x", tarfile.CHRTYPE)], "type b'3'"),
        "a block device": ([member("lib/x", tarfile.BLKTYPE)], "type b'4'"),
        "a pipe": ([member("lib/x", tarfile.FIFOTYPE)], "type b'6'"),
        "a GNU long name": ([member("lib/x", b"L", b"../../escaped\0")], "type b'L'"),
        "a sparse file": ([member("lib/x", b"S", b"x")], "type b'S'"),
        "a folder with content": ([member("lib/x", tarfile.DIRTYPE, b"x")], "type b'5'"),
        "setuid": ([file("bin/x", mode=0o4755)], "special mode"),
        "setgid": ([file("bin/x", mode=0o2755)], "special mode"),
        "sticky": ([file("bin/x", mode=0o1755)], "special mode"),
        "a name of 5,000 bytes": ([file("/".join(["d" * 100] * 50))], "more than 4096"),
        "100 folders below another": ([file("d/" * 101 + "x")], "more than 100 folders"),
        "more folders than Python can recurse": ([folder("d/" * 2000 + "x")], "more than 100 folders"),
        "a second bin/python": ([link("bin/python", "/evil")], "twice"),
        "a file bin/python": ([file("bin/python")], "twice"),
        "a file below bin/python": ([file("bin/python/x")], "twice"),
        "bin/python2 that leads out": ([link("bin/python2", "/evil")], "leads out"),
        "_base as a file": ([file("_base")], "_base: the archive is refused: .*is no folder"),
        "_base as a link": ([link("_base", "lib")], "_base: the archive is refused: .*is no folder"),
        "_base as a link to itself": ([link("_base", "_base")], "_base: the archive is refused: .*is no folder"),
        "a folder where we write": ([folder("bin/activate.sh")], "folder where a file belongs"),
        "a folder that is our marker": ([folder(".venvbuild.json")], "folder where a file belongs"),
        "pyvenv.cfg as a link": ([], "no pyvenv.cfg"),
        "a pyvenv.cfg of 100 kB": ([], "no pyvenv.cfg"),
        "a NUL in a pax path": ([pax(path="venv/a\0b")], "plain path"),
        "a file with a final slash": ([pax(path="venv/a/")], "plain path"),
        "a size in base 256": ([sized(b"\x80" + b"\xff" * 11)], "size cannot"),
        "a negative size in base 256": ([sized(b"\xff" * 12)], "size cannot"),
        "a negative size": ([sized(b"-0000000001\0")], "size cannot"),
        "bin as a link": ([], "no folder bin"),
        "no pyvenv.cfg": ([], "no pyvenv.cfg"),
        "an end in the middle": ([END, file("lib/x")], "something follows the end"),
        "a damaged header": ([file("lib/x")[:100] + b"0000777\0" + file("lib/x")[108:]], "header is damaged"),
        "a pax path that climbs": ([pax(path="venv/../escaped")], "plain path"),
        "a pax size with 5,000 digits": ([pax(size="9" * 5000)], "size cannot"),
        "a sparse pax header": ([member("x", tarfile.REGTYPE, pax_headers={"GNU.sparse.major": "1"})], "pax header"),
        "a pax header of 100 kB": ([pax(comment="x" * 100_000)], "pax header"),
        "a pax header that is none": ([member("x", tarfile.XHDTYPE, b"hello"), file("lib/x")], "pax header"),
        "a pax header twice": (
            [member("x", tarfile.XHDTYPE, b"9 path=a\n"), member("x", tarfile.XHDTYPE, b"9 path=b\n"), file("lib/x")],
            "type b'x'",
        ),
        "pax headers for all": ([member("x", tarfile.XGLTYPE, b"9 path=a\n")], "type b'g'"),
    }


HOSTILE = {**enemies(),
    "an absolute name": ([file("!/tmp/escaped")], "outside of venv"),
    "another root": ([file("!other/x")], "outside of venv"),
    "a root that only begins like ours": ([file("!venvx/x")], "outside of venv"),
    "the root as a file": ([file("!venv")], "size cannot be|there twice")
}  # fmt: skip
with archives.flat():
    HOSTILE_FLAT = {**enemies(),
        "an absolute name": ([file("!/tmp/escaped")], "not a plain path"),
        "the folder above": ([folder("!..")], "not a plain path"),
        "a name in the folder above": ([file("!../escaped")], "not a plain path"),
        "the top as a folder": ([folder("!.")], "not a plain path"),
        "the top as a file": ([file("!.")], "not a plain path"),
        "no name": ([file("!")], "not a plain path"),
        "a name below the top as a folder": ([file("!./bin/x")], "not a plain path"),
        "the marker as a link that leads out": ([link(".venvbuild.json", "/etc/passwd")], "leads out"),
        "a second pyvenv.cfg": ([file("pyvenv.cfg", b"version = 3.11.1\n")], "twice"),
        "a second bin/rehome": ([file("bin/rehome", b"evil")], "twice"),
        "lib as a link that leads out": ([link("lib", "..")], "twice|leads out")
    }  # fmt: skip


def hostile(name: str, parts: list[bytes]) -> Made:
    begin = folder("") or folder("bin") + file("bin/rehome", mode=0o755)
    if name == "bin as a link":
        return archive(folder(""), link("bin", "lib"), folder("lib"), file("pyvenv.cfg", b"version = 3.11.1"))
    if name == "pyvenv.cfg as a link":
        return archive(begin, file("bin/x"), file("real", b"version = 3.11.1"), link("pyvenv.cfg", "real"))
    if name == "a pyvenv.cfg of 100 kB":
        return archive(begin, file("bin/x"), file("pyvenv.cfg", b"version = 3.11.1\n" + b"#" * 100_000))
    if name == "no pyvenv.cfg":
        return archive(begin, file("bin/x"), [file("lib/x")])
    return archive(environment(PYTHON), parts)


@pytest.mark.parametrize("with_index", [True, False], ids=["index", "stream"])
@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_member_is_refused_and_nothing_is_left(
    name: str, with_index: bool, tmp_path: Path, machine: RestoreOptions
) -> None:
    error = refusal(hostile(name, HOSTILE[name][0]), tmp_path, machine, with_index=with_index)
    assert re.search(HOSTILE[name][1], str(error)), error


@pytest.mark.parametrize("with_index", [True, False], ids=["index", "stream"])
@pytest.mark.parametrize("name", HOSTILE_FLAT)
def test_an_archive_without_a_folder_at_its_top_is_no_wider_door(
    name: str, with_index: bool, tmp_path: Path, machine: RestoreOptions
) -> None:
    with archives.flat():
        made = hostile(name, HOSTILE_FLAT[name][0])
    error = refusal(made, tmp_path, machine, with_index=with_index)
    said = HOSTILE_FLAT[name][1]
    # Without an index it is not known for a flat one, as it does not begin like ours.
    said = "outside of venv" if name == "bin as a link" and not with_index else said
    assert re.search(said, str(error)), error


@pytest.mark.parametrize(
    "odd",
    [[file("_base/bin")], [folder("_base"), link("_base/bin", "../bin")], [file("_base/lib")], []],
    ids=["file", "link", "lib", "none"],
)
def test_where_no_interpreter_is_inside_none_is_looked_for(
    odd: list[bytes], tmp_path: Path, machine: RestoreOptions
) -> None:
    (tmp_path / "place").mkdir()
    made = archive(environment(PYTHON).replace(folder("lib"), b""), [file("lib"), *odd])
    restored = restoring.from_archive(
        made.written(tmp_path / "x"), tmp_path / "place/venv", replace(machine, compiles=True)
    )
    assert not Path(restored.python).is_relative_to(tmp_path)


@pytest.mark.parametrize("with_index", [True, False], ids=["index", "stream"])
def test_what_we_write_goes_through_no_link_and_python_is_ours(
    with_index: bool, tmp_path: Path, machine: RestoreOptions
) -> None:
    written = (".venvbuild.json", "bin/activate.sh", "bin/activate.csh")
    links = [link(name, "../real" if "/" in name else "real") for name in written]
    pythons = [link("bin/python3.99", "/evil"), file("real", b"precious")]
    configuration = f"HOME = /evil\nhome=/evil\nversion_info = {PYTHON}.1\n".encode()
    made = archive(folder(""), folder("bin"), file("pyvenv.cfg", configuration), [*links, *pythons])
    restoring.from_archive(made.written(tmp_path / "place", with_index=with_index), tmp_path / "target", machine)
    found = everything(tmp_path / "target")
    assert found["real"][1] == b"precious"
    assert not {name for name in written if (tmp_path / "target" / name).is_symlink()}
    assert {name for name in found if "python" in name} == {"bin/python", "bin/python3", f"bin/python{PYTHON}"}
    assert b"evil" not in b"".join(body for _, body in found.values())


def test_a_name_split_over_two_fragments_that_two_processes_write_is_still_twice(
    tmp_path: Path, machine: RestoreOptions
) -> None:
    made = archive(BASE, [file("lib/x", b"1")], [file("lib/x", b"2")], [folder("lib/y")], [folder("lib/y")])
    assert "twice" in str(refusal(made, tmp_path, machine, with_index=True))


LIES = {
    "a wrong sha256": changed(sha256="0" * 64),
    "a wrong plain sha256": changed(plain_sha256="0" * 64),
    "less plain bytes": lambda one: changed(plain_length=one.plain_length - 512)(one),
    "more plain bytes": lambda one: changed(plain_length=one.plain_length + 512)(one),
    "a huge plain length": changed(plain_length=1 << 62),
    "a huge length": changed(length=1 << 62),
    "an offset inside another": lambda one: changed(offset=one.offset - 1)(one),
    "an offset past the end": changed(offset=1 << 40),
    "a shorter length": lambda one: changed(length=one.length - 1)(one),
    "a length that is no integer": lambda one: changed(length=float(one.length))(one),
    "an offset that is no integer": lambda one: changed(offset=float(one.offset))(one),
    "a group that is none": changed(continues=True),
}


# For a later fragment "a group that is none" does no harm: it is read after its neighbour.
@pytest.mark.parametrize(
    ("name", "number"), [(name, n) for name in LIES for n in range(3 if "group" not in name else 1)]
)
def test_an_index_that_lies_is_refused_and_nothing_is_left(
    name: str, number: int, tmp_path: Path, machine: RestoreOptions
) -> None:
    made = archive(BASE, [file("lib/a", b"a" * 3000)], [file("lib/b", b"b" * 3000)])
    refusal(made.lying(number, LIES[name]), tmp_path, machine, with_index=True)


def test_an_index_with_consistent_sums_and_swapped_fragments_is_refused(
    tmp_path: Path, machine: RestoreOptions
) -> None:
    made = archive(BASE, [file("lib/a", b"same size")], [file("lib/b", b"size same")])
    one, two = made.index.fragments[1:3]
    lies = made.lying(1, changed(sha256=two.sha256)).lying(2, changed(sha256=one.sha256))
    assert "not what the index says" in str(refusal(lies, tmp_path, machine, with_index=True))


def test_a_fragment_never_inflates_beyond_what_the_index_allows(tmp_path: Path, machine: RestoreOptions) -> None:
    bomb = of_plain([BASE, file("lib/zeros", bytes(64 * MIB)), END])
    lies = bomb.lying(1, changed(plain_length=1024))
    fragments = lies.index.fragments
    lies = Made(
        lies.body, type(lies.index)(**{**vars(lies.index), "plain_bytes": sum(f.plain_length for f in fragments)})
    )
    assert "does not end where it should" in str(refusal(lies, tmp_path, machine, with_index=True))


def test_an_archive_that_is_mostly_zeros_is_refused_before_it_fills_the_disk(
    tmp_path: Path, machine: RestoreOptions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("venvbuild.restore.fetching._ALWAYS_ALLOWED_BYTES", 10 * MIB)
    bomb = of_plain([BASE, file("lib/zeros", bytes(64 * MIB)), END])
    refusal(bomb, tmp_path, machine, with_index=True)
    (tmp_path / "place" / "source" / "archive_index.json").unlink()
    with pytest.raises(IntegrityError, match="size cannot be"):
        restoring.from_archive(tmp_path / "place" / "source" / "made.tar.gz", tmp_path / "place" / "target", machine)


def test_too_many_members_are_refused(tmp_path: Path, machine: RestoreOptions, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("venvbuild.restore.unpacking.MAX_MEMBERS", 10)
    made = archive(BASE, [file("lib/a"), file("lib/b")], [file("lib/c"), file("lib/d")])
    assert "more than 10 members" in str(refusal(made, tmp_path, machine, with_index=True))


def test_too_many_fragments_are_refused(
    tmp_path: Path, machine: RestoreOptions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("venvbuild.restore.fetching._MAX_FRAGMENTS", 3)
    made = archive(BASE, [file("lib/a")], [file("lib/b")])
    assert "more than 3 fragments" in str(refusal(made, tmp_path, machine, with_index=True))


@pytest.mark.parametrize("cut", [1, 9, 10, 11, 700])
@pytest.mark.parametrize("with_index", [True, False], ids=["index", "stream"])
def test_a_cut_archive_is_refused_wherever_it_is_cut(
    cut: int, with_index: bool, tmp_path: Path, machine: RestoreOptions
) -> None:
    made = archive(BASE, [file("lib/a", os.urandom(3000))])
    refusal(Made(made.body[:-cut], made.index), tmp_path, machine, with_index=with_index)


def test_a_changed_bit_anywhere_is_noticed(tmp_path: Path, machine: RestoreOptions) -> None:
    made = archive(BASE, [file("lib/a", b"a" * 100)])
    for place in range(10, len(made.body) - 10, 37):
        body = bytearray(made.body)
        body[place] ^= 1
        with pytest.raises(IntegrityError):
            restoring.from_archive(Made(bytes(body), made.index).written(tmp_path / "x"), tmp_path / "target", machine)
    assert not (tmp_path / "target").exists()


def test_what_follows_the_end_of_the_archive_is_refused(tmp_path: Path, machine: RestoreOptions) -> None:
    made = archive(BASE)
    refusal(Made(made.body + made.body, made.index), tmp_path, machine, with_index=False)


@pytest.mark.parametrize("layout", [nullcontext, archives.flat], ids=["venv", "flat"])
@pytest.mark.parametrize("with_index", [True, False], ids=["index", "stream"])
def test_everything_an_environment_has_comes_out_as_it_went_in(
    with_index: bool, layout: Callable[[], AbstractContextManager[None]], tmp_path: Path, machine: RestoreOptions
) -> None:
    with layout():
        made = everything_there_is()
    target = tmp_path / "place" / "target"
    restoring.from_archive(made.written(tmp_path / "place", with_index=with_index), target, machine)
    found = everything(target)
    assert found[LONG] == (0o644, b"long")
    assert found["bin/run"] == (0o755, b"#!/bin/sh\n")
    assert found["lib/big"] == (0o644, bytes(range(256)) * 20_000)
    assert (found["lib/alias"][1], found["lib64"][1], found["lib/empty"]) == (b"big", b"lib", (0o644, b""))
    assert found["not/announced/before.py"] == (0o644, b"1")
    assert (found["lib/leer"][0], found["not/announced"][0]) == (0o755, 0o755)
    assert (target / "lib" / "\udcff").read_bytes() == b"odd"


LONG = "lib/" + "/".join(["ordner-" + "ü" * 40] * 4) + "/" + "n" * 200


def everything_there_is() -> Made:
    return archive(
        environment(PYTHON),
        [folder("lib/leer"), file("bin/run", b"#!/bin/sh\n", 0o700), file(LONG, b"long"), file("lib/empty", b"")],
        [file("lib/big", bytes(range(256)) * 20_000, 0o600), link("lib/alias", "big"), link("lib64", "lib")],
        [file("not/announced/before.py", b"1"), member("lib/\udcff", tarfile.REGTYPE, b"odd")],
    )


def test_a_file_cut_over_several_fragments_is_whole_again(tmp_path: Path, machine: RestoreOptions) -> None:
    whole = file("lib/big", os.urandom(5000)) + file("lib/next", b"next")
    made = of_plain([BASE, whole[:1000], whole[1000:3333], whole[3333:], END], continues=(2, 3))
    restoring.from_archive(made.written(tmp_path / "place"), tmp_path / "target", machine)
    assert (tmp_path / "target" / "lib" / "big").read_bytes() == whole[512:5512]
    assert (tmp_path / "target" / "lib" / "next").read_bytes() == b"next"


def test_modes_do_not_depend_on_the_umask(tmp_path: Path, machine: RestoreOptions) -> None:
    made = archive(BASE, [folder("lib/d"), file("lib/d/x"), file("bin/run", mode=0o755)])
    before = os.umask(0o077)
    try:
        restoring.from_archive(made.written(tmp_path / "place"), tmp_path / "target", machine)
    finally:
        os.umask(before)
    modes = {name: mode for name, (mode, _) in everything(tmp_path / "target").items() if "python" not in name}
    assert set(modes.values()) <= {0o755, 0o644}
    assert stat.S_IMODE((tmp_path / "target").stat().st_mode) == 0o755
