"""Scripts as uv's cache has them unpacked, for distributions whose wheel nobody gives: the RECORD in an environment is
uv's own, and hashes what uv made of them.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path

from venvbuild.environment.package_source import PackageSource
from venvbuild.files import regular
from venvbuild.installed import Distribution, RecordRow, distributions_in, promised_digest
from venvbuild.package_index import begins_rewritten

_AS_IT_IS = ""
"""Of a script that installers do not rewrite: RECORD in the environment tells."""

Scripts = Mapping[str, frozenset[str]]
"""By path relative to an environment: what a script may be behind its first line, which installers rewrite, as sha256
(hex); nothing where none that is there is what the wheel's own RECORD says.
"""


def unpacked_scripts(ones: Iterable[Distribution], known: Collection[str], source: PackageSource) -> dict[str, Scripts]:
    """Of each distribution whose wheel is not `known`, by canonical name, those that the RECORD in the cache tells."""
    unknown = [one for one in ones if one.canonical_name not in known]
    folders = source.installer.unpacked() if unknown else {}
    return {one.canonical_name: _scripts_of(one, folders.get(one.dist_info, ())) for one in unknown}


def _scripts_of(one: Distribution, folders: Iterable[Path]) -> Scripts:
    found = defaultdict[str, frozenset[str]](frozenset)
    for folder in folders:
        for cached in distributions_in([folder], with_damage=False):
            # else it is of another wheel; what is in `.data` has other paths in an environment
            if cached.dist_info == one.dist_info and _promises(cached) <= {*(one.record or ())}:
                for path, digests in _scripts_in(folder, cached):
                    found[path] |= digests
    return {path: digests for path, digests in found.items() if _AS_IT_IS not in digests}


def _scripts_in(folder: Path, cached: Distribution) -> Iterator[tuple[str, frozenset[str]]]:
    scripts = f"{cached.dist_info.removesuffix('.dist-info')}.data/scripts/"
    for row in cached.record or ():
        algorithm, digest = promised_digest(row.hash)
        if digest and row.path.startswith(scripts):
            try:
                with regular(folder / row.path) as file:
                    content = file.read()
            except (OSError, ValueError):
                content = b""
            path = f"bin/{row.path.removeprefix(scripts)}"
            if hashlib.new(algorithm, content).hexdigest() != digest:
                yield path, frozenset()
            else:
                body = content.partition(b"\n")[2]
                is_rewritten = begins_rewritten(content)
                yield path, frozenset({hashlib.sha256(body).hexdigest() if is_rewritten else _AS_IT_IS})


def _promises(one: Distribution) -> set[RecordRow]:
    """What RECORD says of what every installer unpacks where the wheel has it."""
    own = (one.dist_info, f"{one.dist_info.removesuffix('.dist-info')}.data")
    return {row for row in one.record or () if not row.path.startswith(own)}
