"""What we accept means the same to pip and to uv, in the copy we hand to them."""

from __future__ import annotations

import base64
import hashlib
import json
import subprocess
import sys
import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
import uv
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version
from pip._internal.network.session import PipSession
from pip._internal.req.constructors import install_req_from_parsed_requirement
from pip._internal.req.req_file import parse_requirements

from tests.support.wheels import wheel
from venvbuild.errors import RequirementsRefused
from venvbuild.requirements.file import Requirements, parse
from venvbuild.requirements.options import Sources

pytestmark = pytest.mark.untraced

CORPUS = json.loads((Path(__file__).parents[1] / "corpus" / "nasty-requirements.json").read_text("utf-8"))["cases"]

TARGETS: tuple[dict[str, str], ...] = tuple(
    {
        **{key: str(value) for key, value in default_environment().items()},
        "python_version": f"3.{minor}", "python_full_version": f"3.{minor}.4", "implementation_version": f"3.{minor}.4",
        "sys_platform": sys_platform, "platform_system": system, "platform_machine": machine, "os_name": os_name,
        "extra": "",
    }
    for minor in range(8, 15)
    for sys_platform, system, machine, os_name in (
        ("linux", "Linux", "x86_64", "posix"),
        ("linux", "Linux", "aarch64", "posix"),
        ("darwin", "Darwin", "arm64", "posix"),
        ("win32", "Windows", "AMD64", "nt"),
    )
)  # fmt: skip
HERE = next(target for target in TARGETS if target["python_version"] == "3.11")

Meaning = dict[str, tuple[frozenset[str], str, tuple[bool, ...]]]
"""Name -> extras, version, and on which of `TARGETS` it is installed."""


def meaning(requirements: Iterable[Requirement]) -> Meaning:
    found: Meaning = {}
    for requirement in requirements:
        name = canonicalize_name(requirement.name)
        (specifier,) = requirement.specifier
        assert specifier.operator == "=="
        assert name not in found
        extras = frozenset(map(canonicalize_name, requirement.extras))
        marker = requirement.marker
        holds = tuple(marker is None or marker.evaluate(dict(target)) for target in TARGETS)
        found[name] = (extras, str(Version(specifier.version)), holds)
    return found


def ours(requirements: Requirements) -> Meaning:
    merged: dict[str, Requirement] = {}
    for pin in requirements.pins:
        requirement = Requirement(pin.as_requirement().partition(" --hash")[0])
        merged.setdefault(pin.canonical_name, requirement).extras |= requirement.extras
    return meaning(merged.values())


def pips(path: Path) -> tuple[Meaning, dict[str, dict[str, list[str]]]]:
    """What pip reads, and the hashes of each name."""
    found = [install_req_from_parsed_requirement(line) for line in parse_requirements(str(path), PipSession())]
    requirements = [Requirement(f"{item.req} ; {item.markers}" if item.markers else str(item.req)) for item in found]
    return meaning(requirements), {canonicalize_name(str(item.name)): dict(item.hash_options) for item in found}


def uvs(path: Path) -> Meaning:
    """What uv reads: `uv add --frozen` writes it down without asking an index."""
    project = path.parent / "project"
    project.mkdir(exist_ok=True)
    pyproject = project / "pyproject.toml"
    pyproject.write_text('[project]\nname = "reader"\nversion = "0"\nrequires-python = ">=3.8"\n')
    command = [uv.find_uv_bin(), "add", "--no-config", "--frozen", "--offline", "--quiet", "-r", str(path)]
    done = subprocess.run(command, cwd=project, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    return meaning(map(Requirement, tomllib.loads(pyproject.read_text())["project"].get("dependencies", [])))


def assert_all_agree(requirements: Requirements, folder: Path) -> None:
    path = folder / "requirements.txt"
    path.write_text(requirements.normalised(), "utf-8")
    from_pip, hashes = pips(path)
    from_uv, from_us = uvs(path), ours(requirements)
    assert from_pip.keys() == from_uv.keys() == from_us.keys()
    assert [pin for pin in requirements.pins if from_pip[pin.canonical_name] != from_us[pin.canonical_name]] == []
    assert [pin for pin in requirements.pins if from_uv[pin.canonical_name] != from_us[pin.canonical_name]] == []
    for pin in requirements.pins:
        listed = hashes[pin.canonical_name].items()
        assert sorted(f"{name}:{digest}" for name, digests in listed for digest in digests) == list(pin.hashes)


def accepted_cases() -> Iterator[object]:
    for case in CORPUS:
        if case["verdict"] == "accept" and not case.get("scale") and not case.get("files"):
            content = base64.b64decode(case["content_b64"]) if "content_b64" in case else case["content"].encode()
            yield pytest.param(content, id=case["id"])


@pytest.mark.parametrize("content", list(accepted_cases()))
def test_pip_and_uv_read_an_accepted_corpus_file_as_we_do(content: bytes, tmp_path: Path) -> None:
    sources = Sources("https://pypi.org/simple")
    assert_all_agree(parse(content, "requirements.txt", HERE, sources=sources), tmp_path)


NAMES = st.from_regex(r"[A-Za-z][A-Za-z0-9._-]{0,8}[A-Za-z0-9]", fullmatch=True)
VERSIONS = st.one_of(
    st.from_regex(r"[0-9]{1,4}(\.[0-9]{1,3}){0,4}", fullmatch=True),
    st.from_regex(
        r"v?([0-9]!)?0?[0-9]{1,21}(\.[0-9]{1,2}){0,3}([._-]?(a|b|c|rc|alpha|beta|pre|preview)[._-]?[0-9]{0,2})?"
        r"(-[0-9]|[._-]?(post|rev|r)[._-]?[0-9]{0,2})?([._-]?dev[._-]?[0-9]{0,2})?"
        r"(\+[A-Za-z0-9]{1,4}([._-][a-z0-9]{1,4})?)?",
        fullmatch=True,
    ),
)
VARIABLES = st.sampled_from([
    "python_version", "python_full_version", "implementation_version", "os_name", "sys_platform", "platform_system",
    "platform_machine", "platform_release", "platform_version", "platform_python_implementation",
    "implementation_name", "os.name", "sys.platform", "platform.machine", "platform.python_implementation",
    "python_implementation", "extra",
])  # fmt: skip
VALUES = st.sampled_from([
    "3.8", "3.10", "3.11", "3.1", "3", "3.9.*", "3.11.4", "3.12.0rc1", "3.8, 3.9", "3.10 3.11", "3.9,3.12", "abc", "",
    "linux", "linux darwin", "win32", "Linux", "x86_64", "aarch64 arm64", "posix", "nt", "CPython", "cpython", "5.10",
    "lin", "3.10.0.post1", "1!3.8", " 3.10 ", "v3.10",
])  # fmt: skip
OPERATORS = st.sampled_from(["==", "!=", "<", "<=", ">", ">=", "~=", "===", "in", "not in", "not  in"])


@st.composite
def comparisons(draw: st.DrawFn) -> str:
    value = draw(st.sampled_from(["'{}'", '"{}"'])).format(draw(VALUES))
    sides = [draw(VARIABLES), value]
    if draw(st.integers(0, 4)) == 0:
        sides.reverse()
    return draw(st.sampled_from([" ", "  "])).join([sides[0], draw(OPERATORS), sides[1]])


MARKERS = st.recursive(
    comparisons(),
    lambda inner: st.tuples(inner, st.sampled_from(["and", "or"]), inner).map(lambda parts: f"({' '.join(parts)})"),
    max_leaves=4,
)


@st.composite
def lines(draw: st.DrawFn) -> str:
    """A line that may be accepted."""
    extras = draw(st.lists(NAMES, max_size=2))
    blank = draw(st.sampled_from(["", " ", "\t", " \\\n"]))
    line = draw(NAMES) + (f"[{','.join(extras)}]" if extras else "")
    version = draw(VERSIONS)
    line += draw(st.sampled_from([f"=={version}", f" == {version}", f"{blank}(=={version})", f"{blank}=={version}"]))
    if draw(st.booleans()):
        line += f"{blank};{draw(MARKERS)}"
    return line + draw(st.sampled_from(["", "  # why", "\t#", " \\\n"]))


def is_accepted(line: str) -> bool:
    try:
        parse(line.encode(), "requirements.txt", HERE)
    except RequirementsRefused:
        return False
    return True


@settings(
    max_examples=15, deadline=None, suppress_health_check=list(HealthCheck),
    phases=[Phase.explicit, Phase.reuse, Phase.generate],  # the failure names the line; shrinking would start uv anew
)  # fmt: skip
@given(st.lists(lines(), min_size=20, max_size=60))
def test_pip_and_uv_read_any_accepted_file_as_we_do(tmp_path_factory: pytest.TempPathFactory, drawn: list[str]) -> None:
    kept: dict[str, str] = {}
    for line in filter(is_accepted, drawn):
        kept[canonicalize_name(parse(line.encode(), "", HERE).pins[0].name)] = line
    if kept:
        content = "\n".join(kept.values()) + "\n"
        assert_all_agree(parse(content.encode(), "requirements.txt", HERE), tmp_path_factory.mktemp("read"))


def test_pip_and_uv_read_the_same_line_numbers_of_continuations_and_comments(tmp_path: Path) -> None:
    content = b"six==1.17.0 \\\n# a comment line ends a continuation\nrequests==2.32.3\n# not here \\\nfoo==1.0\n"
    requirements = parse(content, "requirements.txt", HERE)
    assert [(pin.name, pin.line) for pin in requirements.pins] == [("six", 1), ("requests", 3), ("foo", 5)]
    original = tmp_path / "original.txt"
    original.write_bytes(content)
    assert pips(original)[0] == uvs(original) == ours(requirements)


@pytest.mark.parametrize("is_right", [True, False], ids=["right hash", "wrong hash"])
@pytest.mark.parametrize("installer", ["pip", "uv"])
def test_the_hashes_of_the_copy_are_checked_by_both(installer: str, is_right: bool, tmp_path: Path) -> None:
    digest = hashlib.sha256(wheel(tmp_path, "tiny", "1.0").read_bytes()).hexdigest()
    given_hash = digest.upper() if is_right else "0" * 64
    content = f"Tiny==v1.0 \\\n    --hash sha256:{'1' * 64} \\\n    --hash=sha256:{given_hash}\n"
    copy = tmp_path / "copy.txt"
    copy.write_text(parse(content.encode(), "requirements.txt", HERE).normalised())
    out = tmp_path / "out"
    common = ["--no-deps", "--no-index", "--find-links", str(tmp_path), "--target", str(out), "-r", str(copy)]
    pip = [sys.executable, "-m", "pip", "--isolated", "--disable-pip-version-check"]
    command = {
        "pip": [*pip, "install", "--no-cache-dir", *common],
        "uv": [uv.find_uv_bin(), "pip", "install", "--no-config", "--no-cache", "--python", sys.executable, *common],
    }[installer]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode == 0) is is_right, done.stderr
    assert (out / "tiny.py").exists() is is_right
