"""The pylock.toml of a build: what PEP 751 has, the same for the same files, and no secret in it."""

from __future__ import annotations

import tomllib
from datetime import UTC, datetime, timedelta, timezone

from packaging.pylock import Package, Pylock
from packaging.tags import Tag, parse_tag
from packaging.version import Version

from tests.support.supplies import here
from venvbuild.environment.closure import Closure, LockedDistribution
from venvbuild.environment.listing import ListedWheel, Listing
from venvbuild.environment.pylock import pylock_of
from venvbuild.package_index import File

A, B = "a" * 64, "b" * 64
WHEN = datetime(2025, 7, 22, 10, 30, 0, 250, timezone(timedelta(hours=2)))


def listed(url: str, sha256: str = A, size: int | None = 7, when: datetime | None = WHEN) -> ListedWheel:
    tags: frozenset[Tag] = frozenset(parse_tag("py3-none-any"))
    return ListedWheel(File("lib-1.0-py3-none-any.whl", url, Version("1.0"), tags, sha256, size_bytes=size), when)


def written(*wheels: ListedWheel) -> str:
    closure = Closure((LockedDistribution("lib", "1.0", (f"sha256:{A}", f"sha256:{B}")),), (), is_forced=False)
    return pylock_of(closure, Listing({"lib": wheels} if wheels else {}), here())


def urls(*wheels: ListedWheel) -> list[str]:
    [package] = tomllib.loads(written(*wheels))["packages"]
    return [wheel.get("url", f"path {wheel.get('path')}") for wheel in package["wheels"]]


PLAIN = "https://h/simple/lib-1.0-py3-none-any.whl"


def test_it_is_what_pep_751_has() -> None:
    lock = Pylock.from_dict(tomllib.loads(written(listed(PLAIN))))
    [package] = lock.packages
    assert (str(lock.lock_version), lock.created_by, package.name, str(package.version)) == (
        "1.0", "venvbuild", "lib", "1.0",
    )  # fmt: skip
    assert package.wheels
    [wheel] = package.wheels
    assert (wheel.url, wheel.size, wheel.hashes) == (PLAIN, 7, {"sha256": A})
    assert wheel.upload_time == WHEN.astimezone(UTC)
    assert [found for _, found in lock.select()] == [wheel]


def test_it_says_for_which_machine_it_is() -> None:
    table = tomllib.loads(written(listed(PLAIN)))
    target = here().marker_environment
    assert table["requires-python"] == f"=={here().version}.*"
    [marker] = table["environments"]
    assert f"platform_machine == '{target['platform_machine']}'" in marker


def test_what_the_index_does_not_tell_is_left_out() -> None:
    [package] = tomllib.loads(written(listed(PLAIN, size=None, when=None)))["packages"]
    assert set(package["wheels"][0]) == {"url", "hashes"}


def test_no_credential_of_a_url_is_in_it() -> None:
    assert urls(listed("https://me:hunter2-Canary@h/simple/lib-1.0-py3-none-any.whl")) == [PLAIN]
    assert urls(listed(f"{PLAIN}?X-Amz-Signature={B}&X-Amz-Credential=x")) == [PLAIN]
    assert urls(listed(f"{PLAIN}?x=1#sha256={A}")) == [f"{PLAIN}?x=1"]
    # in its line what comes after it would be taken for it
    assert urls(listed(f"{PLAIN}?access_token=")) == [PLAIN]
    token = "ghp_" + "Q7m2Xw9Lz4Rt8Vb1Nc6Kd3Hf5Js0Pg2YaTe4"
    assert urls(listed(f"https://h/{token}/lib-1.0-py3-none-any.whl")) == ["path lib-1.0-py3-none-any.whl"]


def test_what_no_index_has_is_named_as_a_file_beside_it() -> None:
    assert urls(listed("file:///home/me/wheels/lib-1.0-py3-none-any.whl")) == ["path lib-1.0-py3-none-any.whl"]


def test_of_what_was_built_here_the_source_is_named_in_place_of_the_wheel_that_nobody_else_has() -> None:
    closure = Closure((LockedDistribution("lib", "1.0", (f"sha256:{A}", f"sha256:{B}")),), (), is_forced=False)
    here_only = Listing({"lib": (listed("file:///srv/wheels/lib-1.0-py3-none-any.whl"),)})
    when = "2025-07-22T08:30:00Z"

    def written_of(url: str) -> Package:
        source = File("lib-1.0.tar.gz", url, Version("1.0"), frozenset(), B, size_bytes=9, uploaded_at=when)
        text = pylock_of(closure, here_only, here(), {"lib": source})
        [package] = Pylock.from_dict(tomllib.loads(text)).packages
        return package

    package = written_of("https://me:hunter2-Canary@h/files/lib-1.0.tar.gz")
    assert package.sdist
    assert package.wheels is None
    assert (package.sdist.url, package.sdist.size, package.sdist.hashes) == (
        "https://h/files/lib-1.0.tar.gz", 9, {"sha256": B},
    )  # fmt: skip
    assert package.sdist.upload_time == datetime(2025, 7, 22, 8, 30, tzinfo=UTC)
    beside = written_of("file:///home/me/lib-1.0.tar.gz").sdist
    assert beside
    assert (beside.url, beside.path) == (None, "lib-1.0.tar.gz")


def test_a_file_that_the_index_calls_otherwise_has_its_name() -> None:
    [package] = tomllib.loads(written(listed("https://h/files/7?x=1")))["packages"]
    assert package["wheels"][0]["name"] == "lib-1.0-py3-none-any.whl"


def test_without_the_wheels_of_a_distribution_there_is_none() -> None:
    assert written() == ""
