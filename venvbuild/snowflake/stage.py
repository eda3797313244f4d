"""A stage of Snowflake: the files in one folder of it, put, listed, fetched and removed one by one.

LIST, GET and REMOVE take a path as the beginning of names: `app.zip` is `app.zip.manifest.json` and `app.zipper` too.
So each names its one file by a PATTERN besides, and what came back is looked at.
Source: Snowflake's reference, LIST, REMOVE ("removes all directories and files that match a specified path"), PUT, GET.
"""

from __future__ import annotations

import email.utils
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from venvbuild.errors import IntegrityError, UsageError
from venvbuild.snowflake.connection import Session
from venvbuild.snowflake.refusals import About
from venvbuild.snowflake.stage_name import StageName
from venvbuild.snowflake.statement import exact, literal
from venvbuild.text import count_text, shown

PADDING_BYTES = 16
"""So much more than was sent LIST may tell: the stage's encryption fills its last block."""
# The connector reads these in a path that it uploads as wildcards.
_WILD = re.compile(r"[*?\[\]]")


@dataclass(frozen=True)
class StagedFile:
    """One file of the folder, as LIST tells it."""

    name: str
    """Below the folder: `app.zip`."""
    size: int
    """Bytes, with the padding of encryption."""
    modified_at: float | None
    """Seconds since the epoch, whole ones; None when what LIST says is no date."""

    def has_size(self, size: int) -> bool:
        """Whether it may be what was sent with so many bytes. (LIST's md5 is of the encrypted bytes, or of none.)"""
        return size <= self.size <= size + PADDING_BYTES


class Stage:
    """One folder of a stage, in an open session."""

    def __init__(self, session: Session, name: StageName) -> None:
        self._session = session
        self.name = name

    @property
    def session(self) -> Session:
        """That it is seen in."""
        return self._session

    def files(self, beginning: str = "") -> dict[str, StagedFile]:
        """The files of the folder whose names begin so, by name; those of folders in it are left out."""
        found = dict[str, StagedFile]()
        for row in self._rows(f"LIST {self.name.quoted(beginning)}", f"listing {self.name}"):
            file = self._file(row)
            if file and "/" not in file.name:
                found[file.name] = file
        return found

    def put(self, file: Path, *, is_overwriting: bool) -> bool:
        """Send a file, which keeps its name; False when one of its name is there, and nothing was sent."""
        if _WILD.search(str(file)) or "\n" in str(file):
            raise UsageError(
                "the connector cannot send a file from there",
                where=shown(str(file), 200),
                why="it takes * ? [ ] in a path for wildcards",
                fix="set TMPDIR to a folder without them",
            )
        options = f"AUTO_COMPRESS=FALSE OVERWRITE={str(is_overwriting).upper()}"
        statement = f"PUT {literal(f'file://{file}')} {self.name.quoted()} {options}"
        rows = self._rows(statement, f"uploading {file.name}", file.name)
        row = rows[0] if len(rows) == 1 else {"status": count_text(len(rows), "answer")}
        status = str(row.get("status"))
        if status not in ("UPLOADED", "SKIPPED"):
            raise IntegrityError(
                f"the upload ended with {shown(status)}",
                where=self.name.of(file.name),
                why=shown(str(row.get("message") or "no reason is given")),
                fix="run it again",
            )
        return status == "UPLOADED"

    def get(self, name: str, folder: Path) -> Path:
        """Fetch a file of ours that LIST has shown into an empty folder."""
        statement = f"GET {self.name.quoted(name)} {literal(f'file://{folder}/')} {_pattern(name)}"
        self._rows(statement, f"fetching {name}", name)
        if not (folder / name).is_file():
            raise IntegrityError("GET gave no file", where=self.name.of(name), fix="run it again")
        return folder / name

    def remove(self, name: str) -> bool:
        """Remove a file of ours; False when it was not there."""
        rows = self._rows(f"REMOVE {self.name.quoted(name)} {_pattern(name)}", f"removing {name}", name)
        return bool(rows)

    def _rows(self, statement: str, doing: str, name: str = "") -> list[Mapping[str, Any]]:
        where = self.name.of(name) if name else str(self.name)
        return self._session.rows(statement, About(doing, where, self.name.stage))

    def _file(self, row: Mapping[str, Any]) -> StagedFile | None:
        """A row of LIST, whose name begins with the stage's own in lower case; None when it is not of the folder."""
        name, own = str(row.get("name", "")), f"{exact(self.name.names[2])}/"
        path = name[len(own) :] if name.lower().startswith(own.lower()) else name.partition("/")[2]
        folder = f"{self.name.path}/" if self.name.path else ""
        if not path.startswith(folder):
            return None
        try:
            size = int(row["size"])
        except (KeyError, TypeError, ValueError) as error:
            raise IntegrityError(
                "LIST tells no size",
                where=self.name.of(shown(path.removeprefix(folder))),
                why=f"it says '{shown(str(row.get('size')))}'",
                fix="run it again",
            ) from error
        return StagedFile(path.removeprefix(folder), size, _instant(row.get("last_modified")))


def _pattern(name: str) -> str:
    """The clause by which this file alone is meant: the whole path has to match."""
    # Without a backslash, which SQL and each kind of regular expressions have rules of their own for.
    whole = "(.*/)?" + name.replace(".", "[.]")
    return f"PATTERN={literal(whole)}"


def _instant(text: object) -> float | None:
    """`Wed, 29 Nov 2026 05:00:00 GMT`."""
    try:
        return email.utils.parsedate_to_datetime(str(text)).timestamp()
    except ValueError:
        return None
