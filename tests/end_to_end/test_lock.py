"""pylock.toml in and out: what uv and pip lock is built to the same content, and they install what a build keeps."""

from __future__ import annotations

import hashlib
import os
import shlex
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import uv

from tests.support import real_pip
from tests.support.builds import put_build, version
from tests.support.scripted import put_whole
from tests.support.supplies import here
from tests.support.tool import Ended, Tool
from tests.support.wheels import sdist, wheel
from venvbuild.builds import places
from venvbuild.stores import open_store

PINS = "app==1.0", "lib==1.0", "native==1.0"
UV = uv.find_uv_bin()


@pytest.fixture
def tool(tool: Tool) -> Tool:
    """An index with what is for any machine, for this one, and for another."""
    wheel(tool.index.folder, "app", "1.0", requires=["lib", "native", "wincolor ; sys_platform == 'win32'"])
    wheel(tool.index.folder, "lib", "1.0")
    wheel(tool.index.folder, "wincolor", "1.0")
    tag = f"cp{here().version.replace('.', '')}"
    for platform in (f"manylinux_2_17_{here().marker_environment['platform_machine']}", "win_amd64"):
        wheel(
            tool.index.folder,
            "native",
            "1.0",
            tag=f"{tag}-{tag}-{platform}",
            files={"native.py": f"x = {platform!r}\n"},
        )
    tool.env["PYTHON_VERSION"] = here().version
    return tool


def variables(tool: Tool, mode: str = "ok") -> dict[str, str]:
    url = tool.index.url(mode)
    ours = {"PIP_INDEX_URL": url, "UV_DEFAULT_INDEX": url, "UV_CACHE_DIR": str(tool.folder / "uv-cache")}
    return {**os.environ, **ours, "UV_PYTHON": sys.executable, "UV_PYTHON_DOWNLOADS": "never"}


def run(tool: Tool, *command: str | Path, env: Mapping[str, str] | None = None, cwd: Path | None = None) -> None:
    ended = subprocess.run(
        command,
        cwd=cwd or tool.folder,
        env={**variables(tool), **(env or {})},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr


def by_compile(tool: Tool) -> Path:
    """`uv pip compile`."""
    output = tool.folder / "pylock.compiled.toml"
    run(tool, UV, "pip", "compile", tool.requirements(*PINS, name="a.in"), "--format", "pylock.toml", "-o", output)
    return output


def by_export(tool: Tool) -> Path:
    """`uv export` of a project, without the project."""
    project, output = tool.folder / "project", tool.folder / "pylock.toml"
    project.mkdir()
    text = f'[project]\nname = "proj"\nversion = "0"\nrequires-python = ">={here().version}"\n'
    (project / "pyproject.toml").write_text(f"{text}dependencies = {list(PINS)}\n")
    run(tool, UV, "export", "--no-emit-project", "--format", "pylock.toml", "-o", output, cwd=project)
    return output


def by_pip(tool: Tool) -> Path:
    """`pip lock`."""
    output = tool.folder / "pylock.pip.toml"
    run(tool, sys.executable, "-m", "pip", "lock", "-q", "-r", tool.requirements(*PINS, name="p.txt"), "-o", output)
    return output


def built(ended: Ended) -> Any:
    assert ended.code == 0, ended.stderr
    return ended.json


def test_what_uv_and_pip_lock_is_built_to_the_content_of_its_pins(tool: Tool) -> None:
    plain = built(tool.build(*PINS))
    for writer in (by_compile, by_export, by_pip):
        given = writer(tool)
        made = built(tool.run("build", "--json", "--locked", "-r", given))
        assert made["content_sha256"] == plain["content_sha256"], writer.__doc__
        assert made["requirements_sha256"] == hashlib.sha256(given.read_bytes()).hexdigest()
        stored = tool.stored(made["venv_version"])
        assert (stored / "pylock.given.toml").read_bytes() == given.read_bytes()
        pins = [line.split()[0] for line in (stored / "requirements.txt").read_text().splitlines() if "==" in line]
        assert pins == list(PINS)
    assert tool.run("verify", made["venv_version"]).code == 0
    again = built(tool.run("build", "--json", "-r", stored / "requirements.txt"))
    assert again["content_sha256"] == plain["content_sha256"]


def test_pip_and_uv_install_the_lock_of_a_build(tool: Tool) -> None:
    mine = wheel(tool.folder / "wheels", "mine", "1.0")  # which no index has
    more = {"VENVBUILD_FIND_LINKS": str(mine.parent), "VENVBUILD_INDEX_URL": tool.index.url("json")}
    made = built(tool.build(*PINS, "mine==1.0", **more))
    printed = tool.run("lock", made["venv_version"])
    stored = tool.stored(made["venv_version"])
    assert printed.stdout == (stored / "pylock.toml").read_text()
    assert f"no index has {mine.name}: who installs puts them beside the lock" in printed.stderr
    table = tomllib.loads(printed.stdout)
    assert [f"{one['name']}=={one['version']}" for one in table["packages"]] == made["installed_packages"]
    lock = tool.folder / "pylock.toml"
    lock.write_text(printed.stdout)
    assert str(tool.folder) not in printed.stdout
    shutil.copy(mine, lock.parent)
    bin_folder = real_pip.environment(tool.folder / "by-pip")
    run(tool, bin_folder / "pip", "install", "-q", "-r", lock)
    run(tool, UV, "venv", "-q", tool.folder / "by-uv")
    python = tool.folder / "by-uv" / "bin" / "python"
    run(tool, UV, "pip", "sync", "-q", "--python", python, lock)
    for one in (bin_folder / "python", python):
        run(tool, one, "-c", "import app, lib, native, mine")
    # and it is what a build takes
    assert built(tool.run("build", "--json", "-r", lock, **more))["content_sha256"] == made["content_sha256"]


def test_what_was_built_from_source_installs_elsewhere_by_either_lock(tool: Tool) -> None:
    source = sdist(tool.index.folder, "sourced", "1.0")
    more = {"VENVBUILD_INDEX_URL": tool.index.url("json")}
    allowed = "--json", "--allow-sdist", "sourced", "-r"
    made = built(tool.run("build", *allowed, tool.requirements("sourced==1.0", "lib==1.0"), **more))
    locks = {}
    for form, name in (("pylock", "pylock.toml"), ("requirements", "pins.txt")):
        printed = tool.run("lock", made["venv_version"], "--format", form)
        assert (printed.code, printed.stderr) == (0, "")
        locks[form] = tool.folder / name
        locks[form].write_text(printed.stdout)
    [package] = [one for one in tomllib.loads(locks["pylock"].read_text())["packages"] if one["name"] == "sourced"]
    assert (package["sdist"]["size"], "wheels" in package) == (source.stat().st_size, False)
    for form, flags in (("pylock", ()), ("requirements", ("--require-hashes",))):
        bin_folder = real_pip.environment(tool.folder / f"by-pip-{form}")
        run(tool, bin_folder / "pip", "install", "-q", *flags, "-r", locks[form])
        run(tool, bin_folder / "python", "-c", "import sourced, lib")
        python = tool.folder / f"by-uv-{form}" / "bin" / "python"
        run(tool, UV, "venv", "-q", python.parents[1])
        run(tool, UV, "pip", "sync", "-q", *flags, "--python", python, locks[form])
        run(tool, python, "-c", "import sourced, lib")
    # and it is what a build takes, where it may
    assert tool.run("build", "-r", locks["pylock"], **more).code == 3
    assert built(tool.run("build", *allowed, locks["pylock"], **more))["content_sha256"] == made["content_sha256"]
    refused = tool.run("get", made["venv_version"], "venv", "--rebuild", **more)
    assert (refused.code, "sourced 1.0 was built from source" in refused.stderr) == (4, True)


def test_the_other_lock_has_the_files_of_every_platform(tool: Tool) -> None:
    made = built(tool.build(*PINS))
    stored = tool.stored(made["venv_version"])
    printed = tool.run("lock", made["venv_version"], "--format", "requirements")
    assert printed.stdout == (stored / "requirements.lock.txt").read_text()
    [native] = [
        one for one in tomllib.loads((stored / "pylock.toml").read_text())["packages"] if one["name"] == "native"
    ]
    hashes = {one["hashes"]["sha256"] for one in native["wheels"]}
    locked = {part for part in printed.stdout.split() if part.startswith("--hash=")}
    assert len(hashes) == 1
    assert {f"--hash=sha256:{one}" for one in hashes} < locked


def test_the_same_files_give_the_same_lock_without_credentials(tool: Tool) -> None:
    url = tool.index.url_with_credentials
    texts = {
        (tool.stored(built(tool.build(*PINS, VENVBUILD_INDEX_URL=url))["venv_version"]) / "pylock.toml").read_bytes()
        for _ in range(2)
    }
    [text] = texts
    assert b"s3cr3t" not in text
    assert tool.index.url("auth").removesuffix("/simple").encode() in text


def followed(tool: Tool, fix: str) -> Ended:
    """What the advice names, run as it stands."""
    words = shlex.split(fix.partition("venvbuild ")[2].partition(";")[0])
    return tool.run(*words)


def test_a_build_without_a_lock_says_what_there_is_instead(tool: Tool) -> None:
    store = open_store(tool.store)
    files = {places.REQUIREMENTS: b"good==1.0\n", places.LOCK: b"good==1.0\n"}
    old = put_build(store, 1, {**files, places.archive_name(version(1)): b"tar"})
    refused = tool.run("lock", old)
    assert (refused.code, refused.stdout) == (9, "")
    assert "builds of its time did not keep one, or uv could not tell which files of the index fit" in refused.stderr
    assert followed(tool, refused.stderr.partition("fix: ")[2]).stdout == "good==1.0\n"
    source = {"archive": "a.tar.gz", "archive_sha256": "a" * 64, "venv_version": None, "created_at": None}
    imported = put_build(store, 2, imported_from=source)
    scripted = put_whole(store, version(3))
    for build, why in ((imported, "it was imported"), (scripted, "a script made it")):
        for form in ("pylock", "requirements"):
            refused = tool.run("lock", build, "--format", form)
            assert (refused.code, refused.stdout) == (9, "")
            assert why in refused.stderr
            shown = followed(tool, refused.stderr.partition("fix: ")[2])
            assert "package " in shown.stdout


def test_what_is_printed_is_the_file_byte_for_byte_or_nothing(tool: Tool) -> None:
    store = open_store(tool.store)
    url = b'url = "https://me:hunter2-Canary@h/good-1.0-py3-none-any.whl"\n'
    for number, (lock, is_printed) in enumerate(
        ((b'x = "1"\n', True), (b'x = "1"', True), (b"", True), (b'url = "https://h/?x=1"\n\n', True), (url, False)), 1
    ):
        files = {places.REQUIREMENTS: b"good==1.0\n", places.archive_name(version(number)): b"tar"}
        printed = tool.run("lock", put_build(store, number, {**files, places.PYLOCK: lock}))
        assert (printed.code, printed.stdout.encode()) == ((0, lock) if is_printed else (8, b""))
    assert "pylock.toml holds what looks like a secret, on line 1" in printed.stderr
    assert "hunter2" not in printed.stderr


def test_a_lock_that_others_wrote_is_not_printed(tool: Tool) -> None:
    store = open_store(tool.store)
    files = {places.REQUIREMENTS: b"good==1.0\n", places.PYLOCK: b'x = "\x1b[31m"\n'}
    evil = put_build(store, 1, {**files, places.archive_name(version(1)): b"tar"})
    refused = tool.run("lock", evil)
    assert (refused.code, refused.stdout) == (8, "")
    assert "\x1b" not in refused.stderr
