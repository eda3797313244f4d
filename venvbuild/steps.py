"""What each of the seven steps does: read what the steps before it left in the work dir, make one thing, say so.

A step returns what it made; `pipeline` times it, remembers it in the work dir and decides whether it has to run at all.
"""

from __future__ import annotations

import importlib.metadata
import json
import logging
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import uv
from packaging.utils import canonicalize_name

from venvbuild import __version__, archive, builds, environment, inspection, interpreters, machine, requirements
from venvbuild.archive import FragmentCache, Gate, Known, bundle_of
from venvbuild.builds import Description, places
from venvbuild.environment import (
    IndexAddresses,
    PackageSource,
    build_sdists,
    newest_versions,
    package_index,
    read_lock,
)
from venvbuild.errors import ConflictsFound, Problem, UsageError
from venvbuild.inspection import Root
from venvbuild.installed import MANIFEST, Manifest, distributions_in, site_packages
from venvbuild.interpreters import Interpreter, Target
from venvbuild.redaction import REDACTOR, strip_credentials
from venvbuild.requirements import Requirements
from venvbuild.run import ARCHIVE, NORMALISED, VENV, WorkDir
from venvbuild.settings import Settings
from venvbuild.stores import store_of
from venvbuild.text import count_text, shown_to_all, size_text

log = logging.getLogger(__name__)

_RECORDED = (
    "env_name",
    "python_version",
    "fail_on_conflicts",
    "installer",
    "timeout_s",
    "level",
    "bytecode",
    "python_path",
    "bundle_python",
)
"""Settings that `check` writes down as they are; those that may hold credentials are written without them."""


@dataclass(frozen=True)
class Request:
    """What was asked of `check` beside the settings."""

    requirements: Path = Path(places.REQUIREMENTS)
    locked: bool = False
    allow_sdist: tuple[str, ...] = ()
    allow_python_download: bool = False


@dataclass(frozen=True)
class Made:
    """What a step leaves behind."""

    outputs: tuple[str, ...] = ()
    """Names in the work dir."""
    result: Mapping[str, Any] = field(default_factory=dict)
    """JSON values for the steps after it."""
    summary: str = ""
    """For the step's line."""


@dataclass(frozen=True)
class Job:
    """A step's surroundings."""

    work: WorkDir
    settings: Settings
    """Of this process; only credentials and the store are taken from it once `check` has run."""
    environ: Mapping[str, str]
    options: Mapping[str, Any] = field(default_factory=dict)
    """What the step's own command was given, by setting; stronger than what `check` recorded."""
    is_kept: bool = True
    """Whether the work dir is there after the run."""

    @property
    def path(self) -> Path:
        """The work dir."""
        return self.work.path


@dataclass(frozen=True)
class Checked:
    """What `check` found, before the work dir is touched."""

    requirements: Requirements
    interpreter: Interpreter
    recorded: Mapping[str, Any]


def examine(request: Request, settings: Settings, environ: Mapping[str, str]) -> Checked:
    """Judge the parameters and the file, and find the interpreter.

    Raises:
        RequirementsRefused: with every problem of the file. UsageError: no such file, or no such Python.
    """
    found = interpreters.find(
        settings["python_version"],
        anything_will_do=settings.is_default("python_version"),
        environ=environ,
        uv=Path(uv.find_uv_bin()),
        allow_download=request.allow_python_download,
    )
    for note in (found.note, *settings.notes):
        if note:
            log.warning("%s", note)
    index = package_index(IndexAddresses.of(settings), settings, environ, timeout_s=3)
    read = requirements.read(
        request.requirements,
        found.interpreter.marker_environment,
        newest=lambda names: newest_versions(names, index),
    )
    sdists = _allowed_sdists(request, read)
    return Checked(
        read,
        found.interpreter,
        {
            **{name: settings[name] for name in _RECORDED},
            "index_url": strip_credentials(settings["index_url"]),
            "extra_index_urls": [strip_credentials(url) for url in settings["extra_index_urls"]],
            "find_links": [_place(url) for url in settings["find_links"]],
            **asked(request, settings, environ),
            "python_version": found.interpreter.version,
            "requirements_sha256": read.sha256,
            "locked": request.locked,
            "allow_sdist": sdists,
            "interpreter": str(found.interpreter.path),
            "python_full_version": found.interpreter.full_version,
        },
    )


def asked(request: Request, settings: Settings, environ: Mapping[str, str]) -> dict[str, str | None]:
    """What names a run, accepted or not."""
    return {
        "env_name": settings["env_name"],
        "python_version": settings["python_version"],
        "requirements": str(request.requirements),
        "build_url": shown_to_all(environ.get("BUILD_URL")),
        "source_revision": shown_to_all(environ.get("GIT_COMMIT")),
    }


def _place(find_links: str) -> str:
    """A URL without credentials, or a folder as an absolute path: later steps and pip run elsewhere."""
    return strip_credentials(find_links) if "://" in find_links else os.path.abspath(find_links)


def _allowed_sdists(request: Request, read: Requirements) -> list[str]:
    names: list[str] = sorted({canonicalize_name(name) for name in request.allow_sdist})
    pinned = {pin.canonical_name for pin in read.active}
    unknown = [name for name in names if name not in pinned]
    if unknown:
        raise UsageError(
            f"--allow-sdist names {', '.join(unknown)}, which {read.path} does not pin",
            where="--allow-sdist",
            why="what is built from source must be a version you chose",
            fix="pin it, or leave it out",
        )
    return names


def check(job: Job, checked: Checked) -> Made:
    """The file as given, and the copy that installers read."""
    (job.path / places.REQUIREMENTS).write_bytes(checked.requirements.content)
    (job.path / NORMALISED).write_text(checked.requirements.normalised(), "utf-8")
    for warning in checked.requirements.warnings:
        log.warning("%s", warning.as_line())
    pins, warnings = len(checked.requirements.pins), len(checked.requirements.warnings)
    return Made(
        (places.REQUIREMENTS, NORMALISED),
        {"pins": pins, "warnings": warnings},
        f"{count_text(pins, 'pin')}, Python {checked.interpreter.full_version}"
        + (f", {count_text(warnings, 'warning')}" if warnings else ""),
    )


def create(job: Job) -> Made:
    """The lock and the venv."""
    recorded, source = job.work.settings, _source(job)
    read = _requirements(job, source.interpreter)
    if source.sdists:
        source = build_sdists(read, source)
    locked = environment.lock(read, source, fail_on_conflicts=recorded["fail_on_conflicts"], locked=recorded["locked"])
    (job.path / places.LOCK).write_text(locked.text(), "utf-8")
    if locked.not_pinned:
        log.warning("%s not pinned by you: %s", _are(len(locked.not_pinned)), ", ".join(locked.not_pinned))
    made = environment.create(locked, source, job.path / VENV, with_pip=recorded["installer"] == "pip")
    (job.path / MANIFEST).write_text(Manifest.taken(made.path).text(), "utf-8")
    used = (
        "uv " + importlib.metadata.version("uv")
        if recorded["installer"] == "uv"
        else "pip " + next(one.version for one in locked.distributions if one.name == "pip")
    )
    forced = ", pins forced" if locked.is_forced else ""
    return Made(
        (places.LOCK, VENV, MANIFEST),
        {
            "installer": used,
            "not_pinned": locked.not_pinned,
            "is_forced": locked.is_forced,
            "overlaps": {path: list(names) for path, names in made.overlaps.items()},
            "reproducible": not source.built,
        },
        f"{count_text(len(locked.distributions), 'package')} by {used}{forced}",
    )


def inspect(job: Job) -> Made:
    """The reports; raises `ConflictsFound` after writing them when conflicts fail the job."""
    interpreter = _interpreter(job)
    target = Target(interpreter.marker_environment, frozenset(interpreter.supported_tags))
    roots = [Root(pin.canonical_name, pin.extras) for pin in _requirements(job, interpreter).active]
    found = inspection.inspect(job.path / VENV, roots, target, job.path)
    if not found.is_conflict_free and job.work.settings["fail_on_conflicts"]:
        raise ConflictsFound.of(
            Problem(finding.sentence, "conflicts.txt", fix=finding.fix, rule="CONFLICT")
            for finding in found.findings
            if finding.is_failure
        )
    for sentence in found.conflicts:
        log.warning("conflict: %s", sentence)
    for finding in found.findings:
        if not finding.is_failure:
            log.info("%s: %s", finding.type, finding.sentence)
    summary = "conflict free" if found.is_conflict_free else count_text(len(found.conflicts), "conflict")
    return Made(
        found.reports,
        {
            "installed_packages": list(found.installed_packages),
            "conflicts": list(found.conflicts),
            "requires": dict(found.requires),
        },
        f"{count_text(len(found.installed_packages), 'package')}, {summary}",
    )


def pack(job: Job) -> Made:
    """The archive and its index."""
    interpreter = _interpreter(job)
    venv = job.path / VENV
    installed = distributions_in([site_packages(venv, interpreter.version)], with_damage=False)
    chosen = {**job.work.settings, **job.options}
    gate = Gate.of(_paths_of_this_build(job.path, interpreter), REDACTOR.secrets, installed)
    with bundle_of(interpreter if chosen["bundle_python"] else None, job.path) as base:
        made = archive.pack(
            venv,
            job.path / ARCHIVE,
            python_version=interpreter.version,
            gate=gate,
            level=chosen["level"],
            python_path=chosen["python_path"],
            known=Known(
                installed, _locked_hashes(job), Manifest.read(job.path / MANIFEST), base.version if base else None
            ),
            cache=FragmentCache(job.settings.folders.cache / "fragments"),
            compiled_by=interpreter if chosen["bytecode"] else None,
            instead=base.members if base else None,
        )
    (job.path / places.ARCHIVE_INDEX).write_text(made.index.text(), "utf-8")
    return Made(
        (ARCHIVE, places.ARCHIVE_INDEX),
        {
            "sha256": made.sha256,
            "size_bytes": made.size_bytes,
            "content_sha256": made.content_sha256,
            "base_requires": asdict(base.requires) if base else None,
        },
        f"{size_text(made.size_bytes)} of {size_text(made.plain_bytes)}"
        + (f", Python {base.version} inside" if base else ""),
    )


def _paths_of_this_build(work: Path, interpreter: Interpreter) -> list[Path]:
    """What must not stand in an archive; /usr/bin stands in many a script that is nobody's leak."""
    own = [] if interpreter.prefix in (Path("/usr"), Path("/usr/local")) else [interpreter.prefix / "bin"]
    return [work, work.resolve(), interpreter.path, *own]


def describe(job: Job) -> Made:
    """metadata.json, without the fields that the claim gives."""
    recorded, result = job.work.settings, job.work.result
    packages = result("inspect")["installed_packages"]
    description = Description(
        python_version=recorded["python_version"],
        python_full_version=recorded["python_full_version"],
        platform=_interpreter(job).platform,
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
        requires=machine.joined(result("inspect")["requires"], result("pack")["base_requires"]),
        duration_s={step: job.work.duration_s(step) for step in ("check", "create", "inspect", "pack")},
    )
    (job.path / places.METADATA).write_text(json.dumps(description.as_json(), indent=2) + "\n", "utf-8")
    return Made((places.METADATA,), summary=count_text(len(packages), "package"))


def upload(job: Job) -> Made:
    """The build in the store, committed."""
    store = store_of(job.settings)
    folder = job.path / "upload"
    folder.mkdir(exist_ok=True)
    description = json.loads((job.path / places.METADATA).read_bytes())
    description["duration_s"]["describe"] = job.work.duration_s("describe")
    names = [places.REQUIREMENTS, places.LOCK, *places.REPORTS, places.BUILD_LOG, places.ARCHIVE_INDEX, ARCHIVE]
    files = {name: job.path / name for name in names if (job.path / name).is_file()}
    done = builds.commit(store, description, files, folder)
    return Made((), {"metadata": dict(done.metadata), "store": store.url}, f"{done.venv_version} in {store.url}")


STEPS: Mapping[str, Callable[[Job], Made]] = {
    "create": create,
    "inspect": inspect,
    "pack": pack,
    "describe": describe,
    "upload": upload,
}
"""The steps between `check`, which needs a request and not a work dir, and `register`, which needs the catalog."""


def _are(number: int) -> str:
    return "1 package is" if number == 1 else f"{number} packages are"


def _interpreter(job: Job) -> Interpreter:
    """The one that `check` found, asked again: it may have been replaced since."""
    path, version = job.work.settings["interpreter"], job.work.settings["python_full_version"]
    found = interpreters.probe(Path(path))
    if found is None or found.full_version != version:
        raise UsageError(
            f"Python {version} is no longer at {path}",
            where=str(job.path),
            rule="STALE",
            fix=f"run: venvbuild check --work-dir {job.path}",
        )
    return found


def _requirements(job: Job, interpreter: Interpreter) -> Requirements:
    content = (job.path / places.REQUIREMENTS).read_bytes()
    return requirements.parse(content, job.work.settings["requirements"], interpreter.marker_environment)


def _locked_hashes(job: Job) -> dict[str, tuple[str, ...]]:
    return {name: hashes for name, _, hashes in read_lock((job.path / places.LOCK).read_text("utf-8"))}


def _with_credentials(recorded: str, current: Sequence[str]) -> str:
    """The URL of the record with the credentials which this process has for the same address."""
    return next((url for url in current if strip_credentials(url) == recorded), recorded)


def _source(job: Job) -> PackageSource:
    """Everything `create` needs to get packages: from the places that `check` wrote down, with our credentials."""
    recorded = job.work.settings
    sources = IndexAddresses(
        _with_credentials(recorded["index_url"], [job.settings["index_url"]]),
        tuple(_with_credentials(url, job.settings["extra_index_urls"]) for url in recorded["extra_index_urls"]),
        tuple(_with_credentials(url, job.settings["find_links"]) for url in recorded["find_links"]),
    )
    return PackageSource.of(
        sources,
        _interpreter(job),
        job.settings,
        job.environ,
        timeout_s=recorded["timeout_s"],
        scratch=job.path,
        sdists=tuple(recorded["allow_sdist"]),
        shares_cache=not job.is_kept,
    )
