"""The whole way of a release: the next version, built, published, installed by name, upgraded to, taken back."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from tests.support import projects
from tests.support.devpi_server import Devpi
from tests.support.private_index import PASSWORD
from tests.support.projects import Repo
from tests.support.releases import publisher, target, verifier
from venvbuild.release import Index, Manifest, Tools, build, bump, withdraw

DAY = date(2026, 11, 28)
NAME = "demo-tools"


@pytest.fixture
def index(request: pytest.FixtureRequest) -> dict[str, str]:
    """The variables of pypiserver, or of a new volatile index of devpi."""
    if request.param == "devpi":
        devpi: Devpi = request.getfixturevalue("devpi")
        return devpi.index(volatile=True).environment()
    environ: dict[str, str] = request.getfixturevalue("pypiserver")
    return environ


ON_DEVPI = pytest.param("devpi", marks=pytest.mark.xdist_group("devpi"))


def released(repo: Repo, tools: Tools, environ: dict[str, str]) -> dict[str, str]:
    """HEAD, built and published; as `sent`."""
    return sent(repo, build(repo.source, tools, 300), environ)


def sent(repo: Repo, made: Manifest, environ: dict[str, str]) -> dict[str, str]:
    """What is built, published; file name -> sha256 as the index shows it."""
    publisher(environ).publish(made, repo.source.dist)
    shown = {file.filename: file.sha256 for file in Index(target(environ)).list(NAME).files}
    assert {one.filename: one.sha256 for one in made.files}.items() <= shown.items()
    return shown


@pytest.mark.parametrize("index", ["pypiserver", ON_DEVPI], indirect=True)
def test_end_to_end_build_and_publish(built_repo: Repo, tools: Tools, index: dict[str, str]) -> None:
    """The seed's project: after each release the index shows the sha256 of both of its files."""
    repo = built_repo
    sent(repo, Manifest.read(repo.source.dist), index)
    bump(repo.wanted("minor"), tools, DAY)
    shown = released(repo, tools, index)
    assert len(shown) == 4
    assert {name.split("-")[1][:5] for name in shown} == {"1.0.0", "1.1.0"}
    assert PASSWORD not in repo.git("log", "--all", "-p")


@pytest.mark.slow
@pytest.mark.xdist_group("devpi")
@pytest.mark.parametrize("python", ["3.10", "3.11", "3.12"])
def test_the_seeds_project_is_released_upgraded_to_and_taken_back_on_each_python(
    python: str, repo: Repo, tools: Tools, devpi: Devpi
) -> None:
    environ = devpi.index(volatile=True).environment()
    _way(repo, tools, environ, python)
    done = withdraw(target(environ), NAME, "1.1.0", environ)
    assert done.is_done
    assert verifier(environ, python=python).verify(NAME, "1.0.0").seen.version == "1.0.0"


@pytest.mark.slow
@pytest.mark.parametrize("make", [projects.setuptools_attr, projects.setup_cfg, projects.flit, projects.poetry])
def test_projects_of_other_backends_go_the_same_way(
    make: Callable[[Path], None], tmp_path: Path, tools: Tools, pypiserver: dict[str, str]
) -> None:
    _way(projects.repo(tmp_path, make), tools, pypiserver, "")


def _way(repo: Repo, tools: Tools, environ: dict[str, str], python: str) -> None:
    """1.0.0 published, then 1.1.0 rehearsed, published and verified."""
    released(repo, tools, environ)
    bump(repo.wanted("minor"), tools, DAY)
    made = build(repo.source, tools, 300)
    trying = verifier(environ, python=python)
    assert trying.rehearse(made, repo.source.dist).older == "1.0.0"
    publisher(environ).publish(made, repo.source.dist)
    found = trying.verify(NAME, "1.1.0", made)
    assert (found.older, found.seen.imports, found.seen.scripts) == ("1.0.0", ("demo_tools",), (NAME,))
    assert found.python.startswith(python)
    assert f"{NAME} --version: 1.1.0" in found.seen.notes
