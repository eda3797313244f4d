"""Compiles modules to checked-hash bytecode (PEP 552), below the folder it is started in; `bytecode` starts it.

    python compile_modules.py ENVIRONMENT NAMES SHOWN

It runs by the interpreter that the bytecode is for, any Python since 3.8, and needs nothing installed. NAMES is a file
of the modules' paths relative to ENVIRONMENT, a NUL between two; the bytecode says that they lie in SHOWN. It prints
the interpreter's cache tag, then a line for each module: the sha256 of the source, and behind it the size and sha256 of
the bytecode; nothing behind it when the module cannot be compiled. When the disk refuses something it ends with the
errno.
"""

from __future__ import annotations

import sys

if __name__ == "__main__":
    del sys.path[0]  # the folder of this file, where names are ours and not the standard library's

import hashlib
import importlib.util
import marshal
import os
import types

_CHECKED_HASH = 3
# What `compile` raises for text that is none: templates, Python 2, NUL bytes, brackets a thousand deep.
_NOT_COMPILED = (SyntaxError, ValueError, RecursionError, MemoryError, OverflowError)


def main(venv: bytes, names: bytes, shown: bytes) -> None:
    """All modules, one after the other; what is printed of one before it is compiled tells which one was fatal."""
    os.umask(0o022)  # whoever may read a module may read its bytecode
    print(sys.implementation.cache_tag)
    with open(names, "rb") as listed:
        modules = listed.read().split(b"\0")
    for name in modules:
        with open(os.path.join(venv, name), "rb") as file:
            source = file.read()
        # Flushed: a crash would take what is buffered with it.
        print(hashlib.sha256(source).hexdigest(), end=" ", flush=True)
        try:
            content = bytecode(source, os.fsdecode(os.path.join(shown, name)))
        except _NOT_COMPILED:
            print()
        else:
            write(name, content)
            print(len(content), hashlib.sha256(content).hexdigest())


def bytecode(source: bytes, path: str) -> bytes:
    """A .pyc whose bytes depend on the source, the path and the version of Python, and on nothing else.

    Raises:
        ValueError: that cannot be promised. The others of `_NOT_COMPILED`: it is no Python, or none for this version.
    """
    code = compile(source, path, "exec", dont_inherit=True)
    held: list[object] = []
    hold(code, held)
    flags = _CHECKED_HASH.to_bytes(4, "little")
    return importlib.util.MAGIC_NUMBER + flags + importlib.util.source_hash(source) + marshal.dumps(code)


def hold(value: object, held: list[object]) -> None:
    """Hold everything that `value` consists of.

    What marshal writes of an object tells whether anything else in the process holds it as well: a name that is also
    used in a module that happens to be imported, for instance. Now something always does.
    """
    held.append(value)
    if isinstance(value, frozenset) and sys.version_info < (3, 11) and any(map(is_hashed_by_address, value)):
        # Written in the order of the hashes; PYTHONHASHSEED settles those of text only. Since 3.11 sets are sorted.
        raise ValueError("a set is in another order each time")
    if isinstance(value, (tuple, frozenset)):
        for one in value:
            hold(one, held)
    elif isinstance(value, types.CodeType):
        names = (value.co_name, getattr(value, "co_qualname", ""), value.co_filename)
        for one in (value.co_consts, value.co_names, value.co_varnames, value.co_freevars, value.co_cellvars, names):
            hold(one, held)


def is_hashed_by_address(value: object) -> bool:
    """Whether it is None or `...`, or a tuple or set that holds one."""
    if isinstance(value, (tuple, frozenset)):
        return any(map(is_hashed_by_address, value))
    return value is None or value is ...


def write(name: bytes, content: bytes) -> None:
    """Put the bytecode of the module `name` where Python looks for it (PEP 3147)."""
    folder = os.path.join(os.path.dirname(name), b"__pycache__")
    os.makedirs(folder, exist_ok=True)
    stem = os.path.basename(name).rpartition(b".")[0]
    with open(
        os.path.join(folder, b"%s.%s.pyc" % (stem, os.fsencode(str(sys.implementation.cache_tag)))), "wb"
    ) as file:
        file.write(content)


if __name__ == "__main__":
    try:
        main(*map(os.fsencode, sys.argv[1:]))
    except OSError as error:
        print(error, file=sys.stderr)
        sys.exit(error.errno)
