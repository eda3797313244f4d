"""A build that does not fit this machine, made anew here from its lock: exactly that, or a refusal that names what."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.index_server import PASSWORD
from tests.support.sizes import WAITING
from tests.support.tool import Ended, Tool
from tests.support.wheels import sdist, wheel
from venvbuild.installed import distributions_in

HERE = platform.machine()
ELSEWHERE = "aarch64" if HERE != "aarch64" else "x86_64"
SITE = "lib/python3.11/site-packages"


def native(folder: Path, machine: str, said: str | None = None) -> Path:
    """The wheel of `native` with compiled code for one machine; its module says which one."""
    return wheel(folder, "native", "1.0", tag=f"cp311-cp311-manylinux_2_17_{machine}",
                 files={"native.py": f"MACHINE = {said or machine!r}\n"})  # fmt: skip


@pytest.fixture
def tool(tool: Tool) -> Tool:
    """An index with wheels for both machines."""
    for machine in (HERE, ELSEWHERE):
        native(tool.index.folder, machine)
    wheel(tool.index.folder, "lib", "1.0")
    wheel(tool.index.folder, "app", "1.0", requires=["lib==1.0", "native"], scripts={"app": "app:main"},
          files={"app.py": "import native\ndef main():\n    print('on', native.MACHINE)\n"})  # fmt: skip
    return tool


@pytest.fixture
def foreign(tool: Tool) -> str:
    """A build of `sales` that was made on the other machine, as far as its metadata tells."""
    done = tool.build("app==1.0", ENV_NAME="sales")
    assert done.code == 0, done.stderr
    version: str = done.json["venv_version"]
    describe(tool, version, platform=f"linux_{ELSEWHERE}")
    return version


def describe(tool: Tool, version: str, **fields: Any) -> None:
    """Let the metadata of a build say something else."""
    path = tool.stored(version) / "metadata.json"
    path.write_text(json.dumps({**json.loads(path.read_bytes()), **fields}))


def replace(tool: Tool, version: str, name: str, change: Callable[[str], str]) -> None:
    """Another file of the build, and metadata that promises that one."""
    path = tool.stored(version) / name
    body = change(path.read_text()).encode()
    path.write_bytes(body)
    files = json.loads((tool.stored(version) / "metadata.json").read_bytes())["files"]
    promised = {"sha256": hashlib.sha256(body).hexdigest(), "size_bytes": len(body)}
    describe(tool, version, files={**files, name: promised})


def without(name: str) -> Callable[[str], str]:
    """A lock that lacks one entry."""
    return lambda lock: "".join(entry for entry in entries(lock) if not entry.startswith(f"{name}=="))


def entries(lock: str) -> Iterator[str]:
    entry = ""
    for line in lock.splitlines(keepends=True):
        entry += line
        if not line.endswith("\\\n"):
            yield entry
            entry = ""


def refused(tool: Tool, done: Ended, code: int, *words: str) -> None:
    """It ended with `code` and said these words; nothing is at the target or beside it."""
    assert done.code == code, done.stderr
    for word in words:
        assert word in done.stderr
    assert not [path for path in tool.folder.iterdir() if path.name.startswith((".venvbuild-get-", "venv"))]


def test_get_refuses_what_does_not_fit_and_names_the_way_out_which_works(tool: Tool, foreign: str) -> None:
    refused(tool, tool.run("get", foreign, "venv"), 2, f"linux_{ELSEWHERE}", "--rebuild")
    next(tool.stored(foreign).glob("*.tar.gz")).unlink()  # it is not read
    done = tool.run("get", foreign, "venv", "--rebuild", "--json")
    assert done.code == 0, done.stderr
    target = tool.folder / "venv"
    assert done.json["rebuilt"] is True
    assert done.json["archive_sha256"] is None
    assert {name: done.json[name] for name in ("venv_version", "target", "bytes_fetched")} == {
        "venv_version": foreign, "target": str(target), "bytes_fetched": 0}  # fmt: skip
    said = subprocess.run([target / "bin/app"], env={"PATH": "/usr/bin:/bin"}, capture_output=True, text=True)
    assert said.stdout == f"on {HERE}\n"


def test_what_is_installed_is_the_lock_and_nothing_else(tool: Tool, foreign: str) -> None:
    wheel(tool.index.folder, "native", "2.0")
    assert tool.run("get", "sales@latest", "venv", "--rebuild").code == 0
    target = tool.folder / "venv"
    lock = (tool.stored(foreign) / "requirements.lock.txt").read_text()
    assert sorted(str(one.pin) for one in distributions_in([target / SITE])) == [
        entry.split()[0] for entry in entries(lock)
    ]
    assert not [one.damage for one in distributions_in([target / SITE]) if one.damage]
    marker = json.loads((target / ".venvbuild.json").read_bytes())
    assert (marker["made_by"], marker["venv_version"], marker["rebuilt"]) == ("venvbuild get", foreign, True)


def test_it_looks_like_what_get_restores(tool: Tool, foreign: str) -> None:
    describe(tool, foreign, platform=f"linux_{HERE}")
    assert tool.run("get", foreign, "got").code == 0
    private = ["sh", "-c", 'umask 077; exec "$@"', "-", *tool.command("get", foreign, "rebuilt", "--rebuild")]
    subprocess.run(private, cwd=tool.folder, env=tool.environment(), capture_output=True, timeout=300, check=True)

    def look(folder: Path) -> dict[str, str]:
        paths = [path for path in folder.rglob("*") if "__pycache__" not in path.parts]
        return {
            str(path.relative_to(folder)): os.readlink(path) if path.is_symlink() else oct(path.stat().st_mode)
            for path in paths
        }

    got, rebuilt = tool.folder / "got", tool.folder / "rebuilt"
    assert look(rebuilt) == look(got)
    same = [
        name for name in look(got) if (got / name).is_file() and not name.startswith((".venvbuild", "bin/activate."))
    ]
    different = [name for name in same if (got / name).read_bytes() != (rebuilt / name).read_bytes()]
    assert different == []


def test_an_environment_that_get_made_is_replaced_and_compiled_if_asked(tool: Tool, foreign: str) -> None:
    assert tool.run("get", foreign, "venv", "--rebuild").code == 0
    (tool.folder / "venv/old").write_text("old")
    tool.run("promote", foreign, "prod")
    again = tool.command("get", "sales@prod", "venv", "--rebuild", "--compile")
    private = ["sh", "-c", 'umask 077; exec "$@"', "-", *again]
    done = subprocess.run(
        private, cwd=tool.folder, env=tool.environment(), capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "rebuilt from its lock" in done.stdout
    assert not (tool.folder / "venv/old").exists()
    compiled = tool.folder / "venv" / SITE / "__pycache__/app.cpython-311.pyc"
    assert compiled.read_bytes()[4:8] == b"\x03\0\0\0"
    assert (compiled.stat().st_mode, compiled.parent.stat().st_mode) == (0o100644, 0o40755)


def test_what_is_not_ours_is_left_untouched_and_the_index_not_asked(tool: Tool, foreign: str) -> None:
    (tool.folder / "mine").mkdir()
    (tool.folder / "mine/precious").write_text("mine")
    tool.index.requests.clear()
    refused(tool, tool.run("get", foreign, "mine", "--rebuild"), 2, "nothing was touched")
    assert (tool.folder / "mine/precious").read_text() == "mine"
    assert tool.index.requests == []


def test_every_package_without_a_wheel_for_this_platform_is_named(tool: Tool) -> None:
    for name in ("first", "second"):
        for machine in (HERE, ELSEWHERE):
            wheel(tool.index.folder, name, "1.0", tag=f"cp311-cp311-manylinux_2_17_{machine}")
    version = tool.build("first==1.0", "second==1.0", "lib==1.0").json["venv_version"]
    for path in tool.index.folder.glob(f"*-1.0-*{HERE}.whl"):
        path.unlink()
    done = tool.run("get", version, "venv", "--rebuild")
    refused(tool, done, 4, "first==1.0 has no wheel", "second==1.0 has no wheel", f"linux_{HERE}", "venvbuild build")


def test_a_package_that_is_needed_only_here_is_named_and_nothing_put_in_place(tool: Tool, foreign: str) -> None:
    replace(tool, foreign, "requirements.lock.txt", without("lib"))
    done = tool.run("get", foreign, "venv", "--rebuild")
    refused(tool, done, 4, "app 1.0 needs lib==1.0, which is not installed", f"for linux_{ELSEWHERE}")


def test_a_pin_that_holds_only_here_is_named(tool: Tool, foreign: str) -> None:
    replace(tool, foreign, "requirements.txt", lambda text: text + f"other==1.0 ; platform_machine == '{HERE}'\n")
    refused(tool, tool.run("get", foreign, "venv", "--rebuild"), 4, "needs other, which is not installed")


def test_a_wheel_with_a_hash_that_the_lock_does_not_have_is_refused(tool: Tool, foreign: str) -> None:
    native(tool.index.folder, HERE, "evil")
    done = tool.run("get", foreign, "venv", "--rebuild", XDG_CACHE_HOME=str(tool.folder / "cache of another machine"))
    refused(tool, done, 8, "no file of native 1.0 has one of the hashes")


def test_a_file_with_other_bytes_than_the_index_says_is_refused(tool: Tool, foreign: str) -> None:
    done = tool.run("get", foreign, "venv", "--rebuild", "--index-url", tool.index.url("wrong"))
    refused(tool, done, 8)


@pytest.mark.parametrize("name", ["requirements.lock.txt", "requirements.txt"])
def test_a_file_that_the_metadata_does_not_promise_is_refused(tool: Tool, foreign: str, name: str) -> None:
    path = tool.stored(foreign) / name
    path.write_text(path.read_text() + "# changed\n")
    refused(tool, tool.run("get", foreign, "venv", "--rebuild"), 8, f"{name} is not the one", "venvbuild verify")


def test_a_lock_without_hashes_is_refused(tool: Tool, foreign: str) -> None:
    replace(tool, foreign, "requirements.lock.txt", lambda lock: "app==1.0\nlib==1.0\nnative==1.0\n")
    refused(tool, tool.run("get", foreign, "venv", "--rebuild"), 8, "no hash of app, lib, native")


def test_what_was_built_from_source_is_named(tool: Tool) -> None:
    sdist(tool.index.folder, "source", "1.0")
    file = tool.requirements("lib==1.0", "source==1.0")
    version = tool.run("build", "--json", "-r", file, "--allow-sdist", "source").json["venv_version"]
    done = tool.run("get", version, "venv", "--rebuild")
    refused(tool, done, 4, "source 1.0 was built from source", "--allow-sdist source")
    assert "lib 1.0 was built" not in done.stderr


@pytest.mark.parametrize("offers_files", [True, False])
def test_what_is_in_quarantine_by_now_is_not_fetched(tool: Tool, foreign: str, offers_files: bool) -> None:
    tool.index.statuses["native"] = ("quarantined", "malware")
    if not offers_files:
        for path in tool.index.folder.glob("native-*"):
            path.unlink()
    tool.index.requests.clear()
    later = str(tool.folder / "an hour later")  # for so long an answer is believed
    done = tool.run("get", foreign, "venv", "--rebuild", XDG_CACHE_HOME=later)
    refused(tool, done, 3, "native is quarantined\n  where: requirements.lock.txt\n  why: malware", "change the pins")
    assert not [path for path, _ in tool.index.requests if "/files/" in path]
    # its archive asks no index, as the page says
    describe(tool, foreign, platform=f"linux_{HERE}")
    assert tool.run("get", foreign, "venv", XDG_CACHE_HOME=later).code == 0


def test_what_was_yanked_since_is_warned_of_and_installed(tool: Tool, foreign: str) -> None:
    for path in tool.index.folder.glob("native-*"):
        tool.index.yanked[path.name] = "it bites"
    strict = {"VENVBUILD_YANKED": "refuse", "VENVBUILD_MIN_AGE_DAYS": "7", "XDG_CACHE_HOME": str(tool.folder / "later")}
    done = tool.run("get", foreign, "venv", "--rebuild", "--json", **strict)
    assert done.code == 0, done.stderr
    assert [(one["what"], one["why"]) for one in done.json["warnings"]] == [("native==1.0 is yanked", "it bites")]
    assert "warning: requirements.lock.txt: native==1.0 is yanked; why: it bites\n" in done.stderr


def test_conflicts_that_the_build_is_known_for_are_no_reason_to_refuse(tool: Tool) -> None:
    wheel(tool.index.folder, "odd", "1.0", requires=["lib>=2"])
    wheel(tool.index.folder, "lib", "2.0")
    file = tool.requirements("odd==1.0", "lib==1.0")
    version = tool.run("build", "--json", "-r", file, "--no-fail-on-conflicts").json["venv_version"]
    done = tool.run("get", version, "venv", "--rebuild")
    assert done.code == 0, done.stderr
    describe(tool, version, conflicts=[], is_conflict_free=True)
    done = tool.run("get", version, "again", "--rebuild")
    assert (done.code, "odd 1.0 needs lib>=2, lib 1.0 is installed" in done.stderr) == (4, True)


def test_credentials_of_the_index_stay_out_of_what_is_made_and_said(tool: Tool, foreign: str) -> None:
    done = tool.run("get", foreign, "venv", "--rebuild", VENVBUILD_INDEX_URL=tool.index.url_with_credentials)
    assert done.code == 0, done.stderr
    assert PASSWORD not in done.stdout + done.stderr
    files = [path for path in (tool.folder / "venv").rglob("*") if path.is_file()]
    assert not [path for path in files if PASSWORD.encode() in path.read_bytes()]


@WAITING
def test_an_index_that_is_away_leaves_nothing(tool: Tool, foreign: str) -> None:
    refused(tool, tool.run("get", foreign, "venv", "--rebuild", "--index-url", tool.index.url("status-503")), 6)


def test_an_archive_alone_has_no_lock(tool: Tool, foreign: str) -> None:
    archive = tool.stored(foreign) / f"{foreign}.tar.gz"
    done = tool.run("get", "--from-archive", archive, "venv", "--rebuild")
    refused(tool, done, 2, "venvbuild get BUILD TARGET --rebuild")
