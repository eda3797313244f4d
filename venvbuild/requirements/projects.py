"""The dependencies of a project as its pyproject.toml or setup.cfg states them, without running any of it.

Source: PEP 621 (`[project]`), setuptools' "Configuring setuptools using setup.cfg files".
"""

from __future__ import annotations

import configparser
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass

from packaging.utils import canonicalize_name

from venvbuild.errors import Problem
from venvbuild.text import shown


@dataclass(frozen=True)
class Project:
    """What a project says of its dependencies."""

    name: str
    dependencies: tuple[str, ...]
    extras: Mapping[str, tuple[str, ...]]
    """Canonical name -> what comes to the dependencies."""


def read_pyproject(content: bytes, name: str) -> Project | Problem:
    """The project of a pyproject.toml, or why it has none that can be read; `name` is the file as messages show it."""
    try:
        table = tomllib.loads(content.decode("utf-8"))
    except (UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError) as error:
        return Problem("it is not TOML", name, shown(str(error), 200), "correct the file", "SYNTAX")
    project = table.get("project")
    if not isinstance(project, dict):
        tools = table.get("tool")
        is_poetry = isinstance(tools, dict) and "poetry" in tools
        fix = (
            "poetry export -o requirements.txt"
            if is_poetry
            else "write [project] with dependencies, or requirements.in"
        )
        return Problem("it has no [project] table", name, "that is where dependencies stand (PEP 621)", fix, "PROJECT")
    if "dependencies" in (project.get("dynamic") or ()):
        return _dynamic(name)
    extras = project.get("optional-dependencies") or {}
    lists = [project.get("dependencies") or [], *(extras.values() if isinstance(extras, dict) else [None])]
    if not all(isinstance(one, list) and all(isinstance(text, str) for text in one) for one in lists):
        return Problem("its dependencies are no lists of texts", name, "PEP 621 has them so", "correct it", "PROJECT")
    return Project(
        str(project.get("name") or ""),
        tuple(lists[0]),
        {canonicalize_name(extra): tuple(texts) for extra, texts in extras.items()},
    )


def read_setup_cfg(content: bytes, name: str) -> Project | Problem:
    """The same of a setup.cfg."""
    parser = configparser.ConfigParser(interpolation=None)
    try:
        parser.read_string(content.decode("utf-8"))
    except (UnicodeDecodeError, configparser.Error) as error:
        return Problem("it cannot be read", name, shown(str(error), 200), "correct the file", "SYNTAX")
    wanted = parser.get("options", "install_requires", fallback="")
    extras = parser["options.extras_require"] if parser.has_section("options.extras_require") else {}
    if any(text.strip().startswith("file:") for text in (wanted, *extras.values())):
        return _dynamic(name)
    return Project(
        parser.get("metadata", "name", fallback=""),
        _listed(wanted),
        {canonicalize_name(extra): _listed(texts) for extra, texts in extras.items()},
    )


def _listed(texts: str) -> tuple[str, ...]:
    lines = (line.strip() for line in texts.splitlines())
    return tuple(line for line in lines if line and not line.startswith("#"))


def _dynamic(name: str) -> Problem:
    return Problem(
        "its dependencies are not written in it",
        name,
        "they are made when it is built, and compiling runs nobody's code",
        "compile the file that they are written in, or write them into requirements.in and compile that",
        "PROJECT",
    )
