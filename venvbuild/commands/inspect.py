"""`venvbuild inspect`: a step of the job."""

from venvbuild.console.steps import command_of

command = command_of(
    "inspect", "Report what is installed, its tree and its conflicts. Ends with 5 when conflicts fail the job."
)
