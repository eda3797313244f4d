"""Files of other tools that were given as requirements: which tool's, and the command that makes requirements of them.

A file is known by what it says, not by its name. Source: the formats as poetry 1 and 2, uv, pipenv, pdm, conda and pip
write them; the command of each was run once, and what it writes is accepted.
"""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Callable
from dataclasses import dataclass

from venvbuild.requirements.faults import Fault

_ENOUGH = 1 << 18
"""Characters that are looked at: every kind shows itself at its beginning."""
_FREEZE = "pip list --format=freeze > requirements.txt"
_ONE_LINE = "a requirements file has one requirement a line"


@dataclass(frozen=True)
class _Kind:
    """A kind of file."""

    what: str
    """`the file is ...`."""
    marks: tuple[str, ...]
    """Patterns; a file of this kind has all of them."""
    fix: Callable[[str, str], str]
    """From the file's name and text to what to do."""
    why: str = _ONE_LINE


def recognised(text: str, name: str) -> Fault | None:
    """The fault of the file as a whole when it is another tool's; None when it may be a requirements file.

    `name` is the file as messages show it.
    """
    head = text[:_ENOUGH]
    for kind in _KINDS:
        if all(re.search(mark, head, re.MULTILINE) for mark in kind.marks):
            return Fault("SYNTAX", f"the file is {kind.what}", kind.why, kind.fix(name, head))
    return None


def is_pylock_name(name: str) -> bool:
    """Whether a file of this name is a pylock.toml. Source: PEP 751, "File Name"."""
    return _PYLOCK_NAME.fullmatch(name) is not None


def is_pylock(text: str) -> bool:
    """Whether it says that it is one, whatever it is called."""
    return all(re.search(mark, text[:_ENOUGH], re.MULTILINE) for mark in _PYLOCK_MARKS)


def without_project(text: str, output: str = "requirements.txt") -> str:
    """What leaves the project itself out of an export, when `text` is one of a tool that can; else empty."""
    found = _UV_EXPORT.search(text[:_ENOUGH])
    if found:
        command = re.sub(r"\s+(?:-o|--output-file)[= ]\S+", "", found[1]).strip()
        flag = "--no-emit-local" if _OTHER_PROJECT.search(text) else "--no-emit-project"
        return f"export again without the project: {command} {flag} -o {output}"
    return ""


_UV_EXPORT = re.compile(r"(?m)^#[ \t]+(uv export(?: [\w./=@+-]+)*)[ \t]*$")
_OTHER_PROJECT = re.compile(
    r"(?m)^(?:-e[ \t]+)?(?:\.\.?/|/|file:)|^directory[ \t]*=[ \t]*\{[ \t]*path[ \t]*=[ \t]*\"(?!\.\")"
)
_PYLOCK_NAME = re.compile(r"pylock(?:\.[^.]+)?\.toml")
_PYLOCK_MARKS = (r"^lock-version = ", r"^\[\[packages\]\]|^packages = ")
_POETRY = "poetry export -o requirements.txt (poetry self add poetry-plugin-export, once)"
_ENV_NAME = re.compile(r"(?m)^name:[ \t]*([A-Za-z0-9_][A-Za-z0-9_.-]{0,63})[ \t]*$")


def _always(fix: str) -> Callable[[str, str], str]:
    return lambda _name, _text: fix


def _conda(name: str, text: str) -> str:
    found = _ENV_NAME.search(text)
    environment = found[1] if found else "ENV"
    return (
        f"conda env create -n {environment} -f {shlex.quote(name)}, then: "
        f"conda run -n {environment} {_FREEZE}; pip knows only the Python packages among them"
    )


def _conda_freeze(_name: str, text: str) -> str:
    if not re.search(r"(?m)^-e ", text):
        return f"in that environment: {_FREEZE}"
    return (
        "in that environment: pip list --format=freeze --exclude-editable > requirements.txt; "
        "what is installed with -e comes as a wheel, by --find-links"
    )


def _pyproject(name: str, text: str) -> str:
    if re.search(r"(?m)^\[tool\.poetry\.", text) and not re.search(r"(?m)^\[project\]", text):
        return f"in its folder: poetry lock, then: {_POETRY}"
    if not name.endswith(".toml"):  # what it is compiled as goes by its name
        return "name it pyproject.toml, and pin what it asks for: venvbuild compile pyproject.toml -o requirements.txt"
    return f"pin what it asks for: venvbuild compile {shlex.quote(name)} -o requirements.txt"


def _pylock(name: str, _text: str) -> str:
    if is_pylock_name(os.path.basename(name)):
        return f"name it itself: venvbuild build -r {shlex.quote(name)}"
    return "name it pylock.toml or pylock.NAME.toml, and then: venvbuild build -r pylock.toml"


def _setup_cfg(name: str, text: str) -> str:
    if not name.endswith(".cfg"):  # what it is compiled as goes by its name
        return _SETUP(name, text)
    return f"pin what it asks for: venvbuild compile {shlex.quote(name)} -o requirements.txt"


_SETUP = _always("put its install_requires into requirements.in: venvbuild compile requirements.in -o requirements.txt")

_KINDS: tuple[_Kind, ...] = (
    _Kind(
        "an HTML or XML page",
        (r"\A\s*<(?i:!doctype|!--|html|head|body|\?xml)\b",),
        _always("fetch the file again and look at it"),
        "often the error page of a proxy or a login page",
    ),
    _Kind(
        "a poetry.lock",
        (r"^\[\[package\]\]", r"@generated by Poetry|^python-versions = |^content-hash = "),
        _always(f"in its folder: {_POETRY}"),
    ),
    _Kind(
        "a pdm.lock",
        (r"^\[\[package\]\]|^lock_version = ", r"@generated by PDM|^content_hash = "),
        _always("in its folder: pdm export -o requirements.txt"),
    ),
    _Kind(
        "a uv.lock",
        (
            r"^\[\[package\]\]",
            r"^source = \{ \w+ = |^requires-python = ",
        ),
        _always("in its folder: uv export --no-emit-project -o requirements.txt"),
    ),
    _Kind("a pylock.toml", _PYLOCK_MARKS, _pylock, "it is pinned already, known by its name (PEP 751) and read alone"),
    _Kind(
        "a Pipfile.lock",
        (r"\A\s*\{", r"\"_meta\"\s*:", r"\"(?:pipfile-spec|default|develop)\"\s*:"),
        _always("in its folder: pipenv requirements > requirements.txt"),
    ),
    _Kind(
        "a Pipfile",
        (r"^\[(?:dev-)?packages\]",),
        _always("in its folder: pipenv lock, then: pipenv requirements > requirements.txt"),
    ),
    _Kind(
        "a pixi.toml",
        (r"^channels\s*=", r"^\[(?:project|workspace)\]"),
        _always(f"in the environment that it describes: {_FREEZE}"),
        "conda names other packages than pip",
    ),
    _Kind("a pyproject.toml", (r"^\[(?:project|build-system|tool\.[\w.-]+|dependency-groups)\]",), _pyproject),
    _Kind("a setup.cfg", (r"^\[(?:metadata|options)\]", r"^(?:name|install_requires|packages)\s*="), _setup_cfg),
    _Kind("a setup.py", (r"^(?:from setuptools import|import setuptools|from distutils)", r"\bsetup\("), _SETUP),
    _Kind(
        "an environment file of conda",
        (r"^dependencies:[ \t]*$", r"^[ \t]*-[ \t]+(?!name:)[\"']?[A-Za-z0-9_]"),
        _conda,
        "conda names other packages than pip",
    ),
    _Kind(
        "a lock of conda (conda-lock, pixi)",
        (r"^version: \d+\s*$", r"^(?:metadata|environments|package|packages):"),
        _always(f"in the environment that it describes: {_FREEZE}"),
        "conda names other packages than pip",
    ),
    _Kind(
        "a list of conda",
        (
            r"^# \$ conda create --name|^# packages in environment at |^@EXPLICIT",
            r"^[\w.-]+(?:=[^=\s]+=|[ \t]+\S+[ \t]+\S)|^https?://\S+\.(?:conda|tar\.bz2)",
        ),
        _always(f"in that environment: {_FREEZE}; pip knows only the Python packages among them"),
        "conda names other packages than pip",
    ),
    _Kind(
        "a list of conda",
        (r"\A(?:[ \t]*(?:#.*)?\n)*+(?:[\w.-]+=[^=\s]+=[^=\s]+[ \t]*(?:\n|\Z)){2}",),
        _always(f"in that environment: {_FREEZE}; pip knows only the Python packages among them"),
        "conda names other packages than pip",
    ),
    _Kind(
        "what pip freeze writes under conda",
        (
            r"^[A-Za-z0-9][\w.-]*(?:\[[^\]]*\])? @ file:///\S*(?:"
            r"feedstock_root|croot/|conda-bld|/tmp/build/|/ci(?:_\w+)?/|/bld/|/work(?:/\S*)?\s*$)",
        ),
        _conda_freeze,
        "it names the folders in which conda's packages were built, and no versions",
    ),
    _Kind(
        "a table of pip list",
        (r"^Package[ \t]+Version\b", r"^-{3,}[ \t]+-{3,}"),
        _always(f"list it as pins: {_FREEZE}"),
    ),
    _Kind(
        "a list of pip in JSON",
        (r"\A\s*\[\s*\{\s*\"(?:name|version)\"\s*:",),
        _always(f"list it as pins: {_FREEZE}"),
    ),
    _Kind(
        "npm's, which installs no Python packages",
        (r"\A\s*\{", r"\"(?:dependencies|devDependencies|lockfileVersion|scripts)\"\s*:"),
        _always("name the requirements file of the Python packages: -r FILE"),
        "it is a package.json or its lock",
    ),
    _Kind(
        "JSON",
        (r"\A\s*(?:\{\s*(?:$|\"|\})|\[\s*(?:$|[\"{\[\]]))",),
        _always("name the requirements file with -r FILE, or write one: name==version"),
    ),
    _Kind(
        "a YAML file",
        (r"\A(?:[ \t]*(?:#.*|---.*)?\n)*+[\w.-]+:[ \t]*\n[ \t]*(?:-[ \t]|[\w.-]+:)",),
        _always("name the requirements file with -r FILE, or write one: name==version"),
    ),
    _Kind(
        "an INI or TOML file",
        (r"\A(?:[ \t]*(?:[#;].*)?\n)*+\[\[?[A-Za-z][\w .:\"-]*\]\]?\s*$", r"^[\w.-]+\s*[=:]"),
        _always("name the requirements file with -r FILE, or write one: name==version"),
    ),
)
"""The narrow ones first: the first that fits is it."""
