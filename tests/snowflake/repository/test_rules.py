"""What Snowflake would refuse is told before it is asked; and each advice is followed, and works."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.snowflake.repository.test_description import of
from venvbuild.errors import Problem
from venvbuild.redaction import REDACTOR
from venvbuild.snowflake.repository import rules
from venvbuild.snowflake.repository.description import read
from venvbuild.snowflake.repository.rules import Judgement, covers

REPOSITORY = Path(__file__).resolve().parents[3]
PUBLIC = (REPOSITORY / "examples/snowflake/public.toml").read_text("utf-8")
FULL = '[context]\ndatabase = "D"\nschema = "S"\n' + PUBLIC + '[default]\naccount = "my_python_repo"\n'


def judged(tmp_path: Path, text: str) -> Judgement:
    return rules.judge(read(of(tmp_path, text)))


def line_of(text: str, part: str) -> int:
    return text[: text.index(part)].count("\n") + 1


def test_the_examples_are_right() -> None:
    for name in ("public", "privatelink"):
        judgement = rules.judge(read(REPOSITORY / f"examples/snowflake/{name}.toml"))
        assert judgement == Judgement((), ())


INDEX = '"https://nexus.example.com/repository/pypi-proxy/simple/"'
PREFIXES = '["https://nexus.example.com", "https://artifactory.example.com"]'
IMPORT = "import test_whl_package\n\ndef run"
PACKAGES = '["snowflake-snowpark-python", "test_whl_package==1.2"]'
# what is written instead; what is told; what the advice is to be put in the place of, else `None`
REFUSED = [
    (INDEX, '"http://nexus.example.com/simple/"', "is no https URL", None),
    (INDEX, '"https://u:Canary@nexus.example.com/simple/"', "credentials in it",
     '"https://u:Canary@nexus.example.com/simple/"'),
    (INDEX, '"https://nexus.example.com/simple/?a=1"', "a query", '"https://nexus.example.com/simple/?a=1"'),
    (INDEX, '"https://nexus.example.com/simple"', "does not end in /simple/", '"https://nexus.example.com/simple"'),
    (INDEX, '"https://nexus.example.com/a/%2e%2e/simple/"', "has . or .. in its path", None),
    (PREFIXES, '["https://nexus.example.com/a/..", "https://nexus.example.com"]', "has . or .. in its path", None),
    (PREFIXES, '["https://*.", "https://nexus.example.com"]', "or nothing behind it", '"https://*."'),
    (INDEX, '"https://nexus.example.com/pypi/"', "does not end in /simple/", '"https://nexus.example.com/pypi/"'),
    (INDEX, '"https://nexus.example.com.evil.org/simple/"', "no prefix of python_repo_integration",
     f"allowed_prefixes = {PREFIXES}"),
    (PREFIXES, '["http://nexus.example.com"]', "does not begin with https://", '"http://nexus.example.com"'),
    (PREFIXES, '["nexus.example.com"]', "does not begin with https://", '"nexus.example.com"'),
    (PREFIXES, '["https://u:Canary@nexus.example.com"]', "more than a host and a path",
     '"https://u:Canary@nexus.example.com"'),
    (PREFIXES, '["https://nexus.*.com", "https://nexus.example.com"]', "has a * in another place", '"https://nexus.*.com"'),
    (PREFIXES, '["https://nexus*.com", "https://nexus.example.com"]', "has a * in another place", '"https://nexus*.com"'),
    ('secrets = ["my_repo_secret"]', "secrets = []", "is no secret of python_repo_integration", "secrets = []"),
    ('python = "3.11"', 'python = "3.1"', "is no Python of Snowflake", 'python = "3.1"'),
    ('python = "3.11"', 'python = "3.9"', "ended on 2026-04-30", 'python = "3.9"'),
    (PACKAGES, '["test_whl_package==1.2"]', "lacks snowflake-snowpark-python",
     'packages = ["test_whl_package==1.2"]\nrepository = "my_python_repo"\nhandler = "run"'),
    ('"test_whl_package==1.2"]', '"==1"]', "is no package", '"==1"'),
    ('"test_whl_package==1.2"]', '"test_whl_package!=1.2"]', "leaves a version out", "test_whl_package!=1.2"),
    ('"test_whl_package==1.2"]', '"test_whl_package @ https://a.b/c.whl"]', "names a URL",
     "test_whl_package @ https://a.b/c.whl"),
    ('"test_whl_package==1.2"]', "'test_whl_package==1.2; python_version > \"3\"']", "has a marker", None),
    ('"test_whl_package==1.2"]', '"test_whl_package==1.2", "Test.whl-package==1.3"]', "is the second line", None),
    ("say_hello()", "say_hello('$$')", "has $$", "'$$'"),
    ("say_hello()", "say_hello(", "is no Python", None),
    ('handler = "test"', 'handler = "tset"', "has no 'tset'", None),
    ('password_env = "REPO_TOKEN"', "", "lacks password_env", 'type = "password"'),
    ('username_env = "REPO_USER"', "", "lacks its username", None),
    ('username_env = "REPO_USER"', 'username_env = "REPO_USER"\nusername = "me"', "username and username_env", None),
    ('username_env = "REPO_USER"', 'username_env = "REPO_USER"\nvalue_env = "X"', "has no value_env", None),
    ('type = "password"', 'type = "generic_string"', "lacks value_env", None),
]  # fmt: skip


@pytest.mark.parametrize(("right", "wrong", "what", "replaced"), REFUSED)
def test_what_would_fail_is_told_and_its_advice_works(
    tmp_path: Path, right: str, wrong: str, what: str, replaced: str | None
) -> None:
    assert right in PUBLIC
    text = PUBLIC.replace(right, wrong, 1)
    [problem, *_] = [one for one in judged(tmp_path, text).problems if what in one.what]
    assert re.match(rf"{re.escape(str(tmp_path))}/snowflake\.toml:\d+$", problem.where)
    assert problem.fix
    assert "Canary" not in problem.as_line()
    # what is told is what is printed: the redactor takes none of it for a secret
    assert REDACTOR.redact(problem.as_line()) == problem.as_line()
    if replaced:
        assert replaced in text
        followed = text.replace(replaced, advice(problem, replaced), 1)
        assert judged(tmp_path, followed).problems == ()


def advice(problem: Problem, replaced: str) -> str:
    """What the fix says to write, to the letter, and what it is written in the place of."""
    if "'$' '$'" in problem.fix:
        return "'$' '$'"
    if added := re.fullmatch(r'add ("[^"]+") to (\w+)( of \[[\w.]+\])?', problem.fix):
        assert replaced.startswith(f"{added[2]} = [")
        return (
            replaced.replace("[]", f"[{added[1]}]", 1) if "[]" in replaced else replaced.replace("[", f"[{added[1]}, ")
        )
    if given := re.match(r'give (\w+) the name of a variable, as in ("\w+")', problem.fix):
        return f"{replaced}\n{given[1]} = {given[2]}"
    found = re.search(r'write (?:it as in )?((?:\w+ = )?(?:\[[^\]]*\]|"[^"]*"))', problem.fix)
    assert found, problem.fix
    if "==VERSION" in found[1]:
        return found[1].strip('"').replace("VERSION", "1.3")
    if "example.com" in found[1] and "*" in found[1]:
        return found[1].replace("*.example.com", "*.example.org")
    return found[1]


@pytest.mark.parametrize(
    ("right", "wrong", "what", "at"),
    [
        (IMPORT, "def run", "test_whl_package is used and not imported, and",
         "  return test_whl_package.say_hello()\n'''\n"),
        ('"test_whl_package==1.2"', '"test_whl_package>=1.2"', "test_whl_package>=1.2 is not pinned", "packages = "),
        ('"test_whl_package==1.2"', '"test_whl_package==1.*"', "test_whl_package==1.* is not pinned", "packages = "),
        ('python = "3.11"', 'python = "3.10"', "Snowflake's Python 3.10 is deprecated since 2026-10-04", "python = "),
        ('repository = "my_python_repo"', 'repository = "x.y.z"', "the repository x.y.z is not in",
         "repository = "),
        ("[repository", "[packages_policy.p]\nallowlist = ['a']\n[repository", "a packages policy does not",
         "[packages_policy.p]"),
    ],
)  # fmt: skip
def test_what_may_be_wrong_is_warned_of(tmp_path: Path, right: str, wrong: str, what: str, at: str) -> None:
    text = PUBLIC.replace(right, wrong, 1)
    judgement = judged(tmp_path, text)
    assert judgement.problems == ()
    [warning] = judgement.warnings
    assert warning.what.startswith(what)
    start = text.rindex("def run") if "imported" in what else 0
    line = text[: text.index(at, start)].count("\n") + 1
    assert warning.where == f"{tmp_path}/snowflake.toml:{line}"


@pytest.mark.parametrize(
    ("prefix", "right"),
    [
        ("http://nexus.example.com:8443/a/b", "https://nexus.example.com:8443/a/b"),
        ("nexus.example.com:8443/a", "https://nexus.example.com:8443/a"),
        ("https://u:Canary@nexus.example.com:8443/a/", "https://nexus.example.com:8443/a/"),
        ("//nexus.example.com/a", "https://nexus.example.com/a"),
        ("https://", "https://nexus.example.com"),
        ("https://nexus.example.com/a?b=c#d", "https://nexus.example.com/a"),
        ("https://u@[::1]:8443/" + "a" * 300, "https://[::1]:8443/" + "a" * 300),
    ],
)
def test_the_advice_for_a_prefix_keeps_what_one_may_have(tmp_path: Path, prefix: str, right: str) -> None:
    text = PUBLIC.replace('"https://artifactory.example.com"', f'"{prefix}"')
    [problem] = judged(tmp_path, text).problems
    assert REDACTOR.redact(problem.fix) == problem.fix
    assert problem.fix.removeprefix("write ").removeprefix("it as in ") == f'"{right}"'
    assert judged(tmp_path, text.replace(f'"{prefix}"', f'"{right}"')).problems == ()


def test_a_long_number_is_no_python_and_no_bug(tmp_path: Path) -> None:
    for wrong in ("9" * 5000, "3." + "9" * 5000):
        text = PUBLIC.replace('python = "3.11"', f'python = "{wrong}"', 1).replace("say_hello()", "say_hello(", 1)
        assert "is no Python of Snowflake" in judged(tmp_path, text).problems[0].what
        text = PUBLIC.replace("test_whl_package==1.2", f"test_whl_package=={wrong}")
        assert judged(tmp_path, text).problems == ()


def test_a_line_of_a_body_file_is_one_of_that_file(tmp_path: Path) -> None:
    (tmp_path / "f.py").write_text("def run(session):\n  return test_whl_package.x\n")
    start = PUBLIC.rindex("body = ")
    [warning] = judged(tmp_path, PUBLIC[:start] + 'body_file = "f.py"\n').warnings
    assert warning.where == f"{tmp_path}/f.py:2"
    assert warning.fix == "write import test_whl_package at the top of the body"


def test_a_body_with_escapes_has_no_lines_to_tell(tmp_path: Path) -> None:
    start, use = PUBLIC.rindex("body = "), "return test_whl_package.x"
    for body in (
        f'"def run(session):\\n  {use}"',
        f'"""\ndef run(session):\\n\n  {use}"""',
        f'"""\\\n\ndef run(session): {use}"""',
    ):
        [warning] = judged(tmp_path, f"{PUBLIC[:start]}body = {body}\n").warnings
        assert warning.where == f"{tmp_path}/snowflake.toml:{PUBLIC[:start].count(chr(10)) + 1}"


def test_what_is_refused_is_not_warned_of_too(tmp_path: Path) -> None:
    assert judged(tmp_path, PUBLIC.replace("test_whl_package==1.2", "test_whl_package!=1.2", 1)).warnings == ()


def test_a_default_needs_the_whole_name(tmp_path: Path) -> None:
    assert judged(tmp_path, FULL).problems == ()
    [problem] = judged(tmp_path, FULL[FULL.index("# Snowflake") :]).problems
    assert problem.what == "the default my_python_repo has no database and schema"


@pytest.mark.parametrize("host", ["https://a.example.com", "a.example.com:8443", "a.example.com/simple/"])
def test_an_endpoint_is_of_a_host_alone(tmp_path: Path, host: str) -> None:
    text = f'[privatelink]\nservice = "s"\nhost = "{host}"\n'
    [problem] = judged(tmp_path, text).problems
    assert (problem.where, problem.fix) == (f"{tmp_path}/snowflake.toml:3", 'write host = "a.example.com"')
    assert judged(tmp_path, text.replace(host, "a.example.com")).problems == ()


@pytest.mark.parametrize(
    ("prefix", "url", "is_covered"),
    [
        ("https://a.com", "https://a.com/simple/", True),
        ("https://a.com/", "https://A.com:443/simple/", True),
        ("https://a.com/pypi", "https://a.com/pypi/simple/", True),
        ("https://a.com/pypi", "https://a.com/pypi2/simple/", False),
        ("https://a.com", "https://a.com:8443/simple/", False),
        ("https://a.com", "https://a.com.evil.org/simple/", False),
        ("https://a.com/pypi", "https://a.com/pypi/../x/simple/", False),
        ("https://*.a.com", "https://x.a.com/", True),
        ("https://*.a.com", "https://a.com/", False),
        ("https://*.a.com", "https://evila.com/", False),
        ("https://a.com", "https://[::1/", False),
        ("https://a.com", "https://a.com:x/", False),
    ],
)
def test_a_prefix_covers_whole_parts(prefix: str, url: str, is_covered: bool) -> None:
    assert covers(prefix, url) == is_covered


def test_the_forms_of_the_old_page_are_named_all_at_once(tmp_path: Path) -> None:
    seed = PUBLIC.replace(IMPORT, "def run").replace('python = "3.11"', "python = 3.10", 1)
    seed = seed.replace("[repository.my_python_repo]", '[repository.my_python_repo]\ntype = "APPLICATION"')
    seed = seed.replace("packages = [", "ARTIFACT_REPOSITORY_PACKAGES = [")
    judgement = judged(tmp_path, seed)
    told = [one.as_line().replace(f"{tmp_path}/snowflake.toml", "F") for one in judgement.problems]
    assert told == [
        f"F:{line_of(seed, 'python = 3.10')}: the Python has no quotes; why: without quotes 3.10 is a number, "
        'and the same one as 3.1; fix: write python = "3.10"',
        f"F:{line_of(seed, 'ARTIFACT_')}: ARTIFACT_REPOSITORY_PACKAGES is the old word; why: it is deprecated; "
        "fix: write packages = [...]",
        f"F:{seed[: seed.rindex('ARTIFACT_')].count(chr(10)) + 1}: "
        "ARTIFACT_REPOSITORY_PACKAGES is the old word; why: it is deprecated; fix: write packages = [...]",
        f'F:{line_of(seed, "type = " + chr(34) + "APP")}: type = "APPLICATION" is not for packages of one\'s own; '
        "fix: leave type out: it is PYPI",
    ]
    assert [one.what[:36] for one in judgement.warnings] == [
        "Snowflake's Python 3.10 is deprecate", "test_whl_package is used and not imp",
    ]  # fmt: skip
    assert [note.split(":")[0] for note in rules.NOTES] == ["not supported with such a repository", "notebooks"]


@pytest.mark.parametrize(
    ("python", "warned", "refused"),
    [("3.14", ["the body is NOT CHECKED: Python "], []), ("3.11", [], ["the body is no Python: "])],
)
def test_a_body_for_a_newer_python_than_ours_is_not_called_broken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, python: str, warned: list[str], refused: list[str]
) -> None:
    monkeypatch.setattr("sys.version_info", (3, 11, 7, "final", 0))
    text = PUBLIC.replace('python = "3.11"', f'python = "{python}"', 1).replace("say_hello()", "say_hello(", 1)
    judgement = judged(tmp_path, text)
    assert [one.what[:31] for one in judgement.warnings if "body" in one.what] == [one[:31] for one in warned]
    assert [one.what[:23] for one in judgement.problems] == [one[:23] for one in refused]
