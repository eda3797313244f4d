"""`venvbuild upload`: a step of the job."""

from venvbuild.console import options
from venvbuild.console.steps import command_of

command = command_of("upload", "Claim a version, send every file, and commit with metadata.json.", options.with_store)
