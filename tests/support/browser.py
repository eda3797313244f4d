"""Chromium, and a server that gives files out as Jenkins does: with its Content-Security-Policy."""

from __future__ import annotations

import functools
import http.server
import os
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.support.requirement import require
from tests.support.tiers import refuse_in_fast

if TYPE_CHECKING:
    from playwright.sync_api import Browser

JENKINS_POLICIES = (
    "sandbox allow-same-origin; default-src 'none'; img-src 'self'; style-src 'self';",
    "sandbox; default-src 'none'; img-src 'self'; style-src 'self';",
)
"""The default of newer and of older controllers (DirectoryBrowserSupport)."""


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """The Chromium of the system, without a window. Skips where there is none."""
    refuse_in_fast("Chromium")
    named = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    require(named, "pages are looked at in Chromium, which is not installed")
    from playwright.sync_api import sync_playwright  # half a second, which few tests need

    # As root it has no sandbox of its own, and /dev/shm of a container is small.
    flags = ["--no-sandbox", "--disable-dev-shm-usage"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=named, args=flags)
        yield browser
        browser.close()


@contextmanager
def served(folder: Path, policy: str) -> Iterator[str]:
    """The URL of the folder's files, each given out with this policy."""

    class Handler(http.server.SimpleHTTPRequestHandler):
        def end_headers(self) -> None:
            self.send_header("Content-Security-Policy", policy)
            super().end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Handler, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
