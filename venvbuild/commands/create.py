"""`venvbuild create`: a step of the job."""

from venvbuild.console.steps import command_of

command = command_of("create", "Resolve the pins, lock them with hashes, and install exactly that.")
