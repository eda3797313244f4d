"""The rows of the catalog, one line of JSON per committed build: table, columns; builds without one: unseen; and on
this machine, as DuckDB reads them: cache, day_packages, spare; in one file a day: closed_days.
"""

from typing import TYPE_CHECKING

from athena.rows.columns import Column, columns
from athena.rows.table import (
    BY_HAND,
    Unread,
    expected_row,
    is_day,
    is_row,
    is_well_named,
    last_day,
    list_days,
    newest_days,
    read_row,
    register,
    row,
    row_key,
    version_of,
)
from venvbuild import lazily

if TYPE_CHECKING:
    from athena.rows.cache import RowCache, cache_folder_of
    from athena.rows.closed_days import keep_closed_days
    from athena.rows.day_packages import packages_of, select_of
    from athena.rows.seals import make_way
    from athena.rows.spare import kept, places
    from athena.rows.unseen import unseen_build
else:  # who registers a row needs no DuckDB
    _CACHE = dict.fromkeys(("RowCache", "cache_folder_of"), "cache")
    _CLOSED = {"keep_closed_days": "closed_days"}
    _UNSEEN = {"unseen_build": "unseen"}
    _DAY = dict.fromkeys(("packages_of", "select_of"), "day_packages")
    _SPARE = {**dict.fromkeys(("kept", "places"), "spare"), "make_way": "seals"}
    __getattr__ = lazily.from_modules(__name__, _CACHE | _CLOSED | _DAY | _SPARE | _UNSEEN)
