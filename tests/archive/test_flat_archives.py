"""Archives without a folder at the top: the same environment, the same digest, `bin/python` where others expect it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Any

import pytest
from zlib_ng import zlib_ng

from tests.support import foreign
from tests.support.archives import content_sha256
from tests.support.packing import Packable
from tests.support.supplies import here
from tests.support.wheels import wheel
from venvbuild.archive import (
    BASE,
    FLAT,
    ROOT,
    Archive,
    FragmentCache,
    compression,
    refuse_others,
    rehome_script,
)
from venvbuild.archive.compression import Compressed, Piece
from venvbuild.builds import parse_index
from venvbuild.errors import IntegrityError, UsageError
from venvbuild.foreign import Wanted, pack
from venvbuild.restore import RestoreOptions, from_archive

NAMES = {"plain.py": "x = 1\n", "long/" + "é" * 60: "many bytes", "venv/pyvenv.cfg": "version = 2.7\n"}


@pytest.fixture
def env(tmp_path: Path) -> Packable:
    env = Packable(tmp_path, here().version)
    env.install("plain", files=NAMES)
    env.install("other")
    (env.venv / "a first file").write_text("sorts before bin")
    (env.venv / "venv").mkdir()
    (env.venv / "venv/pyvenv.cfg").write_text("version = 2.7\n")
    return env


def flat(env: Packable, name: str = "flat.tar.gz", **options: Any) -> Archive:
    return env.pack(name, archive_root=FLAT, **options)


def listing(made: Archive) -> list[tarfile.TarInfo]:
    with tarfile.open(made.path) as opened:
        return opened.getmembers()


@pytest.mark.parametrize("options", [{}, {"compiled_by": here()}], ids=["plain", "bytecode"])
def test_both_layouts_hold_the_same_and_have_one_digest(env: Packable, options: dict[str, Any]) -> None:
    usual, made = env.pack(**options), flat(env, **options)
    names = [member.name for member in listing(usual)]
    assert names[0] == ROOT
    assert {f"{ROOT}/{member.name}" for member in listing(made)} == {*names[1:]}
    assert made.content_sha256 == usual.content_sha256 == made.index.content_sha256
    assert content_sha256(made.path.read_bytes(), "") == made.content_sha256
    assert (usual.member_count, made.member_count) == (len(names), len(names) - 1) == (len(names), len(listing(made)))
    told = [json.loads(one.index.text()) for one in (usual, made)]
    assert [(one["schema_version"], one["root"]) for one in told] == [(1, "venv"), (2, "")]
    assert parse_index(made.index.text().encode()) == made.index


def test_it_begins_with_what_it_is_known_by_and_each_folder_comes_before_what_is_in_it(env: Packable) -> None:
    names = [member.name for member in listing(flat(env))]
    assert names[:3] == ["bin", "bin/rehome", "a first file"]
    assert all(os.path.dirname(name) in ("", *names[:number]) for number, name in enumerate(names))


def test_twice_and_without_the_cache_it_has_the_same_bytes(env: Packable) -> None:
    made = {flat(env, name).sha256 for name in ("one.tar.gz", "two.tar.gz")}
    assert made == {flat(env, "three.tar.gz", cache=None).sha256}


def test_one_cache_is_for_both_layouts_and_gives_neither_what_is_the_others(
    env: Packable, monkeypatch: pytest.MonkeyPatch
) -> None:
    env.pack(compiled_by=here())
    made_anew = set[str | None]()
    real = compression.compress

    def compress(piece: Piece, *rest: Any) -> Compressed:
        made_anew.add(piece.distribution)
        return real(piece, *rest)

    monkeypatch.setattr(compression, "compress", compress)
    first = flat(env, compiled_by=here())
    assert made_anew == {None, "plain", "other"}, "its headers have other names"
    made_anew.clear()
    assert flat(env, "again.tar.gz", compiled_by=here()).sha256 == first.sha256
    assert made_anew == {None}
    assert flat(env, "cold.tar.gz", cache=None, compiled_by=here()).sha256 == first.sha256
    warm, cold = env.pack(compiled_by=here()), env.pack("cold.tar.gz", cache=None, compiled_by=here())
    assert warm.sha256 == cold.sha256 != first.sha256


def test_tar_gives_bin_python_in_the_folder_that_it_unpacks_in_and_leaves_that_as_it_is(
    env: Packable, tmp_path: Path
) -> None:
    made, place = flat(env), tmp_path / "an environment"
    place.mkdir(mode=0o700)
    subprocess.run(["tar", "-xpzf", made.path, "-C", place], check=True)
    assert (place.stat().st_mode & 0o777, place.stat().st_mtime > 1) == (0o700, True)
    assert os.readlink(place / "bin/python") == f"/usr/bin/python{here().version}"
    subprocess.run(["sh", place / "bin/rehome", sys.executable], check=True, capture_output=True)
    says: list[str | Path] = [place / "bin/python", "-c", "import plain, sys; print(plain.x, sys.prefix)"]
    assert subprocess.run(says, capture_output=True, text=True, check=True).stdout == f"1 {place}\n"


@pytest.mark.parametrize("archive_root", [ROOT, FLAT], ids=["venv", "flat"])
def test_a_package_puts_nothing_in_the_place_of_what_is_ours(env: Packable, archive_root: str) -> None:
    env.install("evil", files={"evil.py": "x = 1\n"})
    with (env.site / "evil-1.0.dist-info/RECORD").open("a") as record:
        record.writelines(f"../../../{name},,4\n" for name in ("bin/rehome", "pyvenv.cfg", "bin/python", "bin"))
    (env.venv / "bin/rehome").write_text("evil")
    made = env.pack(archive_root=archive_root)
    with tarfile.open(made.path) as opened:
        top = f"{ROOT}/" if archive_root else ""
        read = opened.extractfile(f"{top}bin/rehome")
        assert read
        assert read.read() == rehome_script()
        assert opened.getmember(f"{top}bin/python").linkname == f"/usr/bin/python{here().version}"
    assert [one.distribution for one in made.index.fragments] == [None, "evil", "other", "plain", None]
    (env.venv / ".venvbuild.json").write_text("{}")
    with pytest.raises(IntegrityError, match=r"gz: \.venvbuild\.json is where `get` writes.*; fix: find out which"):
        env.pack(archive_root=archive_root)
    for name, who in (("evil", "evil 1.0"), ("other", "evil 1.0 and other 1.0")):
        with (env.site / f"{name}-1.0.dist-info/RECORD").open("a") as record:
            record.write("../../../.venvbuild.json,,2\n")
        with pytest.raises(IntegrityError) as caught:
            env.pack(archive_root=archive_root)
        assert str(caught.value) == (
            f"{who}: .venvbuild.json is where `get` writes that the folder is its own; "
            f"fix: leave out {who}, or ask its publisher"
        )


@pytest.fixture
def machine(tmp_path: Path) -> RestoreOptions:
    return RestoreOptions(lambda _: here(), FragmentCache(tmp_path / "another cache"), "99.0", lambda *_: None)


@pytest.mark.parametrize("with_index", [True, False])
def test_get_takes_it_with_and_without_an_index(
    env: Packable, machine: RestoreOptions, tmp_path: Path, with_index: bool
) -> None:
    usual, made = env.pack(), flat(env)
    targets = [tmp_path / "usual", tmp_path / "flat"]
    from_archive(usual.path, targets[0], machine)
    if with_index:
        (tmp_path / "archive_index.json").write_text(made.index.text())
    from_archive(made.path, targets[1], machine)
    one, other = (foreign.snapshot(target) for target in targets)
    assert {str(name) for name in one} == {str(name) for name in other}
    assert not (targets[1] / "venv/bin").exists()


def test_an_index_whose_root_and_version_do_not_fit_each_other_is_refused(env: Packable) -> None:
    for told in (json.loads(env.pack().index.text()), json.loads(flat(env).index.text())):
        with pytest.raises(IntegrityError, match="its schema_version"):
            parse_index(json.dumps({**told, "schema_version": 3 - told["schema_version"]}).encode())
        with pytest.raises(IntegrityError, match="of schema_version 3") as caught:
            parse_index(json.dumps({**told, "schema_version": 3}).encode())
        assert (caught.value.problems[0].fix, caught.value.problems[0].rule) == ("update venvbuild", "NEWER")


def test_pack_venv_makes_it_and_may_replace_it_and_brings_an_interpreter(tmp_path: Path) -> None:
    venv = foreign.make("uv", here().version, tmp_path / "in/venv", wheel(tmp_path, "app", "1.0"))
    output = tmp_path / "packed.tar.gz"
    wanted = Wanted(1, bundle_python=True, layout="flat")
    made = pack(venv, output, wanted)
    assert pack(venv, output, wanted) == made
    refuse_others(output)
    assert (made.archive_root, pack(venv, tmp_path / "usual.tgz", Wanted(1, bundle_python=True)).content_sha256) == (
        "",
        made.content_sha256,
    )
    (tmp_path / "in").rename(tmp_path / "gone")
    place = tmp_path / "a place"
    place.mkdir()
    subprocess.run(["tar", "-xzf", output, "-C", place], check=True)
    says: list[str | Path] = [place / "bin/python", "-c", "import app, sys; print(sys.prefix, sys.base_prefix)"]
    said = subprocess.run(says, capture_output=True, text=True, check=True, env={"PATH": "/nonexistent"}).stdout
    assert said == f"{place} {place / BASE}\n"


@pytest.mark.parametrize("names", [("bin/", "bin/python"), ("bin/",), ("lib/", "bin/rehome"), ("bin/rehome", "bin/")])
def test_a_tar_that_only_begins_a_little_like_it_is_not_replaced(tmp_path: Path, names: tuple[str, ...]) -> None:
    plain = b""
    for name in names:
        header = tarfile.TarInfo(name)
        header.type = tarfile.DIRTYPE if name.endswith("/") else tarfile.REGTYPE
        plain += header.tobuf()
    stream = zlib_ng.compressobj(1, zlib_ng.DEFLATED, -15)
    body = bytes((0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 255)) + stream.compress(plain + bytes(1024)) + stream.flush()
    (tmp_path / "theirs.tgz").write_bytes(body)
    with pytest.raises(UsageError, match="no archive of venvbuild"):
        refuse_others(tmp_path / "theirs.tgz")
