"""Lines that say where a package lies instead of which version it has: URLs, repositories, files, folders.

What such a place holds becomes a wheel in a folder, and the line a pin of it: the advice says the commands. Of a place
only what can hold no secret is repeated.
"""

from __future__ import annotations

import re
import shlex
from pathlib import PurePosixPath
from urllib.parse import unquote, urlsplit

from packaging.utils import (
    InvalidSdistFilename,
    InvalidWheelFilename,
    parse_sdist_filename,
    parse_wheel_filename,
)

from venvbuild.redaction import REDACTOR, strip_credentials
from venvbuild.requirements.faults import NAME, Fault
from venvbuild.text import shown

_MAX_QUOTED = 120
"""Characters of a place that a command repeats; with a longer one the message would be no line."""

_SCHEME = re.compile(r"(?i)(?P<scheme>[a-z][a-z0-9+.-]*)://")
_NAMED = re.compile(rf"(?P<name>{NAME})\s*+(?P<extras>\[[^\]]*\])?\s*+@\s*+(?P<place>.*)")
_VCS = re.compile(r"(?i)(?:git|hg|svn|bzr)\+|[\w.-]+@(?!file:)[\w.-]+:(?!//)|(?:git|ssh|svn)://")
_PATH = re.compile(r"\.{0,2}/|~|\.{1,2}$|\.{1,2}\[|[A-Za-z]:[\\/]|\.{0,2}\\|(?i:file:)")
_ARCHIVE = re.compile(r"(?i)\.(?:whl|zip|tar|tgz|tar\.(?:gz|bz2|xz|zst))(?:\[[^\]]*\])?$")
_EGG = re.compile(rf"#(?:.*&)?egg=(?P<name>{NAME})")
# The path of a URL may hold a token (gemfury.io, packagecloud.io): long, letters and digits mixed.
_TOKEN = re.compile(r"(?=[A-Za-z]*\d)(?=\d*[A-Za-z])[A-Za-z0-9]{16,}|(?=\S*[A-Z])(?=\S*\d)[A-Za-z0-9_-]{20,}")
_COMMIT = re.compile(r"@[0-9a-f]{7,40}$")


def quotable(place: str) -> str:
    """`place`, a URL or a path, as a message may repeat it; empty when a secret cannot be ruled out."""
    is_url = "://" in place
    bare = strip_credentials(place) if is_url and "://git@" not in place else place
    if len(bare) > _MAX_QUOTED or not bare.isprintable() or REDACTOR.finds(bare) or "$" in bare:
        return ""
    if is_url:
        path = bare.partition("://")[2].partition("#")[0].partition("/")[2]
        # the hash of a commit is no secret; what follows `?` may be anything
        return "" if "?" in path or _TOKEN.search(_COMMIT.sub("", path)) else bare
    # A URL whose scheme was forgotten: user:password@host.
    return "" if re.match(r"[^/@\s]+:.*@", bare) else bare


def location(text: str) -> Fault | None:
    """The fault of a line that names a place; None when it names none."""
    named = _NAMED.match(text)
    pin, place = ((named["name"] + (named["extras"] or "")), named["place"]) if named else ("", text)
    place = place.split(" ;")[0].strip()
    scheme = _SCHEME.match(place)
    if _VCS.match(text) or _VCS.match(place):
        return Fault(
            "VCS",
            "the line names a version control repository",
            "a repository is no release: it can move or vanish",
            wheel_advice(place, pin),
        )
    if scheme and scheme["scheme"].lower() != "file":
        # with a hash of its bytes even plain http cannot bring other ones
        insecure = scheme["scheme"].lower() == "http" and not re.search(r"#.*\b(?:sha256|sha384|sha512)=", place)
        rule, kind = ("INSECURE_URL", "plain http") if insecure else ("DIRECT_URL", scheme["scheme"].lower())
        why = "plain http can be changed on its way" if insecure else "a URL is no version: nothing can compare it"
        return Fault(rule, f"the line names a URL ({kind})", why, _url_advice(place, pin))
    is_path = _PATH.match(place) or _ARCHIVE.search(place) or "/" in place
    if is_path and (named or not re.search(r"[=<>~!]=|[<>]", place)):  # `../../x==1.0` is no path that anyone has
        advice = _path_advice(place, pin)
        return Fault("LOCAL_PATH", "the line names a file or folder", "it exists on this machine only", advice)
    return None


def editable(place: str) -> Fault:
    """The fault of `-e place`."""
    return Fault(
        "EDITABLE",
        "-e installs from a folder or a repository",
        "an editable install works only where that folder is",
        wheel_advice(place, ""),
    )


def direct_url(pin: str) -> Fault:
    """The fault of `pin @ somewhere`, of which nobody knows what it is."""
    why = "a URL is no version: nothing can compare it"
    return Fault("DIRECT_URL", "the line names a URL", why, f"write {shown(pin, 200)}==VERSION, the one that is there")


def wheel_advice(place: str, pin: str) -> str:
    """How what lies at `place` becomes a wheel that a build can pin; `pin` is its name with extras, if known."""
    pin, release = pin or _egg(place) or "NAME", release_of(place)
    written = f"{release[0]}=={release[1]}" if release else f"{shown(pin, 100)}==VERSION as its file is named"
    target = quotable(place)
    command = f"pip wheel --no-deps -w wheels {shlex.quote(target) if target else 'PLACE'}"
    make = f"make its wheel, by a pip of the same Python: {command}"
    return f"{make}; write {written}, and build with --find-links wheels"


def release_of(place: str) -> tuple[str, str] | None:
    """Name and version, as the name of a wheel or sdist tells them; None when it tells neither."""
    file = PurePosixPath(unquote(place.partition("#")[0].partition("?")[0])).name
    try:
        if file.endswith(".whl"):
            name, version, *_ = parse_wheel_filename(file)
        else:
            name, version = parse_sdist_filename(file)
    except (InvalidWheelFilename, InvalidSdistFilename):
        return None
    return str(name), str(version)


def _url_advice(place: str, pin: str) -> str:
    release = release_of(place)
    if not release:
        return wheel_advice(place, pin)
    target = quotable(place)
    command = f"pip wheel --no-deps -w wheels {shlex.quote(target) if target else 'URL'}"
    return f"write {release[0]}=={release[1]}; if the index lacks it: {command}, and build with --find-links wheels"


def _path_advice(place: str, pin: str) -> str:
    release = release_of(place)
    if not release or not place.endswith(".whl"):
        return wheel_advice(place, pin)
    path = unquote(urlsplit(place).path) if place.lower().startswith("file:") else place
    folder = quotable(str(PurePosixPath(path).parent))
    pinned = f"write {release[0]}=={release[1]}"
    # the setting is a list parted by blanks
    if not folder or " " in folder:
        return f"{pinned}, put the file into a folder without a blank in its name, and build with --find-links FOLDER"
    return f"{pinned}, and build with --find-links {shlex.quote(folder)}"


def _egg(place: str) -> str:
    found = _EGG.search(place)
    return found["name"] if found else ""
