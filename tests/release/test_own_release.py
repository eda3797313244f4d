"""This project, released by itself: 0.1.0, to an index of this machine, and installed from there by its name."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
import uv

from tests.support.projects import git, identify
from tests.support.releases import target
from tests.support.requirement import require
from tests.support.tool import REPOSITORY, Tool
from venvbuild.process import run
from venvbuild.release import Index
from venvbuild.settings import PYPI

HERE = f"{sys.version_info[0]}.{sys.version_info[1]}"


@pytest.mark.slow
@pytest.mark.network
def test_it_is_built_checked_published_installed_by_name_and_says_its_version(
    tool: Tool, tmp_path: Path, pypiserver: dict[str, str], real_index: dict[str, str], real_cache: Path
) -> None:
    """What it needs is on PyPI, which that index does not have: so the last step is here an installation from both."""
    real_index_url = real_index.get("PIP_INDEX_URL") or real_index.get("UV_DEFAULT_INDEX") or PYPI
    require((REPOSITORY / ".git").exists(), "this is no git checkout")
    folder, remote = tmp_path / "checkout", tmp_path / "remote.git"
    git(tmp_path, "clone", "--quiet", "--bare", f"file://{REPOSITORY}", str(remote))
    git(remote, "symbolic-ref", "HEAD", "refs/heads/main")
    git(remote, "update-ref", "refs/heads/main", git(REPOSITORY, "rev-parse", "HEAD"))
    for tag in git(remote, "tag", "--list", "v*").splitlines():
        git(remote, "tag", "--delete", tag)
    git(tmp_path, "clone", "--quiet", f"file://{remote}", str(folder))
    identify(folder)
    tool.folder = folder
    tool.env |= {**pypiserver, "VENVBUILD_INDEX_URL": real_index_url, "UV_CACHE_DIR": str(real_cache / "uv-cache")}
    done = tool.run("release", "run", "0.1.0", "--python", HERE, "--no-rehearsal", "--until", "publish")
    assert done.code == 0, done.stderr
    assert done.stdout == f"pip install venvbuild==0.1.0 --index-url {pypiserver['PYPISERVER_URL']}simple/\n"
    [*files] = Index(target(pypiserver)).list("venvbuild").files
    assert {str(one.version) for one in files} == {"0.1.0"}
    venv, user, password = tmp_path / "venv", pypiserver["PYPISERVER_USER"], pypiserver["PYPISERVER_TOKEN"]
    env = {
        **{name: os.environ[name] for name in ("PATH", "HOME")},
        "UV_CACHE_DIR": str(real_cache / "uv-cache"),
        "UV_DEFAULT_INDEX": real_index_url,
        "UV_SYSTEM_CERTS": "1",
        "UV_INDEX": f"own={pypiserver['PYPISERVER_URL']}simple/",
        "UV_INDEX_OWN_USERNAME": user,
        "UV_INDEX_OWN_PASSWORD": password,
    }
    program = uv.find_uv_bin()
    run([program, "venv", "--python", sys.executable, venv], env=env, timeout_s=120)
    run([program, "pip", "install", "--python", venv, "venvbuild==0.1.0"], env=env, timeout_s=600)
    said = run([venv / "bin" / "venvbuild", "--version"], env=env, timeout_s=60).stdout
    assert said == "venvbuild, version 0.1.0\n"
