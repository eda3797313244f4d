"""`venvbuild notify`: real servers on the other end, and what they were told."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.outcomes import run
from tests.support.receivers import Mailbox, Webhook, mailbox, self_signed, silent, trickling, webhook
from tests.support.sizes import WAITING
from tests.support.tool import Ended, Tool
from tests.support.wheels import wheel


@pytest.fixture
def tool(tool: Tool) -> Tool:
    """With a run that failed at create: two pins contradict each other."""
    wheel(tool.index.folder, "good", "1.0")
    wheel(tool.index.folder, "good", "2.0")
    wheel(tool.index.folder, "needy", "1.0", requires=["good==2.0"])
    tool.env.update(VENVBUILD_WORK_DIR=str(tool.work), ENV_NAME="sales", BUILD_URL="https://ci.example.com/job/e/42/")
    return tool


def fail(tool: Tool) -> None:
    run(tool, "needy==1.0", "good==1.0", until="create", code=5)


def notify(tool: Tool, *addresses: str, event: str = "failure", more: tuple[str, ...] = (), **env: str) -> Ended:
    return tool.run("notify", event, *more, VENVBUILD_NOTIFY_URLS=" ".join(addresses), **env)


@pytest.fixture
def hook() -> Iterator[Webhook]:
    with webhook() as receiver:
        yield receiver


@pytest.fixture
def mails() -> Iterator[Mailbox]:
    with mailbox() as receiver:
        yield receiver


TITLE = "FAILED sales (py3.11) at create: 1 conflict"


def test_a_webhook_is_told(tool: Tool, hook: Webhook) -> None:
    fail(tool)
    done = notify(tool, f"json://{hook.place}/hook")
    assert (done.code, done.stdout, done.stderr) == (0, "", "")
    [(path, told)] = hook.posts
    assert (path, told["title"], told["type"]) == ("/hook", TITLE, "failure")
    assert told["message"].startswith(
        f"{tool.folder}/requirements.txt:2: needy 1.0 needs good==2.0, good 1.0 is pinned\n"
    )
    assert "console: https://ci.example.com/job/e/42/console" in told["message"]


def test_a_mail_is_sent(tool: Tool, mails: Mailbox) -> None:
    fail(tool)
    done = notify(tool, f"mailto://127.0.0.1:{mails.port}/?from=ci@example.com&to=team@example.com&mode=insecure")
    assert done.code == 0, done.stderr
    [mail] = mails.mails
    assert (mail["To"], mail["Subject"]) == ("team@example.com", TITLE)
    text = mail.get_body(("plain",))
    assert text
    assert "needy 1.0 needs good==2.0" in text.get_content()


def test_slack_is_told_in_its_own_words_and_nobody_can_call_the_channel(
    tool: Tool, hook: Webhook, tmp_path: Path
) -> None:
    """Slack itself is a local server here, which its plugin is pointed to."""
    fail(tool)
    record = json.loads((tool.work / "venvbuild-work.json").read_text())
    record["failed"]["problems"][0]["what"] = "<!channel> & <script>"
    (tool.work / "venvbuild-work.json").write_text(json.dumps(record))
    elsewhere = f"from apprise.plugins.slack import NotifySlack as N; N.webhook_url = 'http://{hook.place}/services'"
    (tmp_path / "site").mkdir()
    (tmp_path / "site/sitecustomize.py").write_text(elsewhere)
    path = f"{tool.environment()['PYTHONPATH']}:{tmp_path / 'site'}"
    done = notify(tool, "slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ/#builds", PYTHONPATH=path)
    assert done.code == 0, done.stderr
    [(place, told)] = hook.posts
    assert place == "/services/T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ"
    assert told["channel"] == "#builds"
    [attachment] = told["attachments"]
    assert attachment["title"] == TITLE
    assert "&lt;!channel&gt; &amp; &lt;script&gt;" in attachment["text"]
    assert "<" not in attachment["text"]


def test_teams_is_told_by_a_card(tool: Tool, tmp_path: Path) -> None:
    fail(tool)
    with webhook(self_signed(tmp_path / "certificate.pem")) as hook:
        done = notify(tool, f"workflows://{hook.place}/WORKFLOW643/SIGNATURE44/?verify=no", PYTHONWARNINGS="ignore")
    assert done.code == 0, done.stderr
    [(place, card)] = hook.posts
    assert place.startswith("/workflows/WORKFLOW643/triggers/manual/paths/invoke?")
    assert card["type"] == "message"
    text = json.dumps(card)
    assert "AdaptiveCard" in text
    assert "needy 1.0 needs good==2.0" in text.replace("\\\\", "")


def test_a_service_that_is_down_is_a_warning_and_the_others_are_told(tool: Tool, hook: Webhook) -> None:
    fail(tool)
    done = notify(tool, "json://127.0.0.1:1/secret-token-123", f"json://{hook.place}/hook")
    assert done.code == 0
    assert done.stderr.startswith("WARNING: not notified: JSON (address 1): ")
    assert "secret-token-123" not in done.stderr
    assert len(hook.posts) == 1


def test_a_service_that_refuses_is_a_warning(tool: Tool, hook: Webhook) -> None:
    fail(tool)
    hook.status = 503
    done = notify(tool, f"json://{hook.place}/hook", more=("--json",))
    assert done.code == 0
    assert "503" in done.stderr
    assert done.json["notified"] == []
    assert list(done.json["failed"]) == ["JSON (address 1)"]


@WAITING
@pytest.mark.parametrize(
    "scheme", ["json://127.0.0.1:{}/", "mailto://127.0.0.1:{}/?from=a@example.com&to=b@example.com&mode=insecure"]
)
def test_a_server_that_never_answers_does_not_hold_the_job(tool: Tool, hook: Webhook, scheme: str) -> None:
    """The process ends by itself, well before its time limit here, with the silent server still there."""
    fail(tool)
    with silent() as (port, came):
        done = notify(tool, scheme.format(port), f"json://{hook.place}/hook")
        assert came.is_set()
    assert done.code == 0
    assert "WARNING: not notified: " in done.stderr
    assert len(hook.posts) == 1


@WAITING
def test_a_server_whose_answer_never_ends_is_hung_up_on(tool: Tool, hook: Webhook) -> None:
    fail(tool)
    with trickling() as (port, left):
        done = notify(tool, f"json://127.0.0.1:{port}/", f"json://{hook.place}/hook", more=("--json",))
        assert left.wait(30)
    assert done.code == 0
    assert done.json["failed"] == {"JSON (address 1)": "it did not answer in time"}
    assert done.json["notified"] == ["JSON (address 2)"]
    assert len(hook.posts) == 1


def test_what_an_earlier_job_left_in_the_work_dir_is_not_told_of_this_one(tool: Tool, hook: Webhook) -> None:
    fail(tool)
    assert notify(tool, f"json://{hook.place}/hook", BUILD_URL="https://ci.example.com/job/e/43/").code == 0
    [(_, told)] = hook.posts
    assert told["title"] == "FAILED venvbuild"
    assert "console: https://ci.example.com/job/e/43/console" in told["message"]
    assert "needy" not in told["message"]


@pytest.mark.parametrize("env", [{"VENVBUILD_LEVEL": "lots"}, {"XDG_CONFIG_HOME": "broken"}])
def test_a_setting_that_cannot_be_read_does_not_hinder_it(tool: Tool, hook: Webhook, env: dict[str, Any]) -> None:
    fail(tool)
    (tool.folder / "broken" / "venvbuild").mkdir(parents=True)
    (tool.folder / "broken" / "venvbuild" / "config.toml").write_text("[")
    env = {name: str(tool.folder / value) if name.startswith("XDG") else value for name, value in env.items()}
    assert tool.run("config", **env).code == 2
    assert notify(tool, f"json://{hook.place}/hook", **env).code == 0
    assert hook.posts[0][1]["title"] == TITLE
    assert tool.run("summary", **env).stdout.startswith("sales py3.11\nstopped at create, 1 conflict")


@WAITING
def test_a_store_that_never_answers_does_not_hold_the_job(tool: Tool, hook: Webhook) -> None:
    fail(tool)
    keys = {"AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x" * 10, "AWS_DEFAULT_REGION": "us-east-1"}
    with silent() as (port, came):
        tool.env |= {**keys, "VENVBUILD_STORE": "s3://bucket", "VENVBUILD_S3_ENDPOINT_URL": f"http://127.0.0.1:{port}"}
        done = notify(tool, f"json://{hook.place}/hook")
        assert came.is_set()
    assert done.code == 0, done.stderr
    assert len(hook.posts) == 1


def test_without_an_address_it_is_2_and_says_where_to_write_one(tool: Tool) -> None:
    done = notify(tool)
    assert done.code == 2
    assert "VENVBUILD_NOTIFY_URLS" in done.stderr


@pytest.mark.parametrize(
    "address", ["slack://only-one-token-123", "nonsense://geheim-123456", "just-a-word-123456", "mailto://"]
)
def test_an_address_that_cannot_be_read_is_2_at_once_and_not_shown(tool: Tool, hook: Webhook, address: str) -> None:
    done = notify(tool, f"json://{hook.place}/hook", address)
    assert done.code == 2
    assert "(address 2 of 2) is no address that apprise knows" in done.stderr
    assert "123" not in done.stderr
    assert hook.posts == []


def test_a_recovery_is_told_with_what_changed_since_the_last_good_build(tool: Tool, hook: Webhook) -> None:
    run(tool, "good==1.0", until="register")
    [before] = tool.run("list", "--json").json
    run(tool, "good==2.0", "needy==1.0", until="register")
    assert notify(tool, f"json://{hook.place}/hook", event="fixed").code == 0
    [(_, told)] = hook.posts
    assert told["title"] == "FIXED sales (py3.11): conflict free"
    assert f"last good build, {before['venv_version']}:\n  good 1.0 -> 2.0\n  + needy 1.0\n" in told["message"]


def test_a_build_with_conflicts_is_no_good_one(tool: Tool, hook: Webhook) -> None:
    run(tool, "good==1.0", until="register")
    [good] = tool.run("list", "--json").json
    run(tool, "good==1.0", "needy==1.0", until="register", FAIL_ON_CONFLICTS="false")
    fail(tool)
    notify(tool, f"json://{hook.place}/hook")
    assert f"{good['venv_version']}:\n  + needy 1.0\n" in hook.posts[0][1]["message"]


def test_a_failure_is_told_with_what_changed_since_the_last_good_build(tool: Tool, hook: Webhook) -> None:
    run(tool, "good==1.0", until="register")
    fail(tool)
    notify(tool, f"json://{hook.place}/hook")
    assert "  + needy 1.0\n" in hook.posts[0][1]["message"]


def test_a_damaged_file_of_the_last_good_build_is_said_and_no_changes_are(tool: Tool, hook: Webhook) -> None:
    run(tool, "good==1.0", until="register")
    [good] = tool.run("list", "--json").json
    (tool.stored(good["venv_version"]) / "requirements.txt").write_text("never-pinned==1.0\n")
    fail(tool)
    done = notify(tool, f"json://{hook.place}/hook")
    assert (done.code, done.stderr) == (0, "")
    [(_, told)] = hook.posts
    assert f"What changed since the last good build, {good['venv_version']}, cannot be told:\n  " in told["message"]
    assert "requirements.txt is not the one that metadata.json names" in told["message"]
    assert "never-pinned" not in told["message"]
    assert told["title"] == TITLE


def test_a_dry_run_prints_and_sends_nothing(tool: Tool, hook: Webhook) -> None:
    fail(tool)
    done = notify(tool, f"json://{hook.place}/hook", more=("--dry-run",))
    assert done.code == 0
    assert done.stdout.startswith(f"{TITLE}\n\n")
    assert hook.posts == []


@pytest.mark.parametrize(("name", "has_link"), [("..work", True), ("../work", False)])
def test_only_a_work_dir_in_the_workspace_has_a_link(tool: Tool, hook: Webhook, name: str, has_link: bool) -> None:
    tool.work = tool.folder / name
    tool.env["VENVBUILD_WORK_DIR"] = str(tool.work)
    fail(tool)
    done = notify(tool, f"json://{hook.place}/hook", more=("--dry-run",), WORKSPACE=str(tool.folder))
    assert (f"/artifact/{name}/report/index.html" in done.stdout) == has_link


def test_a_refused_parameter_does_not_hinder_it(tool: Tool, hook: Webhook) -> None:
    assert tool.run("check", "-r", tool.requirements("good==1.0"), ENV_NAME="x; id").code == 3
    assert notify(tool, f"json://{hook.place}/hook", ENV_NAME="x; id").code == 0
    assert hook.posts[0][1]["title"].startswith("FAILED a refused run at check: ")


def test_a_run_that_never_began_is_told(tool: Tool, hook: Webhook) -> None:
    assert notify(tool, f"json://{hook.place}/hook").code == 0
    assert hook.posts[0][1]["title"] == "FAILED venvbuild"


def test_addresses_may_stand_in_the_configuration_file_and_are_not_shown(tool: Tool, hook: Webhook) -> None:
    fail(tool)
    file = tool.folder / "config.toml"
    file.write_text(f'notify_urls = ["json://{hook.place}/secret-token-123"]\n')
    assert notify(tool, more=("--config", str(file))).code == 0
    assert [path for path, _ in hook.posts] == ["/secret-token-123"]
    for flags in ((), ("--json",)):
        shown = tool.run("config", "--config", file, *flags)
        assert "secret-token-123" not in shown.stdout + shown.stderr
        assert re.search(r"notify_urls.{,40}\*\*\*\*", shown.stdout, re.DOTALL)


def test_no_secret_of_the_job_and_no_address_is_in_the_message(tool: Tool, hook: Webhook) -> None:
    fail(tool)
    address = f"json://{hook.place}/secret-token-123"
    with (tool.work / "build.log").open("a") as log:
        log.write(f"we post to {address} with hunter2-hunter2\n")
    assert notify(tool, address, MY_TOKEN="hunter2-hunter2").code == 0
    [(_, told)] = hook.posts
    assert "hunter2" not in str(told)
    assert "secret-token" not in str(told)
    assert "we post to ****" in told["message"]
