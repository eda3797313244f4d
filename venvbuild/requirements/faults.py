"""What a line that is no pin probably is, in words that help: what, why, and the line to write instead.

`other_than_a_requirement` knows the lines that are no PEP 508 requirement at all, `unreadable` guesses at those that
the parser refused. Neither shows more of an option or a URL than its kind: a secret there need not look like one.
"""

from __future__ import annotations

import re
import shlex
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass

from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from venvbuild.text import shown

VERSION_WANTED = "<version>"
"""Stands in a fix for the version that the index may know."""
COMPILE = "<compile>"
"""Stands in a fix for the command that pins for the target; what follows it are its files."""
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


def with_command(fix: str, name: str, environment: Mapping[str, str]) -> str:
    """`fix` with the command that pins, for the target's Python, and the file `name` as a shell reads it."""
    # Compiled for another Python, the pins would be wrong.
    command = f"venvbuild compile --python {environment['python_version']}"
    return fix.replace(COMPILE, command).replace(FILE_WANTED, shlex.quote(name))


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


def other_than_a_requirement(text: str) -> Fault | None:
    """What `text` is when it is an option, a URL, a path, or comes from another kind of file; None otherwise."""
    # the narrow kinds first: a command of pip holds options, a path or a URL may hold a variable
    for judge in (_non_ascii, _pasted, _option, _location, _variable):
        fault = judge(text)
        if fault:
            return fault
    return None


def _non_ascii(text: str) -> Fault | None:
    if text.isascii():
        return None
    index = next(index for index, character in enumerate(text) if not character.isascii())
    character, head = text[index], text[:index]
    spoken = f"U+{ord(character):04X} {unicodedata.name(character, '')}".rstrip()
    what, fix = f"{shown(text)} has {spoken} at column {index + 1}", "type it again in ASCII"
    category = unicodedata.category(character)
    # before `;` and `=` a strange letter is in the name, where it passes for another package; elsewhere it is a slip
    if ";" in head or category in ("Sm", "So", "Pi", "Pf"):
        return Fault("SYNTAX", what, "requirements are written in ASCII (PEP 508)", fix)
    if "=" in head:
        return Fault("BAD_VERSION", what, "versions are written in ASCII (PEP 440)", fix)
    return Fault("NON_ASCII_NAME", what, "it looks like another name, or like nothing, and is neither", fix)


_MERGE_MARK = re.compile(r"(?:<{7}|={7}|>{7}|\|{7})(?:\s.*)?")
_MARKUP = re.compile(r"(?i)<(?:!doctype|!--|html|head|body|\?xml)\b")
_TOML_PAIR = re.compile(rf"({NAME}|\"[^\"]*\"|'[^']*')\s*=\s*[\"'\[{{](.*)")
# Possessive (`*+`, `++`) here and below: a line has up to 64 KiB, and of neighbours that both take blanks every split
# would be tried.
_YAML_ITEM = re.compile(r"-\s++[\"']?([^\"']*)[\"']?")
_QUOTED = re.compile(r"([\"'])(?P<inner>.*)\1\s*(?P<comma>,?)")
_COMMAND = re.compile(
    r"(?i)(?:[$>]\s*|!|%)?(?:sudo\s+)?(?:python[\d.]*\s+-m\s+)?(?:pip[\d.]*|conda|mamba|uv|poetry)\s+[a-z]\w*\s.*"
)


def is_merge_mark(text: str) -> bool:
    """Whether git left this line in the middle of a merge."""
    return _MERGE_MARK.fullmatch(text) is not None


def is_other_document(text: str) -> bool:
    """Whether a file whose first line is `text` is no requirements file at all: HTML, XML or JSON."""
    return _MARKUP.match(text) is not None or re.fullmatch(r"\{|\[|\{\s*\".*|\[\s*[\"{].*", text) is not None


def _pasted(text: str) -> Fault | None:
    if is_merge_mark(text):
        return Fault(
            "SYNTAX",
            f"{shown(text)} is a mark of an unfinished merge",
            "git left both sides in the file",
            "keep the lines of one side and delete the marks",
        )
    if _MARKUP.match(text):
        return Fault(
            "SYNTAX",
            f"{shown(text)} begins an HTML or XML page",
            "often the error page of a proxy or a login page",
            "fetch the file again and look at it",
        )
    if text[0] == "{":
        return Fault(
            "SYNTAX",
            f"{shown(text)} is JSON or a template",
            "a requirements file has one requirement a line",
            "write name==version",
        )
    if text[0] == "[":
        return Fault(
            "SYNTAX",
            f"{shown(text)} is from a TOML or JSON file",
            "a requirements file has no sections or lists",
            f"compile it: {COMPILE} -o requirements.txt pyproject.toml",
        )
    pair = _TOML_PAIR.fullmatch(text)
    if pair:
        return Fault(
            "SYNTAX",
            f"{shown(text)} is a TOML setting",
            "this is not a pyproject.toml or Pipfile",
            f"write name==version, or: {COMPILE} -o requirements.txt pyproject.toml",
        )
    if text[0] in "\"'":
        return _in_quotes(text)
    if _COMMAND.fullmatch(text):
        return Fault(
            "SYNTAX",
            f"{shown(text)} is a command",
            "a requirements file has one requirement a line, no commands",
            "write name==version",
        )
    return None


def _in_quotes(text: str) -> Fault:
    quoted = _QUOTED.fullmatch(text)
    source = "an item of a TOML or Python list" if quoted and quoted["comma"] else "quoted"
    inner = quoted["inner"] if quoted else text.strip("\"', ")
    return Fault(
        "SYNTAX", f"{shown(text)} is {source}", "quotes do not belong to a requirement", f"write {shown(inner)}"
    )


_OPTION = re.compile(r"--?[A-Za-z][\w-]*|--?")
_NESTED = ("-r", "-c", "--requirement", "--requirements", "--constraint", "--constraints")


def _option(text: str) -> Fault | None:
    if text[0] != "-":
        return None
    item = _YAML_ITEM.fullmatch(text)
    if item:
        return Fault(
            "SYNTAX",
            f"{shown(text)} is an item of a YAML list",
            "a requirements file has no dashes",
            f"write {shown(item[1])}",
        )
    found = _OPTION.match(text)
    option = found[0] if found else "-"
    if not option.startswith("--"):
        option = option[:2]  # `-rother.txt`
    if option in _NESTED:
        return Fault(
            "NESTED_FILE",
            f"{option} names another file",
            "a build is made from one file, and keeps it",
            f"pin all into one file: {COMPILE} -o pinned.txt {FILE_WANTED}, and build with -r pinned.txt",
        )
    if option in ("-e", "--editable"):
        return Fault(
            "EDITABLE",
            f"{option} installs from a folder or a repository",
            "an editable install works only where that folder is",
            "publish the package and pin it: name==version",
        )
    if option == "--hash":
        return Fault(
            "OPTION",
            "--hash stands on a line of its own",
            "a hash belongs to the requirement before it",
            "end the line above with a backslash",
        )
    return option_fault(option)


def option_fault(option: str) -> Fault:
    """The fault of any pip option in the file, told by its name alone: its value may hold a secret."""
    return Fault(
        "OPTION",
        f"the option {shown(option, 40)} stands in the file",
        "a requirements file says what to install; how and from where is the job's setting",
        "remove it; an index is set with --index-url, VENVBUILD_INDEX_URL or pip's configuration",
    )


_SCHEME = re.compile(r"(?i)(?P<scheme>[a-z][a-z0-9+.-]*)://")
_NAMED = re.compile(rf"({NAME})\s*+(\[[^\]]*\])?\s*+@\s*+(.*)")
_VCS = re.compile(r"(?i)(?:git|hg|svn|bzr)\+|[\w.-]+@(?!file:)[\w.-]+:(?!//)|(?:git|ssh|svn)://")
_PATH = re.compile(r"\.{0,2}/|~|\.{1,2}$|\.{1,2}\[|[A-Za-z]:[\\/]|\.{0,2}\\|(?i:file:)")
_ARCHIVE = re.compile(r"(?i)\.(?:whl|zip|tar|tgz|tar\.(?:gz|bz2|xz|zst))(?:\[[^\]]*\])?$")


def _location(text: str) -> Fault | None:
    named = _NAMED.match(text)
    name, place = (named[1], named[3]) if named else ("", text)
    scheme = _SCHEME.match(place)
    pin = f"{name or 'name'}=={VERSION_WANTED}"
    fix = f"publish the package to the index and write {pin}"
    if _VCS.match(text) or _VCS.match(place):
        return Fault(
            "VCS",
            "the line names a version control repository",
            "a repository is no release: it can move or vanish",
            fix,
        )
    if scheme and scheme["scheme"].lower() != "file":
        # with a hash of its bytes even plain http cannot bring other ones
        insecure = scheme["scheme"].lower() == "http" and not re.search(r"#.*\b(?:sha256|sha384|sha512)=", place)
        rule, kind = ("INSECURE_URL", "plain http") if insecure else ("DIRECT_URL", scheme["scheme"].lower())
        why = "plain http can be changed on its way" if insecure else "a URL is no version: nothing can compare it"
        return Fault(rule, f"the line names a URL ({kind})", why, f"write {pin}", canonicalize_name(name))
    is_path = _PATH.match(place) or _ARCHIVE.search(place) or "/" in place
    if is_path and (named or not re.search(r"[=<>~!]=|[<>]", place)):  # `../../x==1.0` is no path that anyone has
        return Fault("LOCAL_PATH", "the line names a file or folder", "it exists on this machine only", fix)
    return None


def direct_url(name: str) -> Fault:
    """The fault of `name @ somewhere`."""
    return Fault(
        "DIRECT_URL",
        "the line names a URL",
        "a URL is no version: nothing can compare it",
        f"write {shown(name, 300)}=={VERSION_WANTED}",
        canonicalize_name(name),
    )


_VARIABLE = re.compile(r"\$\{[^}]*\}|\$[A-Za-z_]\w*")


def _variable(text: str) -> Fault | None:
    found = _VARIABLE.search(text)
    if not found:
        return None
    return Fault(
        "ENVIRONMENT_VARIABLE",
        f"{shown(text)} holds the variable {shown(found[0], 40)}",
        "pip would put the value of the job's environment there",
        "write the value itself",
    )


_HEAD = re.compile(rf"(?P<name>{NAME})\s*(?P<extras>\[[^\]]*\])?\s*(?P<rest>.*)")
_SHELL = re.compile(r"&&|\|\||[|`]|\$\(|(?<=\s)>\s|;\s*(?:rm|curl|wget|sh|bash|echo|exit|sudo)\b")


def unreadable(text: str) -> Fault:
    """The likeliest mistake in `text`, which PEP 508 does not allow."""
    echo = shown(text)
    shell = _SHELL.search(text)
    if shell:
        return Fault(
            "SYNTAX",
            f"{echo} holds shell text",
            f"'{shown(shell[0])}' is no part of a requirement",
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
    name, rest = head["name"], head["rest"]
    pin = f"write {shown(name + (head['extras'] or ''), 300)}=={VERSION_WANTED}"
    if rest.startswith("["):
        return Fault(
            "SYNTAX",
            f"{echo} has a bracket that is not closed",
            "extras stand in `[` and `]`",
            f"write {shown(name)}[extra]=={VERSION_WANTED}",
            canonicalize_name(name),
        )
    return (
        _operator_fault(echo, name, rest, pin)
        or _tail_fault(echo, rest)
        or Fault(
            "SYNTAX",
            f"{echo} is not a requirement",
            "it is not `name[extras]==version ; marker` (PEP 508)",
            pin,
            canonicalize_name(name),
        )
    )


_ONE_EQUAL = re.compile(r"=\s*([^\s=;,]+)(?:=[\w.]*)?")
_ODD_OPERATOR = re.compile(r"={4,}|=>|=<|<>|=~|=!|\^|~(?!=)|:=?|@|!(?!=)")
_WORD_VERSION = re.compile(r"\(?\s*+={2,3}\s*+([\w.!+^~*@-]+)\s*+\)?\s*+(;.*)?")


def _operator_fault(echo: str, name: str, rest: str, pin: str) -> Fault | None:
    odd = _ODD_OPERATOR.match(rest)
    if odd:
        return Fault("SYNTAX", f"{echo} has `{odd[0]}`", "it is no operator of PEP 440", pin, canonicalize_name(name))
    one = _ONE_EQUAL.match(rest)
    if one:
        return Fault(
            "SYNTAX",
            f"{echo} has a single `=`",
            "that is how conda writes it",
            f"did you mean ==? write {shown(name)}=={shown(one[1])}",
        )
    if re.fullmatch(r"\(?\s*+={2,3}\s*+\)?\s*+(;.*)?", rest):
        return Fault(
            "SYNTAX", f"{echo} has no version after `==`", "a pin is a name and a version", pin, canonicalize_name(name)
        )
    word = _WORD_VERSION.fullmatch(rest)
    if word and version_fault(word[1]):
        return bad_version(name, word[1], version_fault(word[1]))
    return None


def bad_version(name: str, version: str, why: str) -> Fault:
    """The fault of `name==version` when `version` is none."""
    return Fault(
        "BAD_VERSION",
        f"{shown(f'{name}=={version}')} has no readable version",
        why,
        f"write {shown(name, 300)}=={VERSION_WANTED}",
        canonicalize_name(name),
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
        "SYNTAX", f"{echo} has a marker we cannot use", why, 'write it like ; python_version < "3.11", or remove it'
    )
