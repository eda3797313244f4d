"""How commands speak: data on stdout, messages on stderr. All of it passes here, and what a screen would obey does not.

Values of others (names, versions, URLs, what another program said) need no care of who prints them: a terminal gets
no escape and no bidi mark of theirs, and nobody the credentials of a URL.
"""

from __future__ import annotations

import json
import logging
import os
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

from venvbuild.errors import StdoutClosed
from venvbuild.logs import CLEAR_LINE, write_stderr
from venvbuild.redaction import REDACTOR
from venvbuild.text import indented, masked_lines, may_have_urls_to_mask, on_a_line, on_screen

_encoded = json.JSONEncoder().encode
_IN_MEMORY_BYTES = 1 << 20
"""Of an answer; what is larger waits in a file."""


def print_json(value: Any) -> None:
    """One JSON value on stdout: exact, but for the credentials of URLs."""
    text = json.dumps(value, indent=2)  # ASCII: what a terminal would obey stands there as JSON escapes it
    _print(json.dumps(_masked(value), indent=2) if may_have_urls_to_mask(text) else text)


@contextmanager
def whole() -> Iterator[Callable[[str], object]]:
    """What takes texts, each a part of stdout as it is to stand there; they are printed when all are there.

    So an answer that fails on its way is none. They wait on the disk, for they may be many.
    """
    with tempfile.SpooledTemporaryFile(
        _IN_MEMORY_BYTES, "w+", encoding="utf-8", errors="surrogatepass", newline=""
    ) as file:
        yield file.write
        file.seek(0)
        while text := file.read(_IN_MEMORY_BYTES):
            _print(text, end="")


def json_items(values: Iterable[Any]) -> Iterator[str]:
    """A list as `print_json` prints it, in parts."""
    before = "[\n  "
    for value in values:
        text = _indented(value, "\n  ")
        if may_have_urls_to_mask(text):
            text = _indented(_masked(value), "\n  ")
        yield before + text
        before = ",\n  "
    yield "[]\n" if before.startswith("[") else "\n]\n"


def _indented(value: Any, line: str) -> str:
    """As json.dumps(value, indent=2) writes it, with another beginning of the lines after the first.

    That is ten times as slow, and each call leaves a kilobyte that only Python's search for cycles finds.
    """
    within = f"{line}  "
    if isinstance(value, dict) and value:
        # a number, true or null for a name is text in JSON
        named = ((name if isinstance(name, str) else _encoded(name), one) for name, one in value.items())
        members = (f"{_encoded(name)}: {_indented(one, within)}" for name, one in named)
        return f"{{{within}{f',{within}'.join(members)}{line}}}"
    if isinstance(value, list | tuple) and value:
        return f"[{within}{f',{within}'.join([_indented(one, within) for one in value])}{line}]"
    return _encoded(value)


def print_data(text: str) -> None:
    """A line of data on stdout, whatever is in it."""
    _print(on_a_line(REDACTOR.redact(text)))


def print_text(text: str, *, is_masked: bool = False) -> None:
    """Several lines on stdout, exact but for the credentials of URLs; what of others is in them stays within its line.

    `is_masked`: so was each part before, for who masks must not look from one cell into the next.
    """
    _print(on_screen(text if is_masked else masked_lines(text)))


def say(*lines: str, clears: bool = False) -> None:
    """A message on stderr, a line each; `clears`: a bar may stand there."""
    # A line may be of others, who must not begin a message of their own.
    shown = "\n".join(indented(on_screen(REDACTOR.redact(line))) for line in lines)
    write_stderr(f"{CLEAR_LINE if clears else ''}{shown}\n")


def show_bar(text: str = "") -> None:
    """What stands in the last line of a terminal from now on, until the next call or message; nothing: clear it."""
    write_stderr(CLEAR_LINE + on_a_line(REDACTOR.redact(text)))


def _print(text: str, end: str = "\n") -> None:
    encoding = sys.stdout.encoding or "utf-8"
    try:
        # Flushed, or a closed pipe would show only while Python exits.
        print(text.encode(encoding, "backslashreplace").decode(encoding), end=end, flush=True)  # noqa: T201
    except BrokenPipeError:
        raise StdoutClosed from None  # click would end with 1 on the plain error


def _masked(value: Any) -> Any:
    if isinstance(value, str):
        return masked_lines(value)
    if isinstance(value, dict):
        return {name: _masked(one) for name, one in value.items()}
    return [_masked(one) for one in value] if isinstance(value, list | tuple) else value


def end_at_once() -> NoReturn:
    """End the process, as a success, without waiting for any thread; what was printed and logged is out."""
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)
