"""One file for a host: its rules, and with an interpreter inside a host that has nothing but what unpacks it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support import foreign
from tests.support.exported import build_of, packable, put_packed, saying
from tests.support.requirement import require
from venvbuild.archive import FragmentCache, Known, bundle_of
from venvbuild.exports import CONSUMERS, RUN_WITH_PYTHON, Build, export
from venvbuild.stores import open_store

CODE = "import good, json, ssl, sys; print(json.dumps([sys.prefix, sys.base_prefix, sys.path, sys.argv[1:]]))"
# As root, in a mount namespace of its own: what is mounted there goes with it.
HIDING = """
mount -t tmpfs none "$HIDDEN"
for one in $FILES; do mount --bind /dev/null "$one"; done
PATH=$1
shift
exec "$@"
"""


@pytest.fixture(scope="module")
def bundled(tmp_path_factory: pytest.TempPathFactory) -> Build:
    """A build that brings its Python."""
    folder, python = tmp_path_factory.mktemp("bundled"), foreign.interpreter("3.11")
    one = packable(folder)
    with bundle_of(python, folder) as base:
        assert base
        known = Known(None, one.hashes, one.manifest, base_version=base.version)
        packed = one.pack(level=1, instead=dict(base.members), known=known)
        requires = {"abi": "none", "glibc": base.requires.glibc, "libraries": list(base.requires.libraries or ())}
    store = open_store(str(folder / "store"))
    name = put_packed(store, packed, requires=requires)
    return Build.of(store, name, FragmentCache(folder / "exports-cache"))


def test_with_a_python_inside_it_runs_where_there_is_none_and_nearly_nothing_else(
    bundled: Build, tmp_path: Path
) -> None:
    exported = export(RUN_WITH_PYTHON, bundled, tmp_path)
    assert exported.file == tmp_path / "sales.run"
    tools, there = tmp_path / "tools", tmp_path / "a folder with spaces"
    tools.mkdir()
    there.mkdir()
    for name in ("sh", "tail", "tar", "gzip"):
        (tools / name).symlink_to(os.path.realpath(str(shutil.which(name))))
    shutil.copy(exported.file, there)
    require(shutil.which("unshare") and os.geteuid() == 0, "only root can hide the Pythons of a machine")
    done = subprocess.run(
        ["unshare", "-m", "sh", "-euc", HIDING, "sh", tools, "sh", "sales.run", "--",
         "python", "-c", CODE, "a b", ""],
        cwd=there, env={"PATH": os.environ["PATH"], **hidden()}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert said[0] == str(there / "sales")
    assert said[3] == ["a b", ""]
    assert [path for path in said[2] if path and not path.startswith(f"{there}/sales/")] == []
    assert sorted(path.name for path in there.iterdir()) == ["sales", "sales.run"]
    assert "there is no sha256sum here" in done.stderr


@pytest.mark.parametrize("program", ["bsdtar", "busybox"])
def test_any_tar_unpacks_it_links_that_lead_up_too(bundled: Build, tmp_path: Path, program: str) -> None:
    require(shutil.which(program), f"there is no {program} here")
    (tmp_path / "tar").write_text(f'#!/bin/sh\nexec {program} {"tar" if program == "busybox" else ""} "$@"\n')
    (tmp_path / "tar").chmod(0o755)
    exported = export(CONSUMERS["run"], bundled, tmp_path)
    done = subprocess.run(
        ["sh", str(exported.file), "--", "python", "-c", "import good, sys; print(good.answer, sys.prefix)"],
        cwd=tmp_path, env={"PATH": f"{tmp_path}:/usr/bin:/bin"}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (0, f"42 {tmp_path}/sales\n"), done.stderr


def hidden() -> dict[str, str]:
    """Where Pythons are, for `HIDING`."""
    prefix = foreign.interpreter("3.11").prefix
    files = [str(path) for path in sorted(Path("/usr/bin").glob("python3*")) if not path.is_symlink()]
    assert not Path(sys.executable).is_relative_to("/usr/bin")
    return {"HIDDEN": str(prefix), "FILES": " ".join(files)}


def test_what_a_host_must_have_is_told_and_nothing_of_it_is_skipped(bundled: Build, tmp_path: Path) -> None:
    plain = build_of(tmp_path / "build", level=1)
    told = {one.rule.name: one for one in export(CONSUMERS["run"], plain, tmp_path).verdicts}
    assert [(name, one.state) for name, one in told.items()] == [
        ("python", "NOT CHECKED"), ("platform", "NOT CHECKED"), ("libraries", "met"), ("tools", "NOT CHECKED"),
    ]  # fmt: skip
    assert "Python 3.11 on the PATH" in told["python"].finding.saw
    inside = {one.rule.name: one for one in export(CONSUMERS["run"], bundled, tmp_path / "other.run").verdicts}
    assert (inside["python"].state, inside["libraries"].state) == ("met", "NOT CHECKED")
    assert "libssl.so" in inside["libraries"].finding.saw


def test_with_bundle_python_a_build_without_one_is_refused_and_what_to_build_is_said(tmp_path: Path) -> None:
    exported = export(RUN_WITH_PYTHON, build_of(tmp_path / "build"), tmp_path)
    assert (exported.file, [one.rule for one in exported.problems()]) == (None, ["python"])
    assert next(exported.problems()).fix.endswith("--env-name sales --python 3.11 --bundle-python")
    assert not (tmp_path / "sales.run").exists()


def test_the_line_to_paste_starts_the_file_whatever_it_is_called(tmp_path: Path) -> None:
    build = build_of(tmp_path / "build", level=1)
    exported = export(CONSUMERS["run"], saying(build), tmp_path / "it's $HOME.run")
    assert CONSUMERS["run"].settings(build, tmp_path / "-c")[0].text.startswith("sh ./-c -- ")
    env = {"PATH": f"{foreign.interpreter('3.11').path.parent}:/usr/bin:/bin"}
    for paste in exported.settings:
        done = subprocess.run(
            ["sh", "-c", paste.text], cwd=tmp_path, env=env, capture_output=True, text=True, check=True
        )
        assert done.stdout == f"{tmp_path}/sales\n"
    sums = subprocess.run(["sha256sum", "-c", "it's $HOME.run.sha256"], cwd=tmp_path, capture_output=True, check=False)
    assert sums.returncode == 0
