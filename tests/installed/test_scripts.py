"""Scripts that named a place."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from venvbuild.installed import scripts

LONG = "/" + "d" * 130


@pytest.mark.parametrize(
    ("shebang", "venv", "options"),
    [
        ("#!/env/bin/python\n", "/env", ""),
        ("#!/env/bin/python3.13t\n", "/env", ""),
        ("#!/env/bin/python3.11 -sE\n", "/env", "-sE "),
        (f"#!/bin/sh\n'''exec' {LONG}/bin/python \"$0\" \"$@\"\n' '''\n", LONG, ""),
        (f"#!/bin/sh\n'''exec' {LONG}/bin/python -I \"$0\" \"$@\"\n' '''\n", LONG, "-I "),
        ("#!/bin/sh\n'''exec' \"/a b/bin/python\" \"$0\" \"$@\"\n' '''\n", "/a b", ""),
        ("#!/bin/sh\n'''exec' '/a b/bin/python' \"$0\" \"$@\"\n' '''\n", "/a b", ""),
        ("#!/bin/sh\n'''exec' '/it'\"'\"'s/bin/python3' \"$0\" \"$@\"\n' '''\n", "/it's", ""),
    ],
    ids=["plain", "free-threaded", "with an option", "long", "long, with an option", "double quotes", "single quotes",
         "a quote in it"],
)  # fmt: skip
def test_each_form_of_shebang_becomes_the_python_beside_the_script(
    tmp_path: Path, shebang: str, venv: str, options: str
) -> None:
    content = scripts.relocatable((shebang + "import sys; print(sys.argv[1])\n").encode(), ["/other", venv])
    assert content is not None
    script = tmp_path / "script"
    script.write_bytes(content)
    script.chmod(0o755)
    (tmp_path / "python").write_text('#!/bin/sh\necho "beside: $*"\n')
    (tmp_path / "python").chmod(0o755)
    said = subprocess.run([script, "argument"], capture_output=True, text=True, check=True).stdout
    assert said == f"beside: {options}{script} argument\n"


@pytest.mark.parametrize(
    "script",
    ["#!/bin/sh\necho\n", "#!/usr/bin/env python\n", "#!/env/bin/python-config\n", "#!/env/bin/python -E; rm -r /\n",
     "#!/environment/bin/python\n", "#!/env/bin/node\n", "no script",
     "", "#!/bin/sh\n'''exec' 'unclosed \"$0\" \"$@\"\n' '''\n"],
)  # fmt: skip
def test_other_scripts_are_left(script: str) -> None:
    assert scripts.relocatable(script.encode(), ["/env"]) is None


def test_what_was_rewritten_is_left_the_second_time() -> None:
    once = scripts.relocatable(b"#!/env/bin/python\nx\n", ["/env"])
    assert once is not None
    assert scripts.relocatable(once, ["/env"]) is None
