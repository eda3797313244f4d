"""Says of pairs of scripts whether they mean the same to this Python; `comparison` starts it.

    python -I -S compare_scripts.py FOLDER COUNT FIRST

It runs by the interpreter that the scripts are for, any Python since 3.8, and runs nothing of them. FOLDER has files
`N.before` and `N.after` for each N below COUNT. It prints a line for each from FIRST on: `same`; `none` where the first
is no Python of this version, `no Python` where the second is none; else what differs.
"""

from __future__ import annotations

import ast
import io
import os
import sys
import tokenize

# What `compile` raises for text that is none: templates, Python 2, NUL bytes, brackets a thousand deep.
_NOT_COMPILED = (SyntaxError, ValueError, RecursionError, MemoryError, OverflowError)


def main(folder: str, count: int, first: int) -> None:
    """All pairs, one after the other; each is told at once, so that a crash tells which one was fatal."""
    for number in range(first, count):
        before, after = (_read(os.path.join(folder, f"{number}.{when}")) for when in ("before", "after"))
        print(compared(before, after), flush=True)


def compared(before: bytes, after: bytes) -> str:
    """`same`, `none`, `no Python`, or what differs, separated by commas."""
    if before == after or _differ_in_a_comment(before, after):
        try:
            compile(before, "script", "exec", dont_inherit=True)
        except _NOT_COMPILED:
            return "none"
        return "same"
    try:
        meaning = _meaning(before)
    except _NOT_COMPILED:
        return "none"
    try:
        other = _meaning(after)
    except _NOT_COMPILED:
        return "no Python"
    return ",".join(name for name, value in meaning.items() if value is not None and other[name] != value) or "same"


def _differ_in_a_comment(before: bytes, after: bytes) -> bool:
    """Whether only the first lines differ, both of which say nothing to Python: a tenth of the time of two trees."""
    (head, _, body), (other_head, _, other_body) = before.partition(b"\n"), after.partition(b"\n")
    return body == other_body and all(one.startswith(b"#") and b"coding" not in one for one in (head, other_head))


def _meaning(source: bytes) -> dict[str, object]:
    code = compile(source, "script", "exec", dont_inherit=True)
    tree = compile(source, "script", "exec", ast.PyCF_ONLY_AST, dont_inherit=True)
    assert isinstance(tree, ast.Module)
    try:
        text: object = ast.dump(tree, include_attributes=True)
    except RecursionError:
        text = code
    return {
        "docstring": ast.get_docstring(tree, clean=False),
        "encoding": tokenize.detect_encoding(io.BytesIO(source).readline)[0],
        "syntax tree": text,
    }


def _read(path: str) -> bytes:
    with open(path, "rb") as file:
        return file.read()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
