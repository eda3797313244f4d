"""Builds as the script made them that teams had before this tool: nine fields, a plain archive."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from venvbuild import builds
from venvbuild.builds import places
from venvbuild.stores import Store

DOCUMENT = """{
  "venv_version": "venv_20250722_163000",
  "created_at": "2025-07-22T08:30:00Z",
  "python_version": "3.10",
  "requirements_file": "s3://your-bucket/venv-builds/venv_20250722_163000/requirements.txt",
  "pipdeptree_output": "s3://your-bucket/venv-builds/venv_20250722_163000/pipdeptree.json",
  "venv_archive": "s3://your-bucket/venv-builds/venv_20250722_163000/venv_20250722_163000.tar.gz",
  "is_conflict_free": true,
  "conflicts": [],
  "installed_packages": [
    "kedro==0.18.14",
    "pandas==1.5.3",
    "numpy==1.24.4"
  ]
}
"""
"""The example of the document that told people to write such a script, word for word."""
VERSION = "venv_20250722_163000"


def put_scripted(store: Store, venv_version: str = VERSION, **changes: Any) -> str:
    """The metadata.json of such a build in the store: that of the document, with these fields; its venv_version."""
    text = DOCUMENT.replace(VERSION, venv_version)
    body = json.dumps({**json.loads(text), **changes}, indent=2) if changes else text
    store.put_if_absent(builds.key(venv_version, places.METADATA), body.encode())
    return venv_version


def put_whole(store: Store, venv_version: str = VERSION, archive: bytes = b"x", **changes: Any) -> str:
    """The same with an archive of these bytes beside it, where such a script put it."""
    store.put_if_absent(builds.key(venv_version, places.archive_name(venv_version)), archive)
    return put_scripted(store, venv_version, **changes)


def put_fifty(store: Store) -> list[str]:
    """Fifty such builds of kedro within two weeks of July 2025, the document's among them; their venv_versions.

    Each is named by a clock eight hours before UTC's, and two neighbours say that they were made in the same second.
    """
    names = [put_scripted(store)]
    for number in range(49):
        local = datetime(2025, 7, 10, 16, 30, tzinfo=UTC) + timedelta(hours=5 * number)
        said = local - timedelta(hours=8 + 5 * (number % 2))
        names.append(
            put_scripted(
                store,
                f"{local:venv_%Y%m%d_%H%M%S}",
                created_at=f"{said:%Y-%m-%dT%H:%M:%SZ}",
                installed_packages=[f"kedro==0.18.{number}", "PyYAML==6.0"],
            )
        )
    return sorted(names)
