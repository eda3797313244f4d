"""What a RECORD may say, by the wheel and by what installers write: nothing else is committed."""

from __future__ import annotations

import re
import shutil
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support import real_pip
from tests.support.index_server import IndexServer, running
from tests.support.remade import AWAY, Made, damaged, locked, made, rows, sha256, warned, with_record, without_index
from tests.support.supplies import here, supply
from tests.support.wheels import unpack, wheel
from venvbuild.environment.empty import EmptyVenv
from venvbuild.environment.expectation import Expectation
from venvbuild.environment.reading import read_all
from venvbuild.environment.venv import create
from venvbuild.installed import distributions_of, promise_of
from venvbuild.package_index import WheelCache, WheelContents

BIG = "".join(f"x{number} = {number}\n" for number in range(400))
SCRIPTS = "[console_scripts]\nodd = odd:f\n"


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Made]:
    """`one`, which has a script, and `two`."""
    with running(tmp_path_factory.mktemp("index")) as index:
        one = wheel(index.folder, "one", "1.0", files={"one/__init__.py": BIG}, scripts={"one": "one:main"})
        other = wheel(index.folder, "two", "1.0", files={"two/__init__.py": BIG})
        yield made(index, tmp_path_factory.mktemp("two"), one, other)


SCRIPT = "#!/bin/sh\necho evil\n"


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("one", "one-1.0.data/data/bin/one"),
        ("two", "two-1.0.data/data/bin/one"),
        ("two", "two-1.0.data/scripts/one"),
        *(("two", f"two-1.0.data/purelib/one-1.0.dist-info/{name}") for name in ("INSTALLER", "REQUESTED", "RECORD")),
        ("two", f"two-1.0.data/data/lib/python{here().version}/site-packages/one-1.0.dist-info/INSTALLER"),
    ],
)
def test_what_installers_write_is_not_another_files_place(two: Made, tmp_path: Path, name: str, path: str) -> None:
    """Of what they write no wheel tells the bytes."""
    record = two.cached(f"{name}-1.0.dist-info/RECORD")
    planted = record.parents[1] / path
    planted.parent.mkdir(parents=True)
    planted.write_text(SCRIPT)
    planted.chmod(0o755)
    try:
        with damaged(record, lambda body: body + rows({path: SCRIPT}).encode()):
            assert two.again(tmp_path) == two.first
    finally:
        shutil.rmtree(record.parents[1] / f"{name}-1.0.data")


@pytest.mark.parametrize("path", ["data/bin/pip3.11", "data/bin/pip-3.11", "scripts/pip3.11", "scripts/pip9"])
def test_what_is_called_as_a_script_of_pips_is_none(index: IndexServer, tmp_path: Path, path: str) -> None:
    version = real_pip.put_into(index.folder, here().version)
    one = made(index, tmp_path, index.folder / f"pip-{version}-py3-none-any.whl")
    name = f"pip-{version}.data/{path}"
    record = one.cached(f"pip-{version}.dist-info/RECORD")
    planted = record.parents[1] / name
    planted.parent.mkdir(parents=True)
    planted.write_text(SCRIPT)
    planted.chmod(0o755)
    with damaged(record, lambda body: body + rows({name: SCRIPT}).encode()):
        assert one.again(tmp_path / "again") == one.first


def test_what_pip_alone_writes_is_not_planted_for_uv(index: IndexServer, tmp_path: Path) -> None:
    one = made(index, tmp_path, wheel(index.folder, "easy", "1.0", scripts={"easy_install": "easy:f"}))
    name = f"easy-1.0.data/data/bin/easy_install-{here().version}"
    record = one.cached("easy-1.0.dist-info/RECORD")
    planted = record.parents[1] / name
    planted.parent.mkdir(parents=True)
    planted.write_text(SCRIPT)
    with damaged(record, lambda body: body + rows({name: SCRIPT}).encode()):
        assert one.again(tmp_path / "again") == one.first


@pytest.mark.parametrize(
    ("asked", "name"), [("pip", "pip3"), ("pip", "pip3.11"), ("pip3.6", "pip3.6"), ("pip3.6", "pip3.11")]
)
@pytest.mark.parametrize("folder", ["data/bin", "scripts"])
def test_what_an_installer_does_not_write_is_not_planted(
    index: IndexServer, tmp_path: Path, asked: str, name: str, folder: str
) -> None:
    one = made(index, tmp_path, wheel(index.folder, "odd", "1.0", files={"odd.py": BIG}, scripts={asked: "odd:f"}))
    path = f"odd-1.0.data/{folder}/{name}"
    record = one.cached("odd-1.0.dist-info/RECORD")
    planted = record.parents[1] / path
    planted.parent.mkdir(parents=True)
    planted.write_text(SCRIPT)
    with damaged(record, lambda body: body + rows({path: SCRIPT}).encode()):
        assert one.again(tmp_path / "again") == one.first


@pytest.mark.parametrize(
    "row",
    [
        "one/,,",
        "evil/,,",
        f"evil/,{promise_of(sha256(b''))},7",
        "../../../bin/,,",
        "one/__init__.py/,,",
        "./one/__init__.py,,",
        "one//__init__.py,,",
        r"one\__init__.py,,",
        "../site-packages/one/__init__.py,,",
        "./one-1.0.dist-info/METADATA,,",
        "./one-1.0.dist-info/RECORD,,",
        "./one-1.0.dist-info/REQUESTED,,",
        "./../../../bin/one,,",
    ],
)
def test_a_row_that_says_nothing_is_no_row_of_the_wheel(two: Made, tmp_path: Path, row: str) -> None:
    with damaged(two.cached("one-1.0.dist-info/RECORD"), lambda body: body + f"{row}\n".encode()):
        assert two.again(tmp_path) == two.first


def other_digest(row: str) -> str:
    return row.replace("sha256=", "sha256=0")


def test_each_row_of_a_record_is_compared(index: IndexServer, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    names = [f"odd-1.0.dist-info/{name}" for name in ("INSTALLER", "RECORD.jws", "RECORD.p7s", "direct_url.json")]
    texts = dict.fromkeys(names, '{"url": "https://example.org/odd.whl", "archive_info": {}}')
    files = {"odd.py": BIG, "odd-1.0.data/scripts/odd": f"#!python\n{BIG}", "odd-1.0.data/scripts/sh": BIG, **texts}
    one = made(index, tmp_path, wheel(index.folder, "odd", "1.0", files=files, scripts={"odd": "odd:f"}))
    assert (one.again(tmp_path), warned(caplog)) == (one.first, [])
    record = one.cached("odd-1.0.dist-info/RECORD")
    changes: list[Callable[[str], str]] = [other_digest, lambda row: row[:-1], lambda row: "", lambda row: row * 2]
    for row in record.read_text().splitlines(keepends=True):
        for change in changes:
            other = record.read_text().replace(row, change(row)).encode()
            with damaged(record, lambda _, other=other: other):  # type: ignore[misc]
                assert one.again(tmp_path) == one.first, (row, change(row))


@pytest.mark.parametrize(
    ("unmet", "path"),
    [
        ("../../../bin/odd,,\n", "odd-1.0.data/data/bin/odd"),
        ("odd-1.0.dist-info/INSTALLER,,\n", "odd-1.0.data/purelib/odd-1.0.dist-info/INSTALLER"),
        ("odd-1.0.dist-info/REQUESTED,,\n", "odd-1.0.data/purelib/odd-1.0.dist-info/REQUESTED"),
    ],
)
def test_a_record_that_names_what_installers_write_lets_nothing_in(
    index: IndexServer, tmp_path: Path, unmet: str, path: str
) -> None:
    odd = wheel(index.folder, "odd", "1.0", files={"odd.py": BIG}, scripts={"odd": "odd:f"})
    one = made(index, tmp_path, with_record(odd, lambda record: record + unmet))
    record = one.cached("odd-1.0.dist-info/RECORD")
    planted = record.parents[1] / path
    planted.parent.mkdir(parents=True)
    planted.write_text(SCRIPT)
    with damaged(record, lambda body: body + rows({path: SCRIPT}).encode()):
        assert one.again(tmp_path) == one.first
    shutil.rmtree(record.parents[1] / "odd-1.0.data")
    with damaged(record, lambda body: body + f"{unmet.split(',')[0]},{TRUE_OF_NOTHING},7\n".encode()):
        assert one.again(tmp_path) == one.first


TRUE_OF_NOTHING = promise_of(sha256(b"nothing"))


@pytest.mark.parametrize(
    ("row", "is_away"),
    [
        ("one-1.0.dist-info/RECORD,,7", False),
        (f"one-1.0.dist-info/RECORD,{TRUE_OF_NOTHING},7", False),
        (f"one-1.0.dist-info/INSTALLER,{TRUE_OF_NOTHING},7", False),
        ("one-1.0.dist-info/REQUESTED,,9", False),
        (f"one-1.0.dist-info/uv_cache.json,{TRUE_OF_NOTHING},1", False),
        (f"one-1.0.dist-info/uv_cache.json,{TRUE_OF_NOTHING},1", True),
        ("../../../.lock,,3", False),
        (f"../../../bin/one,{TRUE_OF_NOTHING},7", False),
        ("one/__init__.py,,", False),
    ],
)
def test_what_a_record_in_the_cache_says_of_what_installers_write_has_to_be_so(
    two: Made, tmp_path: Path, row: str, is_away: bool, caplog: pytest.LogCaptureFixture
) -> None:
    with damaged(two.cached("one-1.0.dist-info/RECORD"), lambda body: body + f"{row}\n".encode()):
        assert (without_index(two, tmp_path) if is_away else two).again(tmp_path) == two.first
    assert any("prune --package one" in line for line in warned(caplog))


def without_row(name: str) -> Callable[[str], str]:
    return lambda record: re.sub(rf"(?m)^{re.escape(name)},.*\n", "", record)


def with_rows(*rows: str) -> Callable[[str], str]:
    return lambda record: "".join(f"{row}\n" for row in rows) + record


ODD_RECORDS: dict[str, tuple[dict[str, str], Callable[[str], str]]] = {
    "a file that it does not name": ({}, without_row("odd/__init__.py")),
    "a header that it does not name": ({"odd-1.0.data/headers/odd.h": "x"}, without_row("odd-1.0.data/headers/odd.h")),
    "METADATA that it does not name": ({}, without_row("odd-1.0.dist-info/METADATA")),
    "INSTALLER of the wheel, which it does not name": (
        {"odd-1.0.dist-info/INSTALLER": "conda"},
        without_row("odd-1.0.dist-info/INSTALLER"),
    ),
    "INSTALLER of the wheel": ({"odd-1.0.dist-info/INSTALLER": "conda"}, with_rows()),
    "a script for both kinds of entry points": (
        {"odd-1.0.dist-info/entry_points.txt": f"{SCRIPTS}[gui_scripts]\nodd = odd:f\n"},
        with_rows(),
    ),
    "one script for two entry points": (
        {"odd-1.0.dist-info/entry_points.txt": f"{SCRIPTS}[gui_scripts]\nodd = odd:g\n"},
        with_rows(),
    ),
    "what installers write, which it has not": (
        {},
        with_rows(
            "odd-1.0.dist-info/INSTALLER,,", f"odd-1.0.dist-info/REQUESTED,{TRUE_OF_NOTHING},7", "../../../bin/odd,,"
        ),
    ),
    "pip3 without pip": (
        {"odd-1.0.dist-info/entry_points.txt": f"{SCRIPTS}pip3 = odd:f\npip3.11 = odd:f\neasy_install = odd:f\n"},
        with_rows(),
    ),
    "pip3 alone": ({"odd-1.0.dist-info/entry_points.txt": "[console_scripts]\npip3 = odd:f\n"}, with_rows()),
    "pip of an old Python": (
        {"odd-1.0.dist-info/entry_points.txt": f"{SCRIPTS}pip = odd:f\npip2 = odd:f\npip2.7 = odd:f\n"},
        with_rows(),
    ),
    "pip with a window": (
        {"odd-1.0.dist-info/entry_points.txt": f"{SCRIPTS}[gui_scripts]\npip = odd:f\npip3.6 = odd:f\n"},
        with_rows(),
    ),
    "a script of its own for the pip of another Python": (
        {
            "odd-1.0.data/scripts/pip3.6": "#!python\n",
            "odd-1.0.dist-info/entry_points.txt": "[console_scripts]\npip3.6 = odd:f\n",
        },
        with_rows(),
    ),
    "a script where .data has a file": ({"odd-1.0.data/data/bin/odd": "#!/bin/sh\n"}, with_rows()),
    "a script of its own for its entry point": ({"odd-1.0.data/scripts/odd": "#!python\n"}, with_rows()),
    "a file with a digest and without": ({}, with_rows("odd/__init__.py,,")),
    "itself with a digest": ({}, lambda record: record.replace("RECORD,,", f"RECORD,{TRUE_OF_NOTHING},7")),
}


TOLD_WITHOUT_WHEEL = (
    "INSTALLER of the wheel",
    "itself with a digest",
    "a script for both kinds of entry points",
    "one script for two entry points",
    "a script of its own for its entry point",
    "pip3 without pip",
    "pip3 alone",
    "pip of an old Python",
    "pip with a window",
)


@pytest.mark.parametrize("kind", ODD_RECORDS)
@pytest.mark.parametrize("with_pip", [False, True], ids=["uv", "pip"])
def test_a_record_that_is_odd_in_the_wheel_is_taken_as_it_is(
    index: IndexServer, tmp_path: Path, kind: str, with_pip: bool, caplog: pytest.LogCaptureFixture
) -> None:
    files, change = ODD_RECORDS[kind]
    scripts = {} if "odd-1.0.dist-info/entry_points.txt" in files else {"odd": "odd:f"}
    path = with_record(
        wheel(index.folder, "odd", "1.0", files={"odd/__init__.py": BIG, **files}, scripts=scripts), change
    )
    pip = index.folder / f"pip-{real_pip.put_into(index.folder, here().version)}-py3-none-any.whl"
    closure, source = locked(path, *([pip] if with_pip else [])), supply(index, tmp_path / "scratch")
    create(closure, source, tmp_path / "venv", with_pip=with_pip)
    assert warned(caplog) == []
    if not with_pip:  # which asks the index
        create(closure, replace(source, index=AWAY), tmp_path / "known")
        assert warned(caplog) == []
    if not with_pip and kind in TOLD_WITHOUT_WHEEL:
        create(closure, replace(source, index=AWAY, wheel_cache=WheelCache(tmp_path / "none")), tmp_path / "unknown")
        assert [line for line in warned(caplog) if "could not be asked" not in line] == []


@pytest.mark.parametrize("with_pip", [False, True], ids=["uv", "pip"])
@pytest.mark.parametrize("promise", ["", "sha256=wrong"])
def test_a_record_that_has_paths_with_backslashes_is_no_damage(
    index: IndexServer, tmp_path: Path, with_pip: bool, promise: str, caplog: pytest.LogCaptureFixture
) -> None:
    def spelled(record: str) -> str:
        said = promise or f"{promise_of(sha256(b'x'))}"
        return re.sub(r"(?m)^odd/__init__\.py,[^,]*", rf"odd\\\\__init__.py,{said}", record)

    path = with_record(wheel(index.folder, "odd", "1.0", files={"odd/__init__.py": "x"}), spelled)
    pip = index.folder / f"pip-{real_pip.put_into(index.folder, here().version)}-py3-none-any.whl"
    closure, source = locked(path, *([pip] if with_pip else [])), supply(index, tmp_path / "scratch")
    create(closure, source, tmp_path / "venv", with_pip=with_pip)
    assert warned(caplog) == []


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda record: record * 2, id="each row twice"),
        pytest.param(lambda record: re.sub("(?m)^", "./", record[:-1]) + "\n", id="dots"),
        pytest.param(lambda record: record + re.sub("(?m)^", "./", record[:-1]) + "\n", id="with dots too"),
        pytest.param(lambda record: record.replace("/", "\\"), id="backslashes"),
        pytest.param(lambda record: re.sub(r",(\d+)$", r",00\1", record, flags=re.M), id="sizes"),
    ],
)
def test_pip_takes_over_each_row_as_it_is(
    index: IndexServer, tmp_path: Path, change: Callable[[str], str], caplog: pytest.LogCaptureFixture
) -> None:
    scripts = {"odd-1.0.data/scripts/own": "#!python\n", "odd-1.0.data/scripts/sh": "#!/bin/sh\n"}
    files = {"odd/__init__.py": BIG, "odd-1.0.data/data/share/odd": "x", **scripts}
    path = with_record(wheel(index.folder, "odd", "1.0", files=files, scripts={"odd": "odd:f"}), change)
    pip = index.folder / f"pip-{real_pip.put_into(index.folder, here().version)}-py3-none-any.whl"
    create(locked(path, pip), supply(index, tmp_path / "scratch"), tmp_path / "venv", with_pip=True)
    assert warned(caplog) == []


@pytest.mark.parametrize("rows", ["odd/,,\n", "gone.py,sha256=x,1\n", "../../../bin/gone,,\n"])
def test_a_record_that_is_odd_is_no_damage(
    index: IndexServer, tmp_path: Path, rows: str, caplog: pytest.LogCaptureFixture
) -> None:
    path = wheel(index.folder, "odd", "1.0", files={"odd/__init__.py": "x"})
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w") as archive:
        for name, body in members.items():
            archive.writestr(name, body + rows.encode() if name.endswith("RECORD") else body)
    one = made(index, tmp_path, path)
    assert (one.again(tmp_path), warned(caplog)) == (one.first, [])


def test_pip_writes_a_row_for_each_spelling_of_a_path(tmp_path: Path) -> None:
    site = tmp_path / "lib/python3.11/site-packages"
    path = wheel(tmp_path / "wheels", "whole", "1.0", files={"whole.py": "x"})
    unpack(path, site)
    record = site / "whole-1.0.dist-info/RECORD"
    record.with_name("INSTALLER").write_text("pip\n")
    record.write_text(
        record.read_text().replace("whole.py,", "./whole.py,") + "whole.py,,\nwhole-1.0.dist-info/INSTALLER,,\n"
    )
    wheels = {"whole": WheelContents.read(path)}
    shutil.rmtree(tmp_path / "wheels")
    found = Expectation.of(distributions_of(tmp_path, "3.11"), wheels, "3.11")
    assert found.compared_with(tmp_path, read_all(tmp_path, EmptyVenv({}))).differences == []
