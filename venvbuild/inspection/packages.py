"""packages.json: one record a distribution, of what is installed and what the index told when it was."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from typing import Any, TypedDict, cast

from venvbuild.inspection.dependencies import Dependency, Root
from venvbuild.installed import Distribution


class PackageEntry(TypedDict):
    """One entry, as `packages.schema.json` has it; what nobody told is None."""

    name: str
    version: str
    wheel: str | None
    sha256: str | None
    size_bytes: int | None
    uploaded_at: str | None
    is_yanked: bool | None
    yanked_reason: str | None
    project_status: str | None
    license_expression: str | None
    classifiers: list[str]
    is_requested: bool
    needed_by: list[str]


_OF_THE_WHEEL = ("wheel", "sha256", "size_bytes", "uploaded_at", "is_yanked", "yanked_reason", "project_status")


def entries(
    distributions: Iterable[Distribution],
    found: Iterable[Dependency],
    roots: Iterable[Root],
    wheels: Mapping[str, Mapping[str, Any]],
    redacted: Callable[[str], str],
) -> list[PackageEntry]:
    """One for each `name==version` of `distributions`, sorted as these are; of two folders with one of them, the first.

    `wheels` says of a canonical name what is known of its wheel, by the fields of an entry.
    """
    needed_by = defaultdict[str, set[str]](set)
    for need in found:
        if need.dependent.canonical_name != need.name:  # an extra that asks for another one of its own
            needed_by[need.name].add(need.dependent.canonical_name)
    requested = {root.canonical_name for root in roots}
    by_pin: dict[str, Distribution] = {}
    for one in distributions:
        if one.pin:
            by_pin.setdefault(one.pin, one)
    # the same few classifiers stand in most of them
    plain = cache(redacted)
    return [
        _entry(pin, one, wheels.get(one.canonical_name, {}), requested, sorted(needed_by[one.canonical_name]), plain)
        for pin, one in sorted(by_pin.items())
    ]


def _entry(
    pin: str,
    one: Distribution,
    wheel: Mapping[str, Any],
    requested: Iterable[str],
    needed_by: list[str],
    redacted: Callable[[str], str],
) -> PackageEntry:
    name, _, version = pin.partition("==")
    told: dict[str, Any] = {field: wheel.get(field) for field in _OF_THE_WHEEL}
    if told["yanked_reason"]:
        told["yanked_reason"] = redacted(told["yanked_reason"])
    own = {
        "license_expression": redacted(one.license_expression) if one.license_expression else None,
        "classifiers": [redacted(classifier) for classifier in one.classifiers],
        "is_requested": name in requested,
        "needed_by": needed_by,
    }
    return cast(PackageEntry, {"name": name, "version": version, **told, **own})
