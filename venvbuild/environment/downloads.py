"""How much a closure has to fetch, told before it is fetched where it is much."""

from __future__ import annotations

from venvbuild.environment.closure import Closure
from venvbuild.environment.listing import Listing

_MUCH_BYTES = 1_000_000_000
_NAMED = 5
_WORTH_NAMING_BYTES = 50_000_000


def sizes_of(listing: Listing) -> dict[str, int]:
    """Bytes of the wheel of each distribution that is installed, by name; an index that gives no sizes (PEP 503) leaves
    them out.
    """
    sizes = {name: wheels[0].file.size_bytes for name, wheels in listing.wheels.items()}
    return {name: size for name, size in sizes.items() if size is not None}


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
