"""summary.md: the run on one screen, for a chat, a merge request or a job's summary."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from venvbuild.reports import words
from venvbuild.run import Complaint, Outcome
from venvbuild.text import count_text, size_text

_MAX_SHOWN = 50


def render(outcome: Outcome) -> str:
    """The file's text."""
    return "\n".join(_lines(outcome)) + "\n"


def _lines(outcome: Outcome) -> Iterator[str]:
    yield f"# {_escaped(outcome.summary.title)}: {_escaped(outcome.verdict)}"
    yield ""
    if outcome.summary.venv_version:
        yield f"- build: `{outcome.summary.venv_version}` in {_escaped(outcome.summary.store or '')}"
    if outcome.packages:
        yield f"- {count_text(len(outcome.packages), 'package')}, {size_text(outcome.size_bytes)} installed"
    if outcome.requirements_file:
        yield f"- requirements: {_escaped(outcome.requirements_file)}"
    if outcome.source_revision:
        yield f"- revision: {_escaped(words.revision(outcome.source_revision))}"
    if outcome.build_url:
        yield f"- job: {_link(outcome.build_url)}"
    yield from _section("Why it stopped", outcome.problems)
    yield from _section("Conflicts", outcome.conflicts)
    yield from _section("Also noticed", outcome.notes)
    largest = sorted(outcome.packages, key=lambda one: (-(one.size_bytes or 0), one.name))[:10]
    if any(one.size_bytes for one in largest):
        yield from ("", "## Largest packages", "", "| package | version | size |", "|---|---|---:|")
        for one in largest:
            yield f"| {_escaped(one.name)} | {_escaped(one.version)} | {size_text(one.size_bytes or 0)} |"


def _section(title: str, complaints: Iterable[Complaint]) -> Iterator[str]:
    complaints = tuple(complaints)
    if not complaints:
        return
    yield from ("", f"## {title}", "")
    for one in complaints[:_MAX_SHOWN]:
        where = f"{_escaped(one.where)}: " if one.where else ""
        yield f"- {where}{_escaped(one.what)}"
        for label, part in (("why", one.why), ("fix", one.fix)):
            if part:
                yield f"  - {label}: {_escaped(part)}"
    if len(complaints) > _MAX_SHOWN:
        yield f"- and {len(complaints) - _MAX_SHOWN} more"


def _escaped(text: str) -> str:
    """`text` as it stands: no mark-up, no HTML, no link to a page."""
    # CommonMark lets any ASCII punctuation be escaped. GitHub makes links of `https://` and `www.` too, wherever they
    # stand in text; of e-mail addresses, whatever is done.
    return re.sub(r"([\\`*_{}\[\]<>()#!|&~@]|:(?=//)|(?i:(?<=www))\.)", r"\\\1", text)


def _link(address: str) -> str:
    """A link to a page; what is no address of one, as text."""
    # all of ASCII but blanks and `<>`, which would end the link (CommonMark, "Autolinks")
    return f"<{address}>" if re.fullmatch(r"https?://[!-;=?-~]+", address) else _escaped(address)
