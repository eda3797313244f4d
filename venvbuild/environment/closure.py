"""Every distribution that the pins need, exactly: resolved once, by uv, and locked with hashes."""

from __future__ import annotations

import contextlib
import logging
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from venvbuild.builds import places, read_lock
from venvbuild.environment.allowed import Allowed, advice, allowed
from venvbuild.environment.conflicts import Conflicts
from venvbuild.environment.contradictions import Walk, explain
from venvbuild.environment.installer import Installer
from venvbuild.environment.lacking import lacking
from venvbuild.environment.package_source import PackageSource
from venvbuild.environment.tries import Tries
from venvbuild.environment.wanted import pip_version, wanted_by
from venvbuild.errors import (
    ConflictsFound,
    IndexUnavailable,
    IntegrityError,
    Problem,
    RequirementsRefused,
    ResolutionError,
    VenvBuildError,
)
from venvbuild.installed import Distribution
from venvbuild.parallel import each
from venvbuild.process import CommandFailed
from venvbuild.requirements import Pin, Requirements
from venvbuild.retrying import retried

log = logging.getLogger(__name__)

# For the tries of an explanation; of what to force, more, since a build depends on it.
_SECONDS = 12.0
_SECONDS_TO_FORCE = 60.0


@dataclass(frozen=True)
class LockedDistribution:
    """One line of the lock."""

    name: str
    """Canonical (PEP 503)."""
    version: str
    hashes: tuple[str, ...]
    """`sha256:...`, sorted."""
    where: str = field(default="", compare=False)
    """Of the pin, `requirements.txt:14`; empty for what no file pins."""
    line: int | None = field(default=None, compare=False)
    """Of `where`."""


@dataclass(frozen=True)
class Closure:
    """The whole environment, exactly, before anything is installed."""

    # Without markers: it is resolved for one Python and platform.
    distributions: tuple[LockedDistribution, ...]
    """Sorted by name."""
    not_pinned: tuple[str, ...]
    """Names that the user's file does not pin, pip apart."""
    is_forced: bool
    """Whether the pins contradict each other and were taken as written all the same."""
    doubted: tuple[str, ...] = ()
    """Names that the resolver called yanked: what the index told of them before may not be true any more."""

    def among(self, installed: Iterable[Distribution]) -> list[Distribution]:
        """Its own of what is installed, which wheels brought. What else is there and calls itself a distribution is
        nobody to believe of other files: those that a package brings with it are files of that package.
        """
        names = {one.name for one in self.distributions}
        return [one for one in installed if one.canonical_name in names and one.dist_info.endswith(".dist-info")]

    def text(self) -> str:
        """The lock: what pip and uv read with `--require-hashes`; sorted, the same for the same closure."""
        return "".join(
            " \\\n    --hash=".join((f"{one.name}=={one.version}", *one.hashes)) + "\n" for one in self.distributions
        )


def lock(
    requirements: Requirements,
    source: PackageSource,
    *,
    fail_on_conflicts: bool,
    locked: bool,
    wait: Callable[[float], None] = time.sleep,
) -> Closure:
    """Resolve the pins whose marker holds.

    Raises:
        ConflictsFound: the pins contradict each other and `fail_on_conflicts`.
        ResolutionError: something is not there for this Python and platform, or forcing the pins does not help.
        IndexUnavailable, UsageError: the index is the reason (6, 2).
        RequirementsRefused: `locked`, and the file is not its own closure.
        IntegrityError: a hash of the file fits no file of the index, or the index's bytes are wrong.
    """
    resolution = _Resolution(requirements, source, wait)
    closure = resolution.resolve(fail_on_conflicts=fail_on_conflicts)
    if locked and closure.not_pinned:
        raise RequirementsRefused(
            f"{requirements.path} is not its own closure: {len(closure.not_pinned)} more packages are needed",
            where=requirements.path,
            why=", ".join(closure.not_pinned[:20]),
            rule="NOT_LOCKED",
            fix=f"use the completed file, {_completed(closure, source.scratch)}, or build without --locked",
        )
    return closure


def _completed(closure: Closure, folder: Path) -> Path:
    path = folder / places.LOCK
    path.write_text(closure.text(), "utf-8")
    return path


class _Resolution:
    """What the tries of one resolution share."""

    def __init__(self, requirements: Requirements, source: PackageSource, wait: Callable[[float], None]) -> None:
        self._requirements, self._source, self._wait = requirements, source, wait
        self._output = source.scratch / "resolved.txt"
        self._said = ""

    def resolve(self, *, fail_on_conflicts: bool) -> Closure:
        once = partial(self._resolve, fail_on_conflicts=fail_on_conflicts)
        return retried(once, self._wait, curable=IndexUnavailable)

    def _resolve(self, *, fail_on_conflicts: bool) -> Closure:
        try:
            self._compile()
            return self._closure(is_forced=False)
        except CommandFailed as failure:
            return self._after(failure, fail_on_conflicts=fail_on_conflicts)

    def _after(self, failure: CommandFailed, *, fail_on_conflicts: bool) -> Closure:
        """What the failure means: asked of this machine and the index, not read from the installer's words."""
        self._source.installer.judge_locally(failure, self._source.scratch)
        walk = explain(
            wanted_by(self._requirements, self._source.interpreter, self._source.sdists),
            self._source.index,
            self._source.interpreter,
        )
        # uv's words, which change with its versions, say where to look first, and nothing else is read from them.
        with contextlib.suppress(VenvBuildError):  # of one of several: all of them are told below
            walk.begin([name for name in walk.pins if name in failure.output])
        if not _is_certain(walk):
            walk.begin(walk.pins)
        if not _is_certain(walk):
            # the index may have been away for a moment, or what the installer's cache has of it be damaged
            with (
                contextlib.suppress(CommandFailed),
                tempfile.TemporaryDirectory(prefix=".cache-", dir=self._source.scratch) as cache,
            ):
                self._compile(installer=self._source.installer.with_cache(Path(cache)))
                return self._closure(is_forced=False)
        return self._refused(failure, walk) if fail_on_conflicts else self._forced(failure, walk)

    def _refused(self, failure: CommandFailed, walk: Walk) -> Closure:
        conflicts = Conflicts(walk, Tries(self._source, _SECONDS))
        found = conflicts.problems(deep=False)
        if not found:
            walk.begin(walk.pins)
            found = conflicts.problems(deep=False) or conflicts.problems()
        lacks = conflicts.lacks()
        if any(one.rule == "CONFLICT" for one in found) and not lacks:
            raise ConflictsFound.of(found) from failure
        raise ResolutionError.of([*lacks, *found] or [_said_by_uv(failure)]) from failure

    def _forced(self, failure: CommandFailed, walk: Walk) -> Closure:
        """The closure with the pins that contradict others as written, and with no other requirement unmet."""
        whole = walk.of(list(walk.pins.values()))  # who is forced has to know who asks for extras
        conflicts = Conflicts(whole, Tries(self._source, _SECONDS_TO_FORCE))
        forced = conflicts.to_force(deep=False) or conflicts.to_force()
        lacks = conflicts.lacks()
        if lacks or not forced:
            reasons = lacks or conflicts.problems() or [_said_by_uv(failure)]
            raise ResolutionError.of(reasons) from failure
        overrides = conflicts.overrides(pin.name for pin in forced)
        kept = [
            f"{name}=={version}" for name, version in conflicts.met_all_the_same().items() if name not in whole.pins
        ]
        try:
            self._compile(overrides, kept)
        except CommandFailed:
            self._compile(overrides)
        for pin in forced:
            log.warning("%s: %s is forced, against what other packages need", pin.where, pin.at(pin.version))
        return self._closure(is_forced=True)

    def _compile(
        self, overrides: Sequence[str] = (), more: Sequence[str] = (), installer: Installer | None = None
    ) -> None:
        # uv keeps to the versions that its output file already has, and there may be one of an earlier try.
        self._output.unlink(missing_ok=True)
        to_resolve = self._source.scratch / "to-resolve.in"
        # Only pins whose marker holds, and so without markers; with no hashes, which are compared in `_closure`.
        lines = [pin.bare for pin in self._requirements.active]
        to_resolve.write_text("".join(f"{line}\n" for line in [*lines, *self._own_pip(), *more]), "utf-8")
        forced = self._source.scratch / "overrides.txt"
        if overrides:
            forced.write_text("".join(f"{line}\n" for line in overrides), "utf-8")
        self._said = (installer or self._source.installer).compile(
            to_resolve,
            self._output,
            self._source.interpreter,
            overrides=forced if overrides else None,
            find_links=self._source.wheels,
        )

    def _own_pip(self) -> list[str]:
        if any(pin.canonical_name == "pip" for pin in self._requirements.active):
            return []
        return [f"pip=={pip_version(self._source.interpreter.version)}"]

    def _closure(self, *, is_forced: bool) -> Closure:
        given = {pin.canonical_name: pin for pin in self._requirements.active}
        distributions, resolved = [], list(read_lock(self._output.read_text("utf-8")))
        comparisons = self._compared(resolved, given)
        for name, version, hashes in resolved:
            pin = given.get(name)
            if name in self._source.built:
                # of the wheel that was built here, which no index has; and of its source, for who builds it elsewhere
                source = self._source.sources.get(name)
                hashes = tuple(sorted([self._source.built[name], *([f"sha256:{source.sha256}"] if source else [])]))
            elif pin and pin.hashes:
                # Who gives hashes of some files wants these and no others.
                found = comparisons[name]
                if not found.hashes:
                    raise IntegrityError(
                        f"no file of {name} {version} has one of the hashes given",
                        rule="WRONG_BYTES",
                        where=pin.where,
                        line=pin.line,
                        why=found.text,
                        fix=advice((name, version), pin.hashes, self._source.index),
                    )
                hashes = found.hashes
            place = (pin.where, pin.line) if pin else ("", None)
            distributions.append(LockedDistribution(name, version, hashes, *place))
        not_pinned = tuple(one.name for one in distributions if one.name not in given and one.name != "pip")
        doubted = tuple(one.name for one in distributions if f"`{one.name}=={one.version}` is yanked" in self._said)
        return Closure(tuple(sorted(distributions, key=lambda one: one.name)), not_pinned, is_forced, doubted)

    def _compared(
        self, resolved: Sequence[tuple[str, str, tuple[str, ...]]], given: Mapping[str, Pin]
    ) -> dict[str, Allowed]:
        """What the hashes of pins allow, by name, of those that have some; files may have to be read for it."""
        hashed = [one for one in resolved if one[0] in given and given[one[0]].hashes]
        hashed = [one for one in hashed if one[0] not in self._source.built]
        index, interpreter = self._source.index, self._source.interpreter

        def compared(one: tuple[str, str, tuple[str, ...]]) -> Allowed:
            name, version, told = one
            return allowed((name, version), told, given[name].hashes, index, interpreter)

        return {one[0]: found for one, found in zip(hashed, each(compared, hashed, workers=4), strict=True)}


def _is_certain(walk: Walk) -> bool:
    """Whether what the pins need themselves is reason enough."""
    return bool(walk.contradictions() or lacking(walk))


def _said_by_uv(failure: CommandFailed) -> Problem:
    said = " ".join(failure.output.replace("╰─▶", "").replace("×", "").split())
    return Problem(
        "the pins cannot be resolved together", why=said[:1500], rule="UNSATISFIABLE", fix="change the pins it names"
    )
