"""Whether what is built may become public: no state of development, and of the commit that its tag is at."""

from __future__ import annotations

from packaging.version import Version

from venvbuild.errors import IntegrityError, RequirementsRefused, UsageError
from venvbuild.release.configuration import Configuration
from venvbuild.release.git import Repository
from venvbuild.release.manifest import FILE, Manifest
from venvbuild.release.project import Project
from venvbuild.text import shown


def require_public(made: Manifest) -> None:
    """Refuse a version that only its maker can tell from another (PEP 440: local ones do not belong on an index).

    Raises:
        RequirementsRefused: it has a `+`.
    """
    if Version(made.version).local:
        raise RequirementsRefused(
            f"{made.version} is no version for an index",
            where=FILE,
            why="what comes after the + says that it was built beside a tag, or with changes",
            fix="`venvbuild release tag VERSION` makes the tag, then `venvbuild release build`",
            rule="LOCAL_VERSION",
        )


def require_released(made: Manifest, project: Project, repository: Repository, configuration: Configuration) -> None:
    """Make sure that what was built is the release that the project is at.

    HEAD may have gone on: what is published is the commit of the tag.

    Raises:
        IntegrityError: it is of another version, or its tag is at another commit. UsageError: there is no tag of it.
        RequirementsRefused: as `require_public`.
    """
    require_public(made)
    where = shown(str(project.folder / "dist" / FILE), 200)
    if not project.scm and project.version != Version(made.version):
        raise IntegrityError(
            f"what is built is {made.version}, and the project is at {project.version}",
            where=where,
            why=f"it was built of {made.commit[:12]}",
            fix=f"`venvbuild release build` builds {project.version}",
            rule="OTHER_VERSION",
        )
    tag = configuration.tag_of(made.version)
    at = repository.tag_at(tag)
    if at is None:
        is_here = repository.head == made.commit
        wish = f" {made.version}" if project.scm else ""
        raise UsageError(
            f"what is built has no tag: {shown(tag)} is not there",
            where=where,
            why=f"it was built of {made.commit[:12]}, HEAD is at {repository.head[:12]}",
            fix=f"`venvbuild release tag{wish}` makes it" + ("" if is_here else ", then `venvbuild release build`"),
            rule="NO_TAG",
        )
    if at != made.commit:
        raise IntegrityError(
            f"what is built is not what {shown(tag)} says",
            where=where,
            why=f"it was built of {made.commit[:12]}, the tag is at {at[:12]}",
            fix=f"`git switch --detach {shown(tag)}`, then `venvbuild release build`; or release another version",
            rule="TAG",
        )
