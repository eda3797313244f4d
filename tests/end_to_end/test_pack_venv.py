"""`pack --venv`: environments that others made, packed as they stand, moved, and run where the original is gone."""

from __future__ import annotations

import base64
import csv
import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support import foreign
from tests.support.sizes import ends
from tests.support.tool import REPOSITORY, Ended, Tool
from tests.support.wheels import wheel

KINDS = [*ends([f"3.{minor}" for minor in range(8, 14)], "venv"), ("3.12", "virtualenv"), ("3.11", "uv")]
DEEP = "a folder with spaces and a name so long that a shebang cannot hold it " + "x" * 80


def wheels(folder: Path) -> list[Path]:
    main = "import sys\ndef main():\n    print('app runs in', sys.prefix)\n"
    app = wheel(folder, "app", "1.0", files={"app/__init__.py": main, "app/data.txt": "1"}, scripts={"app": "app:main"},
                requires=["lib==1.0"])  # fmt: skip
    return [app, wheel(folder, "lib", "1.0")]


def pack(folder: Path, venv: Path, *more: str | Path, output: str = "packed.tar.gz") -> Ended:
    env = {**os.environ, "HOME": str(folder), "PYTHONPATH": str(REPOSITORY)}
    command = [sys.executable, "-m", "venvbuild", "pack", "--venv", venv, "-o", folder / output, "--json", *more]
    done = subprocess.run(command, capture_output=True, text=True, env=env, cwd=folder, check=False)
    return Ended(done.returncode, done.stdout, done.stderr)


def unpacked(archive: Path, folder: Path) -> Path:
    folder.mkdir()
    subprocess.run(["tar", "-xzf", archive, "-C", folder], check=True)
    return folder / "venv"


@pytest.mark.parametrize(("python", "maker"), KINDS)
def test_it_is_left_alone_and_its_archive_runs_elsewhere(tmp_path: Path, maker: str, python: str) -> None:
    venv = foreign.make(maker, python, tmp_path / "in" / DEEP / "environment", *wheels(tmp_path))
    before = foreign.snapshot(venv)
    told = pack(tmp_path, venv)
    assert told.code == 0, told.stderr
    assert foreign.snapshot(venv) == before
    (tmp_path / "in").rename(tmp_path / "hidden")
    moved = unpacked(tmp_path / "packed.tar.gz", tmp_path / "moved to")
    packages = moved / f"lib/python{python}/site-packages"
    names_no_place(moved, [tmp_path, foreign.interpreter(python).path.parent])
    has_true_records(packages)
    foreign.run(["sh", moved / "bin/rehome", foreign.interpreter(python).path])
    said = foreign.run([moved / "bin/python", "-c", "import app, lib; print(app.__file__)"])
    assert said == str(packages / "app/__init__.py")
    assert foreign.run([moved / "bin/app"]) == f"app runs in {moved}"
    is_activated_by_shells(moved)
    if maker != "uv":  # uv puts no pip into its environments
        listed = foreign.run([moved / "bin/pip", "list", "--format=freeze", "--disable-pip-version-check"])
        assert {"app==1.0", "lib==1.0"} <= set(listed.splitlines())
        assert told.json["package_count"] == len(listed.splitlines())
        foreign.run([moved / "bin/pip", "uninstall", "--quiet", "--yes", "app"])
        assert not (moved / "bin/app").exists()
        assert not (packages / "app").exists()


def names_no_place(venv: Path, places: list[Path]) -> None:
    for path in venv.rglob("*"):
        content = os.fsencode(os.readlink(path)) if path.is_symlink() else path.read_bytes() if path.is_file() else b""
        assert not [place for place in places if os.fsencode(place) in content], path


def has_true_records(packages: Path) -> None:
    rows = [
        row for record in packages.glob("*.dist-info/RECORD") for row in csv.reader(record.read_text().splitlines())
    ]
    assert any(row[0].endswith("bin/app") for row in rows)
    for path, promise, _ in rows:
        digest = hashlib.sha256((packages / path).read_bytes()).digest()
        assert promise in ("", f"sha256={base64.urlsafe_b64encode(digest).decode().rstrip('=')}"), path


def is_activated_by_shells(venv: Path) -> None:
    for shell, script in (("bash", "activate"), ("zsh", "activate"), ("fish", "activate.fish")):
        if shutil.which(shell):
            said = foreign.run([shell, "-c", f'. "{venv}/bin/{script}"; app; echo "$VIRTUAL_ENV"'], TERM="dumb")
            assert said == f"app runs in {venv}\n{venv}", shell


def test_what_was_made_is_told_and_get_restores_it(tmp_path: Path, venv: Path, tool: Tool) -> None:
    told, body = pack(tmp_path, venv).json, (tmp_path / "packed.tar.gz").read_bytes()
    assert (told["archive"], told["sha256"]) == (str(tmp_path / "packed.tar.gz"), hashlib.sha256(body).hexdigest())
    assert (told["size_bytes"], told["python_version"], told["package_count"]) == (len(body), "3.11", 2)
    assert told["python_full_version"] == foreign.interpreter("3.11").full_version
    done = tool.run("get", "--from-archive", tmp_path / "packed.tar.gz", tmp_path / "got")
    assert done.code == 0, done.stderr
    assert foreign.run([tmp_path / "got/bin/app"]) == f"app runs in {tmp_path / 'got'}"
    again = pack(tmp_path, tmp_path / "got", output="again.tar.gz").json
    names = {name: told[name] for name in ("archive", "sha256_file")}
    assert {**again, **names} == told, "what get put there is not packed"


def test_in_the_flat_layout_its_python_is_at_the_top(tmp_path: Path, venv: Path) -> None:
    usual, told = (pack(tmp_path, venv, "--layout", layout).json for layout in ("venv", "flat"))
    assert (told["archive_root"], told["content_sha256"]) == ("", usual["content_sha256"])
    (tmp_path / "environment").mkdir()
    foreign.run(["tar", "-xzf", tmp_path / "packed.tar.gz", "-C", tmp_path / "environment"])
    foreign.run(["sh", tmp_path / "environment/bin/rehome", foreign.interpreter("3.11").path])
    assert foreign.run([tmp_path / "environment/bin/app"]) == f"app runs in {tmp_path / 'environment'}"
    (problem,) = refusal(pack(tmp_path, venv, "--layout", "tree"), code=2)
    assert "--layout: 'tree' is no layout of an archive" in problem


@pytest.mark.usefixtures("newer_on_path")
@pytest.mark.parametrize(("maker", "python"), [("venv", "3.14"), ("virtualenv", "3.12"), ("uv", "3.11")])
def test_two_folders_give_the_same_bytes(tmp_path: Path, maker: str, python: str) -> None:
    digests = set()
    for number, place in enumerate(("short", f"{DEEP}/longer")):
        venv = foreign.make(maker, python, tmp_path / place, *wheels(tmp_path))
        said = pack(tmp_path, venv, output=f"{number}.tar.gz")
        assert said.code == 0, said.stderr
        digests.add(said.json["sha256"])
    assert len(digests) == 1


@pytest.fixture
def venv(tmp_path: Path) -> Path:
    """An environment of uv, the fastest to make."""
    return foreign.make("uv", "3.11", tmp_path / "venv", *wheels(tmp_path))


def refusal(said: Ended, code: int = 8) -> list[str]:
    assert said.code == code, said.stdout + said.stderr
    problems = json.loads(said.stdout)["error"]["problems"]
    assert all(problem["where"] and problem["fix"] for problem in problems)
    return [f"{problem['where']}: {problem['what']}" for problem in problems]


def test_a_package_may_be_described_with_the_path_but_not_hold_it(tmp_path: Path, venv: Path) -> None:
    readme = f"Metadata-Version: 2.1\nName: told\nVersion: 1.0\n\nTo begin: python -m venv {venv}\n"
    foreign.install("uv", venv, wheel(tmp_path, "told", "1.0", metadata=readme))
    assert pack(tmp_path, venv).code == 0
    foreign.install("uv", venv, wheel(tmp_path, "held", "1.0", files={"held.py": f"PLACE = '{venv}'\n"}))
    (problem,) = refusal(pack(tmp_path, venv))
    assert f"held.py holds the environment's path {venv}" in problem


@pytest.mark.parametrize(
    ("written", "packed"),
    [
        ('{"url": "https://me:hunter2@example.org/lib"}', '{"url": "https://example.org/lib"}'),
        ('{"url": "ssh://me:hunter2@example.org/lib"}', '{"url": "ssh://example.org/lib"}'),
        ('{"url": "git+https://me:hunter2@example.org/lib"}', '{"url": "git+https://example.org/lib"}'),
        ('{"url": "ssh://git@me:hunter2@example.org/lib"}', '{"url": "ssh://example.org/lib"}'),
        ('{"url": "ssh://git@example.org/lib"}', '{"url": "ssh://git@example.org/lib"}'),
        ('{"url": "https://me:hunter2@example.org/lib",}', None),
        ('{"url": "file:///home/me/lib"}', None),
    ],
)
def test_where_a_package_came_from_holds_no_password(
    tmp_path: Path, venv: Path, written: str, packed: str | None
) -> None:
    name = "lib/python3.11/site-packages/lib-1.0.dist-info/direct_url.json"
    (venv / name).write_text(written)
    assert pack(tmp_path, venv).code == 0
    moved = unpacked(tmp_path / "packed.tar.gz", tmp_path / "there")
    assert ((moved / name).read_text() if (moved / name).exists() else None) == packed


def test_it_packs_when_its_interpreter_is_gone(tmp_path: Path, venv: Path) -> None:
    for name in ("python", "python3", "python3.11"):
        (venv / "bin" / name).unlink()
    (venv / "bin/python").symlink_to("/nowhere/bin/python3.11")
    assert pack(tmp_path, venv).code == 0


def test_its_bytecode_is_made_by_its_own_interpreter_and_changes_nothing_of_it(tmp_path: Path, venv: Path) -> None:
    before = foreign.snapshot(venv)
    assert pack(tmp_path, venv, "--bytecode").code == 0
    assert foreign.snapshot(venv) == before
    moved = unpacked(tmp_path / "packed.tar.gz", tmp_path / "there")
    made = sorted(path.name for path in moved.rglob("*.pyc"))
    assert made == ["__init__.cpython-311.pyc", "lib.cpython-311.pyc"]
    names_no_place(moved, [tmp_path])
    (venv / "bin/python").unlink()
    (venv / "bin/python").symlink_to("/nowhere/bin/python3.11")
    (problem,) = refusal(pack(tmp_path, venv, "--bytecode", output="again.tar.gz"), code=2)
    assert "--bytecode needs it" in problem


def test_it_packs_under_a_name_that_it_had_before_it_was_moved(tmp_path: Path, venv: Path) -> None:
    venv.rename(tmp_path / "elsewhere")
    assert pack(tmp_path, tmp_path / "elsewhere").code == 0
    moved = unpacked(tmp_path / "packed.tar.gz", tmp_path / "there")
    assert str(venv) not in (moved / "bin/app").read_text()


def test_the_cache_gives_the_same_bytes(tmp_path: Path, venv: Path) -> None:
    first, second = pack(tmp_path, venv).json, pack(tmp_path, venv, output="again.tar.gz").json
    assert {**second, **{name: first[name] for name in ("archive", "sha256_file")}} == first


def test_an_absolute_link_inside_becomes_relative(tmp_path: Path, venv: Path) -> None:
    (venv / "share").mkdir()
    (venv / "share/link").symlink_to(venv / "lib/python3.11/site-packages/app/data.txt")
    assert pack(tmp_path, venv).code == 0
    moved = unpacked(tmp_path / "packed.tar.gz", tmp_path / "there")
    assert not os.path.isabs(os.readlink(moved / "share/link"))
    assert (moved / "share/link").read_text() == "1"


def editable(tmp_path: Path, venv: Path, site: Path) -> None:
    source = tmp_path / "project"
    source.mkdir()
    (source / "pyproject.toml").write_text('[project]\nname = "mine"\nversion = "1.0"\n')
    dist_info = site / "mine-1.0.dist-info"
    dist_info.mkdir()
    (dist_info / "METADATA").write_text("Metadata-Version: 2.1\nName: mine\nVersion: 1.0\n")
    (dist_info / "direct_url.json").write_text(json.dumps({"url": source.as_uri(), "dir_info": {"editable": True}}))
    (dist_info / "RECORD").write_text("__editable__.mine-1.0.pth,,\n")
    (site / "__editable__.mine-1.0.pth").write_text(f"{source}\n")


def outside(kind: str, tmp_path: Path, venv: Path, site: Path) -> None:
    if kind == "absolute":
        (site / "away.pth").write_text(f"# a comment\nimport sys\n\n{tmp_path}/src\n")
    elif kind == "relative":
        (site / "up.pth").write_text("../../../../src\n")
    elif kind == "egg-link":
        (site / "old.egg-link").write_text(f"{tmp_path}/old\n.\n")
    elif kind == "easy-install":
        (site / "easy-install.pth").write_text(f"{tmp_path}/old\n")
    elif kind == "editable":
        editable(tmp_path, venv, site)
    elif kind == "system":
        text = (venv / "pyvenv.cfg").read_text()
        (venv / "pyvenv.cfg").write_text(text.replace("packages = false", "packages = true"))
    elif kind == "link":
        (venv / "bin/out").symlink_to("/usr/bin/env")
    elif kind == "data":
        (venv / "share").mkdir()
        (venv / "share/kernel.json").write_text(json.dumps({"argv": [f"{venv}/bin/python"]}))
    elif kind == "binary":
        (site / "fast.so").write_bytes(b"\x7fELF\0" + os.fsencode(venv / "lib") + b"\0")
    elif kind == "import":
        (site / "clever.pth").write_text(f"import sys; sys.path.append('{venv}/more')\n")
    elif kind == "password":
        (venv / "pip.conf").write_text("[global]\nindex-url = https://me:hunter2-hunter2@pypi.example/simple\n")


REFUSED = {
    "absolute": "away.pth:4: {tmp}/src is outside",
    "relative": "up.pth:1: ../../../../src is outside",
    "egg-link": "old.egg-link is of an editable install",
    "easy-install": "easy-install.pth:1: {tmp}/old is outside",
    "editable": "mine 1.0 is an editable install of file://{tmp}/project",
    "system": "include-system-site-packages = true",
    "link": "bin/out is a link that leads out",
    "data": "share/kernel.json holds the environment's path {tmp}/venv",
    "binary": "fast.so holds the environment's path {tmp}/venv",
    "import": "clever.pth holds the environment's path {tmp}/venv",
    "password": "pip.conf holds a secret",
}


@pytest.mark.parametrize("kind", REFUSED)
def test_what_cannot_move_is_refused_by_name(tmp_path: Path, venv: Path, kind: str) -> None:
    outside(kind, tmp_path, venv, venv / "lib/python3.11/site-packages")
    problems = refusal(pack(tmp_path, venv))
    assert REFUSED[kind].format(tmp=tmp_path) in problems[0]
    assert len(problems) == 1, problems
    assert not (tmp_path / "packed.tar.gz").exists()


def test_all_that_cannot_move_is_told_at_once(tmp_path: Path, venv: Path) -> None:
    for kind in REFUSED:
        outside(kind, tmp_path, venv, venv / "lib/python3.11/site-packages")
    told = "\n".join(refusal(pack(tmp_path, venv)))
    assert [kind for kind, words in REFUSED.items() if words.format(tmp=tmp_path) not in told] == []
    assert "hunter2" not in told


def test_what_is_no_environment_is_refused_with_what_is_missing(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "conda/conda-meta").mkdir(parents=True)
    for name, words in (
        ("absent", "no such folder"),
        ("empty", "no pyvenv.cfg, no bin, no lib/pythonX.Y/site-packages"),
        ("conda", "conda"),
    ):
        assert words in refusal(pack(tmp_path, tmp_path / name), 2)[0]


def test_flags_that_do_not_go_together_are_a_usage_error(tmp_path: Path, venv: Path, tool: Tool) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for arguments in (
        ["--venv", venv],
        ["-o", "x.tar.gz"],
        ["--force"],
        ["--venv", venv, "-o", "x.tar.gz", "--again"],
        ["--venv", venv, "-o", "x.tar.gz", "--work-dir", "w"],
        ["--venv", venv, "-o", venv / "x.tar.gz"],
        ["--venv", venv, "-o", tmp_path / "absent/x.tar.gz"],
        ["--venv", venv, "-o", tmp_path],
        ["--venv", venv, "-o", pipe],
        ["--venv", venv, "-o", ""],
        ["--venv", venv, "-o", "/"],
    ):
        assert tool.run("pack", *arguments).code == 2, arguments
    assert not (venv / "x.tar.gz").exists()
    assert pipe.is_fifo()
