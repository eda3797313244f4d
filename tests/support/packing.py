"""A small environment as `create` leaves it, with its lock and manifest, to be packed."""

from __future__ import annotations

import gzip
import hashlib
import io
import tarfile
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from tests.support.wheels import unpack, wheel
from venvbuild import archive
from venvbuild.archive import Archive, FragmentCache, Gate, Known, PackOptions
from venvbuild.installed import Look, Manifest, Seen

NOTHING = Gate((), (), {})


@dataclass
class Packable:
    """An environment of Python 3.11 in `folder/venv`, and a cache beside it."""

    folder: Path
    python_version: str = "3.11"
    hashes: dict[str, tuple[str, ...]] = field(default_factory=dict)
    manifest: Manifest | None = None

    def __post_init__(self) -> None:
        (self.venv / "bin").mkdir(parents=True)
        self.site.mkdir(parents=True)
        (self.venv / "pyvenv.cfg").write_text("home = /opt/python/bin\nversion_info = 3.11.7\n")
        (self.venv / "bin/python").symlink_to("/opt/python/bin/python3.11")

    @property
    def venv(self) -> Path:
        return self.folder / "venv"

    @property
    def site(self) -> Path:
        return self.venv / f"lib/python{self.python_version}/site-packages"

    @property
    def cache(self) -> FragmentCache:
        return FragmentCache(self.folder / "cache")

    def install(self, name: str, **of_the_wheel: Any) -> Path:
        """A wheel's contents; its lock line; its dist-info folder."""
        made = wheel(self.folder / "wheels", name, "1.0", **of_the_wheel)
        self.hashes[name] = (f"sha256:{hashlib.sha256(made.read_bytes()).hexdigest()}",)
        return unpack(made, self.site)

    def installer_ended(self) -> None:
        """Every file was read; from here on, what is changed is changed by somebody else."""
        self.manifest = manifest_of(self.venv)

    def pack(self, name: str = "venv.tar.gz", **options: Any) -> Archive:
        """With everything that is known, and the cache."""
        usual: dict[str, Any] = {"python_version": self.python_version, "level": 5, "cache": self.cache}
        names = {field.name for field in fields(PackOptions)}
        of_pack = {key: value for key, value in options.items() if key not in names}
        given: dict[str, Any] = {"gate": NOTHING, "known": Known(None, self.hashes, self.manifest), **of_pack}
        made_by = PackOptions(**{**usual, **{key: value for key, value in options.items() if key in names}})
        return archive.pack(self.venv, self.folder / name, made_by, **given)


def manifest_of(venv: Path) -> Manifest:
    """With every file, read now."""
    files = [path for path in venv.rglob("*") if path.is_file() and not path.is_symlink()]
    digests = ((path, hashlib.sha256(path.read_bytes()).hexdigest()) for path in files)
    return Manifest({str(path.relative_to(venv)): Seen(Look.of(path.lstat()), sha256) for path, sha256 in digests})


def files_of(packed: Path) -> dict[str, bytes]:
    """Every regular file of an archive, by its name in the environment."""
    with tarfile.open(fileobj=io.BytesIO(gzip.decompress(packed.read_bytes()))) as opened:
        members = [member for member in opened if member.isreg()]
        return {member.name.removeprefix("venv/"): _content(opened, member) for member in members}


def _content(opened: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    file = opened.extractfile(member)
    assert file is not None
    return file.read()
