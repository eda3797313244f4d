"""`venvbuild cache`: where caches are, how large, and what of them can go."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
from packaging.utils import InvalidName, canonicalize_name

from athena.upkeep import local_files
from venvbuild import extras
from venvbuild.archive import FragmentCache
from venvbuild.console import engine, options, output
from venvbuild.environment import UvCache
from venvbuild.errors import UsageError, of_disk
from venvbuild.files import Amount, amount_of, remove
from venvbuild.package_index import ReleaseCache, WheelCache
from venvbuild.settings import Settings
from venvbuild.text import count_text, shown, size_text

NAMES = ("fragments", "wheels", "releases", "catalog", "tools", "uv")
_KNOW_PACKAGES = ("fragments", "wheels", "releases", "uv")
_DAY_S = 86400


@click.group("cache", short_help="Where caches are, how large they are, and what of them can go.")
def command() -> None:
    """Look after the caches of this machine; without a CACHE all of them.

    \b
    fragments  packed packages, for pack and get; what export made
    wheels     what each wheel holds, which create compares with; wheels of ZIPs
    releases   what the index told of releases within the last hour
    catalog    rows and index of the stores that were asked
    tools      set-ups of the tool, made by bin/venvbuild
    uv         uv's own: unpacked packages, and what the index said
    """


_names = click.argument("names", metavar="[CACHE]...", nargs=-1, type=click.Choice(NAMES))


@dataclass(frozen=True)
class _Cache:
    name: str
    folder: Path

    @property
    def parts(self) -> Sequence[Path]:
        """What of the folder is this cache."""
        return sorted(self.folder.glob("tool-*/")) if self.name == "tools" else [self.folder]


def _caches(settings: Settings, names: Sequence[str]) -> list[_Cache]:
    folders = {
        "fragments": lambda: settings.folders.cache / "fragments",
        "wheels": lambda: settings.folders.cache / "wheels",
        "releases": lambda: settings.folders.cache / "releases",
        "catalog": lambda: engine.cache_of(settings),
        "tools": lambda: settings.folders.cache,
        "uv": lambda: UvCache.of(os.environ).folder,
    }
    return [_Cache(name, folders[name]()) for name in NAMES if name in (names or NAMES)]


@command.command("dir", short_help="Where each cache is.")
@_names
@options.with_config
@options.as_json
def print_folders(names: Sequence[str], **given: Any) -> None:
    """Where each cache is, made or not yet; of one CACHE the folder alone, for scripts."""
    caches = _caches(options.load(given), names)
    if given["as_json"]:
        output.print_json([{"cache": one.name, "folder": str(one.folder)} for one in caches])
        return
    if len(caches) == len(names) == 1:
        output.print_text(str(caches[0].folder))
        return
    for one in caches:
        output.print_data(f"{one.name:<9}  {one.folder}")


@command.command("size", short_help="How large each cache is.")
@_names
@options.with_config
@options.as_json
def print_sizes(names: Sequence[str], **given: Any) -> None:
    """How large each cache is: its files and their bytes, each once, however many names it has."""
    sizes = [(one, amount_of(one.parts)) for one in _caches(options.load(given), names)]
    if given["as_json"]:
        output.print_json([{"cache": one.name, "folder": str(one.folder), **vars(size)} for one, size in sizes])
        return
    for one, size in sizes:
        files = count_text(size.file_count, "file")
        output.print_data(f"{one.name:<9}  {size_text(size.size_bytes):>10}  {files:>14}  {one.folder}")


@dataclass(frozen=True)
class _Pruned:
    """What went of a cache, or would."""

    cache: str
    file_count: int | None
    """None where only uv knows, before it does it."""
    size_bytes: int | None
    in_use: int = 0
    """Set-ups that stay, because somebody uses them."""

    @classmethod
    def of(cls, cache: str, amount: Amount, in_use: int = 0) -> _Pruned:
        return cls(cache, amount.file_count, amount.size_bytes, in_use)

    def line(self, *, dry_run: bool) -> str:
        if self.file_count is None or self.size_bytes is None:
            return f"{self.cache:<9}  uv does not tell before it does it"
        verb = "would remove" if dry_run else "removed"
        stays = f"; {count_text(self.in_use, 'set-up')} in use" if self.in_use else ""
        return f"{self.cache:<9}  {verb} {count_text(self.file_count, 'file')}, {size_text(self.size_bytes)}{stays}"


@command.command("prune", short_help="Remove what nobody has used for a while, or what is of a package.")
@_names
@click.option("--package", "packages", multiple=True, metavar="NAME", help="Only what is of this package.")
@click.option(
    "--unused-days",
    type=click.IntRange(0, 36500),
    default=30,
    show_default=True,
    metavar="DAYS",
    help="Keep what was used in so many days.",
)
@click.option("--dry-run", is_flag=True, help="Tell what would be done, and do nothing.")
@options.with_config
@options.as_json
def prune(names: Sequence[str], packages: Sequence[str], unused_days: int, dry_run: bool, **given: Any) -> None:
    """Remove what can be had again and nobody has used for --unused-days; builds may go on meanwhile.

    uv counts no days: of its cache goes what nothing refers to. With --package all that is of this package goes from
    uv's cache, from wheels and releases, and from the fragments what was packed here.
    """
    settings = options.load(given)
    wanted = [_canonical(name) for name in packages]
    chosen = _caches(settings, _with_packages(names) if wanted else names)
    for one in chosen:
        if one.name == "uv" and not wanted:  # before anything is removed
            UvCache.of(os.environ).judge()
    unused_s = unused_days * _DAY_S
    pruned = [_prune(one, wanted, unused_s, settings, dry_run=dry_run) for one in chosen]
    if given["as_json"]:
        output.print_json([vars(one) for one in pruned])
        return
    for result in pruned:
        output.print_data(result.line(dry_run=dry_run))


def _canonical(name: str) -> str:
    try:
        return canonicalize_name(name, validate=True)
    except InvalidName as error:
        raise UsageError(f"'{shown(name)}' names no package", where="--package", fix="write a name: kedro") from error


def _with_packages(names: Sequence[str]) -> Sequence[str]:
    for name in names:
        if name not in _KNOW_PACKAGES:
            raise UsageError(
                f"the cache {name} knows no packages",
                where="--package",
                fix=f"leave out {name}, or --package",
            )
    return names or _KNOW_PACKAGES


def _prune(cache: _Cache, packages: Sequence[str], unused_s: float, settings: Settings, *, dry_run: bool) -> _Pruned:
    if cache.name == "uv":
        return _prune_uv(packages, settings.timeout_s, dry_run=dry_run)
    if cache.name == "tools":
        return _prune_tools(cache, unused_s, dry_run=dry_run)
    if cache.name == "catalog":
        return _removed(cache, local_files.unused(cache.folder, unused_s), dry_run=dry_run)
    kinds: dict[str, Callable[[Path], FragmentCache | ReleaseCache | WheelCache]] = {
        "fragments": FragmentCache,
        "wheels": WheelCache,
        "releases": ReleaseCache,
    }
    entries = kinds[cache.name](cache.folder)
    found = entries.of_distributions(packages) if packages else entries.unused(unused_s)
    return _removed(cache, found, dry_run=dry_run)


def _removed(cache: _Cache, paths: Sequence[Path], *, dry_run: bool) -> _Pruned:
    pruned = _Pruned.of(cache.name, amount_of(paths))
    for path in () if dry_run else paths:
        try:
            remove(path)
        except FileNotFoundError:  # somebody else prunes, too
            continue
        except OSError as error:
            raise _cannot(error, path) from error
    return pruned


def _prune_tools(cache: _Cache, unused_s: float, *, dry_run: bool) -> _Pruned:
    found = extras.unused(cache.folder, unused_s)
    sizes = {home: amount_of([home]) for home in found}
    kept = []
    for home in () if dry_run else found:
        try:
            if not extras.remove(home):
                kept.append(home)
        except OSError as error:
            raise _cannot(error, home) from error
    gone = [size for home, size in sizes.items() if home not in kept]
    total = Amount(sum(one.file_count for one in gone), sum(one.size_bytes for one in gone))
    return _Pruned.of(cache.name, total, len(kept))


def _prune_uv(packages: Sequence[str], timeout_s: float, *, dry_run: bool) -> _Pruned:
    uvs = UvCache.of(os.environ)
    if dry_run:
        return _Pruned("uv", None, None)
    before = amount_of([uvs.folder])
    uvs.prune(packages, timeout_s)
    after = amount_of([uvs.folder])
    # builds may have added to it meanwhile
    files, size = before.file_count - after.file_count, before.size_bytes - after.size_bytes
    return _Pruned.of("uv", Amount(max(0, files), max(0, size)))


def _cannot(error: OSError, path: Path) -> Exception:
    return of_disk(error, str(path)) or UsageError(
        f"it cannot be removed: {error.strerror}", where=str(path), fix="let the user whose cache it is do it"
    )
