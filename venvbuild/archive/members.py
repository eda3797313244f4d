"""What goes into an archive: one member for each folder, file and link, with nothing of this machine."""

from __future__ import annotations

import os
import re
import stat
import tarfile
from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Literal, NamedTuple

from venvbuild.archive.format import (
    BASE,
    BEGIN_OF_FLAT,
    FLAT,
    MARKER,
    MAX_DEPTH,
    MAX_MEMBERS,
    MAX_NAME_BYTES,
    ROOT,
    rehome_script,
)
from venvbuild.errors import Problem
from venvbuild.files import walk
from venvbuild.installed import ENVIRONMENT_LEFTOVERS, Look, is_python_link, neutral

# What we write, `rehome` changes or the venv itself brings: no package's fragments may hold it, whatever it claims.
_OF_NO_DISTRIBUTION = re.compile(
    r"pyvenv\.cfg|bin/(?:rehome|python[0-9.]*|(?:de)?activate(?:_this\.py|\.(?:bat|csh|fish|nu|ps1))?)"
)
# The field for a size has eleven octal digits (ustar).
_LARGE = 8**11


class Member(NamedTuple):
    """One entry of the tar, normalised: no time, no owner, one of three modes."""

    name: str
    """Relative to the environment; empty for its own folder."""
    kind: Literal["d", "f", "l"]
    mode: int
    size: int = 0
    link: str = ""
    content: bytes | None = None
    """Of a file which we write; else it is read from the environment."""
    source: str | None = None
    """Of a file that is read from elsewhere: its absolute path."""
    look: Look | None = None
    """Of a file of the environment, when it was listed."""

    @property
    def is_of_no_distribution(self) -> bool:
        """Whether it belongs to the environment itself, whatever a RECORD claims."""
        return self.kind == "d" or bool(_OF_NO_DISTRIBUTION.fullmatch(self.name))

    @property
    def is_of_base(self) -> bool:
        """Whether it is a file or link of the bundled interpreter."""
        return self.kind != "d" and self.name.startswith(f"{BASE}/")

    def header(self, archive_root: str = ROOT) -> bytes:
        """Its tar header. mtime, uid, gid and owner names are tarfile's zeros.

        PAX holds what is long, large (from 8 GiB) or not ASCII (POSIX.1-2001).
        """
        path = "/".join(filter(None, (archive_root, self.name)))
        if self.kind == "f" and len(path) <= tarfile.LENGTH_NAME and path.isascii() and self.size < _LARGE:
            return _simple_header(path.encode(), self.mode, self.size)
        header = tarfile.TarInfo(path)
        header.mode, header.size, header.linkname = self.mode, self.size, self.link
        header.type = {"d": tarfile.DIRTYPE, "f": tarfile.REGTYPE, "l": tarfile.SYMTYPE}[self.kind]
        # surrogateescape: a name that is not UTF-8 keeps its bytes, and tarfile puts hdrcharset=BINARY beside it.
        return header.tobuf(tarfile.PAX_FORMAT, "utf-8", "surrogateescape")

    def line(self, sha256: str) -> str:
        """What `content_sha256` is over: path, type, mode, link, sha256 of the bytes (empty unless it is a file).

        The path begins with `venv` in any archive, so that two layouts of one environment have one digest.
        """
        name = f"{ROOT}/{self.name}" if self.name else ROOT
        return f"{name}\0{self.kind}\0{self.mode:o}\0{self.link}\0{sha256}\n"


THE_TOP = Member("", "d", 0o755)
"""The environment's own folder."""


def in_archive(members: Iterable[Member], archive_root: str) -> list[Member]:
    """Members that belong to no distribution, as an archive has them: in the order of their names, bytewise.

    Without a folder at the top there is none for the environment itself, since tar would give its mode and time to the
    folder that somebody unpacks it in. What `BEGIN_OF_FLAT` names comes first then: by that such an archive is known.
    """
    found = sorted(members, key=lambda member: os.fsencode(member.name))
    if archive_root != FLAT:
        return found
    begin = [member for name in BEGIN_OF_FLAT for member in found if member.name == name]
    return [*begin, *(member for member in found if member.name and member.name not in BEGIN_OF_FLAT)]


@cache
def _template(mode: int) -> bytes:
    header = tarfile.TarInfo("")
    header.mode = mode
    return header.tobuf(tarfile.USTAR_FORMAT)


def _simple_header(path: bytes, mode: int, size: int) -> bytes:
    """The header of nearly every file, as tarfile makes it, in a tenth of the time: name, size and sum are put in."""
    # In a ustar header the size is at 124, the sum of all its bytes at 148, in octal.
    template, digits = _template(mode), b"%011o" % size
    checksum = int(template[148:154], 8) + sum(path) + sum(digits) - sum(template[124:135])
    return path + template[len(path) : 124] + digits + template[135:148] + b"%06o" % checksum + template[154:]


def members(
    venv: Path, python_version: str, python_path: str | None, instead: Mapping[str, Member | None]
) -> tuple[list[Member], list[Problem]]:
    """All members in the order of their names, bytewise; and what cannot be moved: links that lead out, devices, each
    with its name for the place.

    Without a `python_path` there is no `bin/python*`.

    `instead` has by name what the archive is to hold other than the environment; None: nothing of that name.
    """
    found, problems = {member.name: member for member in _own(venv, python_version, python_path)}, []
    for name, facts in walk(venv):
        if name in found or name in instead or name in ENVIRONMENT_LEFTOVERS or is_python_link(name):
            continue
        member = _member(venv, name, facts)
        if isinstance(member, Member):
            found[name] = member
        else:
            problems.append(member)
    found |= {name: member for name, member in instead.items() if member}
    problems += _not_restorable(found)
    # By their bytes: as text, names that are not UTF-8 sort elsewhere.
    return sorted(found.values(), key=lambda member: os.fsencode(member.name)), problems


def _not_restorable(names: Collection[str]) -> Iterator[Problem]:
    """What `get` refuses of any archive, so that none is made which it would refuse."""
    fix = "find out which package made it, and leave it out"
    if len(names) > MAX_MEMBERS:
        what = f"the environment has {len(names)} files and folders; an archive holds at most {MAX_MEMBERS}"
        yield Problem(what, rule="CANNOT_MOVE", fix="leave out what nobody needs")
    for name in names:
        if name.count("/") >= MAX_DEPTH:
            yield Problem(
                f"{name[:200]}... lies below more than {MAX_DEPTH} folders", name, rule="CANNOT_MOVE", fix=fix
            )
        elif len(os.fsencode(name)) > MAX_NAME_BYTES - len(ROOT) - 1:
            yield Problem(
                f"{name[:200]}... has a name of over {MAX_NAME_BYTES} bytes", name, rule="CANNOT_MOVE", fix=fix
            )


def _own(venv: Path, python_version: str, python_path: str | None) -> Iterator[Member]:
    """What we write ourselves, whatever is there."""
    rehome = rehome_script()
    configuration = neutral(venv / "pyvenv.cfg")
    yield THE_TOP
    yield Member("bin/rehome", "f", 0o755, len(rehome), content=rehome)
    yield Member("pyvenv.cfg", "f", 0o644, len(configuration), content=configuration)
    if python_path is None:
        return
    yield Member("bin/python", "l", 0o777, link=python_path)
    # Through `python`, so that rehoming changes one link. 0777 is what Linux shows for every link (symlink(7)).
    yield Member("bin/python3", "l", 0o777, link="python")
    yield Member(f"bin/python{python_version}", "l", 0o777, link="python")


def _member(venv: Path, name: str, facts: os.stat_result) -> Member | Problem:
    if name.split("/", 1)[0] == BASE:
        return _immovable(name, "is where a bundled interpreter would be")
    if name == MARKER:
        # Unpacked into somebody's folder, it would be the leave to replace that.
        return _immovable(name, "is where `get` writes that the folder is its own")
    if stat.S_ISREG(facts.st_mode):
        # The owner's bit alone: the others are the umask of whoever installed it.
        return Member(name, "f", 0o755 if facts.st_mode & 0o100 else 0o644, facts.st_size, look=Look.of(facts))
    if stat.S_ISDIR(facts.st_mode):
        return Member(name, "d", 0o755)
    if not stat.S_ISLNK(facts.st_mode):
        return _immovable(name, "is no file, folder or link")
    target = os.readlink(venv / name)
    led_to = os.path.normpath(os.path.join(os.path.dirname(name), target))
    if os.path.isabs(target) or f"{led_to}/".startswith("../"):  # `..data` is a name like any other
        return _immovable(name, "is a link that leads out of the environment")
    return Member(name, "l", 0o777, link=target)


def _immovable(name: str, what: str) -> Problem:
    fix = "find out which package made it, and ask its publisher"
    return Problem(f"{name} {what}", where=name, rule="CANNOT_MOVE", fix=fix)
