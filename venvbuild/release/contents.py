"""What the files of a release hold that must not be in them: tests, local configuration, secrets."""

from __future__ import annotations

import fnmatch
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

from venvbuild.errors import Problem
from venvbuild.redaction import REDACTOR
from venvbuild.release.manifest import BuiltFile
from venvbuild.text import shown

_MAX_TEXT_BYTES = 4 << 20
"""Of a member that is read for secrets: no source is longer."""
_NEVER = ("__pycache__", "*.pyc", ".git", ".hg", ".svn")
_LOCAL = (
    ".env*",
    ".pypirc",
    ".netrc",
    "_netrc",
    "pip.conf",
    ".git-credentials",
    ".aws",
    ".ssh",
    "id_rsa",
    "id_ed25519",
    ".venv",
    "pyvenv.cfg",
    ".idea",
    ".vscode",
)
_EXAMPLES = (".env.example", ".env.sample", ".env.template", ".env.dist")
"""What only shows which variables there are."""
_CONFIGURATION = (".toml", ".cfg", ".ini", ".conf", ".yml", ".yaml", ".json", ".properties")
_TESTS = ("tests", "test")
_FIX = "keep it out: the backend's settings in pyproject.toml tell what goes into the files"


def findings(dist: Path, file: BuiltFile) -> Iterator[Problem]:
    """What is wrong with the members of a file, one problem each.

    Raises:
        OSError, zipfile.BadZipFile, tarfile.TarError: it cannot be read.
    """
    for name, content in _members(dist / file.filename, file):
        where = f"{file.filename}: {shown(name, 200)}"
        if what := _forbidden(name, file):
            yield Problem(f"{what} is in the {file.kind}", where, fix=_FIX, rule="CONTENTS")
            continue
        if line := _line_with_secret(name, content):
            yield Problem(
                f"what looks like a secret is in the {file.kind}",
                f"{where}:{line}",
                "everybody who installs the package can read it; it is not shown here",
                "take it out, and change that secret; of an example, write <password> instead",
                "SECRET",
            )


def _members(path: Path, file: BuiltFile) -> Iterator[tuple[str, bytes]]:
    """(name, content) of each file in it; of an sdist without the folder that all are in."""
    if file.kind == "wheel":
        with zipfile.ZipFile(path) as wheel:
            for entry in wheel.infolist():
                if not entry.is_dir():
                    with wheel.open(entry) as member:
                        yield entry.filename, member.read(_MAX_TEXT_BYTES)
        return
    with tarfile.open(path, "r:gz") as sdist:
        for one in sdist:
            opened = sdist.extractfile(one) if one.isreg() else None
            if opened:
                yield one.name.partition("/")[2], opened.read(_MAX_TEXT_BYTES)


def _forbidden(name: str, file: BuiltFile) -> str:
    """What a member is that must not be there, in words; empty: it may."""
    parts = [part for part in name.split("/") if part]
    if file.kind == "wheel" and len(parts) > 1 and parts[0] in _TESTS:
        return f"the folder {parts[0]}/ of tests"
    for part in parts:
        if file.kind == "sdist" and part in _EXAMPLES:
            continue
        if any(fnmatch.fnmatchcase(part, pattern) for pattern in (*_NEVER, *_LOCAL)):
            return shown(part)
    return ""


def _line_with_secret(name: str, content: bytes) -> int:
    """The number of the first line with one, from 1; 0: none. What is no text has no lines."""
    # Hashes of a RECORD look like tokens.
    if b"\0" in content or name.endswith(".dist-info/RECORD"):
        return 0
    text = content.decode("utf-8", "replace")
    if (begin := REDACTOR.first_marked(text)) >= 0:
        return text.count("\n", 0, begin) + 1
    # Of configuration a value is what it says; in sources `password=token` is a word.
    if not name.endswith(_CONFIGURATION) or not REDACTOR.may_find_in_a_line_of(text):
        return 0
    return next((number for number, line in enumerate(text.split("\n"), 1) if REDACTOR.finds(line)), 0)
