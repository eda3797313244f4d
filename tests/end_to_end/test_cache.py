"""`venvbuild cache`, as users and agents call it: where, how large, and what goes while others work."""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.tool import Tool
from tests.support.wheels import wheel
from venvbuild.package_index import WheelCache

pytestmark = pytest.mark.traced

NAMES = ["fragments", "wheels", "releases", "catalog", "tools", "uv"]
LONG_AGO = 1_000_000_000


@pytest.fixture
def user(tool: Tool) -> Tool:
    """Somebody who has built `good` and `better`, and asked for the build."""
    tool.env["XDG_CACHE_HOME"] = str(tool.folder / "cache")
    for name in ("good", "better"):
        wheel(tool.index.folder, name, "1.0")
    assert tool.build("good==1.0", "better==1.0").code == 0
    assert tool.run("find", "good").code == 0
    return tool


def files_of(folder: Path) -> set[Path]:
    return {path for path in folder.rglob("*") if path.is_file()}


def age(folder: Path) -> None:
    for path in folder.rglob("*"):
        if not path.is_symlink():
            os.utime(path, (LONG_AGO, LONG_AGO))


def test_each_cache_is_named_with_its_folder(user: Tool) -> None:
    rows = user.run("cache", "dir", "--json").json
    assert [row["cache"] for row in rows] == NAMES
    cache = user.folder / "cache"
    assert [row["folder"] for row in rows] == [
        str(cache / "venvbuild" / "fragments"), str(cache / "venvbuild" / "wheels"),
        str(cache / "venvbuild" / "releases"), str(cache / "venvbuild" / "catalog"), str(cache / "venvbuild"),
        str(cache / "uv"),
    ]  # fmt: skip
    lines = user.run("cache", "dir").stdout.splitlines()
    assert [line.split(None, 1) for line in lines] == [[row["cache"], row["folder"]] for row in rows]
    assert user.run("cache", "dir", "uv").stdout == f"{cache}/uv\n"
    assert user.run("cache", "dir", "uv", UV_CACHE_DIR="/elsewhere").stdout == "/elsewhere\n"
    assert user.run("cache", "dir", "pip").code == 2


def test_a_cache_is_as_large_as_its_files(user: Tool) -> None:
    rows = {row["cache"]: row for row in user.run("cache", "size", "--json").json}
    fragments = files_of(user.folder / "cache" / "venvbuild" / "fragments")
    assert rows["fragments"]["file_count"] == len(fragments) > 0
    assert rows["fragments"]["size_bytes"] == sum(path.stat().st_size for path in fragments)
    assert rows["catalog"]["file_count"] > 0
    assert rows["uv"]["size_bytes"] > 1000
    assert rows["tools"] == {"cache": "tools", "folder": str(user.folder / "cache/venvbuild"), "file_count": 0,
                             "size_bytes": 0}  # fmt: skip
    assert [line.split()[0] for line in user.run("cache", "size").stdout.splitlines()] == NAMES
    assert user.run("cache", "size", "tools", XDG_CACHE_HOME=str(user.folder / "nowhere")).code == 0


def test_what_was_used_stays_and_what_nobody_used_goes(user: Tool) -> None:
    cache = user.folder / "cache" / "venvbuild"
    before = files_of(cache)
    assert user.run("cache", "prune").code == 0
    assert files_of(cache) == before
    age(cache)
    said = user.run("cache", "prune", "--dry-run").stdout
    assert "would remove" in said
    assert files_of(cache) == before
    pruned = {row["cache"]: row for row in user.run("cache", "prune", "--json").json}
    assert pruned["fragments"]["file_count"] > 0
    assert pruned["catalog"]["file_count"] > 0
    assert pruned["wheels"]["file_count"] > 0
    assert [path for path in files_of(cache) if "stores" not in path.parts] == []
    # and all of it is made again
    assert user.run("find", "good").stdout
    again = user.build("good==1.0", "better==1.0")
    assert again.code == 0, again.stderr


def test_no_days_removes_what_was_used_a_moment_ago(user: Tool) -> None:
    fragments = user.folder / "cache" / "venvbuild" / "fragments"
    said = user.run("cache", "prune", "fragments", "--unused-days", "0")
    assert (said.code, said.stdout.split()[:2]) == (0, ["fragments", "removed"])
    assert files_of(fragments) == set()
    assert (user.folder / "cache" / "uv" / "CACHEDIR.TAG").is_file()


def test_of_a_package_all_goes_from_uvs_cache_and_what_was_packed_here(user: Tool) -> None:
    cache = user.folder / "cache"
    fragments = files_of(cache / "venvbuild" / "fragments")
    wheels = {path.name for path in (cache / "uv").glob("wheels-v*/**/*") if path.name.endswith("-py3-none-any")}
    assert any(name.startswith("1.0") for name in wheels), wheels
    pruned = {row["cache"]: row for row in user.run("cache", "prune", "--package", "Good", "--json").json}
    assert set(pruned) == {"fragments", "wheels", "releases", "uv"}
    assert pruned["wheels"]["file_count"] == pruned["releases"]["file_count"] == 1
    assert pruned["fragments"]["file_count"] >= 2
    assert pruned["uv"]["file_count"] >= 1
    assert len(files_of(cache / "venvbuild" / "fragments")) == len(fragments) - pruned["fragments"]["file_count"]
    left = [path for path in (cache / "uv").glob("wheels-v*/**/*") if "good" in path.parts]
    assert left == []
    assert [path for path in (cache / "uv").glob("wheels-v*/**/*") if "better" in path.parts]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--package", "a b"], "names no package"),
        (["--package=--all"], "names no package"),
        (["catalog", "--package", "good"], "knows no packages"),
        (["--unused-days", "-1"], "not in the range"),
        (["pip"], "'pip' is not one of"),
    ],
    ids=str,
)
def test_what_cannot_be_pruned_is_2(tool: Tool, arguments: list[str], words: str) -> None:
    done = tool.run("cache", "prune", *arguments)
    assert (done.code, done.stdout) == (2, "")
    assert words in done.stderr


def test_a_folder_of_somebody_is_no_cache_and_the_fix_helps(user: Tool) -> None:
    home = user.folder / "somebody"
    (home / "work").mkdir(parents=True)
    (home / "work" / "thesis").write_text("years")
    age(user.folder / "cache" / "venvbuild")
    before = files_of(user.folder)
    done = user.run("cache", "prune", "--json", UV_CACHE_DIR=str(home))
    assert done.code == 2
    assert files_of(user.folder) == before
    fix = done.json["error"]["problems"][0]["fix"]
    advised = fix.partition("prune the others: venvbuild ")[2].split()
    assert user.run(*advised, UV_CACHE_DIR=str(home)).code == 0
    assert (home / "work" / "thesis").read_text() == "years"
    assert files_of(user.folder) < before


def test_a_set_up_in_use_stays_and_is_told(user: Tool) -> None:
    home = user.folder / "cache" / "venvbuild" / f"tool-{'a' * 16}-py3.11-01234567"
    home.mkdir()
    (home / "file").touch()
    os.utime(home, (LONG_AGO, LONG_AGO))
    lock = f"import fcntl, os; fcntl.flock(os.open({str(home)!r}, os.O_RDONLY), fcntl.LOCK_SH); print(1, flush=True)"
    holding = subprocess.Popen(["python3", "-c", f"{lock}; input()"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert holding.stdout
    holding.stdout.readline()
    assert "1 set-up in use" in user.run("cache", "prune", "tools").stdout
    holding.communicate(b"\n")
    assert "removed 1 file" in user.run("cache", "prune", "tools").stdout
    assert not home.exists()


@pytest.mark.parametrize("fragments", ["cold", "warm"])
def test_what_a_disk_lost_of_uvs_cache_comes_into_no_build_and_the_advice_mends_the_cache(
    user: Tool, fragments: str
) -> None:
    first = user.build("good==1.0", "better==1.0").json
    [module] = (user.folder / "cache" / "uv").glob("archive-v*/*/good.py")
    module.write_bytes(b"")
    if fragments == "cold":
        assert user.run("cache", "prune", "fragments", "--unused-days", "0").code == 0
    again = user.build("good==1.0", "better==1.0")
    assert (again.code, again.json["archive_sha256"]) == (0, first["archive_sha256"]), again.stderr
    [advice] = re.findall(r"good\.py has 0 bytes.*`venvbuild (cache prune --package good)`", again.stderr)
    assert user.run(*advice.split()).code == 0
    mended = user.build("good==1.0", "better==1.0")
    assert (mended.json["archive_sha256"], "is not what the index has" in mended.stderr) == (
        first["archive_sha256"],
        False,
    )


def believed(folder: Path, glob: str, true: bytes, wrong: bytes) -> None:
    """Change what uv's cache says."""
    changed = [path for path in folder.glob(glob) if path.is_file() and true in path.read_bytes()]
    assert changed
    for path in changed:
        path.write_bytes(path.read_bytes().replace(true, wrong))


@pytest.mark.parametrize(
    ("glob", "true", "wrong", "code", "said"),
    [
        ("wheels-v*/**/needy/*.msgpack", b"good", b"goof", 5, "nothing that is installed needs goof"),
        ("wheels-v*/**/needy/*.msgpack", b"'linux'", b"'linuy'", 5, "needy needs good, which the resolver left out"),
        ("interpreter-v*/**/*.msgpack", b"\xa5linux", b"\xa5linuy", 5, "needy needs good, which the resolver left out"),
    ],
    ids=["another name", "another marker", "of the interpreter"],
)
def test_what_the_resolver_was_told_of_a_package_is_not_believed(
    tool: Tool, glob: str, true: bytes, wrong: bytes, code: int, said: str
) -> None:
    tool.env["XDG_CACHE_HOME"], tool.index.keeps = str(tool.folder / "cache"), True
    wheel(tool.index.folder, "needy", "1.0", requires=["good; sys_platform == 'linux'"])
    for name in ("good", "goof"):
        wheel(tool.index.folder, name, "1.0")
    first = tool.build("needy==1.0")
    assert (first.code, "resolver left out" in first.stderr) == (0, False)
    believed(tool.folder / "cache" / "uv", glob, true, wrong)
    misled = tool.build("needy==1.0")
    assert (misled.code, said in misled.stderr) == (code, True), misled.stderr
    for advice in re.findall(r"`venvbuild (cache prune[^`]*)`", misled.stderr):
        assert tool.run(*advice.split()).code == 0
    again = tool.build("needy==1.0")
    assert (again.json["archive_sha256"], again.stderr.count("left out")) == (first.json["archive_sha256"], 0)


def test_of_metadata_that_was_mended_nothing_else_is_blamed(tool: Tool) -> None:
    tool.env["XDG_CACHE_HOME"] = str(tool.folder / "cache")
    wheel(tool.index.folder, "needy", "1.0", requires=["good"])
    wheel(tool.index.folder, "good", "1.0")
    first = tool.build("needy==1.0")
    believed(tool.folder / "cache" / "uv", "archive-v*/*/needy-1.0.dist-info/METADATA", b"-Dist: good", b"-Dist: goof")
    again = tool.build("needy==1.0")
    assert again.json["archive_sha256"] == first.json["archive_sha256"]
    assert re.findall(r"`venvbuild (cache prune[^`]*)`", again.stderr) == ["cache prune --package needy"]


def test_where_uv_has_kept_a_wrong_address_the_package_is_not_blamed(tool: Tool) -> None:
    tool.env["XDG_CACHE_HOME"], tool.index.keeps = str(tool.folder / "cache"), True
    wheel(tool.index.folder, "needy", "1.0", requires=["good"])
    wheel(tool.index.folder, "good", "1.0")
    first = tool.build("needy==1.0")
    believed(tool.folder / "cache" / "uv", "simple-v*/**/needy.rkyv", b"needy-1.0", b"needy-1.1")
    again = tool.build("needy==1.0")
    assert (again.code, again.json["archive_sha256"]) == (0, first.json["archive_sha256"]), again.stderr


def test_hashes_that_uv_has_kept_wrongly_go_by_what_the_error_says(tool: Tool) -> None:
    tool.env["XDG_CACHE_HOME"], tool.index.keeps = str(tool.folder / "cache"), True
    digest = hashlib.sha256(wheel(tool.index.folder, "good", "1.0").read_bytes()).digest()
    first = tool.build("good==1.0")
    wrong = bytes([digest[0] ^ 1, *digest[1:]])
    believed(tool.folder / "cache" / "uv", "simple-v*/**/good.rkyv", digest, wrong)
    refused = tool.build("good==1.0")
    [advice] = re.findall(r"venvbuild (cache prune --package good)$", refused.stderr, re.MULTILINE)
    assert (refused.code, tool.run(*advice.split()).code) == (8, 0)
    assert tool.build("good==1.0").json["archive_sha256"] == first.json["archive_sha256"]


def test_the_cache_that_failed_the_installer_is_mended_by_what_is_said(tool: Tool) -> None:
    tool.env["XDG_CACHE_HOME"] = str(tool.folder / "cache")
    for name in ("flask", "flask-cors"):
        wheel(tool.index.folder, name, "1.0")
    first = tool.build("flask==1.0", "flask-cors==1.0")
    [damaged] = (tool.folder / "cache" / "uv").glob("archive-v*/*/flask_cors-1.0.dist-info/WHEEL")
    damaged.write_bytes(b"")
    again = tool.build("flask==1.0", "flask-cors==1.0")
    assert again.json["archive_sha256"] == first.json["archive_sha256"], again.stderr
    [advice] = re.findall(r"`venvbuild (cache prune[^`]*)`", again.stderr)
    assert (advice, tool.run(*advice.split()).code) == ("cache prune --package flask-cors", 0)
    assert "with its cache" not in tool.build("flask==1.0", "flask-cors==1.0").stderr


def test_a_wrong_witness_is_asked_for_anew(user: Tool) -> None:
    cache = WheelCache(user.folder / "cache" / "venvbuild" / "wheels")
    [path] = cache.of_distributions({"good"})
    contents = cache.get(path.stem)
    assert contents
    cache.put(replace(contents, files=tuple(one._replace(sha256="0" * 64) for one in contents.files)))
    asked = user.build("good==1.0", "better==1.0")
    assert (asked.code, "is not what the index has" in asked.stderr) == (0, False)


def test_a_folder_with_other_files_is_not_cleaned_by_uv_and_both_ways_on_work(user: Tool) -> None:
    shared = user.folder / "shared"
    shared.mkdir()
    (shared / "thesis.txt").write_text("years of work")
    refused = user.run("cache", "prune", UV_CACHE_DIR=str(shared))
    assert refused.code == 2
    assert "set UV_CACHE_DIR to a folder of its own" in refused.stderr
    [advice] = re.findall(r"prune the others: venvbuild (cache prune .*)", refused.stderr)
    assert user.run(*advice.split(), UV_CACHE_DIR=str(shared)).code == 0
    assert user.run("cache", "prune", UV_CACHE_DIR=str(shared / "own")).code == 0
    assert (shared / "thesis.txt").read_text() == "years of work"
