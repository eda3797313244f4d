"""A description as YAML: the same as TOML, with the same rules, and none of YAML's traps."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.snowflake.repository.test_description import of, told
from venvbuild.redaction import REDACTOR
from venvbuild.snowflake.repository import rules
from venvbuild.snowflake.repository.description import read, read_some
from venvbuild.snowflake.repository.rules import Judgement

WHOLE = """\
# as in the page
context: {database: MY_DB, schema: PUBLIC}
secret:
  my_repo_secret:
    type: password
    username_env: REPO_USER
    password_env: REPO_TOKEN
integration:
  python_repo_integration:
    allowed_prefixes:
      - https://nexus.example.com
    secrets: [my_repo_secret]
    privatelink: true
repository:
  my_python_repo:
    integration: python_repo_integration
    index_url: https://nexus.example.com/r/simple/
    secret: my_repo_secret
    comment: 'no'
default:
  account: my_python_repo
  schema:
    D.S: my_python_repo
function:
  test_udf:
    returns: STRING
    arguments: {a: "NUMBER(10, 2)"}
    python: "3.11"
    packages: ["test_whl_package==1.2"]
    repository: my_python_repo
    handler: test
    body: |
      import test_whl_package

      def test(a):
        return test_whl_package.say_hello()
"""


def judged(tmp_path: Path, text: str) -> Judgement:
    return rules.judge(read_some(of(tmp_path, text, "s.yaml")))


@pytest.mark.parametrize("text", [WHOLE, WHOLE.replace("\n", "\r\n"), "\ufeff" + WHOLE], ids=["unix", "windows", "bom"])
def test_a_whole_file_is_read(tmp_path: Path, text: str) -> None:
    file = tmp_path / "s.yml"
    file.write_bytes(text.encode())
    made = read(file)
    assert rules.judge(made) == Judgement((), ())
    [repository], [function] = made.repositories, made.functions
    assert (repository.comment, repository.secret) == ("no", "MY_DB.PUBLIC.my_repo_secret")
    assert (function.arguments, function.body_line) == ((("a", "NUMBER(10, 2)"),), 33)
    assert [(one.level, one.of) for one in made.defaults] == [("account", ""), ("schema", "D.S")]
    assert made.where("function", "test_udf", "handler") == f"{file}:31"


TRAPS = [
    ('python: "3.11"', "python: 3.10", "28: the Python has no quotes; why: without quotes 3.10 is a number"),
    ("privatelink: true", "privatelink: no", "13: privatelink is not true or false"),
    ("privatelink: true", "privatelink: 'true'", "13: privatelink is not true or false"),
    ("comment: 'no'", "comment: 12:30:45", ""),
    ("comment: 'no'", "comment: 0x1", "19: comment is not a text in quotes"),
    ("comment: 'no'", "comment: 2026-01-01", "19: comment is not a text in quotes"),
    ("comment: 'no'", "comment: ~", "19: comment is not a text in quotes"),
    ("comment: 'no'", "comment:", "19: comment is not a text in quotes"),
    ("comment: 'no'", "comment: 'no'\n    comment: x", "20: the key comment is there twice; fix: leave one"),
    ("\n  account", "\n  account: x\n  account", "22: the key account is there twice"),
    ("comment: 'no'", "comment: &it 'no'\n    retention: *it", "20: an alias (*) stands for what is written elsewhere"),
    ("comment: 'no'", "<<: {comment: x}", "19: << stands for what is written elsewhere"),
    ("comment: 'no'", "comment: !!python/object/apply:os.system [id]", "19: the tag !!python/object/apply:os.system"),
    ("comment: 'no'", "comment: !vault x", "19: the tag !vault asks for more than a text; fix: leave the tag out"),
    ("comment: 'no'", "comment: !!binary aGk=", "19: the tag !!binary asks"),
    ("comment: 'no'", "comment: =", '19: = alone is no text; fix: write "="'),
    ("comment: 'no'", "comment: <<", '19: << alone is no text; fix: write "<<"'),
    ("comment: 'no'", "comment: !!value =", "19: the tag !!value asks for more than a text; fix: leave the tag out"),
    ("comment: 'no'", "comment: !!str 1", ""),
    ("comment: 'no'", "? [a]\n    : 1", "19: a key is no text"),
    ("comment: 'no'", "coment: x", "19: unknown key 'coment'; fix: did you mean comment?"),
    ("comment: 'no'", "comment: a: b", "19: it is not YAML: mapping values are not allowed here"),
    ("comment: 'no'", "\tcomment: x", "19: it is not YAML: found character"),
    ("comment: 'no'", "comment: [", "21: it is not YAML: "),
    ("handler: test", "handler: tset", "31: the body has no 'tset', which handler names"),
    ("test_whl_package.say_hello()", "(", "36: the body is no Python"),
    ("import test_whl_package\n", "x = 1\n", ""),
    ("secrets: [my_repo_secret]", "secrets: []",
     'add "MY_DB.PUBLIC.my_repo_secret" to secrets of integration: {python'),
]  # fmt: skip


@pytest.mark.parametrize(("right", "wrong", "message"), TRAPS)
def test_a_trap_is_told_with_its_line(tmp_path: Path, right: str, wrong: str, message: str) -> None:
    text = WHOLE.replace(right, wrong, 1)
    assert text != WHOLE
    if "it is not YAML" in message:
        assert told(of(tmp_path, text, "s.yaml")).startswith(f"s.yaml:{message}")
        return
    judgement = judged(tmp_path, text)
    said = [one.as_line().replace(f"{tmp_path}/", "") for one in (*judgement.unread, *judgement.problems)]
    if message:
        [line] = said
        assert message in line
        assert re.match(r"s\.yaml:\d+: ", line)
        assert REDACTOR.redact(line) == line
    else:
        assert said == []


@pytest.mark.parametrize(
    ("right", "wrong", "advised"),
    [
        ('python: "3.11"', "python: 3.11", 'python: "3.11"'),
        ('python: "3.11"', 'python: "3.9"', 'python: "3.11"'),
        ("type: password", "type: oauth2", 'type: "password"'),
        ("\n    comment: 'no'", "\n    retention: never", 'retention: "on_object_creation"'),
        ("D.S: my_python_repo", "D: {S: my_python_repo}", '"D.S": "my_python_repo"'),
        ("my_repo_secret:\n", "MY_DB: {PUBLIC: {s: {type: password}}}\n  my_repo_secret:\n", '"MY_DB.PUBLIC.s": '),
    ],
)
def test_the_advice_is_yaml_and_works(tmp_path: Path, right: str, wrong: str, advised: str) -> None:
    text = WHOLE.replace(right, wrong, 1)
    judgement = judged(tmp_path, text)
    [problem] = (*judgement.unread, *judgement.problems)
    assert advised in problem.fix
    value = wrong.lstrip("\n ") if "MY_DB" not in wrong else "MY_DB: {PUBLIC: {s: "
    followed = text.replace(value, advised).replace("password}}}", "password, username: u, password_env: P}")
    judgement = judged(tmp_path, followed)
    assert (*judgement.unread, *judgement.problems) == ()


@pytest.mark.parametrize("text", ["", "# nothing\n", "---\n", "{}"])
def test_an_empty_file_describes_nothing(tmp_path: Path, text: str) -> None:
    assert read(of(tmp_path, text, "s.yaml")).secrets == ()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("- 1", "s.yaml:1: it is no table"),
        ("x", "s.yaml:1: it is no table"),
        ("a: 1\n---\nb: 1", "s.yaml:2: it is not YAML: but found another document"),
        ("a: *x", "s.yaml:1: it is not YAML: found undefined alias"),
        ("a: \x1b", "s.yaml: it is not YAML: unacceptable character #x001b"),
        ("[" * 5000, "s.yaml: it is not YAML that can be read"),
        ("[" * 5000 + "]" * 5000, "s.yaml: it is not YAML that can be read"),
        ("a: &a [1]\nb: &b [*a, *a]\nc: [*b, *b]\n", "s.yaml:2: an alias"),
        ("x: '\u2028\u0085'\ny: 1\n", "s.yaml:1: unknown key 'x'"),
    ],
)
def test_what_is_no_description_is_told(tmp_path: Path, text: str, message: str) -> None:
    assert told(of(tmp_path, text, "s.yaml")).startswith(message)


def test_what_is_left_out_for_one_problem_of_a_line_is_not_read_for_another(tmp_path: Path) -> None:
    said = told(of(tmp_path, '{"secret": {"s": {"x": 1}}, "x": !z 1}', "s.yaml"))
    assert said.startswith("s.yaml:1: the tag !z asks")


def test_lines_are_those_of_an_editor(tmp_path: Path) -> None:
    assert "s.yaml:2: unknown key 'y'" in told(of(tmp_path, "x: 'a\u2028b'\ny: 1\n", "s.yaml"))
