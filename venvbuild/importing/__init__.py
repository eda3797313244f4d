"""Builds and archives that others made, copied into a store as builds of ours.

reading, sources -> making -> importing    what there is and what is known of it, a build of each, all of them in turn
"""

from venvbuild.importing.importing import Import, Imported, Known, imported
from venvbuild.importing.making import Making
from venvbuild.importing.sources import open_source
