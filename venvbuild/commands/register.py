"""`venvbuild register`: a step of the job."""

from venvbuild.commands import options
from venvbuild.commands.step import command_of

command = command_of("register", "Write the build's row, by which the catalog finds it.", options.with_store)
