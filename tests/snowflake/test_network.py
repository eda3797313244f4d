"""Nobody is asked but the hosts that were named: each connect of a whole run, as the kernel sees it."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

from tests.support.requirement import require
from tests.support.snowflake_server import STAGE, SnowflakeServer
from tests.support.tool import Tool

_ADDRESS = re.compile(r'sin6?_port=htons\((\d+)\).*?(?:inet_addr\("|AF_INET6, ")([^"]+)"')


def test_a_login_and_a_listing_ask_only_the_named_host(
    tool: Tool, snowflake_server: SnowflakeServer, tmp_path: Path
) -> None:
    """Without SNOWFLAKE_DISABLE_PLATFORM_DETECTION the connector asks the metadata services of clouds, and DNS."""
    strace = ["strace", "-f", "-qq", "-e", "trace=connect,sendto,sendmsg,sendmmsg", "-o", str(tmp_path / "calls")]
    able = shutil.which("strace") and subprocess.run([*strace, "true"], capture_output=True, check=False)
    require(able and able.returncode == 0, "strace is not installed, or may trace nothing")
    snowflake_server.store("app.zip", b"zip")
    env = tool.environment(**snowflake_server.environment())
    command = [*strace, *tool.command("snowflake", "stage", "list", "--stage", f"@{STAGE}")]
    ran = subprocess.run(command, env=env, cwd=tmp_path, capture_output=True, text=True, timeout=300, check=False)
    assert ran.returncode == 0, ran.stderr
    assert "app.zip" in ran.stdout
    asked = set(_ADDRESS.findall((tmp_path / "calls").read_text()))
    assert asked == {(str(snowflake_server.port), "127.0.0.1")}
