"""Text of others, fit to be shown: nothing of it is obeyed, and what is honest stays as it is."""

from __future__ import annotations

import sys
import unicodedata

import pytest

from venvbuild.text import indented, masked_urls, on_a_line, on_screen, shown_to_all, some_of


def test_no_character_that_a_screen_obeys_or_hides_passes() -> None:
    everything = "".join(map(chr, range(sys.maxunicode + 1)))
    left = {one for one in on_screen(everything) if unicodedata.category(one) in ("Cc", "Cs", "Zl", "Zp")}
    assert left == {"\n", "\t"}
    bidi = {one for one in on_screen(everything) if unicodedata.bidirectional(one) in _BIDI}
    assert bidi == set()
    assert not left & set(on_a_line(everything))


_BIDI = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        pytest.param("\x1b[31mred\x1b[0m", r"\x1b[31mred\x1b[0m", id="colour"),
        pytest.param("\x1b]8;;http://x\x1b\\link", r"\x1b]8;;http://x\x1b" "\\link", id="link of OSC 8"),
        pytest.param("\x9b2J\x90\x9d", r"\x9b2J\x90\x9d", id="C1"),
        pytest.param("50 %\rdone\x08", r"50 %\rdone\x08", id="carriage return, backspace"),
        pytest.param("txt.\u202eexe\u2069\u200f\u061c", r"txt.\u202eexe\u2069\u200f\u061c", id="bidi"),
        pytest.param("a\u2028b\u200bc\u2060\ufeff", r"a\u2028b\u200bc\u2060\ufeff", id="unseen"),
        pytest.param("\U000e0041\udc9b\ufffe", r"\U000e0041\udc9b\ufffe", id="tags, halves, none of XML"),
    ],
)
def test_what_is_escaped_can_be_seen(text: str, seen: str) -> None:
    assert on_screen(text) == on_a_line(text) == seen


@pytest.mark.parametrize(
    "text",
    [
        "ünï·cödé 日本語",
        "cafe\u0301",
        "👩\u200d💻 🏳\ufe0f\u200d🌈 ❤\ufe0f",
        "می\u200cخواهم",
        "שלום عليكم",
        "क्\u200dष",
        "a\xa0b\u3000c",
        "\ue0b0",
    ],
)
def test_what_is_honest_stays(text: str) -> None:
    assert on_screen(text) == on_a_line(text) == text


def test_lines_and_tabs_stay_in_text_and_not_in_a_cell() -> None:
    assert on_screen("a\tb\r\nc\n") == "a\tb\nc\n"
    assert on_a_line("a\tb\r\nc\n") == r"a\tb\r\nc\n"
    assert indented("a\nb") == "a\n    b"


@pytest.mark.parametrize(
    "text",
    [
        "plain",
        "s3://bucket/me@example.com/x",
        "git@host:x",
        "mail me@example.com",
        "https://host:8080/x?page=2",
        "a?b@c",
    ],
)
def test_text_without_credentials_is_exact(text: str) -> None:
    assert masked_urls(text) == text


@pytest.mark.parametrize(
    "text", ["https://u:pass-word@h/x", "see git+https://pass-word@h/r and more", "ssh://u:pass-word@h"]
)
def test_the_credentials_of_a_url_are_masked(text: str) -> None:
    assert "pass-word" not in masked_urls(text)


def test_what_everybody_may_read_is_on_a_line() -> None:
    assert shown_to_all("https://u:p@ci/job/1/\x1b[2J\n") == r"https://ci/job/1/\x1b[2J\n"


@pytest.mark.parametrize(("limit", "text"), [
    (0, "first and 2 more"), (12, "first and 2 more"), (13, "first, second and 1 more"), (20, "first, second, third"),
])  # fmt: skip
def test_of_many_items_each_that_is_shown_is_whole(limit: int, text: str) -> None:
    assert some_of(["first", "second", "third"], limit) == text
    assert some_of([], limit) == ""
