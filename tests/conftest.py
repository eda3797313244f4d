"""No test touches the user's home folder, caches or a real bucket, or sees their configuration."""

from __future__ import annotations

import gc
import os
import signal
from collections import Counter
from collections.abc import Generator, Iterator
from contextlib import closing
from pathlib import Path

import coverage
import hypothesis
import pytest

from tests.support import index_server, tiers
from tests.support.forks import Forks
from tests.support.index_server import IndexServer
from tests.support.tool import Tool
from venvbuild.redaction import REDACTOR

pytest_plugins = ["tests.support.s3_servers", "tests.support.trino_server", "tests.support.athena_server",
                  "tests.support.snowflake_server", "tests.support.browser", "tests.support.groovy",
                  "tests.support.agent", "tests.support.volumes", "tests.support.users",
                  "tests.support.devpi_server", "tests.support.private_index",
                  "tests.support.newer_pythons"]  # fmt: skip

if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    # A shell starts background jobs with SIGINT ignored, and children inherit that; here they are interrupted for real.
    signal.signal(signal.SIGINT, signal.default_int_handler)

# No test is about time, and 200 ms is little on a machine that has other things to do.
hypothesis.settings.register_profile("untimed", deadline=None)
hypothesis.settings.load_profile("untimed")

_CLEARED_PREFIXES = ("PIP_", "UV_", "AWS_", "VENVBUILD_", "XDG_", "PYTHON", "SNOWFLAKE_")
_CLEARED = {"ENV_NAME", "FAIL_ON_CONFLICTS", "BUILD_URL", "BUILD_TAG", "GIT_COMMIT", "NETRC", "PYTHONDONTWRITEBYTECODE",
            "PROGET_URL", "PRIVATE_KEY_PASSPHRASE"}  # fmt: skip
_KEPT = {"VENVBUILD_TEST_REQUIRE", "VENVBUILD_TEST_FAST", "PIP_CERT", "PYTHONPATH"}
_MEASURED_CASES = 2
"""Of a test with parameters, so many are measured by coverage, from the first on."""
_REAL_CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
_REAL_INDEX = {
    name: value for name, value in os.environ.items() if name in ("PIP_INDEX_URL", "UV_DEFAULT_INDEX", "PIP_CERT")
}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tell which tests are fast, for `-m fast`, and which are not measured."""
    tiers.mark(items)
    cases = Counter[tuple[Path, str]]()
    for item in items:
        # The others go where the first ones went, but for what they are about, and need not take twice as long.
        function = item.path, getattr(item, "originalname", item.name)
        cases[function] += 1
        if cases[function] > _MEASURED_CASES and not item.get_closest_marker("traced"):
            item.add_marker("untraced")


def pytest_collection_finish() -> None:
    """Leave six thousand tests out of each search for cycles from now on."""
    gc.freeze()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Run what is marked `untraced` at its own speed: what is measured takes twice as long."""
    measuring = coverage.Coverage.current() if item.get_closest_marker("untraced") else None
    if measuring is None:
        return (yield)
    measuring.stop()
    try:
        return (yield)
    finally:
        measuring.start()
        _untrace_processes()  # coverage asks for it at each start


@pytest.fixture(autouse=True)
def _nobodys_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """A home of its own for each test, and none of the settings of who runs them."""
    for name in list(os.environ):
        if (name.startswith(_CLEARED_PREFIXES) or name in _CLEARED) and name not in _KEPT:
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path_factory.mktemp("home")))
    monkeypatch.setenv("TERM", "xterm")  # what a terminal can do decides on bars
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")  # a test that means S3 says where


@pytest.fixture(autouse=True)
def _nobodys_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    """A redactor that knows no value of the tests before: what has the shape of a secret, not what was one there."""
    monkeypatch.setattr(REDACTOR, "_made", None)
    monkeypatch.setattr(REDACTOR, "_told", [])


@pytest.fixture(scope="session")
def real_cache() -> Path:
    """Where downloads of the tests are kept between runs."""
    return _REAL_CACHE / "venvbuild-tests"


@pytest.fixture(scope="session")
def real_index() -> dict[str, str]:
    """The variables by which whoever runs the tests reaches a package index; empty for PyPI."""
    return dict(_REAL_INDEX)


@pytest.fixture
def index(tmp_path: Path) -> Iterator[IndexServer]:
    """A package index of the wheels which the test puts into `index.folder`."""
    folder = tmp_path / "index"
    folder.mkdir()
    with index_server.running(folder) as server:
        yield server


@pytest.fixture(scope="session", autouse=True)
def _tracing() -> dict[str, str]:
    """The variables by which coverage measures a process. It measures us; others it would make twice as slow."""
    return _untrace_processes()


def _untrace_processes() -> dict[str, str]:
    """Take the variables away by which coverage measures the processes that start from now on."""
    return {name: os.environ.pop(name) for name in list(os.environ) if name.startswith("COVERAGE_")}


@pytest.fixture(scope="session")
def forks(_tracing: dict[str, str]) -> Iterator[Forks]:
    """What the runs of `tool` are forks of."""
    with closing(Forks({})) as made:
        yield made


@pytest.fixture(scope="session")
def traced_forks(_tracing: dict[str, str]) -> Iterator[Forks]:
    """The same, and coverage measures them."""
    with closing(Forks(_tracing)) as made:
        yield made


@pytest.fixture
def tool(tmp_path: Path, index: IndexServer, request: pytest.FixtureRequest) -> Tool:
    """`venvbuild` as its users run it: a process of its own, the index above, a folder store.

    Coverage measures it in the tests marked `traced`: those few that go through commands which no test calls itself.
    """
    is_traced = request.node.get_closest_marker("traced") is not None
    return Tool(tmp_path, index, request.getfixturevalue("traced_forks" if is_traced else "forks"))
