"""What a folder that takes the place of another one has to have of it: owner, group, mode and ACL."""

from __future__ import annotations

import errno
import os
import stat
import sys
from pathlib import Path

_DEFAULT_ACL = "system.posix_acl_default"
"""What is made in a folder gets it (acl(5))."""
_ACLS = ("system.posix_acl_access", _DEFAULT_ACL)


def inherit(folder: Path, target: Path) -> None:
    """Let what is made in `folder` get the group and the ACL that it would get in `target`."""
    there = target.stat()
    setgid = there.st_mode & stat.S_ISGID
    os.chown(folder, -1, there.st_gid if setgid else os.getegid())
    folder.chmod(0o700 | setgid)
    _set(folder, _DEFAULT_ACL, _attributes(target).get(_DEFAULT_ACL))


def give(folder: Path, target: Path) -> None:
    """Give `folder` what `target` has: owner, group, mode and ACL. Raises OSError: it cannot be given."""
    there = target.stat()
    os.chown(folder, there.st_uid, there.st_gid)
    folder.chmod(stat.S_IMODE(there.st_mode))
    wanted = _attributes(target)
    for name in {*wanted, *_attributes(folder)}:
        _set(folder, name, wanted.get(name))
    # the kernel takes away setgid in silence where the group is not one of ours
    if folder.stat().st_mode != there.st_mode:
        raise PermissionError(errno.EPERM, os.strerror(errno.EPERM), str(folder))


def _set(folder: Path, name: str, value: bytes | None) -> None:
    """Let this extended attribute have this value; None: be absent."""
    if _attributes(folder).get(name) == value:
        return
    if name not in _ACLS:
        raise OSError(errno.ENOTSUP, f"{name} is set", str(folder))
    if value is None:
        os.removexattr(folder, name)
    else:
        os.setxattr(folder, name, value)


def _attributes(folder: Path) -> dict[str, bytes]:
    """The extended attributes that tell who may do what, or that somebody set."""
    if sys.platform != "linux":
        return {}
    try:
        names = os.listxattr(folder)
        of_the_system = ("trusted.", "security.")
        kept = [name for name in names if not name.startswith(of_the_system) or name == "security.selinux"]
        return {name: os.getxattr(folder, name) for name in kept}
    except OSError:  # this file system has none
        return {}
