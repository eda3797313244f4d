"""A requirements file is a list of exact pins, or every reason why it is not."""

from __future__ import annotations

import base64
import codecs
import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from packaging.markers import default_environment

from venvbuild.errors import Problem, RequirementsRefused, UsageError
from venvbuild.redaction import REDACTOR
from venvbuild.requirements.credentials import holds_credential
from venvbuild.requirements.file import MAX_FILE_BYTES, Requirements, Suggested, parse, read
from venvbuild.requirements.options import Sources
from venvbuild.requirements.pins import Pin

CASES = json.loads((Path(__file__).parents[1] / "corpus" / "nasty-requirements.json").read_text("utf-8"))["cases"]
NAME = "requirements.txt"
HASH, OTHER_HASH = "sha256:" + "0" * 64, "sha256:" + "1" * 64


def target(python: str = "3.10") -> dict[str, str]:
    known = {key: str(value) for key, value in default_environment().items()}
    return known | {"python_version": python, "python_full_version": f"{python}.9", "sys_platform": "linux"}


def accepted(content: str | bytes, python: str = "3.10") -> Requirements:
    return parse(content if isinstance(content, bytes) else content.encode(), "requirements.txt", target(python))


def problems(content: str | bytes) -> tuple[Problem, ...]:
    with pytest.raises(RequirementsRefused) as caught:
        accepted(content)
    assert caught.value.exit_code == 3
    return caught.value.problems


def the_problem(content: str | bytes) -> Problem:
    (problem,) = problems(content)
    return problem


def rules(found: Sequence[Problem]) -> set[str]:
    return {problem.rule for problem in found}


# --- the corpus


def content_of(case: Mapping[str, Any]) -> bytes:
    content = base64.b64decode(case["content_b64"]) if "content_b64" in case else str(case["content"]).encode()
    return content * int(case.get("repeat", 1))


@pytest.mark.parametrize("case", CASES, ids=[case["id"] for case in CASES])
def test_the_corpus_is_judged_as_it_says(case: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("requirements.txt").write_bytes(content_of(case))
    for name, content in case.get("files", {}).items():
        Path(name).write_text(content)
    environment, sources = target(case.get("python", "3.10")), Sources("https://pypi.org/simple/")
    if case["verdict"] == "reject":
        with pytest.raises(RequirementsRefused) as caught:
            read(Path("requirements.txt"), environment, sources=sources)
        assert rules(caught.value.problems) == {case["code"]}
        return
    requirements = read(Path("requirements.txt"), environment, sources=sources)
    expected = {case["warn"]} if "warn" in case and case.get("level") != "resolve" else set()
    if case.get("scale"):
        expected = {"DUPLICATE"}  # the template is repeated as it is
    assert rules(requirements.warnings) == expected


def test_ten_thousand_lines_are_all_read() -> None:
    (case,) = (case for case in CASES if case.get("scale"))
    requirements = accepted(content_of(case))
    assert len(requirements.pins) == 10_000
    assert requirements.normalised().count("\n") == 200


@pytest.mark.parametrize("case", [case for case in CASES if case["verdict"] == "reject"], ids=lambda case: case["id"])
def test_every_refusal_says_where_what_why_and_what_to_do(case: dict[str, Any]) -> None:
    for problem in problems(content_of(case)):
        assert problem.where.startswith("requirements.txt")
        assert all((problem.what, problem.why, problem.fix))
        assert problem.as_line().isprintable()
        assert len(problem.as_line()) < 400
        assert "hunter2" not in problem.as_line()


# --- what a pin is


def test_a_pin_has_everything_that_was_written() -> None:
    content = f"# top\nFoo.Bar[B_x,A] == v1.0-1 ; python_version<'3.11' --hash={OTHER_HASH} \\\n  --hash {HASH}\n"
    (pin,) = accepted(content).pins
    marker = 'python_version < "3.11"'
    assert pin == Pin(
        "Foo.Bar", "foo-bar", ("a", "b-x"), "1.0.post1", marker, (HASH, OTHER_HASH), 2, True, "requirements.txt"
    )


def test_a_requirement_line_has_normal_names_versions_and_extras() -> None:
    (pin,) = accepted("Foo_Bar[Z,a.b]==01.0-RC1; os_name=='posix'\n").pins
    assert pin.as_requirement() == 'foo-bar[a-b,z]==1.0rc1 ; os_name == "posix"'


@pytest.mark.parametrize("spelling", [
    "pandas (==1.5.3)", "pandas(==1.5.3)", "pandas ( == 1.5.3 )", "pandas[]==1.5.3", "Pandas == 1.5.3",
    "pandas==1.5.3\t# why",
    "pandas==1.5.3 \\", "pandas==1.5.3\\\n\n", "pandas==\\\n1.5.3", "pandas==1.5.\\\n3", "\\\npandas==1.5.3",
    "pandas==1.5.3 \\\n# comment", "pandas==1.5.3 #", "\ufeffpandas==1.5.3", "pandas==v1.5.3", "# c \\\npandas==1.5.3",
])  # fmt: skip
def test_any_spelling_of_one_pin_is_that_pin(spelling: str) -> None:
    assert accepted(spelling).normalised() == "pandas==1.5.3\n"


def test_the_output_of_pip_compile_with_hashes_is_accepted() -> None:
    content = (
        "#\n# This file is autogenerated by pip-compile with Python 3.11\n#    pip-compile --generate-hashes in.txt\n"
        f"#\nnumpy==1.26.4 \\\n    --hash={HASH} \\\n    --hash={OTHER_HASH}\n"
        "    # via\n    #   -r in.txt\n    #   pandas\n"
        f"tzdata==2024.1 ; sys_platform == 'win32' \\\n    --hash={HASH}\n    # via pandas\n"
    )
    requirements = accepted(content)
    assert all(pin.hashes for pin in requirements.pins)
    assert [(pin.name, pin.line, pin.holds, len(pin.hashes)) for pin in requirements.pins] == [
        ("numpy", 5, True, 2),
        ("tzdata", 11, False, 1),
    ]
    assert [pin.name for pin in requirements.active] == ["numpy"]


def test_the_digest_is_that_of_the_given_bytes() -> None:
    content = codecs.BOM_UTF8 + b"foo==1.0\r\n"
    assert accepted(content).sha256 == hashlib.sha256(content).hexdigest()


def test_equal_pins_become_one_line_with_all_extras() -> None:
    assert accepted("foo[b]==1.0\nbar==2\nFOO[a]==1.0\nfoo==1.0.0\n").normalised() == "foo[a,b]==1.0\nbar==2\n"


def test_pins_with_different_markers_stay_apart() -> None:
    content = "foo==1.0 ; python_version < '3.11'\nfoo==2.0 ; python_version >= '3.11'\n"
    assert [pin.version for pin in accepted(content, "3.10").active] == ["1.0"]
    assert [pin.version for pin in accepted(content, "3.11").active] == ["2.0"]
    assert accepted(content).normalised().count("foo") == 2


def test_different_pins_that_hold_together_are_a_conflict() -> None:
    problem = the_problem("foo==1.0 ; python_version < '3.12'\nfoo==2.0 ; python_version >= '3.9'\n")
    assert problem.as_line().startswith("requirements.txt:2: foo==2.0 contradicts foo==1.0 on line 1")


@pytest.mark.parametrize("other", ["1.0.0", "01.0", "v1", "1.0"])
def test_two_spellings_of_one_version_do_not_conflict(other: str) -> None:
    assert len(accepted(f"foo==1.0\nfoo=={other}\n").pins) == 2


def test_a_repeated_pin_is_told_once_with_all_its_lines() -> None:
    (warning,) = accepted("foo==1.0\nbar==1\nfoo==1.0\nFoo==1.0\n").warnings
    assert (warning.rule, warning.where) == ("DUPLICATE", "requirements.txt:3")
    assert "1, 3, 4" in warning.what


def test_a_false_marker_is_a_warning_and_the_pin_is_kept() -> None:
    requirements = accepted("tomli==2.0.1; python_version < '3.11'\n", python="3.11")
    assert rules(requirements.warnings) == {"MARKER_FALSE"}
    assert requirements.active == ()
    assert requirements.normalised() == 'tomli==2.0.1 ; python_version < "3.11"\n'


# --- what is refused

REFUSED = [
    ("numpy", "UNPINNED", "write numpy==<version>"),
    ("kedro[pandas]>=0.18", "UNPINNED", "write kedro[pandas]==<version>"),
    ("a>1,<2", "UNPINNED", "write a==<version>"),
    ("a==1.*", "WILDCARD_PIN", "write a==<version>"),
    ("a==1.0,>=0.5", "REDUNDANT_SPECIFIER", "write a==1.0"),
    ("a==1.0,==1.0", "REDUNDANT_SPECIFIER", "write a==1.0"),
    ("a==1.0,", "REDUNDANT_SPECIFIER", "write a==1.0"),
    ("a==1.*,==1.5", "REDUNDANT_SPECIFIER", "write a==1.5"),
    ("a==1.0,!=1.0", "IMPOSSIBLE", "write a==1.0"),
    ("a===1.0-RC1", "ARBITRARY_EQUALITY", "write a==1.0rc1"),
    ("a===banana", "BAD_VERSION", "write a==<version>"),
    ("a==^1.0", "BAD_VERSION", "write a==<version>"),
    ("a==1.0.x", "BAD_VERSION", "write a==<version>"),
    ("a==99999999999999999999", "BAD_VERSION", "write a==<version>"),
    ("a==1.0.dev18446744073709551615", "BAD_VERSION", "write a==<version>"),
    ("a==" + "9" * 5_000, "BAD_VERSION", "check the line"),
    ("a==" + "1." * 30_000 + "1", "BAD_VERSION", "check the line"),
    ("x" * 215 + "==1", "TOO_LONG", "check the line"),
    ("x" * 215, "TOO_LONG", "check the line"),
    ("a[" + "x" * 215 + "]==1", "TOO_LONG", "check the line"),
    ("numpy=1.24=py310_0", "SYNTAX", "did you mean ==? write numpy==1.24"),
    ("numpy =1.24", "SYNTAX", "did you mean ==? write numpy==1.24"),
    ("numpy=>1.24", "SYNTAX", "write numpy==<version>"),
    ("numpy^1.24", "SYNTAX", "write numpy==<version>"),
    ("==1.0", "SYNTAX", "write name==version"),
    ("a==1.0#why", "SYNTAX", "put a blank before the `#`"),
    ("a==1.0,b==2.0", "SYNTAX", "put each on a line of its own"),
    ("a==1.0 \\ ", "SYNTAX", "remove the blanks after the backslash"),
    ("a==1.0;", "SYNTAX", "write it like ;"),
    ("'a==1.0'", "SYNTAX", "write a==1.0"),
    ("'a==1.0',", "SYNTAX", "write a==1.0"),
    ('pandas = "^1.5"', "SYNTAX", "write name==version"),
    ("[project]", "SYNTAX", "venvbuild compile --python 3.10 pyproject.toml -o requirements.txt"),
    ("- pandas==1.5.3", "SYNTAX", "write pandas==1.5.3"),
    ("pip install pandas==1.5.3", "SYNTAX", "write pandas==1.5.3"),
    ("pip install a==1.0 b==1.0", "SYNTAX", "write name==version"),
    ("a==1.0 ; pyhton_version > '3'", "SYNTAX", "write it like ; python_version"),
    (
        "a==1.0 ; python_version not in '3.0, 3.1'",
        "SYNTAX",
        "write a==1.0; for this Python pip takes the marker for true",
    ),
    (
        "a==1.0 ; python_version in '3.0, 3.1'",
        "SYNTAX",
        "remove the line: for this Python pip takes its marker for false",
    ),
    ("a==1.0 > pinned.txt", "SYNTAX", "write name==version and nothing else"),
    ("$ pip3 install -U pandas", "SYNTAX", "write name==version"),
    ("{{ pandas }}", "SYNTAX", "write name==version"),
    ("\N{LEFT DOUBLE QUOTATION MARK}a==1\N{RIGHT DOUBLE QUOTATION MARK}", "SYNTAX", "type it again in ASCII"),
    ("a\N{FULLWIDTH EQUALS SIGN}\N{FULLWIDTH EQUALS SIGN}1", "SYNTAX", "type it again in ASCII"),
    ("p\N{CYRILLIC SMALL LETTER A}ndas==1", "NON_ASCII_NAME", "type it again in ASCII"),
    ("a==1.0\N{NO-BREAK SPACE}", "BAD_VERSION", "type it again in ASCII"),
    ("a==${VERSION}", "ENVIRONMENT_VARIABLE", "write the value itself"),
    ("${NAME}==1.0", "ENVIRONMENT_VARIABLE", "write the value itself"),
    ("-r", "NESTED_FILE", "venvbuild compile --python 3.10 requirements.txt -o pinned.txt"),
    ("-rother.txt", "NESTED_FILE", "venvbuild compile --python 3.10 requirements.txt -o pinned.txt"),
    ("--requirement=other.txt", "NESTED_FILE", "venvbuild compile --python 3.10 requirements.txt -o pinned.txt"),
    ("--constraint other.txt", "NESTED_FILE", "--python 3.10 requirements.txt -c other.txt -o pinned.txt"),
    ("-e git+https://h/o/r", "EDITABLE", "pip wheel --no-deps -w wheels git+https://h/o/r;"),
    ("--editable=.", "EDITABLE", "pip wheel --no-deps -w wheels .;"),
    ("-", "OPTION", "remove it"),
    ("--hash=" + HASH, "OPTION", "end the line above with a backslash"),
    ("a==1.0 --global-option=x", "OPTION", "write the line without --global-option; "),
    ("a==1.0 --hash=" + HASH + " --no-deps", "OPTION", "write the line without --no-deps"),
    ("a==1.0 --hash=md5:" + "0" * 32, "BAD_HASH", "-o requirements.txt requirements.txt"),
    ("a==1.0 --hash=sha256:" + "0" * 63, "BAD_HASH", "-o requirements.txt requirements.txt"),
    ("a==1.0 --hash=sha256:" + "g" * 64, "BAD_HASH", "-o requirements.txt requirements.txt"),
    ("a==1.0 --hash", "BAD_HASH", "-o requirements.txt requirements.txt"),
    (".", "LOCAL_PATH", "pip wheel --no-deps -w wheels .;"),
    ("../other[extra]", "LOCAL_PATH", "pip wheel --no-deps -w wheels '../other[extra]';"),
    ("/srv/wheels/a-1.0-py3-none-any.whl", "LOCAL_PATH", "write a==1.0, and build with --find-links /srv/wheels"),
    ("/srv/my wheels/a-1.0-py3-none-any.whl", "LOCAL_PATH", "put the file into a folder without a blank in its name"),
    ("a-1.0.tar.gz", "LOCAL_PATH", "pip wheel --no-deps -w wheels a-1.0.tar.gz; write a==1.0, and"),
    ("C:\\wheels\\a.whl", "LOCAL_PATH", "make its wheel"),
    ("a @ file:///srv/a.whl", "LOCAL_PATH", "write a==VERSION as its file is named"),
    ("a @ ./a.whl", "LOCAL_PATH", "write a==VERSION as its file is named"),
    ("git+ssh://git@github.com/o/r.git", "VCS", "pip wheel --no-deps -w wheels git+ssh://git@github.com/o/r.git;"),
    ("git@github.com:o/r.git", "VCS", "make its wheel"),
    ("a[x]@https://h/a.whl", "DIRECT_URL", "write a[x]==VERSION as its file is named"),
    ("https://h/a.whl", "DIRECT_URL", "write NAME==VERSION as its file is named"),
    ("http://h/a.whl#sha256=" + "0" * 64, "DIRECT_URL", "write NAME==VERSION as its file is named"),
    ("http://h/a.whl", "INSECURE_URL", "write NAME==VERSION as its file is named"),
    ("a==1.0\x0bevil==6", "HIDDEN_LINE_BREAK", "remove the character"),
    ("a==1.0 # \x85evil==6", "HIDDEN_LINE_BREAK", "remove the character"),
    ("a==1.0 # \x9b31m", "CONTROL_CHAR", "remove the character"),
    ("a==1.0 # \x7f", "CONTROL_CHAR", "remove the character"),
    ("a==1.0 # \u2066", "BIDI_CONTROL", "remove the character"),
    ("# coding: utf-7\na==1.0", "ENCODING", "save the file as UTF-8"),
    ("# coding: unicode_escape\na==1.0", "ENCODING", "save the file as UTF-8"),
    ("# coding: klingon\na==1.0", "ENCODING", "save the file as UTF-8"),
    ("", "EMPTY", "write at least one name==version"),
    ("\n \t\n\\\n", "EMPTY", "write at least one name==version"),
]


@pytest.mark.parametrize(("line", "rule", "fix"), REFUSED, ids=[f"{rule}-{line[:25]!r}" for line, rule, _ in REFUSED])
def test_what_is_no_exact_pin_is_refused_with_the_way_out(line: str, rule: str, fix: str) -> None:
    problem = the_problem(line + "\n")
    assert problem.rule == rule
    assert fix in problem.fix
    assert problem.why
    assert problem.as_line().isprintable()
    assert len(problem.as_line()) < 400


@pytest.mark.parametrize("marker", [
    'os_name == sys_platform', '"a" == "a"', 'extra == "x"', 'platform_release >= "5"', 'platform_version == "1"',
    'python_version > "abc"', 'python_version >= "3.8rc1"', 'python_version ~= "3"', 'python_full_version in "3.8.1"',
    'python_version not in "3.8, 3.9"', '"3.8" in python_version', 'python_full_version ~= "1!3.8"',
    'sys_platform > "a"', 'os_name === "posix"', "sys_platform == 'a\"b'", 'sys_platform == "a -b"',
    'python_version === "3.10"', '"3.8.*" == python_version', "(" * 33 + 'os_name == "nt"' + ")" * 33,
    "(" * 60_000, 'os_name == "nt" or ' * 300 + 'os_name == "nt"', f'python_version < "{"9" * 5000}"',
    'python_version = "3"', 'python_version < 3.8', "nonsense", 'unknown == "x"',
])  # fmt: skip
def test_a_marker_that_pip_and_uv_may_read_differently_is_refused(marker: str) -> None:
    problem = the_problem(f"a==1.0; {marker}\n")
    assert problem.rule == "SYNTAX"
    assert "marker" in problem.what


@pytest.mark.parametrize(("marker", "holds"), [
    ('python_version < "3.11"', True), ('python_version >= "3.11"', False), ("python_full_version >= '3.10.2'", True),
    ('python_version in "3.9 3.10"', True), ('python_version == "3.*"', True), ('"3.9" <= python_version', True),
    ('sys_platform == "linux" and (os_name != "nt" or python_version ~= "3.9")', True),
    ("sys.platform == 'win32'", False),
    ('"linux" in sys_platform', True), ('sys_platform not in "win32 darwin"', True),
])  # fmt: skip
def test_markers_are_evaluated_for_the_target(marker: str, holds: bool) -> None:
    assert accepted(f"a==1.0;{marker}\n").pins[0].holds is holds


def test_all_problems_are_told_in_one_run_in_the_order_of_the_file() -> None:
    found = problems(b"a>=1\n# caf\xe9\n-r b.txt\nc==1.0\nc==2.0\n\x00\nd==latest\n")
    assert [(problem.where.rpartition(":")[2], problem.rule) for problem in found] == [
        ("1", "UNPINNED"), ("2", "ENCODING"), ("3", "NESTED_FILE"), ("5", "DUPLICATE_CONFLICT"), ("6", "CONTROL_CHAR"),
        ("7", "BAD_VERSION"),
    ]  # fmt: skip


def test_hashes_on_some_lines_only_are_refused_at_each_line_without() -> None:
    found = problems(f"a==1.0\nb==1.0 --hash={HASH}\nc==1.0; python_version < '3'\n")
    assert [(problem.where, problem.rule) for problem in found] == [
        ("requirements.txt:1", "HASH_MISSING"),
        ("requirements.txt:3", "HASH_MISSING"),
    ]


def test_one_pin_with_two_lists_of_hashes_is_refused() -> None:
    assert the_problem(f"a==1.0 --hash={HASH}\na[x]==1.0 --hash={OTHER_HASH}\n").rule == "HASH_CONFLICT"


def test_one_pin_with_the_same_hashes_twice_is_one_pin() -> None:
    content = f"a==1.0 --hash={HASH}\na[x]==1.0 --hash={HASH}\n"
    assert accepted(content).normalised() == f"a[x]==1.0 --hash={HASH}\n"


def test_a_comment_after_a_requirement_must_not_end_in_a_backslash() -> None:
    problem = the_problem("six==1.17.0  # pinned \\\nrequests==2.32.3\n")
    assert (problem.where, problem.rule) == ("requirements.txt:1", "SYNTAX")
    assert "pip would take the next line" in problem.why


def test_a_comment_line_ends_a_continuation_and_begins_none() -> None:
    content = "six==1.17.0 \\\n# a note \\\nrequests==2.32.3\n# not here \\\nfoo==1.0\n"
    assert [(pin.name, pin.line) for pin in accepted(content).pins] == [("six", 1), ("requests", 3), ("foo", 5)]


def test_a_page_of_html_is_one_problem() -> None:
    page = "<html>\n<head><title>Sign in</title></head>\n<body>\n<p>Please sign in\n</body></html>\n"
    assert the_problem(page).where == "requirements.txt:1"


@pytest.mark.parametrize("document", ['{\n "a": "1.0"\n}\n', '[\n "a==1.0"\n]\n', '["a==1.0"]\n'])
def test_a_json_file_is_one_problem(document: str) -> None:
    assert the_problem(document).rule == "SYNTAX"


def test_an_unfinished_merge_is_not_told_as_a_conflict_of_versions() -> None:
    found = problems("<<<<<<< HEAD\na==1\n||||||| base\na==0\n=======\na==2\n>>>>>>> x\n")
    assert [problem.where.rpartition(":")[2] for problem in found] == ["1", "3", "5", "7"]
    assert all("merge" in problem.what for problem in found)


# --- encodings


@pytest.mark.parametrize("codec", ["utf-8-sig", "utf-16", "utf-32"])
def test_a_byte_order_mark_is_read_with_a_warning(codec: str) -> None:
    requirements = accepted("# caf\u00e9\npandas==1.5.3\n".encode(codec))
    assert rules(requirements.warnings) == {"BOM"}
    assert requirements.normalised() == "pandas==1.5.3\n"


def test_a_declared_encoding_is_read_with_a_warning() -> None:
    requirements = accepted("#!x\n# -*- coding: latin-1 -*-\n# caf\u00e9\npandas==1.5.3\n".encode("latin-1"))
    assert [(warning.rule, warning.where) for warning in requirements.warnings] == [("ENCODING", "requirements.txt:2")]


def test_a_declaration_below_the_second_line_is_a_comment() -> None:
    assert rules(problems("#\n#\n# coding: latin-1\n# caf\u00e9\na==1\n".encode("latin-1"))) == {"ENCODING"}


def test_a_wrong_byte_is_told_with_its_line_and_byte_column() -> None:
    problem = the_problem("a==1\r\n# \u00fc caf".encode() + b"\xe9\r\nb==2\r\n")
    assert problem.where == "requirements.txt:2"
    assert problem.what == "byte 0xe9 at column 9 is not UTF-8"  # the u-umlaut has two bytes


def test_half_a_utf16_character_is_told_with_its_line() -> None:
    problem = the_problem("a==1\nb==2\n".encode("utf-16") + b"\x00")
    assert (problem.where, problem.rule) == ("requirements.txt:3", "ENCODING")


def test_utf16_without_its_mark_is_one_problem() -> None:
    assert the_problem("pandas==1.5.3\nnumpy==1.24.4\n".encode("utf-16-le")).rule == "ENCODING"


# --- limits


def test_a_line_of_64_kib_is_read_and_a_byte_more_is_not() -> None:
    line = "a==1 # ".ljust(64 * 1024, "x")
    accepted(line + "\n")
    assert the_problem(line + "x\n").rule == "TOO_LONG"
    assert the_problem(line[:-1] + "\u00e9").rule == "TOO_LONG"


def test_a_name_of_214_characters_is_read() -> None:
    assert accepted("x" * 214 + "==1\n").pins[0].version == "1"


def test_a_version_whose_numbers_fill_64_bits_is_read() -> None:
    assert accepted("a==18446744073709551614\n").pins[0].version == "18446744073709551614"


def test_the_problems_of_a_binary_file_come_to_an_end() -> None:
    found = problems(b"\xff\n" * 20_000)
    assert len(found) == 10_001
    assert found[-1].what == "10000 more lines are refused"


# --- credentials

SECRETS = [
    "--index-url https://user:hunter2@pypi.corp/simple", "a @ https://hunter2token@h/a.whl", "-e git+https://u:hunter2@h/o",
    "# --index-url https://user:hunter2@pypi.corp/simple", "a==1.0 # https://user:hunter2@h", "git+ssh://git:hunter2@h/o/r",
    "https://user:hun/ter2@h/simple", "https://user:hunter2@home@h/simple", "# password: hunter2",
    "# password = hunter2", "# password=swordfish", "# password: swordfish", "secret: hunter2 hunter2",
    "# token: Zq3v9xKw", "api_key = hunter2",
    "aws_secret_access_key = wJalrXUtnFEMI/K7MDENG", "# AKIAIOSFODNN7EXAMPLE", "a==1.0 # ghp_abcdefghijklmnopqrstuvwx",
    "# Authorization: Basic dXNlcjpodW50ZXIy", "# Authorization: Bearer hunter2", "# cookie: session=hunter2",
    "# X-Internal-Token: 0hunter2", "password: hunter2 is the one", "--index-url https://us\\\ner:hunter2@pypi.corp/simple",
    "# token: (ghp_abcdefghijklmnopqrstuvwx)", "b==1 AKIAIOSF\\\nODNN7EXAMPLE",
    "# -----BEGIN PRIVATE KEY-----\nMIIEvhunter2\n-----END PRIVATE KEY-----",
]  # fmt: skip


@pytest.mark.parametrize("line", SECRETS)
def test_a_credential_anywhere_is_refused_and_never_shown(line: str) -> None:
    found = problems(f"a==2.0\n{line}\n")
    assert [(problem.where, problem.rule) for problem in found] == [("requirements.txt:2", "CREDENTIALS")]
    shown = json.dumps([problem.as_json() for problem in found])
    for word in ("hunter2", "ter2", "swordfish", "wJalr", "AKIA", "ghp_", "dXNl", "session", "Zq3v", "home@"):
        assert word not in shown


@pytest.mark.parametrize("line", [
    "tiktoken==0.5.1", "secret==1.0", "password==1", "django-secrets==2.0; python_version < '4'", "# token: rotate",
    "# password: see vault", "# secret: ask the platform team", "# the token is in vault", "# password: <yours>",
    "# password: ${PASSWORD}", "# password=****", "# authorization: handled by the proxy", "# see https://h:8080/a@b",
    "# https://${USER}:${PASS}@h/simple", "# git+ssh://git@github.com/o/r", "# git+https://git@github.com/o/r",
    "# git@github.com:o/r.git", "# via tokenizers", "# cookie: needed by the login page", "# api_key: none",
    "# mail ann@example.org", "# tokenizers = 0.15.1",
])  # fmt: skip
def test_a_word_about_credentials_is_none(line: str) -> None:
    assert rules(accepted(f"a==1.0\n{line}\n").warnings) == set()


@pytest.mark.parametrize(("line", "rule"), [
    ("token=1.0.2", "SYNTAX"), ("tokenizers>=0.15", "UNPINNED"), ("secretstorage", "UNPINNED"),
    ("--index-url https://${TOKEN}@h/simple", "OPTION"),
])  # fmt: skip
def test_a_name_like_a_credential_is_judged_like_any_name(line: str, rule: str) -> None:
    assert the_problem(line).rule == rule


def test_a_secret_that_this_run_knows_is_a_credential(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("venvbuild.requirements.credentials.REDACTOR", type(REDACTOR)())
    assert not holds_credential("# correct-horse-battery")
    monkeypatch.setattr("venvbuild.requirements.credentials.REDACTOR", redactor := type(REDACTOR)())
    redactor.hide("correct-horse-battery", "test")
    assert holds_credential("# correct-horse-battery")
    assert not holds_credential("pytest==8.0")


# --- hints with the newest version


def test_what_is_open_and_pinned_on_another_line_can_go() -> None:
    with pytest.raises(RequirementsRefused) as caught:
        parse(
            b"a==1.0\na>=0.9\nb==1.0\nb>=2.0\n", "requirements.txt", target(), lambda *_: Suggested({"b": "9.0"}, ["b"])
        )
    assert [one.fix for one in caught.value.problems] == ["remove the line: line 1 pins it", "write b==9.0"]


def test_a_line_that_has_to_go_is_asked_for_no_hash() -> None:
    with pytest.raises(RequirementsRefused) as caught:
        parse(f"a==1.0 --hash=sha256:{'0' * 64}\npkg-resources==0.0.0\n".encode(), "requirements.txt", target())
    assert [one.fix for one in caught.value.problems] == ["delete the line"]


def test_the_fix_names_a_version_and_it_is_asked_for_once() -> None:
    asked: list[object] = []

    def suggest(*wanted: object) -> Suggested:
        asked.append(wanted)
        return Suggested({"pandas": "2.3.1", "foo-bar": "not a version", "new": "7.0"}, ["pandas"])

    content = b"Pandas[all]>=1.2,<3\nFoo_Bar\nok[b,a]==1.0\nother==latest\nnew\nabsent==1.0; python_version < '3'\n"
    with pytest.raises(RequirementsRefused) as caught:
        parse(content, "requirements.txt", target(), suggest)
    assert [problem.fix for problem in caught.value.problems] == [
        "write Pandas[all]==2.3.1",
        "write Foo_Bar==<version>; the index named none in time",
        "write other==<version>; the index named none in time",
        "write new==7.0, the newest; whether it fits the other lines is not known",
    ]
    assert asked == [
        ((("pandas", "<3,>=1.2"), ("foo-bar", ""), ("other", ""), ("new", "")), ("ok[a,b]==1.0",)),
    ]  # fmt: skip


def test_one_open_line_alone_has_nothing_to_fit() -> None:
    with pytest.raises(RequirementsRefused) as caught:
        parse(b"pandas\n", "requirements.txt", target(), lambda *_: Suggested({"pandas": "2.3.1"}))
    assert caught.value.problems[0].fix == "write pandas==2.3.1"


def test_nothing_is_asked_for_a_good_file() -> None:
    parse(b"a==1.0\n", "requirements.txt", target(), lambda *wanted: pytest.fail(f"asked for {wanted}"))


# --- files


def test_a_file_is_read_and_named_as_it_was_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("other.txt").write_text("a>1\n")
    with pytest.raises(RequirementsRefused, match=r"^other\.txt:1: a>1 is not pinned"):
        read(Path("other.txt"), target())
    Path("other.txt").write_text("a==1\n")
    assert read(Path("other.txt"), target()).path == "other.txt"


@pytest.mark.parametrize("kind", ["absent", "folder", "fifo", "nul"])
def test_a_path_that_is_no_file_is_a_usage_error(kind: str, tmp_path: Path) -> None:
    path = {"folder": tmp_path, "nul": Path("a\0b")}.get(kind, tmp_path / kind)
    if kind == "fifo":
        os.mkfifo(path)
    with pytest.raises(UsageError) as caught:
        read(path, target())
    assert caught.value.exit_code == 2
    assert caught.value.problems[0].where
    assert str(caught.value).isprintable()


def test_a_file_over_10_mb_is_refused_by_its_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "huge.txt"
    with path.open("wb") as file:
        file.truncate(MAX_FILE_BYTES + 1)
    monkeypatch.setattr(Path, "open", lambda *_: pytest.fail("it was opened"))
    with pytest.raises(RequirementsRefused) as caught:
        read(path, target())
    assert caught.value.problems[0].rule == "TOO_LONG"
