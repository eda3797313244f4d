"""The Pythons of this machine (search, choosing, installing), who may run them (access), until when they are mended
(lifetimes), what one compiles (bytecode), what scripts mean to it (comparison), and what packages are for (target).
"""

from venvbuild.interpreters.access import closed_part, find_open_interpreter
from venvbuild.interpreters.bytecode import Compiled, Compiler, source_of
from venvbuild.interpreters.choosing import chosen_interpreter
from venvbuild.interpreters.comparison import changed_scripts, compare_scripts
from venvbuild.interpreters.lifetimes import ENDS, past_its_end
from venvbuild.interpreters.search import (
    Found,
    Interpreter,
    NoInterpreter,
    assumed,
    find,
    find_interpreter,
    installed,
    matching,
    on_linux,
    probe,
)
from venvbuild.interpreters.target import Target
