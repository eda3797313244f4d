"""What a damaged cache of uv's gives: never other bytes than the wheel's."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import os
import re
import shutil
import socket
import stat
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support import real_pip
from tests.support.index_server import IndexServer, running
from tests.support.packing import NOTHING
from tests.support.remade import (
    AWAY,
    Made,
    contents,
    damaged,
    locked,
    made,
    rows,
    sha256,
    warned,
    with_record,
    without_index,
)
from tests.support.supplies import here, supply
from tests.support.wheels import unpack, wheel
from venvbuild.archive import FragmentCache, Known, PackOptions, pack
from venvbuild.environment.empty import EmptyVenv
from venvbuild.environment.expectation import Difference, Expectation
from venvbuild.environment.expected_file import ExpectedFile
from venvbuild.environment.fidelity import _problems
from venvbuild.environment.reading import read_all
from venvbuild.environment.venv import Environment, create
from venvbuild.errors import IntegrityError, ResolutionError
from venvbuild.files import walk
from venvbuild.installed import Look, distributions_of, promise_of
from venvbuild.installed.scripts import Script
from venvbuild.package_index import PackageIndex, WheelCache, WheelContents

BIG = "".join(f"x{number} = {number}\n" for number in range(400))
FILES = {
    "whole/__init__.py": BIG,
    "whole/data.bin": BIG,
    "whole/large.bin": BIG * 300,
    "whole-1.0.data/scripts/hello": f"#!python\n# coding: latin-1\n{BIG}",
    "whole-1.0.data/scripts/plain": f"#!/bin/sh\n# {BIG}",
    "whole-1.0.data/data/share/whole.txt": BIG,
    "whole-1.0.data/headers/whole.h": BIG,
    "whole-1.0.data/purelib/pure.py": BIG,
}
KINDS = [*FILES, *(f"whole-1.0.dist-info/{name}" for name in ("METADATA", "WHEEL", "RECORD", "entry_points.txt"))]
DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda body: b"",
    "half": lambda body: body[: len(body) // 2],
    "zeros": lambda body: bytes(len(body)),
    "one bit": lambda body: bytes([*body[: len(body) // 2], body[len(body) // 2] ^ 1, *body[len(body) // 2 + 1 :]]),
}


@pytest.fixture(scope="module")
def module_index(tmp_path_factory: pytest.TempPathFactory) -> Iterator[IndexServer]:
    with running(tmp_path_factory.mktemp("index")) as index:
        yield index


@pytest.fixture(scope="module")
def whole(module_index: IndexServer, tmp_path_factory: pytest.TempPathFactory) -> Made:
    path = wheel(module_index.folder, "whole", "1.0", files=FILES, scripts={"whole": "whole:main"})
    return made(module_index, tmp_path_factory.mktemp("made"), path)


@pytest.fixture(scope="module")
def two(module_index: IndexServer, tmp_path_factory: pytest.TempPathFactory) -> Made:
    """`one`, which has a script, and `two`."""
    one = wheel(module_index.folder, "one", "1.0", files={"one/__init__.py": BIG}, scripts={"one": "one:main"})
    other = wheel(module_index.folder, "two", "1.0", files={"two/__init__.py": BIG})
    return made(module_index, tmp_path_factory.mktemp("two"), one, other)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("damage", DAMAGES)
def test_what_the_cache_has_lost_is_installed_once_more(
    whole: Made, tmp_path: Path, kind: str, damage: str, caplog: pytest.LogCaptureFixture
) -> None:
    with damaged(whole.cached(kind), DAMAGES[damage]):
        assert whole.again(tmp_path) == whole.first
    if (kind, damage) != ("whole-1.0.dist-info/RECORD", "one bit"):  # a hash of a script is not copied from there
        assert any("`venvbuild cache prune --package whole` mends" in line for line in warned(caplog))


ODD_TO_UV: dict[str, dict[str, str | bytes]] = {
    "an entry point without =": {
        "odd.py": "x",
        "odd-1.0.dist-info/entry_points.txt": "[console_scripts]\ngo : odd:f\n",
    },
    "a folder in scripts": {"odd.py": "x", "odd-1.0.data/scripts/sub/go": "#!python\n"},
}


@pytest.mark.parametrize("kind", ODD_TO_UV)
def test_a_wheel_that_uv_refuses_for_its_own_faults_is_not_laid_on_the_cache(
    index: IndexServer, tmp_path: Path, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    closure = locked(wheel(index.folder, "odd", "1.0", files=ODD_TO_UV[kind]))
    with pytest.raises(ResolutionError, match="the closure cannot be installed"):
        create(closure, supply(index, tmp_path / "scratch"), tmp_path / "venv", wait=lambda _: None)
    assert [line for line in warned(caplog) if "cache" in line] == []


def test_each_file_is_told_as_it_was_read_and_what_is_written_here_too(whole: Made, tmp_path: Path) -> None:
    with damaged(whole.cached("whole/data.bin"), DAMAGES["one bit"]):
        environment = create(whole.closure, whole.source, tmp_path / "venv", wait=lambda _: None)
    read = {name: seen.sha256 for name, seen in environment.manifest.files.items()}
    assert read == {name: whole.first[name] for name in whole.first if not (environment.path / name).is_symlink()}
    assert {f"lib/python{here().version}/site-packages/whole-1.0.dist-info/RECORD", "bin/hello", "_scripts/whole"} <= {
        *read
    }
    for name, seen in environment.manifest.files.items():
        assert Look.of((tmp_path / "venv" / name).lstat()) == seen.look, name


def a_link(path: Path) -> None:
    path.symlink_to("data.bin")


def a_pipe(path: Path) -> None:
    os.mkfifo(path)


def a_socket(path: Path) -> None:
    with contextlib.chdir(path.parent), socket.socket(socket.AF_UNIX) as one:  # as its name may be 107 bytes long
        one.bind(path.name)


def nothing(_: Path) -> None:
    pass


@pytest.mark.parametrize(
    ("stands_there", "what"),
    [
        (a_link, "is no file"),
        (a_pipe, "is no file"),
        (a_socket, "is no file"),
        (Path.mkdir, "is missing"),
        (nothing, "is missing"),
    ],
)
def test_what_stands_in_the_place_of_a_file_is_neither_followed_nor_waited_for(
    tmp_path: Path, stands_there: Callable[[Path], None], what: str
) -> None:
    unpack(wheel(tmp_path / "wheels", "whole", "1.0", files=FILES), tmp_path / "lib/python3.11/site-packages")
    [path] = tmp_path.glob("lib/*/*/whole/large.bin")
    installed = distributions_of(tmp_path, "3.11")
    path.unlink()
    stands_there(path)
    shutil.rmtree(tmp_path / "wheels")
    found = Expectation.of(installed, {}, "3.11").compared_with(tmp_path, read_all(tmp_path, EmptyVenv({}))).differences
    assert [(one.path, one.owner, one.what) for one in found if "large" in one.path] == [
        (str(path.relative_to(tmp_path)), "whole", what)
    ]


@pytest.mark.parametrize("name", ["n" * 300, "nul\0", "whole/data.bin/below"])
def test_a_name_that_a_record_makes_up_is_missing(tmp_path: Path, name: str) -> None:
    file = ExpectedFile("whole", "ab" * 32, 1, is_rewritten=False)
    (tmp_path / "whole").mkdir()
    (tmp_path / "whole/data.bin").write_bytes(b"")
    read = read_all(tmp_path, EmptyVenv.of(tmp_path))
    found = Expectation("lib", {name: file}).compared_with(tmp_path, read).differences
    assert found == [Difference(name, "whole", "is missing")]


def test_where_files_are_links_into_the_cache_too(whole: Made, tmp_path: Path) -> None:
    linking = replace(whole.source, installer=replace(whole.source.installer, shares_cache=True))
    with damaged(whole.cached("whole/__init__.py"), DAMAGES["one bit"]):
        assert replace(whole, source=linking).again(tmp_path) == whole.first


def test_what_is_gone_from_the_cache_comes_back_and_a_whole_cache_is_not_spoken_of(
    whole: Made, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = whole.cached("whole/data.bin")
    hidden = file.rename(tmp_path / "hidden")
    try:
        assert whole.again(tmp_path) == whole.first
    finally:
        hidden.rename(file)
    assert "whole/data.bin is missing" in warned(caplog)[0]
    caplog.clear()
    assert whole.again(tmp_path / "after") == whole.first
    assert warned(caplog) == []


@pytest.mark.parametrize("name", ["evil.pth", "whole/evil.py", "whole/__pycache__/__init__.cpython-311.pyc"])
def test_what_no_wheel_has_is_removed_and_said(
    whole: Made, tmp_path: Path, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    more = whole.cached("whole").parent / name
    more.parent.mkdir(exist_ok=True)
    more.write_text("import os")
    try:
        assert whole.again(tmp_path) == whole.first
    finally:
        more.unlink()
    [said] = warned(caplog)
    assert f"{name} is in no wheel" in said
    assert "`venvbuild cache prune --package whole`" in said
    assert empty_folders(tmp_path / "venv") == []


@pytest.mark.parametrize("name", ["evil", "whole"])
@pytest.mark.parametrize("is_away", [False, True])
def test_what_calls_itself_a_distribution_in_the_cache_is_not_believed(
    whole: Made, tmp_path: Path, name: str, is_away: bool, caplog: pytest.LogCaptureFixture
) -> None:
    files = {f"{name}.pth": "import os\n", "whole/__init__.py": "import os\n"}
    site = whole.cached("whole").parent
    info = site / f"{name}.egg-info"
    info.mkdir()
    try:
        (info / "PKG-INFO").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 9.0\n")
        (info / "RECORD").write_text(rows(files))
        (site / f"{name}.pth").write_text(files[f"{name}.pth"])
        with damaged(site / "whole/__init__.py", lambda _: files["whole/__init__.py"].encode()):
            again = (without_index(whole, tmp_path) if is_away else whole).again(tmp_path)
    finally:
        shutil.rmtree(info)
        (site / f"{name}.pth").unlink()
    assert again == whole.first
    assert any("is in no wheel" in line and "prune --package whole" in line for line in warned(caplog))


@pytest.mark.parametrize("name", ["evil-1.0.dist-info", "evil.egg-info"])
def test_what_calls_itself_one_inside_of_the_data_of_a_package_is_not_believed_either(
    whole: Made, tmp_path: Path, name: str
) -> None:
    data = whole.cached("whole-1.0.data/purelib")
    metadata = "METADATA" if name.endswith(".dist-info") else "PKG-INFO"
    files = {"evil.py": "x", f"{name}/{metadata}": "Metadata-Version: 2.1\nName: evil\nVersion: 1.0\n"}
    files[f"{name}/RECORD"] = rows(files)
    planted = rows({f"whole-1.0.data/purelib/{path}": body for path, body in files.items()})
    (data / name).mkdir()
    try:
        for path, body in files.items():
            (data / path).write_text(body)
        with damaged(whole.cached("whole-1.0.dist-info/RECORD"), lambda record: record + planted.encode()):
            assert whole.again(tmp_path) == whole.first
    finally:
        (data / "evil.py").unlink()
        shutil.rmtree(data / name)


PIPS_INSTALLER = "pip/_internal/operations/install/wheel.py"


@pytest.mark.parametrize(
    ("name", "true", "wrong"),
    [
        (PIPS_INSTALLER, b'installer_file.write(b"pip', b'installer_file.write(b"pir'),
        (PIPS_INSTALLER, b"maker.set_mode = True", b"maker.set_mode = None"),
        ("evil.pth", b"", b"import os; os.mkdir('FOLDER/evil')\n"),
    ],
)
def test_pip_is_compared_before_it_writes_what_no_wheel_tells(
    index: IndexServer, tmp_path: Path, name: str, true: bytes, wrong: bytes
) -> None:
    pip = index.folder / f"pip-{real_pip.put_into(index.folder, here().version)}-py3-none-any.whl"
    one = wheel(index.folder, "one", "1.0", files={"one/__init__.py": BIG}, scripts={"one": "one:main"})
    source = supply(index, tmp_path / "scratch")
    source = replace(source, installer=source.installer.with_cache(tmp_path / "uv"))
    first = contents(create(locked(one, pip), source, tmp_path / "first", with_pip=True).path)
    [package] = (tmp_path / "uv").glob("archive-v*/*/pip")
    before = (package.parent / name).read_bytes() if true else b""
    assert true in before
    wrong = wrong.replace(b"FOLDER", os.fsencode(tmp_path))
    (package.parent / name).write_bytes(before.replace(true, wrong) if true else wrong)
    again = create(locked(one, pip), source, tmp_path / "again", with_pip=True)
    assert contents(again.path) == first
    assert (again.path / "bin/one").stat().st_mode & 0o111
    assert not (tmp_path / "evil").exists()


def empty_folders(venv: Path) -> list[str]:
    return [path for path, found in walk(venv, "") if stat.S_ISDIR(found.st_mode) and not os.listdir(venv / path)]


@pytest.mark.parametrize("name", ["more", "whole/a/b/c", "whole/__pycache__", "whole-1.0.dist-info/more"])
def test_a_folder_without_files_comes_from_nowhere(
    whole: Made, tmp_path: Path, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    """As pip makes none: a wheel may have one, or somebody has put it into the installer's cache."""
    more = whole.cached("whole").parent / name
    more.mkdir(parents=True, exist_ok=True)
    try:
        assert whole.again(tmp_path) == whole.first
    finally:
        while not os.listdir(more):
            more.rmdir()
            more = more.parent
    assert empty_folders(tmp_path / "venv") == []
    assert warned(caplog) == []


@pytest.mark.parametrize("damaged_one", ["early", "late"])
def test_of_a_path_that_two_have_the_last_by_name_is_there(
    index: IndexServer, tmp_path: Path, damaged_one: str
) -> None:
    names = ("early", "late")
    wheels = [wheel(index.folder, one, "1.0", files={"shared.py": one, f"{one}.py": BIG}) for one in names]
    both = made(index, tmp_path, *wheels)
    assert both.first["lib/python3.11/site-packages/shared.py".replace("3.11", here().version)] == sha256(b"late")
    for name in ("shared.py", f"{damaged_one}.py"):
        [archive] = {file.parent for file in (both.cache / "archive-v0").glob(f"*/{damaged_one}.py")}
        with damaged(archive / name, DAMAGES["one bit"]):
            assert both.again(tmp_path / name) == both.first


def test_without_the_index_it_is_the_record_that_is_compared_with_and_that_is_said(
    index: IndexServer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = wheel(index.folder, "whole", "1.0", files=FILES, scripts={"whole": "whole:main"})
    one = made(index, tmp_path, path)
    one = replace(one, source=replace(one.source, index=AWAY, wheel_cache=WheelCache(tmp_path / "none")))
    assert one.again(tmp_path) == one.first
    [said] = warned(caplog)
    assert "1 wheel could not be asked" in said
    with damaged(one.cached("whole/__init__.py"), DAMAGES["one bit"]):
        assert one.again(tmp_path / "again") == one.first
    assert "whole/__init__.py has other bytes" in warned(caplog)[-1]


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("name", ["hello", "plain"])
def test_without_the_index_the_scripts_are_compared_with_those_of_the_cache(
    index: IndexServer, tmp_path: Path, caplog: pytest.LogCaptureFixture, name: str, damage: str
) -> None:
    path = wheel(index.folder, "whole", "1.0", files=FILES, scripts={"whole": "whole:main"})
    one = made(index, tmp_path, path)
    one = replace(one, source=replace(one.source, index=AWAY, wheel_cache=WheelCache(tmp_path / "none")))
    with damaged(one.cached(f"whole-1.0.data/scripts/{name}"), DAMAGES[damage]):
        assert one.again(tmp_path / "again") == one.first
    assert f"bin/{name} " in warned(caplog)[-1]


def test_one_of_two_builds_of_a_version_is_no_damage(
    index: IndexServer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    files = {"two-1.0.data/scripts/hello": "#!python\nprint('old')\n"}
    old = made(index, tmp_path, wheel(index.folder, "two", "1.0", files=files))
    files = {"two-1.0.data/scripts/hello": "#!python\nprint('new')\n"}
    new = replace(old, closure=locked(wheel(index.folder, "two", "1.0", files=files)))
    new = replace(new, source=replace(new.source, index=supply(index, tmp_path / "scratch").index))
    first = new.again(tmp_path / "new")
    away = replace(new, source=replace(new.source, index=AWAY, wheel_cache=WheelCache(tmp_path / "none")))
    assert (away.again(tmp_path / "away"), first != old.first) == (first, True)
    [said] = warned(caplog)
    assert "could not be asked" in said


def test_a_script_that_the_record_of_the_wheel_promises_nothing_of_is_no_damage(
    index: IndexServer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    one = made(index, tmp_path, wheel(index.folder, "whole", "1.0", files=FILES))
    one = replace(one, source=replace(one.source, index=AWAY, wheel_cache=WheelCache(tmp_path / "none")))
    record = one.cached("whole-1.0.dist-info/RECORD")
    with damaged(record, lambda body: re.sub(rb"(scripts/hello),.*", rb"\1,,", body)):
        one.again(tmp_path / "again")
    assert not any("hello" in line and "other bytes" in line for line in warned(caplog))


def test_what_a_wheel_vendors_takes_nothing_from_the_distribution_itself(index: IndexServer, tmp_path: Path) -> None:
    inner = wheel(index.folder, "inner", "1.0", files={"inner/__init__.py": BIG})
    vendored = {f"outer/_vendor/inner-1.0.dist-info/{name}": "x" for name in ("METADATA", "RECORD")}
    outer = wheel(index.folder, "outer", "1.0", files=vendored)
    both = made(index, tmp_path, inner, outer)
    cache = WheelCache(tmp_path / "outer alone")
    cache.put(WheelContents.read(outer))
    assert replace(both, source=replace(both.source, index=AWAY, wheel_cache=cache)).again(tmp_path) == both.first


def packed(environment: Environment, folder: Path) -> None:
    options = PackOptions(here().version, 5, cache=FragmentCache(folder / "fragments"))
    pack(environment.path, folder / "venv.tar.gz", options, gate=NOTHING, known=Known(manifest=environment.manifest))


@pytest.mark.parametrize("is_away", [False, True])
def test_what_is_made_here_is_packed(index: IndexServer, tmp_path: Path, *, is_away: bool) -> None:
    by_sh = """#!/bin/sh\n'''exec' "$(dirname -- "$(realpath -- "$0")")"/'python3' "$0" "$@"\n' '''\n"""
    files = {**FILES, "whole-1.0.data/scripts/by-sh": by_sh, "whole-1.0.data/data/bin/by-sh-too": by_sh}
    one = made(index, tmp_path, wheel(index.folder, "whole", "1.0", files=files, scripts={"whole": "whole:main"}))
    if is_away:
        one = replace(one, source=replace(one.source, index=AWAY, wheel_cache=WheelCache(tmp_path / "none")))
    packed(create(one.closure, one.source, tmp_path / "again", wait=lambda _: None), tmp_path)


@pytest.mark.parametrize(
    "name", ["_scripts/whole", "bin/hello", "bin/activate", "lib/*/site-packages/whole-1.0.dist-info/RECORD"]
)
def test_what_was_changed_before_it_is_packed_is_refused(whole: Made, tmp_path: Path, name: str) -> None:
    environment = create(whole.closure, whole.source, tmp_path / "venv", wait=lambda _: None)
    [file] = environment.path.glob(name)
    facts = file.stat()
    file.write_bytes(DAMAGES["one bit"](file.read_bytes()))
    os.utime(file, ns=(facts.st_atime_ns, facts.st_mtime_ns))
    with pytest.raises(IntegrityError, match=rf"{file.name} was changed since"):
        packed(environment, tmp_path)


@pytest.mark.parametrize(
    "name", ["data/pyvenv.cfg", "scripts/activate", "data/bin/activate.bat", "data/bin/deactivate.bat"]
)
def test_what_the_empty_environment_had_is_as_it_was(
    whole: Made, tmp_path: Path, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    record = whole.cached("whole-1.0.dist-info/RECORD")
    planted = record.parents[1] / "whole-1.0.data" / name
    planted.parent.mkdir(parents=True, exist_ok=True)
    planted.write_text("home = /nowhere\n")
    try:
        with damaged(record, lambda body: body + f"whole-1.0.data/{name},,\n".encode()):
            assert whole.again(tmp_path) == whole.first
    finally:
        planted.unlink()
    assert "is not that of an empty environment" in warned(caplog)[0]
    assert "`venvbuild cache prune --package whole`" in warned(caplog)[0]


def test_what_differs_even_then_is_an_integrity_error_that_names_the_way_out(whole: Made, tmp_path: Path) -> None:
    [known] = whole.source.wheel_cache.known(whole.closure.distributions[0].hashes)
    other = tuple(one._replace(sha256="0" * 64) if one.path == "whole/data.bin" else one for one in known.files)
    cache = WheelCache(tmp_path / "wheels")
    cache.put(replace(known, files=other))
    whole = replace(whole, source=replace(whole.source, index=AWAY))
    with pytest.raises(IntegrityError, match=r"whole is not what .*data\.bin has other bytes.*prune --package whole"):
        replace(whole, source=replace(whole.source, wheel_cache=cache)).again(tmp_path)
    assert not (tmp_path / "venv").exists()


def test_an_index_with_other_bytes_than_the_lock_is_no_witness(index: IndexServer, tmp_path: Path) -> None:
    one = made(index, tmp_path, wheel(index.folder, "whole", "1.0"))
    wrong = PackageIndex(index.url("wrong"))
    with pytest.raises(IntegrityError, match="other bytes than promised"):
        replace(one, source=replace(one.source, index=wrong, wheel_cache=WheelCache(tmp_path / "none"))).again(tmp_path)


def test_each_file_of_an_index_is_fetched_for_it_once(index: IndexServer, tmp_path: Path) -> None:
    one = made(index, tmp_path, wheel(index.folder, "whole", "1.0"))
    asked = len(index.requests)
    one.again(tmp_path)
    assert not [path for path, _ in index.requests[asked:] if path.endswith(".whl")]


def test_of_several_wheels_of_a_version_the_one_that_was_installed_is_asked(index: IndexServer, tmp_path: Path) -> None:
    tag = f"cp{here().version.replace('.', '')}-none-any"
    of_this = wheel(index.folder, "whole", "1.0", files={"whole.py": "of_this = 1"}, tag=tag)
    of_any = wheel(index.folder, "whole", "1.0", files={"whole.py": "of_any = 1"})
    closure = locked(of_this)
    [first] = closure.distributions
    both = replace(
        closure, distributions=(replace(first, hashes=(*first.hashes, *locked(of_any).distributions[0].hashes)),)
    )
    source = supply(index, tmp_path / "scratch")
    source = replace(source, installer=source.installer.with_cache(tmp_path / "uv"))
    source.wheel_cache.put(WheelContents.read(of_any))  # which another Python had before
    venv = create(both, source, tmp_path / "venv").path
    assert contents(venv)[f"lib/python{here().version}/site-packages/whole.py"] == sha256(b"of_this = 1")


ODD = {
    "a script for its own entry point": {
        "odd-1.0.data/scripts/odd": "#!python\n",
        "odd-1.0.data/scripts/odd-script.py": "x",
    },
    "data in lib64": {"odd-1.0.data/data/lib64/libodd.so": "elf"},
    "a file named like a data folder": {"weights.data": "bytes", "more.data/weights": "bytes"},
    "one path twice": {"odd.py": "root", "odd-1.0.data/purelib/odd.py": "of .data, which is unpacked last"},
    "what the empty environment had": {"odd-1.0.data/data/.gitignore": "*", "odd-1.0.data/scripts/activate": "odd"},
    "data in a folder of another name": {
        "odd-1.0-1.data/scripts/more": "#!python\nprint(1)\n",
        "odd-1.0-1.data/scripts/plain": "#!/bin/sh\n",
        "odd-1.0-1.data/scripts/odd": "#!python\n",
        "odd-1.0-1.data/data/share/more": "x",
        "odd-1.0-1.data/purelib/more.py": "x",
    },
    "another distribution that is a file": {"zed-1.0.egg-info": "Metadata-Version: 1.0\nName: zed\nVersion: 1.0\n"},
    "another distribution whose RECORD is wrong": {
        "odd-1.0.data/purelib/zed-1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: zed\nVersion: 1.0\n",
        "odd-1.0.data/purelib/zed-1.0.dist-info/RECORD": "zed/gone.py,sha256=x,1\nodd.py,sha256=x,1\n",
    },
}


@pytest.mark.parametrize("kind", ODD)
def test_a_wheel_that_is_odd_is_taken_as_the_installer_takes_it(
    index: IndexServer, tmp_path: Path, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    path = wheel(index.folder, "odd", "1.0", files={"odd.py": "x", **ODD[kind]}, scripts={"odd": "odd:main"})
    one = made(index, tmp_path, path)
    assert (one.again(tmp_path), warned(caplog)) == (one.first, [])


def test_data_in_a_folder_of_another_name_is_where_pip_puts_it(
    index: IndexServer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    # as of setuptools, `bdist_wheel --build-number 1`
    files = ODD["data in a folder of another name"]
    path = wheel(index.folder, "odd", "1.0", files={"odd.py": "x", **files}, scripts={"odd": "odd:main"})
    pip = index.folder / f"pip-{real_pip.put_into(index.folder, here().version)}-py3-none-any.whl"
    source = supply(index, tmp_path / "scratch")
    found = contents(create(locked(path, pip), source, tmp_path / "venv", with_pip=True).path)
    assert {"bin/more", "bin/plain", "bin/odd", "share/more"} <= found.keys()
    assert warned(caplog) == []


@pytest.mark.parametrize("row", [None, r"odd-1.0-1.data/scripts/run,,", r"odd-1.0-1.data\scripts\run,sha256=wrong,9"])
def test_a_script_in_data_of_another_name_is_compared_whatever_record_says(
    index: IndexServer, tmp_path: Path, row: str | None, caplog: pytest.LogCaptureFixture
) -> None:
    def spelled(record: str) -> str:
        return re.sub(r"(?m)^odd-1\.0-1\.data.*\n", lambda _: f"{row}\n" if row else "", record)

    script = "odd-1.0-1.data/scripts/run"
    path = wheel(index.folder, "odd", "1.0", files={"odd.py": "x", script: "#!python\nprint(1)\n"})
    one = made(index, tmp_path, with_record(path, spelled))
    assert warned(caplog) == []
    with damaged(one.cached(script), DAMAGES["one bit"]):
        assert one.again(tmp_path / "again") == one.first


def test_of_a_script_that_two_bring_the_last_by_name_is_there_whatever_it_is_made_of(
    index: IndexServer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    early = wheel(index.folder, "early", "1.0", files={"early-1.0.data/scripts/run": "#!python\nimport early\n"})
    late = wheel(index.folder, "late", "1.0", scripts={"run": "late:main"})
    both = made(index, tmp_path, early, late)
    assert "late" in (tmp_path / "first" / "_scripts" / "run").read_text()
    assert (both.again(tmp_path), warned(caplog)) == (both.first, [])
    assert without_index(both, tmp_path).again(tmp_path / "away") == both.first
    assert [line for line in warned(caplog) if "could not be asked" not in line] == []


@pytest.mark.parametrize("late_by", [None, "#!/bin/sh\n", "#!/usr/bin/env python\n", "\x7fELF"], ids=repr)
@pytest.mark.parametrize("with_pip", [False, True], ids=["uv", "pip"])
def test_a_script_that_two_bring_makes_the_same_environment_each_time(
    index: IndexServer, tmp_path: Path, with_pip: bool, late_by: str | None
) -> None:
    pip = f"pip-{real_pip.put_into(index.folder, here().version)}-py3-none-any.whl"
    both = [wheel(index.folder, "early", "1.0", scripts={"run": "early:main"})]
    if late_by is None:
        both.append(wheel(index.folder, "late", "1.0", scripts={"run": "late:main"}))
    else:
        both.append(wheel(index.folder, "late", "1.0", files={"late-1.0.data/scripts/run": late_by}))
    closure, source = locked(*both, *([index.folder / pip] if with_pip else [])), supply(index, tmp_path / "scratch")
    first, again = (
        contents(create(closure, source, tmp_path / name, with_pip=with_pip).path) for name in ("first", "again")
    )
    assert {name for name in {*first, *again} if first.get(name) != again.get(name)} == set()
    early, late = distributions_of(tmp_path / "first", here().version)[:2]
    assert [one.damage for one in (early, late)] == [(), ()]
    promised = [{row.path: row.hash for row in one.record or ()}["../../../bin/run"] for one in (early, late)]
    assert (promised[0], promised[1]) == ("", promise_of(first["bin/run"]))


def test_a_script_that_would_mean_something_else_is_refused(
    index: IndexServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scripts = {f"brings-1.0.data/scripts/{name}": f"#!python\n{body}" for name, body in BODIES.items()}
    closure = locked(wheel(index.folder, "brings", "1.0", files=scripts))
    monkeypatch.setattr(Script, "ordinary", property(lambda script: b"#!/bin/sh\n''':'\n'''\n" + script.body))
    with pytest.raises(IntegrityError) as caught:
        create(closure, supply(index, tmp_path / "scratch"), tmp_path / "venv")
    assert [one.what.partition(" would not be")[0] for one in caught.value.problems] == ["bin/doc", "bin/future"]
    assert not (tmp_path / "venv").exists()


BODIES = {"future": "'Doc.'\nfrom __future__ import division\n", "doc": "'Doc.'\n", "python2": "print 2\n"}


def test_a_package_that_has_a_file_where_a_script_has_to_be_is_named(index: IndexServer, tmp_path: Path) -> None:
    beside = {"beside-1.0.data/data/_scripts/else": "theirs", "beside-1.0.data/scripts/app": "#!python\n"}
    source = supply(index, tmp_path / "scratch")
    first = create(locked(wheel(index.folder, "beside", "1.0", files=beside)), source, tmp_path / "venv")
    assert (first.path / "_scripts/else").read_text() == "theirs"
    assert (first.path / "_scripts/app").read_text() == "#!python\n"
    takes = {"takes-1.0.data/data/_scripts/tool": "theirs", "takes-1.0.data/scripts/tool": "#!python\n"}
    with pytest.raises(IntegrityError) as caught:
        create(locked(wheel(index.folder, "takes", "1.0", files=takes)), source, tmp_path / "venv")
    [problem] = caught.value.problems
    assert problem.what == "_scripts/tool is there already, where the script tool has to be"
    assert problem.fix.startswith("leave out the package that brings _scripts/tool")
    assert (first.path / "_scripts/app").exists(), "what was there stays"


def test_a_wheel_for_another_python_is_no_witness_though_it_says_the_same_tag(
    index: IndexServer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    ours = wheel(index.folder, "same", "1.0", files={"same.py": "ours"})
    other = wheel(tmp_path / "other", "same", "1.0", files={"same.py": "theirs"})
    other = other.rename(other.with_name("same-1.0-cp27-none-any.whl"))
    [first] = locked(ours).distributions
    [second] = locked(other).distributions
    closure = replace(locked(ours), distributions=(replace(first, hashes=(*first.hashes, *second.hashes)),))
    source = supply(index, tmp_path / "scratch")
    source = replace(source, installer=source.installer.with_cache(tmp_path / "uv"))
    source.wheel_cache.put(WheelContents.read(other))
    create(closure, source, tmp_path / "venv")
    assert warned(caplog) == []


# --- who the witness is, and what it may say


@pytest.mark.parametrize("at", range(9))
def test_the_line_that_starts_a_script_is_compared_too(whole: Made, tmp_path: Path, at: int) -> None:
    file = whole.cached("whole-1.0.data/scripts/hello")
    with damaged(file, lambda body: bytes([*body[:at], body[at] ^ 1, *body[at + 1 :]])):
        assert whole.again(tmp_path) == whole.first


def test_a_wheel_that_came_later_with_the_same_tags_is_asked(
    index: IndexServer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    old = wheel(index.folder, "num", "1.0", files={"num.py": "x = 1\n"})
    one = made(index, tmp_path, old)
    new = old.rename(tmp_path / old.name)
    wheel(index.folder, "num", "1.0", files={"num.py": "x = 2\n"}).rename(index.folder / "num-1.0-1-py3-none-any.whl")
    new.rename(index.folder / old.name)
    both = [f"sha256:{sha256(path.read_bytes())}" for path in index.folder.glob("num-*.whl")]
    closure = replace(one.closure, distributions=(replace(one.closure.distributions[0], hashes=tuple(both)),))
    # which asks for the page of the index once more
    source = replace(one.source, index=supply(index, tmp_path / "scratch").index)
    again = replace(one, closure=closure, source=source).again(tmp_path / "again")
    assert [again[name] for name in again if name.endswith("/num.py")] == [sha256(b"x = 2\n")]
    assert warned(caplog) == []


def test_a_wrong_entry_of_our_own_cache_is_asked_for_again(whole: Made, tmp_path: Path) -> None:
    [known] = whole.source.wheel_cache.known(whole.closure.distributions[0].hashes)
    cache = WheelCache(tmp_path / "wheels")
    cache.put(replace(known, files=tuple(one._replace(sha256="0" * 64) for one in known.files)))
    assert replace(whole, source=replace(whole.source, wheel_cache=cache)).again(tmp_path) == whole.first


def test_a_wheel_that_cannot_be_read_is_refused_and_its_record_not_believed(
    index: IndexServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = wheel(index.folder, "bomb", "1.0", files={"bomb.py": BIG * 100})
    monkeypatch.setattr("venvbuild.package_index.wheel_contents._MAX_RATIO", 0)
    monkeypatch.setattr("venvbuild.package_index.wheel_contents._ALWAYS_ALLOWED_BYTES", 1)
    with pytest.raises(ResolutionError, match=r"bomb-1\.0.*is no readable wheel: its \d+ bytes would be"):
        made(index, tmp_path, path)


@pytest.mark.parametrize("precious", ["folder", "file"])
def test_what_lies_outside_is_never_looked_at_nor_removed(whole: Made, tmp_path: Path, precious: str) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder/thesis").write_text("years")
    (tmp_path / "file").write_text("years")
    row = f"../../../../../{precious},sha256={'A' * 43},8\n".encode()
    with damaged(whole.cached("whole-1.0.dist-info/RECORD"), lambda body: body + row):
        away = without_index(whole, tmp_path).again(tmp_path / "away")
        known = whole.again(tmp_path / "known")
    assert {name: away[name] for name in away if not name.endswith("RECORD")} == {
        name: whole.first[name] for name in whole.first if not name.endswith("RECORD")
    }
    assert known == whole.first
    assert (tmp_path / "folder/thesis").read_text() == (tmp_path / "file").read_text() == "years"


def with_sha512(record: bytes) -> bytes:
    body = hashlib.sha512(BIG.encode()).digest()
    promise = b"sha512=" + base64.urlsafe_b64encode(body).rstrip(b"=")
    return re.sub(rb"(?m)^whole/__init__\.py,[^,]*", b"whole/__init__.py," + promise, record)


def test_without_the_index_a_better_hash_of_record_is_compared_too(whole: Made, tmp_path: Path) -> None:
    away = without_index(whole, tmp_path)
    record, file = whole.cached("whole-1.0.dist-info/RECORD"), whole.cached("whole/__init__.py")
    with damaged(record, with_sha512), damaged(file, DAMAGES["one bit"]):
        again = away.again(tmp_path)
    assert [again[name] for name in again if name.endswith("whole/__init__.py")] == [sha256(BIG.encode())]


@pytest.mark.parametrize("promise", [b"", b"sha257=" + b"A" * 43, b"md5=" + b"A" * 22])
def test_without_the_index_what_record_tells_no_digest_of_is_named(
    whole: Made, tmp_path: Path, caplog: pytest.LogCaptureFixture, promise: bytes
) -> None:
    def cut(record: bytes) -> bytes:
        return re.sub(rb"(?m)^whole/__init__\.py,[^,]*", b"whole/__init__.py," + promise, record)

    with damaged(whole.cached("whole-1.0.dist-info/RECORD"), cut):
        without_index(whole, tmp_path).again(tmp_path)
    assert any(
        "no digest of 1 file of whole, which could not be compared: " in line and line.endswith("whole/__init__.py")
        for line in warned(caplog)
    )


@pytest.mark.parametrize("name", ["direct_url.json", "RECORD.jws", "RECORD.p7s"])
def test_what_installers_leave_out_is_not_planted_and_is_the_wheels_where_it_has_it(
    whole: Made, index: IndexServer, tmp_path: Path, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    planted = whole.cached("whole-1.0.dist-info") / name
    planted.write_text("{}")
    try:
        assert whole.again(tmp_path) == whole.first
    finally:
        planted.unlink()
    text = '{"url": "https://example.org/own.whl", "archive_info": {}}'
    caplog.clear()
    own = made(index, tmp_path, wheel(index.folder, "own", "1.0", files={f"own-1.0.dist-info/{name}": text}))
    assert warned(caplog) == []
    with damaged(own.cached(f"own-1.0.dist-info/{name}"), DAMAGES["one bit"]):
        assert own.again(tmp_path / "again") == own.first


def test_a_backslash_is_a_letter_of_a_name(
    index: IndexServer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    one = made(index, tmp_path, wheel(index.folder, "bsx", "1.0", files={"bsx.py": "", "bsx\\sub.py": BIG}))
    assert warned(caplog) == []
    assert any(name.endswith("bsx\\sub.py") for name in one.first)


def test_tags_that_are_damaged_do_not_take_the_witness_away(whole: Made, tmp_path: Path) -> None:
    away = replace(whole, source=replace(whole.source, index=AWAY))
    with damaged(whole.cached("whole-1.0.dist-info/WHEEL"), lambda body: body.replace(b"py3", b"py2")):
        assert away.again(tmp_path) == whole.first


def test_of_pip_no_cache_is_spoken_of(whole: Made) -> None:
    found = [Difference("lib/x.py", "whole", "has other bytes")]
    [with_cache], [without] = (list(_problems(found, whole.closure, has_cache=one)) for one in (True, False))
    assert "prune" in with_cache.fix
    assert "cache" not in f"{without.why} {without.fix}"


def with_modes(path: Path, mode: int) -> Path:
    """The wheel, with this mode for each of its files."""
    with zipfile.ZipFile(path) as archive:
        members = [(info, archive.read(info)) for info in archive.infolist()]
    with zipfile.ZipFile(path, "w") as archive:
        for info, body in members:
            info.create_system, info.external_attr = 3, mode << 16
            archive.writestr(info, body)
    return path


@pytest.mark.parametrize("mode", [0o100777, 0o777])
def test_a_wheel_of_which_each_file_is_a_program_is_no_damage(
    index: IndexServer, tmp_path: Path, mode: int, caplog: pytest.LogCaptureFixture
) -> None:
    # as those that Bazel makes, protobuf for one
    one = made(index, tmp_path, with_modes(wheel(index.folder, "odd", "1.0"), mode))
    assert one.again(tmp_path / "again") == one.first
    assert warned(caplog) == []
    without_index(one, tmp_path / "away").again(tmp_path / "away")
    [said] = warned(caplog)
    assert "could not be asked" in said


@pytest.mark.parametrize("name", ["RECORD", "WHEEL"])
def test_what_is_no_program_in_a_dist_info_becomes_none(whole: Made, tmp_path: Path, name: str) -> None:
    cached = whole.cached(f"whole-1.0.dist-info/{name}")
    before = cached.stat().st_mode
    cached.chmod(before | 0o111)
    try:
        whole.again(tmp_path)
    finally:
        cached.chmod(before)
    assert not any(is_program for path, is_program in modes(tmp_path / "venv").items() if ".dist-info/" in path)


def test_a_wheel_that_has_an_installer_of_its_own_is_taken_without_the_index(
    index: IndexServer, tmp_path: Path
) -> None:
    path = wheel(index.folder, "odd", "1.0", files={"odd.py": "x", "odd-1.0.dist-info/INSTALLER": "odd\n"})
    one = made(index, tmp_path, path)
    assert without_index(one, tmp_path / "away").again(tmp_path / "away") == one.first


@pytest.mark.parametrize("system", [0, 3])
@pytest.mark.parametrize("mode", [0o644, 0o755])
def test_a_program_stays_one_and_nothing_else_becomes_one(
    index: IndexServer, tmp_path: Path, mode: int, system: int
) -> None:
    mode = mode if system == 3 else 0o644
    path = wheel(index.folder, "prog", "1.0", files={"prog/run": BIG})
    with zipfile.ZipFile(path) as archive:
        members = [(info, archive.read(info)) for info in archive.infolist()]
    with zipfile.ZipFile(path, "w") as archive:
        for info, body in members:
            own = mode if info.filename == "prog/run" else 0o644
            info.create_system, info.external_attr = system, (stat.S_IFREG | own) << 16 if system == 3 else 0
            archive.writestr(info, body)
    one = made(index, tmp_path, path)
    first = modes(tmp_path / "first")
    cached = one.cached("prog/run")
    before = cached.stat().st_mode
    cached.chmod(before ^ 0o111)
    try:
        one.again(tmp_path / "again")
    finally:
        cached.chmod(before)
    assert modes(tmp_path / "again/venv") == first
    assert [is_program for name, is_program in first.items() if name.endswith("prog/run")] == [mode == 0o755]


def modes(venv: Path) -> dict[str, bool]:
    """By path: whether a file is a program."""
    return {name: bool(facts.st_mode & 0o100) for name, facts in walk(venv) if stat.S_ISREG(facts.st_mode)}
