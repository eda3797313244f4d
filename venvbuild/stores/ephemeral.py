"""Folder stores that go with the run that writes them: in the workspace of Jenkins, or in a container.

A container's own file system is what is mounted at `/`; what is mounted elsewhere comes from outside. By mounts and not
by devices: a folder of the host that is mounted into a container may be on one device with the container itself.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from venvbuild.errors import UsageError
from venvbuild.files import Mount, mountinfo_here, mounts
from venvbuild.settings import Settings, jenkins
from venvbuild.stores.opening import folder_of
from venvbuild.text import shown

_MARKS = ("/.dockerenv", "/run/.containerenv")
"""Files that Docker and Podman put into a container."""
_LAYERED = ("overlay", "fuse.fuse-overlayfs", "aufs")
"""Kinds of file systems in which an image and what was written since are one."""
_MAX_SHOWN = 200


@dataclass(frozen=True)
class Surroundings:
    """What tells whether a folder stays."""

    environ: Mapping[str, str]
    mountinfo: str = ""
    """/proc/self/mountinfo; empty where there is none."""
    marks: tuple[str, ...] = ()
    """The files of `_MARKS` that are there."""

    @classmethod
    def here(cls, environ: Mapping[str, str]) -> Surroundings:
        """Of this process."""
        return cls(environ, mountinfo_here(), tuple(mark for mark in _MARKS if os.path.exists(mark)))

    @property
    def container(self) -> str:
        """By what we see that we are in a container; empty when we are in none, or one that is kept like a machine."""
        root = _mount_of(Path("/"), self.mountinfo)
        if self.marks:
            return f"{self.marks[0]} is there"
        if root and root.kind in _LAYERED:
            return f"/ is of the kind {root.kind}"
        return "KUBERNETES_SERVICE_HOST is set" if self.environ.get("KUBERNETES_SERVICE_HOST") else ""


def refuse_ephemeral(settings: Settings, surroundings: Surroundings) -> None:
    """Refuse the store of the settings in a run of Jenkins that would lose it. Nothing is opened or made.

    Raises:
        UsageError: it is a folder in the workspace, a relative one, or one that goes with this container.
    """
    if not jenkins.is_run(surroundings.environ):
        return
    origin = settings.origins["store"]
    place = f"{shown(settings.store, _MAX_SHOWN)} ({'the default' if origin == 'default' else origin})"
    why = in_workspace(settings.store, surroundings.environ)
    if why:
        fix = f"{_set(origin, 's3://BUCKET/PREFIX')}, or the full path of a folder outside of the workspace"
        raise UsageError("the store would go with the workspace", where=place, why=why, fix=fix, rule="EPHEMERAL")
    why = in_container(settings.store, surroundings)
    if why:
        raise UsageError("the store would go with this container", where=place, why=why,
                         fix=way_out(origin), rule="EPHEMERAL")  # fmt: skip


def way_out(origin: str) -> str:
    """What to do about a store that goes with its container; `origin` is where it was set."""
    return f"{_set(origin, 's3://BUCKET/PREFIX')}, or a folder of a volume that is mounted here and stays"


def in_workspace(store: str, environ: Mapping[str, str]) -> str:
    """Why the store goes with the workspace of a run of Jenkins; empty when it does not."""
    folder, workspace = folder_of(store), environ.get("WORKSPACE")
    if folder is None:
        return ""
    if not store.startswith(("/", "~")) and "://" not in store:
        return "a relative path is meant from the workspace, which is cleaned"
    if workspace and _real(folder).is_relative_to(_real(Path(workspace))):
        return f"it lies in the workspace, {shown(workspace, _MAX_SHOWN)}, which is cleaned"
    return ""


def in_container(store: str, surroundings: Surroundings) -> str:
    """Why the store goes with the container that we are in; empty when it stays, or when we are in none."""
    folder, sign = folder_of(store), surroundings.container
    if folder is None or not sign:
        return ""
    mount = _mount_of(_real(folder), surroundings.mountinfo)
    if mount is None or mount.point == Path("/"):
        return f"it lies on the container's own file system, which is removed with it (a container: {sign})"
    if "/kubernetes.io~empty-dir/" in mount.root:
        return f"{shown(str(mount.point), _MAX_SHOWN)} is an emptyDir, which Kubernetes removes with the pod"
    return ""


def _set(origin: str, value: str) -> str:
    """How to name another store, stronger than where this one was named."""
    return f"give --store {value}" if origin == "--store" else f"set VENVBUILD_STORE={value} (in the job's form: STORE)"


def _real(path: Path) -> Path:
    """Where it really lies, as far as it is there: a link may lead to a volume, or away from one."""
    return Path(os.path.realpath(path))  # Path.resolve raises where links go in a circle


def _mount_of(path: Path, mountinfo: str) -> Mount | None:
    """The mount that holds `path`, which has no link in it; None when none is known."""
    found: Mount | None = None
    for mount in mounts(mountinfo):
        # The deepest; of two at one place the later one, which hides the other.
        if path.is_relative_to(mount.point) and (found is None or mount.point.is_relative_to(found.point)):
            found = mount
    return found
