"""A damaged pylock.toml is refused by name, with its line, and never with a traceback; all of it in one run."""

from __future__ import annotations

import copy
import datetime
import json
import math
import random
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from packaging.markers import default_environment

from venvbuild.errors import Problem, RequirementsRefused
from venvbuild.requirements import pylock
from venvbuild.requirements.documents import is_pylock_name
from venvbuild.requirements.file import MAX_FILE_BYTES, read
from venvbuild.requirements.pylock import read_pylock

HERE = {name: str(value) for name, value in default_environment().items()}
A, B, C = "a" * 64, "b" * 64, "c" * 64
GOOD = f"""\
lock-version = "1.0"
created-by = "uv"
requires-python = ">=3.8"

[[packages]]
name = "lib"
version = "1.0"
sdist = {{ url = "https://h/lib-1.0.tar.gz", size = 7, hashes = {{ sha256 = "{B}" }} }}
wheels = [
    {{ url = "https://h/lib-1.0-py3-none-any.whl", hashes = {{ sha256 = "{A}" }} }},
]

[[packages]]
name = "other"
version = "2.0"
wheels = [{{ path = "wheels/other-2.0-py3-none-any.whl", hashes = {{ sha256 = "{C}" }} }}]
"""


@dataclass(frozen=True)
class Damage:
    """A change of `GOOD`, and what is told of it."""

    before: str
    after: str
    rule: str
    line: int | None
    says: str = ""


PACKAGE, TOP = "\n[[packages]]\n", 'lock-version = "1.0"\n'
DAMAGES = {
    "cut off": Damage('sha256 = "' + C, "", "SYNTAX", 16, "it is not TOML"),
    "a key twice": Damage('version = "2.0"', 'version = "2.0"\nversion = "2.1"', "SYNTAX", 16, "it is not TOML"),
    "no version of the format": Damage(TOP, "", "LOCK_VERSION", None, "no lock-version"),
    "of a format to come": Damage(TOP, 'lock-version = "2.0"\n', "LOCK_VERSION", 1, "lock-version is 2.0"),
    "of a format that may add": Damage(TOP, 'lock-version = "1.1"\n', "LOCK_VERSION", 1, "lock-version is 1.1"),
    "a number for a version": Damage(TOP, "lock-version = 1.0\n", "LOCK_VERSION", 1, "lock-version is no text"),
    "nobody made it": Damage('created-by = "uv"\n', "", "PYLOCK", None, "no created-by"),
    "an odd Python": Damage('">=3.8"', '"3.8 or so"', "PYLOCK", 3, "its requires-python cannot be read"),
    "an odd environment": Damage('">=3.8"', '">=3.8"\nenvironments = ["x"]', "PYLOCK", 4, "its environments"),
    "an extra that is no list": Damage('">=3.8"', '">=3.8"\nextras = "web"', "PYLOCK", 4, "its extras"),
    "groups of numbers": Damage('">=3.8"', '">=3.8"\ndependency-groups = [1]', "PYLOCK", 4, "its dependency-groups"),
    "no name": Damage('name = "other"\n', "", "PYLOCK", 13, "package 2"),
    "a name of another form": Damage('name = "other"', 'name = "Other"', "PYLOCK", 13, "Other cannot be read"),
    "a name of a number": Damage('name = "other"', "name = 7", "PYLOCK", 13, "package 2"),
    "an odd version": Damage('version = "2.0"', 'version = "two"', "PYLOCK", 13, "other cannot be read"),
    "another version": Damage('version = "2.0"', 'version = "2.1"', "BAD_FILE", 16, "is no file of other 2.1"),
    "a version beyond numbers": Damage("2.0", "9" * 5000, "PYLOCK", 13, "other"),
    "an odd marker": Damage(
        'version = "2.0"', 'version = "2.0"\nmarker = "sky == blue"', "PYLOCK", 13, "the marker of other"
    ),
    "a package's odd Python": Damage(
        'version = "2.0"', 'version = "2.0"\nrequires-python = "x"', "PYLOCK", 13, "other cannot be read"
    ),
    "no file at all": Damage("wheels = [{ path", "attic = [{ path", "PYLOCK", 13, "other cannot be read"),
    "wheels that are no list": Damage("wheels = [\n", "wheels = 7\nattic = [\n", "PYLOCK", 5, "lib cannot be read"),
    "no hash": Damage(f'hashes = {{ sha256 = "{C}" }}', "size = 7", "HASH_MISSING", 16, "other-2.0-py3-none-any.whl"),
    "an empty hash": Damage(f'{{ sha256 = "{C}" }}', "{}", "HASH_MISSING", 16, "has no hash"),
    "a weak hash": Damage(f'{{ sha256 = "{C}" }}', '{ md5 = "x" }', "BAD_HASH", 16, "other-2.0-py3-none-any.whl"),
    "a short hash": Damage(C, C[:-1], "BAD_HASH", 16, "no hash that pip takes"),
    "a hash of a number": Damage(f'"{C}"', "7", "BAD_HASH", 16, "no hash that pip takes"),
    "a path upwards": Damage('"wheels/', '"../../', "ESCAPES", 16, "other-2.0-py3-none-any.whl"),
    "a path upwards inside": Damage('"wheels/', '"wheels/../../x/', "ESCAPES", 16, "leads out of the folder"),
    "a path from the root": Damage('"wheels/', '"/srv/wheels/', "ESCAPES", 16, "leads out of the folder"),
    "a path of Windows": Damage('"wheels/', r'"..\\..\\', "ESCAPES", 16, "leads out of the folder"),
    "a drive of Windows": Damage('"wheels/', r'"C:\\wheels\\', "ESCAPES", 16, "leads out of the folder"),
    "a path home": Damage('"wheels/', '"~root/', "ESCAPES", 16, "leads out of the folder"),
    "a name that is a path": Damage(
        "{ path", '{ name = "../other-2.0-py3-none-any.whl", path', "ESCAPES", 16, "leads out of the folder"
    ),
    "no file's name": Damage("other-2.0-py3-none-any.whl", "other.whl", "BAD_FILE", 16, "other.whl"),
    "a file of another package": Damage("other-2.0-py3", "evil-2.0-py3", "BAD_FILE", 16, "is no file of other 2.0"),
    "neither URL nor path": Damage('path = "wheels/', 'name = "', "PYLOCK", 16, "-any.whl cannot be read"),
    "a size of text": Damage('hashes = { sha256 = "c', 'size = "7", hashes = { sha256 = "c', "PYLOCK", 16, "cannot be"),
    "a size that is none": Damage(
        'hashes = { sha256 = "c', 'size = true, hashes = { sha256 = "c', "PYLOCK", 16, "cannot"
    ),
    "a size below none": Damage(
        'hashes = { sha256 = "c', 'size = -1, hashes = { sha256 = "c', "PYLOCK", 16, "size of -1"
    ),
    "a time of text": Damage(
        'hashes = { sha256 = "c', 'upload-time = "now", hashes = { sha256 = "c', "PYLOCK", 16, "cann"
    ),
    "a day for a time": Damage(
        'hashes = { sha256 = "c', 'upload-time = 2026-11-01, hashes = { sha256 = "c', "PYLOCK", 16
    ),
    "a URL that is none": Damage(
        'path = "wheels/other-2.0-py3-none-any.whl"', 'url = "http://["', "BAD_FILE", 16, "other: "
    ),
    "a marker of a number": Damage(
        'version = "2.0"', 'version = "2.0"\nmarker = 7', "PYLOCK", 13, "the marker of other"
    ),
    "a marker without end": Damage(
        'version = "2.0"', f'version = "2.0"\nmarker = "{"(" * 5000}"', "PYLOCK", 13, "the marker of other"
    ),
    "an index of a number": Damage('version = "2.0"', 'version = "2.0"\nindex = 7', "PYLOCK", 13, "other cannot be"),
    "needs that are no tables": Damage('version = "2.0"', 'version = "2.0"\ndependencies = ["a"]', "PYLOCK", 13),
    "a wheel that is no table": Damage("wheels = [{ path", "wheels = [7, { path", "PYLOCK", 13, "other cannot be read"),
    "a folder and files": Damage('version = "2.0"', 'version = "2.0"\ndirectory = { path = "." }', "PYLOCK", 13),
    "a credential in a URL": Damage(
        "https://h/lib-1.0.tar.gz", "https://me:hunter2-Canary@h/lib-1.0.tar.gz", "CREDENTIALS", 8, "a credential"
    ),
    "a credential with an escape in it": Damage(
        "https://h/lib-1.0.tar.gz", r"https://me:hunter2-Canary\u0040h/lib-1.0.tar.gz", "CREDENTIALS", 5, "a credential"
    ),
    "a credential on several lines": Damage(
        '"https://h/lib-1.0.tar.gz"',
        '"""https://me:\\\n  hunter2-Canary\\\n  @h/lib-1.0.tar.gz"""',
        "CREDENTIALS",
        5,
        "a credential",
    ),
    "an escaped end of text": Damage('"uv"', r'"u\u0000v"', "CONTROL_CHAR", None, "U+0000"),
    "a file of this machine": Damage(
        "https://h/lib-1.0.tar.gz", "FILE:///srv/lib-1.0.tar.gz", "ESCAPES", 8, "leads out of the folder"
    ),
    "text that reads backwards": Damage('"uv"', '"u\u202ev"', "BIDI_CONTROL", 2, "U+202E"),
    "a line break that is none": Damage('"uv"', '"u\u2028v"', "HIDDEN_LINE_BREAK", 2, "U+2028"),
    "nested without end": Damage('"uv"', "[" * 5000, "SYNTAX", None, "it is not TOML"),
    "a mark of the order of bytes": Damage(TOP, f"\ufeff{TOP}", "BOM", 1, "byte order mark"),
}


def refused(content: str | bytes, tmp_path: Path, name: str = "pylock.toml") -> tuple[Problem, ...]:
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(RequirementsRefused) as caught:
        read(path, HERE)
    return caught.value.problems


def test_what_is_damaged_below_is_good(tmp_path: Path) -> None:
    (tmp_path / "pylock.toml").write_text(GOOD)
    assert [pin.bare for pin in read(tmp_path / "pylock.toml", HERE).pins] == ["lib==1.0", "other==2.0"]


@pytest.mark.parametrize("kind", DAMAGES)
def test_a_damaged_file_is_refused_by_name_with_its_line(kind: str, tmp_path: Path) -> None:
    damage = DAMAGES[kind]
    assert damage.before in GOOD
    problems = refused(GOOD.replace(damage.before, damage.after, 1), tmp_path)
    [problem] = problems
    assert (problem.rule, problem.line) == (damage.rule, damage.line), problem.as_line()
    assert damage.says in problem.what
    assert problem.where.startswith(str(tmp_path / "pylock.toml"))
    assert problem.why, problem.as_line()
    assert problem.fix
    assert "Canary" not in problem.as_line()


def test_bytes_that_are_no_text_have_their_line(tmp_path: Path) -> None:
    [problem] = refused(GOOD.encode().replace(b'"uv"', b'"\xff"'), tmp_path)
    assert (problem.rule, problem.line) == ("ENCODING", 2)


@pytest.mark.parametrize("packages", ["7", "[1]", "{}", '"a"'])
def test_packages_that_are_no_list_of_tables_are_refused(packages: str, tmp_path: Path) -> None:
    [problem] = refused(f'{TOP}created-by = "uv"\npackages = {packages}\n', tmp_path)
    assert (problem.rule, problem.what) == ("PYLOCK", "its packages cannot be read")


def test_a_secret_is_told_also_where_nothing_else_can_be_read(tmp_path: Path) -> None:
    content = GOOD.replace("https://h/lib", "https://me:hunter2-Canary@h/lib", 1).replace(TOP, "lock-version = \n")
    assert [problem.rule for problem in refused(content, tmp_path)] == ["CREDENTIALS", "SYNTAX"]


def test_all_damages_are_told_at_once(tmp_path: Path) -> None:
    content = GOOD.replace('created-by = "uv"\n', "").replace('n = "1.0"\nsdist', 'n = "one"\nsdist')
    content = content.replace(C, "x").replace('">=3.8"', '"x"')
    assert [problem.rule for problem in refused(content, tmp_path)] == ["PYLOCK", "PYLOCK", "PYLOCK", "BAD_HASH"]


ODD: tuple[Any, ...] = (
    7, -1, True, math.nan, "", "x", "\x1b[2J", [], [7], {}, {"a": 7},
    datetime.datetime(2026, 11, 1, tzinfo=datetime.UTC), datetime.date(2026, 11, 1),
)  # fmt: skip
OPTIONAL: dict[str, Any] = {
    "marker": "python_version > '3'", "requires-python": ">=3.8", "index": "https://h/simple", "tool": {"uv": {}},
    "dependencies": [{"name": "other"}], "attestation-identities": [{"kind": "GitHub"}], "vcs": None, "directory": None,
    "archive": None,
}  # fmt: skip
OF_FILE = {
    "name": "lib-1.0-py3-none-any.whl",
    "size": 7,
    "upload-time": datetime.datetime(2026, 11, 1, tzinfo=datetime.UTC),
}
FREE = {"tool", "dependencies", "attestation-identities"}
"""What is in these is read by nobody here."""


def toml(value: Any) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f'"{key}" = {toml(inner)}' for key, inner in value.items()) + " }"
    if isinstance(value, list):
        return f"[{', '.join(map(toml, value))}]"
    if isinstance(value, (datetime.datetime, datetime.date, datetime.time)):
        return value.isoformat()
    return json.dumps(value).replace("NaN", "nan")


def written(table: dict[str, Any]) -> str:
    """A pylock.toml whose packages have lines of their own, where they are a list of tables."""
    packages: Any = table.get("packages")
    is_plain = isinstance(packages, list) and packages and all(isinstance(one, dict) for one in packages)
    head = [f"{key} = {toml(value)}" for key, value in table.items() if key != "packages" or not is_plain]
    blocks = [["", "[[packages]]", *(f"{key} = {toml(value)}" for key, value in one.items())]
              for one in packages] if is_plain else []  # fmt: skip
    return "".join(f"{line}\n" for lines in [head, *blocks] for line in lines)


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where something stands in a table, at any depth."""
    if path:
        yield path
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, one in inner:
        yield from places(one, (*path, key))


def changed(table: dict[str, Any], place: tuple[Any, ...], value: Any) -> tuple[str, Any]:
    """The file with another value in one place, and what stood there. Of what is None a package has one at most."""
    at = table = copy.deepcopy(table)
    for key in place[:-1]:
        at = at[key]
    before, at[place[-1]] = at[place[-1]], value
    for package in table["packages"] if isinstance(table["packages"], list) else ():
        for key in [key for key, one in package.items() if one is None] if isinstance(package, dict) else ():
            del package[key]
    return written(table), before


def test_an_odd_value_anywhere_is_taken_for_what_it_is_or_refused_by_name_with_its_line(tmp_path: Path) -> None:
    whole = tomllib.loads(GOOD)
    whole |= {"environments": ["python_version > '3'"], "extras": ["web"], "dependency-groups": ["dev"],
              "default-groups": ["main"], "tool": {}}  # fmt: skip
    whole["packages"][0] |= OPTIONAL
    whole["packages"][0]["wheels"][0] |= OF_FILE
    path = tmp_path / "pylock.toml"
    for place in places(whole):
        for odd in ODD:
            text, before = changed(whole, place, odd)
            path.write_text(text)
            try:
                read(path, HERE)
            except RequirementsRefused as error:
                for problem in error.problems:
                    assert problem.where.startswith(str(path)), (place, odd)
                    assert problem.why, (place, odd)
                    assert problem.fix, (place, odd)
                    assert "\\n" not in problem.as_line(), (place, odd)
                    assert problem.line or len(place) < 3 or place[0] != "packages", (place, odd)
            else:
                # a source beside a wheel is nobody's matter
                assert (
                    type(odd) is type(before)
                    or FREE & {*place}
                    or "sdist" in place[2:-1]
                    or (place[2:] == ("sdist",) and isinstance(odd, dict))
                ), (place, odd)


def test_of_a_file_that_is_taken_at_a_glance_packaging_would_say_nothing_either() -> None:
    whole = {"url": "https://h/lib-1.0-py3-none-any.whl", **OF_FILE, "path": "lib-1.0-py3-none-any.whl"}
    whole["hashes"] = {"sha256": A, "md5": "x"}
    plain = []
    for key in whole:
        for odd in (*ODD, None):
            file = {name: value for name, value in {**whole, key: odd}.items() if value is not None}
            if key != "hashes" and pylock._is_plain(file):
                plain.append((key, odd))
                judged = {"created-by": "x", "packages": [{"name": "lib", "wheels": [file]}]}
                name = pylock._filename(file)
                assert not name.endswith("lib-1.0-py3-none-any.whl") or not pylock._judged(judged), (key, odd)
    assert {key for key, _ in plain} == {*whole} - {"hashes"}
    assert not pylock._is_plain({**whole, "hashes": {"sha256": A, "md5": 7}})


_MUTATIONS: tuple[Callable[[bytearray, random.Random], object], ...] = (
    lambda text, chance: text.pop(chance.randrange(len(text))),
    lambda text, chance: text.insert(chance.randrange(len(text)), chance.randrange(256)),
    lambda text, chance: text.__setitem__(chance.randrange(len(text)), chance.choice(b'"[]{}=.,\n\\x0')),
    lambda text, chance: text.__delitem__(slice(chance.randrange(len(text)), None)),
)


def test_no_change_of_a_byte_ends_in_a_traceback(tmp_path: Path) -> None:
    chance, ends = random.Random(7), set[str]()
    for _ in range(300):
        text = bytearray(GOOD.encode())
        for _ in range(chance.randrange(1, 4)):
            chance.choice(_MUTATIONS)(text, chance)
        path = tmp_path / "pylock.toml"
        path.write_bytes(text)
        try:
            read(path, HERE)
        except RequirementsRefused as error:
            ends |= {problem.rule for problem in error.problems}
    assert {"SYNTAX", "PYLOCK", "BAD_HASH", "ENCODING"} <= ends


@pytest.mark.parametrize("name", ["pylock.toml", "pylock.prod.toml", "pylock.a_b-c.toml"])
def test_the_names_of_pep_751_are_known(name: str) -> None:
    assert is_pylock_name(name)


@pytest.mark.parametrize("name", ["requirements.txt", "lock.toml", "pylock..toml", "pylock.a.b.toml", "my-pylock.toml"])
def test_under_another_name_the_file_is_told_what_it_is_to_be_called(name: str, tmp_path: Path) -> None:
    [problem] = refused(GOOD, tmp_path, name)
    assert problem.what == "the file is a pylock.toml"
    assert problem.fix == "name it pylock.toml or pylock.NAME.toml, and then: venvbuild build -r pylock.toml"
    (tmp_path / name).rename(tmp_path / "pylock.toml")
    assert read(tmp_path / "pylock.toml", HERE).pins


def test_the_lock_of_another_tool_under_this_name_is_known_for_what_it_is(tmp_path: Path) -> None:
    uv_lock = 'version = 1\nrequires-python = ">=3.11"\n\n[[package]]\nname = "idna"\nversion = "3.4"\n'
    [problem] = refused(uv_lock, tmp_path)
    assert (problem.what, problem.fix) == (
        "the file is a uv.lock", "in its folder: uv export --no-emit-project -o requirements.txt",
    )  # fmt: skip


def test_included_by_another_file_it_is_to_be_named_itself(tmp_path: Path) -> None:
    (tmp_path / "pylock.toml").write_text(GOOD)
    [problem] = refused("a==1\n-r pylock.toml\n", tmp_path, "requirements.txt")
    assert problem.fix == f"name it itself: venvbuild build -r {tmp_path}/pylock.toml"


def test_what_is_wrong_with_a_source_that_nobody_needs_here_refuses_nothing(tmp_path: Path) -> None:
    path = tmp_path / "pylock.toml"
    for before, after in (
        (f', hashes = {{ sha256 = "{B}" }}', ""), (B, "b"), ("lib-1.0.tar.gz", "lib-1.0.tar.bz2"),
        (f'{{ sha256 = "{B}" }}', '{ md5 = "x" }'), ("size = 7", "size = -7"), ("lib-1.0.tar", "evil-1.0.tar"),
    ):  # fmt: skip
        path.write_text(GOOD.replace(before, after, 1))
        assert [pin.hashes for pin in read(path, HERE).pins] == [(f"sha256:{A}",), (f"sha256:{C}",)]


@pytest.mark.parametrize(("name", "kind"), [("pylock.toml", "pylock.toml"), ("a.txt", "requirements file")])
def test_a_file_that_is_too_large_is_called_what_it_is(name: str, kind: str, tmp_path: Path) -> None:
    with (tmp_path / name).open("wb") as file:
        file.truncate(MAX_FILE_BYTES + 1)
    with pytest.raises(RequirementsRefused) as caught:
        read(tmp_path / name, HERE)
    assert caught.value.problems[0].fix == f"check that this is the {kind}"


@pytest.mark.parametrize(("marker", "said"), [
    ("sky == blue", "Expected a marker variable or quoted string: sky == blue"),
    ("os_name == 'x' and", "Expected a marker variable or quoted string at the end of: os_name == 'x' and"),
    ("(os_name == 'x'",
     "Expected matching RIGHT_PARENTHESIS for LEFT_PARENTHESIS, after marker expression: (os_name == 'x'"),
    (r"os_name == 'x'\n or os_name == 'y'", "Expected end of marker expression: or os_name == 'y'"),
])  # fmt: skip
def test_why_a_marker_cannot_be_read_is_told_on_a_line_from_where_it_goes_wrong(
    marker: str, said: str, tmp_path: Path
) -> None:
    [problem] = refused(GOOD.replace('version = "2.0"', f'version = "2.0"\nmarker = "{marker}"'), tmp_path)
    assert (problem.why, problem.line) == (said, 13)


def test_a_list_that_is_written_inline_has_no_lines() -> None:
    wheel = f'{{ path = "a-1-py3-none-any.whl", hashes = {{ sha256 = "{A}" }} }}'
    packages = f'[{{ name = "a", version = "1", wheels = [{wheel}] }}]'
    lock = read_pylock(f'lock-version = "1.0"\ncreated-by = "me"\npackages = {packages}\n'.encode(), "pylock.toml")
    assert [(one.name, one.line) for one in lock.entries] == [("a", 1)]
    assert lock.problems == ()


def test_of_several_hashes_of_a_file_the_one_that_everybody_knows_counts() -> None:
    def digest(hashes: str) -> str:
        lock = read_pylock(GOOD.replace(f'sha256 = "{C}"', hashes).encode(), "pylock.toml")
        wheel = lock.entries[1].wheels[0]
        return wheel.fault.rule if wheel.fault else wheel.digest

    assert digest(f'sha512 = "{"d" * 128}", sha256 = "{C.upper()}", md5 = "x"') == f"sha256:{C}"
    assert digest(f'blake2b = "x", sha512 = "{"d" * 128}"') == f"sha512:{'d' * 128}"
    assert digest('blake2b = "x"') == "BAD_HASH"


def test_where_the_file_says_no_version_the_names_of_its_wheels_do() -> None:
    lock = read_pylock(GOOD.replace('version = "2.0"\n', "").encode(), "pylock.toml")
    assert [one.version for one in lock.entries] == ["1.0", "2.0"]
