"""Reports of `inspect` that somebody changed: people are told less, and nothing breaks."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.outcomes import read, run
from tests.support.tool import Tool
from tests.support.wheels import wheel
from venvbuild.notifiers.message import compose
from venvbuild.reports import write_reports
from venvbuild.run import reported
from venvbuild.run.summary import summary_of

FINDING = {"is_failure": True, "sentence": "a needs b", "fix": "pin b", "type": "missing", "distribution": "a",
           "requirement": "b", "found": "", "chain": ["a 1"]}  # fmt: skip
ENTRY = {"package": {"key": "a"}, "dependencies": [{"key": "b"}]}
OTHERS: list[Any] = [None, True, 3, -1.5, "x", [], {}, [None], [[]], {"a": None}]


def changed(value: Any) -> Iterator[Any]:
    """`value` with something else in each place of it, at any depth, or without what is there."""
    yield from (other for other in OTHERS if type(other) is not type(value))
    if isinstance(value, dict):
        for key in value:
            yield {name: one for name, one in value.items() if name != key}
            yield from ({**value, key: other} for other in changed(value[key]))
    if isinstance(value, list):
        for number, one in enumerate(value):
            yield from ([*value[:number], other, *value[number + 1 :]] for other in changed(one))


@pytest.mark.parametrize(
    ("name", "value", "reader"),
    [
        ("conflicts.json", [FINDING], reported.findings),
        ("pipdeptree.json", [ENTRY, {**ENTRY, "package": {"key": "b"}}], reported.needs),
        ("installed_packages.json", ["a==1", "b==2"], reported.packages),
    ],
)
def test_only_what_inspect_writes_is_believed(tmp_path: Path, name: str, value: Any, reader: Any) -> None:
    def found(one: Any) -> Any:
        (tmp_path / name).write_text(json.dumps(one))
        return reader(tmp_path)

    assert found(value)
    assert not found([])
    some = [one for one in changed(value) if one]
    assert len(some) > 20
    for one in some:
        assert not found(one), one


@pytest.mark.parametrize("body", [b"", b"\xff", b"[NaN]", b"[" * 100_000, b'[{"a":1,"a":2}]', b" " * 16_000_001])
def test_what_is_no_document_is_not_believed(tmp_path: Path, body: bytes) -> None:
    (tmp_path / "conflicts.json").write_bytes(body)
    (tmp_path / "pipdeptree.json").mkdir()
    assert reported.findings(tmp_path) is None
    assert reported.needs(tmp_path) == {}
    assert reported.packages(tmp_path) is None


def test_a_run_is_told_of_whatever_its_reports_hold(tool: Tool) -> None:
    wheel(tool.index.folder, "good", "1.0")
    whole = run(tool, "good==1.0")
    reports = {name: (tool.work / name).read_bytes() for name in
               ("conflicts.json", "pipdeptree.json", "installed_packages.json")}  # fmt: skip
    for name, body in reports.items():
        for other in (b"[{}]", b"[null]", b'{"a": 1}', b"3"):
            (tool.work / name).write_bytes(other)
            found, summary = read(tool.work), summary_of(tool.work)
            assert summary
            assert (summary.conflict_count is None) is (name == "conflicts.json")
            assert (summary.package_count is None) is (name == "installed_packages.json")
            assert {one.name for one in found.packages} == {one.name for one in whole.packages}
            assert compose("failure", found, None).title
            assert (write_reports(found, tool.work) / "index.html").is_file()
        (tool.work / name).write_bytes(body)
