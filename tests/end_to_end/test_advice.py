"""The advice of refusals, followed to the letter by somebody who has neither uv nor pip-tools."""

from __future__ import annotations

import ast
import hashlib
import json
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from random import Random

import pytest
from packaging.markers import default_environment

from tests.support.person import Ended, Person, can_follow
from tests.support.tool import REPOSITORY, Tool
from tests.support.wheels import sdist, wheel
from venvbuild.errors import RequirementsRefused
from venvbuild.requirements import faults
from venvbuild.requirements.file import parse

CORPUS = json.loads((REPOSITORY / "tests/corpus/nasty-requirements.json").read_text("utf-8"))["cases"]
FILES = sorted(file.name for file in (REPOSITORY / "tests/corpus/advice").iterdir())
"""Of users, as they were refused once with advice that did not help."""
LARGE = ("sdist-only-transitive.txt", "overlap.txt", "legacy-metadata.txt", "local-version.txt")
"""Those that take minutes."""
HERE = {name: str(value) for name, value in default_environment().items()}
NO_OTHER_TOOLS = {"PATH": "/usr/bin:/bin"}


def fill(folder: Path) -> None:
    """An index with a package for each thing that can be wrong with one."""
    for version in ("1.0", "1.1", "2.0"):
        wheel(folder, "good", version, files={f"good_{version[0]}.py": "x = 1\n"})
        wheel(folder, "plain", version)
    wheel(folder, "modern", "1.0")
    wheel(folder, "modern", "2.0", python=">=3.99")
    wheel(folder, "early", "1.0")
    wheel(folder, "early", "2.0rc1")
    wheel(folder, "native", "1.0", tag="cp311-cp311-manylinux_2_17_x86_64")
    wheel(folder, "native", "2.0", tag="cp38-cp38-manylinux_2_17_x86_64")
    wheel(folder, "windows", "1.0", tag="py3-none-win_amd64")
    sdist(folder, "source", "1.0")
    sdist(folder, "mixed", "2.0")
    wheel(folder, "mixed", "1.0")
    wheel(folder, "above", "1.0", requires=["source==1.0"])
    wheel(folder, "needy", "1.0", requires=["good<2"])
    wheel(folder, "needy", "2.0", requires=["good>=2"])
    wheel(folder, "chained", "1.0", requires=["needy==1.0"])
    wheel(folder, "torch", "2.1.0")
    wheel(folder, "held", "1.0", requires=["native==1.0", "plain<2"])
    wheel(folder, "fussy", "1.0", requires=["mixed==2.0"])
    sdist(folder, "broken", "1.0", pyproject=BACKEND, files={"broken.py": "print 'of Python 2'\n"})
    wheel(folder, "extra", "1.0", extras=["more"], requires=["plain; extra == 'more'"])


BACKEND = """[build-system]
requires = []
build-backend = "broken"
backend-path = ["."]
"""


KINDS: dict[str, tuple[str, ...]] = {
    "pinned": ("good==1.0",),
    "open": ("modern",),
    "a range": ("early>=1.0",),
    "a wildcard": ("plain==1.*",),
    "conda's pin": ("plain=1.0",),
    "quoted": ("'plain==1.0',",),
    "of YAML": ("- plain==1.0",),
    "without a comment's blank": ("plain==1.0#here",),
    "an index": ("--extra-index-url {other}",),
    "an index in use": ("-i {index}",),
    "links": ("--find-links wheels",),
    "pre-releases": ("--pre",),
    "binaries": ("--no-binary source", "source==1.0"),
    "hashes of nothing": ("--require-hashes",),
    "trusted": ("--trusted-host files.example",),
    "a file below": ("-r more/base.txt",),
    "limits": ("-c limits.txt", "plain"),
    "two versions": ("plain==1.0", "plain==1.1"),
    "some hashes": ("plain==1.0 --hash=sha256:{plain}", "good==1.0"),
    "an old hash": ("plain==1.0 --hash=md5:00000000000000000000000000000000",),
    "latest": ("plain==latest",),
    "three specifiers": ("plain>=1.0,==1.1",),
    "by text": ("plain===1.0",),
    "no such version": ("plain==1.5",),
    "no such package": ("nobody==1.0",),
    "another Python": ("modern==2.0",),
    "wheels for others": ("native==2.0",),
    "Windows": ("windows==1.0",),
    "source": ("source==1.0",),
    "source of a version": ("mixed==2.0",),
    "source below": ("above==1.0",),
    "a conflict": ("needy==1.0", "good==2.0"),
    "a conflict below": ("chained==1.0", "good==2.0"),
    "a build of elsewhere": ("torch==2.1.0+cu118",),
    "of the system": ("python-apt==2.4.0+ubuntu2",),
    "of Debian": ("pkg-resources==0.0.0",),
    "of conda": ("numpy @ file:///croot/numpy_1/work", "plain==1.0"),
    "a repository": ("lib @ git+https://example.com/lib.git@v1",),
    "a folder": ("-e .",),
    "a merge": ("<<<<<<< HEAD", "plain==1.0", "=======", "plain==1.1", ">>>>>>> theirs"),
    "a command": ("pip install plain==1.0",),
    "extras": ("extra[more]==1.0",),
    "open beside who limits it": ("held==1.0", "plain"),
    "source that cannot be built": ("broken==1.0 --no-binary broken",),
    "source that another pin wants": ("mixed==2.0", "fussy==1.0"),
    "on two lines": ("plain==1.5", "plain[x]==1.5"),
    "an option behind a pin": ("plain==1.0 --no-deps",),
    "an option behind a hash": ("plain==1.0 --hash=sha256:{plain} --config-settings=a=b",),
    "a version that has hashes": ("plain==1.5 --hash=sha256:{plain}",),
    "a marker": ("plain==1.0 ; python_version < '3'", "good==1.0"),
    "a marker of nobody": ("plain==1.0 ; pyhton_version > '3'",),
}


@pytest.fixture
def tool(tool: Tool) -> Tool:
    fill(tool.index.folder)
    tool.env.update(NO_OTHER_TOOLS)
    (tool.folder / "more").mkdir()
    (tool.folder / "more" / "base.txt").write_text("good==1.0\n")
    (tool.folder / "limits.txt").write_text("plain<2\n")
    (tool.folder / "wheels").mkdir()
    return tool


def follow(tool: Tool, *lines: str, seed: int = 1) -> Ended:
    plain = hashlib.sha256((tool.index.folder / "plain-1.0-py3-none-any.whl").read_bytes()).hexdigest()
    made = {"{index}": tool.index.url(), "{other}": tool.index.url("also"), "{plain}": plain}
    text = "\n".join(lines)
    for placeholder, value in made.items():
        text = text.replace(placeholder, value)
    file = tool.requirements(text)
    return Person(tool, file, chance=Random(seed)).go()


def told(name: str, ended: Ended) -> None:
    """Say how it went, for `-rP`."""
    print(f"{name}: {ended.rounds} rounds, {'built' if ended.is_built else 'to be decided'}", *ended.told, sep="\n")


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_comes_to_a_build_or_to_a_decision(tool: Tool, kind: str) -> None:
    told(kind, follow(tool, "good==1.0", *KINDS[kind]))


def test_a_file_that_is_not_all_is_completed(tool: Tool) -> None:
    file = tool.requirements("needy==1.0")
    ended = Person(tool, file, flags=["--locked"]).go()
    assert (ended.is_built, ended.rounds) == (True, 2), ended.told


@pytest.mark.parametrize("seed", range(30))
def test_a_mixture_comes_to_a_build_or_to_a_decision(tool: Tool, seed: int) -> None:
    chance = Random(seed)
    lines = [line for kind in chance.sample(sorted(KINDS), chance.randint(2, 5)) for line in KINDS[kind]]
    told(f"mixture {seed}", follow(tool, *lines, seed=seed))


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.slow) if name in LARGE else name for name in FILES]
)
def test_each_file_that_went_wrong_comes_to_a_build_or_to_a_decision(real_tool: Tool, name: str) -> None:
    file = Path(shutil.copy(REPOSITORY / "tests/corpus/advice" / name, real_tool.folder))
    flags = ["--python", "3.8"] if name == "ranges.in" else []
    real_tool.env.update(NO_OTHER_TOOLS)
    told(name, Person(real_tool, file, flags=flags).go())


@pytest.mark.parametrize(
    "case", [one for one in CORPUS if one["verdict"] != "accept" and "content" in one], ids=lambda one: one["id"]
)
def test_every_refusal_of_the_corpus_says_what_to_do(case: dict[str, str]) -> None:
    content = case["content"].encode("utf-8", "surrogateescape")
    with pytest.raises(RequirementsRefused) as refused:
        parse(content, "requirements.txt", HERE)
    assert [problem.fix for problem in refused.value.problems if not can_follow(problem.fix)] == []


def fixes(tree: ast.Module) -> Iterator[str]:
    """Every text of the source that is a fix, with the expression where something is filled in."""
    named = {node.targets[0].id: str(node.value.value) for node in tree.body if isinstance(node, ast.Assign)
             and isinstance(node.targets[0], ast.Name) and isinstance(node.value, ast.Constant)}  # fmt: skip
    for call in ast.walk(tree):
        if isinstance(call, ast.Call):
            given = [word.value for word in call.keywords if word.arg == "fix"]
            given += call.args[3:4] if ast.unparse(call.func) in ("Fault", "Problem") else []
            for value in given:
                yield from texts(value, {"COMPILE": faults.COMPILE, **named})


def texts(value: ast.expr, named: Mapping[str, str]) -> Iterator[str]:
    if isinstance(value, ast.Constant) and isinstance(value.value, str):
        yield value.value
    elif isinstance(value, ast.JoinedStr):
        parts = [str(one.value) if isinstance(one, ast.Constant) else filled(one) for one in value.values]
        yield "".join(named.get(part, part) for part in parts)
    elif isinstance(value, ast.IfExp):
        yield from texts(value.body, named)
        yield from texts(value.orelse, named)


def filled(part: ast.expr) -> str:
    return ast.unparse(part.value) if isinstance(part, ast.FormattedValue) else ""


@pytest.mark.parametrize("room", ["requirements", "environment"])
def test_every_fix_in_the_source_says_what_to_do(room: str) -> None:
    found = [
        f"{path.name}: {fix}"
        for path in sorted((REPOSITORY / "venvbuild" / room).glob("*.py"))
        if path.name != "uv_cache.py"  # of no file of a person's: followed in tests/end_to_end/test_cache.py
        for fix in fixes(ast.parse(path.read_text("utf-8")))
        if fix and not can_follow(fix)
    ]
    assert found == []
