"""Keeps rows, entries and index true to the builds: comparison finds what differs, sync makes it again, consistency and
index_check tell; and what this machine keeps of them small: local_files.
"""

from athena.upkeep import local_files
from athena.upkeep.consistency import find_problems
from athena.upkeep.sync import Difference, rows_difference, sync_rows
