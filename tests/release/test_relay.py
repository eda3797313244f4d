"""The index as pip is given it: read through us, and without our credentials."""

from __future__ import annotations

import base64
import tarfile
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from tests.support.fake_index import PROFILES, TOKEN, FakeIndex
from tests.support.releases import target, verifier
from tests.support.wheels import sdist
from venvbuild.release.index import Index
from venvbuild.release.relay import USER, served

_SPY = """
import os, pathlib
seen = [repr(sorted(os.environ.items()))]
for path in pathlib.Path(os.environ["HOME"]).parent.rglob("*"):
    if path.is_file() and "site-packages" not in str(path):
        seen.append("%s\\n%s" % (path, path.read_bytes()))
pathlib.Path({answer!r}).write_text("\\n".join(seen))
"""


def test_what_is_built_from_an_sdist_sees_no_credential_of_ours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its own environment, its home and all beside that; a proxy's password neither. Version 1.0.0 is the older one."""
    monkeypatch.setenv("all_proxy", "http://someone:proxy-Canary@127.0.0.1:9")
    answer = tmp_path / "seen"
    made = [_spying(tmp_path / version, version, answer) for version in ("1.0.0", "1.1.0")]
    with FakeIndex(PROFILES["pypiserver"]) as index:
        index.files = {path.name: path.read_bytes() for path in made}
        found = verifier(index.environment()).verify("leaky", "1.1.0")
    assert (found.version, found.older) == ("1.1.0", "1.0.0")
    seen = answer.read_text()
    assert "'HOME'" in seen
    assert ".netrc" in seen
    for secret in (TOKEN, base64.b64encode(f"svc:{TOKEN}".encode()).decode(), "proxy-Canary"):
        assert secret not in seen


def _spying(folder: Path, version: str, answer: Path) -> Path:
    plain = sdist(folder / "plain", "leaky", version)
    with tarfile.open(plain) as archive:
        member = archive.extractfile(f"leaky-{version}/_backend.py")
        assert member
        backend = member.read().decode()
    files = {"leaky.py": "x = 1\n", "_backend.py": backend + _SPY.format(answer=str(answer))}
    pyproject = '[build-system]\nrequires = []\nbuild-backend = "_backend"\nbackend-path = ["."]\n'
    return sdist(folder, "leaky", version, pyproject=pyproject, files=files)


def test_who_has_not_its_password_reads_nothing_and_with_it_pages_and_files_are_those_of_the_index(
    tmp_path: Path,
) -> None:
    made = sdist(tmp_path, "leaky", "1.0.0")
    with FakeIndex(PROFILES["pypiserver"]) as fake:
        fake.files[made.name] = made.read_bytes()
        with served(Index(target(fake.environment()))) as relay:
            with pytest.raises(urllib.error.HTTPError, match="401"):
                _get(f"{relay.root}/leaky/", "wrong")
            assert b'href="/files/leaky/leaky-1.0.0.tar.gz#sha256=' in _get(f"{relay.root}/leaky/", relay.password)
            base = relay.root.removesuffix("/simple")
            assert _get(f"{base}/files/leaky/{made.name}", relay.password) == made.read_bytes()
            for path in ("/simple/none/", "/files/leaky/other.tar.gz", "/files/leaky/../../etc/passwd", "/"):
                with pytest.raises(urllib.error.HTTPError, match="404"):
                    _get(base + path, relay.password)
            fake.spoils = b"x"
            with pytest.raises(urllib.error.HTTPError, match="424"):
                _get(f"{base}/files/leaky/{made.name}", relay.password)
            assert relay.told(f"at {relay.root}/leaky/") == f"at {fake.index_url}leaky/"


def _get(url: str, password: str) -> bytes:
    request = urllib.request.Request(url)
    request.add_header("Authorization", "Basic " + base64.b64encode(f"{USER}:{password}".encode()).decode())
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(request, timeout=20) as reply:
        body: bytes = reply.read()
        return body
