"""A .pypirc for one upload: nobody else's, and gone at its end; the user's own is not touched."""

from __future__ import annotations

import configparser
import os
import signal
import stat
import subprocess
import threading
import time
from pathlib import Path

import pytest

from tests.support.fake_index import PROFILES, FakeIndex
from tests.support.releases import built, publisher
from tests.support.tool import Tool
from venvbuild.errors import UsageError
from venvbuild.release import pypirc
from venvbuild.release.backends import Credentials

OWN = "[distutils]\nindex-servers =\n    mine\n\n[mine]\nrepository = https://mine/\npassword = own-Canary\n"


def credentials(token: str) -> Credentials:
    return Credentials("ci", token, "DEVPI_TOKEN", "DEVPI_USER")


@pytest.mark.parametrize("token", ["plain-Canary-1", "100%s%(x)s#;=:[a] Canary", '"quoted" Canary'])
def test_configure_pypirc_creates_valid_config(token: str, monkeypatch: pytest.MonkeyPatch) -> None:
    modes = list[int]()
    real = os.open

    def seen(path: str, flags: int, mode: int = 0o777, **more: int) -> int:
        made = real(path, flags, mode, **more)
        if str(path).endswith(".pypirc"):
            modes.append(stat.S_IMODE(os.fstat(made).st_mode))
        return made

    monkeypatch.setattr(os, "open", seen)
    before = os.umask(0)
    try:
        with pypirc.written("https://h/team/prod/", credentials(token)) as path:
            # What twine reads it with (twine/utils.py).
            read = configparser.RawConfigParser()
            read.read(path)
            assert dict(read[pypirc.SERVER]) == {
                "repository": "https://h/team/prod/",
                "username": "ci",
                "password": token,
            }
            assert read["distutils"]["index-servers"].split() == [pypirc.SERVER]
            assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    finally:
        os.umask(before)
    assert modes == [0o600]
    assert not path.parent.exists()


@pytest.mark.parametrize("token", ["a\npassword = b", "a\rb", " a"])
def test_what_would_be_read_as_something_else_is_refused(token: str) -> None:
    with pytest.raises(UsageError, match="leave out --pypirc"), pypirc.written("https://h/", credentials(token)):
        pass


def own(home: Path) -> tuple[bytes, int]:
    """The user's file, its bytes and mode."""
    path = home / ".pypirc"
    if not path.exists():
        path.write_text(OWN)
        path.chmod(0o640)
    return path.read_bytes(), stat.S_IMODE(path.stat().st_mode)


def test_pypirc_backup_and_restore(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tool: Tool) -> None:
    """The user's file has the same bytes and mode after a success, a failure, a missing token and SIGTERM; and none of
    ours is left. There is no backup: it is never opened.
    """
    home, scratch, project = tmp_path / "home", tmp_path / "tmp", tmp_path / "project"
    for folder in (home, scratch, project):
        folder.mkdir()
    monkeypatch.setenv("HOME", str(home))
    before = own(home)
    manifest = built(project / "dist", "1.0.0")
    with FakeIndex(PROFILES["pypiserver"]) as index:
        publisher(index.environment(), with_pypirc=True).publish(manifest, project / "dist")
        assert own(home) == before
    with FakeIndex(PROFILES["pypiserver"]) as index:
        index.statuses = [403] * 3
        with pytest.raises(UsageError):
            publisher(index.environment(), with_pypirc=True).publish(manifest, project / "dist")
        assert own(home) == before
    with FakeIndex(PROFILES["pypiserver"]) as index:
        environ = {**index.environment(), "HOME": str(home), "TMPDIR": str(scratch)}
        command = ["release", "publish", "--project", str(project), "--pypirc", "--no-rehearsal"]
        ended = tool.run(*command, **{**environ, "PYPISERVER_TOKEN": ""})
        assert (ended.code, own(home)) == (2, before)
        assert "PYPISERVER_TOKEN" in ended.stderr
        assert index.posts == []
        index.hangs = threading.Event()
        with tool.start(*command, **environ) as running:
            _wait_until(lambda: bool(index.posts), running)
            ours = list(scratch.rglob(".pypirc"))
            assert [stat.S_IMODE(path.stat().st_mode) for path in ours] == [0o600]
            running.send_signal(signal.SIGTERM)
            assert running.wait(60) == 143
        assert own(home) == before
        assert list(scratch.rglob(".pypirc")) == []


def _wait_until(is_so: object, running: subprocess.Popen[str]) -> None:
    assert callable(is_so)
    deadline = time.monotonic() + 120
    while not is_so():
        assert running.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.05)
