"""The reports on an environment, and that writing them runs nothing of it."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
import venv
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from packaging import tags

from tests.inspection.test_conflicts import HERE, distribution
from tests.support.wheels import unpack, wheel
from venvbuild import extras, process
from venvbuild.errors import VenvBuildError
from venvbuild.inspection import tree
from venvbuild.inspection.dependencies import Root
from venvbuild.inspection.reports import inspect
from venvbuild.interpreters import Target
from venvbuild.machine import of_wheels
from venvbuild.process import CommandFailed, Completed
from venvbuild.redaction import REDACTOR

ALWAYS = [
    "conflicts.json",
    "installed_packages.json",
    "installed_packages.txt",
    "packages.json",
    "pipdeptree.dot",
    "pipdeptree.json",
    "pipdeptree.txt",
]


class Made:
    """An environment with wheels unpacked into it."""

    def __init__(self, folder: Path, target: Target = HERE) -> None:
        self.folder, self.target, self._wheels = folder / "venv", target, folder / "wheels"
        python = f"python{target.marker_environment['python_version']}"
        self.site = self.folder / "lib" / python / "site-packages"
        self.site.mkdir(parents=True)

    def put(self, name: str, version: str = "1.0", **how: Any) -> Path:
        return unpack(wheel(self._wheels, name, version, **how), self.site)


@pytest.fixture
def made(tmp_path: Path) -> Made:
    return Made(tmp_path)


@pytest.fixture(autouse=True)
def _without_graphviz(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "programs").mkdir()
    monkeypatch.setenv("PATH", str(tmp_path / "programs"))


def test_a_good_environment_has_every_report_but_conflicts_txt(made: Made, tmp_path: Path) -> None:
    made.put("Pandas", "2.2.3", requires=["numpy>=1"])
    made.put("numpy", "2.0.0")
    made.put("pip", "24.0")
    found = inspect(made.folder, [Root("pandas")], made.target, tmp_path / "out")
    assert found.installed_packages == ("numpy==2.0.0", "pandas==2.2.3", "pip==24.0")
    assert (found.is_conflict_free, found.conflicts, found.findings) == (True, (), ())
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ALWAYS == list(found.reports)
    assert (tmp_path / "out" / "installed_packages.txt").read_text() == "numpy==2.0.0\npandas==2.2.3\npip==24.0\n"
    assert json.loads((tmp_path / "out" / "installed_packages.json").read_text()) == list(found.installed_packages)
    assert json.loads((tmp_path / "out" / "conflicts.json").read_text()) == []
    assert (
        tmp_path / "out" / "pipdeptree.txt"
    ).read_text() == "Pandas==2.2.3\n└── numpy [required: >=1, installed: 2.0.0]\npip==24.0\n"


def test_names_are_sorted_as_strings_and_listed_once(made: Made, tmp_path: Path) -> None:
    for name in ("a-b", "a", "a.c"):
        made.put(name)
    (made.site / "a-1.0.dist-info").rename(made.site / "A-1.0.dist-info")
    made.put("a")
    found = inspect(made.folder, [], made.target, tmp_path)
    assert found.installed_packages == ("a-b==1.0", "a-c==1.0", "a==1.0")
    assert [finding.type for finding in found.findings if finding.is_failure] == ["duplicate"]


def test_conflicts_are_written_and_one_of_an_earlier_run_is_removed(made: Made, tmp_path: Path) -> None:
    made.put("httpx", "0.27.0", requires=["httpcore==1.*"])
    made.put("httpcore", "0.18.0")
    sentence = "httpx 0.27.0 needs httpcore==1.*, httpcore 0.18.0 is installed"
    found = inspect(made.folder, [Root("httpx")], made.target, tmp_path / "out")
    assert (found.is_conflict_free, found.conflicts) == (False, (sentence,))
    assert (tmp_path / "out" / "conflicts.txt").read_text() == sentence + "\n"
    (entry,) = json.loads((tmp_path / "out" / "conflicts.json").read_text())
    assert (entry["type"], entry["chain"], entry["found"]) == ("version", ["httpx 0.27.0"], "httpcore 0.18.0")
    (made.site / "httpx-0.27.0.dist-info" / "METADATA").write_text("Name: httpx\nVersion: 0.27.0\n")
    found = inspect(made.folder, [Root("httpx")], made.target, tmp_path / "out")
    assert found.is_conflict_free is ("conflicts.txt" not in found.reports) is True
    assert not (tmp_path / "out" / "conflicts.txt").exists()


def test_a_cycle_is_reported_does_not_fail_and_hides_nothing(made: Made, tmp_path: Path) -> None:
    made.put("kedro", "0.19.14", requires=["kedro-telemetry>=0.5"])
    made.put("kedro-telemetry", "0.6.0", requires=["kedro>=0.18"])
    found = inspect(made.folder, [Root("kedro")], made.target, tmp_path)
    assert found.is_conflict_free
    assert [finding.type for finding in found.findings] == ["cycle"]
    assert not (tmp_path / "conflicts.txt").exists()
    assert (
        tmp_path / "pipdeptree.txt"
    ).read_text() == "kedro==0.19.14\n└── kedro-telemetry [required: >=0.5, installed: 0.6.0]\n"
    assert '"kedro-telemetry" -> kedro' in (tmp_path / "pipdeptree.dot").read_text()


def test_nothing_of_the_environment_runs(tmp_path: Path) -> None:
    made = Made(tmp_path)
    witness = tmp_path / "ran"
    code = f"import pathlib; pathlib.Path({str(witness)!r}).write_text('x')\n"
    for name in ("json.py", "sitecustomize.py", "usercustomize.py", "pipdeptree.py", "packaging.py", "site.py"):
        (made.site / name).write_text(code)
    (made.site / "evil.pth").write_text(code)
    venv.create(made.folder, symlinks=True)
    made.put("a", requires=["b"])
    inspect(made.folder, [], made.target, tmp_path / "out")
    assert not witness.exists()
    subprocess.run([made.folder / "bin" / "python", "-c", ""], check=True)
    assert witness.exists(), "the trap itself works"


def test_the_tree_is_that_of_the_target_not_of_our_python(tmp_path: Path) -> None:
    old = Target({**HERE.marker_environment, "python_version": "3.8", "python_full_version": "3.8.18"}, HERE.tags)
    made = Made(tmp_path, old)
    made.put("app", requires=["old; python_version < '3.9'", "new; python_version >= '3.9'"])
    made.put("old")
    inspect(made.folder, [Root("app")], old, tmp_path)
    assert (tmp_path / "pipdeptree.txt").read_text() == "app==1.0\n└── old [required: Any, installed: 1.0]\n"


def test_the_tree_is_what_pipdeptree_says_of_the_environment(made: Made, tmp_path: Path) -> None:
    made.put("App", requires=["b[fast]<3,>=1", "c ; extra == 'never'", "gone>=2"], extras=["never"])
    made.put("b", requires=["c; extra == 'fast'"], extras=["fast"])
    made.put("c", "1.0+local")
    inspect(made.folder, [Root("app")], made.target, tmp_path)
    for form, name in (("text", "pipdeptree.txt"), ("json", "pipdeptree.json"), ("graphviz-dot", "pipdeptree.dot")):
        plain = subprocess.run(
            [sys.executable, "-I", "-m", "pipdeptree", "--path", made.site, "-o", form],
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        assert (tmp_path / name).read_text() == plain


def test_what_an_extra_of_the_requirements_file_asks_for_is_in_the_tree(made: Made, tmp_path: Path) -> None:
    made.put("app", requires=["b; extra == 'fast'"], extras=["fast"])
    made.put("b")
    inspect(made.folder, [Root("app", ("fast",))], made.target, tmp_path)
    assert (tmp_path / "pipdeptree.txt").read_text() == "app==1.0\n└── b [required: Any, installed: 1.0]\n"


def test_reports_have_the_same_bytes_in_any_folder(tmp_path: Path) -> None:
    contents = []
    for where in ("one", "a longer name"):
        made = Made(tmp_path / where)
        made.put("a", requires=["b", "gone"])
        made.put("b", requires=["a"], files={"a.py": "x\n"})
        found = inspect(made.folder, [Root("a")], made.target, tmp_path / where / "out")
        contents.append({name: (tmp_path / where / "out" / name).read_bytes() for name in found.reports})
    assert contents[0] == contents[1]
    assert str(tmp_path).encode() not in b"".join(contents[0].values())


def test_hostile_metadata_reaches_no_report_as_it_is(made: Made, tmp_path: Path) -> None:
    made.put(
        "a",
        metadata="Name: a\nVersion: 1.0\nRequires-Dist: b>>1 \x1b[2J\u202e https://me:pw12345@h/x\n"
        "Requires-Dist: c @ https://me:pw12345@example.com/c.whl\n",
    )
    (made.site / os.fsdecode(b"caf\xe9-1.0.dist-info")).mkdir()
    (made.site / "~a-1.0.dist-info").mkdir()
    inspect(made.folder, [], made.target, tmp_path / "out")
    written = "".join(path.read_text() for path in (tmp_path / "out").iterdir())
    assert not any(forbidden in written for forbidden in ("pw12345", "\x1b", "\u202e", "\\u001b"))
    assert json.loads((tmp_path / "out" / "installed_packages.json").read_text()) == ["a==1.0"]


def test_known_secrets_are_masked(made: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(REDACTOR, "redact", lambda text: text.replace("s3cr3t", "****"))
    made.put("a", requires=["b @ https://example.com/s3cr3t/b.whl"])
    found = inspect(made.folder, [], made.target, tmp_path / "out")
    assert found.conflicts == ("a 1.0 needs b @ https://example.com/****/b.whl, which is not installed",)
    assert "s3cr3t" not in "".join(path.read_text() for path in (tmp_path / "out").iterdir())


def test_a_failing_pipdeptree_loses_no_other_report(made: Made, tmp_path: Path) -> None:
    def fails(command: Sequence[str | Path], **how: object) -> Completed:
        raise CommandFailed([str(word) for word in command], 1, "", "no module named pipdeptree")

    made.put("a", requires=["gone"])
    (tmp_path / "pipdeptree.txt").write_text("of an earlier run")
    with pytest.raises(VenvBuildError, match=r"pipdeptree could not write .* no module named pipdeptree"):
        inspect(made.folder, [], made.target, tmp_path, run=fails)
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_file()) == [
        "conflicts.json",
        "conflicts.txt",
        "installed_packages.json",
        "installed_packages.txt",
        "packages.json",
    ]


@pytest.mark.parametrize(("script", "is_drawn"), [('cat "$2"', True), ("exit 3", False)])
def test_the_tree_is_drawn_where_graphviz_is(made: Made, tmp_path: Path, script: str, is_drawn: bool) -> None:
    dot = tmp_path / "programs" / "dot"
    dot.write_text(f"#!/bin/sh\nPATH=/usr/bin:/bin\n{script}\n")
    dot.chmod(0o755)
    made.put("a")
    found = inspect(made.folder, [], made.target, tmp_path / "out")
    assert ("pipdeptree.svg" in found.reports) is is_drawn is (tmp_path / "out" / "pipdeptree.svg").exists()


def test_without_graphviz_the_wheel_of_the_extra_draws_where_it_is(
    made: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def draws(command: Sequence[str | Path], **how: Any) -> Completed:
        if "pygraphviz" in " ".join(map(str, command)):
            return Completed(tuple(map(str, command)), 0, f"<svg>{Path(command[-1]).read_text()}</svg>", "")
        return process.run(command, **how)

    monkeypatch.setattr(importlib.util, "find_spec", lambda name: name == "pygraphviz" or None)
    made.put("a")
    assert "pipdeptree.svg" in inspect(made.folder, [], made.target, tmp_path / "out", run=draws).reports
    assert (tmp_path / "out" / "pipdeptree.svg").read_text().startswith("<svg>digraph {")


@pytest.mark.slow
def test_the_wheel_of_the_extra_holds_graphviz(
    tmp_path: Path, real_cache: Path, real_index: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in real_index.items():
        monkeypatch.setenv(name, value)
    python = extras.python_with("graph", ["pygraphviz"], real_cache)
    source = tmp_path / "tree.dot"
    source.write_text('digraph { kedro [label="kedro\\n<0.19>"]; kedro -> fsspec [label=">=2021"] }')
    drawn = process.run(tree.by_wheel(source, python), env={"PATH": "/nowhere"}, timeout_s=120).stdout
    assert "<svg" in drawn
    assert "&gt;=2021" in drawn


def test_an_empty_environment_is_conflict_free(made: Made, tmp_path: Path) -> None:
    found = inspect(made.folder, [], made.target, tmp_path / "out")
    assert (found.installed_packages, found.is_conflict_free) == ((), True)
    assert (tmp_path / "out" / "installed_packages.json").read_text() == "[]\n"


GLIBC_2_31 = Target(
    HERE.marker_environment,
    frozenset(
        str(tag)
        for platforms in [
            [
                *(f"manylinux_2_{minor}_x86_64" for minor in range(31, 4, -1)),
                "manylinux2014_x86_64",
                "manylinux2010_x86_64",
                "manylinux1_x86_64",
                "linux_x86_64",
            ]
        ]
        for tag in (
            *tags.cpython_tags((3, 11), abis=["cp311"], platforms=platforms),
            *tags.compatible_tags((3, 11), interpreter="cp311", platforms=platforms),
        )
    ),
)


@pytest.mark.parametrize(
    ("wheels", "expected"),
    [
        pytest.param([], ("none", None), id="nothing"),
        pytest.param([["py3-none-any"]], ("none", None), id="pure"),
        pytest.param([["py3-none-manylinux2014_x86_64"]], ("none", "2.17"), id="a program"),
        pytest.param([["cp38-abi3-manylinux1_x86_64"]], ("abi3", "2.5"), id="stable ABI"),
        pytest.param(
            [["cp311-cp311-manylinux2010_x86_64"], ["cp38-abi3-manylinux_2_28_x86_64"]],
            ("cp311", "2.28"),
            id="the most of all",
        ),
        pytest.param(
            [["cp311-cp311-manylinux_2_17_x86_64", "cp311-cp311-manylinux_2_28_x86_64"]],
            ("cp311", "2.17"),
            id="the least that one asks for",
        ),
        pytest.param(
            [["cp311-cp311-manylinux1_x86_64", "cp38-abi3-manylinux1_x86_64"]], ("abi3", "2.5"), id="either ABI"
        ),
        pytest.param(
            [["cp310-cp310-manylinux_2_5_x86_64", "cp311-cp311-manylinux_2_9_x86_64"]],
            ("cp311", "2.9"),
            id="another Python's tag does not count",
        ),
        pytest.param([["cp311-cp311-linux_x86_64"]], ("cp311", "2.31"), id="built here"),
    ],
)
def test_what_a_machine_must_have(wheels: Sequence[Sequence[str]], expected: tuple[str, str | None]) -> None:
    some = [distribution(f"p{number}", wheel_tags=of_one) for number, of_one in enumerate(wheels)]
    found = of_wheels(some, GLIBC_2_31)
    assert (found.abi, found.glibc) == expected
