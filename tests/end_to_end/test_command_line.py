"""Exit codes, streams and start-up: what scripts rely on."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.builds import put_build
from tests.support.requirement import require
from tests.support.tool import REPOSITORY, Tool
from tests.support.wheels import wheel
from venvbuild.stores import open_store

pytestmark = pytest.mark.traced


def test_version_imports_none_of_the_heavy_packages() -> None:
    script = (
        "import sys; sys.argv = ['venvbuild', '--version']\n"
        "from venvbuild.main import main\n"
        "try:\n    main()\n"
        "except SystemExit as ended:\n    assert ended.code == 0\n"
        "heavy = {'boto3', 'botocore', 'pyathena', '_duckdb', 'jsonschema', 'sqlglot', 'uv', 'packaging', 'zlib_ng',\n"
        "         'trino', 'requests'}\n"
        "print(sorted(heavy & set(sys.modules)))\n"
    )
    env = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    said = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, env=env, check=True).stdout
    assert said.splitlines()[-1] == "[]"


def test_check_imports_no_cloud_and_no_engine(tool: Tool) -> None:
    wheel(tool.index.folder, "good", "1.0")
    tool.requirements("good==1.0")
    script = (
        "import sys; sys.argv = ['venvbuild', 'check']\n"
        "from venvbuild.main import main\n"
        "try:\n    main()\n"
        "except SystemExit as ended:\n    assert ended.code == 0\n"
        "print(sorted({'boto3', 'pyathena', '_duckdb', 'jsonschema'} & set(sys.modules)))\n"
    )
    said = subprocess.run([sys.executable, "-c", script], cwd=tool.folder, env=tool.environment(), capture_output=True,
                          text=True, check=True).stdout  # fmt: skip
    assert said.splitlines()[-1] == "[]"


@pytest.mark.parametrize(
    "arguments",
    [
        ["nonsense"],
        ["build", "--env-nam", "x"],
        ["build", "--level", "11"],
        ["show"],
        ["list", "--limit", "0"],
        ["list", "--store", "ftp://x"],
    ],
)
def test_wrong_usage_is_2(tool: Tool, arguments: list[str]) -> None:
    done = tool.run(*arguments)
    assert done.code == 2
    assert done.stdout == ""
    assert done.stderr


@pytest.mark.parametrize(
    ("arguments", "meant"),
    [
        (["lst"], "'list'"),
        (["fnid", "kedro"], "'find'"),
        (["table", "chek"], "'check'"),
        (["list", "--stroe", "x"], "'--store'"),
        (["ceate"], "'create'"),
    ],
    ids=str,
)
def test_of_a_misspelt_name_the_likeliest_is_told(tool: Tool, arguments: list[str], meant: str) -> None:
    done = tool.run(*arguments)
    assert (done.code, done.stdout) == (2, "")
    assert re.search(rf"Did you mean (one of: )?.*{meant}", done.stderr)


def test_of_what_is_like_no_command_none_is_told(tool: Tool) -> None:
    assert tool.run("xyzzy").stderr == ("error: No such command 'xyzzy'.\n  fix: `venvbuild --help` shows the usage\n")


def test_an_error_under_json_is_one_object_and_still_a_line_per_problem(tool: Tool) -> None:
    done = tool.build("good>=1", "also ~= 2")
    assert done.code == 3
    assert set(done.json) == {"error"}
    assert done.json["error"]["exit_code"] == 3
    assert [set(problem) for problem in done.json["error"]["problems"]] == [{"what", "where", "why", "fix"}] * 2
    lines = done.stderr.splitlines()
    assert lines[0].startswith(f"{tool.folder}/requirements.txt:1: ")
    assert lines[1].startswith(f"{tool.folder}/requirements.txt:2: ")


def test_usage_errors_are_json_too(tool: Tool) -> None:
    assert tool.run("list", "--json", "--limit", "x").json["error"]["exit_code"] == 2


def test_a_reader_who_has_enough_is_141_without_a_word(tool: Tool) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    running = subprocess.Popen(
        tool.command("config"), cwd=tool.folder, env=tool.environment(), stdout=writer, stderr=subprocess.PIPE
    )
    os.close(writer)
    _, said = running.communicate(timeout=60)
    assert running.returncode == 141
    assert said == b""


@pytest.mark.parametrize("arguments", [["list"], ["list", "--json"], ["--help"]])
def test_head_takes_its_lines_and_nobody_complains(tool: Tool, arguments: list[str]) -> None:
    rows = Path(tool.store, "venv-catalog/builds/dt=2025-07-22")
    rows.mkdir(parents=True)
    wheel(tool.index.folder, "good", "1.0")
    build = tool.build("good==1.0").json
    row = {name: value for name, value in build.items() if name != "files"}
    for second in range(1500):
        clock = f"{10 + second // 3600}:{second // 60 % 60:02}:{second % 60:02}"
        version = f"venv_20250722_{clock.replace(':', '')}"
        row |= {"venv_version": version, "created_at": f"2025-07-22 {clock}"}
        (rows / f"{version}.json").write_text(json.dumps(row))
    reader, writer = os.pipe()
    os.close(reader)
    running = subprocess.Popen(
        tool.command(*arguments), cwd=tool.folder, env=tool.environment(), stdout=writer, stderr=subprocess.PIPE
    )
    os.close(writer)
    _, said = running.communicate(timeout=120)
    assert (running.returncode, said) == (141, b"")


def test_a_damaged_row_is_passed_over_and_told_until_it_is_mended(tool: Tool) -> None:
    store = open_store(tool.store)
    good, spoiled = put_build(store, 0), put_build(store, 1)
    tool.run("table", "sync")
    row = Path(tool.store, f"venv-catalog/builds/dt=2025-07-22/{spoiled}.json")
    row.write_text('{"created_at": "2025-07-22 10:00:00"}')
    said = f"warning: {row.as_uri()}: 1 row of the catalog cannot be read, and is in no answer; why: venv_version is"
    (tool.folder / "question.sql").write_text("SELECT venv_version FROM venv_builds")
    for is_compacted in (False, True):
        asked = [["list"], ["find", "good"], ["count", "good"], ["query", "latest_per_environment"]]
        if not is_compacted:
            asked.append(["table", "compact"])
        for command in asked:
            done = tool.run(*command)
            assert (done.code, done.stderr.count(said)) == (0, 1), command
            assert spoiled not in done.stdout
            assert "fix: `venvbuild table check` names every one" in done.stderr
            strict = tool.run(*command, "--strict")
            assert (strict.code, strict.stdout) == (8, "")
        assert tool.run("count", "good").stdout == "1\n"
        assert tool.run("query", "question.sql", "--format", "csv").stdout == f"venv_version\n{good}\n"
    checked = tool.run("table", "check", "--json")
    [problem] = checked.json["error"]["problems"]
    assert (checked.code, problem["where"]) == (11, row.as_uri())
    assert problem["fix"] == "remove the object; `venvbuild table sync` writes the row anew"
    row.unlink()
    assert tool.run("table", "sync").code == 0
    assert tool.run("table", "check").code == 0
    done = tool.run("count", "good", "--strict")
    assert (done.stdout, done.stderr) == ("2\n", "")


def test_builds_of_a_time_to_come_are_told_of_once_where_they_are_left_out(tool: Tool) -> None:
    store = open_store(tool.store)
    put_build(store, 0)
    assert tool.run("table", "sync").code == 0
    assert tool.run("list").stderr == ""
    late = put_build(store, 10**9)
    assert tool.run("table", "sync").code == 0
    said = "note: builds of a time to come were left out; `venvbuild table check` names them"
    for command in (["list"], ["list", "--limit", "1"], ["find", "good"], ["count", "good"]):
        done = tool.run(*command)
        assert (done.code, late in done.stdout, done.stderr.count(said)) == (0, False, 1), command
    assert tool.run("list", "--until", "2025-07-31").stderr == ""
    checked = tool.run("table", "check", "--json")
    assert (checked.code, [late in one["what"] for one in checked.json["error"]["problems"]]) == (11, [True])


def test_show_tells_empty_text_from_what_is_not_said(tool: Tool) -> None:
    build = put_build(open_store(tool.store), 0, archive_root="", schema_version=2)
    shown = tool.run("show", build)
    assert shown.code == 0, shown.stderr
    said = dict(line.split(None, 1) for line in shown.stdout.splitlines())
    assert (said["archive_root"], said["source_revision"]) == ("''", "-")


def test_a_title_that_only_looks_like_a_url_stops_nothing(tool: Tool) -> None:
    assert tool.run("--version", CHANGE_TITLE="fix http://[host]/x").code == 0


def test_a_bug_is_1_with_a_line_and_a_traceback_in_the_log(tool: Tool, tmp_path: Path) -> None:
    wheel(tool.index.folder, "good", "1.0")
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "sitecustomize.py").write_text("import json\njson.dumps.__globals__['JSONEncoder'] = None\n")
    script = (
        "import sys\nsys.argv = ['venvbuild', 'build', '-r', 'requirements.txt', '--work-dir', 'w', '--json']\n"
        "import venvbuild.steps.pack\n"
        "def pack(job): raise RuntimeError('the moon fell down')\n"
        "venvbuild.steps.pack.run = pack\n"
        "from venvbuild.main import main\nmain()\n"
    )
    tool.requirements("good==1.0")
    done = subprocess.run([sys.executable, "-c", script], cwd=tool.folder, env=tool.environment(), capture_output=True,
                          text=True, check=False)  # fmt: skip
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "a bug in venvbuild: RuntimeError: the moon fell down" in done.stderr
    assert "Traceback" in (tool.folder / "w/build.log").read_text()
    assert json.loads(done.stdout)["error"]["exit_code"] == 1


def test_config_says_where_each_value_came_from(tool: Tool, tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text('env_name = "from-file"\ninstaller = "pip"\n')
    rows = {row["name"]: row for row in tool.run("config", "--json", "--config", file, ENV_NAME="from-env").json}
    assert (rows["env_name"]["value"], rows["env_name"]["origin"]) == ("from-env", "ENV_NAME")
    assert (rows["installer"]["value"], rows["installer"]["origin"]) == ("pip", str(file))
    assert rows["level"]["origin"] == "default"
    assert rows["index_url"]["origin"] == "VENVBUILD_INDEX_URL"


def test_doctor_is_0_when_all_is_well_and_11_when_not(tool: Tool, volume: Path) -> None:
    done = tool.run("doctor", "--json", VENVBUILD_STORE=str(volume))  # where these tests run may be a container
    assert done.code == 0, done.stdout
    assert {one["name"]: one["verdict"] for one in done.json if one["name"] != "user"} == {
        "pythons": "ok", "uv": "ok", "index": "ok", "disk": "ok", "store": "ok", "engine": "ok"}  # fmt: skip
    done = tool.run("doctor", "--json", VENVBUILD_INDEX_URL="http://127.0.0.1:1/simple", PYTHON_VERSION="3.99")
    assert done.code == 11
    assert {one["name"] for one in done.json if one["verdict"] == "problem"} == {"pythons", "index"}


def test_doctor_names_the_settings_that_the_engine_lacks(tool: Tool) -> None:
    done = tool.run("doctor", "--json", "--engine", "trino", VENVBUILD_TRINO_USER="me")
    assert done.code == 11
    [engine] = [one for one in done.json if one["name"] == "engine"]
    assert engine["verdict"] == "problem"
    assert "VENVBUILD_TRINO_URL, VENVBUILD_TRINO_CATALOG, VENVBUILD_TRINO_SCHEMA" in engine["what"]


def test_doctor_warns_root(tool: Tool) -> None:
    require(os.geteuid() == 0, "only root is warned, and this user is not root")
    assert [one["verdict"] for one in tool.run("doctor", "--json").json if one["name"] == "user"] == ["warning"]


def test_it_works_without_home_locale_and_in_ascii(tool: Tool) -> None:
    wheel(tool.index.folder, "good", "1.0")
    done = tool.build(
        "good==1.0", LC_ALL="C", PYTHONUTF8="0", LANG=None, HOME=None, XDG_CACHE_HOME=str(tool.folder / "cache")
    )
    assert done.code == 0, done.stderr


def test_a_full_disk_is_7_and_leaves_no_build(tool: Tool) -> None:
    wheel(tool.index.folder, "big", "1.0", files={"big.bin": os.urandom(3_000_000)})
    script = (
        "import resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (2_000_000, 2_000_000))\n"
        "import signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "sys.argv = ['venvbuild', 'pack', '--work-dir', 'w']\nfrom venvbuild.main import main\nmain()\n"
    )
    tool.requirements("big==1.0")
    for step in ("check", "create", "inspect"):
        assert tool.run(step, "--work-dir", "w").code == 0
    done = subprocess.run([sys.executable, "-c", script], cwd=tool.folder, env=tool.environment(), capture_output=True,
                          text=True, check=False)  # fmt: skip
    assert done.returncode == 7, done.stderr
    assert not list((tool.folder / "w").glob("*.tar.gz*"))
    assert tool.run("pack", "--work-dir", "w").code == 0


@pytest.mark.parametrize(("options", "what"), [("size=2m", "the disk"), ("size=64m,nr_inodes=120", "no inodes left")])
def test_a_full_disk_while_installing_is_7(tool: Tool, options: str, what: str) -> None:
    small = tool.folder / "small disk"
    small.mkdir()
    mounted = os.geteuid() == 0 and subprocess.run(
        ["mount", "-t", "tmpfs", "-o", options, "tmpfs", small], capture_output=True, check=False
    ).returncode == 0  # fmt: skip
    require(mounted, "a small disk is a tmpfs, and this user cannot mount one")
    try:
        many = {f"many/{number}.py": "" for number in range(200)} if "inodes" in what else {}
        wheel(tool.index.folder, "big", "1.0", files={"big.bin": os.urandom(3_000_000), **many})
        done = tool.run("build", "--json", "-r", tool.requirements("big==1.0"), "--work-dir", small / "work")
        assert done.code == 7, done.stderr
        assert what in done.json["error"]["problems"][0]["what"]
    finally:
        subprocess.run(["umount", small], check=True)


def test_terminated_while_waiting_for_the_next_second_is_143(tool: Tool) -> None:
    running = tool.start("build", "-r", tool.requirements("good==1.0"), VENVBUILD_INDEX_URL=tool.index.url("hang"))
    assert tool.index.hanging.wait(60)
    os.killpg(running.pid, signal.SIGTERM)
    _, said = running.communicate(timeout=60)
    assert running.returncode == 143
    assert "nothing half-made is left" in said
