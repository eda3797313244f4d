"""What was asked for, for the steps that follow pins."""

from __future__ import annotations

from dataclasses import replace

from venvbuild import requirements
from venvbuild.builds import places
from venvbuild.interpreters import Interpreter
from venvbuild.requirements import Part, Requirements
from venvbuild.steps.job import Job


def requirements_of(job: Job, interpreter: Interpreter) -> Requirements:
    """The file that `check` accepted, read again."""
    # the copy in the work dir: the file that was given may have changed since `check`
    content = (job.path / places.REQUIREMENTS).read_bytes()
    recorded = job.work.recorded
    parts = [Part(*part) for part in recorded.requirements_parts]
    read = requirements.reread(content, recorded.requirements, interpreter.marker_environment, parts)
    given = job.path / places.PYLOCK_GIVEN
    return replace(read, pylock=given.read_bytes()) if given.is_file() else read
