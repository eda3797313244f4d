"""A stored build, as it is judged and exported: what its metadata says, and where its `bin/python` leads."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import takewhile

from venvbuild.archive import FragmentCache, Member
from venvbuild.builds import Fragment
from venvbuild.exports.members import MemberReader
from venvbuild.restore import StoredArchive
from venvbuild.stores import Store

_NAMED = re.compile(r"python(3\.[0-9]+)t?$")


@dataclass(frozen=True)
class Build:
    """What a consumer is given."""

    archive: StoredArchive
    """Its bytes, each checked before it is handed out; `archive.build` is its metadata.json."""
    link: str | None
    """What `bin/python` links to in the archive; None: there is none, which `get` and `rehome` make."""

    @classmethod
    def of(cls, store: Store, venv_version: str, cache: FragmentCache) -> Build:
        """A build of `store`; the members of its archive that are no package's are read.

        Raises:
            NotInStore, IntegrityError, UsageError, StoreUnavailable: as `StoredArchive.of` and its `plain`.
        """
        stored = StoredArchive.of(store, venv_version, cache)
        return cls(stored, _link_of(stored))

    @property
    def venv_version(self) -> str:
        """Its version."""
        return self.archive.build["venv_version"]

    @property
    def env_name(self) -> str:
        """Of letters, digits, dots, dashes and underscores; it names what is made."""
        return self.archive.build["env_name"]

    @property
    def python_version(self) -> str:
        """X.Y."""
        return self.archive.build["python_version"]

    @property
    def platform(self) -> str:
        """`linux_x86_64`."""
        return self.archive.build["platform"]

    @property
    def glibc(self) -> str | None:
        """The oldest that will do; None: any."""
        return self.archive.build["requires"]["glibc"]

    @property
    def is_bundled(self) -> bool:
        """Whether it brings its interpreter."""
        return "libraries" in self.archive.build["requires"]

    @property
    def libraries(self) -> Sequence[str]:
        """The sonames that an interpreter inside needs of the machine."""
        return self.archive.build["requires"].get("libraries", ())

    @property
    def links_to_another(self) -> bool:
        """Whether `bin/python` leads to a Python that by its name has another X.Y."""
        named = _NAMED.search(self.link or "")
        return not self.is_bundled and named is not None and named[1] != self.python_version

    @cached_property
    def packages(self) -> Mapping[str, str]:
        """Version by canonical name."""
        pins = (pin.partition("==") for pin in self.archive.build["installed_packages"])
        return {name: version for name, _, version in pins}

    def command_to_get(self, target: str) -> str:
        """The command that restores it at `target`, from any machine that reaches the store."""
        words = ["venvbuild", "get", self.venv_version, target, "--store", self.archive.store_url]
        return shlex.join(words)


def leading(fragments: tuple[Fragment, ...]) -> list[Fragment]:
    """Those before the first package's: they hold what belongs to no single distribution."""
    return list(takewhile(lambda fragment: fragment.distribution is None, fragments[:-1]))


def _link_of(stored: StoredArchive) -> str | None:
    looker = _Looker(stored)
    for fragment in leading(stored.index.fragments):
        looker.feed(stored.plain(fragment))
    return looker.link


class _Looker(MemberReader):
    """Notes where `bin/python` leads."""

    link: str | None = None

    def begin(self, member: Member) -> None:
        if (member.name, member.kind) == ("bin/python", "l"):
            self.link = member.link
