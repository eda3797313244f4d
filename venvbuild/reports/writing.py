"""What a person reads of a run: one module a format, each turning an `Outcome` into the text of one file.

    junit.xml     Jenkins' tests: a case for each step, pin and conflict
    issues.json   Jenkins' warnings (warnings-ng), its own format
    report.sarif  the same for others that read SARIF
    summary.md    for a chat or a merge request
    index.html    for a browser; with report.css
    build.log     the log, redacted once more

Adding one is a file here and a line in `FORMATS`.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator, Mapping
from importlib.resources import files
from pathlib import Path

from venvbuild.builds import places
from venvbuild.errors import of_disk
from venvbuild.files import remove
from venvbuild.redaction import REDACTOR, Lines
from venvbuild.reports import issues, junit, markdown, page, sarif
from venvbuild.run import REPORT, Outcome
from venvbuild.text import on_screen

FORMATS: Mapping[str, Callable[[Outcome], str]] = {
    "junit.xml": junit.render,
    "issues.json": issues.render,
    "report.sarif": sarif.render,
    "summary.md": markdown.render,
    "index.html": page.render,
}
"""Name of the file -> what is in it."""
_STYLE = "report.css"
_CHUNK = 1 << 20


def write_reports(outcome: Outcome, work_dir: Path) -> Path:
    """Write every format into `work_dir/report`, whole or not at all, in place of an earlier one; that folder.

    Raises:
        VenvBuildError: the disk is full or may not be written.
    """
    target = work_dir / REPORT
    try:
        # hidden, as all that is unfinished in a work dir: what a killed one leaves, the next step removes
        with tempfile.TemporaryDirectory(prefix=".report-", dir=work_dir) as temporary:
            building = Path(temporary, REPORT)
            building.mkdir()
            for name, render in FORMATS.items():
                (building / name).write_text(on_screen(render(outcome)), "utf-8")
            (building / _STYLE).write_bytes((files("venvbuild.reports") / _STYLE).read_bytes())
            _copy_log(work_dir / places.BUILD_LOG, building / places.BUILD_LOG)
            if os.path.lexists(target):  # also a link that leads nowhere
                remove(target)
            building.rename(target)
    except OSError as error:
        raise of_disk(error, str(target)) or error from error
    return target


def _copy_log(log: Path, copy: Path) -> None:
    # redacted again: who reports may know secrets that the steps did not
    if not log.is_file():
        return
    with log.open("rb") as source, copy.open("w", encoding="utf-8") as target:
        target.writelines(f"{on_screen(line)}\n" for line in _lines(source.read1))


def _lines(read: Callable[[int], bytes]) -> Iterator[str]:
    lines = Lines(REDACTOR)
    while chunk := read(_CHUNK):
        yield from lines.feed(chunk)
    yield from lines.close()
