"""A release tried as its users will: in a clean environment, from the index alone."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from tests.support import canary, private_index
from tests.support.devpi_server import Devpi
from tests.support.fake_index import PROFILES, FakeIndex
from tests.support.releases import NAME, built, publisher, target, verifier
from tests.support.tool import Tool
from tests.support.wheels import wheel
from venvbuild.errors import CheckFoundSomething, IntegrityError
from venvbuild.release.withdrawing import withdraw

_DEVPI = pytest.mark.xdist_group("devpi")


def published(environ: dict[str, str], folder: Path, version: str, text: str = "") -> None:
    manifest = built(folder / version, version, text)
    publisher(environ).publish(manifest, folder / version)


def test_installation_from_private_pypi(pypiserver: dict[str, str], tmp_path: Path, tool: Tool) -> None:
    """By `release publish` and `release verify`: what the environment and the machine would give pip does not count."""
    elsewhere = tmp_path / "elsewhere"
    wheel(elsewhere, NAME, "9.9.9")
    traps: dict[str, str | None] = {
        "PIP_FIND_LINKS": str(elsewhere),
        "PIP_NO_INDEX": "1",
        "UV_FIND_LINKS": str(elsewhere),
    }
    built(tool.folder / "dist", "1.0.0")
    environ = {**traps, **pypiserver}
    with canary.watched(*canary.forms(private_index.USER, private_index.PASSWORD)) as (found, _):
        sent = tool.run("release", "publish", "--no-rehearsal", **environ)
        done = tool.run("release", "verify", "--json", **environ)
    assert (sent.code, done.code) == (0, 0), sent.stderr + done.stderr
    line = f"pip install {NAME}==1.0.0 --index-url {pypiserver['PYPISERVER_URL']}simple/"
    assert sent.stdout == f"{line}\n"
    told = done.json
    assert (told["version"], told["imports"], told["commands"]) == ("1.0.0", ["vb_demo"], [NAME])
    assert (told["upgraded_from"], told["is_compared"], told["install"]) == (None, True, line)
    assert f"{NAME} --version: 1.0.0" in done.stderr
    assert found == []
    missing = tool.run("release", "verify", f"{NAME}==9.9.9", **environ)
    assert missing.code == 11
    assert "the newest there is 1.0.0" in missing.stderr


@_DEVPI
def test_upgrade_from_previous_version(devpi: Devpi, tmp_path: Path) -> None:
    """Before anything is public by the built files, then from the index by the name alone; and back both times."""
    environ, said = devpi.index().environment(), list[str]()
    published(environ, tmp_path, "1.0.0")
    manifest = built(tmp_path / "dist", "1.1.0")
    rehearsed = verifier(environ, said).rehearse(manifest, tmp_path / "dist")
    assert (rehearsed.older, rehearsed.seen.version) == ("1.0.0", "1.1.0")
    publisher(environ).publish(manifest, tmp_path / "dist")
    found = verifier(environ, said).verify(NAME, "1.1.0", manifest)
    assert (found.older, found.seen.version, found.seen.scripts) == ("1.0.0", "1.1.0", (NAME,))
    assert said == []


@_DEVPI
def test_a_withdrawn_version_is_installed_by_nobody(devpi: Devpi, tmp_path: Path) -> None:
    """The bad version is withdrawn from a volatile index: a plain install gives the one before, and so does its pin."""
    environ = devpi.index(volatile=True).environment()
    published(environ, tmp_path, "1.0.0")
    published(environ, tmp_path, "1.1.0", "raise RuntimeError('bad release')\n")
    with pytest.raises(CheckFoundSomething, match="bad release"):
        verifier(environ).verify(NAME, "1.1.0")
    done = withdraw(target(environ), NAME, "1.1.0", environ)
    assert done.is_done
    # `verify` upgrades by the name alone where the version is the newest that there is.
    found = verifier(environ).verify(NAME, "1.0.0")
    assert found.seen.version == "1.0.0"
    with pytest.raises(CheckFoundSomething, match="is not on the index"):
        verifier(environ).verify(NAME, "1.1.0")


def test_what_does_not_work_is_told_and_an_older_one_that_does_not_is_no_reason(
    pypiserver: dict[str, str], tmp_path: Path
) -> None:
    """A release that mends the one before must not be stopped by it."""
    said: list[str] = []
    bad = built(tmp_path / "bad", "0.9.0", module="def other():\n    pass\n")
    with pytest.raises(CheckFoundSomething) as caught:
        verifier(pypiserver, said).rehearse(bad, tmp_path / "bad")
    assert "vb-demo --version fails: " in caught.value.problems[0].what
    assert "0.9.0, installed" in caught.value.problems[0].where
    published(pypiserver, tmp_path, "1.0.0", "raise RuntimeError('broken')\n")
    verifier(pypiserver, said).rehearse(built(tmp_path / "dist", "1.0.1"), tmp_path / "dist")
    assert [line.partition(";")[0] for line in said] == [
        "there is no older version to upgrade from",
        "warning: of 1.0.0: import vb_demo: RuntimeError: broken",
    ]


def test_bytes_that_come_are_compared_with_those_that_were_built(tmp_path: Path) -> None:
    with FakeIndex(PROFILES["pypiserver"]) as index:
        environ = index.environment()
        manifest = built(tmp_path, "1.0.0")
        publisher(environ).publish(manifest, tmp_path)
        index.spoils = b"x"
        with pytest.raises(IntegrityError, match=manifest.files[0].sha256):
            verifier(environ).verify(NAME, "1.0.0", manifest)
        # The index itself says other bytes.
        wheel_name = manifest.files[0].filename
        index.files[wheel_name] += b"x"
        with pytest.raises(IntegrityError, match=hashlib.sha256(index.files[wheel_name]).hexdigest()):
            verifier(environ).verify(NAME, "1.0.0", manifest)
        del index.files[wheel_name]
        with pytest.raises(CheckFoundSomething, match=f"{wheel_name} is not on the index"):
            verifier(environ).verify(NAME, "1.0.0", manifest)
