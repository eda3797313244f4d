"""Which index counts, with which credentials, and what is told when it refuses them: variables, never their values."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from urllib.parse import quote, urlsplit

from venvbuild import retrying
from venvbuild.errors import IndexUnavailable, UsageError
from venvbuild.redaction import REDACTOR, Address
from venvbuild.settings import Settings

USERNAME, PASSWORD = "VENVBUILD_INDEX_USERNAME", "VENVBUILD_INDEX_PASSWORD"  # names of variables


def with_index(settings: Settings, environ: Mapping[str, str]) -> Settings:
    """The settings with the index that counts, and with credentials where its URL lacks them: those of a URL of the
    same scheme, host and port in PROGET_URL or VENVBUILD_INDEX_URL, and the two variables. A URL with a user alone gets
    its password from the variable.

    With `proget_url` no other index and no links count.

    Raises:
        UsageError: there is a password, and nobody named the index that it is for.
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
    elif environ.get(PASSWORD) and settings.origins["index_url"] == "default":
        raise _for_nobody(Address(settings.index_url).place)
    found = _credentials(settings.index_url, environ)
    if found is None:
        return settings
    variable, credentials = found
    scheme, _, rest = Address(settings.index_url).asked.partition("://")
    url = f"{scheme}://{':'.join(quote(part, safe='') for part in credentials)}@{rest}"
    REDACTOR.hide(credentials[1])
    REDACTOR.hide_url(url)
    origins = {**settings.origins, "index_url": f"{settings.origins['index_url']} with {variable}"}
    return replace(settings, index_url=url, origins=origins)


def _for_nobody(place: str) -> UsageError:
    return UsageError(
        f"{PASSWORD} is set, and nobody named the index that it is for",
        where="PROGET_URL",
        why=f"without one packages come from {place}, which must not get it; an empty variable, or Azure's text "
        "$(NAME) of one that is not defined, counts as unset",
        fix=f"set PROGET_URL, or write --proget-url URL; or unset {PASSWORD}",
        rule="NO_INDEX_NAMED",
    )


def _credentials(url: str, environ: Mapping[str, str]) -> tuple[str, tuple[str, str]] | None:
    """The variable, and what `url` gets by it; None where the URL has its own, or nobody has any."""
    address, scheme = Address(url), urlsplit(url).scheme
    if scheme not in ("http", "https"):
        return None
    variable, (user, password) = "", address.credentials or ("", "")
    for name in () if address.credentials else ("PROGET_URL", "VENVBUILD_INDEX_URL"):
        with contextlib.suppress(ValueError):  # one that is no URL is told by whoever asks it
            other = Address(environ.get(name, ""))
            is_same = (urlsplit(other.url).scheme, other.place) == (scheme, address.place)
            if is_same and other.credentials:
                variable, (user, password) = name, other.credentials
                break
    if not password and environ.get(PASSWORD):
        variable, user, password = PASSWORD, user or environ.get(USERNAME, ""), environ[PASSWORD]
    return (variable, (user, password)) if variable else None


@contextmanager
def refusals_named(settings: Settings) -> Iterator[None]:
    """An index that refuses, or is none, is told with the variable that its credentials and its URL came from; one that
    does not answer, with how often it was asked.
    """
    try:
        yield
    except IndexUnavailable as error:
        if error.is_final:
            raise
        asked = f"asked {1 + len(retrying.DELAYS_S)} times"
        tried = [replace(one, why=f"{one.why}; {asked}" if one.why else asked) for one in error.problems]
        raise IndexUnavailable.of(tried) from error
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
