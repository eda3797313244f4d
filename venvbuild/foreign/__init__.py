"""Environments that somebody else made, packed as they are."""

from venvbuild.foreign.packing import Repacked, pack
