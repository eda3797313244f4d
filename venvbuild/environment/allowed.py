"""Which files of a version the hashes of a pin allow: by what the index tells of them, else by their bytes.

A pin may have hashes of another kind than the index tells: sha512 in a lock, sha256 on the index, or the other way
round. Neither can be compared with the other, so the file is read and hashed as the pin has it, as pip and uv do.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Collection, Iterable, Sequence
from typing import NamedTuple

from venvbuild.errors import VenvBuildError
from venvbuild.interpreters import Interpreter
from venvbuild.package_index import File, PackageIndex
from venvbuild.text import some_of

log = logging.getLogger(__name__)

_MANY = 600
"""Characters of hashes in a message; as they are to be compared, each is whole."""


class Allowed(NamedTuple):
    """What was found."""

    hashes: tuple[str, ...]
    """Of the files that may be installed, `sha256:...` or as the index tells them; empty when there is none."""
    seen: tuple[str, ...]
    """What the hashes that were given were compared with."""

    @property
    def text(self) -> str:
        """What was seen, for a message."""
        return f"the index has {some_of(self.seen, _MANY) or 'none'}"


class Read(NamedTuple):
    """What files turned out to be when they were read."""

    file: File | None
    """The first that is allowed."""
    sha256: str
    """Of its bytes, `sha256:...`; empty when there is none."""
    seen: tuple[str, ...]
    """`NAME with sha512:...` of those that are not."""


def allowed(
    version: tuple[str, str],
    told: Sequence[str],
    given: Collection[str],
    index: PackageIndex,
    interpreter: Interpreter,
) -> Allowed:
    """Those of the hashes that the index tells of a version (canonical name and version) which a pin gives.

    Where the pin has hashes of a kind that the index does not tell, and no wheel for this Python is allowed by others,
    its wheels are read, the best first, until one is right: that one's sha256 is there then, and no other platform's.

    Raises:
        IntegrityError: the bytes are not those that the index promises. IndexUnavailable, UsageError: it does not give
            them.
    """
    kept = tuple(one for one in told if one in given)
    is_comparable = not _kinds(given) - _kinds(told)
    if kept and is_comparable:
        return Allowed(kept, tuple(told))
    wheels = fitting_wheels(*version, index, interpreter)
    # uv tells one file of each name, and find-links may have another than the index
    known = {f"sha256:{file.sha256}" for file in wheels if f"sha256:{file.sha256}" in given}
    if known or is_comparable:
        return Allowed(tuple(sorted({*kept, *known})), tuple(told))
    read = first_right(wheels, given, index)
    found = {*kept, read.sha256} if read.sha256 else {*kept}
    return Allowed(tuple(sorted(found)), read.seen or tuple(told))


def fitting_wheels(name: str, version: str, index: PackageIndex, interpreter: Interpreter) -> list[File]:
    """The wheels of a version that fit this Python and platform, best first."""
    project = index.project(name)
    meant = project.meant_by(version) if project else None
    return project.wheels(meant, interpreter.ranks) if project and meant else []


def first_right(files: Iterable[File], given: Collection[str], index: PackageIndex) -> Read:
    """The first of the files whose bytes have one of the hashes given, of those that the index tells too little of.

    Nothing is read of what the index tells sha256 of, where nothing but sha256 is given. Raises as `allowed` does.
    """
    kinds, seen = _kinds(given), list[str]()
    for file in files:
        if file.sha256 and kinds <= {"sha256"}:
            continue
        log.info("reading %s: its hash is given by %s, which the index does not tell", file.filename, _text(kinds))
        found = index.hashes_of(file, kinds)
        if not found.isdisjoint(given):
            return Read(file, next(one for one in found if one.startswith("sha256:")), tuple(seen))
        said = sorted(one for one in found if one.partition(":")[0] in kinds)
        seen.append(f"{file.filename} with {' and '.join(said)}")
    return Read(None, "", tuple(seen))


COMPARE = "compare the hashes with those of the index; one of the two is out of date"


def advice(version: tuple[str, str], given: Collection[str], index: PackageIndex, *, otherwise: str = COMPARE) -> str:
    """What helps where no wheel that fits has one of the hashes that a pin gives (canonical name and version).

    They may be those of its source, which is read for that where the index tells no such hash of it, or those of wheels
    for others; `otherwise` where they are of none.
    """
    name, number = version
    with contextlib.suppress(VenvBuildError):  # whatever the index says now: the hashes are wrong
        project = index.project(name)
        meant = project.meant_by(number) if project else None
        files = project.files_of(meant) if project and meant else []
        sources = [file for file in files if not file.is_wheel]
        known = [file for file in files if f"sha256:{file.sha256}" in given]
        if (not known and first_right(sources, given, index).file) or any(not file.is_wheel for file in known):
            return (
                "they are of its source: add the hash of the wheel, or build it, which runs its code on this machine: "
                f"--allow-sdist {name}"
            )
        if known:
            return "they are of wheels for other Pythons or platforms: add the hash of the wheel for this one"
    return otherwise


def _kinds(hashes: Iterable[str]) -> set[str]:
    """`sha512` of `sha512:...`."""
    return {one.partition(":")[0] for one in hashes}


def _text(kinds: Collection[str]) -> str:
    return " and ".join(sorted(kinds))
