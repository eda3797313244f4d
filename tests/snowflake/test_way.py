"""Real packages, from their pins to a stage, and from there into a fresh interpreter: `tests/snowflake -k way`."""

from __future__ import annotations

import hashlib
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.support.requirement import require
from tests.support.snowflake_server import STAGE, SnowflakeServer
from tests.support.tool import Ended, Tool
from tests.support.zip_imports import printed_with
from venvbuild.errors import VenvBuildError
from venvbuild.interpreters import matching
from venvbuild.package_index import PackageIndex
from venvbuild.settings.registry import PYPI
from venvbuild.snowflake import Login, Stage, StageName, connected

pytestmark = pytest.mark.network

PYTHONS = [*(pytest.param(one, marks=pytest.mark.slow) for one in ("3.10", "3.11", "3.12")), "3.13"]
FRIENDS = ["requests==2.32.5", "charset-normalizer==3.4.3", "idna==3.10", "urllib3==2.5.0", "certifi==2025.8.3"]
GOOGLE = [
    "google-api-core==2.25.1", "googleapis-common-protos==1.70.0", "protobuf==6.32.0", "proto-plus==1.26.1",
    "google-auth==2.40.3", "cachetools==5.5.2", "pyasn1==0.6.1", "pyasn1-modules==0.4.2", "rsa==4.9.1", *FRIENDS,
]  # fmt: skip
PANDAS = [
    "pandas==2.2.3",
    "numpy==2.2.6",
    "python-dateutil==2.9.0.post0",
    "pytz==2025.2",
    "tzdata==2025.2",
    "six==1.17.0",
]


@dataclass
class Way:
    """Real packages, kept between runs; a stage; and Pythons that see nothing but the ZIP that they got from there."""

    tool: Tool
    server: SnowflakeServer

    def sync(self, lines: list[str], *arguments: str) -> Ended:
        """Pins -> index -> ZIP -> stage -> GET -> `out.zip`."""
        self.tool.requirements(*lines)
        ended = self.tool.run("snowflake", "sync", "--stage", f"@{STAGE}/py", "--json", *arguments)
        if ended.code == 0:
            with connected(Login.of(self.tool.env)) as session:
                stage = Stage(session, StageName.parse(f"@{STAGE}/py"))
                got = stage.get(ended.json["zip"], Path(tempfile.mkdtemp(dir=self.tool.folder)))
            assert hashlib.sha256(got.read_bytes()).hexdigest() == ended.json["sha256"]
            got.replace(self.tool.folder / "out.zip")
        return ended

    def names(self) -> list[str]:
        with zipfile.ZipFile(self.tool.folder / "out.zip") as archive:
            return archive.namelist()

    def imported(self, script: str, version: str = "3.11") -> str:
        """What the script prints in that Python, with the ZIP alone beside the standard library."""
        python = next(matching(version), None)
        require(python, f"there is no Python {version} here")
        assert python
        (self.tool.folder / "tmp").mkdir(exist_ok=True)
        return printed_with(self.tool.folder / "out.zip", script, python.path, TMPDIR=str(self.tool.folder / "tmp"))


@pytest.fixture
def way(tool: Tool, real_index: dict[str, str], real_cache: Path, snowflake_server: SnowflakeServer) -> Way:
    url = real_index.get("PIP_INDEX_URL") or real_index.get("UV_DEFAULT_INDEX") or PYPI
    try:
        PackageIndex(url).project("pip")
    except VenvBuildError as error:
        require(False, f"the package index cannot be reached: {error}")
    caches: dict[str, Any] = {
        "UV_CACHE_DIR": str(real_cache / "uv-cache"),
        "XDG_CACHE_HOME": str(real_cache / "snowflake"),
    }
    login = {**snowflake_server.address(), "SNOWFLAKE_USER": "u", "SNOWFLAKE_TOKEN": "pat"}
    tool.env.update(real_index, VENVBUILD_INDEX_URL=url, **caches, **login)
    return Way(tool, snowflake_server)


@pytest.mark.parametrize("version", PYTHONS)
def test_the_way_of_requests_and_friends_which_are_pure_by_choice_of_wheel(way: Way, version: str) -> None:
    made = way.sync(FRIENDS, "--python", version)
    assert made.code == 0, made.stderr
    assert not [name for name in way.names() if ".so" in name]
    script = "import requests, charset_normalizer; from importlib.metadata import version; print(version('requests'))"
    assert way.imported(script, version) == "2.32.5"


def test_the_way_of_a_namespace(way: Way) -> None:
    made = way.sync(GOOGLE)
    assert made.code == 0, made.stderr
    assert "google/" in way.names()
    assert way.imported("import google.api_core.retry, google.protobuf; print(google.api_core.__version__)") == "2.25.1"


@pytest.mark.parametrize("version", PYTHONS)
def test_the_way_of_data_that_zoneinfo_reads(way: Way, version: str) -> None:
    made = way.sync(["certifi==2025.8.3", "tzdata==2025.2"], "--python", version)
    assert made.code == 0, made.stderr
    assert not [line for line in made.json["warnings"] if "data" in line]
    script = (
        "import certifi, zoneinfo; zoneinfo.reset_tzpath(to=[]); zone = zoneinfo.ZoneInfo('Europe/Berlin'); "
        "print(zone, 'BEGIN CERTIFICATE' in open(certifi.where()).read())"
    )
    assert way.imported(script, version) == "Europe/Berlin True"


def test_the_way_of_pandas_ends_unless_somebody_chooses(way: Way) -> None:
    refused = way.sync(PANDAS)
    assert refused.code == 4
    first, second = refused.json["error"]["problems"]
    assert first["where"].endswith("requirements.txt:1")
    assert first["what"].startswith("pandas==2.2.3 is native (")
    assert second["what"].startswith("numpy==2.2.6 is native (")
    for one in (first, second):
        assert one["why"].startswith("Python cannot load it from a ZIP: ")
        assert "PACKAGES = ('numpy==2.2.6', 'pandas==2.2.3')" in one["fix"]
    assert way.server.requests == []


def test_the_way_of_pandas_that_snowflake_installs(way: Way) -> None:
    made = way.sync(PANDAS, "--native", "packages")
    assert made.code == 0, made.stderr
    assert made.json["packages"] == ["numpy==2.2.6", "pandas==2.2.3"]
    assert "PACKAGES = ('numpy==2.2.6', 'pandas==2.2.3')" in made.json["create_function"]
    assert not [name for name in way.names() if name.startswith(("numpy", "pandas"))]
    assert way.imported("import dateutil, six; print(six.__version__)") == "1.17.0"


@pytest.mark.slow
@pytest.mark.parametrize("version", ["3.10", "3.11", "3.12", "3.13"])
def test_the_way_of_pandas_that_is_shipped(way: Way, version: str) -> None:
    made = way.sync(PANDAS, "--native", "ship", "--python", version)
    assert made.code == 0, made.stderr
    assert "RESOURCE_CONSTRAINT = (architecture = 'x86')" in made.json["create_function"]
    assert "AS $$\nimport _venvbuild_native\n" in made.json["create_function"]
    script = "import _venvbuild_native, pandas, numpy; print(pandas.DataFrame({'a': numpy.arange(4)}).a.sum())"
    assert way.imported(script, version) == "6"
    assert way.imported(script, version) == "6"
