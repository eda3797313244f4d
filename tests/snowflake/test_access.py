"""Which index counts, with which credentials; and that an index which refuses is told by the name of a variable."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from venvbuild import settings
from venvbuild.errors import UsageError
from venvbuild.redaction import REDACTOR
from venvbuild.settings import Settings
from venvbuild.snowflake.access import PASSWORD, USERNAME, refusals_named, with_index

PROGET = "https://proget.example.com/pypi/feed/simple"
SECRET = "p@ss/w:rd-Canary-92"
CREDENTIALS = {USERNAME: "svc", PASSWORD: SECRET}


def loaded(environ: Mapping[str, str], flag: str | None = None) -> Settings:
    seen = {"HOME": "/nonexistent", **environ}
    flags = {} if flag is None else {"proget_url": flag}
    return with_index(settings.load(flags, seen, reads_files=False), seen)


def test_only_the_one_index_counts() -> None:
    others = {"VENVBUILD_EXTRA_INDEX_URLS": "https://b.example.com/simple", "VENVBUILD_FIND_LINKS": "/srv/wheels"}
    found = loaded({"PROGET_URL": PROGET, "VENVBUILD_INDEX_URL": "https://a.example.com/simple", **others})
    assert (found.index_url, found.extra_index_urls, found.find_links) == (PROGET, (), ())
    assert found.origins["index_url"] == "PROGET_URL"
    flag = loaded({"PROGET_URL": PROGET}, "https://c.example.com/simple")
    assert flag.index_url == "https://c.example.com/simple"
    assert flag.origins["index_url"] == "--proget-url"


@pytest.mark.parametrize("unset", ["", "$(PROGET_URL)"])
def test_without_it_the_order_is_that_of_a_build(unset: str) -> None:
    others = {"UV_DEFAULT_INDEX": "https://a.example.com/simple", "VENVBUILD_FIND_LINKS": "/srv/wheels"}
    found = loaded({"PROGET_URL": unset, **others})
    assert (found.index_url, found.find_links) == ("https://a.example.com/simple", ("/srv/wheels",))


def test_credentials_come_from_two_variables_as_they_are() -> None:
    found = loaded(CREDENTIALS, PROGET)
    assert found.index_url == "https://svc:p%40ss%2Fw%3Ard-Canary-92@proget.example.com/pypi/feed/simple"
    for text in (SECRET, found.index_url):
        assert "Canary" not in REDACTOR.redact(f"it said {text} there")
    own = loaded({"PROGET_URL": "https://u:p@proget.example.com/simple", **CREDENTIALS})
    assert own.index_url == "https://u:p@proget.example.com/simple"


@pytest.mark.parametrize(
    "environ", [{}, {"PROGET_URL": "$(PROGET_URL)"}, {"VENVBUILD_EXTRA_INDEX_URLS": PROGET}, {"PROGET_URL": ""}]
)
def test_the_password_goes_to_no_index_that_nobody_named(environ: dict[str, str]) -> None:
    with pytest.raises(UsageError, match=f"{PASSWORD} is set, and nobody named the index") as refused:
        loaded({**environ, **CREDENTIALS})
    assert "Canary" not in str(refused.value)
    # followed to the letter, each way; and an index that is another setting is named, too
    assert loaded({**environ, **CREDENTIALS, "PROGET_URL": PROGET}).index_url.startswith("https://svc:p%40ss")
    assert loaded({**environ, **CREDENTIALS}, PROGET).index_url.startswith("https://svc:p%40ss")
    assert loaded({**environ, USERNAME: "svc"}).origins["index_url"] == "default"
    assert loaded({**environ, **CREDENTIALS, "PIP_INDEX_URL": PROGET}).index_url.startswith("https://svc:p%40ss")


@pytest.mark.parametrize("flag", ["", "$(PROGET_URL)"])
def test_an_index_that_is_named_and_empty_is_not_replaced_by_another(flag: str) -> None:
    with pytest.raises(UsageError, match="--proget-url"):
        loaded({"PROGET_URL": PROGET}, flag)


def test_a_user_in_the_url_gets_the_password_of_the_variable() -> None:
    url, whole = "https://robot@proget.example.com/simple", "https://robot:p%40ss%2Fw%3Ard-Canary-92@proget.example.com"
    found = loaded({"PROGET_URL": url, **CREDENTIALS})
    assert found.index_url == f"{whole}/simple"
    assert found.origins["index_url"] == f"PROGET_URL with {PASSWORD}"
    assert "Canary" not in REDACTOR.redact(found.index_url)
    # for another path of the same host, too
    assert loaded({"PROGET_URL": url, **CREDENTIALS}, PROGET).index_url == f"{whole}/pypi/feed/simple"
    assert loaded({"PROGET_URL": url}).index_url == url  # a token may be all of it
    colon = "https://robot:@proget.example.com/simple"
    assert loaded({"PROGET_URL": colon, **CREDENTIALS}).index_url == f"{whole}/simple"


def test_credentials_come_from_a_url_of_the_same_place_in_the_environment() -> None:
    environ = {"PROGET_URL": "https://u:p%40w@proget.example.com/pypi/other/simple"}
    assert loaded(environ, PROGET).index_url == PROGET.replace("://", "://u:p%40w@")
    for other in (
        "http://proget.example.com/simple",
        "https://proget.example.com:8443/simple",
        "https://a.example.com/s",
    ):
        assert loaded(environ, other).index_url == other


def test_credentials_on_the_command_line_are_refused_without_being_shown() -> None:
    for url in ("https://svc:Canary@proget.example.com/simple", "https://Canary@proget.example.com/simple"):
        with pytest.raises(UsageError, match=f"{USERNAME} and {PASSWORD}") as refused:
            loaded({}, url)
        assert "Canary" not in str(refused.value)
    # followed to the letter: the variable may hold all of it
    assert loaded({"PROGET_URL": "https://svc:x@proget.example.com/simple"}).index_url.startswith("https://svc:x@")


@pytest.mark.parametrize(
    ("environ", "why"),
    [
        ({"PROGET_URL": "https://u:p@proget.example.com/simple"}, "the credentials of PROGET_URL are not accepted"),
        ({"PROGET_URL": PROGET, PASSWORD: SECRET}, f"the credentials of PROGET_URL with {PASSWORD} are not accepted"),
        ({"PROGET_URL": PROGET}, "no credentials are given, or netrc's"),
    ],
)
def test_a_refusal_names_the_variable_and_not_its_value(environ: dict[str, str], why: str) -> None:
    with pytest.raises(UsageError) as refused, refusals_named(loaded(environ)):
        raise UsageError("the package index refuses access (HTTP 401)", where=PROGET, rule="INDEX_REFUSES")
    assert refused.value.problems[0].why == why
    assert USERNAME in refused.value.problems[0].fix
    assert "Canary" not in str(refused.value)


def test_what_is_no_index_is_told_with_where_its_url_came_from() -> None:
    with (
        pytest.raises(UsageError, match=r"correct the index URL \(PROGET_URL\)"),
        refusals_named(loaded({"PROGET_URL": PROGET})),
    ):
        raise UsageError("no index", where=PROGET, rule="WRONG_INDEX")


def test_another_error_stays_as_it_is() -> None:
    with pytest.raises(UsageError, match=r"^no: fix it$"), refusals_named(loaded({"PROGET_URL": PROGET})):
        raise UsageError("fix it", where="no")
