"""A first `snowflake.toml`, for an index that is known."""

from __future__ import annotations

import json
from urllib.parse import urlsplit

from venvbuild.errors import RequirementsRefused
from venvbuild.redaction import strip_credentials
from venvbuild.snowflake.repository import rules


def draft(index_url: str, origin: str, variables: tuple[str, str] | None) -> str:
    """The text of a file for the index of the builds; `origin` says where its URL is from.

    `variables`: those that hold username and password; None: the index asks for none.

    Raises:
        RequirementsRefused: Snowflake would take no index of this URL.
    """
    url = strip_credentials(index_url)
    # pip does not mind, and Snowflake does.
    url = url if url.endswith("/") else f"{url}/"
    if wrong := rules.index_fault(url):
        what, why, fix = wrong
        raise RequirementsRefused(what, where=origin, why=why, fix=fix)
    host = urlsplit(url).netloc
    # PyPI's pages link to files on another host.
    hosts = [host, "files.pythonhosted.org"] if host == "pypi.org" else [host]
    prefixes = ", ".join(toml(f"https://{one}") for one in hosts)
    secret = "" if variables is None else _HIDDEN.format(*variables)
    allowed = "" if variables is None else 'secrets = ["python_repo_secret"]\n'
    used = "" if variables is None else 'secret = "python_repo_secret"\n'
    return f"""\
# The index of the builds, as Snowflake is to know it. `venvbuild snowflake repository check` judges this file,
# `venvbuild snowflake repository plan` prints the SQL.

# Where the objects are to be; without it, where the session is that runs the SQL.
# [context]
# database = "MY_DB"
# schema = "PUBLIC"

{secret}[integration.python_repo_integration]
# Every host that the index sends a download to has to be here, too: "https://*.cloudfront.net"
allowed_prefixes = [{prefixes}]
{allowed}
[repository.python_repo]
integration = "python_repo_integration"
index_url = {toml(url)}
{used}"""


def toml(text: str) -> str:
    """A text as TOML writes it: that of JSON, which leaves DEL as it is."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


_HIDDEN = """\
[secret.python_repo_secret]
type = "password"
# Names of variables, never values.
username_env = "{}"
password_env = "{}"

"""
