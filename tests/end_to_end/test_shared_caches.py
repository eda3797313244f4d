"""Agents that share their caches, as docs/caches.md allows it: from the first second on, and while they are cleaned."""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.support import downloads
from tests.support.index_server import IndexServer
from tests.support.scripts import BIN, REPOSITORY, tool_cache
from tests.support.sizes import HEAVY, sizes
from tests.support.wheels import wheel

PAGE = (REPOSITORY / "docs" / "caches.md").read_text("utf-8")
LOCK = REPOSITORY / "locks" / "base.txt"
PINS = [f"pack{number}==1.0" for number in range(8)]
pytestmark = HEAVY


@dataclass(frozen=True)
class Agent:
    """A machine of its own but for the caches."""

    home: Path
    cache: Path
    index: IndexServer

    def start(self) -> subprocess.Popen[str]:
        """A build by the script, into a store of its own; whoever starts it ends it."""
        self.home.mkdir(exist_ok=True)
        (self.home / "requirements.txt").write_text("".join(f"{pin}\n" for pin in PINS))
        environ = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.home),
            "XDG_CACHE_HOME": str(self.cache),
            "VENVBUILD_INDEX_URL": self.index.url(),
            "VENVBUILD_STORE": str(self.home / "store"),
        }
        return subprocess.Popen(
            [BIN / "venvbuild", "build", "--json", "--work-dir", "work"],
            cwd=self.home,
            env=environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )


@pytest.fixture
def index(index: IndexServer) -> IndexServer:
    for pin in PINS:
        name, _, version = pin.partition("==")
        wheel(index.folder, name, version, files={f"{name}/{part}.py": f"x = {part!r}\n" * 50 for part in "abcd"})
    return index


def built(processes: list[subprocess.Popen[str]]) -> tuple[list[dict[str, Any]], list[str]]:
    """The metadata of builds that were started together and all went well, and what each said."""
    ended = [(*process.communicate(timeout=600), process.returncode) for process in processes]
    assert [code for _, _, code in ended] == [0] * len(ended), "\n\n".join(said for _, said, _ in ended)
    return [json.loads(stdout) for stdout, _, _ in ended], [said for _, said, _ in ended]


def leftovers(cache: Path) -> list[str]:
    """What was begun under a temporary name, by the tool (`.NAME-...`) or by uv (`.tmp...`), and has stayed."""
    return [
        str(path.relative_to(cache))
        for path in cache.rglob(".*")
        if re.match(r"\.(tmp|tool-|[0-9a-f]{64}-)", path.name) and "site-packages" not in path.parts
    ]


@pytest.mark.parametrize("is_set_up", sizes(True, False))  # first starts of a tiny tool are in tests/test_bin.py
def test_two_agents_begin_at_once_and_build_the_same(
    tmp_path: Path, index: IndexServer, request: pytest.FixtureRequest, is_set_up: bool
) -> None:
    cache: Path = request.getfixturevalue("cache") if is_set_up else tmp_path / "cache"
    for file in () if is_set_up else tool_wheels().glob("*.whl"):
        (index.folder / file.name).symlink_to(file)
    agents = [Agent(tmp_path / name, cache, index) for name in ("one", "two")]
    builds, said = built([agent.start() for agent in agents])
    assert sum(text.count("first use, installing the tool's own dependencies") for text in said) == (not is_set_up)
    assert len({build["archive_sha256"] for build in builds}) == 1
    assert all(set(PINS) < set(build["installed_packages"]) for build in builds)
    assert leftovers(cache) == []
    # and what they left serves both
    again, said = built([agent.start() for agent in agents])
    assert {build["archive_sha256"] for build in again} == {build["archive_sha256"] for build in builds}
    assert not any("first use" in text for text in said)
    assert leftovers(cache) == []


def tool_wheels() -> Path:
    """The files of locks/base.txt for the Python of bin/venvbuild."""
    python = subprocess.run(["python3", "-Es", "-c", "import sys; print(sys.executable)"], text=True, check=True,
                            capture_output=True).stdout.strip()  # fmt: skip

    def fetch(folder: Path) -> None:
        flags = ["--quiet", "--require-hashes", "--only-binary", ":all:", "--no-input", "--dest", str(folder)]
        downloads.run([python, "-m", "pip", "download", *flags, "-r", str(LOCK)], PIP_FIND_LINKS="")

    return downloads.fetched("tool-wheels", hashlib.sha256(LOCK.read_bytes() + python.encode()).hexdigest()[:16], fetch)


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    """A shared cache that has nothing but the set-up of the tool."""
    folder = tmp_path / "cache" / "venvbuild"
    folder.mkdir(parents=True)
    for one in (tool_cache() / "venvbuild").glob("tool-*"):
        (folder / one.name).symlink_to(one)
    return folder.parent


@contextmanager
def meanwhile(clean: Callable[[], object]) -> Iterator[None]:
    """Clean again and again while the block runs."""
    ended = threading.Event()

    def over_and_over() -> None:
        while not ended.wait(0.01):
            clean()

    thread = threading.Thread(target=over_and_over)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def cleaning(when: str, cache: Path) -> list[str]:
    """The command that the page has for `when`, for this cache."""
    block = re.search(rf"^While {when}.*?^```sh\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    assert block
    return ["sh", "-euc", block[1].replace("/cache/", f"{cache}/")]


def test_caches_are_cleaned_as_the_page_says_while_builds_run(tmp_path: Path, index: IndexServer, cache: Path) -> None:
    agents = [Agent(tmp_path / name, cache, index) for name in ("one", "two")]
    [first], _ = built([agents[0].start()])
    clean = cleaning("builds run", cache)
    codes: list[int] = []
    with meanwhile(lambda: codes.append(subprocess.run(clean, capture_output=True, check=False).returncode)):
        builds, _ = built([agent.start() for agent in agents])
    assert set(codes) == {0}
    assert {build["archive_sha256"] for build in builds} == {first["archive_sha256"]}
    subprocess.run(clean, check=True, capture_output=True)
    assert [path for path in (cache / "venvbuild" / "fragments").rglob("*") if path.is_file()] == []
    assert not (cache / "uv" / "archive-v0").exists()


def test_all_may_be_removed_as_the_page_says_when_nothing_runs(tmp_path: Path, index: IndexServer, cache: Path) -> None:
    agent = Agent(tmp_path / "one", cache, index)
    [first], _ = built([agent.start()])
    set_ups = [one for one in (cache / "venvbuild").iterdir() if one.is_symlink()]
    targets = {one.name: one.readlink() for one in set_ups}
    subprocess.run(cleaning("nothing runs", cache), check=True)
    assert list(cache.iterdir()) == []
    (cache / "venvbuild").mkdir()
    for name, target in targets.items():  # to set it up anew would take longer, and is tested above
        (cache / "venvbuild" / name).symlink_to(target)
    [again], _ = built([agent.start()])
    assert again["archive_sha256"] == first["archive_sha256"]
