"""A package of one's own, released: its version, its files, and what was built.

manifest      what was built, by its bytes
"""

from venvbuild.release.manifest import BuiltFile, Manifest
