"""Which index counts, with which credentials, and what is told when it refuses them: variables, never their values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from urllib.parse import quote, urlsplit

from venvbuild.errors import UsageError
from venvbuild.redaction import REDACTOR, Address
from venvbuild.settings import Settings

USERNAME, PASSWORD = "VENVBUILD_INDEX_USERNAME", "VENVBUILD_INDEX_PASSWORD"  # names of variables


def with_index(settings: Settings, environ: Mapping[str, str]) -> Settings:
    """The settings with the index that counts, and with the credentials of the two variables where its URL has none.

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
    address, parts = Address(settings.index_url), urlsplit(settings.index_url)
    if environ.get(PASSWORD) and not address.credentials and parts.scheme in ("http", "https"):
        user_info = f"{quote(environ.get(USERNAME, ''), safe='')}:{quote(environ[PASSWORD], safe='')}"
        REDACTOR.hide(environ[PASSWORD])
        url = f"{parts.scheme}://{user_info}@{settings.index_url.partition('://')[2]}"
        REDACTOR.hide_url(url)
        origins = {**settings.origins, "index_url": f"{settings.origins['index_url']} with {PASSWORD}"}
        settings = replace(settings, index_url=url, origins=origins)
    return settings


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
