"""The names of the tables of the index, and which of them are dropped."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from athena.engines import Answer
from athena.index import Index, IndexFile, Segment
from athena.statement import Statement
from athena.tables.index_tables import IndexTables, there, unused
from tests.athena.tables.test_standing import Shows

AT = datetime(2025, 7, 22, 8, 30, tzinfo=UTC)


class Asked(Shows):
    """An engine that lists these tables."""

    def __init__(self, *names: str) -> None:
        super().__init__(None)
        self._names = names

    def run(self, statement: Statement) -> Answer:
        return Answer.of(["tab_name"], [(name,) for name in self._names])

    def __enter__(self) -> Asked:
        return self


def index_of(*names: str) -> Index:
    file = IndexFile("builds/builds", 1, "")
    return Index(1, "2025-07-22", "2025-07-22", tuple(Segment(name, 1, 1, 1, file, ()) for name in names))


def test_names_tell_the_time_and_the_segments() -> None:
    one, other = (IndexTables.of(index_of(name * 16), AT) for name in "ab")
    assert one.builds.startswith("venv_index_builds_20250722083000_")
    assert one.packages.replace("packages", "builds") == one.builds
    assert one != other
    assert there(Asked(*vars(one).values())) == {*vars(one).values()}


def test_others_tables_are_not_ours() -> None:
    others = ("venv_index_builds_of_mine", "venv_builds", "x_venv_index_builds", "venv_index_packages_2025_01234567")
    assert there(Asked(*others, " venv_index_builds ")) == {"venv_index_builds"}


def test_what_is_used_or_new_stays() -> None:
    hours = {"used": 90, "free": 80, "named until the next": 49, "yesterday's": 25, "now": 0}
    names = {what: IndexTables.of(index_of("a" * 16), AT - timedelta(hours=age)).builds for what, age in hours.items()}
    of_an_earlier_version, no_instant = "venv_index_builds", "venv_index_builds_99999999999999_01234567"
    there = [*names.values(), of_an_earlier_version, no_instant]
    used = {names["used"], names["now"]}
    assert unused(there, used, AT) == (names["free"], names["named until the next"])
    # that of yesterday may have been named until just now
    assert unused([names["yesterday's"], names["now"]], [names["now"]], AT) == ()
    assert unused([names["yesterday's"]], [], AT) == ()


def test_the_oldest_go_first_and_few_at_once() -> None:
    some = [IndexTables.of(index_of("a" * 16), AT - timedelta(days=2, minutes=one)) for one in range(20)]
    oldest = {name for one in some[-5:] for name in vars(one).values()}
    free = unused([name for one in some for name in vars(one).values()], [], AT)
    assert (len(free), {*free}) == (10, oldest)
