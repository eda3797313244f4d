"""From requirements to a committed build, as a user sees it."""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import tarfile
import tempfile
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.support.tool import Tool
from tests.support.wheels import wheel
from venvbuild import builds
from venvbuild.builds import parse_index

pytestmark = pytest.mark.traced

FILES = {
    "archive_index.json",
    "claim.json",
    "requirements.txt",
    "requirements.lock.txt",
    "pylock.toml",
    "pipdeptree.txt",
    "pipdeptree.json",
    "pipdeptree.dot",
    "installed_packages.txt",
    "installed_packages.json",
    "packages.json",
    "conflicts.json",
    "build.log",
    "metadata.json",
}


@pytest.fixture
def tool(tool: Tool) -> Tool:
    wheel(
        tool.index.folder,
        "kedro",
        "0.19.14",
        requires=["fsspec>=2024"],
        scripts={"kedro": "kedro:main"},
        files={"kedro.py": "def main():\n    import sys\n    print('kedro runs in', sys.prefix)\n"},
    )
    wheel(tool.index.folder, "fsspec", "2024.9.0")
    return tool


def test_a_build_is_one_json_object_that_fits_the_schema(tool: Tool) -> None:
    done = tool.build("kedro==0.19.14")
    assert done.code == 0, done.stderr
    builds.validate(done.json, strict=True)
    assert done.json["installed_packages"] == ["fsspec==2024.9.0", "kedro==0.19.14", "pip==26.3"]
    assert done.json["package_count"] == 3
    assert done.json["is_conflict_free"] is True


def test_the_store_holds_every_file_and_metadata_commits_to_each(tool: Tool) -> None:
    build = tool.build("kedro==0.19.14").json
    folder = tool.stored(build["venv_version"])
    names = {path.name for path in folder.iterdir()} - {"pipdeptree.svg"}
    assert names == {*FILES, f"{build['venv_version']}.tar.gz"}
    assert set(build["files"]) - {"pipdeptree.svg"} == names - {"metadata.json"}
    for name, promised in build["files"].items():
        content = (folder / name).read_bytes()
        assert (hashlib.sha256(content).hexdigest(), len(content)) == (promised["sha256"], promised["size_bytes"]), name
    assert build["archive_sha256"] == build["files"][f"{build['venv_version']}.tar.gz"]["sha256"]


def test_the_index_tells_of_the_archive_that_is_stored(tool: Tool) -> None:
    build = tool.build("kedro==0.19.14").json
    folder = tool.stored(build["venv_version"])
    index = parse_index((folder / "archive_index.json").read_bytes())
    assert index.archive_size_bytes == build["archive_size_bytes"]
    assert index.content_sha256 == build["content_sha256"]
    assert [one.distribution for one in index.fragments] == [None, "fsspec", "kedro", "pip", None]


def test_a_second_build_of_one_lock_takes_its_packages_from_the_cache(tool: Tool) -> None:
    cache = tool.folder / "cache"
    first = tool.build("kedro==0.19.14", XDG_CACHE_HOME=str(cache)).json
    kept = {path: path.stat().st_ino for path in (cache / "venvbuild/fragments").rglob("?" * 64)}
    second = tool.build("kedro==0.19.14", XDG_CACHE_HOME=str(cache)).json
    assert first["archive_sha256"] == second["archive_sha256"]
    assert len(kept) == 6
    assert {path: path.stat().st_ino for path in (cache / "venvbuild/fragments").rglob("?" * 64)} == kept


def test_the_line_for_people_has_version_place_size_packages_and_seconds(tool: Tool) -> None:
    done = tool.run("build", "-r", tool.requirements("kedro==0.19.14"), "--env-name", "demo")
    assert re.fullmatch(
        r"venv_\d{8}_\d{6}  file:///\S+\.tar\.gz  [\d.]+ [kM]B  3 packages  check [\d.]+ s create [\d.]+ s "
        r"inspect [\d.]+ s pack [\d.]+ s describe [\d.]+ s\n",
        done.stdout,
    ), done.stdout
    assert "2 packages are not pinned" not in done.stderr
    assert "1 package is not pinned by you: fsspec" in done.stderr


def test_the_last_word_is_where_the_seconds_went_that_no_step_has(tool: Tool) -> None:
    done = tool.build("kedro==0.19.14")
    *steps, last = [line for line in done.stderr.splitlines() if not line.startswith("WARNING: ")]
    assert [line[:5] for line in steps] == [f"[{number}/7]" for number in range(1, 8)]
    assert re.fullmatch(
        r"in all +[\d.]+ s  [\d.]+ s outside of the steps: "
        r"[\d.]+ s before, [\d.]+ s to note what was made, [\d.]+ s after",
        last,
    ), last
    assert set(done.json) >= {"venv_version"}  # and none of it on stdout


def test_the_row_is_the_metadata_on_one_line_without_files(tool: Tool) -> None:
    build = tool.build("kedro==0.19.14").json
    day = build["created_at"][:10]
    lines = (
        Path(tool.store, "venv-catalog/builds", f"dt={day}", f"{build['venv_version']}.json").read_text().splitlines()
    )
    assert len(lines) == 1
    row = json.loads(lines[0])
    assert row == {
        **{name: value for name, value in build.items() if name != "files"},
        "created_at": build["created_at"].replace("T", " ").rstrip("Z"),
    }


def test_list_and_show_tell_of_it(tool: Tool) -> None:
    build = tool.build("kedro==0.19.14").json
    assert tool.run("show", build["venv_version"], "--json").json == build
    listed = tool.run("list", "--json").json
    assert [one["venv_version"] for one in listed] == [build["venv_version"]]
    assert listed[0]["created_at"] == build["created_at"]
    assert "package              kedro==0.19.14" in tool.run("show", build["venv_version"]).stdout


def test_a_build_that_is_not_there_is_not_found(tool: Tool) -> None:
    done = tool.run("show", "venv_20200101_000000", "--json")
    assert done.code == 9
    assert done.json["error"]["problems"][0]["what"] == "there is no build venv_20200101_000000"


def test_the_archive_runs_after_plain_tar_and_rehome(tool: Tool, tmp_path: Path) -> None:
    build = tool.build("kedro==0.19.14").json
    there = tmp_path / "there, élsewhere"
    there.mkdir()
    archive = tool.stored(build["venv_version"]) / f"{build['venv_version']}.tar.gz"
    subprocess.run(["tar", "-xzf", archive, "-C", there], check=True)
    subprocess.run(["sh", there / "venv/bin/rehome"], check=True)
    said = subprocess.run(
        [there / "venv/bin/kedro"], check=True, capture_output=True, text=True, env={"PATH": os.environ["PATH"]}
    )
    assert said.stdout == f"kedro runs in {there / 'venv'}\n"


def test_the_archive_holds_nothing_of_the_machine_that_built_it(tool: Tool) -> None:
    build = tool.build("kedro==0.19.14").json
    with tarfile.open(tool.stored(build["venv_version"]) / f"{build['venv_version']}.tar.gz") as archive:
        members = {member.name: member for member in archive}
        configuration = archive.extractfile("venv/pyvenv.cfg")
        assert configuration is not None
        assert b"home" not in configuration.read()
    assert members["venv/bin/python"].linkname == "/usr/bin/python3.11"
    assert {(member.uid, member.gid, member.mtime, member.uname) for member in members.values()} == {(0, 0, 0, "")}
    assert {oct(member.mode) for member in members.values()} == {"0o644", "0o755", "0o777"}
    assert not [name for name in members if "__pycache__" in name or "CACHEDIR" in name]


def test_the_same_requirements_give_the_same_archive_in_other_folders_and_at_another_umask(tool: Tool) -> None:
    wheel(tool.index.folder, "alpha", "1.0", files={"shared.py": "who = 'alpha'\n", "alpha.py": ""})
    wheel(tool.index.folder, "omega", "1.0", files={"shared.py": "who = 'omega'\n", "omega.py": ""})
    file = tool.requirements("kedro==0.19.14", "omega==1.0", "alpha==1.0")
    digests = set()
    for name, umask in (("one", 0o022), ("another folder", 0o077)):
        old = os.umask(umask)
        try:
            done = tool.run("build", "--json", "-r", file, "--work-dir", tool.folder / name)
        finally:
            os.umask(old)
        assert done.code == 0, done.stderr
        digests.add(done.json["archive_sha256"])
        assert (tool.folder / name / "venv/lib/python3.11/site-packages/shared.py").read_text() == "who = 'omega'\n"
    assert len(digests) == 1


def test_a_shared_path_is_reported_but_fails_nothing(tool: Tool) -> None:
    wheel(tool.index.folder, "alpha", "1.0", files={"shared.py": "who = 'alpha'\n"})
    wheel(tool.index.folder, "omega", "1.0", files={"shared.py": "who = 'omega'\n"})
    build = tool.build("alpha==1.0", "omega==1.0").json
    findings = json.loads((tool.stored(build["venv_version"]) / "conflicts.json").read_text())
    assert [finding["type"] for finding in findings] == ["overlap"]
    assert build["is_conflict_free"] is True


def test_the_requirements_are_stored_byte_for_byte(tool: Tool) -> None:
    content = b"\xef\xbb\xbf# na\xc3\xafve\r\nKedro ==0.19.14\r\n"
    (tool.folder / "requirements.txt").write_bytes(content)
    build = tool.run("build", "--json").json
    assert (tool.stored(build["venv_version"]) / "requirements.txt").read_bytes() == content
    assert build["requirements_sha256"] == hashlib.sha256(content).hexdigest()


def test_the_lock_is_the_whole_closure_with_hashes(tool: Tool) -> None:
    build = tool.build("kedro==0.19.14").json
    lock = (tool.stored(build["venv_version"]) / "requirements.lock.txt").read_text()
    assert re.findall(r"^(\S+)==(\S+) ", lock, re.M) == [("fsspec", "2024.9.0"), ("kedro", "0.19.14"), ("pip", "26.3")]
    assert lock.count("--hash=sha256:") == 3


def test_locked_refuses_a_file_that_is_not_its_own_closure(tool: Tool) -> None:
    done = tool.run("build", "--locked", "-r", tool.requirements("kedro==0.19.14"))
    assert done.code == 3
    assert "fsspec" in done.stderr
    assert tool.run("build", "--locked", "-r", tool.requirements("kedro==0.19.14", "fsspec==2024.9.0")).code == 0


def test_hashes_of_the_file_are_the_ones_that_count(tool: Tool) -> None:
    wrong = "sha256:" + "0" * 64
    done = tool.build(f"fsspec==2024.9.0 --hash={wrong}")
    assert done.code == 8
    assert "requirements.txt:1" in done.stderr


def test_the_work_dir_is_gone_after_success_and_named_after_failure(tool: Tool, tmp_path: Path) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    assert tool.build("kedro==0.19.14", TMPDIR=str(scratch)).code == 0
    assert not list(scratch.iterdir())
    done = tool.build("kedro==9", TMPDIR=str(scratch))
    assert done.code == 4
    kept = re.search(r"the work dir is kept: (\S+)", done.stderr)
    assert kept is not None
    assert Path(kept[1], "build.log").is_file()


def test_only_an_environment_that_nobody_keeps_shares_files_with_the_cache(tool: Tool, tmp_path: Path) -> None:
    script = {"kedro.py": "x = 1\n", "kedro-0.20.data/scripts/old-kedro": "#!python\nimport kedro\n"}
    wheel(tool.index.folder, "kedro", "0.20", files=script)
    env = {"TMPDIR": str(tmp_path), "UV_CACHE_DIR": str(tmp_path / "uv-cache")}
    pins, blocked = tool.requirements("kedro==0.20"), tmp_path / "blocked"
    blocked.mkdir()
    (blocked / "venv-builds").touch()
    done = tool.run("build", "--json", "-r", pins, "--work-dir", tool.work, **env)
    assert done.code == 0, done.stderr
    cached = _files(tmp_path / "uv-cache" / "archive-v0")
    assert {path.stat().st_nlink for path in _files(tool.work / "venv")} == {1}
    failed = tool.run("build", "--json", "-r", pins, "--store", blocked, **env)  # in upload, and its work dir is kept
    venv = Path(re.search(r"the work dir is kept: (\S+)", failed.stderr)[1], "venv")  # type: ignore[index]
    shared = {path.name for path in _files(venv) if path.stat().st_nlink > 1}
    assert {"kedro.py", "METADATA"} <= shared
    assert not {"old-kedro", "RECORD", "pyvenv.cfg"} & shared
    assert _files(tmp_path / "uv-cache" / "archive-v0") == cached
    again = tool.run("build", "--json", "-r", pins, **env)
    assert again.json["archive_sha256"] == done.json["archive_sha256"]
    assert _files(tmp_path / "uv-cache" / "archive-v0") == cached


def test_builds_at_once_that_share_files_with_one_cache_do_not_mind_each_other(tool: Tool, tmp_path: Path) -> None:
    wheel(tool.index.folder, "kedro", "0.20", files={f"kedro/{n}.py": f"x = {n}\n" for n in range(2_000)})
    (tmp_path / "links").mkdir()
    env = {"TMPDIR": str(tmp_path), "UV_CACHE_DIR": str(tmp_path / "uv-cache")}
    pins = tool.requirements("kedro==0.20")
    expected = tool.run("build", "--json", "-r", pins, **env).json
    cached = [path for path in _files(tmp_path / "uv-cache/archive-v0") if path.parent.name == "kedro"]
    ended = threading.Event()

    def link_all() -> None:
        """What an installer does for another environment, and its end."""
        while not ended.is_set():
            for path in cached:
                os.link(path, tmp_path / "links" / path.name)
                (tmp_path / "links" / path.name).unlink()

    with ThreadPoolExecutor() as other:
        linking = other.submit(link_all)
        try:
            done = tool.run("build", "--json", "-r", pins, XDG_CACHE_HOME=str(tmp_path / "cache"), **env)
        finally:
            ended.set()
        linking.result()
    assert done.code == 0, done.stderr
    assert done.json["archive_sha256"] == expected["archive_sha256"]


def _files(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file() and not path.is_symlink()}


def test_a_cache_on_another_file_system_is_copied_from_without_a_word(tool: Tool) -> None:
    with tempfile.TemporaryDirectory(dir="/dev/shm") as elsewhere:
        assert os.stat(elsewhere).st_dev != os.stat(tool.folder).st_dev
        done = tool.build("kedro==0.19.14", UV_CACHE_DIR=elsewhere)
    assert done.code == 0, done.stderr
    assert "copy" not in done.stderr


def test_conflicts_fail_the_build_unless_asked_otherwise(tool: Tool) -> None:
    wheel(tool.index.folder, "httpx", "0.27.0", requires=["httpcore==1.*"])
    wheel(tool.index.folder, "httpcore", "0.18.0")
    pins = ("httpx==0.27.0", "httpcore==0.18.0")
    done = tool.build(*pins)
    assert done.code == 5
    assert "httpx 0.27.0 needs httpcore==1.*" in done.stderr
    done = tool.build(*pins, FAIL_ON_CONFLICTS="false")
    assert done.code == 0, done.stderr
    assert done.json["is_conflict_free"] is False
    assert done.json["conflicts"] == ["httpx 0.27.0 needs httpcore==1.*, httpcore 0.18.0 is installed"]
    assert "httpcore==0.18.0" in done.json["installed_packages"]
    folder = tool.stored(done.json["venv_version"])
    assert (folder / "conflicts.txt").read_text() == "httpx 0.27.0 needs httpcore==1.*, httpcore 0.18.0 is installed\n"


def test_a_forced_pin_carries_the_extras_that_others_ask_of_it(tool: Tool) -> None:
    wheel(tool.index.folder, "web", "1.0", requires=["core[fast]>=2"])
    wheel(tool.index.folder, "core", "1.0", extras=["fast"], requires=["speedup==1.0; extra == 'fast'"])
    wheel(tool.index.folder, "speedup", "1.0")
    done = tool.build("web==1.0", "core==1.0", FAIL_ON_CONFLICTS="false")
    assert done.code == 0, done.stderr
    assert "speedup==1.0" in done.json["installed_packages"]


def test_a_pin_whose_marker_is_false_is_not_installed(tool: Tool) -> None:
    build = tool.build("kedro==0.19.14", "ghost==1.0; python_version < '3.8'").json
    assert not [package for package in build["installed_packages"] if package.startswith("ghost")]


def test_jenkins_parameters_and_variables_are_read_as_they_are(tool: Tool) -> None:
    build = tool.build(
        "kedro==0.19.14", ENV_NAME="sales", PYTHON_VERSION="3.12", BUILD_URL="http://u:pw@ci/job/7/", GIT_COMMIT="abc"
    ).json
    assert (build["env_name"], build["python_version"]) == ("sales", "3.12")
    assert build["python_full_version"].startswith("3.12.")
    assert (build["build_url"], build["source_revision"]) == ("http://ci/job/7/", "abc")
    assert Path(tool.store, "venv-catalog/envs/sales", build["venv_version"]).is_file()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ENV_NAME", ""),
        ("ENV_NAME", "x; touch PWNED"),
        ("PYTHON_VERSION", ""),
        ("FAIL_ON_CONFLICTS", ""),
        ("FAIL_ON_CONFLICTS", "maybe"),
    ],
)
def test_a_malformed_parameter_is_refused_with_3(tool: Tool, name: str, value: str) -> None:
    done = tool.build("kedro==0.19.14", **{name: value})
    assert done.code == 3
    assert done.json["error"]["problems"][0]["where"] == name


def test_a_python_that_is_not_here_is_2_and_says_which_are(tool: Tool) -> None:
    done = tool.build("kedro==0.19.14", PYTHON_VERSION="3.99")
    assert done.code == 2
    assert re.search(r"found 3\.\d+", done.json["error"]["problems"][0]["why"])
