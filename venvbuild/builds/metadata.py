"""metadata.json: what a build is, in one file. Its presence in the store means that the build is complete."""

from __future__ import annotations

import hashlib
import json
import shlex
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, NotRequired, TypedDict, cast

from venvbuild.builds import schemas, scripted
from venvbuild.builds.places import (
    ARCHIVE_INDEX,
    BUILDS,
    CLAIM,
    METADATA,
    REQUIREMENTS,
    TREE,
    archive_name,
    instant_of,
    key,
)
from venvbuild.builds.scripted import ScriptedBuild
from venvbuild.errors import IntegrityError, NotInStore, UsageError
from venvbuild.stores import Store, too_large
from venvbuild.text import shown

_SCHEMA = "builds/metadata.schema.json"
SCHEMA_VERSION = 1
FLAT_SCHEMA_VERSION = 2
"""Of a build whose archive has no folder at its top: who knows the first one alone would look for it."""
_OF_THE_CLAIM = ("venv_version", "created_at", "requirements_file", "pipdeptree_output", "venv_archive", "files")
_RESTORE = "restore it from a backup"
_TAKE_OUT = "take this build out (docs/stores.md)"
_OR_TAKEN_OUT = f", or build again and {_TAKE_OUT}"
MEND = f"{_RESTORE}{_OR_TAKEN_OUT}"
"""What helps where a file of a build is damaged: nothing makes a build whole that stays as it is."""
_REPORT = "if venvbuild wrote it, this is a bug: report it with the file"
_OURS = (CLAIM, ARCHIVE_INDEX)
"""What no script puts beside its metadata.json."""


class FileEntry(TypedDict):
    """A file of a build, as metadata.json commits to it."""

    sha256: str
    size_bytes: int


class RequiresEntry(TypedDict):
    """What a host needs: the highest among the wheels' tags and, where one is bundled, of the interpreter."""

    abi: str | None
    glibc: str | None
    libraries: NotRequired[list[str]]


class ImportedFrom(TypedDict):
    """What `venvbuild import` made a build of."""

    archive: str
    archive_sha256: str
    venv_version: str | None
    created_at: str | None


class DescribedMetadata(TypedDict):
    """metadata.json without the fields that the claim gives."""

    python_version: str
    is_conflict_free: bool
    conflicts: list[str]
    installed_packages: list[str]
    schema_version: int
    env_name: str
    platform: str
    python_full_version: str
    installer: str
    requirements_sha256: str
    archive_sha256: str
    content_sha256: NotRequired[str]
    archive_root: NotRequired[str]
    archive_size_bytes: int
    package_count: int
    reproducible: bool
    tool_version: str
    build_url: str | None
    source_revision: str | None
    duration_s: dict[str, float]
    requires: RequiresEntry
    warnings: NotRequired[list[str]]
    yanked_packages: NotRequired[list[str]]
    imported_from: NotRequired[ImportedFrom]


class Metadata(DescribedMetadata):
    """metadata.json, as `metadata.schema.json` has it; fields of a later version may be there beside these."""

    venv_version: str
    created_at: str
    requirements_file: str
    pipdeptree_output: str
    venv_archive: str
    files: dict[str, FileEntry]


@dataclass(frozen=True)
class Description:
    """All that is known of a build before it claims its version. Field names are metadata.json's own."""

    python_version: str
    is_conflict_free: bool
    conflicts: tuple[str, ...]
    installed_packages: tuple[str, ...]
    env_name: str
    platform: str
    python_full_version: str
    installer: str
    requirements_sha256: str
    archive_sha256: str
    archive_size_bytes: int
    package_count: int
    reproducible: bool
    tool_version: str
    build_url: str | None
    source_revision: str | None
    duration_s: Mapping[str, float]
    requires: RequiresEntry
    content_sha256: str | None = None
    """Of what is in the archive, whatever the compression; older builds have none."""
    archive_root: str | None = None
    """The one folder at the top of the archive, `venv`; empty: there is none. Older builds do not say it."""
    warnings: tuple[str, ...] | None = None
    """What was warned of; older builds do not say it."""
    yanked_packages: tuple[str, ...] | None = None
    """Of the installed ones those that were yanked by then; older builds do not say it."""
    imported_from: ImportedFrom | None = None

    @property
    def schema_version(self) -> int:
        """What a reader has to know."""
        return _schema_version_of(self.archive_root)

    def as_json(self) -> DescribedMetadata:
        """The fields under their names, ready for `json.dumps`."""
        fields = {**asdict(self), "schema_version": self.schema_version}
        fields = json.loads(json.dumps(fields))  # tuples become lists
        # Absent and not null, as in the builds from before there was one.
        optional = ("content_sha256", "archive_root", "warnings", "yanked_packages", "imported_from")
        known = {name: value for name, value in fields.items() if name not in optional or value is not None}
        return cast(DescribedMetadata, known)


@dataclass(frozen=True)
class StoredFile:
    """One file of a build, as metadata.json commits to it."""

    sha256: str
    size_bytes: int

    @classmethod
    def of(cls, path: Path) -> StoredFile:
        """Of a file on disk."""
        with path.open("rb") as file:
            return cls(hashlib.file_digest(file, "sha256").hexdigest(), path.stat().st_size)


def stamped(
    description: DescribedMetadata, *, venv_version: str, created_at: str, store: Store, files: Mapping[str, StoredFile]
) -> Metadata:
    """The whole metadata: `description` with what the claim gives, in the order of the contract.

    Raises:
        IntegrityError: the result is not what the schema says, or has a field the schema does not know.
    """

    def uri(name: str) -> str:
        return store.uri(key(venv_version, name))

    given = {
        "venv_version": venv_version,
        "created_at": created_at,
        "requirements_file": uri(REQUIREMENTS),
        "pipdeptree_output": uri(TREE),
        "venv_archive": uri(archive_name(venv_version)),
        "files": {name: asdict(file) for name, file in sorted(files.items())},
    }
    whole = {**given, **description}
    order = list(schema()["properties"])
    # What a later version may have added is allowed when read. What this one writes, it has to know.
    validate(whole, strict=True)
    return cast(Metadata, {name: whole[name] for name in order if name in whole})


def validate(metadata: Any, *, strict: bool = False, where: str = METADATA, fix: str = _REPORT) -> None:
    """Check against the shipped schema (JSON Schema 2020-12); `strict` also refuses fields it does not know.

    Advises `fix`, which for what was read is another one than for what is to be written.

    Raises:
        IntegrityError: names the field and what is wrong with it; or it is of a later version, in which fields that we
            know mean something else.
    """
    version = metadata.get("schema_version") if isinstance(metadata, dict) else None
    if not strict and type(version) is int and version > FLAT_SCHEMA_VERSION:
        raise IntegrityError(
            f"the metadata is of schema_version {version}, and this venvbuild knows {FLAT_SCHEMA_VERSION}",
            where=where,
            why="a newer venvbuild made the build",
            fix="update venvbuild",
            rule="NEWER",
        )
    _refuse(schemas.faults(metadata, _SCHEMA, strict=strict) or _unfit_version(metadata), where, fix)


def _schema_version_of(archive_root: str | None) -> int:
    return FLAT_SCHEMA_VERSION if archive_root == "" else SCHEMA_VERSION


def _unfit_version(metadata: Mapping[str, Any]) -> list[tuple[str, str]]:
    """As `schemas.faults`: what no JSON schema says that also has to fit one that is strict."""
    fits = _schema_version_of(metadata.get("archive_root"))
    if metadata["schema_version"] == fits:
        return []
    return [("schema_version", f"with this archive_root it is {fits}, not {metadata['schema_version']}")]


def validate_described(description: DescribedMetadata, where: str = METADATA) -> None:
    """Check all that is known before the claim as strictly as `stamped` will check the whole.

    Raises:
        IntegrityError: names the field and what is wrong with it.
    """
    faults = schemas.faults(description, _SCHEMA, strict=True, without=_OF_THE_CLAIM)
    _refuse(faults or _unfit_version(description), where, _REPORT)


def _refuse(faults: Sequence[tuple[str, str]], where: str, fix: str) -> None:
    for field, what in faults:
        raise IntegrityError(
            f"the metadata is not valid: {what}",
            where=f"{where}: {field}",
            fix=fix,
            rule="SCHEMA",
        )


def schema() -> dict[str, Any]:
    """The shipped schema: its `properties` are the fields, in the order of the contract."""
    return schemas.load(_SCHEMA)


def read(store: Store, venv_version: str) -> Metadata:
    """The metadata of a committed build of this tool.

    Raises:
        NotInStore: there is no such build; one without metadata.json does not exist for any reader.
        IntegrityError: it is damaged. UsageError: a script made it, so it does not say what is asked for.
    """
    build = read_any(store, venv_version)
    if isinstance(build, ScriptedBuild):
        raise UsageError(
            f"{venv_version} was made by a script, and its metadata does not say what this needs",
            where=store.uri(key(venv_version, METADATA)),
            why="it has the nine fields of the first layout",
            fix=f"make a whole build of it: {_import(f'{store.url}/{BUILDS}/{venv_version}')}",
            rule="SCRIPTED",
        )
    return build


def read_any(store: Store, venv_version: str) -> Metadata | ScriptedBuild:
    """The metadata of a committed build, whoever made it.

    Raises:
        NotInStore: there is no such build.
        IntegrityError: it is damaged; or it reads like that of a script, and a file beside it says that none made it.
    """
    try:
        body = store.read(key(venv_version, METADATA), schemas.MAX_BYTES).body
    except NotInStore as error:
        raise NotInStore(
            f"there is no build {venv_version}",
            where=store.url,
            fix="`venvbuild list` shows the builds",
            rule="NO_SUCH_BUILD",
        ) from error
    except IntegrityError as error:
        raise mendable(error) from error
    where = store.uri(key(venv_version, METADATA))
    build = parse(body, venv_version, where, f"{store.url}/{BUILDS}/{venv_version}", is_stored=True)
    if isinstance(build, ScriptedBuild):
        _refuse_ours(store, venv_version, where)
    return build


def mendable(error: IntegrityError) -> IntegrityError:
    """The same of an object of a build, with the other way out where restoring the object was the only one."""
    rules = ("TOO_LARGE", "NO_OBJECT", "IS_FOLDER")
    return IntegrityError.of(
        replace(one, fix=f"{one.fix}{_OR_TAKEN_OUT}") if one.rule in rules else one for one in error.problems
    )


def _refuse_ours(store: Store, venv_version: str, where: str) -> None:
    ours = {key(venv_version, name) for name in _OURS}
    if beside := [store.uri(entry.key) for entry in store.list(key(venv_version, "")) if entry.key in ours]:
        raise no_scripts_build(where, beside)


def no_scripts_build(where: str, beside: Sequence[str]) -> IntegrityError:
    """That metadata.json reads like that of a script, and these objects say that venvbuild made the build."""
    return IntegrityError(
        "the metadata has lost the fields that a build of venvbuild has",
        where=where,
        why=f"without them it reads like that of a script, and {beside[0]} says that none made the build",
        fix=f"{MEND}; if a script did make the build, remove {' and '.join(beside)}",
        rule="DAMAGED",
    )


def parse(
    body: bytes, venv_version: str, where: str, folder: str, *, is_stored: bool = False
) -> Metadata | ScriptedBuild:
    """The metadata.json of this build: `where` it lies, a file or an object, and the `folder` of the build's files.

    Advises what helps where the build lies: in a store, from which it can be taken out, or beside an archive.

    Raises:
        IntegrityError: it is damaged, or of another build.
    """
    mend = MEND if is_stored else _RESTORE
    try:
        metadata = schemas.parsed(body)
    except ValueError as error:
        why = shown(str(error), 200)
        raise IntegrityError("the metadata is no JSON that can be read", where=where, why=why, fix=mend) from error
    is_scripted = scripted.is_scripted(metadata)
    if is_scripted:
        _validate_scripted(metadata, where, mend)
    else:
        validate(metadata, where=where, fix=mend)
    # Another build's fits the schema just as well.
    if metadata["venv_version"] != venv_version:
        what = f"the metadata is of another build, {shown(metadata['venv_version'])}"
        raise IntegrityError(what, where=where, fix=f"{mend}; if the folder is a copy, move it out of {BUILDS}")
    try:
        instant = instant_of(venv_version)
    except ValueError as error:
        raise IntegrityError(
            f"{shown(venv_version)} is no version, as it is no instant: venv_YYYYMMDD_HHMMSS",
            where=where,
            fix=_way_to_a_version(folder, is_scripted=is_scripted, is_stored=is_stored),
            rule="NO_VERSION",
        ) from error
    if is_scripted:
        return ScriptedBuild.of(metadata)
    # Builds are found by the one and asked about by the other.
    if f"{instant:%Y-%m-%dT%H:%M:%SZ}" != metadata["created_at"]:
        what = f"the metadata says {metadata['created_at']}, which is not the instant of {venv_version}"
        raise IntegrityError(what, where=where, fix=mend)
    return cast(Metadata, metadata)


def _way_to_a_version(folder: str, *, is_scripted: bool, is_stored: bool) -> str:
    """What helps where a build's version is none: no backup has it right, and `import` takes no build of ours."""
    if is_scripted:
        make_one = f"make one that has a version of it: {_import(folder)}"
        return f"{make_one}; then {_TAKE_OUT}" if is_stored else make_one
    return f"build again and {_TAKE_OUT}" if is_stored else "move it elsewhere; `get` needs the archive alone"


def _import(folder: str) -> str:
    """The command that makes a whole build of one that a script made."""
    return f"venvbuild import {shlex.quote(folder)} --env-name NAME"


def _validate_scripted(metadata: Any, where: str, mend: str) -> None:
    for field, what in schemas.faults(metadata, scripted.SCHEMA):
        raise IntegrityError(
            f"the metadata is neither venvbuild's nor of a script with its nine fields: {what}",
            where=f"{where}: {field}",
            fix=f"correct the file, if a script of yours wrote it; else {mend}",
            rule="SCHEMA",
        )


def read_file(store: Store, build: Metadata, name: str) -> bytes:
    """A file of the build with this metadata, as the metadata promises it.

    Raises:
        NotInStore: the build has no such file, or it is gone. IntegrityError: it is another one, or larger than a
            document of a build is (`schemas.MAX_BYTES`).
    """
    where = key(build["venv_version"], name)
    promised = build["files"].get(name)
    if promised is None:
        raise NotInStore(f"the build has no {name}", where=store.uri(where), fix="build it again")
    if promised["size_bytes"] > schemas.MAX_BYTES:  # not fetched: memory would have to hold it
        raise too_large(promised["size_bytes"], schemas.MAX_BYTES, store.uri(where))
    # metadata.json is what commits: a file is believed for its hash in it, wherever it came from.
    with suppress(IntegrityError):  # larger than promised, or no file: not fetched
        body = store.read(where, promised["size_bytes"]).body
        if (len(body), hashlib.sha256(body).hexdigest()) == (promised["size_bytes"], promised["sha256"]):
            return body
    raise IntegrityError(
        f"{name} is not the one that metadata.json names",
        where=store.uri(where),
        fix=f"nothing was made of it; `venvbuild verify {build['venv_version']}` looks at the whole build",
    )
