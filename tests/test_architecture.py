"""Who may import whom: the rooms of the house, their faces, and the arrows between them, strictly."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
MODULES = sorted([*ROOT.glob("venvbuild/**/*.py"), *ROOT.glob("athena/**/*.py")])

# What is here is the house: a new room is a line in it, an arrow a word.
GROUND = (
    "__init__",
    "errors",
    "aws_errors",
    "redaction",
    "files",
    "parallel",
    "graph",
    "bootstrap",
    "lazily",
    "text",
    "wheel_tags",
    "process",
    "retrying",
    "logs",
    "extras",
)
"""The ground floor, single modules but for `redaction`. Every room may import them; they import each other, upwards in
this list."""

MAY_IMPORT: dict[str, set[str]] = {
    "athena.__init__": set(),
    "athena.statement": set(),
    "athena.duck": set(),
    "package_index": set(),
    "installed": set(),
    "interpreters": set(),
    "requirements": set(),
    "settings": set(),
    "release": {"package_index", "interpreters", "settings"},
    "stores": {"settings"},
    "builds": {"settings", "stores"},
    "machine": {"installed", "interpreters", "builds"},
    "inspection": {"installed", "interpreters", "machine"},
    "archive": {"installed", "interpreters", "builds", "machine"},
    "athena.rows": {"athena.statement", "athena.duck", "stores", "builds"},
    "environment": {"package_index", "installed", "interpreters", "requirements", "settings", "builds"},
    "run": {"installed", "requirements", "builds"},
    "athena.index": {"athena.statement", "athena.duck", "stores", "builds", "athena.rows"},
    "doctor": {"interpreters", "settings", "stores", "builds", "environment"},
    "foreign": {"installed", "interpreters", "settings", "archive", "environment"},
    "notifiers": {"stores", "builds", "run"},
    "reports": {"builds", "run"},
    "restore": {
        "installed", "interpreters", "requirements", "settings", "machine", "stores", "builds", "inspection",
        "archive", "environment", "foreign",
    },
    "snowflake": {
        "package_index", "interpreters", "requirements", "settings", "stores", "builds", "environment",
    },
    "importing": {
        "installed", "interpreters", "machine", "stores", "builds", "inspection", "archive", "foreign", "restore",
    },
    "exports": {"stores", "builds", "archive", "restore"},
    "athena.engines": {"athena.statement", "athena.duck", "settings", "stores", "athena.rows", "athena.index"},
    "athena.tables": {"athena.statement", "stores", "builds", "athena.rows", "athena.index", "athena.engines"},
    "athena.upkeep": {
        "athena.statement", "athena.duck", "stores", "builds", "athena.rows", "athena.index", "athena.engines",
    },
    "athena.questions": {
        "athena.statement", "stores", "builds", "athena.rows", "athena.index", "athena.engines",
        "athena.tables",
    },
    "steps": {
        "installed", "interpreters", "requirements", "settings", "machine", "stores", "builds", "inspection",
        "archive", "athena.rows", "environment", "run", "athena.index", "athena.engines", "athena.tables",
    },
    "pipeline": {"settings", "stores", "builds", "run", "steps"},
    "library": {"athena.engines", "athena.questions", "settings", "stores", "builds", "restore"},
    "console": {
        "athena.statement", "settings", "stores", "run", "athena.rows", "athena.engines", "athena.tables",
        "athena.questions", "pipeline",
    },
    "commands": {
        "athena.statement", "package_index", "interpreters", "settings", "stores", "builds", "archive", "environment",
        "run", "athena.rows", "athena.engines", "athena.index", "doctor", "foreign", "notifiers", "reports", "restore",
        "snowflake", "release", "importing", "exports", "athena.tables", "athena.upkeep", "athena.questions", "steps",
        "pipeline", "console",
    },
    "main": {"console", "commands"},
    "__main__": {"main"},
}  # fmt: skip
"""Room -> the rooms that it may import beside the ground floor; none stands above it in this table."""


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
    tree = ast.parse(path.read_text("utf-8"))
    if name_of(path) == "venvbuild":  # the public API is told to type checkers, and imported when it is asked for
        tree.body = [node for node in tree.body if not isinstance(node, ast.If)]
    for node in ast.walk(tree):
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
        assert there == here or there in (*GROUND, *MAY_IMPORT.get(here, ())), f"{name_of(path)} imports {name}"


def test_the_table_has_every_room_and_no_arrow_that_nobody_uses() -> None:
    used: dict[str, set[str]] = {}
    for path in MODULES:
        here = room_of(name_of(path))
        used.setdefault(here, set()).update({room_of(name) for name in ours(path)} - {here, *GROUND})
    assert {room: arrows for room, arrows in used.items() if room not in GROUND} == MAY_IMPORT
    assert not any(arrows for room, arrows in used.items() if room in GROUND), "the ground floor imports a room"


def test_rooms_import_downwards_only() -> None:
    floors = [*GROUND, *MAY_IMPORT]
    for path in MODULES:
        here = room_of(name_of(path))
        for there in {room_of(name) for name in ours(path)} - {here}:
            assert floors.index(there) < floors.index(here), f"{here} imports {there}, which stands above it"


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_nobody_goes_past_a_face_but_from_inside(path: Path) -> None:
    here = room_of(name_of(path))
    for name in ours(path):
        is_behind = name.count(".") > 1
        handed_on = name.rpartition(".")[2] in handed_on_by(name.rpartition(".")[0]) if is_behind else False
        assert not is_behind or handed_on or room_of(name) == here, f"{name_of(path)} imports {name}"


def handed_on_by(room: str) -> set[str]:
    """What the face of a room imports, or names in `__all__`; where it imports nothing, its modules are the face."""
    tree = ast.parse((ROOT / Path(*room.split("."), "__init__.py")).read_text("utf-8"))
    names = {alias.name for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) for alias in node.names}
    lists = [one.value for one in tree.body if isinstance(one, ast.Assign) and ast.unparse(one.targets[0]) == "__all__"]
    return names | set(ast.literal_eval(lists[0]) if lists else ())


def test_no_module_imports_itself_over_others() -> None:
    arrows = {name_of(path): ours(path) for path in MODULES}
    # A face imports what is behind it, and what is behind it never imports the face.
    for start in arrows:
        seen, waiting = set[str](), [*arrows[start]]
        while waiting:
            name = waiting.pop()
            assert name != start, f"{start} is in a circle"
            if name not in seen:
                seen.add(name)
                waiting += arrows[name]


def test_the_house_stays_small_enough_to_be_seen_at_once() -> None:
    for house, rooms, files in (("venvbuild", 24, 20), ("athena", 8, 6)):
        entries = [entry for entry in (ROOT / house).iterdir() if entry.name != "__pycache__"]
        assert len([entry for entry in entries if entry.is_dir()]) <= rooms
        assert len([entry for entry in entries if entry.is_file()]) <= files


def test_only_who_speaks_of_the_catalog_imports_athena() -> None:
    for path in ROOT.glob("venvbuild/**/*.py"):
        if any(name.split(".")[0] == "athena" for name in imports(path)):
            name = name_of(path)
            # who is asked about it: by people, or by programs; and who writes its rows
            assert room_of(name) in ("commands", "console", "library") or name == "venvbuild.steps.register", name


def test_athena_imports_of_venvbuild_only_what_it_may() -> None:
    for room in (name for name in MAY_IMPORT if name.startswith("athena.")):
        arrows = {name for name in MAY_IMPORT[room] if not name.startswith("athena.")}
        assert arrows <= {"builds", "stores", "settings", *GROUND}


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_a_function_fits_on_a_screen_and_its_parameters_in_a_head(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.FunctionDef):
            assert node.end_lineno
            length = node.end_lineno - node.lineno + 1
            given = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
            assert length <= 50, f"{name_of(path)}.{node.name} has {length} lines"
            assert len(given) <= 8, f"{name_of(path)}.{node.name} takes {len(given)} parameters"


def test_other_programs_are_run_through_one_door() -> None:
    for path in MODULES:
        if path.name not in ("process.py", "bootstrap.py"):
            assert "subprocess" not in set(imports(path)), path.name


@pytest.mark.parametrize(
    "name",
    [
        "bootstrap",
        "environment.hash_files",
        "interpreters.compile_modules",
        "interpreters.compare_scripts",
        "snowflake.import_script",
        "snowflake.native_loader",
    ],
)
def test_what_runs_outside_of_our_environment_needs_nothing_installed(name: str) -> None:
    for imported in imports(ROOT / Path("venvbuild", *name.split(".")).with_suffix(".py")):
        assert imported.split(".")[0] in sys.stdlib_module_names, imported
