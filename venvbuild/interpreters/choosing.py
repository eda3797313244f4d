"""The Python that somebody chose for an environment, judged by running it."""

from __future__ import annotations

import os
import shlex
import shutil
from pathlib import Path

from venvbuild.errors import UsageError
from venvbuild.interpreters.search import Interpreter, is_cpython, matching, probe

_FIX = "name another one"


def chosen_interpreter(path: Path, python_version: str) -> Interpreter:
    """The Python at `path`, which somebody chose for an environment of X.Y. A name without a folder is looked for on
    the PATH, when there is no such file here.

    Raises:
        UsageError: it is no CPython of that version that runs here.
    """
    name = os.fspath(path)
    found = Path((os.sep not in name and not path.exists() and shutil.which(name)) or os.path.abspath(path))
    interpreter = None if found.is_dir() else probe(found)
    if interpreter and is_cpython(interpreter, python_version):
        return interpreter
    there = next(matching(python_version), None)
    fix = f"leave out --python, or name another: --python {shlex.quote(str(there.path))}" if there else _FIX
    if not found.exists():
        what, why = "there is no such file", ""
    elif found.is_dir():
        what, why = "it is a folder, and no Python", ""
        if os.path.isfile(found / "bin" / "python"):
            fix = f"name the program in it: --python {shlex.quote(str(found / 'bin' / 'python'))}"
    elif interpreter is None:
        what, why = "it is no Python that runs here", "" if os.access(found, os.X_OK) else "it may not be run"
    else:
        implementation = interpreter.marker_environment["platform_python_implementation"]
        kind = "a free-threaded " if interpreter.is_free_threaded else ""
        what = f"it is {kind}{implementation} {interpreter.full_version}"
        why = f"the environment is for {'the usual ' if kind else ''}CPython {python_version}"
    raise UsageError(what, where=f"--python {name}", why=why, fix=fix, rule="NO_INTERPRETER")
