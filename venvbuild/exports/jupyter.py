"""Jupyter: the command that makes a build a kernel; nothing is exported."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from venvbuild.exports.build import Build
from venvbuild.exports.consumer import Makes, Paste
from venvbuild.exports.rules import Finding, Rule, Source, has_libraries, not_checked
from venvbuild.restore import IPYKERNEL, NATIVE_KERNEL, PIN_IPYKERNEL

_PAGE = Source("https://jupyter-client.readthedocs.io/en/stable/kernels.html", "2026-11-29")


def _has_ipykernel(build: Build, _: Path | None) -> Finding:
    version = build.packages.get(IPYKERNEL)
    if version:
        return Finding("met", f"{IPYKERNEL}=={version}")
    return Finding("broken", f"there is no {IPYKERNEL}", fix=PIN_IPYKERNEL)


@dataclass(frozen=True)
class _Jupyter:
    """The command."""

    name: str = "jupyter"
    takes: str = "nothing: it answers with the command that restores a build as a kernel"
    makes: Makes = "answer"
    rules: tuple[Rule, ...] = (
        Rule("packages", f"{IPYKERNEL} is inside", _PAGE, _has_ipykernel),
        not_checked(
            "platform",
            "the machine fits the build",
            "it must be {platform}, and have {glibc} and a Python {python_version}; `get` refuses what does not fit",
            _PAGE,
            inside=Finding("NOT CHECKED", "it must be {platform}, and have {glibc}; `get` refuses what does not fit"),
        ),
        has_libraries("the machines", _PAGE),
    )

    def file_name(self, build: Build) -> str:
        """Of the folder that the command makes."""
        return build.env_name

    def make(self, build: Build, place: Path) -> str:
        """Of an answer it is not called."""
        raise AssertionError(f"nothing is made of {build.venv_version} at {place}")

    def settings(self, build: Build, made: Path | None) -> tuple[Paste, ...]:
        """The command."""
        del made
        name = build.env_name.lower()
        name = f"{name}-venv" if name == NATIVE_KERNEL else name
        return (Paste("a shell", f"{build.command_to_get(f'./{build.env_name}')} --kernel {name}"),)


JUPYTER = _Jupyter()
