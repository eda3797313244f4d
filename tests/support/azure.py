"""Runs the steps of an Azure pipeline, as far as ours need it: bash steps, conditions, variables, and what they log.

What an agent does, by Azure's documentation ("Define variables", "Expressions", "Logging commands"): `$(NAME)` is
replaced in every text where there is such a variable, and stays where there is none; variables but the secret ones are
in the environment under their names in capitals, others only where `env` maps them;
`##vso[task.setvariable variable=X]` sets one for the steps after it. Tasks and checkouts do nothing here.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

_MACRO = re.compile(r"\$\(([A-Za-z0-9_.]+)\)")
_SET = re.compile(r"^##vso\[task\.setvariable variable=([A-Za-z0-9_.]+)\](.*)$", re.MULTILINE)
_TOKEN = re.compile(r"\s*(?:(?P<name>[A-Za-z]\w*)|'(?P<text>(?:[^']|'')*)'|(?P<sign>[(),\[\]]))")


@dataclass
class Ended:
    """What became of a run."""

    result: str
    """`succeeded` or `failed`."""
    ran: list[str] = field(default_factory=list)
    """The display names of the bash steps that ran."""
    log: str = ""


@dataclass
class Pipeline:
    """A file, and what the agent and the library of variables give it."""

    file: Path
    sources: Path
    variables: dict[str, str] = field(default_factory=dict)
    secrets: dict[str, str] = field(default_factory=dict)
    agent: Mapping[str, str] = field(default_factory=dict)
    """The agent's own environment."""

    def run(self, branch: str) -> Ended:
        """All steps for a push to `refs/heads/main` or another."""
        read = yaml.safe_load(self.file.read_text("utf-8"))
        known = {**read.get("variables", {}), **self.variables, "Build.SourceBranch": branch}
        ended = Ended("succeeded")
        for step in read["steps"]:
            if "bash" in step and self._is_wanted(step, known, ended):
                self._bash(step, known, ended)
        return ended

    def _is_wanted(self, step: Mapping[str, Any], known: Mapping[str, str], ended: Ended) -> bool:
        return evaluate(step.get("condition", "succeeded()"), known, ended.result == "succeeded")

    def _bash(self, step: Mapping[str, Any], known: dict[str, str], ended: Ended) -> None:
        def filled(text: str) -> str:
            return _MACRO.sub(lambda found: {**known, **self.secrets}.get(found[1], found[0]), text)

        public = {re.sub(r"[^A-Za-z0-9]", "_", name).upper(): value for name, value in known.items()}
        mapped = {name: filled(str(value)) for name, value in step.get("env", {}).items()}
        ran = subprocess.run(
            ["bash", "--noprofile", "--norc", "-c", filled(step["bash"])],
            cwd=self.sources / filled(step.get("workingDirectory", ".")),
            env={**self.agent, **public, **mapped},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=600,
            check=False,
        )
        ended.ran.append(step["displayName"])
        ended.log += ran.stdout
        known.update(_SET.findall(ran.stdout))
        if ran.returncode:
            ended.result = "failed"


def judged(file: Path) -> subprocess.CompletedProcess[str]:
    """What the schema that Azure gives its editors finds in it; the exit code is 0 when that is nothing."""
    # it has a pattern that is none by the newer rules of ECMAScript
    options = ["--builtin-schema", "vendor.azure-pipelines", "--data-transform", "azure-pipelines"]
    command = [sys.executable, "-m", "check_jsonschema", *options, "--regex-variant", "nonunicode", str(file)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def evaluate(condition: str, variables: Mapping[str, str], has_succeeded: bool) -> bool:
    """`and(succeeded(), eq(variables['Build.SourceBranch'], 'refs/heads/main'))`; texts are compared without case."""
    tokens = list(_tokens(condition))
    value = _value(tokens, variables, has_succeeded)
    assert not tokens, f"left over: {tokens}"
    return bool(value)


def _tokens(text: str) -> Iterator[tuple[str, str]]:
    at = 0
    while at < len(text.rstrip()):
        found = _TOKEN.match(text, at)
        assert found, f"no condition: {text[at:]}"
        at = found.end()
        yield str(found.lastgroup), found[found.lastgroup or 0]


def _value(tokens: list[tuple[str, str]], variables: Mapping[str, str], has_succeeded: bool) -> str | bool:
    kind, text = tokens.pop(0)
    if kind == "text":
        return text
    opening = tokens.pop(0)[1]
    arguments = []
    while tokens[0][1] not in ")]":
        arguments.append(_value(tokens, variables, has_succeeded))
        if tokens[0][1] == ",":
            tokens.pop(0)
    tokens.pop(0)
    if opening == "[":
        assert text == "variables"
        return variables.get(str(arguments[0]), "")
    functions = {
        "and": lambda: all(arguments),
        "or": lambda: any(arguments),
        "eq": lambda: str(arguments[0]).lower() == str(arguments[1]).lower(),
        "startsWith": lambda: str(arguments[0]).lower().startswith(str(arguments[1]).lower()),
        "succeeded": lambda: has_succeeded,
    }
    return functions[text]()


def environment(**more: str) -> dict[str, str]:
    """An agent's: a PATH, a home, no more."""
    return {"PATH": os.environ["PATH"], "HOME": os.environ["HOME"], **more}
