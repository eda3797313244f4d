"""Builds, brought back: by name, from a folder and from S3, only what changed, and moved names."""

from __future__ import annotations

import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.support import s3_servers
from tests.support.recording_proxy import RecordingProxy, stall
from tests.support.requirement import require
from tests.support.s3_servers import S3Server
from tests.support.sizes import sizes
from tests.support.tool import Tool
from tests.support.volumes import Mounts
from tests.support.wheels import wheel
from venvbuild.builds import Fragment, parse_index
from venvbuild.stores import open_store

BIG: dict[str, dict[str, str | bytes]] = {
    name: {f"{name}.py": f"NAME = {name!r}\n", f"{name}_data.bin": random.Random(name).randbytes(100_000)}
    for name in ("alpha", "beta")
}


@pytest.fixture(params=["folder", "moto", "versitygw"])
def place(request: pytest.FixtureRequest, tool: Tool, s3_environment: None) -> str:
    """The store is set up; its endpoint, empty for a folder."""
    for name, files in BIG.items():
        wheel(
            tool.index.folder, name, "1.0", files=files, scripts={f"say-{name}": f"{name}:main"} if name == "x" else {}
        )
    wheel(tool.index.folder, "talker", "1.0", scripts={"talk": "talker:main"},
          files={"talker.py": "import alpha\ndef main():\n    print('talking with', alpha.NAME)\n"})  # fmt: skip
    if request.param == "folder":
        return ""
    server: S3Server = request.getfixturevalue(f"{request.param}_server")
    tool.env.update(
        s3_servers.ENVIRONMENT, VENVBUILD_STORE=f"s3://{server.new_bucket()}/team", AWS_ENDPOINT_URL=server.endpoint_url
    )
    return server.endpoint_url


@pytest.fixture
def built(place: str, tool: Tool) -> str:
    """A build of `sales` in the store."""
    done = tool.build("alpha==1.0", "beta==1.0", "talker==1.0", ENV_NAME="sales")
    assert done.code == 0, done.stderr
    version: str = done.json["venv_version"]
    return version


def said(*command: str | Path) -> str:
    done = subprocess.run(command, capture_output=True, text=True, env={"PATH": "/usr/bin:/bin"}, check=True)
    return done.stdout.strip()


def test_it_runs_where_it_was_restored(tool: Tool, built: str) -> None:
    done = tool.run("get", built, "a folder")
    target = tool.folder / "a folder"
    assert done.code == 0, done.stderr
    assert said(target / "bin" / "talk") == "talking with alpha"
    assert said("bash", "-c", '. "$1/bin/activate" && talk', "bash", target) == "talking with alpha"


def test_an_alias_and_latest_name_the_build(tool: Tool, built: str) -> None:
    moved = tool.run("promote", built, "prod", "--json")
    assert (moved.code, moved.json["env_name"], moved.json["venv_version"]) == (0, "sales", built)
    for number, name in enumerate(("sales@prod", "sales@latest")):
        done = tool.run("get", name, f"venv{number}", "--json")
        assert (done.code, done.json["venv_version"]) == (0, built)
        assert tool.run("show", name, "--json").json["venv_version"] == built
    assert [one["alias"] for one in tool.run("aliases", "sales", "--json").json] == ["prod"]
    assert f"sales@prod {built}" in " ".join(tool.run("aliases").stdout.split())


@pytest.mark.parametrize("place", ["moto", "versitygw"], indirect=True)
def test_only_what_changed_is_fetched_counted_at_the_server(tool: Tool, built: str, place: str) -> None:
    elsewhere = str(tool.folder / "cache of another machine")  # for packing fills the cache of this one
    assert tool.run("get", built, "venv", XDG_CACHE_HOME=elsewhere).code == 0
    wheel(tool.index.folder, "beta", "2.0", files=BIG["beta"])
    second = tool.build("alpha==1.0", "beta==2.0", "talker==1.0", ENV_NAME="sales").json["venv_version"]
    with RecordingProxy(place) as proxy:
        env = {"AWS_ENDPOINT_URL": proxy.endpoint_url, "XDG_CACHE_HOME": elsewhere}
        again = tool.run("get", built, "venv", "--json", **env)
        assert ranges(proxy) == []
        newer = tool.run("get", second, "venv", "--json", **env)
    assert again.json["bytes_fetched"] == 0
    assert "fetched 0.0 kB of" in again.stderr
    old, new = (fragments(tool, place, version) for version in (built, second))
    changed = [one for one in new if one.sha256 not in {one.sha256 for one in old}]
    assert {one.distribution for one in changed} <= {"beta", None}
    fetched = sum(last - first + 1 for first, last in ranges(proxy))
    assert (
        fetched == newer.json["bytes_fetched"] == sum(one.length for one in changed) < newer.json["bytes_total"] * 0.6
    )


def fragments(tool: Tool, place: str, version: str) -> tuple[Fragment, ...]:
    store = open_store(tool.env["VENVBUILD_STORE"], endpoint_url=place)
    return parse_index(store.read(f"venv-builds/{version}/archive_index.json").body).fragments


def ranges(proxy: RecordingProxy) -> list[tuple[int, int]]:
    """The byte ranges of archives that were asked for."""
    found = []
    for one in proxy.requests("GET", r"\.tar\.gz\?"):
        first, last = re.fullmatch(r"bytes=(\d+)-(\d+)", one.conditions["Range"]).groups()  # type: ignore[union-attr]
        found.append((int(first), int(last)))
    return found


def test_the_way_out_of_each_failure_is_said(tool: Tool, built: str) -> None:
    (tool.folder / "mine").mkdir()
    (tool.folder / "mine" / "precious").write_text("mine")
    for arguments, code, words in (
        (["get", built, "mine"], 2, "not made by"),
        (["get", "venv_20000101_000000", "x"], 9, "venvbuild list"),
        (["get", "sales@nope", "x"], 9, "promote"),
        (["get", "nope@latest", "x"], 9, "environments sales"),
        (["get", "sales@../x", "x"], 3, "alias"),
        (["get", "sales@latest"], 2, "target"),
        (["promote", built, "latest"], 3, "newest"),
    ):
        done = tool.run(*arguments)
        assert (done.code, words in done.stderr) == (code, True), done.stderr
    assert (tool.folder / "mine" / "precious").read_text() == "mine"
    assert not (tool.folder / "x").exists()


@pytest.mark.parametrize("place", ["moto"], indirect=True)
@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130), (signal.SIGKILL, -9)])
def test_a_get_that_is_ended_while_it_fetches_leaves_the_target_as_it_was(
    tool: Tool, built: str, place: str, number: signal.Signals, code: int
) -> None:
    tool.run("get", built, "venv")
    before = sorted((tool.folder / "venv").rglob("*"))
    with RecordingProxy(place) as proxy:
        proxy.spoil("GET", r"\.tar\.gz\?", stall())
        running = tool.start(
            "get", built, "venv", XDG_CACHE_HOME=str(tool.folder / "c"), AWS_ENDPOINT_URL=proxy.endpoint_url
        )
        while not proxy.requests("GET", r"\.tar\.gz\?"):
            assert running.poll() is None
            time.sleep(0.05)
        running.send_signal(number)
        running.communicate(timeout=20)
    assert running.returncode == code
    assert sorted((tool.folder / "venv").rglob("*")) == before
    left = list(tool.folder.glob(".venvbuild-get-*"))
    assert left == [] or number == signal.SIGKILL


@pytest.mark.parametrize("place", ["folder"], indirect=True)
@pytest.mark.parametrize("count", sizes(4, 20))
def test_however_often_it_is_killed_the_next_one_leaves_nothing(
    tool: Tool, built: str, mounts: Mounts, count: int
) -> None:
    beside, in_place = tool.folder / "one" / "venv", tool.folder / "other" / "venv"
    in_place.mkdir(parents=True)
    beside.parent.mkdir()
    mounts.tmpfs(in_place)
    chance = random.Random(count)
    for target in (beside, in_place):
        began = time.monotonic()
        assert tool.run("get", built, target).code == 0
        takes_s = time.monotonic() - began
        for _ in range(count):
            running = tool.fork("get", built, target)
            time.sleep(chance.uniform(0, takes_s))
            running.kill()
            assert running.end(timeout_s=60).returncode in (0, -signal.SIGKILL)
        done = tool.run("get", built, target)
        assert (done.code, done.stderr.count("filled in place")) == (0, int(target is in_place)), done.stderr
        assert [path.name for path in target.parent.iterdir()] == ["venv"]
        assert not [path for path in target.rglob(".*") if path.name != ".venvbuild.json"]
        assert said(target / "bin" / "talk") == "talking with alpha"


@pytest.mark.parametrize("place", ["folder"], indirect=True)
def test_it_runs_on_the_python_that_was_named(tool: Tool, built: str) -> None:
    python = Path(sys.executable)
    done = tool.run("get", built, "venv", "--python", python, "--json", PATH="/nonexistent", PYENV_ROOT="/nonexistent")
    assert (done.code, done.json["warnings"]) == (0, []), done.stderr
    assert done.json["python"] == str((tool.folder / "venv" / "bin" / "python").readlink()) == os.path.realpath(python)
    done = tool.run("get", built, "other", "--python", "/bin/true")
    assert (done.code, "it is no Python that runs here" in done.stderr) == (2, True), done.stderr
    assert not (tool.folder / "other").exists()


@pytest.mark.parametrize("place", ["folder"], indirect=True)
def test_from_an_archive_without_any_store(tool: Tool, built: str, place: str) -> None:
    archive = tool.stored(built) / f"{built}.tar.gz"
    done = tool.run("get", "--from-archive", archive, "venv", VENVBUILD_STORE="s3://nowhere")
    assert done.code == 0, done.stderr
    assert said(tool.folder / "venv" / "bin" / "talk") == "talking with alpha"


@pytest.fixture
def small_disk(tool: Tool) -> Iterator[Path]:
    """A file system of 4 MB with room for 100 files and folders."""
    folder = tool.folder / "small disk"
    folder.mkdir()
    options = "size=4m,nr_inodes=100"
    mounted = os.geteuid() == 0 and subprocess.run(
        ["mount", "-t", "tmpfs", "-o", options, "tmpfs", folder], capture_output=True, check=False
    ).returncode == 0  # fmt: skip
    require(mounted, "a small disk is a tmpfs, and this user cannot mount one")
    yield folder
    subprocess.run(["umount", folder], check=True)


def everything(folder: Path) -> dict[str, tuple[float, bytes]]:
    """Each path below with the time of its last change, and the bytes of files."""
    return {
        str(path.relative_to(folder)): (path.lstat().st_mtime, path.read_bytes() if path.is_file() else b"")
        for path in folder.rglob("*")
    }


MANY = {f"many/m{number}.py": "" for number in range(200)}
RANDOM = random.Random("big").randbytes


@pytest.mark.parametrize("place", ["folder"], indirect=True)
@pytest.mark.parametrize(
    ("files", "source", "says"),
    [
        pytest.param({"big.bin": RANDOM(5_000_000)}, "store", "the disk has no room", id="more than is free"),
        pytest.param({"big.bin": RANDOM(2_500_000)}, "store", "the disk has no room", id="what is fetched is too much"),
        pytest.param(MANY, "store", "no inodes left", id="it fills up"),
        pytest.param(MANY, "archive", "no inodes left", id="it fills up from an archive"),
        pytest.param({"big.bin": RANDOM(5_000_000)}, "bare archive", "No space left on device", id="without an index"),
    ],
)
def test_a_full_disk_is_7_with_nothing_left_and_the_old_environment_as_it_was(
    tool: Tool, built: str, small_disk: Path, files: dict[str, str | bytes], source: str, says: str
) -> None:
    target = small_disk / "venv"
    assert tool.run("get", built, target).code == 0
    wheel(tool.index.folder, "large", "1.0", files=files)
    large: str = tool.build("large==1.0").json["venv_version"]
    archive = tool.stored(large) / f"{large}.tar.gz"
    shutil.copy(archive, tool.folder / "bare.tar.gz")
    what: dict[str, list[str | Path]] = {
        "store": [large],
        "archive": ["--from-archive", archive],
        "bare archive": ["--from-archive", tool.folder / "bare.tar.gz"],
    }
    before = everything(small_disk)
    done = tool.run("get", "--json", *what[source], target, XDG_CACHE_HOME=str(tool.folder / "cold cache"))
    assert (done.code, says in done.stderr) == (7, True), done.stderr
    assert done.json["error"]["problems"][0]["fix"].startswith("make room")
    assert everything(small_disk) == before
    assert said(target / "bin" / "talk") == "talking with alpha"


# A module of 30 kB whose bytecode is 5 MB: its sums are constants, which the compiler adds up.
SWELLS = {"swells.py": "".join(f"a{number} = '{number:04}' * 1000\n" for number in range(1200))}


@pytest.mark.parametrize("place", ["folder"], indirect=True)
def test_bytecode_that_cannot_be_written_whole_leaves_nothing(tool: Tool, place: str) -> None:
    wheel(tool.index.folder, "swells", "1.0", files=SWELLS)
    version = tool.build("swells==1.0").json["venv_version"]
    limited = ["bash", "-c", 'ulimit -f 2048; exec "$@"', "-", *tool.command("get", version, "venv", "--compile")]
    done = subprocess.run(
        limited, cwd=tool.folder, env=tool.environment(), capture_output=True, text=True, timeout=300, check=False
    )
    assert (done.returncode, "File too large" in done.stderr) == (7, True), done.stderr
    assert not (tool.folder / "venv").exists()
    assert tool.run("get", version, "venv", "--compile").code == 0
    assert max(path.stat().st_size for path in (tool.folder / "venv").rglob("*.pyc")) > 4_000_000


def on_a_terminal(command: list[str], env: dict[str, str], folder: Path) -> str:
    """What a program shows to a person: its stderr is a terminal."""
    ours, theirs = os.openpty()
    running = subprocess.Popen(
        command, cwd=folder, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=theirs
    )
    os.close(theirs)
    shown = b""
    with suppress(OSError):  # EIO: the other end is closed
        while piece := os.read(ours, 4096):
            shown += piece
    os.close(ours)
    running.communicate(timeout=60)
    return shown.decode()


@pytest.mark.parametrize("place", ["folder"], indirect=True)
def test_a_bar_on_a_terminal_and_one_timed_line_elsewhere(tool: Tool, built: str) -> None:
    cold = tool.environment(XDG_CACHE_HOME=str(tool.folder / "cold"))
    size = tool.run("show", built, "--json").json["archive_size_bytes"]
    line = rf"fetched {size / 1e6:.1f} MB of {size / 1e6:.1f} MB, 0\.0 kB from the cache, in \d+\.\d s"
    shown = on_a_terminal(tool.command("get", built, "seen"), cold, tool.folder)
    assert re.match(r"\r\033\[K\[\.{21}\] 0\.0 kB of ", shown)  # nothing yet
    assert re.search(rf"\r\033\[K{line}\r\n\r\033\[K$", shown)  # the bar is gone
    warm = on_a_terminal(tool.command("get", built, "again"), cold, tool.folder)
    assert "[#" not in warm
    assert re.search(rf"fetched 0\.0 kB of {size / 1e6:.1f} MB, {size / 1e6:.1f} MB from the cache, in ", warm)
    elsewhere = tool.run("get", built, "unseen", XDG_CACHE_HOME=str(tool.folder / "cold too"))
    assert re.fullmatch(f"{line}\n", elsewhere.stderr)


@pytest.mark.parametrize("place", ["folder"], indirect=True)
def test_the_bar_is_taken_away_before_an_error_is_told(tool: Tool, built: str) -> None:
    archive = tool.stored(built) / f"{built}.tar.gz"
    archive.write_bytes(archive.read_bytes()[:-1000] + bytes(1000))
    cold = tool.environment(XDG_CACHE_HOME=str(tool.folder / "cold"))
    shown = on_a_terminal(tool.command("get", built, "seen"), cold, tool.folder)
    assert "[" in shown.split("error: ")[0]
    assert re.search(r"\r\033\[K(\033\[[0-9;]*m)*error: ", shown)
