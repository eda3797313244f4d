"""What an index that refuses us, or does not answer, means to whoever releases."""

from __future__ import annotations

from venvbuild.errors import IndexUnavailable, UsageError
from venvbuild.release.backends import Target
from venvbuild.text import shown


def refused(target: Target, status: int, doing: str, where: str) -> UsageError:
    """401 and 403: which variable, which user. 0: it says so without a status."""
    backend, found = target.backend, target.credentials
    why = f"{f'HTTP {status}' if status else 'it does not know us'} for {doing}"
    why += f" as {found}" if found else " without credentials"
    more = f"; {backend.taken}" if backend.taken and status == 403 else ""
    tokens = " or ".join((*backend.tokens, "PYPI_PASSWORD")[:2])
    users = " or ".join((*backend.users, "PYPI_USERNAME")[:2])
    fix = f"check {found.origin} and the user's name ({users})" if found else f"set {tokens}, and {users}"
    return UsageError(
        f"{backend.title} does not take the credentials", where=where, why=why + more, fix=fix, rule="REFUSED"
    )


def untrusted(target: Target, why: str) -> UsageError:
    """A certificate that nobody here knows the signer of."""
    return UsageError(
        f"the certificate of {shown(target.host)} is not trusted here",
        where=shown(target.index_url, 200),
        why=shown(why, 200),
        fix="give the certificate of its authority: --ca-file FILE",
        rule="UNTRUSTED",
    )


def silent(target: Target, why: str) -> IndexUnavailable:
    """No answer, or one that a retry may cure."""
    return IndexUnavailable(
        f"{target.backend.title} does not answer",
        where=shown(target.index_url, 200),
        why=shown(why, 200),
        fix="run it again; if it lasts, ask who runs the index",
        rule="INDEX_UNAVAILABLE",
    )
