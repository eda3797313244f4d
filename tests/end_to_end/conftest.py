"""The tool with the package index of whoever runs the tests."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.requirement import require
from tests.support.tool import Tool
from venvbuild.errors import VenvBuildError
from venvbuild.package_index import PackageIndex
from venvbuild.settings import PYPI


@pytest.fixture(scope="session")
def real_index_url(real_index: dict[str, str]) -> str:
    """Of whoever runs the tests; there, and answering."""
    url = real_index.get("PIP_INDEX_URL") or real_index.get("UV_DEFAULT_INDEX") or PYPI
    try:
        PackageIndex(url).project("pip")
    except VenvBuildError as error:
        require(False, f"the package index cannot be reached: {error}")
    return url


@pytest.fixture
def real_tool(tool: Tool, real_index: dict[str, str], real_index_url: str, real_cache: Path) -> Tool:
    """The tool on that index, with one uv cache for all of them."""
    tool.env.update(real_index, VENVBUILD_INDEX_URL=real_index_url, UV_CACHE_DIR=str(real_cache / "uv-cache"))
    return tool
