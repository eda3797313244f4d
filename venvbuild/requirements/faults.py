"""Why a line that was meant as a requirement is refused: what, why, and the line to write instead.

Lines that are something else have modules of their own: `options`, `locations`, `foreign_lines`.
"""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass, replace

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from venvbuild.text import shown

VERSION_WANTED = "<version>"
"""Stands in a fix for the version that the index may know."""

COMPILE = "venvbuild compile"
"""Begins a command in a fix; the target's Python is put in, for compiled for another the pins would be wrong."""
FILE_WANTED = "<file>"
"""Stands in a fix for the file that the fault is in."""

MAX_VERSION_LENGTH = 255  # far below the 4,300 digits at which Python's int() gives up
_UV_MAX_NUMBER = 2**64 - 2  # uv keeps each number of a version in 64 bits and refuses more

NAME = r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?"


@dataclass(frozen=True)
class Fault:
    """Why one line is refused; a `Problem` without its place."""

    rule: str
    what: str
    why: str
    fix: str
    name: str = ""
    """The package whose newest version would make `fix` complete, in PEP 503 form; empty when none is wanted."""
    specifier: str = ""
    """What the line asks of `name`, as PEP 440 has it; empty for anything."""


def with_command(fix: str, name: str, python: str) -> str:
    """`fix` with the command that pins, for the target's Python (`3.11`), and the file `name` as a shell reads it."""
    return fix.replace(COMPILE, f"{COMPILE} --python {python}").replace(FILE_WANTED, shlex.quote(name))


def version_fault(text: str) -> str:
    """Why `text` is not a version that pip and uv read alike; empty when it is one. Source: PEP 440."""
    if len(text) > MAX_VERSION_LENGTH:
        return f"it has {len(text)} characters"
    if text.lower() in ("latest", "newest", "stable", "any"):
        return "a pin needs the number; what is newest changes"
    try:
        version = Version(text)
    except InvalidVersion:
        return "it is not a version (PEP 440)"
    # each is a number of its own to uv, the epoch and that of `rc1` too
    numbers = [version.epoch, *version.release, version.post or 0, version.dev or 0, (version.pre or ("", 0))[1]]
    return "one of its numbers does not fit in 64 bits, which uv needs" if max(numbers) > _UV_MAX_NUMBER else ""


def unpinned(name: str, extras: str = "", specifier: str = "", rule: str = "UNPINNED") -> Fault:
    """The fault of `name[extras]specifier`, which leaves the version open."""
    written = shown(f"{name}{extras}{specifier}")
    why = "`==` with `.*` is a range" if rule == "WILDCARD_PIN" else "a build must give the same versions every day"
    return Fault(
        rule,
        f"{written} is not pinned",
        why,
        f"write {shown(name + extras, 300)}=={VERSION_WANTED}",
        canonicalize_name(name),
        specifier,
    )


_HEAD = re.compile(rf"(?P<name>{NAME})\s*(?P<extras>\[[^\]]*\])?\s*(?P<rest>.*)")
_SHELL = re.compile(r"(?P<mark>&&|\|\||[|`]|\$\(|;\s*(?:rm|curl|wget|sh|bash|echo|exit|sudo)\b)")
_REDIRECTION = re.compile(r"[^;]*\s(?P<mark>>>?)\s")  # behind a semicolon it compares


def unreadable(text: str) -> Fault:
    """The likeliest mistake in `text`, which PEP 508 does not allow."""
    echo = shown(text)
    shell = _SHELL.search(text) or _REDIRECTION.match(text)
    if shell:
        return Fault(
            "SYNTAX",
            f"{echo} holds shell text",
            f"'{shown(shell['mark'])}' is no part of a requirement",
            "write name==version and nothing else",
        )
    head = _HEAD.match(text)
    if not head:
        return Fault(
            "SYNTAX",
            f"{echo} does not begin with a package name",
            "names are letters, digits, `-`, `_`, `.`, with a letter or digit at both ends (PEP 508)",
            "write name==version",
        )
    name, rest = head["name"] + (head["extras"] or ""), head["rest"]
    return (
        _operator_fault(echo, name, rest)
        or _tail_fault(echo, rest)
        or _with_pin(Fault("SYNTAX", f"{echo} is not a requirement", _FORM, ""), name, "", rest)
    )


_FORM = "it is not `name[extras]==version ; marker` (PEP 508)"
_ODD_OPERATOR = re.compile(r"={4,}|=>|=<|<>|=~|=!|\^|~(?!=)|:=?|@|!(?!=)")
_VERSION_BEHIND = re.compile(r"\s*+\(?\s*+([^\s=;,()]+)")
_SERIES = re.compile(r"(\d{1,9}(?:\.\d{1,9}){0,3})\.[xX]")  # `1.0.x`, of which a release is wanted
_WORD_VERSION = re.compile(r"\(?\s*+={2,3}\s*+([\w.!+^~*@-]+)\s*+\)?\s*+(;.*)?")


def _operator_fault(echo: str, name: str, rest: str) -> Fault | None:
    odd = _ODD_OPERATOR.match(rest)
    if odd:
        fault = Fault("SYNTAX", f"{echo} has `{odd[0]}`", "it is no operator of PEP 440", "")
        return _with_pin(fault, name, odd[0], rest[odd.end() :])
    if rest.startswith("["):
        fault = Fault("SYNTAX", f"{echo} has a bracket that is not closed", "extras stand in `[` and `]`", "")
        version = rest.partition("==")[2]
        return _with_pin(fault, f"{name}[extra]", "", version)
    if re.match(r"=(?!=)", rest):
        fault = Fault("SYNTAX", f"{echo} has a single `=`", "that is how conda writes it", "")
        meant = _with_pin(fault, name, "=", rest[1:])
        return replace(meant, fix=f"did you mean ==? {meant.fix}") if "name==" not in meant.fix else meant
    if re.fullmatch(r"\(?\s*+={2,3}\s*+\)?\s*+(;.*)?", rest):
        bare = canonicalize_name(name.partition("[")[0])
        fix = f"write {shown(name, 300)}=={VERSION_WANTED}"
        return Fault("SYNTAX", f"{echo} has no version after `==`", "a pin is a name and a version", fix, bare)
    word = _WORD_VERSION.fullmatch(rest)
    if word and version_fault(word[1]):
        return bad_version(name, word[1], version_fault(word[1]))
    return None


def _with_pin(fault: Fault, name: str, operator: str, behind: str) -> Fault:
    """The fault with the pin that was meant: of the version behind the operator, or of one that the operator admits.

    What has no version was perhaps never meant as a package: then no name of one is repeated.
    """
    found = _VERSION_BEHIND.match(behind)
    text = found[1] if found else ""
    specifier = _specifier(operator, text)
    if specifier:
        bare = canonicalize_name(name.partition("[")[0])
        return replace(fault, fix=f"write {shown(name, 300)}=={VERSION_WANTED}", name=bare, specifier=specifier)
    if not text or version_fault(text):
        return replace(fault, fix="write name==version")
    return replace(fault, fix=f"write {shown(name, 300)}=={Version(text)}")


def _specifier(operator: str, text: str) -> str:
    """What `^1.2` and others like it admit, as PEP 440 has it; empty when the version itself was meant, or none."""
    if operator == "=" and text.endswith(".*"):
        return f"=={text}" if _is_specifier(f"=={text}") else ""
    if version_fault(text):
        return ""
    release = Version(text).release
    major, minor = release[0], (*release, 0)[1]
    specifier = {
        "^": f">={text},<{major + 1}" if major else f">={text},<0.{minor + 1}",
        "~": f"=={major}.{minor}.*" if len(release) > 1 else f"=={major}.*",
        "=~": f"~={text}" if len(release) > 1 else f">={text}",
        "=>": f">={text}",
        "=<": f"<={text}",
        "<>": f"!={text}",
        "=!": f"!={text}",
    }.get(operator, "")
    return specifier if _is_specifier(specifier) else ""


def _is_specifier(text: str) -> bool:
    try:
        SpecifierSet(text)
    except InvalidSpecifier:
        return False
    return True


def bad_version(name: str, version: str, why: str) -> Fault:
    """The fault of `name==version` when `version` is none."""
    series, bare = _SERIES.fullmatch(version), version.lstrip("=")
    if bare != version and not version_fault(bare):  # `====1.0`, of which `===` is an operator
        return Fault("BAD_VERSION", f"{shown(f'{name}=={version}')} has too many `=`", why, f"write {name}=={bare}")
    return Fault(
        "BAD_VERSION",
        f"{shown(f'{name}=={version}')} has no readable version",
        why,
        f"write {shown(name, 300)}=={VERSION_WANTED}",
        canonicalize_name(name.partition("[")[0]),
        f"=={series[1]}.*" if series else "",
    )


def _tail_fault(echo: str, rest: str) -> Fault | None:
    """Something good followed by something that does not belong there."""
    if re.search(r"[^\s]#", rest):
        return Fault(
            "SYNTAX",
            f"{echo} has a `#` that begins no comment",
            "a comment needs a blank before its `#`",
            "put a blank before the `#`",
        )
    if "\\" in rest:
        return Fault(
            "SYNTAX",
            f"{echo} has a backslash inside",
            "only the last character of a line joins the next",
            "remove the blanks after the backslash, or the backslash",
        )
    if re.search(rf"==\s*+[\w.!+*]++(?:\s*+,\s*+|\s++){NAME}\s*+(?:\[[^\]]*\]\s*+)?[=<>~!]=", rest):
        return Fault(
            "SYNTAX",
            f"{echo} holds two requirements",
            "a requirements file has one requirement a line",
            "put each on a line of its own",
        )
    if ";" in rest:
        return marker_fault(echo, "what follows `;` is not an environment marker (PEP 508)")
    return None


def marker_fault(echo: str, why: str) -> Fault:
    """The fault of a marker; `echo` is the line, ready to be shown."""
    return Fault(
        "SYNTAX",
        f"{echo} has a marker we cannot use",
        why,
        'write it like ; python_version < "3.11", or remove the marker',
    )
