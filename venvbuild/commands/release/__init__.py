"""`venvbuild release`: a package of one's own, released."""

from __future__ import annotations

import click

from venvbuild.commands.release.build import command as build_command
from venvbuild.commands.release.bump import command as bump_command
from venvbuild.commands.release.check import command as check_command
from venvbuild.commands.release.plan import command as plan_command
from venvbuild.commands.release.publish import command as publish_command
from venvbuild.commands.release.rollback import command as rollback_command
from venvbuild.commands.release.run import command as run_command
from venvbuild.commands.release.status import command as status_command
from venvbuild.commands.release.tag import command as tag_command
from venvbuild.commands.release.verify import command as verify_command


@click.group("release", short_help="A package of one's own: version, build, check, publish, all of it, undone.")
def command() -> None:
    """Release a package of one's own: its version, its files, checked before anybody gets them, and published once.

    In the folder of a pyproject.toml or setup.cfg, which is in a git repository.
    """


for one in (
    status_command,
    plan_command,
    bump_command,
    build_command,
    check_command,
    tag_command,
    publish_command,
    verify_command,
    run_command,
    rollback_command,
):
    command.add_command(one)
