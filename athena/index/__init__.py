"""What questions are answered from: Parquet made of the rows (segments), which of it counts (current), what of it is on
this machine (cache), how it is kept up to date (compaction), and what others may read of it (files).
"""

from typing import TYPE_CHECKING

from athena.index.current import (
    CURRENT,
    REBUILD,
    TURN,
    VIEWS,
    Index,
    IndexFile,
    Segment,
    build_no,
    build_no_of_day,
    day_of,
    end_build_no,
    read,
)
from venvbuild import lazily

if TYPE_CHECKING:
    from athena.index.cache import IndexCache, read_index_file
    from athena.index.compaction import Compacted, Compactor, last_day_covered_before
    from athena.index.files import TableFiles, table_files
    from athena.index.segments import BUILDS, FACTS, PACKAGES
else:  # who asks which days the index covers needs no DuckDB
    _COMPACTION = dict.fromkeys(("Compacted", "Compactor", "last_day_covered_before"), "compaction")
    _SEGMENTS = dict.fromkeys(("BUILDS", "FACTS", "PACKAGES"), "segments")
    _CACHE = dict.fromkeys(("IndexCache", "read_index_file"), "cache")
    _FILES = dict.fromkeys(("TableFiles", "table_files"), "files")
    __getattr__ = lazily.from_modules(__name__, {**_COMPACTION, **_SEGMENTS, **_CACHE, **_FILES})
