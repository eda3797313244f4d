"""Which tests `bin/test --fast` runs: of single parts, which start no server, JVM or browser and kill nothing."""

from __future__ import annotations

import os

import pytest

STARTING = frozenset(
    {
        "moto_server",
        "versitygw_server",
        "trino_server",
        "athena_server",
        "snowflake_server",
        "chromium",
        "groovy",
        "devpi",
        "pypiserver",
        "newer_on_path",
    }
)
"""The fixtures that start a server, a JVM or a browser, or have Pythons made."""
_VALUES = frozenset({"moto", "versitygw", "trino", "athena"})
"""The parameters by which other fixtures ask for one of them."""
_WHOLE = (
    "end_to_end/",
    "jenkins/",
    "test_bin.py",
    "test_extras.py",
    "archive/test_readers.py",
    "exports/test_run_file.py",
    "release/test_doors.py",
    "release/test_pipelines.py",
    "release/test_workflow.py",
    "release/test_building.py",
    "release/test_bumping.py",
    "release/test_checking.py",
    "snowflake/test_azure.py",
    "snowflake/test_doors.py",
    "snowflake/test_making.py",
    "snowflake/test_private_index.py",
    "snowflake/test_way.py",
    "console/test_completion.py",
)
"""Of the whole tool and with other programs; what it consists of is tested elsewhere too. So are tests with `tool`."""
_IS_FAST = "VENVBUILD_TEST_FAST"


def mark(items: list[pytest.Item]) -> None:
    """Give the tests of the tier its marker, `fast`."""
    for item in items:
        if isinstance(item, pytest.Function) and _is_fast(item):
            item.add_marker("fast")


def _is_fast(item: pytest.Function) -> bool:
    values = set(map(str, item.callspec.params.values())) if hasattr(item, "callspec") else set()
    return (
        (STARTING | {"tool"}).isdisjoint(item.fixturenames)
        and _VALUES.isdisjoint(values)
        and not any(item.get_closest_marker(name) for name in ("slow", "network", "xdist_group"))
        and not item.nodeid.removeprefix("tests/").startswith(_WHOLE)
    )


def refuse_in_fast(what: str) -> None:
    """Fail the test that starts `what` although its tier says that it does not."""
    if os.environ.get(_IS_FAST):
        pytest.fail(
            f"a test that is marked fast starts {what}; name its fixture in tests/support/tiers.py", pytrace=False
        )
