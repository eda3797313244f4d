"""A token of a release stands nowhere: on no command line, in nothing that is said, written or kept."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support import canary
from tests.support.fake_index import PROFILES, TOKEN, FakeIndex
from tests.support.releases import built
from tests.support.tool import Tool


@pytest.mark.parametrize("flags", [[], ["--pypirc"]], ids=["environment", "pypirc"])
def test_a_token_is_on_no_command_line_in_no_message_and_in_no_file(
    flags: list[str], tool: Tool, tmp_path: Path
) -> None:
    """After a success and after a failure; with a log, where twine's own words are."""
    project, scratch = tmp_path / "project", tmp_path / "scratch"
    scratch.mkdir()
    built(project / "dist", "1.0.0")
    needles = canary.forms("svc", TOKEN)
    with FakeIndex(PROFILES["pypiserver"]) as index, canary.watched(*needles) as (found, programs):
        environ = {**index.environment(), "TMPDIR": str(scratch), "HOME": str(tmp_path), "XDG_CACHE_HOME": ""}
        command = ["release", "publish", "--no-rehearsal", "--project", str(project), *flags]
        index.statuses = [403]
        refused = tool.run(*command, **environ)
        done = tool.run(*command, "--json", **environ)
    assert (refused.code, done.code) == (2, 0), done.stderr
    assert "upload" in programs
    assert found == []
    log = tmp_path / ".cache" / "venvbuild" / "release" / "vb-demo.log"
    assert f"log: {log}" in refused.stderr
    assert "HTTPError: 403" not in refused.stderr
    assert "Uploading vb_demo-1.0.0-py3-none-any.whl" in log.read_text()
    assert log.stat().st_mode & 0o077 == 0
    said = refused.stdout + refused.stderr + done.stdout + done.stderr
    kept = "".join(path.read_text(errors="replace") for path in tmp_path.rglob("*") if path.is_file())
    assert len(index.posts) == 3
    for needle in needles:
        assert needle not in said
        assert needle not in kept
