"""Our own questions to a package index."""

from venvbuild.package_index.client import PackageIndex
from venvbuild.package_index.project import File, Project
