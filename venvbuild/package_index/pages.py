"""The pages of the simple repository API as files, JSON and HTML.

Source: PEP 503, 592, 629, 658, 691, 700, 714, 792."""

from __future__ import annotations

import contextlib
import json
import re
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from functools import lru_cache
from html.parser import HTMLParser
from typing import Any, NamedTuple

from packaging.tags import parse_tag
from packaging.utils import (
    InvalidSdistFilename,
    InvalidWheelFilename,
    canonicalize_name,
    parse_sdist_filename,
    parse_wheel_filename,
)
from packaging.version import InvalidVersion, Version

from venvbuild.package_index.project import File, Status


class Page(NamedTuple):
    """What a page says."""

    files: tuple[File, ...] = ()
    status: Status | None = None
    """None when it does not say."""


def read_page(content: bytes, kind: str, base: str, name: str) -> Page:
    """A page of media type `kind` about project `name`, read at `base`; what cannot be read is left out."""
    if kind.endswith("json"):
        try:
            found = json.loads(content)
        # no answer of an index; whoever asked judges what an empty page means
        except (ValueError, RecursionError):
            return Page()
        if not isinstance(found, dict):
            return Page()
        return Page(tuple(_files_of_json(found, base, name)), _status_of_json(found.get("project-status")))
    page = _Anchors()
    page.feed(content.decode("utf-8", "replace"))
    word, reason = (page.meta.get(f"pypi:project-status{more}", "") for more in ("", "-reason"))
    return Page(tuple(_files_of_html(page, base, name)), _status(word, reason))


def _files_of_html(page: _Anchors, base: str, name: str) -> Iterator[File]:
    for attributes in page.anchors:
        with contextlib.suppress(ValueError):  # a link that is no URL is nobody's file
            url, _, fragment = urllib.parse.urljoin(base, attributes.get("href") or "").partition("#")
            hashes = dict(part.partition("=")[::2] for part in fragment.split("&"))  # PEP 503
            yield from file_of(
                urllib.parse.unquote(urllib.parse.urlsplit(url).path.rpartition("/")[2]),
                url,
                name,
                hashes.get("sha256", ""),
                attributes.get("data-requires-python") or "",
                # PEP 592: the attribute alone yanks, its value is the reason
                (attributes.get("data-yanked") or "") if "data-yanked" in attributes else None,
                # PEP 714; the second is the name of PEP 658, which older servers write
                "data-core-metadata" in attributes or "data-dist-info-metadata" in attributes,
            )


def _status_of_json(found: Any) -> Status | None:
    return _status(found.get("status"), found.get("reason")) if isinstance(found, dict) else None


def _status(word: object, reason: object) -> Status | None:
    if not isinstance(word, str) or not _WORD.fullmatch(word):
        return None
    return Status(word, reason if isinstance(reason, str) else "")


def _files_of_json(found: dict[str, Any], base: str, name: str) -> Iterator[File]:
    entries = found.get("files")
    for entry in entries if isinstance(entries, list) else ():
        with contextlib.suppress(ValueError, KeyError, TypeError, AttributeError):  # one bad entry hides no other
            yanked, hashes = entry.get("yanked"), entry.get("hashes")
            for file in file_of(
                entry["filename"],
                # Most are whole, and to join thousands of them takes as long as all the rest.
                entry["url"] if entry["url"].startswith("https://") else urllib.parse.urljoin(base, entry["url"]),
                name,
                _word(hashes.get("sha256") if isinstance(hashes, dict) else None),
                _word(entry.get("requires-python")),
                # PEP 691: the reason, or whatever else is true
                _word(yanked) if yanked else None,
                bool(entry.get("core-metadata") or entry.get("dist-info-metadata")),
                _size(entry.get("size")),
            ):
                uploaded_at = _instant(_word(entry.get("upload-time")))
                yield replace(file, uploaded_at=uploaded_at) if uploaded_at else file


def file_of(
    filename: str,
    url: str,
    name: str,
    sha256: str,
    requires_python: str,
    yanked: str | None,
    has_metadata: bool,
    size_bytes: int | None = None,
) -> Iterator[File]:
    """One file, or nothing when it belongs to another project or its name cannot be read (eggs, installers)."""
    try:
        plain = _PLAIN_WHEEL.fullmatch(filename)
        if plain and "__" not in plain["name"]:
            # The same as below, but what thousands of files share is read once.
            owner, version = canonicalize_name(plain["name"]), _version(plain["version"])
            file_tags = _tags(plain["tags"])
        elif filename.endswith(".whl"):
            owner, version, _, file_tags = parse_wheel_filename(filename)
        else:
            owner, version = parse_sdist_filename(filename)
            file_tags = frozenset()
    except (InvalidWheelFilename, InvalidSdistFilename, InvalidVersion):
        return
    if owner == name:
        digest = sha256.lower()
        yield File(filename, url, version, file_tags, digest, requires_python, yanked, has_metadata, size_bytes)


def _word(said: object) -> str:
    # what is no text says nothing, and hides nothing else that is said of the file
    return said if isinstance(said, str) else ""


def _size(said: object) -> int | None:
    # some servers that do not know it say 0
    return said if type(said) is int and said > 0 else None


@lru_cache(4096)  # the files of a release mostly came within a second
def _instant(said: str) -> str | None:
    """`2025-07-22T08:30:00Z` of what PEP 700 has there, to the second."""
    if len(said) > _LONGEST_INSTANT:
        return None
    try:
        found = datetime.fromisoformat(said)
        # without a zone it would be that of this machine
        if found.tzinfo is None:
            return None
        return found.astimezone(UTC).replace(microsecond=0, tzinfo=None).isoformat() + "Z"
    except (ValueError, OverflowError):
        return None


_LONGEST_INSTANT = 64
_WORD = re.compile(r"[a-z][a-z-]{0,39}")
_PLAIN_WHEEL = re.compile(r"(?P<name>[A-Za-z0-9_.]+)-(?P<version>[A-Za-z0-9_.!+]+)-(?P<tags>[^-]+-[^-]+-[^-]+)\.whl")
_version = lru_cache(4096)(Version)
_tags = lru_cache(4096)(parse_tag)


class _Anchors(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.anchors: list[dict[str, str | None]] = []
        self.meta: dict[str, str] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "a":
            self.anchors.append({key: "" if value is None else value for key, value in attrs})
        elif tag == "meta":
            said = dict(attrs)
            self.meta.setdefault(said.get("name") or "", said.get("content") or "")
