"""The doors to `snowflake sync`, and the command lines of their document, as they stand there but for the address."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.support import private_index
from tests.support.index_server import IndexServer
from tests.support.private_index import PrivateIndex
from tests.support.requirement import require
from tests.support.scripts import REPOSITORY, tool_cache_with_snowflake
from tests.support.snowflake_server import STAGE, SnowflakeServer
from tests.support.wheels import wheel
from tests.support.zip_imports import imported
from venvbuild import interpreters

EXAMPLE = REPOSITORY / "examples" / "snowflake"
SCRIPT = EXAMPLE / "sync_snowflake_packages.py"
PROD = "MY_DB.MY_SCHEMA.PROD_STAGE"


@pytest.fixture
def feed(tmp_path: Path) -> Iterator[PrivateIndex]:
    (tmp_path / "feed").mkdir()
    wheel(tmp_path / "feed", "tiny", "3.0", files={"tiny.py": "x = 3\n"})
    with private_index.running(tmp_path / "feed") as index:
        yield index


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "a project"
    folder.mkdir()
    (folder / "requirements.txt").write_text("tiny==1.0\n")
    (folder / "production-requirements.txt").write_text("tiny==3.0\n")
    return folder


def run(project: Path, *command: str | Path, env: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """With nothing in the environment but this."""
    clean = {"PATH": os.environ["PATH"], "HOME": os.environ["HOME"], "XDG_CACHE_HOME": str(tool_cache_with_snowflake())}
    return subprocess.run(
        [str(word) for word in command],
        cwd=project,
        env={**clean, **env},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def test_the_basic_example_brings_app_packages_there_and_replaces_it_next_time(
    project: Path, index: IndexServer, snowflake_server: SnowflakeServer
) -> None:
    for version in ("1.0", "2.0"):
        wheel(index.folder, "tiny", version, files={"tiny.py": f"x = {version[0]}\n"})
    env = {**snowflake_server.environment(), "VENVBUILD_INDEX_URL": index.url()}
    for version, told in (("1.0", "uploaded"), ("2.0", "functions at work may see the new file")):
        (project / "requirements.txt").write_text(f"tiny=={version}\n")
        ran = run(project, sys.executable, SCRIPT, "--stage", "@MY_DB.MY_SCHEMA.PACKAGES_STAGE", env=env)
        assert ran.returncode == 0, ran.stderr
        assert told in ran.stderr
        assert imported(project, snowflake_server.files()["app_packages.zip"]) == version[0]
        assert list((project / "downloaded_packages").glob(f"tiny-{version}-*.whl"))
        assert f"IMPORTS = ('@{STAGE}/app_packages.zip')" in ran.stdout


def test_the_example_with_requirements_and_proget(
    project: Path, feed: PrivateIndex, snowflake_server: SnowflakeServer
) -> None:
    snowflake_server.stages.add(PROD)
    user = {"VENVBUILD_INDEX_USERNAME": private_index.USER, "VENVBUILD_INDEX_PASSWORD": private_index.PASSWORD}
    command = [
        sys.executable, str(SCRIPT),
        "--requirements", "production-requirements.txt",
        "--stage", "@MY_DB.MY_SCHEMA.PROD_STAGE",
        "--proget-url", feed.url,
        "--zip-name", "release_v1.zip",
    ]  # fmt: skip
    ran = run(project, *command, "--json", env={**snowflake_server.environment(), **user})
    assert ran.returncode == 0, ran.stderr
    there = snowflake_server.files(PROD)
    assert set(there) == {"release_v1.zip", "release_v1.zip.manifest.json"}
    assert hashlib.sha256(there["release_v1.zip"]).hexdigest() in ran.stdout
    assert imported(project, there["release_v1.zip"]) == "3"
    left = [path.read_bytes() for path in project.rglob("*") if path.is_file()]
    assert not [one for one in (ran.stdout.encode(), ran.stderr.encode(), *left, *there.values()) if b"Canary" in one]
    # without the password
    refused = run(project, *command, env=snowflake_server.environment())
    assert refused.returncode == 2, refused.stderr
    assert "VENVBUILD_INDEX_PASSWORD" in refused.stderr


def test_what_the_doors_write_into_the_clone_is_ignored_there() -> None:
    require(shutil.which("git"), "git is not installed")
    for folder in (REPOSITORY, EXAMPLE):
        wheel_there = folder / "downloaded_packages" / "tiny-1.0-py3-none-any.whl"
        ignored = subprocess.run(["git", "check-ignore", "-q", "--no-index", wheel_there], cwd=REPOSITORY, check=False)
        assert ignored.returncode == 0


def python(version: str) -> Path:
    found = [one.path for one in interpreters.installed(os.environ) if one.version == version]
    require(found, f"there is no Python {version}")
    return found[0]


def test_the_script_starts_on_an_old_python_and_hands_its_exit_code_on(project: Path) -> None:
    ran = run(project, python("3.8"), SCRIPT, "--stage", "none", "--dry-run", env={})
    assert ran.returncode == 2
    assert "'none' cannot be the stage" in ran.stderr


@pytest.mark.parametrize("version", ["3.8", "3.13"])
def test_the_examples_own_tests_pass_without_network(version: str) -> None:
    ran = run(EXAMPLE, python(version), "-B", "-m", "unittest", "discover", "tests", env={})
    assert ran.returncode == 0, ran.stderr
    assert ran.stderr.endswith("OK\n")
