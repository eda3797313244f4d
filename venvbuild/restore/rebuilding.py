"""Makes the environment of a build anew, here, from its lock: the same pins, for another platform."""

from __future__ import annotations

import shlex
import stat
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from packaging.version import Version

from venvbuild import builds, environment, requirements
from venvbuild.archive import ROOT, rehome_script
from venvbuild.builds import Metadata, ScriptedBuild, places, schemas
from venvbuild.environment import Closure, LockedDistribution, PackageSource
from venvbuild.errors import IntegrityError, NotInStore, Problem, RequirementsRefused, ResolutionError, UsageError
from venvbuild.files import walk
from venvbuild.inspection import Root, find_conflicts
from venvbuild.installed import distributions_of
from venvbuild.interpreters import Interpreter, Target
from venvbuild.parallel import each
from venvbuild.redaction import REDACTOR
from venvbuild.requirements import Requirements
from venvbuild.restore import gone, rehoming, restoring, targets
from venvbuild.restore.restoring import Restored, RestoreOptions
from venvbuild.stores import Store

_WAY_OUT = (
    f"change the pins of the build's {places.REQUIREMENTS}, and build on such a machine as this one: venvbuild build"
)


def rebuild(
    store: Store,
    venv_version: str,
    target: Path,
    machine: RestoreOptions,
    source_for: Callable[[Interpreter, Path], PackageSource],
) -> Restored:
    """Install the lock of a build at `target`, as `restore.get` would restore its archive, which is not read.

    `source_for` tells where packages come from, given the interpreter and a folder for files on the way. What is
    installed is what the lock says, every file with a hash that it names; `target` as in `restore.get`.

    Raises:
        UsageError: `target` is not ours, or there is no such Python here. NotInStore: there is no such build.
        RequirementsRefused: a project of the lock is in quarantine.
        ResolutionError: the index has no file of a package for this platform, or a package needs one here that the lock
            does not have; all such packages are named. IntegrityError: a file of the build is not what its metadata
            says, or the index has no file with a hash of the lock. IndexUnavailable, StoreUnavailable: a retry may
            help. Whatever is raised, `target` is as it was.
    """
    with gone.told(store, venv_version, target, rebuilds=True):
        build = _with_lock(store, venv_version, machine)
        target = restoring.absolute(target)
        targets.check(target)
        machine = machine.for_target(target)
        restoring.check_kernel(machine.kernel, target, build, venv_version)
        interpreter = machine.find_interpreter(build["python_version"])
        lock = _pins(store, build, places.LOCK, interpreter)
        pinned = _pins(store, build, places.REQUIREMENTS, interpreter)
    locked = _closure(lock, store.uri(builds.key(venv_version, places.LOCK)))
    with targets.staged(target) as place:
        source = source_for(interpreter, place.folder)
        warnings = _judged(locked, source)
        if not build["reproducible"]:
            _refuse_built_from_source(locked, source)
        venv = place.folder / ROOT
        _install(locked, source, venv)
        _refuse_incomplete(venv, pinned, interpreter, build)
        _add_rehome(venv)
        _open_to_all(venv)
        restored = replace(_told(venv_version, target, interpreter, build), warnings=warnings)
        return restoring.put_in_place(venv, restored, interpreter, machine, store.url, place)


def _told(venv_version: str, target: Path, interpreter: Interpreter, build: Metadata) -> Restored:
    """What is told of it: nothing of an archive was fetched."""
    return Restored(
        venv_version=venv_version,
        target=str(target),
        python=str(interpreter.path),
        python_full_version=interpreter.full_version,
        archive_sha256=None,
        bytes_total=build["archive_size_bytes"],
        bytes_fetched=0,
        fragments_total=0,
        fragments_fetched=0,
        rebuilt=True,
    )


def _with_lock(store: Store, venv_version: str, machine: RestoreOptions) -> Metadata:
    """The metadata of the build, if it has a lock; else what can be done instead."""
    build = builds.read_any(store, venv_version)
    if isinstance(build, ScriptedBuild):
        why, env_name, python_version = "a script made it", "NAME", build.python_version
    elif build.get("imported_from") and places.LOCK not in build["files"]:
        why, env_name, python_version = "it was imported", build["env_name"], build["python_version"]
    else:
        return build
    fix = "restore its archive, without --rebuild"
    if _is_pinned(store, venv_version, machine.find_interpreter(python_version)):
        name = builds.key(venv_version, places.REQUIREMENTS)
        path, copy = shlex.quote(f"{store.url}/{name}"), ""
        if "://" in store.url:
            path, copy = places.REQUIREMENTS, f"aws s3 cp {path} {places.REQUIREMENTS} && "
        fix += f"; or build it anew from its pins: {copy}venvbuild build -r {path} --env-name {env_name} "
        fix += f"--python {python_version}"
    raise UsageError(
        f"{venv_version} has no lock, so it cannot be rebuilt",
        where="--rebuild",
        why=f"{why}, and the hashes of the files that were installed are not known",
        fix=fix,
        rule="NO_LOCK",
    )


def _is_pinned(store: Store, venv_version: str, interpreter: Interpreter) -> bool:
    """Whether there is a requirements file that `venvbuild build` takes."""
    try:
        body = store.read(builds.key(venv_version, places.REQUIREMENTS), schemas.MAX_BYTES).body
        requirements.parse(body, places.REQUIREMENTS, interpreter.marker_environment)
    except (NotInStore, IntegrityError, RequirementsRefused):
        return False
    return True


def _pins(store: Store, build: Metadata, name: str, interpreter: Interpreter) -> Requirements:
    """A requirements file of the build, as it reads on this machine."""
    return requirements.reread(builds.read_file(store, build, name), name, interpreter.marker_environment)


def _closure(lock: Requirements, where: str) -> Closure:
    without = [pin.name for pin in lock.active if not pin.hashes]
    if without:
        raise IntegrityError(
            f"the lock has no hash of {', '.join(without)}", where=where, fix="build it again", rule="NOT_HASHED"
        )
    locked = (LockedDistribution(pin.canonical_name, pin.version, pin.hashes) for pin in lock.active)
    return Closure(tuple(sorted(locked, key=lambda one: one.name)), (), is_forced=False)


def _judged(locked: Closure, source: PackageSource) -> tuple[Problem, ...]:
    """What is yanked. The same files are wanted whatever became of them since, but none of a project in quarantine.

    Raises:
        RequirementsRefused: there is one.
    """
    verdict = environment.judge_lock(locked, places.LOCK, source)
    if verdict.refused:
        # another pip is in quarantine, too, whatever is pinned
        raise RequirementsRefused.of(
            one if one.what.startswith("pip ") else replace(one, fix=f"{one.fix}: {_WAY_OUT}")
            for one in verdict.refused
        )
    # whoever restores has no pins of his own to change
    return tuple(replace(one, fix="") for one in verdict.warnings)


def _refuse_built_from_source(locked: Closure, source: PackageSource) -> None:
    # A wheel that was made of an sdist was in no index; the lock knows that wheel and no other.
    def is_there(one: LockedDistribution) -> bool:
        project = source.index.project(one.name)
        files = [file for file in project.files if file.version == Version(one.version)] if project else []
        wheels = [file for file in files if file.is_wheel]
        # What is not there at all, installing tells. Where the index names no hash, or the lock no sha256, as that of a
        # build on an index without, the installer compares the bytes; what was built here always has its sha256.
        if not files or not any(given.startswith("sha256:") for given in one.hashes):
            return True
        return any(not file.sha256 or f"sha256:{file.sha256}" in one.hashes for file in wheels)

    # a question to the index for each, so many at once
    there = each(is_there, locked.distributions)
    problems = [
        Problem(
            f"{one.name} {one.version} was built from source for that build, and cannot be rebuilt from its lock",
            places.LOCK,
            "the lock holds the hash of the wheel that was made then, and the index has no such wheel",
            f"build on this machine, from the build's {places.REQUIREMENTS}: venvbuild build --allow-sdist {one.name}",
            "BUILT_FROM_SOURCE",
        )
        for one, is_on_index in zip(locked.distributions, there, strict=True)
        if not is_on_index
    ]
    if problems:
        raise ResolutionError.of(problems)


def _install(locked: Closure, source: PackageSource, venv: Path) -> None:
    try:
        environment.create(locked, source, venv)
    except ResolutionError as error:
        # whoever restores has no pins of his own to change
        problems = (replace(one, where=one.where or places.LOCK, fix=_WAY_OUT) for one in error.problems)
        raise ResolutionError.of(problems) from error


def _refuse_incomplete(venv: Path, pinned: Requirements, interpreter: Interpreter, build: Metadata) -> None:
    # the lock was resolved for another platform, where markers may have left out what is needed here
    installed = distributions_of(venv, interpreter.version)
    target = Target(interpreter.marker_environment, frozenset(interpreter.supported_tags))
    roots = [Root(pin.canonical_name, pin.extras) for pin in pinned.active]
    problems = [
        Problem(
            REDACTOR.redact(finding.sentence),
            places.LOCK,
            f"the lock was made for {build['platform']}, this is {interpreter.platform}",
            _WAY_OUT,
            "INCOMPLETE",
        )
        for finding in find_conflicts(installed, roots, target)
        # what was not met there either is known of the build, redacted as `inspect` wrote it
        if finding.is_failure and REDACTOR.redact(finding.sentence) not in build["conflicts"]
    ]
    if problems:
        raise ResolutionError.of(problems)


def _add_rehome(venv: Path) -> None:
    script = venv / "bin" / "rehome"
    rehoming.write(script, rehome_script())
    script.chmod(0o755)


def _open_to_all(venv: Path) -> None:
    """The modes that an archive has, whatever the umask: others may read, and run what its owner may run."""
    # everything: by itself `walk` passes over __pycache__
    for name, facts in walk(venv, leave_out=""):
        if not stat.S_ISLNK(facts.st_mode):
            is_folder = stat.S_ISDIR(facts.st_mode)
            # a folder in one with setgid has it, too
            mode = 0o755 if is_folder or facts.st_mode & stat.S_IXUSR else 0o644
            (venv / name).chmod(mode | facts.st_mode & stat.S_ISGID if is_folder else mode)
