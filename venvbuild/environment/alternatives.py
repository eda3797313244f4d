"""What helps where a pin cannot be installed: another version, another Python, its source, a marker; or nothing.

Only what the index has for the target is named. Versions that are yanked or pre-releases are never advice.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace

from packaging.specifiers import SpecifierSet
from packaging.tags import Tag
from packaging.version import Version

from venvbuild.environment.wanted import Wanted
from venvbuild.interpreters import Interpreter
from venvbuild.package_index import File, Project

# The minors that environments are made for.
_MINORS = range(8, 16)
# The last of a minor: Requires-Python admits early ones less often (`>=3.8.1`), and hardly ever an upper bound.
_MICRO = 20
_SYSTEMS = {"win": "win32", "macosx": "darwin", "linux": "linux"}
"""Beginning of a wheel's platform tag -> `sys_platform` there."""
_SPOKEN = {"win32": "Windows", "darwin": "macOS", "linux": "Linux"}
_OF_PYTORCH = frozenset({"torch", "torchvision", "torchaudio"})
_PYTORCH_BUILD = re.compile(r"cpu|xpu|cu\d+|rocm[\d.]+")
_TAGS_SHOWN = 6
NEW_HASHES = " without its hashes (the next run gives the command that adds the new ones)"
"""What an advice to write a version says of a file with hashes."""
# Whether a version fits the other pins is read from its metadata: one question to the index for each.
_MOST_TRIED = 6


@dataclass(frozen=True)
class Neighbours:
    """What the other pins of the file say of one that cannot be installed."""

    needed_by: tuple[str, ...] = ()
    """`needy 1.0`: those that need it here, so that no marker helps, and not to leave it out."""
    admits: Callable[[Version], bool] = lambda _: True
    """Whether a version of it fits them: what they need of it, and what it needs of them."""
    pythons: Collection[str] | None = None
    """`3.10`: those that they have wheels for; None: nobody looked."""


ALONE = Neighbours()


def installable(project: Project, interpreter: Interpreter, specifier: SpecifierSet | None = None) -> list[Version]:
    """The versions that may be advised, oldest first: final, with a wheel for this Python and platform not yanked."""
    fits = [file for file in project.files if file.is_wheel and file.rank(interpreter.ranks) is not None]
    return _advisable(fits, interpreter, specifier)


def unfit(project: Project, interpreter: Interpreter) -> list[Version]:
    """Versions that the resolver would take and that are no advice: it passes over upper bounds on Python."""
    fit = {*installable(project, interpreter)}
    return [one for one in project.versions if one not in fit and project.wheels(one, interpreter.ranks)]


def buildable(project: Project, interpreter: Interpreter, specifier: SpecifierSet | None = None) -> list[Version]:
    """The versions that may be advised, oldest first, where only their source is there or counts."""
    return _advisable([file for file in project.files if not file.is_wheel], interpreter, specifier)


def _advisable(files: Iterable[File], interpreter: Interpreter, specifier: SpecifierSet | None) -> list[Version]:
    versions = {
        file.version
        for file in files
        if file.yanked is None and not file.version.is_prerelease and file.allows_python(interpreter.full_version)
    }
    return sorted(versions if specifier is None else specifier.filter(versions))


def newest(project: Project, interpreter: Interpreter, specifier: SpecifierSet) -> Version | None:
    """The newest version within `specifier` that may be advised; of source only where no wheel is there."""
    found = installable(project, interpreter, specifier) or buildable(project, interpreter, specifier)
    if not found and specifier.prereleases:  # who writes `>=2.0rc1` wants such
        served = {file.version for file in project.files if file.rank(interpreter.ranks) is not None}
        found = sorted(specifier.filter(served))
    return found[-1] if found else None


def near(
    version: Version, versions: Iterable[Version], admits: Callable[[Version], bool] = ALONE.admits
) -> tuple[Version, ...]:
    """Of `versions` the next one below and the next one above that is admitted, as far as there is one nearby.

    Never `version` itself.
    """
    ordered = sorted(set(versions) - {version})
    below = [one for one in reversed(ordered) if one < version][:_MOST_TRIED]
    above = [one for one in ordered if one > version][:_MOST_TRIED]
    found = (next(filter(admits, side), None) for side in (below, above))
    return tuple(one for one in found if one is not None)


def other_versions(pin: Wanted, project: Project, interpreter: Interpreter, neighbours: Neighbours = ALONE) -> str:
    """`native==1.0 or native==3.0`: the nearest that can be installed here; empty when there is none."""
    return written(pin, near(Version(pin.version), installable(project, interpreter), neighbours.admits))


def written(pin: Wanted, versions: Iterable[Version]) -> str:
    """`native==1.0 or native==3.0`; of a pin on several lines with their numbers. Empty for none."""
    pins = " or ".join(pin.at(one) for one in versions)
    return f"{pins}{pin.places}{NEW_HASHES if pin.hashes else ''}" if pins else ""


def other_pythons(files: Iterable[File], interpreter: Interpreter, neighbours: Neighbours = ALONE) -> list[str]:
    """The Pythons, `3.10`, that one of the wheels fits on this platform, nearest to the target first."""
    served = pythons_of([files], interpreter)
    return [one for one in served if neighbours.pythons is None or one in neighbours.pythons]


def pythons_of(groups: Iterable[Iterable[File]], interpreter: Interpreter) -> list[str]:
    """The Pythons, nearest to the target first, that each group of files has a wheel for on this platform."""
    if interpreter.marker_environment["implementation_name"] != "cpython":
        return []
    wheels = [[file for file in files if file.is_wheel] for files in groups]
    here = int(interpreter.version.partition(".")[2])
    others = [
        _as_python(interpreter, minor)
        for minor in sorted((one for one in _MINORS if one != here), key=lambda one: (abs(one - here), -one))
    ]
    return [
        other.version
        for other in others
        if all(
            any(file.rank(other.ranks) is not None and file.allows_python(other.full_version) for file in group)
            for group in wheels
        )
    ]


def _as_python(interpreter: Interpreter, minor: int) -> Interpreter:
    """The same machine with another Python."""
    environment = {**interpreter.marker_environment, "python_version": f"3.{minor}"}
    return replace(interpreter, full_version=f"3.{minor}.{_MICRO}", soabi="", marker_environment=environment)


def other_system(files: Iterable[File], interpreter: Interpreter) -> str:
    """`win32`: the `sys_platform` that every wheel is for, when it is another one than this; empty otherwise."""
    platforms = {tag.platform for file in files for tag in file.tags}
    systems = {_system(platform) for platform in platforms}
    only = systems.pop() if len(systems) == 1 else ""
    return "" if only == interpreter.marker_environment["sys_platform"] else only


def _system(platform: str) -> str:
    bare = platform.removeprefix("many").removeprefix("musl")
    return next((system for start, system in _SYSTEMS.items() if bare.startswith(start)), "")


def help_without_wheel(
    pin: Wanted, project: Project, files: Sequence[File], interpreter: Interpreter, neighbours: Neighbours = ALONE
) -> str:
    """What to do where no wheel of the pin's `files` fits: each way that there is, or that there is none."""
    ways = []
    versions = other_versions(pin, project, interpreter, neighbours)
    if versions:
        ways.append(f"write {versions}, the nearest with a wheel")
    pythons = other_pythons(files, interpreter, neighbours)
    if pythons:
        ways.append(f"use another Python that it has one for: --python {pythons[0]}")
    if _has_source(files, interpreter):
        ways.append(f"allow its source, {ABOUT_SOURCE}: --allow-sdist {pin.name}")
    marked = on_other_system(pin, files, interpreter)
    if marked and not neighbours.needed_by:
        ways.append(marked if ways else f"{marked}; nothing else helps")
    return choice(ways or _against_others(pin, project, interpreter)) or (
        "no other version, no other Python and no source of it helps: remove it if it is not needed here, "
        "or ask its publisher for a wheel"
    )


def help_without_build(
    pin: Wanted, project: Project | None, interpreter: Interpreter, missing: str, neighbours: Neighbours
) -> str:
    """What to do where the source of a pin cannot be built; `missing` is what its build did not find here."""
    versions = other_versions(pin, project, interpreter, neighbours) if project else ""
    ways = [f"install what its build needs on this machine: {missing}"] if missing else []
    ways += [f"write {versions}, the nearest with a wheel"] if versions else []
    marked = on_other_system(pin, project.files_of(Version(pin.version)), interpreter) if project else ""
    if neighbours.needed_by:
        ways.append(f"choose another version of {' and of '.join(neighbours.needed_by)}, which may not need it")
    else:
        ways += [marked] if marked else []
        ways.append(f"remove the line and --allow-sdist {pin.name}, if nothing that you run imports it")
    return choice(ways)


def _against_others(pin: Wanted, project: Project, interpreter: Interpreter) -> list[str]:
    """The nearest version, whatever the other pins say of it: the last way out."""
    versions = other_versions(pin, project, interpreter)
    return [f"write {versions}, the nearest with a wheel, and change the pins that it does not fit"] if versions else []


def on_other_system(pin: Wanted, files: Iterable[File], interpreter: Interpreter) -> str:
    """`if only Windows needs it, write ...` with a marker, where only another system has wheels; else empty."""
    system = other_system(files, interpreter)
    return (
        f"if only {_SPOKEN[system]} needs it, write {pin.at(pin.version)} ; sys_platform == '{system}'"
        if system
        else ""
    )


def choice(ways: Sequence[str]) -> str:
    """One way as it is; of several the reader has to choose, and is told so. Empty for none."""
    return ("you decide: " if len(ways) > 1 else "") + "; or ".join(ways)


ABOUT_SOURCE = "whose code then runs on this machine and may need a compiler and libraries"


def _has_source(files: Iterable[File], interpreter: Interpreter) -> bool:
    return any(not file.is_wheel and file.allows_python(interpreter.full_version) for file in files)


def help_without_python(
    pin: Wanted, project: Project, files: Sequence[File], interpreter: Interpreter, neighbours: Neighbours = ALONE
) -> str:
    """What to do where Requires-Python excludes the target."""
    versions = other_versions(pin, project, interpreter, neighbours)
    pythons = other_pythons(files, interpreter, neighbours)
    ways = [f"write {versions}, the nearest for this Python"] if versions else []
    ways += [f"use another Python: --python {pythons[0]}"] if pythons else []
    return (
        choice(ways or _against_others(pin, project, interpreter))
        or "no other version of it has a wheel for this Python: remove it if it is not needed"
    )


def help_without_version(
    pin: Wanted, project: Project, interpreter: Interpreter, neighbours: Neighbours = ALONE
) -> str:
    """What to write where the index lacks the version."""
    there = installable(project, interpreter) or buildable(project, interpreter)
    wanted = Version(pin.version)
    if wanted.local:
        return _help_without_local(pin, wanted, there)
    # where none fits the others, a conflict will say which of the two to change
    nearest = written(pin, near(wanted, there, neighbours.admits) or near(wanted, there))
    if nearest:
        return f"write one that exists, for instance {nearest}"
    early = written(
        pin, near(wanted, (one for one in project.versions if one.is_prerelease and _serves(project, one, interpreter)))
    )
    if early:
        return f"write {early}, a pre-release: nothing else of it is for this Python"
    pythons = other_pythons(project.files, interpreter)
    if pythons:
        return f"use another Python, which it has a wheel for: --python {pythons[0]}"
    return f"choose another package: no version of {pin.name} is for any Python on this platform"


def _serves(project: Project, version: Version, interpreter: Interpreter) -> bool:
    """Whether the version can be installed here, from a wheel or from its source."""
    return any(
        file.yanked is None
        and file.allows_python(interpreter.full_version)
        and (not file.is_wheel or file.rank(interpreter.ranks) is not None)
        for file in project.files_of(version)
    )


def _help_without_local(pin: Wanted, wanted: Version, there: Sequence[Version]) -> str:
    """A local version (`+cu118`) is a build of the public one that another index has."""
    public = Version(wanted.public)
    if pin.name in _OF_PYTORCH and _PYTORCH_BUILD.fullmatch(wanted.local or ""):
        url = f"https://download.pytorch.org/whl/{wanted.local}"
    else:
        url = "URL"
    index = f"name the index that has it: --extra-index-urls {url}"
    if public in there:
        return choice([f"write {written(pin, [public])}, the build of this index", index])
    nearest = written(pin, near(public, there))
    return choice([index, *([f"write {nearest}, the nearest here"] if nearest else [])])


def tags_text(files: Iterable[File], interpreter: Interpreter) -> str:
    """`cp310-manylinux_2_17_x86_64, cp311-win_amd64 and 6 more`: those of this platform first."""
    ours = {tag.rpartition("-")[2] for tag in interpreter.supported_tags} - {"any"}
    here = interpreter.marker_environment["sys_platform"]

    def order(tag: tuple[str, str]) -> tuple[object, ...]:
        python, platform = tag
        return platform not in ours, _system(platform) != here, *_natural(python), platform

    tags = sorted({(_python(tag), tag.platform) for file in files for tag in file.tags}, key=order)
    shown = ", ".join("-".join(tag) for tag in tags[:_TAGS_SHOWN])
    return shown + (f" and {len(tags) - _TAGS_SHOWN} more" if len(tags) > _TAGS_SHOWN else "")


def _python(tag: Tag) -> str:
    """`cp310`; of a wheel for free-threaded Pythons alone, which no other takes, `cp314t` or `cp315-abi3t`."""
    if tag.abi == "abi3t":
        return f"{tag.interpreter}-{tag.abi}"
    return tag.abi if tag.abi == f"{tag.interpreter}t" else tag.interpreter


def _natural(python: str) -> tuple[str, int, int, str]:
    """`cp310` after `cp39`, and `cp314t` after `cp314`."""
    bare = re.sub(r"(?<=[0-9])[^0-9].*", "", python)
    letters = bare.rstrip("0123456789")
    digits = bare[len(letters) :]
    return letters, int(digits[:1] or 0), int(digits[1:] or 0), python[len(bare) :]
