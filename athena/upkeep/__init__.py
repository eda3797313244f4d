"""Keeps rows and index true to the builds: sync makes them again, consistency and index_check compare; and what this
machine keeps of them small: local_files.
"""

from athena.upkeep import local_files
from athena.upkeep.consistency import find_problems
from athena.upkeep.sync import rows_difference, sync_rows
