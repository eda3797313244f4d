"""Two real S3 servers on 127.0.0.1, each started by the first test that asks for it and stopped at the end of the run.

moto knows most of S3 but believes any checksum and signature, and its conditional writes are made atomic here
(`atomic_moto`); versitygw checks both, and is atomic.
"""

from __future__ import annotations

import os
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import boto3
import pytest
from botocore.config import Config

from tests.support.downloads import versitygw
from tests.support.tiers import refuse_in_fast

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

REGION, ACCESS_KEY, SECRET_KEY = "us-east-1", "testing", "testingsecret"
ENVIRONMENT: Mapping[str, str] = {
    "AWS_ACCESS_KEY_ID": ACCESS_KEY,
    "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
    "AWS_DEFAULT_REGION": REGION,
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
}
"""What a process needs to speak to either server, and to nothing else."""
_START_TIMEOUT_S = 60


@dataclass(frozen=True)
class S3Server:
    """A running server."""

    name: str
    port: int
    folder: Path
    """Its log and, of versitygw, the buckets as folders of plain files (`root/<bucket>/<key>`)."""

    @property
    def endpoint_url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def client(self) -> S3Client:
        """A client that retries nothing and reads no environment, for looking at what the code under test did."""
        config = Config(s3={"addressing_style": "path"}, signature_version="s3v4", retries={"total_max_attempts": 1})
        return boto3.session.Session().client(
            "s3",
            endpoint_url=self.endpoint_url,
            aws_access_key_id=ACCESS_KEY,
            aws_secret_access_key=SECRET_KEY,
            region_name=REGION,
            config=config,
        )

    def new_bucket(self) -> str:
        """The name of an empty bucket that nobody else has."""
        bucket = f"bucket-{secrets.token_hex(8)}"
        self.client().create_bucket(Bucket=bucket)
        return bucket


@pytest.fixture(scope="session")
def moto_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    def command(port: int, folder: Path) -> list[str]:
        return [sys.executable, "-m", "tests.support.atomic_moto", "-H", "127.0.0.1", "-p", str(port)]

    with running("moto", command, tmp_path_factory.mktemp("moto")) as server:
        yield server


@pytest.fixture(scope="session")
def versitygw_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    program = versitygw()

    def command(port: int, folder: Path) -> list[str]:
        root, versions = folder / "root", folder / "old-versions"  # may not begin with the root's name
        root.mkdir(exist_ok=True)
        versions.mkdir(exist_ok=True)
        return [
            str(program),
            "--port",
            f"127.0.0.1:{port}",
            "--region",
            REGION,
            "--quiet",
            "posix",
            "--versioning-dir",
            str(versions),
            str(root),
        ]

    with running("versitygw", command, tmp_path_factory.mktemp("versitygw")) as server:
        yield server


@pytest.fixture
def s3_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """boto3 in this process and its children can sign for the two servers and finds no other setting."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)


@contextmanager
def running(name: str, command: Callable[[int, Path], list[str]], folder: Path) -> Iterator[S3Server]:
    refuse_in_fast(name)
    environment = {**os.environ, **ENVIRONMENT, "ROOT_ACCESS_KEY": ACCESS_KEY, "ROOT_SECRET_KEY": SECRET_KEY}
    for _ in range(3):  # between finding a free port and using it, somebody else may take it
        server = S3Server(name, free_port(), folder)
        with (folder / "log").open("ab") as log:
            process = subprocess.Popen(
                command(server.port, folder), env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        try:
            if _listens(server.port, process):
                yield server
                return
        finally:
            stop(process)
    raise RuntimeError(f"{name} did not start:\n{(folder / 'log').read_text(errors='replace')[-2000:]}")


def free_port() -> int:
    """A port of 127.0.0.1 that nobody had a moment ago."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def _listens(port: int, process: subprocess.Popen[bytes]) -> bool:
    give_up_at = time.monotonic() + _START_TIMEOUT_S
    while process.poll() is None and time.monotonic() < give_up_at:
        with socket.socket() as connection:
            if connection.connect_ex(("127.0.0.1", port)) == 0:
                return True
        time.sleep(0.05)
    return False


def stop(process: subprocess.Popen[bytes]) -> None:
    """End a server, gently first."""
    process.terminate()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
