"""The Pythons of this machine (search), what one compiles (bytecode), what an environment is for (target)."""

from venvbuild.interpreters.bytecode import Compiled, Compiler, source_of
from venvbuild.interpreters.search import Found, Interpreter, find, find_interpreter, installed, probe
from venvbuild.interpreters.target import Target
