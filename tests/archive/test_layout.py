"""Whose each member is, and which hash of a RECORD is believed unread."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.packing import Packable
from venvbuild.archive import layout, members
from venvbuild.archive.compression import END_OF_TAR
from venvbuild.archive.layout import Group, Known, Layout
from venvbuild.archive.members import Member
from venvbuild.installed import Manifest
from venvbuild.interpreters import Compiled

SITE = "lib/python3.11/site-packages"


@pytest.fixture
def env(tmp_path: Path) -> Packable:
    return Packable(tmp_path)


def dealt(env: Packable, *more: Member) -> dict[str | None, Group]:
    """The groups by distribution; the end, which has no members, apart."""
    return {group.distribution: group for group in of(env, *more).groups if group.members}


def of(env: Packable, *more: Member) -> Layout:
    found, _ = members.members(env.venv, "3.11", "/p", {one.name: one for one in more})
    return Layout.of(found, env.venv, "3.11", Known(None, env.hashes, env.manifest))


def names(group: Group) -> set[str]:
    return {member.name.removeprefix(f"{SITE}/") for member in group.members if member.kind == "f"}


def test_each_file_goes_to_the_distribution_that_claims_it(env: Packable) -> None:
    env.install("one")
    env.install("two", files={"two/__init__.py": "", "two/data.txt": "x"})
    groups = dealt(env)
    assert {"one.py"} < names(groups["one"])
    assert {"two/__init__.py", "two/data.txt"} < names(groups["two"])
    assert {"pyvenv.cfg", "bin/rehome"} <= names(groups[None])


def test_what_nobody_or_several_claim_goes_to_the_environment(env: Packable) -> None:
    env.install("one", files={"shared.py": "1"})
    env.install("two", files={"shared.py": "2"})
    (env.site / "loose.py").write_text("")
    groups = dealt(env)
    assert {"shared.py", "loose.py"} <= names(groups[None])
    assert not {"shared.py"} & (names(groups["one"]) | names(groups["two"]))


def test_a_file_in_a_lib64_of_its_own_goes_to_its_distribution(env: Packable) -> None:
    env.install("one")
    env.install("native", files={"native.py": "", "native-data/x": ""})
    (env.venv / "lib64/python3.11").mkdir(parents=True)
    own = env.venv / "lib64" / SITE.removeprefix("lib/")
    own.mkdir()
    for path in env.site.glob("native*"):
        path.rename(own / path.name)
    env.installer_ended()
    groups = dealt(env)
    place = f"lib64/{SITE.removeprefix('lib/')}"
    assert {f"{place}/native.py", f"{place}/native-data/x"} < names(groups["native"])
    assert f"{place}/native.py" in groups["native"].sha256  # as RECORD has it, of the wheel that the lock names
    assert not [name for name in names(groups[None]) if name.startswith("lib64")]


def test_folders_belong_to_the_environment(env: Packable) -> None:
    env.install("one", files={"one/a.py": ""})
    assert {member.kind for member in dealt(env)["one"].members} == {"f"}


def test_what_is_the_environments_own_is_no_packages_whatever_it_claims(env: Packable) -> None:
    dist_info = env.install("one")
    with (dist_info / "RECORD").open("a") as record:
        record.write("../../../pyvenv.cfg,,\n../../../bin/rehome,,\n")
    assert {"pyvenv.cfg", "bin/rehome"} <= names(dealt(env)[None])


def test_a_script_in_bin_goes_to_its_package(env: Packable) -> None:
    dist_info = env.install("one")
    (env.venv / "bin" / "one").write_text("")
    with (dist_info / "RECORD").open("a") as record:
        record.write("../../../bin/one,,\n")
    assert "bin/one" in names(dealt(env)["one"])


def test_groups_come_in_the_order_of_their_dist_infos_and_the_end_last(env: Packable) -> None:
    for name in ("b", "a", "c"):
        env.install(name)
    groups = of(env, Member("_base/bin/python3.11", "f", 0o755, content=b"")).groups
    assert [group.distribution for group in groups] == [None, "a", "b", "c", "_base", None]
    assert groups[-1].pieces == (END_OF_TAR,)


# --- what is known unread


def known(env: Packable) -> set[str]:
    return {name.removeprefix(f"{SITE}/") for name in dealt(env)["one"].sha256}


def test_of_a_file_that_nobody_touched_it_is_known_what_was_read(env: Packable) -> None:
    env.install("one")
    env.installer_ended()
    group = dealt(env)["one"]
    assert group.sha256[f"{SITE}/one.py"] == hashlib.sha256(b"x = 1\n").hexdigest()
    assert group.unknown() == []


def without_manifest(env: Packable) -> None:
    env.manifest = None


def never_read(env: Packable) -> None:
    env.manifest = Manifest({})


def touched(env: Packable) -> None:
    (env.site / "one.py").write_text("x = 1\n")


@pytest.mark.parametrize("change", [without_manifest, never_read, touched])
def test_of_a_file_that_may_be_another_nothing_is_known(env: Packable, change: Callable[[Packable], None]) -> None:
    env.install("one")
    env.installer_ended()
    assert "one.py" in known(env)
    change(env)
    assert "one.py" not in known(env)


def test_a_record_is_not_asked_what_its_files_hold(env: Packable) -> None:
    record = env.install("one") / "RECORD"
    record.write_text(record.read_text().replace("one.py,sha256=", f"one.py,sha256={'A' * 43},6\none.py,sha256=*"))
    env.installer_ended()
    assert dealt(env)["one"].sha256[f"{SITE}/one.py"] == hashlib.sha256(b"x = 1\n").hexdigest()


# --- bytecode and keys


def test_bytecode_is_a_group_of_its_own_behind_what_it_was_made_of(env: Packable) -> None:
    env.install("one")
    before = of(env)
    name = f"{SITE}/__pycache__/one.cpython-311.pyc"
    compiled = [[Compiled(name, 100, "c" * 64)] if group.distribution == "one" else [] for group in before.groups]
    after = before.with_bytecode(compiled)
    assert [group.distribution for group in after.groups] == [None, "one", "one", None]
    assert [member.name for member in after.groups[2].sources] == [f"{SITE}/one.py"]
    assert after.groups[2].sha256 == {name: "c" * 64}
    assert f"{SITE}/__pycache__" in [member.name for member in after.groups[0].members]
    assert [member.name for member in after.members] == sorted(member.name for member in after.members)


GROUP = Group("one", "1.0", (Member("a", "f", 0o644, 1), Member("b", "l", 0o777, link="a")), ("sha256:1",), {"a": "0"})


def test_the_key_of_a_group_is_the_same_for_the_same() -> None:
    assert GROUP.key(5, "3.11") == replace(GROUP).key(5, "3.11")


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(replace(GROUP, distribution="two"), id="name"),
        pytest.param(replace(GROUP, version="2.0"), id="version"),
        pytest.param(replace(GROUP, hashes=("sha256:2",)), id="hash of the lock"),
        pytest.param(replace(GROUP, sha256={"a": "1"}), id="bytes"),
        pytest.param(replace(GROUP, members=(Member("a", "f", 0o755, 1), GROUP.members[1])), id="mode"),
        pytest.param(replace(GROUP, members=(GROUP.members[0], Member("b", "l", 0o777, link="c"))), id="link"),
        pytest.param(replace(GROUP, members=GROUP.members[:1]), id="members"),
    ],
)
def test_the_key_of_a_group_depends_on_all_that_its_fragments_do(other: Group) -> None:
    assert other.key(5, "3.11") != GROUP.key(5, "3.11")


def test_the_key_of_a_group_depends_on_level_and_python() -> None:
    assert len({GROUP.key(5, "3.11"), GROUP.key(6, "3.11"), GROUP.key(5, "3.12")}) == 3


def test_the_digest_of_the_content_does_not_tell_whose_a_member_is() -> None:
    one, two = Member("a", "f", 0o644, 1), Member("b", "f", 0o644, 1)
    apart = Layout([one, two], (Group("x", "1", (one,), (), {"a": "0"}), Group("y", "1", (two,), (), {"b": "1"})))
    together = Layout([one, two], (Group("z", "1", (one, two), (), {"a": "0", "b": "1"}),))
    assert apart.sha256() == together.sha256()
    assert apart.sha256() == hashlib.sha256((one.line("0") + two.line("1")).encode()).hexdigest()


@pytest.mark.parametrize(
    ("name", "is_module"), [("lib/a.py", True), ("lib/.py", False), ("bin/a.py", False), ("lib/a.txt", False)]
)
def test_only_modules_of_the_environment_are_compiled(env: Packable, name: str, is_module: bool) -> None:
    (env.venv / name).write_text("")
    found = {member.name for group in of(env).groups for member in group.modules()}
    assert (name in found) is is_module


def test_what_we_write_ourselves_is_not_compiled() -> None:
    assert layout.Group(None, None, (Member("lib/a.py", "f", 0o644, content=b""),)).modules() == ()
