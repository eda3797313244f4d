"""The scripts that an entry_points.txt asks for."""

from __future__ import annotations

from venvbuild.package_index import EntryScripts, entry_scripts_in

TEXT = """
early = no.section:f
[console_scripts]
# one = of:comment
; two = of:comment
zeta = pkg:f
alpha=pkg:f [extra]
no assignment
[ gui_scripts ]
window = pkg:g
[other.group]
alpha = pkg:h
[console_scripts]
alpha = pkg:i
"""


def test_each_kind_has_its_own_as_often_as_they_are_there() -> None:
    assert entry_scripts_in(TEXT) == EntryScripts(("alpha", "alpha", "zeta"), ("window",))
    assert entry_scripts_in("") == EntryScripts()
