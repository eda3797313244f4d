"""The programs of others that a release is made with: the extra `release`, each a process with a time limit."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import uv

from venvbuild import extras
from venvbuild.process import clean_environment
from venvbuild.settings import Settings, certificates

_MODULES = ("build", "check_wheel_contents", "griffe", "twine", "validate_pyproject")
_INDEX_VARIABLES = ("NETRC", "UV_CACHE_DIR", "UV_HTTP_TIMEOUT", "UV_HTTP_RETRIES")


@dataclass(frozen=True)
class Tools:
    """Where they are, and where they get packages from."""

    python: Path
    """That has them."""
    uv: Path
    index: Mapping[str, str] = field(default_factory=dict, repr=False)
    """The variables by which uv reaches the index, with its credentials: never argv."""

    @classmethod
    def of(cls, settings: Settings, environ: Mapping[str, str] = os.environ) -> Tools:
        """Those of this machine, set up now if need be.

        Raises:
            UsageError, IndexUnavailable, StoreUnavailable: they cannot be set up.
        """
        python = extras.python_with("release", _MODULES, settings.folders.cache)
        return cls(python, Path(uv.find_uv_bin()), _variables(settings, environ))

    def command(self, module: str, *arguments: str | Path) -> list[str | Path]:
        """argv of one of them; -I: nothing of the current folder is imported, and no PYTHONPATH counts."""
        return [self.python, "-I", "-m", module, *arguments]

    def environment(self, home: Path, **more: str) -> dict[str, str]:
        """What a program sees that installs packages, or runs the code of one: `home` is its own, for a while."""
        path = os.pathsep.join(filter(None, (str(self.uv.parent), os.environ.get("PATH", ""))))
        # Not TERM=dumb: rich, by which twine writes, then wraps at 80 whatever COLUMNS says.
        plain = {"PYTHONNOUSERSITE": "1", "NO_COLOR": "1", "COLUMNS": "500"}
        return clean_environment(home, PATH=path, **plain, **self.index, **more)


def _variables(settings: Settings, environ: Mapping[str, str]) -> dict[str, str]:
    found = {name: environ[name] for name in _INDEX_VARIABLES if environ.get(name)}
    # With a HOME of its own it would fetch all anew.
    found.setdefault("UV_CACHE_DIR", str(settings.folders.cache.with_name("uv")))
    found |= {
        "SSL_CERT_FILE": str(certificates(environ, settings.folders) or ""),
        "UV_DEFAULT_INDEX": settings.index_url,
        "UV_INDEX": " ".join(settings.extra_index_urls),
        "UV_FIND_LINKS": " ".join(settings.find_links),
        # What is built may write to what it is built with, and a link would lead into uv's cache.
        "UV_LINK_MODE": "copy",
        "UV_NO_CONFIG": "1",
        "UV_NO_PROGRESS": "1",
        "UV_PYTHON_DOWNLOADS": "never",
        "UV_SYSTEM_CERTS": "1",
    }
    return {name: value for name, value in found.items() if value}
