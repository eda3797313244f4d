"""The tool installed from a checkout, as the README says: no checkout around it, no pip in its environment."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest
import uv

from tests.support.index_server import IndexServer
from tests.support.tool import REPOSITORY, Ended
from tests.support.wheels import wheel
from venvbuild import __version__

pytestmark = pytest.mark.network

SECTION = (REPOSITORY / "README.md").read_text("utf-8").partition("## Install it")[2].partition("\n## ")[0]


@dataclass(frozen=True)
class Host:
    """A machine with a checkout, uv, and an empty home."""

    home: Path
    checkout: Path
    env: dict[str, str]

    def run(self, command: str, **env: str) -> Ended:
        """A command of the README, in the checkout."""
        done = subprocess.run(["bash", "-euc", command], cwd=self.checkout, env={**self.env, **env}, text=True,
                              capture_output=True, timeout=600, check=False, stdin=subprocess.DEVNULL)  # fmt: skip
        return Ended(done.returncode, done.stdout, done.stderr)


@pytest.fixture
def host(tmp_path: Path, real_index: dict[str, str], real_index_url: str, real_cache: Path) -> Host:
    checkout = tmp_path / "checkout"
    for name in ("athena", "venvbuild", "locks"):
        shutil.copytree(REPOSITORY / name, checkout / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("LICENSE", "README.md", "pyproject.toml", "setup.cfg"):
        shutil.copy(REPOSITORY / name, checkout)
    home = tmp_path / "home"
    home.mkdir()
    env = {
        "HOME": str(home),
        "PATH": f"{home}/.local/bin:{Path(uv.find_uv_bin()).parent}:{os.environ['PATH']}",
        "UV_CACHE_DIR": str(real_cache / "uv-cache"),
        "UV_PYTHON_DOWNLOADS": "never",
        "UV_SYSTEM_CERTS": "true",
        **real_index,
        "UV_DEFAULT_INDEX": real_index_url,
    }
    return Host(home, checkout, env)


def command_of(word: str) -> str:
    """The one of the README that begins so."""
    found = re.search(rf"(?:^|`){word} .*?(?=`|$)", SECTION, re.MULTILINE)
    assert found
    return found[0].lstrip("`")


def newer(host: Host) -> str:
    """The version of the checkout after a `git pull`."""
    module = host.checkout / "venvbuild" / "__init__.py"
    module.write_text(module.read_text("utf-8").replace(f'"{__version__}"', '"0.99.0"'), "utf-8")
    return "venvbuild, version 0.99.0\n"


def test_pipx_installs_upgrades_and_removes_it(host: Host) -> None:
    assert host.run("uv tool install pipx").code == 0
    installed = host.run(command_of("pipx install"))
    assert installed.code == 0, installed.stderr
    assert host.run("command -v venvbuild").stdout == f"{host.home}/.local/bin/venvbuild\n"
    assert host.run("venvbuild --version").stdout == f"venvbuild, version {__version__}\n"
    listed = host.run("pipx runpip venvbuild list --format freeze").stdout.splitlines()
    tested = (host.checkout / "locks" / "base-versions.txt").read_text().splitlines()
    assert {line for line in listed if line.startswith(("boto3==", "click==", "duckdb=="))} <= set(tested)
    pulled = newer(host)
    assert host.run(f"{command_of('pipx install')} --force").code == 0
    assert host.run("venvbuild --version").stdout == pulled
    assert host.run(command_of("pipx uninstall")).code == 0
    assert host.run("command -v venvbuild").code == 1


def test_a_wheel_made_here_is_installed_on_another_host(host: Host, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    programs = host.home / ".local" / "bin"
    programs.mkdir(parents=True)
    # what these do between two hosts, between two homes
    for name, script in {
        "scp": f'[ "${{@: -1}}" = other: ] && exec cp "${{@:1:$#-1}}" {other}',
        "ssh": f'[ "$1" = other ] && cd {other} && shift && HOME={other} exec "$@"',
    }.items():
        (programs / name).write_text(f"#!/bin/bash\n{script}\n")
        (programs / name).chmod(0o755)
    section = SECTION.partition("On another host")[2]
    commands = re.findall(r"^```sh\n(.*?)^```", section, re.MULTILINE | re.DOTALL)[0]
    done = host.run(commands)
    assert done.code == 0, done.stderr
    assert host.run(f"{other}/.local/bin/venvbuild --version").stdout == f"venvbuild, version {__version__}\n"


def test_uv_installs_it_and_it_builds_lists_restores_and_adds_what_a_command_needs(
    host: Host, index: IndexServer
) -> None:
    wheel(index.folder, "good", "1.0", scripts={"good": "good:main"}, files={"good.py": "def main(): print('ran')\n"})
    installed = host.run(command_of("uv tool install"))
    assert installed.code == 0, installed.stderr
    assert host.run("command -v venvbuild").stdout == f"{host.home}/.local/bin/venvbuild\n"
    assert host.run("venvbuild --version").stdout == f"venvbuild, version {__version__}\n"
    pulled = newer(host)
    assert host.run(f"{command_of('uv tool install')} --reinstall").code == 0
    assert host.run("venvbuild --version").stdout == pulled
    shutil.rmtree(host.checkout)
    host.checkout.mkdir()
    (host.checkout / "requirements.txt").write_text("good==1.0\n")
    built = host.run("venvbuild build --json --env-name demo", VENVBUILD_INDEX_URL=index.url())
    assert built.code == 0, built.stderr
    assert built.json["venv_version"] in host.run("venvbuild list").stdout
    assert host.run("venvbuild find good --json").json[0]["matches"] == ["good==1.0"]
    assert (
        "venv_builds_metadata" in host.run("venvbuild table create --dry-run --engine trino --location s3://a/b").stdout
    )
    restored = host.run("venvbuild get demo@latest venv && venv/bin/good")
    assert (restored.code, restored.stdout.splitlines()[-1]) == (0, "ran")
    assert host.run("venvbuild report --json --work-dir nothing").code == 2
    told = host.run("venvbuild notify failure --dry-run", VENVBUILD_NOTIFY_URLS="json://localhost")
    assert told.code == 0, told.stderr
    assert "first use" in told.stderr
    assert host.run(command_of("uv tool uninstall")).code == 0
    assert host.run("command -v venvbuild").code == 1
    assert json.loads(
        (host.home / ".local/share/venvbuild/venv-builds" / built.json["venv_version"] / "metadata.json").read_text()
    )
