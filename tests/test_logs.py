"""Where messages go: warnings to stderr, everything to the log, in order, and no secret anywhere."""

from __future__ import annotations

import logging
import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.logged import listening
from venvbuild import logs
from venvbuild.process import run
from venvbuild.redaction import Redactor

LOG = logging.getLogger("venvbuild.test_logs")
SECRET = "correct-horse-battery-9"


@pytest.fixture(autouse=True)
def _configured(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    redactor = Redactor()
    redactor.hide(SECRET)
    monkeypatch.setattr("venvbuild.logs.REDACTOR", redactor)
    raises = logging.raiseExceptions
    with listening():
        logs.configure()
        yield
    logging.raiseExceptions = raises


def texts(path: Path) -> list[str]:
    """Level and text of each line."""
    lines = path.read_text("utf-8").splitlines()
    assert all(re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ [A-Z]+ ", line) for line in lines), lines
    return [line.partition(" ")[2] for line in lines]


def test_only_warnings_and_worse_go_to_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    LOG.debug("small")
    LOG.info("said")
    LOG.warning("odd")
    LOG.error("bad")
    assert capsys.readouterr().err == "WARNING: odd\nERROR: bad\n"


def test_the_file_has_what_was_said_before_there_was_one(tmp_path: Path) -> None:
    LOG.debug("early")
    logs.follow(tmp_path / "build.log")
    LOG.info("late")
    assert texts(tmp_path / "build.log") == ["DEBUG early", "INFO late"]


def test_a_second_file_gets_only_what_comes_then(tmp_path: Path) -> None:
    logs.follow(tmp_path / "one.log")
    LOG.info("one")
    logs.follow(tmp_path / "two.log")
    LOG.info("two")
    assert (texts(tmp_path / "one.log"), texts(tmp_path / "two.log")) == (["INFO one"], ["INFO two"])


def test_a_file_is_gone_on_with(tmp_path: Path) -> None:
    (tmp_path / "build.log").write_text("2026-01-01T00:00:00Z INFO before\n")
    logs.follow(tmp_path / "build.log")
    LOG.info("after")
    assert texts(tmp_path / "build.log") == ["INFO before", "INFO after"]


def test_no_secret_is_written_before_or_after_there_is_a_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    LOG.warning("early %s", SECRET)
    logs.follow(tmp_path / "build.log")
    LOG.warning("late %s", SECRET)
    assert texts(tmp_path / "build.log") == ["WARNING early ****", "WARNING late ****"]
    assert capsys.readouterr().err == "WARNING: early ****\nWARNING: late ****\n"


def test_no_secret_is_in_a_traceback(tmp_path: Path) -> None:
    logs.follow(tmp_path / "build.log")
    try:
        raise ValueError(SECRET)
    except ValueError:
        LOG.exception("failed")
    assert "ValueError: ****" in (tmp_path / "build.log").read_text()


def test_a_name_that_is_no_text_is_written_all_the_same(tmp_path: Path) -> None:
    script = (
        "import logging, sys\nfrom pathlib import Path\nfrom venvbuild import logs\nlogs.configure()\n"
        "logs.follow(Path(sys.argv[1]))\nlogging.getLogger('venvbuild.x').info('caf\\udce9')\n"
    )  # a process of its own: pytest's workers cannot hand such a text over
    run([sys.executable, "-c", script, tmp_path / "build.log"], env=dict(os.environ), timeout_s=60)
    assert texts(tmp_path / "build.log") == [r"INFO caf\udce9"]


def test_the_file_that_is_followed_is_told(tmp_path: Path) -> None:
    assert logs.followed() is None
    logs.follow(tmp_path / "build.log")
    assert logs.followed() == tmp_path / "build.log"


def test_other_libraries_are_not_in_it(tmp_path: Path) -> None:
    logs.follow(tmp_path / "build.log")
    logging.getLogger("botocore").error("theirs")
    assert texts(tmp_path / "build.log") == []


def test_what_others_wrote_moves_no_cursor_and_forges_no_record(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    logs.follow(tmp_path / "build.log")
    LOG.warning("%s\n%s", "z.pth: \x1b[31mred\x1b]0;title\x07 \u202etxt.exe \x9b1\rA", "2026-01-01T00:00:00Z INFO 日本")
    said = r"z.pth: \x1b[31mred\x1b]0;title\x07 \u202etxt.exe \x9b1\rA" "\n    2026-01-01T00:00:00Z INFO 日本\n"
    assert capsys.readouterr().err == f"WARNING: {said}"
    assert (tmp_path / "build.log").read_text("utf-8").partition(" ")[2] == f"WARNING {said}"


def test_what_other_libraries_warn_of_is_harmless_too(capsys: pytest.CaptureFixture[str]) -> None:
    assert logging.lastResort
    logging.lastResort.handle(logging.LogRecord("theirs", logging.WARNING, "", 0, "\x1b[2J %s", (SECRET,), None))
    assert capsys.readouterr().err == "WARNING: \\x1b[2J ****\n"


def test_to_start_anew_closes_the_file_of_before(tmp_path: Path) -> None:
    logs.configure()
    logs.follow(tmp_path / "build.log")
    [file] = [one for one in logging.getLogger("venvbuild").handlers if isinstance(one, logging.FileHandler)]
    logs.configure()
    assert file.stream is None
    assert logs.followed() is None
