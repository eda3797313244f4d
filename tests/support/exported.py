"""Committed builds with a real archive, as small as they can be, to be exported."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, cast

from tests.support.builds import put_build, version
from tests.support.packing import Packable
from venvbuild.archive import Archive, FragmentCache
from venvbuild.builds import Metadata, places
from venvbuild.exports import Build
from venvbuild.stores import Store, open_store

PACKAGES = ["good==1.0", "other==1.0"]


def packable(folder: Path) -> Packable:
    """An environment with two packages, one of them with a long name, a large file and bytecode's place."""
    one = Packable(folder)
    one.install("good", files={"good/__init__.py": "answer = 42\n", f"good/{'long' * 30}.py": "x = 1\n"})
    one.install("other", files={"other.py": "import good\n", "otter/ünicode.txt": "é" * 2000})
    (one.venv / "bin/activate").write_text("# activates\n")
    (one.venv / "share").mkdir()
    (one.venv / "share/nobodys").write_bytes(bytes(5000))
    one.installer_ended()
    return one


def put_packed(store: Store, packed: Archive, number: int = 1, **fields: Any) -> str:
    """A build of an archive; its version."""
    name = version(number)
    files = {
        places.REQUIREMENTS: b"good==1.0\nother==1.0\n",
        places.archive_name(name): packed.path.read_bytes(),
        places.ARCHIVE_INDEX: packed.index.text().encode(),
    }
    told: dict[str, Any] = {"installed_packages": PACKAGES, "package_count": len(PACKAGES)}
    if packed.index.root == "":
        told |= {"archive_root": "", "schema_version": 2}
    return put_build(store, number, files, **{**told, **fields})


def build_of(folder: Path, **options: Any) -> Build:
    """A build in a store of its own, packed with these options; `folder` is new."""
    folder.mkdir()
    return stored(packable(folder), **options)


def stored(one: Packable, **options: Any) -> Build:
    """A build of this environment."""
    store = open_store(str(one.folder / "store"))
    one.installer_ended()  # whatever a test has changed since
    return Build.of(store, put_packed(store, one.pack(**options)), FragmentCache(one.folder / "exports-cache"))


def saying(build: Build, **fields: Any) -> Build:
    """The same build with other metadata."""
    metadata = cast(Metadata, {**build.archive.build, **fields})
    return replace(build, archive=replace(build.archive, build=metadata))
