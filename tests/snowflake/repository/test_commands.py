"""`venvbuild snowflake repository`, as somebody calls it."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.snowflake.repository.test_egress import AZURE
from venvbuild import extras
from venvbuild.errors import VenvBuildError
from venvbuild.main import cli

EXAMPLES = Path(__file__).resolve().parents[3] / "examples" / "snowflake"


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Call:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    return Call(capsys)


class Call:
    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self.capsys = capsys

    def __call__(self, *arguments: object) -> tuple[int, str, str]:
        """Code, stdout and stderr."""
        code, said = 0, ""
        try:
            cli.main(["snowflake", "repository", *map(str, arguments)], standalone_mode=False)
        except VenvBuildError as error:
            code, said = error.exit_code, str(error)
        captured = self.capsys.readouterr()
        return code, captured.out, captured.err + said


@pytest.mark.parametrize("name", ["public", "privatelink"])
def test_plan_prints_what_is_shipped(call: Call, name: str) -> None:
    code, out, said = call("plan", "-f", EXAMPLES / f"{name}.toml")
    assert (code, out) == (0, (EXAMPLES / f"{name}.sql").read_text("utf-8").partition("\n\n")[2])
    assert "'***' stands for" in said
    code, out, _ = call("plan", "-f", EXAMPLES / f"{name}.toml", "--json")
    assert [one["kind"] for one in json.loads(out)][-2:] == ["function", "procedure"]


def test_a_body_that_is_too_long_is_no_plan_of_half_of_it(call: Call) -> None:
    text = (EXAMPLES / "public.toml").read_text("utf-8")
    Path("snowflake.toml").write_text(text[: text.rindex("body = ")] + 'body_file = "f.py"\n')
    Path("f.py").write_text("def run(session):\n  return 1\n" + "x = 1\n" * 200_000)
    code, out, said = call("plan")
    assert (code, out) == (2, "")
    assert "f.py has more than 1000000 bytes; fix: name a file" in said


def test_what_is_not_printed_exactly_is_said(call: Call) -> None:
    text = (EXAMPLES / "public.toml").read_text("utf-8")
    Path("snowflake.toml").write_text(text.replace("say_hello()", "say_hello('https://me:Canary@a.example.com/')", 1))
    code, out, said = call("plan")
    assert (code, "Canary" in out + said) == (0, False)
    assert "warning: function test_udf is not printed exactly: credentials in a URL are masked" in said
    assert "procedure test_sproc" not in said


def test_sql_and_json_are_the_same_statements(call: Call) -> None:
    text = (EXAMPLES / "public.toml").read_text("utf-8")
    body = "x = 'https://a.example.com/?a=1'\ncall(password=password, token=token)\n# https://me:Canary@a.example.com/"
    Path("snowflake.toml").write_text(text.replace("def test(", f"{body}\ndef test(", 1))
    _, out, said = call("plan")
    parts = [one["sql"] for one in json.loads(call("plan", "--json")[1])]
    assert "call(password=password, token=token)" in out
    assert "Canary" not in out
    assert out == "\n\n".join(parts) + "\n"
    assert said.count("is not printed exactly") == 1


def test_an_object_is_told_once_and_only_if_it_is_changed(call: Call) -> None:
    text = (EXAMPLES / "public.toml").read_text("utf-8")
    # of an address and a word below it, nothing is hidden
    harmless = "x = 'https://a.example.com/?a=1'\ncall(password=password)\ndef test("
    Path("snowflake.toml").write_text(text.replace("def test(", harmless, 1))
    assert "not printed exactly" not in call("plan")[2]
    Path("snowflake.toml").write_text(text.replace('comment = "', 'comment = "https://me:Canary@a.example.com/ '))
    _, out, said = call("plan")
    assert (out.count("Canary"), said.count("is not printed exactly")) == (0, 1)


def test_from_the_index_of_the_builds_to_its_sql(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VENVBUILD_INDEX_URL", "https://nexus.example.com/r/simple/")
    monkeypatch.setenv("VENVBUILD_INDEX_USERNAME", "me")
    monkeypatch.setenv("VENVBUILD_INDEX_PASSWORD", "Canary-secret")
    assert call("init", "--from-settings")[:2] == (0, "snowflake.toml\n")
    assert 'password_env = "VENVBUILD_INDEX_PASSWORD"' in Path("snowflake.toml").read_text()
    assert "Canary" not in Path("snowflake.toml").read_text()
    code, out, _ = call("check")
    assert (code, out) == (0, "snowflake.toml: 1 secret, 1 integration, 1 repository\n")
    code, out, said = call("plan")
    assert "INDEX_URL = 'https://nexus.example.com/r/simple/'" in out
    assert "Canary" not in out + said
    # what is there stays, and the advice works
    code, _, said = call("init", "--from-settings")
    assert (code, said.partition("fix: ")[2]) == (2, "name another: -f snowflake.toml.new")
    assert call("init", "--from-settings", "-f", "snowflake.toml.new")[0] == 0


@pytest.mark.parametrize("way", ["url", "netrc", "user", "both"])
def test_a_login_that_is_in_no_variable_gets_new_ones(call: Call, monkeypatch: pytest.MonkeyPatch, way: str) -> None:
    before = {"url": "u:Canary-1@", "both": "u:Canary-1@", "user": "u@"}.get(way, "")
    monkeypatch.setenv("VENVBUILD_INDEX_URL", f"https://{before}nexus.example.com/r/simple/")
    monkeypatch.delenv("NETRC", raising=False)
    if way == "netrc":
        Path(".netrc").write_text("machine nexus.example.com login u password Canary-1\n")
    if way in ("user", "both"):
        monkeypatch.setenv("VENVBUILD_INDEX_PASSWORD", "Canary-2")
    code, out, said = call("init", "--from-settings")
    assert (code, out) == (0, "snowflake.toml\n")
    assert said == "note: the index asks for a login; whoever makes the secret has it in REPO_USER and REPO_TOKEN\n"
    text = Path("snowflake.toml").read_text()
    assert 'username_env = "REPO_USER"\npassword_env = "REPO_TOKEN"' in text
    assert "Canary" not in text
    assert call("check")[0] == 0


def test_a_name_that_the_file_cannot_have_is_told(call: Call) -> None:
    for name, told, advice in (
        ("s.yaml", "the file is TOML", "s.toml"), (".", "it is a folder", "./snowflake.toml"),
        ("n" * 300, "cannot be written", ""),
        ("..", "it is a folder", ""), ("s.toml", "it is there", "s.toml.new"),
    ):  # fmt: skip
        code, _, said = call("init", "--from-settings", "-f", name)
        assert (code, told in said, said.endswith(f"-f {advice}" if advice else "")) == (2, True, True)
        assert not advice or call("init", "--from-settings", "-f", advice)[0] == 0


def test_a_full_disk_leaves_no_file(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_names: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "link", full)
    assert call("init", "--from-settings")[0] == 7
    assert os.listdir() == []


def test_check_ends_with_2_or_3_and_tells_all(call: Call) -> None:
    assert call("check")[0] == 2
    text = (EXAMPLES / "public.toml").read_text("utf-8")
    Path("snowflake.toml").write_text(text.replace("https://nexus", "http://nexus").replace('"3.11"', '"3.9"'))
    code, out, said = call("check")
    assert (code, out) == (3, "")
    assert len(said.splitlines()) == 4
    assert call("plan")[:2] == (3, "")
    Path("snowflake.toml").write_text(text.replace("handler", "hander"))
    assert call("check")[0] == 2


def test_what_cannot_be_read_and_what_would_fail_are_told_in_one_run(call: Call) -> None:
    text = (
        (EXAMPLES / "public.toml").read_text("utf-8").replace("https://nexus.example.com/r", "http://a.example.com/r")
    )
    text = text.replace('handler = "test"', 'hander = "test"').replace('python = "3.11"', "python = nan")
    Path("snowflake.toml").write_text(text)
    code, out, said = call("check")
    assert (code, out) == (2, "")
    assert [line.partition("; ")[0] for line in said.splitlines()] == [
        "snowflake.toml:20: 'test_udf' lacks handler", "snowflake.toml:25: unknown key 'hander'",
        "snowflake.toml:22: the Python has no quotes", "snowflake.toml:36: the Python has no quotes",
        "snowflake.toml:16: 'http://a.example.com/repository/pypi-proxy/simple/' is no https URL",
    ]  # fmt: skip
    # each mended, nothing is left
    text = text.replace("hander", "handler").replace("http://a.", "https://nexus.")
    Path("snowflake.toml").write_text(text.replace("python = nan", 'python = "3.11"'))
    assert call("check")[0] == 0


def test_an_endpoint_alone_is_something(call: Call) -> None:
    Path("snowflake.toml").write_text("[privatelink]\nservice = 's'\nhost = 'a.example.com'\n")
    assert call("check")[:2] == (0, "snowflake.toml: 1 endpoint\n")
    code, _, said = call("plan")
    assert (code, "fix: `venvbuild snowflake repository privatelink provision` prints" in said) == (2, True)
    assert call("privatelink", "provision")[0] == 0


@pytest.mark.parametrize("verb", ["check", "plan", "apply", "destroy", "doctor", "privatelink provision"])
def test_what_reads_yaml_is_an_extra(call: Call, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, verb: str) -> None:
    monkeypatch.setattr(extras, "_can_import", lambda _: False)
    monkeypatch.setattr(extras, "locks_folder", lambda: tmp_path)
    code, _, said = call(*verb.split(), "-f", "s.YAML")
    assert (code, said) == (2, "this needs the extra snowflake; fix: pip install 'venvbuild[snowflake]'")


@pytest.mark.parametrize("name", ["public", "privatelink"])
def test_the_same_as_yaml_is_the_same_sql(call: Call, name: str) -> None:
    given = tomllib.loads((EXAMPLES / f"{name}.toml").read_text("utf-8"))
    Path("s.yaml").write_text(json.dumps(given))  # which YAML has in it
    assert call("plan", "-f", "s.yaml")[:2] == call("plan", "-f", EXAMPLES / f"{name}.toml")[:2]
    code, out, _ = call("check", "-f", "s.yaml")
    assert (code, out.startswith("s.yaml: 1 secret")) == (0, True)


def test_check_as_json_has_the_warnings(call: Call) -> None:
    text = (EXAMPLES / "public.toml").read_text("utf-8")
    Path("snowflake.toml").write_text(text.replace("==1.2", ""))
    code, out, _ = call("check", "--json")
    assert code == 0
    assert [one["where"] for one in json.loads(out)["warnings"]] == ["snowflake.toml:23", "snowflake.toml:38"]


def test_all_of_them_print_one_json_value(call: Call) -> None:
    Path("snowflake.toml").write_text((EXAMPLES / "privatelink.toml").read_text("utf-8"))
    for arguments in ("check", "plan", "egress", "privatelink status", "privatelink provision"):
        code, out, _ = call(*arguments.split(), "--json")
        assert (code, bool(json.loads(out))) == (0, True)
    assert json.loads(call("init", "--from-settings", "-f", "new.toml", "--json")[1]) == {"file": "new.toml"}


def test_a_secret_that_was_pasted_as_it_is_can_be_put_right(call: Call) -> None:
    text = (EXAMPLES / "public.toml").read_text("utf-8")
    Path("snowflake.toml").write_text(f'{text}[secret.g]\ntype = "generic_string"\nvalue_env = "TOKEN"\n')
    said = call("plan")[2]
    assert "until somebody runs ALTER SECRET my_repo_secret SET USERNAME = '...' PASSWORD = '...';\n" in said
    assert "until somebody runs ALTER SECRET g SET SECRET_STRING = '...';\n" in said


def test_an_empty_file_has_no_plan(call: Call) -> None:
    Path("snowflake.toml").touch()
    assert call("plan")[0] == 2
    assert call("privatelink", "provision")[0] == 2


def test_egress_prints_the_select_or_reads_its_answer(call: Call) -> None:
    assert call("egress")[:2] == (0, "SELECT SYSTEM$GET_SNOWFLAKE_EGRESS_IP_RANGES();\n")
    assert call("egress", "--check")[0] == 2
    Path("answer").write_text(AZURE.replace("2027", "3000"))
    assert call("egress", "--answer", "answer", "--check")[:2] == (
        0, '20.1.2.0/28  in force, until 3000-07-01, UDF // and "more"\n',
    )  # fmt: skip
    Path("answer").write_text(AZURE.replace("2027", "2026"))
    code, out, said = call("egress", "--answer", "answer", "--check", "--json")
    assert (code, json.loads(out)[0]["state"]) == (11, "expired")
    assert "20.1.2.0/28 expired on 2026-07-01" in said
    assert call("egress", "--answer", "answer")[0] == 0
    assert call("egress", "--answer", "gone")[0] == 2
    assert call("egress", "--answer", "answer", "--ask")[0] == 2


def test_privatelink_prints_its_statements(call: Call) -> None:
    assert call("privatelink", "status")[:2] == (0, "SELECT SYSTEM$GET_PRIVATELINK_ENDPOINTS_INFO();\n")
    _, out, said = call("privatelink", "provision", "-f", EXAMPLES / "privatelink.toml")
    assert out.endswith("vpce-svc-0123456789abcdef0', 'nexus-pl.internal.example.com');\n")
    assert "Business Critical" in said


def test_check_and_plan_import_nothing_that_asks_anybody() -> None:
    code = (
        "import sys; from venvbuild.main import cli; name = sys.argv[1]\n"
        "for verb in ('check', 'plan'):\n"
        "    cli.main(['snowflake', 'repository', verb, '-f', name], standalone_mode=False)\n"
        "asks = ('connection', 'making', 'repository.doctor')\n"
        "never = ('snowflake', 'boto3', 'ssl', 'venvbuild.stores', *(f'venvbuild.snowflake.{one}' for one in asks))\n"
        "assert not [one for one in sys.modules if f'{one}.'.startswith(tuple(f'{name}.' for name in never))]"
    )
    subprocess.run([sys.executable, "-c", code, EXAMPLES / "public.toml"], check=True, capture_output=True)
