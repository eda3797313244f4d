"""`export --for run`, as a person does it: from a store to a host that has none of it."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from pathlib import Path

from tests.support import foreign
from tests.support.tool import Tool
from tests.support.wheels import wheel


def said_by(tool: Tool, name: str, *programs: str) -> str:
    """What `app` says in a folder that has the file only, and a PATH of these programs and what is needed."""
    folder = tool.folder / name
    (folder / "tools").mkdir(parents=True)
    shutil.copy(tool.folder / "sales.run", folder)
    for one in ("sh", "tail", "tar", "gzip", "ln", "mv", *programs):
        (folder / "tools" / Path(one).name).symlink_to(str(shutil.which(one)))
    command, env = ["sh", "sales.run", "--", "app"], {"PATH": str(folder / "tools")}
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_build_becomes_one_file_and_what_it_lacks_is_built_as_advised(tool: Tool) -> None:
    python = foreign.interpreter("3.11").path
    wheel(tool.index.folder, "app", "1.0", scripts={"app": "app:main"}, files={"app.py": "def main():\n    print(1)\n"})
    build = tool.build("app==1.0", ENV_NAME="sales", PYTHON_VERSION="3.11")
    assert build.code == 0, build.stderr
    done = tool.run("export", "sales@latest", "--for", "run", "--json")
    assert (done.code, done.json["file"]) == (0, str(tool.folder / "sales.run")), done.stderr
    assert said_by(tool, "a host", str(python.with_name("python3.11"))) == "1\n"

    refused = tool.run("export", "sales@latest", "--for", "run", "--bundle-python", "--force")
    assert refused.code == 11, refused.stderr
    [advice] = re.findall(r"build it so: venvbuild (.*)$", refused.stderr, re.MULTILINE)
    built = tool.run(*shlex.split(advice), PYTHON_VERSION="3.11")
    assert built.code == 0, built.stderr
    again = tool.run("export", "sales@latest", "--for", "run", "--bundle-python", "--force")
    assert again.code == 0, again.stderr
    assert said_by(tool, "another host") == "1\n"

    other = tool.run("export", "sales@latest", "--for", "spark", "--bundle-python")
    assert (other.code, "leave it out here" in other.stderr) == (2, True)
    assert tool.run("export", "sales@latest", "--for", "spark").code == 0
