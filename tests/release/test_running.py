"""A whole release by one command, on real indexes; killed after each of its lines, and gone on with."""

from __future__ import annotations

import sys
from pathlib import Path

from tests.support import canary
from tests.support.private_index import PASSWORD, USER
from tests.support.projects import Repo
from tests.support.releases import target
from tests.support.tool import Ended, Tool
from venvbuild.release import Index, Manifest

HERE = f"{sys.version_info[0]}.{sys.version_info[1]}"
NAME = "demo-tools"
RUN = ("release", "run", "--python", HERE)


def lines(ended: Ended) -> dict[str, str]:
    """The first word of each line that was said -> the rest of the last such line."""
    return {label: text for label, _, text in (line.partition(" ") for line in ended.stderr.splitlines())}


def on_index(environ: dict[str, str]) -> dict[str, str]:
    return {file.filename: file.sha256 for file in Index(target(environ)).list(NAME).files}


def test_one_command_makes_a_release_that_users_install(
    user: Tool, repo: Repo, pypiserver: dict[str, str], tmp_path: Path
) -> None:
    """And its token stands nowhere: not in what is said or kept, in no object of git, on no command line."""
    user.env |= {**pypiserver, "XDG_CACHE_HOME": str(tmp_path / "cache-of-user")}
    with canary.watched(*canary.forms(USER, PASSWORD)) as (found, programs):
        done = user.run(*RUN, "minor", "--date", "2026-11-28", "--no-rehearsal")
    assert done.code == 0, done.stderr
    assert done.stdout == f"pip install {NAME}==1.1.0 --index-url {pypiserver['PYPISERVER_URL']}simple/\n"
    said = lines(done)
    order = ["preflight", "bump", "commit", "build", "check", "push", "publish", "verify"]
    assert [one for one in said if one in order] == order
    assert said["commit"].strip() == f"{repo.git('rev-parse', 'HEAD')[:7]} Release 1.1.0, tag v1.1.0 (annotated)"
    assert said["push"].strip() == "main and v1.1.0 to origin"
    assert "wheel uploaded, sdist uploaded; both on the index with these hashes after" in said["publish"]
    made = Manifest.read(repo.folder / "dist")
    assert on_index(pypiserver) == {one.filename: one.sha256 for one in made.files}
    assert repo.at_remote("rev-parse", "v1.1.0^{commit}", "main") == "\n".join([repo.git("rev-parse", "HEAD")] * 2)
    assert found == []
    assert "upload" in programs
    for needle in canary.forms(USER, PASSWORD):
        assert needle not in done.stdout + done.stderr + repo.git("log", "--all", "-p")
        kept = [path for path in (*repo.folder.rglob("*"), *(tmp_path / "cache-of-user").rglob("*")) if path.is_file()]
        assert not [path for path in kept if needle in path.read_text(errors="replace")]
