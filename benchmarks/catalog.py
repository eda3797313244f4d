"""A catalog as a team makes it over the years, generated from a seed: the same builds every time.

About 150 packages a build out of 3,000 names, Zipf-like; kedro in about three builds of four, and beside it kedro-viz
and kedro-datasets; versions with epochs, pre-, post- and development releases, local versions, and some that PEP 440
cannot read.

python -m benchmarks.catalog FOLDER COUNT     writes the rows of COUNT builds into a folder store
"""

from __future__ import annotations

import random
import sys
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import accumulate
from pathlib import Path
from typing import cast

from athena import rows
from venvbuild.builds import Metadata

FIRST_AT = datetime(2025, 7, 1, 6, 0, tzinfo=UTC)
PACKAGES_A_BUILD = 150
_RANKS = {0: "pip", 1: "numpy", 15: "kedro", 30: "kedro-viz", 45: "kedro-datasets", 60: "odd", 2000: "rare"}
NAMES = tuple(_RANKS.get(rank, f"package-{rank:04}") for rank in range(3000))
"""The most used first."""
ODD_VERSIONS = (
    "2004d",
    "0.1dev-r123",
    "1.0-SNAPSHOT",
    "1!2.0",
    "1!1.9rc1",
    "2.0",
    "2.0+cu118",
    "2.0.post1",
    "2.1.dev3",
)
ENVIRONMENTS = tuple(
    f"{team}-{stage}" for team in ("sales", "risk", "web", "data") for stage in ("dev", "test", "prod")
)
PYTHONS = ("3.9.18", "3.10.13", "3.11.7", "3.12.1", "3.13.0")
_SPREAD = 0.9


def builds(count: int, seconds_apart: int = 2617, seed: int = 20250701) -> Iterator[Metadata]:
    """The metadata of so many builds without `files`, the oldest first."""
    chance = random.Random(seed)
    weights = list(accumulate(1 / (rank + 1) ** _SPREAD for rank in range(len(NAMES))))
    versions = {name: _versions(name, chance) for name in NAMES}
    for number in range(count):
        drawn = chance.choices(NAMES, cum_weights=weights, k=PACKAGES_A_BUILD * 3 // 2)
        names = list(dict.fromkeys(["pip", *drawn]))[: PACKAGES_A_BUILD + chance.randrange(-20, 20)]
        installed = sorted(f"{name}=={chance.choice(versions[name])}" for name in names)
        yield _metadata(FIRST_AT + timedelta(seconds=number * seconds_apart), installed, chance)


def _versions(name: str, chance: random.Random) -> Sequence[str]:
    if name == "odd":
        return ODD_VERSIONS
    major = chance.randrange(3)
    found = [f"{major}.{minor}.{patch}" for minor in range(chance.randrange(1, 12)) for patch in range(3)]
    if name == "kedro":
        found = [f"0.{minor}.{patch}" for minor in (17, 18, 19) for patch in range(15)] + ["1.0.0"]
    kinds = ("rc1", "b2", ".post1", ".dev1", "+local.1")
    return [*found, *(f"{chance.choice(found)}{kind}" for kind in kinds)]


def _metadata(created_at: datetime, installed: Sequence[str], chance: random.Random) -> Metadata:
    venv_version = f"venv_{created_at:%Y%m%d_%H%M%S}"
    python = chance.choice(PYTHONS)
    conflicts = [f"a {number} needs b, it's missing" for number in range(chance.choice((0, 0, 0, 0, 0, 0, 0, 1, 3)))]
    folder = f"s3://bucket/venv-builds/{venv_version}"
    without_files = {
        "venv_version": venv_version,
        "created_at": f"{created_at:%Y-%m-%dT%H:%M:%SZ}",
        "python_version": python.rpartition(".")[0],
        "requirements_file": f"{folder}/requirements.txt",
        "pipdeptree_output": f"{folder}/pipdeptree.json",
        "venv_archive": f"{folder}/{venv_version}.tar.gz",
        "is_conflict_free": not conflicts,
        "conflicts": conflicts,
        "installed_packages": list(installed),
        "schema_version": 1,
        "env_name": chance.choice(ENVIRONMENTS),
        "platform": "linux_x86_64",
        "python_full_version": python,
        "installer": "uv 0.13.8",
        "requirements_sha256": f"{chance.getrandbits(256):064x}",
        "archive_sha256": f"{chance.getrandbits(256):064x}",
        "content_sha256": f"{chance.getrandbits(256):064x}",
        "archive_size_bytes": chance.randrange(10_000_000, 300_000_000),
        "package_count": len(installed),
        "reproducible": True,
        "tool_version": "0.1.0",
        "build_url": chance.choice((None, "https://jenkins.example/job/build/1/")),
        "source_revision": None,
        "duration_s": {"check": 0.2, "create": 7.2, "inspect": 0.4, "pack": 2.8, "describe": 0.1},
        "requires": {"abi": f"cp{python.rpartition('.')[0].replace('.', '')}", "glibc": "2.17"},
    }
    return cast(Metadata, without_files)


def write(folder: Path, some: Iterable[Metadata]) -> None:
    """Their rows into a folder store, without the care for power cuts that makes a real store slow."""
    for metadata in some:
        path = folder / rows.row_key(metadata)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(rows.row(metadata))


if __name__ == "__main__":
    write(Path(sys.argv[1]), builds(int(sys.argv[2])))
