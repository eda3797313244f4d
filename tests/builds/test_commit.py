"""Claiming, freezing, sending, committing: on a folder, with a clock of our own and interruptions at every call."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, cast

import pytest

from tests.support.s3_servers import S3Server
from tests.support.scripted import put_scripted, put_whole
from tests.support.stored import assert_nothing_torn, builds
from venvbuild.builds import ScriptedBuild, metadata, places
from venvbuild.builds.commit import commit
from venvbuild.errors import IntegrityError, StoreUnavailable
from venvbuild.stores import Store, open_store
from venvbuild.stores.folder import FolderStore

DESCRIPTION: metadata.DescribedMetadata = metadata.Description(
    python_version="3.11", is_conflict_free=True, conflicts=(), installed_packages=("good==1.0",), env_name="sales",
    platform="linux_x86_64", python_full_version="3.11.7", installer="uv 0.13.8", requirements_sha256="a" * 64,
    archive_sha256="b" * 64, archive_size_bytes=3, package_count=1, reproducible=True, tool_version="0.1.0",
    build_url=None, source_revision=None, requires={"abi": "none", "glibc": None},
    duration_s={"check": 0.1, "create": 1, "inspect": 0, "pack": 0, "describe": 0},
).as_json()  # fmt: skip


class Clock:
    """Stands still unless somebody waits."""

    def __init__(self, now: float = 1_753_173_000.5) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now

    def wait(self, seconds: float) -> None:
        self.now += seconds


class Interrupted(BaseException):
    """As a kill would: nothing in the product catches it."""


class Failing:
    """A store that fails, or dies, at its nth call."""

    def __init__(self, store: Store, at: int, error: BaseException, *, after: bool = False) -> None:
        self._store, self._left, self._error, self._after = store, at, error, after
        self.url = store.url

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def put_if_absent(self, key: str, body: bytes | Path) -> bool:
        self._left -= 1
        if self._left == 0 and not self._after:
            raise self._error
        done = self._store.put_if_absent(key, body)
        if self._left == 0:
            raise self._error
        return done


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    made = {}
    for name in ("requirements.txt", "pipdeptree.json", "venv.tar.gz"):
        made[name] = tmp_path / name
        made[name].write_text(name)
    return made


@pytest.fixture
def store(tmp_path: Path) -> FolderStore:
    return FolderStore(tmp_path / "store")


def run(store: Any, files: dict[str, Path], folder: Path, clock: Clock | None = None) -> str:
    clock = clock or Clock()
    folder.mkdir(exist_ok=True)
    return commit(store, DESCRIPTION, files, folder, clock=clock, wait=clock.wait).venv_version


def test_the_version_is_the_utc_second_of_its_claim(store: FolderStore, files: dict[str, Path], tmp_path: Path) -> None:
    assert run(store, files, tmp_path / "w") == "venv_20250722_083000"
    [build] = assert_nothing_torn(store).values()
    assert build["created_at"] == "2025-07-22T08:30:00Z"
    assert build["venv_archive"] == store.uri("venv-builds/venv_20250722_083000/venv_20250722_083000.tar.gz")


def test_who_comes_second_waits_for_the_next_second(store: FolderStore, files: dict[str, Path], tmp_path: Path) -> None:
    clock = Clock()
    assert run(store, files, tmp_path / "one", clock) == "venv_20250722_083000"
    assert run(store, files, tmp_path / "two", clock) == "venv_20250722_083001"
    assert clock.now >= 1_753_173_001


def test_a_clock_that_went_back_gives_no_version_in_the_future(
    store: FolderStore, files: dict[str, Path], tmp_path: Path
) -> None:
    run(store, files, tmp_path / "one", Clock(1_753_173_100))
    clock = Clock(1_753_173_000)
    assert run(store, files, tmp_path / "two", clock) == "venv_20250722_083000"


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("call", range(1, 7))
def test_died_at_any_call_nothing_torn_is_seen_and_the_same_call_ends_the_job(
    store: FolderStore, files: dict[str, Path], tmp_path: Path, call: int, after: bool
) -> None:
    with pytest.raises(Interrupted):
        run(Failing(store, call, Interrupted(), after=after), files, tmp_path / "w")
    assert_nothing_torn(store)
    run(store, files, tmp_path / "w", Clock(1_753_173_050))
    assert len(assert_nothing_torn(store)) == len(builds(store)) == 1


@pytest.mark.parametrize("call", range(1, 7))
def test_a_store_that_fails_once_is_tried_again(
    store: FolderStore, files: dict[str, Path], tmp_path: Path, call: int
) -> None:
    run(Failing(store, call, StoreUnavailable("away")), files, tmp_path / "w")
    assert len(assert_nothing_torn(store)) == 1


def test_a_retry_sends_the_bytes_that_were_frozen(store: FolderStore, files: dict[str, Path], tmp_path: Path) -> None:
    with pytest.raises(Interrupted):
        run(Failing(store, 3, Interrupted()), files, tmp_path / "w")
    files["requirements.txt"].write_text("changed since")
    version = run(store, files, tmp_path / "w")
    assert store.read(f"venv-builds/{version}/requirements.txt").body == b"requirements.txt"
    assert_nothing_torn(store)


def test_foreign_bytes_under_our_version_stop_the_commit(
    store: FolderStore, files: dict[str, Path], tmp_path: Path
) -> None:
    with pytest.raises(Interrupted):
        run(Failing(store, 1, Interrupted(), after=True), files, tmp_path / "w")
    store.put_if_absent("venv-builds/venv_20250722_083000/requirements.txt", b"foreign")
    with pytest.raises(IntegrityError, match="other bytes than ours"):
        run(store, files, tmp_path / "w")
    assert assert_nothing_torn(store) == {}


@pytest.mark.parametrize("kind", ["folder", "moto"])
def test_a_version_that_a_script_has_or_is_sending_is_not_claimed(
    kind: str, files: dict[str, Path], tmp_path: Path, s3_environment: None, request: pytest.FixtureRequest
) -> None:
    """It is of the script's clock, in its own time zone: one that lies ahead comes up as ours."""
    server: S3Server | None = request.getfixturevalue("moto_server") if kind == "moto" else None
    url, endpoint_url = (f"s3://{server.new_bucket()}", server.endpoint_url) if server else (str(tmp_path / "s"), None)
    store = open_store(url, endpoint_url=endpoint_url)
    script = put_whole(store, "venv_20250722_083000")
    sending = "venv_20250722_083001"  # the archive comes first
    store.put_if_absent(places.key(sending, places.archive_name(sending)), b"x")
    before = builds(store)
    assert run(store, files, tmp_path / "w") == "venv_20250722_083002"
    assert {version: builds(store)[version] for version in before} == before
    assert isinstance(metadata.read_any(store, script), ScriptedBuild)


def test_a_version_that_was_never_claimed_and_that_a_script_took_since_is_given_up(
    store: FolderStore, files: dict[str, Path], tmp_path: Path
) -> None:
    with pytest.raises(Interrupted):
        run(Failing(store, 1, Interrupted()), files, tmp_path / "w")
    script = put_scripted(store, "venv_20250722_083000")
    assert run(store, files, tmp_path / "w", Clock(1_753_173_050)) == "venv_20250722_083051"
    assert isinstance(metadata.read_any(store, script), ScriptedBuild)


def test_a_claim_that_was_swept_is_given_up_and_a_retry_claims_anew(
    store: FolderStore, files: dict[str, Path], tmp_path: Path
) -> None:
    with pytest.raises(Interrupted):
        run(Failing(store, 4, Interrupted()), files, tmp_path / "w")
    store.put_if_absent("venv-builds/venv_20250722_083000/metadata.json", b'{"swept": true}\n')
    clock = Clock()
    with pytest.raises(StoreUnavailable, match="swept"):
        run(store, files, tmp_path / "w", clock)
    assert clock.now == Clock().now, "it was tried again, with nothing left to send"
    assert run(store, files, tmp_path / "w", Clock(1_753_173_050)) == "venv_20250722_083050"


def test_what_was_made_anew_is_a_build_of_its_own(store: FolderStore, files: dict[str, Path], tmp_path: Path) -> None:
    (tmp_path / "w").mkdir()
    clock = Clock()
    commit(store, DESCRIPTION, files, tmp_path / "w", clock=clock, wait=clock.wait)
    files["venv.tar.gz"].unlink()
    files["venv.tar.gz"].write_text("another archive")
    clock.now += 5
    again = commit(
        store, {**DESCRIPTION, "archive_sha256": "c" * 64}, files, tmp_path / "w", clock=clock, wait=clock.wait
    )
    archive = store.read(f"venv-builds/{again.venv_version}/{again.venv_version}.tar.gz").body
    assert archive == b"another archive"
    assert len(assert_nothing_torn(store)) == 2


def test_a_claim_for_another_store_is_not_used(store: FolderStore, files: dict[str, Path], tmp_path: Path) -> None:
    run(store, files, tmp_path / "w")
    other = FolderStore(tmp_path / "other")
    run(other, files, tmp_path / "w", Clock(1_753_173_050))
    assert list(builds(other)) == ["venv_20250722_083050"]


def test_a_damaged_memory_of_the_claim_is_no_obstacle(
    store: FolderStore, files: dict[str, Path], tmp_path: Path
) -> None:
    (tmp_path / "w").mkdir()
    (tmp_path / "w/claim.json").write_text("{")
    run(store, files, tmp_path / "w")
    assert len(assert_nothing_torn(store)) == 1


def _changed(path: Path, old: str, new: str) -> None:
    path.write_text(path.read_text().replace(old, new))


def _a_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


@pytest.mark.parametrize(
    ("call", "change"),
    [
        pytest.param(4, lambda w: (w / "frozen/requirements.txt").write_text("evil==1.0\n"), id="a file"),
        pytest.param(4, lambda w: (w / "frozen/requirements.txt").write_text(""), id="a file, emptied"),
        pytest.param(4, lambda w: (w / "frozen/requirements.txt").unlink(), id="a file, gone"),
        pytest.param(4, lambda w: _a_folder(w / "frozen/requirements.txt"), id="a file, now a folder"),
        pytest.param(4, lambda w: (w / "frozen/more.txt").write_text("x"), id="one more"),
        pytest.param(4, lambda w: next(w.glob("frozen/*.tar.gz")).unlink(), id="the archive, gone"),
        pytest.param(4, lambda w: _changed(w / "frozen/metadata.json", '"sales"', '"other"'), id="metadata"),
        pytest.param(4, lambda w: (w / "frozen/metadata.json").write_text(""), id="metadata, emptied"),
        pytest.param(1, lambda w: _changed(w / "claim.json", "08:30:00Z", "08:30:01Z"), id="the instant of the claim"),
        pytest.param(1, lambda w: _changed(w / "claim.json", "_083000", "_083001"), id="the version of the claim"),
        pytest.param(1, lambda w: _changed(w / "claim.json", '"venv_20250722_083000"', "5"), id="no version"),
        pytest.param(1, lambda w: _a_folder(w / "claim.json"), id="the claim, now a folder"),
        pytest.param(4, lambda w: (w / "of").write_bytes(b"\xff"), id="the mark"),
        pytest.param(4, lambda w: _a_folder(w / "of"), id="the mark, now a folder"),
    ],
)
def test_what_an_interrupted_call_remembers_is_not_believed_where_it_has_changed(
    store: FolderStore, files: dict[str, Path], tmp_path: Path, call: int, change: Any
) -> None:
    with pytest.raises(Interrupted):
        run(Failing(store, call, Interrupted()), files, tmp_path / "w")
    change(tmp_path / "w")
    # as another try of the step may make it: nobody promised that what is frozen anew is what was sent
    files["requirements.txt"].write_text("good==1.0\n")
    version = run(store, files, tmp_path / "w", Clock(1_753_173_050))
    [build] = assert_nothing_torn(store).values()
    assert (build["venv_version"], build["env_name"]) == (version, "sales")
    assert metadata.read(store, version)["created_at"] == "2025-07-22T08:30:50Z"
    assert store.read(f"venv-builds/{version}/requirements.txt").body == b"good==1.0\n"


def test_metadata_with_a_field_nobody_knows_is_not_written_but_read(
    store: FolderStore, files: dict[str, Path], tmp_path: Path
) -> None:
    with pytest.raises(IntegrityError, match="surprise"):
        metadata.stamped(
            cast(metadata.DescribedMetadata, {**DESCRIPTION, "surprise": 1}),
            venv_version="venv_20250722_083000",
            created_at="2025-07-22T08:30:00Z",
            store=store,
            files={},
        )
    version = run(store, files, tmp_path / "w")
    [path] = (tmp_path / "store").glob(f"venv-builds/{version}/metadata.json")
    path.write_text(json.dumps({**json.loads(path.read_text()), "from_the_future": 1}))
    assert dict(metadata.read(store, version))["from_the_future"] == 1


@pytest.mark.parametrize("body", ["", "{", "[]", '{"venv_version": "x"}'])
def test_damaged_metadata_is_8(store: FolderStore, body: str) -> None:
    store.put_if_absent("venv-builds/venv_20250722_083000/metadata.json", body.encode())
    with pytest.raises(IntegrityError):
        metadata.read(store, "venv_20250722_083000")
