"""A stream, however it was cut, gives lines without secrets."""

from __future__ import annotations

from urllib.parse import quote

from hypothesis import given
from hypothesis import strategies as st

from venvbuild.redaction import Lines, Redactor


def redactor(*secrets: str) -> Redactor:
    made = Redactor()
    made.hide(*secrets)
    return made


@given(st.text("abcdefghijklmnopqrstuvwxyz0123456789/+=&%", min_size=8, max_size=40), st.data())
def test_a_secret_survives_no_way_of_cutting_the_stream(secret: str, data: st.DataObject) -> None:
    secret = f"{secret}-1"  # no ordinary word
    stream = f"noise {secret} noise\nmore {quote(secret, safe='')}".encode()
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=6)))
    lines = Lines(redactor(secret))
    said: list[str] = []
    for begin, end in zip([0, *cuts], [*cuts, len(stream)], strict=True):
        said += lines.feed(stream[begin:end])
    said += lines.close()
    assert secret not in "\n".join(said)


def test_a_line_without_an_end_is_given_out_in_pieces_and_still_masked() -> None:
    lines = Lines(redactor("endless-secret-1"), limit=1000, overlap=100)
    stream = (b"x" * 990 + b"endless-secret-1") * 5
    said = [text for begin in range(0, len(stream), 37) for text in lines.feed(stream[begin : begin + 37])]
    assert "endless-secret" not in "".join([*said, *lines.close()])


def test_a_private_key_is_masked_over_lines_and_what_follows_it_is_not() -> None:
    opens, closes = ("-----" + f"{word} RSA PRIVATE " + "KEY-----" for word in ("BEGIN", "END"))
    key = f"  {opens}\n  Proc-Type: 4,ENCRYPTED\n\n  {'Ab3/' * 16}\n  {closes}"
    stream = f"before\n{key} after\nlater\n{opens}\nno key at all\n"
    lines = Lines(Redactor())
    said = [*lines.feed(stream.encode()), *lines.close()]
    assert said == ["before", "  ****", "****", "****", "****", "**** after", "later", "****", "no key at all"]


def test_only_a_line_that_may_go_on_waits_for_the_next() -> None:
    lines = Lines(redactor("Zq8vW3nT5mK1"))
    assert list(lines.feed(b"one\ntwo\n")) == ["one", "two"]
    assert list(lines.feed(b"three Zq8v\n")) == []
    assert list(lines.feed(b"   W3nT\n")) == []
    assert list(lines.feed(b"  5mK1 four\n")) == ["three ****", "   ****", "  **** four"]
    assert [*lines.feed(b"five Zq\nsix\n"), *lines.feed(b"a jar of Z\n"), *lines.close()] == [
        "five Zq",
        "six",
        "a jar of Z",
    ]
