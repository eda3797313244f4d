#!/usr/bin/env python3
"""Brings the packages of requirements.txt to a stage of Snowflake: --stage @DB.SCHEMA.STAGE; --help tells the rest.

Starts on any Python from 3.8 and hands over to bin/sync-snowflake-packages of its repository.
"""

import os
import sys

DOOR = os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", "..", "bin", "sync-snowflake-packages")

if __name__ == "__main__":
    if sys.version_info >= (3, 11):  # the tool can run on this one, whatever the PATH has
        os.environ.setdefault("VENVBUILD_PYTHON", sys.executable)
    try:
        os.execv(DOOR, [DOOR, *sys.argv[1:]])
    except OSError as error:
        sys.exit(
            f"{os.path.normpath(DOOR)} cannot be run: {error.strerror}\n"
            "  fix: keep this script in a clone of venvbuild, on a machine with bash; or run `venvbuild snowflake sync`"
        )
