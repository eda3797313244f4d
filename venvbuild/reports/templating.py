"""The templates of pages, and the one way to fill them in: what comes from outside is text and never mark-up."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from venvbuild import __version__
from venvbuild.reports import words
from venvbuild.text import count_text, size_text

if TYPE_CHECKING:
    from jinja2 import Environment

_LINKED = ("http", "https")


def fill(template: str, **values: Any) -> str:
    """The text of the page that `templates/<template>` makes of the values."""
    return environment().get_template(template).render(values)


@functools.cache
def environment() -> Environment:
    """Escapes everything, whatever a template is called; a name that was not given is an error."""
    from jinja2 import Environment, PackageLoader, StrictUndefined  # 60 ms, which only pages need

    made = Environment(
        loader=PackageLoader("venvbuild.reports"),
        # Jinja2 by itself escapes nothing, and prints nothing for a name that is misspelt
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    made.filters.update(
        size=size_text, counted=count_text, tenths="{:.1f}".format, moment=words.moment, duration=words.duration
    )
    made.tests["followable"] = is_followable
    made.globals["version"] = __version__
    return made


def is_followable(address: str) -> bool:
    """Whether a page may lead there: some schemes run what follows them, and browsers open no `s3:`, nor `file:` from
    a page that a server gave them.
    """
    try:
        return urlsplit(address).scheme in _LINKED
    except ValueError:
        return False
