"""Projects of one's own in git repositories, each built by another backend; and the index of what builds them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import uv

from tests.support.index_server import IndexServer
from venvbuild import release

CHANGELOG = """# Changelog

All notable changes.

## [Unreleased]

### Added
- A greeting for everybody.

### Fixed
- The old greeting ended.

## [1.0.0] - 2026-01-02

### Added
- All of it.

[Unreleased]: https://git.example.com/demo/compare/v1.0.0...HEAD
[1.0.0]: https://git.example.com/demo/releases/v1.0.0
"""
_PROJECT = """\
[project]
name = "demo-tools"
{version}
description = "Tools for demonstrations"
readme = "README.md"
requires-python = ">=3.10"
license = {{text = "MIT"}}

[project.scripts]
demo-tools = "demo_tools:main"
"""
_CODE = '''\
"""Tools for demonstrations."""

__version__ = "{version}"  # told to users


def main() -> None:
    print(f"demo-tools version {{__version__}}")


def hello(name: str) -> str:
    return f"hello {{name}}"
'''


def seed(folder: Path, version: str = "1.0.0") -> None:
    """As the seed has it: hatchling, the version in pyproject.toml and in the package."""
    said = f'version = "{version}"  # Managed by scripts/version.py'
    _write(
        folder,
        {
            "pyproject.toml": f"""{_PROJECT.format(version=said)}
[build-system]
requires = ["hatchling>=1.18.0"]
build-backend = "hatchling.build"

[tool.hatch.version]
path = "src/demo_tools/__init__.py"

[tool.hatch.build]
include = ["src/demo_tools", "README.md", "LICENSE", "CHANGELOG.md"]
exclude = ["*.pyc", "__pycache__", ".git", ".env*", "tests/"]

[tool.hatch.build.targets.wheel]
packages = ["src/demo_tools"]
""",
            "src/demo_tools/__init__.py": _CODE.format(version=version),
        },
    )


def hatchling(folder: Path, version: str = "1.0.0") -> None:
    """The version in the package alone."""
    seed(folder, version)
    path = folder / "pyproject.toml"
    text = path.read_text()
    path.write_text(text.replace(f'version = "{version}"  # Managed by scripts/version.py', 'dynamic = ["version"]'))


def hatch_vcs(folder: Path, version: str = "1.0.0") -> None:
    """The version in no file: its tag says it."""
    hatchling(folder, version)
    path = folder / "pyproject.toml"
    text = path.read_text().replace('path = "src/demo_tools/__init__.py"', 'source = "vcs"')
    path.write_text(text.replace('"hatchling>=1.18.0"', '"hatchling", "hatch-vcs"'))
    init = folder / "src/demo_tools/__init__.py"
    code = init.read_text().replace(f'__version__ = "{version}"', '__version__ = version("demo-tools")')
    init.write_text(code.replace("\n\n", "\n\nfrom importlib.metadata import version\n\n", 1))


def setuptools_attr(folder: Path, version: str = "1.0.0") -> None:
    _write(
        folder,
        {
            "pyproject.toml": _PROJECT.format(version='dynamic = ["version"]')
            + """
[build-system]
requires = ["setuptools>=61"]
build-backend = "setuptools.build_meta"

[tool.setuptools.dynamic]
version = {attr = "demo_tools.__version__"}
""",
            "src/demo_tools/__init__.py": _CODE.format(version=version),
        },
    )


def setup_cfg(folder: Path, version: str = "1.0.0") -> None:
    _write(
        folder,
        {
            "setup.cfg": f"""\
[metadata]
# of the package
name = demo-tools
version = {version}
long_description = file: README.md
long_description_content_type = text/markdown
license_files = LICENSE

[options]
packages = find:
python_requires = >=3.10

[options.entry_points]
console_scripts =
    demo-tools = demo_tools:main
""",
            "demo_tools/__init__.py": _CODE.format(version=version),
        },
    )


def flit(folder: Path, version: str = "1.0.0") -> None:
    _write(
        folder,
        {
            "pyproject.toml": _PROJECT.format(version='dynamic = ["version"]')
            + '\n[build-system]\nrequires = ["flit_core>=3.2"]\nbuild-backend = "flit_core.buildapi"\n',
            "demo_tools.py": _CODE.format(version=version),
        },
    )


def poetry(folder: Path, version: str = "1.0.0") -> None:
    _write(
        folder,
        {
            "pyproject.toml": f"""\
[tool.poetry]
name = "demo-tools"
version = "{version}"
description = "Tools"
authors = ["Us <us@example.com>"]
license = "MIT"
readme = "README.md"
packages = [{{ include = "demo_tools", from = "src" }}]

[tool.poetry.dependencies]
python = ">=3.10"

[tool.poetry.scripts]
demo-tools = "demo_tools:main"

[build-system]
requires = ["poetry-core"]
build-backend = "poetry.core.masonry.api"
""",
            "src/demo_tools/__init__.py": _CODE.format(version=version),
        },
    )


def _write(folder: Path, files: Mapping[str, str]) -> None:
    more = {
        "README.md": "# demo-tools\n\nTools.\n",
        "LICENSE": "MIT License\n",
        "CHANGELOG.md": CHANGELOG,
        ".gitignore": "dist/\n",
    }
    for name, text in {**more, **files}.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode())


@dataclass(frozen=True)
class Repo:
    """A project in a repository, with a bare one beside it as its remote."""

    folder: Path
    remote: Path

    def git(self, *arguments: str) -> str:
        return git(self.folder, *arguments)

    def at_remote(self, *arguments: str) -> str:
        return git(self.remote, *arguments)

    def commit(self, message: str = "Change") -> None:
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", message)

    def write(self, name: str, text: str) -> None:
        (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
        (self.folder / name).write_bytes(text.encode())

    @property
    def repository(self) -> release.Repository:
        return release.Repository.of(self.folder)

    @property
    def project(self) -> release.Project:
        return release.Project.read(self.folder)

    @property
    def source(self) -> release.Source:
        return release.Source(self.project, self.repository, release.load(self.folder, {}, {}))

    def wanted(self, part: str, *, pushes: bool = False) -> release.Release:
        """What `bump PART` asks for."""
        project = self.project
        version = release.wanted_version(part, project.version)
        changelog = release.Changelog.read(self.folder / "CHANGELOG.md")
        configuration = release.load(self.folder, {}, {})
        return release.Release(project, self.repository, configuration, version, changelog, pushes=pushes)


def repo(folder: Path, make: Callable[[Path], None] = seed) -> Repo:
    """A project in `folder/project`, committed as 1.0.0, tagged and pushed to `folder/remote.git`."""
    made = Repo(folder / "project", folder / "remote.git")
    folder.mkdir(exist_ok=True)
    make(made.folder)
    git(folder, "init", "--quiet", "--bare", "--initial-branch", "main", str(made.remote))
    made.git("init", "--quiet", "--initial-branch", "main")
    identify(made.folder)
    made.git("remote", "add", "origin", str(made.remote))
    made.commit("Release 1.0.0")
    made.git("tag", "--annotate", "--message", "Release 1.0.0", "v1.0.0")
    made.git("push", "--quiet", "origin", "main", "v1.0.0")
    return made


def copied(other: Path, folder: Path) -> Repo:
    """Another of what `repo` made in `other`, with what was built there, in `folder`: it has the same commits."""
    for name in ("project", "remote.git"):
        shutil.copytree(other / name, folder / name, symlinks=True)
    made = Repo(folder / "project", folder / "remote.git")
    made.git("remote", "set-url", "origin", str(made.remote))
    return made


def identify(folder: Path) -> None:
    """Who commits there."""
    git(folder, "config", "user.name", "Somebody")
    git(folder, "config", "user.email", "somebody@example.com")


def git(folder: Path, *arguments: str) -> str:
    """What git prints, without the end of the line."""
    env = {**os.environ, "GIT_CONFIG_NOSYSTEM": "1", "GIT_TERMINAL_PROMPT": "0"}
    done = subprocess.run(
        ["git", *arguments], cwd=folder, env=env, text=True, capture_output=True, check=False, timeout=60
    )
    assert done.returncode == 0, f"git {' '.join(arguments)}: {done.stderr}"
    return done.stdout.rstrip("\n")


def tools(index: IndexServer, cache: Path) -> release.Tools:
    """The programs of others, of the tests' own environment; packages come from `index`, into a cache of uv's."""
    variables = {"UV_DEFAULT_INDEX": index.url(), "UV_CACHE_DIR": str(cache), "UV_LINK_MODE": "copy",
                 "UV_NO_CONFIG": "1", "UV_PYTHON_DOWNLOADS": "never"}  # fmt: skip
    return release.Tools(Path(sys.executable), Path(uv.find_uv_bin()), variables)


def fill(index: IndexServer, backends: Path) -> None:
    """Let the index have what projects are built with."""
    for wheel in backends.iterdir():
        target = index.folder / wheel.name
        try:
            os.link(wheel, target)
        except OSError:  # another file system
            shutil.copy(wheel, target)
