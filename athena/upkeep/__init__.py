"""Keeps rows and index true to the builds: compares, and makes again."""

from athena.upkeep.consistency import find_problems
from athena.upkeep.sync import rows_difference, sync_rows
