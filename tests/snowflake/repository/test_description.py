"""What a description may say, and what is told of one that may not: all at once, each with its line."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from venvbuild.errors import UsageError
from venvbuild.snowflake.repository import misfits
from venvbuild.snowflake.repository.description import exact_parts, read

WHOLE = """\
[context]
database = "MY_DB"
schema = "PUBLIC"
[secret.s]
type = "generic_string"
value_env = "TOKEN"
[secret."OTHER.x-y.S"]
type = "password"
username = "me"
password_env = "P"
[integration.i]
allowed_prefixes = ["https://a.example.com"]
secrets = ["S", "OTHER.x-y.s"]
privatelink = true
[repository.r]
integration = "I"
index_url = "https://a.example.com/simple/"
secret = "s"
retention = "on_object_creation"
comment = ""
grant_usage_to = ["ANALYST", "my role"]
[packages_policy.p]
blocklist = ["evil"]
[default]
account = "r"
database.D = "r"
[default.schema]
"D.S" = "r"
[function.f]
returns = "NUMBER(10, 2)"
arguments = { a = "STRING", "B c" = "ARRAY" }
python = "3.11"
packages = []
repository = "r"
imports = ["@st/x.zip"]
architecture = "x86"
handler = "x.y"
[privatelink]
service = "com.x"
host = "a.example.com"
"""


def of(tmp_path: Path, text: str, name: str = "snowflake.toml") -> Path:
    file = tmp_path / name
    file.write_text(text, "utf-8")
    return file


def told(file: Path) -> str:
    with pytest.raises(UsageError) as caught:
        read(file)
    return str(caught.value).replace(f"{file.parent}/", "")


def test_a_whole_file_is_read_with_its_names_completed(tmp_path: Path) -> None:
    found = read(of(tmp_path, WHOLE))
    assert [one.name for one in found.secrets] == ["MY_DB.PUBLIC.s", 'OTHER."x-y".S']
    [integration], [repository], [function] = found.integrations, found.repositories, found.functions
    assert (integration.name, integration.secrets) == ("i", ("MY_DB.PUBLIC.S", 'OTHER."x-y".s'))
    assert (repository.secret, repository.grant_usage_to) == ("MY_DB.PUBLIC.s", ("ANALYST", '"my role"'))
    assert [(one.level, one.of, one.repository) for one in found.defaults] == [
        ("account", "", "MY_DB.PUBLIC.r"), ("database", "D", "MY_DB.PUBLIC.r"), ("schema", "D.S", "MY_DB.PUBLIC.r"),
    ]  # fmt: skip
    assert function.arguments == (("a", "STRING"), ('"B c"', "ARRAY"))
    assert found.privatelink
    assert exact_parts('my_db."public".S') == ("MY_DB", "public", "S")


def test_the_schema_is_one() -> None:
    jsonschema.Draft202012Validator.check_schema(misfits.schema())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("value_env", "valeu_env"), "snowflake.toml:6: unknown key 'valeu_env'; fix: did you mean value_env?"),
        (("[function.f]", "[fuction.f]"), "snowflake.toml:29: unknown key 'fuction'; fix: did you mean function?"),
        (('value_env = "TOKEN"', 'password = "Canary"'), "snowflake.toml:6: unknown key 'password': the value of a"),
        (("privatelink = true", 'privatelink = "yes"'), "snowflake.toml:14: privatelink is not true or false"),
        (('"TOKEN"', '"$Canary"'), "snowflake.toml:6: value_env is no name of a variable"),
        (('type = "generic_string"', 'type = "oauth2"'), "snowflake.toml:5: it is no type of a secret for an index; w"),
        (('type = "generic_string"', ""), "snowflake.toml:4: 's' lacks type"),
        (('[secret."OTHER.x-y.S"]', "[secret.OTHER.xy.S]"), "snowflake.toml:7: the dots of [secret.OTHER.xy.S] make"),
        (('[secret."OTHER.x-y.S"]', "[secret.OTHER.xy.S]"), 'fix: write [secret."OTHER.xy.S"]'),
        (("[integration.i]", '[integration."a.b"]'), "snowflake.toml:11: 'a.b' is no name of one part"),
        (("packages = []", "packages = [1]"), "33: entry 1 of packages is not a text in quotes; fix: write each entry"),
        (("packages = []", 'packages = ["a", ""]'), "snowflake.toml:33: entry 2 of packages is empty"),
        (("[privatelink]", "[[privatelink]]"), ":38: privatelink is not a table but a list, [[privatelink]]; fix: wri"),
        (("[repository.r]", '[repository."a..b"]'), "snowflake.toml:15: 'a..b' is no name of DATABASE.SCHEMA.NAME"),
        (('[secret."OTHER.x-y.S"]', '[secret."MY_DB.public.S"]'), "snowflake.toml:7: MY_DB.public.S is the same obj"),
        (('"NUMBER(10, 2)"', '"STRING\\n"'), "snowflake.toml:30: returns is no type of SQL"),
        (('"TOKEN"', '"TOKEN\\n"'), "snowflake.toml:6: value_env is no name of a variable"),
        (("database.D = ", 'database.d = "r"\ndatabase.D = '), "snowflake.toml:27: D is the same object as 'd'"),
        (('"D.S" = "r"', '"D.S" = "r"\n"d.s" = "r"'), "snowflake.toml:29: d.s is the same object as 'D.S'"),
        (('a = "STRING"', 'a = "STRING", A = "INT"'), "snowflake.toml:31: A is the same object as 'a'"),
        (('["S", ', '["S", "s", '), "snowflake.toml:13: MY_DB.PUBLIC.s is the same object as 'MY_DB.PUBLIC.S'"),
        (('["ANALYST", ', '["ANALYST", "analyst", '), "snowflake.toml:21: analyst is the same object as 'ANALYST'"),
        (('"NUMBER(10, 2)"', '"STRING; DROP"'), "snowflake.toml:30: returns is no type of SQL"),
        (('imports = ["@st/x.zip"]', ""), "snowflake.toml:29: it has no body"),
        (('imports = ["@st/x.zip"]', 'body_file = "gone.py"'), "snowflake.toml:35: gone.py cannot be read: No such"),
        (('imports = ["@st/x.zip"]', 'body = "x"\nbody_file = "y"'), "snowflake.toml:36: body and body_file are both"),
        (('host = "a.example.com"', 'host = "a'), "snowflake.toml:40: it is not TOML"),
        (("allowed_prefixes", "allowed_prefixes = []\n#"), "snowflake.toml:12: allowed_prefixes is empty"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_told_with_its_line(tmp_path: Path, change: tuple[str, str], message: str) -> None:
    assert change[0] in WHOLE
    said = told(of(tmp_path, WHOLE.replace(*change, 1)))
    assert message in said
    assert "Canary" not in said


@pytest.mark.parametrize(
    ("context", "messages"),
    [
        ('schema = "MY_DB.PUBLIC"\ndatabase = "D"', ["snowflake.toml:2: 'MY_DB.PUBLIC' is no name of a schema"]),
        ("schema = 'a\"; DROP TABLE x; --'", ["snowflake.toml:2: 'a\"; DROP TABLE x; --' is no name of a schema"]),
        ('database = "P.."', ["snowflake.toml:2: 'P..' is no name of a database", "snowflake.toml:3: s has no schema"]),
        ('database = "D"', ["snowflake.toml:3: s has no schema, and [context] only a database"]),
    ],
)
def test_a_context_is_of_one_name_each_and_completes(tmp_path: Path, context: str, messages: list[str]) -> None:
    text = f'[context]\n{context}\n[secret.s]\ntype = "password"\n'
    lines = told(of(tmp_path, text)).splitlines()
    assert [line[: len(message)] for line, message in zip(lines, messages, strict=True)] == messages


def test_a_context_may_be_a_schema_or_complete_it(tmp_path: Path) -> None:
    text = '[context]\n{}\n[secret."{}"]\ntype = "password"\n'
    for context, name, whole in (
        ('schema = "S"', "n", "S.n"), ('database = "d-b"', "S.n", '"d-b".S.n'), ("schema = '\"a.b\"'", "n", '"a.b".n'),
    ):  # fmt: skip
        assert read(of(tmp_path, text.format(context, name))).secrets[0].name == whole


def test_a_body_is_in_a_file_and_nobody_waits_for_another(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for name in ("pipe", "."):
        text = WHOLE.replace('imports = ["@st/x.zip"]', f'body_file = "{name}"')
        assert "is no file; fix: name a file" in told(of(tmp_path, text)).replace("\n  ", "; ")


def test_names_that_are_none_are_not_one(tmp_path: Path) -> None:
    said = told(of(tmp_path, '[secret."a..b"]\ntype = "password"\n[secret."c..d"]\ntype = "password"\n'))
    assert "is the same object" not in said
    assert exact_parts("a..b") != exact_parts("c..d")


def test_all_problems_are_told_at_once(tmp_path: Path) -> None:
    said = told(of(tmp_path, WHOLE.replace("value_env", "valeu_env").replace("handler", "hander")))
    assert [line.partition(";")[0] for line in said.splitlines()] == [
        "snowflake.toml:6: unknown key 'valeu_env'", "snowflake.toml:29: 'f' lacks handler",
        "snowflake.toml:37: unknown key 'hander'",
    ]  # fmt: skip


ODD = [
    1,
    "x",
    [],
    [1],
    True,
    1.5,
    "nan",
    "inf",
    "-inf",
    "1979-05-27",
    "07:32:00",
    "1979-05-27T07:32:00Z",
    "0x1",
    "1e400",
]


@pytest.mark.parametrize("value", ODD)
def test_nothing_of_another_type_is_a_bug(tmp_path: Path, value: Any) -> None:
    text = str(value).lower() if isinstance(value, bool) else repr(value).replace("'", '"')
    text = value if isinstance(value, str) and value != "x" else text
    for name in (*misfits.schema()["properties"], "secret.s", "default.schema", "function.f.arguments"):
        assert told(of(tmp_path, f"{name} = {text}\n")).startswith("snowflake.toml:1: ")


SECRET = 'type = "password"\nusername = "me"\npassword_env = "P"\n'
INTEGRATION = 'allowed_prefixes = ["https://a.example.com"]\n'


@pytest.mark.parametrize(
    ("text", "wrong", "name"),
    [
        (f"[secret.A.B.S]\n{SECRET}", "[secret.A.B.S]", "A.B.S"),
        (f"[secret.A.B.C.D]\n{SECRET}", "[secret.A.B.C.D]", 'A.B."C.D"'),
        (f"[secret.A.'b.c'.S]\n{SECRET}", "[secret.A.'b.c'.S]", 'A."b.c".S'),
        (f"[secret.A.B.x-y]\n{SECRET}", "[secret.A.B.x-y]", 'A.B."x-y"'),
        (f"[integration.a.b]\n{INTEGRATION}", "[integration.a.b]", "b"),
        (f"[integration.'a.b']\n{INTEGRATION}", "[integration.'a.b']", "b"),
        (f"[[secret]]\n{SECRET}", "[[secret]]", "NAME"),
        (f"[[secret.s]]\n{SECRET}", "[[secret.s]]", "s"),
        ('[default.schema]\nMY_DB.PUBLIC = "a.b.r"\n', 'MY_DB.PUBLIC = "a.b.r"', "MY_DB.PUBLIC"),
        ('[default.schema.MY_DB]\nPUBLIC = "a.b.r"\n', '[default.schema.MY_DB]\nPUBLIC = "a.b.r"', "MY_DB.PUBLIC"),
        ('[default]\nschema.MY_DB.PUBLIC = "a.b.r"\n', 'schema.MY_DB.PUBLIC = "a.b.r"', "MY_DB.PUBLIC"),
        ('[default]\ndatabase.MY_DB.PUBLIC = "a.b.r"\n', 'database.MY_DB.PUBLIC = "a.b.r"', "MY_DB.PUBLIC"),
    ],
)
def test_the_advice_about_names_works_to_the_letter(tmp_path: Path, text: str, wrong: str, name: str) -> None:
    fix = told(of(tmp_path, text)).partition("fix: write ")[2]
    if "default" in text:
        pair, _, rest = fix.partition(" in [default.schema], or ")
        followed = {
            "[default.schema]": pair, "[default]": rest.removesuffix(" in [default]"),
            "[default.schema.MY_DB]": f"[default.schema]\n{pair}",
        }[text.partition("\n")[0]]  # fmt: skip
    else:
        followed = fix.partition(":")[0].partition(", or ")[0]
    made = read(of(tmp_path, text.replace(wrong, followed)))
    names = [*(one.name for one in made.secrets), *(one.name for one in made.integrations)]
    assert [*names, *(one.of for one in made.defaults)] == [name]


def test_each_table_in_a_table_is_told(tmp_path: Path) -> None:
    said = told(of(tmp_path, f"[secret.A.B.S]\n{SECRET}[secret.A.B.T]\n{SECRET}[secret.A.C.U]\n{SECRET}"))
    assert [line.partition("; fix: write ")[2] for line in said.splitlines()] == [
        '[secret."A.B.S"]', '[secret."A.B.T"]', '[secret."A.C.U"]'
    ]  # fmt: skip


def test_a_mark_of_an_editor_is_no_letter_of_a_body(tmp_path: Path) -> None:
    (tmp_path / "f.py").write_text("\ufeffx = 1\n", "utf-8")
    for given in ('body_file = "f.py"', "body = '''\n\ufeffx = 1\n'''"):
        file = of(tmp_path, "\ufeff" + WHOLE.replace('imports = ["@st/x.zip"]', given))
        assert read(file).functions[0].body == "x = 1\n"


def test_a_file_that_is_none_says_what_to_do(tmp_path: Path) -> None:
    assert "init --from-settings" in told(tmp_path / "gone.toml")
    for text in ("a = " + "[" * 100_000, "a = " + "9" * 5_000, "a = " + "{b = " * 100_000,
                 f"secret.s.type{'.a' * 3000} = 1"):  # fmt: skip
        assert "x.toml" in told(of(tmp_path, text, "x.toml"))
    (tmp_path / "latin.toml").write_bytes(b"a = '\xe4'")
    assert told(tmp_path / "latin.toml") == "latin.toml: it is not UTF-8; fix: save it as UTF-8"
