"""Packages of Debian's and Ubuntu's own Python, which `pip freeze` lists and no package index has."""

from __future__ import annotations

import re

from packaging.utils import canonicalize_name

from venvbuild.requirements.faults import Fault
from venvbuild.text import shown

# The part of it that carries no name on an index, or a name that means something else there.
_NAMES = frozenset({
    "apt-clone", "apt-listchanges", "apt-xapian-index", "aptdaemon", "apturl", "brlapi", "cloud-init",
    "command-not-found", "cupshelpers", "gdebi", "language-selector", "louis", "python-apt",
    "screen-resolution-extra", "software-properties", "ubuntu-advantage-tools", "ubuntu-drivers-common",
    "ubuntu-pro-client", "ubuntu-release-upgrader", "ufw", "unattended-upgrades", "update-manager", "usb-creator",
})  # fmt: skip
# `2.4.0+ubuntu2`, `0.1.36ubuntu1`, `1.1build1`: how Debian's tools write the revision of a package. `+build1` may be
# anybody's local version.
_REVISION = re.compile(
    r"(?i)(?P<public>[0-9](?:[0-9.]*[0-9])?)(?:[+~.-]?(?:ubuntu|debian|dfsg)|\+deb|build)[0-9][0-9a-z.+~-]*"
)


_PYTHON = "the Python of a build is the job's setting"


def python_instead(text: str) -> str:
    """What to do instead of requiring Python; `text` may hold its version."""
    found = re.search(r"3\.\d{1,2}", text)
    return f"delete the line, and build with --python {found[0] if found else 'X.Y'}"


def python_line(text: str) -> Fault | None:
    """The fault of a line that asks for Python itself, as files of conda and poetry do; None for any other."""
    found = re.fullmatch(r"(?i)(?:-\s+)?[\"']?python(?:\s*+[=<>~!^].*|\s++v?[0-9].*)?", text)
    return Fault("SYSTEM_PACKAGE", f"{shown(text)} is no package", _PYTHON, python_instead(text)) if found else None


def system_package(name: str, version: str) -> Fault | None:
    """The fault of a pin that only the system's own Python has; None for any other."""
    canonical, revision = canonicalize_name(name), _REVISION.fullmatch(version)
    # https://bugs.launchpad.net/ubuntu/+source/python-pip/+bug/1635463
    if canonical == "pkg-resources" and version in ("0.0.0", "0.0", "0"):
        why = "Debian's and Ubuntu's pip lists it by mistake; it is a part of setuptools"
        return Fault("SYSTEM_PACKAGE", f"{shown(name)}=={version} is no package", why, "delete the line")
    if canonical == "python":
        return Fault("SYSTEM_PACKAGE", f"{shown(name)}=={version} is no package", _PYTHON, python_instead(version))
    if canonical not in _NAMES and not revision:
        return None
    fix = "delete the line; in a venv, pip freeze lists only what you installed"
    if revision and canonical not in _NAMES:
        fix = f"delete the line, or write {shown(name, 100)}=={revision['public']} if your code imports it"
    what = f"{shown(f'{name}=={version}')} is a package of Debian or Ubuntu"
    return Fault("SYSTEM_PACKAGE", what, "pip freeze lists it for the system's Python; no package index has it", fix)
