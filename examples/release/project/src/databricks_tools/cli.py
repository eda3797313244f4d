"""The command `databricks-tools`."""

import argparse

from databricks_tools import __version__


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="databricks-tools", description="Tools for Databricks.")
    parser.add_argument("--version", action="version", version=f"databricks-tools version {__version__}")
    parser.parse_args()
    parser.print_help()
