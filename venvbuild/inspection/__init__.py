"""What is in an environment and what is wrong with it, read from its files.

dependencies -> conflicts -> findings    what counts on the target, what is not met, in sentences
tree, reports                            pipdeptree and Graphviz; the files that people and programs read
"""

from venvbuild.inspection.conflicts import find_conflicts
from venvbuild.inspection.dependencies import Root
from venvbuild.inspection.findings import Finding
from venvbuild.inspection.reports import Inspection, inspect
