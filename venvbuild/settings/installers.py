"""What pip and uv are configured with: the index that we follow, what we do not, and the certificates to trust."""

from __future__ import annotations

import configparser
import os
import tomllib
from collections.abc import Mapping
from pathlib import Path

from venvbuild.settings.folders import Folders
from venvbuild.settings.registry import PYPI, Value


def index_of_others(environ: Mapping[str, str], folders: Folders | None, notes: list[str]) -> Value:
    """The index that pip or uv is configured with; what else they are configured with is noted, not followed.

    Without `folders` their files are not read.
    """
    found: Value | None = None
    # UV_INDEX_URL is uv's older name of the first
    for variable in ("UV_DEFAULT_INDEX", "UV_INDEX_URL", "PIP_INDEX_URL"):
        if environ.get(variable) and not found:
            found = Value(environ[variable], variable)
    # who may publish on one of several indexes could replace a private package: a further one is asked on request only
    for variable in ("UV_INDEX", "UV_EXTRA_INDEX_URL", "PIP_EXTRA_INDEX_URL", "UV_FIND_LINKS", "PIP_FIND_LINKS"):
        notes.extend([_not_followed(variable, "environment")] if environ.get(variable) else [])
    pip_files, uv_files = (_pip_files(environ, folders), _uv_files(environ, folders)) if folders else ([], [])
    for path, keys in (
        (path, read(path, notes))
        for read, paths in ((_pip_config, pip_files), (_uv_config, uv_files))
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
    # pip's way to read no file at all
    if environ.get("PIP_CONFIG_FILE") == os.devnull:
        return []
    user = folders.config.parent / "pip" / "pip.conf"
    legacy = [Path(environ["HOME"], ".pip", "pip.conf")] if "HOME" in environ else []
    system = [Path(part) / "pip" / "pip.conf" for part in environ.get("XDG_CONFIG_DIRS", "/etc/xdg").split(":") if part]
    named = [Path(environ["PIP_CONFIG_FILE"])] if environ.get("PIP_CONFIG_FILE") else []
    return [*named, user, *legacy, Path("/etc/pip.conf"), *system]


def _pip_config(path: Path, notes: list[str]) -> dict[str, str]:
    # raw, as pip's: a `%40` in a URL is no interpolation
    parser = configparser.RawConfigParser()
    try:
        parser.read_string(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, configparser.Error):
        return {}
    found: dict[str, str] = {}
    for section in ("install", "global"):  # a command's section is stronger than [global]
        for key, value in parser.items(section) if parser.has_section(section) else ():
            # pip takes `index_url` for `index-url`
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
    # what is set for `uv pip` alone is stronger there
    merged = {**content, **(pip or {})}
    # of [[index]] only the one with `default = true` stands in PyPI's place; the others come beside it
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
