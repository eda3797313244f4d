"""How uv and pip are called: what they are told, what of our environment they see, and whose fault a failure is."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import uv

from tests.support.index_server import PASSWORD, IndexServer
from tests.support.supplies import here, uv_cache
from tests.support.wheels import wheel
from venvbuild.builds import read_lock
from venvbuild.environment.closure import Closure, LockedDistribution
from venvbuild.environment.installer import Installer
from venvbuild.errors import IndexUnavailable, StoreUnavailable, UsageError
from venvbuild.process import CommandFailed

INDEX = f"https://ci:{PASSWORD}@host/simple"
MORE = f"https://ci:{PASSWORD}@more/simple"
LINKS = f"https://ci:{PASSWORD}@links/"


@pytest.fixture
def recorder(tmp_path: Path) -> Path:
    """A program that writes down how it is called; it takes uv's place, and that of a venv's Python."""
    program = tmp_path / "place" / "bin" / "python"
    program.parent.mkdir(parents=True)
    program.write_text(
        f"#!{here().path}\nimport json, os, sys\n"
        f"json.dump([sys.argv[1:], dict(os.environ)], open({str(tmp_path / 'call.json')!r}, 'w'))\n"
    )
    program.chmod(0o755)
    return program


@pytest.fixture
def call(tmp_path: Path) -> Callable[[], tuple[list[str], dict[str, str]]]:
    """How the recorder was called last: its arguments and its environment."""
    return lambda: tuple(json.loads((tmp_path / "call.json").read_text()))


Call = Callable[[], tuple[list[str], dict[str, str]]]


@pytest.fixture
def talking(recorder: Path) -> Installer:
    """An installer whose uv is the recorder, with secrets wherever there can be some."""
    return Installer(recorder, INDEX, (MORE,), (LINKS, "/wheels, of mine"), Path("/ca.pem"))


def locked(file: Path, *distributions: tuple[str, str, str]) -> Path:
    """A lock of these names, versions and hashes."""
    entries = tuple(LockedDistribution(name, version, (digest,)) for name, version, digest in distributions)
    file.write_text(Closure(entries, (), is_forced=False).text())
    return file


def compiled(index: IndexServer, folder: Path, *lines: str, **more: Any) -> list[tuple[str, str, tuple[str, ...]]]:
    """What uv resolves these lines to."""
    (folder / "wanted.in").write_text("".join(f"{line}\n" for line in lines))
    real(index.url()).compile(folder / "wanted.in", folder / "lock.txt", here(), **more)
    return read_lock((folder / "lock.txt").read_text())


def real(url: str = "http://127.0.0.1:1/simple", **more: Any) -> Installer:
    return Installer(Path(uv.find_uv_bin()), url, inherited={"UV_CACHE_DIR": str(uv_cache())}, **more)


# --- what they see


def test_uv_gets_credentials_in_the_environment_and_not_in_its_arguments(
    talking: Installer, tmp_path: Path, call: Call
) -> None:
    talking.compile(tmp_path / "in", tmp_path / "out", here())
    arguments, environment = call()
    assert PASSWORD not in " ".join(arguments)
    assert (environment["UV_DEFAULT_INDEX"], environment["UV_INDEX"]) == (INDEX, MORE)
    assert environment["UV_FIND_LINKS"] == LINKS
    assert environment["SSL_CERT_FILE"] == "/ca.pem"


def test_uv_sees_of_the_users_settings_only_how_to_reach_an_index(
    talking: Installer, tmp_path: Path, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = {"UV_CACHE_DIR": "/c", "NETRC": "/n", "UV_EXTRA_INDEX_URL": "x", "UV_HTTP_TIMEOUT": "", "MY_TOKEN": "y"}
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    replace(talking, inherited=Installer.variables_of(os.environ)).install(tmp_path / "lock", tmp_path)
    seen = {name: value for name, value in call()[1].items() if name in given}
    assert seen == {"UV_CACHE_DIR": "/c", "NETRC": "/n"}


def test_uv_is_not_told_of_indexes_that_there_are_not(recorder: Path, tmp_path: Path, call: Call) -> None:
    Installer(recorder, INDEX).make_venv(here(), tmp_path)
    assert not {"UV_INDEX", "UV_FIND_LINKS"} & set(call()[1])


def test_uv_reads_no_configuration_and_fetches_no_python(talking: Installer, tmp_path: Path, call: Call) -> None:
    talking.install(tmp_path / "lock", tmp_path)
    assert {"--no-config", "--no-python-downloads", "--require-hashes", "--no-build", "--no-deps"} <= set(call()[0])


def test_a_folder_of_wheels_is_named_so_that_no_comma_splits_it(talking: Installer, tmp_path: Path, call: Call) -> None:
    talking.install(tmp_path / "lock", tmp_path, find_links=[tmp_path])
    arguments, _ = call()
    named = [arguments[place + 1] for place, word in enumerate(arguments) if word == "--find-links"]
    assert named == ["file:///wheels%2C%20of%20mine", tmp_path.as_uri()]


def test_pip_gets_the_same_in_its_own_words(talking: Installer, recorder: Path, tmp_path: Path, call: Call) -> None:
    talking.install_with_pip(tmp_path / "lock", recorder.parents[1])
    arguments, environment = call()
    assert PASSWORD not in " ".join(arguments)
    assert arguments[:5] == ["-m", "pip", "install", "--no-deps", "--only-binary"]
    assert [environment[f"PIP_{name}"] for name in ("INDEX_URL", "EXTRA_INDEX_URL", "FIND_LINKS", "CERT")] == [
        INDEX, MORE, LINKS, "/ca.pem",
    ]  # fmt: skip
    assert environment["PIP_CONFIG_FILE"] == os.devnull


def test_the_code_of_an_sdist_sees_no_credential_and_an_empty_home(
    talking: Installer, tmp_path: Path, call: Call
) -> None:
    inherited = replace(talking, inherited={"NETRC": "/n", "UV_CACHE_DIR": "/c"})
    inherited.build_wheel(tmp_path / "a.tar.gz", tmp_path / "python", tmp_path, tmp_path / "place")
    arguments, environment = call()
    assert PASSWORD not in json.dumps([arguments, environment])
    assert "--offline" in arguments
    assert environment["HOME"] == str(tmp_path / "place")
    assert environment["UV_CACHE_DIR"] == str(tmp_path / "place" / "uv-cache")
    assert "NETRC" not in environment


def test_no_credential_is_in_its_own_words() -> None:
    assert PASSWORD not in repr(Installer(Path("uv"), INDEX, (MORE,), (LINKS,)))


# --- what they do


def test_a_venv_is_relocatable_and_without_what_uv_leaves(tmp_path: Path) -> None:
    real().make_venv(here(), tmp_path / "venv")
    assert "relocatable = true" in (tmp_path / "venv" / "pyvenv.cfg").read_text()
    there = {entry.name for entry in (tmp_path / "venv").iterdir()}
    assert not {".lock", ".gitignore", "CACHEDIR.TAG"} & there


def test_what_is_resolved_are_exact_pins_with_hashes_alone(index: IndexServer, tmp_path: Path) -> None:
    wheel(index.folder, "tiny", "1.0")
    wheel(index.folder, "tiny", "2.0")
    ((name, version, hashes),) = compiled(index, tmp_path, "tiny")
    assert (name, version, len(hashes)) == ("tiny", "2.0", 1)
    assert all(line.startswith(("tiny==", "    --hash=")) for line in (tmp_path / "lock.txt").read_text().splitlines())


def test_an_override_is_stronger_than_what_a_package_needs(index: IndexServer, tmp_path: Path) -> None:
    wheel(index.folder, "needy", "1.0", requires=["other==1.0"])
    for version in ("1.0", "2.0"):
        wheel(index.folder, "other", version)
    (tmp_path / "overrides.txt").write_text("other==2.0\n")
    found = compiled(index, tmp_path, "needy", overrides=tmp_path / "overrides.txt")
    assert [(name, version) for name, version, _ in found] == [("needy", "1.0"), ("other", "2.0")]


def test_a_folder_of_wheels_is_asked_too(index: IndexServer, tmp_path: Path) -> None:
    folder = tmp_path / "a folder, of wheels"
    wheel(folder, "local", "1.0")
    assert compiled(index, tmp_path, "local", find_links=[folder])[0][:2] == ("local", "1.0")


@pytest.mark.parametrize(("noted", "damaged"), [(b"\xa5posix", b"\xa5posiy"), (b"site-packages", b"site-packagds")])
def test_what_uv_noted_of_a_python_is_not_believed_and_is_mended(tmp_path: Path, noted: bytes, damaged: bytes) -> None:
    cache = tmp_path / "cache"
    installer = replace(real(), inherited={"UV_CACHE_DIR": str(cache)})
    installer._uv("venv", "--python", here().path, tmp_path / "first")
    [note] = cache.glob("interpreter-v*/*/*.msgpack")
    whole = note.read_bytes()
    assert noted in whole
    note.write_bytes(whole.replace(noted, damaged))
    for venv in ("one", "two"):
        installer.make_venv(here(), tmp_path / venv)
    assert noted in note.read_bytes()
    installer._uv("venv", "--relocatable", "--python", here().path, tmp_path / "uvs")
    found = [
        {str(path.relative_to(tmp_path / venv)) for path in (tmp_path / venv).rglob("*")} for venv in ("one", "uvs")
    ]
    assert found[0] == found[1] - {".gitignore", ".lock", "CACHEDIR.TAG"}


def test_where_what_uv_noted_cannot_be_mended_a_venv_is_made_all_the_same(index: IndexServer, tmp_path: Path) -> None:
    wheel(index.folder, "tiny", "1.0")
    installer = replace(real(index.url()), inherited={"UV_CACHE_DIR": str(tmp_path / "cache")})
    installer._uv("venv", "--python", here().path, tmp_path / "first")
    [note] = (tmp_path / "cache").glob("interpreter-v*/*/*.msgpack")
    note.unlink()
    note.mkdir()
    (note / "kept").write_text("by another")
    installer.make_venv(here(), tmp_path / "venv")
    compiled(index, tmp_path, "tiny")
    installer.install(tmp_path / "lock.txt", tmp_path / "venv")
    assert (note / "kept").read_text() == "by another"
    assert next((tmp_path / "venv").rglob("tiny.py"))


@pytest.mark.parametrize(("shares", "links"), [(True, 2), (False, 1)], ids=["shared", "kept"])
def test_a_file_is_the_caches_own_only_where_nobody_keeps_it(
    index: IndexServer, tmp_path: Path, shares: bool, links: int
) -> None:
    wheel(index.folder, "tiny", "1.0")
    compiled(index, tmp_path, "tiny")
    cache = {"UV_CACHE_DIR": str(tmp_path / "cache")}  # a file system of its own would forbid the link
    installer = replace(real(index.url(), shares_cache=shares), inherited=cache)
    (tmp_path / "cache").mkdir()
    installer.make_venv(here(), tmp_path / "venv")
    installer.install(tmp_path / "lock.txt", tmp_path / "venv")
    assert next((tmp_path / "venv").rglob("tiny.py")).stat().st_nlink == links


def test_a_file_with_another_hash_than_the_lock_has_is_not_installed(index: IndexServer, tmp_path: Path) -> None:
    wheel(index.folder, "tiny", "1.0")
    lock = locked(tmp_path / "lock.txt", ("tiny", "1.0", "sha256:" + "0" * 64))
    installer = real(index.url())
    installer.make_venv(here(), tmp_path / "venv")
    with pytest.raises(CommandFailed, match=r"(?i)hash mismatch"):
        installer.install(lock, tmp_path / "venv")
    assert not list((tmp_path / "venv").rglob("tiny.py"))


def test_what_uv_says_is_passed_on_line_by_line(tmp_path: Path) -> None:
    said = list[str]()
    with pytest.raises(CommandFailed):
        real(on_line=said.append).compile(tmp_path / "absent.in", tmp_path / "out", here())
    assert any("absent.in" in line for line in said)


# --- whose fault it is


def failed(exit_code: int | None = 1) -> CommandFailed:
    return CommandFailed(["/opt/uv", "pip"], exit_code, "", "")


def test_a_run_that_took_too_long_can_be_given_longer(tmp_path: Path) -> None:
    slow = tmp_path / "uv"
    slow.write_text("#!/bin/sh\nexec sleep 60\n")
    slow.chmod(0o755)
    installer = Installer(slow, INDEX, timeout_s=0.1)
    with pytest.raises(CommandFailed) as caught:
        installer.make_venv(here(), tmp_path / "venv")
    with pytest.raises(
        IndexUnavailable, match="uv took longer than 0 s; fix: try again, or give it longer: --timeout-s"
    ):
        installer.judge_locally(caught.value, tmp_path)


@pytest.mark.parametrize(
    ("inherited", "folder"),
    [
        pytest.param({"UV_CACHE_DIR": "mine"}, "mine", id="UV_CACHE_DIR"),
        pytest.param({"XDG_CACHE_HOME": "xdg"}, "xdg/uv", id="XDG_CACHE_HOME"),
        pytest.param({}, "home/.cache/uv", id="HOME"),
    ],
)
def test_a_cache_that_cannot_be_written_is_not_blamed_on_the_index(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, inherited: dict[str, str], folder: str
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    (tmp_path / folder).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / folder).write_text("a file in the way")
    places = {name: str(tmp_path / place) for name, place in inherited.items()}
    with pytest.raises(UsageError, match="the folder cannot be used: File exists") as caught:
        replace(real(), inherited=places).judge_locally(failed(), tmp_path / "scratch")
    assert caught.value.problems[0].where == str(tmp_path / folder)


def test_a_full_disk_is_not_blamed_on_the_index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda folder: type("Usage", (), {"free": 31_999_999}))
    with pytest.raises(StoreUnavailable, match="the disk is full") as caught:
        real().judge_locally(failed(), tmp_path)
    assert caught.value.problems[0].where == str(tmp_path)


@pytest.mark.parametrize(
    ("said", "what", "where"),
    [
        ("cause: failed to open file `/c/a b`: No space left on device (os error 28)", "no inodes left", "/c/a b"),
        ("failed to create directory `/c/m`: No space left on device (os error 28)", "no inodes left", "/c/m"),
        ("Failed to download `m==1` cause: failed to write `/c/big`: No space left on device", "is full", "/c/big"),
        ("failed to create file `/c/m`: Disk quota exceeded (os error 122)", "the disk is full", "/c/m"),
        ("OSError: [Errno 28] No space left on device: '/c/m.py'", "the disk is full", None),
    ],
)  # fmt: skip
def test_a_disk_that_was_full_until_the_installer_tidied_up_is_told_by_its_words(
    tmp_path: Path, said: str, what: str, where: str | None
) -> None:
    with pytest.raises(StoreUnavailable, match=what) as caught:
        real().judge_locally(CommandFailed(["uv"], 1, "", f"error: it failed\n  {said}"), tmp_path)
    assert caught.value.problems[0].where == (where or str(tmp_path))


def test_where_all_is_well_here_somebody_else_must_be_asked(tmp_path: Path) -> None:
    real().judge_locally(failed(), tmp_path / "made")
    assert list((tmp_path / "made").iterdir()) == []
