"""The arrows of the design: imports point one way, and nothing outside a folder's door uses what is behind it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
MODULES = sorted([*ROOT.glob("venvbuild/**/*.py"), *ROOT.glob("athena/**/*.py")])
ATHENA_MAY_IMPORT = tuple(f"venvbuild.{name}" for name in ("metadata", "stores", "settings", "errors", "process"))
LAYERS = (
    {"errors", "redaction", "echo", "parameters", "bootstrap"},
    {"process", "settings", "stores", "interpreters", "logs", "workdir", "package_index", "parallel", "distributions",
     "credentials", "metadata", "manifest", "archive_index", "fragment_cache", "bytecode", "schemas", "extras"},
    {"requirements", "pins", "requirement_lines", "requirement_faults", "requirement_markers", "installer", "diagnosis",
     "conflicts", "findings", "needs", "leaks", "supply", "closure", "environment", "inspection", "archive",
     "commit", "sdists", "aliases", "builds", "unpacking", "fetching", "crew", "rehoming", "restore", "verification",
     "members", "fragments", "contents", "content_digest", "targets", "rebuilding", "rewriting", "foreign",
     "conversion", "repacking", "elf", "bundle", "libraries"},
    {"steps"},
    {"pipeline", "doctor", "summary", "outcome"},
    {"reports"},
    {"notifiers"},
    {"commands"},
    {"main", "__main__", "compile_modules"},
)  # fmt: skip

ATHENA_LAYERS = (
    {"columns", "statement", "duck"},
    {"table", "index", "questions", "dialect", "packages"},
    {"row_cache"},
    {"segments", "day_packages"},
    {"index_cache"},
    {"database", "compaction"},
    {"engines"},
    {"tables"},
    {"publication"},
    {"byte_limit", "sync", "index_check", "queries", "consistency", "workflow"},
)


def imports(path: Path) -> Iterator[str]:
    """Full names of the modules that the file imports, anywhere in it."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def noun(name: str) -> str:
    """`venvbuild.stores.s3` -> `stores`."""
    return [*name.split("."), "", ""][1]


def layer(module: str) -> int:
    return next(number for number, names in enumerate(LAYERS) if module in names)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_point_one_way(path: Path) -> None:
    here = path.relative_to(ROOT).with_suffix("").parts
    if here[0] != "venvbuild" or here[1] == "__init__":
        return
    for name in imports(path):
        wanted = noun(name)
        if name.startswith("venvbuild.") and wanted in set().union(*LAYERS) and wanted != here[1]:
            assert layer(wanted) <= layer(here[1]), f"{path.name} imports {name}"


def test_every_module_has_a_place() -> None:
    ours = [path.relative_to(ROOT / "venvbuild") for path in MODULES if path.is_relative_to(ROOT / "venvbuild")]
    names = {path.parts[0].removesuffix(".py") for path in ours}
    assert names - {"__init__"} == set().union(*LAYERS)


def test_athena_imports_of_venvbuild_only_what_it_may() -> None:
    for path in ROOT.glob("athena/**/*.py"):
        for name in imports(path):
            assert not name.startswith("venvbuild") or name.startswith(ATHENA_MAY_IMPORT), f"{path.name} imports {name}"


def test_the_modules_of_athena_import_one_way_too() -> None:
    place = {name: number for number, names in enumerate(ATHENA_LAYERS) for name in names}
    for path in ROOT.glob("athena/**/*.py"):
        here = path.relative_to(ROOT / "athena").parts[0].removesuffix(".py")
        for name in imports(path):
            if here != "__init__" and name.startswith("athena.") and noun(name) != here:
                assert place[noun(name)] <= place[here], f"{path.name} imports {name}"


def test_only_commands_and_the_pipeline_import_athena() -> None:
    for path in ROOT.glob("venvbuild/**/*.py"):
        place = path.relative_to(ROOT / "venvbuild").parts[0]
        if any(name.split(".")[0] == "athena" for name in imports(path)):
            assert place in ("commands", "pipeline.py"), place


def test_other_programs_are_run_through_one_door() -> None:
    for path in MODULES:
        if path.name not in ("process.py", "bootstrap.py"):
            assert "subprocess" not in set(imports(path)), path.name


@pytest.mark.parametrize("script", ["bootstrap.py", "compile_modules.py"])
def test_what_runs_outside_of_our_environment_needs_nothing_installed(script: str) -> None:
    import sys

    for name in imports(ROOT / "venvbuild" / script):
        assert name.split(".")[0] in sys.stdlib_module_names, name
