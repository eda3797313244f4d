"""How the releases of a closure stand on the index: each asked once, or answered from what it told within the hour.

One answer serves the warnings, what may not be built, and what a build keeps of it (packages.json).
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from venvbuild.environment.closure import Closure
from venvbuild.environment.package_source import PackageSource
from venvbuild.errors import VenvBuildError
from venvbuild.package_index import File, PackageIndex, Release, ReleaseCache, WheelContents
from venvbuild.parallel import each
from venvbuild.text import count_text

log = logging.getLogger(__name__)

_WORKERS = 16


@dataclass(frozen=True)
class Standing:
    """What the index told."""

    releases: Mapping[str, Release]
    """By canonical name; without those that it could not be asked about."""
    failure: VenvBuildError | None = None
    """Why it could not."""


@dataclass(frozen=True)
class Wheel:
    """The wheel of an installed distribution, as far as it is known; the fields are those of packages.json."""

    wheel: str | None = None
    """Its file name."""
    sha256: str | None = None
    size_bytes: int | None = None
    uploaded_at: str | None = None
    is_yanked: bool | None = None
    yanked_reason: str | None = None
    project_status: str | None = None


def ask(
    releases: Iterable[tuple[str, str, Collection[str]]],
    index: PackageIndex,
    cache: ReleaseCache,
    doubted: Collection[str] = (),
) -> Standing:
    """What the index tells of each (canonical name, version, hashes); where it fails once, it is not asked again.

    An answer that is kept has to know the hashes (`sha256:...`) and is not believed of the `doubted` names.
    """
    asking = _Asking(index, cache, frozenset(doubted))
    asked = list(releases)
    found = each(lambda one: asking.release(*one), asked, workers=_WORKERS)
    told = {name: release for (name, _, _), release in zip(asked, found, strict=True) if release}
    return Standing(told, asking.failure)


def of_closure(closure: Closure, source: PackageSource, doubted: Collection[str] = ()) -> Standing:
    """What the index tells of a closure. What was built here it is asked about all the same: it has the source."""
    asked = [(one.name, one.version, () if one.name in source.built else one.hashes) for one in closure.distributions]
    standing = ask(asked, source.index, source.release_cache, doubted)
    if standing.failure:
        silent = len(asked) - len(standing.releases)
        log.info("the index was not asked about %s: %s", count_text(silent, "package"), standing.failure)
    elif not any(file.uploaded_at for release in standing.releases.values() for file in release.files):
        log.warning("the index tells no upload times: how old a package is, is not known")
    return standing


def wheels_of(
    closure: Closure,
    held: Mapping[str, WheelContents],
    standing: Standing,
    sources: Mapping[str, File] | None = None,
) -> dict[str, Wheel]:
    """The wheel of each distribution of `closure`, by canonical name; `held` are those that were read, `sources` what
    was built here.
    """
    built = sources or {}
    return {
        one.name: _wheel(held.get(one.name), standing.releases.get(one.name), built.get(one.name))
        for one in closure.distributions
    }


def _wheel(held: WheelContents | None, release: Release | None, source: File | None) -> Wheel:
    file = release.file_of(held.sha256) if held and release else None
    files = release.files if release else ()
    of_it = [file] if file else [one for one in files if source and one.filename == source.filename]
    # which of the files it was nobody knows otherwise; what holds for all of them does
    reasons = [one.yanked for one in of_it or files]
    states = {one is not None for one in reasons}
    is_yanked = states.pop() if len(states) == 1 else None
    return Wheel(
        wheel=file.filename if file else held.filename if held else None,
        sha256=held.sha256 if held else None,
        size_bytes=file.size_bytes if file else None,
        uploaded_at=file.uploaded_at if file else None,
        is_yanked=is_yanked,
        yanked_reason=next(filter(None, reasons), "") if is_yanked else None,
        project_status=release.status.word if release and release.status else None,
    )


@dataclass
class _Asking:
    """One round of questions, from several threads."""

    index: PackageIndex
    cache: ReleaseCache
    doubted: frozenset[str]
    failure: VenvBuildError | None = field(default=None, init=False)

    def release(self, name: str, version: str, hashes: Collection[str]) -> Release | None:
        known = None if name in self.doubted else self.cache.get(self.index, name, version)
        if known and known.knows(hashes):
            return known
        if self.failure is None:
            try:
                return self.cache.ask(self.index, name, version, hashes)
            except VenvBuildError as error:
                self.failure = error
        return None
