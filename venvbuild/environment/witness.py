"""What the wheels of a closure hold: who says what a new environment has to be.

uv keeps no wheel, only what it unpacked and the digest that it remembers, and looks at neither again; the RECORD in an
environment is uv's own. So each wheel is fetched once by us, held against the lock, and what it holds is remembered.
"""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from packaging.utils import InvalidWheelFilename, parse_wheel_filename

from venvbuild.environment.closure import Closure, LockedDistribution
from venvbuild.environment.diagnosis import version_of
from venvbuild.environment.package_source import PackageSource
from venvbuild.environment.sizes import refuse_other_size
from venvbuild.environment.wanted import Wanted
from venvbuild.errors import IndexUnavailable, IntegrityError, VenvBuildError
from venvbuild.installed import Distribution
from venvbuild.package_index import File, UnreadableWheel, WheelContents
from venvbuild.parallel import each
from venvbuild.text import count_text

log = logging.getLogger(__name__)


Remembered = Mapping[str, Sequence[WheelContents]]
"""The wheels of each distribution that were read before, by canonical name."""


def remember(closure: Closure, source: PackageSource) -> Remembered:
    """Those that the lock allows."""
    return {one.name: tuple(source.wheel_cache.known(one.hashes)) for one in closure.distributions}


def ask(
    closure: Closure, installed: Sequence[Distribution], source: PackageSource, remembered: Remembered
) -> Mapping[str, WheelContents]:
    """The wheel of each distribution of `closure`, by canonical name, read now or `remembered`; without those that the
    index does not give, which is said once.

    Raises:
        IntegrityError: the index gives other bytes than the lock has. ResolutionError: or a wheel that cannot be read.
    """
    asking = _Asking(source, {one.canonical_name: frozenset(one.tags) for one in installed}, remembered)
    found = {one.name: asking.known(one) for one in closure.distributions}
    unread = [one for one in closure.distributions if not asking.is_enough(found[one.name], one)]
    read = each(lambda one: asking.read(one) or found[one.name] or asking.known(one, by_tags=False), unread)
    found |= zip((one.name for one in unread), read, strict=True)
    silent = [one.name for one in closure.distributions if found[one.name] is None]
    if silent:
        log.warning(
            "%s could not be asked, and so compared with the installer's own RECORD alone: %s (%s)",
            count_text(len(silent), "wheel"),
            ", ".join(silent[:5]) + (", ..." if len(silent) > 5 else ""),
            asking.why,
        )
    return {name: wheel for name, wheel in found.items() if wheel}


def ask_anew(
    names: Collection[str], closure: Closure, installed: Sequence[Distribution], source: PackageSource
) -> Mapping[str, WheelContents]:
    """The wheels of these distributions, which the index is asked for whatever is known: it may have got a better one
    since, or one with the same tags. Without those that it does not give.

    Raises:
        IntegrityError, ResolutionError: as `ask`.
    """
    asking = _Asking(source, {one.canonical_name: frozenset(one.tags) for one in installed}, {})
    asked = [one for one in closure.distributions if one.name in names]
    found = each(asking.read, asked)
    return {one.name: wheel for one, wheel in zip(asked, found, strict=True) if wheel}


@dataclass
class _Asking:
    """One round of questions, from several threads."""

    source: PackageSource
    tags: Mapping[str, frozenset[str]]
    """By canonical name: the Tag lines of what is installed."""
    remembered: Remembered
    why: str = field(default="no file of the index fits", init=False)
    is_away: bool = field(default=False, init=False)
    """Whether the index did not answer: it is not waited for once more."""

    def known(self, one: LockedDistribution, *, by_tags: bool = True) -> WheelContents | None:
        """The wheel that was installed, by the Tag lines in the environment, if it was read before; not `by_tags`, as
        those may be what is damaged, the one that installers prefer.
        """
        tags = self._tags_of(one)
        # those that fit this Python by their names, too: another one's may say the same Tag
        found = [wheel for wheel in self.remembered[one.name] if self._preference(wheel.filename)]
        fitting = [wheel for wheel in found if not by_tags or frozenset(wheel.tags) == tags]
        return max(fitting, key=lambda wheel: self._preference(wheel.filename), default=None)

    def is_enough(self, known: WheelContents | None, one: LockedDistribution) -> bool:
        """Whether nothing more is to be read than what was read before; it is as large as the lock that was given says,
        then.

        Raises:
            IntegrityError: it is not.
        """
        if known is None:
            return False
        # what was built here is another file than that of the lock, whatever its name
        if known.filename not in self.source.sizes or one.name in self.source.built:
            return True
        if known.size_bytes is not None:
            refuse_other_size(known.filename, known.size_bytes, self.source.sizes)
        return known.size_bytes is not None

    def read(self, one: LockedDistribution) -> WheelContents | None:
        """The wheel that was installed, read now; None when it cannot be asked."""
        if self.is_away:
            return None
        if not any(value.startswith("sha256:") for value in one.hashes):
            self.why = "the lock has no sha256 of it"
            return None
        tags = self._tags_of(one)
        try:
            with tempfile.TemporaryDirectory(prefix=".wheel-", dir=self.source.scratch) as folder:
                candidates = self._built(one) if one.name in self.source.built else self._fetched(one, tags, folder)
                first = None
                for contents in candidates:
                    self.source.wheel_cache.put(contents)
                    if frozenset(contents.tags) == tags:
                        return contents
                    first = first or contents
                return first
        except (IntegrityError, UnreadableWheel):  # else a wheel could do away with its own witness
            raise
        except VenvBuildError as error:
            self.why, self.is_away = str(error), isinstance(error, IndexUnavailable)
            return None

    def _tags_of(self, one: LockedDistribution) -> frozenset[str]:
        return self.tags.get(one.name, frozenset())

    def _built(self, one: LockedDistribution) -> Iterator[WheelContents]:
        """Of a wheel that was built here."""
        for folder in self.source.wheels:
            for path in folder.glob("*.whl"):
                contents = WheelContents.read(path)
                if f"sha256:{contents.sha256}" in one.hashes:
                    yield contents

    def _fetched(self, one: LockedDistribution, tags: frozenset[str], folder: str) -> Iterator[WheelContents]:
        """Of the files of the index that the lock allows and that fit this Python, the likeliest first."""
        for file in sorted(self._files(one), key=lambda file: frozenset(map(str, file.tags)) != tags):
            path = Path(folder, "wheel")
            digest = self.source.index.download(file, path)
            # a page without digests (PEP 503) may have other files of this version
            if f"sha256:{digest}" in one.hashes:
                refuse_other_size(file.filename, path.stat().st_size, self.source.sizes)
                yield WheelContents.read(path, file.filename)

    def _files(self, one: LockedDistribution) -> Iterable[File]:
        project = self.source.index.project(one.name)
        if project is None:
            return []
        try:
            version = version_of(Wanted(one.name, one.version), project)
        except ValueError:  # it had it a moment ago
            return []
        wheels = project.wheels(version, self.source.interpreter.ranks)
        allowed = [file for file in wheels if not file.sha256 or f"sha256:{file.sha256}" in one.hashes]
        return sorted(allowed, key=lambda file: self._preference(file.filename), reverse=True)

    def _preference(self, filename: str) -> tuple[int, tuple[int, str] | tuple[()]] | tuple[()]:
        """What installers take the greatest of: the best tag, then the build number (binary distribution format); empty
        for a wheel that does not fit.
        """
        try:
            _, _, build, tags = parse_wheel_filename(filename)
        except InvalidWheelFilename:
            return ()
        ranks = self.source.interpreter.ranks
        rank = min((ranks[str(tag)] for tag in tags if str(tag) in ranks), default=None)
        return () if rank is None else (-rank, build)
