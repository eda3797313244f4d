"""How an archive that somebody asked for gets its name, and beside it its sum, `FILE.sha256`, as `sha256sum` reads it.

Wherever a run is killed, no sum lies beside the bytes of another archive: the old sum goes first, the new one comes
last.
"""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import shlex
from collections.abc import Iterator
from pathlib import Path

from zlib_ng import zlib_ng

from venvbuild.archive.format import BEGIN_OF_FLAT, FLAT, ROOT
from venvbuild.archive.gzip_member import GZIP_HEADER
from venvbuild.errors import UsageError

HEAD_BYTES = 1 << 16
"""Of an archive, what is enough for `begins_as_ours` and `root_of`."""
_TAR_BLOCK_BYTES = 512
# Spark and YARN look at the name and at nothing else; Hadoop, which does it for both, inflates what ends with `gz`.
_ENDINGS = (".tar.gz", ".tgz")
_OTHER_ENDING = re.compile(r"(?i)(?<=.)(?:\.tar)?\.(?:gz|tgz|tar|zip|bz2|tbz2?|xz|txz|zst|lz4|7z|jar)\Z")
_NO_ARCHIVE = "the file is there and is no archive of venvbuild; nothing was touched"
_NO_SUM = "the file is there and is no sum of that archive; nothing was touched"


def begins_as_ours(head: bytes) -> bool:
    """Whether an archive begins with our gzip header, which some others write too (Go, Java), and with a member without
    time and owner, as no other tar has it.
    """
    return head.startswith(GZIP_HEADER) and _is_neutral(next(_blocks(head), b""))


def root_of(head: bytes) -> str | None:
    """The `archive_root` of an archive of ours that begins with these bytes; None: by its first members it is none."""
    blocks = list(_blocks(head))
    if not head.startswith(GZIP_HEADER) or not all(map(_is_neutral, blocks)):
        return None
    names = [block[:100].rstrip(b"\0").decode("utf-8", "replace") for block in blocks]
    if names[:1] == [f"{ROOT}/"]:
        return ROOT
    folder, *files = BEGIN_OF_FLAT
    return FLAT if names == [f"{folder}/", *files] else None


def sum_file(output: Path) -> Path:
    """Where the sum of an archive lies."""
    return output.with_name(f"{output.name}.sha256")


def sum_line(name: str, sha256: str) -> bytes:
    """The line of `sha256sum` for a file of this name, in whose folder it is checked.

    Source: GNU coreutils, "md5sum invocation": where the name has a backslash or a line feed, the line begins with a
    backslash and the name has them escaped. A carriage return stays, as versions before 9 do not know its escape.
    """
    escaped = os.fsencode(name).replace(b"\\", b"\\\\").replace(b"\n", b"\\n")
    mark = b"\\" if escaped != os.fsencode(name) else b""
    return mark + sha256.encode() + b"  " + escaped + b"\n"


def refuse_ending(output: Path) -> None:
    """Refuse a name by which others would not know what the file is.

    Raises:
        UsageError: says which name would do.
    """
    if not output.name.endswith(_ENDINGS):
        better = output.with_name(_OTHER_ENDING.sub("", output.name) + _ENDINGS[0])
        raise UsageError(
            f"the name of an archive ends in {' or '.join(_ENDINGS)}",
            where=str(output),
            why="Spark, YARN and many other programs go by the ending, and would not unpack it",
            fix=f"-o {shlex.quote(str(better))}",
        )


def refuse_others(output: Path) -> None:
    """Refuse to replace what is there, unless it is an archive of ours, and its sum.

    Raises:
        UsageError: names it.
    """
    if os.path.lexists(output) and not _is_archive(output):
        raise _refused(_NO_ARCHIVE, output)
    if os.path.lexists(sum_file(output)) and not _is_sum(sum_file(output), output.name):
        raise _refused(_NO_SUM, sum_file(output))


def place(building: Path, output: Path, sha256: str) -> None:
    """Give the whole archive at `building`, beside `output`, this name, whatever has it, and write its sum beside it.

    Raises:
        OSError: as far as it came, what is under the names is whole, and no sum is of another archive.
    """
    # A short name: together with the archive's own it might be too long.
    adding = output.with_name(f".{secrets.token_hex(8)}.sha256")
    try:
        with adding.open("xb") as file:
            file.write(sum_line(output.name, sha256))
            os.fchmod(file.fileno(), 0o644)
        sum_file(output).unlink(missing_ok=True)
        building.rename(output)
        adding.rename(sum_file(output))
    finally:
        with contextlib.suppress(OSError):
            adding.unlink()


def _blocks(head: bytes) -> Iterator[bytes]:
    """The first blocks of the tar, as many as `root_of` looks at: folders, then one file, so that each is a header."""
    count = len(BEGIN_OF_FLAT) * _TAR_BLOCK_BYTES
    try:
        plain = zlib_ng.decompressobj(wbits=31).decompress(head, count)
    except zlib_ng.error:  # type: ignore[misc]  # its stub says int
        return
    yield from (plain[start : start + _TAR_BLOCK_BYTES] for start in range(0, len(plain), _TAR_BLOCK_BYTES))


def _is_neutral(header: bytes) -> bool:
    # mtime, and the owner's name (POSIX.1-2017, ustar)
    return not header[136:148].strip(b"\0 0") and not header[265:297].strip(b"\0")


def _is_archive(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            head = file.read(HEAD_BYTES)
    except OSError as error:  # a link that leads nowhere, too
        raise _unreadable(error, path) from error
    # The name too, as others can write a tar without time and owner when they try.
    return root_of(head) is not None


def _is_sum(path: Path, name: str) -> bool:
    zeros = sum_line(name, "0" * 64)
    try:
        if path.is_symlink() or not path.is_file():
            return False
        with path.open("rb") as file:
            found = file.read(len(zeros) + 1)
    except OSError as error:
        raise _unreadable(error, path) from error
    start = zeros.index(b"0")
    return (found[:start], found[start + 64 :]) == (zeros[:start], zeros[start + 64 :]) and bool(
        re.fullmatch(rb"[0-9a-f]{64}", found[start : start + 64])
    )


def _refused(what: str, path: Path) -> UsageError:
    return UsageError(what, where=str(path), fix="give another name, or --force to replace it", rule="NOT_OURS")


def _unreadable(error: OSError, path: Path) -> UsageError:
    return _refused(f"the file is there, and what it is cannot be read: {error.strerror}", path)
