"""Where everything is in a store, and what the files of a build are called: the one home of keys and names.

venv-builds/<venv_version>/...                       a build; its metadata.json, written last, commits it
venv-catalog/builds/dt=YYYY-MM-DD/<version>.json     its row
venv-catalog/index/...                               what questions are answered from, made of the rows
venv-catalog/days/YYYY-MM-DD.jsonl.gz                the rows of a day that is over once more, for who has no cache
venv-catalog/envs/<env_name>/<version>               how @latest is found without a query
venv-catalog/aliases/<env_name>/<alias>/<n>.json     where an alias points to; the highest n counts
venv-catalog/snowflake/<version>/<place>.json        which stages of Snowflake got a ZIP of it
"""

from __future__ import annotations

import re
from datetime import UTC, datetime

BUILDS = "venv-builds"
CATALOG = "venv-catalog"
# Not below the builds: Athena reads every object under a table's LOCATION as rows, archives too.
ROWS = "venv-catalog/builds"
INDEX = "venv-catalog/index"
DAYS = "venv-catalog/days"
ENVIRONMENTS = "venv-catalog/envs"
ALIASES = "venv-catalog/aliases"
SNOWFLAKE = "venv-catalog/snowflake"

METADATA = "metadata.json"
CLAIM = "claim.json"
REQUIREMENTS = "requirements.txt"
LOCK = "requirements.lock.txt"
PYLOCK = "pylock.toml"
PYLOCK_GIVEN = "pylock.given.toml"
"""The pylock.toml that was given in place of requirements.txt, byte for byte; its pins are then that file."""
ARCHIVE_INDEX = "archive_index.json"
BUILD_LOG = "build.log"
INSTALLED_PACKAGES = "installed_packages.json"
PACKAGES = "packages.json"
TREE = "pipdeptree.json"
CONFLICTS = "conflicts.json"
REPORTS = (
    INSTALLED_PACKAGES,
    "installed_packages.txt",
    PACKAGES,
    "pipdeptree.dot",
    TREE,
    "pipdeptree.txt",
    "pipdeptree.svg",
    CONFLICTS,
    "conflicts.txt",
)
"""What `inspect` may write; not every build has each."""

_VENV_VERSION = re.compile(r"venv_[0-9]{8}_[0-9]{6}")


def is_venv_version(text: str) -> bool:
    """Whether `text` has the form of a build's version."""
    return _VENV_VERSION.fullmatch(text) is not None


def instant_of(venv_version: str) -> datetime:
    """`venv_20250722_083000` -> 2025-07-22 08:30:00, UTC.

    Raises:
        ValueError: it has not the form of a version, or there is no such instant; or its year is before 1000, which
            `%Y` does not write with four digits everywhere.
    """
    if not is_venv_version(venv_version) or venv_version.startswith("venv_0"):
        raise ValueError(f"{venv_version[:60]!a} is no version")
    return datetime.strptime(venv_version, "venv_%Y%m%d_%H%M%S").replace(tzinfo=UTC)


def key(venv_version: str, name: str) -> str:
    """Where a file of a build is in its store."""
    return f"{BUILDS}/{venv_version}/{name}"


def archive_name(venv_version: str) -> str:
    """The archive's name in the store."""
    return f"{venv_version}.tar.gz"


def store_url(venv_archive: str, venv_version: str) -> str:
    """The URL of the store that has the archive of a build at `venv_archive`."""
    return venv_archive.removesuffix("/" + key(venv_version, archive_name(venv_version)))


def environment_entry(env_name: str, venv_version: str) -> str:
    """Where it is written that an environment has this build."""
    return f"{ENVIRONMENTS}/{env_name}/{venv_version}"
