"""What the user configured, and where each value came from.

    flag > environment > user config ($XDG_CONFIG_HOME/venvbuild/config.toml, or --config FILE) > default

Read once at the edge; inner functions take the values they need. Jenkins' parameters keep their own names
(`ENV_NAME`, `PYTHON_VERSION`, `FAIL_ON_CONFLICTS`); everything else is `VENVBUILD_<NAME>`. An empty `VENVBUILD_*`
counts as unset; an empty Jenkins parameter is refused, since a job that sends one is broken.
"""

from __future__ import annotations

import configparser
import os
import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from venvbuild import parameters
from venvbuild.errors import Problem, RequirementsRefused, UsageError
from venvbuild.redaction import strip_credentials

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


def _index_url(text: str, where: str) -> str:
    """An index is http(s) or file; an installer given anything else would silently ask another one."""
    shown_url = strip_credentials(text)[:200]
    try:
        parts = urlsplit(text)
        fits = bool(parts.hostname if parts.scheme in ("http", "https") else parts.scheme == "file" and parts.path)
        parts.port  # noqa: B018  # raises when the port is no number
    except ValueError:
        fits = False
    if not fits or any(char.isspace() for char in text):
        raise UsageError(
            f"{shown_url!a} is no URL of a package index",
            where=where,
            fix="write https://host/simple; in a password write / ? # @ [ as %2F %3F %23 %40 %5B",
        )
    return text


def _index_urls(text: str, where: str) -> tuple[str, ...]:
    return tuple(_index_url(word, where) for word in text.split())


def _absolute(text: str, where: str) -> str:
    if not os.path.isabs(text):
        raise UsageError(
            f"{text[:80]!a} is no absolute path", where=where, fix="write it from the root: /usr/bin/python3.11"
        )
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
    """Reads text that is this pattern."""

    def parse(text: str, where: str) -> str:
        if not re.fullmatch(pattern, text):
            raise UsageError(f"{text[:80]!a} is no {what}", where=where, fix=fix)
        return text

    return parse


def _trino_url(text: str, where: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise UsageError(
            f"{strip_credentials(text)[:200]!a} is no URL of a Trino server", where=where, fix="write https://host:port"
        )
    if parts.password and parts.scheme == "http":
        raise UsageError("a password goes to Trino by https only", where=where, fix="write https://user:password@host")
    return text


def _level(text: str, where: str) -> int:
    if text not in tuple("123456789"):
        raise UsageError(f"{text[:40]!a} is no compression level", where=where, fix="write a number from 1 to 9")
    return int(text)


def _boolean(text: str, where: str) -> bool:
    try:
        return parameters.boolean(text, where)
    except RequirementsRefused as error:  # 3 is for what the job is asked; this is how it is done
        raise UsageError.of(error.problems) from error


def _seconds(text: str, where: str) -> int:
    if not text.isascii() or not text.isdigit() or not 1 <= int(text[:9]) <= 86400:
        raise UsageError(f"{text[:40]!a} is no number of seconds", where=where, fix="write a number from 1 to 86400")
    return int(text)


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
        lambda text, where: parameters.fail_on_conflicts(text, where=where),
    ),
    Setting("store", "where builds are kept: a folder, file:///... or s3://bucket[/prefix]"),
    Setting("work_dir", "folder of this run's steps"),
    Setting("installer", "who installs the lock: uv or pip", "uv", parse=_installer),
    Setting("index_url", "the package index", parse=_index_url),
    Setting("extra_index_urls", "further indexes, asked before index_url, separated by spaces", (), parse=_index_urls),
    Setting("find_links", "folders or pages with wheels, separated by spaces", (), parse=_words),
    Setting("timeout_s", "longest time one installer run may take, in seconds", 3600, parse=_seconds),
    Setting("level", "compression level of the archive, 1 (fast) to 9 (small)", 5, parse=_level),
    Setting(
        "bytecode",
        "put bytecode into the archive",
        False,
        parse=_boolean,
    ),
    Setting("python_path", "where the archive's bin/python points; default /usr/bin/pythonX.Y", parse=_absolute),
    Setting("bundle_python", "put the interpreter into the archive", False, parse=_boolean),
    Setting("engine", "what answers questions about the catalog: duckdb, trino or athena", "duckdb", parse=_engine),
    Setting("trino_url", "the Trino server: https://host[:port]", parse=_trino_url, has_flag=False),
    Setting("trino_catalog", "Trino's catalog that holds the tables", has_flag=False),
    Setting("trino_schema", "the schema of the tables", has_flag=False),
    Setting("trino_user", "who asks Trino", has_flag=False),
    Setting(
        "athena_database",
        "Athena's database that holds the tables",
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


@dataclass(frozen=True)
class Settings:
    """Every setting of one run, by name: `settings["env_name"]`."""

    values: Mapping[str, Value]
    notes: tuple[str, ...] = ()
    """What was found and not followed (extra indexes, find-links), to be said to the user."""
    folders: Folders = field(default_factory=lambda: Folders.of(os.environ))

    def __getitem__(self, name: str) -> Any:
        return self.values[name].value

    def is_default(self, name: str) -> bool:
        """Whether nobody asked for this value."""
        return self.values[name].origin == "default"


@dataclass(frozen=True)
class Folders:
    """The user's folders (XDG Base Directory; a relative value counts as unset)."""

    config: Path
    data: Path
    cache: Path

    @classmethod
    def of(cls, environ: Mapping[str, str]) -> Folders:
        """From HOME and XDG_*; without HOME, from the password database."""
        home = Path(environ["HOME"]) if environ.get("HOME") else Path.home()

        def base(variable: str, default: str) -> Path:
            value = environ.get(variable, "")
            return Path(value) if os.path.isabs(value) else home / default

        return cls(
            base("XDG_CONFIG_HOME", ".config") / "venvbuild",
            base("XDG_DATA_HOME", ".local/share") / "venvbuild",
            base("XDG_CACHE_HOME", ".cache") / "venvbuild",
        )


def load(flags: Mapping[str, Any], environ: Mapping[str, str], config: Path | None = None) -> Settings:
    """The settings of this run; `flags` holds what the command line gave (None: not given), as text or typed.

    Raises:
        RequirementsRefused: ENV_NAME, PYTHON_VERSION or FAIL_ON_CONFLICTS is malformed; all that are, at once.
        UsageError: a configuration file is missing, unreadable or has an unknown key.
    """
    folders = Folders.of(environ)
    configured, config_name = _config_file(config, folders)
    values: dict[str, Value] = {}
    refused: list[Problem] = []
    for setting in SETTINGS:
        try:
            values[setting.name] = _value(setting, flags, environ, configured, config_name)
        except RequirementsRefused as error:
            refused += error.problems
    if refused:
        raise RequirementsRefused.of(refused)
    notes: list[str] = []
    others = _index_of_others(environ, folders, notes)
    if values["index_url"].value is None:
        values["index_url"] = Value(_index_url(others.value, others.origin), others.origin)
    ours = {"find": values["find_links"].value, "index": values["extra_index_urls"].value}
    notes = [note for note in notes if not ours["find" if "find_links" in note else "index"]]
    if values["store"].value is None:
        values["store"] = Value(str(folders.data), "default")
    return Settings(values, tuple(notes), folders)


def _value(
    setting: Setting,
    flags: Mapping[str, Any],
    environ: Mapping[str, str],
    configured: Mapping[str, Any],
    config_name: str,
) -> Value:
    given = flags.get(setting.name)
    if given is not None and given != ():
        return Value(setting.parse(given, setting.flag) if isinstance(given, str) else given, setting.flag)
    text = environ.get(setting.env)
    if text is not None and (text or not setting.env.startswith("VENVBUILD_")):
        return Value(setting.parse(text, setting.env), setting.env)
    if setting.name in configured:
        return Value(_from_toml(setting, configured[setting.name], config_name), config_name)
    return Value(setting.default, "default")


def _from_toml(setting: Setting, value: Any, config_name: str) -> Any:
    where = f"{config_name}: {setting.name}"
    if isinstance(value, bool):
        value = "true" if value else "false"
    elif isinstance(value, list) and isinstance(setting.default, tuple) and all(isinstance(one, str) for one in value):
        return tuple(one for word in value for one in (setting.parse(word, where) if " " not in word else (word,)))
    elif isinstance(value, int):
        value = str(value)
    if not isinstance(value, str):
        raise UsageError(
            f"a {type(value).__name__} cannot be the {setting.name}",
            where=where,
            fix='write it as text: python_version = "3.11"',
        )
    return setting.parse(value, where)


def _config_file(given: Path | None, folders: Folders) -> tuple[Mapping[str, Any], str]:
    path = given or folders.config / "config.toml"
    try:
        content = tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        if given:
            raise UsageError("there is no such configuration file", where=str(path), fix="give another path") from None
        return {}, str(path)
    except (OSError, ValueError) as error:
        raise UsageError(
            f"the configuration cannot be read: {error}",
            where=str(path),
            fix="write it as TOML, a setting a line: " + 'env_name = "sales"',
        ) from error
    for key in content:
        if key not in BY_NAME:
            raise UsageError(
                f"there is no setting {key[:60]!a}", where=str(path), fix="`venvbuild config` lists the settings"
            )
    return content, str(path)


def _index_of_others(environ: Mapping[str, str], folders: Folders, notes: list[str]) -> Value:
    """The index that pip or uv is configured with; what else they are configured with is noted, not followed."""
    found: Value | None = None
    for variable in ("UV_DEFAULT_INDEX", "UV_INDEX_URL", "PIP_INDEX_URL"):
        if environ.get(variable) and not found:
            found = Value(environ[variable], variable)
    for variable in ("UV_INDEX", "UV_EXTRA_INDEX_URL", "PIP_EXTRA_INDEX_URL", "UV_FIND_LINKS", "PIP_FIND_LINKS"):
        notes.extend([_not_followed(variable, "environment")] if environ.get(variable) else [])
    for path, keys in (
        (path, read(path, notes))
        for read, paths in ((_pip_config, _pip_files(environ, folders)), (_uv_config, _uv_files(environ, folders)))
        for path in paths
    ):
        if keys.get("index-url") and not found:
            found = Value(keys["index-url"], str(path))
    return found or Value(PYPI, "default")


def _not_followed(what: str, where: str) -> str:
    ours = (
        "find_links (VENVBUILD_FIND_LINKS)"
        if "find" in what.lower()
        else "extra_index_urls (VENVBUILD_EXTRA_INDEX_URLS)"
    )
    return f"{where}: {what} is not followed, builds use one index; if you mean it, set {ours}"


def _pip_files(environ: Mapping[str, str], folders: Folders) -> list[Path]:
    """pip's configuration files, the strongest first (pip's documentation, "Location")."""
    if environ.get("PIP_CONFIG_FILE") == os.devnull:
        return []
    user = folders.config.parent / "pip" / "pip.conf"
    legacy = Path(environ.get("HOME", "/nonexistent")) / ".pip" / "pip.conf"
    system = [Path(part) / "pip" / "pip.conf" for part in environ.get("XDG_CONFIG_DIRS", "/etc/xdg").split(":") if part]
    named = [Path(environ["PIP_CONFIG_FILE"])] if environ.get("PIP_CONFIG_FILE") else []
    return [*named, user, legacy, Path("/etc/pip.conf"), *system]


def _pip_config(path: Path, notes: list[str]) -> dict[str, str]:
    parser = configparser.RawConfigParser()
    try:
        parser.read_string(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, configparser.Error):
        return {}
    found: dict[str, str] = {}
    for section in ("install", "global"):  # a command's section is stronger than [global]
        for key, value in parser.items(section) if parser.has_section(section) else ():
            found.setdefault(key.replace("_", "-"), value.strip())
    notes.extend(_not_followed(key, str(path)) for key in ("extra-index-url", "find-links") if found.get(key))
    return found


def _uv_files(environ: Mapping[str, str], folders: Folders) -> list[Path]:
    if environ.get("UV_NO_CONFIG"):
        return []
    named = [Path(environ["UV_CONFIG_FILE"])] if environ.get("UV_CONFIG_FILE") else []
    return [*named, folders.config.parent / "uv" / "uv.toml", Path("/etc/uv/uv.toml")]


def _uv_config(path: Path, notes: list[str]) -> dict[str, str]:
    try:
        content = tomllib.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    pip = content.get("pip") if isinstance(content.get("pip"), dict) else {}
    merged = {**content, **(pip or {})}
    tables = merged.get("index") if isinstance(merged.get("index"), list) else []
    urls = [
        str(table["url"])
        for table in tables or ()
        if isinstance(table, dict) and table.get("default") and "url" in table
    ]
    extra = [table for table in tables or () if isinstance(table, dict) and not table.get("default")]
    if extra or merged.get("extra-index-url"):
        notes.append(_not_followed("index", str(path)))
    if merged.get("find-links"):
        notes.append(_not_followed("find-links", str(path)))
    url = urls[0] if urls else merged.get("index-url")
    return {"index-url": str(url)} if url else {}


def certificates(environ: Mapping[str, str], folders: Folders) -> Path | None:
    """The CA bundle which pip is configured with (`cert`, PIP_CERT), for uv to trust as well."""
    candidates = [environ.get("PIP_CERT", "")]
    candidates += [_pip_config(path, []).get("cert", "") for path in _pip_files(environ, folders)]
    return next((Path(candidate) for candidate in candidates if candidate), None)


def shown(value: Any) -> str:
    """A setting's value as `venvbuild config` shows it: text, no credentials."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, tuple):
        return " ".join(strip_credentials(word) for word in value)
    return strip_credentials(str(value))
