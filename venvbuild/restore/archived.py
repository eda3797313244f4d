"""What an environment is, as its archive tells it: the few files of it that do, kept while the archive goes by.

They lie in a folder as they lay in the environment, so that they are read by who reads environments.
"""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from venvbuild.builds import Metadata, evidence
from venvbuild.installed import Distribution, configuration_of, distributions_of, full_version_in, installer_of
from venvbuild.interpreters import Target
from venvbuild.machine import Requires, of_wheels
from venvbuild.restore.tar import refused

_CONFIGURATION = "pyvenv.cfg"
# As `installed` reads them; a larger one it does not read either.
_MAX_FILE_BYTES = (16 << 20) + 1
_TELLING = re.compile(
    r"pyvenv\.cfg|lib(?:64)?/python3\.[0-9]+t?/site-packages/"
    r"(?:[^/]+\.dist-info/(?:METADATA|WHEEL|INSTALLER)|[^/]+\.egg-info(?:/PKG-INFO)?)"
)
_BY = "the archive"
_NOT_OF_OURS = (errno.ENOTDIR, errno.EISDIR, errno.EEXIST, errno.ENAMETOOLONG)


@dataclass(frozen=True)
class Archived:
    """The telling files of an archive, in a folder of their own, which is new."""

    folder: Path

    def copy_of(self, name: str, size_bytes: int) -> IO[bytes] | None:
        """A new file for the member of this name, relative to the environment; None for one that tells nothing.

        Raises:
            IntegrityError: it cannot be in an environment.
        """
        if not _TELLING.fullmatch(name) or size_bytes > _MAX_FILE_BYTES:
            return None
        target = self.folder / name
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            return target.open("xb")
        except OSError as error:
            if error.errno in _NOT_OF_OURS:
                raise refused("it holds what no archive of ours does", os.fsencode(name)) from error
            raise

    def unlike(self, build: Metadata, *, has_misfits: bool) -> Iterator[str]:
        """What metadata.json says of the environment that the archive does not; `has_misfits` when inspect found
        wheels for other platforms in it, which nobody can judge.
        """
        installed = distributions_of(self.folder, build["python_version"], with_damage=False)
        pins = sorted({one.pin for one in installed if one.pin})
        yield from evidence.unlike_lists("installed_packages", build["installed_packages"], _BY, pins)
        yield from self._unlike_configuration(build, installed)
        if not has_misfits:
            yield from _unlike_platform(build, installed)
            yield from _unlike_requires(build, installed)

    def _unlike_configuration(self, build: Metadata, installed: Sequence[Distribution]) -> Iterator[str]:
        try:
            text = (self.folder / _CONFIGURATION).read_bytes()
        except FileNotFoundError:
            yield f"{_BY} has no {_CONFIGURATION}"
            return
        configuration = configuration_of(text.decode("utf-8", "replace"))
        full, said, made_by = full_version_in(text), build["python_full_version"], configuration.get("uv")
        exact = configuration.get("version_info", "")
        # It need not tell the patch version, nor that it is a release candidate: 3.11, 3.15.0 of 3.15.0rc1.
        if full and not re.fullmatch(rf"{re.escape(full)}(?:[^0-9].*)?", said):
            yield from evidence.unlike("python_full_version", said, _BY, full)
        # uv has all of it, in the form of PEP 440, where a `+` of somebody's own Python is `+local`.
        elif made_by and exact.count(".") > 1 and "imported_from" not in build and exact not in (said, f"{said}local"):
            yield from evidence.unlike("python_full_version", said, _BY, exact)
        if "imported_from" in build:
            yield from evidence.unlike("installer", build["installer"], _BY, installer_of(installed, configuration))
            return
        installers = {one.installer for one in installed if one.installer}
        name, _, version = build["installer"].partition(" ")
        if installers and name not in installers:
            yield from evidence.unlike("installer", build["installer"], _BY, ", ".join(sorted(installers)))
        if name == "uv" and made_by and version != made_by:
            yield from evidence.unlike("installer", build["installer"], _BY, f"uv {made_by}")


def _unlike_platform(build: Metadata, installed: Sequence[Distribution]) -> Iterator[str]:
    for one in installed:
        if one.tags and not any(_is_for(tag, build["platform"]) for tag in one.tags):
            platforms = sorted({tag.rpartition("-")[2] for tag in one.tags})
            yield from evidence.unlike("platform", build["platform"], f"the wheel of {one.label}", ", ".join(platforms))


def _is_for(tag: str, platform: str) -> bool:
    """Whether a wheel of this tag can be for a platform (`linux_x86_64`)."""
    kind, (system, _, machine) = tag.rpartition("-")[2], platform.partition("_")
    is_of_linux = re.match(r"(?:many|musl)?linux", kind) is not None
    is_of_machine = system != "linux" or kind.endswith(f"_{machine}")
    return kind == "any" or (is_of_linux == (system == "linux") and is_of_machine)


def _unlike_requires(build: Metadata, installed: Sequence[Distribution]) -> Iterator[str]:
    """Of wheels for several C libraries those for the other one count for nothing, and which it was nothing tells."""
    said = Requires.of(build["requires"])
    abis = _loaded_by("cp" + build["python_version"].replace(".", ""), said.abi or "")
    tags = {tag for one in installed for tag in one.tags if _is_for(tag, build["platform"]) and abis.fullmatch(tag)}
    with_wheels = [tags.intersection(one.tags) for one in installed if tags.intersection(one.tags)]
    libraries = [tags - _of(tags, other) for other in ("musl", "many")]
    # one for which a wheel is for the other alone is none that all of it runs with
    fitting = [some for some in libraries if not any(some.isdisjoint(one) for one in with_wheels)] or libraries
    worlds = [of_wheels(installed, Target({}, frozenset(some))) for some in fitting]
    # That of a wheel made on the spot is the machine's; that of an interpreter inside is told by its program.
    is_open = bool(_of(tags, "linux_")) or said.libraries is not None
    if not any(said.abi == one.abi and _meets(said.glibc, one.glibc, is_open) for one in worlds):
        told = {"abi": worlds[0].abi, "glibc": worlds[0].glibc}
        yield from evidence.unlike("requires", {"abi": said.abi, "glibc": said.glibc}, "its wheels", told)


def _of(tags: set[str], kind: str) -> set[str]:
    return {tag for tag in tags if tag.rpartition("-")[2].startswith(kind)}


def _loaded_by(cpython: str, abi: str) -> re.Pattern[str]:
    """The tags of what a Python loads: of a free-threaded one, which only its builds' ABI tells, others (PEP 803)."""
    kind = "t" if re.fullmatch(r"cp[0-9]+t|abi3t", abi) else "(?!t)"
    return re.compile(rf"[^-]+-(?:none|abi3{kind}|{cpython}{kind}[a-z]*)-[^-]+")


def _meets(said: str | None, least: str | None, is_open: bool) -> bool:
    return said == least or (is_open and _numbers(said) >= _numbers(least))


def _numbers(glibc: str | None) -> list[int]:
    return [int(number) for number in re.findall(r"[0-9]+", glibc or "")]
