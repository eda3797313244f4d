"""Writes metadata.json, without the fields that the claim gives."""

from __future__ import annotations

import json

from venvbuild import __version__
from venvbuild.builds import Description, RequiresEntry, places, validate_described
from venvbuild.machine import Requires
from venvbuild.run import Checked, Created, Described, Inspected, Packed
from venvbuild.steps.job import Job, Made, interpreter_of
from venvbuild.text import count_text


def run(job: Job) -> Made:
    """metadata.json, without the fields that the claim gives."""
    recorded = job.work.recorded
    checked, created = job.work.result(Checked), job.work.result(Created)
    inspected, packed = job.work.result(Inspected), job.work.result(Packed)
    description = Description(
        python_version=recorded.python_version,
        python_full_version=recorded.python_full_version,
        platform=interpreter_of(job).platform,
        is_conflict_free=not inspected.conflicts,
        conflicts=inspected.conflicts,
        installed_packages=inspected.installed_packages,
        package_count=len(inspected.installed_packages),
        env_name=recorded.env_name,
        installer=created.installer,
        requirements_sha256=recorded.requirements_sha256,
        archive_sha256=packed.sha256,
        content_sha256=packed.content_sha256,
        archive_root=packed.archive_root,
        archive_size_bytes=packed.size_bytes,
        reproducible=created.reproducible,
        tool_version=__version__,
        build_url=recorded.build_url,
        source_revision=recorded.source_revision,
        requires=_requires(inspected.requires, packed.base_requires),
        warnings=(*checked.said, *created.said),
        yanked_packages=inspected.yanked_packages,
        # that of `describe` itself is known when it has ended: `upload` adds it
        duration_s={step: job.work.duration_s(step) for step in ("check", "create", "inspect", "pack")},
    )
    described = description.as_json()
    # Now: after the claim a version would be lost by what a look here tells.
    validate_described({**described, "duration_s": {**described["duration_s"], "describe": 0}})
    (job.path / places.METADATA).write_text(json.dumps(described, indent=2) + "\n", "utf-8")
    return Made((places.METADATA,), Described(), count_text(len(inspected.installed_packages), "package"))


def _requires(of_wheels: RequiresEntry, of_base: RequiresEntry | None) -> RequiresEntry:
    base = Requires.of(of_base) if of_base else None
    return Requires.of(of_wheels).with_base(base).as_json()
