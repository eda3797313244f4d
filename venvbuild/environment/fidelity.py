"""A new environment held against its wheels, file by file; what is not theirs is installed once more."""

from __future__ import annotations

import errno
import logging
import os
import tempfile
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from venvbuild.environment.alone import installed_alone, take
from venvbuild.environment.closure import Closure
from venvbuild.environment.expectation import Comparison, Difference, Expectation
from venvbuild.environment.expected_file import OTHER_MODE
from venvbuild.environment.package_source import PackageSource
from venvbuild.environment.reading import Read, Reading, read_all
from venvbuild.environment.unpacked import unpacked_scripts
from venvbuild.environment.witness import ask_anew
from venvbuild.errors import IntegrityError, Problem
from venvbuild.files import remove, walk
from venvbuild.installed import Distribution, distributions_of
from venvbuild.package_index import WheelContents
from venvbuild.text import count_text, shown

log = logging.getLogger(__name__)

_NAMED = 3
"""Files of a distribution that are named where it differs."""


def make_faithful(
    venv: Path,
    reading: Reading,
    installed: Sequence[Distribution],
    wheels: Mapping[str, WheelContents],
    closure: Closure,
    source: PackageSource,
    install: Callable[..., object],
    *,
    has_cache: bool = True,
) -> tuple[Read, Sequence[Distribution]]:
    """Let every file of `venv` be what the `wheels` of `closure` have, by a `reading` that was begun; but for its base,
    which was there before them. `installed` are the closure's own distributions.

    What differs is installed once more, from an empty cache if the installer `has_cache`. What was read, and seen only
    what is as it has to be; and what is installed now.

    Raises:
        IntegrityError: something differs even then.
    """
    python_version = source.interpreter.version
    unpacked = unpacked_scripts(installed if has_cache else (), wheels, source)
    expectation = Expectation.of(installed, wheels, python_version, unpacked)
    _tell_of_untold(expectation)
    read = reading.finish()
    compared = expectation.compared_with(venv, read)
    suspected = {one.owner for one in compared.differences if one.owner in wheels and one.owner}
    if suspected:
        wheels = {**wheels, **ask_anew(suspected, closure, installed, source)}
        expectation = Expectation.of(installed, wheels, python_version, unpacked)
        compared = expectation.compared_with(venv, read)
    if not compared.differences:
        return _without_empty(venv, read, compared), installed
    found = [one if one.owner else _with_owner(one, closure, source) for one in compared.differences]
    names = sorted({*(one.owner for one in found if one.owner), *expectation.displaced()})
    _tell_of_mending(found, names, closure, has_cache=has_cache)
    for one in found:
        _remove_inside(venv, one.path)
    if names:
        _install_again(names, venv, wheels, closure, source, install)
    installed = closure.among(distributions_of(venv, python_version, with_damage=False))
    expectation = Expectation.of(installed, wheels, python_version)
    for path in list(expectation.changed_of(read.base, venv)):
        read.base.put_back(path, venv)
    # A RECORD that was written anew from the wheel itself is what this installer makes of an odd one; so is a mode.
    read = read_all(venv, read.base)
    compared = expectation.compared_with(venv, read)
    if left := [one for one in compared.differences if one not in compared.records and one.what != OTHER_MODE]:
        raise IntegrityError.of(_problems(left, closure, has_cache=has_cache))
    return _without_empty(venv, read, compared), installed


def _tell_of_mending(found: Sequence[Difference], names: Sequence[str], closure: Closure, *, has_cache: bool) -> None:
    for problem in _problems(found, closure, has_cache=has_cache):
        mended = f"it is mended here, and `{problem.fix}` mends the installer's cache"
        log.warning("%s; %s", problem.what, mended if has_cache else "it is installed once more")
    log.info("installing %s once more%s", _these(names), ", from an empty cache" if has_cache else "")


def _tell_of_untold(expectation: Expectation) -> None:
    for owner in sorted({*expectation.untold.values()}):
        paths = sorted(path for path, name in expectation.untold.items() if name == owner)
        log.warning(
            "RECORD tells no digest of %s of %s, which could not be compared: %s",
            count_text(len(paths), "file"),
            owner,
            ", ".join(shown(path, 200) for path in paths[:_NAMED]) + (", ..." if len(paths) > _NAMED else ""),
        )


def _remove_inside(venv: Path, path: str) -> None:
    """Remove what is at a path relative to the environment, unless a folder above leads out of it."""
    above = os.path.realpath(venv / os.path.dirname(path))
    is_inside = f"{above}/".startswith(f"{os.path.realpath(venv)}/")
    if is_inside and os.path.basename(path) not in ("", ".", "..") and os.path.lexists(venv / path):
        remove(venv / path)


def _without_empty(venv: Path, read: Read, compared: Comparison) -> Read:
    """Remove folders without files, and those above that have no other: of the installer's cache nobody knows whether
    a wheel brought them, as `pandas.libs`, or who. pip makes none, so no package needs one. What was read.
    """
    for path in read.empty:
        log.debug("%s has no files and is left out", path)
        while path and path not in read.base.paths:
            try:
                os.rmdir(venv / path)
            except OSError as error:
                if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                    raise
                break
            path = os.path.dirname(path)
    return read._replace(seen=compared.read)


def _install_again(
    names: Collection[str],
    venv: Path,
    wheels: Mapping[str, WheelContents],
    closure: Closure,
    source: PackageSource,
    install: Callable[..., object],
) -> None:
    with tempfile.TemporaryDirectory(prefix=".cache-", dir=venv.parent) as cache:
        afresh = partial(install, source=replace(source, installer=source.installer.with_cache(Path(cache))))
        with installed_alone(names, closure, venv, afresh) as alone:
            again = closure.among(distributions_of(alone, source.interpreter.version, with_damage=False))
            expected = Expectation.of(again, wheels, source.interpreter.version)
            for path, _ in walk(alone, leave_out=""):
                if expected.is_of(path, names):
                    take(path, alone, venv)


def _with_owner(found: Difference, closure: Closure, source: PackageSource) -> Difference:
    """With the distribution that brought it, where the installer's cache tells of just one."""
    site_packages = f"lib/python{source.interpreter.version}/site-packages/"
    holders = source.installer.holders_of(found.path.removeprefix(site_packages))
    names = [one.name for one in closure.distributions if one.name in holders]
    return found._replace(owner=names[0]) if len(names) == 1 else found


def _problems(found: Sequence[Difference], closure: Closure, *, has_cache: bool) -> Iterator[Problem]:
    """One for each distribution that differs."""
    all_of_it = closure.distributions
    of_owners = defaultdict[str, list[Difference]](list)
    for one in found:
        of_owners[one.owner or ""].append(one)
    for owner, ones in of_owners.items():
        named = "; ".join(f"{shown(one.path, 200)} {one.what}" for one in ones[:_NAMED])
        more = f"; and {len(ones) - _NAMED} more" if len(ones) > _NAMED else ""
        yield Problem(
            f"{owner or 'a file of no distribution'} is not what the index has: {named}{more}",
            why="the installer's cache, or the disk, is damaged" if has_cache else "the disk may be damaged",
            # of what nobody owns any package may be the one that brought it
            fix=" --package ".join(["venvbuild cache prune", *([owner] if owner else (one.name for one in all_of_it))])
            if has_cache
            else "try again in a work dir on another disk; if it stays so, ask the publisher of the package",
            rule="WRONG_BYTES",
        )


def _these(names: Sequence[str]) -> str:
    return ", ".join(names) if len(names) <= _NAMED else count_text(len(names), "package")
