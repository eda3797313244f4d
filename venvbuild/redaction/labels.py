"""Values that stand behind a label which says that they are secret: `password = x`, `"token": "x"`, `--api-key x`."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

from venvbuild.redaction import names, values

Span = tuple[int, int]

STEMS = ("pass", "pwd", "psw", "secret", "token", "key", "cred", "auth", "pat", "pw", "webhook", "connection")
"""One of them is in each label."""
# Quotes as they are, escaped in JSON within JSON, and in HTML. One that never ends goes to the end of the line.
_VALUE = (
    r"(?:[bruf@]{1,2}(?=[\"']))?+(?:"
    r"\"(?P<double>(?:\\.|[^\"\\\r\n]){1,4096}+)\"?"
    r"|'(?P<single>(?:\\.|[^'\\\r\n]){1,4096}+)'?"
    r"|\\++[\"'](?P<escaped>(?:(?!\\++[\"'])[^\r\n]){1,4096}+)"
    r"|&(?:quot|apos|#39|#x27);(?P<html>(?:(?!&(?:quot|apos|#39|#x27);)[^\r\n]){1,4096}+)"
    # Of the signs that may end it: not within a word, but before the next name or blank.
    r"|(?P<bare>(?:[^\s\"'<>&,;]|&(?!amp;|[\w.%-]{1,60}=)|,(?!\s|$|[\w.-]{1,60}=)|;(?!\s|$|[\w. -]{1,60}=)"
    r"|(?<=\w)'(?=\w)){1,4096}+))"
)
_PLACEHOLDER_IN_VALUE = r"<[^<>\s]*+>|\$\{[^{}\s]*+\}"
_LABELLED = re.compile(
    rf"(?i)(?:{'|'.join(STEMS)})[\w.-]{{0,40}}(?P<close>\\{{0,3}}[\"'`\]]{{0,3}}|&(?:quot|#39|#x27);)"
    rf"(?P<before>[ \t]{{0,40}})(?P<sep>=>|:=|=(?!=)|%3[ADad](?:%20)*+|:(?!//|:))(?P<after>[ \t]{{0,40}})[\[(]?"
    rf"(?:{_PLACEHOLDER_IN_VALUE}|{_VALUE})"
)
_FLAG = re.compile(
    r"(?i)(?<![\w-])-{1,2}(?P<name>[a-z][\w-]{0,60})(?P<sep>(?:[\"']\s{0,8},)?\s{1,8})(?!-|[A-Za-z]+=)" + _VALUE
)
_TAG = re.compile(r"<(?P<name>[\w.:-]{1,60})>(?P<bare>[^<>]{1,4096}+)</")
_PAIR = re.compile(
    r"(?i)\b(?:name|key)\\?[\"']?\s{0,8}[:=]\s{0,8}\\?[\"'](?P<name>[\w.-]{1,60})\\?[\"']\s{0,8},?\s{0,8}\\?[\"']?"
    r"value\\?[\"']?\s{0,8}[:=]\s{0,8}" + _VALUE
)
_SPOKEN = re.compile(r"(?i)\b(?:password|passphrase|token|secret)\s(?:is|was|for\s\S{1,60}\sis)\s{1,8}" + _VALUE)
_BEHIND_A_NAME = re.compile(r"(?i)\b(?:login|user|account)\s{1,8}\S{1,200}\s{1,8}password\s{1,8}" + _VALUE)
_ALONE = re.compile(r"(?im)^\s{0,8}password[ \t]{1,8}(?P<bare>\S{1,4096}+)[ \t]*$")
_IN_DOCKERFILE = re.compile(r"\b(?:ENV|ARG|setenv)\s{1,8}(?P<name>\w{1,60})\s{1,8}" + _VALUE)
_IN_SQL = re.compile(
    r"(?i)\b(?:identified\s(?:with\s\S{1,60}\s)?by|password)\s{1,8}" + r"'(?P<single>[^'\r\n]{1,4096}+)'"
)

_VERSION = re.compile(r"[vV]?\d+(\.\d+)+[\w.*+!-]*,?|\d{1,3}")
_NO_VALUE = re.compile(
    r"(?i)[\[({%.…*-]+|[xX]+|[\[({%.…].*|\*{3,}.*|\.{3}|none|null|nil|true|false|yes|no|on|off|missing|required|optional"
    r"|redacted|hidden|masked|undefined|unset|empty"
)
_PLACEHOLDER = re.compile(
    r"\$\{[^{}]*\}|\$\(.*|\$\w+|\$\{\{.*|<[^<>\s]*>|\*{3,}|\{\w*\}|%\(\w+\)s|%[sdr]|%\w+%|\{\{.*|&lt;.*&gt;|(?i:your|my)[-_\w]+"
    r"|[xX*]{3,}"
)
_WORD = re.compile(r"[A-Za-z]+(?:['-][A-Za-z]+)*[.,;:!?)]*")
# What a program says of a secret and not the secret itself.
_REFERENCE = re.compile(
    r"(?:[A-Za-z_][\w.]*)?[\[(].*|(?:self|cls|os|config|settings|env|args|options|opts|cfg|conf|request|data|kwargs|params|context"
    r"|process|secrets|vars|steps|inputs|this|credentials|props|state|ctx|app|user|session|client)\.[\w.]+[,;)]*"
)
_TYPE = re.compile(
    r"(?:str|bytes|int|float|bool|object|string|String|Any|None|SecretStr|Optional|dict|list)\b[\[\]()|,:. \w]*=?"
)
_ABOUT_A_FLAG = re.compile(
    "(?i)(?:is|to|or|options?|flags?|arguments?|and|for|with|in|on|as|if|must|was|not|be|can|has|from|the|a|an|requires|needs"
    "|expects|expected|instead|when|which|that|are|were|should|will|value)[.,;:!?)]*"
)
_METAVAR = re.compile(r"[A-Z][A-Z_]+")
_STRONG = re.compile(r"(?=.*[A-Za-z])(?=.*[0-9]).{6,}")
_SOFT = frozenset({"PASS", "PWD", "PW", "PAT", "PSW", "CREDS", "CRED", "SAS", "SALT", "JWT"})


class _Labelled(NamedTuple):
    """A value with what says whether it is a secret."""

    label: str
    sep: str
    has_blank_before: bool
    has_blank_after: bool
    is_quoted: bool
    value: str
    rest: str
    """Of the line, as much as tells a sentence."""


def spans(text: str, lowered: str) -> Iterator[Span]:
    """Where the values stand; `lowered` is the text in lower case."""
    if any(stem in lowered for stem in STEMS):
        yield from _labelled(text)
        if "-" in text:
            yield from _of(_FLAG, text, _is_of_a_flag)
        if "ENV" in text or "ARG" in text or "setenv" in text:
            yield from _of(_IN_DOCKERFILE, text, _is_named)
        if "</" in text:
            yield from _of(_TAG, text, _is_named)
        if "value" in lowered:
            yield from _of(_PAIR, text, _is_named)
        if "password" in lowered or " is " in text or " was " in text:
            yield from _of(_SPOKEN, text, lambda _, value: _STRONG.fullmatch(value) is not None)
            yield from _of(_ALONE, text, lambda _, value: _STRONG.fullmatch(value) is not None)
            yield from _of(_BEHIND_A_NAME, text, lambda _, value: not _is_no_value(value))
    if "identified" in lowered or "password" in lowered:
        yield from _of(_IN_SQL, text, lambda _, value: not _is_no_value(value))


def _labelled(text: str) -> Iterator[Span]:
    begin = 0
    while found := _LABELLED.search(text, begin):
        span = _value_span(found)
        begin = found.start("before") + 1 if span is None else span[0]
        if span is None:
            continue
        label = text[_start_of_name(text, found.start()) : found.start("close")]
        one = _Labelled(
            label,
            found["sep"],
            bool(found["before"]),
            bool(found["after"]),
            found["bare"] is None,
            text[slice(*span)],
            text[span[1] : span[1] + 40].partition("\n")[0],
        )
        if _is_secret(one):
            yield span
            begin = span[1]


def _of(pattern: re.Pattern[str], text: str, is_secret: Callable[[str, str], bool]) -> Iterator[Span]:
    for found in pattern.finditer(text):
        span = _value_span(found)
        name = found.groupdict().get("name") or ""
        if span and is_secret(name, text[slice(*span)]):
            yield span


def _value_span(found: re.Match[str]) -> Span | None:
    groups = found.groupdict()
    return next(
        (found.span(name) for name in ("double", "single", "escaped", "html", "bare") if groups.get(name)), None
    )


def _start_of_name(text: str, begin: int) -> int:
    first = max(0, begin - 64)
    while begin > first and (text[begin - 1].isalnum() or text[begin - 1] in "_.-"):
        begin -= 1
    return begin


def _is_secret(one: _Labelled) -> bool:
    """Whether the labelled value is a secret rather than a version, a placeholder, prose or a piece of a program."""
    is_variable = one.sep == "=" and not one.has_blank_before and not one.has_blank_after and one.label.isupper()
    if not (names.is_secret(one.label) if is_variable else names.is_clear_label(one.label)):
        is_soft = set(names.words_of(one.label)) & _SOFT and names.is_secret(one.label)
        return bool(is_soft) and _STRONG.fullmatch(one.value) is not None and not _is_harmless(one)
    if values.is_fingerprint(one.value) and names.is_of_a_public_key(one.label):
        return False
    return not _is_harmless(one)


def _is_harmless(one: _Labelled) -> bool:
    value = one.value.strip("\"'")
    if _is_no_value(value) or values.is_path(value) or _is_named_alike(one.label, value):
        return True
    if re.match(r"(?i)[a-z][a-z0-9+.-]*://", value):
        return "webhook" not in one.label.lower()
    if not one.is_quoted and (_REFERENCE.fullmatch(value) or _TYPE.fullmatch(value) or one.rest.startswith(" | None")):
        return True
    return _is_spoken(one, value)


def _is_named_alike(label: str, value: str) -> bool:
    """`token=token`, `credentials = address.credentials`, `NO_CREDENTIALS: errors.NO_CREDENTIALS`."""
    names_in = [text.rstrip(",;)]").lower().rpartition(".")[2] for text in (label, value)]
    return names_in[0] == names_in[1] and re.fullmatch(r"[\w.]+[,;)\]]*", value) is not None


def _is_spoken(one: _Labelled, value: str) -> bool:
    is_made = names.is_machine_made(one.label)
    if value.isdigit():  # `max_tokens: 4096`
        return is_made and len(value) < 10
    is_prose = one.has_blank_after and (one.sep == ":" or one.has_blank_before)
    if is_made and is_prose and re.fullmatch(r"[A-Z_]+[.,;:!?)]*|.", value):
        return True  # `unexpected token: NEWLINE`
    if not is_prose or one.is_quoted or not _WORD.fullmatch(value):
        return False
    # `# password: see vault` is a sentence and `# token: rotate` no token, but `# password: swordfish` may be one
    return bool(re.match(r"[\s,;:.]*[A-Za-z(`'\"]", one.rest)) or (is_made and value.islower() and len(value) <= 12)


def _is_no_value(value: str) -> bool:
    if not re.search(r"[^\W_]", value):  # no letter or digit
        return len(value) < 6 or len(set(value)) < 3
    left = _PLACEHOLDER.sub("", value)
    return (
        not re.search(r"[^\W_]", left)
        or _VERSION.fullmatch(value) is not None
        or _NO_VALUE.fullmatch(value) is not None
    )


def _is_named(name: str, value: str) -> bool:
    return names.is_clear_label(name) and not _is_no_value(value.strip()) and not values.is_path(value.strip())


def _is_of_a_flag(name: str, value: str) -> bool:
    is_label = names.is_clear_label(name) or (name.lower() in ("pass", "pwd", "pat") and _STRONG.fullmatch(value))
    if not is_label or _is_no_value(value) or values.is_path(value) or _METAVAR.fullmatch(value):
        return False
    return _ABOUT_A_FLAG.fullmatch(value) is None and "://" not in value and not _is_named_alike(name, value)
