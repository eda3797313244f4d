"""`venvbuild describe`: a step of the job."""

from venvbuild.console.steps import command_of

command = command_of("describe", "Write metadata.json, as far as it is known before upload.")
