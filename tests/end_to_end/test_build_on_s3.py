"""The same build on S3, seen request by request at a proxy in front of the server."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.support import s3_servers
from tests.support.recording_proxy import RecordingProxy, answer, lose_reply, strip_header
from tests.support.s3_servers import S3Server
from tests.support.sizes import WAITING
from tests.support.stored import committed
from tests.support.tool import Tool
from tests.support.wheels import wheel
from venvbuild.stores import open_store


@pytest.fixture(params=["moto", "versitygw"])
def server(request: pytest.FixtureRequest, s3_environment: None) -> S3Server:
    found: S3Server = request.getfixturevalue(f"{request.param}_server")
    return found


@pytest.fixture
def bucket(server: S3Server, tool: Tool) -> str:
    name = server.new_bucket()
    wheel(tool.index.folder, "good", "1.0")
    tool.env.update(s3_servers.ENVIRONMENT, VENVBUILD_STORE=f"s3://{name}/team", AWS_ENDPOINT_URL=server.endpoint_url)
    return name


def test_metadata_is_the_last_object_written_and_the_claim_the_first(server: S3Server, tool: Tool, bucket: str) -> None:
    with RecordingProxy(server.endpoint_url) as proxy:
        done = tool.build("good==1.0", AWS_ENDPOINT_URL=proxy.endpoint_url)
    assert done.code == 0, done.stderr
    version = done.json["venv_version"]
    prefix = f"/{bucket}/team/venv-builds/{version}/"
    writes = [one for one in proxy.seen if one.method in ("PUT", "POST", "DELETE")]
    names = [one.path.removeprefix(prefix) for one in writes if one.path.startswith(prefix)]
    assert (names[0], names[-1]) == ("claim.json", "metadata.json")
    assert len(names) == len(set(names)) == len(done.json["files"]) + 1
    assert {one.conditions.get("If-None-Match") for one in writes if one.path.startswith(prefix)} == {"*"}
    places = [one.path.removeprefix(f"/{bucket}/team/") for one in writes]
    assert (
        places.index(f"venv-catalog/envs/default/{version}") == places.index(f"venv-builds/{version}/metadata.json") - 1
    )
    assert places[-1].startswith("venv-catalog/builds/dt=")


def test_the_build_is_whole_and_readers_find_it(server: S3Server, tool: Tool, bucket: str) -> None:
    done = tool.build("good==1.0", ENV_NAME="sales")
    assert done.code == 0, done.stderr
    seen = committed(open_store(f"s3://{bucket}/team", endpoint_url=server.endpoint_url))
    assert list(seen.values()) == [done.json]
    assert tool.run("show", done.json["venv_version"], "--json").json == done.json
    assert [one["venv_version"] for one in tool.run("list", "--json").json] == [done.json["venv_version"]]


def test_replies_that_are_lost_change_nothing(server: S3Server, tool: Tool, bucket: str) -> None:
    with RecordingProxy(server.endpoint_url) as proxy:
        for name in ("claim.json", "metadata.json", "requirements.txt"):
            proxy.spoil("PUT", rf"/{name}\?", lose_reply(), times=1)
        proxy.spoil("PUT", r"/venv-catalog/builds/", lose_reply(), times=1)
        done = tool.build("good==1.0", AWS_ENDPOINT_URL=proxy.endpoint_url)
    assert done.code == 0, done.stderr
    assert len([one for one in proxy.seen if one.status is None]) == 4
    assert len(committed(open_store(f"s3://{bucket}/team", endpoint_url=server.endpoint_url))) == 1


@WAITING
def test_a_store_that_is_down_at_upload_is_7_and_the_step_alone_ends_the_job(
    server: S3Server, tool: Tool, bucket: str
) -> None:
    with RecordingProxy(server.endpoint_url) as proxy:
        proxy.spoil("PUT", r"/installed_packages.json\?", answer(403, "AccessDenied"))
        done = tool.run("build", "--json", "-r", tool.requirements("good==1.0"), "--work-dir", tool.work,
                        AWS_ENDPOINT_URL=proxy.endpoint_url)  # fmt: skip
    assert done.code == 2, done.stderr
    store = open_store(f"s3://{bucket}/team", endpoint_url=server.endpoint_url)
    assert committed(store) == {}
    assert tool.run("list", "--json").json == []
    for step in ("upload", "register"):
        assert tool.run(step, "--work-dir", tool.work).code == 0
    assert len(committed(store)) == 1
    assert len(tool.run("list", "--json").json) == 1


def test_a_store_without_conditional_writes_is_refused_before_a_claim(
    moto_server: S3Server, s3_environment: None, tool: Tool
) -> None:
    """On moto, which checks no signature and so does not mind a header that is gone."""
    wheel(tool.index.folder, "good", "1.0")
    with RecordingProxy(moto_server.endpoint_url) as proxy:
        proxy.spoil("PUT", r".", strip_header("If-None-Match"))
        env = {**s3_servers.ENVIRONMENT, "VENVBUILD_STORE": f"s3://{moto_server.new_bucket()}"}
        done = tool.build("good==1.0", AWS_ENDPOINT_URL=proxy.endpoint_url, **env)
    assert done.code == 7, done.stderr
    assert not [one for one in proxy.seen if "claim.json" in one.path]


def test_a_bucket_that_is_not_there_is_2_and_named(tool: Tool, bucket: str) -> None:
    done = tool.build("good==1.0", VENVBUILD_STORE="s3://no-such-bucket-at-all")
    assert done.code == 2
    assert "no-such-bucket-at-all" in done.stderr


def test_the_archive_from_s3_opens(server: S3Server, tool: Tool, bucket: str, tmp_path: Path) -> None:
    build = tool.build("good==1.0").json
    key = build["venv_archive"].removeprefix(f"s3://{bucket}/")
    server.client().download_file(bucket, key, str(tmp_path / "x.tar.gz"))
    assert os.system(f"gzip -t '{tmp_path}/x.tar.gz'") == 0
