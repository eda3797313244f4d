"""Scripts that packages bring, in an ordinary environment and in ours: the same to Python, and they say the same."""

from __future__ import annotations

import io
import shutil
import subprocess
import zipfile
from collections.abc import Iterable
from pathlib import Path

import pytest

from tests.support import foreign, real_pip
from tests.support.requirement import require
from tests.support.sizes import ends
from tests.support.tool import Tool
from tests.support.wheels import wheel

SEE = b"""
import os, sys
seen = [__doc__, __name__, sys._getframe().f_lineno, sorted(globals()), os.path.basename(sys.argv[0]), sys.argv[1:],
        os.path.basename(__file__), sys.path[0] == os.path.dirname(os.path.realpath(__file__)), len("\xc3\xa9"),
        sys.flags.no_user_site, os.path.basename(sys.prefix)]
print(ascii(seen))
"""
_ZIP = io.BytesIO()
with zipfile.ZipFile(_ZIP, "w") as _made:
    _made.writestr("__main__.py", "import sys; print('zip', len(sys.argv))")
SCRIPTS = {
    "plain": b"#!python\n" + SEE,
    "docstring": b'#!python\n"""Usage: docstring [--x]"""\n' + SEE,
    "future": b'#!python\n"""What it does."""\n# and how\nfrom __future__ import annotations\n' + SEE,
    "latin": b"#!python\n# -*- coding: latin-1 -*-\n'''\xe9'''\nfrom __future__ import division\n" + SEE,
    "vim": b"#!python\n# vim: set fileencoding=cp1252 :\n" + SEE,
    "cookie in line 1": b"#!python # -*- coding: latin-1 -*-\n" + SEE,
    "crlf": b'#!python3\r\n"""Doc."""\r\nfrom __future__ import annotations\r\n' + SEE.replace(b"\n", b"\r\n"),
    "options": b"#!python -sE\n" + SEE,
    "gui": b"#!pythonw\n" + SEE,
    "imports.py": b"#!python\nimport plain_module, sibling\nprint(sibling.WHO, sibling.__doc__)\n",
    "sibling.py": b'#!python\n"""Imported."""\nWHO = __name__\n',
    "ends without a line end": b"#!python\nprint(__doc__)",
    "-x": b"#!python\n" + SEE,
    "raises": b"#!python\n\n\n1 / 0\n",
    "python 2": b"#!python\nprint 2\n",
    "zip": b"#!python\n" + _ZIP.getvalue(),
    "bash": b"#!/bin/bash\necho of bash $#\n",
    "plain_module.py": b"x = 1\n",
}
SHELLS = (("dash",), ("busybox", "sh"), ("bash",))
SOME = ("future", "latin", "-x", "zip", "imports.py", "entry")
IN_EACH_SHELL = SOME[:3]


def put_scripty(folder: Path) -> Path:
    files = {f"scripty-1.0.data/scripts/{name}": body for name, body in SCRIPTS.items()}
    main = '"""Of the module."""\nimport sys\ndef main():\n    print(sys.modules["__main__"].__doc__, sys.argv[1:])\n'
    return wheel(folder, "scripty", "1.0", files={**files, "scripty.py": main}, scripts={"entry": "scripty:main"})


Said = tuple[int, str, str]


def said(venv: Path, folder: Path, names: Iterable[str] = (*SCRIPTS, "entry")) -> dict[str, Said]:
    """What each script says, and the last line of its errors, called in a folder with spaces through two links; some
    also by Python.
    """
    place = folder / f"links to {venv.parent.name}"
    (place / "one").mkdir(parents=True)
    found = {}
    for name in names:
        (place / "one" / name).symlink_to(venv / "bin" / name)
        (place / name).symlink_to(f"one/{name}")
        found[name] = _said(place / name)
        if name in SOME:
            found[f"python {name}"] = _said(venv / "bin/python", venv / "bin" / name)
    return found


def _said(*command: str | Path) -> Said:
    env = {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"}
    try:
        done = subprocess.run([*command, "a b", "--help"], env=env, capture_output=True, text=True, check=False)
    except OSError as error:  # no program at all
        return error.errno or 0, "", ""
    return done.returncode, done.stdout, done.stderr.rstrip().rpartition("\n")[2]


def unpacked(archive: Path, folder: Path, python: str) -> Path:
    folder.mkdir()
    subprocess.run(["tar", "-xzf", archive, "-C", folder], check=True)
    foreign.run(["sh", folder / "venv/bin/rehome", foreign.interpreter(python).path])
    return folder / "venv"


@pytest.mark.usefixtures("newer_on_path")
@pytest.mark.parametrize("python", ["3.15", *ends([f"3.{minor}" for minor in range(14, 7, -1)])])
def test_they_say_what_they_say_in_an_ordinary_environment(tool: Tool, tmp_path: Path, python: str) -> None:
    installer = "pip" if python in ("3.10", "3.12", "3.13", "3.15") else "uv"
    for shell in SHELLS:
        require(shutil.which(shell[0]), f"there is no {shell[0]} here")
    real_pip.put_into(tool.index.folder, python)
    scripty = put_scripty(tool.index.folder)
    # by the same installer, for these differ in what they make of entry points
    ordinary = foreign.make("venv" if installer == "pip" else "uv", python, tmp_path / "ordinary" / "venv", scripty)
    expected = said(ordinary, tmp_path)
    assert sum(not code for code, _, _ in expected.values()) == len(SCRIPTS) + 1 + len(SOME) - 3, expected
    # with pip also what has no link to a Python, which rehome and get make
    path = {"VENVBUILD_PYTHON_PATH": "none"} if installer == "pip" else {}
    done = tool.build("scripty==1.0", PYTHON_VERSION=python, VENVBUILD_INSTALLER=installer, **path)
    assert done.code == 0, done.stderr
    assert "is not what the index has" not in done.stderr
    version = done.json["venv_version"]
    ours = unpacked(tool.stored(version) / f"{version}.tar.gz", tmp_path / "our s", python)
    assert said(ours, tmp_path) == expected
    for name in IN_EACH_SHELL:
        for shell in SHELLS:
            assert _said(*shell, tmp_path / "links to our s" / name) == expected[name]
    whole = tool.run("verify", "--restore", version)
    assert (whole.code, "NOT CHECKED" in whole.stdout) == (0, False), whole.stderr
    packed = tool.run("pack", "--venv", ordinary, "-o", tmp_path / "packed.tar.gz")
    assert packed.code == 0, packed.stderr
    found = said(unpacked(tmp_path / "packed.tar.gz", tmp_path / "pack ed", python), tmp_path, SOME)
    assert found == {name: expected[name] for name in found}
    foreign.run([ours / "bin/pip", "uninstall", "--quiet", "--yes", "scripty"])
    assert {path.name for path in (ours / "_scripts").iterdir()} == {path.name for path in (ours / "bin").glob("pip*")}
    assert not (ours / "bin/future").exists()
