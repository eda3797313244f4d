"""Folders that may hold a secret do not outlive their maker by more than the next run."""

from __future__ import annotations

import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from tests.support.scripts import REPOSITORY
from venvbuild.release import scratch

_MAKER = """
import sys, time
from venvbuild.release import scratch
with scratch.made() as folder:
    (folder / ".pypirc").write_text("secret")
    print(folder, flush=True)
    time.sleep(600)
"""


def test_what_a_killed_one_left_goes_with_the_next_and_what_lives_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    (tmp_path / "of-somebody").mkdir()
    (tmp_path / f"{scratch.PREFIX}link").symlink_to(tmp_path / "of-somebody")
    env = {"TMPDIR": str(tmp_path), "PYTHONPATH": str(REPOSITORY)}
    maker = subprocess.Popen([sys.executable, "-c", _MAKER], env=env, stdout=subprocess.PIPE, text=True)
    with maker:
        assert maker.stdout
        left = Path(maker.stdout.readline().strip())
        try:
            with scratch.made() as mine, scratch.made() as other:
                assert (mine.stat().st_mode & 0o777, mine.exists(), other.exists()) == (0o700, True, True)
                assert (left / ".pypirc").exists()
        finally:
            maker.send_signal(signal.SIGKILL)
    assert (left / ".pypirc").exists()
    with scratch.made():
        assert not left.exists()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["of-somebody", f"{scratch.PREFIX}link"]
