"""Imports modules of a ZIP, one after the other, in the Python that runs it, and writes down what becomes of each.

Called as `python -I -S -B import_script.py JOB RESULT`. Lines of JOB: `R root`, `L` (load natives first), `O name` (a
package that somebody else will install), `N module path` (a native one and its file), `M module`. A line of
RESULT is the `repr` of a tuple: `("begin", module)` or `("end", module, error, missing, left_out)`. Imports hardly
anything: what is imported already, the ZIP could not have its own of.
"""

from __future__ import annotations

import importlib
import io
import sys


class _LeftOut:
    """Says of what Snowflake installs itself that it is not here, and who was asked for."""

    def __init__(self, names: set[str]) -> None:
        self.names, self.asked = names, ""

    def find_spec(self, name: str, *_: object) -> None:
        known = [one for one in self.names if name == one or name.startswith(one + ".")]
        if known:
            self.asked = known[0]
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


def main(job: str, result: str) -> None:
    """Import the modules of `job`."""
    with open(job, encoding="utf-8") as file:
        lines = [line.rstrip("\n").split(" ", 1) for line in file]
    root = next(rest[0] for kind, *rest in lines if kind == "R")
    left_out = _LeftOut({rest[0] for kind, *rest in lines if kind == "O"})
    sys.path.insert(0, root)
    sys.meta_path.insert(0, left_out)
    natives = dict(rest[0].split(" ", 1) for kind, *rest in lines if kind == "N")
    with open(result, "w", encoding="utf-8") as out:
        if ["L"] in lines:
            importlib.import_module("_venvbuild_native")
            root = sys.path[0]
        modules = [rest[0] for kind, *rest in lines if kind == "M"]
        for name in modules:
            _try(name, root, natives.get(name, ""), left_out, out)
        for name in sorted(set(natives) - set(modules)):
            if name in sys.modules:
                _try(name, root, natives[name], left_out, out)


def _try(name: str, root: str, native: str, left_out: _LeftOut, out: io.TextIOWrapper) -> None:
    left_out.asked = ""
    if root not in sys.path:  # a module before it may have changed that
        sys.path.insert(0, root)
    error = missing = ""
    out.write(f"{('begin', name)!r}\n")
    out.flush()
    try:
        error = _misplaced(importlib.import_module(name), root, native)
    except BaseException as failure:  # noqa: BLE001  # a module may even want to exit
        said = " ".join(str(failure).split())[:500]
        error = type(failure).__name__ + (": " + said if said else "")
        if isinstance(failure, ModuleNotFoundError):
            missing = failure.name or ""
    end = ("end", name, error, missing, left_out.asked if error else "")
    out.write(f"{end!r}\n")
    out.flush()


def _misplaced(module: object, root: str, native: str) -> str:
    """Why it is not the one of the ZIP; empty when it is."""
    origin = getattr(getattr(module, "__spec__", None), "origin", None) or getattr(module, "__file__", None)
    if native:
        return "" if origin == root + "/" + native else f"shadowed: it is {origin or 'a folder'}, not {native}"
    places = [origin] if origin else list(getattr(module, "__path__", None) or [])
    if not places or any(str(place).startswith(root + "/") for place in places):
        return ""
    return f"shadowed: another one comes first, {places[0]}"


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
