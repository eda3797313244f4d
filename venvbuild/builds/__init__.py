"""Builds in a store: what one is, how it is committed, what it is called, and where everything lies."""

from venvbuild.builds import places
from venvbuild.builds.aliases import Move, all_moves, current_move, history, promote
from venvbuild.builds.commit import Commit, commit
from venvbuild.builds.metadata import Description, StoredFile, read, read_file, schema, stamped, validate
from venvbuild.builds.names import find, latest
from venvbuild.builds.places import archive_name, is_venv_version, key
