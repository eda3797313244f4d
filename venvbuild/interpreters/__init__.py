"""The Pythons of this machine (search, installing), what one compiles (bytecode), what packages are for (target)."""

from venvbuild.interpreters.bytecode import Compiled, Compiler, source_of
from venvbuild.interpreters.search import (
    Found,
    Interpreter,
    NoInterpreter,
    assumed,
    find,
    find_interpreter,
    installed,
    probe,
)
from venvbuild.interpreters.target import Target
