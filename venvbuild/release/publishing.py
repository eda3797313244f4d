"""The built files brought to an index: each asked for before, sent once, and read back.

Criterion of all: the file stands on the index with our sha256. Before that a status proves nothing, and after it none
matters.
"""

from __future__ import annotations

import logging
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from venvbuild.errors import (
    IndexUnavailable,
    IntegrityError,
    Problem,
    RequirementsRefused,
    UsageError,
    VenvBuildError,
)
from venvbuild.process import CommandFailed, Completed, clean_environment, run
from venvbuild.redaction import REDACTOR
from venvbuild.release import answers, pypirc, scratch
from venvbuild.release.answers import Answer, Kind
from venvbuild.release.backends import Credentials, Target
from venvbuild.release.belonging import require_public
from venvbuild.release.index import Found, Index, Presence
from venvbuild.release.manifest import BuiltFile, Manifest, described
from venvbuild.release.refusals import proxy_of, refused, unanswered_by, untrusted
from venvbuild.release.tools import Tools
from venvbuild.text import shown, size_text

log = logging.getLogger(__name__)
Say = Callable[[str], object]
_AGAIN = "run it again: what is there already is not sent again"


@dataclass(frozen=True)
class Patience:
    """How long something is waited for, in seconds."""

    upload_s: float = 120
    """For an upload, and a second more for each MB. twine has no limit of its own."""
    index_s: float = 60
    """Until the index shows what was sent."""
    pause_s: float = 0.5
    """Between two looks at it."""

    def of(self, size_bytes: int) -> float:
        """For the upload of a file."""
        return self.upload_s + size_bytes / 1e6


@dataclass(frozen=True)
class Published:
    """A file of the release that is on the index, with our bytes."""

    file: BuiltFile
    was_there: bool
    """Before anything was sent."""
    status: int
    """What its upload was answered; 0: none was sent, or no answer came."""
    shown_after_s: float
    """How long after the upload the index showed it."""


@dataclass(frozen=True)
class Publisher:
    """Sends files to one index."""

    target: Target
    tools: Tools
    say: Say
    """Told a line about each file."""
    patience: Patience = Patience()
    with_pypirc: bool = False
    """Credentials go to twine in a file of a temporary folder, and not in its environment."""

    def publish(self, manifest: Manifest, dist: Path) -> tuple[Published, ...]:
        """Bring the files of the manifest to the index, the wheels first; what is there already is not sent.

        Raises:
            UsageError: no credentials, or they are not taken; the address is wrong; nothing is built.
            IntegrityError: `dist` or the index has other bytes.
            RequirementsRefused: the version is a local one, or the index does not take the file for what it is.
            IndexUnavailable: it does not answer, or does not show the file in time.
        """
        credentials = self._credentials()
        manifest.require(dist)
        missing = self.missing(manifest)
        index = Index(self.target)
        done: list[Published] = []
        for file in sorted(manifest.files, key=lambda one: one.kind != "wheel"):
            if file not in missing:
                self.say(f"{file.filename} already there")
                done.append(Published(file, True, 0, 0))
                continue
            try:
                done.append(self._send(file, dist, index, manifest.name, credentials))
            except VenvBuildError as error:
                raise _with_what_is_public(error, done) from error
        return tuple(done)

    def missing(self, manifest: Manifest) -> tuple[BuiltFile, ...]:
        """The files that are not on the index yet; where there are some, that our credentials are taken was asked, as
        far as that can be asked.

        Raises:
            IntegrityError: one is there with other bytes. Half a release of ours with a file of theirs helps nobody.
            UsageError, RequirementsRefused, IndexUnavailable: as `publish`.
        """
        require_public(manifest)
        index = Index(self.target)
        listing = index.list(manifest.name)
        if listing.note:
            self.say(f"note: {listing.note}")
        there = index.find(manifest.files, listing)
        taken = [other_bytes(file, found, index) for file, found in there.items() if found.presence is Presence.OTHER]
        if taken:
            raise IntegrityError.of(taken)
        missing = tuple(file for file, found in there.items() if found.presence is Presence.ABSENT)
        if missing:
            index.check_access()
        return missing

    def _credentials(self) -> Credentials:
        found = self.target.credentials
        if found is None:
            names = " or ".join((*self.target.backend.tokens, "PYPI_PASSWORD")[:2])
            raise UsageError("there is no token", where=names, fix=f"set {names} in the environment", rule="NO_TOKEN")
        return found

    def _send(self, file: BuiltFile, dist: Path, index: Index, name: str, credentials: Credentials) -> Published:
        answer = self._upload(file, dist, credentials)
        began = time.monotonic()
        found = self._look(file, index, name, self.patience.index_s if answer.is_open else 0)
        waited = time.monotonic() - began
        if found.presence is Presence.OTHER:
            raise IntegrityError.of([other_bytes(file, found, index)])
        if found.presence is Presence.ABSENT:
            raise self._failure(file, answer, index)
        how = f"uploaded, {size_text(file.size)}"
        if answer.kind is not Kind.TAKEN:
            said = f"HTTP {answer.status}" if answer.status else answer.said
            how = f"already there: the upload ended with {said}, and the index has these bytes"
        self.say(f"{file.filename} {how}; on the index after {waited:.1f} s")
        return Published(file, False, answer.status, waited)

    def _upload(self, file: BuiltFile, dist: Path, credentials: Credentials) -> Answer:
        with scratch.made() as folder:
            # A copy that nobody else writes to, judged: what was judged in dist may be another file by now.
            copy = folder / file.filename
            shutil.copyfile(dist / file.filename, copy)
            if described(copy, file.kind) != file:
                raise IntegrityError(
                    f"{file.filename} has changed since it was built",
                    where=str(dist),
                    fix="run `venvbuild release build` again",
                    rule="OTHER_BYTES",
                )
            home = folder / "home"
            home.mkdir()
            with self._access(credentials) as (options, variables):
                always = ["--non-interactive", "--disable-progress-bar", "--verbose"]
                command = self.tools.command("twine", "upload", *always, *options, copy)
                return self._answer(command, self._environment(home, variables), self.patience.of(file.size))

    @contextmanager
    def _access(self, credentials: Credentials) -> Iterator[tuple[tuple[str | Path, ...], dict[str, str]]]:
        """Options and variables by which twine knows the index and us: no secret is in an option."""
        if self.with_pypirc:
            with pypirc.written(self.target.upload_url, credentials) as path:
                yield ("--config-file", path, "--repository", pypirc.SERVER), {}
        else:
            variables = {"TWINE_USERNAME": credentials.user, "TWINE_PASSWORD": credentials.token}
            yield ("--repository-url", self.target.upload_url), variables

    def _environment(self, home: Path, variables: dict[str, str]) -> dict[str, str]:
        # twine wraps what it says at the width of a terminal, and asks a keyring unless there is none.
        plain = {"HOME": str(home), "COLUMNS": "1000", "NO_COLOR": "1", "TERM": "dumb", "PYTHONNOUSERSITE": "1"}
        plain["PYTHON_KEYRING_BACKEND"] = "keyring.backends.null.Keyring"
        return clean_environment(None, **plain, **trusting(self.target.ca_file), **variables)

    def _answer(self, command: list[str | Path], env: dict[str, str], timeout_s: float) -> Answer:
        try:
            ended = run(command, env=env, timeout_s=timeout_s, check=False)
        except CommandFailed as failure:
            _log(failure.stdout)
            return Answer(Kind.LATE, said=f"no end within {timeout_s:.0f} s")
        _log(ended.stdout)
        return answers.of_twine(ended.exit_code, _all_of(ended))

    def _look(self, file: BuiltFile, index: Index, name: str, bound_s: float) -> Found:
        """What the index has, looked at until it has the file, or once when it cannot get it any more."""
        deadline = time.monotonic() + bound_s
        while True:
            try:
                found = index.find([file], index.list(name))[file]
            except IndexUnavailable:
                if time.monotonic() >= deadline:
                    raise
                found = Found(Presence.ABSENT)
            if found.presence is not Presence.ABSENT or time.monotonic() >= deadline:
                return found
            time.sleep(self.patience.pause_s)

    def _failure(self, file: BuiltFile, answer: Answer, index: Index) -> VenvBuildError:
        """What an upload without a file on the index means; the table is docs/releases.md, "When it fails"."""
        target, where, status = self.target, shown(self.target.upload_url, 200), answer.status
        if status in (401, 403, 407):
            return refused(target, status, f"the upload of {file.filename}", where)
        if answer.kind is Kind.UNTRUSTED:
            return untrusted(target, answer.said)
        if status in (404, 405) or answer.kind is Kind.REDIRECTED:
            why = f"HTTP {status}" if status else answer.said
            fix = "correct the address for uploads: --upload-url URL"
            return UsageError("uploads are not taken there", where=where, why=why, fix=fix, rule="WRONG_UPLOAD_URL")
        if status == 409:
            return IntegrityError(
                f"the index says that it has {file.filename}, and does not show it",
                where=index.where,
                why="HTTP 409; a version that was removed can be taken for ever",
                fix="this version is taken: `venvbuild release bump`",
                rule="TAKEN",
            )
        if 400 <= status < 500 and status not in (408, 425, 429):
            return RequirementsRefused(
                f"{target.backend.title} does not take {file.filename} (HTTP {status})",
                where=where,
                why="its words are in the log" if status != 413 else "it is too large for the server",
                fix="run `venvbuild release check`; ask who runs the index which files it takes",
                rule="FILE_REFUSED",
            )
        return self._unavailable(file, answer, where)

    def _unavailable(self, file: BuiltFile, answer: Answer, where: str) -> IndexUnavailable:
        said = f"HTTP {answer.status}" if answer.status else answer.said
        if answer.is_open:
            what = f"{file.filename} is not on the index within {self.patience.index_s:g} s"
            return IndexUnavailable(what, where=where, why=f"its upload: {said}", fix=_AGAIN, rule="NOT_SHOWN")
        if through := proxy_of(self.target.upload_url):
            return unanswered_by(through, self.target, said)
        title = self.target.backend.title
        return IndexUnavailable(f"{title} does not answer", where=where, why=said, fix=_AGAIN, rule="UNREACHABLE")


def trusting(ca_file: Path | None) -> dict[str, str]:
    """The variables by which a program trusts these certificates. An option is not enough for twine: --cert is passed
    over while REQUESTS_CA_BUNDLE is set."""
    names = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE")
    return dict.fromkeys(names, str(ca_file)) if ca_file else {}


def other_bytes(file: BuiltFile, found: Found, index: Index) -> Problem:
    """A file of ours, under whose name the index has something else."""
    return Problem(
        f"{file.filename} is on the index with other bytes",
        index.where,
        f"the index has sha256 {found.sha256}, ours is {file.sha256}",
        "this version is taken: `venvbuild release bump` makes the next one",
        "TAKEN",
    )


def _with_what_is_public(error: VenvBuildError, done: list[Published]) -> VenvBuildError:
    """The same, and which files of the release are on the index already: nobody should have to look."""
    if not done:
        return error
    public = f"already public: {', '.join(one.file.filename for one in done)}"
    return type(error).of(
        Problem(one.what, one.where, "; ".join(filter(None, (one.why, public))), one.fix, one.rule, one.line)
        for one in error.problems
    )


def _all_of(ended: Completed) -> str:
    return f"{ended.stdout}\n{ended.stderr}"


def _log(text: str) -> None:
    for line in text.splitlines():
        log.debug("| %s", REDACTOR.redact(line))
