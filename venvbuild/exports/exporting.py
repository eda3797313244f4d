"""Makes what a consumer takes: judged first, made where nobody sees it, judged again, then given its name at once."""

from __future__ import annotations

import os
import shlex
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from venvbuild import archive
from venvbuild.errors import Problem, UsageError, of_disk
from venvbuild.exports.build import Build
from venvbuild.exports.consumer import Consumer, Paste, Unfit
from venvbuild.exports.rules import BUNDLE_PYTHON, Finding, Rule, Verdict


@dataclass(frozen=True)
class Exported:
    """What became of a build for a consumer."""

    consumer: str
    venv_version: str
    file: Path | None
    """The file or folder that was made, absolute; None: nothing was, as a rule is broken, or as there is nothing."""
    sha256: str | None
    """Of the file, or of the main file of the folder."""
    settings: tuple[Paste, ...]
    """Empty where a rule is broken."""
    verdicts: tuple[Verdict, ...]
    """One of each rule of the consumer."""
    env_name: str
    python_version: str
    """X.Y."""
    is_bundled: bool
    """Whether the build brings its interpreter."""
    also: tuple[str, ...] = ()
    """Flags that were given for this command, and are to be in one that is advised: `--store URL`."""

    def problems(self) -> Iterator[Problem]:
        """The rules that are broken, each with the way out."""
        broken = [one for one in self.verdicts if one.state == "broken"]
        again = ["venvbuild", "build", "-r", "requirements.txt", "--env-name", self.env_name]
        # One command for all that flags can do, or who follows the first one breaks the next.
        command = f"build it so: {shlex.join((*again, *self._flags(broken), *self.also))}"
        for one in broken:
            yield Problem(
                f"{self.consumer} takes only: {one.rule.wants}; {one.finding.saw}",
                self.venv_version,
                f"{one.rule.source.page} ({one.rule.source.read_on})",
                ", and ".join(filter(None, (one.finding.fix, command if one.finding.flags else ""))),
                one.rule.name,
            )

    def _flags(self, broken: Iterable[Verdict]) -> list[str]:
        """Those of a build that breaks none of them; always with its Python, as a build without may have another, and
        with the interpreter inside where it is now, unless that breaks a rule: without it other rules may break.
        """
        wanted = {one.finding.flags[0]: one.finding.flags for one in broken if one.finding.flags}
        if not wanted:
            return []
        wanted = {"--python": ("--python", self.python_version), **wanted}
        python = wanted["--python"][1]
        if self.is_bundled and not any(BUNDLE_PYTHON in one.finding.without for one in self.verdicts):
            wanted[BUNDLE_PYTHON] = (BUNDLE_PYTHON,)
        return [word.format(python=python) for flags in wanted.values() for word in flags]

    def as_json(self) -> dict[str, Any]:
        """The document of `--json`."""
        return {
            "consumer": self.consumer,
            "venv_version": self.venv_version,
            "file": None if self.file is None else str(self.file),
            "sha256": self.sha256,
            "settings": [one._asdict() for one in self.settings],
            "rules": [
                {
                    **rule_as_json(one.rule),
                    "state": one.state,
                    "saw": one.finding.saw,
                    "fix": one.finding.fix,
                    "flags": self._flags([one]),
                }
                for one in self.verdicts
            ],
            "problems": [one.as_json() for one in self.problems()],
        }


def rule_as_json(rule: Rule) -> dict[str, str]:
    """A rule as `--list --json` tells it."""
    return {"rule": rule.name, "wants": rule.wants, **rule.source._asdict()}


def export(consumer: Consumer, build: Build, output: Path | None = None, *, force: bool = False) -> Exported:
    """Make of `build` what `consumer` takes at `output`, and beside a file its sum.

    In a folder that is there a file gets the consumer's name for it, as it does in the working folder without
    `output`. Nothing is made where a rule is broken: the verdicts tell.

    Raises:
        UsageError: something is at `output` already, and no `force`; or it is no place for a file.
        IntegrityError, NotInStore: the build is not what it should be. StoreUnavailable: the store or the disk.
    """
    before = _judged(consumer, build, None)
    told = _Told(consumer, build)
    if _is_broken(before):
        return told.refused(before)
    if consumer.makes == "answer":
        if output is not None:
            raise UsageError(f"for {consumer.name} nothing is made", where="-o", fix="leave it out")
        return told.answered(before)
    if consumer.makes == "text" and output is None:
        return told.answered(before)
    place = _place(consumer, build, output)
    _refuse_what_is_there(consumer, place, force=True)  # what is no place at all, whatever it is called
    if consumer.makes != "folder":
        _refuse_ending(consumer.file_name(build), place)
    _refuse_what_is_there(consumer, place, force=force)
    try:
        with tempfile.TemporaryDirectory(prefix=".venvbuild-export-", dir=place.parent) as folder:
            return _made(told, before, Path(folder) / "made", place, force=force)
    except OSError as error:
        raise of_disk(error, str(place)) or UsageError(
            f"it cannot be written: {error.strerror}", where=str(place), fix="name another place with -o"
        ) from error


def _made(told: _Told, before: tuple[Verdict, ...], making: Path, place: Path, *, force: bool) -> Exported:
    consumer, build = told.consumer, told.build
    try:
        sha256 = consumer.make(build, making)
    except Unfit as unfit:
        return told.refused(tuple(_with(unfit, one) for one in before))
    after = _judged(consumer, build, making)
    if _is_broken(after):
        return told.refused(after)
    _refuse_what_is_there(consumer, place, force=force)  # again: somebody may have put something there meanwhile
    if consumer.makes == "folder":
        _put_folder(making, place)
    else:
        # Whatever the umask is: it is made for others.
        making.chmod(0o755 if making.stat().st_mode & 0o100 else 0o644)
        archive.place(making, place, sha256)
    return told.made(after, place, sha256)


@dataclass(frozen=True)
class _Told:
    """What is told of a consumer and a build."""

    consumer: Consumer
    build: Build

    def refused(self, verdicts: tuple[Verdict, ...]) -> Exported:
        return self._told(None, None, (), verdicts)

    def answered(self, verdicts: tuple[Verdict, ...]) -> Exported:
        return self._told(None, None, self.consumer.settings(self.build, None), verdicts)

    def made(self, verdicts: tuple[Verdict, ...], file: Path, sha256: str) -> Exported:
        return self._told(file, sha256, self.consumer.settings(self.build, file), verdicts)

    def _told(
        self, file: Path | None, sha256: str | None, settings: tuple[Paste, ...], verdicts: tuple[Verdict, ...]
    ) -> Exported:
        build = self.build
        of = (build.env_name, build.python_version, build.is_bundled)
        return Exported(self.consumer.name, build.venv_version, file, sha256, settings, verdicts, *of)


def _judged(consumer: Consumer, build: Build, made: Path | None) -> tuple[Verdict, ...]:
    return tuple(Verdict(rule, _finding(rule, build, made)) for rule in consumer.rules)


def _finding(rule: Rule, build: Build, made: Path | None) -> Finding:
    if rule.is_of_what_is_made and made is None:
        return Finding("NOT CHECKED", "nothing was made")
    return rule.judge(build, made)


def _is_broken(verdicts: tuple[Verdict, ...]) -> bool:
    return any(one.state == "broken" for one in verdicts)


def _with(unfit: Unfit, verdict: Verdict) -> Verdict:
    if verdict.rule.name != unfit.rule:
        return verdict
    return Verdict(verdict.rule, Finding("broken", unfit.saw, unfit.fix))


def _place(consumer: Consumer, build: Build, output: Path | None) -> Path:
    name = consumer.file_name(build)
    if output is None:
        return Path(name).absolute()
    if output == Path("-"):
        raise UsageError("a file is made, and nothing of it goes to stdout", where="-o -", fix="-o ./NAME")
    is_inside = consumer.makes != "folder" and output.is_dir()
    # Links in the path stay, as settings will name it.
    return Path(os.path.abspath(output / name if is_inside else output))


_ENDINGS = {".tar.gz": (".tar.gz", ".tgz"), ".zip": (".zip",), ".py": (".py",)}


def _refuse_ending(name: str, place: Path) -> None:
    """Who takes the file goes by how its name ends; `name` is the usual one."""
    for ending, others in _ENDINGS.items():
        if name.endswith(ending) and not place.name.endswith(others):
            better = place.with_name(place.name + ending)
            raise UsageError(
                f"the name of such a file ends in {' or '.join(others)}",
                where=str(place),
                why="who takes it goes by the ending",
                fix=f"-o {shlex.quote(str(better))}",
            )


def _refuse_what_is_there(consumer: Consumer, place: Path, *, force: bool) -> None:
    if not place.parent.is_dir():
        raise UsageError("the folder is not there", where=str(place.parent), fix="make it, or name another with -o")
    if consumer.makes == "folder":
        _refuse_folder(place, force=force)
        return
    for path in (place, archive.sum_file(place)):
        if not os.path.lexists(path):
            continue
        # A rename would replace /dev/null.
        if not path.is_symlink() and not path.is_file():
            raise UsageError("this is no place for a file", where=str(path), fix="name another with -o")
        if not force:
            raise UsageError(
                "the file is there, and nothing was touched",
                where=str(path),
                fix="name another with -o, or --force to replace it",
                rule="EXISTS",
            )


def _refuse_folder(place: Path, *, force: bool) -> None:
    if not os.path.lexists(place):
        return
    if place.is_symlink() or not place.is_dir():
        raise UsageError("this is no place for a folder", where=str(place), fix="name another with -o")
    if any(place.iterdir()) and not force:
        raise UsageError(
            "the folder is there and not empty, and nothing was touched",
            where=str(place),
            fix="name another with -o, or --force to replace the files of these names in it",
            rule="EXISTS",
        )


def _put_folder(making: Path, place: Path) -> None:
    """All at once where nothing is there; else file by file, each whole, and what else is there stays."""
    making.chmod(0o755)
    if not os.path.lexists(place):
        making.rename(place)
        return
    for path in sorted(making.iterdir()):
        path.replace(place / path.name)
