"""Built files judged: by others, by what is in them, and by installing them."""

from __future__ import annotations

import dataclasses
import os
import sys
import zipfile
from pathlib import Path

import pytest

from tests.support.projects import Repo
from venvbuild.errors import CheckFoundSomething, IntegrityError, ResolutionError, UsageError
from venvbuild.release import Manifest, Tools, build, check_built, manifest
from venvbuild.release.checking import importable, supported

HERE = f"{sys.version_info[0]}.{sys.version_info[1]}"


def refused(repo: Repo, tools: Tools) -> str:
    with pytest.raises(CheckFoundSomething) as found:
        check_built(repo.source, tools, 300, [HERE])
    return str(found.value)


def test_verify_distributions_with_twine(built_repo: Repo, tools: Tools) -> None:
    """What is sound is installed and imported from both files; a readme that cannot be rendered is found."""
    repo = built_repo
    found = check_built(repo.source, tools, 300, [HERE])
    assert [one.rpartition(".")[0] for one in found.pythons] == [HERE]
    assert found.imported == ("demo_tools",)
    text = (repo.folder / "pyproject.toml").read_text().replace("README.md", "README.rst")
    text = text.replace(', "tests/"]', "]").replace('["src/demo_tools"]', '["src/demo_tools", "tests"]')
    repo.write("pyproject.toml", text.replace('"CHANGELOG.md"]', '"CHANGELOG.md", "tests"]'))
    repo.write("tests/__init__.py", "")
    repo.write("README.rst", "demo\n====\n*never ends\n\n.. nothing::\n")
    repo.git("tag", "--delete", "v1.0.0")
    repo.commit()
    build(repo.source, tools, 300)
    said = refused(repo, tools)
    assert "twine check fails" in said
    assert "demo_tools-1.0.0.tar.gz" in said
    assert "W009" in said  # of check-wheel-contents: two packages at the top
    assert "the folder tests/ of tests is in the wheel" in said


def rebuilt(repo: Repo, files: dict[str, str]) -> None:
    """A wheel with more in it, of which the manifest knows."""
    dist = repo.source.dist
    made = Manifest.read(dist)
    wheel = dist / made.files[0].filename
    with zipfile.ZipFile(wheel, "a") as opened:
        for name, text in files.items():
            opened.writestr(name, text)
    dataclasses.replace(made, files=(manifest.described(wheel, "wheel"), made.files[1])).write(dist)


def test_what_must_not_be_in_it_is_named_all_at_once_and_no_secret_is_shown(built_repo: Repo, tools: Tools) -> None:
    repo = built_repo
    token = "ghp_" + "a1B2" * 9
    rebuilt(repo, {
        "tests/test_x.py": "",
        "demo_tools/.env.local": "",
        "demo_tools/__pycache__/x.pyc": "",
        "demo_tools/secret.py": f"x = 1\nTOKEN = '{token}'\n",
        "demo_tools/config.toml": "password = 'Tr0ub4dor&3'\n",
        "demo_tools/fine.py": "password = token\n",
    })  # fmt: skip
    said = refused(repo, tools)
    for what in ("folder tests/", ".env.local", "__pycache__", "secret.py:2", "config.toml:1"):
        assert what in said
    assert token not in said
    assert "Tr0ub4dor" not in said
    assert "fine.py" not in said


def test_versions_that_disagree_are_found_wherever_they_stand(built_repo: Repo, tools: Tools) -> None:
    repo = built_repo
    repo.write("pyproject.toml", (repo.folder / "pyproject.toml").read_text().replace('"1.0.0"', '"1.0.1"'))
    init = (repo.folder / "src/demo_tools/__init__.py").read_text()
    repo.write("src/demo_tools/__init__.py", init.replace('"1.0.0"', '"1.0.1"'))
    repo.write("CHANGELOG.md", "## [Unreleased]\n\n## [0.9.0]\n- a\n")
    said = refused(repo, tools)
    assert "pyproject.toml:3: it says 1.0.1" in said
    assert "CHANGELOG.md: it says 0.9.0" in said


def test_other_bytes_are_8_and_nothing_built_is_2(built_repo: Repo, tools: Tools) -> None:
    repo, made = built_repo, Manifest.read(built_repo.source.dist)
    aside = repo.source.dist.rename(repo.folder.parent / "aside")
    with pytest.raises(UsageError, match="venvbuild release build"):
        check_built(repo.source, tools, 300)
    aside.rename(repo.source.dist)
    (repo.source.dist / made.files[1].filename).write_bytes(b"other")
    with pytest.raises(IntegrityError, match=made.files[1].sha256):
        check_built(repo.source, tools, 300)


def test_a_package_that_does_not_import_is_11_and_one_that_lacks_something_is_4(repo: Repo, tools: Tools) -> None:
    repo.git("tag", "--delete", "v1.0.0")
    init = (repo.folder / "src/demo_tools/__init__.py").read_text()
    repo.write("src/demo_tools/__init__.py", f"{init}\nimport not_there\n")
    repo.commit()
    build(repo.source, tools, 300)
    assert "No module named 'not_there'" in refused(repo, tools)
    text = (repo.folder / "pyproject.toml").read_text()
    repo.write("pyproject.toml", text.replace("requires-python", 'dependencies = ["not-there"]\nrequires-python'))
    repo.commit()
    build(repo.source, tools, 300)
    with pytest.raises(ResolutionError, match="not-there"):
        check_built(repo.source, tools, 300, [HERE])


def test_it_is_installed_on_each_python_that_it_is_for(tmp_path: Path) -> None:
    versions = [one.version for one in supported(">=3.11")]
    assert HERE in versions or sys.version_info < (3, 11)
    assert all(tuple(map(int, one.split("."))) >= (3, 11) for one in versions)
    with pytest.raises(UsageError, match=r"3\.99"):
        supported("", ["3.99"])
    with pytest.raises(UsageError, match=">=4"):
        supported(">=4", environ={"PATH": os.environ["PATH"]})


def test_the_tops_of_a_wheel_are_what_is_imported(tmp_path: Path) -> None:
    path = tmp_path / "x.whl"
    with zipfile.ZipFile(path, "w") as wheel:
        for name in ("one.py", "two/__init__.py", "two/in.py", "ns/a/__init__.py", "ns/a/b/__init__.py", "ns/c.txt",
                     "ext.cpython-311-x86_64-linux-gnu.so", "x-1.dist-info/METADATA", "x-1.data/scripts/run.py",
                     "no-name.py"):  # fmt: skip
            wheel.writestr(name, "")
    assert importable(path) == ("ext", "ns.a", "one", "two")
