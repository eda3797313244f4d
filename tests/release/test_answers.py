"""What twine says of an upload, and what can be made of it."""

from __future__ import annotations

import pytest

from venvbuild.release.answers import Kind, of_twine


@pytest.mark.parametrize(
    ("exit_code", "output", "kind", "status"),
    [
        (0, "Uploading a-1.0.whl\n", Kind.TAKEN, 200),
        # Seen of twine 7.0 against devpi and pypiserver.
        (
            1,
            "ERROR    HTTPError: 401 Unauthorized from http://h/alice/prod/\n         Unauthorized\n",
            Kind.REFUSED,
            401,
        ),
        (1, "ERROR    HTTPError: 409 Conflict from http://h/alice/prod/\n", Kind.DOUBTFUL, 409),
        (1, "ERROR    HTTPError: 400 Bad Request from http://h/\n", Kind.DOUBTFUL, 400),
        (1, "ERROR    HTTPError: 413 Request Entity Too Large from http://h/\n", Kind.REFUSED, 413),
        (1, "ERROR    HTTPError: 503 Service Unavailable from http://h/\n", Kind.DOUBTFUL, 503),
        (1, "ERROR    RedirectDetected: http://h/ attempted to redirect to http://g/\n", Kind.REDIRECTED, 0),
        (1, "requests.exceptions.SSLError: ... [SSL: CERTIFICATE_VERIFY_FAILED] ...", Kind.UNTRUSTED, 0),
        (1, "requests.exceptions.ConnectionError: ... [Errno 111] Connection refused'))", Kind.UNREACHABLE, 0),
        (1, "NameResolutionError(... Failed to resolve 'nohost' ([Errno -2] ...", Kind.UNREACHABLE, 0),
        (1, "ConnectionError: ('Connection aborted.', ConnectionResetError(104, 'reset by peer'))", Kind.DOUBTFUL, 0),
        (1, "", Kind.DOUBTFUL, 0),
    ],
)
def test_an_answer_is_read_from_what_twine_says(exit_code: int, output: str, kind: Kind, status: int) -> None:
    found = of_twine(exit_code, output)
    assert (found.kind, found.status) == (kind, status)
    # What may have been stored is looked for until the bound.
    assert found.is_open == (kind in (Kind.TAKEN, Kind.DOUBTFUL))
    assert found.status or found.said
