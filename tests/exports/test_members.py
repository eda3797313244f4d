"""The members of an archive that an enemy wrote: refused, as `get` refuses them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.exported import build_of, packable, stored
from venvbuild.archive import Member
from venvbuild.errors import IntegrityError
from venvbuild.exports.members import MemberReader, link_member


@pytest.mark.parametrize("target", [b"../../../../../outside", b"../../../../.."])
def test_a_link_that_leads_out_is_refused(target: bytes) -> None:
    with pytest.raises(IntegrityError, match="leads out of the environment"):
        link_member(b"lib/python3.11/site-packages/x", target)
    assert link_member(b"lib64", b"lib").link == "lib"


class Noting(MemberReader):
    """Puts all files together again."""

    def begin(self, member: Member) -> None:
        self.found = getattr(self, "found", {})
        self.found[member.name] = b""
        self.last = member.name

    def take(self, content: memoryview) -> None:
        self.found[self.last] += bytes(content)


def test_it_gives_every_member_with_what_it_holds(tmp_path: Path) -> None:
    build = build_of(tmp_path / "build")
    reader = Noting(build.archive)
    for fragment in build.archive.index.fragments:
        reader.feed(build.archive.plain(fragment))
    reader.finish(is_end_of_tar=True)
    site = "lib/python3.11/site-packages"
    assert reader.found[f"{site}/other.py"] == b"import good\n"
    assert reader.found[f"{site}/otter/ünicode.txt"] == ("é" * 2000).encode()
    assert reader.found["share/nobodys"] == bytes(5000)
    assert {"", "bin", "bin/python", "pyvenv.cfg"} <= reader.found.keys()


def test_what_is_behind_the_index_is_refused(tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    build = stored(packable(tmp_path / "one"))
    reader = MemberReader(build.archive)
    with pytest.raises(IntegrityError, match="a header is damaged"):
        reader.feed(b"x" * 512)
