"""Committed builds in a store, as small as they can be."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, cast

from venvbuild import builds
from venvbuild.builds import DescribedMetadata, Description, StoredFile, places
from venvbuild.builds.commit import Claim
from venvbuild.stores import Store

DESCRIPTION: DescribedMetadata = Description(
    python_version="3.11", is_conflict_free=True, conflicts=(), installed_packages=("good==1.0",), env_name="sales",
    platform="linux_x86_64", python_full_version="3.11.7", installer="uv 0.13.8", requirements_sha256="a" * 64,
    archive_sha256="b" * 64, archive_size_bytes=3, package_count=1, reproducible=True, tool_version="0.1.0",
    build_url=None, source_revision=None, requires={"abi": "none", "glibc": None},
    duration_s={"check": 0.1, "create": 1, "inspect": 0, "pack": 0, "describe": 0},
).as_json()  # fmt: skip


def version(number: int) -> str:
    """The version of the build claimed `number` seconds after a fixed instant."""
    return f"venv_{datetime.fromtimestamp(1_753_173_000 + number, UTC):%Y%m%d_%H%M%S}"


def put_build(
    store: Store, number: int, files: Mapping[str, bytes] | None = None, *, is_committed: bool = True, **fields: Any
) -> str:
    """A build with these files in the store; its venv_version.

    What its metadata says the files of every build say too: those that are not given are made.
    """
    name = version(number)
    files = {places.REQUIREMENTS: b"good==1.0\n", places.archive_name(name): b"tar"} if files is None else dict(files)
    described = cast(DescribedMetadata, {**DESCRIPTION, **_told_by(files, name), **fields})
    instant = datetime.strptime(name, "venv_%Y%m%d_%H%M%S").replace(tzinfo=UTC)
    claim = Claim(name, f"{instant:%Y-%m-%dT%H:%M:%SZ}", described["env_name"], "0" * 32, store.url)
    files = {**_saying(described, claim), **files}
    whole = builds.stamped(
        described,
        venv_version=name,
        created_at=claim.created_at,
        store=store,
        files={file: StoredFile(hashlib.sha256(body).hexdigest(), len(body)) for file, body in files.items()},
    )
    for file, body in files.items():
        store.put_if_absent(builds.key(name, file), body)
    store.put_if_absent(f"venv-catalog/envs/{described['env_name']}/{name}", b"")
    if is_committed:
        store.put_if_absent(builds.key(name, places.METADATA), json.dumps(whole).encode())
    return name


def put_metadata(store: Store, metadata: Mapping[str, Any]) -> str:
    """A committed build of a generated metadata.json, and its entry; its files are named, and not there."""
    name = metadata["venv_version"]
    url = places.store_url(metadata["venv_archive"], name)
    claim = Claim(name, metadata["created_at"], metadata["env_name"], "0" * 32, url)
    files = {places.REQUIREMENTS: b"one==1.0\n", places.archive_name(name): b"tar"}
    files |= _saying(cast(DescribedMetadata, metadata), claim)
    named = {
        file: {"sha256": hashlib.sha256(body).hexdigest(), "size_bytes": len(body)} for file, body in files.items()
    }
    told = {"package_count": len(metadata["installed_packages"]), "files": named, **_told_by(files, name)}
    store.put_if_absent(places.environment_entry(metadata["env_name"], name), b"")
    store.put_if_absent(builds.key(name, places.METADATA), json.dumps({**metadata, **told}).encode())
    return str(name)


def _told_by(files: Mapping[str, bytes], venv_version: str) -> dict[str, Any]:
    told: dict[str, Any] = {}
    if requirements := files.get(places.PYLOCK_GIVEN) or files.get(places.REQUIREMENTS):
        told["requirements_sha256"] = hashlib.sha256(requirements).hexdigest()
    if archive := files.get(places.archive_name(venv_version)):
        told |= {"archive_sha256": hashlib.sha256(archive).hexdigest(), "archive_size_bytes": len(archive)}
    if index := files.get(places.ARCHIVE_INDEX):
        with suppress(ValueError, LookupError, TypeError):
            told["content_sha256"] = json.loads(index)["content_sha256"]
    return told


def _saying(described: DescribedMetadata, claim: Claim) -> dict[str, bytes]:
    """The files of every build that say what its metadata says."""
    findings = [{"type": "version", "is_failure": True, "sentence": one} for one in described["conflicts"]]
    said = {places.INSTALLED_PACKAGES: described["installed_packages"], places.CONFLICTS: findings, places.TREE: []}
    return {places.CLAIM: claim.body(), **{name: json.dumps(value).encode() for name, value in said.items()}}
