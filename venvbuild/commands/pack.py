"""`venvbuild pack`: a step of the job."""

from venvbuild.commands import options
from venvbuild.commands.step import command_of

command = command_of(
    "pack",
    "Pack the environment into a reproducible, relocatable archive.",
    options.with_pack_options,
    own=("level", "bytecode", "python_path"),
)
