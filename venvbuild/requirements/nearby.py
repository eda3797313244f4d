"""What lies in a checkout in place of a requirements file that is not there: pinned files, or what can be pinned.

What is looked at is bounded, whatever the checkout holds.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path

from venvbuild.requirements.documents import is_pylock_name
from venvbuild.requirements.locations import quotable
from venvbuild.requirements.projects import Project, read_pyproject

MAX_BYTES = 500_000
"""Of a file that is judged, with what it includes."""
_MAX_NAMED = 5
_MAX_JUDGED = 30
_MAX_ENTRIES = 5_000
_MAX_DEPTH = 3
_PASSED_OVER = frozenset({"node_modules", "__pycache__", "site-packages"})
# An environment, and a work dir of ours, in which copies of files lie.
_NOT_OF_THE_CHECKOUT = frozenset({"pyvenv.cfg", "venvbuild-work.json"})


def way_out(asked: Path, is_pinned: Callable[[Path], bool], python: str) -> str:
    """What to do when the requirements file `asked` is not there.

    `is_pinned` judges a file of at most `MAX_BYTES`. `python` is the target's, `3.11`.
    """
    folder = _folder_of(asked)
    if folder is None:
        return "name a file that is there: -r FILE"
    names = [_quoted(path) for path in _pinned(folder, asked.name, is_pinned)]
    if names:
        more = ", and others" if len(names) > _MAX_NAMED else ""
        listed = ", ".join(f"-r {name}" for name in names[:_MAX_NAMED])
        return f"name a pinned file that is here: {listed}{more} (in the job's form: REQUIREMENTS_FILE)"
    command = f"venvbuild compile --python {python}"
    # What is compiled is no pylock.toml.
    output = _quoted(asked) if os.path.isdir(asked.parent) and not is_pylock_name(asked.name) else ""
    to_output = f"-o {output}" if output else "-o requirements.txt, and -r requirements.txt"
    source = next((path for path in _sources(folder) if _quoted(path)), None)
    if source:
        return f"pin what {_quoted(source)} asks for: {command} {_quoted(source)} {to_output}"
    return (
        "write one, a line name==version for each package; or what you want into requirements.in, and pin that: "
        f"{command} requirements.in {to_output}"
    )


def _folder_of(asked: Path) -> Path | None:
    """Where to look: in the current folder, if the file was to be in it; else in its own, if that is there."""
    if Path(os.path.abspath(asked)).is_relative_to(Path.cwd()):
        return Path()
    return asked.parent if os.path.isdir(asked.parent) else None


def _quoted(path: Path) -> str:
    """As a shell reads it; empty where the name is not to be shown, or cannot be written."""
    name = quotable(str(path))
    return shlex.quote(f"./{name}" if name.startswith("-") else name) if name else ""


def _pinned(folder: Path, name: str, is_pinned: Callable[[Path], bool]) -> Iterator[Path]:
    """A few; those of that name first, then those that are called requirements."""
    candidates = [path for path in _texts(folder) if _quoted(path)]
    candidates.sort(key=lambda path: (path.name != name, "requirements" not in str(path.relative_to(folder))))
    return islice(filter(is_pinned, candidates[:_MAX_JUDGED]), _MAX_NAMED + 1)


def _texts(folder: Path) -> Iterator[Path]:
    """The `.txt` files and pylock.toml of the folder and a few levels below that are small, the nearer first."""
    left, waiting = _MAX_ENTRIES, [(folder, 0)]
    for place, depth in waiting:  # it grows meanwhile: level by level
        try:
            with os.scandir(place) as entries:
                found = sorted(islice(entries, left), key=lambda entry: entry.name)
        except OSError:
            continue
        left -= len(found)
        if depth and not _NOT_OF_THE_CHECKOUT.isdisjoint(entry.name for entry in found):
            continue
        for entry in found:
            if entry.is_dir(follow_symlinks=False):
                if depth < _MAX_DEPTH and not entry.name.startswith(".") and entry.name not in _PASSED_OVER:
                    waiting.append((place / entry.name, depth + 1))
            elif (entry.name.endswith(".txt") or is_pylock_name(entry.name)) and _is_small(entry):
                yield place / entry.name


def _is_small(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_file() and entry.stat().st_size <= MAX_BYTES
    except OSError:  # gone, or a link in a circle
        return False


def _sources(folder: Path) -> Iterator[Path]:
    """What `venvbuild compile` takes."""
    if (folder / "requirements.in").is_file():
        yield folder / "requirements.in"
    project = folder / "pyproject.toml"
    try:
        if project.stat().st_size <= MAX_BYTES and isinstance(read_pyproject(project.read_bytes(), ""), Project):
            yield project
    except OSError:
        return
