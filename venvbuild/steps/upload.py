"""Sends the build to the store and commits it."""

from __future__ import annotations

import json

from venvbuild import builds
from venvbuild.builds import places
from venvbuild.run import ARCHIVE, Uploaded
from venvbuild.steps.job import Job, Made, lasting_store_of


def run(job: Job) -> Made:
    """The build in the store, committed."""
    store = lasting_store_of(job)
    folder = job.path / "upload"
    folder.mkdir(exist_ok=True)
    description = json.loads((job.path / places.METADATA).read_bytes())
    # the one that `describe` could not know yet
    description["duration_s"]["describe"] = job.work.duration_s("describe")
    pins = [places.REQUIREMENTS, places.PYLOCK_GIVEN, places.LOCK, places.PYLOCK]
    names = [*pins, *places.REPORTS, places.BUILD_LOG, places.ARCHIVE_INDEX, ARCHIVE]
    files = {name: job.path / name for name in names if (job.path / name).is_file()}
    done = builds.commit(store, description, files, folder)
    return Made((), Uploaded(done.metadata, store.url), f"{done.venv_version} in {store.url}")
