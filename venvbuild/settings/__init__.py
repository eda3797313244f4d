"""What the user configured, and where each value came from."""

from venvbuild.settings import parameters
from venvbuild.settings.folders import Folders
from venvbuild.settings.installers import certificates
from venvbuild.settings.loading import Settings, load
from venvbuild.settings.registry import BY_NAME, PYPI, SETTINGS, Setting, shown
