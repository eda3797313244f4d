"""The built files judged: by twine and check-wheel-contents, by what is in them, and by installing them."""

from __future__ import annotations

import ast
import email.parser
import email.policy
import os
import re
import tarfile
import tempfile
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from venvbuild.errors import CheckFoundSomething, IntegrityError, Problem, ResolutionError, UsageError, VenvBuildError
from venvbuild.interpreters import Interpreter, installed
from venvbuild.process import CommandFailed, run
from venvbuild.release import contents, manifest
from venvbuild.release.building import Source
from venvbuild.release.changelog import Changelog
from venvbuild.release.failures import last_words, of_backend
from venvbuild.release.manifest import BuiltFile, Manifest
from venvbuild.release.tools import Tools
from venvbuild.text import shown

_JUDGE_S = 300
_IMPORT_S = 300
_MAX_METADATA_BYTES = 4 << 20
_FAILED = re.compile(
    r"Checking (?P<file>\S+): (?:FAILED[^\n]*|PASSED with warnings)\n?(?P<why>(?:(?!Checking ).*\n?)*)"
)
_ANSI = re.compile(r"\x1b\[[0-9;]*m")
# Argument 1: the project, the others: what to import. Its version is what the installer wrote down.
_IMPORT = """
import importlib, sys
from importlib import metadata
for name in sys.argv[2:]:
    importlib.import_module(name)
print(metadata.version(sys.argv[1]))
"""


@dataclass(frozen=True)
class Checked:
    """What was looked at."""

    manifest: Manifest
    pythons: tuple[str, ...]
    """X.Y.Z of each Python that it was installed on, oldest first."""
    imported: tuple[str, ...]
    """The modules that were imported there."""


def check_built(source: Source, tools: Tools, timeout_s: float, pythons: Sequence[str] = ()) -> Checked:
    """Judge what is in `dist`; `pythons` (X.Y) are all that it is installed on, empty: each supported one that is here.

    Raises:
        UsageError: nothing is built, or no supported Python is here. IntegrityError: the files have other bytes.
        CheckFoundSomething: something was found, all of it. ResolutionError: a file cannot be installed.
        IndexUnavailable: what it needs cannot be had.
    """
    made = Manifest.read(source.dist)
    made.require(source.dist)
    [wheel] = made.of_kind("wheel")
    metadata = _metadata(source.dist, wheel)
    problems = [*_versions(source, made, metadata)]
    with tempfile.TemporaryDirectory(prefix="venvbuild-release-") as name:
        scratch = Path(name)
        problems += _judged(source, made, tools, scratch)
        for one in made.files:
            problems += _contents(source.dist, one)
        if problems:
            raise CheckFoundSomething.of(problems)
        interpreters = supported(str(metadata.get("Requires-Python") or ""), pythons)
        tops = importable(source.dist / wheel.filename)
        for interpreter in interpreters:
            for one in made.files:
                _install(source.dist / one.filename, made, interpreter, tops, tools, scratch, timeout_s)
    return Checked(made, tuple(one.full_version for one in interpreters), tops)


def supported(
    requires_python: str, wanted: Sequence[str] = (), environ: Mapping[str, str] = os.environ
) -> tuple[Interpreter, ...]:
    """The Pythons of this machine that a package is for, the newest patch of each X.Y, oldest first.

    Raises:
        UsageError: there is none, or not each of `wanted`.
    """
    try:
        fits = SpecifierSet(requires_python)
    except InvalidSpecifier:
        fits = SpecifierSet()
    found: dict[str, Interpreter] = {}
    for one in installed(environ):
        is_usual = one.marker_environment["implementation_name"] == "cpython" and not one.is_free_threaded
        if is_usual and fits.contains(one.full_version, prereleases=True):
            found[one.version] = one
    missing = [version for version in wanted if version not in found]
    if missing or not found:
        what = f"Python {', '.join(missing)}" if missing else f"no Python {shown(requires_python)}".rstrip()
        raise UsageError(
            f"{what} is here that the package supports" if not missing else f"{what} is not here, or not supported",
            why=f"it is for {shown(requires_python) or 'any'}; here are {', '.join(found) or 'none of those'}",
            fix="install one, or name those that are here: --python X.Y",
            rule="NO_INTERPRETER",
        )
    return tuple(one for version, one in found.items() if not wanted or version in wanted)


def importable(wheel: Path) -> tuple[str, ...]:
    """The modules at the top of a wheel, and of its namespaces; sorted."""
    found, namespaces = set[str](), set[str]()
    with zipfile.ZipFile(wheel) as opened:
        names = [name for name in opened.namelist() if not name.endswith("/")]
    packages = {name.removesuffix("/__init__.py") for name in names if name.endswith("/__init__.py")}
    for name in names:
        parts = name.split("/")
        if parts[0].endswith((".dist-info", ".data")):
            continue
        if len(parts) == 1:
            if parts[0].endswith((".py", ".so")):
                found.add(parts[0].split(".")[0])
        elif parts[0] in packages:
            found.add(parts[0])
        else:
            namespaces.add(parts[0])
    for package in packages:
        parts = package.split("/")
        outer = ["/".join(parts[:length]) for length in range(1, len(parts))]
        if parts[0] in namespaces and not any(one in packages for one in outer):
            found.add(".".join(parts))
    return tuple(sorted(name for name in found if all(part.isidentifier() for part in name.split("."))))


# --- what others judge


def _judged(source: Source, made: Manifest, tools: Tools, scratch: Path) -> Iterator[Problem]:
    home = scratch / "home"
    home.mkdir()
    env = tools.environment(home)
    paths = [source.dist / one.filename for one in made.files]
    done = run(tools.command("twine", "check", "--strict", *paths), env=env, cwd=home, timeout_s=_JUDGE_S, check=False)
    if done.exit_code:
        yield from _of_twine(done.stdout + done.stderr, source.dist)
    for one in made.of_kind("wheel"):
        # In the project's folder: what it has to say about its own wheels is in pyproject.toml.
        command = tools.command("check_wheel_contents", source.dist / one.filename)
        done = run(command, env=env, cwd=source.project.folder, timeout_s=_JUDGE_S, check=False)
        if done.exit_code:
            yield from _of_check_wheel_contents(done.stdout + done.stderr, source.dist)


def _of_check_wheel_contents(said: str, dist: Path) -> Iterator[Problem]:
    # A finding is a line, and the files that it is about are lines further in.
    for found in re.finditer(r"^\S.*(?:\n[ \t]+.*)*", said.replace(f"{dist}/", ""), re.MULTILINE):
        what = shown(" ".join(found[0].split()), 400)
        code = re.search(r"\bW[0-9]{3}\b", what)
        allowed = f'or allow it: [tool.check-wheel-contents] ignore = ["{code[0]}"]' if code else "or its settings"
        fix = f"correct what the backend packs, {allowed}"
        yield Problem(what, "check-wheel-contents", fix=fix, rule="CONTENTS")


def _of_twine(said: str, dist: Path) -> Iterator[Problem]:
    text = _ANSI.sub("", said).replace(f"{dist}/", "")
    for found in _FAILED.finditer(text):
        why = shown(" ".join(found["why"].split()), 500)
        yield Problem(
            "twine check fails", shown(found["file"], 200), why, "correct the readme or the metadata", "TWINE"
        )
    if not _FAILED.search(text):
        yield Problem("twine check fails", why=shown(" ".join(text.split())[-500:], 500), rule="TWINE")


def _contents(dist: Path, one: BuiltFile) -> Iterator[Problem]:
    try:
        yield from contents.findings(dist, one)
    except (OSError, zipfile.BadZipFile, tarfile.TarError, EOFError) as error:
        yield Problem("the file cannot be read", one.filename, shown(str(error), 200), "build it again", "CONTENTS")


# --- do the versions agree?


def _metadata(dist: Path, wheel: BuiltFile) -> email.message.Message:
    name = "-".join(wheel.filename.split("-")[:2])
    try:
        with (
            zipfile.ZipFile(dist / wheel.filename) as opened,
            opened.open(f"{name}.dist-info/METADATA") as member,
        ):
            text = member.read(_MAX_METADATA_BYTES)
    except (KeyError, OSError, zipfile.BadZipFile) as error:
        raise IntegrityError(
            "the wheel has no metadata that can be read", where=wheel.filename, why=str(error), fix="build it again"
        ) from error
    return email.parser.BytesParser(policy=email.policy.compat32).parsebytes(text, headersonly=True)


def _versions(source: Source, made: Manifest, metadata: email.message.Message) -> Iterator[Problem]:
    """Each place that says another version than the manifest."""
    wanted = Version(made.version)

    def other(where: str, said: str) -> Problem:
        fix = "build it again: `venvbuild release build`"
        return Problem(f"it says {shown(said)}, and the release is {wanted}", where, fix=fix, rule="VERSIONS")

    for one in made.files:
        name, version = manifest.identity(one)
        if version != wanted or name != canonicalize_name(made.name):
            yield other(one.filename, f"{name} {version}")
    if not _is(str(metadata.get("Version")), wanted):
        yield other("METADATA of the wheel", str(metadata.get("Version")))
    tag = source.configuration.tag_of(made.version)
    if made.tag and made.tag != tag:
        yield other("the tag", made.tag)
    try:
        own = source.project.version if source.project.place else wanted
    except VenvBuildError as error:
        yield from error.problems
    else:
        if own != wanted and source.project.place:
            yield other(source.project.place.where, str(own))
    changelog = Changelog.read(source.project.folder / source.configuration.changelog)
    if changelog and changelog.versions and not changelog.has(wanted) and made.tag:
        yield other(source.configuration.changelog, changelog.versions[0])
    for one in made.of_kind("wheel"):
        for name, said in _attributes(source.dist / one.filename):
            if not _is(said, wanted):
                yield other(f"{one.filename}: {name}", said)


def _attributes(wheel: Path) -> Iterator[tuple[str, str]]:
    """(member, value) of each `__version__` at the top of a package, where it is a literal."""
    with zipfile.ZipFile(wheel) as opened:
        for name in importable(wheel):
            for member in (f"{name.replace('.', '/')}/__init__.py", f"{name}.py"):
                try:
                    tree = ast.parse(opened.read(member))
                except (KeyError, SyntaxError, ValueError, RecursionError):
                    continue
                for node in tree.body:
                    targets = node.targets if isinstance(node, ast.Assign) else ()
                    is_it = any(isinstance(one, ast.Name) and one.id == "__version__" for one in targets)
                    if is_it and isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant):
                        yield f"{member}:{node.lineno}", str(node.value.value)


def _is(said: str, version: Version) -> bool:
    try:
        return Version(said) == version
    except InvalidVersion:
        return False


# --- does it install?


def _install(
    file: Path,
    made: Manifest,
    interpreter: Interpreter,
    tops: tuple[str, ...],
    tools: Tools,
    scratch: Path,
    timeout_s: float,
) -> None:
    """Install one file into a new environment, and import what is in it."""
    with tempfile.TemporaryDirectory(dir=scratch) as name:
        home, venv = Path(name, "home"), Path(name, "venv")
        home.mkdir()
        env = tools.environment(home, TMPDIR=str(home))
        where = f"{shown(file.name)} on Python {interpreter.full_version}"
        try:
            run(
                [tools.uv, "venv", "--no-project", "--python", interpreter.path, venv],
                env=env,
                cwd=home,
                timeout_s=timeout_s,
            )
            python = venv / "bin" / "python"
            run([tools.uv, "pip", "install", "--python", python, file], env=env, cwd=home, timeout_s=timeout_s)
        except CommandFailed as failure:
            raise of_backend("it cannot be installed", failure, where=where) from failure
        # It needs no index any more.
        plain = {key: value for key, value in env.items() if not key.startswith("UV_")}
        try:
            done = run([python, "-I", "-c", _IMPORT, made.name, *tops], env=plain, cwd=home, timeout_s=_IMPORT_S)
        except CommandFailed as failure:
            fix = "correct the import, or name what it needs in the dependencies"
            raise CheckFoundSomething(
                "it cannot be imported", where=where, why=last_words(failure, 2), fix=fix, rule="IMPORT"
            ) from failure
        said = done.stdout.strip().splitlines()[-1:]
        if not said or not _is(said[0], Version(made.version)):
            raise ResolutionError(
                f"what was installed is {shown(''.join(said)) or 'of no version'}, and not {made.version}",
                where=where,
                fix="build it again: `venvbuild release build`",
            )
