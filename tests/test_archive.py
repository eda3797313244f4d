"""The archive's bytes: the same for the same environment, readable by anything, with nothing of this machine."""

from __future__ import annotations

import base64
import gzip
import hashlib
import os
import subprocess
import tarfile
from pathlib import Path

import pytest

from tests.support.wheels import unpack, wheel
from venvbuild import archive, distributions
from venvbuild.archive import Archive
from venvbuild.errors import IntegrityError, StoreUnavailable, UsageError
from venvbuild.leaks import Gate

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
    return archive.pack(venv, venv.parent / name, python_version="3.11", level=level, gate=gate)


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
    assert listed == sorted(listed)


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
    there = archive.pack(
        venv, tmp_path / "x.tar.gz", python_version="3.11", level=1, gate=NOTHING, python_path="/opt/py"
    )
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
    gate = Gate((b"/build/place",), (b"s3cret-value-1",), {})
    (site(venv) / "one.py").write_text("s3cret-value-1")
    (venv / "bin/two").write_text("#!/build/place/bin/python\n")
    with pytest.raises(IntegrityError) as caught:
        pack(venv, gate)
    assert [problem.what.split(" holds ")[0] for problem in caught.value.problems] == [
        "bin/two", "lib/python3.11/site-packages/one.py"]  # fmt: skip
    assert "s3cret" not in str(caught.value)


def test_what_the_wheel_itself_holds_may_name_paths_but_no_secrets(venv: Path, tmp_path: Path) -> None:
    unpack(wheel(tmp_path, "pathy", "1.0", files={"pathy.py": "/build/place s3cret-value-1"}), site(venv))
    installed = distributions.installed([site(venv)])
    pack(venv, Gate.of([Path("/build/place")], [], installed))
    with pytest.raises(IntegrityError, match=r"pathy\.py holds a secret"):
        pack(venv, Gate.of([], ["s3cret-value-1"], installed))
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
        pack(venv, Gate.of([Path("/build/place")], [], distributions.installed([site(venv)])))


@pytest.mark.parametrize("secret", ["password", "testing", "12345", "abc"])
def test_words_that_stand_in_any_wheel_are_not_searched(secret: str) -> None:
    assert Gate.of([], [secret], []).secrets == ()


def test_a_folder_that_cannot_be_written_is_told(venv: Path) -> None:
    with pytest.raises((StoreUnavailable, UsageError)):
        archive.pack(venv, Path("/proc/no/venv.tar.gz"), python_version="3.11", level=1, gate=NOTHING)
