"""From a ZIP to the stage: nothing that others put there is lost, and a killed run is made good by the next.

Beside `NAME` lies `NAME.manifest.json`, written last: what it says of the ZIP is so. A ZIP without one, or with an
older one, is unknown. (Snowflake tells no digest that could be believed: its md5 is of encrypted bytes.)
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from venvbuild.errors import IntegrityError, StoreUnavailable, UsageError
from venvbuild.snowflake.bundle import Bundle
from venvbuild.snowflake.stage import Stage, StagedFile

OURS = re.compile(r"app_packages-[0-9a-f]{12}\.zip")
"""Names that tell their content."""
BESIDE = ".manifest.json"
"""What the name of the ZIP's manifest ends with."""
_MAX_MANIFEST_BYTES = 16 << 20
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Manifest:
    """What lies beside a ZIP: which one it is."""

    sha256: str
    """Hex, of the ZIP's bytes."""
    size: int
    content_sha256: str
    """Hex, of what is in it, however it was compressed."""

    @classmethod
    def of(cls, bundle: Bundle) -> Self:
        """Of a ZIP here."""
        return cls(bundle.sha256, bundle.size, bundle.content_sha256)

    @classmethod
    def parse(cls, body: bytes) -> Self | None:
        """Of one that was fetched; None when it cannot be one."""
        try:
            read = json.loads(body)["zip"]
            made = cls(read["sha256"], read["size"], read["content_sha256"])
        except (ValueError, KeyError, TypeError, RecursionError):
            return None
        hashes = (made.sha256, made.content_sha256)
        are_right = all(isinstance(one, str) and _SHA256.fullmatch(one) for one in hashes)
        return made if are_right and type(made.size) is int and made.size >= 0 else None

    def body(self, bundle: Bundle) -> bytes:
        """As it is written: the ZIP, then what the ZIP itself says of its content."""
        about: dict[str, Any] = {"zip": {"name": bundle.name, **vars(self)}, "content": json.loads(bundle.manifest)}
        return json.dumps(about, indent=1, sort_keys=True).encode()


@dataclass(frozen=True)
class Uploaded:
    """What became of the ZIP."""

    status: str
    """`uploaded`, `unchanged` or `replaced`."""
    place: str
    """`@MY_DB.MY_SCHEMA.PACKAGES_STAGE/app.zip`."""
    sha256: str
    """Hex, of the ZIP there."""
    is_verified: bool = False
    """Whether it was fetched, and its bytes compared."""


def upload(stage: Stage, bundle: Bundle, *, is_overwriting: bool, verifies: bool) -> Uploaded:
    """Bring the ZIP there, unless what lies there is the same.

    Raises:
        UsageError: something else has its name, and we may not overwrite it; or Snowflake refuses.
        StoreUnavailable: Snowflake does not answer; running it again makes it good.
        IntegrityError: what lies there is not what was sent.
    """
    with tempfile.TemporaryDirectory(prefix="venvbuild-snowflake-") as folder:
        # A folder of its own for each: PUT goes by the file's name, and GET writes into a folder.
        return _Upload(stage, bundle, Path(folder)).run(is_overwriting=is_overwriting, verifies=verifies)


class _Upload:
    def __init__(self, stage: Stage, bundle: Bundle, folder: Path) -> None:
        self._stage, self._bundle, self._folder = stage, bundle, folder
        self._name, self._manifest_name = bundle.name, bundle.name + BESIDE
        self._place = stage.name.of(bundle.name)
        self._ours = Manifest.of(bundle)

    def run(self, *, is_overwriting: bool, verifies: bool) -> Uploaded:
        files = self._stage.files(self._name)
        same = self._same(files, is_needed=not is_overwriting, verifies=verifies)
        if same:
            return same
        if self._manifest_name in files:
            # First: from here on the ZIP is unknown, whatever becomes of us.
            self._stage.remove(self._manifest_name)
        if not self._stage.put(self._zip_to_send(), is_overwriting=is_overwriting):
            # Somebody else was faster; of a name by content it is the same.
            same = self._same(self._stage.files(self._name), is_needed=True, verifies=verifies)
            if same:
                return same
        self._check_size()
        self._put_manifest()
        if verifies:
            self._verify(self._ours)
        return self._done("replaced" if self._name in files else "uploaded", self._ours, is_verified=verifies)

    def _same(self, files: Mapping[str, StagedFile], *, is_needed: bool, verifies: bool) -> Uploaded | None:
        """When the same lies there, that; else None, or the error when it `is_needed`: we may not overwrite."""
        zip_there = files.get(self._name)
        if zip_there is None:
            return None
        known = self._known(zip_there, files.get(self._manifest_name))
        if known and known.content_sha256 == self._ours.content_sha256:
            is_verified = verifies and self._verify(known, is_needed=is_needed)
            return self._done("unchanged", known, is_verified=is_verified) if is_verified == verifies else None
        if not is_needed:
            return None
        self._adopt(zip_there, known)
        return self._done("unchanged", self._ours, is_verified=True)

    def _known(self, zip_there: StagedFile, manifest_there: StagedFile | None) -> Manifest | None:
        """What the manifest there says, when it is of the ZIP there."""
        if not manifest_there or manifest_there.size > _MAX_MANIFEST_BYTES:
            return None
        if (zip_there.modified_at or 0) > (manifest_there.modified_at or 0):
            return None  # somebody has replaced the ZIP since
        try:
            body = self._stage.get(self._manifest_name, self._new_folder()).read_bytes()
        except StoreUnavailable:
            if self._manifest_name in self._stage.files(self._manifest_name):
                raise
            return None  # somebody is replacing the ZIP just now
        read = Manifest.parse(body)
        return read if read and zip_there.has_size(read.size) else None

    def _adopt(self, zip_there: StagedFile, known: Manifest | None) -> None:
        """Finish what a killed run of ours has begun; anything else is not ours to replace."""
        if known:
            raise self._taken(f"its manifest says content sha256 {known.content_sha256[:12]}...")
        if not zip_there.has_size(self._ours.size):
            raise self._taken(f"it has {zip_there.size:,} bytes, ours has {self._ours.size:,}, and no manifest tells")
        found = _sha256(self._stage.get(self._name, self._new_folder()))
        if found != self._ours.sha256:
            raise self._taken(f"its sha256 is {found[:12]}..., and no manifest tells what it is")
        self._put_manifest()

    def _taken(self, why: str) -> UsageError:
        return UsageError(
            f"another {self._name} is there, and stays as it is",
            where=self._place,
            why=f"{why}; ours has {self._ours.content_sha256[:12]}...",
            fix="replace it with --overwrite (functions at work may see the new file), or give another --zip-name",
            rule="TAKEN",
        )

    def _check_size(self) -> None:
        there = self._stage.files(self._name).get(self._name)
        if there is None or not there.has_size(self._ours.size):
            raise IntegrityError(
                "what lies in the stage is not what was sent",
                where=self._place,
                why=f"LIST shows {f'{there.size:,} bytes' if there else 'no such file'}, {self._ours.size:,} were sent",
                fix="run it again with --overwrite",
            )

    def _verify(self, there: Manifest, *, is_needed: bool = True) -> bool:
        """Fetch the ZIP; whether it has the bytes that its manifest says, or the error."""
        found = _sha256(self._stage.get(self._name, self._new_folder()))
        if found != there.sha256 and is_needed:
            raise IntegrityError(
                "what lies in the stage has other bytes",
                where=self._place,
                why=f"its sha256 is {found}, that of what was sent {there.sha256}",
                fix="run it again with --overwrite",
            )
        return found == there.sha256

    def _done(self, status: str, there: Manifest, *, is_verified: bool) -> Uploaded:
        return Uploaded(status, self._place, there.sha256, is_verified)

    def _put_manifest(self) -> None:
        file = self._new_folder() / self._manifest_name
        file.write_bytes(self._ours.body(self._bundle))
        self._stage.put(file, is_overwriting=True)

    def _zip_to_send(self) -> Path:
        """The ZIP under the name that it is to have there."""
        if self._bundle.zip.name == self._name:
            return self._bundle.zip
        file = self._new_folder() / self._name
        try:
            os.link(self._bundle.zip, file)
        except OSError:
            shutil.copyfile(self._bundle.zip, file)
        return file

    def _new_folder(self) -> Path:
        return Path(tempfile.mkdtemp(dir=self._folder))


def _sha256(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()
