"""Environments that somebody else made: recognised (environment), converted on the way into an archive (packing) or
where they are (relocation), with our activation scripts (activation).
"""

from venvbuild.foreign.environment import ForeignEnvironment, recognised
from venvbuild.foreign.packing import Repacked, Wanted, pack, packed
from venvbuild.foreign.relocation import relocate
