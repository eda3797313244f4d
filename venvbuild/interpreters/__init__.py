"""The Pythons of this machine: found by running them, and what one is asked to compile."""

from venvbuild.interpreters.bytecode import Compiled, Compiler, source_of
from venvbuild.interpreters.search import Found, Interpreter, find, find_interpreter, installed, probe
from venvbuild.interpreters.target import Target
