"""A Jenkins agent on which the tests run whole jobs, and the fixtures that make one: pytest loads this as a plugin."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.support.groovy import Ended, Groovy, Job
from tests.support.index_server import IndexServer
from tests.support.receivers import Webhook, webhook
from tests.support.s3_servers import ACCESS_KEY, ENVIRONMENT, SECRET_KEY, S3Server
from tests.support.scripts import REPOSITORY, tool_cache
from tests.support.stored import Place, assert_nothing_torn
from tests.support.wheels import wheel
from venvbuild.run import STEPS

JENKINSFILE = (REPOSITORY / "Jenkinsfile").read_text("utf-8")
FILE = "requirements.txt"
STAGES = [step.capitalize() for step in STEPS]
ALL_WELL = dict.fromkeys(STAGES, "SUCCESS")
"""The stages of a build; the Jenkinsfile has some around them."""
REPORTS = ("build.log", "requirements.txt", "requirements.lock.txt", "pylock.toml", "installed_packages.json",
           "packages.json", "pipdeptree.txt",
           "conflicts.json", "metadata.json", "upload/frozen/metadata.json", "report/index.html", "report/report.css",
           "report/junit.xml", "report/issues.json", "report/report.sarif", "report/summary.md",
           "report/build.log")  # fmt: skip


@dataclass
class Agent:
    """A machine that runs the job: a checkout, an index, a store, and no settings but those of the job."""

    groovy: Groovy
    index: IndexServer
    folder: Path
    place: Place
    given: dict[str, Any] = field(default_factory=dict)
    """Further facts of every job: `pipeline`, `shell`, `workspace_name`."""

    def __post_init__(self) -> None:
        self.source = self.folder / "source"
        # With its bytecode, which each run would make anew; not what another test is just writing.
        half_written = shutil.ignore_patterns("*.pyc.*")
        for name in ("bin", "venvbuild", "athena", "locks"):
            shutil.copytree(REPOSITORY / name, self.source / name, ignore=half_written)
        (self.folder / "home").mkdir()

    def pins(self, *lines: str, file: str = FILE) -> None:
        """What the checked out requirements file holds."""
        path = self.source / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(f"{line}\n" for line in lines))

    def job(self, **params: str) -> Job:
        """A run started from Jenkins' form with these, and the store's."""
        store = {"STORE": self.place.url}
        if self.place.endpoint_url:
            store["AWS_CREDENTIALS_ID"] = "store-key"
        return Job(**{
            "pipeline": JENKINSFILE, "folder": self.folder, "params": {"ENV_NAME": "sales", **store, **params},
            "source": self.source, "commit": "0123456789abcdef", "env": self.environment(),
            "credentials": {"store-key": {"type": "aws", "access_key": ACCESS_KEY, "secret_key": SECRET_KEY}},
            **self.given,
        })  # fmt: skip

    def environment(self) -> dict[str, str]:
        s3 = {
            name: value
            for name, value in ENVIRONMENT.items()
            if name not in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
        }
        return {
            "HOME": str(self.folder / "home"),
            "XDG_CACHE_HOME": str(tool_cache()),
            "VENVBUILD_INDEX_URL": self.index.url(),
            **(s3 if self.place.endpoint_url else {}),
            **self.place.env,
        }

    def run(self, **params: str) -> Ended:
        return self.groovy.run(self.job(**params))

    @property
    def builds(self) -> dict[str, Any]:
        """By version, every build that readers see; each is whole."""
        return assert_nothing_torn(self.place.open())


def only_groovy(scripts: Path) -> None:
    """Make the scripts well at once: for what the Groovy does with them, whatever the tool would do."""
    work = "mkdir -p venvbuild-work/report; cd venvbuild-work; "
    texts = {
        "check": work + "echo {} > venvbuild-work.json",
        "summary": "echo 'sales py3.11'; echo well",
        "report": work + "echo > report/index.html; echo '<testsuite/>' > report/junit.xml; "
        "echo '{\"issues\": []}' > report/issues.json",
    }
    for step in (*STEPS, "promote", "summary", "report"):
        (scripts / step).write_text(f"#!/bin/sh\n{texts.get(step, ':')}\n")


def on_s3(server: S3Server) -> Place:
    return Place(server.name, f"s3://{server.new_bucket()}/team", {"VENVBUILD_S3_ENDPOINT_URL": server.endpoint_url},
                 server.endpoint_url)  # fmt: skip


@pytest.fixture
def agent(groovy: Groovy, index: IndexServer, tmp_path: Path, volume: Path) -> Agent:
    """With a store in a folder, and an index that has `tiny` and two packages that contradict each other."""
    wheel(index.folder, "tiny", "1.0")
    wheel(index.folder, "needy", "1.0", requires=["other==1.0"])
    wheel(index.folder, "other", "1.0")
    wheel(index.folder, "other", "2.0")
    wheel(index.folder, "old", "1.0", python="<3.9")
    # On a volume, as the tests may themselves run in a container.
    agent = Agent(groovy, index, tmp_path, Place("folder", str(volume / "store")))
    agent.pins("tiny==1.0")
    return agent


@pytest.fixture(params=["moto", "versitygw"])
def agent_on_s3(request: pytest.FixtureRequest, s3_environment: None, agent: Agent) -> Agent:
    return replace_place(agent, on_s3(request.getfixturevalue(f"{request.param}_server")))


@pytest.fixture
def agent_on_moto(moto_server: S3Server, s3_environment: None, agent: Agent) -> Agent:
    return replace_place(agent, on_s3(moto_server))


def replace_place(agent: Agent, place: Place) -> Agent:
    agent.place = place
    return agent


@pytest.fixture
def hook() -> Iterator[Webhook]:
    with webhook() as receiver:
        yield receiver
