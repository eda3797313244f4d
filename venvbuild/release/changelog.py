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

_HEADING = re.compile(r" {0,3}## +(?P<title>.*?)(?: +#+)? *")
_UNDERLINE = re.compile(r" {0,3}-{2,} *")
"""Of a heading of the second level (CommonMark: setext); one dash would be an entry to some."""
_UNRELEASED = re.compile(r"(?i)(?P<open>\[?)unreleased(?P<close>\]?)(?:\(.*\))?(?: *-.*)?")
_VERSION = re.compile(r"\[?v?(?P<version>[0-9][^\s\])(]*)\]?.*")
_KIND = re.compile(r" {0,3}### +(?P<kind>.*?)(?: +#+)? *")
_FENCE = re.compile(r" {0,3}(?P<fence>`{3,}|~{3,})")
# What is indented further is code, or belongs to an entry.
_ENTRY = re.compile(r" {0,3}(?:[-*+]|[0-9]{1,9}[.)])[ \t]+(?P<text>\S.*)")
_EMPTY = re.compile(r" {0,3}(?:[-*+]|[0-9]{1,9}[.)])[ \t]*")
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
# A link's target, a table, a quotation, a line across, another heading: no entry.
_ASIDE = re.compile(r" {0,3}(?:\[[^\]]+\]:|#|>|\||(?:[-*_] *){3,}$)")
_BREAKS = re.compile(r"(?i)\W*(?:breaking|incompatible)\b")
"""How the text of an entry begins that is one; or the title of its kind."""


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
        """(index, title) of each `##`, or of each line that is underlined with dashes; not of those in code."""
        before = (-2, "")
        for index, line in self._outside_code():
            if found := _HEADING.fullmatch(line):
                yield index, found["title"]
            elif _UNDERLINE.fullmatch(line) and before[0] == index - 1 and _is_title(before[1]):
                yield before[0], before[1].strip()
            before = index, line

    def _outside_code(self) -> Iterator[tuple[int, str]]:
        """The lines that readers see as text, without what is hidden in `<!-- ... -->`."""
        fence, is_hidden = "", False
        for index, line in enumerate(self.lines):
            text = line.rstrip("\r\n")
            found = None if is_hidden else _FENCE.match(text)
            if fence:
                if found and found["fence"].startswith(fence) and not text.strip().strip(fence[0]):
                    fence = ""
            elif found:
                fence = found["fence"]
            else:
                seen, was_hidden = text, is_hidden
                seen, is_hidden = _visible(text, is_hidden)
                if seen.strip() or not (was_hidden or is_hidden or seen != text):
                    yield index, seen

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
        found: dict[str, int] = {}
        for kind, _ in self._entries():
            found[kind] = found.get(kind, 0) + 1
        return found

    def _entries(self) -> Iterator[tuple[str, str]]:
        """(kind, first line) of each entry: an item of a list, or a paragraph."""
        span = self._unreleased()
        kind, last, in_entry, inner = "", -1, False, 4
        for index, line in self._outside_code() if span else ():
            if not span or not span[0] < index < span[1] or (index == span[0] + 1 and _UNDERLINE.fullmatch(line)):
                continue
            goes_on, last = in_entry and index == last + 1, index
            if heading := _KIND.fullmatch(line):
                kind, in_entry, inner = heading["kind"], False, 4
            elif item := _ENTRY.fullmatch(line):
                in_entry = True
                if len(line) - len(line.lstrip(" ")) < inner:  # else it is of a list within an entry
                    inner = item.start("text")
                    yield kind, item["text"]
            elif not line.strip() or _EMPTY.fullmatch(line) or _ASIDE.match(line):
                in_entry = False
            elif not goes_on and not line.startswith((" ", "\t")):
                in_entry, inner = True, 4
                yield kind, line

    def entry_count(self) -> int:
        """How many entries are unreleased."""
        return sum(self.entries().values())

    def proposed(self, current: Version) -> Part:
        """What the kinds of entries ask for: removed or incompatible is major, added minor, fixed patch.

        Below 1.0.0 major is minor (SemVer 4: anything may change).
        """
        parts: set[Part] = set()
        for kind, text in self._entries():
            breaks = _BREAKS.match(kind) or _BREAKS.match(text)
            parts.add("major" if breaks else _PROMISED.get(kind.lower(), "minor"))
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
            is_underlined = not _HEADING.fullmatch(title)
            mark = "" if is_underlined else "## "
            heading = f"{mark}[{version}] - {day}" if is_linked else f"{mark}{version} - {day}"
            # The new one as the old one was written, but for what may stand behind it.
            above = title[: found.end()]
            above += f"{end}{lines[index + 1].rstrip()}" if is_underlined else ""
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
        return self.lack()

    def lack(self) -> Problem | None:
        """That nothing is unreleased; None: something is, or nobody keeps it."""
        if self.has_unreleased and not self.entry_count():
            fix = "write what changed for users under `## [Unreleased]`, an entry a line: `- ...`"
            where = shown(str(self.path), 200)
            return Problem("nothing is unreleased: the changelog has no entry", where, fix=fix, rule="CHANGELOG")
        return None

    def require(self, version: Version) -> None:
        """Raise `problem`.

        Raises:
            RequirementsRefused: there is one.
        """
        if problem := self.problem(version):
            raise RequirementsRefused.of([problem])


def _visible(text: str, is_hidden: bool) -> tuple[str, bool]:
    """A line without its comments, and whether one goes on behind it."""
    seen = ""
    while text:
        before, mark, text = text.partition("-->" if is_hidden else "<!--")
        seen += "" if is_hidden else before
        is_hidden = is_hidden != bool(mark)
    return seen, is_hidden


def _is_title(line: str) -> bool:
    """Whether dashes below make a heading of it: no other heading, no item, nothing indented."""
    return bool(line.strip()) and not re.match(r" {4}|\t| {0,3}(?:#|[-*+>] |[0-9]+[.)] )", line)


def _same(text: str, version: Version) -> bool:
    try:
        return Version(text) == version
    except ValueError:
        return False
