"""What the files of a build say of it beside metadata.json: whatever can be made again from them has to be the same.

metadata.json commits to its files, and a field of it that says something else than they do was changed since.

claim.json                  the version, its instant, the environment's name, the store that the URIs begin with
installed_packages.json     the packages and their count
packages.json               the same, and which of them were yanked, where all of that is known
requirements.lock.txt       the same
pylock.toml                 the same, each file of an index with a hash of the lock; where we made it, the Python, the
                            platform, and whether anything was built from source
conflicts.json              the conflicts, and whether there are any
archive_index.json          size, root and content of the archive; that its packages are installed ones
requirements.txt            its digest, or that of pylock.given.toml, whose pins it then has
"""

from __future__ import annotations

import hashlib
import json
import re
import tomllib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from venvbuild.builds import metadata, places, schemas
from venvbuild.builds.archive_index import ArchiveIndex, parse_index
from venvbuild.builds.lock import read_lock
from venvbuild.builds.metadata import Metadata
from venvbuild.errors import IntegrityError, NotInStore, Problem
from venvbuild.stores import Store
from venvbuild.text import shown

BASE = "_base"
"""In archive_index.json, the interpreter that the archive brings."""
_ROOT = "venv"
"""Of the archive of a build from before there was another one: those do not say it."""
_OWN_PYLOCK = "venvbuild"
"""In a pylock.toml, who made it."""
_MARKER = re.compile(r".* and sys_platform == '([^']+)' and platform_machine == '([^']+)'")
_ALWAYS = (places.CLAIM, places.REQUIREMENTS, places.INSTALLED_PACKAGES, places.CONFLICTS, places.TREE)
_KNOWN_NAMES = (*places.REPORTS, places.LOCK, places.PYLOCK, places.PYLOCK_GIVEN, places.BUILD_LOG)
"""Files that not every build has; of one that has them, `files` names them."""
_INSTALLERS = ("uv", "pip")
"""What builds are installed with; those that were imported, with anything."""
_FEW = 3
_PIECE_BYTES = 16 << 20
_Known = Mapping[str, Any]
"""What the files of the build that were read before have, by name."""
_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?")
_VERSION = re.compile(r"[\w.!+-]+", re.ASCII)
# As file systems and S3 take it.
_FILE_NAME = re.compile(r"[^/\x00-\x1f\x7f\ud800-\udfff]{1,255}")


def disagreements(store: Store, build: Metadata) -> tuple[Problem, ...]:
    """The fields of metadata.json that other files of the build, or it itself, contradict; and files that it has lost,
    or that are no files.

    A file that is gone or is not the promised one says nothing here: that it is damaged, `damaged_files` tells. Rules:
    DAMAGED, and NEWER of an index that a later version wrote.

    Raises:
        StoreUnavailable, UsageError: the store fails or refuses.
    """
    there = {entry.key for entry in store.list(places.key(build["venv_version"], ""))}
    found, known, newer = [*_unnamed(build), *_within(build)], dict[str, Any](), list[Problem]()
    for name, read, held in _HELD:
        if build["files"].get(name, {"size_bytes": 0})["size_bytes"] > schemas.MAX_BYTES:
            # Not even fetched: memory would have to hold it.
            found.append(f"its {name} cannot be read, as it has more than {schemas.MAX_BYTES} bytes")
            continue
        try:
            body = metadata.read_file(store, build, name)
        except (NotInStore, IntegrityError):
            continue
        try:
            understood = read(body)
            # all of it, before anything else is held against what may not be of this form
            found += [*held(build, {**known, name: understood})]
            known[name] = understood
        except IntegrityError as error:
            newer += (replace(one, where=store.uri(places.key(build["venv_version"], name))) for one in error.problems)
        # It has its promised bytes, and they are not what this tool writes there.
        except (LookupError, TypeError, ValueError, AttributeError) as error:
            why = f": {shown(str(error), 200)}" if isinstance(error, _Refused) else ""
            found.append(f"its {name} cannot be read{why}")
    contradicted = (problem(store, build, places.METADATA, what) for what in found)
    return (*misnamed(store, build), *contradicted, *newer, *_uncommitted(store, build, there))


def doubt_of_environment(store: Store, build: Metadata) -> Problem | None:
    """What keeps `env_name` from being believed: the claim of the build says another, or is not there to be asked.

    Rule: DAMAGED.

    Raises:
        StoreUnavailable, UsageError: the store fails or refuses.
    """
    try:
        claimed = _json(metadata.read_file(store, build, places.CLAIM))["env_name"]
    except (NotInStore, IntegrityError, LookupError, TypeError, ValueError):
        what = "it is not as it was, and nothing else tells which environment the build is of"
        return problem(store, build, places.CLAIM, what)
    found = unlike("env_name", build["env_name"], places.CLAIM, claimed)
    return next((problem(store, build, places.METADATA, what) for what in found), None)


def misnamed(store: Store, build: Metadata) -> tuple[Problem, ...]:
    """Names in `files` that no file of a build can have; nothing is read for it. Rule: DAMAGED."""
    wrong = sorted(name for name in build["files"] if not is_name(name))
    what = f"files names {_few(wrong)}: nothing in a store is called so"
    return (problem(store, build, places.METADATA, what),) if wrong else ()


def is_name(text: str) -> bool:
    """Whether a file in the folder of a build can have this name."""
    return text not in (".", "..") and _FILE_NAME.fullmatch(text) is not None


def damaged_files(store: Store, build: Metadata) -> Iterator[Problem]:
    """The files of the build that are not what metadata.json promises; of the archive only its size is looked at.

    Names that no file can have are passed over: `misnamed` has them.

    Raises:
        StoreUnavailable, UsageError: the store fails or refuses.
    """
    archive = places.archive_name(build["venv_version"])
    there = store.list(places.key(build["venv_version"], ""))
    sizes = {entry.key: entry.size_bytes for entry in there if not entry.oddity}
    for name, promised in build["files"].items():
        if not is_name(name):
            continue
        key = places.key(build["venv_version"], name)
        size = sizes.get(key)
        if size is None:
            yield from _instead_of(store, build, name)
        elif size != promised["size_bytes"]:
            yield problem(store, build, name, unlike_size(size, promised["size_bytes"]))
        elif name != archive:
            try:
                if _sha256(store, key, size) != promised["sha256"]:
                    yield problem(store, build, name, UNLIKE_DIGEST)
            except NotInStore:  # removed meanwhile
                continue
            except IntegrityError as error:  # a link, a FIFO
                yield from metadata.mendable(error).problems


def _instead_of(store: Store, build: Metadata, name: str) -> Iterator[Problem]:
    """That a file is not there; or what stands in its place, which has to go before one can be restored."""
    try:
        store.read(places.key(build["venv_version"], name), 0)
    except NotInStore:
        yield problem(store, build, name, "it is not in the store")
    except IntegrityError as error:  # a link, a FIFO, a folder; one that was put there meanwhile is looked at next time
        yield from (one for one in metadata.mendable(error).problems if one.rule != "TOO_LARGE")


def _sha256(store: Store, key: str, size_bytes: int) -> str:
    """Of an object of this size; a large one is read in pieces."""
    if size_bytes <= _PIECE_BYTES:
        return hashlib.sha256(store.read(key, size_bytes).body).hexdigest()
    digest = hashlib.sha256()
    for offset in range(0, size_bytes, _PIECE_BYTES):
        digest.update(store.read_range(key, offset, min(_PIECE_BYTES, size_bytes - offset)))
    return digest.hexdigest()


UNLIKE_DIGEST = "its sha256 is not the one in metadata.json"
MEND = metadata.MEND


def unlike_size(size_bytes: int, promised: int) -> str:
    """What is wrong with a file of this size."""
    return f"it has {size_bytes} bytes, and metadata.json says {promised}"


def problem(store: Store, build: Metadata, name: str, what: str) -> Problem:
    """What is wrong with a file of a build."""
    where = store.uri(places.key(build["venv_version"], name))
    return Problem(what, where, fix=MEND, rule="DAMAGED")


def unlike(field: str, said: object, by: str, found: object) -> Iterator[str]:
    """That a field says something else than the file `by` does; nothing when it does not."""
    if said != found:
        yield f"{field} is {_text(said)}, and by {by} it is {_text(found)}"


def unlike_lists(field: str, said: Iterable[str], by: str, found: Iterable[str]) -> Iterator[str]:
    """The same of lists, by what only one of them has."""
    here, there = list(said), list(found)
    if here == there:
        return
    # As sets: one of the two may have a million.
    ours, theirs = frozenset(here), frozenset(there)
    more, less = [one for one in here if one not in theirs], [one for one in there if one not in ours]
    if not more + less:
        yield f"{field} are in another order than in {by}"
    if more:
        yield f"{field} has {_few(more)}, which {by} does not have"
    if less:
        yield f"{field} lacks {_few(less)}, which {by} has"


def _unnamed(build: Metadata) -> Iterator[str]:
    for name in (*_ALWAYS, places.archive_name(build["venv_version"])):
        if name not in build["files"]:
            yield f"files does not name {name}, which every build has"


def _uncommitted(store: Store, build: Metadata, there: Collection[str]) -> Iterator[Problem]:
    """Files of a name that readers ask for, among the keys that are `there`, and that metadata.json does not name."""
    for name in sorted({*_KNOWN_NAMES, places.ARCHIVE_INDEX} - {*build["files"]} - {*_ALWAYS}):
        key = places.key(build["venv_version"], name)
        if key not in there:
            continue
        where, what = places.METADATA, f"files does not name {name}, which is there"
        if name == places.ARCHIVE_INDEX:
            where, what = name, "metadata.json does not name it, and whoever restores would believe it"
        # where somebody put it there, the build is a sound one: to be taken out it would be lost
        fix = f"if metadata.json was changed, restore it from a backup; else remove {store.uri(key)}"
        yield replace(problem(store, build, where, what), fix=f"{fix}, or move it elsewhere")


def _within(build: Metadata) -> Iterator[str]:
    """What the fields say of each other."""
    yield from unlike("package_count", build["package_count"], "installed_packages", len(build["installed_packages"]))
    yield from unlike("is_conflict_free", build["is_conflict_free"], "conflicts", not build["conflicts"])
    if ".".join(build["python_full_version"].split(".")[:2]) != build["python_version"]:
        yield from unlike(
            "python_version", build["python_version"], "python_full_version", build["python_full_version"]
        )
    # Of the glibc only the archive tells: a wheel may be called otherwise than its WHEEL says it is.
    abi, own = build["requires"]["abi"] or "", "cp" + build["python_version"].replace(".", "")
    if re.fullmatch(r"cp[0-9]+[a-z]*", abi) and not re.fullmatch(rf"{own}[a-z]*", abi):
        yield f"requires asks for the ABI {abi}, which Python {build['python_version']} does not have"
    yield from _against_import(build)
    if given := build["files"].get(places.PYLOCK_GIVEN) or build["files"].get(places.REQUIREMENTS):
        yield from unlike("requirements_sha256", build["requirements_sha256"], "files", given["sha256"])
    if archive := build["files"].get(places.archive_name(build["venv_version"])):
        yield from unlike("archive_sha256", build["archive_sha256"], "files", archive["sha256"])
        yield from unlike("archive_size_bytes", build["archive_size_bytes"], "files", archive["size_bytes"])


def _against_import(build: Metadata) -> Iterator[str]:
    """Of which files an imported one was installed nobody knows; the others are installed by us."""
    if "imported_from" in build:
        yield from unlike("reproducible", build["reproducible"], "imported_from", False)
        locks = [name for name in (places.LOCK, places.PYLOCK) if name in build["files"]]
        yield from (f"it has an imported_from, and files names {name}, which no import makes" for name in locks)
        return
    name, _, version = build["installer"].partition(" ")
    if name not in _INSTALLERS or not version:
        told = " or ".join(_INSTALLERS)
        yield f"installer is {_text(build['installer'])}, and without an imported_from it is a version of {told}"
    elif name == "pip" and not any(_is_same(pin, build["installer"]) for pin in build["installed_packages"]):
        yield f"installer is {_text(build['installer'])}, which installed_packages does not have"


def _is_same(pin: str, installer: str) -> bool:
    from packaging.utils import canonicalize_version  # only here: most commands do without

    (name, _, version), (other, _, wanted) = pin.partition("=="), installer.partition(" ")
    return name == other and canonicalize_version(version) == canonicalize_version(wanted)


def _json(body: bytes) -> Any:
    return schemas.parsed(body, half_pairs=True)


def _against_claim(build: Metadata, known: _Known) -> Iterator[str]:
    claim = known[places.CLAIM]
    for field in ("venv_version", "created_at", "env_name"):
        yield from unlike(field, build[field], places.CLAIM, claim[field])
    # Where it was committed: a store that was copied keeps what its builds said there.
    store = claim["store"] if "://" in claim["store"] else Path(claim["store"]).as_uri()
    for field, name in (
        ("requirements_file", places.REQUIREMENTS),
        ("pipdeptree_output", places.TREE),
        ("venv_archive", places.archive_name(build["venv_version"])),
    ):
        uri = f"{store}/{places.key(build['venv_version'], name)}"
        yield from unlike(field, build[field], places.CLAIM, uri)  # type: ignore[literal-required]


def _against_packages(build: Metadata, known: _Known) -> Iterator[str]:
    packages = known[places.INSTALLED_PACKAGES]
    if not isinstance(packages, list):
        raise TypeError("it is no list")
    yield from unlike_lists("installed_packages", build["installed_packages"], places.INSTALLED_PACKAGES, packages)


def _records(body: bytes) -> list[dict[str, Any]]:
    records: list[dict[str, Any]] = _json(body)
    for one in records:
        # as far as anybody looks here
        if not all(isinstance(one[name], str) for name in ("name", "version")) or "wheel" not in one:
            raise TypeError("it is no record of a distribution")
    return records


def _against_records(build: Metadata, known: _Known) -> Iterator[str]:
    records = known[places.PACKAGES]
    found = [f"{one['name']}=={one['version']}" for one in records]
    yield from unlike_lists("installed_packages", build["installed_packages"], places.PACKAGES, found)
    yanked = [pin for pin, one in zip(found, records, strict=True) if one["is_yanked"]]
    if "yanked_packages" in build:
        yield from unlike_lists("yanked_packages", build["yanked_packages"], places.PACKAGES, yanked)
    elif yanked or all(one["is_yanked"] is False for one in records):
        yield f"it has no yanked_packages, and by {places.PACKAGES} they are {_few(yanked) or 'none'}"


def _lock(body: bytes) -> dict[str, tuple[str, frozenset[str]]]:
    """Of each name its version and hashes."""
    return {name: (version, frozenset(hashes)) for name, version, hashes in read_lock(body.decode())}


def _against_lock(build: Metadata, known: _Known) -> Iterator[str]:
    pins = {name: version for name, (version, _) in known[places.LOCK].items()}
    yield from _against_pins(build, known, places.LOCK, pins)


def _against_pins(build: Metadata, known: _Known, by: str, pins: Mapping[str, str]) -> Iterator[str]:
    """What is installed in another version than it is locked, or only one of both."""
    from packaging.utils import canonicalize_version  # only here: most commands do without

    installed = dict(pin.split("==", 1) for pin in build["installed_packages"])
    # A wheel may bring a second distribution, which no index has and nobody locks.
    of_index = {one["name"] for one in known.get(places.PACKAGES, ()) if one["wheel"]}
    found = dict(pins)
    for name in installed.keys() & pins.keys():
        # 1.0 is 1.0.0, and a wheel may say the one in its name and the other in its METADATA.
        if canonicalize_version(installed[name]) == canonicalize_version(pins[name]):
            found[name] = installed[name]
    said = {name: version for name, version in installed.items() if name in pins or name in of_index}
    yield from unlike_lists("installed_packages", _lines(said), by, _lines(found))


def _lines(pins: Mapping[str, str]) -> list[str]:
    return sorted(f"{name}=={version}" for name, version in pins.items())


def _pylock(body: bytes) -> Any:
    try:
        return tomllib.loads(body.decode())
    except RecursionError:  # what tomllib answers to a thousand brackets
        raise ValueError("it is nested too deep") from None


def _against_pylock(build: Metadata, known: _Known) -> Iterator[str]:
    packages = known[places.PYLOCK]["packages"]
    if known[places.PYLOCK].get("created-by") == _OWN_PYLOCK:
        yield from _against_own_pylock(build, known[places.PYLOCK])
    yield from _against_pins(build, known, places.PYLOCK, {one["name"]: one["version"] for one in packages})
    for one in packages if places.LOCK in known else ():
        _, allowed = known[places.LOCK].get(one["name"], ("", frozenset()))
        # Of others the lock may have other hashes than the pylock: there is nothing to compare.
        if not all(digest.startswith("sha256:") for digest in allowed):
            continue
        files = [file for file in (*one.get("wheels", ()), one.get("sdist")) if file and "url" in file]
        if any(f"sha256:{file['hashes']['sha256']}" not in allowed for file in files):
            yield f"its {places.PYLOCK} has a file of {_text(one['name'])} with a hash that {places.LOCK} does not have"


def _against_own_pylock(build: Metadata, pylock: _Known) -> Iterator[str]:
    """What we write into each: for which Python and platform it is, and the source of what was built."""
    if said := re.fullmatch(r"==(3\.[0-9]+)\.\*", pylock.get("requires-python", "")):
        yield from unlike("python_version", build["python_version"], places.PYLOCK, said[1])
    if said := _MARKER.fullmatch(" or ".join(pylock.get("environments", ()))):
        yield from unlike("platform", build["platform"], places.PYLOCK, "_".join(said.groups()))
    is_built = any("sdist" in one for one in pylock["packages"])
    # Where a wheel has no URL, an earlier version may have built it.
    wheels = [wheel for one in pylock["packages"] for wheel in one.get("wheels", ())]
    if is_built or all(wheel.get("url", "").startswith("http") for wheel in wheels):
        yield from unlike("reproducible", build["reproducible"], places.PYLOCK, not is_built)


def _against_conflicts(build: Metadata, known: _Known) -> Iterator[str]:
    findings = known[places.CONFLICTS]
    sentences = [finding["sentence"] for finding in findings if finding["is_failure"]]
    yield from unlike_lists("conflicts", build["conflicts"], places.CONFLICTS, sentences)


class _Refused(ValueError):
    """What is wrong with an index, in words for people."""


def _index(body: bytes) -> ArchiveIndex:
    try:
        return parse_index(body)
    except IntegrityError as error:
        if error.problems[0].rule == "NEWER":
            raise
        # without who says so, as that is told already
        raise _Refused(error.problems[0].what.partition(": ")[2]) from error


def _against_index(build: Metadata, known: _Known) -> Iterator[str]:
    by, index = places.ARCHIVE_INDEX, known[places.ARCHIVE_INDEX]
    yield from unlike("archive_size_bytes", build["archive_size_bytes"], by, index.archive_size_bytes)
    yield from unlike("archive_root", build.get("archive_root", _ROOT), by, index.root)
    yield from unlike("content_sha256", build.get("content_sha256"), by, index.content_sha256)
    packed = {(one.distribution, one.version) for one in index.fragments}
    pins = {f"{name}=={_normal(version)}" for name, version in packed if _is_pin(name, version)}
    if lacking := sorted(pins - {*build["installed_packages"]}):
        yield f"installed_packages lacks {_few(lacking)}, which {by} has"
    inside = [version for name, version in packed if name == BASE]
    if inside and "libraries" not in build["requires"]:
        yield f"requires names no libraries, and by {by} the archive brings an interpreter"
    if not inside and "libraries" in build["requires"]:
        yield f"requires names libraries of an interpreter, and by {by} the archive brings none"
    if inside:
        yield from unlike("python_full_version", build["python_full_version"], by, inside[0])


def _is_pin(name: Any, version: Any) -> bool:
    """Whether a distribution counts among the installed packages, as one does that has a usable name and version."""
    return bool(name and version and name != BASE and _NAME.fullmatch(name) and _VERSION.fullmatch(version))


def _normal(version: str) -> str:
    from packaging.version import InvalidVersion, Version  # only here: most commands do without

    try:
        return str(Version(version))
    except InvalidVersion:
        return version


def _few(names: list[str]) -> str:
    more = f" and {len(names) - _FEW} more" if len(names) > _FEW else ""
    return ", ".join(map(_text, names[:_FEW])) + more


def _text(value: object) -> str:
    return shown(value if isinstance(value, str) else json.dumps(value)) or "''"


_HELD: tuple[tuple[str, Callable[[bytes], Any], Callable[[Metadata, _Known], Iterator[str]]], ...] = (
    (places.CLAIM, _json, _against_claim),
    (places.INSTALLED_PACKAGES, _json, _against_packages),
    (places.PACKAGES, _records, _against_records),
    (places.CONFLICTS, _json, _against_conflicts),
    (places.ARCHIVE_INDEX, _index, _against_index),
    (places.LOCK, _lock, _against_lock),
    (places.PYLOCK, _pylock, _against_pylock),
)
"""How each file is read, and what it says that metadata.json does not; what others are compared with comes first."""
