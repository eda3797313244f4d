"""Our own questions to a package index.

client asks, pages reads the answers, project says which files fit
hops              an address asked as it stands: its redirects, and who signed a certificate
min_age           how old a file has to be
releases          what it tells of one release, kept for an hour
wheel_contents    what a wheel holds, by its bytes; wheel_cache: each read once
entry_scripts     the scripts that its entry points ask for
"""

from venvbuild.package_index.client import ENDLESS, PackageIndex, netrc_login
from venvbuild.package_index.entry_scripts import EntryScripts, entry_scripts_in
from venvbuild.package_index.hops import Walk, Walker
from venvbuild.package_index.min_age import MinAge
from venvbuild.package_index.project import File, Project, Status
from venvbuild.package_index.releases import Release, ReleaseCache, ReleasedFile
from venvbuild.package_index.wheel_cache import WheelCache
from venvbuild.package_index.wheel_contents import (
    UnreadableWheel,
    WheelContents,
    WheelFile,
    begins_rewritten,
    data_of,
    is_wrapper,
    record_of,
)
