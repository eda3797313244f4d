"""What an archive tells of its environment. What real builds say: tests/athena/test_changed_stores.py."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.support.builds import put_build
from venvbuild import builds
from venvbuild.builds import Metadata
from venvbuild.errors import IntegrityError
from venvbuild.restore.archived import Archived
from venvbuild.stores.folder import FolderStore

SITE = "lib/python3.11/site-packages"


def build(tmp_path: Path, **fields: Any) -> Metadata:
    store = FolderStore(tmp_path / "store")
    return builds.read(store, put_build(store, 0, **fields))


def archived(tmp_path: Path, *tags: str, configuration: str = "version_info = 3.11.7\nuv = 0.13.8\n") -> Archived:
    """Of an environment with one package, whose wheel has these tags."""
    told = Archived(tmp_path / "told")
    wheel = "".join(f"Tag: {tag}\n" for tag in tags)
    files = {"METADATA": "Metadata-Version: 2.1\nName: good\nVersion: 1.0\n", "WHEEL": wheel, "INSTALLER": "uv"}
    keep(told, "pyvenv.cfg", configuration)
    for name, text in files.items():
        keep(told, f"{SITE}/good-1.0.dist-info/{name}", text)
    return told


def keep(told: Archived, name: str, text: str) -> None:
    file = told.copy_of(name, len(text))
    assert file
    with file:
        file.write(text.encode())


def unlike(tmp_path: Path, told: Archived, *, has_misfits: bool = False, **fields: Any) -> list[str]:
    return list(told.unlike(build(tmp_path, **fields), has_misfits=has_misfits))


def test_an_environment_as_it_was_described_is_alike(tmp_path: Path) -> None:
    assert unlike(tmp_path, archived(tmp_path, "py3-none-any")) == []


@pytest.mark.parametrize(
    ("tags", "requires", "is_alike"),
    [
        pytest.param(["py3-none-any"], ("none", "2.17"), False, id="pure, and it asks for glibc"),
        pytest.param(["cp311-cp311-manylinux_2_17_x86_64"], ("cp311", "2.17"), True, id="manylinux"),
        pytest.param(["cp311-cp311-manylinux_2_17_x86_64"], ("cp311", "2.5"), False, id="an older glibc"),
        pytest.param(["cp311-cp311-manylinux_2_17_x86_64"], ("cp311", "2.40"), False, id="a newer glibc"),
        pytest.param(["cp311-cp311-manylinux_2_17_x86_64"], ("abi3", "2.17"), False, id="another abi"),
        pytest.param(["cp37-abi3-manylinux2014_x86_64"], ("abi3", "2.17"), True, id="stable abi"),
        pytest.param(["cp311-cp311-manylinux_2_5_x86_64", "cp311-cp311-manylinux1_x86_64"], ("cp311", "2.5"), True,
                     id="two names of one"),
        pytest.param(["cp311-cp311-manylinux_2_17_x86_64"], ("none", None), False, id="manylinux, not told"),
        pytest.param(["cp311-cp311-musllinux_1_1_x86_64"], ("cp311", None), True, id="musl"),
        pytest.param(["cp311-cp311-musllinux_1_1_x86_64"], ("none", None), False, id="musl, not told"),
        pytest.param(["cp311-cp311-musllinux_1_1_x86_64", "cp311-cp311-manylinux_2_17_x86_64"], ("cp311", "2.17"), True,
                     id="for two C libraries, here glibc"),
        pytest.param(["cp311-cp311-linux_x86_64"], ("cp311", "2.36"), True, id="made on the spot"),
        pytest.param(["cp311-cp311-linux_x86_64"], ("none", "2.36"), False, id="made on the spot, another abi"),
        pytest.param(["cp311-cp311t-manylinux_2_17_x86_64"], ("cp311t", "2.17"), True, id="free-threaded"),
        pytest.param(["cp311-cp311t-manylinux_2_17_x86_64"], ("cp311", "2.17"), False, id="free-threaded, not told"),
        pytest.param(["cp311-abi3t-manylinux_2_17_x86_64"], ("abi3t", "2.17"), True, id="free-threaded, stable abi"),
        pytest.param(["cp311-abi3-manylinux_2_17_x86_64", "cp311-abi3t-manylinux_2_17_x86_64"], ("abi3t", "2.17"), True,
                     id="both stable abis, on a free-threaded one"),
        pytest.param(["cp311-abi3-manylinux_2_17_x86_64", "cp311-abi3t-manylinux_2_17_x86_64"], ("abi3", "2.17"), True,
                     id="both stable abis, on a usual one"),
    ],
)  # fmt: skip
def test_requires_is_what_the_wheels_ask_for(
    tmp_path: Path, tags: list[str], requires: tuple[str, str | None], is_alike: bool
) -> None:
    told = archived(tmp_path, *tags)
    found = unlike(tmp_path, told, requires={"abi": requires[0], "glibc": requires[1]})
    assert [one.partition(" ")[0] for one in found] == ([] if is_alike else ["requires"])


def test_an_interpreter_inside_may_ask_for_more_and_not_for_less(tmp_path: Path) -> None:
    told = archived(tmp_path, "cp311-cp311-manylinux_2_17_x86_64")
    needs: dict[str, Any] = {"abi": "cp311", "glibc": "2.36", "libraries": []}
    assert unlike(tmp_path, told, requires=needs) == []
    less = unlike(tmp_path / "less", told, requires={**needs, "glibc": "2.5"})
    assert [one.partition(" ")[0] for one in less] == ["requires"]


def test_wheels_of_another_platform_are_told_unless_inspect_told_of_them(tmp_path: Path) -> None:
    told = archived(tmp_path, "cp311-cp311-manylinux_2_17_aarch64")
    assert [one.partition(",")[0] for one in unlike(tmp_path, told)] == ["platform is linux_x86_64"]
    assert unlike(tmp_path / "told before", told, has_misfits=True) == []


@pytest.mark.parametrize(
    ("configuration", "what"),
    [
        pytest.param("version_info = 3.11.9\n", "python_full_version is 3.11.7, and by the archive it is 3.11.9",
                     id="Python"),
        pytest.param("version = 3.11\n", "", id="less of it"),
        pytest.param("version_info = 3.11.7\nuv = 0.1.0\n", "installer is uv 0.13.8, and by the archive it is uv 0.1.0",
                     id="uv"),
        pytest.param("version_info = 3.11.7rc1\nuv = 0.13.8\n",
                     "python_full_version is 3.11.7, and by the archive it is 3.11.7rc1", id="a candidate, by uv"),
        pytest.param("version_info = 3.11\nuv = 0.13.8\n", "", id="less of it, by uv"),
        pytest.param("", "", id="nothing"),
    ],
)  # fmt: skip
def test_what_pyvenv_cfg_says_is_compared(tmp_path: Path, configuration: str, what: str) -> None:
    told = archived(tmp_path, "py3-none-any", configuration=configuration)
    assert unlike(tmp_path, told) == ([what] if what else [])


POETRY = {"a": "Poetry 1.8.3", "b": "Poetry 1.8.3", "pip": "pip"}
SOURCE = {"archive": "venv.tar.gz", "archive_sha256": "a" * 64, "venv_version": None, "created_at": None}


@pytest.mark.parametrize(
    ("installers", "said", "is_alike"),
    [
        pytest.param(POETRY, "Poetry 1.8.3", True, id="with a version"),
        pytest.param(POETRY, "Poetry 1.8.2", False, id="with another version"),
        pytest.param(POETRY, "pip 1.0", False, id="who installed the fewest"),
        pytest.param({"a": "pip", "b": "uv", "pip": "pip"}, "pip 1.0", True, id="with that of its package"),
        pytest.param({"a": "pip", "b": "uv", "pip": "pip"}, "pip 1.1", False, id="of another package"),
        pytest.param({"a": "an  installer\n"}, "an installer", True, id="two words"),
        pytest.param({"a": "uv"}, "uv 0.13.8", True, id="with that of pyvenv.cfg"),
        pytest.param({"a": ""}, "unknown", True, id="nobody"),
        pytest.param({"a": ""}, "conda", False, id="nobody, and it is told"),
    ],
)
def test_of_an_import_the_installer_is_who_installed_most_of_it(
    tmp_path: Path, installers: dict[str, str], said: str, is_alike: bool
) -> None:
    told = Archived(tmp_path / "told")
    keep(told, "pyvenv.cfg", "version_info = 3.11.7\nuv = 0.13.8\n")
    for name, installer in installers.items():
        keep(told, f"{SITE}/{name}-1.0.dist-info/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        keep(told, f"{SITE}/{name}-1.0.dist-info/INSTALLER", installer)
    found = unlike(
        tmp_path, told, installer=said, imported_from=SOURCE, installed_packages=[f"{one}==1.0" for one in installers]
    )
    assert [one.partition(" ")[0] for one in found] == ([] if is_alike else ["installer"])


def test_a_release_candidate_of_python_is_what_its_environment_says(tmp_path: Path) -> None:
    told = archived(tmp_path, "py3-none-any", configuration="version_info = 3.11.0\n")
    assert unlike(tmp_path, told, python_full_version="3.11.0rc1") == []


@pytest.mark.parametrize(("said", "is_alike"), [("3.11.7+", True), ("3.11.7", False), ("3.11.7+evil", False)])
def test_what_uv_says_of_somebody_s_own_python_is_exact(tmp_path: Path, said: str, is_alike: bool) -> None:
    told = archived(tmp_path, "py3-none-any", configuration="version_info = 3.11.7+local\nuv = 0.13.8\n")
    assert (unlike(tmp_path, told, python_full_version=said) == []) is is_alike


@pytest.mark.parametrize(
    "name",
    [
        "bin/python",
        f"{SITE}/good.py",
        f"{SITE}/good-1.0.dist-info/RECORD",
        f"{SITE}/a/b.dist-info/METADATA",
        "x/pyvenv.cfg",
    ],
)
def test_most_files_tell_nothing(tmp_path: Path, name: str) -> None:
    assert Archived(tmp_path).copy_of(name, 1) is None


@pytest.mark.parametrize(
    "name", [f"{'n' * 300}.dist-info/METADATA", "good-1.0.dist-info/METADATA", "a.egg-info/PKG-INFO"]
)
def test_what_cannot_be_in_an_environment_is_refused(tmp_path: Path, name: str) -> None:
    told = archived(tmp_path)
    keep(told, f"{SITE}/a.egg-info", "a file")
    with pytest.raises(IntegrityError, match="holds what no archive of ours does"):
        told.copy_of(f"{SITE}/{name}", 1)
