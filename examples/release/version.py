#!/usr/bin/env python3
"""Gives the project its next version: `version.py minor --tag`, `--message`; `--help` tells the rest.

It lies in scripts/ of the project, starts on any Python from 3.8, and hands over to `venvbuild release bump`.
"""

import os
import shutil
import sys

PROJECT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
PLACES = os.pathsep.join([os.path.dirname(sys.executable), os.environ.get("PATH", os.defpath)])

if __name__ == "__main__":
    tool = shutil.which("venvbuild", path=PLACES)
    if tool is None:
        print(
            "venvbuild is not installed: it is neither beside " + sys.executable + " nor on the PATH\n"
            "  fix: install it into an environment of Python 3.11 or newer, and put its bin folder on the PATH",
            file=sys.stderr,
        )
        sys.exit(2)
    tool = os.path.abspath(tool)
    os.chdir(PROJECT)
    os.execv(tool, [tool, "release", "bump", *sys.argv[1:]])
