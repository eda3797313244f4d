"""What people are told of a run: what, where, why, what changed, what to do, and where to read more. Plain text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from venvbuild.notifiers.changes import Changes
from venvbuild.redaction import REDACTOR
from venvbuild.run import REPORT, Complaint, Outcome
from venvbuild.text import count_text, on_a_line, on_screen, shown

EVENTS = {
    "failure": ("FAILED", "failure"),
    "fixed": ("FIXED", "success"),
    "unstable": ("UNSTABLE", "warning"),
    "aborted": ("ABORTED", "warning"),
    "success": ("SUCCEEDED", "success"),
}
"""Jenkins' word for what became of the job -> how the title begins, and apprise's kind of notification."""
MAX_LENGTH = 3000  # of the body; a block of Slack holds no more
_MAX_LISTED = 10
_MAX_LINES = 20
_MAX_LINE = 300
_MAX_CAUSE = 100
_MAX_FACT = 150
_MAX_URL = 400  # a longer address of a job is left out, for cut it would lead nowhere

_ELSEWHERE = "The environment is built; something else in the job failed: see the console."


@dataclass(frozen=True)
class Message:
    """A notification; redacted."""

    title: str
    """One line."""
    body: str
    """Plain text of at most `MAX_LENGTH` characters."""
    kind: str
    """`failure`, `success` or `warning`."""


def compose(event: str, run: Outcome | None, changes: Changes | None, work_dir: str = "") -> Message:
    """The message about a run, or about one that did not even begin.

    `event` is one of `EVENTS`; `work_dir` is the work dir's path in the workspace of the job, for the link to the
    report.
    """
    word, kind = EVENTS[event]
    if run is None:
        body = "The run ended before venvbuild began: see the console of the job."
        return Message(f"{word} venvbuild", body, kind)
    # Redacted before it is cut: half a secret is told from nothing. The links are never cut off.
    links = on_screen(REDACTOR.redact(_joined([list(_facts(run)), list(_links(run, work_dir))])))
    elsewhere = [_ELSEWHERE] if _is_elsewhere(event, run) else []
    said = on_screen(REDACTOR.redact(_joined([elsewhere, *_said(run, changes)])))
    body = _joined([[_cut(said, MAX_LENGTH - len(links) - 2)] if said else [], [links] if links else []])
    title = f"{word} after {_name(run)} was built" if _is_elsewhere(event, run) else f"{word} {_title(run)}"
    return Message(on_a_line(REDACTOR.redact(title)), _with_log(body, run), kind)


def _joined(paragraphs: Iterable[list[str]]) -> str:
    return "\n\n".join("\n".join(lines) for lines in paragraphs if lines)


def _is_elsewhere(event: str, run: Outcome) -> bool:
    """Whether the job failed and the run did not."""
    # a team's own stages may come after it
    return event == "failure" and not run.is_failed


def _name(run: Outcome) -> str:
    summary = run.summary
    return f"{summary.env_name} (py{summary.python_version})" if summary.env_name else "a refused run"


def _title(run: Outcome) -> str:
    """`sales (py3.11) at create: 2 conflicts`."""
    cause = ""
    if run.conflicts:
        cause = count_text(len(run.conflicts), "conflict")
    elif run.problems:
        cause = shown(run.problems[0].what, _MAX_CAUSE)
    elif not run.is_failed:
        cause = run.verdict
    return _name(run) + (f" at {run.summary.stopped_at}" if run.is_failed else "") + (f": {cause}" if cause else "")


def _said(run: Outcome, changes: Changes | None) -> Iterator[list[str]]:
    yield list(_listed(run.problems))
    yield list(_listed(run.conflicts))
    yield [f"exit code {run.exit_code}, at the step {run.summary.stopped_at}"] if run.exit_code else []
    yield list(_changed(changes))


def _listed(complaints: tuple[Complaint, ...]) -> Iterator[str]:
    for one in complaints[:_MAX_LISTED]:
        place = f"{one.where}: " if one.where else ""
        yield _cut(place + one.what, _MAX_LINE)
        for label, part in (("why", one.why), ("fix", one.fix)):
            if part:
                yield _cut(f"  {label}: {part}", _MAX_LINE)
    yield from _more(len(complaints))


def _changed(changes: Changes | None) -> Iterator[str]:
    if changes is None:
        return
    if changes.unknown:
        since = f", {changes.since}," if changes.since else ""
        yield f"What changed since the last good build{since} cannot be told:"
        yield _cut(f"  {on_a_line(changes.unknown)}", _MAX_LINE)
        return
    if not changes.lines:
        yield f"No pin changed since the last good build, {changes.since}."
        return
    yield f"Changed since the last good build, {changes.since}:"
    yield from (_cut(f"  {line}", _MAX_CAUSE) for line in changes.lines[:_MAX_LISTED])
    yield from _more(len(changes.lines))


def _more(count: int) -> Iterable[str]:
    return [f"  and {count - _MAX_LISTED} more"] if count > _MAX_LISTED else []


def _facts(run: Outcome) -> Iterator[str]:
    for name, value in (
        ("build", run.summary.venv_version),
        ("store", run.summary.store),
        ("packages", str(len(run.packages)) if run.packages else ""),
        ("requirements", run.requirements_file),
        ("revision", run.source_revision),
        ("duration", f"{run.seconds:.0f} s" if run.seconds else ""),
    ):
        if value:
            yield _cut(f"{name}: {value}", _MAX_FACT)


def _links(run: Outcome, work_dir: str) -> Iterator[str]:
    if run.build_url and len(run.build_url) <= _MAX_URL:
        base = run.build_url.rstrip("/")
        yield f"job: {base}/"
        yield f"console: {base}/console"
        if work_dir:
            yield f"report: {base}/artifact/{work_dir}/{REPORT}/index.html"


def _with_log(body: str, run: Outcome) -> str:
    """With as many of the log's last lines as there is room for."""
    if not run.is_failed:  # they matter where something went wrong
        return body
    title, room, lines = "\n\nThe last lines of the log:", MAX_LENGTH - len(body), list[str]()
    room -= len(title)
    # from the end: what fits there tells most
    for line in reversed(run.last_lines[-_MAX_LINES:]):
        cut = _cut(on_a_line(REDACTOR.redact(line)), _MAX_LINE)
        room -= len(cut) + 1
        if room < 0:
            break
        lines.insert(0, cut)
    return body + "\n".join([title, *lines]) if lines else body


def _cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: limit - 3] + "..."
