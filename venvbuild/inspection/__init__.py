"""What is in an environment and what is wrong with it, read from its files."""

from venvbuild.inspection.conflicts import find_conflicts
from venvbuild.inspection.dependencies import Root
from venvbuild.inspection.findings import Finding
from venvbuild.inspection.reports import Inspection, inspect
