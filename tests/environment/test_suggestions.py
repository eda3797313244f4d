"""Versions for what a file leaves open: those that fit its pins, else the newest."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from tests.support.index_server import IndexServer
from tests.support.supplies import here, uv_cache
from tests.support.wheels import sdist, wheel
from venvbuild import settings
from venvbuild.environment import suggestions
from venvbuild.environment.package_source import IndexAccess
from venvbuild.environment.suggestions import newest_versions, suggested
from venvbuild.package_index import PackageIndex
from venvbuild.requirements import Suggested


def of(index: IndexServer, wanted: Sequence[tuple[str, str]], *pins: str, mode: str = "ok") -> Suggested:
    environ = {"VENVBUILD_INDEX_URL": index.url(mode), "UV_CACHE_DIR": str(uv_cache())}
    access = IndexAccess.of(settings.load({}, environ, reads_files=False), environ)
    return suggested(wanted, pins, access, here())


@pytest.fixture
def limited(index: IndexServer) -> IndexServer:
    """`base==1.0` needs an old `util`, and `util==2.0` a new `base`."""
    wheel(index.folder, "base", "1.0", requires=["util<3"])
    wheel(index.folder, "base", "2.0")
    wheel(index.folder, "util", "1.0")
    wheel(index.folder, "util", "2.0", requires=["base>=2"])
    wheel(index.folder, "util", "3.0")
    return index


def test_what_fits_the_pins_goes_before_what_is_newest(limited: IndexServer) -> None:
    found = of(limited, [("util", "")], "base==1.0")
    assert (found.versions, set(found.fit)) == ({"util": "1.0"}, {"util"})
    assert of(limited, [("util", "")], "base==2.0").versions == {"util": "3.0"}


def test_several_open_ones_fit_each_other(limited: IndexServer) -> None:
    assert of(limited, [("util", "<3,>=2"), ("base", "")]).versions == {"util": "2.0", "base": "2.0"}
    assert of(limited, [("util", ""), ("base", "<2")]).versions == {"util": "1.0", "base": "1.0"}


def test_the_newest_of_what_cannot_be_resolved_together_is_said_to_be_untried(limited: IndexServer) -> None:
    found = of(limited, [("util", ">=3")], "base==1.0")
    assert (found.versions, set(found.fit)) == ({"util": "3.0"}, set())


def test_what_is_there_as_source_only_does_not_keep_the_rest_from_being_tried(limited: IndexServer) -> None:
    for name in ("one", "two"):
        sdist(limited.folder, name, "1.0")
    found = of(limited, [("util", ""), ("two", "")], "base==1.0", "one==1.0")
    assert (found.versions, set(found.fit)) == ({"util": "1.0", "two": "1.0"}, {"util"})


def test_what_needs_another_version_of_a_pin_that_is_source_only_is_not_said_to_fit(limited: IndexServer) -> None:
    sdist(limited.folder, "base", "1.5")
    found = of(limited, [("util", "==2.0")], "base==1.5")  # which needs base>=2
    assert (found.versions, set(found.fit)) == ({"util": "2.0"}, set())


def test_more_lines_than_can_be_resolved_in_time_are_not_tried(
    limited: IndexServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(suggestions, "_MOST_LINES", 1)
    assert of(limited, [("util", "")], "base==1.0") == Suggested({"util": "3.0"}, frozenset())


@pytest.mark.parametrize("mode", ["status-503", "hang"])
def test_an_index_that_does_not_answer_names_nothing(
    limited: IndexServer, mode: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(suggestions, "_SECONDS", 0.5)
    assert of(limited, [("util", "")], "base==1.0", mode=mode) == Suggested({}, frozenset())


def newest(index: IndexServer, *names: tuple[str, str], mode: str = "ok") -> dict[str, str]:
    return dict(newest_versions(names, PackageIndex(index.url(mode)), here(), timeout_s=20))


def test_the_newest_version_within_a_specifier_is_found_under_the_name_that_was_asked(index: IndexServer) -> None:
    for version in ("1.0", "1.5", "2.0", "3.0rc1"):
        wheel(index.folder, "some-thing", version)
    assert newest(index, ("Some_Thing", "<2")) == {"Some_Thing": "1.5"}
    assert newest(index, ("some.thing", "")) == {"some.thing": "2.0"}


def test_a_yanked_version_is_no_hint(index: IndexServer) -> None:
    wheel(index.folder, "tiny", "1.0")
    index.yanked[wheel(index.folder, "tiny", "2.0").name] = "broken"
    assert newest(index, ("tiny", "")) == {"tiny": "1.0"}


def test_what_the_index_does_not_tell_is_left_out(index: IndexServer) -> None:
    wheel(index.folder, "tiny", "1.0")
    assert newest(index, ("tiny", ">1"), ("absent", ""), ("tiny", "")) == {"tiny": "1.0"}
    assert newest(index, ("tiny", ""), mode="status-503") == {}


def test_an_index_that_is_silent_keeps_nobody_waiting(index: IndexServer) -> None:
    wheel(index.folder, "tiny", "1.0")
    silent = PackageIndex(index.url("hang"))
    assert newest_versions([("tiny", "")], silent, here(), timeout_s=0.05) == {}
