"""What of a pylock.toml a build takes: what holds for its target, and only what an index has."""

from __future__ import annotations

import hashlib
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from packaging.markers import default_environment

from venvbuild.errors import Problem, RequirementsRefused, UsageError
from venvbuild.requirements import Part, Requirements, Selection, read, reread

HERE = {name: str(value) for name, value in default_environment().items()} | {
    "python_version": "3.11", "python_full_version": "3.11.7", "sys_platform": "linux", "platform_machine": "x86_64",
}  # fmt: skip
TAGS = ("cp311-cp311-manylinux_2_17_x86_64", "py3-none-any")
A, B, C = "a" * 64, "b" * 64, "c" * 64


def package(name: str, version: str = "1.0", *more: str, wheels: str = "py3-none-any", sdist: bool = False) -> str:
    """An entry with a wheel of each tag."""
    stem, hashes = f"https://h/{name}-{version}", f'hashes = {{ sha256 = "{A}" }}'
    files = [f'{{ url = "{stem}-{tag}.whl", {hashes} }}' for tag in wheels.split()]
    lines = ["[[packages]]", f'name = "{name}"', f'version = "{version}"', *more]
    lines += [f"wheels = [{', '.join(files)}]"] if files else []
    if sdist:
        lines.append(f'sdist = {{ url = "https://h/{name}-{version}.tar.gz", hashes = {{ sha256 = "{B}" }} }}')
    return "".join(f"{line}\n" for line in lines)


def chosen(
    tmp_path: Path, *packages: str, head: str = "", here: Mapping[str, str] = HERE, **wanted: Any
) -> Requirements:
    path = tmp_path / "pylock.toml"
    path.write_text(f'lock-version = "1.0"\ncreated-by = "uv"\n{head}\n' + "\n".join(packages))
    return read(path, here, selection=Selection(**{"tags": TAGS, **wanted}))


def of_python(version: str) -> dict[str, Any]:
    """What `chosen` is given for this Python X.Y on the same machine."""
    tag, abi = "manylinux_2_17_x86_64", f"cp{version.replace('.', '')}"
    tags = (f"{abi}-{abi}-{tag}", f"{abi}-abi3-{tag}", f"{abi}-none-any", "py3-none-any")
    return {"here": {**HERE, "python_version": version, "python_full_version": f"{version}.4"}, "tags": tags}


def pins(tmp_path: Path, *packages: str, **wanted: Any) -> list[str]:
    return [pin.bare for pin in chosen(tmp_path, *packages, **wanted).pins]


def refused(tmp_path: Path, *packages: str, **wanted: Any) -> tuple[Problem, ...]:
    with pytest.raises(RequirementsRefused) as caught:
        chosen(tmp_path, *packages, **wanted)
    return caught.value.problems


def test_what_holds_on_the_target_is_taken_and_nothing_else(tmp_path: Path) -> None:
    here, elsewhere = "marker = \"sys_platform == 'linux'\"", "marker = \"sys_platform == 'win32'\""
    new, old = "marker = \"python_version >= '3.11'\"", "marker = \"python_version < '3.11'\""
    packages = (
        package("a", "1.0", here), package("b", "1.0", elsewhere), package("c", "1.0", old), package("c", "2.0", new),
    )  # fmt: skip
    assert pins(tmp_path, *packages) == ["a==1.0", "c==2.0"]


def test_extras_and_groups_are_those_that_are_asked_for_and_the_default_ones(tmp_path: Path) -> None:
    head = 'extras = ["web", "csv-files"]\ndependency-groups = ["dev", "Docs"]\ndefault-groups = ["main"]'
    marks = {
        "base": "'main' in dependency_groups", "w": "'web' in extras", "c": "'csv-files' in extras",
        "d": "'dev' in dependency_groups", "e": "'docs' in dependency_groups",
        "f": "'web' in extras and 'dev' in dependency_groups",
    }  # fmt: skip
    packages = [package(name, "1.0", f'marker = "{marker}"') for name, marker in marks.items()]

    def names(**wanted: Any) -> str:
        return " ".join(pin.partition("==")[0] for pin in pins(tmp_path, *packages, head=head, **wanted))

    assert names() == "base"
    assert names(extras=("web",)) == "base w"
    assert names(extras=("CSV_files",), groups=("docs",)) == "base c e"
    assert names(extras=("web", "web"), groups=("dev",)) == "base w d f"


def test_an_extra_or_group_that_is_not_there_is_refused_with_those_that_are(tmp_path: Path) -> None:
    head = 'extras = ["web", "csv"]\ndependency-groups = ["dev"]\ndefault-groups = ["main"]'
    problems = refused(tmp_path, package("a"), head=head, extras=("wbe",), groups=("live", "dev"))
    assert [(one.rule, one.what, one.why, one.fix) for one in problems] == [
        ("NO_SUCH_EXTRA", "there is no extra wbe", "it has csv, web", "correct --extra"),
        ("NO_SUCH_GROUP", "there is no group live", "it has dev", "correct --group"),
    ]
    [problem] = refused(tmp_path, package("a"), extras=("web",))
    assert (problem.why, problem.fix) == ("it has none", "leave --extra out")


@pytest.mark.parametrize(("head", "marker", "wanted"), [
    ('extras = ["Dev_X"]', "'dev-x' in extras", {"extras": ("dev.x",)}),
    ('extras = "dev"', "'dev' not in extras", {}),
    ('dependency-groups = [1]', "'dev' in dependency_groups", {"groups": ("dev",)}),
    ('default-groups = [1]', "'main' in dependency_groups", {}),
])  # fmt: skip
def test_of_extras_and_groups_that_cannot_be_read_only_that_is_told(
    head: str, marker: str, wanted: dict[str, Any], tmp_path: Path
) -> None:
    packages = (package("a"), package("b", "1.0", f'marker = "{marker}"'), package("c", wheels="cp312-cp312-win32"))
    first, other = refused(tmp_path, *packages, head=head, **wanted)
    assert (first.rule, first.line, other.rule) == ("PYLOCK", 3, "NO_WHEEL")
    assert first.what == f"its {head.partition(' ')[0]} cannot be read"


@pytest.mark.parametrize(("wanted", "flag"), [({"extras": ("web",)}, "--extra"), ({"groups": ("dev",)}, "--group")])
def test_of_a_requirements_file_nobody_can_choose(wanted: dict[str, Any], flag: str, tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text("a==1\n")
    with pytest.raises(UsageError) as caught:
        read(tmp_path / "requirements.txt", HERE, selection=Selection(**wanted))
    assert caught.value.problems[0].where == flag
    assert f"leave {flag} out" in caught.value.problems[0].fix


@pytest.mark.parametrize(("head", "more", "rule", "line"), [
    ('requires-python = ">=3.12"', "", "REQUIRES_PYTHON", None),
    ("", 'requires-python = ">=3.12"', "REQUIRES_PYTHON", 4),
    ("environments = [\"sys_platform == 'darwin'\"]", "", "ENVIRONMENTS", None),
])  # fmt: skip
def test_what_was_locked_for_another_target_is_refused(
    head: str, more: str, rule: str, line: int | None, tmp_path: Path
) -> None:
    [problem] = refused(tmp_path, package("a", "1.0", *([more] if more else [])), head=head)
    assert (problem.rule, problem.line) == (rule, line)
    fix = "build with --python 3.12, or lock again with uv" if rule == "REQUIRES_PYTHON" else "lock again with uv"
    assert problem.fix == fix
    good = head.replace("3.12", "3.11").replace("darwin", "linux")
    more = more.replace("3.12", "3.11")
    assert pins(tmp_path, package("a", "1.0", *([more] if more else [])), head=good) == ["a==1.0"]


def test_environments_that_nobody_can_decide_are_no_other_target(tmp_path: Path) -> None:
    here = {**HERE, "platform_release": "6.1-kernel"}
    doubtful, other = "platform_release >= '5'", "sys_platform == 'darwin'"
    [problem] = refused(tmp_path, package("a"), head=f'environments = ["{other}", "{doubtful}"]', here=here)
    asked = doubtful.replace("'", '"')
    what = f"nobody can say whether it is for Python 3.11 on linux_x86_64: of its environments {asked}"
    why = "`platform_release`, which is 6.1-kernel, cannot be compared as a version with >= '5'"
    assert (problem.rule, problem.what, problem.why) == ("MARKER", what, why)
    assert problem.fix == "correct it, or lock again with uv"
    corrected = f'environments = ["{doubtful}", "sys_platform == \'linux\'"]'
    assert pins(tmp_path, package("a"), head=corrected, here=here) == ["a==1.0"]


@pytest.mark.parametrize(("source", "rule"), [
    ('vcs = { type = "git", url = "https://h/a.git", commit-id = "abc" }', "VCS"),
    ('directory = { path = "." }', "DIRECTORY"), ('directory = { path = "../x", editable = true }', "DIRECTORY"),
    (f'archive = {{ url = "https://h/a.zip", hashes = {{ sha256 = "{A}" }} }}', "ARCHIVE"),
])  # fmt: skip
def test_what_is_no_release_of_an_index_is_refused_by_name_where_it_is_wanted(
    source: str, rule: str, tmp_path: Path
) -> None:
    entry = f'[[packages]]\nname = "proj"\n{source}\n'
    [problem] = refused(tmp_path, package("a"), entry)
    assert (problem.rule, problem.line) == (rule, 9)
    assert problem.what.startswith("proj comes from a")
    elsewhere = f"{entry}marker = \"sys_platform == 'win32'\"\n"
    assert pins(tmp_path, package("a"), elsewhere) == ["a==1.0"]


@pytest.mark.parametrize(("path", "flag"), [(".", "--no-emit-project"), ("../lib", "--no-emit-local")])
def test_what_uv_exports_of_a_project_is_left_out_by_its_own_flag(path: str, flag: str, tmp_path: Path) -> None:
    exported = "# This file was autogenerated by uv via:\n#    uv export --format pylock.toml -o pylock.toml"
    entry = f'[[packages]]\nname = "proj"\ndirectory = {{ path = "{path}", editable = true }}\n'
    [problem] = refused(tmp_path, package("a"), entry, head=exported)
    command = problem.fix.partition(": ")[2]
    assert shlex.split(command) == ["uv", "export", "--format", "pylock.toml", flag, "-o", "pylock.toml"]


def test_two_entries_of_a_name_that_both_hold_are_refused_with_both_lines(tmp_path: Path) -> None:
    [problem] = refused(tmp_path, package("a"), package("a", "2.0"))
    assert (problem.rule, problem.line) == ("DUPLICATE_CONFLICT", 9)
    assert problem.what == "a is listed twice for Python 3.11 on linux_x86_64: also on line 4"


def test_a_wheel_for_the_target_is_wanted_and_source_only_where_it_is_allowed(tmp_path: Path) -> None:
    foreign = package("native", "1.0", wheels="cp312-cp312-manylinux_2_17_x86_64 cp311-cp311-win_amd64", sdist=True)
    source = package("source", wheels="", sdist=True)
    problems = refused(tmp_path, foreign, source, package("bare", wheels="cp312-cp312-win32"))
    assert [(one.rule, one.line) for one in problems] == [("NO_WHEEL", 4), ("NO_WHEEL", 10), ("NO_WHEEL", 15)]
    assert [one.fix for one in problems] == [
        "build with --python 3.12, or with --allow-sdist native, or lock again with uv",
        "build with --allow-sdist source, or lock again with uv",
        "lock again with uv",
    ]
    only = "source is built only where that is allowed by name"
    assert [one.why for one in problems] == [
        f"it has wheels for cp312-cp312-manylinux_2_17_x86_64, cp311-cp311-win_amd64; {only}", only,
        "it has wheels for cp312-cp312-win32",
    ]  # fmt: skip
    allowed = chosen(tmp_path, foreign, source, sdists={"native", "source"})
    assert [pin.hashes for pin in allowed.pins] == [(f"sha256:{A}", f"sha256:{B}"), (f"sha256:{B}",)]
    # where nothing can be built, nobody is told to allow it
    assert all("--allow-sdist" not in one.fix for one in refused(tmp_path, foreign, source, sdists=None))


def test_the_pins_are_a_requirements_file_with_every_hash_whose_lines_are_those_of_the_lock(tmp_path: Path) -> None:
    packages = package("b", "1.0", wheels="py3-none-any cp311-cp311-win_amd64", sdist=True), package("a", "2.0")
    found = chosen(tmp_path, *packages, head='extras = ["web"]', extras=("web",))
    assert found.content.decode().splitlines() == [
        "# The pins of pylock.given.toml for Python 3.11 on linux_x86_64, written by venvbuild.", "# With --extra web.",
        "b==1.0 \\", f"    --hash=sha256:{A} \\", f"    --hash=sha256:{B}", "a==2.0 \\", f"    --hash=sha256:{A}",
    ]  # fmt: skip
    name = str(tmp_path / "pylock.toml")
    assert [pin.where for pin in found.pins] == [f"{name}:4", f"{name}:10"]
    given = (tmp_path / "pylock.toml").read_bytes()
    assert (found.pylock, found.sha256) == (given, hashlib.sha256(given).hexdigest())
    # as the later steps read what `check` wrote
    again = reread(found.content, name, HERE, [Part(*part) for part in found.parts])
    assert (again.pins, again.active) == (found.pins, found.pins)


def test_a_file_without_anything_for_the_target_is_refused(tmp_path: Path) -> None:
    [problem] = refused(tmp_path, package("a", "1.0", "marker = \"sys_platform == 'win32'\""))
    assert (problem.rule, problem.what) == ("EMPTY", "there is nothing to install")
    [problem] = refused(tmp_path, head="packages = []")
    assert problem.rule == "EMPTY"


def test_a_lock_of_ours_for_another_target_is_told_where_one_is(tmp_path: Path) -> None:
    path = tmp_path / "pylock.toml"
    head = 'lock-version = "1.0"\ncreated-by = "venvbuild"\nenvironments = ["sys_platform == \'darwin\'"]\n'
    path.write_text(head + package("a"))
    with pytest.raises(RequirementsRefused) as caught:
        read(path, HERE)
    assert caught.value.problems[0].fix == "take that of a build for this target: venvbuild lock BUILD"


def test_an_interpreter_before_its_release_and_one_built_by_hand_are_judged_too(tmp_path: Path) -> None:
    head = 'requires-python = ">=3.11"'
    path = tmp_path / "pylock.toml"
    path.write_text(f'lock-version = "1.0"\ncreated-by = "uv"\n{head}\n' + package("a"))
    for full in ("3.15.0rc1", "3.13.0+"):
        assert read(path, {**HERE, "python_full_version": full}).pins


def test_what_everybody_is_told_of_a_pin_is_told_of_these_too(tmp_path: Path) -> None:
    found = chosen(tmp_path, package("a", "1.0rc1"), package("pip", "26.3"))
    assert [(one.rule, one.line) for one in found.warnings] == [("PRERELEASE", 4), ("TOOL_PIN", 9)]


def test_a_group_whose_name_breaks_the_line_writes_none_of_its_own(tmp_path: Path) -> None:
    marker = "marker = \"'x' in dependency_groups\""
    found = chosen(tmp_path, package("a"), package("b", "1.0", marker), head='dependency-groups = ["x", "y\\nevil==1"]',
                   groups=("x", "y\nevil==1"))  # fmt: skip
    assert [pin.bare for pin in found.pins] == ["a==1.0", "b==1.0"]


def test_for_a_later_release_of_the_same_python_another_is_named(tmp_path: Path) -> None:
    here = HERE["python_version"]
    [problem] = refused(tmp_path, package("a"), head=f'requires-python = ">={here}.90"')
    assert problem.fix.startswith("build with --python 3.")
    assert f"--python {here}," not in problem.fix


LINUX = "manylinux_2_17_x86_64"
NEW, OLD = 'requires-python = ">=3.11"', "marker = \"python_version < '3.12'\""


@pytest.mark.parametrize(("packages", "head", "python"), [
    ([package("a", wheels=f"cp310-cp310-{LINUX} cp313-cp313-{LINUX}")], "", "3.10"),
    ([package("a", wheels=f"cp310-cp310-{LINUX} cp313-cp313-{LINUX}"), package("b", "1.0", NEW)], "", "3.13"),
    ([package("a", wheels=f"cp310-cp310-{LINUX} cp314-abi3-{LINUX}")], 'requires-python = ">=3.12"', "3.14"),
    ([package("a", "1.0", OLD, wheels="cp311-cp311-win32"), package("b")], "", "3.12"),
    ([package("a", "1.0", OLD.replace("<", ">="))], "", "3.12"),
    ([package("a")], "environments = [\"python_version >= '3.13'\"]", "3.13"),
    ([package("a", "1.0", "marker = \"python_version == '3.11'\"", wheels="cp312-cp312-any")], "", ""),
    ([package("a", wheels="cp310-cp310-win32")], "", ""),
    ([package("a", wheels=f"cp310-cp310-{LINUX}"), package("b", wheels=f"cp311-cp311-{LINUX}")], "", ""),
    ([package("a")], "requires-python = '>=3.16'", ""),
])  # fmt: skip
def test_another_python_is_advised_where_all_of_the_file_can_be_had_with_it(
    packages: list[str], head: str, python: str, tmp_path: Path
) -> None:
    for problem in refused(tmp_path, *packages, head=head):
        assert problem.fix == (f"build with --python {python}, or " if python else "") + "lock again with uv"
    if python:
        assert pins(tmp_path, *packages, head=head, **of_python(python))
        # who cannot have that one is not told of it
        assert all("--python" not in one.fix for one in refused(tmp_path, *packages, head=head, pythons=("3.8", "3.9")))


def test_another_platform_is_advised_where_one_can_be_chosen_and_all_can_be_had_there(tmp_path: Path) -> None:
    arm = ("cp311-cp311-manylinux_2_17_aarch64", "py3-none-any")
    packages = [package("a", wheels=arm[0]), package("b")]
    there: dict[str, Any] = {"sdists": None, "platforms": {"x86_64": TAGS, "aarch64": arm}}
    [problem] = refused(tmp_path, *packages, **there)
    assert problem.fix == "build with --platform aarch64, or lock again with uv"
    assert len(pins(tmp_path, *packages, here={**HERE, "platform_machine": "aarch64"}, tags=arm, sdists=None)) == 2
    [problem] = refused(tmp_path, *packages, package("c", "1.0", "marker = \"platform_machine != 'x86_64'\"",
                                                     wheels="cp312-cp312-win32"), **there)  # fmt: skip
    assert problem.fix == "lock again with uv"


ELSEWHERE = "marker = \"sys_platform == 'win32'\""
WRONG = {
    "only md5": (f'{{ sha256 = "{A}" }}', '{ md5 = "x" }', "BAD_HASH"),
    "no hash": (f', hashes = {{ sha256 = "{A}" }}', "", "HASH_MISSING"),
    "another package's": ("h/a-1.0", "h/evil-1.0", "BAD_FILE"),
    "an egg": ("-py3-none-any.whl", "-py3.11.egg", "BAD_FILE"),
    "a size below none": (", hashes", ", size = -1, hashes", "PYLOCK"),
    "an odd index": ("wheels", "index = 7\nwheels", "PYLOCK"),
}


@pytest.mark.parametrize("kind", WRONG)
def test_what_is_wrong_with_a_package_for_other_targets_refuses_nothing(kind: str, tmp_path: Path) -> None:
    before, after, rule = WRONG[kind]
    [problem, *_] = refused(tmp_path, package("b"), package("a").replace(before, after))
    assert (problem.rule, problem.line) == (rule, 9 if "index" in after else 12)
    assert pins(tmp_path, package("b"), package("a", "1.0", ELSEWHERE).replace(before, after)) == ["b==1.0"]


@pytest.mark.parametrize("kind", [one for one in WRONG if one != "an odd index"])
def test_what_is_wrong_with_a_wheel_for_other_targets_leaves_out_that_wheel(kind: str, tmp_path: Path) -> None:
    before, after, _ = WRONG[kind]
    entry = package("a", wheels="cp311-cp311-win_amd64 py3-none-any")
    first, rest = entry.split(".whl", 1)
    foreign = (first + ".whl" + rest.partition("},")[0] + "},").replace("cp311-cp311-win_amd64", "py3-none-any")
    changed = foreign.replace(before, after).replace("py3-none-any", "cp311-cp311-win_amd64").replace(A, C)
    found = chosen(tmp_path, changed + entry[len(first) + 4 :].partition("},")[2])
    assert [pin.hashes for pin in found.pins] == [(f"sha256:{A}",)]


def test_source_that_cannot_be_taken_is_no_advice_and_told_where_it_is_wanted(tmp_path: Path) -> None:
    entry = package("a", wheels="cp312-cp312-win32", sdist=True).replace(B, "b")
    problems = refused(tmp_path, entry)
    assert [(one.rule, one.fix) for one in problems] == [
        ("NO_WHEEL", "lock again with uv"), ("BAD_HASH", "lock again with sha256"),
    ]  # fmt: skip
    assert [one.rule for one in refused(tmp_path, entry, sdists={"a"})] == ["BAD_HASH"]
    assert [one.rule for one in refused(tmp_path, entry, sdists=None)] == ["NO_WHEEL"]


@pytest.mark.parametrize("marker", ["", ELSEWHERE])
def test_a_path_that_leads_out_and_a_credential_are_refused_whoever_wants_them(marker: str, tmp_path: Path) -> None:
    for url, rule in (("file:///srv/", "ESCAPES"), ("https://me:hunter2-Canary@h/", "CREDENTIALS")):
        entry = package("a", "1.0", *([marker] if marker else [])).replace("https://h/", url)
        [problem] = refused(tmp_path, package("b"), entry)
        assert problem.rule == rule
        assert "Canary" not in problem.as_line()


NO_VERSION = "`platform_release`, which is 6.1-kernel, cannot be compared as a version with"


@pytest.mark.parametrize("source", [
    'vcs = { type = "git", path = "/srv/x", commit-id = "abc" }',
    f'archive = {{ path = "../x.tar.gz", hashes = {{ sha256 = "{A}" }} }}',
    f'archive = {{ url = "file:///srv/x.tar.gz", hashes = {{ sha256 = "{A}" }} }}',
])  # fmt: skip
def test_a_source_that_leads_out_is_refused_for_that_where_it_is_not_wanted(source: str, tmp_path: Path) -> None:
    kind = source.partition(" ")[0]
    entry = f'[[packages]]\nname = "c"\n{ELSEWHERE}\n{source}\n'
    [problem] = refused(tmp_path, package("b"), entry)
    assert (problem.rule, problem.line) == ("ESCAPES", 12)
    assert problem.what == f"c: its {kind} has a path that leads out of the folder of this file"
    assert problem.fix.startswith("leave it out, or release it to the index")
    assert pins(tmp_path, package("b")) == ["b==1.0"]
    assert [one.rule for one in refused(tmp_path, package("b"), entry.replace(ELSEWHERE, ""))] == [kind.upper()]
    inside = entry.replace("../", "./").replace("file:///", "https://h/").replace("/srv/", "srv/")
    assert pins(tmp_path, package("b"), inside) == ["b==1.0"]


HEAD = 'extras = ["web"]\ndependency-groups = ["dev"]'


@pytest.mark.parametrize(("marker", "why"), [
    ("python_full_version < 'a'", "`python_full_version`, which is 3.11.7, cannot be compared as a version with < 'a'"),
    ("'abc' < python_version", "`python_version`, which is 3.11, cannot be compared as a version with 'abc' <"),
    ("python_version ~= '3'", "`python_version`, which is 3.11, cannot be compared as a version with ~= '3'"),
    ("platform_release >= '5'", "`platform_release`, which is 6.1-kernel, cannot be compared as a version with >= '5'"),
    ("platform_release != '4.0'", f"{NO_VERSION} != '4.0'"),
    ("platform_release === '6 1'", f"{NO_VERSION} === '6 1'"),
    ("platform_release == '6.*'", f"{NO_VERSION} == '6.*'"),
    ("sys_platform >= 'a'", "`sys_platform` is text, which has no order: it can be == or !="),
    ("sys_platform ~= 'a'", "`sys_platform` is text, which has no order: it can be == or !="),
    ("os_name == sys_platform", "a comparison needs one name and one quoted value"),
    ("'posix' == 'posix'", "a comparison needs one name and one quoted value"),
    ("extra == 'web'", "`extra` is of what a package says it needs; in a lock it is 'web' in extras"),
    ("extras == 'web'", "`extras` is a set of names: it can be asked with 'name' in extras"),
    ("'web' == extras", "`extras` is a set of names: it can be asked with 'name' in extras"),
    ("'wbe' in extras", "the file has no extra wbe, so that nobody can ask for it; it has web"),
    ("'wbe' not in extras", "the file has no extra wbe, so that nobody can ask for it; it has web"),
    ("'live' in dependency_groups", "the file has no group live, so that nobody can ask for it; it has dev"),
    ("implementation_version > '3'", "`implementation_version` is not known of the target"),
    ("sys_platform == 'linux' and 'x' in extras", "the file has no extra x, so that nobody can ask for it; it has web"),
])  # fmt: skip
def test_a_marker_that_means_nothing_leaves_nothing_out_without_a_word(marker: str, why: str, tmp_path: Path) -> None:
    here = {**HERE, "platform_release": "6.1-kernel"}
    del here["implementation_version"]
    entry = package("b", "1.0", f'marker = "{marker}"')
    [problem] = refused(tmp_path, package("a"), entry, head=HEAD, here=here)
    assert (problem.rule, problem.line, problem.why) == ("MARKER", 10, why)
    assert problem.what == f"nobody can say whether b is meant: its marker is {marker}"
    assert problem.fix == "correct it, or lock again with uv"


@pytest.mark.parametrize("marker", [
    "platform_release >= '5'", "'generic' not in platform_release", "platform_version != 'x'", "platform_release == ''",
])  # fmt: skip
def test_what_is_empty_is_not_known_of_the_target(marker: str, tmp_path: Path) -> None:
    here = {**HERE, "platform_release": "", "platform_version": ""}
    [problem] = refused(tmp_path, package("a"), package("b", "1.0", f'marker = "{marker}"'), here=here)
    assert "` is not known of the target" in problem.why


@pytest.mark.parametrize(
    ("marker", "holds"), [("platform_release != '6.1.0'", False), ("platform_release == '6.*'", True)]
)
def test_a_kernel_whose_release_is_a_version_is_compared_as_one(marker: str, holds: bool, tmp_path: Path) -> None:
    entry = package("b", "1.0", f'marker = "{marker}"')
    here = {**HERE, "platform_release": "6.1"}
    assert ("b==1.0" in pins(tmp_path, package("a"), entry, here=here)) is holds
    own = {**HERE, "platform_release": "6.1+"}
    assert [one.rule for one in refused(tmp_path, package("b", "1.0", f'marker = "{marker}"'), here=own)] == ["MARKER"]
    [problem] = refused(tmp_path, package("b", "1.0", "marker = \"'abc' != platform_release\""), here=here)
    assert problem.why == "`platform_release`, which is 6.1, cannot be compared as a version with 'abc' !="


@pytest.mark.parametrize(("marker", "holds"), [
    ("sys_platform == 'win32' and platform_release >= '10'", False), ("python_version < '3' and 'x' in extras", False),
    ("sys_platform == 'linux' or platform_release >= '10'", True), ("'WEB' in extras", False),
    ("(os_name == 'posix' or 'x' in extras) and python_version in '3.10 3.11'", True),
    ("'dev' not in dependency_groups", True), ("'3.12' > python_version", True),
    ("platform_release == '6.1-kernel'", True), ("platform_release != '5.4-azure'", True),
    ("'4.0' != platform_release", True), ("platform_release === '4.0'", False),
    ("python_full_version >= '3.11.7'", True),
    ("python_version === '3.11'", True), ("python_version == '3.*'", True), ("'linux' in sys_platform", True),
    ("platform_python_implementation == 'a\\\"b'", False),
])  # fmt: skip
def test_what_decides_a_marker_is_all_that_counts(marker: str, holds: bool, tmp_path: Path) -> None:
    here = {**HERE, "platform_release": "6.1-kernel"}
    entry = package("b", "1.0", f'marker = "{marker}"')
    assert ("b==1.0" in pins(tmp_path, package("a"), entry, head=HEAD, here=here)) is holds
