"""Masks the values this run knows to be secret, and what has the shape of a secret."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from venvbuild.redaction.forms import Secret
    from venvbuild.redaction.nets import Nets

MASK = "****"


class Redactor:
    """Masks known secrets and secret-shaped text.

    What it is told it keeps until it is first asked: a command that says nothing does not pay for the rules.
    """

    def __init__(self) -> None:
        self._made: Nets | None = None
        self._told: list[Callable[[Nets], None]] = []
        self._lock = threading.RLock()

    def hide(self, *secrets: str) -> None:
        """Remember values that must never be shown, in whatever form; not those that are ordinary words."""
        self._told.append(lambda nets: nets.hide(*secrets))

    def hide_url(self, url: str) -> None:
        """Hide the user info of `url`: password, `user:password`, or a lone token."""
        self._told.append(lambda nets: nets.hide_url(url))

    def hide_environment(self, environ: Mapping[str, str]) -> None:
        """Hide the values of variables that are named like secrets or listed, and what is secret in those of others."""
        then = dict(environ)
        self._told.append(lambda nets: nets.hide_environment(then))

    def hide_netrc(self, path: Path) -> None:
        """Hide the passwords of a netrc file; one that is absent or cannot be read has nothing to hide."""
        self._told.append(lambda nets: nets.hide_netrc(path))

    def redact(self, text: str) -> str:
        """`text` with every known or secret-shaped part replaced by `****`."""
        return self._nets.redact(text, MASK)

    def finds(self, text: str) -> bool:
        """Whether `redact` would change `text`."""
        return self.redact(text) != text

    def finds_for_sure(self, text: str) -> bool:
        """Whether a known secret is in `text` that nobody would write by chance."""
        return self._nets.finds_for_sure(text)

    def first_marked(self, text: str) -> int:
        """Where in `text` the first known secret stands, or the first that its maker marked (a token, a private key);
        -1: nowhere. Of sources, whose words look like secrets, more cannot be said."""
        return self._nets.first_marked(text)

    def may_find_in_a_line_of(self, text: str) -> bool:
        """Whether it is worth asking of each line of `text`; false for most files."""
        return self._nets.may_find_in_a_line_of(text)

    def may_go_on(self, text: str) -> bool:
        """Whether `text` ends within a known secret, so that the next line may have the rest."""
        return self._nets.may_go_on(text)

    @property
    def secrets(self) -> tuple[Secret, ...]:
        """The known secrets that mean something where they are found, for the leak gate."""
        return self._nets.secrets

    @property
    def _nets(self) -> Nets:
        if self._made is None or self._told:
            with self._lock:  # nobody is answered before all that was told is known
                if self._made is None:
                    from venvbuild.redaction.nets import Nets

                    self._made = Nets()
                while self._told:
                    self._told[0](self._made)
                    del self._told[0]
        return self._made


REDACTOR = Redactor()
"""The redactor of this process: whoever learns a secret tells it, whoever writes text asks it."""
