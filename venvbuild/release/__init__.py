"""A package of one's own, released: its version, its files, and what was built; published, tried, and taken back.

configuration    what a project's releases are configured with
backends         the kinds of index: both addresses of each, and who we are there; codeartifact: what only AWS tells
manifest         what was built, by its bytes
"""

from venvbuild.release.backends import Credentials, Target, target_of
from venvbuild.release.configuration import Configuration, load
from venvbuild.release.manifest import BuiltFile, Manifest
