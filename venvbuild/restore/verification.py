"""Reads a build again, every byte of it, and says what is not as its metadata.json promises."""

from __future__ import annotations

import hashlib
import re
import tempfile
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from zlib_ng import zlib_ng

from venvbuild import builds
from venvbuild.builds import (
    HEADER_BYTES,
    ArchiveIndex,
    FileEntry,
    Metadata,
    ScriptedBuild,
    archive_name,
    evidence,
    parse_index,
    places,
    schemas,
)
from venvbuild.errors import IntegrityError, NotInStore, Problem
from venvbuild.installed import Distribution, distributions_of, started_scripts
from venvbuild.interpreters import Interpreter, compare_scripts, probe
from venvbuild.process import CommandFailed, clean_environment, run
from venvbuild.restore import fetching, restoring, scripted_build
from venvbuild.restore.archived import Archived
from venvbuild.restore.content_digest import content_sha256
from venvbuild.restore.fetching import DamagedFragment
from venvbuild.restore.restoring import RestoreOptions
from venvbuild.stores import Store

_CHUNK_BYTES = 16 << 20
_IMPORT_TIMEOUT_S = 600
_SUFFIX = re.compile(r"\.(?:py|(?:[A-Za-z0-9_-]+\.)?so)")
# Names come in argv; each is told before and after, so that a crash tells on whom. What modules print must not pass for
# our words, and threads that they began must not hold the process. Runs on every Python since 3.8.
_IMPORT = r"""
import importlib, os, sys
out = os.fdopen(os.dup(1), "w")
os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
for name in sys.argv[1:]:
    print("begin", name, file=out, flush=True)
    try:
        importlib.import_module(name)
    except BaseException as error:
        text = " ".join(("%s: %s" % (type(error).__name__, error)).split())[:300]
        print("failed", name, text.encode("ascii", "backslashreplace").decode(), file=out, flush=True)
    else:
        print("done", name, file=out, flush=True)
os._exit(0)
"""


@dataclass(frozen=True)
class Verification:
    """What was looked at. Field names are those of `verify --json`."""

    venv_version: str
    file_count: int
    bytes_read: int
    fragment_count: int
    """0 for a build without an index."""
    imported: tuple[str, ...] | None
    """Top-level modules that were imported; None when the environment was not restored."""
    problems: tuple[Problem, ...]
    foreign: tuple[str, ...]
    """Files among those of the build which its metadata does not name, and which do no harm."""
    not_checked: tuple[str, ...] = ()
    """What nothing in the build tells, of one that a script made; empty for one of ours."""


def verify(store: Store, venv_version: str, *, machine: RestoreOptions | None = None) -> Verification:
    """Every file of the build against metadata.json, and every field of that which they tell against them; the archive
    against its index and `content_sha256`; the entry of its environment. What is wrong.

    A file beside them that metadata.json does not name is no problem: no reader asks for it, and what it is nobody
    promised. Only an archive_index.json is one, which `get --from-archive` would believe.

    Of a build that a script made, what it says is compared with itself and with its archive (`scripted_build`).

    With a `machine` the environment is also restored, elsewhere, and every top-level module of it imported by its own
    Python, without any variable of ours and with an empty HOME; it is removed afterwards.

    Raises:
        NotInStore: there is no such build. StoreUnavailable: the store fails. UsageError: the environment does not fit
            this machine, so that it cannot be restored here.
    """
    build = builds.read_any(store, venv_version)
    if isinstance(build, ScriptedBuild):
        return _of_scripted(store, build, machine)
    problems: list[Problem] = []
    index = _index(store, build, problems)
    # what no file can be called is told with the disagreements
    names = [name for name in build["files"] if evidence.is_name(name)]
    bytes_read = sum(_read(store, build, name, index, problems) for name in names)
    problems += builds.disagreements(store, build)
    problems += _without_entry(store, build)
    foreign = _foreign(store, build)
    imported = None
    # the code of a build that is not what was promised is not run
    if machine is not None and not problems:
        imported, failed = _imported(store, venv_version, machine)
        problems += failed
    fragment_count = len(index.fragments) if index else 0
    return Verification(
        venv_version, len(names), bytes_read, fragment_count, imported, tuple(dict.fromkeys(problems)), tuple(foreign)
    )


def _of_scripted(store: Store, build: ScriptedBuild, machine: RestoreOptions | None) -> Verification:
    problems, imported = list[Problem](), None
    read = scripted_build.compare(store, build, problems)
    not_checked = list(read.not_checked)
    if machine is None:
        not_checked.append("what is in the archive: --restore unpacks it, compares its packages and imports them")
    elif not problems:
        imported, failed = _imported(store, build.venv_version, machine, build)
        problems += failed
    return Verification(
        build.venv_version, read.file_count, read.bytes_read, 0, imported, tuple(problems), (), tuple(not_checked)
    )


def _read(store: Store, build: Metadata, name: str, index: ArchiveIndex | None, problems: list[Problem]) -> int:
    """Compare one file with all that is known of it; its bytes."""
    key, promised = builds.key(build["venv_version"], name), build["files"][name]
    of_archive = index if name == archive_name(build["venv_version"]) else None
    watch = _Watch(of_archive)
    plain = watch.plain(_pieces(store, key, promised["size_bytes"]))
    unlike: list[Problem] = []
    try:
        if of_archive:
            unlike += _unlike_content(store, build, plain, of_archive)
        deque(plain, maxlen=0)  # every byte is to go by, also those behind the end of the tar
    except NotInStore:
        problems.append(_problem(store, key, "it is not in the store"))
        return 0
    except IntegrityError as error:  # a link, a FIFO
        problems += error.problems
        return 0
    # a tar made of damaged fragments differs anyway
    problems += [_problem(store, key, what) for what in watch.faults(promised)] or unlike
    return watch.size_bytes


class _Watch:
    """Sees a file go by: its size, its sha256, and where there is an index each fragment's own."""

    def __init__(self, index: ArchiveIndex | None) -> None:
        self._digest = hashlib.sha256()
        self._fragments = list(index.fragments) if index else []
        self._index, self._carry, self._crc = index, bytearray(), 0
        self._faults: list[str] = []
        self._tail = b""
        self.size_bytes = 0

    def plain(self, pieces: Iterable[bytes]) -> Iterator[bytes]:
        """See all pieces; what their fragments hold, as far as they are what the index says."""
        for piece in pieces:
            yield from self._see(piece)

    def _see(self, piece: bytes) -> Iterator[bytes]:
        self._digest.update(piece)
        skipped = max(0, HEADER_BYTES - self.size_bytes)
        self.size_bytes += len(piece)
        # how a gzip member ends (RFC 1952): CRC32, and the length mod 2**32
        self._tail = (self._tail + piece)[-8:]
        if not self._fragments:
            return
        self._carry += piece[skipped:]
        while self._fragments and len(self._carry) >= self._fragments[0].length:
            fragment = self._fragments.pop(0)
            body = bytes(self._carry[: fragment.length])
            del self._carry[: fragment.length]
            try:
                plain = fetching.inflated(fragment, body)
            except DamagedFragment as error:
                self._faults.append(f"{error.where}: {error.what}")
            else:
                self._crc = zlib_ng.crc32(plain, self._crc)
                yield plain

    def faults(self, promised: FileEntry) -> Iterator[str]:
        """What is wrong with the file, once all of it went by."""
        if self.size_bytes != promised["size_bytes"]:
            yield evidence.unlike_size(self.size_bytes, promised["size_bytes"])
        elif self._digest.hexdigest() != promised["sha256"]:
            yield evidence.UNLIKE_DIGEST
        yield from self._faults
        if self._index and not self._faults:
            end = self._crc.to_bytes(4, "little") + (self._index.plain_bytes & 0xFFFFFFFF).to_bytes(4, "little")
            if self._fragments or self._tail != end:
                yield "it does not end as the fragments of its index say"


def _index(store: Store, build: Metadata, problems: list[Problem]) -> ArchiveIndex | None:
    """The index, when it is readable; that its bytes are the promised ones is judged like any file's, and that a later
    version wrote it is told with the disagreements."""
    if places.ARCHIVE_INDEX not in build["files"]:
        return None
    key = builds.key(build["venv_version"], places.ARCHIVE_INDEX)
    try:
        index = parse_index(store.read(key, schemas.MAX_BYTES).body, store.uri(key))
        fetching.check_limits(index)
    except NotInStore:
        return None
    except IntegrityError as error:
        if error.problems[0].rule != "NEWER":
            problems.append(_problem(store, key, error.problems[0].what))
        return None
    return index


def _unlike_content(store: Store, build: Metadata, plain: Iterator[bytes], index: ArchiveIndex) -> Iterator[Problem]:
    """How the members of the archive are not those that `content_sha256` names; if they are, what metadata.json says of
    the environment that they do not.
    """
    of_archive, of_metadata = (
        partial(_problem, store, builds.key(build["venv_version"], name))
        for name in (archive_name(build["venv_version"]), places.METADATA)
    )
    with tempfile.TemporaryDirectory(prefix="venvbuild-verify-") as temporary:
        archived = Archived(Path(temporary))
        try:
            found = content_sha256(plain, archived.copy_of, index.root)
        except IntegrityError as error:
            yield of_archive(error.problems[0].what)
            return
        for name, promised in (
            (places.METADATA, build.get("content_sha256")),
            (places.ARCHIVE_INDEX, index.content_sha256),
        ):
            if promised not in (None, found):
                yield of_archive(f"what it holds is not what content_sha256 in {name} says")
                return
        yield from map(of_metadata, archived.unlike(build, has_misfits=_has_misfits(store, build)))


def _has_misfits(store: Store, build: Metadata) -> bool:
    """Whether a wheel was found that is for another platform."""
    if build["files"].get(places.CONFLICTS, {"size_bytes": 0})["size_bytes"] > schemas.MAX_BYTES:
        return False  # told as one that cannot be read
    try:
        findings = schemas.parsed(builds.read_file(store, build, places.CONFLICTS), half_pairs=True)
        return any(finding["type"] == "platform" for finding in findings)
    except (NotInStore, IntegrityError, LookupError, TypeError, ValueError):
        return False  # told as a damaged file


def _without_entry(store: Store, build: Metadata) -> Iterator[Problem]:
    key = places.environment_entry(build["env_name"], build["venv_version"])
    if not any(entry.key == key for entry in store.list(key)):
        why = f"{build['env_name']}@latest does not see the build"
        fix = "`venvbuild table sync` makes it again"
        yield Problem("it is not in the store", store.uri(key), why, fix, "NO_ENTRY")


def _foreign(store: Store, build: Metadata) -> list[str]:
    folder = builds.key(build["venv_version"], "")
    there = [entry.key.removeprefix(folder) for entry in store.list(folder)]
    return [name for name in there if name != places.METADATA and name not in build["files"]]


def _pieces(store: Store, key: str, size_bytes: int) -> Iterator[bytes]:
    """The object from its first byte to its last, and one piece past what it should have."""
    offset = 0
    while True:
        piece = store.read_range(key, offset, _CHUNK_BYTES)
        if piece:
            yield piece
        offset += len(piece)
        if len(piece) < _CHUNK_BYTES or offset > size_bytes:
            return


def _imported(
    store: Store, venv_version: str, machine: RestoreOptions, scripted: ScriptedBuild | None = None
) -> tuple[tuple[str, ...], list[Problem]]:
    """Restore it elsewhere and import all of it; of a `scripted` build its packages are compared, too."""
    where = store.uri(builds.key(venv_version, ""))
    with tempfile.TemporaryDirectory(prefix="venvbuild-verify-") as temporary:
        place = Path(temporary).resolve()
        (place / "home").mkdir()
        restored = restoring.get(store, venv_version, place / "restored", machine)
        python_version = ".".join(restored.python_full_version.split(".")[:2])
        installed = distributions_of(place / "restored", python_version, with_damage=False)
        names = modules(installed)
        failed = import_all(place / "restored" / "bin" / "python", names, place / "home")
        # the environment's own, which may be inside, and no Python of this machine's
        own = probe(Path(restored.python)) or machine.find_interpreter(python_version)
        not_started = list(_not_started(place / "restored", own))
    problems = [Problem(f"{name} cannot be imported", where, why) for name, why in failed.items()]
    problems += [replace(one, where=where) for one in not_started]
    if scripted:
        problems += scripted_build.unlike(
            scripted.installed_packages, (one.pin for one in installed if one.pin), "the archive", where
        )
    return tuple(name for name in names if name not in failed), problems


def _not_started(venv: Path, interpreter: Interpreter) -> Iterator[Problem]:
    """Scripts of the environment that do not start, or not as their packages brought them; none of them is run."""
    fix = "build it again: this version of the tool keeps what a script means"
    read, problems = started_scripts(venv)
    yield from problems
    for name, what in compare_scripts(interpreter, read).items():
        if what == ("no Python",):
            yield Problem(f"{name} cannot be started", why="with the lines of sh before it, it is no Python", fix=fix)
        # where nothing else changed, they are a text that nobody uses, and the lines of tracebacks
        elif lost := [one for one in what if one != "syntax tree"]:
            why = f"its {' and its '.join(lost)} changed when it was made relocatable"
            yield Problem(f"{name} is not as its package brings it", why=why, fix=fix)


def modules(installed: Sequence[Distribution]) -> tuple[str, ...]:
    """The top-level modules and packages of the distributions, as their RECORDs list them, sorted."""
    found = set()
    for distribution in installed:
        for row in distribution.record or ():
            top, slash, rest = row.path.partition("/")
            name = top if slash else _SUFFIX.sub("", top, count=1) if _SUFFIX.search(top) else ""
            is_package = not slash or _SUFFIX.search(rest)
            if name.isidentifier() and is_package and not name.startswith("__"):
                found.add(name)
    return tuple(sorted(found))


def import_all(python: Path, names: Sequence[str], home: Path) -> dict[str, str]:
    """Import each module with `python`, in an environment without secrets; those that fail, and why.

    One process imports many; where it crashes, that module failed and another process goes on with the next. What
    failed beside others is tried alone before it counts.
    """
    failed = _import_in_turn(python, names, home)
    if len(names) == 1:
        return failed
    # pip puts the distutils of Python in the place of setuptools', and whoever imports that later fails
    return {name: why for one in failed for name, why in _import_in_turn(python, [one], home).items()}


def _import_in_turn(python: Path, names: Sequence[str], home: Path) -> dict[str, str]:
    failed: dict[str, str] = {}
    left = list(names)
    env = clean_environment(home, DO_NOT_TRACK="1", PYTHONDONTWRITEBYTECODE="1")
    while left:
        try:
            done = run(
                # -I: of us neither variables nor folder, so that what is found is in the environment
                [python, "-I", "-c", _IMPORT, *left],
                env=env,
                timeout_s=_IMPORT_TIMEOUT_S,
                check=False,
                cwd=home,
            )
            output, ended = done.stdout, f"the interpreter ended with {done.exit_code}"
        except CommandFailed as failure:
            output, ended = failure.stdout, f"it was not imported within {_IMPORT_TIMEOUT_S} s"
        lines = [line.split(" ", 2) for line in output.splitlines()]
        failed.update({words[1]: words[2] for words in lines if words[0] == "failed"})
        finished = {words[1] for words in lines if words[0] in ("done", "failed")}
        left = [name for name in left if name not in finished]
        if left:
            # they are imported in order, so it ended at the first that was not told
            failed[left.pop(0)] = ended
    return failed


def _problem(store: Store, key: str, what: str) -> Problem:
    return Problem(what, store.uri(key), fix=evidence.MEND, rule="DAMAGED")
