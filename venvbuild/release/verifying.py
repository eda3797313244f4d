"""A release tried as its users will: from the index, by name; from the version before, and back to it.

`rehearse` does the same with the built files before anything is public.
"""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from email.parser import HeaderParser
from pathlib import Path

from packaging.version import InvalidVersion, Version

from venvbuild.errors import CheckFoundSomething, IntegrityError, Problem, UsageError
from venvbuild.interpreters import Interpreter
from venvbuild.release import relay, scratch
from venvbuild.release.backends import Target
from venvbuild.release.index import Index, Listing, Presence
from venvbuild.release.manifest import Manifest
from venvbuild.release.trying import NotInstalled, Seen, Trial, interpreter_for
from venvbuild.text import shown

Say = Callable[[str], object]


@dataclass(frozen=True)
class Verified:
    """A version that can be installed by name, and what was seen of it."""

    name: str
    version: str
    python: str
    """X.Y.Z of the environment."""
    seen: Seen
    older: str
    """The version that it was upgraded from, and gone back to; empty: there is none, or it cannot be installed."""


@dataclass(frozen=True)
class Verifier:
    """Tries one project from one index."""

    target: Target
    environ: Mapping[str, str]
    say: Say
    python: str = ""
    """X.Y; empty: our own where the package is for it, else the newest that it is for."""

    def verify(self, name: str, version: str, manifest: Manifest | None = None) -> Verified:
        """Install a version from the index alone, import it, start its commands; go back to the version before, and
        upgrade again. With the manifest of the release the files are read and compared, too.

        Raises:
            CheckFoundSomething: something of it does not work, or it is not there.
            IntegrityError: the index has or gives other bytes than were built.
            UsageError, IndexUnavailable: as `Index.list`.
        """
        wanted = _version(version)
        index = Index(self.target)
        listing = index.list(name)
        files = listing.of(wanted)
        if not files:
            raise CheckFoundSomething(
                f"{shown(name)} {wanted} is not on the index",
                where=index.where,
                why=listing.note or _newest(listing),
                fix="run `venvbuild release publish`",
                rule="NOT_PUBLISHED",
            )
        if manifest:
            self._compare(manifest, index, listing)
        requires = next((file.requires_python for file in files if file.requires_python), "")
        with self._trial(requires) as trial:
            pin = f"{name}=={wanted}"
            self._install(trial, index, name, pin)
            seen = self._seen(trial, name, wanted, "installed from the index")
            older, _ = self._back(trial, index, listing, wanted)
            if older:
                # By its name alone, as most do it; of an older line, or before a final version, that gives another one.
                self._install(trial, index, name, name if listing.is_newest(wanted) else pin, upgrade=True)
                self._seen(trial, name, wanted, f"upgraded from {older}")
            return Verified(name, str(wanted), trial.python.full_version, seen, older)

    def rehearse(self, manifest: Manifest, dist: Path) -> Verified:
        """The way from the index's newest older version to the built files and back, before they are published.

        Raises:
            IntegrityError: `dist` has other bytes. Else as `verify`.
        """
        manifest.require(dist)
        wanted = _version(manifest.version)
        index = Index(self.target)
        listing = index.list(manifest.name)
        pin = f"{manifest.name}=={manifest.version}"
        with self._trial(_requires_python(manifest, dist)) as trial:
            older, faults = self._back(trial, index, listing, wanted)
            self._install(trial, index, manifest.name, pin, upgrade=True, find_links=dist)
            seen = self._seen(trial, manifest.name, wanted, f"upgraded from {older}" if older else "installed")
            if older:
                self._install(trial, index, manifest.name, f"{manifest.name}=={older}")
                self._seen(trial, manifest.name, Version(older), "gone back to", known=faults)
            return Verified(manifest.name, manifest.version, trial.python.full_version, seen, older)

    @contextmanager
    def _trial(self, requires_python: str) -> Iterator[Trial]:
        python: Interpreter = interpreter_for(requires_python, self.environ, wanted=self.python)
        with scratch.made() as folder, relay.served(Index(self.target)) as through:
            trial = Trial(folder / "trial", python, through)
            trial.make()
            yield trial

    def _back(self, trial: Trial, index: Index, listing: Listing, wanted: Version) -> tuple[str, tuple[str, ...]]:
        """Install the version before, and what of it does not work; empty where there is none that can be installed."""
        older = listing.older_than(wanted, trial.python.full_version)
        if older is None:
            self.say("there is no older version to upgrade from")
            return "", ()
        try:
            trial.install(f"{listing.name}=={older}")
        except NotInstalled as error:
            index.list(listing.name)  # an index that does not answer any more is another failure
            # That may be the very reason for this release.
            self.say(f"warning: {older} cannot be installed, so no upgrade from it is tried: {error}")
            return "", ()
        if found := trial.look(listing.name).faults:
            self.say(f"warning: of {older}: {'; '.join(found)}")
        return str(older), found

    def _install(
        self, trial: Trial, index: Index, name: str, wish: str, *, upgrade: bool = False, find_links: Path | None = None
    ) -> None:
        """Install it; what it needs has to be there."""
        try:
            trial.install(wish, upgrade=upgrade, find_links=find_links)
            if upgrade:
                trial.check()
        except NotInstalled as error:
            index.list(name)
            raise CheckFoundSomething(
                f"pip cannot install {shown(wish)}",
                where=index.where,
                why=str(error),
                fix="what it depends on has to be on the same index; withdraw the version if it is public, and bump",
                rule="NOT_INSTALLED",
            ) from error

    def _seen(self, trial: Trial, name: str, wanted: Version, how: str, known: tuple[str, ...] = ()) -> Seen:
        """What is installed; `known` faults of it are none of ours."""
        seen = trial.look(name)
        faults = [fault for fault in seen.faults if fault not in known]
        if seen.version and _version(seen.version) != wanted:
            faults.insert(0, f"its metadata has version {shown(seen.version)}")
        if not seen.imports and not faults:
            self.say("warning: it has nothing that can be imported")
        if faults:
            where = f"{shown(name)} {wanted}, {how}, Python {trial.python.full_version}"
            fix = "correct it, and release the next version"
            raise CheckFoundSomething.of(Problem(fault, where, fix=fix, rule="DOES_NOT_WORK") for fault in faults)
        return seen

    def _compare(self, manifest: Manifest, index: Index, listing: Listing) -> None:
        """That each file is there, and comes with the bytes that were built."""
        found = index.find(manifest.files, listing)
        wrong = [
            Problem(
                f"{file.filename} is not on the index"
                if one.presence is Presence.ABSENT
                else f"{file.filename} is on the index with other bytes",
                index.where,
                "" if one.presence is Presence.ABSENT else f"the index has sha256 {one.sha256}, ours is {file.sha256}",
                "run `venvbuild release publish`"
                if one.presence is Presence.ABSENT
                else "this version is taken: `venvbuild release bump` makes the next one",
            )
            for file, one in found.items()
            if one.presence is not Presence.SAME
        ]
        if any(one.presence is Presence.OTHER for one in found.values()):
            raise IntegrityError.of(wrong)
        if wrong:
            raise CheckFoundSomething.of(wrong)
        with scratch.made() as folder:
            by_digest = {index.sha256_of(file): file for file in listing.of(Version(manifest.version))}
            for built in manifest.files:
                # Raises itself where the bytes are not those that the index promises.
                came = index.download(by_digest[built.sha256], folder / "file")
                if came != built.sha256:
                    raise IntegrityError(
                        f"{built.filename} comes from the index with other bytes",
                        where=index.where,
                        why=f"sha256 {came} comes, ours is {built.sha256}",
                        fix="ask who runs the index; a proxy or a cache may have changed the file",
                        rule="WRONG_BYTES",
                    )


def _newest(listing: Listing) -> str:
    return f"the newest there is {listing.versions[-1]}" if listing.versions else "it has no version of it"


def _version(text: str) -> Version:
    try:
        return Version(text)
    except InvalidVersion as error:
        raise UsageError(f"{shown(text)!r} is no version", fix="write it as in 1.2.3") from error


def _requires_python(manifest: Manifest, dist: Path) -> str:
    """Of a wheel; empty where it does not say."""
    for wheel in manifest.of_kind("wheel"):
        with zipfile.ZipFile(dist / wheel.filename) as archive:
            for name in archive.namelist():
                if name.endswith(".dist-info/METADATA") and name.count("/") == 1:
                    text = archive.read(name).decode("utf-8", "replace")
                    return str(HeaderParser().parsestr(text).get("Requires-Python") or "")
    return ""
