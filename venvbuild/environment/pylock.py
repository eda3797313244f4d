"""The pylock.toml that a build keeps: its closure with the wheels that fit its target, for pip, uv and others.

It is the same for the same files of the same index: no time of the build, no version of a tool. A URL in it holds no
credential; what no index has is named as a file beside it.
Source: PEP 751.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC

from venvbuild.environment.closure import Closure
from venvbuild.environment.listing import ListedWheel, Listing
from venvbuild.interpreters import Interpreter
from venvbuild.redaction import REDACTOR, strip_credentials


def pylock_of(closure: Closure, listing: Listing, interpreter: Interpreter) -> str:
    """The text of the file; empty where the wheels of a distribution are not known."""
    if any(one.name not in listing.wheels for one in closure.distributions):
        return ""
    packages = [
        "\n[[packages]]\n"
        f"name = {_text(one.name)}\n"
        f"version = {_text(one.version)}\n"
        "wheels = [\n" + "".join(f"    {_wheel(wheel)},\n" for wheel in listing.wheels[one.name]) + "]\n"
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


def _wheel(wheel: ListedWheel) -> str:
    file, url = wheel.file, _url(wheel)
    place = f"url = {_text(url)}" if url else f"path = {_text(file.filename)}"
    # The last part of a URL is the name, unless the index calls its files otherwise.
    said = [place] if not url or url.endswith(f"/{file.filename}") else [f"name = {_text(file.filename)}", place]
    if wheel.uploaded_at:
        said.append(f"upload-time = {wheel.uploaded_at.astimezone(UTC).isoformat().replace('+00:00', 'Z')}")
    if file.size_bytes is not None:
        said.append(f"size = {file.size_bytes}")
    return f"{{ {', '.join(said)}, hashes = {{ sha256 = {_text(file.sha256)} }} }}"


def _url(wheel: ListedWheel) -> str:
    """Its URL without credentials; empty where there is none, or none without them."""
    if wheel.is_local:
        return ""
    whole = strip_credentials(wheel.file.url).partition("#")[0]
    # A signed address is good for minutes, and only for who has it; a token may be a part of the path.
    return next((url for url in (whole, whole.partition("?")[0]) if REDACTOR.redact(url) == url), "")


def _text(value: str) -> str:
    # JSON's strings are TOML's, but for what no name or URL has.
    return json.dumps(value)
