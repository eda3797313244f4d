"""Finds environments: the catalog has one row per build, and SQL asks it."""
