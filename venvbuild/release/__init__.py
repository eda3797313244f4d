"""A package of one's own, released: its version, its files, and what was built; published, tried, and taken back.

configuration                    what a project's releases are configured with
project, places, version         its name, its package, where its version is written, and which comes next
changelog, git, lock             what else a release writes, and that two do not write it at once
preflight -> bumping             what must hold before, and the edit: proved on a copy (checkout), committed
tools, failures                  programs of others, and what they say
building -> manifest             wheel and sdist of a commit, and their bytes
checking, contents, interface    are they fit to be published?
backends                         the kinds of index: both addresses of each, and who we are there; codeartifact: of AWS
index, devpi, refusals           what the index has of a project, and what it means when it refuses or is silent
belonging                        is it what the tag says?
publishing, answers, pypirc      files brought there: sent once, read back
verifying, trying, relay         a version installed from the index alone, upgraded to and back
scratch                          folders for what is secret, and swept after whoever was killed
halfway, standing, running       the whole of it: an edit that was stopped, where a release stands, and the steps
rollback, withdrawing            a release undone while nobody has it; else taken back, as far as its index can
"""

from typing import TYPE_CHECKING

from venvbuild import lazily

if TYPE_CHECKING:
    from venvbuild.release.backends import Credentials, Target, target_of
    from venvbuild.release.belonging import require_released
    from venvbuild.release.building import Source, build
    from venvbuild.release.bumping import Bumped, bump
    from venvbuild.release.changelog import Changelog
    from venvbuild.release.checking import Checked, check_built
    from venvbuild.release.configuration import Configuration, load
    from venvbuild.release.git import Repository
    from venvbuild.release.halfway import require_finished, undo_edit
    from venvbuild.release.index import Found, Index, Listing, Presence
    from venvbuild.release.interface import breaks, is_announced
    from venvbuild.release.lock import held
    from venvbuild.release.manifest import BuiltFile, Manifest, line_of
    from venvbuild.release.preflight import AskedIndex, IndexBefore, Release, pass_preflight
    from venvbuild.release.project import Project
    from venvbuild.release.publishing import Patience, Published, Publisher
    from venvbuild.release.rollback import Plan, Rollback, RolledBack, notice, previous_line
    from venvbuild.release.running import STEPS, Ended, Run, Wishes, tell
    from venvbuild.release.standing import Standing, released_at_head, require_new, require_tag, stands
    from venvbuild.release.tools import Tools
    from venvbuild.release.verifying import Verified, Verifier
    from venvbuild.release.version import PRES, Part, next_version, read_version, wanted_version
    from venvbuild.release.withdrawing import Withdrawal, todo_of, withdraw
else:  # each command needs some of them only, and `status` is to be there at once
    _NAMES = {
        "backends": ("Credentials", "Target", "target_of"),
        "belonging": ("require_released",),
        "building": ("Source", "build"),
        "bumping": ("Bumped", "bump"),
        "changelog": ("Changelog",),
        "checking": ("Checked", "check_built"),
        "configuration": ("Configuration", "load"),
        "git": ("Repository",),
        "halfway": ("require_finished", "undo_edit"),
        "index": ("Found", "Index", "Listing", "Presence"),
        "interface": ("breaks", "is_announced"),
        "lock": ("held",),
        "manifest": ("BuiltFile", "Manifest", "line_of"),
        "preflight": ("AskedIndex", "IndexBefore", "Release", "pass_preflight"),
        "project": ("Project",),
        "publishing": ("Patience", "Published", "Publisher"),
        "rollback": ("Plan", "RolledBack", "Rollback", "notice", "previous_line"),
        "running": ("STEPS", "Ended", "Run", "Wishes", "tell"),
        "standing": ("Standing", "released_at_head", "require_new", "require_tag", "stands"),
        "tools": ("Tools",),
        "verifying": ("Verified", "Verifier"),
        "version": ("PRES", "Part", "next_version", "read_version", "wanted_version"),
        "withdrawing": ("Withdrawal", "todo_of", "withdraw"),
    }
    __getattr__ = lazily.from_modules(__name__, {name: module for module, names in _NAMES.items() for name in names})
