"""Finds environments: the catalog has one row per build, and SQL asks it.

rows -> index -> engines (duck, tables) -> questions; upkeep keeps rows and index true.
"""
