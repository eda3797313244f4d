"""Bytecode depends on the source, its place in the archive and the Python, and on nothing else."""

from __future__ import annotations

import marshal
import os
import subprocess
import sys
import threading
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.requirement import require
from venvbuild.interpreters import bytecode, search
from venvbuild.interpreters.bytecode import Bytecode, Compiler, source_of
from venvbuild.interpreters.search import Interpreter, probe

SETS = "def f(x):\n    return x in {'alpha', 'beta', 'gamma', 'delta', 'epsilon', 1, 2.5, b'z'}\n"
TAG = sys.implementation.cache_tag


def here() -> Interpreter:
    found = probe(Path(sys.executable))
    assert found
    return found


def compiled(folder: Path, sources: Mapping[str, str | bytes], python: Interpreter | None = None) -> Bytecode:
    """What becomes of these modules; the environment is `folder/venv`, the output `folder/out`."""
    for name, source in sources.items():
        path = folder / "venv" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(source if isinstance(source, bytes) else source.encode())
    (folder / "out").mkdir(exist_ok=True)
    return compiler(folder, python).compile(folder / "venv", list(sources))


def compiler(folder: Path, python: Interpreter | None = None) -> Compiler:
    return Compiler(python or here(), folder / "out", "/venv", threading.Event())


def test_a_module_becomes_the_checked_hash_bytecode_that_python_looks_for(tmp_path: Path) -> None:
    made = compiled(tmp_path, {"lib/good/a.b.py": "x = 1\n"})
    assert [one.name for one in made.compiled] == [f"lib/good/__pycache__/a.b.{TAG}.pyc"]
    content = (tmp_path / "out" / made.compiled[0].name).read_bytes()
    assert (content[4:8], len(content)) == (b"\x03\0\0\0", made.compiled[0].size)
    assert marshal.loads(content[16:]).co_filename == "/venv/lib/good/a.b.py"
    assert source_of(made.compiled[0].name) == "lib/good/a.b.py"


def test_neither_folder_nor_locale_nor_what_else_is_compiled_changes_a_byte(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = {"lib/m.py": f"import os\nclass Path:\n    hexdigest = modules = 1\n{SETS}"}
    others = {"lib/a.py": "hexdigest = path = m = modules = 1\n", **module, "lib/z.py": "Path = f = x = 1\n"}
    first = compiled(tmp_path / "one", module).compiled[0]
    monkeypatch.setenv("LC_CTYPE", "POSIX")
    monkeypatch.setenv("PYTHONHASHSEED", "7")
    assert first in compiled(tmp_path / "a longer name, with spaces", others).compiled


HELD = """
import sys
sys.path.insert(0, sys.argv[1])
import compile_modules
source = b"import zork\\ndef quux(blip):\\n    return zork.flonk(blip, 'words that are no name')\\n"
first = compile_modules.bytecode(source, "/venv/m.py")
held = compile(source.replace(b"blip, ", b""), "another.py", "exec")
print(compile_modules.bytecode(source, "/venv/m.py") == first)
"""


@pytest.mark.usefixtures("newer_on_path")
@pytest.mark.parametrize("python", ["3.15", "3.14", "3.13", "3.12", "3.11", "3.10", "3.9", "3.8"])
def test_names_that_something_else_in_the_process_holds_change_nothing(python: str) -> None:
    found = [one for one in search.installed(os.environ) if one.version == python]
    require(found, f"there is no Python {python} here")
    command: list[str | Path] = [found[0].path, "-c", HELD, Path(bytecode.__file__).parent]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "True\n"


@pytest.mark.parametrize(
    "source",
    ["print 'two'\n", "{% if template %}\n", b"\xff\xfe", "x = 1\0\n", "# coding: nonsense\n", "-" * 200_000 + "1\n"],
)
def test_what_is_no_python_is_left_out_and_the_next_one_is_not(tmp_path: Path, source: str | bytes) -> None:
    made = compiled(tmp_path, {"lib/odd.py": source, "lib/z.py": ""})
    assert [one.name for one in made.compiled] == [f"lib/__pycache__/z.{TAG}.pyc"]


def test_a_module_that_ends_the_interpreter_is_left_out_and_not_remembered(tmp_path: Path) -> None:
    small = tmp_path / "python"
    small.write_text(f'#!/bin/sh\nulimit -s 120\nexec {sys.executable} "$@"\n')
    small.chmod(0o755)
    sources = {"lib/a.py": "", "lib/crash.py": "-" * 900 + "1\n", "lib/z.py": ""}
    made = compiled(tmp_path, sources, replace(here(), path=small))
    assert [source_of(one.name) for one in made.compiled] == ["lib/a.py", "lib/z.py"]
    assert list(made.sources) == ["lib/a.py", "lib/z.py"]


def test_nothing_of_the_environment_is_imported(tmp_path: Path) -> None:
    evil = "raise SystemExit(3)\n"
    names = [f"lib/{name}.py" for name in ("marshal", "hashlib", "importlib/util", "os", "sitecustomize", "types")]
    made = compiled(tmp_path, dict.fromkeys(names, evil))
    assert len(made.compiled) == len(names)
    again = compiler(tmp_path).compile(tmp_path / "venv", names)  # now the output has folders of these names
    assert again == made


def test_a_module_that_is_gone_is_told(tmp_path: Path) -> None:
    compiled(tmp_path, {"lib/a.py": ""})
    with pytest.raises(FileNotFoundError, match=r"b\.py"):
        compiler(tmp_path).compile(tmp_path / "venv", ["lib/b.py"])


def test_names_that_are_no_utf8_and_lines_in_names_are_names(tmp_path: Path) -> None:
    odd = os.fsdecode(b"lib/latin-\xe9\nline.py")
    made = compiled(tmp_path, {odd: "x = 1\n"})
    assert source_of(made.compiled[0].name) == odd
    assert (tmp_path / "out" / made.compiled[0].name).is_file()


def test_the_key_holds_what_the_bytes_depend_on(tmp_path: Path) -> None:
    one, sources = compiler(tmp_path), {"lib/a.py": "0" * 64}
    others = [
        (replace(one, interpreter=replace(one.interpreter, full_version="3.11.99")), sources),
        (replace(one, interpreter=replace(one.interpreter, soabi="cpython-313t-x86_64-linux-gnu")), sources),
        (replace(one, shown="/environment"), sources),
        (one, {"lib/a.py": "1" * 64}),
        (one, {"lib/b.py": "0" * 64}),
    ]
    keys = {compiler.key(names) for compiler, names in [(one, sources), *others]}
    assert len(keys) == 6
    assert replace(one, folder=tmp_path / "elsewhere").key(sources) in keys
