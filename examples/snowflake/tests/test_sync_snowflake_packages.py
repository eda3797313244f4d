"""The door, with a stand-in behind it: no network, no Snowflake, any Python from 3.8."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[1]


class TheDoor(unittest.TestCase):
    def setUp(self):
        self.clone = Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, str(self.clone))
        (self.clone / "examples" / "snowflake").mkdir(parents=True)
        (self.clone / "bin").mkdir()
        self.script = self.clone / "examples" / "snowflake" / "sync_snowflake_packages.py"
        shutil.copy(str(PROJECT / "sync_snowflake_packages.py"), str(self.script))

    def run_it(self, *arguments):
        command = [sys.executable, str(self.script), *arguments]
        return subprocess.run(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False, cwd=str(PROJECT)
        )

    def stand_in(self, text):
        tool = self.clone / "bin" / "sync-snowflake-packages"
        tool.write_text("#!/bin/sh\n" + text)
        tool.chmod(0o755)

    def test_arguments_are_handed_over_as_they_are(self):
        self.stand_in('for word; do printf "%s|" "$word"; done\n')
        odd = ["--stage", "@MY_DB.MY_SCHEMA.PACKAGES_STAGE", "two words", "$HOME", "*", ""]
        self.assertEqual(self.run_it(*odd).stdout, "".join(word + "|" for word in odd))

    def test_the_exit_code_is_that_of_the_tool(self):
        self.stand_in("exit 4\n")
        self.assertEqual(self.run_it().returncode, 4)

    def test_without_the_tool_it_says_what_is_missing(self):
        ended = self.run_it("--stage", "@A.B.C")
        self.assertEqual(ended.returncode, 1)
        self.assertIn(os.path.join("bin", "sync-snowflake-packages") + " cannot be run: No such file", ended.stderr)
        self.assertIn("fix: keep this script in a clone of venvbuild", ended.stderr)


class TheRequirements(unittest.TestCase):
    def test_every_line_is_pinned(self):
        lines = (PROJECT / "requirements.txt").read_text("utf-8").splitlines()
        for line in (line for line in lines if line and not line.startswith("#")):
            self.assertTrue(re.match(r"[a-z0-9-]+==[0-9][0-9.]*$", line), line)


if __name__ == "__main__":
    unittest.main()
