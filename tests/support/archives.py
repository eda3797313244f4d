"""Archives as venvbuild makes them, member by member, and as an enemy would: the index says whatever the test wants.

    made = archive(file("pyvenv.cfg", b"..."), folder("bin"), [file("lib/a.py", b"")])

Each argument is a member or a list of members; a list becomes a fragment of its own, single members go to the first.
What is made in a block of `with flat():` has no folder at its top.
"""

from __future__ import annotations

import hashlib
import io
import os
import tarfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from venvbuild.builds import ArchiveIndex, Fragment
from venvbuild.builds.archive_index import placed

_HEADER = bytes((0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 255))
END = bytes(1024)
_roots = ["venv"]


@contextmanager
def flat() -> Iterator[None]:
    """Members, archives and indexes in the layout `flat`."""
    _roots.append("")
    try:
        yield
    finally:
        _roots.pop()


def top() -> str:
    """What names of members begin with."""
    return f"{_roots[-1]}/" if _roots[-1] else ""


def member(name: str, kind: bytes, content: bytes = b"", *, mode: int = 0o644, link: str = "", **more: Any) -> bytes:
    """The bytes of a member: its headers and its padded content; `name` is below the root, or after a `!` as it is."""
    header = tarfile.TarInfo(name[1:] if name.startswith("!") else f"{top()}{name}".rstrip("/"))
    header.type, header.size, header.mode, header.linkname = kind, len(content), mode, link
    for key, value in more.items():
        setattr(header, key, value)
    return header.tobuf(tarfile.PAX_FORMAT, "utf-8", "surrogateescape") + content + bytes(-len(content) % 512)


def file(name: str, content: bytes = b"x", mode: int = 0o644) -> bytes:
    return member(name, tarfile.REGTYPE, content, mode=mode)


def folder(name: str) -> bytes:
    if not name and not top():
        return b""  # in this layout it is no member
    return member(name, tarfile.DIRTYPE, mode=0o755)


def link(name: str, target: str) -> bytes:
    return member(name, tarfile.SYMTYPE, link=target, mode=0o777)


def environment(python_version: str = "3.11") -> bytes:
    """The members that every environment has, as far as restoring looks at them."""
    return b"".join(
        (
            folder(""),
            folder("bin"),
            b"" if top() else file("bin/rehome", mode=0o755),
            link("bin/python", f"/usr/bin/python{python_version}"),
            link("bin/python3", "python"),
            link(f"bin/python{python_version}", "python"),
            folder("lib"),
            file("pyvenv.cfg", f"implementation = CPython\nversion_info = {python_version}.9\n".encode()),
        )
    )


@dataclass(frozen=True)
class Made:
    """An archive and its index."""

    body: bytes
    index: ArchiveIndex

    def files(self, venv_version: str) -> dict[str, bytes]:
        """What a build stores of it."""
        return {f"{venv_version}.tar.gz": self.body, "archive_index.json": self.index.text().encode()}

    def facts(self) -> dict[str, Any]:
        """What metadata.json says of it."""
        return {"archive_sha256": hashlib.sha256(self.body).hexdigest(), "archive_size_bytes": len(self.body)}

    def written(self, folder: Path, *, with_index: bool = True) -> Path:
        """As files, for `get --from-archive`."""
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / "made.tar.gz"
        path.write_bytes(self.body)
        if with_index:
            (folder / "archive_index.json").write_text(self.index.text())
        return path

    def with_content_sha256(self) -> Made:
        """With an index that tells the truth of its members too, as docs/archive-format.md has it."""
        return replace(self, index=replace(self.index, content_sha256=content_sha256(self.body, self.index.root)))

    def lying(self, number: int, change: Callable[[Fragment], Fragment]) -> Made:
        """The same archive with an index that says something else of one fragment."""
        fragments = list(self.index.fragments)
        fragments[number] = change(fragments[number])
        return replace(self, index=replace(self.index, fragments=tuple(fragments)))


def archive(*parts: bytes | Sequence[bytes], end: bytes = END) -> Made:
    """An archive of these members; a list or tuple is a fragment, `end` the last one."""
    base = b"".join(part for part in parts if isinstance(part, bytes))
    plains = [base, *(b"".join(part) for part in parts if not isinstance(part, bytes)), end]
    return of_plain([plain for plain in plains if plain])


def of_plain(plains: Sequence[bytes], continues: Sequence[int] = ()) -> Made:
    """An archive whose fragments have these plain bytes; those of `continues` (numbers) go on in a member."""
    bodies, fragments = [], []
    for number, plain in enumerate(plains):
        squeezing = zlib.compressobj(6, zlib.DEFLATED, -15)
        body = squeezing.compress(plain) + squeezing.flush(zlib.Z_FULL_FLUSH)
        bodies.append(body)
        name = f"part-{number}" if 0 < number < len(plains) - 1 else None
        fragments.append(
            Fragment(name, "1.0" if name else None, 0, len(body), hashlib.sha256(body).hexdigest(), len(plain),
                     hashlib.sha256(plain).hexdigest(), zlib.crc32(plain), number in continues)
        )  # fmt: skip
    whole = b"".join(plains)
    trailer = b"\x03\x00" + zlib.crc32(whole).to_bytes(4, "little") + (len(whole) & 0xFFFFFFFF).to_bytes(4, "little")
    body = _HEADER + b"".join(bodies) + trailer
    index = ArchiveIndex(_roots[-1], "zlib", 6, len(body), len(whole), "c" * 64, placed(fragments))
    return Made(body, index)


def content_sha256(body: bytes, root: str = "venv") -> str:
    """Of a .tar.gz, written down from docs/archive-format.md."""
    lines = [] if root else [(b"venv", b"venv\0d\x00755\0\0\n")]
    with tarfile.open(fileobj=io.BytesIO(body)) as archive:
        for member in archive:
            kind = "d" if member.isdir() else "l" if member.issym() else "f"
            read = archive.extractfile(member) if kind == "f" else None
            digest = hashlib.sha256(read.read()).hexdigest() if read else ""
            name = os.fsencode(member.name if root else f"venv/{member.name}")
            rest = f"\0{kind}\0{member.mode:o}\0{member.linkname}\0{digest}\n"
            lines.append((name, name + os.fsencode(rest)))
    return hashlib.sha256(b"".join(line for _, line in sorted(lines))).hexdigest()


def changed(**fields: Any) -> Callable[[Fragment], Fragment]:
    """For `lying`: these fields say this."""
    return lambda fragment: Fragment(**{**asdict(fragment), **fields})
