"""Wheels built from source: which, of what, and with what at hand; with no package index but the local one."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.index_server import PASSWORD, IndexServer
from tests.support.supplies import own_pip, pinned, supply
from tests.support.wheels import sdist, wheel
from venvbuild.environment import closure, create, sdists
from venvbuild.environment.package_source import PackageSource
from venvbuild.errors import IndexUnavailable, IntegrityError, ResolutionError, UsageError, VenvBuildError

TELLS = '[build-system]\nrequires = %s\nbuild-backend = "backend"\nbackend-path = ["."]\n'


def build(index: IndexServer, folder: Path, pin: str = "sourced==1.0", mode: str = "ok") -> PackageSource:
    """Build `sourced`, as far as it has to be."""
    return sdists.build_sdists(pinned(pin), supply(index, folder / "work", mode=mode, sdists=["sourced"]))


def the_error(index: IndexServer, folder: Path) -> ResolutionError:
    with pytest.raises(ResolutionError) as caught:
        build(index, folder)
    return caught.value


def digest(file: Path) -> str:
    return "sha256:" + hashlib.sha256(file.read_bytes()).hexdigest()


def failing(index: IndexServer, requires: str, says: str = "'oh no'") -> Path:
    """An sdist whose build fails with these words; what it is built with is `requires`, as TOML."""
    backend = f"import os\n\ndef build_wheel(*_, **__):\n    raise SystemExit({says})\n"
    return sdist(index.folder, "sourced", "1.0", pyproject=TELLS % requires, files={"backend.py": backend})


def test_what_is_allowed_and_has_no_wheel_is_built(index: IndexServer, tmp_path: Path) -> None:
    source = sdist(index.folder, "sourced", "1.0")
    made = build(index, tmp_path)
    (folder,) = made.wheels
    (file,) = folder.glob("*.whl")
    assert file.name == "sourced-1.0-py3-none-any.whl"
    assert made.built == {"sourced": digest(file)}
    assert [(one.filename, f"sha256:{one.sha256}") for one in made.sources.values()] == [(source.name, digest(source))]


def test_of_a_build_only_its_wheel_stays(index: IndexServer, tmp_path: Path) -> None:
    sdist(index.folder, "sourced", "1.0")
    build(index, tmp_path)
    # what the index told is of the supply of these tests
    assert {path.name for path in (tmp_path / "work").iterdir()} - {"release-cache"} == {"wheels"}


def test_what_has_a_wheel_for_this_platform_is_not_built(index: IndexServer, tmp_path: Path) -> None:
    sdist(index.folder, "sourced", "1.0", setup_py="raise SystemExit('run')")
    wheel(index.folder, "sourced", "1.0")
    assert build(index, tmp_path).built == {}
    assert not [path for path, _ in index.requests if "/files/" in path]


@pytest.mark.parametrize("pin", ["sourced==7.0", "sourced==1.1"], ids=["newer", "older"])
def test_a_version_that_is_not_there_is_left_to_the_resolution(index: IndexServer, tmp_path: Path, pin: str) -> None:
    sdist(index.folder, "sourced", "2.0")
    assert build(index, tmp_path, pin).built == {}


def test_wheels_of_an_earlier_run_are_gone(index: IndexServer, tmp_path: Path) -> None:
    wheel(tmp_path / "work" / "wheels", "left", "1.0")
    wheel(index.folder, "sourced", "1.0")
    assert list(build(index, tmp_path).wheels[0].iterdir()) == []


def test_an_sdist_without_a_hash_of_the_file_is_not_built(index: IndexServer, tmp_path: Path) -> None:
    sdist(index.folder, "sourced", "1.0")
    with pytest.raises(IntegrityError, match=r"sourced-1\.0\.tar\.gz has none of the hashes given") as caught:
        build(index, tmp_path, "sourced==1.0 --hash=sha256:" + "0" * 64)
    assert (caught.value.problems[0].where, caught.value.problems[0].rule) == ("pins.txt:1", "WRONG_BYTES")


def test_an_sdist_with_a_hash_of_the_file_is_built(index: IndexServer, tmp_path: Path) -> None:
    made = sdist(index.folder, "sourced", "1.0")
    assert list(build(index, tmp_path, f"sourced==1.0 --hash={digest(made)}").built) == ["sourced"]


def test_where_the_file_has_the_hash_of_the_sdist_alone_that_is_installed(index: IndexServer, tmp_path: Path) -> None:
    source = sdist(index.folder, "sourced", "1.0")
    other = wheel(index.folder, "sourced", "1.0", files={"sourced.py": "x = 'of the index'\n"})
    pin = f"sourced==1.0 --hash={digest(source)}"
    given = build(index, tmp_path, pin)
    pip = index.folder / f"{own_pip().replace('==', '-')}-py3-none-any.whl"
    locked = closure.lock(pinned(pin, f"{own_pip()} --hash={digest(pip)}"), given, fail_on_conflicts=True, locked=False)
    create(locked, given, tmp_path / "venv")
    [module] = (tmp_path / "venv").glob("lib/python*/site-packages/sourced.py")
    assert "of the index" not in module.read_text()
    assert build(index, tmp_path, f"{pin} --hash={digest(other)}").built == {}


@pytest.mark.parametrize(
    ("mode", "kind", "said"),
    [
        pytest.param("wrong", IntegrityError, "other bytes than promised", id="bytes"),
        pytest.param("file-404", ResolutionError, "listed by the index but is not there", id="gone"),
        pytest.param("file-503", IndexUnavailable, "HTTP 503", id="away"),
        pytest.param("auth", UsageError, "refuses access", id="refused"),
    ],
)
def test_an_sdist_that_cannot_be_had_runs_nothing(
    index: IndexServer, tmp_path: Path, mode: str, kind: type[VenvBuildError], said: str
) -> None:
    sdist(index.folder, "sourced", "1.0")
    with pytest.raises(kind, match=said):
        build(index, tmp_path, mode=mode)
    # what the index told is of the supply of these tests
    assert {path.name for path in (tmp_path / "work").iterdir()} - {"release-cache"} == {"wheels"}


def test_a_build_that_fails_is_told_in_its_own_words(index: IndexServer, tmp_path: Path) -> None:
    failing(index, "[]")
    error = the_error(index, tmp_path)
    (problem,) = error.problems
    assert (problem.what, problem.where) == ("sourced-1.0.tar.gz cannot be built", "pins.txt:1")
    assert problem.why.startswith("oh no; it ended: ")
    assert (error.exit_code, problem.rule) == (4, "NO_WHEEL")
    assert problem.fix == "remove the line and --allow-sdist sourced, if nothing that you run imports it"


def test_a_build_that_fails_names_the_versions_that_need_none(index: IndexServer, tmp_path: Path) -> None:
    failing(index, "[]")
    wheel(index.folder, "sourced", "0.9")
    assert the_error(index, tmp_path).problems[0].fix == (
        "you decide: write sourced==0.9, the nearest with a wheel; or remove the line and --allow-sdist sourced, if "
        "nothing that you run imports it"
    )


def test_a_build_that_finds_no_header_is_told_which(index: IndexServer, tmp_path: Path) -> None:
    failing(index, "[]", says="'lib.c:1:10: fatal error: sql.h: No such file or directory'")
    (problem,) = the_error(index, tmp_path).problems
    assert problem.why.startswith("lib.c:1:10: fatal error: sql.h: No such file or directory; it ended: ")
    assert problem.fix.startswith("you decide: install what its build needs on this machine: sql.h; or remove the line")


def test_a_build_that_fails_of_what_another_pin_needs_is_not_to_be_removed(index: IndexServer, tmp_path: Path) -> None:
    failing(index, "[]")
    wheel(index.folder, "needy", "1.0", requires=["sourced"])
    given = supply(index, tmp_path / "work", sdists=["sourced"])
    with pytest.raises(ResolutionError) as caught:
        sdists.build_sdists(pinned("sourced==1.0", "needy==1.0"), given)
    assert caught.value.problems[0].fix == "choose another version of needy 1.0, which may not need it"


def test_every_build_that_fails_is_told_in_one_run(index: IndexServer, tmp_path: Path) -> None:
    backend = "def build_wheel(*_, **__):\n    raise SystemExit('oh no')\n"
    for name in ("one", "two"):
        sdist(index.folder, name, "1.0", pyproject=TELLS % "[]", files={"backend.py": backend})
    sdist(index.folder, "sourced", "1.0")
    given = supply(index, tmp_path / "work", sdists=["one", "sourced", "two"])
    with pytest.raises(ResolutionError) as caught:
        sdists.build_sdists(pinned("one==1.0", "sourced==1.0", "two==1.0"), given)
    assert [one.what for one in caught.value.problems] == [
        "one-1.0.tar.gz cannot be built", "two-1.0.tar.gz cannot be built",
    ]  # fmt: skip


def test_a_build_that_fails_of_what_only_windows_has_wheels_of_names_the_marker(
    index: IndexServer, tmp_path: Path
) -> None:
    failing(index, "[]")
    wheel(index.folder, "sourced", "1.0", tag="cp311-cp311-win_amd64")
    assert (
        the_error(index, tmp_path)
        .problems[0]
        .fix.startswith("you decide: if only Windows needs it, write sourced==1.0 ; sys_platform == 'win32'; or ")
    )


def test_the_warnings_of_a_build_are_its_own(
    index: IndexServer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    failing(index, "[]")
    given = supply(index, tmp_path / "work", sdists=["sourced"])
    heard = list[str]()
    given = replace(given, installer=replace(given.installer, on_line=heard.append))
    with pytest.raises(ResolutionError, match="oh no"):
        sdists.build_sdists(pinned("sourced==1.0"), given)
    assert not [line for line in heard if "oh no" in line]


def test_the_code_of_an_sdist_has_no_credential_at_hand(
    index: IndexServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", PASSWORD)
    failing(
        index, "[]", says="'env: ' + ' '.join(sorted(os.environ)) + ' home: ' + str(os.listdir(os.environ['HOME']))"
    )
    given = supply(index, tmp_path / "work", mode="auth", sdists=["sourced"])
    given = replace(
        given,
        index=type(given.index)(index.url_with_credentials),
        installer=replace(given.installer, index_url=index.url_with_credentials),
    )
    with pytest.raises(ResolutionError) as caught:
        sdists.build_sdists(pinned("sourced==1.0"), given)
    why = caught.value.problems[0].why
    assert "env: " in why
    assert "AWS" not in why
    assert "UV_DEFAULT_INDEX" not in why
    assert "home: ['uv-cache']" in why


def test_what_an_sdist_is_built_with_comes_from_the_index(index: IndexServer, tmp_path: Path) -> None:
    wheel(index.folder, "helper", "1.0", files={"helper.py": "words = 'helped'\n"})
    failing(index, '["helper==1.0"]', says="__import__('helper').words")
    assert "helped" in the_error(index, tmp_path).problems[0].why


@pytest.mark.parametrize(
    "line",
    [
        pytest.param("--index-url https://evil/simple", id="option"),
        pytest.param("helper @ https://evil/helper.whl", id="URL"),
        pytest.param("-r /etc/passwd", id="file"),
        pytest.param("helper\n--index-url=https://evil", id="two lines"),
    ],
)
def test_what_an_sdist_is_built_with_steers_no_installer(index: IndexServer, tmp_path: Path, line: str) -> None:
    failing(index, json.dumps([line]))
    (problem,) = the_error(index, tmp_path).problems
    assert problem.what == f"sourced-1.0.tar.gz wants to be built with {line!a}, which is no plain requirement"
    assert problem.where == "pyproject.toml: [build-system] requires"


@pytest.mark.parametrize(
    "pyproject",
    [
        pytest.param(None, id="none"),
        pytest.param("[tool.x]\n", id="no build system"),
        pytest.param("[build-system]\nrequires = 7\n", id="no list"),
        pytest.param("not = [toml", id="unreadable"),
    ],
)
def test_an_sdist_that_does_not_say_is_built_the_old_way(
    index: IndexServer, tmp_path: Path, pyproject: str | None
) -> None:
    """With setuptools, which this index does not have."""
    sdist(index.folder, "sourced", "1.0", setup_py="", pyproject=pyproject)
    (problem,) = the_error(index, tmp_path).problems
    assert problem.what == "sourced-1.0.tar.gz cannot be built"
    assert "setuptools" in problem.why
