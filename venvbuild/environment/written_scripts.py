"""Which scripts an installer writes for entry points, and which files of a wheel it passes over for them.

A wheel of pip's names its scripts after the Python that it was made with; installers call them after the one that it is
installed for, each in its own way.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence

from venvbuild.package_index import EntryScripts

# pip, `get_console_script_specs`: what takes the place of which
_BY_PIP = (
    ("pip", re.compile(r"pip(\d+(\.\d+)?)?"), ("pip", "pip3", "pip{}")),
    ("easy_install", re.compile(r"easy_install(-\d+\.\d+)?"), ("easy_install", "easy_install-{}")),
)
# as uv 0.13 reads a minor version
_OF_A_PYTHON = re.compile(r"pip3\.\+?0*([0-9]{1,3})")
_LAST_MINOR = 255


def written_scripts(asked: EntryScripts, python_version: str, installer: str | None) -> Sequence[str]:
    """Names of the scripts that an installer, as INSTALLER names it, writes for this Python (X.Y) where these are asked
    for; each as often as RECORD then names it.
    """
    console = _by_pip(asked.console, python_version) if installer == "pip" else _by_uv(asked.console, python_version)
    return [*console, *asked.gui]


def passed_over(asked: EntryScripts, python_version: str, installer: str | None) -> Collection[str]:
    """Names of those files of `*.data/scripts` for which it writes a script of its own: pip by what is asked for, uv by
    what it writes.
    """
    return {*asked.console, *asked.gui} if installer == "pip" else {*written_scripts(asked, python_version, installer)}


def _by_pip(console: Iterable[str], python_version: str) -> Iterable[str]:
    found = [*dict.fromkeys(console)]
    for name, replaced, more in _BY_PIP:
        if name in found:
            found = [one for one in found if not replaced.fullmatch(one)]
            found += [one.format(python_version) for one in more]
    return found


def _by_uv(console: Iterable[str], python_version: str) -> Iterable[str]:
    found = [name for name in console if not _is_of_a_python(name)]
    return [*found, *(f"pip{python_version}" for name in found if name == "pip3")]


def _is_of_a_python(name: str) -> bool:
    found = _OF_A_PYTHON.fullmatch(name)
    return found is not None and int(found[1]) <= _LAST_MINOR
