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
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support import s3_servers
from tests.support.processes import children_of, has_socket, is_running, name_of
from tests.support.sizes import HEAVY, sizes
from tests.support.stored import Place, assert_nothing_torn, builds, committed
from tests.support.tool import Tool
from tests.support.wheels import wheel
from venvbuild.builds import places
from venvbuild.stores import Store

BEFORE, CLAIMED, SENDING, AFTER = "before the claim", "with only its claim", "while sending", "after the commit"
"""The parts of an upload; the two in the middle are between claim and commit."""


@pytest.fixture(params=["folder", "moto", "versitygw"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    if request.param == "folder":
        return Place("folder", str(tmp_path / "raced store"))
    server = request.getfixturevalue(f"{request.param}_server")
    request.getfixturevalue("s3_environment")
    env = {**s3_servers.ENVIRONMENT, "VENVBUILD_S3_ENDPOINT_URL": server.endpoint_url}
    return Place(request.param, f"s3://{server.new_bucket()}/team", env, server.endpoint_url)


@pytest.fixture
def described(tool: Tool, place: Place, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A work dir in which everything up to `describe` is done, once for all these tests: they use copies of it."""
    wheel(tool.index.folder, "good", "1.0", files={"good.py": "x = 1\n" * 20_000})
    tool.env.update(VENVBUILD_STORE=place.url, **place.env)
    file = tool.requirements("good==1.0")
    made = tmp_path_factory.getbasetemp() / "described"
    if not made.exists():
        for step in ("check", "create", "inspect", "pack", "describe"):
            done = tool.run(step, "--work-dir", tool.work, *(("-r", file) if step == "check" else ()))
            assert done.code == 0, done.stderr
        tool.work.rename(made)
    return made


def copies(described: Path, folder: Path, count: int) -> list[Path]:
    """As many work dirs below `folder`, each ready to upload."""
    made = [folder / f"work-{number}" for number in range(count)]
    for folder in made:
        shutil.copytree(described, folder, symlinks=True)
    return made


@HEAVY
@pytest.mark.parametrize("count", sizes(4, 8))
def test_uploads_in_one_second_are_as_many_whole_builds_and_none_in_the_future(
    tool: Tool, described: Path, place: Place, count: int
) -> None:
    place.open().prepare()
    running = [tool.fork("upload", "--work-dir", folder) for folder in copies(described, tool.folder, count)]
    ended = [one.end(timeout_s=300) for one in running]
    assert [one.returncode for one in ended] == [0] * count, [one.stderr for one in ended]
    seen = committed(place.open())
    assert len(seen) == count
    now = time.time()
    for version, whole in seen.items():
        instant = calendar.timegm(time.strptime(version, "venv_%Y%m%d_%H%M%S"))
        assert instant <= now
        assert whole["created_at"] == time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(instant))


@dataclass(frozen=True)
class Kills:
    """How many, at least, are to land in each part of an upload."""

    before: int
    claimed: int
    sending: int
    after: int

    @property
    def wanted(self) -> Counter[str]:
        return Counter({BEFORE: self.before, CLAIMED: self.claimed, SENDING: self.sending, AFTER: self.after})


@HEAVY
@pytest.mark.parametrize("kills", sizes(Kills(1, 2, 4, 1), Kills(10, 10, 25, 5)))
def test_killed_at_any_moment_nothing_torn_is_seen_and_a_retry_ends_the_job(
    tool: Tool, described: Path, place: Place, capsys: pytest.CaptureFixture[str], kills: Kills
) -> None:
    chance, landed = random.Random(20250722), Counter[str]()
    store = place.open()
    store.prepare()
    for _ in range(4 * kills.wanted.total()):
        missing = kills.wanted - landed
        if not missing:
            break
        [work] = copies(described, tool.folder, 1)
        before = max(builds(store), default="")
        part = _kill(tool, work, store, before, chance, chance.choice(list(missing)))
        assert_nothing_torn(store, before)
        if landed[part] % 10 == 0:
            _assert_ends_well(tool, work)
        landed[part] += 1
        shutil.rmtree(work)
    with capsys.disabled():
        print(f"\n  {place.name}: killed " + ", ".join(f"{landed[part]} {part}" for part in kills.wanted))
    assert landed >= kills.wanted
    fresh = tool.run("build", "--json", "-r", tool.folder / "requirements.txt")
    assert fresh.code == 0, fresh.stderr
    assert fresh.json["venv_version"] in assert_nothing_torn(store)


def _kill(tool: Tool, work: Path, store: Store, before: str, chance: random.Random, aim: str) -> str:
    """Start an upload and kill it at some moment of the part that is aimed at; where it died, which may be another."""
    running = tool.fork("upload", "--work-dir", work)
    deadline = time.monotonic() + (chance.uniform(0, 1) if aim == BEFORE else 60)
    enough = chance.randint(2, 5) if aim == SENDING else 1
    names: set[str] = set()
    while time.monotonic() < deadline and not running.has_ended():
        names = _new_files(store, before)
        if places.METADATA in names or (len(names) >= enough and aim != AFTER):
            break
    time.sleep(chance.uniform(0, 0.02) if names else 0)
    running.kill()
    running.end(timeout_s=60)
    names = _new_files(store, before)
    if places.METADATA in names:
        return AFTER
    return (BEFORE, CLAIMED, SENDING)[min(len(names), 2)]


def _new_files(store: Store, before: str) -> set[str]:
    """What is there of the build after that one."""
    return next(iter(builds(store, before).values()), set())


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


def test_a_tool_that_is_killed_takes_uv_with_it(tool: Tool) -> None:
    """Which waits for an index that took its connection and never answers; nobody else would end it."""
    hanging = tool.index.url("hang")
    with tool.start("build", "-r", tool.requirements("good==1.0"), VENVBUILD_INDEX_URL=hanging) as running:
        try:
            assert tool.index.hanging.wait(60)
            [uv] = [pid for pid in children_of(running.pid) if name_of(pid) == "uv"]
            assert has_socket(uv)
        finally:
            running.kill()
        running.communicate()
    deadline = time.monotonic() + 20  # less than uv itself waits for an answer
    while is_running(uv) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not is_running(uv)
