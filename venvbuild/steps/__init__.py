"""The seven steps, a file each: reads what those before it left in the work dir, makes one thing, and says so."""

from venvbuild.steps.job import Examined, Job, Made, Request, asked
from venvbuild.steps.table import ASK_THE_STORE, examine, registered, run
