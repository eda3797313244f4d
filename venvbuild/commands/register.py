"""`venvbuild register`: a step of the job."""

from venvbuild.console import options
from venvbuild.console.steps import command_of

command = command_of("register", "Write the build's row, by which the catalog finds it.", options.with_store)
