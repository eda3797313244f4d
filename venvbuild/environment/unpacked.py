"""Scripts as uv's cache has them unpacked, for distributions whose wheel nobody gives: the RECORD in an environment is
uv's own, and hashes what uv made of them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path

from venvbuild.environment.package_source import PackageSource
from venvbuild.files import regular
from venvbuild.installed import Distribution, RecordRow, distributions_in, promised_digest
from venvbuild.package_index import begins_rewritten

_NO_DIGEST = "damaged"

Scripts = Mapping[str, str]
"""By path relative to an environment: the sha256 (hex) of a script behind its first line, which installers rewrite; no
digest for one that is not what the wheel's own RECORD says, which nothing equals."""


def unpacked_scripts(ones: Iterable[Distribution], known: Collection[str], source: PackageSource) -> dict[str, Scripts]:
    """Of each distribution whose wheel is not `known`, by canonical name, those that the RECORD in the cache tells."""
    return {one.canonical_name: _scripts_of(one, source) for one in ones if one.canonical_name not in known}


def _scripts_of(one: Distribution, source: PackageSource) -> Scripts:
    found = dict[str, str]()
    for folder in source.installer.unpacked(one.dist_info):
        for cached in distributions_in([folder], with_damage=False):
            # else it is of another wheel; what is in `.data` has other paths in an environment
            if cached.dist_info == one.dist_info and _promises(cached) <= {*(one.record or ())}:
                for path, digest in _scripts_in(folder, cached):
                    if digest != _NO_DIGEST or path not in found:
                        found[path] = digest
    return found


def _scripts_in(folder: Path, cached: Distribution) -> Iterator[tuple[str, str]]:
    scripts = f"{cached.dist_info.removesuffix('.dist-info')}.data/scripts/"
    for row in cached.record or ():
        if row.path.startswith(scripts):
            try:
                with regular(folder / row.path) as file:
                    content = file.read()
            except (OSError, ValueError):
                content = b""
            algorithm, digest = promised_digest(row.hash)
            is_whole = bool(digest) and hashlib.new(algorithm, content).hexdigest() == digest
            if begins_rewritten(content) or not is_whole:
                body = hashlib.sha256(content.partition(b"\n")[2]).hexdigest()
                yield f"bin/{row.path.removeprefix(scripts)}", body if is_whole else _NO_DIGEST


def _promises(one: Distribution) -> set[RecordRow]:
    """What RECORD says of what every installer unpacks where the wheel has it."""
    own = (one.dist_info, f"{one.dist_info.removesuffix('.dist-info')}.data")
    return {row for row in one.record or () if not row.path.startswith(own)}
