"""An environment on disk, read and never run: its distributions, their RECORDs and scripts, where things lie, and how
each file looked when the installer had ended (manifest).
"""

from venvbuild.installed.distributions import (
    Damage,
    Distribution,
    distributions_in,
    distributions_of,
    installer_of,
    owners,
)
from venvbuild.installed.manifest import MANIFEST, Look, Manifest, Seen
from venvbuild.installed.record import RecordRow, corrected, is_of_the_wheel, promise_of, promised_digest
from venvbuild.installed.scripts import (
    SCRIPTS,
    RelocatedScripts,
    behind_header,
    relocated_scripts,
    script_of,
    started_scripts,
)
from venvbuild.installed.venv_layout import (
    ENVIRONMENT_LEFTOVERS,
    INSTALL_RECORDS,
    configuration_of,
    full_version_in,
    is_python_link,
    neutral,
    site_packages,
    site_packages_folders,
)
