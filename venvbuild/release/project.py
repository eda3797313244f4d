"""A project of one's own, read from its pyproject.toml or setup.cfg: its name, its package, and where its version is.

The version is where the build backend reads it: nothing here runs a backend, so what is read is compared with what the
backend says after an edit (bumping).
"""

from __future__ import annotations

import configparser
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from packaging.version import InvalidVersion, Version

from venvbuild.errors import Problem, RequirementsRefused, UsageError
from venvbuild.release import places
from venvbuild.release.places import Place
from venvbuild.text import first_line, shown

PYPROJECT, SETUP_CFG = "pyproject.toml", "setup.cfg"
_LICENCES = ("LICEN[CS]E*", "COPYING*")
"""What a backend takes where the metadata names none (PEP 639)."""
_SCM = ("hatch-vcs", "setuptools-scm", "setuptools_scm", "versioningit", "setuptools-git-versioning", "dunamai")


@dataclass(frozen=True)
class Project:
    """One project; paths are relative to its folder, as text."""

    folder: Path
    table: Mapping[str, Any]
    """pyproject.toml; empty where there is none."""
    setup: configparser.RawConfigParser
    """setup.cfg; empty where there is none."""

    @classmethod
    def read(cls, folder: Path) -> Project:
        """The project in `folder`.

        Raises:
            UsageError: there is none. RequirementsRefused: one of its files cannot be read.
        """
        table, setup = _toml(folder / PYPROJECT), _setup(folder / SETUP_CFG)
        project = cls(folder, table or {}, setup or configparser.RawConfigParser())
        if table is None and setup is None:
            raise UsageError(
                "there is no project here",
                where=shown(str(folder), 200),
                why="it has neither pyproject.toml nor setup.cfg",
                fix="change to the project's folder, or name it: --project DIR",
                rule="NO_PROJECT",
            )
        return project

    def get(self, *keys: str) -> Any:
        """What stands in pyproject.toml; None where nothing does."""
        found: Any = self.table
        for key in keys:
            found = found.get(key) if isinstance(found, dict) else None
        return found

    def setup_value(self, section: str, key: str) -> str:
        """What stands in setup.cfg, without blanks around it; empty where nothing does."""
        return self.setup.get(section, key, fallback="").strip()

    @property
    def name(self) -> str:
        """As it is written.

        Raises:
            RequirementsRefused: nothing says it.
        """
        given = (
            self.get("project", "name"),
            self.get("tool", "poetry", "name"),
            self.setup_value("metadata", "name"),
            self.get("tool", "flit", "metadata", "module"),
        )
        for name in given:
            if isinstance(name, str) and name:
                return name
        raise RequirementsRefused(
            "the project has no name", where=self.file, fix='write it: [project] name = "..."', rule="METADATA"
        )

    @property
    def file(self) -> str:
        """The file that describes it."""
        return PYPROJECT if self.table else SETUP_CFG

    @property
    def backend(self) -> str:
        """The top of the build backend's name: `hatchling`."""
        given = self.get("build-system", "build-backend")
        return given.partition(".")[0].partition(":")[0] if isinstance(given, str) else "setuptools"

    @property
    def requires_python(self) -> str:
        """The specifier; empty: any."""
        said = self.get("project", "requires-python") or self.setup_value("options", "python_requires")
        return said if isinstance(said, str) else ""

    @property
    def build_requires(self) -> tuple[str, ...]:
        """What it is built with; without a word the old setuptools (PEP 518)."""
        given = self.get("build-system", "requires")
        return tuple(map(str, given)) if isinstance(given, list) else ("setuptools>=40.8.0",)

    @cached_property
    def packages(self) -> tuple[str, ...]:
        """Its importable tops that are there: `src/demo`, a folder, or `demo.py`."""
        return tuple(dict.fromkeys(_packages(self)))

    @property
    def expected_packages(self) -> tuple[str, ...]:
        """Where its package would be looked for, for messages."""
        named = _named_packages(self)
        return tuple(named) if named else tuple(f"{root}{_module(self.name)}" for root in ("src/", ""))

    @cached_property
    def scm(self) -> str:
        """What takes the version from the tag, so that no file says it; empty: a file does."""
        return _scm(self)

    @cached_property
    def place(self) -> Place | None:
        """Where the backend reads the version; None: nowhere in a file, the tag is the version.

        Raises:
            RequirementsRefused: nothing says it, or not as one literal.
        """
        return None if self.scm else _place(self)

    @cached_property
    def also(self) -> tuple[Place, ...]:
        """`__version__` of its packages where the backend reads it elsewhere, in so far as they are literals."""
        found = []
        # Several that only lie in src may have versions of their own: no name says that they are this one.
        is_guess = len(self.packages) > 1 and not _named_packages(self)
        for package in self.packages:
            file = package if package.endswith(".py") else f"{package}/__init__.py"
            place = places.attribute_if_any(self.folder, file, "__version__")
            if place is None or (self.place is not None and place.where == self.place.where):
                continue
            if not is_guess or (self.place is not None and place.version == self.place.version):
                found.append(place)
        return tuple(found)

    @property
    def version(self) -> Version:
        """The version that it has now.

        Raises:
            RequirementsRefused: nothing says it, it is none, or two places disagree.
        """
        if self.place is None:
            raise RequirementsRefused(
                "no file says the version",
                where=self.file,
                why=f"{self.scm} takes it from the tag",
                fix="give the tag: `venvbuild release tag VERSION`; nothing is edited",
                rule="SCM",
            )
        if problems := list(self._disagreements(self.place)):
            raise RequirementsRefused.of(problems)
        return _version(self.place)

    def _disagreements(self, place: Place) -> Iterator[Problem]:
        for other in self.also:
            if _version(other) != _version(place):
                yield Problem(
                    f"the version is {place.version} there, and {other.version} at {other.where}",
                    place.where,
                    "the backend reads the first; who imports the package reads the second",
                    f"write the same in both, as {place.version} at {other.where}",
                    "DISAGREEMENT",
                )

    def readmes(self) -> tuple[str, ...]:
        """The readme files that the metadata names."""
        said = self.get("project", "readme")
        if said is None:
            said = self.get("tool", "poetry", "readme")
        if isinstance(said, dict):
            said = said.get("file")
        if not self.get("project") and not said:
            text = self.setup_value("metadata", "long_description")
            said = [one.strip() for one in text[5:].split(",")] if text.startswith("file:") else None
        return _texts(said)

    def licences(self) -> tuple[str, ...] | None:
        """The licence files that the metadata names, globs among them; None: it names none."""
        licence = self.get("project", "license")
        named = self.get("project", "license-files")
        if isinstance(named, dict):
            named = [*_texts(named.get("paths")), *_texts(named.get("globs"))]
        if isinstance(licence, dict) and "file" in licence:
            return _texts(licence["file"])
        if named is None and (text := self.setup_value("metadata", "license_files")):
            named = text.replace(",", "\n").split("\n")
        if named is None:
            return None
        return tuple(one.strip() for one in _texts(named) if one.strip())

    def lacks(self) -> tuple[Problem, ...]:
        """The files that a release needs and the project does not have, each by name."""
        return tuple(_lacks(self))


def _lacks(project: Project) -> Iterator[Problem]:
    def gone(name: str, fix: str) -> Problem:
        return Problem(f"{shown(name)} is missing", shown(str(project.folder), 200), fix=fix, rule="MISSING")

    readmes = project.readmes()
    if not readmes and not any(project.folder.glob("README*")):
        yield gone("README.md", 'write one, and name it: readme = "README.md"')
    for name in readmes:
        if not (project.folder / name).is_file():
            yield gone(name, f"write it, for {project.file} names it as the readme")
    licences = project.licences()
    if licences is None and not any(any(project.folder.glob(pattern)) for pattern in _LICENCES):
        yield gone("LICENSE", "write one: who installs the package must know what is allowed")
    for pattern in licences or ():
        if not _finds(project.folder, pattern):
            yield gone(pattern, f"write it, for {project.file} names it as a licence")
    if not project.packages:
        tops = project.expected_packages
        name = tops[0] if tops[0].endswith(".py") else f"{tops[0]}/__init__.py"
        yield gone(name, f"write the package, or tell the backend in {project.file} where it is")
    for name in _named_packages(project):
        if project.packages and name not in project.packages:
            yield gone(
                name if name.endswith(".py") else f"{name}/__init__.py",
                f"write it, or take {shown(name)} out of {project.file}",
            )


def _finds(folder: Path, pattern: str) -> bool:
    try:
        return any(folder.glob(pattern))
    except (ValueError, NotImplementedError):  # an absolute path, or an empty one
        return False


# --- where the package is


def _packages(project: Project) -> Iterator[str]:
    named = _named_packages(project)
    if named:
        yield from (name for name in named if _is_package(project.folder, name))
        return
    module = _module(project.name)
    dotted = project.name.replace("-", ".").replace(".", "/")
    for root in _roots(project):
        for name in (module, module.lower(), dotted, dotted.lower()):
            for found in (f"{root}{name}", f"{root}{name}.py"):
                if _is_package(project.folder, found):
                    yield found
                    return
    src = project.folder / "src"
    if src.is_dir():
        found_ones = sorted(path.name for path in src.iterdir() if _is_package(project.folder, f"src/{path.name}"))
        yield from (f"src/{name}" for name in found_ones)


def _named_packages(project: Project) -> list[str]:
    """The tops that the backend is told by name."""
    named = [*_texts(project.get("tool", "hatch", "build", "targets", "wheel", "packages"))]
    roots = _roots(project)
    setuptools = project.get("tool", "setuptools", "packages")
    listed = [*_texts(setuptools)] if isinstance(setuptools, list) else []
    text = project.setup_value("options", "packages")
    if text and not text.startswith("find"):
        listed += text.replace(",", "\n").split("\n")
    for one in listed:
        top = one.strip().split(".")[0]
        named += [f"{root}{top}" for root in roots if top and _is_package(project.folder, f"{root}{top}")][:1] or (
            [f"{roots[0]}{top}"] if top else []
        )
    modules = [*_texts(project.get("tool", "setuptools", "py-modules"))]
    modules += project.setup_value("options", "py_modules").replace(",", "\n").split("\n")
    named += [f"{roots[0]}{one.strip()}.py" for one in modules if one.strip()]
    for one in project.get("tool", "poetry", "packages") or ():
        if isinstance(one, dict) and isinstance(one.get("include"), str):
            named.append("/".join(filter(None, (str(one.get("from") or ""), one["include"]))))
    flit = project.get("tool", "flit", "module", "name") or project.get("tool", "flit", "metadata", "module")
    if isinstance(flit, str):
        forms = [f"{root}{flit.replace('.', '/')}{end}" for root in ("", "src/") for end in ("", ".py")]
        named += [form for form in forms if _is_package(project.folder, form)][:1] or forms[:1]
    return list(dict.fromkeys(named))


def _roots(project: Project) -> list[str]:
    """Folders that packages lie in, each with a slash at its end; the project's own is empty."""
    given = project.get("tool", "setuptools", "package-dir")
    found = [given.get("")] if isinstance(given, dict) else []
    found += _texts(project.get("tool", "setuptools", "packages", "find", "where"))
    found.append(project.setup_value("options.packages.find", "where"))
    for line in project.setup_value("options", "package_dir").splitlines():
        key, _, value = line.partition("=")
        found += [value.strip()] if not key.strip() else []
    named = [f"{one.strip('/')}/" for one in found if isinstance(one, str) and one.strip("./")]
    return list(dict.fromkeys([*named, "src/", ""]))


def _is_package(folder: Path, name: str) -> bool:
    path = folder / name
    if name.endswith(".py"):
        return path.is_file()
    if (path / "__init__.py").is_file():
        return True
    # A namespace (PEP 420) has no module of its own, and packages in it.
    try:
        inner = list(path.iterdir())
    except OSError:
        return False
    return not any(one.suffix == ".py" for one in inner) and any((one / "__init__.py").is_file() for one in inner)


def _module(name: str) -> str:
    return name.replace("-", "_").replace(".", "_")


# --- where the version is


def _scm(project: Project) -> str:
    source = project.get("tool", "hatch", "version", "source")
    if project.backend == "hatchling" and source == "vcs":
        return "hatch-vcs"
    if project.get("tool", "pdm", "version", "source") == "scm":
        return "pdm-backend"
    is_static = bool(project.get("project", "version") or project.setup_value("metadata", "version"))
    is_told = project.get("tool", "setuptools", "dynamic", "version") or project.get("tool", "hatch", "version", "path")
    if is_static or is_told or project.get("tool", "poetry", "version"):
        return ""
    names = [
        one.partition("[")[0].strip().partition(">")[0].partition("=")[0].strip() for one in project.build_requires
    ]
    found = next((name for name in names if name.lower() in _SCM), "")
    return found or ("setuptools-scm" if project.get("tool", "setuptools_scm") is not None else "")


def _place(project: Project) -> Place:
    if isinstance(project.get("project", "version"), str):
        return places.in_toml(project.folder, PYPROJECT, ("project", "version"))
    finders = {"hatchling": _of_hatch, "flit_core": _of_flit, "flit": _of_flit, "pdm": _of_pdm}
    place = finders.get(project.backend, _of_setuptools)(project)
    if place is None and isinstance(project.get("tool", "poetry", "version"), str):
        place = places.in_toml(project.folder, PYPROJECT, ("tool", "poetry", "version"))
    if place is None:
        raise RequirementsRefused(
            "nothing says where the version is",
            where=project.file,
            why=f"neither the project nor what {shown(project.backend)} is told of has it",
            fix='write it: [project] version = "0.1.0"',
            rule="NO_VERSION",
        )
    return place


def _of_hatch(project: Project) -> Place | None:
    told = project.get("tool", "hatch", "version")
    path = told.get("path") if isinstance(told, dict) else None
    if not isinstance(told, dict) or not isinstance(path, str):
        return None
    if told.get("source", "regex") == "code":
        return places.attribute(project.folder, path, str(told.get("expression", "__version__")))
    pattern = told.get("pattern")
    if isinstance(pattern, str):
        return places.by_pattern(project.folder, path, pattern)
    if not path.endswith(".py"):
        return places.by_pattern(project.folder, path, places.OF_HATCH)
    for name in ("__version__", "VERSION"):
        if place := places.attribute_if_any(project.folder, path, name):
            return place
    return places.attribute(project.folder, path, "__version__")


def _of_flit(project: Project) -> Place | None:
    for package in project.packages:
        return places.attribute(
            project.folder, package if package.endswith(".py") else f"{package}/__init__.py", "__version__"
        )
    return None


def _of_pdm(project: Project) -> Place | None:
    path = project.get("tool", "pdm", "version", "path")
    return places.attribute(project.folder, path, "__version__") if isinstance(path, str) else None


def _of_setuptools(project: Project) -> Place | None:
    told = project.get("tool", "setuptools", "dynamic", "version")
    if isinstance(told, dict):
        attr, files = told.get("attr"), _texts(told.get("file"))
        return _of_attr(project, attr) if isinstance(attr, str) else _of_file(project, files)
    said = project.setup_value("metadata", "version")
    if said.startswith("attr:"):
        return _of_attr(project, said[5:].strip())
    if said.startswith("file:"):
        return _of_file(project, tuple(one.strip() for one in said[5:].split(",")))
    return places.in_setup(project.folder, SETUP_CFG, said) if said else None


def _of_file(project: Project, files: tuple[str, ...]) -> Place:
    if len(files) != 1:
        raise RequirementsRefused(
            "the version is told by several files, or none",
            where=project.file,
            fix='name one file: version = { file = "VERSION" }',
            rule="NO_VERSION",
        )
    return places.whole(project.folder, files[0])


def _of_attr(project: Project, attr: str) -> Place:
    module, _, name = attr.rpartition(".")
    path = module.replace(".", "/")
    forms = [f"{root}{path}{end}" for root in _roots(project) for end in ("/__init__.py", ".py")] if path else []
    found = next((form for form in forms if (project.folder / form).is_file()), None)
    if found is None:
        raise RequirementsRefused(
            f"the module of {shown(attr)} is not there",
            where=project.file,
            why=f"looked for {', '.join(forms) or 'a module'}",
            fix="write the attribute with its module: package.__version__",
            rule="NO_VERSION",
        )
    return places.attribute(project.folder, found, name)


def _version(place: Place) -> Version:
    try:
        return Version(place.version)
    except InvalidVersion:
        found = re.match(r"(\S+)\s+[#;]", place.version)
        has_comment = place.file == SETUP_CFG and found
        raise RequirementsRefused(
            f"{shown(place.version)} is no version",
            where=place.where,
            why="of setup.cfg a comment behind a value is a part of it" if has_comment else "",
            fix=f"put the comment on a line of its own: version = {shown(found[1])}"
            if found and has_comment
            else "write one of PEP 440: 0.1.0",
            rule="VERSION",
        ) from None


# --- files


def _toml(path: Path) -> dict[str, Any] | None:
    try:
        return tomllib.loads(path.read_bytes().decode("utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, RecursionError) as error:
        raise _unreadable(path, error, "correct it: it is to be TOML in UTF-8") from error


def _setup(path: Path) -> configparser.RawConfigParser | None:
    parser = places.setup_parser()  # as setuptools reads it
    try:
        parser.read_string(path.read_bytes().decode("utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, configparser.Error) as error:
        raise _unreadable(path, error, "correct it: sections of key = value, in UTF-8") from error
    return parser


def _unreadable(path: Path, error: Exception, fix: str) -> RequirementsRefused:
    why = error.strerror or "" if isinstance(error, OSError) else first_line(error)
    return RequirementsRefused(
        "it cannot be read", where=shown(str(path), 200), why=shown(why, 200), fix=fix, rule="METADATA"
    )


def _texts(value: object) -> tuple[str, ...]:
    if isinstance(value, str):
        return (value,)
    return tuple(one for one in value if isinstance(one, str)) if isinstance(value, list) else ()
