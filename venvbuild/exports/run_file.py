"""The head of a self-extracting file: a script for sh, behind which an archive follows as it is.

The script is run.sh with the facts of one environment put in. It knows the sum of its own lines and of the archive.
"""

from __future__ import annotations

import hashlib
import re
import shlex
from collections.abc import Iterable, Mapping
from importlib import resources

from venvbuild.archive import ROOT
from venvbuild.builds import Metadata
from venvbuild.errors import IntegrityError

_PLAIN = re.compile(r"[A-Za-z0-9._+/-]*")
_PLACEHOLDER = re.compile(r"@([A-Z0-9_]+)@")
# Each variable and function of the template begins with `_`; whoever starts the file may have any name but ours.
_OWN_NAME = re.compile(r"(?<!\w)_(?=[a-z])")
_PREFIX = "_venvbuild_"
_SUM_LINE = f"    {_PREFIX}sum=".encode()


class RunFile:
    """What a self-extracting file has to know of the archive in it."""

    def __init__(self, build: Metadata) -> None:
        """Of this build, whose archive it is."""
        self._build = build

    def head(self) -> bytes:
        """The script; the archive begins with the byte behind it. The same for the same facts.

        Raises:
            IntegrityError: a fact is none that could stand there, as of metadata that an enemy wrote.
        """
        facts = self._facts()
        for value in facts.values():
            if not all(map(_PLAIN.fullmatch, value.split(" "))):
                raise IntegrityError(
                    f"{value!r} cannot stand in a script",
                    where=self._build["venv_version"],
                    fix="build the environment again",
                )
        template = _OWN_NAME.sub(_PREFIX, resources.files("venvbuild.exports").joinpath("run.sh").read_text("utf-8"))
        head, begin = b"", 0
        while begin != len(head) + 1:  # the number of its own bytes is in it
            begin = len(head) + 1
            head = _filled(template, {**facts, "BEGIN": str(begin), "LINES": str(template.count("\n"))})
        return head

    def _facts(self) -> Mapping[str, str]:
        build, needs = self._build, self._build["requires"]
        libraries, abi = needs.get("libraries"), needs["abi"] or ""
        # `none` runs on any Python of this X.Y, and an interpreter inside is the one it was made with.
        has_abi = libraries is None and re.fullmatch(r"cp[0-9]+[a-z]*|abi3t?", abi)
        root = build.get("archive_root", ROOT)
        return {
            "NAME": build["env_name"],
            "VERSION": build["venv_version"],
            "PYTHON": build["python_version"],
            "PLATFORM": build["platform"],
            "ABI": abi if has_abi else "",
            "GLIBC": needs["glibc"] or "",
            "LIBRARIES": " ".join(libraries or ()),
            "OWN_PYTHON": "" if libraries is None else "yes",
            "INSIDE": f"/{root}" if root else "",
            "ARCHIVE_SHA256": build["archive_sha256"],
        }


def _filled(template: str, facts: Mapping[str, str]) -> bytes:
    """With the facts as words of sh, and the sum of all lines but its own."""

    def word(found: re.Match[str]) -> str:
        return found[0] if found[1] == "SCRIPT_SHA256" else shlex.quote(facts[found[1]])

    text = _PLACEHOLDER.sub(word, template).encode()
    return text.replace(b"@SCRIPT_SHA256@", _sum(text.splitlines(keepends=True)).encode())


def _sum(lines: Iterable[bytes]) -> str:
    return hashlib.sha256(b"".join(line for line in lines if not line.startswith(_SUM_LINE))).hexdigest()
