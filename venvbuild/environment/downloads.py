"""How much a closure has to fetch, told before it is fetched where it is much."""

from __future__ import annotations

import tempfile
import tomllib
from pathlib import Path

from venvbuild.environment.closure import Closure
from venvbuild.environment.package_source import PackageSource
from venvbuild.process import CommandFailed

_MUCH_BYTES = 1_000_000_000
_NAMED = 5
_WORTH_NAMING_BYTES = 50_000_000


def sizes_of(closure: Closure, source: PackageSource) -> dict[str, int]:
    """Bytes of each wheel of the closure, by name, as far as the index told while it was resolved.

    Asked of nobody: uv has it in its cache. An index that gives no sizes (PEP 503) leaves them out.
    """
    with tempfile.TemporaryDirectory(prefix=".sizes-", dir=source.scratch) as folder:
        lock, table = Path(folder, "lock.txt"), Path(folder, "pylock.toml")
        lock.write_text(closure.text(), "utf-8")
        try:
            source.installer.list_files(lock, table, source.interpreter, find_links=source.wheels)
            packages = tomllib.loads(table.read_text("utf-8")).get("packages", [])
        except (CommandFailed, OSError, ValueError):  # a note is worth no failure
            return {}
    files = {package["name"]: package.get("wheels", []) for package in packages}
    return {name: wheels[0]["size"] for name, wheels in files.items() if wheels and "size" in wheels[0]}


def much_to_fetch(closure: Closure, sizes: dict[str, int]) -> str:
    """`up to 3.1 GB are fetched, 2.7 GB of them ...`; empty up to a GB."""
    total = sum(sizes.values())
    if total <= _MUCH_BYTES:
        return ""
    open_ones = sorted((-sizes[name], name) for name in closure.not_pinned if name in sizes)
    of_nobody = -sum(size for size, _ in open_ones)
    said = f"up to {_gb(total)} are fetched"
    if of_nobody < _WORTH_NAMING_BYTES:
        return f"{said}, nearly all of it pinned by you"
    named = ", ".join(f"{name} ({_gb(-size)})" for size, name in open_ones[:_NAMED] if -size >= _WORTH_NAMING_BYTES)
    return f"{said}, {_gb(of_nobody)} of it for packages that you did not pin" + (f": {named}" if named else "")


def _gb(size_bytes: int) -> str:
    return f"{size_bytes / 1e9:.1f} GB"
