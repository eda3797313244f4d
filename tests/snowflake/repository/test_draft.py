"""A first file is one that passes."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.snowflake.repository.test_description import of
from venvbuild.errors import RequirementsRefused
from venvbuild.snowflake.repository import rules
from venvbuild.snowflake.repository.description import read
from venvbuild.snowflake.repository.draft import draft


@pytest.mark.parametrize("variables", [None, ("REPO_USER", "REPO_TOKEN")])
@pytest.mark.parametrize("url", ["https://pypi.org/simple", "https://u:Canary@nexus.example.com:8443/r/simple/"])
def test_a_first_file_is_right(tmp_path: Path, url: str, variables: tuple[str, str] | None) -> None:
    text = draft(url, "index_url", variables)
    assert "Canary" not in text
    described = read(of(tmp_path, text))
    assert rules.judge(described) == rules.Judgement((), ())
    assert len(described.secrets) == (variables is not None)
    assert described.repositories[0].index_url.endswith("/simple/")
    assert ("https://files.pythonhosted.org" in described.integrations[0].allowed_prefixes) == ("pypi.org" in url)
    # what stands there as a comment can be made a line
    context = text.replace("# [context]", "[context]").replace("# database", "database").replace("# schema", "schema")
    assert read(of(tmp_path, context)).repositories[0].name == "MY_DB.PUBLIC.python_repo"


@pytest.mark.parametrize("path", ['a"b', "a'b", "\x7f", "\u202e\U0001f600", '"\x01'])
def test_any_url_is_one_text(tmp_path: Path, path: str) -> None:
    described = read(of(tmp_path, draft(f"https://a.example.com/{path}/simple/", "index_url", None)))
    assert described.repositories[0].index_url == f"https://a.example.com/{path}/simple/"


def test_an_index_that_snowflake_would_not_take_gets_no_file() -> None:
    with pytest.raises(RequirementsRefused, match=r"index_url .default.: 'http://a/simple/' is no https URL"):
        draft("http://a/simple", "index_url (default)", None)
