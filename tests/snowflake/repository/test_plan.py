"""What has to change: each kind of change, and that nothing is left after it was made."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.snowflake.repository.test_description import WHOLE, of
from tests.support.snowflake_account import SHAPES, Account, Dotted, LocalSession
from venvbuild.errors import UsageError
from venvbuild.snowflake.connection import Table
from venvbuild.snowflake.refusals import About
from venvbuild.snowflake.repository import applying, plan, state
from venvbuild.snowflake.repository.description import (
    Default,
    Description,
    Function,
    Integration,
    PackagesPolicy,
    Repository,
    Secret,
    read,
)
from venvbuild.snowflake.repository.plan import Plan


@pytest.fixture
def described(tmp_path: Path) -> Description:
    text = WHOLE.replace("database.D", "database.MY_DB").replace('"D.S"', '"MY_DB.PUBLIC"')
    return read(of(tmp_path, text))


def planned(described: Description, account: Account, *rotated: str) -> Plan:
    return plan.plan(described, state.look(LocalSession(account), described), rotated)


def bring(made: Plan, account: Account) -> None:
    session = LocalSession(account)
    applying.run(session, applying.steps(made), applying.NONE, made.state.context, lambda _: None)


def told(made: Plan) -> list[str]:
    return [f"{one.action} {one.kind} {one.name}: {one}" for one in made.changes if one.action != plan.UNCHANGED]


@pytest.mark.parametrize("shape", SHAPES)
def test_nothing_is_to_be_done_after_it_was_done(described: Description, shape: str) -> None:
    account = Account(shape)
    made = planned(described, account)
    assert {one.action for one in made.changes} == {plan.CREATE}
    kinds = list(dict.fromkeys(one.kind for one in made.changes))
    assert kinds == ["secret", "integration", "repository", "grant", "packages_policy", "default", "function"]
    bring(made, account)
    assert told(planned(described, account)) == []
    assert planned(described, account).summary() == "11 unchanged."


def test_each_difference_is_told_with_old_and_new(described: Description) -> None:
    account = Account()
    bring(planned(described, account), account)
    [integration], [repository], [function] = described.integrations, described.repositories, described.functions
    other = replace(
        described,
        integrations=(replace(integration, allowed_prefixes=("https://b.example.com",)),),
        repositories=(replace(repository, comment="new", grant_usage_to=("ANALYST", "other")),),
        functions=(replace(function, packages=("a==2",), handler="x.z"),),
        policies=(replace(described.policies[0], blocklist=()),),
    )
    made = planned(other, account)
    assert told(made) == [
        "alter integration I: allowed_prefixes: + https://b.example.com, - https://a.example.com",
        "alter repository MY_DB.PUBLIC.R: comment: none -> new",
        "create grant USAGE on MY_DB.PUBLIC.R to OTHER: ",
        "alter packages_policy MY_DB.PUBLIC.P: blocklist: - evil",
        "alter function MY_DB.PUBLIC.F(STRING, ARRAY): packages: + a==2; handler: x.y -> x.z; "
        "it is made again, and the grants on it are lost",
    ]
    assert made.summary() == "4 to change, 1 to create, 6 unchanged."
    before = len(account.run)
    bring(made, account)
    assert account.run[before] == (
        "ALTER API INTEGRATION IF EXISTS i SET\n  API_ALLOWED_PREFIXES = ('https://b.example.com')\n  ENABLED = TRUE"
    )
    assert told(planned(other, account)) == []


def test_what_no_alter_changes_is_replaced_only_if_that_is_allowed(described: Description) -> None:
    account = Account()
    bring(planned(described, account), account)
    [integration] = described.integrations
    second = replace(integration, name="J")
    moved = replace(described.repositories[0], integration="J")
    other = replace(described, integrations=(integration, second), repositories=(moved,))
    made = planned(other, account)
    assert told(made)[1] == (
        "replace repository MY_DB.PUBLIC.R: integration: I -> J; "
        "the grants on it are lost, and the copies of packages that it retains"
    )
    with pytest.raises(UsageError, match=r"repository MY_DB.PUBLIC.R would have to be replaced; why: .*--replace"):
        made.judge(is_replacing=False)
    made.judge(is_replacing=True)
    # the grants that go with it come again
    assert [one.kind for one in made.pending] == ["integration", "repository", "grant", "grant"]
    bring(made, account)
    assert told(planned(other, account)) == []
    less = replace(other, integrations=(replace(integration, privatelink=False), second))
    assert told(planned(less, account))[0].startswith("replace integration I: privatelink: true -> false; ")


@pytest.mark.parametrize(("is_private", "action"), [(False, plan.UNCHANGED), (True, plan.UNKNOWN)])
def test_a_property_that_is_not_shown_is_unset_at_best(is_private: bool, action: str) -> None:
    described = Description("f", {}, integrations=(Integration((), "i", ("https://a",), (), is_private),))
    account = Account(says_unset=False)
    account.answer("CREATE API INTEGRATION IF NOT EXISTS i API_PROVIDER = ARTIFACT_REPOSITORY_API "
                   "API_ALLOWED_PREFIXES = ('https://a') ENABLED = TRUE")  # fmt: skip
    assert [one.action for one in planned(described, account).changes] == [action]


def test_an_unknown_shape_is_never_unchanged(described: Description) -> None:
    account = Account("odd")
    bring(planned(described, account), account)
    made = planned(described, account)
    [repository] = [one for one in made.changes if one.kind == "repository"]
    assert repository.action == plan.UNKNOWN
    assert str(repository).startswith("index_url, secret, retention: DESCRIBE ARTIFACT REPOSITORY answered in a shape")
    assert made.summary() == "10 unchanged, 1 cannot be compared."


def test_a_secret_is_set_again_only_on_request(described: Description) -> None:
    account = Account()
    bring(planned(described, account), account)
    made = planned(described, account, "public.s")
    assert told(made) == ["alter secret MY_DB.PUBLIC.S: its value is set again"]
    assert [one.doing.masked for one in applying.steps(made)] == [
        "ALTER SECRET IF EXISTS MY_DB.PUBLIC.s SET SECRET_STRING = '***';"
    ]
    [step] = applying.steps(planned(described, account, "OTHER.x-y.S".replace("x-y", '"x-y"')))
    assert step.doing.masked.endswith("SET USERNAME = 'me' PASSWORD = '***';")
    for name, why in (("t", "no secret of the file is t"), ("s", "several secrets end in s")):
        with pytest.raises(UsageError, match=f"{why}; why: there are the secrets MY_DB.PUBLIC.S, "):
            planned(described, account, name)


def test_destroy_takes_in_reverse_what_is_there_and_is_the_files(described: Description) -> None:
    account = Account()
    bring(planned(described, account), account)
    account.defaults["DATABASE", ("MY_DB",)] = ("O", "P", "Q")
    made = plan.removal(described, state.look(LocalSession(account), described))
    assert told(made)[1:3] == [
        "drop default schema MY_DB.PUBLIC: ",
        "kept default database MY_DB: it is O.P.Q, which is not the file's",
    ]
    before = len(account.run)
    bring(made, account)
    assert [one.partition(" MY_DB")[0].partition(" OTHER")[0] for one in account.run[before:]] == [
        "DROP FUNCTION", "ALTER SCHEMA", "ALTER ACCOUNT UNSET DEFAULT_PYTHON_ARTIFACT_REPOSITORY",
        "DROP PACKAGES POLICY", "DROP ARTIFACT REPOSITORY", "DROP API INTEGRATION i", "DROP SECRET", "DROP SECRET",
    ]  # fmt: skip
    assert account.objects == {}
    again = plan.removal(described, state.look(LocalSession(account), described))
    assert again.pending == ()


@pytest.mark.parametrize("at", range(11))
def test_it_goes_on_from_any_statement_that_failed(described: Description, at: int) -> None:
    account = Account()
    made = planned(described, account)

    class Failing(LocalSession):
        def table(self, statement: str, about: About) -> Table:
            if len(account.run) == at:
                raise UsageError("refused")
            return super().table(statement, about)

    with pytest.raises(UsageError, match=rf"statement {at + 1} of 11 .* not done: .*11; apply goes on from there"):
        applying.run(Failing(account), applying.steps(made), applying.NONE, made.state.context, lambda _: None)
    again = planned(described, account)
    assert len(again.pending) == 11 - at
    bring(again, account)
    assert told(planned(described, account)) == []


def test_who_interrupts_it_is_told_what_was_done(described: Description) -> None:
    class Interrupted(LocalSession):
        def table(self, statement: str, about: About) -> Table:
            if statement.startswith("CREATE API"):
                raise KeyboardInterrupt
            return super().table(statement, about)

    made, said = planned(described, Account()), list[str]()
    with pytest.raises(KeyboardInterrupt):
        applying.run(Interrupted(Account()), applying.steps(made), applying.NONE, made.state.context, said.append)
    assert said[-1].endswith("not known; done: 1, 2; not known: 3; not done: 4 to 11")


# --- any two descriptions

NAMES = st.sampled_from(["a", "B.c", '"x.y"', "O.P.d"])
TEXT = st.text(st.one_of(st.sampled_from("'\"\\$;-/* ,[]"), st.characters(exclude_categories=["Cs", "Cc"])), max_size=8)
SUBSETS = st.lists(
    st.sampled_from(["https://a.example.com", "https://*.b.example.com", "https://c"]), unique=True, min_size=1
)
PACKAGES = st.lists(st.sampled_from(["a==1", "B_c", "d>=2,<3"]), unique=True).map(tuple)


def some(make: Any, names: Any = NAMES, at_least: int = 0) -> Any:
    """Records of different names."""
    return st.lists(names, unique=True, min_size=at_least, max_size=2).flatmap(
        lambda found: st.tuples(*(make(name) for name in found))
    )


def secret(name: str) -> Any:
    password = st.builds(lambda user: Secret((), name, "password", username=user, password_env="P"), TEXT)
    return st.one_of(password, st.just(Secret((), name, "generic_string", value_env="V")))


@st.composite
def descriptions(draw: Any) -> Description:
    secrets = draw(some(secret, at_least=1))
    named = st.lists(st.sampled_from([one.name for one in secrets]), unique=True).map(tuple)
    integrations = draw(some(
        lambda name: st.builds(Integration, st.just(()), st.just(name), SUBSETS.map(tuple), st.one_of(st.none(), named),
                               st.sampled_from([None, False, True])),
        st.sampled_from(["i", '"j k"']), 1,
    ))  # fmt: skip
    repositories = draw(some(lambda name: st.builds(
        Repository, st.just(()), st.just(name), st.sampled_from([one.name for one in integrations]),
        st.sampled_from(["https://a/simple/", "https://b/simple/"]),
        st.sampled_from([None, *(one.name for one in secrets)]), st.sampled_from([None, "on_object_creation"]),
        st.one_of(st.none(), TEXT), st.lists(st.sampled_from(["R", '"r s"']), unique=True).map(tuple),
    ), at_least=1))  # fmt: skip
    used = st.sampled_from([one.name for one in repositories])
    lists = [st.one_of(st.none(), PACKAGES)] * 3
    policies = draw(some(lambda name: st.builds(PackagesPolicy, st.just(()), st.just(name), *lists)))
    defaults = draw(some(
        lambda at: st.builds(Default, st.just(()), st.just(at[0]), st.just(at[1]), used),
        st.sampled_from([("account", ""), ("database", "MY_DB"), ("schema", "my_db.PUBLIC")]),
    ))  # fmt: skip
    functions = draw(some(lambda name: st.builds(
        Function, st.just(()), st.just(name), st.sampled_from(["function", "procedure"]),
        st.sampled_from([(), (("a", "STRING"), ('"b c"', "NUMBER(10, 2)"))]),
        st.sampled_from(["STRING", "INT", "TABLE (a STRING)", "NUMBER(10, 2)"]), st.sampled_from(["3.11", "3.12"]),
        PACKAGES, used, st.sampled_from([(), ("@st/x.zip",), ("@O.P.\"s t\"/x.zip", "@st/y.zip")]),
        st.sampled_from([None, "x86"]), st.sampled_from(["f", "g"]), TEXT, st.none(), st.none(),
    )))  # fmt: skip
    return Description(
        "f", {}, secrets=secrets, integrations=integrations, repositories=repositories, policies=policies,
        defaults=defaults, functions=functions,
    )  # fmt: skip


@settings(
    max_examples=30,
    deadline=None,
    phases=[Phase.generate],  # to make a failure small takes minutes
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(descriptions(), descriptions(), st.sampled_from(SHAPES))
def test_any_two_descriptions_one_after_the_other_leave_nothing_to_do(
    one: Description, other: Description, shape: str
) -> None:
    account = Account(shape)
    for described in (one, other):
        bring(planned(described, account), account)
        assert told(planned(described, account)) == []


# --- what is not known, and what is lost


class Told(LocalSession):
    """Some answers are others."""

    def __init__(self, account: Account, **answers: tuple[tuple[str, ...], list[tuple[object, ...]]]) -> None:
        super().__init__(account)
        self.answers = answers

    def table(self, statement: str, about: About) -> Table:
        for start, (columns, rows) in self.answers.items():
            if statement.startswith(start.replace("_", " ")):
                return Table(columns, [dict(zip(columns, row, strict=True)) for row in rows])
        return super().table(statement, about)


PAIR = ("property", "property_value")


def judged(described: Description, session: LocalSession) -> list[str]:
    made = plan.plan(described, state.look(session, described))
    return [f"{one.action}: {one}" for one in made.changes]


@pytest.mark.parametrize("word", ["YES", "1", "enabled", "", None])
def test_what_is_told_and_not_read_is_not_equal(word: str | None) -> None:
    described = Description("f", {}, integrations=(Integration((), "i", ("https://a",), None, False),))
    rows: list[tuple[object, ...]] = [
        ("API_PROVIDER", "ARTIFACT_REPOSITORY_API"),
        ("ENABLED", "true"),
        ("API_ALLOWED_PREFIXES", "https://a"),
    ]
    told = Told(Account(), DESCRIBE_INTEGRATION=(PAIR, [*rows, ("USE_PRIVATELINK_ENDPOINT", word)]))
    why = "DESCRIBE INTEGRATION tells role DEVELOPER NULL, or what cannot be read"
    assert judged(described, told) == [f"cannot compare: privatelink: {why}"]
    assert judged(described, Told(Account(), DESCRIBE_INTEGRATION=(PAIR, rows))) == ["unchanged: privatelink not told"]


def test_a_key_that_an_integration_does_not_have_is_left_as_it_is(described: Description) -> None:
    account = Account()
    bring(planned(described, account), account)
    account.objects["INTEGRATION", ("I",), ""]["USE_PRIVATELINK_ENDPOINT"] = ("TRUE",)
    silent = replace(described.integrations[0], secrets=None, privatelink=None)
    assert told(planned(replace(described, integrations=(silent,)), account)) == []
    none = replace(silent, secrets=())
    [change] = told(planned(replace(described, integrations=(none,)), account))
    assert change.startswith("alter integration I: secrets: - ")


def test_null_is_not_shown_and_no_value() -> None:
    described = Description("f", {}, repositories=(Repository((), "r", "i", "https://a/simple/", "s", None, None, ()),))
    columns = ("api_integration", "index_url", "authentication_secret")
    session = Told(Account(), DESCRIBE_ARTIFACT=(columns, [("I", None, None)]))
    why = "DESCRIBE ARTIFACT REPOSITORY tells role DEVELOPER NULL, or what cannot be read"
    assert judged(described, session) == [f"cannot compare: index_url, secret: {why}"]
    session = Told(Account(), DESCRIBE_ARTIFACT=(columns, [("I", "https://a/simple/", None)]))
    assert judged(described, session) == ["alter: secret none -> MY_DB.PUBLIC.S"]


def test_a_function_of_imports_alone_has_no_body() -> None:
    one = Function((), "f", "function", (), "STRING", "3.11", (), "r", (), None, "h", None, None, None)
    rows = [("returns", "VARCHAR"), ("runtime_version", "3.11"), ("packages", "[]"), ("imports", "[]"),
            ("handler", "h"), ("artifact_repository", "R"), ("body", "def test(): evil()")]  # fmt: skip
    described = Description("f", {}, functions=(one,))
    [change] = judged(described, Told(Account(), DESCRIBE_FUNCTION=(PAIR, list(rows))))
    assert change.startswith("alter: body: another text; ")
    assert judged(described, Told(Account(), DESCRIBE_FUNCTION=(PAIR, [*rows[:-1], ("body", None)]))) == [
        "unchanged: architecture not told"
    ]
    # One line, and no warning: it is made again as a whole.
    made = plan.plan(
        described,
        state.look(Told(Account(), DESCRIBE_FUNCTION=(PAIR, [rows[0], ("runtime_version", "3.12")])), described),
    )
    assert ([one.action for one in made.changes], made.unknown) == (["alter"], ())


def test_what_is_altered_and_not_compared_in_all_is_one_line() -> None:
    described = Description(
        "f", {}, repositories=(Repository((), "r", "i", "https://a/simple/", None, None, "new", ()),)
    )
    session = Told(Account(), DESCRIBE_ARTIFACT=(("api_integration", "comment"), [("I", "old")]))
    made = plan.plan(described, state.look(session, described))
    assert [str(one) for one in made.unknown] == [
        "comment: old -> new; cannot compare index_url: Snowflake does not tell it"
    ]
    assert made.summary() == "1 to change, 1 of these not compared in all."


def test_who_replaces_is_told_what_is_lost(described: Description) -> None:
    account = Account()
    bring(planned(described, account), account)
    found = account.objects["ARTIFACT REPOSITORY", ("MY_DB", "PUBLIC", "R"), ""]
    found |= {"COMMENT": "theirs", "PACKAGE_RETENTION": ("ON_OBJECT_CREATION",), "API_INTEGRATION": Dotted(("OLD",))}
    account.grants.add((("MY_DB", "PUBLIC", "R"), "OTHERS"))
    [one] = described.repositories
    other = replace(described, repositories=(replace(one, comment=None, retention=None),))
    [change] = [line for line in told(planned(other, account)) if line.startswith("replace")]
    assert change.endswith(": retention on_object_creation, comment theirs, USAGE to OTHERS")


def test_destroy_keeps_what_is_not_for_it_or_in_use(described: Description) -> None:
    account = Account()
    bring(planned(described, account), account)
    account.answer(
        "CREATE ARTIFACT REPOSITORY IF NOT EXISTS X.Y.Z TYPE = PYPI API_INTEGRATION = i INDEX_URL = 'https://z';"
    )
    account.objects["ARTIFACT REPOSITORY", ("MY_DB", "PUBLIC", "R"), ""]["INDEX_URL"] = "https://another/simple/"

    def removal() -> dict[str, str]:
        session = LocalSession(account)
        seen = state.look(session, described)
        made = plan.removal(described, seen, state.users_of(session, described, seen.context))
        return {one.kind: f"{one.action} {one}" for one in made.changes}

    made = removal()
    assert made["integration"] == "kept there are the repositories X.Y.Z that use it"
    assert made["secret"] == "kept integration I, which stays, names it"
    assert made["repository"].startswith("drop index_url: https://another/simple/ -> ")
    del account.objects["ARTIFACT REPOSITORY", ("X", "Y", "Z"), ""]
    assert removal()["integration"] == "drop "
    account.objects["INTEGRATION", ("I",), ""]["API_PROVIDER"] = ("GIT_HTTPS_API",)
    assert removal()["integration"].startswith("kept its provider is GIT_HTTPS_API")


def test_destroy_leaves_a_default_that_is_told_without_its_schema() -> None:
    described = Description("f", {}, defaults=(Default((), "account", "", "MY_DB.PUBLIC.R"),))
    columns = ("key", "value", "level")
    session = Told(Account(), SHOW_PARAMETERS=(columns, [("DEFAULT_PYTHON_ARTIFACT_REPOSITORY", "R", "ACCOUNT")]))
    [change] = plan.removal(described, state.look(session, described)).changes
    assert (change.action, str(change)) == (plan.UNKNOWN, "SHOW PARAMETERS tells R without its database or schema")


def test_what_another_has_made_meanwhile_is_not_taken_for_made(described: Description) -> None:
    account = Account()
    made = planned(described, account)
    bring(made, account)
    account.objects["INTEGRATION", ("I",), ""]["API_ALLOWED_PREFIXES"] = ("https://theirs",)
    said = list[str]()
    with pytest.raises(UsageError, match=r"another has made it meanwhile: allowed_prefixes: .*fix: run it again"):
        applying.run(LocalSession(account), applying.steps(made), applying.NONE, made.state.context, said.append)
    assert "it was there already, and its value is not known" in said[0]
