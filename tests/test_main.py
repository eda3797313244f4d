"""What a command imports: a house of more rooms must not cost those who need one of them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.tool import Tool
from tests.support.wheels import wheel
from venvbuild.process import run

SCRIPT = """
import json, sys
before = set(sys.modules)
from venvbuild.main import main
sys.argv = ["venvbuild", *sys.argv[1:]]
sys.stdout, real = sys.stderr, sys.stdout
try:
    main()
finally:
    names = [name for name in set(sys.modules) - before if name.partition(".")[0] not in sys.stdlib_module_names]
    print(json.dumps(sorted(names)), file=real, flush=True)
"""


@pytest.mark.parametrize(
    ("arguments", "others", "ours"),
    [
        pytest.param(["--version"], {"click"}, 9, id="version"),
        pytest.param(["list"], {"click"}, 86, id="list"),
        pytest.param(["find", "kedro"], {"click"}, 86, id="find"),
    ],
)
def test_a_command_imports_no_more_than_it_needs(tool: Tool, arguments: list[str], others: set[str], ours: int) -> None:
    """`ours` is how many modules of ours it took at the last count; none of the redactor's rules for `--version`."""
    Path(tool.store).mkdir()
    done = run([sys.executable, "-c", SCRIPT, *arguments], env=tool.environment(), cwd=tool.folder, timeout_s=60)
    names = json.loads(done.stdout)
    tops = {name.partition(".")[0] for name in names} - {"_duckdb", "mypy_extensions"}
    assert tops - {"venvbuild", "athena"} <= others
    assert len([name for name in names if name.partition(".")[0] in ("venvbuild", "athena")]) <= ours


def test_a_step_that_only_goes_on_loads_nothing_that_reads_requirements_or_makes_environments(tool: Tool) -> None:
    wheel(tool.index.folder, "good", "1.0")
    tool.requirements("good==1.0")
    for step in ("check", "create", "inspect"):
        assert tool.run(step).code == 0
    for step in ("pack", "describe", "upload", "register", "summary"):
        done = run([sys.executable, "-c", SCRIPT, step], env=tool.environment(), cwd=tool.folder, timeout_s=60)
        heavy = {"venvbuild.requirements", "venvbuild.environment", "venvbuild.package_index", "venvbuild.foreign"}
        assert not heavy & set(json.loads(done.stdout))


def test_a_stdout_that_was_closed_is_one_that_nobody_reads() -> None:
    command = ["sh", "-c", 'exec "$@" >&-', "sh", sys.executable, "-m", "venvbuild", "--version"]
    done = subprocess.run(command, stderr=subprocess.PIPE, text=True, check=False)
    assert (done.returncode, done.stderr) == (141, "")
