"""Whatever bytes a requirements file has, it is accepted or refused in words; and what is accepted stays the same."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from packaging.markers import default_environment

from venvbuild.errors import Problem, RequirementsRefused
from venvbuild.requirements.file import parse
from venvbuild.requirements.lines import Line
from venvbuild.requirements.pins import _any_pin, _plain_pin

pytestmark = pytest.mark.untraced

TARGET = {key: str(value) for key, value in default_environment().items()}

PIECES = st.sampled_from([
    "a", "pandas", "==", "===", ">=", "~=", "=", "1.0", "1.*", "v1!2.0rc1+x", "[", "]", "[x]", ";", ",", "(", ")", "@",
    'python_version < "3.11"', "python_version ~= '3'", "sys_platform", "in", "not", "and", "or", "extra", "'", '"',
    "#", " #", "\\", "\\\n", "\n", "\r", "\r\n", " ", "\t", "--hash=sha256:", "0" * 64, "--hash", "-r", "-e", "--", "-",
    "https://", "http://", "file:", "git+", "u:p@", "./", "/", "~", ".whl", "${A}", "$A", "<<<<<<<", "<html>", "{", "}",
    "token:", "token=", "authorization:", "\x00", "\x0b", "\x85", "\u2028", "\u202e", "\u200b", "\ufeff", "\u0430",
    "\u0661", "\N{PILE OF POO}", "\udce9", "9" * 400, "coding: latin-1", "# coding: utf-8\n", "# coding: ascii\n",
])  # fmt: skip


def refusal(content: bytes) -> tuple[Problem, ...]:
    """The problems of `content`; none when it is accepted."""
    try:
        parse(content, "requirements.txt", TARGET)
    except RequirementsRefused as refused:
        return refused.problems
    return ()


@settings(deadline=None, max_examples=300)
@given(st.one_of(
    st.binary(max_size=200),
    st.text(max_size=100).map(str.encode),
    st.lists(PIECES, max_size=12).map(lambda parts: "".join(parts).encode("utf-8", "surrogateescape")),
    st.tuples(st.sampled_from([b"\xff\xfe", b"\xfe\xff", b"\xff\xfe\x00\x00", b"\xef\xbb\xbf"]), st.binary(max_size=60))
    .map(b"".join),
))  # fmt: skip
@example(b"a==1; " + b"(" * 60_000)
@example(b"a==" + b"9" * 60_000)
@example(b"a==1; python_version ~= '3'")
@example(b"\\\n" * 5_000)
@example(b"# coding: \xff\na==1")
def test_any_bytes_are_accepted_or_refused_in_words_that_can_be_printed(content: bytes) -> None:
    for problem in refusal(content):
        assert problem.rule
        assert problem.what
        assert problem.as_line().isprintable()
        assert len(problem.as_line()) < 1_000


PLAIN = st.tuples(
    st.from_regex(r"[A-Za-z0-9._-]{1,12}", fullmatch=True),
    st.from_regex(r"[0-9]{1,4}(\.[0-9]{1,20}){0,13}", fullmatch=True),
    st.lists(st.from_regex(r"[ \t]{1,2}--hash=sha256:[0-9a-f]{64}", fullmatch=True), max_size=3).map("".join),
).map(lambda parts: f"{parts[0]}=={parts[1]}{parts[2]}")


@settings(deadline=None, max_examples=500)
@given(PLAIN)
@example("x" * 214 + "==1")
@example("x" * 215 + "==1")
@example("a==01.0")
@example("a==0.0")
def test_the_short_way_says_what_packaging_says(text: str) -> None:
    short = _plain_pin(Line(1, text))
    assert short is None or short == _any_pin(Line(1, text), TARGET)


def test_the_short_way_is_taken_by_ordinary_lines() -> None:
    assert _plain_pin(Line(1, "Foo.Bar_baz==2024.1.0"))
    assert _plain_pin(Line(1, f"pandas==1.5.3     --hash=sha256:{'0' * 64}     --hash=sha256:{'1' * 64}"))


@st.composite
def files(draw: st.DrawFn) -> bytes:
    """Files of pins, most of which are accepted."""
    lines = draw(st.lists(st.tuples(
        st.sampled_from(["a", "A", "b.c", "B_C", "d-e", "f"]), st.sampled_from(["", "[x]", "[Y_z,x]", "[]"]),
        st.sampled_from(["==1", "==1.0", " == v1.0", "==1.0.0", "==2.0rc1"]),
        st.sampled_from(["", " ; python_version < '3'", ";os_name=='posix'", "  # why", " \\\n"]),
    ).map("".join), min_size=1, max_size=6))  # fmt: skip
    return draw(st.sampled_from(["\n", "\r\n", "\r"])).join(lines).encode(draw(st.sampled_from(["utf-8", "utf-16"])))


@settings(deadline=None)
@given(files())
def test_the_copy_is_accepted_and_is_its_own_copy(content: bytes) -> None:
    with suppress(RequirementsRefused):
        first = parse(content, "requirements.txt", TARGET)
        second = parse(first.normalised().encode(), "copy", TARGET)
        assert second.normalised() == first.normalised()
        assert {(pin.canonical_name, pin.marker) for pin in second.pins} == {
            (pin.canonical_name, pin.marker) for pin in first.pins
        }


@settings(deadline=None)
@given(
    st.from_regex(r"[A-Za-z0-9+_.-]{8,40}", fullmatch=True),
    st.sampled_from([
        "--index-url https://u:{}@h/simple", "# https://{}@h/", "a @ git+https://x:{}@h/r", "password={}",
        "-e git+ssh://u:{}@h",
        "# token = {}1", "a==1 # X-Api-Token: {}1", "--extra-index-url=http://u:{}@h", "api-key: {}9",
    ]),
)  # fmt: skip
def test_no_problem_shows_a_credential_of_the_file(secret: str, line: str) -> None:
    content = f"{line.format('S3cr' + secret)}\nb>=1\n"
    problems = refusal(content.encode())
    assert problems[0].rule == "CREDENTIALS"
    assert all(secret not in problem.as_line() for problem in problems)
