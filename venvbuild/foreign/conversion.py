"""How an environment that somebody else made has to differ in an archive, so that it runs wherever it is unpacked.

Nothing of the environment is changed: what has to be other becomes a member with our content, or none.
"""

from __future__ import annotations

import json
import os
import re
import stat
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from venvbuild.archive import BASE, MARKER, Member
from venvbuild.errors import Problem
from venvbuild.files import walk
from venvbuild.foreign.activation import RELOCATABLE
from venvbuild.foreign.environment import ForeignEnvironment
from venvbuild.installed import (
    INSTALL_RECORDS,
    SCRIPTS,
    Distribution,
    RecordRow,
    RelocatedScripts,
    corrected,
    is_python_link,
    neutral,
    relocated_scripts,
)
from venvbuild.interpreters import Interpreter, changed_scripts
from venvbuild.redaction import strip_credentials

_FIX_EDITABLE = "install it as a wheel: pip install --force-reinstall --no-deps /path/to/project"
_KERNELS = "share/jupyter/kernels/*/kernel.json"
_MAX_KERNEL_BYTES = 1 << 16
# They name the environment's path, and no form of them could do without; `get` writes some again.
_OTHER_ACTIVATION = re.compile(r"activate\.(?:sh|csh)|deactivate\.csh")


@dataclass(frozen=True)
class Conversion:
    """What becomes of an environment on its way into an archive."""

    members: Mapping[str, Member | None]
    """By name in the environment: what the archive has instead; None: nothing."""
    problems: tuple[Problem, ...]
    """What cannot move, each by name; with one of them there is no archive."""
    scripts: RelocatedScripts
    """Those among the members."""

    def changed_scripts(self, interpreter: Interpreter) -> Iterator[Problem]:
        """Scripts that would mean something else to `interpreter`; none, unless by a fault of ours."""
        contents = {name: member.content or b"" for name, member in self.members.items() if member}
        return changed_scripts(interpreter, self.scripts.meanings(contents))


def converted(
    venv: ForeignEnvironment, installed: Sequence[Distribution], activation: Mapping[str, bytes]
) -> Conversion:
    """How `venv` becomes relocatable; `installed` are its distributions, `activation` relocatable scripts by name."""
    changed: dict[str, Member | None] = {"pyvenv.cfg": _file("pyvenv.cfg", _configuration(venv))}
    changed |= _places(venv)
    changed |= _kernels(venv)
    changed |= {f"bin/{name}": member for name, member in _activation(venv, activation)}
    scripts = relocated_scripts(venv.path, venv.names)
    if not scripts.problems:
        changed |= dict(_scripts(venv, scripts))
    changed |= dict(_notes(venv, installed))
    changed |= dict(_records(venv, installed, changed, scripts))
    problems = (*scripts.problems, *_shared(venv), *_editables(installed), *_paths_outside(venv, installed))
    return Conversion(changed, problems, scripts)


def _file(name: str, content: bytes, *, is_executable: bool = False) -> Member:
    return Member(name, "f", 0o755 if is_executable else 0o644, len(content), content=content)


def _configuration(venv: ForeignEnvironment) -> bytes:
    """pyvenv.cfg as in our own archives: nothing of the machine, and the version."""
    lines = neutral(venv.path / "pyvenv.cfg").splitlines()
    if venv.python_full_version is None:
        # `bin/rehome` looks for a Python of this version.
        lines.append(f"version_info = {venv.python_version}".encode())
    if "relocatable" not in venv.configuration:
        # Else scripts that uv installs later would name the place.
        lines.append(b"relocatable = true")
    return b"".join(line + b"\n" for line in lines)


def _places(venv: ForeignEnvironment) -> Iterator[tuple[str, Member | None]]:
    """Absolute links that stay inside are made relative; what `get` put there stays behind."""
    for name, facts in walk(venv.path):
        # The marker is the leave to replace a folder, and the interpreter inside is that of another archive.
        if name == MARKER or name.split("/", 1)[0] == BASE:
            yield name, None
        elif stat.S_ISLNK(facts.st_mode) and not is_python_link(name):
            inside = venv.inside(os.readlink(venv.path / name))
            if inside is not None:
                yield name, Member(name, "l", 0o777, link=os.path.relpath(inside or ".", os.path.dirname(name) or "."))


def _kernels(venv: ForeignEnvironment) -> Iterator[tuple[str, Member]]:
    """Kernels of Jupyter that start the Python of the environment by its path (`ipykernel install --sys-prefix`): by
    `python`, as in the wheel of ipykernel. For that a Jupyter in the environment takes the Python that it runs on.
    """
    for path in sorted(venv.path.glob(_KERNELS)):
        # No file may lie below a link in an archive.
        if path.resolve() != path or not path.is_file() or path.stat().st_size > _MAX_KERNEL_BYTES:
            continue
        try:
            kernel = json.loads(path.read_bytes())
            program = kernel["argv"][0]
            place = venv.inside(program)
        except (ValueError, KeyError, IndexError, TypeError, AttributeError, RecursionError):
            continue  # no kernel.json that Jupyter could read
        if place is not None and is_python_link(place):
            kernel["argv"][0] = "python"
            name = os.path.relpath(path, venv.path)
            yield name, _file(name, (json.dumps(kernel, indent=1) + "\n").encode())


def _activation(venv: ForeignEnvironment, activation: Mapping[str, bytes]) -> Iterator[tuple[str, Member | None]]:
    for path in sorted((venv.path / "bin").iterdir()):
        if path.is_symlink() or not path.is_file():
            continue
        if _OTHER_ACTIVATION.fullmatch(path.name):
            yield path.name, None
        elif RELOCATABLE.fullmatch(path.name):
            content = activation.get(path.name)
            yield path.name, _file(f"bin/{path.name}", content) if content is not None else None


def _scripts(venv: ForeignEnvironment, scripts: RelocatedScripts) -> Iterator[tuple[str, Member]]:
    if scripts.in_two_files and not (venv.path / SCRIPTS).is_dir():
        yield SCRIPTS, Member(SCRIPTS, "d", 0o755)
    for one in scripts.scripts:
        for name, content, mode in one.files:
            yield name, _file(name, content, is_executable=bool(mode & 0o100))


def _notes(venv: ForeignEnvironment, installed: Iterable[Distribution]) -> Iterator[tuple[str, Member | None]]:
    """The installers' own notes on where a distribution came from, where they tell of this machine."""
    for one in installed:
        folder = os.path.relpath(one.site_packages / one.dist_info, venv.path)
        for name in INSTALL_RECORDS:
            yield f"{folder}/{name}", None
        url = str(one.direct_url["url"]) if one.direct_url else ""
        if not url or url.startswith("file:"):  # one that PEP 610 does not describe may hold anything
            yield f"{folder}/direct_url.json", None
        # git@ is no secret but the user whom git servers want; without it ssh takes the name of whoever installs.
        elif strip_credentials(url) not in (url, url.replace("ssh://git@", "ssh://", 1)):
            content = json.dumps({**(one.direct_url or {}), "url": strip_credentials(url)}, sort_keys=True).encode()
            yield f"{folder}/direct_url.json", _file(f"{folder}/direct_url.json", content)


def _records(
    venv: ForeignEnvironment,
    installed: Sequence[Distribution],
    changed: Mapping[str, Member | None],
    scripts: RelocatedScripts,
) -> Iterator[tuple[str, Member | None]]:
    """Each RECORD, true for what the archive holds: no bytecode, and the scripts as they are there."""
    # Once for each folder, not for each distribution: that took 5 s of 300 packages.
    from_packages = {
        folder: {os.path.relpath(venv.path / name, folder): member for name, member in changed.items()}
        for folder in venv.packages
    }
    # of those that two claim, each goes on promising what it brought; else RECORD says what is there
    claims = Counter(one.path_of(row) for one in installed for row in one.record or () if row.path.startswith(".."))
    launchers = {
        path: path.read_bytes() for path in (venv.path / one.launcher for one in scripts.scripts) if claims[path] > 1
    }
    for one in installed:
        record = one.site_packages / one.dist_info / "RECORD"
        if one.record is None or record.is_symlink():
            continue
        relative = from_packages[one.site_packages]
        written = {name: member.content for name, member in relative.items() if member and member.content is not None}
        gone = {name for name, member in relative.items() if member is None}
        bytecode = {os.path.normpath(row.path) for row in one.record if _is_no_member(one, row)}
        beside = scripts.beside(os.path.relpath(one.site_packages, venv.path)) if not scripts.problems else None
        replaced = {os.path.relpath(path, one.site_packages): content for path, content in launchers.items()}
        text = corrected(record.read_text("utf-8", "surrogateescape"), written, gone | bytecode, beside, replaced)
        if text is not None:
            name = os.path.relpath(record, venv.path)
            yield name, _file(name, text.encode("utf-8", "surrogateescape"))


def _is_no_member(one: Distribution, row: RecordRow) -> bool:
    """Whether it is bytecode that the archive does not hold."""
    # virtualenv writes rows for some that never was.
    return "__pycache__" in row.path.split("/") or (row.path.endswith(".pyc") and not one.path_of(row).exists())


def _shared(venv: ForeignEnvironment) -> Iterator[Problem]:
    if venv.configuration.get("include-system-site-packages", "").lower() == "true":
        yield _immovable(
            "the environment uses the packages of the Python it was made with (include-system-site-packages = true)",
            "pyvenv.cfg",
            "make it without --system-site-packages, and install in it what it needs",
        )


def _editables(installed: Iterable[Distribution]) -> Iterator[Problem]:
    for one in installed:
        if _is_editable(one):
            url = strip_credentials(str((one.direct_url or {}).get("url")))
            yield _immovable(f"{one.label} is an editable install of {url}", one.dist_info, _FIX_EDITABLE)


def _is_editable(one: Distribution) -> bool:
    folder = one.direct_url.get("dir_info") if one.direct_url else None
    return isinstance(folder, dict) and folder.get("editable") is True


def _paths_outside(venv: ForeignEnvironment, installed: Iterable[Distribution]) -> Iterator[Problem]:
    """What in site-packages leads Python elsewhere; what belongs to an editable install is told with that."""
    # An editable install is one problem, not one for each file of it.
    told = {one.path_of(row) for one in installed if _is_editable(one) for row in one.record or ()}
    for path in sorted(path for folder in venv.packages for path in folder.iterdir()):
        if path in told:
            continue
        name = os.path.relpath(path, venv.path)
        if path.suffix == ".egg-link" or re.fullmatch(r"__editable__.*\.(?:pth|start)", path.name):
            yield _immovable(f"{path.name} is of an editable install", name, _FIX_EDITABLE)
        elif path.suffix == ".pth" and path.is_file():
            yield from _lines_outside(venv, path, name)


def _lines_outside(venv: ForeignEnvironment, path: Path, name: str) -> Iterator[Problem]:
    """As `site` reads a .pth file: comments and `import` lines are no paths. A .start file has none (PEP 829)."""
    text = path.read_bytes().decode("utf-8-sig", "surrogateescape")
    for number, line in enumerate(text.splitlines(), 1):
        place = line.strip()
        if not place or line.startswith(("#", "import ", "import\t")):
            continue
        joined = os.path.normpath(path.parent / place)
        # An absolute path that stays inside is found by the gate, like any other.
        if venv.inside(joined) is None:
            fix = "install what is there as a wheel, and remove the line"
            yield replace(_immovable(f"{place} is outside of the environment", f"{name}:{number}", fix), line=number)


def _immovable(what: str, where: str, fix: str) -> Problem:
    return Problem(what, where, "it would not be there where the archive is unpacked", fix, rule="CANNOT_MOVE")
