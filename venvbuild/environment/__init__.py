"""An environment made: its closure locked, its packages fetched and installed, and why that failed where it did."""

from venvbuild.environment.closure import Closure, LockedDistribution, lock, read_lock
from venvbuild.environment.diagnosis import newest_versions
from venvbuild.environment.installer import Installer
from venvbuild.environment.package_source import IndexAddresses, PackageSource, package_index
from venvbuild.environment.sdists import build_sdists
from venvbuild.environment.venv import Environment, create
