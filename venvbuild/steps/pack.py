"""Makes the archive and its index."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from venvbuild import archive
from venvbuild.archive import ARCHIVE_ROOTS, FragmentCache, Gate, Known, PackOptions, bundle_of
from venvbuild.builds import places, read_lock
from venvbuild.installed import MANIFEST, Manifest, distributions_of
from venvbuild.interpreters import Interpreter
from venvbuild.redaction import REDACTOR
from venvbuild.run import ARCHIVE, VENV, Packed, Recorded
from venvbuild.steps.job import Job, Made, interpreter_of
from venvbuild.text import size_text


def run(job: Job) -> Made:
    """The archive and its index."""
    interpreter = interpreter_of(job)
    venv = job.path / VENV
    installed = distributions_of(venv, interpreter.version, with_damage=False)
    chosen = _chosen(job)
    gate = Gate.of(_paths_of_this_build(job.path, interpreter), REDACTOR.secrets, installed)
    with bundle_of(interpreter if chosen.bundle_python else None, job.path) as base:
        made = archive.pack(
            venv,
            job.path / ARCHIVE,
            PackOptions(
                interpreter.version,
                chosen.level,
                chosen.python_path,
                cache=FragmentCache(job.settings.folders.cache / "fragments"),
                compiled_by=interpreter if chosen.bytecode else None,
                archive_root=ARCHIVE_ROOTS[chosen.layout],
            ),
            gate=gate,
            known=Known(
                installed, _locked_hashes(job), Manifest.read(job.path / MANIFEST), base.version if base else None
            ),
            instead=base.members if base else None,
        )
    (job.path / places.ARCHIVE_INDEX).write_text(made.index.text(), "utf-8")
    return Made(
        (ARCHIVE, places.ARCHIVE_INDEX),
        Packed(
            made.sha256,
            made.size_bytes,
            made.content_sha256,
            made.index.root,
            base.requires.as_json() if base else None,
        ),
        f"{size_text(made.size_bytes)} of {size_text(made.plain_bytes)}"
        + (f", Python {base.version} inside" if base else ""),
    )


def _chosen(job: Job) -> Recorded:
    """The record, but for what this command was given anew."""
    options: dict[str, Any] = dict(job.options)
    return replace(job.work.recorded, **options)


def _paths_of_this_build(work: Path, interpreter: Interpreter) -> list[Path]:
    """What must not stand in an archive."""
    # /usr/bin stands in many a script, and is nobody's leak
    own = [] if interpreter.prefix in (Path("/usr"), Path("/usr/local")) else [interpreter.prefix / "bin"]
    # by both names where it is reached through a link: programs write down either
    return [work, work.resolve(), interpreter.path, *own]


def _locked_hashes(job: Job) -> dict[str, tuple[str, ...]]:
    return {name: hashes for name, _, hashes in read_lock((job.path / places.LOCK).read_text("utf-8"))}
