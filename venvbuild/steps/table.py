"""How a step is run by its name; `pipeline` times it, remembers it, and decides whether it has to run at all."""

from __future__ import annotations

import importlib
from collections.abc import Mapping

from venvbuild.builds import Metadata
from venvbuild.settings import Settings
from venvbuild.steps.job import Examined, Job, Made, Request
from venvbuild.stores import Store

ASK_THE_STORE = frozenset({"upload", "register"})
"""The steps that depend on which store is named, beside the steps before them."""


def examine(request: Request, settings: Settings, environ: Mapping[str, str]) -> Examined:
    """Judge what was asked for, before the work dir is touched: `check.examine`."""
    from venvbuild.steps import check  # only now, as in `run`

    return check.examine(request, settings, environ)


def registered(store: Store, metadata: Metadata, settings: Settings) -> str:
    """The row of a committed build that no run made, written: `register.registered`."""
    from venvbuild.steps import register

    return register.registered(store, metadata, settings)


def run(step: str, job: Job) -> Made:
    """Do one step of `venvbuild.run.STEPS`, which is the module of its name."""
    # Only now: each is a process of its own in most jobs, and all seven take longer to load than most take to run.
    made: Made = importlib.import_module(f"venvbuild.steps.{step}").run(job)
    return made
