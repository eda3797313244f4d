"""Our own questions to a package index: client asks, pages reads the answers, project says which files fit."""

from venvbuild.package_index.client import PackageIndex
from venvbuild.package_index.project import File, Project
