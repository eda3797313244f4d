"""What of a description does not fit its schema: each with what to write, in the form of the file."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import resources
from typing import Any

from venvbuild.errors import Problem
from venvbuild.snowflake.repository import positions
from venvbuild.snowflake.repository.documents import Document
from venvbuild.snowflake.repository.forms import TOML, Form, text
from venvbuild.snowflake.repository.positions import Keys
from venvbuild.snowflake.statement import identifier, names_of
from venvbuild.text import shown

NAMED = ("secret", "integration", "repository", "packages_policy", "function")
"""Tables whose keys are names of objects."""
_KINDS = {"string": "a text in quotes", "array": "a list of texts", "boolean": "true or false", "object": "a table"}


@cache
def schema() -> dict[str, Any]:
    """The JSON Schema of the file."""
    written = resources.files(__package__).joinpath("description.schema.json").read_text("utf-8")
    found: dict[str, Any] = json.loads(written)
    return found


def misfits(document: Document) -> list[tuple[Keys, Problem]]:
    """Each with the way to where it is, in the order of lines; nothing of a file that fits."""
    dotted = list(_dotted(document))
    meant = {keys[:2] for keys, _ in dotted}  # and what is below those was meant otherwise
    return [*dotted, *(one for one in _of_schema(document) if one[0][:2] not in meant)]


def _of_schema(document: Document) -> list[tuple[Keys, Problem]]:
    import jsonschema  # 130 ms, so only where it is needed

    found = list[tuple[Keys, tuple[str, str, str]]]()
    try:
        errors = list(jsonschema.Draft202012Validator(schema()).iter_errors(document.given))
    except RecursionError:  # it writes each value into its message, however deep that is
        fix = "write each key in its own table"
        return [((), Problem("it has tables in tables in tables, far too deep", document.file, fix=fix))]
    for error in errors:
        keys = tuple(str(one) for one in error.absolute_path if isinstance(one, str))
        if error.validator == "additionalProperties":
            known = list(error.schema["properties"])
            found += [
                ((*keys, key), _unknown(keys, key, known, document.form)) for key in error.instance if key not in known
            ]
        else:
            at = error.absolute_path[-1] if error.absolute_path else None
            entry = at if isinstance(at, int) else None
            misfit = _Misfit(keys, error.validator, error.validator_value, error.instance, document.form)
            found.append((keys, misfit.of_entry(entry) if entry is not None else misfit.told()))
    found.sort(key=lambda one: positions.line(document.places, one[0]))
    told = ((keys, Problem(what, document.where(keys), why, fix)) for keys, (what, why, fix) in found)
    # Of three keys that are not there it tells three times.
    return list(dict.fromkeys(told))


def variable_for(key: str) -> str:
    """An advice. Not as a line of the file: with `password` before a `=` the name would be hidden as a value."""
    return f'give {key} the name of a variable, as in "REPO_TOKEN"'


# --- names whose dots have no quotes


def _dotted(document: Document) -> Iterator[tuple[Keys, Problem]]:
    """`[secret.MY_DB.PUBLIC.S]` is a table in a table in a table."""
    for table in NAMED:
        of = document.given.get(table)
        known = schema()["properties"][table]["additionalProperties"]["properties"]
        tables = of.items() if isinstance(of, dict) else ()
        for key, value in ((key, value) for key, value in tables if isinstance(value, dict)):
            for keys in _inner_tables((table, key), value, known):
                yield keys, _dots(document, keys, _of_parts(document.form, keys))
    yield from _dotted_defaults(document)


def _inner_tables(keys: Keys, value: Any, known: Mapping[str, Any]) -> Iterator[Keys]:
    """The innermost tables below one that is to have none but the `known`."""
    waiting = [(keys, value)]
    while waiting:
        at, table = waiting.pop(0)
        inner = [one for one in table if isinstance(table[one], dict) and one not in known]
        waiting += [((*at, one), table[one]) for one in inner]
        if not inner and at != keys:
            yield at


def _of_parts(form: Form, keys: Keys) -> str:
    table, *parts = keys
    if table == "integration":
        return f"write {form.table((table, parts[-1]))}: an integration is of the account"
    if len(parts) > 3:
        # Whose own name has dots in it: the last parts are one.
        return f"write {form.table((table, _joined([*parts[:2], '.'.join(parts[2:])])))}, or a name of three parts"
    return f"write {form.table((table, _joined(parts)))}"


def _joined(parts: list[str]) -> str:
    """The parts as one name, in which only those dots are between them."""
    if not any({".", '"'} & set(part) for part in parts):
        return ".".join(parts)
    return ".".join(part if len(names_of(part) or ()) == 1 else identifier(part) for part in parts)


def _dotted_defaults(document: Document) -> Iterator[tuple[Keys, Problem]]:
    given, form = document.given.get("default"), document.form
    for level in ("database", "schema"):
        of = given.get(level) if isinstance(given, dict) else None
        for key, value in of.items() if isinstance(of, dict) else ():
            for inner, repository in value.items() if isinstance(value, dict) else ():
                keys = ("default", level, key, inner)
                name, value = text(_joined([key, inner])), text(repository) if isinstance(repository, str) else "..."
                fix = f"write {form.pair(name, value)} in {form.table(('default', 'schema'))}"
                whole = f", or {form.pair(f'schema.{name}', value)} in [default]"
                yield keys, _dots(document, keys, fix + whole if form is TOML else fix)


def _dots(document: Document, keys: Keys, fix: str) -> Problem:
    told = shown(".".join(keys))
    what = f"the dots of [{told}] make a table of each part"
    if document.form is not TOML:
        what = f"{told} is a table in a table"
    return Problem(what, document.where(keys), fix=fix)


# --- keys and values


def _unknown(keys: Keys, key: str, known: list[str], form: Form) -> tuple[str, str, str]:
    """What, why and fix."""
    what = f"unknown key '{shown(key)}'"
    of = keys[0] if keys else ""
    if of == "secret" and key in ("password", "token", "value", "secret_string"):
        wanted = "password_env" if key == "password" else "value_env"
        return f"{what}: the value of a secret never stands in this file", "", variable_for(wanted)
    if of == "function" and key.lower() == "artifact_repository_packages":
        return f"{what}: ARTIFACT_REPOSITORY_PACKAGES is the old word", "", f"write {form.pair('packages', '[...]')}"
    near = difflib.get_close_matches(key.lower(), known, 1, 0.6)
    if near:
        return what, "", f"did you mean {near[0]}?"
    return what, "", f"there are {', '.join(known)}"


class _Misfit:
    """One value that breaks a rule of the schema. It is not shown but where it can be no secret."""

    def __init__(self, keys: Keys, rule: str, wanted: Any, value: Any, form: Form) -> None:
        self.keys, self.rule, self.wanted, self.value, self.form = keys, rule, wanted, value, form
        self.key = shown(keys[-1]) if keys else "the file"

    def of_entry(self, at: int) -> tuple[str, str, str]:
        """What, why and fix of an entry of a list."""
        what = f"entry {at + 1} of {self.key} is"
        if self.rule == "minLength":
            return f"{what} empty", "", "write something there, or leave the entry out"
        return f"{what} not a text in quotes", "", 'write each entry in quotes, as in ["a", "b"]'

    def told(self) -> tuple[str, str, str]:
        """What, why and fix."""
        key, form = self.key, self.form
        if self.rule == "required":
            lacks = [name for name in self.wanted if name not in self.value]
            return f"'{key}' lacks {', '.join(lacks)}", "", f"write {form.pair(lacks[0], '...')}"
        if self.rule == "enum":
            return self._no_choice()
        if self.rule == "pattern" and key.endswith("_env"):
            return f"{key} is no name of a variable", "", f"{variable_for(key)}, without a $ and never the value itself"
        if self.rule == "pattern":
            return f"{key} is no type of SQL", "", 'write it as in "NUMBER(10, 2)" or "TABLE (a STRING)"'
        if self.rule in ("minLength", "minItems"):
            return f"{key} is empty", "", "write something there, or leave it out if it may be"
        if self.wanted == "object":
            return self._no_table()
        kind = _KINDS.get(str(self.wanted), str(self.wanted))
        return f"{key} is not {kind}", "", f"make it {kind}"

    def _no_choice(self) -> tuple[str, str, str]:
        of, form = self.keys[0], self.form
        if of == "repository" and self.key == "type":
            return "it is no type of a repository", "", "leave type out: it is PYPI"
        if of == "secret":
            why = "OAuth and IAM secrets do not work for an artifact repository, only a password or one text"
            fix = f"write {form.pair('type', text('password'))} or {form.pair('type', text('generic_string'))}"
            return "it is no type of a secret for an index", why, fix
        choices = " or ".join(map(repr, self.wanted))
        return f"{self.key} can only be {choices}", "", f"write {form.pair(self.key, text(self.wanted[0]))}"

    def _no_table(self) -> tuple[str, str, str]:
        keys = (*self.keys, "NAME") if self.keys in {(name,) for name in NAMED} else self.keys
        is_many = isinstance(self.value, list) and self.form is TOML
        told = f" but a list, [[{shown('.'.join(self.keys))}]]" if is_many and _is_of_tables(self.value) else ""
        fix = f"write {self.form.table(keys)}" if keys else "write its keys and values"
        return f"{self.key} is not a table{told}", "", fix


def _is_of_tables(value: list[Any]) -> bool:
    return bool(value) and all(isinstance(one, dict) for one in value)
