"""packages.json, warnings and yanked_packages of builds, as users get them."""

from __future__ import annotations

import json
import urllib.request
import zipfile
from datetime import UTC, datetime
from email.parser import HeaderParser
from pathlib import Path
from typing import Any

import pytest

from tests.support.tool import REPOSITORY, Tool
from tests.support.wheels import wheel
from venvbuild.package_index import PackageIndex

JSON = "application/vnd.pypi.simple.v1+json"


def records_of(tool: Tool, version: str) -> dict[str, dict[str, Any]]:
    found = json.loads((tool.stored(version) / "packages.json").read_bytes())
    return {one["name"]: one for one in found}


def test_a_yanked_package_is_in_all_that_tells_of_the_build(tool: Tool) -> None:
    tool.env["VENVBUILD_INDEX_URL"] = tool.index.url("json")
    good = wheel(tool.index.folder, "good", "1.0", requires=["better"])
    wheel(tool.index.folder, "better", "1.0")
    tool.index.yanked[good.name], tool.index.uploaded[good.name] = "it bites", "2026-01-02T03:04:05.678901Z"
    done = tool.run("build", "--json", "-r", tool.requirements("good==1.0"), "--work-dir", tool.folder / "work")
    assert done.code == 0, done.stderr
    version = done.json["venv_version"]
    said = "requirements.txt:1: good==1.0 is yanked; why: it bites"
    assert (done.json["warnings"], done.json["yanked_packages"]) == ([said], ["good==1.0"])
    record = records_of(tool, version)["good"]
    assert (record["uploaded_at"], record["is_yanked"], record["yanked_reason"]) == (
        "2026-01-02T03:04:05Z", True, "it bites",
    )  # fmt: skip
    assert records_of(tool, version)["better"]["needed_by"] == ["good"]
    shown = tool.run("show", version).stdout.splitlines()
    assert f"warning              {said}" in shown
    assert "yanked               good==1.0" in shown
    assert [row["matches"] for row in tool.run("find", "--yanked", "--json").json] == [["good==1.0"]]
    assert tool.run("find", "--yanked", "better", "--json").json == []
    assert tool.run("find", "--json").code == 2
    assert tool.run("verify", version).code == 0
    assert tool.run("report", "--work-dir", tool.folder / "work").code == 0
    report = (tool.folder / "work" / "report" / "summary.md").read_text()
    assert "- requirements.txt:1: good==1.0 is yanked\n  - why: it bites\n" in report


def test_what_is_needed_exactly_and_yanked_is_built_where_a_line_pins_it(tool: Tool) -> None:
    tool.env["VENVBUILD_INDEX_URL"] = tool.index.url("json")
    wheel(tool.index.folder, "needy", "1.0", requires=["bitten==2.0"])
    tool.index.yanked[wheel(tool.index.folder, "bitten", "2.0").name] = "it bites"
    refused = tool.run("build", "-r", tool.requirements("needy==1.0"))
    assert refused.code == 4
    advised = 'or pin bitten==2.0 beside it, which is built where yanked is "warn"'
    assert advised in refused.stderr
    done = tool.run("build", "--json", "-r", tool.requirements("needy==1.0\nbitten==2.0"))
    assert (done.code, done.json["yanked_packages"]) == (0, ["bitten==2.0"])


def test_a_record_that_says_something_else_is_damage(tool: Tool) -> None:
    wheel(tool.index.folder, "good", "1.0")
    build = tool.build("good==1.0").json
    assert (build["warnings"], build["yanked_packages"]) == ([], [])
    metadata = tool.stored(build["venv_version"]) / "metadata.json"
    metadata.write_text(metadata.read_text().replace('"yanked_packages": []', '"yanked_packages": ["good==1.0"]'))
    done = tool.run("verify", build["venv_version"])
    assert done.code == 8
    assert "yanked_packages" in done.stderr


@pytest.mark.slow
def test_every_field_of_150_packages_is_that_of_the_wheel_itself(
    real_tool: Tool, real_index_url: str, tmp_path: Path
) -> None:
    pins = REPOSITORY / "benchmarks" / "requirements-150.txt"
    done = real_tool.run("build", "--json", "-r", pins, "--python", "3.11")
    assert done.code == 0, done.stderr
    records = records_of(real_tool, done.json["venv_version"])
    assert [f"{one['name']}=={one['version']}" for one in records.values()] == done.json["installed_packages"]
    index, needs = PackageIndex(real_index_url), {name: set[str]() for name in records}
    for name, record in records.items():
        told = _entry(real_index_url, name, record["wheel"])
        file = next(one for one in index.project(name).files if one.filename == record["wheel"])  # type: ignore[union-attr]
        assert index.download(file, tmp_path / "wheel") == record["sha256"] == told["hashes"]["sha256"]
        assert record["size_bytes"] == (tmp_path / "wheel").stat().st_size == told["size"]
        uploaded = datetime.fromisoformat(told["upload-time"]).astimezone(UTC)
        assert record["uploaded_at"] == f"{uploaded:%Y-%m-%dT%H:%M:%SZ}"
        assert (record["is_yanked"], record["yanked_reason"]) == (bool(told["yanked"]), told["yanked"] or None)
        assert record["project_status"] == told["status"]
        metadata = _metadata(tmp_path / "wheel")
        assert record["license_expression"] == metadata["License-Expression"]
        assert record["classifiers"] == [str(one) for one in metadata.get_all("Classifier", [])]
        for one in record["needed_by"]:
            needs[one].add(name)
    # who needs it, as pipdeptree says it
    tree = json.loads((real_tool.stored(done.json["venv_version"]) / "pipdeptree.json").read_bytes())
    for node in tree:
        assert {one["key"] for one in node["dependencies"]} & needs.keys() == needs[node["package"]["key"]]
    requested = {line.partition("==")[0] for line in pins.read_text().splitlines() if "==" in line and line[0] != "#"}
    assert {name for name, one in records.items() if one["is_requested"]} == requested


def _entry(index_url: str, name: str, wheel_name: str) -> dict[str, Any]:
    request = urllib.request.Request(f"{index_url}/{name}/", headers={"Accept": JSON})  # of the tests
    with urllib.request.urlopen(request) as reply:
        page = json.load(reply)
    entry: dict[str, Any] = next(one for one in page["files"] if one["filename"] == wheel_name)
    return {**entry, "status": (page.get("project-status") or {}).get("status")}


def _metadata(file: Path) -> Any:
    with zipfile.ZipFile(file) as archive:
        name = next(one for one in archive.namelist() if one.endswith(".dist-info/METADATA") and one.count("/") == 1)
        return HeaderParser().parsestr(archive.read(name).decode())
