"""Environments that somebody else made, packed as they are: recognised (environment), converted, packed."""

from venvbuild.foreign.packing import Repacked, pack
