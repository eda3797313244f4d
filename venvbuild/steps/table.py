"""Which function is which step; `pipeline` times it, remembers it, and decides whether it has to run at all."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from venvbuild.steps import check, create, describe, inspect, pack, register, upload
from venvbuild.steps.job import Job, Made

RUNS: Mapping[str, Callable[[Job], Made]] = {
    "check": check.run,
    "create": create.run,
    "inspect": inspect.run,
    "pack": pack.run,
    "describe": describe.run,
    "upload": upload.run,
    "register": register.run,
}
"""In the order of the job."""
ASK_THE_STORE = frozenset({"upload", "register"})
"""The steps that depend on which store is named, beside the steps before them."""
