"""Which stores a run of Jenkins would lose: told by mounts, links and the workspace, before anything is built."""

from __future__ import annotations

import os
import re
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.tool import Tool
from tests.support.wheels import wheel
from venvbuild import settings
from venvbuild.errors import UsageError
from venvbuild.stores import Surroundings, in_container, refuse_ephemeral
from venvbuild.stores.ephemeral import in_workspace

RUN = {"BUILD_TAG": "jenkins-envs-1", "HOME": "/home/jenkins"}
# As Docker and the kubelet write them: the container's own, a folder of the host of one device with it, a volume of
# the network, an emptyDir, and a folder with a space in its name.
MOUNTS = r"""
1200 1100 0:311 / / rw,relatime master:344 - overlay overlay rw,lowerdir=/l,upperdir=/u,workdir=/w
1201 1200 0:314 / /proc rw,nosuid - proc proc rw
1210 1200 259:1 /srv/builds /mnt/host rw,relatime - ext4 /dev/nvme0n1p1 rw
1211 1200 0:52 / /mnt/nfs rw,relatime shared:7 - nfs4 nas:/builds rw,vers=4.2
1212 1200 259:1 /var/lib/kubelet/pods/5a/volumes/kubernetes.io~empty-dir/workspace-volume /home/jenkins/agent rw - ext4 /d rw
1213 1200 259:1 /srv/other /mnt/two\040words rw,relatime - ext4 /dev/nvme0n1p1 rw
"""  # noqa: E501
CONTAINER = Surroundings(RUN, MOUNTS)
MACHINE = replace(CONTAINER, mountinfo="22 1 259:1 / / rw,relatime shared:1 - ext4 /dev/nvme0n1p1 rw\n")


def refusal(store: str, surroundings: Surroundings, *, flag: bool = False) -> UsageError | None:
    """What is said to a store given by the variable, or by the flag; None when it is accepted."""
    given = {"store": store} if flag else {}
    environ = {**surroundings.environ, **({} if flag or not store else {"VENVBUILD_STORE": store})}
    try:
        refuse_ephemeral(settings.load(given, environ), replace(surroundings, environ=environ))
    except UsageError as error:
        return error
    return None


# --- the container


@pytest.mark.parametrize(
    ("store", "stays"),
    [
        pytest.param("/srv/store", False, id="own"),
        pytest.param("file:///srv/store", False, id="own, as a URL"),
        pytest.param("/mnt/hostess/store", False, id="not below the mount of a like name"),
        pytest.param("/mnt/host", True, id="a folder of the host"),
        pytest.param("/mnt/host/a/b", True, id="below it"),
        pytest.param("file:///mnt/nfs/a", True, id="of the network"),
        pytest.param("/mnt/two words/a", True, id="a name that the kernel escapes"),
        pytest.param("s3://bucket/prefix", True, id="S3"),
        pytest.param("/home/jenkins/agent/store", False, id="emptyDir"),
    ],
)
def test_only_what_comes_from_outside_stays_when_a_container_goes(store: str, stays: bool) -> None:
    refused = refusal(store, CONTAINER)
    assert (refused is None) is stays
    assert (in_container(store, CONTAINER) == "") is stays
    assert refusal(store, MACHINE) is None


def test_the_default_store_of_a_container_is_refused_with_the_place_the_reason_and_a_way_out() -> None:
    refused = refusal("", CONTAINER)
    assert refused
    [problem] = refused.problems
    assert problem.where == "/home/jenkins/.local/share/venvbuild (the default)"
    assert problem.why.endswith("which is removed with it (a container: / is of the kind overlay)")
    assert "VENVBUILD_STORE=s3://BUCKET/PREFIX" in problem.fix


def test_the_fix_names_what_is_at_least_as_strong_as_what_named_the_store(tmp_path: Path) -> None:
    by_flag = refusal("/srv/store", CONTAINER, flag=True)
    assert by_flag
    assert by_flag.problems[0].where == "/srv/store (--store)"
    assert by_flag.problems[0].fix.startswith("give --store s3://BUCKET/PREFIX, or ")
    file = tmp_path / "config.toml"
    file.write_text('store = "/srv/store"\n')
    with pytest.raises(UsageError) as caught:
        refuse_ephemeral(settings.load({}, RUN, file), CONTAINER)
    assert caught.value.problems[0].where == f"/srv/store ({file})"
    named = re.search(r"VENVBUILD_STORE=(\S+)", caught.value.problems[0].fix)
    assert named
    refuse_ephemeral(settings.load({}, {**RUN, "VENVBUILD_STORE": named[1]}, file), CONTAINER)


def test_an_empty_dir_is_told_as_one() -> None:
    assert "/home/jenkins/agent is an emptyDir" in in_container("/home/jenkins/agent/store", CONTAINER)


@pytest.mark.parametrize(
    ("surroundings", "sign"),
    [
        pytest.param(CONTAINER, "/ is of the kind overlay", id="layers"),
        pytest.param(replace(MACHINE, marks=("/.dockerenv",)), "/.dockerenv is there", id="Docker"),
        pytest.param(replace(MACHINE, marks=("/run/.containerenv",)), "/run/.containerenv is there", id="Podman"),
        pytest.param(replace(MACHINE, environ={**RUN, "KUBERNETES_SERVICE_HOST": "10.0.0.1"}),
                     "KUBERNETES_SERVICE_HOST is set", id="Kubernetes"),
        pytest.param(MACHINE, "", id="a machine"),
        pytest.param(Surroundings(RUN), "", id="no Linux"),
    ],
)  # fmt: skip
def test_a_container_is_known_by_its_signs(surroundings: Surroundings, sign: str) -> None:
    assert surroundings.container == sign
    assert (refusal("/srv/store", surroundings) is not None) is bool(sign)


def test_of_two_mounts_at_one_place_the_later_counts() -> None:
    hidden = "1300 1210 0:9 /pods/kubernetes.io~empty-dir/x /mnt/host rw - tmpfs tmpfs rw\n"
    assert in_container("/mnt/host/a", replace(CONTAINER, mountinfo=MOUNTS + hidden))
    assert not in_container("/mnt/host/a", replace(CONTAINER, mountinfo=hidden + MOUNTS))


def test_a_store_is_judged_by_where_it_really_lies(tmp_path: Path, volume: Path) -> None:
    mounts = f"1 0 0:1 / / rw - overlay overlay rw\n2 1 0:2 / {volume} rw - ext4 /dev/v rw\n"
    outside, inside = tmp_path / "to the volume", volume / "to the container"
    outside.symlink_to(volume)
    inside.symlink_to(tmp_path)
    surroundings = Surroundings(RUN, mounts)
    assert not in_container(f"{outside}/not yet there", surroundings)
    assert in_container(f"{inside}/not yet there", surroundings)
    circle = tmp_path / "circle"
    circle.symlink_to(circle)
    assert in_container(str(circle), surroundings)


# --- the workspace


@pytest.mark.parametrize("store", ["store", "./store", "../store", "a/~/b"])
def test_a_relative_store_is_refused_on_any_agent(store: str) -> None:
    refused = refusal(store, MACHINE)
    assert refused
    assert refused.problems[0].why == "a relative path is meant from the workspace, which is cleaned"
    assert in_container(store, MACHINE) == ""


def test_a_store_in_the_workspace_is_refused_however_it_is_written(tmp_path: Path) -> None:
    workspace, link = tmp_path / "workspace", tmp_path / "link"
    workspace.mkdir()
    link.symlink_to(workspace)
    environ = {**RUN, "WORKSPACE": str(workspace)}
    for store in (f"{workspace}/store", f"{link}/store", f"file://{workspace}", f"{tmp_path}/x/../workspace/store"):
        assert "it lies in the workspace" in in_workspace(store, environ), store
    for store in (f"{tmp_path}/workspace2", "/srv/store", "s3://bucket", "~/store"):
        assert in_workspace(store, environ) == "", store


# --- nobody else is asked


def test_without_a_run_of_jenkins_every_store_is_taken() -> None:
    nobody = {"HOME": "/home/me", "WORKSPACE": "/w"}
    for store in ("", "store", "/srv/store", "/w/store"):
        assert refusal(store, replace(CONTAINER, environ=nobody)) is None


# --- for real: this machine's mounts; a container by the variable of Kubernetes, whatever this machine is

AGENT = {"BUILD_TAG": "jenkins-envs-1", "KUBERNETES_SERVICE_HOST": "10.0.0.1"}
OWN = "/venvbuild-tests-never-made"
"""On what is mounted at `/`."""


def test_check_refuses_it_before_anything_is_made_and_what_it_advises_is_taken(tool: Tool, volume: Path) -> None:
    wheel(tool.index.folder, "tiny", "1.0")
    file = tool.requirements("tiny==1.0")
    refused = tool.run("check", "-r", file, "--json", **AGENT, VENVBUILD_STORE=OWN)
    assert refused.code == 2, refused.stdout
    [problem] = refused.json["error"]["problems"]
    assert (problem["what"], problem["where"]) == ("the store would go with this container", f"{OWN} (VENVBUILD_STORE)")
    assert not Path(tool.folder, "venvbuild-work", "venv").exists()
    advised = re.findall(r"VENVBUILD_STORE=(\S+)", problem["fix"])
    assert advised == ["s3://BUCKET/PREFIX"]
    assert tool.run("check", "-r", file, **AGENT, VENVBUILD_STORE="s3://bucket/prefix").code == 0
    # "or a folder of a volume that is mounted here": through a link, too
    (tool.folder / "link").symlink_to(volume)
    for store in (str(volume), f"file://{volume}/new", f"{tool.folder}/link"):
        assert tool.run("check", "-r", file, **AGENT, VENVBUILD_STORE=store).code == 0


def test_a_run_of_jenkins_in_a_container_builds_into_a_volume(tool: Tool, volume: Path) -> None:
    wheel(tool.index.folder, "tiny", "1.0")
    done = tool.build("tiny==1.0", **AGENT, VENVBUILD_STORE=str(volume / "store"))
    assert done.code == 0, done.stderr
    assert Path(volume, "store", "venv-builds", done.json["venv_version"], "metadata.json").is_file()


def test_build_upload_and_register_refuse_it_too(tool: Tool, volume: Path) -> None:
    wheel(tool.index.folder, "tiny", "1.0")
    refused = tool.build("tiny==1.0", **AGENT, VENVBUILD_STORE=OWN)
    assert (refused.code, "would go with this container" in refused.stderr) == (2, True)
    work = ("--work-dir", tool.work)
    env = {**AGENT, "VENVBUILD_STORE": str(volume)}
    for step in ("check", "create", "inspect", "pack", "describe"):
        more = ("-r", tool.requirements("tiny==1.0")) if step == "check" else ()
        assert tool.run(step, *more, *work, **env).code == 0
    refused = tool.run("upload", *work, "--store", OWN, **env)
    assert (refused.code, f"{OWN} (--store)" in refused.stderr) == (2, True), refused.stderr
    assert tool.run("upload", *work, **env).code == 0
    refused = tool.run("register", *work, "--store", OWN, **env)
    assert (refused.code, f"{OWN} (--store)" in refused.stderr) == (2, True), refused.stderr
    assert tool.run("register", *work, **env).code == 0
    assert not os.path.lexists(OWN)


def test_doctor_tells_it_in_a_run_and_warns_of_it_before_one(tool: Tool, volume: Path) -> None:
    found = tool.run("doctor", "--json", **AGENT, VENVBUILD_STORE="store")
    assert found.code == 11
    assert [one["verdict"] for one in found.json if one["name"] == "store"] == ["problem"]
    found = tool.run("doctor", "--json", KUBERNETES_SERVICE_HOST="10.0.0.1", VENVBUILD_STORE=str(volume))
    assert [one["verdict"] for one in found.json if one["name"] == "store"] == ["ok"]
