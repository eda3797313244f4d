"""What GNU tar, bsdtar and tarfile write is read; what could do harm is refused, with nothing of it left."""

from __future__ import annotations

import gzip
import io
import os
import re
import shutil
import subprocess
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.archives import END, file, folder, link, member
from tests.support.requirement import require
from venvbuild.errors import IntegrityError
from venvbuild.restore.adopting import adopted
from venvbuild.restore.unpacking import unpack_ordinary

SITE = "lib/python3.11/site-packages"
BASE = b"".join((folder(""), folder("bin"), folder(SITE), file("pyvenv.cfg", b"home = /x\nversion = 3.11.7\n")))
LONG = f"{SITE}/{'long-' * 40}/{'name-' * 30}.py"


def unpacked(body: bytes, place: Path) -> Path:
    """What came out of a .tar.gz, in `place/out`."""
    return adopted(io.BytesIO(body), len(body), place / "out", "the.tar.gz").venv.path


def packed(*parts: bytes) -> bytes:
    return gzip.compress(BASE + b"".join(parts) + END)


HOSTILE = {
    "a name that climbs": ([file("!venv/../../escaped")], "not a plain path"),
    "an absolute name": ([file("!/tmp/escaped")], "not a plain path"),
    "a GNU long name that climbs": ([member("x", b"L", b"../../escaped\0"), file("x")], "not a plain path"),
    "a pax path that climbs": ([member("x", tarfile.REGTYPE, pax_headers={"path": "../escaped"})], "not a plain path"),
    "a hard link to a file of this machine": ([member("x", tarfile.LNKTYPE, link="../../etc/passwd")], "plain path"),
    "a hard link to what is not there": ([member("x", tarfile.LNKTYPE, link="venv/y")], "hard link to what is not"),
    "a file twice": ([file("x"), file("./x")], "twice"),
    "a link over a file": ([file("lib/x"), link("lib/x", "y")], "twice"),
    "two links of one name": ([link("lib/x", "a"), link("lib/x", "b")], "twice"),
    "a file over a link": ([link("lib/out", "."), file("lib/out/x")], "twice|below"),
    "a link below a link": ([folder("lib/d"), link("lib/a", "d"), link("lib/a/b", "x")], "below a link|twice"),
    "links that climb together": (
        [folder("lib/a"), folder("lib/a/b"), link("lib/a/b/up", "../.."), link("lib/a/b/out", "up/../../x")],
        "leads out",
    ),
    "a link to nothing": ([link("lib/x", "")], "link to nothing"),
    "a device": ([member("x", tarfile.CHRTYPE)], "a device"),
    "a pipe": ([member("x", tarfile.FIFOTYPE)], "a pipe"),
    "a sparse file": ([member("x", b"S", b"x")], "a sparse file"),
    "a name for all": ([member("x", tarfile.XGLTYPE, b"14 path=venv/a\n"[:14])], "cannot be read|one name or size"),
    "a sparse pax header": ([member("x", tarfile.REGTYPE, pax_headers={"GNU.sparse.major": "1"})], "pax header"),
    "101 folders": ([file("d/" * 101 + "x")], "more than 100 folders"),
    "a name of 5,000 bytes": ([file("/".join(["d" * 100] * 50))], "more than 4096"),
    "a damaged header": ([file("lib/x")[:100] + b"0000777\0" + file("lib/x")[108:]], "header is damaged"),
    "an end in the middle": ([END, file("lib/x")], "something follows the end"),
    "bin as a link": ([], "no bin"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_member_is_refused_and_nothing_is_left_outside(name: str, tmp_path: Path) -> None:
    parts, what = HOSTILE[name]
    body = packed(*parts)
    if name == "bin as a link":
        body = gzip.compress(folder("") + link("bin", "/bin") + folder(SITE) + file("pyvenv.cfg") + END)
    (tmp_path / "precious").write_text("mine")
    with pytest.raises(IntegrityError) as refused:
        unpacked(body, tmp_path)
    assert re.search(what, str(refused.value)), refused.value
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out", "precious"]


@pytest.mark.parametrize(
    ("name", "body", "what"),
    [
        ("cut off", packed()[:-30], "cut off"),
        ("no gzip", b"hello", "no .tar.gz"),
        ("a changed byte", packed()[:-8] + b"\1\2\3\4" + packed()[-4:], "no .tar.gz, or a damaged one"),
        ("a tar without its end", gzip.compress(BASE), "end of the tar"),
        ("something behind it", packed() + b"hello", "no .tar.gz, or a damaged one"),
        ("no environment", gzip.compress(file("readme") + END), "no pyvenv.cfg"),
        ("two of them", packed(*(file(f"!other/{one}") for one in ("pyvenv.cfg", "bin/x"))), "several environments"),
    ],
    ids=lambda value: value if isinstance(value, str) and len(value) < 30 else "",
)
def test_what_is_no_whole_archive_of_one_environment_is_refused(
    tmp_path: Path, name: str, body: bytes, what: str
) -> None:
    with pytest.raises(IntegrityError, match=re.escape(what)):
        unpacked(body, tmp_path)


def a_tree(place: Path) -> Path:
    venv = place / "in/my env"
    (venv / "bin").mkdir(parents=True)
    (venv / LONG).parent.mkdir(parents=True)
    (venv / LONG).write_text("long")
    (venv / "pyvenv.cfg").write_text("home = /x\nversion = 3.11.7\n")
    (venv / "bin/tool").write_bytes(b"x" * 100_000)
    (venv / "bin/tool").chmod(0o4755)
    (venv / "bin/again").hardlink_to(venv / "bin/tool")
    (venv / "bin/python").symlink_to("/nowhere/bin/python3.11")
    (venv / "lib64").symlink_to("lib")
    (venv / SITE / "na\u00efve \u540d.py").write_text("unicode")
    (venv / SITE / "__pycache__").mkdir()
    (venv / SITE / "__pycache__/x.cpython-311.pyc").write_bytes(b"old")
    (venv / SITE).chmod(0o2775)
    return venv


def by_gnu(venv: Path, out: Path, *options: str) -> None:
    subprocess.run(["tar", *options, "-czf", out, venv.name], cwd=venv.parent, check=True)


def by_bsd(venv: Path, out: Path) -> None:
    require(shutil.which("bsdtar"), "there is no bsdtar here")
    subprocess.run(["bsdtar", "-czf", out, venv.name], cwd=venv.parent, check=True)


def by_python(venv: Path, out: Path, form: int) -> None:
    with tarfile.open(out, "w:gz", format=form, pax_headers={"comment": "for all"}) as tar:
        tar.add(venv, venv.name)


def in_several_members(venv: Path, out: Path) -> None:
    with io.BytesIO() as plain:
        with tarfile.open(fileobj=plain, mode="w") as tar:
            tar.add(venv, ".")
        whole = plain.getvalue()
    out.write_bytes(gzip.compress(whole[:70_000]) + gzip.compress(whole[70_000:]) + bytes(5000))


PACKERS: dict[str, Callable[[Path, Path], None]] = {
    "GNU tar": by_gnu,
    "GNU tar, pax": lambda venv, out: by_gnu(venv, out, "--format=pax"),
    "GNU tar, old GNU": lambda venv, out: by_gnu(venv, out, "--format=oldgnu"),
    "bsdtar": by_bsd,
    "tarfile, pax": lambda venv, out: by_python(venv, out, tarfile.PAX_FORMAT),
    "tarfile, GNU": lambda venv, out: by_python(venv, out, tarfile.GNU_FORMAT),
    "several gzip members": in_several_members,
}


@pytest.mark.parametrize("packer", PACKERS)
def test_what_others_write_is_read(packer: str, tmp_path: Path) -> None:
    venv = a_tree(tmp_path)
    PACKERS[packer](venv, tmp_path / "made.tar.gz")
    found = unpacked((tmp_path / "made.tar.gz").read_bytes(), tmp_path)
    assert (found / LONG).read_text() == "long"
    assert (found / SITE / "na\u00efve \u540d.py").read_text() == "unicode"
    assert (found / "bin/again").read_bytes() == (found / "bin/tool").read_bytes() == b"x" * 100_000
    assert (found / "bin/tool").stat().st_nlink == 1
    assert (found / "bin/tool").stat().st_mode & 0o7777 == 0o755
    assert (found / SITE).stat().st_mode & 0o7777 == 0o755
    assert os.readlink(found / "lib64") == "lib"
    assert not list(found.rglob("__pycache__"))
    assert not os.path.lexists(found / "bin/python")


def test_read_only_it_writes_nothing_and_knows_the_files(tmp_path: Path) -> None:
    body = packed(file("bin/tool"), member("bin/again", tarfile.LNKTYPE, link="venv/bin/tool"))
    files = unpack_ordinary(io.BytesIO(body), len(body), None).files
    assert sorted(files) == [b"venv/bin/again", b"venv/bin/tool", b"venv/pyvenv.cfg"]
    assert list(tmp_path.iterdir()) == []


def test_it_cannot_fill_the_disk(tmp_path: Path) -> None:
    copies = [member(f"copy{number}", tarfile.LNKTYPE, link="venv/big") for number in range(30)]
    body = packed(file("big", bytes(50 << 20)), *copies)
    with pytest.raises(IntegrityError, match="more bytes than it may"):
        unpacked(body, tmp_path)
