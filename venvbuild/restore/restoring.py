"""Brings an environment back from its archive: fetch what is missing, unpack beside the target, re-home, rename."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path

from venvbuild import builds
from venvbuild.archive import (
    BASE,
    HEAD_BYTES,
    MARKER,
    ROOT,
    FragmentCache,
    begins_as_ours,
    required_by_bundle,
    root_of,
)
from venvbuild.builds import ArchiveIndex, Fragment, Metadata, ScriptedBuild, archive_name, parse_index, places, schemas
from venvbuild.errors import IntegrityError, Problem, UsageError
from venvbuild.installed import distributions_of
from venvbuild.interpreters import (
    Interpreter,
    chosen_interpreter,
    closed_part,
    find_interpreter,
    find_open_interpreter,
)
from venvbuild.machine import Requires, glibc_here, inside_misfits, misfits, wheels_of_others
from venvbuild.restore import adopting, fetching, gone, reading, rehoming, tar, targets
from venvbuild.restore.fetching import Bodies, Evicted, ReadRange
from venvbuild.restore.kernel import Kernel
from venvbuild.restore.targets import Place
from venvbuild.restore.unpacking import unpack, unpack_stream
from venvbuild.settings import Settings
from venvbuild.stores import Store

_RANGE_BYTES = 16 << 20


@dataclass(frozen=True)
class Restored:
    """An environment in its place. Field names are those of `get --json`."""

    venv_version: str | None
    """None for an archive that came without metadata."""
    target: str
    python: str
    """The interpreter that it now runs on."""
    python_full_version: str
    archive_sha256: str | None
    """Of the archive that it came out of, as the metadata has it; None when there is none."""
    bytes_total: int
    """Of the archive."""
    bytes_fetched: int
    """Of these, how many the store had to give; the others were at hand."""
    fragments_total: int
    """0 for an archive without an index."""
    fragments_fetched: int
    rebuilt: bool = False
    """Whether it was installed here from the lock; the archive was not read then, and `archive_sha256` is None."""
    cannot_move: tuple[Problem, ...] = ()
    """What of an environment that somebody else packed works only where it was made; nothing of our own archives."""
    warnings: tuple[Problem, ...] = ()
    """What to know of the target: that it was filled in place, that others cannot run its Python; of its kernel; and
    what of a lock that was installed is yanked."""
    kernel: str | None = None
    """The kernel.json by which Jupyter finds it, where one was wanted."""


@dataclass(frozen=True)
class RestoreOptions:
    """What restoring needs of this machine."""

    find_interpreter: Callable[[str], Interpreter]
    """The Python X.Y; raises UsageError when there is none."""
    cache: FragmentCache
    glibc: str | None
    on_fetch: Callable[[int, int, int], None]
    """(bytes fetched so far, bytes to fetch, bytes of the archive), now and then."""
    compiles: bool = False
    """Whether the bytecode is made too."""
    is_python_chosen: bool = False
    """Whether somebody named the Python that `find_interpreter` gives."""
    kernel: Kernel | None = None
    """The kernel of Jupyter that is to run in it."""

    @classmethod
    def of(cls, settings: Settings) -> RestoreOptions:
        """This machine, as this process is configured; nobody is told what is fetched."""
        cache = FragmentCache(settings.folders.cache / "fragments")
        return cls(find_interpreter, cache, glibc_here(), lambda *_: None)

    def with_python(self, path: Path) -> RestoreOptions:
        """The same with this Python, and no other."""
        return replace(self, find_interpreter=partial(chosen_interpreter, path), is_python_chosen=True)

    def for_target(self, target: Path) -> RestoreOptions:
        """The same; for root, where others can come to `target`, with a Python that they may run, if there is one."""
        if self.is_python_chosen or not _is_for_others(target):
            return self

        def find(python_version: str) -> Interpreter:
            found = self.find_interpreter(python_version)
            return found if closed_part(found) is None else find_open_interpreter(python_version) or found

        return replace(self, find_interpreter=find)


def _is_for_others(target: Path) -> bool:
    return os.geteuid() == 0 and targets.others_reach(target)


@dataclass(frozen=True)
class _Origin:
    """An archive, wherever it is."""

    where: str
    """As messages name it."""
    read_range: ReadRange
    size_bytes: int
    build: Metadata | ScriptedBuild | None
    index: ArchiveIndex | None
    store_url: str | None = None
    file: Path | None = None
    """Where all its bytes are, when it is a file of this machine."""

    @property
    def metadata(self) -> Metadata | None:
        """What is known of a build of ours."""
        return None if isinstance(self.build, ScriptedBuild) else self.build

    @property
    def is_ours(self) -> bool:
        """Whether it has to be as we pack; any other may be as any tar packs."""
        if self.index or self.metadata:
            return True
        return not isinstance(self.build, ScriptedBuild) and begins_as_ours(self.read_range(0, HEAD_BYTES))

    @property
    def archive_root(self) -> str:
        """Of one of ours; where nothing tells it, its first members do."""
        if self.index:
            return self.index.root
        if self.metadata:
            return self.metadata.get("archive_root", ROOT)
        found = root_of(self.read_range(0, HEAD_BYTES))
        return ROOT if found is None else found


def get(store: Store, venv_version: str, target: Path, machine: RestoreOptions) -> Restored:
    """Restore a build of `store` at `target`, fetching only what the cache lacks.

    `target` becomes the environment (`target/bin/python`). It must be absent, empty, or made by `get`; its parent must
    be there.

    Raises:
        UsageError: `target` is none of these, or the environment does not fit this machine: every reason is named.
        NotInStore: there is no such build, or a file of it is gone. IntegrityError: something is not what it should
            be; nothing is left. StoreUnavailable: the store or the disk fails.
    """
    with gone.told(store, venv_version, target):
        return _restore(_stored(store, venv_version), target, machine)


def _stored(store: Store, venv_version: str) -> _Origin:
    build = builds.read_any(store, venv_version)
    if isinstance(build, ScriptedBuild):
        archive = builds.archive_of(store, build)
        key, size_bytes = archive.key, archive.size_bytes
    else:
        key, size_bytes = builds.key(venv_version, archive_name(venv_version)), build["archive_size_bytes"]
    return _Origin(
        store.uri(key),
        lambda offset, length: store.read_range(key, offset, length),
        size_bytes,
        build,
        None if isinstance(build, ScriptedBuild) else reading.stored_index(store, build),
        store.url,
    )


def from_archive(file: Path, target: Path, machine: RestoreOptions) -> Restored:
    """Restore from an archive on this machine; an archive_index.json and a metadata.json beside it are believed.

    metadata.json counts when the archive bears the name it has in a store, `<venv_version>.tar.gz`.

    Raises:
        UsageError: as `get`, or there is no such file. IntegrityError, StoreUnavailable: as `get`.
    """
    # before it is opened: a pipe would be waited for, for ever
    if file.exists() and not file.is_file():
        raise UsageError("the archive is no file", where=str(file), fix="give the .tar.gz itself")
    try:
        size_bytes = file.stat().st_size
        build = _beside(file)
        index_file = file.with_name(places.ARCHIVE_INDEX)
        content = index_file.read_bytes() if index_file.is_file() else None
        descriptor = os.open(file, os.O_RDONLY | os.O_CLOEXEC)
    except OSError as error:
        raise UsageError(
            f"the archive cannot be read: {error.strerror}", where=str(error.filename or file), fix="give another file"
        ) from error
    try:
        index = parse_index(content, str(index_file)) if content is not None else None
        if index and index.archive_size_bytes != size_bytes:
            raise IntegrityError(
                f"the archive has {size_bytes} bytes, and the index beside it says {index.archive_size_bytes}",
                where=str(file),
                fix="get the archive again, or move away an index that belongs to another one",
            )
        if index and build and not isinstance(build, ScriptedBuild):
            reading.refuse_another_root(
                index, build, str(index_file), "nothing was unpacked; get the archive and both files beside it again"
            )
        read_range: ReadRange = lambda offset, length: os.pread(descriptor, length, offset)  # noqa: E731
        return _restore(_Origin(str(file), read_range, size_bytes, build, index, file=file), target, machine)
    finally:
        os.close(descriptor)


def _beside(file: Path) -> Metadata | ScriptedBuild | None:
    """The metadata.json beside an archive, when it is of that archive."""
    path = file.with_name(places.METADATA)
    try:
        content = path.read_bytes()
        venv_version = schemas.parsed(content)["venv_version"]
        if file.name != archive_name(venv_version):
            return None
    except (FileNotFoundError, ValueError, KeyError, TypeError):  # somebody else's file of that name is no fault
        return None
    return builds.parse(content, venv_version, str(path), str(file.parent))


def _restore(origin: _Origin, target: Path, machine: RestoreOptions) -> Restored:
    target = absolute(target)
    targets.check(target)
    machine = machine.for_target(target)
    check_kernel(machine.kernel, target, origin.metadata, origin.where)
    # what does not fit this machine is refused before a byte is fetched
    interpreter = _foreseen(origin.build, machine) if origin.build else None
    if not origin.is_ours:
        return _adopt(origin, target, machine)
    absent: list[Fragment] = []
    if origin.index:
        fetching.check_limits(origin.index)
        # not thorough: unpacking reads every entry of the cache anyway, and what is damaged shows then
        absent = [] if origin.file else fetching.missing(origin.index, machine.cache, thorough=False)
        # what is fetched waits beside what is unpacked
        targets.check_room(target, origin.index.plain_bytes + sum(fragment.length for fragment in absent))
    with targets.staged(target) as place:
        venv = place.folder / ROOT
        fetched = _unpack(origin, absent, venv, place.folder / "archive", machine)
        inside = _inside(venv, target, origin.metadata, machine)
        interpreter = inside or interpreter or _fitting(rehoming.python_version_of(venv), Requires(), machine)
        restored = _restored(origin, target, interpreter, fetched)
        return put_in_place(venv, restored, interpreter, machine, origin.store_url, place)


def _adopt(origin: _Origin, target: Path, machine: RestoreOptions) -> Restored:
    """Restore an archive that somebody else packed, of an environment that has to be made relocatable."""
    targets.check_room(target, 2 * origin.size_bytes)  # how large it will be nobody knows yet
    with targets.staged(target) as place:
        fetched = 0 if origin.file else _download(origin, place.folder / "archive", machine)
        with (origin.file or place.folder / "archive").open("rb") as archive:
            one = adopting.adopted(archive, origin.size_bytes, place.folder / "unpacked", origin.where)
        interpreter = machine.find_interpreter(one.venv.python_version)
        installed = distributions_of(one.venv.path, one.venv.python_version, with_damage=False)
        _refuse(wheels_of_others(installed, interpreter, origin.where))
        cannot_move = tuple(adopting.relocate(one, interpreter))
        restored = replace(_restored(origin, target, interpreter, (fetched, 0)), cannot_move=cannot_move)
        return put_in_place(one.venv.path, restored, interpreter, machine, origin.store_url, place)


def absolute(target: Path) -> Path:
    """The target as scripts in the environment will name it: links in it stay."""
    return Path(os.path.abspath(target))


def check_kernel(kernel: Kernel | None, target: Path, build: Metadata | None, where: str) -> None:
    """Refuse a kernel that is wanted and cannot be, as far as that is known before anything is fetched.

    Raises:
        UsageError: says why.
    """
    if kernel is None:
        return
    kernel.check(target)
    if build:
        kernel.refuse_without_ipykernel(build["installed_packages"], where)


def put_in_place(
    venv: Path,
    restored: Restored,
    interpreter: Interpreter,
    machine: RestoreOptions,
    store_url: str | None,
    place: Place,
) -> Restored:
    """Link a whole environment to its interpreter, mark it as ours, and make it the target, with what is to be said."""
    target, kernel = Path(restored.target), machine.kernel
    if kernel:
        kernel.refuse_unable(venv, interpreter.version, restored.venv_version or restored.target)
    rehoming.rehome(venv, target, interpreter)
    if machine.compiles:
        rehoming.compile_bytecode(venv, target, interpreter)
    rehoming.write(venv / MARKER, _marker(restored, store_url))
    targets.check(target)  # again: somebody may have put something there meanwhile
    in_place = targets.put_in_place(venv, place)
    restored = replace(restored, warnings=(*restored.warnings, *_warnings(target, interpreter, in_place)))
    if kernel is None:
        return restored
    # Last: it names what is there by now.
    place_of_kernel, problem = kernel.write(target, interpreter.version, restored.venv_version)
    warnings = (*restored.warnings, problem) if problem else restored.warnings
    return replace(restored, warnings=warnings, kernel=str(place_of_kernel))


def _warnings(target: Path, interpreter: Interpreter, in_place: str) -> Iterator[Problem]:
    if in_place:
        yield Problem(
            "the folder was filled in place, which is not done at once: a reader may have seen half of it",
            str(target),
            in_place,
            "after a `get` that was killed it is not whole, and has no pyvenv.cfg: get it again, which clears it first",
            "IN_PLACE",
        )
    is_inside = interpreter.path.is_relative_to(target)
    closed = closed_part(interpreter) if _is_for_others(target) and not is_inside else None
    if closed:
        yield Problem(
            "other users cannot run its Python",
            str(target),
            f"it is {interpreter.path}, and {closed} is not open to everybody",
            f"get it again with --python PATH, of a Python {interpreter.version} that everybody may run",
            "CLOSED_PYTHON",
        )


def _restored(origin: _Origin, target: Path, interpreter: Interpreter, fetched: tuple[int, int]) -> Restored:
    return Restored(
        venv_version=_version_of(origin.build),
        target=str(target),
        python=str(interpreter.path),
        python_full_version=interpreter.full_version,
        archive_sha256=origin.metadata["archive_sha256"] if origin.metadata else None,
        bytes_total=origin.size_bytes,
        bytes_fetched=fetched[0],
        fragments_total=len(origin.index.fragments) if origin.index else 0,
        fragments_fetched=fetched[1],
    )


def _version_of(build: Metadata | ScriptedBuild | None) -> str | None:
    if isinstance(build, ScriptedBuild):
        return build.venv_version
    return build["venv_version"] if build else None


def _marker(restored: Restored, store_url: str | None) -> bytes:
    facts = asdict(restored)
    kept = {name: facts[name] for name in ("venv_version", "archive_sha256", "python", "rebuilt")}
    made = {"made_by": "venvbuild get", **kept, "store": store_url}
    return (json.dumps(made, indent=1) + "\n").encode()


def _unpack(
    origin: _Origin, absent: list[Fragment], venv: Path, scratch: Path, machine: RestoreOptions
) -> tuple[int, int]:
    """Fetch what is `absent` from the cache and unpack into `venv`; (bytes, fragments) that had to be fetched."""
    venv.mkdir(0o700)  # nobody else may put a link in the way of what is unpacked
    if origin.index is None:
        return _unpack_whole(origin, venv, scratch, machine), 0
    everything = frozenset(fragment.offset for fragment in origin.index.fragments)
    if origin.file:
        with origin.file.open("rb") as archive:
            unpack(origin.index, Bodies(archive.fileno(), everything), venv)
        return 0, 0
    here: list[Fragment] = []
    with scratch.open("x+b") as file:
        for wanted in _wanted(origin.index, absent, here, machine.cache):
            _fetch(origin, wanted, file.fileno(), machine)
            here += wanted
            offsets = frozenset(fragment.offset for fragment in here)
            with contextlib.suppress(Evicted):
                unpack(origin.index, Bodies(file.fileno(), offsets, machine.cache, is_file_checked=True), venv)
                break
            # from the beginning: the unpacker makes new files only
            shutil.rmtree(venv)
            venv.mkdir(0o700)
    return sum(fragment.length for fragment in here), len(here)


def _wanted(
    index: ArchiveIndex, absent: list[Fragment], here: list[Fragment], cache: FragmentCache
) -> Iterator[list[Fragment]]:
    """What has to be fetched before the next try to unpack, `here` being there already: at first what was `absent` from
    the cache; then what the cache has damaged; and when somebody else empties it meanwhile, everything.
    """
    yield absent
    yield [fragment for fragment in fetching.missing(index, cache, thorough=True) if fragment not in here]
    yield [fragment for fragment in index.fragments if fragment not in here]


def _fetch(origin: _Origin, wanted: list[Fragment], file: int, machine: RestoreOptions) -> None:
    total, done = sum(fragment.length for fragment in wanted), 0

    def on_bytes(count: int) -> None:
        nonlocal done
        done += count
        machine.on_fetch(done, total, origin.size_bytes)

    machine.on_fetch(0, total, origin.size_bytes)
    fetching.fetch(wanted, origin.read_range, file, machine.cache, on_bytes)


def _unpack_whole(origin: _Origin, venv: Path, scratch: Path, machine: RestoreOptions) -> int:
    """An archive without an index: all of it here first, its sha256 compared when it is known; bytes fetched."""
    fetched = 0 if origin.file else _download(origin, scratch, machine)
    with (origin.file or scratch).open("rb") as archive:
        # before a byte of it is unpacked
        if origin.metadata and hashlib.file_digest(archive, "sha256").hexdigest() != origin.metadata["archive_sha256"]:
            raise IntegrityError(
                "the archive is not the one that metadata.json names",
                where=str(origin.file or origin.metadata["venv_archive"]),
                fix="nothing was unpacked; find out who changed it, or build again",
            )
        archive.seek(0)
        unpack_stream(archive, origin.size_bytes, venv, origin.archive_root)
    return fetched


def _download(origin: _Origin, scratch: Path, machine: RestoreOptions) -> int:
    done = 0
    with scratch.open("xb") as file:

        def get(start: int) -> bytes:
            return origin.read_range(start, min(_RANGE_BYTES, origin.size_bytes - start))

        def keep(start: int, body: bytes) -> int:
            fetching.write_at(file.fileno(), memoryview(body), start)
            return len(body)

        for count in fetching.in_threads(get, keep, range(0, origin.size_bytes, _RANGE_BYTES)):
            done += count
            machine.on_fetch(done, origin.size_bytes, origin.size_bytes)
    return done


def _foreseen(metadata: Metadata | ScriptedBuild, machine: RestoreOptions) -> Interpreter | None:
    """The Python of this machine for it; None for an environment that brings its own, and fits."""
    if isinstance(metadata, ScriptedBuild):
        return machine.find_interpreter(metadata.python_version)
    needs = Requires.of(metadata["requires"], metadata["platform"])
    if needs.libraries is None:
        return _fitting(metadata["python_version"], needs, machine)
    _refuse_choice(machine)
    _refuse(inside_misfits(needs, machine.glibc))
    return None


def _fitting(python_version: str, needs: Requires, machine: RestoreOptions) -> Interpreter:
    interpreter = machine.find_interpreter(python_version)
    _refuse(misfits(needs, interpreter, machine.glibc))
    return interpreter


def _inside(venv: Path, target: Path, metadata: Metadata | None, machine: RestoreOptions) -> Interpreter | None:
    """The interpreter that was unpacked with it; None when it has to have one of this machine.

    Where there is no metadata, the interpreter's own files say what it needs.
    """
    version = metadata["python_version"] if metadata else rehoming.python_version_of(venv)
    interpreter = rehoming.interpreter_inside(venv, target, version)
    if metadata and ("libraries" not in metadata["requires"]) != (interpreter is None):
        raise tar.refused("it has an interpreter inside, or has none, other than its metadata says")
    if interpreter and not metadata:
        _refuse_choice(machine)
        _refuse(inside_misfits(required_by_bundle(venv / BASE), machine.glibc))
    return interpreter


def _refuse_choice(machine: RestoreOptions) -> None:
    if machine.is_python_chosen:
        raise UsageError(
            "the environment brings an interpreter of its own, and runs on no other",
            where="--python",
            fix="leave out --python",
        )


def _refuse(problems: Iterable[Problem]) -> None:
    found = tuple(problems)
    if found:
        raise UsageError.of(found)
