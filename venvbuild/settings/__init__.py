"""What the user configured, and where each value came from.

registry      every setting; parameters: Jenkins' three, and names
jenkins       whether it runs us; azure: what it leaves of undefined variables
loading       flag > environment > file > default; installers: what pip and uv are configured with
folders       where configuration, data and cache are
"""

from venvbuild.settings import azure, jenkins, parameters
from venvbuild.settings.folders import Folders
from venvbuild.settings.installers import certificates
from venvbuild.settings.loading import Settings, load
from venvbuild.settings.registry import BY_NAME, PYPI, SETTINGS, Setting, shown
