"""`venvbuild snowflake sync` the whole way: pins, an index, the ZIP, a stage, and back into an interpreter."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.recording_proxy import reset_upload
from tests.support.snowflake_server import ACCOUNT, PASSWORD, ROLE, STAGE, USER, Hold, Refusal, SnowflakeServer
from tests.support.tool import Ended, Tool
from tests.support.wheels import wheel
from tests.support.zip_imports import imported

HOLDS_S = 120


@pytest.fixture
def syncing(tool: Tool, snowflake_server: SnowflakeServer) -> Tool:
    """A user whose index has two versions of `tiny`, the first pinned in requirements.txt, and who may log in."""
    for version in ("1.0", "2.0"):
        wheel(tool.index.folder, "tiny", version, files={"tiny.py": f"x = {version}\n"})
    tool.requirements("tiny==1.0")
    tool.env.update(snowflake_server.environment())
    return tool


def sync(tool: Tool, *more: str | Path, **env: str | None) -> Ended:
    return tool.run("snowflake", "sync", "--stage", f"@{STAGE}", *more, **env)


def test_the_whole_way_and_the_second_time_nothing_is_sent(
    syncing: Tool, snowflake_server: SnowflakeServer, tmp_path: Path
) -> None:
    first = sync(syncing, "--json")
    assert first.code == 0, first.stderr
    told = first.json
    place = f"@{STAGE}/{told['zip']}"
    body = snowflake_server.files()[told["zip"]]
    assert re.fullmatch(r"app_packages-[0-9a-f]{12}\.zip", told["zip"])
    assert hashlib.sha256(body).hexdigest() == told["sha256"]
    assert imported(tmp_path, body) == "1.0"
    assert (told["status"], told["stage"], told["python_version"]) == ("uploaded", f"@{STAGE}", "3.11")
    assert [(one["name"], one["version"]) for one in told["distributions"]] == [("tiny", "1.0")]
    assert "SNOWFLAKE_PASSWORD alone" in told["warnings"][0]
    assert f"IMPORTS = ('{place}')" in told["create_function"]
    assert told["create_procedure"] is None
    assert re.search(rf"^upload    {re.escape(place)} uploaded \([0-9.]+ s\)$", first.stderr, re.MULTILINE)
    sent = snowflake_server.object_puts()
    again = sync(syncing, "--verify")
    assert again.code == 0, again.stderr
    assert f"upload    unchanged: {told['zip']} is there, its bytes were compared" in again.stderr
    assert snowflake_server.object_puts() == sent
    assert again.stdout == f"{told['create_function']}\n"
    assert all(one["LOGIN_NAME"] == USER for one in snowflake_server.logins)


def test_a_fixed_name_is_replaced_only_when_told_so(
    syncing: Tool, snowflake_server: SnowflakeServer, tmp_path: Path
) -> None:
    fixed = ("--zip-name", "release_v1.zip", "--statement", "both")
    assert sync(syncing, *fixed).code == 0
    syncing.requirements("tiny==2.0")
    refused = sync(syncing, *fixed)
    assert (refused.code, refused.stdout) == (2, "")
    assert "error: another release_v1.zip is there, and stays as it is" in refused.stderr
    assert imported(tmp_path, snowflake_server.files()["release_v1.zip"]) == "1.0"
    replaced = sync(syncing, *fixed, "--overwrite")
    assert replaced.code == 0, replaced.stderr
    assert "functions at work may see the new file" in replaced.stderr
    assert imported(tmp_path, snowflake_server.files()["release_v1.zip"]) == "2.0"
    assert replaced.stdout.count(f"IMPORTS = ('@{STAGE}/release_v1.zip')") == 2


def test_a_dry_run_asks_nobody_and_needs_no_login(syncing: Tool, snowflake_server: SnowflakeServer) -> None:
    nobody = {name: None for name in syncing.env if name.startswith("SNOWFLAKE_")}
    ran = sync(syncing, "--dry-run", "--json", "--artifact-repository", "db.s.r", **nobody)
    assert (ran.code, ran.json["status"]) == (0, "dry-run"), ran.stderr
    assert "is not sent (--dry-run)" in ran.stderr
    assert "warning: --artifact-repository is not used" in ran.stderr
    assert "--artifact-repository is not used" in ran.json["warnings"][-1]
    procedure = sync(syncing, "--dry-run", "--artifact-repository", "db.s.r", "--statement", "procedure", **nobody)
    assert "is not used" not in procedure.stderr
    assert "ARTIFACT_REPOSITORY = db.s.r" in procedure.stdout
    assert snowflake_server.requests == []


@pytest.mark.parametrize(
    ("more", "env", "said"),
    [
        (["--stage", "PACKAGES_STAGE"], {}, "write @DATABASE.SCHEMA.STAGE"),
        (["--connection", "none"], {"SNOWFLAKE_HOME": "/nonexistent"}, "the connection none cannot be used"),
        ([], {"SNOWFLAKE_PASSWORD": None}, "SNOWFLAKE_TOKEN (a programmatic access token) or SNOWFLAKE_PASSWORD"),
        ([], {"SNOWFLAKE_PASSWORD": "$(SNOWFLAKE_PASSWORD)"}, "nothing says who asks Snowflake"),
        ([], {"SNOWFLAKE_ACCOUNT": ""}, "SNOWFLAKE_ACCOUNT is not set"),
        (["--artifact-repository", "a b"], {}, "'a b' is no name"),
        (["-r", "none.txt"], {}, "none.txt"),
        (["--also-catalog"], {}, "name a build with --from"),
    ],
)
def test_what_is_missing_is_2_names_what_gives_it_and_sends_nothing(
    syncing: Tool, snowflake_server: SnowflakeServer, more: list[str], env: dict[str, str | None], said: str
) -> None:
    ran = sync(syncing, *more, **env)
    assert (ran.code, ran.stdout) == (2, ""), ran.stderr
    assert said in ran.stderr
    assert snowflake_server.requests == []


def test_without_a_stage_it_is_2_and_named(syncing: Tool) -> None:
    ran = syncing.run("snowflake", "sync")
    assert ran.code == 2
    assert "Missing option '--stage'" in ran.stderr


def test_what_does_not_import_is_11_kept_and_not_sent(syncing: Tool, snowflake_server: SnowflakeServer) -> None:
    wheel(syncing.index.folder, "broken", "1.0", files={"broken.py": "raise RuntimeError('not here')\n"})
    syncing.requirements("broken==1.0")
    ran = sync(syncing)
    assert (ran.code, ran.stdout) == (11, ""), ran.stderr
    [kept] = re.findall(r"^the ZIP is kept, and was not sent: (.*)$", ran.stderr, re.MULTILINE)
    assert Path(kept).read_bytes()[:2] == b"PK"
    assert snowflake_server.requests == []
    Path(kept).unlink()
    Path(kept).parent.rmdir()


# --- beside a build


def test_a_build_is_found_by_where_and_the_record_is_of_the_place(
    syncing: Tool, snowflake_server: SnowflakeServer
) -> None:
    built = syncing.build("tiny==1.0", ENV_NAME="sales")
    assert built.code == 0, built.stderr
    version = built.json["venv_version"]
    dry = sync(syncing, "--from", "sales@latest", "--also-catalog", "--dry-run")
    assert (dry.code, "catalog   no record is written (--dry-run)" in dry.stderr) == (0, True), dry.stderr
    assert syncing.run("snowflake", "where", "tiny").stdout == ""
    ran = sync(syncing, "--from", "sales@latest", "--also-catalog", "--json")
    assert ran.code == 0, ran.stderr
    [record] = Path(syncing.store, "venv-catalog", "snowflake", version).iterdir()
    assert json.loads(record.read_text())["content_sha256"] == ran.json["content_sha256"]
    [found] = syncing.run("snowflake", "where", "Tiny>=1", "--json").json
    assert found["place"] == f"@{STAGE}/{ran.json['zip']}"
    assert (found["venv_version"], found["account"], found["role"]) == (version, ACCOUNT, ROLE)
    assert (found["version"], found["from"]) == ("1.0", "the ZIP")
    none = syncing.run("snowflake", "where", "tiny>=2")
    assert (none.code, none.stdout) == (0, "")
    assert "no stage is known to hold tiny>=2" in none.stderr


# --- what lies there


def test_the_stage_is_listed_and_pruned_after_it_was_shown(syncing: Tool, snowflake_server: SnowflakeServer) -> None:
    old, new = f"app_packages-{'a' * 12}.zip", f"app_packages-{'b' * 12}.zip"
    stage = ("--stage", f"@{STAGE}/py311")
    empty = syncing.run("snowflake", "stage", "list", *stage)
    assert (empty.code, empty.stdout) == (0, "")
    for name, when in ((old, 5), (new, 6)):
        snowflake_server.store(f"py311/{name}", b"zip")
        snowflake_server.dated[f"py311/{name}"] = f"Wed, 29 Nov 2026 0{when}:00:00 GMT"
    snowflake_server.store("py311/theirs.zip", b"x")
    listed = syncing.run("snowflake", "stage", "list", *stage, "--json").json
    assert {one["name"]: one["kind"] for one in listed} == {old: "zip", new: "zip", "theirs.zip": "other"}
    # nothing is scripted about databases, and so a syntax error: what imports them is not known
    prune = ("snowflake", "stage", "prune", *stage, "--keep", "1")
    shown = syncing.run(*prune)
    assert shown.code == 0, shown.stderr
    assert f"to be removed: {old}" in shown.stderr
    assert "nothing was removed: --yes does it" in shown.stderr
    assert "NOT CHECKED: every database" in shown.stderr
    refused = syncing.run(*prune, "--yes")
    assert refused.code == 2
    assert "--yes --unchecked" in refused.stderr
    assert len(snowflake_server.files()) == 3
    done = syncing.run(*prune, "--yes", "--unchecked", "--json")
    assert (done.code, done.json["removed"], done.json["kept"]) == (0, [old], [new]), done.stderr
    assert set(snowflake_server.files()) == {f"py311/{new}", "py311/theirs.zip"}


# --- killed


@pytest.mark.parametrize("at", ["PUT", "LIST"])
def test_killed_while_it_sends_or_before_it_looks_the_next_run_ends_right(
    syncing: Tool, snowflake_server: SnowflakeServer, tmp_path: Path, at: str
) -> None:
    fixed = ("--zip-name", "app.zip", "--overwrite")
    if at == "LIST":
        snowflake_server.let_pass("LIST", times=1)
    held = snowflake_server.hold(at)
    running = syncing.start("snowflake", "sync", "--stage", f"@{STAGE}", *fixed)
    try:
        assert held.has_come.wait(HOLDS_S)
    finally:
        os.killpg(running.pid, signal.SIGKILL)
        running.communicate()
        held.may_go.set()
    assert "app.zip.manifest.json" not in snowflake_server.files()
    snowflake_server.forget()
    ran = sync(syncing, *fixed, "--verify", "--json")
    assert ran.code == 0, ran.stderr
    assert ran.json["status"] == ("uploaded" if at == "PUT" else "replaced")
    assert imported(tmp_path, snowflake_server.files()["app.zip"]) == "1.0"
    assert "app.zip.manifest.json" in snowflake_server.files()


@pytest.mark.parametrize("at", ["REMOVE", "within the transfer", "the manifest's transfer"])
def test_killed_while_it_replaces_the_next_run_ends_right(
    syncing: Tool, snowflake_server: SnowflakeServer, tmp_path: Path, at: str
) -> None:
    fixed = ("--zip-name", "app.zip", "--overwrite")
    assert sync(syncing, *fixed).code == 0
    syncing.requirements("tiny==2.0")
    if at == "REMOVE":
        held = snowflake_server.hold(at)
    else:
        held = Hold()
        name = r"app\.zip\.manifest\.json\?" if "manifest" in at else r"app\.zip\?"
        snowflake_server.transfers.spoil("PUT", name, reset_upload(100, before=held.met), times=1)
    running = syncing.start("snowflake", "sync", "--stage", f"@{STAGE}", *fixed)
    try:
        assert held.has_come.wait(HOLDS_S)
    finally:
        os.killpg(running.pid, signal.SIGKILL)
        running.communicate()
        held.may_go.set()
    if "transfer" in at:  # a REMOVE that was sent is done, also for the dead, at a time of Snowflake's own
        there = "2.0" if "manifest" in at else "1.0"
        assert imported(tmp_path, snowflake_server.files()["app.zip"]) == there
    ran = sync(syncing, *fixed, "--verify", "--json")
    assert (ran.code, ran.json["status"]) == (0, "replaced"), ran.stderr
    assert imported(tmp_path, snowflake_server.files()["app.zip"]) == "2.0"
    again = sync(syncing, "--zip-name", "app.zip", "--json")
    assert (again.code, again.json["status"]) == (0, "unchanged"), again.stderr


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interruption_ends_it_at_once_whatever_the_connector_waits_for(
    syncing: Tool, snowflake_server: SnowflakeServer, number: int, code: int
) -> None:
    held = snowflake_server.hold("LIST")
    running = syncing.start("snowflake", "stage", "list", "--stage", f"@{STAGE}")
    try:
        assert held.has_come.wait(HOLDS_S)
        running.send_signal(number)
        stdout, stderr = running.communicate(timeout=HOLDS_S)
    finally:
        running.kill()
        held.may_go.set()
    assert (running.returncode, stdout) == (code, "")
    assert stderr.endswith("nothing half-made is left\n")


# --- secrets


@contextlib.contextmanager
def watched_processes() -> Iterator[set[bytes]]:
    """Every command line that is seen on the machine meanwhile."""
    seen, is_over = set[bytes](), threading.Event()

    def watch() -> None:
        while not is_over.wait(0.005):
            for process in Path("/proc").glob("[0-9]*/cmdline"):
                with contextlib.suppress(OSError):
                    seen.add(process.read_bytes())

    watching = threading.Thread(target=watch)
    watching.start()
    try:
        yield seen
    finally:
        is_over.set()
        watching.join()


def test_no_secret_stands_in_a_command_line_a_message_a_file_or_the_zip(
    syncing: Tool, snowflake_server: SnowflakeServer, tmp_path: Path
) -> None:
    index = syncing.index.url_with_credentials
    with watched_processes() as seen:
        ran = sync(syncing, "--json", PROGET_URL=index)
        snowflake_server.refuse("LOGIN", Refusal("390100", "08001", f"Incorrect username or password {PASSWORD}"))
        denied = sync(syncing, SNOWFLAKE_ROLE=PASSWORD)
    assert ran.code == 0, ran.stderr
    assert denied.code == 2, denied.stderr
    assert any(b"pip\0compile" in one or b"snowflake" in one for one in seen)
    files = [
        path.read_bytes() for path in (tmp_path, Path(os.environ["HOME"])) for path in path.rglob("*") if path.is_file()
    ]
    assert "Canary" not in f"{ran} {denied}"
    assert not [one for one in (*seen, *files, *snowflake_server.files().values()) if b"Canary" in one]
