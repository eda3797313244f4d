"""RECORD: its rows, what they promise, and how it is kept true (PEP 376, PEP 627)."""

from __future__ import annotations

import base64
import binascii
import csv
import hashlib
import io
import os
from collections.abc import Collection, Mapping
from typing import NamedTuple


class RecordRow(NamedTuple):
    """One file of a distribution."""

    path: str
    """As RECORD has it: relative to site-packages, `/` between parts, `../../../bin/x` for a script."""
    hash: str
    """`sha256=<urlsafe base64 without padding>`; empty when not recorded."""
    size: int | None


def corrected(
    record: str,
    written: Mapping[str, bytes],
    dropped: Collection[str],
    beside: Mapping[str, str] | None = None,
    replaced: Mapping[str, bytes] | None = None,
) -> str | None:
    """A RECORD that is true again after files were written anew or dropped; None: it needs no correction.

    `beside` has by path a file, among those written, that came to it: whoever claims the one claims the other too.
    `replaced` has by path what stood there before, or still does: who promised other bytes than those, since another
    distribution's are there, goes on claiming the path, and promises nothing: what it said is of a script that nobody
    has, and which may have named the folder where it was installed. Paths are relative to site-packages and normalised.
    """
    rows = list(csv.reader(io.StringIO(record)))
    claimed = {os.path.normpath(row[0]) for row in rows if row}
    kept: list[list[str]] = []
    for row in rows:
        path = os.path.normpath(row[0]) if row else ""
        if path in dropped:
            continue
        before = (replaced or {}).get(path)
        is_ours = before is None or not row[1] or _holds(row[1], before)
        if path in written:
            kept.append([row[0], *(_promise(written[path]) if is_ours else ("", ""))])
        else:
            kept.append(row if is_ours or not promised_digest(row[1])[1] else [row[0], "", ""])
        other = (beside or {}).get(path)
        if other is not None and other not in claimed:
            kept.append([other, *(_promise(written[other]) if is_ours else ("", ""))])
    # Told so, since writing it anew would change its quotes and line ends, and so its bytes.
    if kept == rows:
        return None
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows(kept)
    return out.getvalue()


def _holds(promise: str, content: bytes) -> bool:
    algorithm, digest = promised_digest(promise)
    return bool(digest) and hashlib.new(algorithm, content).hexdigest() == digest


def _promise(content: bytes) -> tuple[str, str]:
    return promise_of(hashlib.sha256(content).hexdigest()), str(len(content))


# Files of a dist-info which the installer writes; their RECORD row is no promise of the wheel's.
_INSTALLERS_OWN = ("RECORD", "INSTALLER", "REQUESTED", "direct_url.json")


def is_of_the_wheel(path: str) -> bool:
    """Whether a row of RECORD tells of bytes that the wheel brought, and not of what the installer wrote."""
    folder, _, name = path.rpartition("/")
    # What lies outside of site-packages are scripts, whose first line the installer wrote, and what we made of them.
    return not path.startswith("../") and not (folder.endswith(".dist-info") and name in _INSTALLERS_OWN)


def promise_of(sha256: str) -> str:
    """A digest (hex) as RECORD has it: `sha256=<urlsafe base64 without padding>`."""
    return "sha256=" + base64.urlsafe_b64encode(bytes.fromhex(sha256)).decode().rstrip("=")


# Those that the binary distribution format allows: sha256 or better, of those that are always there.
_BYTES = {"sha256": 32, "sha384": 48, "sha512": 64}


def promised_digest(promise: str) -> tuple[str, str]:
    """Of `sha256=<urlsafe base64 without padding>` the algorithm, as hashlib names it, and the digest in hex.

    Both empty for what is no promise, or of an algorithm that is too weak or unknown.
    """
    algorithm, _, text = promise.partition("=")
    try:
        # Strict: without it what is no base64 would be passed over, and another promise be read.
        padded = text.replace("-", "+").replace("_", "/") + "=" * (-len(text) % 4)
        digest = binascii.a2b_base64(padded, strict_mode=True)
    except ValueError:
        return "", ""
    return (algorithm, digest.hex()) if len(digest) == _BYTES.get(algorithm) else ("", "")
