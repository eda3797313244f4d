"""The cache of the tool's own uv: where it is, and how packages go from it. uv's locks keep it whole for builds."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import uv

from venvbuild.environment.installer import Installer
from venvbuild.errors import StoreUnavailable, UsageError
from venvbuild.process import CommandFailed, clean_environment, run
from venvbuild.text import shown

# What uv lays into its folder (uv 0.13): a bucket's name ends in the version of its form.
_UVS_OWN = re.compile(r"[a-z]+(?:-[a-z]+)*-v[0-9]+|CACHEDIR\.TAG|\.gitignore|\.git|\.lock|\.tmp.*")
_LOOKING_S = 60


@dataclass(frozen=True)
class UvCache:
    """uv's cache as builds of this environment use it."""

    folder: Path
    environ: Mapping[str, str]
    """What uv is run with."""

    @classmethod
    def of(cls, environ: Mapping[str, str]) -> UvCache:
        """As UV_CACHE_DIR, XDG_CACHE_HOME and HOME have it. uv makes nothing there yet."""
        seen = clean_environment(None, **Installer.variables_of(environ))
        said = run([uv.find_uv_bin(), "cache", "dir", "--no-config"], env=seen, timeout_s=_LOOKING_S).stdout
        return cls(Path(said.removesuffix("\n")), seen)

    def judge(self) -> None:
        """Refuse a folder that holds what is not uv's: uv itself would remove all of it that it does not know.

        Raises:
            UsageError: it does. StoreUnavailable: the folder cannot be read.
        """
        try:
            names = sorted(entry.name for entry in self.folder.iterdir()) if self.folder.exists() else []
        except OSError as error:
            raise StoreUnavailable(f"uv's cache cannot be read: {error.strerror}", where=str(self.folder)) from error
        for name in names:
            if not _UVS_OWN.fullmatch(name):
                raise UsageError(
                    f"the folder of uv's cache holds what is not uv's: {shown(name)}",
                    where=str(self.folder),
                    why="uv would remove it, with everything there that it does not know",
                    fix="set UV_CACHE_DIR to a folder of its own, or prune the others: "
                    "venvbuild cache prune fragments wheels catalog tools",
                )

    def prune(self, names: Sequence[str], timeout_s: float) -> None:
        """Remove all of the packages `names`; without any, what nothing refers to. Waits for builds that use the cache.

        Raises:
            UsageError: the folder is not uv's alone. StoreUnavailable: uv cannot, or builds went on for too long.
        """
        if not names:  # of packages uv removes what is theirs, and nothing else
            self.judge()
        asked = ["clean", *names] if names else ["prune"]
        try:
            run(
                [uv.find_uv_bin(), "cache", *asked, "--no-config", "--no-progress"],
                env=self.environ,
                timeout_s=timeout_s,
            )
        except CommandFailed as error:
            raise StoreUnavailable(
                "uv cannot clean its cache",
                where=str(self.folder),
                why=error.output.splitlines()[-1] if error.output else f"it took longer than {timeout_s:.0f} s",
                fix="wait until the builds that use it have ended; then try again",
            ) from error
