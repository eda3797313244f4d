"""JSON documents: read within bounds, then judged by the schemas that we ship."""

from __future__ import annotations

import codecs
import json
import math
import re
import sys
from collections import Counter
from collections.abc import Collection, Iterator
from functools import cache
from importlib import resources
from itertools import chain
from typing import Any

MAX_BYTES = 16_000_000
"""Of a document; those that we write have some thousands."""
_MAX_DEPTH = 64
_MAX_QUOTED = 80
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")
# RFC 3986 has no blank either, and folders and prefixes of stores do.
_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^\x00-\x20\x7f][^\x00-\x1f\x7f]*")


def parsed(body: bytes, *, half_pairs: bool = False) -> Any:
    """The JSON in `body`, as every reader of it would understand it, within bounds.

    Raises:
        ValueError: it is no JSON in UTF-8; it is larger than 16 MB or nested more than 64 deep; it has NaN, Infinity or
            a number as large, one key twice, or half of a surrogate pair; with `half_pairs` that may be there, as in
            reports, where it stands for a byte of a file's name. Says which.
    """
    if len(body) > MAX_BYTES:
        raise ValueError(f"it has {len(body)} bytes, more than {MAX_BYTES}")
    text = body.removeprefix(codecs.BOM_UTF8).decode()
    try:
        found = _DECODER.decode(text)
    except RecursionError:  # what json answers to a thousand brackets
        raise ValueError(f"it is nested more than {_MAX_DEPTH} deep") from None
    if text.count("[") + text.count("{") > _MAX_DEPTH:  # with fewer brackets it cannot be
        _check_depth(found)
    # cannot be written as UTF-8, so that no other program could read what we make of it
    if (
        not half_pairs
        and "\\u" in text
        and _SURROGATE.search(text)
        and re.search(r"[\ud800-\udfff]", json.dumps(found, ensure_ascii=False))
    ):
        raise ValueError("it has half of a surrogate pair, which is no text")
    return found


def is_double(value: Any) -> bool:
    """Whether it is a number that a double can hold; NaN and Infinity are none."""
    return type(value) in (int, float) and abs(value) <= sys.float_info.max


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        twice = next(name for name, count in Counter(name for name, _ in pairs).items() if count > 1)
        # which of the two counts, readers do not agree on
        raise ValueError(f"it has the key {twice[:60]!a} twice")
    return found


def _refused(constant: str) -> Any:
    raise ValueError(f"it has {constant}, which is no JSON")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"it has the number {text[:60]}, which is too large")
    return number


# kept: to make one takes as long as to read a kilobyte
_DECODER = json.JSONDecoder(object_pairs_hook=_object, parse_constant=_refused, parse_float=_finite)


def _check_depth(found: Any) -> None:
    level, depth = [found], 0
    while level := [one for one in level if isinstance(one, (dict, list))]:
        depth += 1
        if depth > _MAX_DEPTH:
            raise ValueError(f"it is nested more than {_MAX_DEPTH} deep")
        level = list(chain.from_iterable(one.values() if isinstance(one, dict) else one for one in level))


def load(schema_name: str) -> dict[str, Any]:
    """The schema at `venvbuild/<schema_name>`, which is beside the module that it is for."""
    return json.loads(resources.files("venvbuild").joinpath(schema_name).read_bytes())  # type: ignore[no-any-return]


def faults(
    document: Any, schema_name: str, *, strict: bool = False, without: Collection[str] = ()
) -> list[tuple[str, str]]:
    """(field, what is wrong with it) where `document` does not fit `venvbuild/<schema_name>`, sorted by field.

    A field is as `files/requirements.txt/sha256`. `strict` also refuses fields that the schema does not know, at any
    depth, and URIs that are none. `without` are fields of the top that must not be there yet.

    Source: JSON Schema 2020-12, but for two things: 10.0 is no integer, since nobody can read 10.0 bytes, and what a
    double cannot hold is no number.
    """
    # As text: in a path, names and numbers of items cannot be compared.
    found = _validator(schema_name, strict, frozenset(without)).iter_errors(document)
    errors = sorted(found, key=lambda error: list(map(str, error.path)))
    return [("/".join(map(str, error.absolute_path)) or "(the whole)", _message(error)) for error in errors]


def _message(error: Any) -> str:
    """Cut: jsonschema quotes the value that does not fit, which may be the whole document."""
    value = repr(error.instance)
    message = (
        error.message if len(value) <= _MAX_QUOTED else error.message.replace(value, f"{value[:_MAX_QUOTED]}...", 1)
    )
    return str(message[:300])


@cache
def _validator(schema_name: str, strict: bool, without: frozenset[str]) -> Any:
    import jsonschema  # 130 ms, so only where it is needed

    standard = jsonschema.Draft202012Validator
    checker = standard.TYPE_CHECKER.redefine("integer", lambda _, value: type(value) is int)
    checker = checker.redefine("number", lambda _, value: is_double(value))
    own = {"pattern": _pattern}
    validator = jsonschema.validators.extend(standard, own, type_checker=checker)  # type: ignore[no-untyped-call]
    schema = load(schema_name)
    schema["required"] = [name for name in schema["required"] if name not in without]
    schema["properties"] = {name: rule for name, rule in schema["properties"].items() if name not in without}
    formats = jsonschema.FormatChecker(formats=())
    formats.checks("uri")(lambda value: not isinstance(value, str) or _URI.fullmatch(value) is not None)
    return validator(_closed(schema), format_checker=formats) if strict else validator(schema)


def _pattern(validator: Any, pattern: str, value: Any, _schema: Any) -> Iterator[Any]:
    from jsonschema import ValidationError

    # ECMA's `$` is the end, and so that of JSON Schema; Python's lets a final line break through
    meant = f"{pattern[:-1]}\\Z" if pattern.endswith("$") else pattern
    if validator.is_type(value, "string") and not re.search(meant, value):
        yield ValidationError(f"{value!r} does not match {pattern!r}")


def _closed(rule: Any) -> Any:
    """The rule, without leave for what it does not name, at any depth."""
    if isinstance(rule, list):
        return [_closed(one) for one in rule]
    if not isinstance(rule, dict):
        return rule
    closed = {name: _closed(one) for name, one in rule.items()}
    return {"additionalProperties": False, **closed} if "properties" in rule else closed
