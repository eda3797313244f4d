"""Which folder of an archive is the environment, and which of its links stay inside."""

from __future__ import annotations

import gzip
import io
import os
from pathlib import Path

import pytest

from tests.support.archives import END, file, folder, link
from venvbuild.errors import IntegrityError, UsageError
from venvbuild.restore.adopting import Adopted, adopted, environment_in

SITE = "lib/python3.11/site-packages"
ACTIVATE = b'VIRTUAL_ENV="/agent/ws/venv"\nexport VIRTUAL_ENV\n'


def packed(*parts: bytes, configuration: bytes = b"home = /x\nversion = 3.11.7\n") -> bytes:
    base = (folder(""), folder("bin"), file("bin/activate", ACTIVATE), folder(SITE), file("pyvenv.cfg", configuration))
    return gzip.compress(b"".join((*base, *parts)) + END)


def adopt(body: bytes, place: Path) -> Adopted:
    return adopted(io.BytesIO(body), len(body), place / "out", "the.tar.gz")


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ([b"pyvenv.cfg"], b""),
        ([b"venv/pyvenv.cfg", b"venv/bin/x"], b"venv"),
        ([b"srv/jobs/venv/pyvenv.cfg"], b"srv/jobs/venv"),
        ([b"venv/lib/python3.11/site-packages/tests/env/pyvenv.cfg", b"venv/pyvenv.cfg"], b"venv"),
        ([b"pyvenv.cfg", b"other/pyvenv.cfg"], b""),
    ],
)
def test_the_environment_is_the_topmost_folder_that_has_a_pyvenv_cfg(files: list[bytes], expected: bytes) -> None:
    assert environment_in(files) == expected


@pytest.mark.parametrize(
    ("files", "what"),
    [
        ([b"venv/bin/python"], "there is no pyvenv.cfg"),
        ([b"a/pyvenv.cfg", b"b/pyvenv.cfg"], "several environments, a and b"),
        ([b"venv/not-pyvenv.cfg"], "there is no pyvenv.cfg"),
    ],
)
def test_none_or_several_are_refused(files: list[bytes], what: str) -> None:
    with pytest.raises(IntegrityError, match=what):
        environment_in(files)


@pytest.mark.parametrize(
    ("name", "target", "kept"),
    [
        ("lib64", "lib", "lib"),
        ("bin/tool", "/agent/ws/venv/lib/tool", "../lib/tool"),
        ("share", "/agent/ws/venv", "."),
        ("lib/up", "../bin/./x", "../bin/./x"),
        ("share", "/agent/ws/venv2/x", None),
        ("share", "/usr/share", None),
        ("share", "/agent/ws/venv/../secret", None),
        ("lib/up", "../../x", None),
        ("up", "..", None),
    ],
)
def test_a_link_is_kept_where_it_leads_inside_and_named_where_it_leads_out(
    tmp_path: Path, name: str, target: str, kept: str | None
) -> None:
    one = adopt(packed(folder("lib"), link(name, target)), tmp_path)
    place = one.venv.path / name
    assert (os.readlink(place) if place.is_symlink() else None) == kept
    said = [problem.what for problem in one.problems]
    assert said == ([] if kept else [f"{name} is a link that leads out of the environment, to {target}"])


def test_links_to_the_interpreter_are_made_by_whoever_restores_it(tmp_path: Path) -> None:
    body = packed(
        link("bin/python", "python3.11"), link("bin/python3.11", "/home/me/.pyenv/versions/3.11.7/bin/python")
    )
    one = adopt(body, tmp_path)
    assert one.problems == ()
    assert sorted(path.name for path in (one.venv.path / "bin").iterdir()) == ["activate"]


def test_what_lies_beside_the_environment_is_not_looked_at(tmp_path: Path) -> None:
    one = adopt(packed(link("!notes", "/etc/passwd"), file("!requirements.txt")), tmp_path)
    assert one.problems == ()
    assert one.venv.path == tmp_path / "out/venv"
    assert not os.path.lexists(tmp_path / "out/notes")


@pytest.mark.parametrize(
    ("configuration", "what"),
    [
        (b"home = /x\nversion = 3.9.1\n", "its pyvenv.cfg is for Python 3.9"),
        (b"home = /x\nversion = 3.6.1\n", "its pyvenv.cfg is for Python 3.6"),
    ],
)
def test_of_what_cannot_be_used_the_archive_is_named(tmp_path: Path, configuration: bytes, what: str) -> None:
    with pytest.raises(UsageError, match=what) as refused:
        adopt(packed(configuration=configuration), tmp_path)
    assert {problem.where for problem in refused.value.problems} == {"the.tar.gz"}
