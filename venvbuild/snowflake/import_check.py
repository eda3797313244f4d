"""Whether what lies in the ZIP imports from there, in a Python of the target's version, alone and without secrets."""

from __future__ import annotations

import ast
import contextlib
import os
import re
import signal
import time
import zipfile
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from venvbuild.errors import Problem
from venvbuild.interpreters import Interpreter
from venvbuild.process import CommandFailed, clean_environment, run
from venvbuild.snowflake.zip import WheelMembers

TIME_LIMIT_S = 120
LOADER = "_venvbuild_native"
_SCRIPT = Path(__file__).with_name("import_script.py")
_EXTENSION = re.compile(
    r"(?P<stem>[^/.]+)\.(?:cpython-[0-9]+[a-z]*(?:-[A-Za-z0-9_-]+)?\.|abi3t?(?:-[A-Za-z0-9_-]+)?\.)?so"
)
# What some wheels have beside their packages by mistake, and what runs a program.
_NO_TOPS = frozenset({"conftest", "setup"})
_NO_FOLDERS = frozenset({"test", "tests", "doc", "docs", "example", "examples", "benchmark", "benchmarks", "scripts"})


@dataclass(frozen=True)
class Outcome:
    """One module that was tried."""

    module: str
    error: str
    """`ImportError: ...`; empty when it imports from the ZIP."""
    missing: str
    """Of a ModuleNotFoundError, what is missing; else empty."""
    left_out: str
    """The top-level name, not in the ZIP on purpose, that it asked for; else empty."""


@dataclass(frozen=True)
class Modules:
    """The modules of one distribution."""

    name: str
    """Canonical name of the distribution."""
    top: tuple[str, ...]
    """The shallowest of each package, sorted: those that others import."""
    all: tuple[str, ...]
    """All that are Python's, sorted, but `__main__`."""
    natives: Mapping[str, str]
    """Name of an extension module -> its file in the ZIP."""


def modules_of(wheels: Sequence[WheelMembers]) -> list[Modules]:
    """Those of each wheel, by the paths of its files."""
    pure = {wheel.name: _pure(wheel.paths) for wheel in wheels}
    natives = {wheel.name: dict(_natives(wheel.paths)) for wheel in wheels}
    everything = {name for names in (*pure.values(), *natives.values()) for name in names}
    return [
        Modules(
            wheel.name,
            tuple(sorted({_top(name, everything) for name in (*pure[wheel.name], *natives[wheel.name])} - _NO_TOPS)),
            tuple(sorted(pure[wheel.name] - _NO_TOPS)),
            natives[wheel.name],
        )
        for wheel in wheels
    ]


def _pure(paths: Iterable[str]) -> set[str]:
    found = set()
    for path in paths:
        if path.endswith(".py"):
            parts = path.removesuffix(".py").split("/")
            if parts[-1] == "__init__" and len(parts) > 1:
                parts.pop()
            if all(part.isidentifier() for part in parts) and parts[-1] != "__main__":
                found.add(".".join(parts))
    tops = {name: name.partition(".")[0] for name in found}
    return {name for name, top in tops.items() if top in found or top not in _NO_FOLDERS}


def _natives(paths: Iterable[str]) -> Iterator[tuple[str, str]]:
    for path in paths:
        folder, _, filename = path.rpartition("/")
        named = _EXTENSION.fullmatch(filename)
        parts = [*(folder.split("/") if folder else []), named["stem"] if named else ""]
        # A library that extension modules link to is none itself.
        is_library = filename.startswith("lib") and filename == f"{parts[-1]}.so"
        if named and not is_library and all(part.isidentifier() for part in parts):
            yield ".".join(parts), path


def _top(name: str, everything: Collection[str]) -> str:
    parts = name.split(".")
    prefixes = (".".join(parts[: end + 1]) for end in range(len(parts)))
    return next(prefix for prefix in prefixes if prefix in everything)


@dataclass(frozen=True)
class Job:
    """What is to be imported, and from where."""

    root: Path
    """The ZIP; or a folder that it was unpacked in."""
    modules: tuple[str, ...]
    natives: Mapping[str, str]
    left_out: frozenset[str]
    """Top-level names that are not in the ZIP on purpose."""
    loads_natives: bool = False

    def text(self) -> str:
        """For `import_script`."""
        lines = [f"R {self.root.absolute()}"]
        lines += ["L"] if self.loads_natives else []
        lines += [f"O {name}" for name in sorted(self.left_out)]
        lines += [f"N {module} {path}" for module, path in sorted(self.natives.items())]
        lines += [f"M {name}" for name in self.modules]
        return "".join(f"{line}\n" for line in lines)


@dataclass(frozen=True)
class Tried:
    """What became of them."""

    outcomes: tuple[Outcome, ...]
    is_whole: bool
    """Whether all were tried in time."""


def import_all(job: Job, python: Interpreter, scratch: Path) -> Tried:
    """Import the modules in a process of `python` that sees no site-packages, no home, no variable but a few.

    Raises:
        OSError: `scratch` cannot be written.
    """
    home = scratch / "home"
    home.mkdir(exist_ok=True)
    work, result = scratch / "imports.txt", scratch / "imported.txt"
    work.write_text(job.text(), "utf-8")
    result.unlink(missing_ok=True)
    is_whole = True
    env = {**clean_environment(home), "TMPDIR": str(home)}
    try:
        run([python.path, "-I", "-S", "-B", _SCRIPT, work, result], env=env, timeout_s=TIME_LIMIT_S, cwd=home)
    except CommandFailed as failure:
        is_whole = failure.exit_code is not None
    finally:
        _end_those_of(home)
    outcomes: list[Outcome] = []
    begun = ""
    for line in result.read_text("utf-8").splitlines() if result.exists() else ():
        kind, *rest = ast.literal_eval(line)
        begun = rest[0] if kind == "begin" else ""
        outcomes += [Outcome(*rest)] if kind == "end" else []
    if begun and is_whole:  # the module ended the process
        outcomes.append(Outcome(begun, "it ends the process", "", ""))
    elif is_whole and job.loads_natives and not outcomes:
        outcomes.append(Outcome(LOADER, "the loader ends the process", "", ""))
    return Tried(tuple(outcomes), is_whole)


def _end_those_of(home: Path) -> None:
    """End what a module started and took out of its process group: it has our HOME, or this folder.

    Source: proc(5), environ and cwd, which are read of processes of this user alone.
    """
    mark = f"HOME={home}".encode()
    for _ in range(100):  # until none is there: one may start another meanwhile, or take a while to end
        found = [pid for pid in _numbers() if pid != os.getpid() and _is_of(pid, mark, home)]
        if not found:
            return
        for pid in found:
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.01)


def _numbers() -> list[int]:
    with contextlib.suppress(OSError):  # a system without /proc
        return [int(entry.name) for entry in os.scandir("/proc") if entry.name.isdigit()]
    return []


def _is_of(pid: int, mark: bytes, home: Path) -> bool:
    with contextlib.suppress(OSError):
        place = Path("/proc", str(pid))
        return mark in (place / "environ").read_bytes().split(b"\0") or Path(os.readlink(place / "cwd")) == home
    return False


def unpacked(archive: Path, folder: Path) -> Path:
    """A folder with what is in the ZIP, to tell what fails there as well."""
    with zipfile.ZipFile(archive) as opened:
        opened.extractall(folder)
    return folder


@dataclass(frozen=True)
class Checked:
    """What is to be told of the import check."""

    imported: tuple[str, ...]
    failures: tuple[tuple[str, Outcome], ...]
    """(canonical name of the distribution, what became of a module of it)."""
    notes: tuple[str, ...]
    """What could not be judged, and why."""

    def problems(self, versions: Mapping[str, str]) -> list[Problem]:
        """A problem for each failure; `versions` by canonical name."""
        return [
            Problem(
                f"{outcome.module} of {name}=={versions.get(name, '')} does not import from the ZIP",
                why=outcome.error,
                fix="pin another version of it, or leave it out; --import-check none takes the ZIP as it is",
                rule="NO_IMPORT",
            )
            for name, outcome in self.failures
        ]


def check(
    archive: Path,
    inside: Sequence[Modules],
    outside: Sequence[Modules],
    python: Interpreter,
    scratch: Path,
    *,
    is_deep: bool,
    ships: bool,
    natives_of: Collection[str] = (),
) -> Checked:
    """Import the modules of `inside` from the ZIP; those of `outside` are not in it, on purpose.

    `is_deep`: all of pure distributions, not only those at the top. `natives_of`: the names of native ones, which are
    in it; `ships`: they are for this machine, and the loader is tried, too.
    """
    left_out = frozenset(top for one in outside for top in one.top)
    owners = {name: one.name for one in inside for name in (*one.natives, *one.all, *one.top)}
    natives = {name: path for one in inside for name, path in one.natives.items()}
    tops = {top for one in inside for top in one.top if ships or top not in natives}
    if not ships:
        tops -= {top for one in inside if one.name in natives_of for top in one.top}
    deep = {name for one in inside for name in one.all if is_deep and one.name not in natives_of}
    names = tuple(sorted(tops | deep))
    job = Job(archive, names, natives if ships else {}, left_out, loads_natives=ships)
    tried = import_all(job, python, scratch)
    notes = []
    if not tried.is_whole:
        done = f"{len(tried.outcomes)} of {len(names)} modules were tried"
        notes.append(f"the import check was ended after {TIME_LIMIT_S} s: the rest is NOT CHECKED, {done}")
    if natives_of and not ships:
        notes.append("native modules are for another machine than this: whether they import is NOT CHECKED")
    failed = [one for one in tried.outcomes if one.error]
    waiting = [one for one in failed if one.left_out]
    if waiting:
        listed = ", ".join(sorted({one.left_out for one in waiting}))
        modules = ", ".join(one.module for one in waiting[:5]) + (", ..." if len(waiting) > 5 else "")
        notes.append(f"NOT CHECKED, for they need what Snowflake installs ({listed}): {modules}")
    failed = [one for one in failed if not one.left_out]
    anyway = _anyway(failed, tops, archive, python, scratch, job)
    if anyway:
        modules = ", ".join(sorted(anyway)[:5]) + (", ..." if len(anyway) > 5 else "")
        verb = "module imports" if len(anyway) == 1 else "modules import"
        notes.append(f"{len(anyway)} {verb} neither from the ZIP nor from a folder: {modules}")
    failures = tuple((owners.get(one.module, ""), one) for one in failed if one.module not in anyway)
    imported = tuple(one.module for one in tried.outcomes if not one.error)
    return Checked(imported, failures, tuple(notes))


def _anyway(
    failed: Sequence[Outcome], tops: Collection[str], archive: Path, python: Interpreter, scratch: Path, job: Job
) -> set[str]:
    """Of modules below the top, or in a namespace, those that fail in a folder, too: for another system, or with what
    nobody asked for.
    """
    strict = {top for top in tops if "." not in top}
    below = tuple(one.module for one in failed if one.module not in strict and one.module not in job.natives)
    if not below:
        return set()
    folder = unpacked(archive, scratch / "unpacked")
    tried = import_all(Job(folder, below, {}, job.left_out), python, scratch)
    return {one.module for one in tried.outcomes if one.error}
