"""An index of build backends for the session, and a project in a repository for each test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import downloads, index_server, projects
from tests.support.index_server import IndexServer
from tests.support.projects import Repo
from tests.support.tool import Tool
from venvbuild.release import Tools, build


@pytest.fixture(scope="session")
def backends(tmp_path_factory: pytest.TempPathFactory) -> Iterator[IndexServer]:
    """A package index of what projects are built with."""
    folder = tmp_path_factory.mktemp("backends")
    with index_server.running(folder) as server:
        projects.fill(server, downloads.build_backends())
        yield server


@pytest.fixture(scope="session")
def uv_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("uv-cache")


@pytest.fixture
def tools(backends: IndexServer, uv_cache: Path) -> Tools:
    return projects.tools(backends, uv_cache)


@pytest.fixture
def user(tool: Tool, repo: Repo, backends: IndexServer, uv_cache: Path) -> Tool:
    """Somebody in the folder of the seed's project."""
    tool.folder = repo.folder
    tool.env |= {"VENVBUILD_INDEX_URL": backends.url(), "UV_CACHE_DIR": str(uv_cache)}
    return tool


@pytest.fixture(scope="session")
def _built(tmp_path_factory: pytest.TempPathFactory, backends: IndexServer, uv_cache: Path) -> Path:
    folder = tmp_path_factory.mktemp("built")
    build(projects.repo(folder).source, projects.tools(backends, uv_cache), 300)
    return folder


@pytest.fixture
def built_repo(_built: Path, tmp_path: Path) -> Repo:
    """The seed's project at 1.0.0, tagged, pushed, and built: once for all, and each test has a copy."""
    return projects.copied(_built, tmp_path / "built")


@pytest.fixture
def repo(tmp_path: Path) -> Repo:
    """The seed's project at 1.0.0, tagged and pushed."""
    return projects.repo(tmp_path)
