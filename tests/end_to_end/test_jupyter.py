"""`get --kernel`, by Jupyter's own client: the kernel starts, and what it prints comes from the environment."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.support import downloads, real_pip, versions
from tests.support.tool import Tool
from tests.support.wheels import wheel

PYTHON = f"{sys.version_info[0]}.{sys.version_info[1]}"
CODE = "import json, os, shutil, sys, app; print(json.dumps([sys.prefix, app.x, shutil.which('pip'), sys.path]))"
# Of a Python and a folder of their own, as a Jupyter that is installed elsewhere.
CLIENT = """
import json, sys
sys.path.insert(0, sys.argv[1])
from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import start_new_kernel
found = KernelSpecManager().find_kernel_specs()
manager, client = start_new_kernel(kernel_name=sys.argv[2], startup_timeout=120)
said = []
def hook(message):
    if message["msg_type"] == "stream" and message["content"]["name"] == "stdout":
        said.append(message["content"]["text"])
    if message["msg_type"] == "error":
        said.append(message["content"]["ename"])
try:
    client.execute_interactive(sys.argv[3], timeout=120, output_hook=hook)
finally:
    client.stop_channels()
    manager.shutdown_kernel(now=True)
print(json.dumps([found, "".join(said)]))
"""


@pytest.fixture
def client(tmp_path: Path) -> Path:
    """A folder with jupyter_client in it."""
    folder, flags = tmp_path / "jupyter", ["--quiet", "--no-index", "--no-compile", "--disable-pip-version-check"]
    wheels = ["--find-links", str(downloads.ipykernel()), "--target", str(folder), "jupyter_client"]
    subprocess.run([sys.executable, "-m", "pip", "install", *flags, *wheels], check=True)
    return folder


def run_kernel(client: Path, name: str, python: str | Path = sys.executable, **env: str) -> tuple[dict[str, str], Any]:
    """What Jupyter finds, and what the kernel answered."""
    seen = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")}
    done = subprocess.run(
        [python, "-I", "-c", CLIENT, client, name, CODE],
        env={**seen, **env},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    found, said = json.loads(done.stdout)
    return found, json.loads(said)


@pytest.mark.slow
def test_a_kernel_of_a_restored_environment_starts_through_jupyters_own_client(
    tool: Tool, client: Path, tmp_path: Path
) -> None:
    for one in downloads.ipykernel().glob("*.whl"):
        shutil.copy(one, tool.index.folder)
    real_pip.put_into(tool.index.folder, PYTHON)
    wheel(tool.index.folder, "app", "1.0", files={"app.py": "x = 'of the environment'\n"})
    build = tool.build(f"ipykernel=={versions.IPYKERNEL}", "app==1.0", PYTHON_VERSION=PYTHON)
    assert build.code == 0, build.stderr
    data = {"JUPYTER_DATA_DIR": str(tmp_path / "data")}
    done = tool.run("get", build.json["venv_version"], "a venv", "--kernel", "Sales", "--json", **data)
    assert done.code == 0, done.stderr
    assert done.json["kernel"] == str(tmp_path / "data/kernels/sales/kernel.json")
    target = tool.folder / "a venv"
    # another environment is activated where Jupyter is started, and has an `app` of its own
    other = tmp_path / "other" / "lib" / f"python{PYTHON}" / "site-packages"
    other.mkdir(parents=True)
    (other / "app.py").write_text("x = 'of another one'\n")
    found, said = run_kernel(client, "sales", VIRTUAL_ENV=str(tmp_path / "other"), **data)
    assert found["sales"] == str(tmp_path / "data/kernels/sales")
    assert said[:3] == [str(target), "of the environment", str(target / "bin/pip")]
    assert [path for path in said[3] if path.startswith((str(client), str(tmp_path / "other")))] == []
    # the kernel that is in the environment, by the Jupyter that is in it
    found, said = run_kernel(client / "none", "python3", target / "bin/python", **data)
    assert (found["python3"], said[:2]) == (
        str(target / "share/jupyter/kernels/python3"),
        [str(target), "of the environment"],
    )
