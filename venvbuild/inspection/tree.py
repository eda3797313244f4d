"""The dependency tree, as pipdeptree draws it of what counts on the target; and its picture, where Graphviz is, or the
wheel that has it inside.
"""

from __future__ import annotations

import importlib.util
import logging
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from packaging.utils import canonicalize_name

from venvbuild.errors import VenvBuildError
from venvbuild.graph import components
from venvbuild.inspection.dependencies import Dependency, Root
from venvbuild.installed import Distribution
from venvbuild.process import CommandFailed, Completed, clean_environment

log = logging.getLogger(__name__)

TREES = {"pipdeptree.txt": "text", "pipdeptree.json": "json", "pipdeptree.dot": "graphviz-dot"}
_TIMEOUT_S = 120
_DRAW = """
import sys, pygraphviz
sys.stdout.buffer.write(pygraphviz.AGraph(filename=sys.argv[1]).draw(format="svg", prog="dot"))
"""


def drawn_trees(
    distributions: Sequence[Distribution],
    found: Iterable[Dependency],
    roots: Iterable[Root],
    run: Callable[..., Completed],
) -> dict[str, str | None]:
    """The dependency tree in each form; pipdeptree runs from our own environment and never sees the real one."""
    # With `--path` it judges markers by the Python that runs it (4.2.14; also when `--python` names another one), and
    # with `--python` alone it runs that Python, `.pth` and `.start` files and all. So it gets a folder of its own which
    # holds, for each distribution, only its name, its version and what it needs on the target: nothing that could be a
    # secret.
    env = clean_environment()
    with tempfile.TemporaryDirectory(prefix="venvbuild-inspect-") as temporary:
        folder = Path(temporary)
        found, roots = tuple(found), tuple(roots)
        _write_stand_ins(folder / "all", distributions, found, roots)
        _write_stand_ins(folder / "opened", distributions, _opened(found, roots), roots)
        trees: dict[str, str | None] = {
            name: _pipdeptree(folder / ("opened" if form == "text" else "all"), form, env, run)
            for name, form in TREES.items()
        }
        trees["pipdeptree.svg"] = _drawing(folder, str(trees["pipdeptree.dot"]), env, run)
    return trees


def _opened(found: Sequence[Dependency], roots: Iterable[Root]) -> list[Dependency]:
    """The needs, less those that hide a cycle: each such cycle is opened at a pin of the requirements file."""
    # pipdeptree starts its text at what nobody needs: kedro, which kedro-telemetry needs, would be nowhere in it.
    edges: dict[str, list[str]] = {}
    for need in found:
        edges.setdefault(need.dependent.canonical_name, []).append(need.name)
        edges.setdefault(need.name, [])
    pinned = {root.canonical_name for root in roots}
    inside: dict[str, int] = {}
    tops: dict[int, str] = {}
    for number, names in enumerate(components(edges)):
        inside.update(dict.fromkeys(names, number))
        tops[number] = next((name for name in names if name in pinned), names[0])
    for name, others in edges.items():
        for other in others:
            if inside[name] != inside[other]:
                tops.pop(inside[other], None)  # something above it leads there
    return [need for need in found if tops.get(inside[need.name]) != need.name]


def _write_stand_ins(
    folder: Path, distributions: Sequence[Distribution], found: Iterable[Dependency], roots: Iterable[Root]
) -> None:
    # pipdeptree does not know the requirements file: what an extra in it asks for is shown as always needed.
    always = {(root.canonical_name, canonicalize_name(extra)) for root in roots for extra in root.extras}
    lines: dict[int, set[str]] = {}
    for need in found:
        of_dependent = lines.setdefault(id(need.dependent), set())
        is_extra = need.extra and (need.dependent.canonical_name, need.extra) not in always
        of_dependent.add(f"Requires-Dist: {need.text_without_url}" + f' ; extra == "{need.extra}"' * bool(is_extra))
        if need.extra:
            of_dependent.add(f"Provides-Extra: {need.extra}")
    folder.mkdir()
    for number, distribution in enumerate(one for one in distributions if one.pin):
        version = str(distribution.pin).partition("==")[2]
        # With a number, since two may have one name.
        stand_in = folder / f"{distribution.canonical_name.replace('-', '_')}-{number}.dist-info"
        stand_in.mkdir()
        metadata = [
            "Metadata-Version: 2.1",
            f"Name: {distribution.name}",
            f"Version: {version}",
            *sorted(lines.get(id(distribution), ())),
        ]
        (stand_in / "METADATA").write_text("\n".join(metadata) + "\n", encoding="utf-8")


def _pipdeptree(folder: Path, form: str, env: Mapping[str, str], run: Callable[..., Completed]) -> str:
    # Its warnings and its exit code judge cycles as failures: the verdict is ours (find_conflicts).
    command = [
        sys.executable,
        # Without it `-m` puts the current folder on the path, and a pipdeptree.py there would be run.
        "-I",
        "-m",
        "pipdeptree",
        "--path",
        folder,
        "--warn",
        "silence",
        "--encoding",
        "utf-8",
        "--extras",
        "explicit",
        "-o",
        form,
    ]
    try:
        return run(command, env=env, timeout_s=_TIMEOUT_S).stdout
    except (CommandFailed, OSError) as error:
        said = error.output if isinstance(error, CommandFailed) else str(error)
        raise VenvBuildError(
            f"pipdeptree could not write the dependency tree as {form}",
            why=" ".join(said.split())[-500:] or "it said nothing",
            fix="install venvbuild's own environment again; the other reports are written",
        ) from error


def _drawing(folder: Path, dot: str, env: Mapping[str, str], run: Callable[..., Completed]) -> str | None:
    """The tree as SVG; None where Graphviz is absent or fails, for a picture is no reason to lose a build."""
    source = folder / "tree.dot"
    program = shutil.which("dot", path=env.get("PATH", ""))
    if program is None and importlib.util.find_spec("pygraphviz") is None:
        return None
    command = [program, "-Tsvg", source] if program else by_wheel(source)
    source.write_text(dot, encoding="utf-8")
    try:
        return run(command, env=env, timeout_s=_TIMEOUT_S).stdout or None
    except (CommandFailed, OSError) as error:
        log.warning("no pipdeptree.svg: %s", error)
        return None


def by_wheel(source: Path, python: str | Path = sys.executable) -> list[str | Path]:
    """What draws by pygraphviz, whose wheel holds Graphviz: a process of its own, which may crash."""
    return [python, "-I", "-c", _DRAW, source]
