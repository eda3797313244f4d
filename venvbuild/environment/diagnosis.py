"""Why an installer failed, found by asking the index ourselves.

The installer's own words are shown, never judged: the class of a failure, and so the exit code, comes from here.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from packaging.version import Version

from venvbuild.environment import alternatives
from venvbuild.environment.allowed import COMPARE, Allowed, advice, first_right
from venvbuild.environment.alternatives import ALONE, Neighbours
from venvbuild.environment.wanted import Wanted
from venvbuild.errors import IntegrityError, Problem, ResolutionError, VenvBuildError
from venvbuild.interpreters import Interpreter
from venvbuild.package_index import File, PackageIndex, Project
from venvbuild.parallel import each


def explain_files(wanted: Sequence[Wanted], index: PackageIndex, interpreter: Interpreter) -> None:
    """Find out why the files of a closure cannot be installed; returns when each of them is there and right.

    Raises:
        IndexUnavailable, UsageError, ResolutionError: as `contradictions.explain`, for a file.
        IntegrityError: wrong bytes.
    """
    supported = interpreter.ranks

    def look(pin: Wanted) -> VenvBuildError | None:
        try:
            project = index.project(pin.name)
            problems = list(why_not(pin, project, interpreter))
            if problems or project is None:
                return ResolutionError.of(problems)
            files = project.wheels(version_of(pin, project), supported)
            allowed = [file for file in files if f"sha256:{file.sha256}" in pin.hashes or not file.sha256]
            if not allowed and pin.hashes and not pin.sdist_allowed:
                read = first_right(files, pin.hashes, index)
                if read.file:
                    return None
                told = [f"sha256:{file.sha256}" for file in files if file.sha256]
                return IntegrityError(
                    f"no file of {pin.name} {pin.version} has one of the hashes given",
                    where=pin.where or index.url,
                    rule="WRONG_BYTES",
                    why=Allowed((), read.seen or tuple(told)).text,
                    fix=_help_with_hashes(pin, index),
                    line=pin.line,
                )
            # One is enough: the installer takes the best that is allowed, and this is it.
            for file in allowed[:1]:
                index.verify(file, pin.hashes)
        # Given back, not raised: the others are to be told as well.
        except VenvBuildError as error:
            return error
        return None

    errors = [error for error in each(look, wanted, workers=4) if error]
    if errors:
        # A run ends with one exit code, so only problems of one kind can be told together.
        kind = type(errors[0])
        raise kind.of(problem for error in errors if type(error) is kind for problem in error.problems)


def _help_with_hashes(pin: Wanted, index: PackageIndex) -> str:
    prune = f"if you gave none, the installer's cache has wrong ones: venvbuild cache prune --package {pin.name}"
    return advice((pin.name, pin.version), pin.hashes, index, otherwise=f"{COMPARE}; {prune}")


def version_of(pin: Wanted, project: Project) -> Version:
    """The version of the index which `==pin` means.

    Raises:
        ValueError: it has none.
    """
    found = project.meant_by(pin.version)
    if found is None:
        raise ValueError(pin.version)
    return found


def why_not(
    pin: Wanted, project: Project | None, interpreter: Interpreter, neighbours: Neighbours = ALONE
) -> Iterator[Problem]:
    """The one reason why this pin cannot be installed; nothing when it can."""
    label = f"{pin.name}=={pin.version}"
    if project is None:
        yield Problem(
            f"there is no package {pin.name!r} on the index",
            pin.where,
            rule="NO_SUCH_PROJECT",
            fix="correct the name; is it a private package, and is this the right index?",
            line=pin.line,
        )
        return
    try:
        version = version_of(pin, project)
    except ValueError:
        yield Problem(
            f"there is no version {label}",
            pin.where,
            _versions_text(project),
            alternatives.help_without_version(pin, project, interpreter, neighbours),
            "NO_SUCH_VERSION",
            line=pin.line,
        )
        return
    files = project.files_of(version)
    wheels = project.wheels(version, interpreter.ranks)
    if any(file.allows_python(interpreter.full_version) for file in wheels) or (
        pin.sdist_allowed and any(not file.is_wheel for file in files)
    ):
        return
    yield _no_file(pin, project, wheels, interpreter, neighbours)


def _no_file(
    pin: Wanted, project: Project, wheels: list[File], interpreter: Interpreter, neighbours: Neighbours
) -> Problem:
    """Why none of the version's files serves this interpreter; `wheels` are those that fit its platform."""
    files = project.files_of(version_of(pin, project))
    label = f"{pin.name}=={pin.version}"
    excluded = [file for file in wheels or files if not file.allows_python(interpreter.full_version)]
    if excluded and len(excluded) == len(wheels or files):
        return Problem(
            f"{label} does not support Python {interpreter.full_version}",
            pin.where,
            f"it needs Python {excluded[0].requires_python}",
            alternatives.help_without_python(pin, project, files, interpreter, neighbours),
            "REQUIRES_PYTHON",
            line=pin.line,
        )
    is_built = any(file.is_wheel for file in files)
    return Problem(
        f"{label} has no wheel for Python {interpreter.version} on {interpreter.platform}"
        if is_built
        else f"{label} has no wheel at all, only source",
        pin.where,
        f"its wheels are for {alternatives.tags_text(files, interpreter)}"
        if is_built
        else "building it would run its code on this machine",
        alternatives.help_without_wheel(pin, project, files, interpreter, neighbours),
        "NO_WHEEL",
        line=pin.line,
    )


def _versions_text(project: Project) -> str:
    versions = [str(version) for version in project.versions]
    return f"the index has {len(versions)}: {', '.join(versions[-5:])}" if versions else "the index has none"
