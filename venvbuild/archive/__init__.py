"""An environment as one file: an ordinary .tar.gz, seekable, reproducible, relocatable (docs/archive-format.md).

members -> layout -> compression -> gzip_member    what goes in, whose it is, its fragments, one behind the other
leaks, fragment_cache                              what it may not hold, what was packed before
packing, bundled_python, placement                 the whole of it; an interpreter that goes in too; its name and sum
"""

from venvbuild.archive.bundled_python import Bundle, bundle_of, bundled_executable, required_by_bundle
from venvbuild.archive.compression import CODEC, END_OF_TAR, Compressed, compress, compress_plain, cut
from venvbuild.archive.format import (
    ARCHIVE_ROOTS,
    BASE,
    FLAT,
    MAKERS,
    MARKER,
    MAX_DEPTH,
    MAX_MEMBERS,
    MAX_NAME_BYTES,
    ROOT,
    rehome_script,
)
from venvbuild.archive.fragment_cache import FragmentCache, KeptExport
from venvbuild.archive.gzip_member import GZIP_HEADER, GzipMember
from venvbuild.archive.layout import Known
from venvbuild.archive.leaks import Gate
from venvbuild.archive.members import THE_TOP, Member, in_archive
from venvbuild.archive.packing import Archive, PackOptions, pack
from venvbuild.archive.placement import (
    HEAD_BYTES,
    begins_as_ours,
    place,
    refuse_ending,
    refuse_others,
    root_of,
    sum_file,
    sum_line,
)
from venvbuild.archive.workers import Workers, working
