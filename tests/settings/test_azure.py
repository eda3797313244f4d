"""A variable that nobody has defined is none, whatever Azure writes for it."""

from __future__ import annotations

import pytest

from venvbuild.settings import azure


@pytest.mark.parametrize("text", ["$(PROGET_URL)", "$(my.feed-url)"])
def test_a_macro_that_was_not_replaced_is_undefined(text: str) -> None:
    assert azure.is_undefined(text)
    assert azure.defined({"A": text, "B": "", "C": "x"}) == {"C": "x"}


@pytest.mark.parametrize("text", ["$PROGET_URL", "$()", "$(A) ", "x$(A)", "$(A B)", "https://h/$(A)"])
def test_other_texts_are_values(text: str) -> None:
    assert azure.defined({"A": text}) == {"A": text}
