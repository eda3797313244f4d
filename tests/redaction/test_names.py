"""Variables that are named like secrets."""

from __future__ import annotations

from venvbuild.redaction import MASK, Redactor


def test_variables_named_like_secrets_are_hidden_and_others_not() -> None:
    made = Redactor()
    made.hide_environment({"DEPLOY_TOKEN": "abcdefgh", "AWS_SECRET_ACCESS_KEY": "ijklmnop", "JOB_NAME": "nightly",
                           "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "X_URL": "http://u:qrstuvwx@h/"})  # fmt: skip
    assert made.redact("abcdefgh ijklmnop qrstuvwx nightly AKIDEXAMPLE") == f"{MASK} {MASK} {MASK} nightly AKIDEXAMPLE"


def test_a_variable_named_like_a_secret_is_hidden_even_if_it_is_a_url() -> None:
    made = Redactor()
    made.hide_environment({"SLACK_TOKEN": "https://hooks.example/services/T/B/XX"})
    assert made.redact("posting to https://hooks.example/services/T/B/XX") == f"posting to {MASK}"
