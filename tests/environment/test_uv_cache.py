"""uv's cache: where builds have it, and that only what is uv's goes."""

from __future__ import annotations

import fcntl
from pathlib import Path

import pytest

from venvbuild.environment import UvCache
from venvbuild.errors import StoreUnavailable, UsageError
from venvbuild.files import amount_of


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        pytest.param({}, "home/.cache/uv", id="the user's"),
        pytest.param({"XDG_CACHE_HOME": "{}/xdg"}, "xdg/uv", id="XDG"),
        pytest.param({"XDG_CACHE_HOME": "{}/xdg", "UV_CACHE_DIR": "{}/own"}, "own", id="uv's variable"),
        pytest.param({"UV_CACHE_DIR": ""}, "home/.cache/uv", id="empty"),
    ],
)
def test_it_is_where_builds_have_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, environ: dict[str, str], expected: str
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    found = UvCache.of({name: value.format(tmp_path) for name, value in environ.items()})
    assert found.folder == tmp_path / expected
    assert not (tmp_path / expected).exists()


@pytest.mark.parametrize("name", ["notes.txt", "project", ".bashrc", "my-v1.txt"])
def test_a_folder_that_holds_what_is_not_uvs_is_left_alone(tmp_path: Path, name: str) -> None:
    cache = UvCache.of({"UV_CACHE_DIR": str(tmp_path)})
    (tmp_path / "archive-v0").mkdir()
    (tmp_path / name).mkdir()
    with pytest.raises(UsageError, match="what is not uv's: ") as refused:
        cache.prune([], 60)
    assert refused.value.problems[0].where == str(tmp_path)
    cache.prune(["good"], 60)  # which touches nothing else
    assert {path.name for path in tmp_path.iterdir()} >= {"archive-v0", name}


def test_what_uv_itself_lays_there_is_uvs(tmp_path: Path) -> None:
    cache = UvCache.of({"UV_CACHE_DIR": str(tmp_path / "uv")})
    cache.prune([], 60)  # there is none yet
    (tmp_path / "uv").mkdir()
    cache.prune([], 60)
    cache.prune(["good"], 60)
    for name in ("archive-v0", "simple-v27", "flat-index-v2", ".tmpAbC"):
        (tmp_path / "uv" / name).mkdir()
    cache.prune([], 60)


def test_a_cache_that_uv_cannot_clean_is_told_with_its_words(tmp_path: Path) -> None:
    folder = tmp_path / "uv"
    folder.mkdir()
    (folder / ".lock").mkdir()
    with pytest.raises(StoreUnavailable, match="uv cannot clean its cache") as failed:
        UvCache.of({"UV_CACHE_DIR": str(folder)}).prune([], 60)
    assert failed.value.problems[0].why


@pytest.mark.parametrize("names", [[], ["good"]], ids=str)
def test_nothing_goes_while_a_build_uses_it(tmp_path: Path, names: list[str]) -> None:
    cache = UvCache.of({"UV_CACHE_DIR": str(tmp_path)})
    (tmp_path / "dangling-v0").mkdir()
    with (tmp_path / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_SH)  # as uv does when it installs
        with pytest.raises(StoreUnavailable, match="uv cannot clean its cache"):
            cache.prune(names, 1)
        assert (tmp_path / "dangling-v0").exists()
    cache.prune([], 60)
    assert not (tmp_path / "dangling-v0").exists()


def test_a_file_in_its_place_is_no_cache(tmp_path: Path) -> None:
    (tmp_path / "uv").write_text("")
    with pytest.raises(StoreUnavailable, match="cannot be read"):
        UvCache.of({"UV_CACHE_DIR": str(tmp_path / "uv")}).judge()
    assert amount_of([tmp_path / "uv"]).file_count == 1
