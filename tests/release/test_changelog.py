"""What is unreleased becomes a version, and every other byte stays."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from packaging.version import Version

from tests.support.projects import CHANGELOG
from venvbuild.errors import RequirementsRefused, UsageError
from venvbuild.release import Changelog

DAY = date(2026, 11, 28)
NEW = Version("1.1.0")


def of(tmp_path: Path, text: str | bytes) -> Changelog:
    path = tmp_path / "CHANGELOG.md"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    found = Changelog.read(path)
    assert found
    return found


def released(tmp_path: Path, text: str) -> str:
    return of(tmp_path, text).released(NEW, DAY, "v1.1.0")


@pytest.mark.parametrize("end", ["\n", "\r\n"], ids=["LF", "CRLF"])
def test_the_heading_becomes_the_version_with_a_new_one_above_and_links_follow(tmp_path: Path, end: str) -> None:
    text = CHANGELOG.replace("greeting", "Gruß 👩 \x0c").replace("\n", end)
    expected = text.replace(f"## [Unreleased]{end}", f"## [Unreleased]{end}{end}## [1.1.0] - 2026-11-28{end}").replace(
        f"compare/v1.0.0...HEAD{end}",
        f"compare/v1.1.0...HEAD{end}[1.1.0]: https://git.example.com/demo/compare/v1.0.0...v1.1.0{end}",
    )
    assert released(tmp_path, text) == expected
    again = of(tmp_path, expected)
    assert again.versions == ("1.1.0", "1.0.0")
    assert again.entries() == {}


def test_a_heading_without_brackets_keeps_its_form(tmp_path: Path) -> None:
    assert released(tmp_path, "## unreleased\n- a") == "## unreleased\n\n## 1.1.0 - 2026-11-28\n- a"


def test_one_without_unreleased_gets_it_above_the_newest_version(tmp_path: Path) -> None:
    text = "# Changes\n\nText.\n\n## [1.0.0] - 2026-01-02\n- a\n"
    heads = "## [Unreleased]\n\n## [1.1.0] - 2026-11-28\n\n"
    assert released(tmp_path, text) == text.replace("## [1.0.0]", f"{heads}## [1.0.0]")
    assert released(tmp_path, "# Changes") == "# Changes\n\n## [Unreleased]\n\n## [1.1.0] - 2026-11-28\n"
    assert of(tmp_path, text).problem(NEW) is None


def test_what_stands_in_code_is_no_heading_and_no_entry(tmp_path: Path) -> None:
    text = "# C\n```md\n## [Unreleased]\n- a\n```\n## [Unreleased]\n~~~\n- b\n```\n~~~\n- c\n## 1.0.0\n- d\n"
    found = of(tmp_path, text)
    assert found.entries() == {"": 1}
    assert found.released(NEW, DAY, "v1.1.0").count("1.1.0") == 1


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("<!--\n- write here\n-->\n", 0),
        ("<!-- - one -->\n- a <!-- why -->\n", 1),
        ("<!-- ```\n- b\n-->\n- a\n", 1),
        (" - one space\n - two\n", 2),
        ("1. numbered\n2) too\n", 2),
        ("Prose of\ntwo lines.\n\nAnd another.\n", 2),
        ("- a\n  goes on\nlazily\n\n  and on\n    - inner\n- b\n", 2),
        ("- a\n  - of it\n\n  - too\n- b\n1. c\n   - of it\n", 3),
        ("- \n*\n1.\n", 0),
        ("[a]: https://example.com/\n\n---\n\n> said\n", 0),
        ("-\ttab\n", 1),
    ],
)
def test_entries_are_what_readers_see(tmp_path: Path, text: str, count: int) -> None:
    assert of(tmp_path, f"## [Unreleased]\n\n{text}\n## 1.0.0\n- old\n").entry_count() == count


def test_an_underlined_heading_is_one_and_stays_one(tmp_path: Path) -> None:
    text = "Changes\n=======\n\nUnreleased\n----------\n- a\n\n1.0.0 - 2026-01-02\n------\n- old\n\n- x\n---\n"
    found = of(tmp_path, text)
    assert (found.entries(), found.versions) == ({"": 1}, ("1.0.0",))
    heads = "Unreleased\n----------\n\n1.1.0 - 2026-11-28\n----------\n"
    expected = text.replace("Unreleased\n----------\n", heads)
    assert released(tmp_path, text) == expected
    assert of(tmp_path, expected).versions == ("1.1.0", "1.0.0")
    assert of(tmp_path, expected).entries() == {}


def test_nothing_unreleased_and_a_version_that_is_there_are_refused(tmp_path: Path) -> None:
    with pytest.raises(RequirementsRefused, match="no entry") as refused:
        of(tmp_path, "## [Unreleased]\n\n### Added\n- \n\n## [1.0.0]\n- a\n").require(NEW)
    assert "`- ...`" in refused.value.problems[0].fix
    of(tmp_path, "## [Unreleased]\n- Something.\n").require(NEW)
    with pytest.raises(RequirementsRefused, match="already"):
        of(tmp_path, "## [Unreleased]\n- a\n## v1.1.0 - 2026-01-01\n").require(NEW)


@pytest.mark.parametrize(
    ("text", "current", "part"),
    [
        ("### Fixed\n- a\n", "1.0.0", "patch"),
        ("### Security\n- a\n### Fixed\n- b\n", "1.0.0", "patch"),
        ("### Added\n- a\n### Fixed\n- b\n", "1.0.0", "minor"),
        ("- a\n", "1.0.0", "minor"),
        ("### Removed\n- a\n", "1.0.0", "major"),
        ("### Removed\n- a\n", "0.9.0", "minor"),
        ("### Changed\n- **Breaking:** a\n", "1.0.0", "major"),
        ("### Fixed\n- a that was breaking\n", "1.0.0", "patch"),
        ("### Breaking Changes\n- a\n", "1.0.0", "major"),
        ("### ⚠ BREAKING CHANGES\n- a\n", "1.0.0", "major"),
        ("### Breaking Changes\n### Fixed\n- a\n", "1.0.0", "patch"),
        ("### Fixed\n- a\n```\n- Breaking: b\n```\n", "1.0.0", "patch"),
        ("### Fixed\n- a\n<!-- - Breaking: b\n- breaking -->\n", "1.0.0", "patch"),
    ],
)
def test_the_kinds_of_entries_propose_the_part(tmp_path: Path, text: str, current: str, part: str) -> None:
    assert of(tmp_path, f"## [Unreleased]\n{text}").proposed(Version(current)) == part


def test_none_is_none_and_what_is_no_text_is_told(tmp_path: Path) -> None:
    assert Changelog.read(tmp_path / "none.md") is None
    with pytest.raises(UsageError, match="UTF-8"):
        of(tmp_path, b"\xff")
