"""Races and kills: on a folder, on moto and on versitygw, readers see whole builds only, and a retry ends the job."""

from __future__ import annotations

import calendar
import os
import random
import shutil
import signal
import subprocess
import time
from collections import Counter
from pathlib import Path

import pytest

from tests.support import s3_servers
from tests.support.stored import Place, assert_nothing_torn, builds, committed
from tests.support.tool import Tool
from tests.support.wheels import wheel
from venvbuild.stores import Store

KILLS, BETWEEN = 50, 25
"""On each store: so many kills in all, so many of them after the claim and before the commit."""


_WINDOW_S = {"folder": 0.15, "moto": 0.3, "versitygw": 0.1}
"""How long after its claim a killed upload lives at most: about as long as sending takes there."""


@pytest.fixture(params=["folder", "moto", "versitygw"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    if request.param == "folder":
        return Place("folder", str(tmp_path / "raced store"))
    server = request.getfixturevalue(f"{request.param}_server")
    request.getfixturevalue("s3_environment")
    env = {**s3_servers.ENVIRONMENT, "VENVBUILD_S3_ENDPOINT_URL": server.endpoint_url}
    return Place(request.param, f"s3://{server.new_bucket()}/team", env, server.endpoint_url)


@pytest.fixture
def described(tool: Tool, place: Place) -> Path:
    """A work dir in which everything up to `describe` is done."""
    wheel(tool.index.folder, "good", "1.0", files={"good.py": "x = 1\n" * 20_000})
    tool.env.update(VENVBUILD_STORE=place.url, **place.env)
    file = tool.requirements("good==1.0")
    for step in ("check", "create", "inspect", "pack", "describe"):
        done = tool.run(step, "--work-dir", tool.work, *(("-r", file) if step == "check" else ()))
        assert done.code == 0, done.stderr
    return tool.work


def copies(described: Path, count: int) -> list[Path]:
    """As many work dirs, each ready to upload."""
    made = [described.with_name(f"work-{number}") for number in range(count)]
    for folder in made:
        shutil.copytree(described, folder, symlinks=True)
    return made


def test_eight_uploads_in_one_second_are_eight_whole_builds_and_none_in_the_future(
    tool: Tool, described: Path, place: Place
) -> None:
    place.open().prepare()
    running = [tool.start("upload", "--work-dir", folder) for folder in copies(described, 8)]
    ended = [(one.communicate(timeout=300), one.returncode) for one in running]
    assert [code for _, code in ended] == [0] * 8, ended
    seen = committed(place.open())
    assert len(seen) == 8
    now = time.time()
    for version, metadata in seen.items():
        instant = calendar.timegm(time.strptime(version, "venv_%Y%m%d_%H%M%S"))
        assert instant <= now
        assert metadata["created_at"] == time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(instant))


def test_killed_at_any_moment_nothing_torn_is_seen_and_a_retry_ends_the_job(
    tool: Tool, described: Path, place: Place, capsys: pytest.CaptureFixture[str]
) -> None:
    chance, moments = random.Random(20250722), Counter[str]()
    store = place.open()
    store.prepare()
    for number in range(4 * KILLS):
        if moments.total() >= KILLS and _between(moments) >= BETWEEN:
            break
        [work] = copies(described, 1)
        before = max(builds(store), default="")
        moments[_kill(tool, work, place, store, before, chance)] += 1
        assert_nothing_torn(store, before)
        if number % 10 == 0:
            _assert_ends_well(tool, work)
        shutil.rmtree(work)
    with capsys.disabled():
        print(
            f"\n  {place.name}: killed " + "; ".join(f"{count} {moment}" for moment, count in sorted(moments.items()))
        )
    assert _between(moments) >= BETWEEN
    fresh = tool.run("build", "--json", "-r", tool.folder / "requirements.txt")
    assert fresh.code == 0, fresh.stderr
    assert fresh.json["venv_version"] in assert_nothing_torn(store)


def _kill(tool: Tool, work: Path, place: Place, store: Store, before: str, chance: random.Random) -> str:
    """Start an upload and kill it: sometimes at a random moment, mostly soon after its claim appears; where it died."""
    running = tool.start("upload", "--work-dir", work)
    deadline = time.monotonic() + (chance.uniform(0, 1.5) if chance.random() < 0.2 else 60)
    new = False
    while time.monotonic() < deadline and running.poll() is None and not new:
        new = bool(builds(store, before))
    if new:
        time.sleep(chance.uniform(0, _WINDOW_S[place.name]))
    running.send_signal(signal.SIGKILL)
    running.communicate()
    found = builds(store, before)
    if not found:
        return "before the claim"
    if any("metadata.json" in names for names in found.values()):
        return "after the commit"
    return f"between claim and commit, {max(map(len, found.values()))} files there"


def _between(moments: Counter[str]) -> int:
    return sum(count for moment, count in moments.items() if moment.startswith("between"))


def _assert_ends_well(tool: Tool, work: Path) -> None:
    """The same steps again on the same work dir."""
    for step in ("upload", "register"):
        done = tool.run(step, "--work-dir", work)
        assert done.code == 0, done.stderr


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_job_with_its_code_and_nothing_is_left(tool: Tool, number: signal.Signals) -> None:
    running = tool.start("build", "-r", tool.requirements("good==1.0"), VENVBUILD_INDEX_URL=tool.index.url("hang"),
                         TMPDIR=str(tool.folder))  # fmt: skip
    assert tool.index.hanging.wait(60)
    running.send_signal(number)
    try:
        _, said = running.communicate(timeout=60)
    finally:
        running.kill()
        running.wait()
    assert running.returncode == (143 if number == signal.SIGTERM else 130), said
    assert "Traceback" not in said
    children = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout
    assert str(tool.folder) not in "\n".join(line for line in children.splitlines() if "uv" in line.split("/")[-1][:3])
    assert not os.path.exists(tool.store)
