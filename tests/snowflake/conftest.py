"""A ZIP as `make_bundle` makes it, small and on the spot, and a session on the loopback Snowflake."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.snowflake_server import STAGE, SnowflakeServer
from venvbuild.snowflake import Bundle, Distribution
from venvbuild.snowflake.connection import Login, Session, Timeouts, connected
from venvbuild.snowflake.stage import Stage
from venvbuild.snowflake.stage_name import StageName

BundleOf = Callable[..., Bundle]
SHORT = Timeouts(login_s=2, request_s=2, query_s=2)
"""For what Snowflake does not answer."""


@pytest.fixture
def bundle_of(tmp_path: Path) -> BundleOf:
    """Makes one of a module's text; `level` 0 stores what is else deflated: other bytes, the same content."""

    def make(text: str = "x = 1\n", name: str | None = None, *, level: int = 6) -> Bundle:
        body = io.BytesIO()
        with zipfile.ZipFile(body, "w", zipfile.ZIP_DEFLATED, compresslevel=level) as made:
            made.writestr(zipfile.ZipInfo("tiny.py"), text, zipfile.ZIP_DEFLATED if level else zipfile.ZIP_STORED)
        content = hashlib.sha256(text.encode()).hexdigest()
        sha256 = hashlib.sha256(body.getvalue()).hexdigest()
        folder = tmp_path / f"bundle-{sha256[:8]}"
        folder.mkdir(exist_ok=True)
        named = name or f"app_packages-{content[:12]}.zip"
        (folder / named).write_bytes(body.getvalue())
        tiny = Distribution("tiny", "1.0", "tiny-1.0-py3-none-any.whl", "a" * 64, "pypi.org", True, False, True)
        manifest = json.dumps({"distributions": [{"name": "tiny", "version": "1.0"}]}).encode()
        return Bundle(
            folder / named, named, len(body.getvalue()), sha256, content, manifest, "3.11", "x86_64", "refuse",
            (tiny,), (), False, (),
        )  # fmt: skip

    return make


@pytest.fixture
def login(snowflake_server: SnowflakeServer) -> Login:
    return Login.of(snowflake_server.environment())


@pytest.fixture
def session(login: Login) -> Iterator[Session]:
    with connected(login) as opened:
        yield opened


@pytest.fixture
def stage(session: Session) -> Stage:
    return Stage(session, StageName.parse(f"@{STAGE}/py311"))
