"""One line as a pin, or why it is none; what whole files make of lines is in test_file."""

from __future__ import annotations

import pytest
from packaging.markers import default_environment

from venvbuild.requirements import pins
from venvbuild.requirements.faults import Fault
from venvbuild.requirements.lines import Line
from venvbuild.requirements.options import OptionLine
from venvbuild.requirements.pins import Pin

HERE = {name: str(value) for name, value in default_environment().items()} | {
    "python_version": "3.11",
    "sys_platform": "linux",
}
A, B = "a" * 64, "b" * 64


def judged(text: str) -> Pin | OptionLine | Fault:
    return pins.judge_line(Line(7, text), HERE)


def accepted(text: str) -> Pin:
    pin = judged(text)
    assert isinstance(pin, Pin), pin
    return pin


def refused(text: str) -> Fault:
    fault = judged(text)
    assert isinstance(fault, Fault), fault
    return fault


def test_a_plain_pin_keeps_its_name_and_its_line() -> None:
    pin = accepted("Some_Thing==1.0")
    assert (pin.name, pin.canonical_name, pin.version, pin.line, pin.holds) == (
        "Some_Thing", "some-thing", "1.0", 7, True,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("text", "requirement"),
    [
        pytest.param("Foo.Bar==1.0", "foo-bar==1.0", id="name"),
        pytest.param("foo == 1.0", "foo==1.0", id="blanks"),
        pytest.param("foo==v1.0-1", "foo==1.0.post1", id="version"),
        pytest.param("foo==1.0.0", "foo==1.0.0", id="zeros stay"),
        pytest.param("foo==1.0+CU118", "foo==1.0+cu118", id="local"),
        pytest.param("foo[B_x, a,a]==1.0", "foo[a,b-x]==1.0", id="extras"),
        pytest.param("foo==1.0;python_version>'3'", 'foo==1.0 ; python_version > "3"', id="marker"),
        pytest.param(f"foo==1.0 --hash=sha256:{B} --hash=sha256:{A}",
                     f"foo==1.0 --hash=sha256:{A} --hash=sha256:{B}", id="hashes sorted"),
        pytest.param(f"foo==1.0 --hash=sha256:{A} --hash=sha256:{A}", f"foo==1.0 --hash=sha256:{A}", id="each once"),
        pytest.param(f"foo[a]==1.0 --hash sha256:{A.upper()}", f"foo[a]==1.0 --hash=sha256:{A}", id="lower case"),
        pytest.param("foo==1.0 --hash=sha512:" + "c" * 128, "foo==1.0 --hash=sha512:" + "c" * 128, id="sha512"),
    ],
)  # fmt: skip
def test_a_pin_is_written_on_one_line_that_both_installers_read(text: str, requirement: str) -> None:
    assert accepted(text).as_requirement() == requirement
    assert accepted(requirement).as_requirement() == requirement


@pytest.mark.parametrize(
    ("marker", "holds"),
    [
        ("python_version == '3.11'", True),
        ("python_version < '3.11'", False),
        ("sys_platform == 'win32'", False),
        ("python_version > '3' and sys_platform == 'linux'", True),
    ],
)
def test_a_marker_is_judged_for_the_target(marker: str, holds: bool) -> None:
    assert accepted(f"foo==1.0 ; {marker}").holds is holds


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        pytest.param("foo", "UNPINNED", id="no version"),
        pytest.param("foo>=1.0", "UNPINNED", id="range"),
        pytest.param("foo~=1.0", "UNPINNED", id="compatible"),
        pytest.param("foo==1.*", "WILDCARD_PIN", id="wildcard"),
        pytest.param("foo==1.0,>2", "IMPOSSIBLE", id="contradiction"),
        pytest.param("foo==1.0,>0.5", "REDUNDANT_SPECIFIER", id="more than one"),
        pytest.param("foo==1.0,==1.0", "REDUNDANT_SPECIFIER", id="the same twice"),
        pytest.param("foo===1.0", "ARBITRARY_EQUALITY", id="text"),
        pytest.param("foo @ https://host/foo-1.0.whl", "DIRECT_URL", id="URL"),
        pytest.param("foo==1.0 --hash=md5:" + "a" * 32, "BAD_HASH", id="md5"),
        pytest.param("foo==1.0 --hash=sha256:" + "a" * 63, "BAD_HASH", id="short hash"),
        pytest.param("foo==1.0 --hash=sha256:" + "g" * 64, "BAD_HASH", id="no hex"),
        pytest.param("foo==1.0 --install-option=x", "OPTION", id="option behind a pin"),
        pytest.param("foo[a==1.0", "SYNTAX", id="no requirement"),
        pytest.param("f" * 215 + "==1.0", "TOO_LONG", id="long name"),
        pytest.param("foo==1." + "0" * 300, "BAD_VERSION", id="long version"),
        pytest.param("foo==1.0 ; extra == 'x'", "SYNTAX", id="extra"),
        pytest.param("foo==1.0 ; " + "(" * 500 + "python_version > '3'" + ")" * 500, "SYNTAX", id="deep marker"),
    ],
)
def test_a_line_that_is_no_exact_pin_is_refused_by_name(text: str, rule: str) -> None:
    assert refused(text).rule == rule


@pytest.mark.parametrize(
    ("text", "what", "fix"),
    [
        ("foo===1.0", "foo===1.0 compares text", "write foo==1.0"),
        ("foo[b,a]==1.0,>0", "foo[b,a]==1.0,>0 has more than one specifier", "write foo[a,b]==1.0"),
        ("foo==1,!=1", "foo==1,!=1 admits no version", "write foo==1"),
    ],
)
def test_the_fix_of_a_line_is_the_pin_that_it_means(text: str, what: str, fix: str) -> None:
    assert (refused(text).what, refused(text).fix) == (what, fix)


def test_what_a_long_line_holds_is_shown_cut() -> None:
    fault = refused("f" * 400 + "==1.0")
    assert "has 400 characters" in fault.what
    assert len(fault.what) < 150


@pytest.mark.parametrize("text", ["Foo_Bar==1.0", f"foo==1.2.3 --hash=sha256:{A}", "f==0"])
def test_the_short_way_and_the_long_way_judge_a_line_alike(text: str) -> None:
    padded = text.replace("==", " == ", 1)
    assert accepted(text) == accepted(padded)
