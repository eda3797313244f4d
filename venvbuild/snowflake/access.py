"""Which index counts, with which credentials, and what is told when it refuses them: variables, never their values."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from urllib.parse import quote, urlsplit

from venvbuild.errors import UsageError
from venvbuild.redaction import REDACTOR, Address
from venvbuild.settings import Settings

USERNAME, PASSWORD = "VENVBUILD_INDEX_USERNAME", "VENVBUILD_INDEX_PASSWORD"  # names of variables


def with_index(settings: Settings, environ: Mapping[str, str]) -> Settings:
    """The settings with the index that counts, and with credentials where its URL has none: those of a URL of the same
    scheme, host and port in PROGET_URL or VENVBUILD_INDEX_URL, else those of the two variables.

    With `proget_url` no other index and no links count.
    """
    if settings.proget_url:
        settings = replace(
            settings,
            index_url=settings.proget_url,
            extra_index_urls=(),
            find_links=(),
            notes=(),
            origins={**settings.origins, "index_url": settings.origins["proget_url"]},
        )
    found = _credentials(settings.index_url, environ)
    if found is None:
        return settings
    variable, credentials = found
    scheme, _, rest = settings.index_url.partition("://")
    url = f"{scheme}://{':'.join(quote(part, safe='') for part in credentials)}@{rest}"
    REDACTOR.hide(credentials[1])
    REDACTOR.hide_url(url)
    origins = {**settings.origins, "index_url": f"{settings.origins['index_url']} with {variable}"}
    return replace(settings, index_url=url, origins=origins)


def _credentials(url: str, environ: Mapping[str, str]) -> tuple[str, tuple[str, str]] | None:
    """The variable, and what it has for `url`; None where the URL has its own, or nobody has any."""
    address, scheme = Address(url), urlsplit(url).scheme
    if address.credentials or scheme not in ("http", "https"):
        return None
    for variable in ("PROGET_URL", "VENVBUILD_INDEX_URL"):
        with contextlib.suppress(ValueError):  # one that is no URL is told by whoever asks it
            other = Address(environ.get(variable, ""))
            is_same = (urlsplit(other.url).scheme, other.place) == (scheme, address.place)
            if is_same and other.credentials:
                return variable, other.credentials
    return (PASSWORD, (environ.get(USERNAME, ""), environ[PASSWORD])) if environ.get(PASSWORD) else None


@contextmanager
def refusals_named(settings: Settings) -> Iterator[None]:
    """An index that refuses, or is none, is told with the variable that its credentials and its URL came from."""
    try:
        yield
    except UsageError as error:
        if not {"INDEX_REFUSES", "WRONG_INDEX"} & {problem.rule for problem in error.problems}:
            raise
        origin = settings.origins["index_url"]
        has_some = bool(Address(settings.index_url).credentials)
        said = f"the credentials of {origin} are not accepted" if has_some else "no credentials are given, or netrc's"
        fix = (
            f"correct them: {USERNAME} and {PASSWORD}, or the URL in the environment (PROGET_URL)"
            if has_some
            else f"set {USERNAME} and {PASSWORD}, or write them into the URL in the environment (PROGET_URL) or netrc"
        )
        wrong = f"correct the index URL ({origin}); it ends in /simple on most servers"
        told = {"INDEX_REFUSES": (said, fix), "WRONG_INDEX": ("", wrong)}
        problems = []
        for one in error.problems:
            why, way = told.get(one.rule, ("", one.fix))
            problems.append(replace(one, why=why or one.why, fix=way))
        raise UsageError.of(problems) from error
