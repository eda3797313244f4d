"""Writes metadata.json, without the fields that the claim gives."""

from __future__ import annotations

import json

from venvbuild import __version__
from venvbuild.builds import Description, RequiresEntry, places
from venvbuild.machine import Requires
from venvbuild.steps.job import Job, Made, interpreter_of
from venvbuild.text import count_text


def run(job: Job) -> Made:
    """metadata.json, without the fields that the claim gives."""
    recorded, result = job.work.settings, job.work.result
    packages = result("inspect")["installed_packages"]
    description = Description(
        python_version=recorded["python_version"],
        python_full_version=recorded["python_full_version"],
        platform=interpreter_of(job).platform,
        is_conflict_free=not result("inspect")["conflicts"],
        conflicts=tuple(result("inspect")["conflicts"]),
        installed_packages=tuple(packages),
        package_count=len(packages),
        env_name=recorded["env_name"],
        installer=result("create")["installer"],
        requirements_sha256=recorded["requirements_sha256"],
        archive_sha256=result("pack")["sha256"],
        content_sha256=result("pack")["content_sha256"],
        archive_size_bytes=result("pack")["size_bytes"],
        reproducible=result("create")["reproducible"],
        tool_version=__version__,
        build_url=recorded["build_url"],
        source_revision=recorded["source_revision"],
        requires=_requires(result("inspect")["requires"], result("pack")["base_requires"]),
        duration_s={step: job.work.duration_s(step) for step in ("check", "create", "inspect", "pack")},
    )
    (job.path / places.METADATA).write_text(json.dumps(description.as_json(), indent=2) + "\n", "utf-8")
    return Made((places.METADATA,), summary=count_text(len(packages), "package"))


def _requires(of_wheels: RequiresEntry, of_base: RequiresEntry | None) -> RequiresEntry:
    base = Requires.of(of_base) if of_base else None
    return Requires.of(of_wheels).with_base(base).as_json()
