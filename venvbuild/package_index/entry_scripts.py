"""The scripts that the entry points of a distribution ask for."""

from __future__ import annotations

from typing import NamedTuple


class EntryScripts(NamedTuple):
    """Their names, each as often as it is there; sorted. Installers rename some of the first kind only."""

    console: tuple[str, ...] = ()
    gui: tuple[str, ...] = ()


def entry_scripts_in(text: str) -> EntryScripts:
    """Those of an `entry_points.txt` (entry points specification: ini, `name = module:function`)."""
    found = dict[str, list[str]](console_scripts=[], gui_scripts=[])
    section = list[str]()
    for line in text.splitlines():
        line = line.strip()
        if line.startswith("["):
            section = found.get(line.strip("[] "), [])
        elif "=" in line and line[0] not in "#;":
            section.append(line.partition("=")[0].strip())
    return EntryScripts(*(tuple(sorted(names)) for names in found.values()))
