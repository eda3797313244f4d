"""What is read of the installed distributions, hostile ones included."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.wheels import unpack, wheel
from venvbuild.installed.distributions import Damage, Distribution, distributions_in, distributions_of, owners
from venvbuild.installed.record import RecordRow


@pytest.fixture
def site(tmp_path: Path) -> Path:
    folder = tmp_path / "venv" / "lib" / "python3.11" / "site-packages"
    folder.mkdir(parents=True)
    return folder


def put(site: Path, name: str, files: dict[str, str | bytes]) -> None:
    for path, content in files.items():
        target = site / name / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content.encode() if isinstance(content, str) else content)


def only(site: Path) -> Distribution:
    (distribution,) = distributions_in([site])
    return distribution


def test_a_distribution_is_read_whole(site: Path, tmp_path: Path) -> None:
    dist_info = unpack(
        wheel(
            tmp_path,
            "Ruamel.Yaml",
            "1.0rc1",
            requires=["six>=1", 'b; extra == "fast"'],
            python=">=3.8",
            extras=["fast"],
            tag="py2.py3-none-any",
        ),
        site,
    )
    (dist_info / "INSTALLER").write_text("uv\n")
    (dist_info / "direct_url.json").write_text('{"url": "https://example.com/a.whl"}')
    found = only(site)
    assert (found.name, found.canonical_name, found.version) == ("Ruamel.Yaml", "ruamel-yaml", "1.0rc1")
    assert found.requires == ("six>=1", 'b; extra == "fast"')
    assert (found.provides_extras, found.requires_python) == (("fast",), ">=3.8")
    assert found.tags == ("py2-none-any", "py3-none-any")
    assert (found.installer, found.direct_url) == ("uv", {"url": "https://example.com/a.whl"})
    assert found.record is not None
    assert found.record[0] == RecordRow("Ruamel_Yaml.py", found.record[0].hash, 6)
    assert (found.damage, found.problems, found.dist_info) == ((), (), "Ruamel_Yaml-1.0rc1.dist-info")


@pytest.mark.parametrize(
    ("name", "version", "pin"),
    [
        ("Ruamel.Yaml", "1.0-1", "ruamel-yaml==1.0.post1"),
        ("a", "1.0.0+Local.1", "a==1.0.0+local.1"),
        ("a", "2004d-x", "a==2004d-x"),
        ("a", "two words", None),
    ],
)
def test_the_pin_is_in_normal_form(site: Path, tmp_path: Path, name: str, version: str, pin: str | None) -> None:
    unpack(wheel(tmp_path, name, version), site)
    assert only(site).pin == pin


@pytest.mark.parametrize(
    ("folder", "files", "problem"),
    [
        pytest.param("foo-1.0.dist-info", {"RECORD": ""}, "has no METADATA", id="without METADATA"),
        pytest.param("foo-1.0.dist-info", {"METADATA": ""}, "has no Name", id="empty METADATA"),
        pytest.param("foo-1.0.dist-info", {"METADATA": "Name: foo\n"}, "has no Version", id="no version"),
        pytest.param(
            "foo-1.0.dist-info",
            {"METADATA": "Name: foo\nVersion: banana\n"},
            "has the version 'banana', which PEP 440 cannot read",
            id="bad version",
        ),
        pytest.param(
            "foo-1.0.dist-info",
            {"METADATA": "Name: bar\nVersion: 1.0\n"},
            "says that its name is bar",
            id="another name",
        ),
        pytest.param(
            "foo-1.0.dist-info",
            {"METADATA": "Name: foo\nVersion: 2.0\n"},
            "says that its version is 2.0",
            id="another version",
        ),
        pytest.param(
            "foo-1.0.dist-info",
            {"METADATA": b"Name: f\xff\nVersion: 1.0\n"},
            "has the name 'f�', which PEP 508 does not allow",
            id="name is not UTF-8",
        ),
        pytest.param(
            "foo-1.0.dist-info",
            {"METADATA": b"Name: foo\x1b[31m\nVersion: 1.0\n"},
            "has the name 'foo�[31m', which PEP 508 does not allow",
            id="control characters",
        ),
        pytest.param(
            "foo-1.0.dist-info",
            {"METADATA": "Name: foo\nVersion: 1.0\n", "direct_url.json": "{"},
            "has a direct_url.json that is not what PEP 610 describes",
            id="broken JSON",
        ),
        pytest.param(
            "foo-1.0.dist-info",
            {"METADATA": "Name: foo\nVersion: 1.0\n", "direct_url.json": "[" * 100_000},
            "has a direct_url.json that is not what PEP 610 describes",
            id="deep JSON",
        ),
        pytest.param(
            "foo-1.0.dist-info",
            {"METADATA": "Name: foo\nVersion: 1.0\n", "RECORD": "x" * 200_000 + ",,\n"},
            "has a RECORD that cannot be read (field larger than field limit (131072))",
            id="endless path",
        ),
        pytest.param(
            "foo-1.0.dist-info",
            {"METADATA": b"x" * ((16 << 20) + 1)},
            "has a METADATA that is larger than 16 MB",
            id="huge",
        ),
        pytest.param("foo-1.0.dist-info", {"METADATA/inside": ""}, "has a METADATA that is not a file", id="a folder"),
        pytest.param(
            "~oo-1.0.dist-info",
            {"METADATA": "Name: foo\nVersion: 1.0\nRequires-Dist: bar\n"},
            "is left over from an interrupted uninstall",
            id="leftover",
        ),
    ],
)
def test_what_is_broken_is_named(site: Path, folder: str, files: dict[str, str | bytes], problem: str) -> None:
    put(site, folder, files)
    assert problem in only(site).problems


def test_an_empty_dist_info_has_no_metadata(site: Path) -> None:
    (site / "foo-1.0.dist-info").mkdir()
    assert only(site).problems == ("has no METADATA",)
    assert only(site).pin is None


def test_a_leftover_is_never_taken_for_the_package(site: Path) -> None:
    put(site, "~oo-1.0.dist-info", {"METADATA": "Name: foo\nVersion: 1.0\n", "RECORD": "a.py,,\n"})
    assert (only(site).canonical_name, only(site).pin, only(site).record) == ("~oo", None, None)


def test_wrong_bytes_outside_the_judged_fields_are_no_problem(site: Path) -> None:
    put(site, "foo-1.0.dist-info", {"METADATA": b"Name: foo\nVersion: 1.0\nAuthor: Andr\xe9\n\nd\xe9j\xe0 vu\n"})
    assert (only(site).problems, only(site).pin) == ((), "foo==1.0")


def test_links_pipes_and_files_in_the_place_of_folders_are_not_read(site: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    put(tmp_path, "outside", {"METADATA": "Name: a\nVersion: 1.0\n"})
    (site / "a-1.0.dist-info").symlink_to(outside)
    put(site, "b-1.0.dist-info", {"RECORD": ""})
    (site / "b-1.0.dist-info" / "METADATA").symlink_to(outside / "METADATA")
    put(site, "c-1.0.dist-info", {"RECORD": ""})
    os.mkfifo(site / "c-1.0.dist-info" / "METADATA")
    (site / "d-1.0.dist-info").write_text("Name: d\n")
    assert {one.canonical_name: (one.version, one.problems) for one in distributions_in([site])} == {
        "a": (None, ("is a symbolic link, which is not followed",)),
        "b": (None, ("has a METADATA that is a symbolic link",)),
        "c": (None, ("has a METADATA that is not a file",)),
        "d": (None, ("is not a folder",)),
    }


def test_files_are_compared_with_record(site: Path, tmp_path: Path) -> None:
    unpack(
        wheel(
            tmp_path,
            "foo",
            "1.0",
            files={
                "a.py": "1\n",
                "b.py": "2\n",
                "__pycache__/a.cpython-311.pyc": "x",
                "../../../bin/foo": "run\n",
                "ok.py": "",
            },
        ),
        site,
    )
    (site / "b.py").unlink()
    (site / "a.py").write_text("longer\n")
    (site / "__pycache__" / "a.cpython-311.pyc").unlink()
    # zipfile drops the `..` of a name: the script lies in site-packages now, not where RECORD says
    assert only(site).damage == (
        Damage("a.py", "changed"),
        Damage("b.py", "missing"),
        Damage("../../../bin/foo", "missing"),
    )


@pytest.mark.parametrize("path", ["../../../../secret", "/etc/passwd", "../../../../../../../../etc/passwd"])
def test_record_cannot_make_us_look_outside_the_environment(site: Path, path: str) -> None:
    (site.parents[3] / "secret").write_text("x")
    put(site, "foo-1.0.dist-info", {"METADATA": "Name: foo\nVersion: 1.0\n", "RECORD": f"{path},,1\n"})
    assert only(site).damage == (Damage(path, "outside"),)


def test_odd_rows_of_record_are_no_traceback(site: Path) -> None:
    rows = b'a\x00b,,\n\xff.py,h,x\n,,\n"q,r.py",sha256=x,7,more\n' + b"d/" * 3000 + b",,\n"
    put(site, "foo-1.0.dist-info", {"METADATA": "Name: foo\nVersion: 1.0\n", "RECORD": rows})
    record = only(site).record
    assert record is not None
    assert record[1:3] == (RecordRow("\udcff.py", "h", None), RecordRow("q,r.py", "sha256=x", 7))


def test_an_egg_counts_where_no_dist_info_has_its_name(site: Path, tmp_path: Path) -> None:
    unpack(wheel(tmp_path, "a", "1.0"), site)
    put(site, "a.egg-info", {"PKG-INFO": "Name: a\nVersion: 0.9\n"})
    put(
        site,
        "b-2.0.egg-info",
        {"PKG-INFO": "Name: b\nVersion: 2.0\n", "requires.txt": "six\n\n[x:python_version<'3']\ny\n"},
    )
    (site / "c.egg-info").write_text("Name: c\nVersion: 3.0\n")
    assert [(one.pin, one.requires) for one in distributions_in([site])] == [
        ("a==1.0", ()),
        ("b==2.0", ("six", "y ; (python_version<'3') and extra == \"x\"")),
        ("c==3.0", ()),
    ]
    assert [one.problems for one in distributions_in([site])] == [()] * 3


def test_a_folder_is_read_once_also_through_a_link(site: Path, tmp_path: Path) -> None:
    unpack(wheel(tmp_path, "a", "1.0"), site)
    lib64 = site.parents[2] / "lib64"
    lib64.symlink_to("lib")
    assert len(distributions_in([site, lib64 / "python3.11" / "site-packages", tmp_path / "absent"])) == 1


def test_an_environment_has_what_lies_in_lib_and_in_a_lib64_of_its_own(site: Path, tmp_path: Path) -> None:
    venv = site.parents[2]
    unpack(wheel(tmp_path, "a", "1.0"), site)
    (venv / "lib64").symlink_to("lib")
    assert [one.pin for one in distributions_of(venv, "3.11")] == ["a==1.0"]
    (venv / "lib64").unlink()
    assert [one.pin for one in distributions_of(venv, "3.11")] == ["a==1.0"]
    own = venv / "lib64/python3.11/site-packages"
    own.mkdir(parents=True)
    (unpack(wheel(tmp_path, "b", "2.0"), own).parent / "b.py").unlink()
    found = distributions_of(venv, "3.11")
    assert [(one.pin, len(one.damage)) for one in found] == [("a==1.0", 0), ("b==2.0", 1)]
    assert distributions_of(venv, "3.11", with_damage=False)[1].damage == ()
    assert distributions_of(venv, "3.12") == ()


def test_owners_names_everyone_who_claims_a_path(site: Path, tmp_path: Path) -> None:
    unpack(wheel(tmp_path, "B", "1.0", files={"shared.py": "b\n", "b.py": ""}), site)
    unpack(wheel(tmp_path, "a", "1.0", files={"pkg/../shared.py": "a\n", "a.py": ""}), site)
    assert owners(distributions_in([site])) == {site / "shared.py": ("a", "b")}


@settings(max_examples=100, deadline=None)
@given(
    files=st.fixed_dictionaries(
        {
            name: st.binary(max_size=200) | st.text(max_size=200).map(str.encode)
            for name in ("METADATA", "WHEEL", "RECORD", "direct_url.json", "INSTALLER")
        }
    ),
    fields=st.lists(st.sampled_from(["Name", "Version", "Requires-Dist", "Requires-Python", "Provides-Extra"])),
)
def test_no_bytes_give_a_traceback(
    tmp_path_factory: pytest.TempPathFactory, files: dict[str, bytes], fields: list[str]
) -> None:
    site = tmp_path_factory.mktemp("site")
    metadata = b"".join(field.encode() + b": " + files["METADATA"] + b"\n" for field in fields)
    put(site, "foo-1.0.dist-info", {**files, "METADATA": metadata or files["METADATA"]})
    found = only(site)
    assert all(text.isprintable() for text in (found.label, *found.requires, *found.problems, *found.tags))
