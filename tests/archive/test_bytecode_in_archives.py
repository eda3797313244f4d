"""Bytecode in the archive: whose it is, that it is used, and that the cache saves making it and never spoils it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.support.archives import content_sha256
from tests.support.packing import Packable, files_of
from venvbuild import process, restore
from venvbuild.archive.fragment_cache import FragmentCache
from venvbuild.archive.layout import Known
from venvbuild.archive.leaks import Gate
from venvbuild.archive.packing import Archive
from venvbuild.builds import places
from venvbuild.errors import IntegrityError, StoreUnavailable
from venvbuild.installed import distributions_in
from venvbuild.interpreters import Interpreter, probe
from venvbuild.process import Completed
from venvbuild.redaction.forms import Secret
from venvbuild.restore import RestoreOptions

PYTHON = f"{sys.version_info[0]}.{sys.version_info[1]}"
TAG = sys.implementation.cache_tag
SITE = f"lib/python{PYTHON}/site-packages"


def here(python_version: str = PYTHON) -> Interpreter:
    found = probe(Path(sys.executable))
    assert found
    return found


def pack(env: Packable, name: str = "venv.tar.gz", **options: Any) -> Archive:
    return env.pack(name, **{"compiled_by": here(), **options})


@pytest.fixture
def env(tmp_path: Path) -> Packable:
    """Two distributions, packed once with bytecode: the cache knows both."""
    made = Packable(tmp_path, python_version=PYTHON)
    made.install("good", files={"good.py": "x = 1\n", "goods/__init__.py": "", "goods/template.py": "{% if name %}\n"})
    made.install("other", files={"other.py": "def f():\n    return 'other'\n"})
    made.installer_ended()
    pack(made, "first.tar.gz")
    return made


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The modules that each process compiles, from now on."""
    seen: list[str] = []
    real = process.run

    def spy(command: list[str], **options: Any) -> Completed:
        seen.append(Path(command[-2]).read_text())
        return real(command, **options)

    monkeypatch.setattr("venvbuild.interpreters.bytecode.run", spy)
    return seen


def owners(made: Archive) -> list[str | None]:
    return [fragment.distribution for fragment in made.index.fragments]


def test_each_distribution_is_followed_by_its_bytecode(env: Packable) -> None:
    made = pack(env)
    assert owners(made) == [None, "good", "good", "other", "other", None]
    files = files_of(made.path)
    assert [name for name in files if name.endswith(".pyc")] == [
        f"{SITE}/__pycache__/good.{TAG}.pyc", f"{SITE}/goods/__pycache__/__init__.{TAG}.pyc",
        f"{SITE}/__pycache__/other.{TAG}.pyc"]  # fmt: skip
    subprocess.run(["tar", "-tzf", made.path], check=True, stdout=subprocess.DEVNULL)


def test_the_environment_is_not_touched_and_nothing_is_left(env: Packable) -> None:
    before = sorted((path, path.lstat().st_ctime_ns) for path in env.venv.rglob("*"))
    pack(env)
    assert sorted((path, path.lstat().st_ctime_ns) for path in env.venv.rglob("*")) == before
    assert sorted(path.name for path in env.folder.iterdir()) == [
        "cache",
        "first.tar.gz",
        "venv",
        "venv.tar.gz",
        "wheels",
    ]


def test_without_bytecode_all_but_the_first_fragment_are_the_same(env: Packable) -> None:
    def bodies(made: Archive) -> set[str]:
        return {fragment.sha256 for fragment in made.index.fragments[1:]}

    plain = env.pack("plain.tar.gz")
    assert bodies(plain) < bodies(pack(env))
    assert not [name for name in files_of(plain.path) if name.endswith(".pyc")]
    assert env.pack("without cache.tar.gz", cache=None).sha256 == plain.sha256


def test_the_bytecode_of_what_nobody_or_two_own_comes_behind_the_first_fragment(tmp_path: Path) -> None:
    env = Packable(tmp_path, python_version=PYTHON)
    for name in ("one", "two"):
        env.install(name, files={"shared.py": "", f"{name}.py": ""})
    (env.site / "nobodys.py").write_text("")
    (env.venv / "bin/script.py").write_text("")
    made = pack(env)
    assert owners(made) == [None, None, "one", "one", "two", "two", None]
    compiled = [name for name in files_of(made.path) if name.endswith(".pyc")]
    assert compiled == [f"{SITE}/__pycache__/{name}.{TAG}.pyc" for name in ("nobodys", "shared", "one", "two")]


def test_what_was_compiled_before_is_not_compiled_again(env: Packable, runs: list[str]) -> None:
    assert pack(env).path.read_bytes() == (env.folder / "first.tar.gz").read_bytes()
    assert pack(env, "fast.tar.gz", level=1).content_sha256
    assert [run for run in runs if "good" in run] == runs[:1]  # another level is another fragment; the files are gone
    env.manifest = None
    runs.clear()
    assert pack(env).path.read_bytes() == (env.folder / "first.tar.gz").read_bytes()
    assert runs == []


def test_an_edited_module_has_new_bytecode_and_only_its_distribution_is_compiled(
    env: Packable, runs: list[str]
) -> None:
    (env.site / "other.py").write_text("def f():\n    return 'edited'\n")
    env.installer_ended()
    made = pack(env)
    assert runs == [f"{SITE}/other.py"]
    assert b"edited" in files_of(made.path)[f"{SITE}/__pycache__/other.{TAG}.pyc"]
    assert made.path.read_bytes() == pack(env, "without.tar.gz", cache=None, known=Known()).path.read_bytes()


def test_a_removed_module_has_no_bytecode_any_more(env: Packable) -> None:
    (env.site / "goods/__init__.py").unlink()
    env.installer_ended()
    files = files_of(pack(env).path)
    assert f"{SITE}/__pycache__/good.{TAG}.pyc" in files
    assert f"{SITE}/goods/__pycache__/__init__.{TAG}.pyc" not in files


@pytest.mark.parametrize("damage", [lambda body: body[:-1], lambda body: bytes(len(body)), lambda _: b""])
@pytest.mark.parametrize("kind", ["fragments", "distributions", "bytecode", ""])
def test_a_damaged_or_lost_entry_is_made_again(env: Packable, kind: str, damage: Callable[[bytes], bytes]) -> None:
    for path in (env.folder / "cache" / kind).rglob("?" * 64):
        path.write_bytes(damage(path.read_bytes()))
    assert pack(env).path.read_bytes() == (env.folder / "first.tar.gz").read_bytes()
    for path in (env.folder / "cache" / kind).rglob("?" * 64):
        path.unlink()
    assert pack(env).path.read_bytes() == (env.folder / "first.tar.gz").read_bytes()


def test_a_record_that_lies_gives_nobody_else_its_bytecode(tmp_path: Path) -> None:
    cache = FragmentCache(tmp_path / "cache")
    for name, content in (("lying", "x = 'lie'\n"), ("honest", "x = 'true'\n")):
        env = Packable(tmp_path / name, python_version=PYTHON)
        env.install("good", files={"good.py": "x = 'true'\n"})
        env.hashes["good"] = ("sha256:one lock line for both",)
        (env.site / "good.py").write_text(content)
        env.installer_ended()
        made = pack(env, cache=cache)
        assert content[5:-2].encode() in files_of(made.path)[f"{SITE}/__pycache__/good.{TAG}.pyc"]


def test_content_sha256_counts_bytecode_cold_and_warm(env: Packable) -> None:
    warm, cold = pack(env), pack(env, "cold.tar.gz", cache=None)
    assert warm.content_sha256 == cold.content_sha256 == content_sha256(cold.path.read_bytes())
    assert warm.member_count == cold.member_count
    assert warm.content_sha256 != env.pack("plain.tar.gz").content_sha256


def test_one_thread_and_three_give_the_same_bytes(env: Packable) -> None:
    first = (env.folder / "first.tar.gz").read_bytes()
    for threads in (1, 3):
        assert pack(env, cache=None, threads=threads).path.read_bytes() == first


def test_large_bytecode_is_cut_and_made_once(
    env: Packable, tmp_path: Path, runs: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    env.install("large", files={f"large{number}.py": f"x = {'y' * 30_000!r}\n" for number in range(5)})
    monkeypatch.setattr("venvbuild.archive.compression.PIECE_BYTES", 50_000)
    cold = pack(env)
    assert owners(cold).count("large") > 4
    for path in (env.folder / "cache/fragments").rglob("?" * 64):
        path.unlink()
    runs.clear()
    assert pack(env, "warm.tar.gz").path.read_bytes() == cold.path.read_bytes()
    assert len(runs) == 3


@pytest.mark.parametrize("name", ["nobodys.py", "it holds nothing.py"])
def test_a_secret_in_a_module_is_told_once_and_a_path_of_the_build_too(env: Packable, name: str) -> None:
    (env.site / name).write_text("x = 's3cret-value-1'; y = '/build/place/x'\n")
    with pytest.raises(IntegrityError) as caught:
        pack(env, gate=Gate((b"/build/place",), (Secret("s3cret-value-1"),), {}))
    assert [problem.what.split(";")[0] for problem in caught.value.problems] == [
        f"{SITE}/{name} holds a path of this build", f"{SITE}/{name} holds a secret"]  # fmt: skip


def test_a_path_that_the_wheel_itself_names_may_stand_in_its_bytecode(tmp_path: Path) -> None:
    env = Packable(tmp_path, python_version=PYTHON)
    env.install("pathy", files={"pathy.py": "x = '/build/place'\n"})
    gate = Gate.of([Path("/build/place")], [], distributions_in([env.site]))
    assert b"/build/place" in files_of(pack(env, gate=gate).path)[f"{SITE}/__pycache__/pathy.{TAG}.pyc"]


@pytest.mark.parametrize("length", [90, 97, 110, 122, 200])
def test_a_path_that_only_the_bytecode_holds_is_a_leak_whatever_its_length(tmp_path: Path, length: int) -> None:
    """Its length stands before it, and 97 looks like the letter a. Here the leak is a place that a name leads to."""
    env = Packable(tmp_path, python_version=PYTHON)
    deep = env.site / ("d" * (length - len(f"/venv/{SITE}//m.py")))
    deep.mkdir()
    (deep / "m.py").write_text("def f(): pass\n")
    leaked = f"/venv/{SITE}/{deep.name}/m.py"
    assert len(leaked) == length
    with pytest.raises(IntegrityError, match=r"m\..*\.pyc holds a path of this build"):
        pack(env, gate=Gate((leaked.encode(),), (), {}))


def test_a_disk_that_takes_no_more_bytecode_is_told_and_nothing_is_left(env: Packable) -> None:
    small = env.folder / "python"
    small.write_text(f'#!/bin/sh\nulimit -f 1\nexec {sys.executable} "$@"\n')
    small.chmod(0o755)
    (env.site / "nobodys.py").write_text(f"x = {'y' * 5000!r}\n")
    with pytest.raises(StoreUnavailable, match="the disk fails"):
        pack(env, compiled_by=replace(here(), path=small))
    assert not [path for path in env.folder.iterdir() if "venv.tar.gz" in path.name]


@pytest.fixture
def restored(env: Packable) -> Path:
    """The environment, brought back from its archive elsewhere."""
    return bring_back(env, compiles=False)


def bring_back(env: Packable, *, compiles: bool) -> Path:
    made = pack(env)
    (env.folder / places.ARCHIVE_INDEX).write_text(made.index.text())
    target = env.folder / "a place"
    machine = RestoreOptions(here, env.cache, "99.0", lambda *counts: None, compiles=compiles)
    restore.from_archive(made.path, target, machine)
    return target


def said(venv: Path, script: str, *flags: str) -> tuple[str, str]:
    done = subprocess.run([venv / "bin/python", *flags, "-c", script], capture_output=True, text=True, check=True,
                          env={"PYTHONDONTWRITEBYTECODE": "1"})  # fmt: skip
    return done.stdout.strip(), done.stderr


def test_python_uses_the_bytecode_of_the_archive_until_its_source_is_edited(restored: Path) -> None:
    before = {path: path.read_bytes() for path in restored.rglob("*.pyc")}
    cached = restored / SITE / "__pycache__" / f"other.{TAG}.pyc"
    out, log = said(restored, "import other; print(other.f(), other.__cached__, other.f.__code__.co_filename)", "-v")
    assert out == f"other {cached} {restored / SITE / 'other.py'}"
    assert f"code object from '{cached}'" in log
    (restored / SITE / "other.py").write_text("def f():\n    return 'edited'\n")
    out, log = said(restored, "import other; print(other.f())", "-v")
    assert (out, f"code object from '{cached}'" in log) == ("edited", False)
    assert {path: path.read_bytes() for path in restored.rglob("*.pyc")} == before


def test_compiling_while_it_is_brought_back_is_right_as_well(env: Packable) -> None:
    target = bring_back(env, compiles=True)
    cached = target / SITE / "__pycache__" / f"other.{TAG}.pyc"
    assert cached.read_bytes()[4:8] == b"\x03\0\0\0"
    assert os.fsencode(target) in cached.read_bytes()
    out, log = said(target, "import other; print(other.f())", "-v")
    assert (out, f"code object from '{cached}'" in log) == ("other", True)
