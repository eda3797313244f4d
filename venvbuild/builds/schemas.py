"""JSON documents, judged by the schemas that we ship."""

from __future__ import annotations

import json
from importlib import resources
from typing import Any


def load(schema_name: str) -> dict[str, Any]:
    """The schema at `venvbuild/<schema_name>`, which is beside the module that it is for."""
    return json.loads(resources.files("venvbuild").joinpath(schema_name).read_bytes())  # type: ignore[no-any-return]


def faults(document: Any, schema_name: str, *, strict: bool = False) -> list[tuple[str, str]]:
    """(field, what is wrong with it) where `document` does not fit `venvbuild/<schema_name>`, sorted by field.

    A field is as `files/requirements.txt/sha256`. `strict` also refuses top-level fields that the schema does not know.

    Source: JSON Schema 2020-12, but for one thing: 10.0 is no integer, since nobody can read 10.0 bytes.
    """
    import jsonschema  # 130 ms, so only where it is needed

    standard = jsonschema.Draft202012Validator
    checker = standard.TYPE_CHECKER.redefine("integer", lambda _, value: type(value) is int)
    validator = jsonschema.validators.extend(standard, type_checker=checker)  # type: ignore[no-untyped-call]
    schema = load(schema_name)
    if strict:
        schema["additionalProperties"] = False
    # As text: in a path, names and numbers of items cannot be compared.
    errors = sorted(validator(schema).iter_errors(document), key=lambda error: list(map(str, error.path)))
    # Cut: jsonschema quotes the value that does not fit, which may be the whole document.
    return [("/".join(map(str, error.absolute_path)) or "(the whole)", error.message[:300]) for error in errors]
