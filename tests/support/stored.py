"""A store as the tests look at it: which builds are whole, torn or only begun."""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from dataclasses import dataclass, field

from venvbuild.stores import Store, open_store


@dataclass(frozen=True)
class Place:
    """A store and what a process needs to reach it."""

    name: str
    url: str
    env: dict[str, str] = field(default_factory=dict)
    endpoint_url: str | None = None

    def open(self) -> Store:
        """A client of our own, which keeps no answer of an earlier one."""
        return open_store(self.url, endpoint_url=self.endpoint_url)


def builds(store: Store, after: str = "") -> dict[str, set[str]]:
    """The names of the files under each version that comes after `after`."""
    found: dict[str, set[str]] = defaultdict(set)
    for entry in store.list("venv-builds/", f"venv-builds/{after}/~" if after else ""):
        version, _, name = entry.key.removeprefix("venv-builds/").partition("/")
        found[version].add(name)
    return found


def committed(store: Store, after: str = "") -> dict[str, dict[str, object]]:
    """The metadata of every build after `after` that readers can see; each of them is whole, byte for byte."""
    seen = {}
    for version, names in builds(store, after).items():
        if "metadata.json" not in names:
            continue
        metadata = json.loads(store.read(f"venv-builds/{version}/metadata.json").body)
        assert set(metadata["files"]) | {"metadata.json"} == names, version
        for name, promised in metadata["files"].items():
            body = store.read(f"venv-builds/{version}/{name}").body
            found = (hashlib.sha256(body).hexdigest(), len(body))
            assert found == (promised["sha256"], promised["size_bytes"]), (version, name)
        seen[version] = metadata
    return seen


def assert_nothing_torn(store: Store, after: str = "") -> dict[str, dict[str, object]]:
    """Every visible build after `after` is whole, and the catalog has rows only of visible builds; those builds."""
    seen = committed(store, after)
    rows = [entry.key.rpartition("/")[2].removesuffix(".json") for entry in store.list("venv-catalog/builds/")]
    assert {row for row in rows if row > after} <= set(seen)
    return seen
