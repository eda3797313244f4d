"""The seven steps, a file each: reads what those before it left in the work dir, makes one thing, and says so."""

from venvbuild.steps.check import asked, examine
from venvbuild.steps.job import Examined, Job, Made, Request
from venvbuild.steps.table import ASK_THE_STORE, RUNS
