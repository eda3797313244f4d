"""The pylock.toml that a build keeps: its closure with the wheels that fit its target, for pip, uv and others; of what
was built here its source.

It is the same for the same files of the same index: no time of the build, no version of a tool. A URL in it holds no
credential; what no index has is named as a file beside it.
Source: PEP 751.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime

from venvbuild.environment.closure import Closure
from venvbuild.environment.listing import ListedWheel, Listing, is_local
from venvbuild.interpreters import Interpreter
from venvbuild.package_index import File
from venvbuild.redaction import REDACTOR, strip_credentials
from venvbuild.text import masked_lines


def pylock_of(
    closure: Closure, listing: Listing, interpreter: Interpreter, sources: Mapping[str, File] | None = None
) -> str:
    """The text of the file; empty where the wheels of a distribution are not known.

    `sources`, by canonical name: of what was built here. Nobody else has that wheel, so they are named in its place.
    """
    built = sources or {}
    if any(one.name not in listing.wheels and one.name not in built for one in closure.distributions):
        return ""
    packages = [
        f"\n[[packages]]\nname = {_text(one.name)}\nversion = {_text(one.version)}\n"
        + (f"sdist = {_sdist(built[one.name])}\n" if one.name in built else _wheels(listing.wheels[one.name]))
        for one in closure.distributions
    ]
    return "".join([*_head(interpreter), *packages])


def _head(interpreter: Interpreter) -> Iterator[str]:
    target = interpreter.marker_environment
    names = ("implementation_name", "sys_platform", "platform_machine")
    marker = " and ".join(f"{name} == '{target[name]}'" for name in names)
    yield 'lock-version = "1.0"\n'
    yield f"environments = [{_text(marker)}]\n"
    yield f"requires-python = {_text(f'=={interpreter.version}.*')}\n"
    yield 'created-by = "venvbuild"\n'


def _wheels(wheels: Iterable[ListedWheel]) -> str:
    lines = [f"    {_entry(one.file, _instant(one.uploaded_at) if one.uploaded_at else None)},\n" for one in wheels]
    return f"wheels = [\n{''.join(lines)}]\n"


def _sdist(file: File) -> str:
    return _entry(file, file.uploaded_at)


def _instant(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _entry(file: File, uploaded_at: str | None) -> str:
    for url in _urls(file):
        line = f"{_written(file, url, uploaded_at)},"
        # Also in its line, as whoever prints the file judges it: what stands behind an empty token is taken for one.
        if not REDACTOR.finds(url) and masked_lines(line) == line:
            return line[:-1]
    return _written(file, "", uploaded_at)


def _written(file: File, url: str, uploaded_at: str | None) -> str:
    place = f"url = {_text(url)}" if url else f"path = {_text(file.filename)}"
    # The last part of a URL is the name, unless the index calls its files otherwise.
    said = [place] if not url or url.endswith(f"/{file.filename}") else [f"name = {_text(file.filename)}", place]
    if uploaded_at:
        said.append(f"upload-time = {uploaded_at}")
    if file.size_bytes is not None:
        said.append(f"size = {file.size_bytes}")
    return f"{{ {', '.join(said)}, hashes = {{ sha256 = {_text(file.sha256)} }} }}"


def _urls(file: File) -> Sequence[str]:
    """Its URL without credentials, and without a query; none where nobody else has the file."""
    if is_local(file):
        return ()
    whole = strip_credentials(file.url).partition("#")[0]
    # A signed address is good for minutes, and only for who has it; a token may be a part of the path.
    return whole, whole.partition("?")[0]


def _text(value: str) -> str:
    # JSON's strings are TOML's, but for what no name or URL has.
    return json.dumps(value)
