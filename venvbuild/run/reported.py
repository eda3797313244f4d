"""The reports of `inspect`, read again by those who tell of a run.

Anybody may have changed them since. One that is not as `inspect` writes it counts as one that is not there: people are
told less, and nothing wrong.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypedDict, TypeVar

from venvbuild.builds import places, schemas

T = TypeVar("T")


class Reported(TypedDict):
    """An entry of conflicts.json, as far as it is told of."""

    is_failure: bool
    sentence: str
    fix: str
    type: str
    distribution: str
    requirement: str
    found: str
    chain: list[str]


def findings(folder: Path) -> list[Reported] | None:
    """What `inspect` found; None when that is not known."""
    return _read(folder / places.CONFLICTS, _findings)


def packages(folder: Path) -> list[str] | None:
    """`name==version` of what is installed; None when that is not known."""
    return _read(folder / places.INSTALLED_PACKAGES, lambda found: [_pin(one) for one in _list(found)])


def needs(folder: Path) -> dict[str, tuple[str, ...]]:
    """By package, what it needs of what is installed; empty when that is not known."""
    return _read(folder / places.TREE, _needs) or {}


def _read(path: Path, of: Callable[[Any], T]) -> T | None:
    try:
        return of(schemas.parsed(path.read_bytes(), half_pairs=True))
    except (OSError, ValueError, TypeError, LookupError):
        return None


def _findings(found: Any) -> list[Reported]:
    return [
        Reported(
            is_failure=_is(bool, one["is_failure"]),
            sentence=_is(str, one["sentence"]),
            fix=_is(str, one["fix"]),
            type=_is(str, one["type"]),
            distribution=_is(str, one["distribution"]),
            requirement=_is(str, one["requirement"]),
            found=_is(str, one["found"]),
            chain=[_is(str, link) for link in _list(one["chain"])],
        )
        for one in _list(found)
    ]


def _needs(found: Any) -> dict[str, tuple[str, ...]]:
    by_name = {
        _is(str, one["package"]["key"]): {_is(str, other["key"]) for other in _list(one["dependencies"])}
        for one in _list(found)
    }
    # pipdeptree lists what is missing too, in the version `?`
    return {name: tuple(sorted(others & by_name.keys())) for name, others in by_name.items()}


def _pin(found: Any) -> str:
    name, _, version = _is(str, found).partition("==")
    if not name or not version:
        raise ValueError("it is no pin")
    return f"{name}=={version}"


def _list(found: Any) -> list[Any]:
    return _is(list, found)


def _is(kind: type[T], found: Any) -> T:
    if not isinstance(found, kind):
        raise TypeError(f"it is no {kind.__name__}")
    return found
