"""What a consumer of environments is to us: its rules, what is made for it, and what is pasted into it."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, NamedTuple, Protocol

from venvbuild.exports.build import Build
from venvbuild.exports.rules import Rule

Makes = Literal["file", "folder", "text", "answer"]
"""A file; a folder of files; a text, which goes into a file or to who asked; nothing, as the settings say it all."""


class Paste(NamedTuple):
    """Settings to be pasted."""

    where: str
    """Into what: `spark-submit, client mode`."""
    text: str
    """One line or several, without a line end after the last."""


class Consumer(Protocol):
    """Who takes environments; one file of this room each, one line in `CONSUMERS`."""

    @property
    def name(self) -> str:
        """As `--for` takes it."""

    @property
    def takes(self) -> str:
        """What is made for it, in a line."""

    @property
    def makes(self) -> Makes:
        """What `make` makes; of an `answer` it is not called, of a `text` only where there is a file for it."""

    @property
    def rules(self) -> tuple[Rule, ...]:
        """In the order in which they are told."""

    def file_name(self, build: Build) -> str:
        """What the file or folder is called where nobody says it: `sales.tar.gz`."""

    def make(self, build: Build, place: Path) -> str:
        """Write the file or folder at `place`, which is absent and which nobody sees yet; the sha256 of the file, or of
        the main file of the folder.

        It is called when no rule is broken, and the same build gives the same bytes. Rules about what is made are
        judged afterwards.

        Raises:
            Unfit: a rule turned out to be broken on the way.
            IntegrityError: the archive is not what it should be. OSError: the disk.
        """

    def settings(self, build: Build, made: Path | None) -> tuple[Paste, ...]:
        """What to paste where, once it is `made`, which is absolute; None: there is no file."""


class Unfit(Exception):
    """A rule is broken, as the making shows: nothing is made."""

    def __init__(self, rule: str, saw: str, fix: str) -> None:
        """`rule` is its name."""
        super().__init__(saw)
        self.rule, self.saw, self.fix = rule, saw, fix
