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
