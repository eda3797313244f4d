"""Builds in a store: what one is, how it is committed, what it is called, and where everything lies.

places      every key of a store, every name of a build's files
lock        requirements.lock, read; archive_index: what readers of the archive rely on
scripted    what scripts made before: metadata.json of nine fields
metadata    metadata.json, judged by its schema beside it; schemas: how a document of a build is judged
evidence    metadata.json, held against the other files of its build
commit      the claim, the frozen files, metadata.json last
ahead       builds of a time to come
aliases     sales@prod, with its history; undoing: a move taken back
names       VERSION, ENV@ALIAS, ENV@latest, ENV@ALIAS~N
"""

from venvbuild.builds import evidence, places, schemas, scripted
from venvbuild.builds.ahead import builds_ahead, last_day, problems_ahead
from venvbuild.builds.aliases import (
    Move,
    alias_problems,
    current_move,
    move_before,
    moves_back,
    promote,
    require_alias,
)
from venvbuild.builds.archive_index import HEADER_BYTES, ArchiveIndex, Fragment, parse_index, placed
from venvbuild.builds.commit import Commit, commit
from venvbuild.builds.evidence import damaged_files, disagreements, misnamed
from venvbuild.builds.lock import read_lock
from venvbuild.builds.metadata import (
    DescribedMetadata,
    Description,
    FileEntry,
    ImportedFrom,
    Metadata,
    RequiresEntry,
    StoredFile,
    no_scripts_build,
    parse,
    read,
    read_any,
    read_file,
    schema,
    stamped,
    validate,
    validate_described,
)
from venvbuild.builds.names import find, latest
from venvbuild.builds.places import archive_name, instant_of, is_venv_version, key
from venvbuild.builds.scripted import FIELDS as SCRIPTED_FIELDS
from venvbuild.builds.scripted import ScriptedBuild, archive_of
from venvbuild.builds.undoing import undo
