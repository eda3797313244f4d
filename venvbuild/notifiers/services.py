"""The services that are to be told, each an address that apprise reads. An address is a secret: it is never shown.

Source: https://appriseit.com/services/
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Self
from urllib.parse import parse_qsl, unquote, urlsplit

from venvbuild.errors import Problem, UsageError
from venvbuild.notifiers.deadline import Deadline
from venvbuild.notifiers.message import Message
from venvbuild.redaction import Redactor
from venvbuild.text import shown

# A part of an address that is no ordinary word; hiding `services` would shred the message.
_TOKEN = re.compile(r"(?=.*[0-9]).{8,}|.{20,}", re.DOTALL)


@dataclass(frozen=True)
class Services:
    """Everybody who is to be told."""

    _plugins: tuple[Any, ...]

    @classmethod
    def of(cls, addresses: Sequence[str], origin: str) -> Self:
        """The services at these addresses; `origin` says where they are configured.

        Raises:
            UsageError: some are no address of a service; all of them are named, by number and scheme.
        """
        from apprise import Apprise, AppriseAsset  # the extra `notify`

        # Not async: apprise's own threads would hold the process, ours can be left behind. Without these names a
        # message speaks of apprise and links to its page.
        asset = AppriseAsset(async_mode=False, app_id="venvbuild", app_desc="venvbuild", app_url="")
        plugins = [Apprise.instantiate(address, asset=asset, suppress_exceptions=True) for address in addresses]
        problems = [
            Problem(
                f"{_scheme(address)} (address {number} of {len(addresses)}) is no address that apprise knows",
                where=origin,
                why="the service, or what it needs, cannot be read from it",
                fix="write it as https://appriseit.com/services/ says, odd characters as %XX, spaces between several",
                rule="NOTIFY_URL",
            )
            for number, (address, plugin) in enumerate(zip(addresses, plugins, strict=True), 1)
            if plugin is None
        ]
        if problems:
            raise UsageError.of(problems)
        return cls(tuple(plugins))

    @property
    def names(self) -> tuple[str, ...]:
        """`Slack (address 1)`, in order."""
        return tuple(f"{plugin.service_name} (address {number})" for number, plugin in enumerate(self._plugins, 1))

    def send(self, message: Message, deadline: Deadline) -> dict[str, str]:
        """Send it to all at once; why some did not take it, by name. Empty when all did."""
        answers = deadline.run([lambda plugin=plugin: _send(plugin, message) for plugin in self._plugins])  # type: ignore[misc]
        reasons = ["it did not answer in time" if one is None else shown(str(one), 300) for one in answers]
        return {name: reason for name, reason in zip(self.names, reasons, strict=True) if reason}


def _send(plugin: Any, message: Message) -> str:
    """Why it could not be sent; empty when it was."""
    from apprise import Apprise

    one = Apprise()
    one.add(plugin)
    result = one.notify(title=message.title, body=message.body, notify_type=message.kind, body_format="text")
    if result:
        return ""
    said = [str(entry.message) for answer in result.results for entry in answer.logs()]
    return said[-1] if said else "it could not be sent"


def hide_addresses(addresses: Iterable[str], redactor: Redactor) -> None:
    """Let nothing of the addresses be shown that could be a key to them."""
    for address in addresses:
        redactor.hide(address)
        redactor.hide_url(address)
        for part in _parts(address):
            if _TOKEN.fullmatch(part):
                redactor.hide(part)


def _parts(address: str) -> Iterator[str]:
    try:
        parts = urlsplit(address)
        host = parts.hostname or ""
    except ValueError:
        return
    # Many addresses have a token where others have a host; a host has a dot, or is this machine.
    tokens = [parts.netloc] if "." not in host and host != "localhost" else []
    words = [*tokens, *parts.path.split("/"), *(value for _, value in parse_qsl(parts.query))]
    for word in words:
        # a service, or apprise's log, may show either form
        yield word
        yield unquote(word)


def _scheme(address: str) -> str:
    found = re.match(r"[A-Za-z][A-Za-z0-9+.-]{0,20}(?=://)", address)
    return f"{found[0]}://..." if found else "a word"
