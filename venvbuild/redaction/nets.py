"""What a redactor catches secrets with: the values that this run knows, and the shapes that secrets have."""

from __future__ import annotations

import json
import netrc
import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from urllib.parse import unquote, urlsplit

from venvbuild.redaction import labels, names, shapes, values
from venvbuild.redaction.addresses import user_info_of
from venvbuild.redaction.forms import Secret, Span

# Whoever lists a name in VENVBUILD_SECRET_NAMES has decided; below this every line would be full of masks.
_MIN_LISTED = 4
_MAX_DEPTH = 20  # of JSON in a variable
# The end of a line within a wrapped word, with what programs put before the rest of it.
_BREAK = re.compile(r"\\?\r?\n[ \t]*(?:[|│┃>#][ \t]+)?")


class Nets:
    """Known values and shapes; the methods are those of `Redactor`."""

    def __init__(self) -> None:
        self._known: dict[str, Secret] = {}

    def hide(self, *secrets: str) -> None:
        """Remember values that must never be shown, in whatever form; not those that are ordinary words."""
        for secret in secrets:
            if len(secret) >= values.MIN_LENGTH and not values.is_ordinary(secret):
                self._remember(secret)

    def hide_url(self, url: str) -> None:
        """Hide the user info of `url`: password, `user:password`, or a lone token."""
        user_info = user_info_of(url)
        user, _, password = user_info.partition(":")
        if password:
            self.hide(unquote(password), password, f"{unquote(user)}:{unquote(password)}")
        # A lone token. In ssh://git@host it is the name that everybody uses.
        elif user and url.startswith(("http://", "https://")):
            self.hide(unquote(user), user, f"{unquote(user)}:")

    def hide_environment(self, environ: Mapping[str, str]) -> None:
        """Hide the values of variables that are named like secrets or listed, and what is secret in those of others."""
        listed = names.listed(environ.get(names.LISTED, ""))
        for name, value in environ.items():
            if listed and names.matches(name, listed) and len(value) >= _MIN_LISTED:
                self._remember(value)
            if "://" in value:
                for word in re.split(r"\s+|,(?=[\w+.-]+://)", value):
                    self.hide_url(word)
            if names.is_secret(name) and not _is_harmless(name, value):
                self.hide(value)
                self.hide(*_address_of_webhook(value))
            if names.is_connection(name):
                self.hide(*_user_info_without_scheme(value))
            self.hide(*filter(values.can_be_told, (*_labelled(value), *_in_json(value))))

    def hide_netrc(self, path: Path) -> None:
        """Hide the passwords of a netrc file; one that is absent or cannot be read has nothing to hide."""
        try:
            hosts = netrc.netrc(str(path)).hosts
        except (OSError, netrc.NetrcParseError, UnicodeDecodeError):
            return
        for login, _account, password in hosts.values():
            self.hide(password or "", f"{login}:{password}")

    def redact(self, text: str, mask: str) -> str:
        """`text` with every known or secret-shaped part replaced by `mask`."""
        spans = [*self._known_spans(text), *shapes.spans(text)]
        return _masked(text, spans, mask) if spans else text

    def finds_for_sure(self, text: str) -> bool:
        """Whether a known secret is in `text` that nobody would write by chance."""
        return any(next(known.spans(text), None) is not None for known in self.secrets)

    def first_marked(self, text: str) -> int:
        """Where in `text` the first known secret stands, or the first that its maker marked; -1: nowhere."""
        known = (span for one in self.secrets for span in one.spans(text))
        return min((begin for begin, _ in (*known, *shapes.marked_spans(text))), default=-1)

    def may_find_in_a_line_of(self, text: str) -> bool:
        """Whether it is worth asking of each line of `text`; false for most files."""
        return shapes.may_stand_in_a_line_of(text) or self.finds_for_sure(text)

    def may_go_on(self, text: str) -> bool:
        """Whether `text` ends within a known secret, so that the next line may have the rest."""
        return any(_ends_within(text, form) for known in self._known.values() for form in known.beginnings)

    @property
    def secrets(self) -> tuple[Secret, ...]:
        """The known secrets that mean something where they are found, for the leak gate."""
        return tuple(known for known in self._known.values() if values.can_be_told(known.value))

    def _remember(self, secret: str) -> None:
        self._known.setdefault(secret, Secret(secret))
        parts = [piece for piece in _in_json(secret) if piece != secret]
        # One of several lines is hidden line by line too; of JSON what its fields hold.
        lines = (
            () if parts else sorted({line.strip() for line in secret.splitlines()} - {secret}, key=len, reverse=True)
        )
        telling = [
            line for line in lines if values.can_be_told(line) and " " not in line and not line.startswith("---")
        ]
        for index, line in enumerate(telling):
            self._known.setdefault(line, Secret(line, has_base64=False, is_minor=index >= 3))
        self.hide(*parts)

    def _known_spans(self, text: str) -> Iterator[Span]:
        if not self._known:
            return
        for known in self._known.values():
            yield from known.spans(text)
        if "\n" in text:
            yield from self._across_lines(text)

    def _across_lines(self, text: str) -> Iterator[Span]:
        """Where known secrets stand that were wrapped; a piece in each line."""
        pieces, begins, offsets, length = list[str](), list[int](), list[int](), 0
        at = 0
        for found in (*_BREAK.finditer(text), None):
            piece = text[at : found.start() if found else len(text)]
            pieces.append(piece)
            begins.append(length)
            offsets.append(at)
            length += len(piece)
            at = found.end() if found else at
        joined = "".join(pieces)
        for known in self._known.values():
            for begin, end in known.spans(joined):
                for index in range(bisect_right(begins, begin) - 1, bisect_right(begins, end - 1)):
                    first = max(begin, begins[index]) - begins[index]
                    last = min(end - begins[index], len(pieces[index]))
                    if first < last:
                        yield offsets[index] + first, offsets[index] + last


def _masked(text: str, spans: list[Span], mask: str) -> str:
    parts, at = list[str](), 0
    spans.sort()
    begin, end = spans[0]
    for first, last in (*spans[1:], (len(text) + 1, len(text) + 1)):
        if first <= end:
            end = max(end, last)
            continue
        parts += [text[at:begin], mask]
        at, begin, end = end, first, last
    return "".join([*parts, text[at:]])


def _ends_within(text: str, form: str) -> bool:
    if not text:
        return False
    longest = min(len(form) - 1, len(text))
    index = form.find(text[-1])
    while 0 <= index < longest:
        if text.endswith(form[: index + 1]):
            return True
        index = form.find(text[-1], index + 1)
    return False


def _is_harmless(name: str, value: str) -> bool:
    is_public = values.is_fingerprint(value) and names.is_of_a_public_key(name)
    if "HOOK" in names.words_of(name) and "://" not in value:
        return True
    return is_public or values.is_plain(value) or (value.isdigit() and names.is_machine_made(name) and len(value) < 10)


def _address_of_webhook(value: str) -> Iterator[str]:
    """The part of a webhook's address that is its key: HTTP libraries tell it without the host."""
    if value.startswith(("http://", "https://")):
        try:
            parts = urlsplit(value)
        except ValueError:
            return
        last = parts.path.rpartition("/")[2]
        yield from (part for part in (parts.path, last) if len(part) >= 12 and values.can_be_told(part))


def _user_info_without_scheme(value: str) -> Iterator[str]:
    """Of `user:password@tcp(host:3306)/db` and `user/password@//host:1521/db`."""
    if found := re.search(r"(?:^|:)([^\s:/@]+)[:/]([^\s@/]+)@", value):
        yield found[2]


def _labelled(value: str) -> Iterator[str]:
    """What is labelled as a secret within a value: `-Dpassword=x`, `Server=h;Pwd=x`."""
    if "=" in value or ":" in value:
        for begin, end in labels.spans(value, value.lower()):
            yield value[begin:end]


def _in_json(value: str) -> Iterable[str]:
    if not value.lstrip().startswith(("{", "[")):
        return ()
    try:
        return tuple(_named_in(json.loads(value), "", 0))
    except (ValueError, RecursionError):
        return ()


def _named_in(part: object, name: str, depth: int) -> Iterator[str]:
    if depth > _MAX_DEPTH:
        return
    if isinstance(part, str):
        if names.is_secret(name) and not _is_harmless(name, part):
            yield part
            yield from shapes.user_and_password(part)
    elif isinstance(part, list):
        for one in part:
            yield from _named_in(one, name, depth + 1)
    elif isinstance(part, dict):
        for key, one in part.items():
            yield from _named_in(one, str(key), depth + 1)
