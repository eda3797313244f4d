"""Whose each member is: the environment dealt out to its distributions, and what is known of their bytes unread."""

from __future__ import annotations

import hashlib
import json
import os
import posixpath
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

from venvbuild.archive import compression
from venvbuild.archive.compression import END_OF_TAR, Piece
from venvbuild.archive.format import BASE, ROOT
from venvbuild.archive.leaks import Leak
from venvbuild.archive.members import Member, in_archive
from venvbuild.errors import Problem
from venvbuild.installed import Distribution, Manifest, distributions_of
from venvbuild.interpreters import Compiled

# As an index, the last of the lists that members are dealt to.
_SHARED = -1


@dataclass(frozen=True)
class Known:
    """What is known of an environment before a file of it is read. Nothing is a right answer; it costs time."""

    distributions: Sequence[Distribution] | None = None
    """Those installed in it."""
    hashes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """By canonical name: the hashes of the files that the lock allows."""
    manifest: Manifest | None = None
    """How its files looked when the installer had ended."""
    base_version: str | None = None
    """X.Y.Z of the interpreter that is bundled."""

    def installed_in(self, venv: Path, python_version: str) -> Sequence[Distribution]:
        """Those installed in it, looked for where that is not known."""
        if self.distributions is not None:
            return self.distributions
        return distributions_of(venv, python_version, with_damage=False)


@dataclass
class Group:
    """The members of one distribution, or of none, and what became of them."""

    distribution: str | None
    version: str | None
    members: tuple[Member, ...]
    hashes: tuple[str, ...] = ()
    """Of the lock."""
    sha256: dict[str, str] = field(default_factory=dict)
    """By member name: of each file's bytes, as far as it is known; at first, what the manifest has."""
    read: dict[str, tuple[Leak, ...]] = field(default_factory=dict)
    """By name of a member that had to be read to know its sha256: what the gate found in it."""
    sources: tuple[Member, ...] = ()
    """What its members are the bytecode of; empty for members of the environment itself."""

    @cached_property
    def pieces(self) -> tuple[Piece, ...]:
        """What becomes its fragments."""
        return tuple(compression.cut(self.members, self.distribution, self.version)) if self.members else (END_OF_TAR,)

    def unknown(self) -> list[Member]:
        """The files whose bytes nothing tells."""
        return [member for member in self.members if member.kind == "f" and member.name not in self.sha256]

    def modules(self) -> tuple[Member, ...]:
        """The members that bytecode can be made of: files of the environment, not what we write."""
        found = (one for one in self.members if one.kind == "f" and one.look and one.name.startswith("lib"))
        # A file named `.py` has no stem, and so no place for bytecode (PEP 3147).
        return tuple(one for one in found if one.name.endswith(".py") and not one.name.endswith("/.py"))

    def key(self, level: int, python_version: str, archive_root: str = ROOT) -> str:
        """What its fragments depend on, all of it, as one digest. Needs the sha256 of every file."""
        of_format = (compression.FORMAT_VERSION, compression.PIECE_BYTES, compression.CODEC)
        about = (*of_format, level, archive_root, python_version)
        head = json.dumps([*about, self.distribution, self.version, self.hashes])
        lines = [member.line(self.sha256.get(member.name, "")) for member in self.members]
        # Names that are not UTF-8 are surrogates here: as UTF-8 they could not be written.
        return hashlib.sha256(os.fsencode("\n".join((head, *lines)))).hexdigest()


@dataclass(frozen=True)
class Layout:
    """All members, and whose they are."""

    members: Sequence[Member]
    """In order of their names, bytewise; the environment's own folder too, also where the archive has none."""
    groups: tuple[Group, ...]
    """What belongs to no single distribution, then each distribution by the name of its dist-info, then the bundled
    interpreter, then the end. Bytecode is a group of its own, behind the group of what it was made of."""
    archive_root: str = ROOT

    @classmethod
    def of(
        cls, members: Sequence[Member], venv: Path, python_version: str, known: Known, archive_root: str = ROOT
    ) -> Layout:
        """Deal out `members` (sorted) of the environment `venv` (resolved).

        A member has an owner when exactly one RECORD claims it.
        """
        # A folder lists its entries in any order, and the archive has to be the same every time.
        installed = sorted(known.installed_in(venv, python_version), key=lambda one: os.fsencode(one.dist_info))
        claims = _claims(installed, venv)
        base = [member for member in members if member.is_of_base]
        dealt: list[list[Member]] = [[] for _ in range(len(installed) + 1)]
        of_files: list[dict[str, str]] = [{} for _ in dealt]
        for member in members:
            if member.is_of_base:
                continue
            owner = claims.get(member.name, _SHARED)
            # We write these files and folders, or change them: no package's fragments may depend on them.
            if member.is_of_no_distribution:
                owner = _SHARED
            dealt[owner].append(member)
            sha256 = _read_before(member, known.manifest) if owner != _SHARED else ""
            if sha256:
                of_files[owner][member.name] = sha256
        groups = [Group(None, None, tuple(in_archive(dealt[_SHARED], archive_root)))]
        # Not strict: the last list is nobody's.
        for one, own, sha256s in zip(installed, dealt, of_files, strict=False):
            if own:
                hashes = known.hashes.get(one.canonical_name, ())
                groups.append(Group(one.canonical_name, one.version, tuple(own), hashes, sha256s))
        if base:
            groups.append(Group(BASE, known.base_version, tuple(base)))
        return cls(members, (*groups, Group(None, None, ())), archive_root)

    def with_bytecode(self, compiled: Iterable[Sequence[Compiled]]) -> Layout:
        """The same with bytecode, `compiled` for each group in order; its folders are in the first group."""
        folders, groups = set[str](), list[Group]()
        for group, ones in zip(self.groups, compiled, strict=True):
            groups.append(group)
            if ones:
                own = tuple(_sorted(Member(one.name, "f", 0o644, one.size) for one in ones))
                sha256 = {one.name: one.sha256 for one in ones}
                groups.append(replace(group, members=own, sha256=sha256, read={}, sources=group.modules()))
                folders |= {posixpath.dirname(one.name) for one in ones}
        # With all other folders, so that each comes before what is in it.
        new = [Member(name, "d", 0o755) for name in folders]
        groups[0] = replace(groups[0], members=tuple(in_archive([*groups[0].members, *new], self.archive_root)))
        files = (member for group in groups if group.sources for member in group.members)
        return Layout(_sorted([*self.members, *new, *files]), tuple(groups), self.archive_root)

    def changed_since(self, manifest: Manifest, venv: Path) -> Iterator[Problem]:
        """The files that are not what was read of them, once the sha256 of every file is known.

        What was judged has to be what is packed.
        """
        members = {member.name: member for member in self.members}
        sha256 = {name: value for group in self.groups for name, value in group.sha256.items()}
        for name, seen in manifest.files.items():
            member = members.get(name)
            if member is None:  # bytecode of a wheel, which is not packed, or gone
                is_changed = not os.path.isfile(venv / name)
            elif member.kind != "f":
                is_changed = True
            else:  # what has no look is written by us
                is_executable = bool(seen.look.mode & 0o100) == (member.mode == 0o755)
                is_changed = bool(member.look) and (sha256[name] != seen.sha256 or not is_executable)
            if is_changed:
                what = f"{name} was changed since `create` read it; the archive is not made"
                yield Problem(what, fix="run `venvbuild create --again`, and then the steps behind it", rule="CHANGED")

    def sha256(self) -> str:
        """`content_sha256`, once the sha256 of every file is known."""
        sha256 = {name: value for group in self.groups for name, value in group.sha256.items()}
        lines = [member.line(sha256[member.name] if member.kind == "f" else "") for member in self.members]
        return hashlib.sha256(os.fsencode("".join(lines))).hexdigest()


def _sorted(members: Iterable[Member]) -> list[Member]:
    return sorted(members, key=lambda member: os.fsencode(member.name))


def _read_before(member: Member, manifest: Manifest | None) -> str:
    """The sha256 (hex) of a file that nobody wrote to since it was read; empty where nobody knows."""
    return manifest.sha256_of(member.name, member.look) if manifest and member.look else ""


def by_package(problems: Iterable[Problem], venv: Path, python_version: str, known: Known) -> Iterator[Problem]:
    """Of problems whose place is a path relative to the environment: the packages that brought it for the place, where
    a RECORD tells; else none.
    """
    told = list(problems)
    names, labels = {problem.where for problem in told if problem.where}, defaultdict[str, list[str]](list)
    for one in known.installed_in(venv, python_version) if names else ():
        for name in {*_paths(one, venv)} & names:
            labels[name].append(one.label)
    for problem in told:
        who = " and ".join(sorted(labels.get(problem.where, ())))
        yield replace(problem, where=who, fix=f"leave out {who}, or ask its publisher" if who else problem.fix)


def _paths(one: Distribution, venv: Path) -> Iterator[str]:
    """What a RECORD claims, relative to the environment."""
    folder = os.path.relpath(one.site_packages, venv)
    for path, _, _ in one.record or ():
        name = f"{folder}/{path}"
        # Only where it changes something: there are tens of thousands of rows, and normpath is slow.
        if "./" in name or "//" in name:
            name = os.path.normpath(name)
        yield name


def _claims(installed: Iterable[Distribution], venv: Path) -> dict[str, int]:
    """By path relative to the environment: which distribution claims it."""
    claims: dict[str, int] = {}
    for number, one in enumerate(installed):
        for name in _paths(one, venv):
            if claims.setdefault(name, number) != number:
                claims[name] = _SHARED
    return claims
