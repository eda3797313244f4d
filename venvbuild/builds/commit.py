"""How a build enters the store: claim a version, freeze what will be sent, send it, metadata.json last.

Killed anywhere, nothing torn is visible, and the same step run again ends the job with the same bytes: the claim is
written down before it is tried, and what was frozen is what is sent. Neither is believed unchecked: what changed since,
or never came to the disk, counts no more.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import secrets
import shutil
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TypeVar

from venvbuild.builds import metadata, places, schemas
from venvbuild.builds.metadata import DescribedMetadata, Metadata, StoredFile
from venvbuild.builds.places import CLAIM
from venvbuild.errors import IntegrityError, StoreUnavailable
from venvbuild.files import remove, write_whole
from venvbuild.retrying import retried
from venvbuild.stores import Store

log = logging.getLogger(__name__)

T = TypeVar("T")
FROZEN = "frozen"
"""Below the folder that `commit` is given: what is sent."""


@dataclass(frozen=True)
class Claim:
    """A version that is ours: whoever created its claim.json has it."""

    venv_version: str
    created_at: str
    """The instant of `venv_version`, ISO 8601, UTC."""
    env_name: str
    token: str
    """Random; tells our claim from another's of the same second."""
    store: str
    """URL of the store it is for."""

    @classmethod
    def at(cls, second: int, env_name: str, store: Store) -> Claim:
        """A new claim for this second since the epoch."""
        instant = datetime.fromtimestamp(second, UTC)
        return cls(
            f"venv_{instant:%Y%m%d_%H%M%S}", f"{instant:%Y-%m-%dT%H:%M:%SZ}", env_name, secrets.token_hex(16), store.url
        )

    def body(self) -> bytes:
        """claim.json, byte for byte the same whenever it is tried again."""
        return (json.dumps(asdict(self), sort_keys=True) + "\n").encode()


@dataclass(frozen=True)
class Commit:
    """A build that is in the store."""

    venv_version: str
    metadata: Metadata


class _Swept(StoreUnavailable):
    """Somebody took our version away; another upload, with a version of its own, may succeed."""

    is_final = True


def commit(
    store: Store,
    description: DescribedMetadata,
    files: Mapping[str, Path],
    folder: Path,
    *,
    clock: Callable[[], float] = time.time,
    wait: Callable[[float], None] = time.sleep,
) -> Commit:
    """Put a build into `store`; `files` by their names there, the archive as `venv.tar.gz`.

    `folder` remembers the claim and what was frozen, so that calling it again after any interruption ends the job.

    Raises:
        StoreUnavailable: the store fails; the same call again goes on where it stopped. IntegrityError: somebody else's
            bytes stand where ours belong, or the description is not valid, and nothing was claimed. UsageError: no
            rights, no credentials, no such bucket.
    """
    _refuse_what_cannot_be_stamped(description, store)
    retried(store.prepare, wait)
    _forget_another(description, folder)
    _forget_damaged(store, description, folder)
    claim = _claim(store, str(description["env_name"]), folder / CLAIM, clock, wait)
    log.info("claimed %s", claim.venv_version)
    frozen = _freeze(store, claim, description, files, folder / FROZEN)
    retried(lambda: _send(store, claim, frozen, folder), wait)
    return Commit(claim.venv_version, json.loads((frozen / places.METADATA).read_bytes()))


def _refuse_what_cannot_be_stamped(description: DescribedMetadata, store: Store) -> None:
    metadata.validate_described(description)
    # With any version and instant: a claim is for good, and this would lose it.
    claim = Claim.at(0, description["env_name"], store)
    metadata.stamped(description, venv_version=claim.venv_version, created_at=claim.created_at, store=store, files={})


def _forget_another(description: DescribedMetadata, folder: Path) -> None:
    """A claim and frozen files of another build than this one, which the steps before made since, count no more."""
    mark, memory = hashlib.sha256(json.dumps(description, sort_keys=True).encode()).hexdigest(), folder / "of"
    if memory.is_file() and memory.read_bytes() == mark.encode():
        return
    # The mark last: killed before it is written, this is done again.
    for path in (memory, folder / CLAIM, folder / FROZEN):
        _forget(path)
    write_whole(memory, mark.encode(), durable=True)


def _forget(path: Path) -> None:
    if os.path.lexists(path):
        remove(path)


def _forget_damaged(store: Store, description: DescribedMetadata, folder: Path) -> None:
    """A claim that is not as we write it down counts no more, nor do frozen files that are not what they were.

    Their claim goes with them: what was sent under it need not be what can be frozen now.
    """
    claim, frozen = _remembered(folder / CLAIM, store, str(description["env_name"])), folder / FROZEN
    if claim and (not os.path.lexists(frozen) or _is_whole(store, claim, description, frozen)):
        return
    if claim:
        log.warning("%s: what was frozen to be sent has changed since, and is made anew", frozen)
    for path in (folder / CLAIM, frozen):
        _forget(path)


def _is_whole(store: Store, claim: Claim, description: DescribedMetadata, frozen: Path) -> bool:
    """Whether these are the files that metadata.json beside them commits to, and that says what it has to."""
    try:
        if not all(path.is_file() for path in frozen.iterdir()) or (frozen / CLAIM).read_bytes() != claim.body():
            return False
        return (frozen / places.METADATA).read_text("utf-8") == _metadata_of(store, claim, description, frozen)
    except (OSError, ValueError, IntegrityError):
        return False


def _claim(
    store: Store, env_name: str, memory: Path, clock: Callable[[], float], wait: Callable[[float], None]
) -> Claim:
    """The claim remembered in `memory` if it is, or can still become, ours; else one for a second nobody has."""
    claim = _remembered(memory, store, env_name)
    while True:
        now = int(clock())
        if claim is None:
            # Written down before it is tried: killed in between, the next run knows it for its own.
            claim = Claim.at(now, env_name, store)
            write_whole(memory, claim.body(), durable=True)
        if retried(partial(_is_taken_by, store, claim), wait):
            return claim
        log.info("%s is taken, waiting for the next second", claim.venv_version)
        claim = None
        while int(clock()) <= now:  # no version lies in the future
            # The second may be over since the line before, and nobody can sleep for less than nothing.
            wait(max(0.01, now + 1 - clock()))


def _is_taken_by(store: Store, claim: Claim) -> bool:
    """Whether the version is ours now; never one under which somebody has put files without a claim, as scripts do."""
    place, key = places.key(claim.venv_version, ""), places.key(claim.venv_version, CLAIM)
    # Looked at before: a claim beside the build of a script says that it is ours, and damaged.
    there = {entry.key for entry in store.list(place)}
    # True also where our own claim stands already: the answer to it may have been lost.
    return (not there or key in there) and store.put_if_absent(key, claim.body())


def _remembered(memory: Path, store: Store, env_name: str) -> Claim | None:
    if not memory.is_file():
        return None
    try:
        body = memory.read_bytes()
        claim = Claim(**schemas.parsed(body))
        instant = places.instant_of(claim.venv_version)
    except (ValueError, TypeError):
        return None
    as_claimed = replace(Claim.at(int(instant.timestamp()), env_name, store), token=claim.token)
    # of another store or environment, or changed: under such a claim nobody could read the build
    return claim if as_claimed.body() == body else None


def _freeze(
    store: Store, claim: Claim, description: DescribedMetadata, files: Mapping[str, Path], frozen: Path
) -> Path:
    """A folder with every file as it will be sent, metadata.json among them; one made for this claim is kept."""
    if (frozen / CLAIM).is_file() and (frozen / CLAIM).read_bytes() == claim.body():
        return frozen
    _forget(frozen)
    building = Path(tempfile.mkdtemp(prefix=".frozen-", dir=frozen.parent))
    try:
        (building / CLAIM).write_bytes(claim.body())
        for name, source in files.items():
            if name == "venv.tar.gz":  # hundreds of megabytes, and only ever replaced by rename: share the bytes
                _share(source, building / places.archive_name(claim.venv_version))
            else:
                shutil.copyfile(source, building / name)
        (building / places.METADATA).write_text(_metadata_of(store, claim, description, building), "utf-8")
        # Under its name only when it is whole: a retry sends what is there.
        building.rename(frozen)
    finally:
        shutil.rmtree(building, ignore_errors=True)
    return frozen


def _metadata_of(store: Store, claim: Claim, description: DescribedMetadata, folder: Path) -> str:
    """metadata.json of the files in `folder`, claim.json among them: of the copies, which are what is sent."""
    files = {path.name: StoredFile.of(path) for path in folder.iterdir() if path.name != places.METADATA}
    whole = metadata.stamped(
        description, venv_version=claim.venv_version, created_at=claim.created_at, store=store, files=files
    )
    return json.dumps(whole, indent=2) + "\n"


def _share(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except OSError:  # a file system without hard links
        shutil.copyfile(source, target)


def _send(store: Store, claim: Claim, frozen: Path, folder: Path) -> None:
    """Every artifact, then the entry by which the newest build of a name is found, then metadata.json: it commits."""
    # metadata.json comes last, and claim.json is there since the claim.
    names = sorted(path.name for path in frozen.iterdir() if path.name not in (places.METADATA, CLAIM))
    for name in names:
        log.info("sending %s", name)
        if not store.put_if_absent(places.key(claim.venv_version, name), frozen / name):
            raise IntegrityError(
                "the store holds other bytes than ours under a version that we claimed",
                where=store.uri(places.key(claim.venv_version, name)),
                fix="find out who writes there; nothing that is there was changed",
                rule="FOREIGN_BYTES",
            )
    # Before the commit: readers pass over an entry without a build, but would never find a build without an entry.
    store.put_if_absent(places.environment_entry(claim.env_name, claim.venv_version), b"")
    log.info("committing %s", claim.venv_version)
    if not store.put_if_absent(places.key(claim.venv_version, places.METADATA), frozen / places.METADATA):
        # That version is lost, its metadata.json being somebody else's; without the claim the next run takes a new one.
        (folder / CLAIM).unlink(missing_ok=True)
        raise _Swept(
            "the claim was swept before the build was committed",
            where=claim.venv_version,
            fix="run upload again: it claims a new version",
            rule="SWEPT",
        )
