"""The corpus of secrets: no true one is missed, and hardly anything else is hidden."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from tests.redaction import corpus
from venvbuild.redaction import Lines, Redactor


def redactor(environ: Mapping[str, str]) -> Redactor:
    made = Redactor()
    made.hide_environment(environ)
    return made


def test_no_secret_of_the_corpus_is_missed() -> None:
    told = corpus.true()
    assert len(told) >= 150
    missed = [one.id for one in told if any(gone in redactor(one.environ).redact(one.text) for gone in one.gone)]
    assert missed == []


def test_hardly_anything_else_is_hidden() -> None:
    plain = corpus.false()
    assert len(plain) >= 100
    hidden = [text for text, environ in plain if redactor(environ).redact(text) != text]
    assert len(hidden) <= 3, hidden


@pytest.mark.parametrize("size", [1, 7, 4096])
def test_no_secret_of_the_corpus_comes_through_a_stream(size: int) -> None:
    missed = []
    for one in corpus.true():
        lines = Lines(redactor(one.environ))
        stream = one.text.encode()
        said = [text for begin in range(0, len(stream), size) for text in lines.feed(stream[begin : begin + size])]
        text = "\n".join([*said, *lines.close()])
        missed += [one.id for gone in one.gone if gone in text]
    assert missed == []


def test_what_is_redacted_once_is_not_changed_again() -> None:
    for one in corpus.true():
        made = redactor(one.environ)
        once = made.redact(one.text)
        assert made.redact(once) == once, one.id
