"""Kernels of Jupyter: where they go, whose they are, what they start; what is refused before anything is fetched."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.support.archives import Made, archive, environment, file, folder
from tests.support.builds import put_build, version
from venvbuild import restore
from venvbuild.archive import FragmentCache
from venvbuild.errors import UsageError
from venvbuild.interpreters import Interpreter, probe
from venvbuild.restore import Kernel, Restored, RestoreOptions
from venvbuild.restore.kernel import data_folder
from venvbuild.stores.folder import FolderStore

PYTHON = f"{sys.version_info[0]}.{sys.version_info[1]}"
SITE = f"lib/python{PYTHON}/site-packages"
LAUNCHER = b"import os, sys; print([sys.prefix, sys.argv[1:], os.environ['VIRTUAL_ENV'], os.environ['PATH']])\n"
OWN: dict[str, Any] = {
    "argv": ["python", "-Xfrozen_modules=off", "-m", "ipykernel_launcher", "-f", "{connection_file}"],
    "metadata": {"debugger": True, "supported_encryption": ["curve"]},
    "kernel_protocol_version": "5.5",
    "env": {"LD_PRELOAD": "/tmp/x.so"},
}


def packed(own: object = OWN, *, launcher: bool = True) -> Made:
    kernels = [folder(f"share{one}") for one in ("", "/jupyter", "/jupyter/kernels", "/jupyter/kernels/python3")]
    text = own if isinstance(own, bytes) else json.dumps(own).encode()
    site = [folder(f"lib/python{PYTHON}"), folder(SITE)] if launcher else []
    files = [file(f"{SITE}/ipykernel_launcher.py", LAUNCHER)] if launcher else []
    return archive(environment(PYTHON), site, kernels, files, [file("share/jupyter/kernels/python3/kernel.json", text)])


def machine(tmp_path: Path, name: str = "Sales", **variables: str) -> RestoreOptions:
    def find(python_version: str) -> Interpreter:
        found = probe(Path(sys.executable))
        assert found
        return found

    kernel = Kernel.of(name, {"JUPYTER_DATA_DIR": str(tmp_path / "data"), **variables})
    return RestoreOptions(find, FragmentCache(tmp_path / "cache"), "99.0", lambda *counts: None, kernel=kernel)


def got(tmp_path: Path, target: str = "venv", made: Made | None = None, name: str = "Sales") -> Restored:
    source = tmp_path / "source"
    source.mkdir(exist_ok=True)
    return restore.from_archive((made or packed()).written(source), tmp_path / target, machine(tmp_path, name))


def read(restored: Restored) -> dict[str, object]:
    assert restored.kernel
    return json.loads(Path(restored.kernel).read_text())  # type: ignore[no-any-return]


@pytest.mark.parametrize("name", ["venv", "a folder", "q'uo\"te", "$HOME $$x ${", "new\nline", "ünï 日本", "{a b}"])
def test_it_starts_the_python_of_the_environment_wherever_that_is(tmp_path: Path, name: str) -> None:
    restored = got(tmp_path, name)
    assert restored.kernel == str(tmp_path / "data/kernels/sales/kernel.json")
    assert restored.warnings == ()
    spec = read(restored)
    assert spec["display_name"] == f"sales (Python {PYTHON})"
    said = started(spec, {"PATH": "/usr/bin:/bin"})
    target = str(tmp_path / name)
    assert said == [target, ["-f", "/run/c.json"], target, f"{target}/bin:/usr/bin:/bin"]


def started(spec: Mapping[str, object], variables: Mapping[str, str]) -> object:
    """What the launcher says when it is started as Jupyter does (provisioner_base.py, `Template`; manager.py)."""
    from string import Template

    argv, env = spec["argv"], spec["env"]
    assert isinstance(argv, list)
    assert isinstance(env, dict)
    substituted = {name: Template(text).safe_substitute(variables) for name, text in env.items()}
    words = [re.sub(r"\{([A-Za-z0-9_]+)\}", "/run/c.json", word) for word in argv]
    done = subprocess.run(words, env={**variables, **substituted}, capture_output=True, text=True, check=True)
    return eval(done.stdout)


def test_what_it_is_called_with_is_as_its_ipykernel_has_it(tmp_path: Path) -> None:
    restored = got(tmp_path)
    spec = read(restored)
    assert spec["argv"] == [f"{tmp_path}/venv/bin/python", *OWN["argv"][1:]]
    assert spec["kernel_protocol_version"] == "5.5"
    noted = {"made_by": "venvbuild get", "venv_version": None, "target": f"{tmp_path}/venv"}
    assert spec["metadata"] == {"debugger": True, "supported_encryption": ["curve"], "venvbuild": noted}
    assert set(spec["env"]) == {"VIRTUAL_ENV", "PATH"}  # type: ignore[call-overload]


@pytest.mark.parametrize(
    "own", [b"", b"[]", b"{" * 5000, {"argv": "python", "metadata": {}}, {"argv": ["x"], "metadata": {}}, {"argv": []}]
)
def test_what_describes_no_kernel_is_passed_over(tmp_path: Path, own: object) -> None:
    argv = read(got(tmp_path, made=packed(own)))["argv"]
    assert argv == [f"{tmp_path}/venv/bin/python", "-m", "ipykernel_launcher", "-f", "{connection_file}"]


def test_get_again_writes_it_again_and_says_whom_it_started_before(tmp_path: Path) -> None:
    place = tmp_path / "data/kernels/sales"
    place.mkdir(parents=True)
    (place / ".kernel.json-0123abcd").write_text("of one that was killed")
    assert got(tmp_path).warnings == ()
    assert got(tmp_path).warnings == ()
    moved = got(tmp_path, "other")
    assert [one.rule for one in moved.warnings] == ["KERNEL_MOVED"]
    assert f"that was {tmp_path}/venv" in moved.warnings[0].as_line()
    assert [path.name for path in place.iterdir()] == ["kernel.json"]
    # what is said helps
    assert got(tmp_path, "venv", name="another").warnings == ()
    assert json.loads((place / "kernel.json").read_text())["argv"][0] == f"{tmp_path}/other/bin/python"


@pytest.mark.parametrize("there", ["ours by name only", "other case", "file", "link", "precious"])
def test_somebody_elses_kernel_is_not_touched_and_nothing_is_restored(tmp_path: Path, there: str) -> None:
    kernels = tmp_path / "data/kernels"
    place = kernels / ("SALES" if there == "other case" else "sales")
    if there == "file":
        kernels.mkdir(parents=True)
        place.write_text("mine")
    elif there == "link":
        ours = got(tmp_path, "first", name="first")
        place.symlink_to(Path(ours.kernel or "").parent)
    else:
        place.mkdir(parents=True)
        (place / ("logo.png" if there == "precious" else "kernel.json")).write_text('{"metadata": {}}')
    before = sorted(kernels.rglob("*"))
    with pytest.raises(UsageError, match="not made by") as refused:
        got(tmp_path)
    assert (sorted(kernels.rglob("*")), (tmp_path / "venv").exists()) == (before, False)
    # what is advised helps
    advice = re.findall(r"remove it: (.*)$", str(refused.value), re.DOTALL)
    subprocess.run(shlex.split(advice[0]), check=True)
    assert got(tmp_path).kernel


@pytest.mark.parametrize("name", ["", ".", "..", "../x", "a/b", "-x", ".x", "a b", "ü", "a\n", "x" * 101, "Python3"])
def test_a_name_that_jupyter_would_not_take_or_has_is_refused(name: str) -> None:
    with pytest.raises(UsageError) as refused:
        Kernel.of(name, {})
    assert refused.value.problems[0].rule == "KERNEL_NAME"


def test_an_environment_without_ipykernel_is_refused_before_anything_is_fetched(tmp_path: Path) -> None:
    store = FolderStore(tmp_path / "store")
    made = packed()
    facts = {"python_version": PYTHON, **made.facts(), "installed_packages": ["pip==25.0", "ipykernelx==1.0"]}
    build = put_build(store, 1, made.files(version(1)), **facts)
    fetched: list[int] = []
    here = replace(machine(tmp_path), on_fetch=lambda *counts: fetched.append(counts[0]))
    with pytest.raises(UsageError, match=r"pin ipykernel in requirements\.txt.*leave out --kernel"):
        restore.get(store, build, tmp_path / "venv", here)
    assert (fetched, (tmp_path / "data").exists(), (tmp_path / "venv").exists()) == ([], False, False)
    assert restore.get(store, build, tmp_path / "venv", replace(here, kernel=None)).kernel is None


def test_an_archive_that_turns_out_to_have_none_leaves_the_target_as_it_was(tmp_path: Path) -> None:
    before = got(tmp_path)
    with pytest.raises(UsageError, match="has no ipykernel"):
        got(tmp_path, made=packed(launcher=False))
    assert (tmp_path / "venv" / SITE / "ipykernel_launcher.py").is_file()
    assert read(before)["argv"][0] == f"{tmp_path}/venv/bin/python"  # type: ignore[index]


def test_what_cannot_be_written_or_started_is_refused_before_anything_is_fetched(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="Jupyter puts a value of its own"):
        got(tmp_path, "a{prefix}")
    (tmp_path / "data").write_text("a file")
    with pytest.raises(UsageError, match="JUPYTER_DATA_DIR") as refused:
        got(tmp_path)
    assert refused.value.problems[0].where == str(tmp_path / "data")
    assert not (tmp_path / "venv").exists()
    elsewhere = machine(tmp_path, JUPYTER_DATA_DIR=str(tmp_path / "more" / "data"))
    restored = restore.from_archive(packed().written(tmp_path), tmp_path / "venv", elsewhere)
    assert restored.kernel == str(tmp_path / "more/data/kernels/sales/kernel.json")


def test_kernels_go_where_jupyter_looks_for_the_users(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "linux")  # macOS has a folder of its own
    monkeypatch.setenv("HOME", str(tmp_path))
    assert data_folder({}) == tmp_path / ".local/share/jupyter"
    assert data_folder({"XDG_DATA_HOME": "", "JUPYTER_DATA_DIR": ""}) == tmp_path / ".local/share/jupyter"
    assert data_folder({"XDG_DATA_HOME": "/x"}) == Path("/x/jupyter")
    assert data_folder({"XDG_DATA_HOME": "/x", "JUPYTER_DATA_DIR": "y"}) == Path(os.getcwd(), "y")
