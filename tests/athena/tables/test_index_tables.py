"""The names of the tables of the index, and which of them are dropped."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from athena.engines import Answer
from athena.index import Index, IndexFile, Segment
from athena.statement import Statement
from athena.tables.index_tables import IndexTables, drop_unused, there
from tests.athena.tables.test_standing import Shows
from venvbuild.errors import UsageError

AT = datetime(2025, 7, 22, 8, 30, tzinfo=UTC)


class Asked(Shows):
    """An engine that lists these tables, and keeps what it was told."""

    def __init__(self, *names: str, refuses: bool = False) -> None:
        super().__init__(None)
        self._names, self._refuses = names, refuses
        self.told: list[str] = []

    def run(self, statement: Statement) -> Answer:
        self.told.append(statement.sql)
        if self._refuses:
            raise UsageError("no right")
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
    now = datetime.now(UTC)
    ages = {"old": timedelta(hours=2), "used": timedelta(hours=2), "new": timedelta(minutes=50)}
    names = {what: IndexTables.of(index_of("a" * 16), now - age).builds for what, age in ages.items()}
    names["used"] = names["used"].replace("builds", "packages")
    of_an_earlier_version, no_instant = "venv_index_builds", "venv_index_builds_99999999999999_01234567"
    engine = Asked()
    drop_unused(engine, [*names.values(), of_an_earlier_version, no_instant], [names["used"]])
    dropped = sorted([names["old"], of_an_earlier_version, no_instant])
    assert engine.told == [f"DROP TABLE IF EXISTS {name}" for name in dropped]
    drop_unused(Asked(refuses=True), [names["old"]], [])  # who may not drop has published all the same
