"""The settings of one run, read once: which value counts, and where it came from.

    flag > environment > user config ($XDG_CONFIG_HOME/venvbuild/config.toml, or --config FILE) > default

Read once at the edge; inner functions take the values they need. Jenkins' parameters keep their own names
(`ENV_NAME`, `PYTHON_VERSION`, `FAIL_ON_CONFLICTS`); everything else is `VENVBUILD_<NAME>`.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from venvbuild.errors import Problem, RequirementsRefused, UsageError
from venvbuild.settings.folders import Folders
from venvbuild.settings.installers import index_of_others
from venvbuild.settings.registry import BY_NAME, SETTINGS, Setting, Value, index_url


@dataclass(frozen=True)
class Settings:
    """Every setting of one run; what each means stands in `SETTINGS`, and a test holds the two together."""

    env_name: str
    python_version: str
    fail_on_conflicts: bool
    store: str
    work_dir: str | None
    installer: str
    index_url: str
    extra_index_urls: tuple[str, ...]
    proget_url: str | None
    find_links: tuple[str, ...]
    timeout_s: int
    min_age_days: int
    min_age_except: tuple[str, ...]
    yanked: str
    level: int
    bytecode: bool
    python_path: str | None
    bundle_python: bool
    layout: str
    engine: str
    trino_url: str | None
    trino_catalog: str | None
    trino_schema: str | None
    trino_user: str | None
    athena_database: str | None
    athena_workgroup: str | None
    athena_output: str | None
    athena_region: str | None
    notify_urls: tuple[str, ...]
    s3_endpoint_url: str | None
    s3_sse_kms_key_id: str | None
    origins: Mapping[str, str]
    """Where each value came from: `--store`, `ENV_NAME`, the path of a file, `default`."""
    notes: tuple[str, ...]
    """What was found and not followed (extra indexes, find-links), to be said to the user."""
    folders: Folders

    def is_default(self, name: str) -> bool:
        """Whether nobody asked for this value."""
        return self.origins[name] == "default"


def load(
    flags: Mapping[str, Any], environ: Mapping[str, str], config: Path | None = None, *, reads_files: bool = True
) -> Settings:
    """The settings of this run; `flags` holds what was given by name (None: not given), as text or typed.

    Unless it `reads_files`, only flags and environment count.

    Raises:
        RequirementsRefused: ENV_NAME, PYTHON_VERSION or FAIL_ON_CONFLICTS is malformed; all that are, at once.
        UsageError: a configuration file is missing or unreadable; it or `flags` names what is no setting.
    """
    for name in flags:
        if name not in BY_NAME:  # passed over, a misspelt one would silently be its default
            raise UsageError(f"there is no setting {name[:60]!a}", fix="`venvbuild config` lists the settings")
    folders = Folders.of(environ)
    configured, config_name = _config_file(config, folders) if reads_files else ({}, "")
    values: dict[str, Value] = {}
    refused: list[Problem] = []
    for setting in SETTINGS:
        try:
            values[setting.name] = _value(setting, flags, environ, configured, config_name)
        except RequirementsRefused as error:  # gathered: nobody should correct a form three times
            refused += error.problems
    if refused:
        raise RequirementsRefused.of(refused)
    notes: list[str] = []
    others = index_of_others(environ, folders if reads_files else None, notes)
    if values["index_url"].value is None:
        values["index_url"] = Value(index_url(others.value, others.origin), others.origin)
    ours = {"find": values["find_links"].value, "index": values["extra_index_urls"].value}
    # who has set ours has chosen, and needs no hint
    notes = [note for note in notes if not ours["find" if "find_links" in note else "index"]]
    if values["store"].value is None:
        values["store"] = Value(str(folders.data), "default")
    return Settings(
        **{name: one.value for name, one in values.items()},
        origins={name: one.origin for name, one in values.items()},
        notes=tuple(notes),
        folders=folders,
    )


def _value(
    setting: Setting,
    flags: Mapping[str, Any],
    environ: Mapping[str, str],
    configured: Mapping[str, Any],
    config_name: str,
) -> Value:
    given = flags.get(setting.name)
    if given is not None and given != ():  # (): click's, of a repeatable flag that was not given
        return Value(setting.parse(given, setting.flag) if isinstance(given, str) else given, setting.flag)
    text = environ.get(setting.env)
    # an empty VENVBUILD_* counts as unset; an empty parameter of Jenkins is refused: a job that sends one is broken
    if text is not None and (text or not setting.env.startswith("VENVBUILD_")):
        return Value(setting.parse(text, setting.env), setting.env)
    if setting.name in configured:
        return Value(_from_toml(setting, configured[setting.name], config_name), config_name)
    return Value(setting.default, "default")


def _from_toml(setting: Setting, value: Any, config_name: str) -> Any:
    where = f"{config_name}: {setting.name}"
    # before int, of which bool is a kind
    if isinstance(value, bool):
        value = "true" if value else "false"
    elif isinstance(value, list) and isinstance(setting.default, tuple) and all(isinstance(one, str) for one in value):
        return tuple(setting.parse_item(item, where) for item in value if item.strip())
    elif setting.takes_table and isinstance(value, dict) and all(isinstance(one, str) for one in value.values()):
        return tuple(setting.parse_item(f"{name}: {text}", where) for name, text in value.items())
    elif isinstance(value, int):
        value = str(value) if abs(value) < 1 << 63 else hex(value)  # Python writes no decimal of thousands of digits
    if not isinstance(value, str):
        raise UsageError(
            f"a {type(value).__name__} cannot be the {setting.name}",
            where=where,
            fix=_as_written(setting),
        )
    return setting.parse(value, where)


def _as_written(setting: Setting) -> str:
    """What a value looks like in a configuration file."""
    if setting.takes_table:
        return f'write {setting.name} = ["NAME: REASON"]'
    if isinstance(setting.default, bool):
        return f"write {setting.name} = true or false"
    if isinstance(setting.default, int):
        return f"write a whole number: {setting.name} = {setting.default}"
    return 'write it as text: python_version = "3.11"'


def _config_file(given: Path | None, folders: Folders) -> tuple[Mapping[str, Any], str]:
    path = given or folders.config / "config.toml"
    try:
        content = tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        if given:
            raise UsageError("there is no such configuration file", where=str(path), fix="give another path") from None
        return {}, str(path)
    except OSError as error:
        fix = "let this user read it (owner, mode), or give another file: --config FILE"
        if os.path.isdir(path):  # the folders above may be closed to us, too
            fix = "give the file itself: --config FILE"
        raise UsageError(f"the configuration cannot be read: {error.strerror}", where=str(path), fix=fix) from error
    except ValueError as error:
        raise UsageError(
            f"the configuration cannot be read: {error}",
            where=str(path),
            fix="write it as TOML, a setting a line: " + 'env_name = "sales"',
        ) from error
    for key in content:
        # passed over, a misspelt setting would silently be its default
        if key not in BY_NAME:
            raise UsageError(
                f"there is no setting {key[:60]!a}", where=str(path), fix="`venvbuild config` lists the settings"
            )
    return content, str(path)
