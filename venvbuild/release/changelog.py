"""CHANGELOG.md as Keep a Changelog has it: what is unreleased, and the same as a release. Every other byte stays."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from packaging.version import Version

from venvbuild.errors import Problem, RequirementsRefused, UsageError
from venvbuild.release.version import Part
from venvbuild.text import shown

UNRELEASED = "Unreleased"

_HEADING = re.compile(r"## +(?P<title>.*?)(?: +#+)? *")
_UNRELEASED = re.compile(r"(?i)(?P<open>\[?)unreleased(?P<close>\]?)(?:\(.*\))?(?: *-.*)?")
_VERSION = re.compile(r"\[?v?(?P<version>[0-9][^\s\])(]*)\]?.*")
_KIND = re.compile(r"### +(?P<kind>.*?)(?: +#+)? *")
_FENCE = re.compile(r" {0,3}(?P<fence>`{3,}|~{3,})")
_ENTRY = re.compile(r"[-*+] +\S")
# [Unreleased]: https://example.com/compare/v1.0.0...HEAD
_LINK = re.compile(r"(?i)\[unreleased\]: *(?P<url>\S+?/compare/)(?P<old>\S+?)(?P<dots>\.{2,3})(?P<head>\S+) *")
_PROMISED: dict[str, Part] = {
    "removed": "major",
    "added": "minor",
    "changed": "minor",
    "deprecated": "minor",
    "fixed": "patch",
    "security": "patch",
}
_BREAKS = re.compile(r"(?i)[-*+] +\W*(?:breaking|incompatible)")


@dataclass(frozen=True)
class Changelog:
    """The text of one, by its lines."""

    path: Path
    lines: tuple[str, ...]
    """With their ends."""

    @classmethod
    def read(cls, path: Path) -> Changelog | None:
        """The one at `path`; None where there is none.

        Raises:
            UsageError: it cannot be read.
        """
        where = shown(str(path), 200)
        try:
            text = path.read_bytes().decode("utf-8")
        except FileNotFoundError:
            return None
        except OSError as error:
            raise UsageError(f"the changelog cannot be read: {error.strerror}", where=where, fix="mend it") from error
        except UnicodeDecodeError as error:
            raise UsageError("the changelog is no UTF-8", where=where, why=str(error), fix="save it as UTF-8") from None
        # Not by str.splitlines, which takes a form feed for the end of a line.
        return cls(path, tuple(re.findall(r"[^\r\n]*(?:\r\n|\n|\r)|[^\r\n]+", text)))

    def _headings(self) -> Iterator[tuple[int, str]]:
        """(index, title) of each `##`, not of those in code."""
        for index, line in self._outside_code():
            if found := _HEADING.fullmatch(line):
                yield index, found["title"]

    def _outside_code(self) -> Iterator[tuple[int, str]]:
        fence = ""
        for index, line in enumerate(self.lines):
            text = line.rstrip("\r\n")
            found = _FENCE.match(text)
            if fence:
                if found and found["fence"].startswith(fence) and not text.strip().strip(fence[0]):
                    fence = ""
            elif found:
                fence = found["fence"]
            else:
                yield index, text

    def _unreleased(self) -> tuple[int, int] | None:
        """From the heading of what is unreleased to the next one."""
        headings = list(self._headings())
        for number, (index, title) in enumerate(headings):
            if _UNRELEASED.fullmatch(title):
                return index, headings[number + 1][0] if number + 1 < len(headings) else len(self.lines)
        return None

    @property
    def has_unreleased(self) -> bool:
        """Whether it keeps what is to be released."""
        return self._unreleased() is not None

    @property
    def versions(self) -> tuple[str, ...]:
        """As the headings have them, the newest first."""
        titles = (_VERSION.fullmatch(title) for _, title in self._headings())
        return tuple(found["version"] for found in titles if found)

    def has(self, version: Version) -> bool:
        """Whether there is a heading of this version."""
        return any(_same(text, version) for text in self.versions)

    def entries(self) -> dict[str, int]:
        """How many entries of each kind (`Added`) are unreleased; "" for those under no kind."""
        span = self._unreleased()
        found: dict[str, int] = {}
        kind = ""
        for index, line in self._outside_code() if span else ():
            if span and span[0] < index < span[1]:
                if heading := _KIND.fullmatch(line):
                    kind = heading["kind"]
                elif _ENTRY.match(line) and line.strip("-*+ \t"):
                    found[kind] = found.get(kind, 0) + 1
        return found

    def entry_count(self) -> int:
        """How many entries are unreleased."""
        return sum(self.entries().values())

    def proposed(self, current: Version) -> Part:
        """What the kinds of entries ask for: removed or incompatible is major, added minor, fixed patch.

        Below 1.0.0 major is minor (SemVer 4: anything may change).
        """
        span = self._unreleased()
        parts = {_PROMISED.get(kind.lower(), "minor") for kind in self.entries()}
        if span and any(_BREAKS.match(self.lines[index]) for index in range(*span)):
            parts.add("major")
        if "major" in parts:
            return "major" if current.major else "minor"
        return "minor" if "minor" in parts else "patch"

    def released(self, version: Version, day: date, tag: str) -> str:
        """The text in which what was unreleased is `version`, and a new empty Unreleased stands above.

        Where there is no Unreleased, both headings are put above the newest version, or at the end.
        """
        lines = list(self.lines)
        end = next((match[0] for line in lines if (match := re.search(r"\r\n|\n|\r", line))), "\n")
        span = self._unreleased()
        if span:
            index, title = span[0], lines[span[0]].rstrip("\r\n")
            found = re.search(r"(?i)\[unreleased\]|unreleased", title)
            assert found
            is_linked = found[0].startswith("[")
            heading = f"## [{version}] - {day}" if is_linked else f"## {version} - {day}"
            # The new one as the old one was written, but for what may stand behind it.
            above = title[: found.end()]
            ending = lines[index][len(title) :]
            lines[index] = f"{above}{end}{end}{heading}{ending}"
        else:
            self._insert(lines, version, day, end)
        return "".join(self._linked(lines, str(version), tag, end))

    def with_entry(self, kind: str, entry: str) -> str:
        """The text with one more unreleased entry, above the others and under a heading of its kind."""
        lines = list(self.lines)
        end = next((match[0] for line in lines if (match := re.search(r"\r\n|\n|\r", line))), "\n")
        added = f"{end}### {kind}{end}- {entry}{end}"
        span = self._unreleased()
        if span:
            heading = lines[span[0]]
            lines[span[0]] = (heading if heading.endswith(("\r", "\n")) else heading + end) + added
        else:
            at = next((index for index, title in self._headings() if _VERSION.fullmatch(title)), len(lines))
            lines.insert(at, f"## [{UNRELEASED}]{end}{added}{end}")
        return "".join(lines)

    def _insert(self, lines: list[str], version: Version, day: date, end: str) -> None:
        at = next((index for index, title in self._headings() if _VERSION.fullmatch(title)), len(lines))
        if at == len(lines) and lines:
            lines[-1] = lines[-1] if lines[-1].endswith(("\r", "\n")) else lines[-1] + end
            lines[-1] += end if lines[-1].strip() else ""
        behind = end if at < len(lines) else ""
        lines.insert(at, f"## [{UNRELEASED}]{end}{end}## [{version}] - {day}{end}{behind}")

    @staticmethod
    def _linked(lines: list[str], version: str, tag: str, end: str) -> Iterator[str]:
        """The link of Unreleased begins at the new tag, and that of the new version stands below it."""
        for line in lines:
            text = line.rstrip("\r\n")
            found = _LINK.fullmatch(text)
            if not found:
                yield line
                continue
            yield f"{text[: found.start('old')]}{tag}{text[found.end('old') :]}{line[len(text) :] or end}"
            yield f"[{version}]: {found['url']}{found['old']}{found['dots']}{tag}{line[len(text) :]}"

    def problem(self, version: Version) -> Problem | None:
        """What keeps `version` from being released with this text."""
        where = shown(str(self.path), 200)
        if self.has(version):
            return Problem(
                f"{version} stands in the changelog already",
                where,
                fix=f"take its heading away, or release another version than {version}",
                rule="CHANGELOG",
            )
        if self.has_unreleased and not self.entry_count():
            fix = "write what changed for users under `## [Unreleased]`, an entry a line: `- ...`"
            return Problem("nothing is unreleased: the changelog has no entry", where, fix=fix, rule="CHANGELOG")
        return None

    def require(self, version: Version) -> None:
        """Raise `problem`.

        Raises:
            RequirementsRefused: there is one.
        """
        if problem := self.problem(version):
            raise RequirementsRefused.of([problem])


def _same(text: str, version: Version) -> bool:
    try:
        return Version(text) == version
    except ValueError:
        return False
