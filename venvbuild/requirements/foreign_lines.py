"""Lines that got into the file from somewhere else: from a terminal, a merge, a page, a file of another kind."""

from __future__ import annotations

import re
import unicodedata

from venvbuild.requirements.faults import NAME, Fault
from venvbuild.text import shown


def foreign_line(text: str) -> Fault | None:
    """What `text` is when it was never meant as a requirement of this file; None when it may be one."""
    # a command holds options, a path or a URL
    for judge in (_non_ascii, _pasted, _yaml_item):
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
_CONDA_PIN = re.compile(rf"(?P<name>{NAME})\s*={{1,2}}\s*(?P<version>[0-9][\w.!+]*)(?:=\w+)?")
_QUOTED = re.compile(r"([\"'])(?P<inner>.*)\1\s*(?P<comma>,?)")
_PIN = re.compile(rf"{NAME}(?:\[[\w.,-]*\])?==[\w.!+]+", re.ASCII)
_COMMAND = re.compile(
    r"(?i)(?:[$>]\s*|!|%)?(?:sudo\s+)?(?:python[\d.]*\s+-m\s+)?(?:pip[\d.]*|conda|mamba|uv|poetry)\s+[a-z]\w*\s.*"
)


def is_merge_mark(text: str) -> bool:
    """Whether git left this line in the middle of a merge."""
    return _MERGE_MARK.fullmatch(text) is not None


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
            "remove it, or give the requirements file",
        )
    pair = _TOML_PAIR.fullmatch(text)
    if pair:
        return Fault(
            "SYNTAX",
            f"{shown(text)} is a TOML setting",
            "this is not a pyproject.toml or Pipfile",
            "write name==version, or: venvbuild compile pyproject.toml -o requirements.txt",
        )
    if text[0] in "\"'":
        return _in_quotes(text)
    return _command(text)


def _command(text: str) -> Fault | None:
    if not _COMMAND.fullmatch(text):
        return None
    pins = [word for word in text.split() if _PIN.fullmatch(word)]
    return Fault(
        "SYNTAX",
        f"{shown(text)} is a command",
        "a requirements file has one requirement a line, no commands",
        f"write {shown(pins[0])}" if len(pins) == 1 else "write name==version",
    )


def _in_quotes(text: str) -> Fault:
    quoted = _QUOTED.fullmatch(text)
    source = "an item of a TOML or Python list" if quoted and quoted["comma"] else "quoted"
    inner = quoted["inner"] if quoted else text.strip("\"', ")
    return Fault(
        "SYNTAX", f"{shown(text)} is {source}", "quotes do not belong to a requirement", f"write {shown(inner)}"
    )


def _yaml_item(text: str) -> Fault | None:
    item = _YAML_ITEM.fullmatch(text)
    if not item:
        return None
    pin = _CONDA_PIN.fullmatch(item[1])
    return Fault(
        "SYNTAX",
        f"{shown(text)} is an item of a YAML list",
        "a requirements file has no dashes",
        f"write {shown(pin['name'])}=={shown(pin['version'])}" if pin else "write name==version",
    )


_VARIABLE = re.compile(r"\$\{[^}]*\}|\$[A-Za-z_]\w*")


def variable(text: str) -> Fault | None:
    """The fault of a line in which pip would put a variable of the environment; None when it would not."""
    found = _VARIABLE.search(text)
    if not found:
        return None
    return Fault(
        "ENVIRONMENT_VARIABLE",
        f"{shown(text)} holds the variable {shown(found[0], 40)}",
        "pip would put the value of the job's environment there",
        "write the value itself",
    )
