"""Where a project's version is, whichever backend builds it; and what a release misses in it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from packaging.version import Version

from tests.support import projects
from venvbuild.errors import RequirementsRefused, UsageError
from venvbuild.release import Project
from venvbuild.release.bumping import edits


def test_get_current_version_from_init(tmp_path: Path) -> None:
    """By the grammar of Python, not by a pattern: what only looks like it is passed over."""
    projects.hatchling(tmp_path)
    init = tmp_path / "src/demo_tools/__init__.py"
    init.write_text(
        '"""\n__version__ = "9.9.9"\n"""\n\nif False:\n    __version__ = "8.8.8"\n__version__: str = \'1.0.0\'\n'
    )
    project = Project.read(tmp_path)
    assert project.version == Version("1.0.0")
    assert project.place is not None
    assert project.place.where == "src/demo_tools/__init__.py:7"


@pytest.mark.parametrize(
    ("make", "where"),
    [
        (projects.seed, ["pyproject.toml:3", "src/demo_tools/__init__.py:3"]),
        (projects.hatchling, ["src/demo_tools/__init__.py:3"]),
        (projects.setuptools_attr, ["src/demo_tools/__init__.py:3"]),
        (projects.setup_cfg, ["setup.cfg:4", "demo_tools/__init__.py:3"]),
        (projects.flit, ["demo_tools.py:3"]),
        (projects.poetry, ["pyproject.toml:3", "src/demo_tools/__init__.py:3"]),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
@pytest.mark.parametrize("end", ["\n", "\r\n"], ids=["LF", "CRLF"])
def test_the_version_is_edited_where_the_backend_reads_it_and_nothing_else(
    tmp_path: Path, make: Callable[[Path], None], where: list[str], end: str
) -> None:
    make(tmp_path)
    for path in tmp_path.rglob("*"):
        if path.is_file():
            path.write_bytes(path.read_bytes().replace(b"\n", end.encode()))
    project = Project.read(tmp_path)
    assert project.name == "demo-tools"
    assert [one.where for one in (project.place, *project.also) if one] == where
    assert project.lacks() == ()
    for name, content in edits(project, Version("1.1.0rc1")).items():
        before = (tmp_path / name).read_bytes()
        assert content == before.replace(b"1.0.0", b"1.1.0rc1")
        (tmp_path / name).write_bytes(content)
    assert Project.read(tmp_path).version == Version("1.1.0rc1")


DYNAMIC = '[project]\nname="a"\ndynamic=["version"]\n[build-system]\n'
HATCH = f'{DYNAMIC}requires=["hatchling"]\nbuild-backend="hatchling.build"\n[tool.hatch.version]\n'
SETUPTOOLS = f'{DYNAMIC}requires=["setuptools"]\nbuild-backend="setuptools.build_meta"\n[tool.setuptools.dynamic]\n'
PDM = f'{DYNAMIC}requires=["pdm-backend"]\nbuild-backend="pdm.backend"\n[tool.pdm.version]\n'
FIND = "[metadata]\nname=a\nversion = attr: a.b.version\n[options]\npackage_dir=\n  = lib\n"


@pytest.mark.parametrize(
    ("files", "version"),
    [
        pytest.param({"pyproject.toml": 'project = {name="a", version="2.0"} # 2.0\n[tool.x]\nversion="2.0"\n'},
                     "2.0", id="inline"),
        pytest.param({"pyproject.toml": 'project.version = """2.0"""\nproject.name="a-2.0"\n'}, "2.0", id="dotted"),
        pytest.param({"pyproject.toml": f'{SETUPTOOLS}version={{file="VERSION"}}\n', "VERSION": "\n 2.0 \n"},
                     "2.0", id="file"),
        pytest.param({"setup.cfg": FIND, "lib/a/b.py": "version = '2.0'\n", "lib/a/__init__.py": ""},
                     "2.0", id="attr in a package"),
        pytest.param({"pyproject.toml": f'{HATCH}path="a.txt"\npattern="v(?P<version>[0-9.]+)"\n', "a.txt": "é v2.0\n"},
                     "2.0", id="pattern"),
        pytest.param({"pyproject.toml": f'{HATCH}path="a.py"\n', "a.py": "\ufeffé = 1; VERSION = '2.0'\n"},
                     "2.0", id="a mark and a name of more bytes"),
        pytest.param({"pyproject.toml": f'{HATCH}path="a.txt"\n', "a.txt": "# of a\nVERSION = 'v2.0'\n"},
                     "2.0", id="a text as hatchling looks through it"),
        pytest.param({"pyproject.toml": f'{HATCH}source="code"\npath="a.py"\nexpression="V"\n', "a.py": "V = '2.0'\n"},
                     "2.0", id="code"),
        pytest.param({"pyproject.toml": f'{PDM}source="file"\npath="a/v.py"\n', "a/v.py": '__version__ = "2.0"\n'},
                     "2.0", id="pdm"),
        pytest.param({"setup.cfg": "[metadata]\nname=a\nversion = file: VERSION\n", "VERSION": "2.0\n"},
                     "2.0", id="file of setup.cfg"),
    ],
)  # fmt: skip
def test_other_forms_of_it_are_found_to_the_byte(tmp_path: Path, files: dict[str, str], version: str) -> None:
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, "utf-8")
    project = Project.read(tmp_path)
    assert project.place is not None
    assert str(project.version) == version
    path = tmp_path / project.place.file
    path.write_bytes(project.place.edited("3.1.4"))
    assert str(Project.read(tmp_path).version) == "3.1.4"
    assert path.read_text("utf-8").count("3.1.4") == 1
    assert path.read_text("utf-8").replace("3.1.4", version) == files[project.place.file]


@pytest.mark.parametrize(
    ("files", "why"),
    [
        pytest.param({"pyproject.toml": '[project]\nversion="1.0"\n'}, "the project has no name", id="no name"),
        pytest.param({"pyproject.toml": '[project]\nname="a"\n'}, "nothing says where", id="no version"),
        pytest.param({"pyproject.toml": f'{SETUPTOOLS}version={{file=["A", "B"]}}\n'}, "several files", id="two files"),
        pytest.param({"pyproject.toml": f'{SETUPTOOLS}version={{attr="a.b"}}\n'}, r"a\.b is not there", id="no module"),
        pytest.param({"pyproject.toml": f'{SETUPTOOLS}version={{attr="b"}}\n'}, "looked for a module", id="no dot"),
        pytest.param(
            {"pyproject.toml": f'{HATCH}path="a.txt"\npattern="("\n', "a.txt": ""}, "pattern", id="no pattern"
        ),
        pytest.param(
            {"pyproject.toml": f'{HATCH}path="a.txt"\npattern="v(.)"\n', "a.txt": "v1"}, "group", id="no group"
        ),
        pytest.param({"pyproject.toml": f'{HATCH}path="a.txt"\n', "a.txt": "1.0"}, "is not in it", id="nothing found"),
        pytest.param({"pyproject.toml": f'{HATCH}path="gone.py"\n'}, "cannot be read", id="no file"),
        pytest.param({"pyproject.toml": 'project = {name="a", version="1\\u002e0"}\n'}, "as it stands", id="an escape"),
        pytest.param({"setup.cfg": "[metadata\n"}, "cannot be read", id="no setup.cfg"),
    ],
)
def test_what_says_no_version_is_told_by_its_file(tmp_path: Path, files: dict[str, str], why: str) -> None:
    for name, text in files.items():
        (tmp_path / name).write_text(text, "utf-8")
    with pytest.raises(RequirementsRefused, match=why) as refused:
        _ = (Project.read(tmp_path).name, Project.read(tmp_path).version)
    [problem] = refused.value.problems
    assert any(name in problem.where for name in (*files, "gone.py"))
    assert problem.fix


@pytest.mark.parametrize(
    ("code", "why"),
    [
        ("from importlib.metadata import version\n__version__ = version('a')\n", "no literal"),
        ("__version__ = '1.' '0'\n", "no literal"),
        ("__version__ = f'1.0'\n", "no literal"),
        ("x = 1\n", "not in it"),
        ("def (\n", "which runs the tool, cannot read it.*or run the tool by a Python that it is written for"),
        ("__version__ = 'one'\n", "no version"),
    ],
)
def test_what_cannot_be_edited_is_told_with_its_line(tmp_path: Path, code: str, why: str) -> None:
    projects.hatchling(tmp_path)
    (tmp_path / "src/demo_tools/__init__.py").write_text(code)
    with pytest.raises(RequirementsRefused, match=why) as refused:
        _ = Project.read(tmp_path).version
    assert "src/demo_tools/__init__.py" in refused.value.problems[0].where


def test_two_places_that_disagree_are_both_named(tmp_path: Path) -> None:
    projects.seed(tmp_path)
    init = tmp_path / "src/demo_tools/__init__.py"
    init.write_text(init.read_text().replace("1.0.0", "1.0.1"))
    with pytest.raises(RequirementsRefused) as refused:
        _ = Project.read(tmp_path).version
    assert "pyproject.toml:3" in str(refused.value)
    assert "src/demo_tools/__init__.py:3" in str(refused.value)


@pytest.mark.parametrize(
    ("source", "name"), [('[tool.hatch.version]\nsource = "vcs"\n', "hatch-vcs"), ("", "setuptools-scm")]
)
def test_a_version_that_is_the_tag_is_said(tmp_path: Path, source: str, name: str) -> None:
    backend = "hatchling" if source else "setuptools"
    top = f'[project]\nname="a"\ndynamic=["version"]\n[build-system]\nrequires=["{backend}", "{name}>=8"]\n'
    (tmp_path / "pyproject.toml").write_text(f'{top}build-backend="{backend}.build"\n{source}')
    project = Project.read(tmp_path)
    assert (project.scm, project.place) == (name, None)
    with pytest.raises(RequirementsRefused, match="release tag VERSION"):
        _ = project.version


@pytest.mark.parametrize("name", ["README.md", "LICENSE", "src/demo_tools/__init__.py"])
def test_validate_package_checks_required_files(tmp_path: Path, name: str) -> None:
    projects.seed(tmp_path)
    (tmp_path / name).unlink()
    [problem] = Project.read(tmp_path).lacks()
    assert problem.what == f"{name} is missing"


def test_validate_package_checks_that_it_is_described(tmp_path: Path) -> None:
    projects.seed(tmp_path)
    (tmp_path / "pyproject.toml").unlink()
    with pytest.raises(UsageError, match=r"neither pyproject\.toml nor setup\.cfg"):
        Project.read(tmp_path)


@pytest.mark.parametrize(
    ("made", "table", "missing"),
    [
        pytest.param(["demo_tools.py"], "", None, id="a module"),
        pytest.param(["src/demo/tools/__init__.py"], "", None, id="a package in a namespace"),
        pytest.param(["src/other/__init__.py"], "", None, id="another name"),
        pytest.param(["lib/x.py"], "", "src/demo_tools/__init__.py", id="nothing"),
        pytest.param(["demo_tools.py"], 'license-files = ["LIC*", "NOTICE"]', "NOTICE", id="a licence by name"),
        pytest.param(["demo_tools.py"], 'license = {file = "COPYING.txt"}', "COPYING.txt", id="a licence as a file"),
        pytest.param(
            ["src/a/__init__.py"],
            '[tool.hatch.build.targets.wheel]\npackages = ["src/a", "src/gone"]',
            "src/gone/__init__.py",
            id="a package that the backend is told of",
        ),
        pytest.param(
            ["lib/m.py"],
            '[tool.setuptools]\npy-modules = ["m"]\npackage-dir = {"" = "lib"}',
            None,
            id="a module that the backend is told of",
        ),
        pytest.param(["demo_tools.py"], 'readme = {file = "docs/R.rst"}', "docs/R.rst", id="a readme by name"),
    ],
)
def test_the_package_may_be_a_module_or_a_namespace(
    tmp_path: Path, made: list[str], table: str, missing: str | None
) -> None:
    (tmp_path / "pyproject.toml").write_text(f'[project]\nname="demo-tools"\nversion="1.0"\n{table}\n')
    for name in (*made, "README.md", "LICENSE"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    assert [one.what for one in Project.read(tmp_path).lacks()] == ([f"{missing} is missing"] if missing else [])


def test_a_version_outside_of_the_project_is_not_edited(tmp_path: Path) -> None:
    projects.hatchling(tmp_path / "project")
    path = tmp_path / "project" / "pyproject.toml"
    path.write_text(path.read_text().replace('path = "src', 'path = "../src'))
    (tmp_path / "src/demo_tools").mkdir(parents=True)
    (tmp_path / "src/demo_tools/__init__.py").write_text('__version__ = "1.0.0"\n')
    with pytest.raises(RequirementsRefused, match="outside"):
        _ = Project.read(tmp_path / "project").version


@pytest.mark.parametrize("text", ["[project", "\udcff", "a = 1\na = 2\n"])
def test_a_file_that_cannot_be_read_is_told(tmp_path: Path, text: str) -> None:
    (tmp_path / "pyproject.toml").write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(RequirementsRefused, match="cannot be read"):
        Project.read(tmp_path)


def test_packages_of_versions_of_their_own_in_src_are_no_disagreement(tmp_path: Path) -> None:
    """Of one that the project is named after, or that the backend is told of, they are."""
    text = '[project]\nname = "my-thing"\nversion = "1.0.0"\n'
    (tmp_path / "pyproject.toml").write_text(text)
    for name, version in (("alpha", "1.0.0"), ("beta", "7.0")):
        (tmp_path / "src" / name).mkdir(parents=True)
        (tmp_path / "src" / name / "__init__.py").write_text(f'__version__ = "{version}"\n')
    project = Project.read(tmp_path)
    assert str(project.version) == "1.0.0"
    assert [place.file for place in project.also] == ["src/alpha/__init__.py"]  # it says the same, and goes with it
    told = '[build-system]\nrequires = ["setuptools"]\n[tool.setuptools]\npackages = ["alpha", "beta"]\n'
    (tmp_path / "pyproject.toml").write_text(text + told)
    with pytest.raises(RequirementsRefused, match=r"7\.0"):
        _ = Project.read(tmp_path).version


def test_a_comment_behind_a_version_in_setup_cfg_is_told_as_the_cause(tmp_path: Path) -> None:
    projects.setup_cfg(tmp_path)
    path = tmp_path / "setup.cfg"
    path.write_text(path.read_text().replace("version = 1.0.0", "version = 1.0.0  # the version"))
    with pytest.raises(RequirementsRefused, match="a comment behind a value") as refused:
        _ = Project.read(tmp_path).version
    line = refused.value.problems[0].fix.partition(": ")[2]
    path.write_text(path.read_text().replace("version = 1.0.0  # the version", f"# the version\n{line}"))
    assert str(Project.read(tmp_path).version) == "1.0.0"
