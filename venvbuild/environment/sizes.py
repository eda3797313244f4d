"""Whether files are as large as a lock says, as far as the index tells or they came here.

The hash alone says which bytes they are. A lock that says otherwise of their size was written by hand, or is of another
file, and its reader is to know.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from venvbuild.errors import IntegrityError, Problem
from venvbuild.package_index import File
from venvbuild.requirements import SaidSize


def refuse_other_sizes(files: Iterable[File], said: Mapping[str, SaidSize]) -> None:
    """Raise `IntegrityError` where the index tells another size of a file than the lock, with every such file."""
    wrong = [one for file in files for one in _judged(file.filename, file.size_bytes, said, "the index tells so")]
    if wrong:
        raise IntegrityError.of(dict.fromkeys(wrong))


def refuse_other_size(filename: str, size_bytes: int, said: Mapping[str, SaidSize]) -> None:
    """Raise `IntegrityError` where a file that came is not as large as the lock says."""
    wrong = list(_judged(filename, size_bytes, said, "so many came"))
    if wrong:
        raise IntegrityError.of(wrong)


def _judged(filename: str, size_bytes: int | None, said: Mapping[str, SaidSize], why: str) -> Iterator[Problem]:
    lock = said.get(filename)
    if lock and size_bytes is not None and size_bytes != lock.size_bytes:
        what = f"{filename} has {size_bytes:,} bytes, and the lock says {lock.size_bytes:,}"
        fix = "compare the file of the index with the one that was locked; one of the two is out of date"
        yield Problem(what, lock.where, why, fix, "WRONG_SIZE", line=lock.line)
