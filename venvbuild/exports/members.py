"""The members of an environment's tar as they come, read as `get` reads them, and not written anywhere."""

from __future__ import annotations

import os
import posixpath
from pathlib import Path

from venvbuild.archive import Member
from venvbuild.restore import StoredArchive, Unpacker, refused


class MemberReader(Unpacker):
    """Gives each member to `begin`, and what a file holds to `take`; what `get` refuses is refused here."""

    def __init__(self, stored: StoredArchive) -> None:
        super().__init__(Path(os.devnull), stored.index.root, limit_bytes=stored.index.plain_bytes)

    def begin(self, member: Member) -> None:
        """The next member; the environment's own folder has no name."""

    def take(self, content: memoryview) -> None:
        """More of the file that was begun last."""

    def end(self) -> None:
        """All of that file was taken; it is not called of one without content."""

    def _begin_file(self, name: bytes, size: int, mode: int) -> None:
        super()._begin_file(name, size, mode)
        self.begin(Member(os.fsdecode(name), "f", mode, size))

    def _new_file(self, _name: bytes, _mode: int) -> int:
        return -1  # as of a file that is closed

    def _take(self, content: memoryview) -> None:
        if self._pax_text is not None:
            super()._take(content)
            return
        self._left -= len(content)
        self.take(content)
        if not self._left:
            self.end()

    def _make_folder(self, name: bytes) -> None:
        self.unpacked.folders.append(name)
        self.begin(Member(os.fsdecode(name), "d", 0o755))

    def _note_link(self, target: bytes) -> None:
        super()._note_link(target)
        self.begin(link_member(*self.unpacked.links[-1]))


def link_member(name: bytes, target: bytes) -> Member:
    """A link of an archive; only the one to the interpreter may be absolute, as the unpacker has seen to.

    Raises:
        IntegrityError: it leads out of the environment.
    """
    led_to = posixpath.normpath(posixpath.join(posixpath.dirname(name), target))
    if not target.startswith(b"/") and (led_to + b"/").startswith(b"../"):
        raise refused("it is a link that leads out of the environment", name)
    return Member(os.fsdecode(name), "l", 0o777, link=os.fsdecode(target))
