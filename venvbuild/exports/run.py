"""A host, and nothing else: one file that unpacks the environment there, and starts a command in it."""

from __future__ import annotations

import hashlib
import shlex
from dataclasses import dataclass
from pathlib import Path

from venvbuild.exports.build import Build
from venvbuild.exports.consumer import Makes, Paste
from venvbuild.exports.rules import BUNDLE_PYTHON, Finding, Rule, Source
from venvbuild.exports.run_file import RunFile

_SH = Source("https://pubs.opengroup.org/onlinepubs/9799919799/utilities/V3_chap02.html", "2026-11-29")
_TAIL = Source("https://pubs.opengroup.org/onlinepubs/9799919799/utilities/tail.html", "2026-11-29")
_GLIBC = Source("https://peps.python.org/pep-0600/", "2026-11-29")
_LATER = "the file looks before it puts anything in its place"


def _python(build: Build, _: Path | None) -> Finding:
    if build.is_bundled:
        return Finding("met", "the interpreter is inside")
    return Finding(
        "NOT CHECKED",
        f"each host must have a Python {build.python_version} on the PATH, or be told one by --python; a build with"
        f" {BUNDLE_PYTHON} brings its own",
    )


def _own_python(build: Build, _: Path | None) -> Finding:
    if build.is_bundled:
        return Finding("met", "the interpreter is inside")
    return Finding("broken", f"it runs on a Python {build.python_version} of the host", flags=(BUNDLE_PYTHON,))


def _platform(build: Build, _: Path | None) -> Finding:
    glibc = f"glibc {build.glibc} or newer" if build.glibc else "any C library"
    return Finding(
        "NOT CHECKED", f"they must be {build.platform} and have {glibc}; the file looks before it is in place"
    )


def _libraries(build: Build, _: Path | None) -> Finding:
    names = build.archive.build["requires"].get("libraries", [])
    if not names:
        return Finding("met", "it needs none")
    return Finding("NOT CHECKED", f"they must have {', '.join(names)}; {_LATER}")


def _tools(build: Build, _: Path | None) -> Finding:
    more = "" if build.is_bundled else ", ln and mv"
    return Finding("NOT CHECKED", f"they must have sh, tail, tar, gzip{more}; with sha256sum its bytes are compared")


_RULES = (
    Rule("platform", "the hosts fit the build", _GLIBC, _platform),
    Rule("libraries", "the hosts have the libraries of the interpreter inside", _GLIBC, _libraries),
    Rule("tools", "the hosts have what unpacks it", _TAIL, _tools),
)


@dataclass(frozen=True)
class SelfExtracting:
    """A host that gets one file."""

    rules: tuple[Rule, ...]
    name: str = "run"
    takes: str = "one file that unpacks itself and starts a command: sh sales.run [--target DIR] [-- COMMAND]"
    makes: Makes = "file"

    def file_name(self, build: Build) -> str:
        """`sales.run`."""
        return f"{build.env_name}.run"

    def make(self, build: Build, place: Path) -> str:
        """The script, and behind it the archive as it is."""
        head = RunFile(build.archive.build).head()
        whole = hashlib.sha256(head)
        with place.open("xb") as raw:
            raw.write(head)
            build.archive.copy_to(raw, whole)
        place.chmod(0o755)
        return whole.hexdigest()

    def settings(self, build: Build, made: Path | None) -> tuple[Paste, ...]:
        """How it is started."""
        name = shlex.quote(f"./{(made or Path(self.file_name(build))).name}")
        return (Paste("a host, in the folder of the file", f"sh {name} -- python -c 'import sys; print(sys.prefix)'"),)


RUN = SelfExtracting((Rule("python", "the hosts have a Python X.Y, or it is inside", _SH, _python), *_RULES))
RUN_WITH_PYTHON = SelfExtracting(
    (Rule("python", "the interpreter is inside", _SH, _own_python), *_RULES),
    takes="the same, only of a build that brings its Python",
)
"""For hosts that have no Python."""
