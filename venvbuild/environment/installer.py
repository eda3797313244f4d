"""The door to uv, and to the venv's own pip: how they are called, and what of our environment they see.

Credentials travel in the environment, never in argv. uv runs no package's code: wheels only (`--no-build`). Its
interpreter is always a full path, since it would trip over a dead pyenv shim on the PATH.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import shutil
import sys
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from packaging.utils import canonicalize_name

from venvbuild.environment.endless import PageWatch
from venvbuild.errors import (
    IndexUnavailable,
    StoreUnavailable,
    UsageError,
    VenvBuildError,
    has_no_inodes,
    no_inodes,
    of_disk,
)
from venvbuild.files import write_whole
from venvbuild.installed import ENVIRONMENT_LEFTOVERS
from venvbuild.interpreters import Interpreter
from venvbuild.package_index import MinAge
from venvbuild.process import CommandFailed, Completed, clean_environment, run
from venvbuild.text import shown

# What of the user's uv settings changes how it reaches the index, not what it resolves.
_UV_VARIABLES = (
    "UV_CACHE_DIR",
    "UV_KEYRING_PROVIDER",
    "UV_HTTP_TIMEOUT",
    "UV_HTTP_RETRIES",
    "XDG_CACHE_HOME",
    "XDG_DATA_HOME",
    "NETRC",
)

# No uv.toml of the user or of a folder above us, which may change what is resolved; no bar in a log; no Python that
# nobody asked for; the CAs of this machine, since uv brings its own and those of a company's proxy are not among them.
_ALWAYS = ("--no-config", "--no-progress", "--no-python-downloads", "--system-certs")
_LOW_SPACE_BYTES = 32_000_000
_PATH = 300
# uv: "failed to open file `/path`: No space left on device (os error 28)".
_NO_ROOM = re.compile(
    r"(?:(?P<making>failed to (?:open|create)[^`\n]*)?`(?P<path>[^`\n]+)`: )?"
    rf"(?:(?P<full>{os.strerror(errno.ENOSPC)})|{os.strerror(errno.EDQUOT)})"
)
# The lock is whole, so nothing may come to it; and a wheel is only unpacked, where an sdist would run its setup.py.
_INSTALL = ("pip", "install", "--no-deps", "--no-build", "--python")


@dataclass(frozen=True)
class Installer:
    """uv, and where it gets packages from."""

    uv: Path
    index_url: str = field(repr=False)
    """With its credentials."""
    extra_index_urls: tuple[str, ...] = field(default=(), repr=False)
    find_links: tuple[str, ...] = field(default=(), repr=False)
    cafile: Path | None = None
    timeout_s: float = 3600
    inherited: Mapping[str, str] = field(default_factory=dict)
    """Of the user's environment, the variables of `_UV_VARIABLES`."""
    on_line: Callable[[str], None] | None = None
    watch: Callable[[Sequence[Path]], PageWatch] | None = None
    """Of what these files name, while uv asks the index for it."""
    refusal: Callable[[], VenvBuildError | None] | None = None
    """What to raise because of what uv asked for and must not have; asked every second, and at the end."""
    shares_cache: bool = False
    """Whether an environment may be made of hard links to uv's cache, where both are on one file system: only for one
    that nobody keeps, since to edit a file of it would be to edit the cache."""
    min_age: MinAge | None = None
    """What is too new to be chosen."""

    @classmethod
    def variables_of(cls, environ: Mapping[str, str]) -> dict[str, str]:
        """What `inherited` takes from an environment."""
        return {name: environ[name] for name in _UV_VARIABLES if environ.get(name)}

    def with_cache(self, folder: Path) -> Installer:
        """The same with a cache of its own, which it need not share with an environment."""
        return replace(self, inherited={**self.inherited, "UV_CACHE_DIR": str(folder)}, shares_cache=False)

    def compile(
        self,
        source: Path,
        output: Path,
        interpreter: Interpreter,
        *,
        overrides: Path | None = None,
        find_links: Sequence[Path] = (),
    ) -> str:
        """Resolve `source` for this interpreter and platform into `output`: exact pins with hashes, nothing else.

        What uv says of it.
        """
        more: list[str | Path] = ["--overrides", overrides] if overrides else []
        return self._uv(
            "pip",
            "compile",
            source,
            "--output-file",
            output,
            "--python",
            interpreter.path,
            # Of all files of a version: what is installed must have one of them.
            "--generate-hashes",
            # `read_lock` reads it: comments on where a line came from are of no use there.
            "--no-header",
            "--no-annotate",
            "--no-build",
            *self._ages(),
            *more,
            find_links=find_links,
            asks_for=[source],
        ).stderr

    def pin(
        self,
        sources: Sequence[Path],
        output: Path,
        interpreter: Interpreter,
        *,
        constraints: Sequence[Path] = (),
        upgrade: Sequence[str] = (),
        find_links: Sequence[Path] = (),
    ) -> None:
        """Pin what `sources` ask for, for this interpreter and platform, with hashes and with who asks for what.

        The versions that `output` has are kept, but for the names in `upgrade`.
        """
        more: list[str | Path] = []
        for constraint in constraints:
            more += ["--constraints", constraint]
        for name in upgrade:
            more += ["--upgrade-package", name]
        options: list[str | Path] = ["--generate-hashes", "--no-header", "--no-build", "--output-file", output]
        python: list[str | Path] = ["--python", interpreter.path, *self._ages()]
        self._uv("pip", "compile", *sources, *more, *options, *python, find_links=find_links, asks_for=sources)

    def attempt(
        self,
        source: Path,
        interpreter: Interpreter,
        *,
        timeout_s: float,
        lowest: bool = False,
        overrides: Path | None = None,
        constraints: Path | None = None,
        find_links: Sequence[Path] = (),
    ) -> str:
        """Whether `source` can be resolved, and to what: lines `name==version` and who needs it, from which nothing is
        installed.

        With `lowest`, what `source` itself leaves open is as old as may be.
        """
        more: list[str | Path] = ["--overrides", overrides] if overrides else []
        more += ["--constraints", constraints] if constraints else []
        more += ["--resolution", "lowest-direct"] if lowest else []
        more += ["--python", interpreter.path, *self._ages()]
        plain = ("--no-header", "--no-build")
        # Of a question nobody hears the warnings.
        quiet = replace(self, timeout_s=timeout_s, on_line=None)
        return quiet._uv("pip", "compile", source, *plain, *more, find_links=find_links, asks_for=[source]).stdout

    def _ages(self) -> Iterator[str]:
        """What makes uv pass over files that are too new, or of which the index tells no time."""
        if self.min_age:
            yield from ("--exclude-newer", self.min_age.before)
            for name in sorted(self.min_age.reasons):
                yield from ("--exclude-newer-package", f"{name}=false")

    def list_files(
        self,
        lock: Path,
        output: Path,
        interpreter: Interpreter,
        *,
        find_links: Sequence[Path] = (),
        offline: bool = True,
    ) -> None:
        """The files of a lock that was just resolved, with their sizes, into `output`, a `pylock.toml` (PEP 751).

        `offline`: from the cache, where is what the index said a moment ago.
        """
        quiet = replace(self, on_line=None)
        more: list[str | Path] = ["--offline"] if offline else []
        plain = ("--no-deps", "--no-build", "--no-header", "--format", "pylock.toml", "--python", interpreter.path)
        named = [] if offline else [lock]
        quiet._uv("pip", "compile", lock, "-o", output, *plain, *more, find_links=find_links, asks_for=named)

    def list_wheels(
        self,
        source: Path,
        output: Path,
        python_version: str,
        platform: str,
        *,
        constraints: Path | None = None,
        offline: bool = False,
    ) -> str:
        """Resolve `source` for a Python X.Y and a platform of uv's, which need not be here, into `output`, a
        `pylock.toml` (PEP 751) with every wheel that fits. What uv says of it.
        """
        more: list[str | Path] = ["--constraints", constraints] if constraints else []
        more += ["--offline"] if offline else []
        target: list[str | Path] = ["--python-version", python_version, "--python-platform", platform]
        # Some Python uv wants all the same, and this one runs for sure.
        plain: list[str | Path] = ["--no-header", "--no-build", "--format", "pylock.toml", "--python", sys.executable]
        # It keeps to what its output has.
        output.unlink(missing_ok=True)
        named = [] if offline else [source]
        words: list[str | Path] = ["pip", "compile", source, "--output-file", output]
        return self._uv(*words, *target, *plain, *more, asks_for=named).stderr

    def make_venv(self, interpreter: Interpreter, venv: Path) -> None:
        """An empty environment whose scripts find their interpreter beside them."""
        # --relocatable: scripts look beside them, and activate too. --no-project: the pyproject.toml of the current
        # folder may ask for another Python. Never --seed: it adds pip and setuptools, at versions of the day.
        what = ("venv", "--relocatable", "--no-project", "--python", interpreter.path, venv)
        # Else uv believes what it noted of this Python once, and nobody could tell that it is wrong.
        with tempfile.TemporaryDirectory(prefix=".cache-", dir=venv.parent) as cache:
            self.with_cache(Path(cache))._uv(*what)
            self._remember(Path(cache))
        _tidy(venv)

    def _remember(self, cache: Path) -> None:
        """Put what uv has just been told by a Python, into `cache`, in the place of what it noted before."""
        for path in cache.glob("interpreter-v*/*/*"):
            noted = self._cache_folder() / path.relative_to(cache)
            with contextlib.suppress(OSError):
                if noted.exists():
                    write_whole(noted, path.read_bytes())

    def install(self, lock: Path, venv: Path, *, find_links: Sequence[Path] = ()) -> None:
        """Install exactly what `lock` holds into an empty venv."""
        what: list[str | Path] = [venv / "bin" / "python", "--requirements", lock, "--require-hashes"]
        self._uv(*_INSTALL, *what, "--link-mode", self._link_mode(venv), find_links=find_links, asks_for=[lock])
        _tidy(venv)

    def install_with_pip(self, lock: Path, venv: Path, *, find_links: Sequence[Path] = ()) -> None:
        """The same by the venv's own pip, which must be all that the venv holds: its Python starts once, before any
        package's `.pth` or `.start` file is there to be run with the index's credentials at hand."""
        # Not as arguments, where every user of the machine could read the credentials. So pip cannot have --isolated,
        # under which it reads no variables.
        self._pip(
            venv,
            ["--requirement", lock, *self._folders(find_links)],
            clean_environment(
                None,
                PIP_INDEX_URL=self.index_url,
                PIP_EXTRA_INDEX_URL=" ".join(self.extra_index_urls),
                PIP_FIND_LINKS=" ".join(place for place in self.find_links if "://" in place),
                **{name: value for name, value in self.inherited.items() if name == "NETRC"},
                **self._certificates("PIP_CERT"),
            ),
        )

    def _pip(self, venv: Path, arguments: Sequence[str | Path], env: Mapping[str, str]) -> None:
        more = {
            # pip then reads no other file either.
            "PIP_CONFIG_FILE": os.devnull,
            "PIP_ROOT_USER_ACTION": "ignore",
            # pip's own modules would get bytecode, with times in it.
            "PYTHONDONTWRITEBYTECODE": "1",
            # Else packages of the user's home count as installed.
            "PYTHONNOUSERSITE": "1",
        }
        run(
            [
                venv / "bin" / "python",
                "-m",
                "pip",
                "install",
                "--no-deps",
                # An sdist would run its setup.py, with the index's credentials in the environment.
                "--only-binary",
                ":all:",
                # Bytecode holds times and this path: no two builds would be equal.
                "--no-compile",
                # Asked for a password with nobody there, pip ends with a traceback.
                "--no-input",
                # Else pip asks the index for itself.
                "--disable-pip-version-check",
                "--no-warn-script-location",
                "--progress-bar",
                "off",
                "--no-cache-dir",
                *arguments,
            ],
            env={**env, **more},
            timeout_s=self.timeout_s,
            cwd=venv,  # `-m` puts the current folder on the path: a pip.py there would be run
            on_line=self.on_line,
        )

    def build_wheel(self, sdist: Path, python: Path, wheels: Path, home: Path) -> Completed:
        """Build a wheel from `sdist` with the build requirements installed beside `python`.

        The sdist's code runs here: offline, with an empty HOME and without any credential in environment or argv.
        """
        return run(
            [
                self.uv,
                "build",
                "--wheel",
                # What it is built with is there already: isolated, uv would fetch it, and could not.
                "--no-build-isolation",
                "--offline",
                "--no-config",
                "--no-progress",
                "--python",
                python,
                "--out-dir",
                wheels,
                sdist,
            ],
            # A cache of its own: what an sdist wrote into the user's could be in any later environment.
            env=clean_environment(home, UV_CACHE_DIR=str(home / "uv-cache")),
            timeout_s=self.timeout_s,
            cwd=home,  # and its words are the log's alone: a package's warnings are its own
        )

    def _uv(self, *arguments: str | Path, find_links: Sequence[Path] = (), asks_for: Sequence[Path] = ()) -> Completed:
        """uv with these arguments; `asks_for`: files with what it asks the index for.

        Raises:
            IndexUnavailable, UsageError: a page of the index never ends. What `refusal` has.
        """
        env = clean_environment(
            None,
            UV_DEFAULT_INDEX=self.index_url,
            UV_INDEX=" ".join(self.extra_index_urls),
            # Those with a scheme only, since they may have credentials; folders are arguments.
            UV_FIND_LINKS=",".join(place for place in self.find_links if "://" in place),
            **self.inherited,
            **self._certificates("SSL_CERT_FILE"),
        )
        watch = self.watch(asks_for) if self.watch and asks_for else None
        refusal = self.refusal or (lambda: None)
        try:
            return run(
                [self.uv, *arguments, *self._folders(find_links), *_ALWAYS],
                env={name: value for name, value in env.items() if value},
                timeout_s=self.timeout_s,
                on_line=self.on_line,
                stop=lambda pid: bool(refusal() or (watch and watch(pid))),
            )
        except CommandFailed as failure:
            if found := refusal() or (watch and watch.found):
                raise found from failure
            raise

    def _folders(self, more: Sequence[Path]) -> Iterator[str]:
        # As arguments, for they are no secret, and a name with a space or comma would break the variable.
        folders: list[str | Path] = [place for place in self.find_links if "://" not in place]
        for folder in (*folders, *more):
            yield from ("--find-links", Path(folder).absolute().as_uri())  # uv splits at a comma, even in an argument

    def judge_locally(self, failure: CommandFailed, scratch: Path) -> None:
        """Raise what on this machine made a run fail, if it was that.

        Raises:
            IndexUnavailable: it took too long. StoreUnavailable: a disk is full. UsageError: no cache can be written.
        """
        if failure.exit_code is None:
            raise IndexUnavailable(
                f"{Path(failure.command[0]).name} took longer than {self.timeout_s:.0f} s",
                fix="try again, or give it longer: --timeout-s",
                rule="TIMEOUT",
            ) from failure
        # Tried for real: modes say little, as root may do everything and a disk may be full or mounted read-only.
        for folder in (scratch, self._cache_folder()):
            try:
                folder.mkdir(parents=True, exist_ok=True)
                with tempfile.TemporaryFile(dir=folder):
                    pass
            except OSError as error:
                raise of_disk(error, str(folder)) or UsageError(
                    f"the folder cannot be used: {error.strerror}", where=str(folder), fix="set another (UV_CACHE_DIR)"
                ) from failure
            if has_no_inodes(str(folder)):
                raise no_inodes(str(folder))
        # It tidied up after itself, so that only its words tell.
        if said := _NO_ROOM.search(failure.output):
            where = shown(said["path"] or str(scratch), _PATH)
            # A file that cannot even be made wants no bytes yet.
            raise no_inodes(where) if said["making"] and said["full"] else _full(where)
        for folder in (scratch, self._cache_folder()):
            if shutil.disk_usage(folder).free < _LOW_SPACE_BYTES:
                raise _full(str(folder))

    def holders_of(self, path: str) -> set[str]:
        """Canonical names of what uv's cache has unpacked with this file (relative to site-packages) in it."""
        archives = self._cache_folder().glob("archive-v*/*")
        infos = (
            info for archive in archives if os.path.lexists(archive / path) for info in archive.glob("*.dist-info")
        )
        return {canonicalize_name(info.name.partition("-")[0]) for info in infos}

    def unpacked(self) -> dict[str, list[Path]]:
        """What uv's cache has unpacked, by the name of the dist-info in it."""
        found = defaultdict[str, list[Path]](list)
        for archive in sorted(self._cache_folder().glob("archive-v*/*")):
            with contextlib.suppress(OSError), os.scandir(archive) as entries:
                for entry in entries:
                    if entry.name.endswith(".dist-info"):
                        found[entry.name].append(archive)
        return found

    def _link_mode(self, venv: Path) -> str:
        # Asked to link where it cannot, uv copies too, and warns.
        with contextlib.suppress(OSError):
            if self.shares_cache and self._cache_folder().stat().st_dev == venv.stat().st_dev:
                return "hardlink"
        return "copy"

    def _cache_folder(self) -> Path:
        """Where uv keeps its cache (uv's documentation, "Caching")."""
        if self.inherited.get("UV_CACHE_DIR"):
            return Path(self.inherited["UV_CACHE_DIR"])
        base = self.inherited.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
        return Path(base, "uv")

    def _certificates(self, variable: str) -> dict[str, str]:
        return {variable: str(self.cafile)} if self.cafile else {}


def _full(where: str) -> StoreUnavailable:
    return StoreUnavailable("the disk is full", where=where, fix="make room, or use another folder")


def _tidy(venv: Path) -> None:
    # uv's own notes: a lock that everybody may write, and what makes git and backups pass over the environment.
    for name in ENVIRONMENT_LEFTOVERS:
        (venv / name).unlink(missing_ok=True)
