"""The archive of an environment: an ordinary .tar.gz, the same bytes for the same environment, which runs anywhere.

It is cut at fragments: the members of one installed distribution, compressed on their own (docs/archive-format.md).
A distribution that was packed before comes out of the fragment cache; nothing of it is read or compressed again.
`bin/python` points to where a Python usually is, `pyvenv.cfg` names no home, and `bin/rehome` links the Python of the
machine it is unpacked on.
"""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import secrets
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import repeat
from pathlib import Path
from typing import IO, TypeVar

from venvbuild.archive import compression
from venvbuild.archive.compression import Compressed, Piece
from venvbuild.archive.format import FLAT, NO_PYTHON, ROOT
from venvbuild.archive.fragment_cache import FragmentCache
from venvbuild.archive.gzip_member import GzipMember
from venvbuild.archive.layout import Group, Known, Layout, by_package
from venvbuild.archive.leaks import Gate, Leak
from venvbuild.archive.members import Member, members
from venvbuild.archive.workers import Workers, working
from venvbuild.builds import ArchiveIndex, Fragment, placed
from venvbuild.errors import IntegrityError, Problem, UsageError, of_disk
from venvbuild.interpreters import Compiled, Compiler, Interpreter, source_of
from venvbuild.text import count_text

log = logging.getLogger(__name__)

T = TypeVar("T")


@dataclass(frozen=True)
class Archive:
    """A packed environment."""

    path: Path
    sha256: str
    size_bytes: int
    """Compressed."""
    plain_bytes: int
    """Of the tar inside."""
    member_count: int
    content_sha256: str
    """Of what is inside, whatever the compression."""
    index: ArchiveIndex


@dataclass(frozen=True)
class PackOptions:
    """How an archive is made."""

    python_version: str
    """X.Y, of the environment."""
    level: int
    """1 (fast) to 9 (small)."""
    python_path: str | None = None
    """What `bin/python` links to in the archive, default `/usr/bin/pythonX.Y`; or `none`: there is no `bin/python*`."""
    cache: FragmentCache | None = None
    """Spares compressing what was packed before; the bytes are the same without."""
    compiled_by: Interpreter | None = None
    """The environment's own interpreter, where the archive is to have bytecode too."""
    archive_root: str = ROOT
    """The one folder at the top of the archive; empty: there is none, and `bin` is at the top."""
    threads: int | None = None
    """As many as there are processors, unless it says."""


def pack(
    venv: Path,
    output: Path,
    options: PackOptions,
    *,
    gate: Gate,
    known: Known | None = None,
    instead: Mapping[str, Member | None] | None = None,
    problems: Sequence[Problem] = (),
    place: Callable[[Path, Path, str], None] | None = None,
) -> Archive:
    """Write the archive of `venv`, which is not touched, to `output`, which appears when it is whole.

    `known` spares reading files; the bytes are the same without. `instead` has by name what the archive is to hold
    other than the environment (None: nothing of that name), `problems` what is known to be wrong with it. `place` is
    called with the whole file, `output` and its sha256, to rename it. Memory holds a few pieces of 32 MB at once,
    however large a file is.

    Raises:
        IntegrityError: a file holds what `gate` looks for, or the venv has what cannot be moved (links that lead out,
            devices), or is not what `known` has read of it; every such file is named. Or a file changed while it was
            packed.
        StoreUnavailable: the disk is full or failing. UsageError: a file or folder cannot be read or written.
    """
    venv = venv.resolve()
    version = options.python_version
    with _beside(output) as building:
        found, immovable = members(venv, version, _python_path(options, instead or {}), instead or {})
        with (
            building.open("xb") as raw,
            _compiler(output, options.compiled_by) as compiler,
            working(options.threads, compiler) as workers,
        ):
            packing = _Packing(venv, options, gate, workers, compiler)
            layout = Layout.of(found, venv, version, known or Known(), options.archive_root)
            made = packing.write(raw, layout, output)
        of_packages = by_package(immovable, venv, version, known or Known())
        changed = layout.changed_since(known.manifest, venv) if known and known.manifest else ()
        problems = [*problems, *of_packages, *gate.in_names(found), *changed, *packing.problems()]
        if problems:
            # All problems at once: nobody should pack fourteen times to hear of fourteen files.
            named = (replace(problem, where=problem.where or output.name) for problem in problems)
            raise IntegrityError.of(sorted(named, key=lambda problem: problem.what))
        # Whatever the umask was: an archive is made for others.
        building.chmod(0o644)
        if place:
            place(building, output, made.sha256)
        else:
            building.rename(output)
    return made


@contextlib.contextmanager
def _beside(output: Path) -> Iterator[Path]:
    """The name of a new file, gone at the end unless it was renamed.

    Raises:
        StoreUnavailable, UsageError: as `pack`.
    """
    # Beside its target: rename works within one file system only.
    building = output.with_name(f".{output.name}-{secrets.token_hex(4)}")
    try:
        yield building
    except OSError as error:
        where = str(output if error.filename == os.fspath(building) else error.filename or output)
        what = f"the archive cannot be written: {error.strerror}"
        # Beside the archive stand files with longer names.
        fix = "give it a shorter name" if error.errno == errno.ENAMETOOLONG else "give another folder"
        raise of_disk(error, str(output)) or UsageError(what, where=where, fix=fix) from error
    finally:
        with contextlib.suppress(OSError):
            building.unlink()


def _python_path(options: PackOptions, instead: Mapping[str, Member | None]) -> str | None:
    # An interpreter inside is linked to in any case, and by a link that everybody unpacks.
    if options.python_path == NO_PYTHON and "bin/python" not in instead:
        return None
    usual = f"/usr/bin/python{options.python_version}"
    return usual if options.python_path in (None, NO_PYTHON) else options.python_path


@contextlib.contextmanager
def _compiler(output: Path, interpreter: Interpreter | None) -> Iterator[Compiler | None]:
    """Makes bytecode beside `output`; what it made is gone at the end."""
    if interpreter is None:
        yield None
        return
    # Beside the archive, where there has to be room anyway; a temporary folder may be memory.
    with tempfile.TemporaryDirectory(prefix=f".{output.name}-", dir=output.parent) as folder:
        # In any layout, so that what is inside is the same, and one cache is for all.
        yield Compiler(interpreter, Path(folder).resolve(), f"/{ROOT}", threading.Event())


class _Packing:
    """One run of `pack`: fragments made or taken from the cache, written one behind the other."""

    def __init__(
        self,
        venv: Path,
        options: PackOptions,
        gate: Gate,
        workers: Workers,
        compiler: Compiler | None,
    ) -> None:
        self._venv, self._python_version, self._level = venv, options.python_version, options.level
        self._archive_root = options.archive_root
        self._gate, self._cache, self._workers, self._compiler = gate, options.cache, workers, compiler
        self._compiling = threading.Lock()  # one run for all pieces of a group, which come to several threads
        self._leaks: list[Leak] = []

    def write(self, raw: IO[bytes], contents: Layout, output: Path) -> Archive:
        log.info("looking through the files")
        # First, since every key in the cache is over the digests of all files of its group.
        self._hash(contents.groups)
        if self._compiler:
            log.info("making the bytecode")
            calls = ((0, partial(self._compiled, self._compiler, group)) for group in contents.groups)
            contents = contents.with_bytecode(self._workers.results(calls))
        known = [self._fragments_of(group) for group in contents.groups]
        self._search(contents.groups, known)
        out, made = GzipMember(raw), []
        results = self._workers.results(
            (piece.plain_bytes, partial(self._made, group, piece, fragment))
            for group, cached in zip(contents.groups, known, strict=True)
            for piece, fragment in zip(group.pieces, cached or repeat(None), strict=False)
        )
        for number, (group, cached) in enumerate(zip(contents.groups, known, strict=True)):
            log.info("%d of %s packed", number, count_text(len(contents.groups), "part"))
            done = [out.append(next(results)) for _ in group.pieces]
            self._learn(group, done, cached)
            made += [one.fragment for one in done]
        out.close()
        content_sha256 = contents.sha256()
        root = self._archive_root
        index = ArchiveIndex(
            root, compression.CODEC, self._level, out.size_bytes, out.plain_bytes, content_sha256, placed(made)
        )
        member_count = len(contents.members) - int(root == FLAT)
        return Archive(output, out.sha256, out.size_bytes, out.plain_bytes, member_count, content_sha256, index)

    def problems(self) -> Iterator[Problem]:
        """What the gate found, once all is written."""
        return (leak.problem() for leak in self._leaks)

    def _hash(self, groups: Sequence[Group]) -> None:
        """Give the groups the sha256 of every file of a distribution; where nothing tells it, the file is read."""
        for _ in self._workers.results((0, partial(self._read, group)) for group in groups if self._is_kept(group)):
            pass

    def _read(self, group: Group) -> None:
        """In a worker: the files of which nothing is known, hashed and searched."""
        for member in group.unknown():
            sha256, leaks = compression.looked_through(member, self._venv, self._gate)
            group.read[member.name] = leaks
            group.sha256[member.name] = sha256

    def _compiled(self, compiler: Compiler, group: Group) -> Sequence[Compiled]:
        """In a worker: the bytecode of a group's modules, remembered or made."""
        names = [member.name for member in group.modules()]
        if not self._cache or not names or not self._is_kept(group):
            return compiler.compile(self._venv, names).compiled
        found = self._cache.look_up_bytecode(compiler.key({name: group.sha256[name] for name in names}))
        if found is not None:
            return found
        made = compiler.compile(self._venv, names)
        # One that made the interpreter crash is tried again next time.
        if len(made.sources) == len(names):
            self._cache.remember_bytecode(compiler.key(made.sources), made.compiled)
        return made.compiled

    def _is_kept(self, group: Group) -> bool:
        """Whether the cache is for this group: not for what belongs to no single distribution."""
        return self._cache is not None and group.distribution is not None

    def _fragments_of(self, group: Group) -> tuple[Fragment, ...] | None:
        if not self._cache or not self._is_kept(group):
            return None
        found = self._cache.look_up(self._key(group))
        return found if found and len(found) == len(group.pieces) else None

    def _search(self, groups: Sequence[Group], known: Sequence[tuple[Fragment, ...] | None]) -> None:
        """The gate, for what comes from the cache."""
        from_cache = [group for group, cached in zip(groups, known, strict=True) if cached]
        self._leaks += [leak for group in from_cache for found in group.read.values() for leak in found]
        calls = ((0, partial(self._search_the_rest, group)) for group in from_cache)
        self._leaks += [leak for found in self._workers.results(calls) for leak in found]

    def _search_the_rest(self, group: Group) -> list[Leak]:
        """In a worker: what the files hold that nobody had to read, where the gate looks for anything in them."""
        if group.sources:  # nothing is in bytecode that is not in its source, which is searched
            return []
        rest = [member for member in group.members if member.kind == "f" and member.name not in group.read]
        rest = [one for one in rest if self._gate.looks_into(f"{self._venv}/{one.name}", group.sha256[one.name])]
        return [leak for member in rest for leak in compression.looked_through(member, self._venv, self._gate)[1]]

    def _made(self, group: Group, piece: Piece, cached: Fragment | None) -> Compressed:
        """In a worker: one fragment, from the cache when it is there and whole."""
        if self._cache and cached and (body := self._cache.get(cached.sha256)) is not None:
            return Compressed(cached, body)
        if self._compiler and group.sources:
            made = self._made_of_bytecode(self._compiler, group, piece)
        else:
            root, sha256 = self._archive_root, group.sha256
            made = compression.compress(piece, self._venv, self._level, self._gate, root, sha256)
        # What was refused must not come out of the cache, where fewer things are searched for.
        if self._cache and self._is_kept(group) and not made.leaks:
            self._cache.put(made.body, made.fragment.sha256)
        return made

    def _made_of_bytecode(self, compiler: Compiler, group: Group, piece: Piece) -> Compressed:
        """A fragment of bytecode, which is made now if it was only remembered until now."""
        with self._compiling:
            if not (compiler.folder / group.members[0].name).exists():
                again = compiler.compile(self._venv, [member.name for member in group.sources]).compiled
                if {one.name: one.sha256 for one in again} != group.sha256:
                    raise IntegrityError(
                        "the bytecode is not what it was when it was made before",
                        where=f"{group.distribution} {group.version}",
                        fix="let nothing change the environment while it is packed; or remove the fragment cache",
                    )
        made = compression.compress(piece, compiler.folder, self._level, self._gate.for_bytecode(), self._archive_root)
        return replace(made, leaks=tuple(leak for leak in made.leaks if not self._is_of_its_source(group, leak)))

    def _is_of_its_source(self, group: Group, found: Leak) -> bool:
        """Whether a source holds what was found in its bytecode: then it is judged there."""
        source = next(member for member in group.sources if member.name == source_of(found.member))
        return (
            Leak(source.name, found.what)
            in compression.looked_through(source, self._venv, self._gate.for_bytecode())[1]
        )

    def _learn(self, group: Group, done: Sequence[Compressed], cached: Sequence[Fragment] | None) -> None:
        """What its compression told of a group."""
        leaks = [leak for one in done for leak in one.leaks]
        self._leaks += leaks
        for one in done:
            group.sha256.update(one.sha256)
        compression.check_parts((part for one in done for part in one.parts), self._venv, group.sha256)
        made = tuple(one.fragment for one in done)
        # Under the key of what was compressed, whatever it was looked up by.
        if self._cache and self._is_kept(group) and not leaks and made != cached:
            self._cache.remember(self._key(group), made)

    def _key(self, group: Group) -> str:
        return group.key(self._level, self._python_version, self._archive_root)
