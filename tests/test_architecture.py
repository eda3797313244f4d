"""Who may import whom: the rooms of the house, their faces, and the arrows between them, strictly."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
MODULES = sorted([*ROOT.glob("venvbuild/**/*.py"), *ROOT.glob("athena/**/*.py")])

# TABLE
GROUND = (
    "__init__",
    "errors",
    "redaction",
    "files",
    "parallel",
    "graph",
    "schemas",
    "bootstrap",
    "text",
    "process",
    "retrying",
    "logs",
    "extras",
)
"""The ground floor: single modules that everybody may import, and that import each other downwards only."""
MAY_IMPORT: dict[str, set[str]] = {
    "__init__": set(),
    "errors": set(),
    "redaction": set(),
    "files": set(),
    "parallel": set(),
    "graph": set(),
    "schemas": set(),
    "bootstrap": set(),
    "text": {"redaction"},
    "process": {"redaction"},
    "retrying": {"errors"},
    "logs": {"redaction"},
    "extras": {"errors", "bootstrap"},
    "athena.__init__": set(),
    "athena.duck": set(),
    "athena.statement": set(),
    "athena.dialect": {"errors"},
    "athena.packages": {"errors"},
    "athena.questions": {"errors", "athena.statement"},
    "package_index": {"errors", "redaction"},
    "installed": {"files", "text"},
    "interpreters": {"errors", "process"},
    "requirements": {"errors", "redaction", "text"},
    "settings": {"errors", "redaction", "text"},
    "machine": {"errors", "process", "installed", "interpreters"},
    "stores": {"errors", "redaction", "settings"},
    "builds": {"errors", "schemas", "text", "retrying", "settings", "stores"},
    "inspection": {"errors", "redaction", "graph", "text", "process", "installed", "interpreters", "machine"},
    "archive": {"errors", "files", "schemas", "process", "installed", "interpreters", "builds"},
    "athena.columns": {"builds"},
    "athena.index": {"errors", "stores", "builds"},
    "environment": {
        "errors",
        "files",
        "parallel",
        "process",
        "package_index",
        "installed",
        "interpreters",
        "requirements",
        "settings",
        "builds",
    },
    "run": {"__init__", "errors", "redaction", "files", "text", "installed", "requirements", "builds"},
    "athena.table": {"errors", "athena.statement", "stores", "builds", "athena.columns"},
    "doctor": {"errors", "redaction", "text", "process", "interpreters", "settings", "stores", "builds", "environment"},
    "foreign": {"errors", "redaction", "files", "installed", "interpreters", "settings", "archive", "environment"},
    "notifiers": {"errors", "redaction", "text", "stores", "builds", "run"},
    "reports": {"__init__", "errors", "redaction", "files", "graph", "text", "process", "builds", "run"},
    "restore": {
        "errors",
        "redaction",
        "files",
        "parallel",
        "process",
        "installed",
        "interpreters",
        "requirements",
        "settings",
        "machine",
        "stores",
        "builds",
        "inspection",
        "archive",
        "environment",
    },
    "athena.row_cache": {
        "athena.duck",
        "athena.statement",
        "athena.dialect",
        "stores",
        "athena.columns",
        "athena.table",
    },
    "athena.day_packages": {"athena.duck", "athena.dialect", "athena.row_cache"},
    "athena.segments": {"athena.duck", "athena.index", "athena.row_cache"},
    "athena.database": {
        "athena.dialect",
        "athena.columns",
        "athena.row_cache",
        "athena.day_packages",
        "athena.segments",
    },
    "athena.index_cache": {"errors", "stores", "athena.index", "athena.row_cache", "athena.segments"},
    "athena.compaction": {
        "errors",
        "athena.duck",
        "athena.statement",
        "stores",
        "builds",
        "athena.index",
        "athena.table",
        "athena.row_cache",
        "athena.segments",
        "athena.index_cache",
    },
    "athena.engines": {
        "errors",
        "athena.duck",
        "athena.statement",
        "athena.dialect",
        "settings",
        "stores",
        "athena.index",
        "athena.row_cache",
        "athena.day_packages",
        "athena.database",
        "athena.index_cache",
    },
    "athena.index_check": {
        "errors",
        "athena.duck",
        "athena.statement",
        "stores",
        "athena.index",
        "athena.table",
        "athena.row_cache",
        "athena.day_packages",
        "athena.database",
        "athena.index_cache",
    },
    "athena.queries": {
        "errors",
        "athena.statement",
        "athena.packages",
        "athena.questions",
        "athena.columns",
        "athena.engines",
    },
    "athena.sync": {
        "errors",
        "athena.statement",
        "stores",
        "builds",
        "athena.index",
        "athena.table",
        "athena.compaction",
    },
    "athena.tables": {"errors", "athena.statement", "stores", "athena.index", "athena.table", "athena.engines"},
    "athena.workflow": {"errors", "athena.engines"},
    "athena.consistency": {
        "errors",
        "athena.statement",
        "stores",
        "builds",
        "athena.table",
        "athena.index_check",
        "athena.sync",
    },
    "athena.publication": {"errors", "stores", "athena.index", "athena.engines", "athena.tables"},
    "athena.byte_limit": {
        "errors",
        "athena.statement",
        "athena.dialect",
        "stores",
        "builds",
        "athena.index",
        "athena.table",
        "athena.engines",
        "athena.publication",
    },
    "steps": {
        "__init__",
        "errors",
        "redaction",
        "text",
        "retrying",
        "extras",
        "installed",
        "interpreters",
        "requirements",
        "settings",
        "machine",
        "stores",
        "builds",
        "inspection",
        "archive",
        "athena.index",
        "environment",
        "run",
        "athena.table",
        "athena.compaction",
        "athena.engines",
        "athena.publication",
    },
    "pipeline": {"errors", "logs", "settings", "stores", "builds", "run", "steps"},
    "console": {
        "errors",
        "redaction",
        "text",
        "logs",
        "extras",
        "athena.statement",
        "athena.packages",
        "settings",
        "stores",
        "run",
        "athena.engines",
        "athena.queries",
        "athena.publication",
        "athena.byte_limit",
        "pipeline",
    },
    "commands": {
        "errors",
        "redaction",
        "text",
        "extras",
        "athena.statement",
        "athena.questions",
        "interpreters",
        "settings",
        "stores",
        "builds",
        "archive",
        "athena.index",
        "environment",
        "run",
        "doctor",
        "foreign",
        "notifiers",
        "reports",
        "restore",
        "athena.compaction",
        "athena.queries",
        "athena.sync",
        "athena.tables",
        "athena.workflow",
        "athena.consistency",
        "steps",
        "pipeline",
        "console",
    },
    "main": {"__init__", "errors", "redaction", "logs", "console", "commands"},
    "__main__": {"main"},
}
# END


def name_of(path: Path) -> str:
    """`venvbuild/stores/s3.py` -> `venvbuild.stores.s3`; a face has the name of its room."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


NAMES = {name_of(path) for path in MODULES}


def room_of(module: str) -> str:
    """`venvbuild.stores.s3` -> `stores`, `athena.rows.cache` -> `athena.rows`; a module at the top is a room of one."""
    top, *inner = module.split(".")
    room = inner[0] if inner else "__init__"
    return room if top == "venvbuild" else f"athena.{room}"


def imports(path: Path) -> Iterator[str]:
    """Full names of the modules that the file imports, anywhere in it; of ours, each as a module."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            found = [f"{node.module}.{alias.name}" for alias in node.names]
            yield from (name if name in NAMES else node.module for name in found)


def ours(path: Path) -> set[str]:
    return {name for name in imports(path) if name.split(".")[0] in ("venvbuild", "athena")}


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_a_room_imports_only_what_the_table_allows(path: Path) -> None:
    here = room_of(name_of(path))
    for name in ours(path):
        there = room_of(name)
        assert there == here or there in MAY_IMPORT[here], f"{name_of(path)} imports {name}"


def test_the_table_has_every_room_and_no_arrow_that_nobody_uses() -> None:
    used: dict[str, set[str]] = {}
    for path in MODULES:
        here = room_of(name_of(path))
        used.setdefault(here, set()).update({room_of(name) for name in ours(path)} - {here})
    assert {room: set(arrows) for room, arrows in MAY_IMPORT.items()} == used


def test_rooms_import_downwards_only() -> None:
    rooms = list(MAY_IMPORT)
    for number, (room, arrows) in enumerate(MAY_IMPORT.items()):
        for other in arrows:
            assert rooms.index(other) < number, f"{room} stands below {other}"


def test_only_who_speaks_of_the_catalog_imports_athena() -> None:
    for path in ROOT.glob("venvbuild/**/*.py"):
        if any(name.split(".")[0] == "athena" for name in imports(path)):
            name = name_of(path)
            assert room_of(name) in ("commands", "console") or name == "venvbuild.steps.register", name


def test_athena_imports_of_venvbuild_only_what_it_may() -> None:
    for room in (name for name in MAY_IMPORT if name.startswith("athena.")):
        arrows = {name for name in MAY_IMPORT[room] if not name.startswith("athena.")}
        assert arrows <= {"builds", "metadata", "stores", "settings", *GROUND}


def test_other_programs_are_run_through_one_door() -> None:
    for path in MODULES:
        if path.name not in ("process.py", "bootstrap.py"):
            assert "subprocess" not in set(imports(path)), path.name


@pytest.mark.parametrize("name", ["venvbuild.bootstrap", "venvbuild.interpreters.compile_modules"])
def test_what_runs_outside_of_our_environment_needs_nothing_installed(name: str) -> None:
    for imported in imports(ROOT / Path(*name.split(".")).with_suffix(".py")):
        assert imported.split(".")[0] in sys.stdlib_module_names, imported
