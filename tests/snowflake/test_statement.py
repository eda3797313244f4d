"""SQL for Snowflake: quoting that reads back, and statements that run what was uploaded."""

from __future__ import annotations

import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
import sqlglot
from hypothesis import given
from hypothesis import strategies as st

from venvbuild.errors import UsageError
from venvbuild.snowflake.statement import KINDS, Use, checked_name, exact, identifier, literal, names_of

TEXTS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=40)


@given(TEXTS)
def test_a_text_is_read_back_from_its_literal(text: str) -> None:
    written = literal(text)
    assert written[0] == written[-1] == "'"
    assert re.sub(r"\\(.)|''", lambda found: found[1] or "'", written[1:-1]) == text
    [token] = sqlglot.tokenize(written, dialect="snowflake")
    assert token.token_type == sqlglot.TokenType.STRING


@given(TEXTS.filter(bool))
def test_a_name_is_read_back_from_its_identifier(name: str) -> None:
    written = identifier(name)
    assert names_of(written) == (written,)
    assert exact(written) == name


def test_names_need_no_quotes_when_they_are_plain() -> None:
    assert [identifier(name) for name in ("MY_REPO", "A$1", "1A", "A-B", 'A"B', "")] == [
        "MY_REPO", "A$1", '"1A"', '"A-B"', '"A""B"', '""',
    ]  # fmt: skip


def test_without_quotes_a_name_is_in_capitals_and_so_small_letters_need_them() -> None:
    assert identifier("my_repo") == '"my_repo"'
    assert exact("my_repo") == exact("MY_REPO") == "MY_REPO"


@pytest.mark.parametrize("name", ["", "a b", "a;b", "a.b.c.d", "a..b", ".a", "a.", '"a', "a'b", "a\n", "--x"])
def test_what_is_no_name_of_an_object_is_refused(name: str) -> None:
    with pytest.raises(UsageError, match=r"DATABASE\.SCHEMA\.NAME"):
        checked_name(name, "--artifact-repository")


FUNCTION = """\
CREATE OR REPLACE FUNCTION my_function() RETURNS STRING LANGUAGE PYTHON
  RUNTIME_VERSION = '3.10'
  IMPORTS = ('@D.S.ST/app.zip')
  HANDLER = 'main' AS $$
from importlib.metadata import version

def main():
    return 'six ' + version('six')
$$;"""


def test_a_function_is_this() -> None:
    assert Use("@D.S.ST/app.zip", "3.10", shows="six").statement("function") == FUNCTION


def test_a_procedure_has_snowpark_and_takes_a_session() -> None:
    made = Use("@D.S.ST/app.zip", "3.11", packages=("numpy==2.2.6",)).statement("procedure")
    assert "PACKAGES = ('snowflake-snowpark-python', 'numpy==2.2.6')" in made
    assert "def main(session):" in made
    pinned = Use("@D.S.ST/app.zip", "3.11", packages=("snowflake-snowpark-python==1.56.0",)).statement("procedure")
    assert "PACKAGES = ('snowflake-snowpark-python==1.56.0')" in pinned


def test_what_snowflake_installs_is_in_packages_with_its_repository() -> None:
    made = Use("@D.S.ST/a.zip", "3.11", packages=("numpy==2.2.6", "pandas==2.2.3"), repository="r").statement(
        "function"
    )
    assert "  ARTIFACT_REPOSITORY = r\n  PACKAGES = ('numpy==2.2.6', 'pandas==2.2.3')\n" in made
    assert "ARTIFACT_REPOSITORY" not in Use("@D.S.ST/a.zip", "3.11", repository="r").statement("function")


@pytest.mark.parametrize(
    ("kind", "packages", "is_used"),
    [("function", (), False), ("function", ("numpy==2.2.6",), True), ("procedure", (), True), ("both", (), True)],
)
def test_a_repository_is_used_where_there_is_something_to_take_from_it(
    kind: str, packages: tuple[str, ...], is_used: bool
) -> None:
    use = Use("@D.S.ST/a.zip", "3.11", packages=packages, repository="r")
    assert use.uses_repository(kind) == is_used == ("ARTIFACT_REPOSITORY = r" in use.statement(kind))
    assert not Use("@D.S.ST/a.zip", "3.11", packages=packages).uses_repository(kind)


def test_native_code_asks_for_its_architecture_and_loads_first() -> None:
    made = Use("@D.S.ST/a.zip", "3.11", is_native=True, shows="numpy").statement("function")
    assert "RESOURCE_CONSTRAINT = (architecture = 'x86')" in made
    assert "AS $$\nimport _venvbuild_native\nfrom importlib" in made
    assert "RESOURCE_CONSTRAINT" not in Use("@D.S.ST/a.zip", "3.11", is_native=True, is_x86=False).statement("both")


def test_both_are_two_statements() -> None:
    use = Use("@D.S.ST/app.zip", "3.10", shows="six")
    assert use.statement("both") == f"{FUNCTION}\n\n{use.statement('procedure')}"
    assert KINDS == ("function", "procedure", "both")


@pytest.mark.parametrize("kind", ["function", "procedure"])
@pytest.mark.parametrize("shows", ["tiny", None])
def test_the_body_runs_with_the_zip_alone(tmp_path: Path, kind: str, shows: str | None) -> None:
    with zipfile.ZipFile(tmp_path / "app.zip", "w") as made:
        made.writestr("tiny-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: tiny\nVersion: 1.0\n")
    body = Use("@D.S.ST/app.zip", "3.11", shows=shows).statement(kind).split("$$")[1]
    call = "main(None)" if kind == "procedure" else "main()"
    code = f"import sys; sys.path.insert(0, {str(tmp_path / 'app.zip')!r})\n{body}\nprint({call})"
    ran = subprocess.run([sys.executable, "-I", "-S", "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout == ("tiny 1.0\n" if shows else "it works\n")
