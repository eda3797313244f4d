"""An environment made: its closure locked, its packages fetched and installed, and why that failed where it did.

package_source               interpreter, installer, index: where packages come from
pinning -> compilation       a pinned file from ranges, before all of it
allowed                       which files the hashes of a pin allow, by what is told or by bytes
sdists -> closure -> venv     built from source where allowed, resolved and locked, installed
installer, overlaps          the door to uv and pip; files that two packages own
uv_cache                     where uv keeps packages, and how they go
witness -> expectation -> fidelity    what the wheels hold, what each file has to be, what differs installed once more
expected_file, recorded      of an expectation, one file; and what RECORD may say
written_scripts               what installers write for entry points
elsewhere                    the same for a Python and platform that is not here, as wheels
alone                        some packages installed by themselves
suggestions                  versions for what a file leaves open
diagnosis, alternatives      what the index says of a pin, and what helps
build_failures               why a source could not be built
contradictions -> lacking, conflicts, tries    what pins need, lack and contradict, and the change that was tried
sizes                        whether files are as large as a lock says
listing -> downloads, pylock     the files of a closure that fit: how much there is to fetch, and as PEP 751 has them
soundness, yanked            releases that can be read, and those that were withdrawn
standing -> ages -> barred   what the index tells of releases, which of them may be built, and what that keeps from it
"""

from venvbuild.environment.ages import Rules, judge_closure, judge_lock, judge_pins, without_refused_files
from venvbuild.environment.barred import refused_needs
from venvbuild.environment.closure import Closure, LockedDistribution, lock
from venvbuild.environment.compilation import Compilation, compile_files
from venvbuild.environment.downloads import much_to_fetch, sizes_of
from venvbuild.environment.elsewhere import Offered, Resolved, resolve_elsewhere
from venvbuild.environment.installer import Installer
from venvbuild.environment.listing import Listing, files_of
from venvbuild.environment.needed import tell_of_misled
from venvbuild.environment.package_source import (
    IndexAccess,
    IndexAddresses,
    PackageSource,
    netrc_file,
    package_index,
    target,
)
from venvbuild.environment.pinning import CompileRequest
from venvbuild.environment.pylock import pylock_of
from venvbuild.environment.sdists import build_sdists
from venvbuild.environment.sizes import refuse_other_size
from venvbuild.environment.soundness import sound_releases
from venvbuild.environment.standing import Standing, Wheel, of_closure, wheels_of
from venvbuild.environment.suggestions import suggested
from venvbuild.environment.uv_cache import UvCache
from venvbuild.environment.venv import Environment, create
from venvbuild.environment.wanted import wanted_by
from venvbuild.package_index import Project  # what IndexAccess.known holds
