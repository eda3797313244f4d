"""Every setting there is: its name, its variable and flag, its default, and how text becomes its value."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from venvbuild.errors import RequirementsRefused, UsageError
from venvbuild.redaction import has_unescaped_password, strip_credentials
from venvbuild.settings import azure, parameters

PYPI = "https://pypi.org/simple"
DEFAULT_PYTHON = "3.11"


@dataclass(frozen=True)
class Setting:
    """One thing that can be configured; its name is also its key in the configuration file."""

    name: str
    help: str
    default: Any = None
    variable: str = ""
    """The environment variable; `VENVBUILD_<NAME>` unless given."""
    parse: Callable[[str, str], Any] = lambda text, _where: text
    """From text to value; the second argument says where the text came from."""
    parse_item: Callable[[str, str], str] = lambda text, _where: text
    """Of a list: from one item to its value. In text spaces part the items; one of the file's list may hold some."""
    takes_table: bool = False
    """Whether the file may have a table of names instead of a list: `name = "text"` is the item `name: text`."""
    has_flag: bool = True
    is_secret: bool = False
    """Whether its value may never be shown."""

    @property
    def env(self) -> str:
        """The environment variable it is read from."""
        return self.variable or f"VENVBUILD_{self.name.upper()}"

    @property
    def flag(self) -> str:
        """The flag it is given by; empty when no command has one."""
        if not self.has_flag:
            return ""
        return "--python" if self.name == "python_version" else "--" + self.name.replace("_", "-")


def _words(text: str, _where: str) -> tuple[str, ...]:
    return tuple(text.split())


_IN_A_PASSWORD = "in a password write / ? # @ [ as %2F %3F %23 %40 %5B"  # noqa: S105  # an advice


def index_url(text: str, where: str) -> str:
    """`text` when it is the URL of an index: http(s) or file."""
    shown_url = (strip_credentials(text) if "://" in text else text.rpartition("@")[2])[:200]
    try:
        parts = urlsplit(text)
        fits = bool(parts.hostname if parts.scheme in ("http", "https") else parts.scheme == "file" and parts.path)
        parts.port  # noqa: B018  # raises when the port is no number
    except ValueError:
        fits = False
    # an installer that is given anything else silently asks another index
    if not fits or has_unescaped_password(text) or any(char.isspace() for char in text):
        raise UsageError(
            f"{shown_url!a} is no URL of a package index",
            where=where,
            fix=f"write https://host/simple; {_IN_A_PASSWORD}",
        )
    return text


def _proget_url(text: str, where: str) -> str | None:
    if not text or azure.is_undefined(text):
        if where != "--proget-url":
            return None
        # a line of a job that names an index must not take the public one, where anybody may have these names
        raise UsageError(
            "the URL is empty" if not text else f"{text} is no URL",
            where=where,
            why="the variable that it was written with is not set",
            fix="set it; or leave the flag out, and the index of other builds counts",
        )
    url = index_url(text, where)
    if where == "--proget-url" and "@" in urlsplit(url).netloc:
        raise UsageError(
            "credentials do not belong on a command line, where every user of the machine reads them",
            where=where,
            fix="set VENVBUILD_INDEX_USERNAME and VENVBUILD_INDEX_PASSWORD, or use netrc, or set PROGET_URL",
        )
    return url


def _index_urls(text: str, where: str) -> tuple[str, ...]:
    return tuple(index_url(word, where) for word in text.split())


def _place(text: str, where: str) -> str:
    # a folder may have any name; an address with a space in it would be two for pip
    if "://" in text and any(char.isspace() for char in text):
        raise UsageError(
            f"{strip_credentials(text)[:200]!a} is no address", where=where, fix="write %20 for a space in it"
        )
    if "://" in text and has_unescaped_password(text):
        raise UsageError(f"{strip_credentials(text)[:200]!a} is no address", where=where, fix=_IN_A_PASSWORD)
    return text


def _places(text: str, where: str) -> tuple[str, ...]:
    return tuple(_place(word, where) for word in text.split())


def _python_path(text: str, where: str) -> str:
    # the word of archive.NO_PYTHON, which settings may not import
    if text != "none" and not os.path.isabs(text):
        raise UsageError(
            f"{text[:80]!a} is no absolute path",
            where=where,
            fix="write it from the root: /usr/bin/python3.11; or none, which leaves it to `rehome`",
        )
    return text


def _layout(text: str, where: str) -> str:
    # the words of archive.ARCHIVE_ROOTS, which settings may not import
    if text not in ("venv", "flat"):
        raise UsageError(f"{text[:40]!a} is no layout of an archive", where=where, fix="write venv or flat")
    return text


def _installer(text: str, where: str) -> str:
    if text not in ("uv", "pip"):
        raise UsageError(f"{text[:40]!a} is no installer", where=where, fix="write uv or pip")
    return text


def _engine(text: str, where: str) -> str:
    if text not in ("duckdb", "trino", "athena"):
        raise UsageError(f"{text[:40]!a} is no query engine", where=where, fix="write duckdb, trino or athena")
    return text


def _fitting(pattern: str, what: str, fix: str) -> Callable[[str, str], str]:
    def parse(text: str, where: str) -> str:
        if not re.fullmatch(pattern, text):
            raise UsageError(f"{text[:80]!a} is no {what}", where=where, fix=fix)
        return text

    return parse


def _trino_url(text: str, where: str) -> str:
    try:
        parts = urlsplit(text)
        fits = parts.scheme in ("http", "https") and parts.hostname and (parts.port or 1)
    except ValueError:
        fits = False
    if not fits or has_unescaped_password(text):
        raise UsageError(
            f"{strip_credentials(text)[:200]!a} is no URL of a Trino server",
            where=where,
            fix=f"write https://host:port; {_IN_A_PASSWORD}",
        )
    # Basic authentication is the password in clear
    if parts.password and parts.scheme == "http":
        raise UsageError("a password goes to Trino by https only", where=where, fix="write https://user:password@host")
    return text


def _level(text: str, where: str) -> int:
    # a tuple: in the string itself `12` would be found too
    if text not in tuple("123456789"):
        raise UsageError(f"{text[:40]!a} is no compression level", where=where, fix="write a number from 1 to 9")
    return int(text)


def _boolean(text: str, where: str) -> bool:
    try:
        return parameters.boolean(text, where)
    except RequirementsRefused as error:  # 3 is for what the job is asked; this is how it is done
        raise UsageError.of(error.problems) from error


def _seconds(text: str, where: str) -> int:
    # the length first: int() raises for thousands of digits
    if not re.fullmatch("[1-9][0-9]{0,4}", text) or int(text) > 86400:
        raise UsageError(f"{text[:40]!a} is no number of seconds", where=where, fix="write a number from 1 to 86400")
    return int(text)


def _days(text: str, where: str) -> int:
    # the length first, as above
    if not re.fullmatch("0|[1-9][0-9]{0,3}", text) or int(text) > _MOST_DAYS:
        fix = f"write a whole number from 0 to {_MOST_DAYS}; 0 asks for no age"
        raise UsageError(f"{text[:40]!a} is no number of days", where=where, fix=fix)
    return int(text)


def _exception(text: str, where: str) -> str:
    name, _, said = text.partition(":")
    reason = " ".join(said.split())
    if not re.fullmatch(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,200}[A-Za-z0-9])?", name.strip()):
        fix = 'write min_age_except = ["kedro: why it may be newer"]'
        raise UsageError(f"{name.strip()[:80]!a} names no package", where=where, fix=fix)
    if not reason:
        raise UsageError(
            f"there is no reason why {name.strip()} may be newer",
            where=where,
            why="an exception is kept with what was built, and whoever finds it has to understand it",
            fix=f"write {name.strip()}: REASON, or leave it out",
        )
    # canonical, as PEP 503 has it
    return f"{re.sub('[-_.]+', '-', name.strip()).lower()}: {reason}"


def _exceptions(text: str, where: str) -> tuple[str, ...]:
    return tuple(_exception(one, where) for one in text.split(";") if one.strip())


def _yanked(text: str, where: str) -> str:
    if text not in ("warn", "refuse"):
        raise UsageError(f"{text[:40]!a} is no way to take yanked versions", where=where, fix="write warn or refuse")
    return text


_MOST_DAYS = 3650
SETTINGS: tuple[Setting, ...] = (
    Setting(
        "env_name",
        "name of the environment",
        "default",
        "ENV_NAME",
        lambda text, where: parameters.env_name(text, where=where),
    ),
    Setting(
        "python_version",
        "Python of the environment, X.Y or X.Y.Z",
        DEFAULT_PYTHON,
        "PYTHON_VERSION",
        lambda text, where: parameters.python_version(text, where=where),
    ),
    Setting(
        "fail_on_conflicts",
        "end with 5 when dependencies conflict",
        True,
        "FAIL_ON_CONFLICTS",
        parameters.boolean,
    ),
    Setting("store", "where builds are kept: a folder, file:///... or s3://bucket[/prefix]"),
    Setting("work_dir", "folder of this run's steps"),
    Setting("installer", "who installs the lock: uv or pip", "uv", parse=_installer),
    Setting("index_url", "the package index", parse=index_url),
    Setting(
        "extra_index_urls",
        "further indexes, asked before index_url, separated by spaces",
        (),
        parse=_index_urls,
        parse_item=index_url,
    ),
    Setting(
        "proget_url",
        "the index of `venvbuild snowflake`, and the only one",
        variable="PROGET_URL",
        parse=_proget_url,
    ),
    Setting("find_links", "folders or pages with wheels, separated by spaces", (), parse=_places, parse_item=_place),
    Setting("timeout_s", "longest time one installer run may take, in seconds", 3600, parse=_seconds),
    Setting("min_age_days", "refuse what came to the index in the last DAYS days; 0: take any", 0, parse=_days),
    Setting(
        "min_age_except",
        "packages that may be newer, each with its reason, separated by semicolons: kedro: we publish it",
        (),
        parse=_exceptions,
        parse_item=_exception,
        takes_table=True,
        has_flag=False,
    ),
    Setting("yanked", "of versions that were withdrawn: warn, or refuse them", "warn", parse=_yanked, has_flag=False),
    # 5: level 6 takes a quarter longer, for archives that are half a percent smaller
    Setting("level", "compression level of the archive, 1 (fast) to 9 (small)", 5, parse=_level),
    Setting(
        "bytecode",
        "put bytecode into the archive",
        False,
        parse=_boolean,
    ),
    Setting(
        "python_path",
        "where the archive's bin/python points, or none, which leaves it to rehome; default /usr/bin/pythonX.Y",
        parse=_python_path,
    ),
    Setting("bundle_python", "put the interpreter into the archive", False, parse=_boolean),
    Setting(
        "layout", "what is at the top of the archive: venv, the folder, or flat, its bin and lib", "venv", parse=_layout
    ),
    Setting("engine", "what answers questions about the catalog: duckdb, trino or athena", "duckdb", parse=_engine),
    Setting("trino_url", "the Trino server: https://host[:port]", parse=_trino_url, has_flag=False),
    Setting("trino_catalog", "Trino's catalog that holds the tables", has_flag=False),
    Setting("trino_schema", "the schema of the tables", has_flag=False),
    Setting("trino_user", "who asks Trino", has_flag=False),
    Setting(
        "athena_database",
        "Athena's database that holds the tables",
        # it stands in `CREATE DATABASE`, which takes no bound values
        parse=_fitting(r"[a-z0-9_-]{1,255}", "database of Athena", "write lower-case letters, digits, _ and -"),
        has_flag=False,
    ),
    Setting(
        "athena_workgroup",
        "the work group that asks Athena",
        parse=_fitting(r"[A-Za-z0-9._-]{1,128}", "work group", "write letters, digits, . _ and -"),
        has_flag=False,
    ),
    Setting(
        "athena_output",
        "where Athena writes results, unless the work group says: s3://bucket/prefix",
        parse=_fitting(r"s3://[a-z0-9.-]{3,63}(/[^\s?#@]*)?", "place in S3", "write s3://bucket/prefix"),
        has_flag=False,
    ),
    Setting(
        "athena_region",
        "the AWS region of Athena",
        parse=_fitting(r"[a-z]{2,4}(-[a-z]+)+-[0-9]{1,2}", "AWS region", "write it like eu-central-1"),
        has_flag=False,
    ),
    Setting(
        "notify_urls",
        "who is told of failures and recoveries: addresses of apprise, separated by spaces",
        (),
        parse=_words,
        has_flag=False,
        is_secret=True,
    ),
    Setting("s3_endpoint_url", "S3 service other than AWS", has_flag=False),
    Setting("s3_sse_kms_key_id", "KMS key that encrypts what is stored", has_flag=False),
)
BY_NAME = {setting.name: setting for setting in SETTINGS}


@dataclass(frozen=True)
class Value:
    """A value and where it came from (`--store`, `ENV_NAME`, `config.toml`, `default`)."""

    value: Any
    origin: str


def shown(value: Any) -> str:
    """A setting's value as `venvbuild config` shows it: text, no credentials."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, tuple):
        return ("; " if any(": " in word for word in value) else " ").join(map(strip_credentials, value))
    return strip_credentials(str(value))
