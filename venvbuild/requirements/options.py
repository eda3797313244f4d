"""Option lines: what each of pip's options is called, and which setting or flag of ours does what it did.

An option that would change what is built is refused, as how and from where to install is the job's setting, not the
file's; one that asks for what holds anyway is accepted and said. The value of an option may be a secret: it is
repeated only as far as `locations.quotable` lets it.
Source: pip's `req_file.SUPPORTED_OPTIONS`, https://pip.pypa.io/en/stable/reference/requirements-file-format/.
"""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from packaging.utils import canonicalize_name

from venvbuild.redaction import strip_credentials
from venvbuild.requirements.faults import Fault
from venvbuild.requirements.lines import Line
from venvbuild.requirements.locations import editable, quotable
from venvbuild.text import shown

_SHORT = {
    "-r": "--requirement",
    "-c": "--constraint",
    "-e": "--editable",
    "-i": "--index-url",
    "-f": "--find-links",
    "-C": "--config-settings",
}
_ALIASES = {"--pypi-url": "--index-url", "--requirements": "--requirement", "--constraints": "--constraint"}
_SWITCHES = ("--no-index", "--pre", "--prefer-binary", "--require-hashes", "--no-deps")
_BUILD_OPTIONS = ("--config-settings", "--global-option", "--build-option", "--install-option")
_KNOWN = (
    *_SHORT.values(), *_SWITCHES, *_BUILD_OPTIONS, "--extra-index-url", "--no-binary", "--only-binary",
    "--trusted-host", "--use-feature", "--hash",
)  # fmt: skip
_OPTION = re.compile(r"--?[A-Za-z][\w-]*|--?")
_SOURCE_IS_LAST = "a wheel that fits is always taken; source is built where there is none and you allow it"
_DEFAULT_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True)
class Sources:
    """Where this run takes packages from; credentials in the URLs are neither compared nor shown."""

    index_url: str = ""
    extra_index_urls: tuple[str, ...] = ()
    find_links: tuple[str, ...] = ()


@dataclass(frozen=True)
class Option:
    """One option of a line."""

    name: str
    """In its long form, `--index-url`; as it was written when pip knows none of that name."""
    value: str
    """Empty when it has none. It may hold a secret."""
    written: str
    """The name as it was written: `-i`."""


@dataclass(frozen=True)
class OptionLine:
    """A line of options."""

    line: Line
    options: tuple[Option, ...]


@dataclass(frozen=True)
class Answer:
    """What becomes of an option line."""

    line: Line
    fault: Fault
    is_note: bool = False
    """Whether it is accepted, and only said."""


def read_options(text: str) -> tuple[Option, ...]:
    """The options of a line that begins with a dash, as pip parts them; `-iURL`, `-i URL` and `--index URL` are one."""
    try:
        words = shlex.split(text)
    except ValueError:  # a quote that is not closed
        words = text.split()
    found: list[Option] = []
    for word in words:
        if word.startswith("-"):
            found.append(_option(word))
        elif found:  # its value, or more of it
            last = found[-1]
            found[-1] = Option(last.name, f"{last.value} {word}".strip(), last.written)
    return tuple(found)


def _option(word: str) -> Option:
    found = _OPTION.match(word)
    written = found[0] if found else "-"
    if written.startswith("--"):
        return Option(_long(written), word[len(written) :].removeprefix("="), written)
    written = written[:2]  # `-rother.txt`
    return Option(_SHORT.get(written, written), word[2:].removeprefix("="), written)


def _long(written: str) -> str:
    name = _ALIASES.get(written, written)
    if name in _KNOWN:
        return name
    begun = [known for known in dict.fromkeys(_KNOWN) if known.startswith(name) and len(name) > 3]
    return begun[0] if len(begun) == 1 else name  # optparse takes what is unambiguous


class Options:
    """All option lines of a file, judged together: a setting takes all values of an option at once."""

    def __init__(self, lines: Sequence[OptionLine], pinned: dict[str, bool], sources: Sources) -> None:
        """`pinned` has the PEP 503 names that the file pins, and whether each has hashes."""
        self._lines, self._pinned, self._sources = lines, pinned, sources

    def answers(self) -> Iterator[Answer]:
        """An answer for each option, in the order of the file."""
        for one in self._lines:
            for option in one.options:
                yield self._answer(one.line, option)

    def _answer(self, line: Line, option: Option) -> Answer:
        if option.name == "--index-url":
            return self._index(line, option)
        if option.name == "--require-hashes":
            return self._require_hashes(line, option)
        if option.name in ("--extra-index-url", "--find-links"):
            return self._further_source(line, option)
        if option.name == "--no-binary":
            return Answer(line, self._no_binary(option))
        if option.name == "--constraint":
            return Answer(line, _constraint(line, option))
        if option.name == "--requirement":
            return Answer(line, nested(option, "only its name is here", _compiled(line)))
        if option.name == "--editable":
            return Answer(line, editable(option.value))
        return Answer(line, _constant(option))

    def _index(self, line: Line, option: Option) -> Answer:
        if _same_url(option.value, self._sources.index_url):
            return _note(line, "INDEX_IN_USE", f"{option.written} names the index in use")
        others = [found.value for found, _ in self._all("--index-url")]
        if others and option.value != others[-1]:
            fix = "remove the line: a later one names another index, and pip follows that"
        else:
            fix = f"remove the line; to ask that index, build with --index-url {_filled([option.value], 'URL')}"
            fix += _credentials_belong(option.value)
        why = "the index is the job's setting, so that a file cannot send a build elsewhere"
        return Answer(line, _refused(option, why, fix))

    def _further_source(self, line: Line, option: Option) -> Answer:
        is_index = option.name == "--extra-index-url"
        in_use = self._sources.extra_index_urls if is_index else self._sources.find_links
        is_same = _same_url if is_index else _same_place
        given = [_source(at, found.value) for found, at in self._all(option.name)]
        mine = _source(line, option.value)
        if any(is_same(mine, one) for one in in_use):
            return _note(line, "INDEX_IN_USE", f"{option.written} names a place that is in use")
        flag = "--extra-index-urls" if is_index else "--find-links"
        missing = [one for one in dict.fromkeys(given) if not any(is_same(one, other) for other in in_use)]
        placeholder = "URL" if is_index else "FOLDER"
        if list(map(strip_credentials, in_use)) == list(in_use):
            fix = f"remove the line and build with {flag} {_filled([*in_use, *missing], placeholder)}"
        else:  # the flag would take the place of those that have credentials
            variable = "VENVBUILD_" + flag.removeprefix("--").replace("-", "_").upper()
            fix = f"remove the line and add {_filled(missing, placeholder)} to {variable}"
        why = "where packages come from is the job's setting"
        return Answer(line, _refused(option, why, fix + _credentials_belong(option.value)))

    def _all(self, name: str) -> list[tuple[Option, Line]]:
        return [(option, one.line) for one in self._lines for option in one.options if option.name == name]

    def _require_hashes(self, line: Line, option: Option) -> Answer:
        # where some have hashes, the lines without are refused each
        if not self._pinned or any(self._pinned.values()):
            return _note(line, "HASHES_REQUIRED", f"{option.written} asks for what is done anyway")
        why = "no pin of the file has one"
        fix = f"remove the line: the build checks the hashes of its lock; or add them: {_compiled(line)}"
        return Answer(line, _refused(option, why, fix))

    def _no_binary(self, option: Option) -> Fault:
        names = [canonicalize_name(word) for word in option.value.replace(",", " ").split() if ":" not in word]
        flags = " ".join(f"--allow-sdist {name}" for name in names if name in self._pinned)
        fix = f"remove the line and build with {flags}" if flags else "remove the line"
        if not flags or len(names) > flags.count("--"):
            fix += "; a package of this file is built from source with --allow-sdist NAME"
        return _refused(option, _SOURCE_IS_LAST, shown(fix, 250))


def of_requirement(text: str, pin: str) -> Fault:
    """The fault of an option behind a requirement; `text` is the option with its value, `pin` the requirement."""
    option, *_ = read_options(text)
    written = shown(option.name, 40)
    if option.name == "--no-binary":
        name = canonicalize_name(re.split(r"[^\w.-]", pin, maxsplit=1)[0])
        return _refused(
            option, _SOURCE_IS_LAST, f"write the line without {written}, and build with --allow-sdist {name}"
        )
    if option.name not in _BUILD_OPTIONS:
        return replace(_constant(option), fix=f"write the line without {written}: builds have no such setting")
    command = f"pip wheel --no-deps {option.written} ... -w wheels {shlex.quote(shown(pin, 80))}"
    return _refused(
        option,
        "a package is installed from its wheel, or built with its defaults",
        f"write the line without {written}; where the build needs it, make the wheel with it: {command}, and build "
        "with --find-links wheels",
    )


def nested(option: Option, why: str, fix: str) -> Fault:
    """The fault of a line that includes another file which is not read."""
    return Fault("NESTED_FILE", f"{option.written} names another file", why, fix)


def _constraint(line: Line, option: Option) -> Fault:
    why = "it limits what is chosen, and a build is made from what was chosen"
    place = quotable(_placed(line, option.value)) if option.value else ""
    if "://" in option.value:
        return nested(option, why, f"fetch it into a file, and pin both into one: {_compiled(line, 'FILE')}")
    return nested(option, why, f"pin both into one file: {_compiled(line, place or 'FILE')}")


def _compiled(line: Line, constraints: str = "") -> str:
    """The command that pins the file of `line` anew, beside it, and what to do with that."""
    limited = f" -c {shlex.quote(constraints)}" if constraints else ""
    return f"venvbuild compile {shlex.quote(line.file)}{limited} -o pinned.txt, and build with -r pinned.txt"


def _constant(option: Option) -> Fault:
    why, fix = _CONSTANT.get(
        option.name,
        (
            "a requirements file says what to install; how is the job's setting",
            "remove it: builds have no such setting",
        ),
    )
    if option.name == "--hash":
        return Fault("OPTION", "--hash stands on a line of its own", why, fix)
    return _refused(option, why, fix)


_CONSTANT: dict[str, tuple[str, str]] = {
    "--hash": ("a hash belongs to the requirement before it", "end the line above with a backslash"),
    "--pre": (
        "a pin of a pre-release is taken as it is",
        "remove the line; to have a pre-release, pin it: name==1.0rc1",
    ),
    "--prefer-binary": ("builds install wheels only", "remove the line: it holds anyway"),
    "--only-binary": (
        "builds install wheels only",
        "remove the line: it holds for every package that --allow-sdist does not name",
    ),
    "--no-index": (
        "a build always asks an index",
        "remove the line; an index of your own is set with --index-url, folders of wheels with --find-links",
    ),
    "--trusted-host": (
        "certificates are always checked; there is no setting to trust a host without",
        "remove the line; the certificate of your own authority is named with PIP_CERT=FILE",
    ),
    "--no-deps": ("what a pin needs is always installed", "remove it: builds have no such setting"),
} | dict.fromkeys(
    _BUILD_OPTIONS,
    (
        "a package is installed from its wheel, or built with its defaults",
        "remove the line; where a build needs it, make that wheel by pip wheel and build with --find-links FOLDER",
    ),
)


def _refused(option: Option, why: str, fix: str) -> Fault:
    return Fault("OPTION", f"the option {shown(option.written, 40)} stands in the file", why, fix)


def _note(line: Line, rule: str, what: str) -> Answer:
    return Answer(line, Fault(rule, what, "it changes nothing", "nothing to do; the line may go"), is_note=True)


def _filled(values: Sequence[str], placeholder: str) -> str:
    """The values as one word of a command; a placeholder stands for each that is not to be shown, or has blanks."""
    shown_values = (quotable(value) for value in values)
    return shlex.quote(" ".join(placeholder if not value or " " in value else value for value in shown_values))


def _credentials_belong(url: str) -> str:
    return "; its credentials belong into a netrc file" if strip_credentials(url) != url else ""


def _source(line: Line, place: str) -> str:
    """A URL, or a path from where the file was named from; pip looks beside the file first, and then here."""
    beside = _placed(line, place)
    return place if not os.path.exists(beside) and os.path.exists(place) else beside


def _placed(line: Line, place: str) -> str:
    """A path of the file of `line` as seen from where the file was named from; a URL as it is."""
    if "://" in place:
        return place
    return os.path.normpath(os.path.join(os.path.dirname(line.file), place))


def _same_url(one: str, other: str) -> bool:
    return bool(one) and _normal(one) == _normal(other)


def _same_place(one: str, other: str) -> bool:
    if "://" in one or "://" in other:
        return _same_url(one, other)
    return os.path.abspath(one) == os.path.abspath(other)


def _normal(url: str) -> tuple[str, str, int | None, str, str]:
    """What makes two URLs name one index: `https://Host:443/simple/` is `https://host/simple`."""
    bare = strip_credentials(url)
    try:
        parts = urlsplit(bare)
        port = parts.port or _DEFAULT_PORTS.get(parts.scheme)
        return parts.scheme, parts.hostname or "", port, parts.path.rstrip("/"), parts.query
    except ValueError:
        return "", bare, None, "", ""
