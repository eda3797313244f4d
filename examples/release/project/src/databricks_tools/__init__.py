"""Tools for Databricks."""

__version__ = "0.2.0"
