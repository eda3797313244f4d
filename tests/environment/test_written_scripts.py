"""What is told of installers is what the real ones do."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import uv

from tests.support.supplies import here
from tests.support.wheels import wheel
from venvbuild.environment.written_scripts import passed_over, written_scripts
from venvbuild.package_index import EntryScripts

KINDS = [
    EntryScripts(("one",), ("two",)),
    EntryScripts(("pip",)),
    EntryScripts(("pip3",)),
    EntryScripts(("pip", "pip3", "pip3.6")),
    EntryScripts(("pip", "pip10.2", "pip2", "pip2.7")),
    EntryScripts(("pip3.11", "pip3.7")),
    EntryScripts(("pip3", "pip3.+6", "pip3.06", "pip3.255", "pip3.256", "pip3.6.1", "pip3.x")),
    EntryScripts(("one",), ("easy_install", "pip", "pip3", "pip3.6")),
    EntryScripts(("pip",), ("pip", "pip3")),
    EntryScripts(("easy_install", "easy_install-2.7", "easy_install-3.12")),
]


def installed(path: Path, target: Path, installer: str) -> tuple[set[str], list[str]]:
    """The scripts of a wheel, by the real installer, and which of them RECORD names."""
    programs = {"uv": [uv.find_uv_bin(), "pip", "install", "--no-cache", "--python", sys.executable]}
    program = programs.get(installer, [sys.executable, "-m", "pip", "install", "--no-deps", "--no-compile"])
    subprocess.run([*program, "--quiet", "--no-index", "--target", target, path], check=True)
    [record] = target.glob("odd-1.0.dist-info/RECORD")
    rows = [row.partition(",")[0] for row in record.read_text().splitlines()]
    scripts = {path.name for path in (target / "bin").iterdir()} if (target / "bin").exists() else set()
    return scripts, sorted(row.rpartition("/")[2] for row in rows if "bin/" in row)


@pytest.mark.parametrize("asked", KINDS, ids=str)
@pytest.mark.parametrize("installer", ["uv", "pip"])
def test_what_is_told_is_written(tmp_path: Path, asked: EntryScripts, installer: str) -> None:
    sections = {"console_scripts": asked.console, "gui_scripts": asked.gui}
    lines = [line for name, ones in sections.items() for line in (f"[{name}]", *(f"{one} = odd:f" for one in ones))]
    files = {"odd.py": "", "odd-1.0.dist-info/entry_points.txt": "\n".join(lines)}
    path = wheel(tmp_path, "odd", "1.0", files=files)
    told = sorted(written_scripts(asked, here().version, installer))
    assert installed(path, tmp_path / "target", installer) == (set(told), told)


@pytest.mark.parametrize(
    ("console", "script"), [("one", "one"), ("pip3.6", "pip3.6"), ("pip3", f"pip3.{sys.version_info[1]}")]
)
@pytest.mark.parametrize("installer", ["uv", "pip"])
def test_a_file_is_passed_over_for_what_is_told(tmp_path: Path, console: str, script: str, installer: str) -> None:
    files = {"odd.py": "", f"odd-1.0.data/scripts/{script}": "#!/bin/sh\n# its own\n"}
    path = wheel(tmp_path, "odd", "1.0", files=files, scripts={console: "odd:f"})
    installed(path, tmp_path / "target", installer)
    is_own = "# its own" in (tmp_path / "target" / "bin" / script).read_text()
    assert is_own == (script not in passed_over(EntryScripts((console,)), here().version, installer))
