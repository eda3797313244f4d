"""Runs a workflow of GitHub by act on this machine: no Docker, no network, and a git repository on disk for GitHub's.

Real are the workflow, its expressions, its guards, its shell lines, git and the order of jobs. Not real:
- GitHub's judgement of triggers: act starts what it is told to. What starts it is read from its text.
- the actions: each is replaced by one of `_ACTIONS`, which does by git, or by a copy, what its documentation says.
- `gh`: a program that answers as `gh release view` and `create` do, and writes down what it was asked.
- permissions of tokens, and machines: all jobs share this one.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from tests.support import downloads
from tests.support.requirement import require

PYTHONS = Path(sys.executable).parent

# With an explicit `ref` checkout fetches that and nothing else; what is fetched stays a tag object.
_CHECKOUT = """\
test "$DEPTH" = 1
test "$PERSISTS" = false
git init -q .
git fetch -q --no-tags --depth=1 "file://$AT_REMOTE" "+$REF:$REF"
git checkout -q --detach "$REF"
"""
_ACTIONS: Mapping[str, tuple[Mapping[str, str], str]] = {
    "actions/checkout": (
        {"REF": "ref", "DEPTH": "fetch-depth", "PERSISTS": "persist-credentials"},
        _CHECKOUT,
    ),
    "actions/setup-python": ({"WANTED": "python-version"}, 'echo "$AT_PYTHONS" >>"$GITHUB_PATH"\n'),
    "actions/upload-artifact": (
        {"NAME": "name", "WANTED": "path", "MISSING": "if-no-files-found", "OVERWRITE": "overwrite"},
        'test "$MISSING" = error\ntest "$OVERWRITE" = true\nmkdir -p "$AT_ARTIFACTS/$NAME"\n'
        'for file in $WANTED; do cp "$file" "$AT_ARTIFACTS/$NAME/"; done\n',
    ),
    "actions/download-artifact": (
        {"NAME": "name", "PLACE": "path"},
        'mkdir -p "$PLACE"\ncp "$AT_ARTIFACTS/$NAME"/* "$PLACE/"\n',
    ),
}
"""Action -> variable -> input, and what it does."""

_GH = """\
#!{python}
import json, os, pathlib, sys
log = pathlib.Path({log!r})
notes = sys.argv[sys.argv.index("--notes-file") + 1] if "--notes-file" in sys.argv else None
files = [word for word in sys.argv[1:] if word.startswith("dist/")]
told = {{
    "arguments": sys.argv[1:],
    "notes": notes and pathlib.Path(notes).read_text(),
    "files": {{name: pathlib.Path(name).read_text(errors="replace") for name in files}},
    "environment": dict(os.environ),
}}
before = json.loads(log.read_text()) if log.exists() else []
log.write_text(json.dumps([*before, told]))
if sys.argv[1:3] == ["release", "view"]:
    if any(one["arguments"][:3] == ["release", "create", sys.argv[3]] for one in before):
        print("false")
    else:
        sys.exit("release not found")
"""


@dataclass
class Ended:
    """What became of a run."""

    code: int
    log: str
    jobs: dict[str, list[str]] = field(default_factory=dict)
    """Job that ran -> the steps that did, as act's log names them, in order."""
    asked: list[dict[str, Any]] = field(default_factory=list)
    """Each call of `gh`: `arguments`, `notes`, `files` with their text, `environment`."""


@dataclass
class Runner:
    """A workflow, and where it runs."""

    workflow: Path
    """Relative to the repository of the project."""
    folder: Path
    """Its own: stubs, artifacts, homes."""
    remote: Path
    """The bare repository that stands for GitHub's."""
    project: Path
    """A checkout from which act reads the workflow; no step sees it."""
    variables: dict[str, str] = field(default_factory=dict)
    secrets: dict[str, str] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=dict)
    """Of each step, beside the workflow's own."""
    pythons: Path = PYTHONS
    """The folder of the Python that setup-python gives."""

    def run(self, event: str, ref: str, **inputs: str) -> Ended:
        """A run for `push` or `workflow_dispatch`, of `refs/tags/v1.0.0` or another, to its end."""
        told = self.folder / "event.json"
        told.write_text(json.dumps({"ref": ref, "inputs": inputs} if inputs else {"ref": ref}))
        home = self.folder / "home"
        home.mkdir(exist_ok=True)
        command = [
            str(downloads.act()), event, "--eventpath", str(told), "--workflows", str(self.workflow),
            "--platform", "ubuntu-24.04=-self-hosted", "--json", "--no-skip-checkout",
            "--action-offline-mode", "--no-cache-server", *self._stubs(), *self._given(),
        ]  # fmt: skip
        environment = {
            "HOME": str(home),
            "XDG_CACHE_HOME": str(home / "cache"),
            "PATH": os.pathsep.join([str(self._programs()), os.environ["PATH"]]),
        }
        ran = subprocess.run(
            command, cwd=self.project, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, timeout=300, check=False,
        )  # fmt: skip
        ended = Ended(ran.returncode, ran.stdout)
        for line in ran.stdout.splitlines():
            said = json.loads(line) if line.startswith("{") else {}
            # a step of an action has an id of two parts
            if said.get("stepResult") == "success" and said.get("stage") == "Main" and len(said["stepID"]) == 1:
                ended.jobs.setdefault(said["jobID"], []).append(said["step"])
        calls = self.folder / "gh.json"
        ended.asked = json.loads(calls.read_text()) if calls.exists() else []
        return ended

    def _given(self) -> list[str]:
        variables = [word for name, value in self.variables.items() for word in ("--var", f"{name}={value}")]
        environment = [word for name, value in self.environment.items() for word in ("--env", f"{name}={value}")]
        file = self.folder / "secrets"  # each step would see them if they were in act's environment
        file.write_text("".join(f"{name}={value}\n" for name, value in self.secrets.items()))
        return [*variables, *environment, "--secret-file", str(file)]

    def _stubs(self) -> list[str]:
        """Composite actions that stand for those of the workflow, and the words that tell act where they are."""
        places = {
            "AT_REMOTE": str(self.remote),
            "AT_PYTHONS": str(self.pythons),
            "AT_ARTIFACTS": str(self.folder / "artifacts"),
        }
        words = []
        for uses in sorted(set(uses_of(yaml.safe_load((self.project / self.workflow).read_text("utf-8"))))):
            name = uses.partition("@")[0]
            variables, script = _ACTIONS[name]
            environment = {variable: f"${{{{ inputs.{given} }}}}" for variable, given in variables.items()}
            step = {"shell": "bash", "run": script, "env": {**places, **environment}}
            action = {
                "name": name,
                "description": name,
                "inputs": {given: {"description": given} for given in variables.values()},
                "runs": {"using": "composite", "steps": [step]},
            }
            folder = self.folder / "actions" / name
            folder.mkdir(parents=True, exist_ok=True)
            (folder / "action.yml").write_text(yaml.safe_dump(action))
            words += ["--local-repository", f"{uses}={folder}"]
        return words

    def _programs(self) -> Path:
        folder = self.folder / "programs"
        folder.mkdir(exist_ok=True)
        (folder / "gh").write_text(_GH.format(python=sys.executable, log=str(self.folder / "gh.json")))
        (folder / "gh").chmod(0o755)
        return folder


def uses_of(workflow: Mapping[str, Any]) -> list[str]:
    """The actions of all steps, with their versions."""
    return [step["uses"] for job in workflow["jobs"].values() for step in job["steps"] if "uses" in step]


def triggers_of(workflow: Mapping[Any, Any]) -> Any:
    """What stands below `on`, which YAML 1.1 reads as true."""
    return workflow["on"] if "on" in workflow else workflow[True]


def require_programs() -> None:
    """Skip where a program is missing that a run needs."""
    for name in ("git", "bash", "jq"):
        require(shutil.which(name), f"{name} is not installed")
