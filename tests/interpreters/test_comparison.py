"""Whether scripts mean the same to a Python: the one they are for says it, and runs nothing of them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.foreign import interpreter
from tests.support.sizes import ends
from venvbuild.errors import UsageError
from venvbuild.interpreters import changed_scripts, compare_scripts

DOC = b'#!/venv/bin/python\n"""Doc."""\nfrom __future__ import annotations\nx = 1\n'
LATIN = "#!python\n# coding: latin-1\nx = 'é'\n".encode("latin-1")
HEADER = b"#!/bin/sh\n'''exec' x\n' '''\n"
PAIRS = {
    "same": (DOC, DOC.replace(b"/venv/bin/", b"")),
    "latin": (LATIN, LATIN),
    "python 2": (b"#!p\nprint 1\n", b"#!q\nprint 2\n"),
    "nothing": (b"#!p\n\0\n", b""),
    "deep": (b"(" * 100_000, b"x"),
    "future": (DOC, HEADER + DOC.partition(b"\n")[2]),
    "docstring": (b"#!p\n'''Doc.'''\n", HEADER + b"'''Doc.'''\n"),
    "a line": (b"#!p\nx = 1\n", b"#!p\n\nx = 1\n"),
    "no docstring": (b"#!p\nx = 1\n", HEADER + b"x = 1\n"),
    "encoding": (b"#!p\n# coding: latin-1\nx = 1\n", b"#!p\n# coding: utf-8\nx = 1\n"),
    "text": (LATIN, LATIN.replace(b"latin-1", b"cp1251 ")),
    "lost cookie": (LATIN, HEADER + LATIN.partition(b"\n")[2]),
    "dangerous": (b"import os\nos._exit(1)\n",) * 2,
}
UNLIKE = {
    "future": ("no Python",),
    "docstring": ("docstring", "syntax tree"),
    "a line": ("syntax tree",),
    "no docstring": ("syntax tree",),
    "encoding": ("encoding",),
    "text": ("encoding", "syntax tree"),
    "lost cookie": ("no Python",),
}


@pytest.mark.parametrize("python", ends([f"3.{minor}" for minor in range(8, 14)]))
def test_what_differs_is_named_and_nothing_is_run(python: str) -> None:
    assert compare_scripts(interpreter(python), PAIRS) == UNLIKE


def test_a_script_that_changed_is_a_problem_with_its_name() -> None:
    found = list(changed_scripts(interpreter("3.11"), {f"bin/{name}": pair for name, pair in PAIRS.items()}))
    assert [one.what for one in found][:2] == [
        "bin/future would not be the script that its package brings: it is no Python any more",
        "bin/docstring would not be the script that its package brings: another docstring and syntax tree",
    ]
    assert len(found) == len(UNLIKE)


def test_behind_one_that_makes_the_interpreter_crash_it_goes_on(tmp_path: Path) -> None:
    crashing = tmp_path / "python"
    real = interpreter("3.11")
    # the last word is the number of the first script that is left
    crashing.write_text(f'#!/bin/sh\nfor last; do :; done\n[ "$last" = 0 ] && kill -SEGV $$\nexec {real.path} "$@"\n')
    crashing.chmod(0o755)
    pairs = {"first": (b"1", b"2"), "second": (b"1", b"2")}
    assert compare_scripts(replace(real, path=crashing), pairs) == {"second": ("syntax tree",)}


@pytest.mark.parametrize("path", ["/nonexistent/python", "/bin/false"])
def test_an_interpreter_that_does_not_run_is_named(path: str) -> None:
    with pytest.raises(UsageError, match=rf"did not compare the scripts.*\n?.*{path}|{path}.*did not compare"):
        compare_scripts(replace(interpreter("3.11"), path=Path(path)), {"a": (b"1", b"1")})
    assert compare_scripts(replace(interpreter("3.11"), path=Path(path)), {}) == {}
